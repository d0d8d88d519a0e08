"""Settlements against a slow recomputation of its own: Fractions, no shared code, random agreements of every form."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
from agreements import sample_terms
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from rules import refused

from contracts.agreements.price import Row, evaluate
from contracts.agreements.settling import Ledger, guarantee_gaps, settle
from contracts.agreements.terms import DEFINITIONS, TERMS, check_terms
from contracts.kind import Schema
from contracts.rounding import RULES, divide, share

FORMS = ("fixed", "floor", "grade", "formula", "pool")
TIME_MS = 1_795_000_000_000


def slow_round(value: Fraction, rule: str) -> int:
    """Round by the definition of each rule."""
    sign, size = (1, value) if value >= 0 else (-1, -value)
    low = math.floor(size)
    rest = size - low
    up = {
        "down": False,
        "up": rest > 0,
        "half-up": rest >= Fraction(1, 2),
        "half-even": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1),
    }[rule]
    return sign * (low + up)


def slow_share(total: int, weights: list[int]) -> list[int]:
    """Share cent by cent: each next one to who lags furthest behind its exact part."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [math.floor(one) for one in exact]
    while sum(parts) < total:
        behind = max(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i))
        parts[behind] += 1
    return parts


def slow_value(node: dict[str, Any], row: tuple[str, int], market: int) -> Fraction:  # noqa: PLR0911 - a line a node
    """Work an expression out."""
    if "const" in node:
        return Fraction(node["const"])
    if "market" in node:
        return Fraction(market)
    if "moisture" in node:
        return Fraction(row[1])
    if "by_grade" in node:
        return Fraction(node["by_grade"].get(row[0], 0))
    if "multiply" in node:
        a, b = node["multiply"]
        return slow_value(a, row, market) * slow_value(b, row, market) / node["over"]
    if "subtract" in node:
        a, b = node["subtract"]
        return slow_value(a, row, market) - slow_value(b, row, market)
    (name,) = node
    values = [slow_value(one, row, market) for one in node[name]]
    total = Fraction(0)
    for value in values:
        total += value
    return {"add": total, "max": max(values), "min": min(values)}[name]


def slow_price(form: dict[str, Any], row: tuple[str, int], market: int, rule: str) -> int:
    """Return a price for a kilogram."""
    if form["form"] == "fixed":
        return int(form["per_kg"])
    if form["form"] == "grade":
        return int(form["per_kg"][row[0]])
    if form["form"] == "floor":
        exact = Fraction(market * form["factor_permille"], 1000)
    else:
        exact = slow_value(form["expression"], row, market)
    return min(max(slow_round(exact, rule), form.get("guaranteed", 0), 0), 10**9)


def slow_settle(  # noqa: C901, PLR0912 - the whole reckoning on one page, as on paper
    terms: dict[str, Any], deliveries: list[dict[str, Any]], ledger: Ledger, market: int
) -> dict[str, int]:
    """Return what each grower is paid, by the words of the reference."""
    rule, form = terms["rounding"], terms["price"]
    goods = dict.fromkeys(terms["growers"], 0)
    extras, units, grams_paid = dict(goods), dict(goods), 0
    touched = set()
    for one in deliveries:
        who = one["grower"]
        for grade, grams, moisture in one["accepted"]:
            touched.add(who)
            paid = Fraction(grams)
            for adjustment in terms["adjustments"]:
                base = adjustment.get("moisture_base_permille")
                if base is not None and moisture > base:
                    paid = Fraction(grams * (1000 - moisture), 1000 - base)
            paid_g = slow_round(paid, rule)
            if form["form"] == "pool":
                units[who] += paid_g * form["weights"][grade]
            else:
                price = slow_price(form, (grade, moisture), market, rule)
                goods[who] += slow_round(Fraction(paid_g * price, 1000), rule)
                grams_paid += paid_g
            for adjustment in terms["adjustments"]:
                if "per_kg" in adjustment:
                    extras[who] += slow_round(Fraction(paid_g * adjustment["per_kg"], 1000), rule)
        extras[who] += sum(one["per_delivery"] for one in terms["adjustments"] if "per_delivery" in one) * bool(
            one["accepted"]
        )
    if form["form"] == "pool":
        net = ledger.proceeds - ledger.costs
        if "guaranteed" in form:
            net = max(net, slow_round(Fraction(sum(units.values()) * form["guaranteed"], 1_000_000), rule))
        goods = dict(zip(goods, slow_share(max(net, 0), list(units.values())), strict=True))
    sums = {}
    for who in terms["growers"]:
        permille = [one["permille"] for one in terms["adjustments"] if "permille" in one]
        sums[who] = (
            goods[who] + extras[who] + sum(slow_round(Fraction(goods[who] * one, 1000), rule) for one in permille)
        )
    if ledger.final and ledger.short_g and grams_paid:
        value = Fraction(ledger.short_g * sum(goods.values()) * terms["penalty"]["short_permille"], grams_paid * 1000)
        areas = [sum(site["area_m2"] for site in terms["sites"] if site["grower"] == who) for who in sums]
        for who, part in zip(sums, slow_share(slow_round(value, rule), areas), strict=True):
            sums[who] -= part
            touched |= {who} if part else set()
    for who, amount in sums.items():
        permille_repaid = 1000 if ledger.final else terms["advances"]["share_permille"]
        sums[who] = max(amount, 0) - min(
            ledger.outstanding.get(who, 0), math.floor(Fraction(max(amount, 0) * permille_repaid, 1000))
        )
    return {who: amount for who, amount in sums.items() if who in touched}


