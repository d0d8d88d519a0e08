"""The two state maps in memory, derived from the table of changes and moved forward from seal to seal.

maps = Maps(fold)
maps.advance(changes)          # changes in the order of positions
maps.public.root()
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.changes import decode_changes
from ledger.facts import is_private
from ledger.statemap import StateMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.changes import StoredChange
    from ledger.fold import Fold

BEGINNING = b""
"""Before every position."""


@dataclass(frozen=True, slots=True)
class MapRoots:
    """Both roots, with the private map's count (it goes into the seal's salted hash)."""

    public: bytes
    private: bytes


@dataclass(slots=True)
class Step:
    """What moves both maps from one position to a later one.

    Attributes:
        position: where the maps stand after it.
        public: values by key, as the public map holds them.
        private: the same of the private map.
    """

    position: bytes
    public: dict[bytes, bytes] = field(default_factory=dict)
    private: dict[bytes, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.public) + len(self.private)

    def extend(self, later: Step) -> None:
        """Go on by another step, which begins where this one ends."""
        self.position = later.position
        self.public.update(later.public)
        self.private.update(later.private)


class Maps:
    """Public and private map as of a position. Not safe to share between threads without a lock."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self.public = StateMap()
        self.private = StateMap()
        self.position = BEGINNING

    def step(self, changes: Iterable[StoredChange]) -> Step:
        """Return the step that these changes make, in the order of their positions; the maps stay where they are."""
        step = Step(self.position)
        public, private = step.public, step.private
        map_value = self._fold.map_value
        position = self.position
        for key, position, value, private_one, holder in changes:
            if private_one:
                private[key] = map_value(key, position, value, private=True, holder=holder)
            else:
                public[key] = value
        step.position = max(self.position, position)
        return step

    def load(self, parts: Iterable[Sequence[tuple[bytes, bytes]]]) -> None:
        """Fill empty maps from rows of changes, (position, facts), in the order of positions, a part at a time.

        So many facts as a log has would not fit into memory as Python's objects.
        """
        for rows in parts:
            hidden = [row for row in rows if is_private(row[0])]
            public = [row for row in rows if not is_private(row[0])] if hidden else rows
            if not self.public.gather([facts for _, facts in public]):
                self.public.settle()
                self.public.set_many((one.key, one.value) for row in public for one in decode_changes(*row))
            if hidden:
                private = (one for row in hidden for one in decode_changes(*row))
                self.private.set_many(self.step(private).private.items())
            self.position = rows[-1][0]
        self.public.settle()

    def copy(self) -> Maps:
        """Return maps of their own at the same position."""
        other = Maps(self._fold)
        other.public, other.private, other.position = self.public.copy(), self.private.copy(), self.position
        return other

    def move(self, step: Step) -> None:
        """Go one step."""
        if step.public:
            self.public.set_many(step.public.items())
        if step.private:
            self.private.set_many(step.private.items())
        self.position = step.position

    def advance(self, changes: Iterable[StoredChange]) -> None:
        """Apply changes, which come in the order of their positions; all of them, or none where reading them fails."""
        # Moved last: what a cut connection kept from being read is read again.
        self.move(self.step(changes))

    def roots(self) -> MapRoots:
        """Return both roots."""
        return MapRoots(self.public.root(), self.private.root())
