"""The shelves on which a rule finds grants: they find what a walk over all grants finds."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conftest import soak
from test_licence_scope import DAYS, axes, draw

from contracts.licences.conflicts import find
from contracts.licences.keys import licence_key
from contracts.licences.scope import Scope, days_after, earlier, overlap
from contracts.licences.shelf import EXCLUSIVE, FOUND_MAX, PAGE_SIZE, USE, Shelf, conflicts, shared
from ledger import cbor

if TYPE_CHECKING:
    from collections.abc import Iterable

STEM = "work/W-1"


@dataclass
class Table:
    """Facts as a map holds them, and how often and how much was asked for."""

    facts: dict[bytes, bytes] = field(default_factory=dict)
    rounds: int = 0
    read: int = 0

    def get(self, key: bytes) -> Any | None:
        """Return a fact."""
        data = self.facts.get(key)
        self.read += 1
        return None if data is None else cbor.decode(data)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Count a round."""
        self.rounds += any(True for _ in keys)

    def set(self, changes: dict[bytes, Any]) -> None:
        """Write facts."""
        self.facts.update((key, cbor.encode(value)) for key, value in changes.items())


def test_finds_what_a_walk_finds() -> None:
    """An index that overlooks a grant lets two makers hold the same exclusive right."""
    rng = random.Random(20261124)
    for _ in range(soak("shelves", 6, 60)):
        table = Table()
        shelf = Shelf(table, STEM, USE)
        model: dict[str, tuple[Scope, list[list[Any]]]] = {}
        for number in range(soak("acts on a shelf", 150, 600)):
            if model and rng.random() < 0.2:
                name = rng.choice(sorted(model))
                scope, slots = model[name]
                last = rng.choice(DAYS)
                table.set(shelf.end(name, slots, last))
                model[name] = scope.until(last), slots
            elif rng.random() < 0.6:
                scope, name = draw(rng), f"L-{number}"
                changes, slots = shelf.put(name, scope)
                table.set(changes)
                model[name] = scope, slots
            wanted, apart = draw(rng), rng.choice(["", *sorted(model)])
            found = shelf.find(wanted, apart)
            expected = {name for name, (scope, _) in model.items() if overlap(scope, wanted) and name != apart}
            assert set(found) <= expected
            assert len(found) == min(len(expected), FOUND_MAX)


def test_conflicts_are_what_two_grants_bar() -> None:
    """A grant that bars others conflicts with their use, not with what they bar; two that bar nobody never conflict."""
    rng = random.Random(3)
    seen: set[tuple[bool, bool, bool]] = set()
    for _ in range(soak("pairs of grants", 1_500, 50_000)):
        grants = []
        for _ in range(2):
            use = draw(rng)
            last = rng.choice([use.last, earlier(use.last, rng.choice([day for day in DAYS if day >= use.first]))])
            grants.append({"use": use, "term": use.until(last), "exclusive": rng.random() < 0.5})
        mine, theirs = grants
        table = Table()
        table.set(Shelf(table, STEM, USE).put("X", theirs["use"])[0])
        if theirs["exclusive"]:
            table.set(Shelf(table, STEM, EXCLUSIVE).put("X", theirs["term"])[0])
        found = conflicts(table, STEM, mine["use"], mine["term"].last, exclusive=mine["exclusive"])
        over = shared(mine, theirs)
        assert (found == ["X"]) == (over is not None)
        bars = [overlap(a["term"], b["use"]) for a, b in ((mine, theirs), (theirs, mine)) if a["exclusive"]]
        assert over in bars or (over is None and not any(bars))
        seen.add((mine["exclusive"], theirs["exclusive"], over is not None))
    assert len(seen) == 7  # all but: neither is exclusive, and they conflict


def test_detection_is_what_a_grid_walk_detects() -> None:
    """Index, days of selling off, who bars whom and the overlap told: all against points, one axis at a time."""
    rng = random.Random(20261127)
    seen: dict[tuple[bool, bool], int] = {}
    for _ in range(soak("pairs of grants, detected", 20_000, 1_000_000)):
        theirs, mine = draw_grant(rng), draw_grant(rng)
        table = Table()
        table.set(Shelf(table, STEM, USE).put("X", theirs.use)[0])
        if theirs.exclusive:
            table.set(Shelf(table, STEM, EXCLUSIVE).put("X", theirs.scope)[0])
        state = {"use": theirs.use.as_data(), "last": theirs.scope.last, "exclusive": theirs.exclusive}
        table.set({licence_key("X"): state})
        found = find(table, STEM, mine.use, mine.scope.last, exclusive=mine.exclusive)
        barred = [both for a, b in ((mine, theirs), (theirs, mine)) if a.exclusive and all(both := met(a, b))]
        assert bool(found) == bool(barred), (mine, theirs)
        if found:
            told = [set(axis) for axis in axes(found[0].over)]
            assert told == max(barred, key=lambda one: len(one[-1])), (mine, theirs)
        seen[bool(found), mine.exclusive and theirs.exclusive] = 1
    assert len(seen) == 4


@dataclass(frozen=True)
class Grant:
    """A grant of the grid: what it covers while it holds, and while goods are sold off."""

    scope: Scope
    use: Scope
    exclusive: bool


def draw_grant(rng: random.Random) -> Grant:
    """Return a grant; some are sold off for some days, some have no end."""
    scope = draw(rng)
    return Grant(scope, scope.until(days_after(scope.last, rng.choice([0, 0, 1, 3]))), rng.random() < 0.5)


def met(bars: Grant, other: Grant) -> list[set[str]]:
    """Return the points of each axis at which one that bars others is met."""
    return [set(a) & set(b) for a, b in zip(axes(bars.scope), axes(other.use), strict=True)]


def test_rounds_do_not_grow_with_grants() -> None:
    """A rule that asks the database once for each grant would stand still under the lock."""
    rng = random.Random(5)
    table = Table()
    shelf = Shelf(table, STEM, USE)
    for number in range(1_000):
        table.set(shelf.put(f"L-{number}", draw(rng))[0])
    table.rounds = table.read = 0
    narrow = Scope(("10014010",), ("toys",), ("16",), ("shop",), ("ami",), DAYS[0], DAYS[0])
    assert shelf.find(narrow)
    assert table.rounds <= 6
    wide = replace(narrow, territories=("AQ",), first="2020-01-01", last="2020-12-31")
    table.rounds = table.read = 0
    assert shelf.find(wide) == []
    assert table.read < 50, "pages of other days were opened"


def test_pages_are_bounded() -> None:
    """A fact that grows with every grant is written again by every grant."""
    table = Table()
    shelf = Shelf(table, STEM, USE)
    scope = Scope(("TW",), ("toys",), ("any",), ("any",), ("any",), DAYS[0], None)
    for number in range(PAGE_SIZE * 2 + 3):
        table.set(shelf.put(f"L-{number}", scope)[0])
    pages = [cbor.decode(data) for key, data in table.facts.items() if key[0] == 0x55]
    assert sorted(len(page) for page in pages) == [3, PAGE_SIZE, PAGE_SIZE]
