"""A programme's books as of a seal: what the pages of merchants, stations and issuers are read from.

    books = open_books(node, "hualien-health")
    books.merchant_rows("noodles", "2026-11") == books.counted("noodles", "2026-11")    both sides of the clearing

An issuer's sums are one fact for each merchant and month; a merchant's lines are as many as its acts, and are read in
parts. Neither holds the served view: a long count keeps nobody waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.pages.views.parts import Text
from contracts.calendar import day_of, month_of
from contracts.keys import actor_key
from contracts.rewards.book import new_funds
from contracts.rewards.clearing import Line, Row, issuer_rows, merchant_rows, statement
from contracts.rewards.keys import figures_key, funds_key, issuer_key, merchant_key, programme_prefix
from ledger import cbor
from ledger.errors import NotFoundError
from ledger.facts import PREFIX_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from api.services import Services
    from ledger.serving import View

LINES_READ = 2_000


class Books:
    """What is on record of a programme.

    Attributes:
        programme: its id.
        terms: those in force.
        merchants: all that it ever had; what they are owed stays.
        stations: all that it ever had.
        time_ms: the seal's time.
    """

    def __init__(self, view: View, programme: str) -> None:
        """Read the terms and who is named in them.

        Raises:
            NotFoundError: there is no such programme.
        """
        pairs = view.public.items_with_prefix(programme_prefix(programme), PREFIX_BITS)
        if not pairs:
            raise NotFoundError("the programme", expected="one that is on record", got=programme[:40])
        # Keys end in their sequence: the terms in force come first, then each version.
        self.terms, *self._versions = (cbor.decode(value) for _, value in pairs)
        self.programme, self.time_ms = programme, view.time_ms
        self.merchants = sorted({name for one in self._versions for name in one["merchants"]})
        self.stations = sorted({name for one in self._versions for name in one["stations"]})
        self._store, self._position = view.store, view.position
        self._entered = view.store.entries_at([one["record"] for one in self._versions])
        actors = {self.terms["owner"], *self.terms["issuers"], *self.merchants, *self.stations}
        self._names = {actor: view.fact(actor_key(actor)) for actor in actors}

    @property
    def title(self) -> Text:
        """What the programme is called."""
        return Text(self.terms["name"])

    def names(self, actors: Iterable[str]) -> dict[str, Text]:
        """Return what those are called that the programme names."""
        states = {actor: self._names.get(actor) for actor in actors}
        return {actor: Text((state and state["name"]) or {"zh-TW": actor}) for actor, state in states.items()}

    def figures(self, day: str) -> dict[str, Any] | None:
        """Return the visit figures of a day, None where none are published."""
        found = self._facts([figures_key(self.programme, day)])
        return next((one["figures"] for one in found.values()), None)

    def fact(self, key: bytes) -> Any | None:
        """Return a private fact as of the seal."""
        return self._facts([key]).get(key)

    def line_count(self, merchant: str, month: str) -> int:
        """Return how many lines a merchant's month has."""
        return int((self.fact(merchant_key(self.programme, merchant, month)) or {"lines": 0})["lines"])

    def lines(self, merchant: str, month: str, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return lines of a merchant's month by their numbers, in this order."""
        keys = [merchant_key(self.programme, merchant, month, number) for number in numbers]
        found = self._facts(keys)
        return [found[key] for key in keys]

    def lines_of_day(self, merchant: str, day: str) -> Iterator[dict[str, Any]]:
        """Yield a merchant's lines of a day, the last first."""
        month, last = day[:7], self.line_count(merchant, day[:7])
        while last > 0:
            part = range(last, max(0, last - LINES_READ), -1)
            for line in self.lines(merchant, month, part):
                said = day_of(line["time_ms"])
                if said < day:
                    return
                if said == day:
                    yield line
            last -= LINES_READ

    def issuer_rows(self, issuers: Iterable[str], merchants: Sequence[str], month: str) -> list[Row]:
        """Return what issuers' own sums say of merchants in a month."""
        keys = {
            (issuer, merchant): issuer_key(self.programme, issuer, merchant, month)
            for issuer in issuers
            for merchant in merchants
        }
        found = self._facts(list(keys.values()))
        rows = [issuer_rows(issuer, {merchant: found.get(key)}) for (issuer, merchant), key in keys.items()]
        return sorted(row for part in rows for row in part)

    def counted(self, merchants: Iterable[str], month: str) -> list[Row]:
        """Return the same rows, counted from the lines of the merchants."""
        return sorted(row for merchant in merchants for row in merchant_rows(merchant, self._all(merchant, month)))

    def due(self, rows: Iterable[Row], month: str) -> list[Line]:
        """Return rows with their money, by the last terms that came into force before the month ended."""
        in_time = [one for one in self._versions if month_of(self._entered[one["record"]].time_ms) <= month]
        return statement(rows, (in_time or self._versions)[-1 if in_time else 0])

    def funds(self, issuer: str) -> dict[str, Any]:
        """Return what an issuer gave, and what of it is still out."""
        return {**new_funds(), **(self.fact(funds_key(self.programme, issuer)) or {})}

    def _all(self, merchant: str, month: str) -> Iterator[dict[str, Any]]:
        count = self.line_count(merchant, month)
        for first in range(1, count + 1, LINES_READ):
            yield from self.lines(merchant, month, range(first, min(first + LINES_READ, count + 1)))

    def _facts(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        return {one.key: cbor.decode(one.value) for one in self._store.facts_before(keys, self._position)}


def open_books(node: Services, programme: str) -> Books:
    """Return a programme's books as of the served seal.

    Raises:
        NotFoundError: there is no such programme.
    """
    with node.serving.view() as view:
        return Books(view, programme)
