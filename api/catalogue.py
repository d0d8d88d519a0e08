"""Which lots there are: an index over the lots' facts, kept in memory and moved on with the seals.

Facts have hashed keys, so a product's lots cannot be listed from them; this is the list. It holds names only; all
else is read from the view when a page is made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from contracts.keys import LOT
from ledger import cbor
from ledger.facts import public_position, sequence_of

if TYPE_CHECKING:
    from ledger.serving import Serving
    from ledger.store import Store

RECENT_MAX = 12


class Catalogue:
    """The lots by GTIN and by lot number, newest act last. Safe to share between threads.

    Args:
        store: the tables.
        serving: what is served; the catalogue covers the same seal.
    """

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store = store
        self._serving = serving
        self._lock = threading.Lock()
        self._seal_index = -1
        self._position = b""
        self._by_gtin: dict[str, OrderedDict[str, None]] = {}
        self._by_lot: dict[str, set[str]] = {}
        self._recent: OrderedDict[tuple[str, str], None] = OrderedDict()

    def lots(self, gtin: str) -> list[str]:
        """Return the lots of a product, the one acted on last first."""
        self._refresh()
        with self._lock:
            return list(reversed(self._by_gtin.get(gtin, OrderedDict())))

    def gtins(self, lot: str) -> list[str]:
        """Return the products that have a lot of this number (a trace code names a lot alone)."""
        self._refresh()
        with self._lock:
            return sorted(self._by_lot.get(lot, set()))

    def recent(self) -> list[tuple[str, str]]:
        """Return the lots acted on last."""
        self._refresh()
        with self._lock:
            return list(reversed(self._recent))[:RECENT_MAX]

    def _refresh(self) -> None:
        seal_index = self._serving.seal_index
        if seal_index == self._seal_index:
            return
        with self._lock:
            for change in self._store.facts_of_kind(LOT, self._position, public_position(seal_index)):
                self._position = change.position
                if sequence_of(change.key) == 0:
                    state = cbor.decode(change.value)
                    self._enter(state["gtin"], state["lot"])
            self._seal_index = seal_index

    def _enter(self, gtin: str, lot: str) -> None:
        lots = self._by_gtin.setdefault(gtin, OrderedDict())
        lots[lot] = None
        lots.move_to_end(lot)
        self._by_lot.setdefault(lot, set()).add(gtin)
        self._recent[(gtin, lot)] = None
        self._recent.move_to_end((gtin, lot))
        while len(self._recent) > RECENT_MAX * 4:
            self._recent.popitem(last=False)
