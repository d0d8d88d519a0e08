"""A season under an agreement: advances, lots, harvest, deliveries, grading, acceptance, and what nobody could help.

Who receives signs: a grower for an advance, the purchaser for what is repaid and for what it takes in.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from contracts.agreements.case import Case, State, furthest, replaced, with_grower
from contracts.agreements.terms import AMOUNT_MAX, area_m2, delivered_max_g
from contracts.calendar import day_of
from contracts.kind import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DELIVERIES_MAX = 512


def advance(case: Case) -> State:
    """A grower receives an input or money in advance."""
    case.expect_running()
    case.expect_grower(case.actor)
    case.day(case.body["day"])
    account, limit = case.state["growers"][case.actor], case.known_terms["advances"]["limit"]
    advanced = account["advanced"] + case.body["amount"]
    case.expect(
        advanced - account["repaid"] <= limit,
        "agreements.advance",
        "advances stay within what was agreed",
        expected=f"at most {limit} outstanding",
        got=advanced - account["repaid"],
    )
    return with_grower(case.state, case.actor, advanced=advanced)


def repayment(case: Case) -> State:
    """The purchaser receives back what a grower had in advance, otherwise than by a settlement."""
    case.expect_open()
    grower = case.body["grower"]
    case.expect_grower(grower)
    case.expect_by(case.known_terms["purchaser"])
    account = case.state["growers"][grower]
    outstanding = account["advanced"] - account["repaid"]
    case.expect(
        case.body["amount"] <= outstanding,
        "agreements.repayment",
        "more is repaid than was advanced",
        expected=f"at most {outstanding}",
        got=case.body["amount"],
    )
    return with_grower(case.state, grower, repaid=account["repaid"] + case.body["amount"])


def growing(case: Case) -> State:
    """A grower names the lots that it grows under the agreement."""
    case.expect_running()
    case.expect_grower(case.actor)
    state, lots = case.state, [[one["gtin"], one["lot"]] for one in case.body["lots"]]
    taken = {tuple(lot) for account in state["growers"].values() for lot in account["lots"]}
    for gtin, lot in lots:
        case.expect((gtin, lot) not in taken, "agreements.lot-known", "this lot is named already", got=f"{gtin} {lot}")
    named = [*state["growers"][case.actor]["lots"], *lots]
    return furthest(with_grower(state, case.actor, lots=named), "growing")


def harvest(case: Case) -> State:
    """A grower declares what it harvested of its lots."""
    case.expect_running()
    case.expect_grower(case.actor)
    case.day(case.body["day"])
    account = case.state["growers"][case.actor]
    _expect_lots(case, case.body["lots"], account["lots"])
    grams = account["harvested_g"] + sum(one["grams"] for one in case.body["lots"])
    case.expect(grams <= AMOUNT_MAX, "agreements.amount", "the harvest", expected=f"at most {AMOUNT_MAX} g", got=grams)
    return furthest(with_grower(case.state, case.actor, harvested_g=grams), "harvested")


def _expect_lots(case: Case, lots: Iterable[dict[str, Any]], named: Sequence[Sequence[str]]) -> None:
    for one in lots:
        case.expect(
            [one["gtin"], one["lot"]] in named,
            "agreements.lot",
            "goods come from lots that are grown under the agreement",
            expected=", ".join(lot for _, lot in named) or "a lot that was named before",
            got=one["lot"],
        )


def delivery(case: Case) -> State:
    """A grower delivers; never more in all than was agreed with its tolerance, nor more than it harvested."""
    case.expect_running()
    case.expect_grower(case.actor)
    state, terms, account = case.state, case.known_terms, case.state["growers"][case.actor]
    day = case.day(case.body["day"])
    window = terms["delivery"]
    case.expect(
        window["from"] <= day <= window["to"],
        "agreements.window",
        "goods are delivered within the agreed days",
        expected=f"{window['from']} to {window['to']}",
        got=day,
    )
    case.expect_new(state["deliveries"], "delivery", "agreements.delivery-known")
    case.expect(
        len(state["deliveries"]) < DELIVERIES_MAX, "agreements.deliveries-max", "too many deliveries",
        expected=f"at most {DELIVERIES_MAX}",
    )  # fmt: skip
    _expect_lots(case, case.body["lots"], account["lots"])
    grams = sum(one["grams"] for one in case.body["lots"])
    own = sum(one["grams"] for one in state["deliveries"] if one["grower"] == case.actor)
    case.expect(
        own + grams <= account["harvested_g"],
        "agreements.harvest",
        "more would be delivered than was harvested",
        expected=f"at most {account['harvested_g'] - own} g",
        got=f"{grams} g",
    )
    before = sum(one["grams"] for one in state["deliveries"])
    most = delivered_max_g(terms, sum(one["harvested_g"] for one in state["growers"].values()))
    case.expect(
        before + grams <= most,
        "agreements.quantity",
        "more would be delivered than was agreed with its tolerance",
        expected=f"at most {max(most - before, 0)} g ({before} g delivered already)",
        got=f"{grams} g",
    )
    one = {
        "delivery": case.body["delivery"], "grower": case.actor, "grams": grams, "day": day,
        "lots": [[lot["gtin"], lot["lot"], lot["grams"]] for lot in case.body["lots"]], "delivered_ms": case.time_ms,
        "rows": [], "graded_ms": None, "accepted": None, "rejected": [], "accepted_ms": None, "settlement": None,
    }  # fmt: skip
    return furthest({**state, "deliveries": [*state["deliveries"], one]}, "delivered")


def grading(case: Case) -> State:
    """Who inspects says how much is of which grade: the third party where one is named, else the purchaser."""
    case.expect_open()
    terms, one = case.known_terms, case.named(case.state["deliveries"], "delivery", "agreements.delivery-unknown")
    case.expect_by(terms["acceptance"].get("inspector", terms["purchaser"]))
    case.expect(one["graded_ms"] is None, "agreements.graded", "the delivery is graded already", got=one["delivery"])
    rows = [[row["grade"], row["grams"], row.get("moisture_permille", 0)] for row in case.body["rows"]]
    grades = [each["grade"] for each in terms["product"]["grades"]]
    for grade, _, _ in rows:
        case.expect(
            grade in grades, "agreements.grade", "the terms have no such grade", expected=", ".join(grades), got=grade
        )
    found = sum(grams for _, grams, _ in rows)
    case.expect(
        found == one["grams"],
        "agreements.weights",
        "the grades add up to what was delivered",
        expected=f"{one['grams']} g",
        got=f"{found} g",
    )
    graded = {**one, "rows": rows, "graded_ms": case.time_ms}
    return furthest({**case.state, "deliveries": replaced(case.state["deliveries"], "delivery", graded)}, "graded")


def acceptance(case: Case) -> State:
    """The purchaser accepts what was graded, or rejects part of it for agreed reasons, within the agreed days."""
    case.expect_open()
    terms, one = case.known_terms, case.named(case.state["deliveries"], "delivery", "agreements.delivery-unknown")
    case.expect_by(terms["purchaser"])
    case.expect(one["graded_ms"] is not None, "agreements.not-graded", "goods are graded first", got=one["delivery"])
    case.expect(one["accepted"] is None, "agreements.accepted", "the delivery is answered already", got=one["delivery"])
    ends_ms = (one["graded_ms"] or 0) + terms["acceptance"]["accept_days"] * DAY_MS
    case.expect(
        case.time_ms < ends_ms,
        "agreements.late-answer",
        "what is not answered in time is accepted as it was graded",
        expected=f"before {day_of(ends_ms)}",
        got=day_of(case.time_ms),
    )
    reasons = terms["acceptance"]["reasons"]
    rejected = [[row["grade"], row["grams"], row["reason"]] for row in case.body["rejected"]]
    for _, _, reason in rejected:
        case.expect(
            reason in reasons,
            "agreements.reason",
            "goods are rejected for the reasons that were agreed",
            expected=", ".join(reasons),
            got=reason,
        )
    accepted = _accepted(case, one, rejected)
    answered = {**one, "accepted": accepted, "rejected": rejected, "accepted_ms": case.time_ms}
    deliveries = replaced(case.state["deliveries"], "delivery", answered)
    return furthest({**case.state, "deliveries": deliveries}, "accepted")


def _accepted(case: Case, one: dict[str, Any], rejected: list[list[Any]]) -> list[list[Any]]:
    """Return the graded rows less what is rejected of each grade, the last row of a grade first."""
    left = Counter[str]()
    for grade, grams, _ in rejected:
        left[grade] += grams
    accepted: list[list[Any]] = []
    for grade, grams, moisture in reversed(one["rows"]):
        taken = min(left[grade], grams)
        left[grade] -= taken
        if grams > taken:
            accepted.insert(0, [grade, grams - taken, moisture])
    over = sorted(grade for grade, grams in left.items() if grams)
    case.expect(
        not over,
        "agreements.weights",
        "more is rejected of a grade than was delivered of it",
        expected=f"at most {sum(grams for grade, grams, _ in one['rows'] if grade in over[:1])} g",
        got=f"{left[over[0]]} g more of {over[0]}" if over else None,
    )
    return accepted


def force_majeure(case: Case) -> State:
    """A grower gives notice of what nobody could help, and what it took of the area; in time, of an agreed kind."""
    case.expect_running()
    case.expect_grower(case.actor)
    terms, account = case.known_terms["force_majeure"], case.state["growers"][case.actor]
    since = case.day(case.body["since"])
    case.expect(
        case.body["event"] in terms["events"],
        "agreements.event",
        "the agreement does not name this as force majeure",
        expected=", ".join(terms["events"]),
        got=case.body["event"],
    )
    latest = day_of(case.time_ms - terms["notice_days"] * DAY_MS)
    case.expect(
        since >= latest,
        "agreements.notice-late",
        "notice of force majeure is given in time",
        expected=f"within {terms['notice_days']} days",
        got=f"of {since}",
    )
    lost, area = account["lost_m2"] + case.body["area_m2"], area_m2(case.known_terms, case.actor)
    case.expect(
        lost <= area, "agreements.area", "more is lost than is under contract", expected=f"at most {area} m²", got=lost
    )
    one = {
        "grower": case.actor, "event": case.body["event"], "area_m2": case.body["area_m2"], "since": since,
        "time_ms": case.time_ms,
    }  # fmt: skip
    state = with_grower(case.state, case.actor, lost_m2=lost)
    return {**state, "force_majeure": [*state["force_majeure"], one]}
