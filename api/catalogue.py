"""Which lots there are: an index over the lots' facts, kept in memory and moved on with the seals.

Facts have hashed keys, so a product's lots cannot be listed from them; this is the list. It holds names only; all
else is read from the view when a page is made.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from api.index import Index
from contracts.keys import LOT

if TYPE_CHECKING:
    from ledger.changes import StoredChange
    from ledger.serving import Serving
    from ledger.store import Store

RECENT_MAX = 12


class Catalogue(Index):
    """The lots by GTIN and by lot number, newest act last."""

    kinds = (LOT,)

    def __init__(self, store: Store, serving: Serving) -> None:
        super().__init__(store, serving)
        self._by_gtin: dict[str, OrderedDict[str, None]] = {}
        self._by_lot: dict[str, set[str]] = {}
        self._recent: OrderedDict[tuple[str, str], None] = OrderedDict()

    def lots(self, gtin: str) -> list[str]:
        """Return the lots of a product, the one acted on last first."""
        with self.fresh():
            return list(reversed(self._by_gtin.get(gtin, OrderedDict())))

    def gtins(self, lot: str) -> list[str]:
        """Return the products that have a lot of this number (a trace code names a lot alone)."""
        with self.fresh():
            return sorted(self._by_lot.get(lot, set()))

    def recent(self) -> list[tuple[str, str]]:
        """Return the lots acted on last."""
        with self.fresh():
            return list(reversed(self._recent))[:RECENT_MAX]

    def enter(self, _: StoredChange, state: dict[str, Any]) -> None:
        """Take in a lot."""
        gtin, lot = state["gtin"], state["lot"]
        lots = self._by_gtin.setdefault(gtin, OrderedDict())
        lots[lot] = None
        lots.move_to_end(lot)
        self._by_lot.setdefault(lot, set()).add(gtin)
        self._recent[(gtin, lot)] = None
        self._recent.move_to_end((gtin, lot))
        while len(self._recent) > RECENT_MAX * 4:
            self._recent.popitem(last=False)
