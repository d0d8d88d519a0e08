"""Was this paid? One charge, once, by the resident's own word, under the programme's terms; from a bundle alone.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. history: every act on the charge is there, in its order, signed by a key that was entitled there.
8. resident: the account's own key signed the code, for this merchant and no more than its ceiling, or confirmed.
9. terms: a till of the programme, a code in its time, a voucher within its bounds; what tickets and coupons count for
   here and then by their issuers' own terms, and that all of it comes to the total.
10. acts: each follows from what came before it; together they give the state that the map holds.
11. particulars: the programme, and who the merchant is.
12. whole: nothing in the bundle is beyond the question.
13. standing: quorum, replay keys, freshness.

Nothing in it tells a merchant what an account holds, nor a resident what a merchant takes. That a voucher could not be
paid any more is shown by the account's own proof; that a ticket or coupon was the resident's and not used up is by the
rules, as the balance is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.rewards.book import holder_of
from contracts.rewards.charge import FOLLOWING, Step, begin, follow, stage, unpaid
from contracts.rewards.code import check_code
from contracts.rewards.keys import charge_prefix, holder_prefix
from contracts.rewards.means import all_back, any_back, coupons_of, paid_with, tickets_of
from ledger.errors import ProofError, RefusedError
from verifiers import question
from verifiers.acts import Acts
from verifiers.source import SourcedRecord, check_key, checked_private
from verifiers.terms import Offers, Terms, act_of, read_actors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "was this paid?", read from a source.

    Attributes:
        state: the charge's state as its acts give it.
        acts: the acts in their order.
    """

    state: dict[str, Any] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)
    _found: Acts = field(init=False)
    _terms: Terms = field(init=False)
    _offers: Offers = field(init=False)
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        yield "history", lambda: self._read_history(asked["redemption"])
        yield "resident", self._check_resident
        yield "terms", self._check_terms
        yield "acts", self._check_acts
        yield "particulars", self._read_particulars

    @property
    def _first(self) -> SourcedRecord:
        return next(iter(self.records.values()))

    def status(self, time_ms: int, /) -> str:
        """`posted`, `part-refunded`, `refunded`, `pending`, `held`, `lapsed`, `voided` or `unpaid`."""
        coins, mixed = self.state["refunded"], self.state["mixed"]
        if coins or (mixed is not None and any_back(mixed)):
            whole = coins == self.state["posted"] and (mixed is None or all_back(mixed))
            return "refunded" if whole else "part-refunded"
        return stage(self.state, time_ms)

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it, as of a time, Unix milliseconds."""
        shown = {name: value for name, value in self.state.items() if name not in {"acts", "stage", "mixed"}}
        paid, mixed = self.state["posted"] - self.state["refunded"], self.state["mixed"]
        return {
            **shown,
            **self._particulars,
            "stage": stage(self.state, time_ms),
            "as_of_ms": time_ms,
            "paid": paid,
            "paid_with": {"coins": paid, **({} if mixed is None else paid_with(mixed))},
            "history": self.acts,
        }

    def _read_history(self, charge: str) -> str:
        self._found = found = Acts("the charge", charge, self.source.private_prefix(charge_prefix(charge)))
        programme = found.head["programme"]
        self._terms, self._offers = Terms(self.source, programme), Offers(self.source, programme)
        self.source.expect_private(found.records)
        for number, position in enumerate(found.records, 1):
            act = self.keep(checked_private(self.source, position))
            kinds = {"coins-charge"} if number == 1 else FOLLOWING
            if act.record.kind not in kinds or act.document.body["charge"] != charge:
                raise ProofError(f"act {number}", expected=f"an act on {charge}", got=act.record.subject)
        return f"{len(self.records)} acts"

    def _check_resident(self) -> str:
        """Check that a key that was the account's then signed the code, which is of this charge alone."""
        first = self._first
        body = first.document.body
        if "code" not in body:
            return "a printed card"
        kid = bytes.fromhex(body["code"]["kid"])
        public_key = check_key(
            f"the code of record {first.id}",
            self.source.private_prefix(holder_prefix(kid)),
            kid,
            owner=holder_of(body["account"]),
            position=first.position,
        )
        code = check_code(body, public_key, first.record.audience)
        return f"a code up to {code.ceiling} coins"

    def _check_terms(self) -> str:
        first = self._first
        terms = self._terms.before(first.index)
        _, actor = act_of(first)
        try:
            offers = partial(self._offers.before, first.index)
            state = begin(first.document.body, actor=actor, terms=terms, offers=offers, time_ms=first.time_ms)
        except RefusedError as error:
            raise ProofError(f"the charge: {error.message}", expected=error.expected, got=error.got) from error
        # Only the account's holder can say that it had too few coins; the merchant is not paid either way.
        self.state = unpaid(state) if state["offline"] and self._found.entries[0]["stage"] == "unpaid" else state
        return f"version {terms['version']}"

    def _check_acts(self) -> str:
        for number, found in enumerate(self.records.values(), 1):
            kind, actor = act_of(found)
            body = found.document.body
            if number > 1:
                step = Step(kind.name, body, found.record.issuer, actor, found.time_ms)
                self._follow(number, step)
            entry = {
                "record": found.position, "kind": kind.name, "by": found.record.issuer, "time_ms": found.time_ms,
                "coins": body.get("coins", 0), "stage": self.state["stage"],
            }  # fmt: skip
            known = self._found.entries[number - 1]
            if known != entry:
                raise ProofError(f"act {number}", expected=entry, got=known)
            self.acts.append({**entry, "number": number, "record": found.id, "for": actor})
        self.state["acts"] = len(self.acts)
        if self.state != self._found.head:
            raise ProofError("the state of the charge", expected=self.state, got=self._found.head)
        return str(self.state["stage"])

    def _follow(self, number: int, step: Step) -> None:
        try:
            if (step.body["programme"], step.body["account"]) != (self.state["programme"], self.state["account"]):
                raise ProofError(f"act {number}", expected="the charge's programme and account", got=step.body)
            self.state = follow(self.state, step)
        except RefusedError as error:
            raise ProofError(f"act {number}: {error.message}", expected=error.expected, got=error.got) from error

    def _read_particulars(self) -> str:
        terms = self._terms.before(self._first.index)
        offers = self._read_offers()
        issuers = {one["issuer"] for one in offers.values()}
        actors = read_actors(self.source, {terms["owner"], self.state["merchant"], *issuers})
        programme = {name: terms[name] for name in ("programme", "name", "owner", "value")}
        self._particulars = {"programme": programme, "offers": offers, "actors": actors}
        return f"{len(actors)} actors"

    def _read_offers(self) -> dict[str, Any]:
        """Return what the tickets and coupons are called, and who issued them."""
        mixed, index = self.state["mixed"] or {"tickets": [], "coupons": []}, self._first.index
        found: dict[str, Any] = {}
        for used in tickets_of(mixed):
            terms = self._offers.before(index, "tickets", used.offer, used.version)
            shown = found.setdefault(used.offer, {"issuer": terms["issuer"], "name": terms["name"], "items": {}})
            shown["items"][used.item] = terms["items"][used.item]["name"]
        for one in coupons_of(mixed):
            terms = self._offers.before(index, "coupons", one.offer, one.version)
            found.setdefault(one.offer, {"issuer": terms["issuer"], "name": terms["name"]})
        return found


verify = question.verifier("payment", Answer)
