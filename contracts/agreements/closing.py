"""How a season ends: settlement, payment and its receipt, disputes and their steps, termination, closing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.agreements.case import Case, State, days_between, furthest, replaced
from contracts.agreements.settling import Ledger, Settlement, first_difference, rows_of, settle
from contracts.agreements.terms import accepted_min_g, parties_of
from contracts.kind import DAY_MS
from contracts.rounding import divide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contracts.agreements.price import Market

DISPUTES_MAX = 64


def settlement(case: Case) -> State:
    """Settle deliveries: what the document says must be what the rule computes, to the last line."""
    case.expect_open()
    state, terms, content = case.state, case.known_terms, case.body
    case.expect_by(terms["purchaser"])
    case.expect_new(state["settlements"], "settlement", "agreements.settlement-known")
    case.expect(state["final"] is None, "agreements.final", "the season is settled already", got=state["final"])
    chosen = _chosen(case)
    if terms["price"]["form"] != "pool":
        case.expect(
            not content.get("proceeds") and not content.get("costs"),
            "agreements.pool",
            "only a pool has proceeds and costs",
            expected="none",
        )
    found = computed(
        state, terms, chosen, market=case.market, time_ms=case.time_ms, final=content["final"],
        proceeds=content.get("proceeds", 0), costs=content.get("costs", 0),
    )  # fmt: skip
    _expect_same(case, found)
    repaid = {line.grower: -line.amount for line in found.lines if line.what == "advances"}
    growers = {
        name: {**account, "repaid": account["repaid"] + repaid.get(name, 0)}
        for name, account in state["growers"].items()
    }
    names = {one["delivery"] for one in chosen}
    settled_deliveries = [
        {**one, "settlement": content["settlement"]} if one["delivery"] in names else one for one in state["deliveries"]
    ]
    one = {
        "settlement": content["settlement"], "time_ms": case.time_ms, "final": content["final"],
        "due_ms": case.time_ms + terms["payment"]["pay_days"] * DAY_MS,
        "sums": [[grower, amount] for grower, amount in found.sums.items()], "payments": [],
        "ready_ms": max((ready_ms(each, terms) for each in chosen), default=case.time_ms),
    }  # fmt: skip
    after = {
        **state, "growers": growers, "deliveries": settled_deliveries,
        "settlements": [*state["settlements"], one], "final": content["settlement"] if content["final"] else None,
    }  # fmt: skip
    return furthest(after, "settled") if content["final"] else after


def ready_ms(delivery: Mapping[str, Any], terms: Mapping[str, Any]) -> int:
    """Return when a graded delivery was accepted, or counts as accepted; Unix milliseconds."""
    if delivery["accepted_ms"] is not None:
        return int(delivery["accepted_ms"])
    return int(delivery["graded_ms"]) + int(terms["acceptance"]["accept_days"]) * DAY_MS


def _chosen(case: Case) -> list[dict[str, Any]]:
    """Return the deliveries that are settled, in their order; a final settlement has all that are left."""
    wanted, state = case.body["deliveries"], case.state
    open_ones = [one for one in state["deliveries"] if one["settlement"] is None]
    known = {one["delivery"]: one for one in state["deliveries"]}
    for name in wanted:
        case.expect(name in known, "agreements.delivery-unknown", "the agreement has no such delivery", got=name)
        case.expect(
            known[name]["settlement"] is None, "agreements.settled", "the delivery is settled already",
            expected="a delivery that is not", got=f"{name} by {known[name]['settlement']}",
        )  # fmt: skip
        case.expect(
            rows_of(known[name], case.known_terms, case.time_ms) is not None,
            "agreements.not-accepted", "the delivery is not accepted yet", got=name,
        )  # fmt: skip
    left = [one["delivery"] for one in open_ones if one["delivery"] not in wanted]
    case.expect(
        not case.body["final"] or not left,
        "agreements.left-out",
        "the season's last settlement leaves no delivery out",
        expected=", ".join(left),
    )
    case.expect(
        wanted or case.body["final"], "agreements.left-out", "a settlement is of deliveries", expected="one at least"
    )
    return [one for one in open_ones if one["delivery"] in wanted]


def computed(
    state: Mapping[str, Any],
    terms: Mapping[str, Any],
    chosen: Sequence[Mapping[str, Any]],
    *,
    market: Market,
    time_ms: int,
    final: bool,
    proceeds: int = 0,
    costs: int = 0,
) -> Settlement:
    """Return what a settlement of these deliveries comes to by the state of the agreement."""
    outstanding = {name: one["advanced"] - one["repaid"] for name, one in state["growers"].items()}
    short = short_g(state, terms, time_ms) if final else 0
    ledger = Ledger(outstanding, short, final, proceeds, costs)
    return settle(terms, chosen, ledger, market, time_ms)


def short_g(state: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> int:
    """Return how much is missing of what had to be delivered, in grams: accepted goods, under exclusive output all."""
    if terms["quantity"]["form"] == "exclusive":
        came = sum(int(one["grams"]) for one in state["deliveries"])
    else:
        came = sum(int(row[1]) for one in state["deliveries"] for row in rows_of(one, terms, time_ms) or [])
    accounts = state["growers"].values()
    least = accepted_min_g(terms, sum(one["harvested_g"] for one in accounts), sum(one["lost_m2"] for one in accounts))
    return max(least - came, 0)


def _expect_same(case: Case, found: Settlement) -> None:
    ours, theirs = [line.said() for line in found.lines], case.body["lines"]
    number, our_line, their_line = first_difference(ours, theirs)
    sums = [{"grower": grower, "amount": amount} for grower, amount in found.sums.items()]
    total = sum(one["amount"] for one in case.body["sums"])
    case.expect(
        number == 0 and sums == case.body["sums"],
        "agreements.settlement",
        "the settlement is another one by the agreed price, grades and weights",
        expected=f"{found.total} in all; " + (f"line {number}: {our_line}" if number else f"sums {sums}"),
        got=f"{total} in all; " + (f"line {number}: {their_line}" if number else f"sums {case.body['sums']}"),
    )


def payment(case: Case) -> State:
    """The purchaser pays a grower's sum of a settlement, with what the agreement adds where it is late; once."""
    case.expect_open()
    terms, one = case.known_terms, case.named(case.state["settlements"], "settlement", "agreements.settlement-unknown")
    case.expect_by(terms["purchaser"])
    grower, content = case.body["grower"], case.body
    case.expect_grower(grower)
    case.day(content["day"], after_ms=one["time_ms"])
    known = [paid for each in case.state["settlements"] for paid in each["payments"]]
    case.expect_new(known, "payment", "agreements.payment-known")
    case.expect(
        all(paid["grower"] != grower for paid in one["payments"]),
        "agreements.paid",
        "this sum is paid already",
        expected="a sum that is not",
        got=f"{one['settlement']} to {grower}",
    )
    owed = owed_now(one, terms, grower, case.time_ms)
    case.expect(
        owed > 0 and content["amount"] == owed,
        "agreements.payment",
        "what is paid is what was settled, with what is added for each day it is late",
        expected=owed,
        got=content["amount"],
    )
    paid = {
        "payment": content["payment"], "grower": grower, "amount": owed, "paid_ms": case.time_ms, "received_ms": None,
    }  # fmt: skip
    changed = {**one, "payments": [*one["payments"], paid]}
    return {**case.state, "settlements": replaced(case.state["settlements"], "settlement", changed)}


