"""Visit figures: closed cells of five people or more, nothing withheld that can be worked out, once and as counted."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from logged import logged
from rewards import PROGRAMME, Town, name
from rules import refused

from contracts.calendar import day_of
from contracts.rewards.keys import figures_key, visits_key
from contracts.rewards.visits import CELLS, PEOPLE_MIN, TREE, cells_of, published
from ledger.replay import replay

if TYPE_CHECKING:
    from pathlib import Path


def at(text: str) -> int:
    """Return a moment of Taipei, Unix milliseconds."""
    return int(datetime.fromisoformat(f"{text}+08:00").astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("time", "cells"),
    [
        ("00:00:00.000", ("day", "early", "morning")),
        ("10:59:59.999", ("day", "early", "morning")),
        ("11:00:00.000", ("day", "early", "midday")),
        ("13:59:59.999", ("day", "early", "midday")),
        ("14:00:00.000", ("day", "late", "afternoon")),
        ("17:00:00.000", ("day", "late", "evening")),
        ("23:59:59.999", ("day", "late", "evening")),
    ],
)
def test_cells_of_a_day(time: str, cells: tuple[str, ...]) -> None:
    """Each moment lies in one cell of each width, to the millisecond, by the clock of Taipei."""
    assert cells_of(at(f"2026-11-23T{time}")) == cells


def test_nothing_that_is_withheld_can_be_worked_out() -> None:
    """Over every day of up to seven visits a part, whoever knows the rule still finds many values for each cell.

    People who come twice make the wider cells smaller; both ends of that are gone through. The same figures come of
    days in which a withheld cell had nobody, or below five, and of others in which it had more.
    """
    days: dict[tuple[Any, ...], list[dict[str, int]]] = defaultdict(list)
    for counts in itertools.product(range(8), repeat=4):
        parts = dict(zip(("morning", "midday", "afternoon", "evening"), counts, strict=True))
        for widest in (sum, max):
            people = {**parts, **{cell: widest([parts[one] for one in TREE[cell]]) for cell in ("early", "late")}}
            people["day"] = widest([people["early"], people["late"]])
            days[tuple(sorted(published(people).items()))].append(people)
    assert len(days) > 300
    for shown, possible in days.items():
        assert all(count >= PEOPLE_MIN for _, count in shown)
        figures = dict(shown)
        # With more than 14 people a day the values that were gone through end before the possible ones do.
        for cell in set(CELLS) - set(figures) if figures.get("day", 0) <= 14 else ():
            assert len({people[cell] for people in possible}) >= 3, (shown, cell)


def test_siblings_are_shown_together() -> None:
    """One part of a cell without the other would be a subtraction away from it."""
    people = {"day": 30, "early": 12, "late": 18, "morning": 4, "midday": 8, "afternoon": 5, "evening": 13}
    assert published(people) == {"day": 30, "early": 12, "late": 18, "afternoon": 5, "evening": 13}
    assert published({**people, "late": 4}) == {"day": 30}
    assert published({**people, "day": 4}) == {}
    assert published({}) == {}


@pytest.fixture
def town() -> Town:
    """A town with eleven residents, each with coins, on a Monday morning."""
    town = Town()
    town.world.time_ms = at("2026-11-23T09:00:00")
    for number in range(11):
        town.earn(town.open(str(number)), "class")
    return town


def visit(town: Town, hour: str, people: range, merchant: str = "noodles") -> None:
    """Let people pay at a shop at an hour of that Monday."""
    town.world.time_ms = at(f"2026-11-23T{hour}")
    for number in people:
        town.charge(name(str(number)), 1, merchant=merchant)


def publish(town: Town, figures: dict[str, Any], *, by: str = "county", day: str = "2026-11-23") -> None:
    """Publish the figures of a day."""
    town.world.submit(by, "visit-figures", {"programme": PROGRAMME, "day": day, "figures": figures})


def test_figures_are_what_was_counted(town: Town) -> None:
    """Each person once a cell; when the day is over, once, by who runs the programme, and nothing but the truth."""
    visit(town, "10:00", range(4))
    visit(town, "12:00", range(7))
    visit(town, "12:30", range(7))
    visit(town, "15:00", range(5, 11))
    visit(town, "15:30", range(4), "tea")
    right = {"noodles": {"day": 11, "early": 7, "late": 6}}
    assert town.world.get(visits_key(PROGRAMME, "noodles", "2026-11-23")) == {
        "day": 11, "early": 7, "late": 6, "morning": 4, "midday": 7, "afternoon": 6,
    }  # fmt: skip
    town.world.time_ms = at("2026-11-23T23:59:59.999")
    with refused("figures.open"):
        publish(town, right)
    town.world.time_ms += 1
    with refused("figures.owner"):
        publish(town, right, by="noodles")
    for wrong in (
        {}, {"noodles": {**right["noodles"], "day": 12}}, {"noodles": {"day": 11}}, {**right, "tea": {"day": 5}},
        {"noodles": {**right["noodles"], "midday": 7}},
    ):  # fmt: skip
        with refused("figures.counts") as error:
            publish(town, wrong)
        assert not any(digit in str(error.value) for digit in "123456789")
    with refused("rules.schema"):
        publish(town, {"tea": {"day": 4}})
    publish(town, right)
    with refused("figures.known"):
        publish(town, right)
    assert town.world.get(figures_key(PROGRAMME, "2026-11-23"))["figures"] == right


def test_a_replay_takes_the_figures(tmp_path: Path) -> None:
    """Over a real log: who has the public records alone comes to the same public map, figures and all."""
    world = logged(tmp_path)
    town = Town(world)
    for number in range(5):
        town.earn(town.open(str(number)), "class")
        town.charge(name(str(number)), 1)
    day = day_of(world.time_ms)
    world.time_ms += 86_400_000
    figures = {"noodles": published(world.get(visits_key(PROGRAMME, "noodles", day)))}
    assert figures["noodles"]["day"] == 5
    publish(town, figures, day=day)
    world.log.seal()
    for public_only in (True, False):
        replay(world.store, world.log.fold, public_only=public_only)
    world.close()


def test_a_day_without_visitors(town: Town) -> None:
    """A day of which nothing can be shown is published as such; it tells no shop from another."""
    visit(town, "12:00", range(4))
    town.world.time_ms = at("2026-11-24T00:00:00")
    publish(town, {})
    assert day_of(town.world.time_ms) == "2026-11-24"


def test_holds_count_when_they_are_posted(town: Town) -> None:
    """Who was asked to pay and did not has not visited; a refund does not undo a visit."""
    town.world.time_ms = at("2026-11-23T12:00:00")
    charge = town.charge(name("1"), 5, body={"hold_s": 600})
    key = visits_key(PROGRAMME, "noodles", "2026-11-23")
    assert town.world.get(key) is None
    town.on("noodles", "post", name("1"), charge, coins=5)
    town.on("noodles", "refund", name("1"), charge, refund=name("r"), coins=5)
    assert town.world.get(key)["day"] == 1
