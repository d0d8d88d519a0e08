"""The two state maps in memory, derived from the table of changes and moved forward from seal to seal.

maps = Maps(fold)
maps.advance(changes)          # changes in the order of positions
maps.public.root()
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ledger.statemap import StateMap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.fold import Fold

BEGINNING = b""
"""Before every position."""


@dataclass(frozen=True, slots=True)
class MapRoots:
    """Both roots, with the private map's count (it goes into the seal's salted hash)."""

    public: bytes
    private: bytes


class StoredChange(NamedTuple):
    """A change as it is stored: encoded value, position, and whose it is."""

    key: bytes
    position: bytes
    value: bytes
    private: bool
    holder: str | None


class Maps:
    """Public and private map as of a position. Not safe to share between threads without a lock."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self.public = StateMap()
        self.private = StateMap()
        self.position = BEGINNING

    def advance(self, changes: Iterable[StoredChange]) -> None:
        """Apply changes, which come in the order of their positions; all of them, or none where reading them fails."""
        public: dict[bytes, bytes] = {}
        private: dict[bytes, bytes] = {}
        position = self.position
        for change in changes:
            value = self._fold.map_value(
                change.key, change.position, change.value, private=change.private, holder=change.holder
            )
            (private if change.private else public)[change.key] = value
            position = max(position, change.position)
        if public:
            self.public.set_many(public.items())
        if private:
            self.private.set_many(private.items())
        # Moved last: what a cut connection kept from being read is read again.
        self.position = position

    def roots(self) -> MapRoots:
        """Return both roots."""
        return MapRoots(self.public.root(), self.private.root())
