"""What lots are made of and where they grow: products and sites. Who registers one first owns it, and may change it.

    product   {"gtin": "04712345678900", "name": {"zh-TW": "毛豆"}, "crop": "毛豆", "may_use": ["pingtung.packer"]}
    site      {"site": "P-1", "name": {"zh-TW": "東田"}, "county": "屏東縣", "township": "萬丹鄉", "area_m2": 4200}

Members of an association make lots of its products; `may_use` names others who do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.gs1 import decode_gtin
from contracts.keys import product_key, site_key
from contracts.kind import ACTOR_ID, GTIN, SITE_ID, Act, Kind, body, names, text
from ledger.errors import FormatError, RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Mapping


def checked_gtin(text_: str) -> str:
    """Return a GTIN of 14 digits.

    Raises:
        RefusedError: its check digit is wrong.
    """
    try:
        return decode_gtin(text_)
    except FormatError as error:
        raise RefusedError("produce.gtin", "the GTIN", expected=error.expected, got=error.got) from error


def product_state(content: Mapping[str, Any], actor: str, index: int) -> dict[str, Any]:
    """Return the state of a product as its record gives it; rule and verdict both do."""
    return {
        "owner": actor, "name": dict(content["name"]), "crop": content["crop"],
        "may_use": list(content.get("may_use", [])), "record": index,
    }  # fmt: skip


def site_state(content: Mapping[str, Any], actor: str, index: int) -> dict[str, Any]:
    """Return the state of a site as its record gives it; rule and verdict both do."""
    return {
        "owner": actor, "name": dict(content["name"]), "county": content["county"], "township": content["township"],
        "area_m2": content.get("area_m2"), "record": index,
    }  # fmt: skip


def _product(act: Act) -> list[Change]:
    gtin = checked_gtin(act.body["gtin"])
    known = act.facts.get(product_key(gtin))
    act.expect(
        known is None or known["owner"] == act.actor,
        "produce.product-owner",
        "another actor registered this GTIN",
        expected=None if known is None else known["owner"],
        got=act.actor,
    )
    return [Change(product_key(gtin), product_state(act.body, act.actor, act.at.index))]


def _site(act: Act) -> list[Change]:
    known = act.facts.get(site_key(act.body["site"]))
    act.expect(
        known is None or known["owner"] == act.actor,
        "produce.site-owner",
        "another actor registered this site",
        expected=None if known is None else known["owner"],
        got=act.actor,
    )
    return [Change(site_key(act.body["site"]), site_state(act.body, act.actor, act.at.index))]


KINDS = (
    Kind(
        "product",
        body(
            {"gtin": GTIN, "name": names(), "crop": text()},
            {"may_use": {"type": "array", "items": ACTOR_ID, "maxItems": 64}},
        ),
        lambda content: f"/01/{checked_gtin(content['gtin'])}",
        _product,
        lambda content: [product_key(content["gtin"])],
    ),
    Kind(
        "site",
        body(
            {"site": SITE_ID, "name": names(), "county": text(), "township": text()},
            {"area_m2": {"type": "integer", "minimum": 1, "maximum": 10**12}},
        ),
        lambda content: f"site/{content['site']}",
        _site,
        lambda content: [site_key(content["site"])],
        hidden=frozenset({"land_sec_no", "address"}),
    ),
)
