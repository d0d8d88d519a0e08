"""Territories and which lies in which: `territories.json`, part of the rules' version.

"001" ⊃ "142" ⊃ "030" ⊃ "TW" ⊃ "TW-TTT" ⊃ "10014010"

Codes are those that others publish: UN M49 for the world and its regions, ISO 3166-1 for countries (with Taiwan in
Eastern Asia, where CLDR has it), ISO 3166-2 for Taiwan's counties, and the Ministry of the Interior's numbers for its
townships. Each lies in exactly one other, so two territories share something only where one lies in the other.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

WORLD = "001"

_TABLE: dict[str, Any] = json.loads(files(__package__).joinpath("territories.json").read_text(encoding="utf-8"))


def _parents() -> dict[str, str]:
    found = {inner: outer for outer, inners in _TABLE["contains"].items() for inner in inners.split()}
    found.update(dict.fromkeys(_TABLE["counties"], "TW"))
    found.update((township, county) for county, inside in _TABLE["townships"].items() for township in inside)
    return found


PARENTS: dict[str, str] = _parents()
"""What each territory lies in; the world lies in nothing."""

TERRITORIES: frozenset[str] = frozenset({WORLD, *PARENTS})
"""All codes."""


@cache
def above(code: str) -> tuple[str, ...]:
    """Return a territory and what it lies in, from the smallest to the world.

    Raises:
        KeyError: there is no such territory.
    """
    if code == WORLD:
        return (WORLD,)
    return (code, *above(PARENTS[code]))


def lies_in(inner: str, outer: str) -> bool:
    """Say whether a territory is another one or lies in it."""
    return outer in above(inner)


def name(code: str) -> dict[str, str] | None:
    """Return the name of a county or township of Taiwan in 繁體中文 and English, None for others."""
    found = _TABLE["counties"].get(code)
    if found is None and code in PARENTS:
        found = _TABLE["townships"].get(PARENTS[code], {}).get(code)
    return None if found is None else {"zh-TW": found[0], "en": found[1]}
