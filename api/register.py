"""Which works and licences there are, and which goods carry them: an index over their facts, moved on with the seals.

    register.works()              ["W-2", "W-1"], the one acted on last first
    register.licences("W-1")      ["L-3", "L-1"]
    register.goods("L-1")         [("04712345678900", "T1")]

Facts have hashed keys, so a work's licences cannot be listed from them; this is the list. It holds names only; all
else is read from the view when a page is made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from contracts.licences.keys import GOODS, LICENCE, OWN_USE, WORK
from ledger import cbor
from ledger.document import decode_document
from ledger.facts import public_position, sequence_of

if TYPE_CHECKING:
    from ledger.serving import Serving
    from ledger.store import Store

Names = OrderedDict[str, None]


class Register:
    """The works and licences by name, newest act last. Safe to share between threads.

    Args:
        store: the tables.
        serving: what is served; the register covers the same seal.
    """

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store = store
        self._serving = serving
        self._lock = threading.Lock()
        self._seal_index = -1
        self._position = b""
        self._works: Names = OrderedDict()
        self._licences: dict[str, Names] = {}
        self._own_uses: dict[str, Names] = {}
        self._images: set[str] = set()
        self._goods: dict[str, OrderedDict[tuple[str, str], None]] = {}

    def works(self) -> list[str]:
        """Return the works."""
        self._refresh()
        with self._lock:
            return list(reversed(self._works))

    def licences(self, work: str) -> list[str]:
        """Return the licences of a work, sublicences among them."""
        self._refresh()
        with self._lock:
            return list(reversed(self._licences.get(work, OrderedDict())))

    def own_uses(self, work: str) -> list[str]:
        """Return the own uses that a work's owners declared."""
        self._refresh()
        with self._lock:
            return list(reversed(self._own_uses.get(work, OrderedDict())))

    def names_image(self, digest: str) -> bool:
        """Say whether a work, or a sample of one, is of a picture."""
        self._refresh()
        with self._lock:
            return digest in self._images

    def goods(self, licence: str) -> list[tuple[str, str]]:
        """Return the lots that carry a licence, each by GTIN and lot."""
        self._refresh()
        with self._lock:
            return list(reversed(self._goods.get(licence, OrderedDict())))

    def _refresh(self) -> None:
        seal_index = self._serving.seal_index
        if seal_index == self._seal_index:
            return
        with self._lock:
            after, before = self._position, public_position(seal_index)
            carried: list[tuple[str, int]] = []
            for kind in (WORK, LICENCE, OWN_USE, GOODS):
                for change in self._store.facts_of_kind(kind, after, before):
                    self._position = max(self._position, change.position)
                    value = cbor.decode(change.value)
                    if kind == GOODS and sequence_of(change.key):
                        carried.append((value["licence"], value["record"]))
                    elif kind != GOODS and sequence_of(change.key) == 0:
                        self._enter(kind, value)
            self._enter_goods(carried)
            self._seal_index = seal_index

    def _enter(self, kind: int, state: dict[str, Any]) -> None:
        if kind == WORK:
            _put(self._works, state["work"])
            self._images.add(state["image"])
        elif kind == LICENCE:
            self._images |= {image for image, *_ in state["checked"].values()}
            _put(self._licences.setdefault(state["work"], OrderedDict()), state["licence"])
        else:
            _put(self._own_uses.setdefault(state["work"], OrderedDict()), state["name"])

    def _enter_goods(self, carried: list[tuple[str, int]]) -> None:
        """Enter the lots; which one it is stands in the record's document."""
        entries = self._store.entries_at([index for _, index in carried])
        documents = self._store.documents([one.document_hash for one in entries.values()])
        for licence, index in carried:
            body = decode_document(documents[entries[index].document_hash]).body
            lots = self._goods.setdefault(licence, OrderedDict())
            lots[body["gtin"], body["lot"]] = None


def _put(names: Names, name: str) -> None:
    names[name] = None
    names.move_to_end(name)
