"""What a licence is on a day, as it was known on a day: the folded life beside a walk over its acts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from conftest import soak
from licence_model import slow_state
from licences import open_studio
from rules import DAY_MS

from contracts.licences.keys import licence_key
from contracts.licences.life import FOR_MAKING, FOR_SELLING, STATES, Standing, fold, known_on, standing, weakest


def day_number(number: int) -> str:
    """Return a day by its number."""
    return (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)).date().isoformat()


def time_of(number: int, rng: random.Random) -> int:
    """Return some moment of a day in Taipei."""
    midnight = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number) - timedelta(hours=8)
    return int(midnight.timestamp() * 1000) + rng.randrange(DAY_MS)


def draw_acts(rng: random.Random) -> list[dict[str, Any]]:
    """Return the acts of a licence's life as the rules would let them in, in the order of the log."""
    now, first = rng.randint(0, 5), rng.randint(0, 20)
    first, last = max(now, first), rng.choice([None, max(now, first) + rng.randint(0, 30)])
    filing = rng.random() < 0.3
    acts = [{
        "kind": "licence", "day": now, "first": day_number(first), "last": None if last is None else day_number(last),
        "sell_off_days": rng.choice([0, 5, 12]), "filing": filing,
    }]  # fmt: skip
    suspended = filed = False
    for _ in range(rng.randint(0, 6)):
        now += rng.randint(0, 8)
        kind = rng.choice(["filing", "suspension", "resumption", "revocation"])
        if kind == "filing" and filing and not filed:
            filed = True
            acts.append({"kind": "licence-filing", "day": now})
        elif kind == "suspension" and not suspended:
            suspended = True
            acts.append({"kind": "licence-suspension", "day": now, "from": day_number(now + rng.randint(1, 6))})
        elif kind == "resumption" and suspended:
            suspended = False
            acts.append({"kind": "licence-resumption", "day": now, "from": day_number(now + rng.randint(1, 6))})
        elif kind == "revocation":
            ends = now + rng.randint(0, 6)
            if last is None or ends < last:
                last = ends
                acts.append({"kind": "licence-revocation", "day": now, "last": day_number(ends), "reason": "agreed",
                             "sell_off_days": rng.choice([0, acts[0]["sell_off_days"]])})  # fmt: skip
    moments = sorted(time_of(act["day"], rng) for act in acts)
    return [{**act, "time_ms": moment} for act, moment in zip(acts, moments, strict=True)]


def test_valid_on_a_day_as_known_on_a_day() -> None:
    """A court asks what held on the day of the sale, and what the seller could have known."""
    rng = random.Random(20261127)
    seen: set[str] = set()
    for _ in range(soak("lives of licences", 400, 20_000)):
        acts = draw_acts(rng)
        for _ in range(40):
            day, known = day_number(rng.randint(-2, 70)), day_number(rng.randint(-2, 70))
            found = standing(known_on(acts, known), day).state
            assert found == slow_state(acts, day, known), (acts, day, known)
            seen.add(found)
    assert seen == set(STATES)


def test_what_was_known_of_a_day_stays_true() -> None:
    """A revocation that reached into the past would make a lawful sale unlawful."""
    rng = random.Random(5)
    for _ in range(soak("lives that go on", 300, 10_000)):
        acts = draw_acts(rng)
        # A filing counts from its own day: what was unfiled at the day before stays so.
        days = [day_number(number) for number in range(-1, 60, 3)]
        for day in days:
            states = {standing(known_on(acts, known), day).state for known in days if known >= day}
            states.add(standing(known_on(acts, day), day).state)
            # Of a day before the grant nothing was known, and nothing was allowed.
            assert len(states) == 1 or states in ({"unknown", "early"}, {"unknown", "unfiled"}), (acts, day)


def test_the_facts_hold_the_same_life() -> None:
    """The verdict folds the acts that are proved; the rules keep what they folded themselves."""
    studio = open_studio()
    studio.grant(studio.terms("L-1"))
    studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(2), "reason": "…"})
    studio.later(3)
    studio.act("panay", "licence-resumption", **{"licence": "L-1", "from": studio.day(4)})
    studio.revoke("L-1", "panay", last=30)
    life = None
    for act in studio.acts("L-1"):
        life = fold(life, act)
    assert life == studio.state("L-1")["life"] == known_on(studio.acts("L-1"), studio.today)
    assert studio.world.get(licence_key("L-1", 5)) is None


def test_the_weakest_counts() -> None:
    """A sublicence would allow more than what it is under."""
    one, other = Standing("active", None, None), Standing("selling-off", "2026-03-01", "2026-04-01")
    assert weakest([one]) == one
    assert weakest([one, other]) == other
    assert weakest([Standing("revoked", "2026-02-01", "2026-02-01"), other]).state == "revoked"
    assert {"active"} == FOR_MAKING < FOR_SELLING
