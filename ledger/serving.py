"""What a process serves: the ledger as of its newest complete seal, so that every answer has one sealed state under it.

    serving = Serving(log)
    serving.refresh()
    with serving.view() as view:
        view.checkpoint, view.inclusion(17), view.public.prove(key)

A view is of one seal: its tree has `seal_index + 1` leaves, its maps cover the positions before the seal.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import cbor
from ledger.checkpoint import Checkpoint, add_signatures, sign_checkpoint
from ledger.errors import NotFoundError, UnavailableError
from ledger.facts import public_position
from ledger.maps import BEGINNING, Maps
from ledger.merkle import prove_consistency, prove_inclusion, root_at
from ledger.note import ED25519, VerifierKey
from ledger.receipt import sign_receipt
from ledger.store.tiles import StoreReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.blind import ReplaySecret
    from ledger.log import Log
    from ledger.statemap import StateMap
    from ledger.store import Head, Store, StoredEntry


@dataclass(frozen=True, slots=True)
class View:
    """The ledger as of one seal. Use it inside `Serving.view`'s block only.

    Attributes:
        seal_index: the seal's index; the tree's size is one more.
        root: the tree's root.
        time_ms: the seal's time.
        checkpoint: the signed note, cosignatures included.
        public: the public map as of the seal.
        private: the private map as of the seal.
        store: the tables, to be read up to this seal.
        reader: hashes of the tree.
        secret: what opens the private map's values.
    """

    seal_index: int
    root: bytes
    time_ms: int
    checkpoint: bytes
    public: StateMap
    private: StateMap
    store: Store
    reader: StoreReader
    secret: ReplaySecret

    @property
    def position(self) -> bytes:
        """The seal's position: everything before it is under this seal."""
        return public_position(self.seal_index)

    @property
    def size(self) -> int:
        """The tree's size in entries."""
        return self.seal_index + 1

    def entry(self, index: int) -> StoredEntry:
        """Return an entry under this seal.

        Raises:
            NotFoundError: there is none at that index yet.
        """
        self._check_index(index)
        return self.store.entry(index)

    def inclusion(self, index: int) -> list[bytes]:
        """Return the inclusion proof of an entry in this view's tree."""
        self._check_index(index)
        return prove_inclusion(self.reader, index, self.size)

    def consistency(self, size: int) -> list[bytes]:
        """Return the proof that the tree of `size` leaves is a beginning of this one; `0 < size <= self.size`."""
        if not 0 < size <= self.size:
            raise NotFoundError("tree size", expected=f"1 to {self.size}", got=size)
        return prove_consistency(self.reader, size, self.size)

    def root_at(self, size: int) -> bytes:
        """Return the root of the tree at an earlier size."""
        return root_at(self.reader, size)

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a public fact as of this seal."""
        data = self.public.get(key)
        return None if data is None else cbor.decode(data)

    def _check_index(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise NotFoundError("entry", expected=f"an index below {self.size}", got=index)


class Serving:
    """Moves from seal to seal. Its methods may be called from any thread."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._moved = threading.Condition()
        self._moving = threading.Lock()
        self._maps = Maps(log.fold)
        self._view: View | None = None

    @property
    def vkey(self) -> VerifierKey:
        """The log's verifier key."""
        return VerifierKey.of(self._log.origin, ED25519, self._log.keys.checkpoint.public_key)

    def refresh(self) -> bool:
        """Move to the newest seal; say whether there was a newer one.

        Raises:
            UnavailableError: the database cannot be reached; the view stays where it was.
        """
        with self._moving:
            return self._move()

    def _move(self) -> bool:
        store = self._log.store
        newest = store.newest_seal()
        if newest is None or (self._view is not None and newest[0] == self._view.seal_index):
            return False
        index, root, time_ms = newest
        head = store.head()
        if head is None:
            return False
        # All that reads comes before the maps move: maps beyond the seal of their view would prove nothing.
        checkpoint = self.checkpoint(index + 1, root)
        if self._maps.position == BEGINNING:
            self._load(public_position(index))
        step = self._log.step_to(index, root, self._maps.position)
        if step is None:
            step = self._maps.step(store.facts_between(self._maps.position, public_position(index)))
        with self._lock:
            self._maps.move(step)
            self._maps.roots()
            self._view = View(
                seal_index=index,
                root=root,
                time_ms=time_ms,
                checkpoint=checkpoint,
                public=self._maps.public,
                private=self._maps.private,
                store=store,
                reader=StoreReader(store, head),
                secret=self._log.fold.secret,
            )
        with self._moved:
            self._moved.notify_all()
        return True

    def _load(self, before: bytes) -> None:
        """Read all facts there are, once for this process; nobody has a view of these maps yet."""
        maps = self._log.first_maps(before)
        if maps is None:
            maps = Maps(self._log.fold)
            maps.load(self._log.store.rows_between(BEGINNING, before))
        self._maps = maps

    @contextmanager
    def view(self) -> Iterator[View]:
        """Hold the newest complete seal's view.

        Raises:
            UnavailableError: this process has not moved to a seal yet.
        """
        with self._lock:
            if self._view is None:
                raise UnavailableError("the ledger is being opened")
            yield self._view

    @property
    def seal_index(self) -> int:
        """The index of the seal that is served; -1 before the first."""
        return -1 if self._view is None else self._view.seal_index

    def wait_for(self, index: int, timeout_s: float) -> bool:
        """Wait until the entry at `index` is under the served seal; say whether it is."""
        with self._moved:
            return self._moved.wait_for(lambda: self.seal_index >= index, timeout_s)

    def checkpoint(self, size: int, root: bytes) -> bytes:
        """Return the signed checkpoint of a size that ends in a seal, with its cosignatures."""
        note = sign_checkpoint(Checkpoint(self._log.origin, size, root), self._log.keys.checkpoint)
        lines = self._log.store.cosignatures(size)
        return add_signatures(note, lines) if lines else note

    def receipts(self, indexes: Sequence[int]) -> dict[int, bytes]:
        """Return the RFC 9942 receipts of the entries that are sealed, each under the first seal after it."""
        store = self._log.store
        head = store.head()
        if head is None:
            return {}
        return _receipts(self._log, head, indexes)


def _receipts(log: Log, head: Head, indexes: Sequence[int]) -> dict[int, bytes]:
    seals = log.store.seals_at_or_after(indexes)
    roots = (
        {index: root for index, root, _ in log.store.seals(min(seals.values()), max(seals.values()) + 1)}
        if seals
        else {}
    )
    reader = StoreReader(log.store, head)
    return {
        index: sign_receipt(
            log.keys.receipt,
            origin=log.origin,
            size=seal + 1,
            index=index,
            proof=prove_inclusion(reader, index, seal + 1),
            root=roots[seal],
        )
        for index, seal in seals.items()
    }
