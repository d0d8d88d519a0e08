"""Random lives of agreements beside a slow model: no act out of order, nothing beyond the terms, nothing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from agreements import PURCHASER, Deal, open_deal, simple_terms
from conftest import soak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rules import DAY_MS, GTIN

from contracts.agreements.dues import due
from contracts.agreements.terms import parties_of, terms_hash
from ledger.errors import RefusedError

LIMIT, SHARE, MOST = 1_000_000, 400, 1_100_000


@dataclass
class Model:
    """What a person with a pencil would know of the agreement: weights, sums and days, in plain lists."""

    copy_ms: int | None = None
    advice: bool = False
    drafted: bool = False
    signed: set[str] = field(default_factory=set)
    witnessed: bool = False
    harvested: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    graded: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    settled: dict[str, str] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    received: set[str] = field(default_factory=set)
    advanced: int = 0
    repaid: int = 0
    final: bool = False
    disputed: bool = False
    closed: bool = False

    @property
    def binding(self) -> bool:
        """Whether goods may move."""
        return self.signed == {PURCHASER, "farm-1"} and self.witnessed and not self.closed


REACHED: Counter[str] = Counter()
names = st.sampled_from(["D-1", "D-2", "D-3"])
settlements = st.sampled_from(["S-1", "S-2"])


class Life(RuleBasedStateMachine):
    """Acts in any order; the model says for each whether it may be let in."""

    @initialize(start=st.integers(0, 5))
    def begin(self, start: int) -> None:
        """Begin with nothing, with an agreement that binds, with goods that came, a season that is settled, or paid."""
        self.deal: Deal = open_deal(
            simple_terms(
                witness="fa",
                quantity={"form": "fixed", "grams": 1_000_000, "tolerance_permille": 100},
                advances={"limit": LIMIT, "share_permille": SHARE},
            )
        )
        self.model = Model()
        self.document = b""
        self.deal.lots["farm-1"] = "L-farm-1"
        self.deal.world.submit("farm-1", "lot", {"gtin": GTIN, "lot": "L-farm-1", "site": "S-1"})
        self.named = False
        if start > 0:
            self.draft()
            self.fair("copy")
            self.fair("advice-offered")
            self.wait(10)
            self.sign("farm-1")
            self.sign(PURCHASER)
            self.witness("fa")
        if start > 1:
            self.harvest(1_200_000)
            self.deliver("D-1", 900_000)
            self.grade("D-1", 0)
            self.accept("D-1", 10_000)
        if start > 2:
            self.settle("S-1", {"D-1"}, final=True, cheat=0)
        if start > 3:
            self.pay("S-1", "P-1", 0)
        if start > 4:
            self.receive("P-1")

    def attempt(self, may: bool, act: Any, *args: Any, **more: Any) -> bool:  # noqa: FBT001 - what the model says
        """Try an act: it is let in where the model says so, and nowhere else."""
        refusal = None
        try:
            act(*args, **more)
        except RefusedError as error:
            refusal = error
        assert (refusal is None) == may, (refusal, act, args, more)
        return may

    @rule()
    def draft(self) -> None:
        """Draft the terms, or draft them anew."""
        may = not self.model.signed >= {PURCHASER, "farm-1"}
        if self.attempt(may, self.deal.draft):
            self.model.drafted, self.model.copy_ms, self.model.advice = True, None, False
            self.model.signed = set()
            self.document = self.deal.offer()

    @rule(step=st.sampled_from(["copy", "advice-offered"]))
    def fair(self, step: str) -> None:
        """A copy, or advice."""
        model = self.model
        done = model.copy_ms is not None if step == "copy" else model.advice
        may = model.drafted and not done and not model.signed >= {PURCHASER, "farm-1"}
        if self.attempt(may, self.deal.fair, "farm-1", step):
            if step == "copy":
                model.copy_ms = self.deal.world.time_ms
            else:
                model.advice = True

    @rule(days=st.sampled_from([1, 3, 10]))
    def wait(self, days: int) -> None:
        """Let days pass, but not so many that an offer lapses or the season ends."""
        if self.deal.world.time_ms < 1_790_000_000_000 + 60 * DAY_MS and (
            not self.model.signed or self.model.witnessed
        ):
            self.deal.later(days)

    @rule(actor=st.sampled_from([PURCHASER, "farm-1", "farm-2"]))
    def sign(self, actor: str) -> None:
        """Sign the terms."""
        model, now = self.model, self.deal.world.time_ms
        if not self.document or actor in model.signed:
            return
        fair = model.copy_ms is not None and now >= model.copy_ms + 10 * DAY_MS and model.advice
        may = model.drafted and actor != "farm-2" and (actor == PURCHASER or fair)
        if self.attempt(may, self.deal.sign, actor, self.document):
            model.signed.add(actor)

    @rule(actor=st.sampled_from(["fa", PURCHASER]))
    def witness(self, actor: str) -> None:
        """Witness the signatures."""
        model = self.model
        may = actor == "fa" and model.signed == {PURCHASER, "farm-1"} and not model.witnessed
        digest = terms_hash(self.deal.terms).hex()
        if self.attempt(may, self.deal.act, actor, "witness", terms_hash=digest):
            model.witnessed = True

    @rule(amount=st.sampled_from([1, 400_000, LIMIT]))
    def advance(self, amount: int) -> None:
        """An advance."""
        model = self.model
        may = model.binding and model.advanced - model.repaid + amount <= LIMIT
        if self.attempt(may, self.deal.act, "farm-1", "advance", item="種子", amount=amount, day=self.deal.now):
            model.advanced += amount

    @rule(amount=st.sampled_from([1, 300_000]))
    def repay(self, amount: int) -> None:
        """A repayment beside the settlements."""
        model = self.model
        may = model.binding and amount <= model.advanced - model.repaid
        if self.attempt(may, self.deal.act, PURCHASER, "repayment", grower="farm-1", amount=amount):
            model.repaid += amount

    @rule(grams=st.sampled_from([200_000, 1_200_000]))
    def harvest(self, grams: int) -> None:
        """Name the lot the first time, and declare a harvest."""
        lot = {"gtin": GTIN, "lot": "L-farm-1"}
        if not self.named and self.attempt(self.model.binding, self.deal.act, "farm-1", "growing", lots=[lot]):
            self.named = True
        may = self.model.binding and self.named
        lots = [{**lot, "grams": grams}]
        if self.attempt(may, self.deal.act, "farm-1", "harvest", lots=lots, day=self.deal.now):
            self.model.harvested += grams

    @rule(name=names, grams=st.sampled_from([1, 150_000, 500_000, 900_000]))
    def deliver(self, name: str, grams: int) -> None:
        """Deliver."""
        model = self.model
        before = sum(model.delivered.values())
        may = model.binding and self.named and name not in model.delivered
        may = may and before + grams <= min(model.harvested, MOST)
        if self.attempt(may, self.deal.deliver, name, grams):
            model.delivered[name] = grams

    @rule(name=names, missing=st.sampled_from([0, 0, 0, 1]))
    def grade(self, name: str, missing: int) -> None:
        """Grade, now and then with a gram missing."""
        model = self.model
        grams = model.delivered.get(name, 10)
        may = model.binding and name in model.delivered and name not in model.graded and missing == 0
        if grams > missing and self.attempt(may, self.deal.grade, name, ("A", grams - missing)):
            model.graded[name] = self.deal.world.time_ms

    @rule(name=names, rejected=st.sampled_from([0, 1, 10_000]))
    def accept(self, name: str, rejected: int) -> None:
        """Accept, or reject a part."""
        model, now = self.model, self.deal.world.time_ms
        may = model.binding and name in model.graded and name not in model.answered
        may = may and now < model.graded[name] + 3 * DAY_MS and rejected <= model.delivered[name]
        if self.attempt(may, self.deal.accept, name, *([("A", rejected, "damage")] if rejected else [])):
            model.answered.add(name)
            model.rejected[name] = rejected

    @rule(settlement=settlements, chosen=st.sets(names), final=st.booleans(), cheat=st.sampled_from([0, 0, 0, 1]))
    def settle(self, settlement: str, chosen: set[str], final: bool, cheat: int) -> None:  # noqa: FBT001 - drawn
        """Settle; now and then with a cent too much."""
        model, now = self.model, self.deal.world.time_ms
        ready = {name for name, graded in model.graded.items() if name in model.answered or now >= graded + 3 * DAY_MS}
        open_ones = set(model.delivered) - set(model.settled)
        may = model.binding and settlement not in model.sums and not model.final and chosen <= ready & open_ones
        may = may and (chosen == open_ones if final else bool(chosen)) and not cheat
        goods = [(model.delivered[name] - model.rejected.get(name, 0)) for name in model.delivered if name in chosen]
        due_ = sum((grams * 3580 * 2 + 1000) // 2000 for grams in goods)
        outstanding = model.advanced - model.repaid
        repaid = min(outstanding, due_ if final else due_ * SHARE // 1000)
        body = {"settlement": settlement, "deliveries": sorted(chosen), "final": final, "lines": [], "sums": []}
        if self.deal.state is not None and chosen <= ready & open_ones:
            body = self.deal.settlement(settlement, sorted(chosen), final=final)
            if body["sums"]:
                body["sums"][0]["amount"] += cheat
        if cheat and not body["sums"]:
            return
        if self.attempt(may, self.deal.act, PURCHASER, "settlement", **body):
            assert sum(one["amount"] for one in body["sums"]) == due_ - repaid
            model.settled |= dict.fromkeys(chosen, settlement)
            model.sums[settlement] = due_ - repaid
            model.repaid += repaid
            model.final |= final

    @rule(settlement=settlements, payment=st.sampled_from(["P-1", "P-2", "P-3"]), wrong=st.sampled_from([0, 0, 1]))
    def pay(self, settlement: str, payment: str, wrong: int) -> None:
        """Pay a settlement, now and then a cent too much or a second time."""
        model = self.model
        amount = model.sums.get(settlement, 1)
        used = {
            one["payment"]
            for each in (self.deal.state or {"settlements": []})["settlements"]
            for one in each["payments"]
        }
        may = model.binding and settlement in model.sums and settlement not in model.paid and payment not in used
        if amount + wrong > 0 and self.attempt(
            may and not wrong and amount > 0, self.deal.pay, payment, settlement, amount + wrong, receive=False
        ):
            model.paid.add(settlement)

    @rule(payment=st.sampled_from(["P-1", "P-2"]))
    def receive(self, payment: str) -> None:
        """Say that a payment came."""
        model = self.model
        found = {
            one["payment"]: each["settlement"]
            for each in (self.deal.state or {"settlements": []})["settlements"]
            for one in each["payments"]
        }
        may = model.binding and payment in found and payment not in model.received
        if self.attempt(may, self.deal.act, "farm-1", "receipt", payment=payment):
            model.received.add(payment)

    @rule()
    def close(self) -> None:
        """Close."""
        model = self.model
        paid = all(amount == 0 or name in model.paid for name, amount in model.sums.items())
        may = model.binding and model.final and paid and len(model.received) == len(model.paid)
        may = may and model.advanced == model.repaid
        if self.attempt(may, self.deal.act, "farm-1", "close"):
            model.closed = True

    def teardown(self) -> None:
        """Count how far the lives came: a machine that never settles anything shows nothing."""
        if hasattr(self, "deal") and self.deal.state is not None:
            REACHED[self.deal.state["stage"]] += 1

    @invariant()
    def the_state_is_what_the_model_says(self) -> None:
        """Weights, sums and debts are those that were written down with a pencil."""
        state = self.deal.state
        if state is None:
            return
        model = self.model
        assert {one["delivery"]: one["grams"] for one in state["deliveries"]} == model.delivered
        assert {one["delivery"]: one["settlement"] for one in state["deliveries"] if one["settlement"]} == model.settled
        account = state["growers"].get("farm-1", {"advanced": 0, "repaid": 0})
        assert (account["advanced"], account["repaid"]) == (model.advanced, model.repaid)
        assert 0 <= account["repaid"] <= account["advanced"]
        assert sum(model.delivered.values()) <= MOST
        paid = sum(one["amount"] for each in state["settlements"] for one in each["payments"])
        assert paid == sum(model.sums[name] for name in model.paid)
        assert (state["stage"] == "closed") == model.closed
        late = [
            one
            for one in due(state, self.deal.terms, self.deal.world.time_ms)
            if one.who not in {*parties_of(self.deal.terms), "fa"}
        ]
        assert late == []


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=soak("lives of an agreement", 100, 2_000),
    stateful_step_count=soak("acts a life", 50, 80),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_lives_come_to_their_end() -> None:
    """The machine above has to reach settlements and closings, or it proves little."""
    if REACHED:
        assert REACHED["settled"] > 0, REACHED
        assert REACHED["closed"] > 0, REACHED
