"""Prices as data, and the one evaluator of them: small, total, with the reason of each step.

    {"form": "fixed", "per_kg": 3580}
    {"form": "floor", "market": {"source": "afa", "series": "毛豆"}, "factor_permille": 1050, "guaranteed": 3200}
    {"form": "grade", "per_kg": {"A": 2600, "B": 2300, "C": 2160}}
    {"form": "formula", "expression": {"max": [{"const": 3000}, {"market": {…}}]}, "guaranteed": 3000}
    {"form": "pool", "weights": {"A": 1000, "B": 900}, "guaranteed": 2500}

Prices are whole minor units of the currency for a kilogram (3580 is NT$35.80). An expression is a closed tree of the
nodes below; nothing in it is run, nothing loops, and no node can fail but where a market's price is not on record. It
is worked out exactly and rounded once, at its end, by the terms' rounding rule.

| Node | Value |
|---|---|
| `{"const": n}` | n |
| `{"market": {"source", "series"}}` | the market's price of the delivery's day, or of the last day before it |
| `{"moisture": true}` | the row's moisture, ‰ |
| `{"by_grade": {"A": n, …}}` | n of the row's grade, 0 for another |
| `{"add": […]}`, `{"max": […]}`, `{"min": […]}` | of 1 to 8 nodes |
| `{"subtract": [a, b]}` | a − b |
| `{"multiply": [a, b], "over": n}` | a × b ÷ n, n ≥ 1 |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts.rounding import divide
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPRESSION_DEPTH_MAX = 6
EXPRESSION_NODES_MAX = 64
PRICE_MAX = 10**9
"""Minor units for a kilogram."""

Market = Callable[[str, str, str], tuple[int, str] | None]
"""(source, series, day) → the price of that day or of the last one within a week before it, and its day."""

Reason = list[Any]
"""One step of a reason: a word, then numbers and days, such as `["market", 3600, "2026-11-03"]`."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is priced: goods of one grade in one delivery.

    Attributes:
        grade: a grade of the terms.
        moisture_permille: as graded; 0 where nothing is said of it.
        day: the delivery's, `2026-11-03`.
    """

    grade: str
    moisture_permille: int
    day: str


@dataclass(frozen=True, slots=True)
class Price:
    """A price with its reason.

    Attributes:
        per_kg: minor units for a kilogram, 0 or more.
        because: the steps that led to it.
    """

    per_kg: int
    because: tuple[Reason, ...]


def guaranteed_price(price: Mapping[str, Any], grade: str) -> int | None:
    """Return the lowest price that the terms promise for a kilogram of a grade; None where they promise none."""
    form = price["form"]
    if form == "fixed":
        return int(price["per_kg"])
    if form == "grade":
        return int(price["per_kg"][grade])
    found = price.get("guaranteed")
    return None if found is None else int(found)


def evaluate(price: Mapping[str, Any], row: Row, rounding: str, market: Market) -> Price:
    """Return the price of a row by a form other than `pool`.

    Args:
        price: the form.
        row: what is priced.
        rounding: a rule of `contracts.rounding`.
        market: what markets paid.

    Raises:
        RefusedError: a market's price is not on record.
    """
    form = price["form"]
    if form == "fixed":
        return Price(price["per_kg"], (["fixed", price["per_kg"]],))
    if form == "grade":
        per_kg = price["per_kg"][row.grade]
        return Price(per_kg, (["grade", row.grade, per_kg],))
    if form == "floor":
        expression: Mapping[str, Any] = {
            "multiply": [{"market": price["market"]}, {"const": price["factor_permille"]}], "over": 1000,
        }  # fmt: skip
    else:
        expression = price["expression"]
    because: list[Reason] = []
    value = _value(expression, row, market, because)
    found = divide(value.numerator, value.denominator, rounding)
    because.append(["formula", found])
    guaranteed = price.get("guaranteed")
    if guaranteed is not None:
        because.append(["guaranteed", guaranteed])
        found = max(found, guaranteed)
    found = min(max(found, 0), PRICE_MAX)
    because.append(["price", found])
    return Price(found, tuple(because))


def _value(node: Mapping[str, Any], row: Row, market: Market, because: list[Reason]) -> Fraction:
    (name,) = (key for key in node if key != "over")
    inside = node[name]
    if name in {"const", "moisture", "by_grade", "market"}:
        return _leaf(name, inside, row, market, because)
    values = [_value(one, row, market, because) for one in inside]
    if name == "multiply":
        return values[0] * values[1] / int(node["over"])
    if name == "subtract":
        return values[0] - values[1]
    return sum(values, Fraction(0)) if name == "add" else max(values) if name == "max" else min(values)


def _leaf(name: str, inside: Any, row: Row, market: Market, because: list[Reason]) -> Fraction:
    if name == "const":
        return Fraction(inside)
    if name == "moisture":
        because.append(["moisture", row.moisture_permille])
        return Fraction(row.moisture_permille)
    if name == "by_grade":
        because.append(["by_grade", row.grade, inside.get(row.grade, 0)])
        return Fraction(inside.get(row.grade, 0))
    found = market(inside["source"], inside["series"], row.day)
    if found is None:
        raise RefusedError(
            "agreements.market-missing",
            "the market's price is not on record",
            expected=f"one of {inside['source']} for {inside['series']} on {row.day} or within a week before",
        )
    because.append(["market", *found])
    return Fraction(found[0])


def markets(price: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the markets that a form names: (source, series) each."""
    if price["form"] == "floor":
        return {(price["market"]["source"], price["market"]["series"])}
    if price["form"] != "formula":
        return set()
    return {(one["market"]["source"], one["market"]["series"]) for one in nodes(price["expression"]) if "market" in one}


def nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes of an expression, itself first."""
    yield node
    for name in ("add", "max", "min", "subtract", "multiply"):
        for one in node.get(name, ()):
            yield from nodes(one)


def depth(node: Mapping[str, Any]) -> int:
    """Return how deep an expression nests; 1 for a single node."""
    inside = [one for name in ("add", "max", "min", "subtract", "multiply") for one in node.get(name, ())]
    return 1 + max((depth(one) for one in inside), default=0)
