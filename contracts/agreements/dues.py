"""What is due when, from an agreement's own terms and a time: a pure function of its state.

due(state, terms, time_ms)   [Due("pay", "pingtung.frozen", by_ms, "S-1", "pingtung.lin", 1650000, late=False), …]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from contracts.agreements.case import COPY_DAYS, TAIPEI_MS
from contracts.agreements.closing import owed_now, ready_ms, still_open
from contracts.agreements.settling import rows_of
from contracts.kind import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that somebody has to do.

    Attributes:
        what: `copy`, `advice`, `read-aloud`, `sign`, `witness`, `name-lots`, `declare-harvest`, `deliver`, `grade`,
            `accept`, `settle`, `pay`, `confirm`, `resolve`, `close`.
        who: whose turn it is.
        by_ms: until when; None where the terms set no day.
        about: the delivery, settlement, payment or dispute; empty where it is the agreement.
        to: to whom, where it is a payment.
        amount: minor units, where it is a payment.
        from_ms: from when it can be done, None for at once.
    """

    what: str
    who: str
    by_ms: int | None = None
    about: str = ""
    to: str = ""
    amount: int | None = None
    from_ms: int | None = None

    def late(self, time_ms: int) -> bool:
        """Say whether its day is past."""
        return self.by_ms is not None and time_ms >= self.by_ms


def due(state: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> list[Due]:
    """Return what is due, the soonest first, what has no day last.

    Args:
        state: the agreement's.
        terms: the terms in force.
        time_ms: Unix milliseconds.
    """
    stage = state["stage"]
    if stage == "closed":
        return []
    if stage in {"drafted", "offered"}:
        found = list(_before_signing(state, terms))
    elif terms.get("witness") is not None and state["witnessed_ms"] is None:
        found = [Due("witness", terms["witness"])]
    else:
        found = [*_season(state, terms, time_ms), *_deliveries(state, terms, time_ms), *_money(state, terms, time_ms)]
    found += [Due("resolve", one["by"], about=one["dispute"]) for one in state["disputes"] if one["open"]]
    if not found and not still_open(state):
        found = [Due("close", terms["purchaser"])]
    return sorted(found, key=lambda one: (one.by_ms is None, one.by_ms or 0, one.what, one.who))


def _before_signing(state: Mapping[str, Any], terms: Mapping[str, Any]) -> Iterator[Due]:
    signed = {actor for actor, _ in state["signed"]}
    until_ms = state["offer"]["expires_ms"] if state["offer"] else None
    for grower in terms["growers"]:
        steps = state["fairness"][grower]
        if steps["copy"] is None:
            yield Due("copy", grower)
        if steps["advice-offered"] is None:
            yield Due("advice", grower)
        if steps["reading-asked"] is not None and steps["read-aloud"] is None:
            yield Due("read-aloud", terms.get("witness", grower))
        if grower not in signed:
            first_ms = None if steps["copy"] is None else steps["copy"] + COPY_DAYS * DAY_MS
            yield Due("sign", grower, until_ms, from_ms=first_ms)
    if terms["purchaser"] not in signed:
        yield Due("sign", terms["purchaser"], until_ms)


def end_of_day_ms(day: str) -> int:
    """Return the end of a day of Taipei, Unix milliseconds."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return int(start.timestamp()) * 1000 - TAIPEI_MS + DAY_MS


def _season(state: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> Iterator[Due]:
    if state["final"] is not None or (state["terminated_ms"] is not None and time_ms >= state["terminated_ms"]):
        return
    window_ms = end_of_day_ms(terms["delivery"]["to"])
    if time_ms >= window_ms:
        return
    for grower, account in state["growers"].items():
        delivered = sum(one["grams"] for one in state["deliveries"] if one["grower"] == grower)
        if not account["lots"]:
            yield Due("name-lots", grower)
        elif not account["harvested_g"]:
            yield Due("declare-harvest", grower, window_ms)
        elif delivered < account["harvested_g"]:
            yield Due("deliver", grower, window_ms)


def _deliveries(state: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> Iterator[Due]:
    rules, purchaser = terms["acceptance"], terms["purchaser"]
    for one in state["deliveries"]:
        if one["settlement"] is not None:
            continue
        name = one["delivery"]
        if one["graded_ms"] is None:
            by_ms = one["delivered_ms"] + rules["grade_days"] * DAY_MS
            yield Due("grade", rules.get("inspector", purchaser), by_ms, name)
        elif rows_of(one, terms, time_ms) is None:
            yield Due("accept", purchaser, one["graded_ms"] + rules["accept_days"] * DAY_MS, name)
        else:
            yield Due("settle", purchaser, ready_ms(one, terms) + terms["payment"]["settle_days"] * DAY_MS, name)


def _money(state: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> Iterator[Due]:
    purchaser = terms["purchaser"]
    for one in state["settlements"]:
        paid = {each["grower"]: each for each in one["payments"]}
        for grower, amount in one["sums"]:
            if amount and grower not in paid:
                owed = owed_now(one, terms, grower, time_ms)
                yield Due("pay", purchaser, one["due_ms"], one["settlement"], grower, owed)
            elif amount and paid[grower]["received_ms"] is None:
                yield Due("confirm", grower, about=paid[grower]["payment"])
    ended = time_ms >= end_of_day_ms(terms["delivery"]["to"]) or (
        state["terminated_ms"] is not None and time_ms >= state["terminated_ms"]
    )
    open_ones = [one for one in state["deliveries"] if one["settlement"] is None]
    if ended and state["final"] is None and not open_ones:
        yield Due("settle", purchaser)
