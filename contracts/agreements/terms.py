"""The terms of an agreement: their schema, what they must hold to beyond it, and how their quantities are read.

`examples/pingtung/agreements.json` has whole ones. Money is in whole minor units of the currency, weights are grams,
areas square metres, shares ‰, days `2026-11-03` of the calendar of Taipei.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from contracts import rounding
from contracts.agreements import price
from contracts.kind import ACTOR_ID, DATE, SITE_ID, body, integer, some, text
from ledger import cbor
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

AMOUNT_MAX = 2**53 - 1
GROWERS_MAX = 64
PERSONAL = frozenset(
    {
        "purchaser_name", "purchaser_address", "purchaser_number", "grower_name", "grower_address", "grower_number",
        "land_sec_no", "bank_account", "phone", "memo",
    }
)  # fmt: skip
"""Hidden fields: who the parties are, where the field is by its title, where the money goes."""

REASONS = ("grade", "moisture", "residue", "damage", "foreign-matter", "variety", "spoiled")
EVENTS = ("typhoon", "flood", "drought", "frost", "hail", "earthquake", "pest", "epidemic", "war", "government-order")
DISPUTE_STEPS = ("negotiation", "mediation", "conciliation", "arbitration", "court")
TERMINATION = ("notice", "breach", "insolvency", "force-majeure")


GRAMS = integer(1, 10**12)
PRICE = integer(0, price.PRICE_MAX)
PERMILLE = integer(0, 1000)
DAYS = integer(0, 3650)
AMOUNT = integer(0, AMOUNT_MAX)
GRADE = {"type": "string", "pattern": "^[^\\s]{1,16}$"}
BY_GRADE = {"type": "object", "additionalProperties": PRICE, "minProperties": 1, "maxProperties": 16}
MARKET = body({"source": ACTOR_ID, "series": text(80)})
_NODES = {"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1, "maxItems": 8}
_PAIR = {**_NODES, "minItems": 2, "maxItems": 2}
NODE = {
    "oneOf": [
        body({"const": integer(-price.PRICE_MAX, price.PRICE_MAX)}),
        body({"market": MARKET}),
        body({"moisture": {"const": True}}),
        body({"by_grade": BY_GRADE}),
        body({"add": _NODES}),
        body({"max": _NODES}),
        body({"min": _NODES}),
        body({"subtract": _PAIR}),
        body({"multiply": _PAIR, "over": integer(1, 10**9)}),
    ]
}
PRICE_FORM = {
    "oneOf": [
        body({"form": {"const": "fixed"}, "per_kg": PRICE}),
        body(
            {
                "form": {"const": "floor"},
                "market": MARKET,
                "factor_permille": integer(1, 10_000),
                "guaranteed": PRICE,
            }
        ),
        body({"form": {"const": "grade"}, "per_kg": BY_GRADE}),
        body({"form": {"const": "formula"}, "expression": {"$ref": "#/$defs/node"}}, {"guaranteed": PRICE}),
        body({"form": {"const": "pool"}, "weights": BY_GRADE}, {"guaranteed": PRICE}),
    ]
}
QUANTITY = {
    "oneOf": [
        body({"form": {"const": "exclusive"}, "tolerance_permille": PERMILLE}),
        body({"form": {"const": "fixed"}, "grams": GRAMS, "tolerance_permille": PERMILLE}),
        body({"form": {"const": "range"}, "min_g": GRAMS, "max_g": GRAMS, "tolerance_permille": PERMILLE}),
    ]
}
_SIGNED_PRICE = integer(-price.PRICE_MAX, price.PRICE_MAX)
ADJUSTMENT = {
    "oneOf": [
        body({"moisture_base_permille": integer(0, 900)}),
        body({"name": text(40), "per_kg": _SIGNED_PRICE}),
        body({"name": text(40), "per_delivery": integer(-(10**12), 10**12)}),
        body({"name": text(40), "permille": integer(-1000, 1000)}),
    ]
}
SITE = body({"grower": ACTOR_ID, "area_m2": integer(1, 10**12), "place": text()}, {"site": SITE_ID})
TERMS = body(
    {
        "season": text(40),
        "crop": text(80),
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "rounding": {"enum": list(rounding.RULES)},
        "purchaser": ACTOR_ID,
        "growers": some(ACTOR_ID, GROWERS_MAX),
        "sites": some(SITE, 256),
        "product": body(
            {"commodity": text(80), "grades": some(body({"grade": GRADE, "spec": text()}), 16)},
            {"variety": text(80), "moisture_max_permille": PERMILLE, "residue": text()},
        ),
        "quantity": QUANTITY,
        "price": PRICE_FORM,
        "adjustments": {"type": "array", "items": ADJUSTMENT, "maxItems": 8},
        "advances": body({"limit": AMOUNT, "share_permille": integer(1, 1000)}, {"inputs": some(text(), 16)}),
        "delivery": body({"from": DATE, "to": DATE, "place": text(), "transport": {"enum": ["purchaser", "grower"]}}),
        "acceptance": body(
            {
                "grade_days": DAYS,
                "accept_days": DAYS,
                "inspection": text(),
                "reasons": some({"enum": list(REASONS)}, 7),
            },
            {"inspector": ACTOR_ID},
        ),
        "payment": body({"settle_days": DAYS, "pay_days": DAYS, "method": text(80)}, {"security": text()}),
        "force_majeure": body({"events": some({"enum": list(EVENTS)}, 10), "notice_days": DAYS}),
        "penalty": body({"short_permille": PERMILLE, "late_permille_per_day": integer(0, 100)}),
        "term": body({"from": DATE, "to": DATE}, {"renewal": text()}),
        "termination": body({"notice_days": DAYS, "reasons": some({"enum": list(TERMINATION)}, 4)}),
        "disputes": body({"steps": some({"enum": list(DISPUTE_STEPS)}, 5), "law": text()}),
        "notice": some({"enum": ["parties", "crop", "season"]}, 3, 0),
    },
    {"witness": ACTOR_ID},
)
DEFINITIONS = {"node": NODE}
"""What the schema of a body that has terms needs beside it."""


def parties_of(terms: Mapping[str, Any]) -> list[str]:
    """Return who signs: the purchaser, then the growers."""
    return [terms["purchaser"], *terms["growers"]]


def terms_hash(terms: Mapping[str, Any]) -> bytes:
    """Return what tells terms from others: the SHA-256 of their deterministic CBOR."""
    return hashlib.sha256(cbor.encode(dict(terms))).digest()


def check_terms(terms: Mapping[str, Any]) -> None:
    """Check what the schema cannot say: that the terms do not contradict themselves.

    Raises:
        RefusedError: they do; expected says what would not.
    """
    parties = parties_of(terms)
    grades = [one["grade"] for one in terms["product"]["grades"]]
    form, quantity = terms["price"], terms["quantity"]
    _expect(len(set(parties)) == len(parties), "a purchaser who is not among the growers", terms["purchaser"])
    for name in ("witness", "inspector"):
        named = terms.get("witness") if name == "witness" else terms["acceptance"].get("inspector")
        _expect(named not in parties, f"a {name} who is no party", named)
    growers = {one["grower"] for one in terms["sites"]}
    _expect(growers == set(terms["growers"]), "a site of each grower and of nobody else", ", ".join(sorted(growers)))
    _expect(len(set(grades)) == len(grades), "each grade once", ", ".join(grades))
    for name in ("delivery", "term"):
        days = terms[name]
        _expect(days["from"] <= days["to"], f"a {name} that ends after it begins", f"{days['from']} to {days['to']}")
    if quantity["form"] == "range":
        _expect(quantity["min_g"] <= quantity["max_g"], "a range from less to more", f"from {quantity['min_g']}")
    table = form.get("weights") if form["form"] == "pool" else form.get("per_kg") if form["form"] == "grade" else None
    if table is not None:
        _expect(set(table) == set(grades), f"a line for each of {', '.join(sorted(grades))}", ", ".join(sorted(table)))
    names = [one["name"] for one in terms["adjustments"] if "name" in one]
    bases = [one for one in terms["adjustments"] if "name" not in one]
    _expect(len(set(names)) == len(names) and len(bases) <= 1, "each adjustment once", ", ".join(names))
    _expect(not set(names) & _OWN_NAMES, "names of adjustments that are free", ", ".join(names))
    if form["form"] == "formula":
        expression = form["expression"]
        count = sum(1 for _ in price.nodes(expression))
        _expect(count <= price.EXPRESSION_NODES_MAX, f"at most {price.EXPRESSION_NODES_MAX} nodes in a formula", count)
        deep = price.depth(expression)
        _expect(deep <= price.EXPRESSION_DEPTH_MAX, f"a formula at most {price.EXPRESSION_DEPTH_MAX} deep", deep)


_OWN_NAMES = {"goods", "pool", "short-delivery", "advances", "not-below-zero"}


def _expect(holds: object, expected: str, got: object) -> None:
    if not holds:
        raise RefusedError("agreements.terms", "the terms contradict themselves", expected=expected, got=got)


# Quantities as the terms have them


def area_m2(terms: Mapping[str, Any], grower: str | None = None) -> int:
    """Return the area under contract, all growers' or one's, in square metres."""
    return sum(int(one["area_m2"]) for one in terms["sites"] if grower in {None, one["grower"]})


def delivered_max_g(terms: Mapping[str, Any], harvested_g: int) -> int:
    """Return how much may be delivered in all: what was harvested, and no more than agreed with its tolerance."""
    quantity = terms["quantity"]
    if quantity["form"] == "exclusive":
        return harvested_g
    most = quantity["grams"] if quantity["form"] == "fixed" else quantity["max_g"]
    return min(harvested_g, int(most) * (1000 + int(quantity["tolerance_permille"])) // 1000)


def accepted_min_g(terms: Mapping[str, Any], harvested_g: int, lost_m2: int) -> int:
    """Return how much has to be delivered in all, less its tolerance and what force majeure took.

    Args:
        terms: the terms.
        harvested_g: what the growers declared.
        lost_m2: the area lost by force majeure.
    """
    quantity = terms["quantity"]
    kept = 1000 - int(quantity["tolerance_permille"])
    if quantity["form"] == "exclusive":
        return harvested_g * kept // 1000
    least = quantity["grams"] if quantity["form"] == "fixed" else quantity["min_g"]
    whole = area_m2(terms)
    return int(least) * kept * (whole - min(lost_m2, whole)) // (1000 * whole)
