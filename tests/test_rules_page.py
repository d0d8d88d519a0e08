"""docs/rules.md: its examples are bodies that the rules take, and it knows every kind and every refusal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rules import World, open_world, refused

from api.kinds import all_examples
from contracts.rulebook import KINDS, check_form
from ledger.document import decode_document, encode_document

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "rules.md").read_text()
EXAMPLES = all_examples()
FAMILIES = (
    "actors|agreements|assent|certificates|coins|coupons|erasure|figures|licences|log|offers|produce|programmes|releases"
    "|rules|tickets|till"
)


@pytest.fixture(scope="module")
def world() -> World:
    """A world whose farm-1 signs the examples."""
    return open_world()


@pytest.mark.parametrize(("kind", "body"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_example_is_of_its_kind(world: World, kind: str, body: dict[str, Any]) -> None:
    """Who writes a client copies the examples: each is of its kind's form."""
    submission = world.submission("farm-1", kind, body)
    assert check_form(submission.record, submission.document).name == kind


def _with_floats(value: Any) -> Any:
    """Return a body whose whole numbers are written with a point, as 5.0."""
    if isinstance(value, dict):
        return {name: _with_floats(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_floats(one) for one in value]
    return float(value) if type(value) is int else value


@pytest.mark.parametrize(("kind", "body"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_numbers_are_whole(world: World, kind: str, body: dict[str, Any]) -> None:
    """JSON Schema takes 5.0 for an integer; as a sum, a weight or a ceiling that is signed it is another one than 5."""
    pointed = _with_floats(body)
    if json.dumps(pointed) == json.dumps(body) or not KINDS[kind].whole:
        return
    submission = world.submission("farm-1", kind, body)
    document = decode_document(encode_document(id="pointed", body=pointed))
    with refused("rules.number"):
        check_form(submission.record, document)


def test_every_kind_has_an_example() -> None:
    """A kind without an example is one that nobody can use."""
    assert {kind for kind, _ in EXAMPLES} == set(KINDS)


def test_every_refusal_is_on_the_page() -> None:
    """A refusal's name is what a client acts on; the page knows all of them and no other."""
    sources = [path.read_text() for folder in ("contracts", "ledger") for path in (ROOT / folder).rglob("*.py")]
    raised = {name for text in sources for name in re.findall(rf'"((?:{FAMILIES})\.[a-z-]+)"', text)}
    states = {f"actors.key-{state}" for state in ("unknown", "suspended", "revoked")}
    assert set(re.findall(rf"`((?:{FAMILIES})\.[a-z-]+)`", PAGE)) == raised | states