def owed_now(one: Mapping[str, Any], terms: Mapping[str, Any], grower: str, time_ms: int) -> int:
    """Return what a settlement's payment to a grower is at a time, with what is added for being late."""
    amount = int(dict(one["sums"]).get(grower, 0))
    late_days = days_between(int(one["due_ms"]), time_ms)
    added = divide(amount * int(terms["penalty"]["late_permille_per_day"]) * late_days, 1000, terms["rounding"])
    return amount + added


def receipt(case: Case) -> State:
    """A grower says that a payment came."""
    case.expect_open()
    settlements = case.state["settlements"]
    paid = case.named(
        [paid for each in settlements for paid in each["payments"]], "payment", "agreements.payment-unknown"
    )
    case.expect_by(paid["grower"])
    case.expect(
        paid["received_ms"] is None, "agreements.received", "its receipt is recorded already", got=paid["payment"]
    )
    received = {**paid, "received_ms": case.time_ms}
    changed = [{**one, "payments": replaced(one["payments"], "payment", received)} for one in settlements]
    return {**case.state, "settlements": changed}


def dispute(case: Case) -> State:
    """A party raises a dispute, or takes it to the next step that was agreed."""
    case.expect_open()
    case.expect_party()
    steps, disputes = case.known_terms["disputes"]["steps"], case.state["disputes"]
    known = next((one for one in disputes if one["dispute"] == case.body["dispute"]), None)
    case.expect(
        known is None or known["open"], "agreements.dispute-ended", "the dispute is ended", got=case.body["dispute"]
    )
    case.expect(
        known is not None or len(disputes) < DISPUTES_MAX, "agreements.disputes-max", "too many disputes",
        expected=f"at most {DISPUTES_MAX}",
    )  # fmt: skip
    number = 0 if known is None else steps.index(known["step"]) + 1
    expected = steps[number] if number < len(steps) else "no further step"
    case.expect(
        case.body["step"] == expected,
        "agreements.dispute-step",
        "disputes go by the agreed steps, one after the other",
        expected=expected,
        got=case.body["step"],
    )
    if known is None:
        one = {
            "dispute": case.body["dispute"], "by": case.actor, "about": case.body["about"], "step": expected,
            "open": True, "outcome": None, "time_ms": case.time_ms,
        }  # fmt: skip
        return {**case.state, "disputes": [*disputes, one]}
    return {**case.state, "disputes": replaced(disputes, "dispute", {**known, "step": expected})}


