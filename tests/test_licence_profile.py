"""The ODRL profile: it reads what it writes, refuses by name what lies outside it, and passes nothing over."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from conftest import soak
from rules import refused

from contracts.licences.profile import OPERANDS, PROFILE, RULES, SCHEMA, decode, encode
from contracts.licences.royalties import NET_SALES, PIECE, Royalty
from contracts.licences.scope import Scope, normal
from contracts.licences.terms import Terms
from contracts.licences.vocabulary import ACTIONS, ANY, CHANNELS, FIELDS, LANGUAGES, MEDIA, PRODUCTS
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("TW-TTT", "TW-HUA", "TW", "10014010", "JP", "030", "001")


def draw_terms(rng: random.Random) -> Terms:
    """Return terms of every form that there is."""

    def words(known: frozenset[str]) -> tuple[str, ...]:
        return (ANY,) if rng.random() < 0.3 else tuple(sorted(rng.sample(sorted(known), rng.randint(1, 4))))

    first = f"20{rng.randint(20, 40)}-0{rng.randint(1, 9)}-{rng.randint(10, 28)}"
    actions = rng.sample(sorted(ACTIONS), rng.randint(1, 4))
    unit = rng.choice([NET_SALES, PIECE])
    starts = sorted(rng.sample(range(1, 10**6), rng.randint(0, 2)))
    royalty = Royalty(
        rng.choice(["TWD", "JPY"]), unit, tuple((start, rng.randint(0, 1000)) for start in (0, *starts)),
        rng.choice([0, rng.randint(1, 10**9)]), rng.choice([0, rng.randint(1, 10**9)]), rng.randint(0, 1000),
        rng.choice([1, 2, 3, 6, 12]), rng.randint(0, 90), rng.choice(["half-up", "half-even", "down", "up"]),
    )  # fmt: skip
    return Terms(
        licence=f"L-{rng.randint(1, 99)}",
        work="W-1",
        parent=rng.choice([None, "L-0"]),
        assigners=tuple(rng.sample(["ttart.pan", "amis.tribe", "ttart.agent"], rng.randint(1, 3))),
        assignee="ttart.tea",
        scope=Scope(
            normal(rng.sample(PLACES, rng.randint(1, 3)), territories=True),
            words(FIELDS), words(PRODUCTS), words(CHANNELS), words(LANGUAGES),
            first, rng.choice([None, first, f"2050-01-0{rng.randint(1, 9)}"]),
        ),
        media=words(MEDIA),
        actions=tuple(sorted(actions)),
        prohibited=tuple(sorted(ACTIONS - set(actions)))[: rng.randint(0, 2)],
        exclusive=rng.random() < 0.5,
        sublicensing=rng.random() < 0.5,
        quantity=rng.choice([None, rng.randint(1, 10**6)]),
        sell_off_days=rng.choice([0, rng.randint(1, 365)]),
        attribution=rng.choice([(), (("zh-TW", "圖紋：潘"),), (("zh-TW", "圖紋：潘"), ("ja", "文様：潘"))]),
        samples=rng.random() < 0.5,
        royalty=rng.choice([None, royalty]),
    )  # fmt: skip


def example() -> dict[str, Any]:
    """Return the whole example of docs/odrl-profile.md."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "odrl-profile.md").read_text(), re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of JSON, as what holds it and where."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(one)


