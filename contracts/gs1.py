"""Products and lots as GS1 names them: GTIN, lot, serial; as Digital Link URI and as EPC URN.

    https://id.gs1.org/01/04712345678900/10/L1%2FA?17=261231    GTIN, lot `L1/A`, expiry as attribute
    HTTPS://EXAMPLE.TW/01/04712345678900/10/L1                  the same from a QR in alphanumeric mode
    urn:epc:class:lgtin:4712345.067890.L1                       GTIN and lot as EPC class
    urn:epc:id:sgtin:4712345.067890.7                           GTIN and serial

A GTIN is 14 digits with a right check digit, whatever form was supplied; a lot or serial is its percent-decoded UTF-8,
1 to 20 characters of GS1's set 82. biip knows the application identifiers; the layer here refuses what biip lets pass
(repeated identifiers, keys in the query, GTINs with a wrong check digit).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from biip import ParseError
from biip.gs1_element_strings import GS1ElementString

from contracts.epcuri import (
    CANONICAL_BASE,
    SET_82,
    URI_SIZE_MAX,
    canonical_uri,
    check_digit,
    quote_value,
    unquote_value,
)
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

REMEMBERED = 4096
"""How many names of products are kept decoded: the same few come again and again."""

_SIZES = (8, 12, 13, 14)
_TEXT = re.compile(rf"{SET_82}{{1,20}}")
_ORDER = ("22", "10", "21")
_HOST = re.compile(r"https?://[A-Z0-9.:\[\]_-]+(?=/|$)", re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Item:
    """What a product's identifier names.

    Attributes:
        gtin: 14 digits.
        lot: batch or lot number (AI 10), or None.
        serial: serial number (AI 21), or None.
        variant: consumer product variant (AI 22), or None.
        attributes: application identifiers of the query, such as `{"17": "261231"}`.
    """

    gtin: str
    lot: str | None = None
    serial: str | None = None
    variant: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@lru_cache(REMEMBERED)
def decode_gtin(text: str) -> str:
    """Return the 14 digits of a GTIN of 8, 12, 13 or 14 digits.

    Raises:
        FormatError: another length, other characters, all zeros, or a wrong check digit.
    """
    if len(text) not in _SIZES or not text.isascii() or not text.isdigit():
        raise FormatError("GTIN", expected="8, 12, 13 or 14 digits", got=repr(text[:40]))
    right = check_digit(text[:-1])
    if text[-1] != right:
        raise FormatError("GTIN", expected=f"check digit {right}", got=repr(text))
    if int(text) == 0:
        raise FormatError("GTIN", expected="a number that was given to a product", got=repr(text))
    return text.zfill(14)


def is_restricted(gtin: str) -> bool:
    """Say whether a GTIN of 14 digits is for restricted circulation: it names something within one region or company.

    These are the prefixes 02, 04 and 20 to 29 (General Specifications §1.4.2) at the base level of packaging.
    """
    return gtin[0] == "0" and (gtin[1:3] in {"02", "04"} or gtin[1] == "2")


def check_lot(lot: str) -> str:
    """Return the lot (or serial), already percent-decoded.

    Raises:
        FormatError: not 1 to 20 characters of GS1's set 82.
    """
    if _TEXT.fullmatch(lot) is None:
        raise FormatError("lot or serial", expected="1 to 20 characters of GS1's set 82", got=repr(lot[:40]))
    return lot


def decode_lot(text: str) -> str:
    """Return the lot (or serial) that stands percent-encoded in a URI's path.

    Raises:
        FormatError: a broken escape, not UTF-8, or not 1 to 20 characters of GS1's set 82.
    """
    return check_lot(unquote_value(text))


def decode_digital_link(uri: str) -> Item:
    """Return what a Digital Link URI of a product names, at any host and below any path prefix.

    Raises:
        FormatError: not of the syntax (GS1 Digital Link URI Syntax §4), a wrong check digit, an application identifier
            twice or with a value it cannot have, a key's identifier in the query.
    """
    if len(uri) > URI_SIZE_MAX or _HOST.match(uri) is None or _PRINTABLE.fullmatch(uri) is None:
        raise FormatError("Digital Link", expected=f"an http(s) URI of at most {URI_SIZE_MAX}", got=repr(uri[:80]))
    parts = urlsplit(uri)
    segments = parts.path.split("/")[1:]
    starts = [n for n, name in enumerate(segments) if name == "01" and (len(segments) - n) % 2 == 0]
    if not starts:
        raise FormatError("Digital Link", expected="/01/GTIN and pairs after it in the path", got=repr(uri[:80]))
    names, values = segments[starts[0] :: 2], segments[starts[0] + 1 :: 2]
    if list(names[1:]) != [name for name in _ORDER if name in names[1:]]:
        raise FormatError("Digital Link", expected="22, 10, 21 once each and in this order", got=repr(parts.path[:80]))
    found = {name: decode_lot(value) for name, value in zip(names[1:], values[1:], strict=True)}
    return Item(
        decode_gtin(values[0]), found.get("10"), found.get("21"), found.get("22"), _decode_attributes(parts.query)
    )


def _decode_attributes(query: str) -> dict[str, str]:
    """Return the application identifiers of a query; other parameters (linkType, …) are the resolver's."""
    attributes: dict[str, str] = {}
    for pair in query.split("&") if query else []:
        name, _, text = pair.partition("=")
        if not name.isascii() or not name.isdigit():
            continue
        value = unquote_value(text)
        if name in {"01", *_ORDER} or name in attributes:
            raise FormatError("Digital Link", expected=f"identifier {name} only once, keys in the path", got=query[:80])
        try:
            element = GS1ElementString.parse(name + value)
        except ParseError as error:
            raise FormatError("Digital Link", expected=f"a value of identifier {name}", got=repr(pair[:80])) from error
        if element.ai.ai != name or element.value != value or element.gtin_error or element.gln_error:
            raise FormatError("Digital Link", expected=f"a value of identifier {name}", got=repr(pair[:80]))
        attributes[name] = value
    return attributes


