"""Coupons: conditions as data, each with a reason of its own; so many a person, each used once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewards import Town, coupons
from rules import refused

from contracts.calendar import day_end_ms, minute_of, weekday_of
from contracts.rewards.clearing import outstanding
from contracts.rewards.coupons import Purchase, borne, discount, discounts
from ledger.errors import RefusedError


def at(text: str) -> int:
    """Return a moment of Taipei, Unix milliseconds."""
    return int(datetime.fromisoformat(f"{text}+08:00").astimezone(UTC).timestamp() * 1000)


NOON = at("2026-11-23T12:00:00")
"""A Monday."""


def shown(amount: int = 26_000, time_ms: int = NOON, *, branch: str = "main") -> Purchase:
    """Return a purchase at the noodle shop."""
    return Purchase("noodles", branch, amount, amount, time_ms)


LUNCH = {"hours": [{"days": [1, 2, 3, 4, 5], "from": "11:00", "to": "14:00"}]}


@pytest.mark.parametrize(
    ("terms", "purchase", "rule"),
    [
        ({"when": {"at": {"noodles": ["main"]}}}, shown(branch="market"), "coupons.place"),
        ({"when": {"at": {"tea": ["main"]}}}, shown(), "coupons.place"),
        ({"when": LUNCH}, shown(time_ms=at("2026-11-23T10:59:59.999")), "coupons.hours"),
        ({"when": LUNCH}, shown(time_ms=at("2026-11-23T11:00:00")), None),
        ({"when": LUNCH}, shown(time_ms=at("2026-11-23T13:59:59.999")), None),
        ({"when": LUNCH}, shown(time_ms=at("2026-11-23T14:00:00")), "coupons.hours"),
        ({"when": LUNCH}, shown(time_ms=at("2026-11-22T12:00:00")), "coupons.hours"),
        ({"when": {"least": 26_001}}, shown(), "coupons.least"),
        ({"when": {"least": 26_000}}, shown(), None),
        ({"when": {"first_day": "2026-11-24"}}, shown(), "coupons.over"),
        ({"last_day": "2026-11-23"}, shown(time_ms=at("2026-11-23T23:59:59.999")), None),
        ({"last_day": "2026-11-23"}, shown(time_ms=at("2026-11-24T00:00:00")), "coupons.over"),
        ({"off": {"permille": 0, "most": 1}}, shown(), "coupons.nothing"),
    ],
)
def test_each_condition_says_why(terms: dict[str, Any], purchase: Purchase, rule: str | None) -> None:
    """A till that says only "not valid" is asked why; each boundary is exact to the millisecond and the cent."""
    if rule is None:
        assert discount(coupons(**terms), purchase) == 5_000
        return
    with refused(rule):
        discount(coupons(**terms), purchase)


def test_what_is_taken_off() -> None:
    """An amount, or a part up to a most; never more than there is to pay; several only where all go together."""
    tenth = coupons(off={"permille": 100, "most": 2_000}, when={})
    assert discount(tenth, shown(1_999)) == 199
    assert discount(tenth, shown(50_000)) == 2_000
    assert discount(coupons(when={}), shown(3_000)) == 3_000
    assert discounts([coupons(), tenth], shown(26_000)) == [5_000, 2_000]
    with refused("coupons.stack"):
        discounts([coupons(), coupons(stackable=False)], shown())
    with refused("coupons.nothing"):
        discounts([coupons(when={}), tenth], shown(5_000))
    assert borne(coupons(), 4_999) == 3_999


@given(
    st.sampled_from([{"amount": 700}, {"permille": 333, "most": 900}]),
    st.integers(1, 4_000),
    st.integers(1, 4_000),
    st.integers(0, 40),
)
def test_the_evaluator_is_total(off: dict[str, int], amount: int, least: int, hours: int) -> None:
    """For any purchase there is a discount within it, or a refusal with a reason of the family."""
    terms = coupons(off=off, when={"least": least, **LUNCH})
    taken, why = 0, ""
    try:
        taken = discount(terms, shown(amount, NOON + hours * 3_600_000))
    except RefusedError as error:
        why = error.rule
    assert 0 < taken <= amount or why in {"coupons.hours", "coupons.least", "coupons.nothing"}


def test_the_clock_of_taipei() -> None:
    """Weekday and minute are those on the wall of the shop."""
    moment = at("2026-11-22T23:59:00")
    assert (weekday_of(moment), minute_of(moment)) == (7, 1_439)
    assert (weekday_of(moment + 60_000), minute_of(moment + 60_000)) == (1, 0)
    assert day_end_ms("2026-11-22") == at("2026-11-23T00:00")


@pytest.fixture
def town() -> Town:
    """A town whose county offers a coupon that anybody may take."""
    town = Town()
    town.world.submit("county", "coupon-offer", coupons())
    return town


def test_coupons_are_taken_and_given(town: Town) -> None:
    """Open ones by the resident, the others by the issuer; so many a person, so many in all."""
    anna, beni = town.open("anna"), town.open("beni")
    town.world.submit("county", "coupon-offer", coupons("prize", open=False, number=3, per_person=2))
    town.coupon(anna)
    for giver in ("", "tea", "town"):
        with refused("coupons.giver"):
            town.coupon(anna, "prize", giver=giver)
    for _ in range(2):
        town.coupon(anna, "prize", giver="county")
    with refused("offers.per-person"):
        town.coupon(anna, "prize", giver="county")
    town.coupon(beni, "prize", giver="county")
    with refused("offers.sold-out"):
        town.coupon(beni, "prize", giver="county")
    town.world.time_ms = at("2027-01-01T00:00:00")
    with refused("coupons.over"):
        town.coupon(beni)


def test_a_coupon_is_used_once(town: Town) -> None:
    """By whom it was given to; free ones end, and are no liability then."""
    anna, beni = town.open("anna"), town.open("beni")
    first, second = town.coupon(anna), town.coupon(anna)
    with refused("coupons.unknown"):
        town.pay(beni, 26_000, coupons=[first], money=21_000)
    town.pay(anna, 26_000, coupons=[first], money=21_000)
    with refused("coupons.used"):
        town.pay(anna, 26_000, coupons=[first], money=21_000)
    with refused("till.mixed"):
        town.pay(anna, 26_000, coupons=[second, second], money=16_000)
    assert town.stock("fifty") == {"number": 2, "issued": 2, "used": 1, "returned": 0, "open": {"2026-12": 1}}
    town.world.time_ms = at("2027-01-01T00:00:00")
    assert outstanding(town.stock("fifty"), town.world.time_ms) == 0
    with refused("coupons.over"):
        town.pay(anna, 26_000, coupons=[second], money=21_000)


def test_offers_of_coupons(town: Town) -> None:
    """Hours that end before they begin, and coupons that are over, are mistakes that are told at once."""
    with refused("offers.hours"):
        town.world.submit("county", "coupon-offer", coupons(last_day="2026-01-01"))
    wrong = {"hours": [{"days": [1], "from": "14:00", "to": "11:00"}]}
    with refused("offers.hours"):
        town.world.submit("county", "coupon-offer", coupons(when=wrong))
    with refused("offers.place"):
        town.world.submit("county", "coupon-offer", coupons(when={"at": {"clinic": ["main"]}}))