def straightened(value: Any) -> Any:
    """Return JSON in which lists stand in one order."""
    if isinstance(value, list):
        return sorted((straightened(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return {key: straightened(one) for key, one in value.items()} if isinstance(value, dict) else value


def test_reads_what_it_writes() -> None:
    """Terms that come back changed are terms that nobody agreed to; what is written is of the published schema."""
    rng = random.Random(20261127)
    validator = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)
    for _ in range(soak("terms as ODRL", 400, 20_000)):
        terms = draw_terms(rng)
        policy = encode(terms)
        validator.validate(policy)
        assert decode(json.loads(json.dumps(policy))) == terms


def test_order_says_nothing() -> None:
    """Another program writes constraints and words in another order; they mean the same."""
    rng = random.Random(4)
    for _ in range(100):
        terms = draw_terms(rng)
        policy = encode(terms)
        permission = policy["permission"][0]
        rng.shuffle(permission["constraint"])
        rng.shuffle(permission["action"])
        rng.shuffle(permission.get("duty", []))
        assert decode(policy) == terms


def test_nothing_is_passed_over() -> None:
    """A word that the terms do not have would bind in another reader's eyes and not in this ledger's."""
    rng = random.Random(9)
    odd = [None, True, 5.0, 0, -1, "", "any", "x", "grantUse", "count", [], {}, ["TW"], {"@value": "1.0"}, 2**60]
    taken, rules = 0, set()
    for _ in range(soak("mutated agreements", 3_000, 100_000)):
        policy = copy.deepcopy(encode(draw_terms(rng)))
        holder, key = rng.choice(list(places(policy)))
        how = rng.random()
        if how < 0.3:
            del holder[key]
        elif how < 0.6:
            holder[key] = copy.deepcopy(rng.choice(odd))
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(rng.choice([*holder, *odd])))
        else:
            holder[rng.choice(["refinement", "remedy", "xone", key])] = copy.deepcopy(rng.choice(odd))
        try:
            terms = decode(policy)
        except RefusedError as error:
            rules.add(error.rule)
        else:
            taken += 1
            assert straightened(encode(terms)) == straightened(policy)
    assert taken
    assert rules == {"licences.action", "licences.operand", "licences.profile", "licences.terms"}


@pytest.mark.parametrize("operand", ["resolution", "absolutePosition", "recipient", "spatialCoordinates", "fengtu:x"])
def test_operand_outside_is_named(operand: str) -> None:
    """Who writes ODRL learns which operand this ledger does not know, not that a schema failed somewhere."""
    policy = example()
    policy["permission"][0]["constraint"].append({"leftOperand": operand, "operator": "eq", "rightOperand": 1})
    with refused("licences.operand") as caught:
        decode(policy)
    assert caught.value.got == operand
    assert "spatial" in str(caught.value.expected)


@pytest.mark.parametrize("operand", ["spatial", "industry", "product", "deliveryChannel", "language", "media"])
def test_what_is_not_named_is_not_licensed(operand: str) -> None:
    """Art. 37: an agreement that is silent on where or on what grants nothing there; it has to say `any`."""
    policy = example()
    constraints = policy["permission"][0]["constraint"]
    policy["permission"][0]["constraint"] = [one for one in constraints if one["leftOperand"] != operand]
    with refused("licences.operand") as caught:
        decode(policy)
    assert caught.value.expected == operand


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("permission", "sell"),
        ("permission", "odrl:use"),
        ("prohibition", "modify"),
        ("duty", "delete"),
        ("duty", "derive"),
    ],
)
def test_action_outside_is_named(rule: str, action: str) -> None:
    """`use` would license everything; the actions are a closed list."""
    policy = example()
    if rule == "duty":
        policy["permission"][0]["duty"].append({"action": action})
    else:
        policy.setdefault(rule, []).append({"action": [action]})
    with refused("licences.action") as caught:
        decode(policy)
    assert caught.value.got == action


def test_exclusive_binds_the_owner_where_it_licenses() -> None:
    """An exclusive licence whose bar is narrower or wider than its grant would mean two things."""
    policy = example()
    assert decode(policy).exclusive
    bar = policy["prohibition"][-1]
    assert bar["assignee"] == policy["assigner"]
    narrower = copy.deepcopy(policy)
    narrower["prohibition"][-1]["constraint"][0]["rightOperand"] = ["10014010"]
    with refused("licences.terms"):
        decode(narrower)
    del policy["prohibition"][-1]
    assert not decode(policy).exclusive


def test_contradictions_are_refused() -> None:
    """Terms that say two things are settled by a court, so they are not let in."""
    rng = random.Random(1)
    terms = next(one for one in iter(lambda: draw_terms(rng), None) if one.royalty is not None and one.scope.last)
    assert terms.royalty is not None
    for changes in (
        {"assignee": terms.assigners[0]},
        {"parent": terms.licence},
        {"prohibited": terms.actions},
        {"scope": Scope(("TW", "TW-TTT"), *[(ANY,)] * 4, "2026-01-01", None)},
        {"scope": Scope(("TW",), *[(ANY,)] * 4, "2026-02-01", "2026-01-01")},
    ):
        members = {name: getattr(terms, name) for name in Terms.__slots__}
        with refused("licences.terms"):
            decode(encode(Terms(**{**members, **changes})))


def test_profile_in_words_is_whole() -> None:
    """The page in words is what a lawyer reads; it names every operand and action, and its example is taken."""
    page = (ROOT / "docs" / "odrl-profile.md").read_text()
    for name in {*frozenset().union(*OPERANDS.values()), *frozenset().union(*RULES.values()), PROFILE}:
        assert f"`{name}`" in page, name
    assert decode(example()).royalty is not None