def encode_digital_link(item: Item, base: str = CANONICAL_BASE, *, upper: bool = False) -> str:
    """Return the Digital Link URI of a product, lot or serial.

    Args:
        item: what to name; checked again.
        base: scheme, host and path prefix without a slash at the end.
        upper: scheme and host in capitals, for a QR in alphanumeric mode. Lot and serial are kept as they are.

    Raises:
        FormatError: GTIN, lot, serial or variant is not of its form.
    """
    path = f"/01/{decode_gtin(item.gtin)}"
    for name, value in (("22", item.variant), ("10", item.lot), ("21", item.serial)):
        if value is not None:
            path += f"/{name}/{quote_value(check_lot(value))}"
    query = "&".join(f"{name}={quote_value(value)}" for name, value in sorted(item.attributes.items()))
    if upper:
        host = _HOST.match(base)
        end = host.end() if host is not None else 0
        base = base[:end].upper() + base[end:]
    uri = base + path + (f"?{query}" if query else "")
    if decode_digital_link(uri) != item:
        raise FormatError("Digital Link", expected="an item that reads back as it was written", got=repr(uri[:80]))
    return uri


@lru_cache(REMEMBERED)
def lot_uri(gtin: str, lot: str) -> str:
    """Return the canonical URI of a lot, as EPCIS events name it."""
    return encode_digital_link(Item(gtin, lot))


@lru_cache(REMEMBERED)
def decode_item(uri: str) -> Item:
    """Return what a Digital Link or an EPC URN (`sgtin`, `lgtin`, and `idpat:sgtin` with an open serial) names.

    Raises:
        FormatError: not the URI of a product.
    """
    if not uri[:8].lower().startswith("urn:epc:"):
        return decode_digital_link(uri)
    canonical = canonical_uri(uri)
    if canonical is None or not canonical.startswith(f"{CANONICAL_BASE}/01/") or "/235/" in canonical:
        raise FormatError("EPC URN", expected="a product: sgtin, lgtin or idpat:sgtin", got=repr(uri[:80]))
    return decode_digital_link(canonical)
