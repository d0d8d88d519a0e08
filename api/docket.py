"""Which agreements there are and whom they concern: an index over their facts, in memory, moved on with the seals.

    docket.list("pingtung.frozen", words="毛豆 林家", stage="growing")     newest act first

It holds names and stages, no price, weight or sum; all else is read from the view when a page is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.index import Index
from contracts.agreements.closing import readers
from contracts.agreements.keys import AGREEMENT, TERMS, terms_key
from contracts.keys import ACTOR, actor_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.changes import StoredChange
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


class Docket(Index):
    """The agreements by reader."""

    kinds = (ACTOR, TERMS, AGREEMENT)

    def __init__(self, store: Store, serving: Serving) -> None:
        super().__init__(store, serving)
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
        with self.fresh():
            found = [self._listed[one] for one in reversed(self._by_reader.get(reader, {}))]
            wanted = words.casefold().split()
            chosen = [one for one in found if not stage or one.stage == stage]
            if not wanted:
                return chosen
            texts = [one.text(self._names) for one in chosen]
        return [one for one, text in zip(chosen, texts, strict=True) if all(word in text for word in wanted)]

    def may_read(self, reader: str, agreement: str) -> bool:
        """Say whether an agreement concerns a reader."""
        with self.fresh():
            return reader in self._readers.get(agreement, ())

    def enter(self, change: StoredChange, state: dict[str, Any]) -> None:
        """Take in an actor's name, the terms that a record left, or the state that it left with them."""
        if change.key[0] == ACTOR:
            self._names[change.key] = " ".join((state["name"] or {}).values())
        elif change.key[0] == TERMS:
            kept = ("purchaser", "growers", "crop", "season", "witness", "acceptance")
            self._terms[change.key] = {name: state[name] for name in kept if name in state}
        else:
            self._enter_agreement(state)

    def _enter_agreement(self, state: dict[str, Any]) -> None:
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
