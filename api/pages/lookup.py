"""What people type or paste into the one field of the start page.

    https://fengtu.example/01/04712345678900/10/L1       Digital Link, as scanned
    https://fengtu.example/products/04712345678900/L1    the address of a page
    (01)04712345678900(10)L1                             as printed beside a barcode
    04712345678900 L1                                    GTIN and lot
    4712345678900                                        GTIN alone: all its lots
    1040806040300018                                     產銷履歷 trace code, 11 or 16 digits; 溯源 10 digits

Full-width digits and letters, as an input method leaves them, count as the plain ones.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.gs1 import check_lot, decode_gtin, decode_item, decode_lot
from ledger.errors import FormatError

if TYPE_CHECKING:
    from api.pages.views.produce import MalformedReason

CODE_SIZE_MAX = 2048
_TRACE_SIZES = {10, 11, 16}
_GTIN_SIZES = {8, 12, 13, 14}
_ELEMENTS = re.compile(r"\(01\)\s*(\d{14})\s*(?:\(10\)\s*(\S+))?", re.ASCII)
_PAGE = re.compile(r"https?://[^/?#]+/products/(\d{8,14})(?:/([^/?#]+))?/?(?:[?#].*)?", re.ASCII | re.IGNORECASE)
_PAIR = re.compile(r"(\d{8}|\d{12,14})[\s,/]+(\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Code:
    """What a code names: a lot (gtin and lot), a product (gtin), or what has a trace code (trace)."""

    gtin: str = ""
    lot: str = ""
    trace: str = ""


class CodeError(FormatError):
    """Not a code of a product; `reason` chooses the words that say so."""

    def __init__(self, reason: MalformedReason, got: str) -> None:
        super().__init__("code of a product", expected="a Digital Link, GTIN and lot, or trace code", got=got[:80])
        self.reason: MalformedReason = reason


def decode_code(text: str) -> Code:
    """Return what a typed or pasted code names.

    Raises:
        CodeError: nothing that names a product, with the reason a person can act on.
    """
    plain = unicodedata.normalize("NFKC", text[: CODE_SIZE_MAX + 1]).strip()
    if not plain:
        raise CodeError("empty", plain)
    if len(plain) > CODE_SIZE_MAX:
        raise CodeError("length", plain)
    if plain.lower().startswith(("http://", "https://", "urn:epc:")):
        return _decode_link(plain)
    elements = _ELEMENTS.fullmatch(plain) or _PAIR.fullmatch(plain)
    if elements is not None and (elements[0].startswith("(") or not _is_trace(plain)):
        return _decode_pair(elements[1], elements[2], plain)
    digits = re.sub(r"[\s-]", "", plain)
    if not (digits.isascii() and digits.isdigit()):
        raise CodeError("letters", plain)
    if len(digits) in _TRACE_SIZES:
        return Code(trace=digits)
    return _decode_pair(digits, None, plain)


def _is_trace(plain: str) -> bool:
    """Say whether groups of digits are one trace code, and not a GTIN with a lot of digits."""
    digits = re.sub(r"[\s-]", "", plain)
    if not digits.isdigit() or len(digits) not in _TRACE_SIZES:
        return False
    try:
        decode_gtin(re.split(r"[\s-]", plain)[0])
    except FormatError:
        return True
    return False


def _decode_link(plain: str) -> Code:
    page = _PAGE.fullmatch(plain)
    if page is not None:
        try:
            lot = decode_lot(page[2]) if page[2] else None
        except FormatError as error:
            raise CodeError("lot", plain) from error
        return _decode_pair(page[1], lot, plain)
    try:
        item = decode_item(plain)
    except FormatError as error:
        raise CodeError("check-digit" if "check digit" in str(error.expected) else "link", plain) from error
    return Code(item.gtin, item.lot or "")


def _decode_pair(gtin: str, lot: str | None, plain: str) -> Code:
    if len(gtin) not in _GTIN_SIZES:
        raise CodeError("length", plain)
    try:
        decoded = decode_gtin(gtin)
    except FormatError as error:
        raise CodeError("check-digit", plain) from error
    try:
        return Code(decoded, check_lot(lot) if lot else "")
    except FormatError as error:
        raise CodeError("lot", plain) from error
