"""What two grants share: the fast geometry against a grid that is walked point by point."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from contracts.licences.scope import DIMENSIONS, Scope, beyond, normal, overlap, scope_of
from contracts.licences.territories import PARENTS, TERRITORIES, WORLD, above, lies_in, name
from contracts.licences.vocabulary import ANY

POINTS = {
    "territories": ("10014010", "10014020", "10013010", "63000010", "JP", "FR", "AQ"),
    "fields": ("packaging", "textiles", "toys"),
    "products": ("16", "24", "30"),
    "channels": ("shop", "online"),
    "languages": ("zh", "ami"),
}
"""The grid: each point is a word that nothing lies in."""

WORDS = {
    "territories": (*POINTS["territories"], "TW-TTT", "TW-PIF", "TW-TPE", "TW", "030", "142", "150", "001"),
    **{each: (*points, ANY) for each, points in POINTS.items() if each != "territories"},
}
DAYS = [(date(2026, 3, 1) + timedelta(days=number)).isoformat() for number in range(12)]


def draw(rng: random.Random) -> Scope:
    """Return a scope over the grid; some have no end."""
    words = {
        each: normal(rng.sample(WORDS[each], rng.randint(1, 3)), territories=each == "territories")
        for each in DIMENSIONS
    }
    first, last = sorted((rng.choice(DAYS), rng.choice(DAYS)))
    return Scope(**words, first=first, last=None if rng.random() < 0.2 else last)


def holds(word: str, point: str) -> bool:
    """Say whether a word covers a point, climbing from the point one step at a time."""
    if word == ANY:
        return True
    while point != word and point in PARENTS:
        point = PARENTS[point]
    return point == word


def axes(scope: Scope | None) -> list[list[str]]:
    """Return the points of a scope on each axis, the days last."""
    if scope is None:
        return [[]]
    found = [[p for p in POINTS[each] if any(holds(w, p) for w in getattr(scope, each))] for each in DIMENSIONS]
    return [*found, [day for day in DAYS if scope.first <= day and (scope.last is None or day <= scope.last)]]


def cells(scope: Scope | None) -> set[tuple[str, ...]]:
    """Return the grid points of a scope."""
    return set(itertools.product(*axes(scope)))


def test_overlap_is_what_the_grid_shares() -> None:
    """A conflict that is missed is found by a court; one that is not there keeps an artist from an income."""
    rng = random.Random(20261124)
    none = 0
    for number in range(soak("pairs of scopes", 20_000, 1_000_000)):
        one, other = draw(rng), draw(rng)
        found = overlap(one, other)
        shared = [[point for point in a if point in b] for a, b in zip(axes(one), axes(other), strict=True)]
        assert (found is None) == (not all(shared)), (one, other)
        none += found is None
        if found is not None:
            assert axes(found) == shared, (one, other)
            assert overlap(other, one) == found
            assert beyond(found, one) is None
            assert beyond(found, other) is None
        if number % 100 == 0:
            assert cells(found) == cells(one) & cells(other), (one, other)
    assert 0 < none < number


def test_within_is_what_the_grid_covers() -> None:
    """A sublicence that reaches beyond its parent sells what nobody gave."""
    rng = random.Random(7)
    seen = set()
    for _ in range(soak("pairs of scopes, one within the other", 5_000, 200_000)):
        outer, drawn = draw(rng), draw(rng)
        inner = overlap(outer, drawn) if rng.random() < 0.5 else drawn
        if inner is None:
            continue
        found = beyond(inner, outer)
        seen.add(found is None)
        if found is None:
            assert cells(inner) <= cells(outer), (inner, outer)
            assert inner.last is not None or outer.last is None
        elif found[0] in DIMENSIONS:
            assert found[1] in getattr(inner, found[0])
            assert not any(holds(wide, found[1]) for wide in getattr(outer, found[0]))
    assert seen == {True, False}


@given(st.integers())
def test_data_gives_the_scope_back(seed: int) -> None:
    """A scope that a fact does not give back would be compared as another one."""
    scope = draw(random.Random(seed))
    assert scope_of(scope.as_data()) == scope
    assert scope.first in scope.words()
    for each in DIMENSIONS:
        assert all(word in scope.words() or word == ANY for word in getattr(scope, each))


def test_every_territory_lies_in_the_world_once() -> None:
    """A code in two places would conflict with itself."""
    assert len(TERRITORIES) == len(PARENTS) + 1
    assert all(above(code)[-1] == WORLD for code in TERRITORIES)
    assert sum(len(code) == 2 for code in TERRITORIES) == 249  # ISO 3166-1
    assert sum(code.startswith("TW-") for code in TERRITORIES) == 22  # ISO 3166-2:TW
    assert sum(len(code) == 8 for code in TERRITORIES) == 368  # the Ministry's townships
    assert above("10014010") == ("10014010", "TW-TTT", "TW", "030", "142", "001")
    assert name("10014010") == {"zh-TW": "臺東市", "en": "Taitung City"}
    assert name("TW-TTT") == {"zh-TW": "臺東縣", "en": "Taitung County"}
    assert name("JP") is None


def test_no_made_up_territory() -> None:
    """A territory that nobody publishes means something else to each reader."""
    with pytest.raises(KeyError):
        lies_in("TW-XXX", "TW")


def test_twenty_two_counties_are_no_country() -> None:
    """What is not named is not licensed: the waters between the counties are in none of them."""
    counties = tuple(sorted(code for code in TERRITORIES if code.startswith("TW-")))
    rest = {each: (ANY,) for each in DIMENSIONS if each != "territories"}
    country = Scope(territories=("TW",), **rest, first="2026-01-01", last=None)
    every = Scope(territories=counties, **rest, first="2026-01-01", last=None)
    assert beyond(country, every) == ("territories", "TW")
    assert beyond(every, country) is None
    assert overlap(country, every) == every


def test_words_of_an_overlap() -> None:
    """Who is refused reads where, for what and when."""
    scope = Scope(("TW-TTT",), ("textiles",), (ANY,), (ANY,), (ANY,), "2026-03-01", "2026-06-30")
    assert scope.words() == "TW-TTT, textiles, 2026-03-01 to 2026-06-30"
    assert Scope(("JP",), (ANY,), ("24", "25"), (ANY,), (ANY,), "2026-03-01", None).words() == (
        "JP, class 24 25, 2026-03-01 to no end"
    )
