"""Lists that facts do not give, for their keys are hashes: kept in memory, and moved on with the seals.

class Catalogue(Index):
kinds = (LOT,)

def enter(self, change: StoredChange, state: Any) -> None: …

def lots(self, gtin: str) -> list[str]:
with self.fresh():
return list(self._lots.get(gtin, ()))
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from ledger import cbor
from ledger.facts import public_position, sequence_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.changes import StoredChange
    from ledger.serving import Serving
    from ledger.store import Store


class Index(ABC):
    """An index over the present states of some kinds of facts. Safe to share between threads.

    Attributes:
        kinds: the kinds, in the order in which they are entered: what a later one needs of an earlier one is there.

    Args:
        store: the tables.
        serving: what is served; the index covers the same seal.
    """

    kinds: ClassVar[tuple[int, ...]]

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store = store
        self._serving = serving
        self._lock = threading.Lock()
        self._position = b""

    @abstractmethod
    def enter(self, change: StoredChange, state: Any) -> None:
        """Take in the present state of one subject."""

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """Hold the index as of the seal that is served."""
        with self._lock:
            seal_index = self._serving.seal_index
            before = public_position(seal_index) if seal_index >= 0 else b""
            if before > self._position:
                for kind in self.kinds:
                    for change in self._store.facts_of_kind(kind, self._position, before):
                        if sequence_of(change.key) == 0:
                            self.enter(change, cbor.decode(change.value))
                self._position = before
            yield
