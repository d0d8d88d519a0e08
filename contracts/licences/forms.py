"""What the bodies of licences' records have in common: names, hashes, days and scopes.

    {"territories": ["TW-TTT"], "fields": ["textiles"], "products": ["24"], "channels": ["any"], "languages": ["any"],
     "first": "2026-03-01", "last": "2026-06-30"}

A scope in a body is the data of `scope.Scope`; one without a last day has no end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.kind import DATE, body, some
from contracts.licences.scope import DIMENSIONS, Scope, normal
from contracts.licences.shelf import CELLS_MAX
from contracts.licences.territories import TERRITORIES
from contracts.licences.vocabulary import ANY, CHANNELS, FIELDS, LANGUAGES, PRODUCTS
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def words(known: Iterable[str]) -> dict[str, Any]:
    """The schema of words of a list, or of `any` for all of them."""
    return some({"enum": [ANY, *sorted(known)]}, CELLS_MAX)


WORDS: dict[str, Any] = {
    "territories": some({"type": "string", "pattern": "^[A-Z]{2}(-[A-Z]{3})?$|^[0-9]{3}$|^[0-9]{8}$"}, CELLS_MAX),
    "fields": words(FIELDS),
    "products": words(PRODUCTS),
    "channels": words(CHANNELS),
    "languages": words(LANGUAGES),
}
"""The members of a scope that are words, by their schemas."""

SCOPE = body({**WORDS, "first": DATE}, {"last": DATE})


def decode_scope(data: Mapping[str, Any]) -> Scope:
    """Return the scope that a body names, its words sorted and none within another.

    Raises:
        RefusedError: a territory that nobody publishes, more cells than shelves hold, or an end before its beginning.
    """
    unknown = sorted(set(data["territories"]) - TERRITORIES)
    _expect(not unknown, "licences.territory", "nobody publishes such a code", "ISO 3166, UN M49, townships", unknown)
    said = {name: normal(data[name], territories=name == "territories") for name in DIMENSIONS}
    cells = len(said["territories"]) * len(said["fields"])
    _expect(cells <= CELLS_MAX, "licences.cells", "too many territories times fields", f"at most {CELLS_MAX}", cells)
    last = data.get("last")
    _expect(last is None or data["first"] <= last, "licences.days", "it ends before it begins", data["first"], last)
    return Scope(**said, first=data["first"], last=last)


def _expect(holds: object, rule: str, message: str, expected: object, got: object) -> None:
    if not holds:
        raise RefusedError(rule, message, expected=expected, got=got)