def random_expression(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    """Return an expression of a few nodes."""
    leaf = depth >= 3 or rng.random() < 0.4
    if leaf:
        return rng.choice(
            [
                {"const": rng.randrange(-5000, 5000)},
                {"market": {"source": "market", "series": "毛豆"}},
                {"moisture": True},
                {"by_grade": {"A": rng.randrange(3000), "B": rng.randrange(3000)}},
            ]
        )
    name = rng.choice(["add", "max", "min", "subtract", "multiply"])
    count = 2 if name in {"subtract", "multiply"} else rng.randint(1, 3)
    node: dict[str, Any] = {name: [random_expression(rng, depth + 1) for _ in range(count)]}
    return {**node, "over": rng.randint(1, 3000)} if name == "multiply" else node


def random_terms(rng: random.Random, form: str) -> dict[str, Any]:
    """Return terms with a price of this form."""
    guaranteed = {"guaranteed": rng.randrange(4000)} if rng.random() < 0.6 else {}
    price: dict[str, Any] = {
        "fixed": {"form": "fixed", "per_kg": rng.randrange(5000)},
        "floor": {
            "form": "floor", "market": {"source": "market", "series": "毛豆"},
            "factor_permille": rng.randint(500, 1500), "guaranteed": rng.randrange(4000),
        },
        "grade": {"form": "grade", "per_kg": {"A": rng.randrange(4000), "B": rng.randrange(4000)}},
        "formula": {"form": "formula", "expression": random_expression(rng), **guaranteed},
        "pool": {"form": "pool", "weights": {"A": rng.randrange(1, 1500), "B": rng.randrange(1, 1500)}, **guaranteed},
    }[form]  # fmt: skip
    adjustments: list[dict[str, Any]] = []
    if rng.random() < 0.5:
        adjustments.append({"moisture_base_permille": rng.randrange(100, 200)})
    if rng.random() < 0.5:
        adjustments.append({"name": "烘乾", "per_kg": rng.randint(-300, 300)})
    if rng.random() < 0.3:
        adjustments.append({"name": "運費", "per_delivery": rng.randint(-50_000, 50_000)})
    if rng.random() < 0.3:
        adjustments.append({"name": "共同基金", "permille": rng.randint(-50, 50)})
    growers = [f"g-{i}" for i in range(rng.randint(1, 12))]
    return sample_terms(
        growers=growers,
        sites=[{"grower": one, "area_m2": rng.randint(1, 50_000), "place": "x"} for one in growers],
        price=price, adjustments=adjustments, rounding=rng.choice(RULES),
        penalty={"short_permille": rng.choice([0, 100, 333]), "late_permille_per_day": 0},
        advances={"limit": 10**9, "share_permille": rng.randint(1, 1000)},
    )  # fmt: skip


def random_deliveries(rng: random.Random, terms: dict[str, Any]) -> list[dict[str, Any]]:
    """Return accepted deliveries, some of them rejected whole."""
    return [
        {
            "delivery": f"D-{i}", "grower": rng.choice(terms["growers"]), "day": "2026-11-03", "graded_ms": 0,
            "accepted": [
                [rng.choice(["A", "B"]), rng.randint(1, 5_000_000), rng.choice([0, rng.randrange(100, 400)])]
                for _ in range(rng.randrange(4))
            ],
        }
        for i in range(rng.randint(1, 6))
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_settlements_are_what_the_slow_recomputation_says(form: str) -> None:
    """Both sides could work out another sum from the same signed price, grade and weight."""
    rng = random.Random(f"settlements {form}")
    schema = Schema({**TERMS, "$defs": DEFINITIONS})
    for number in range(soak(f"random agreements, {form}", 2_000, 20_000)):
        terms = random_terms(rng, form)
        if number < 50:
            schema.check(terms)
            check_terms(terms)
        deliveries, market = random_deliveries(rng, terms), rng.randrange(6000)
        ledger = Ledger(
            {who: rng.choice([0, rng.randrange(10**7)]) for who in terms["growers"]},
            short_g=rng.choice([0, rng.randrange(10**6)]),
            final=rng.random() < 0.5,
            proceeds=rng.randrange(10**8) if form == "pool" else 0,
            costs=rng.randrange(10**6) if form == "pool" else 0,
        )
        if form == "pool" and not any(one["accepted"] for one in deliveries):
            continue
        found = settle(terms, deliveries, ledger, lambda *_, market=market: (market, "2026-11-03"), TIME_MS)  # type: ignore[misc]
        assert dict(found.sums) == slow_settle(terms, deliveries, ledger, market), (number, terms)
        assert all(amount >= 0 for amount in found.sums.values())
        assert guarantee_gaps(terms, found.lines) == []
        for who, amount in found.sums.items():
            assert sum(line.amount for line in found.lines if line.grower == who) == amount


def test_pools_add_up_to_the_cent() -> None:
    """A cent that nobody gets, or that two get, in any pool of any size."""
    rng = random.Random("pools")
    for _ in range(soak("random pools", 2_000, 100_000)):
        weights = [rng.choice([0, rng.randrange(10**9)]) for _ in range(rng.randint(1, 64))]
        total = rng.randrange(10**12)
        parts = share(total, weights)
        assert sum(parts) == (total if sum(weights) else 0)
        assert all(
            abs(part * sum(weights) - total * one) < sum(weights)
            for part, one in zip(parts, weights, strict=True)
            if one
        )
        assert all(part == 0 for part, one in zip(parts, weights, strict=True) if not one)


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6), st.sampled_from(RULES))
def test_rounding_is_by_its_definition(numerator: int, denominator: int, rule: str) -> None:
    """A rule of another name would give another cent."""
    assert divide(numerator, denominator, rule) == slow_round(Fraction(numerator, denominator), rule)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_sharing_is_cent_by_cent(total: int, weights: list[int]) -> None:
    """The largest remainder, the first among equals, as when cents are dealt out one by one."""
    assert share(total, weights) == slow_share(total, weights)


def test_the_reason_of_a_price() -> None:
    """Who is paid reads how it came about: market, formula, guarantee, price."""
    form = sample_terms()["price"]
    price = evaluate(form, Row("A", 0, "2026-11-03"), "half-up", lambda *_: (3333, "2026-11-02"))
    assert price.per_kg == 3500
    assert price.because == (["market", 3333, "2026-11-02"], ["formula", 3500], ["guaranteed", 3200], ["price", 3500])


def test_amounts_have_a_bound() -> None:
    """An amount beyond what JSON holds exactly would be another one to the next reader."""
    terms = sample_terms(price={"form": "fixed", "per_kg": 10**9})
    delivery = {"delivery": "D", "grower": "farm-1", "day": "2026-11-03", "accepted": [["A", 10**12, 0]]}
    with refused("agreements.amount"):
        settle(terms, [delivery], Ledger({}), lambda *_: None, TIME_MS)


def test_a_pool_without_goods() -> None:
    """Proceeds that nobody's goods fetched belong to nobody here."""
    terms = sample_terms(price={"form": "pool", "weights": {"A": 1, "B": 1}})
    with refused("agreements.pool"):
        settle(terms, [], Ledger({}, proceeds=1), lambda *_: None, TIME_MS)
