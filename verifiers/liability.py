"""What does an issuer still owe? Its coins and tickets that are out, now and at each day's end, from a bundle alone.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. days: the issuer's funds as every day with an act left them, none left out; what was given, taken back and spent only
   grows, and at each day's end what is out is what was given less what came back; of tickets too, at their price.
8. now: the last of them is what the map holds at present.
9. terms: an issuer of the programme, its budget, and how much of what is out it has to have paid in.
10. particulars: the programme, and who the issuer is.
11. whole: nothing in the bundle is beyond the question.
12. standing: quorum, replay keys, freshness.

Whose coins they are does not stand in it. That each act moved the funds as it should is what the replay key says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_numbered, month_of
from contracts.rewards.book import new_funds
from contracts.rewards.clearing import liability, prefund
from contracts.rewards.keys import funds_prefix
from ledger.errors import NotFoundError, ProofError
from verifiers import question
from verifiers.terms import Terms, read_actors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_GROWING = ("issued", "reversed", "spent", "refunded", "funded")


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "what does this issuer owe?", read from a source.

    Attributes:
        days: the issuer's funds as each day left them, by the day's number.
    """

    days: dict[int, dict[str, Any]] = field(default_factory=dict)
    _issuer: str = ""
    _now: dict[str, Any] = field(default_factory=dict)
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        programme, issuer = asked["programme"], asked["issuer"]
        yield "days", lambda: self._read_days(programme, issuer)
        yield "now", self._check_now
        yield "terms", lambda: self._read_terms(programme)
        yield "particulars", self._read_particulars

    def status(self, time_ms: int, /) -> str:
        """`owing` while coins or tickets are out that may still be used, else `clear`."""
        tickets = _tickets(self._now, month_of(time_ms))
        return "owing" if liability(self._now, time_ms) or tickets["liability"] else "clear"

    def owed_at(self, day: int) -> int:
        """Return how many coins were out at the end of a day (`contracts.calendar.day_number`)."""
        last = max((number for number in self.days if number <= day), default=None)
        return 0 if last is None else _owed(self.days[last], day)

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it, as of a time, Unix milliseconds."""
        owed = liability(self._now, time_ms)
        return {
            "issuer": self._issuer,
            **self._particulars,
            "as_of_ms": time_ms,
            **{name: self._now[name] for name in _GROWING},
            "liability": owed,
            "tickets": _tickets(self._now, month_of(time_ms)),
            "expired": sum(self._now["open"].values()) - owed,
            "ends": {month: coins for month, coins in sorted(self._now["open"].items()) if coins},
            "days": [
                {
                    "day": day_numbered(day),
                    **{name: funds[name] for name in _GROWING},
                    "liability": _owed(funds, day),
                    "tickets": _tickets(funds, day_numbered(day)[:7]),
                }
                for day, funds in sorted(self.days.items())
            ],
        }

    def _read_days(self, programme: str, issuer: str) -> str:
        facts = self.source.private_prefix(funds_prefix(programme, issuer))
        if 0 not in facts:
            raise NotFoundError("the issuer's funds", expected="an issuer that has given coins", got=issuer)
        self._issuer, self._now = issuer, facts.pop(0)
        self.days, before = dict(sorted(facts.items())), new_funds()
        for day, funds in self.days.items():
            for name in _GROWING:
                if funds[name] < before[name]:
                    raise ProofError(
                        f"{name} on {day_numbered(day)}", expected=f"{before[name]} or more", got=funds[name]
                    )
            given, spent = funds["issued"] - funds["reversed"], funds["spent"] - funds["refunded"]
            out = sum(funds["open"].values())
            if given != spent + out or min(spent, *funds["open"].values(), 0) < 0:
                raise ProofError(f"what is out on {day_numbered(day)}", expected=given - spent, got=out)
            _check_tickets(day, funds["tickets"], before["tickets"])
            before = funds
        return f"{len(self.days)} days"

    def _check_now(self) -> str:
        last = next(reversed(self.days.values()), None)
        if last != self._now:
            raise ProofError("the issuer's funds", expected=last, got=self._now)
        return f"{sum(self._now['open'].values())} coins not spent"

    def _read_terms(self, programme: str) -> str:
        terms = Terms(self.source, programme).latest()
        budget = terms["issuers"].get(self._issuer)
        if budget is None:
            raise ProofError("the issuer", expected=f"one of {programme}", got=self._issuer)
        given = self._now["issued"] - self._now["reversed"]
        named = {name: terms[name] for name in ("programme", "name", "owner", "value", "prefund_permille", "version")}
        self._particulars = {"programme": named, "budget": budget, "prefund": prefund(given, terms)}
        return f"version {terms['version']}"

    def _read_particulars(self) -> str:
        owner = self._particulars["programme"]["owner"]
        self._particulars["actors"] = read_actors(self.source, {owner, self._issuer})
        return f"{len(self._particulars['actors'])} actors"


def _owed(funds: Mapping[str, Any], day: int) -> int:
    """Return how many coins were out at the end of a day: those of its own month still are."""
    month = day_numbered(day)[:7]
    return sum(coins for ends, coins in funds["open"].items() if ends >= month)


def _check_tickets(day: int, tickets: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    out = sum(tickets["open"].values())
    for name in ("issued", "returned"):
        if tickets[name] < before[name]:
            raise ProofError(f"tickets {name} on {day_numbered(day)}", expected=f"{before[name]}", got=tickets[name])
    left = tickets["issued"] - tickets["used"] - tickets["returned"]
    if left != out or min(tickets["used"], *tickets["open"].values(), 0) < 0:
        raise ProofError(f"tickets that are out on {day_numbered(day)}", expected=left, got=out)


def _tickets(funds: Mapping[str, Any], month: str) -> dict[str, int]:
    """Return tickets in hundredths of the currency; `liability` is what may still be used or paid back."""
    tickets = funds["tickets"]
    owed = sum(amount for ends, amount in tickets["open"].items() if ends >= month)
    return {**{name: tickets[name] for name in ("issued", "used", "returned")}, "liability": owed}


verify = question.verifier("liability", Answer)
