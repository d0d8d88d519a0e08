"""Which agreements there are and whom they concern: an index over their facts, in memory, moved on with the seals.

    docket.list("pingtung.frozen", words="毛豆 林家", stage="growing")     newest act first

It holds names and stages, no price, weight or sum; all else is read from the view when a page is made.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.agreements.closing import readers
from contracts.agreements.keys import AGREEMENT, TERMS, terms_key
from contracts.keys import ACTOR, actor_key
from ledger import cbor
from ledger.facts import public_position, sequence_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.serving import Serving
    from ledger.store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """An agreement in a list.

    Attributes:
        agreement: its id.
        purchaser: who buys.
        growers: who grow.
        crop: what.
        season: when.
        stage: the furthest stage that it reached.
        disputed: whether a dispute is open.
    """

    agreement: str
    purchaser: str
    growers: tuple[str, ...]
    crop: str
    season: str
    stage: str
    disputed: bool

    def text(self, names: Mapping[bytes, str]) -> str:
        """Return what is searched: its id, crop and season, its parties by id and by name."""
        parties = (self.purchaser, *self.growers)
        called = (names.get(actor_key(one), "") for one in parties)
        return " ".join((self.agreement, self.crop, self.season, *parties, *called)).casefold()


class Docket:
    """The agreements by reader. Safe to share between threads.

    Args:
        store: the tables.
        serving: what is served; the docket covers the same seal.
    """

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store = store
        self._serving = serving
        self._lock = threading.Lock()
        self._seal_index = -1
        self._position = b""
        self._terms: dict[bytes, dict[str, Any]] = {}
        self._names: dict[bytes, str] = {}
        self._listed: dict[str, Listed] = {}
        self._readers: dict[str, set[str]] = {}
        self._by_reader: dict[str, dict[str, None]] = {}

    def list(self, reader: str, *, words: str = "", stage: str = "") -> list[Listed]:
        """Return the agreements that a reader may read, the one acted on last first.

        Args:
            reader: who reads.
            words: all of them stand in the agreement's id, crop, season or parties, whatever their case.
            stage: the stage that they reached; empty for any.
        """
        self._refresh()
        with self._lock:
            found = [self._listed[one] for one in reversed(self._by_reader.get(reader, {}))]
            wanted = words.casefold().split()
            chosen = [one for one in found if not stage or one.stage == stage]
            if not wanted:
                return chosen
            texts = [one.text(self._names) for one in chosen]
        return [one for one, text in zip(chosen, texts, strict=True) if all(word in text for word in wanted)]

    def may_read(self, reader: str, agreement: str) -> bool:
        """Say whether an agreement concerns a reader."""
        self._refresh()
        with self._lock:
            return reader in self._readers.get(agreement, ())

    def _refresh(self) -> None:
        seal_index = self._serving.seal_index
        if seal_index == self._seal_index:
            return
        with self._lock:
            before, position = public_position(seal_index), self._position
            for change in self._store.facts_of_kind(ACTOR, position, before):
                if sequence_of(change.key) == 0:
                    self._names[change.key] = " ".join((cbor.decode(change.value)["name"] or {}).values())
            # Terms first: the state of an agreement is entered with the terms that its record left.
            for change in self._store.facts_of_kind(TERMS, position, before):
                terms = cbor.decode(change.value)
                kept = ("purchaser", "growers", "crop", "season", "witness", "acceptance")
                self._terms[change.key] = {name: terms[name] for name in kept if name in terms}
            for change in self._store.facts_of_kind(AGREEMENT, position, before):
                self._position = max(self._position, change.position)
                if sequence_of(change.key) == 0:
                    self._enter(cbor.decode(change.value))
            self._seal_index = seal_index

    def _enter(self, state: dict[str, Any]) -> None:
        agreement = state["agreement"]
        terms = self._terms[terms_key(agreement)]
        for reader in self._readers.get(agreement, ()):
            del self._by_reader[reader][agreement]
        self._readers[agreement] = readers(state, terms)
        for reader in self._readers[agreement]:
            self._by_reader.setdefault(reader, {})[agreement] = None
        self._listed[agreement] = Listed(
            agreement, terms["purchaser"], tuple(terms["growers"]), terms["crop"], terms["season"], state["stage"],
            any(one["open"] for one in state["disputes"]),
        )  # fmt: skip