def dispute_end(case: Case) -> State:
    """Those between whom it is end a dispute; who raised it may withdraw it alone."""
    case.expect_open()
    terms, one = case.known_terms, case.named(case.state["disputes"], "dispute", "agreements.dispute-unknown")
    case.expect(one["open"], "agreements.dispute-ended", "the dispute is ended", got=one["dispute"])
    between, outcome = list(case.body["between"]), case.body["outcome"]
    purchaser, growers = terms["purchaser"], terms["growers"]
    if outcome == "withdrawn":
        allowed = between == [one["by"]]
    elif one["by"] == purchaser:
        allowed = between[:1] == [purchaser] and len(between) > 1 and set(between[1:]) <= set(growers)
    else:
        allowed = set(between) == {purchaser, one["by"]}
    case.expect(
        allowed,
        "agreements.dispute-between",
        "a dispute is withdrawn by who raised it, and otherwise ended by both sides",
        expected=one["by"] if outcome == "withdrawn" else f"{one['by']} and the other side",
        got=", ".join(between),
    )
    if not case.complete:
        return case.state
    ended = {**one, "open": False, "outcome": outcome}
    return {**case.state, "disputes": replaced(case.state["disputes"], "dispute", ended)}


def termination(case: Case) -> State:
    """A party ends the agreement, for an agreed reason and after the agreed notice."""
    case.expect_running()
    case.expect_party()
    terms = case.known_terms["termination"]
    case.expect(
        case.body["reason"] in terms["reasons"],
        "agreements.termination",
        "an agreement ends for the reasons that were agreed",
        expected=", ".join(terms["reasons"]),
        got=case.body["reason"],
    )
    case.expect(
        case.state["terminated_ms"] is None, "agreements.termination", "notice is given already", expected="once"
    )
    return {**case.state, "terminated_ms": case.time_ms + terms["notice_days"] * DAY_MS}


def close(case: Case) -> State:
    """A party closes an agreement of which nothing is open."""
    case.expect_open()
    case.expect_party()
    left = still_open(case.state)
    case.expect(
        not left, "agreements.open", "an agreement is closed when nothing is open", expected="nothing open",
        got="; ".join(left),
    )  # fmt: skip
    return {**case.state, "stage": "closed", "closed_ms": case.time_ms}


def still_open(state: Mapping[str, Any]) -> list[str]:
    """Return what is open, in words: the final settlement, payments, receipts, advances, disputes, an amendment."""
    left = [] if state["final"] is not None else ["the final settlement"]
    for one in state["settlements"]:
        paid = {each["grower"]: each for each in one["payments"]}
        for grower, amount in one["sums"]:
            if amount and grower not in paid:
                left.append(f"the payment of {one['settlement']} to {grower}")
            elif amount and paid[grower]["received_ms"] is None:
                left.append(f"the receipt of {grower} for {one['settlement']}")
    for grower, account in state["growers"].items():
        if account["advanced"] > account["repaid"]:
            left.append(f"advances to {grower}: {account['advanced'] - account['repaid']}")
    left += [f"the dispute {one['dispute']}" for one in state["disputes"] if one["open"]]
    return left


def broken_guarantee(state: Mapping[str, Any], terms: Mapping[str, Any]) -> list[str]:
    """Return why it cannot be said that the guaranteed price was kept this season; nothing where it can.

    Every settlement is what the rule computed from the guaranteed price; so what is left to ask is whether all of it
    was settled, paid in full, received, and in time.
    """
    left = still_open(state)
    if terms["price"]["form"] not in {"fixed", "grade"} and "guaranteed" not in terms["price"]:
        left.append("no guaranteed price in the terms")
    for one in state["settlements"]:
        late = [each["grower"] for each in one["payments"] if each["paid_ms"] > one["due_ms"]]
        left += [f"{one['settlement']} was paid late to {grower}" for grower in late]
        if one["time_ms"] > one["ready_ms"] + terms["payment"]["settle_days"] * DAY_MS:
            left.append(f"{one['settlement']} was settled late")
    return left


def readers(state: Mapping[str, Any], terms: Mapping[str, Any]) -> set[str]:
    """Return who may read an agreement: its parties, its witness, its inspector, whom a mandate names."""
    found = {*parties_of(terms), *state["mandates"]}
    return found | {one for one in (terms.get("witness"), terms["acceptance"].get("inspector")) if one is not None}
