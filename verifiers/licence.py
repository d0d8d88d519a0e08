"""Does this licence hold? Its terms, the right behind it, what happened to it, and what it is on a day, from a bundle.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. history: every act on the licence is there, on the licences that it is under, on their work, and on the mandates and
   representatives by which anybody acted; each is signed by a key that was entitled there.
8. right: the rules judge each of these records again: granted by who may, within every mandate and licence above,
   signed by all whom it takes, a people's exclusive licence filed.
9. state: what follows from them is what the map holds, as of this seal.
10. conflicts: no exclusive grant, and no owner's own use, is in its way, nor in that of a licence above it.
11. day: what it is on day D, as it was known at the end of day K.
12. particulars: the names of those who have to do with it, what was erased.
13. whole: nothing in the bundle is beyond the question; disclosures are those that documents commit to.
14. standing: quorum, replay key, freshness.

The question may name both days (`day`, `known`); without them they are the day of the seal, in Taipei. How many pieces
were made and given to sublicences is what the map says; the records of them are no part of the bundle. It reads no
network and no clock but the one handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.governance import erasure_key
from contracts.licences import profile
from contracts.licences.keys import mandate_key, work_key
from ledger.errors import FormatError
from verifiers import question
from verifiers.lineage import Lineage
from verifiers.terms import read_actors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from contracts.licences.life import Standing
    from contracts.licences.terms import Terms

REVOKED = "revoked"


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "does this licence hold?", read from a source.

    Attributes:
        lineage: what the licence rests on.
    """

    lineage: Lineage = field(init=False)
    _licence: str = ""
    _day: str | None = None
    _known: str | None = None
    _particulars: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lineage = Lineage(self.source)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        self._licence = asked["licence"]
        yield "history", self._read_history
        yield "right", self._judge
        yield "state", self._check_state
        yield "conflicts", self._check_conflicts
        yield "day", lambda: self._choose_days(asked.get("day"), asked.get("known"))
        yield "particulars", self._read_particulars

    @property
    def terms(self) -> Terms:
        """What the licence says."""
        return profile.decode(self.lineage.policy(self._licence))

    def status(self, time_ms: int, /) -> str:
        """What it is on the day asked for, a state of `contracts.licences.life`; `revoked` once that is known."""
        if self.lineage.revocation(self._days(time_ms)[1]) is not None:
            return REVOKED
        return self.standing(time_ms).state

    def standing(self, time_ms: int) -> Standing:
        """Return what it is on the day asked for, as known on the day asked for; both are the time's where unsaid."""
        day, known = self._days(time_ms)
        return self.lineage.standing(day, known)

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it, as of a time, Unix milliseconds."""
        state, (day, known) = self.lineage.line[0], self._days(time_ms)
        found = self.standing(time_ms)
        return {
            "licence": self._licence,
            "terms": self.terms.as_data(),
            **self._particulars,
            "signed": self.lineage.signatures(self._licence),
            "above": [
                {name: one[name] for name in ("licence", "licensee", "exclusive")} for one in self.lineage.line[1:]
            ],
            "standing": {
                "day": day, "known": known, "state": found.state, "last": found.last, "sale_last": found.sale_last,
            },
            "revoked": self.lineage.revocation(known),
            "produced": state["produced"],
            "given": state["given"],
            "history": self._history(),
            "erased": self.erasures(),
        }  # fmt: skip

    def _read_history(self) -> str:
        self.lineage.read(self._licence)
        for found in self.lineage.records.values():
            self.keep(found)
        return f"{len(self.lineage.line)} licences, {len(self.lineage.records)} records"

    def _judge(self) -> str:
        self.lineage.judge()
        state = self.lineage.line[0]
        return f"granted by {', '.join(state['grantors'])}, {len(self.lineage.mandates)} mandates"

    def _check_state(self) -> str:
        self.lineage.check_state()
        return f"{self.lineage.line[0]['acts']} acts"

    def _check_conflicts(self) -> str:
        self.lineage.check_unopposed()
        return "none"

    def _choose_days(self, day: str | None, known: str | None) -> str:
        for name, said in (("day", day), ("known", known)):
            if said is not None:
                _check_day(name, said)
        self._day, self._known = day, known
        return f"{day or 'the day of the seal'}, as known on {known or 'it'}"

    def _days(self, time_ms: int) -> tuple[str, str]:
        """Return the day that it is about, and the day of what was known then; the future is not known yet."""
        today = day_of(time_ms)
        return self._day or today, min(self._known or today, today)

    def _history(self) -> list[dict[str, Any]]:
        return [
            {"number": number, **act, "body": self.lineage.records[act["record"]].document.body}
            for number, act in enumerate(self.lineage.acts(self._licence), 1)
        ]

    def _read_particulars(self) -> str:
        lineage = self.lineage
        work = lineage.values[work_key(lineage.line[0]["work"])]
        mandates = [lineage.values[mandate_key(name)] for name in lineage.mandates]
        named = {*work["owners"], *work["creators"], *([work["people"]] if work["people"] else [])}
        named |= {who for one in lineage.line for who in (*one["grantors"], one["licensee"], *one["signers"])}
        named |= {who for one in mandates for who in (one["principal"], one["holder"])}
        named |= {act["for"] for act in lineage.acts(self._licence)}
        self.find_erased(lambda digest: self.source.fact(erasure_key(digest)))
        self._particulars = {
            "work": {name: value for name, value in work.items() if name != "acts"},
            "mandates": [
                {name: one[name] for name in ("mandate", "principal", "holder", "as", "scope", "under", "ended")}
                for one in mandates
            ],
            "actors": read_actors(self.source, named),
        }
        return f"{len(named)} actors, {len(mandates)} mandates"


def _check_day(name: str, said: str) -> None:
    try:
        right = date.fromisoformat(said).isoformat() == said
    except ValueError:
        right = False
    if not right:
        raise FormatError(f"the question's {name}", expected="a day such as 2026-03-01", got=said[:40])


verify = question.verifier("licence", Answer)
