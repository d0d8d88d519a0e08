"""Seals: appended by any process, under the head lock, unless there is one already.

A seal is due a second after a public record, and on the minute in any case: so a seal never tells of private activity.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import cbor
from ledger.document import Document, decode_document, encode_document
from ledger.edge import Edge
from ledger.errors import CorruptError
from ledger.facts import private_position, public_position
from ledger.fold import RULES_KEY, Fold
from ledger.maps import BEGINNING, Maps, Step
from ledger.merkle import leaf_hash, root
from ledger.privateleaf import encode_private_leaf
from ledger.record import sign_record
from ledger.seal import Seal, blinded_root, encode_seal
from ledger.store.rows import Batch, Head, StoredEntry
from ledger.tail import Tail, next_position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ledger.changes import StoredChange
    from ledger.clock import Clock
    from ledger.keys import LogKeys
    from ledger.store import Append, Store

SEAL_AFTER_MS = 1_000
BEAT_MS = 60_000
STEP_MAX = 200_000
"""How many changed facts are kept for those that move their maps to the seal."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The seal that this process wrote last, and the step that leads to it from a position."""

    index: int
    root: bytes
    after: bytes
    step: Step


class Sealer:
    """Seals one log in one process.

    Args:
        store: the tables.
        fold: rules, secret and origin.
        keys: the log's keys.
        clock: the process's clock.
        seal_after_ms: how long after a public record a seal is due.
    """

    def __init__(self, store: Store, fold: Fold, keys: LogKeys, clock: Clock, seal_after_ms: int) -> None:
        self._store = store
        self._fold = fold
        self._keys = keys
        self._origin = fold.origin
        self._clock = clock
        self._seal_after_ms = seal_after_ms
        self._maps = Maps(fold)
        self._sealing = threading.Lock()
        self._tail = Tail()
        self._reach = b""
        self._moved = Step(b"")
        self._moved_after = b""
        self._sealed: Sealed | None = None

    def seal_if_due(self) -> int | None:
        """Append a seal where one is due; return its index, None where none was.

        Due is one a second after a public record, and on the minute in any case: so a seal never tells of private
        activity.
        """
        head = self._store.head()
        if head is None or not self._seal_due(head, self._clock.now_ms()):
            return None
        return self._seal(only_if_due=True)

    def _seal_due(self, head: Head, now_ms: int) -> bool:
        if head.unsealed_since_ms is not None and now_ms - head.unsealed_since_ms >= self._seal_after_ms:
            return True
        return now_ms // BEAT_MS > head.seal_time_ms // BEAT_MS

    def seal(self) -> int:
        """Append a seal now and return its index; where nothing came since the last one, that one's."""
        index = self._seal(only_if_due=False)
        if index is None:
            raise CorruptError("this database has no log yet", expected="a genesis")
        return index

    def _seal(self, *, only_if_due: bool) -> int | None:
        with self._sealing:
            # Most of the maps' work happens before the lock; only the tail is left under it.
            head = self._store.head()
            if head is None:
                return None
            if self._maps.position == BEGINNING:
                self._load(public_position(head.size))
            if not self._follow():
                self._advance(self._store.facts_between(self._maps.position, public_position(head.size)))
            with self._store.append() as append:
                head = append.head()
                if head is None:
                    return None
                time_ms = self._clock.batch_time(append, head.time_ms)
                if only_if_due and not self._seal_due(head, time_ms):
                    return None
                if head.unsealed_since_ms is None and head.private_count == 0 and not only_if_due:
                    return head.seal_index
                index = self.write_seal(append, head, time_ms)
            # Behind the commit: a seal that was not written must not count as a place that the maps have reached.
            self._reach = private_position(index + 1, 0)
            return index

    def write_seal(self, append: Append, head: Head, time_ms: int) -> int:
        """Write a seal under the caller's lock and return its index; nothing counts before the caller's commit."""
        self._follow()
        if self._reach != next_position(head):
            self._advance(append.facts_after(self._maps.position))
            self._reach = next_position(head)
        index = head.size
        private_leaves = [
            encode_private_leaf(one.size, one.time_ms, one.statement)
            for one in append.private_since(head.seal_index + 1)
        ]
        roots = self._maps.roots()
        salt = self._keys.replay.salt
        seal = Seal(
            since=head.seal_index + 1,
            size=index,
            time_ms=time_ms,
            times=tuple(append.runs_of_times(head.seal_index + 1)),
            public_root=roots.public,
            private_root=blinded_root(salt("private_root", index), roots.private, 0),
            private_records_root=blinded_root(
                salt("private_records_root", index),
                root([leaf_hash(leaf) for leaf in private_leaves]),
                len(private_leaves),
            ),
            rules=self._fold.rulebook_at(self._rules(append), index).version,
        )
        document = decode_document(encode_document(id=f"seal-{index}", body=encode_seal(seal)))
        statement = self.own_record("seal", document, time_ms)
        edge, tiles = Edge.decode(head.size, head.edge).append([leaf_hash(statement)])
        append.write(
            Batch(
                entries=[StoredEntry(index, statement, document.hash, time_ms, is_seal=True)],
                documents=[(document.hash, document.data)],
                tiles=tiles,
                seals=[(index, edge.root(), time_ms)],
            ),
            Head(edge.size, edge.encode(), time_ms, index, time_ms, None, 0),
        )
        self._sealed = Sealed(index, edge.root(), self._moved_after, self._moved)
        self._moved_after, self._moved = self._maps.position, Step(self._maps.position)
        return index

    def appended(self, before: Head, after: Head, changes: Sequence[StoredChange]) -> None:
        """Take what this process has just committed between two heads, so that it is not read back."""
        self._tail.add(next_position(before), next_position(after), changes)

    def step_to(self, index: int, root: bytes, after: bytes) -> Step | None:
        """Return the step to a seal from an earlier position, where this process wrote the seal and has it.

        Args:
            index: the seal's index.
            root: the tree's root with it, which tells it from one that was never committed.
            after: the position at which the caller's maps stand.
        """
        sealed = self._sealed
        if sealed is None or (sealed.index, sealed.root, sealed.after) != (index, root, after):
            return None
        return sealed.step

    def first_maps(self, before: bytes) -> Maps | None:
        """Load the maps up to a position and return a copy of them, so that a process reads all facts once.

        None where they were loaded already: they may stand beyond that position.
        """
        with self._sealing:
            if self._maps.position != BEGINNING:
                return None
            self._load(before)
            self._maps.roots()
            return self._maps.copy()

    def _load(self, before: bytes) -> None:
        # Taken when they are whole: a connection that is cut leaves the maps at the beginning.
        maps = Maps(self._fold)
        maps.load(self._store.rows_between(BEGINNING, before))
        self._maps = maps
        # So much is not kept for those that move their own: the step begins here.
        self._moved_after, self._moved = self._maps.position, Step(self._maps.position)

    def _follow(self) -> bool:
        """Move the maps by the tail; say whether it led on from where they stood."""
        found = self._tail.since(self._reach)
        if found is None:
            return False
        changes, reach = found
        self._advance(changes)
        self._reach = reach
        return True

    def _advance(self, changes: Iterable[StoredChange]) -> None:
        """Move the maps, and keep the step for whoever moves its own to the seal that comes."""
        step = self._maps.step(changes)
        self._maps.move(step)
        if not self._moved_after or len(self._moved) + len(step) > STEP_MAX:
            # The first time it is all facts there are; so many are not kept.
            self._moved_after, self._moved = self._maps.position, Step(self._maps.position)
        else:
            self._moved.extend(step)

    def _rules(self, append: Append) -> Any | None:
        data = append.latest([RULES_KEY])[RULES_KEY]
        return None if data is None else cbor.decode(data)

    def own_record(self, kind: str, document: Document, time_ms: int) -> bytes:
        """Return a record of the log itself."""
        return sign_record(
            self._keys.record,
            kind=kind,
            issuer=self._origin,
            subject=self._origin,
            audience=self._origin,
            issued_at_s=time_ms // 1000,
            document=document.data,
        )
