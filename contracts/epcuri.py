"""GS1 keys as URIs: every EPC URN and every Digital Link in one constrained canonical form.

    urn:epc:id:sgtin:4012345.011111.9876                       -> https://id.gs1.org/01/04012345111118/21/9876
    urn:epc:class:lgtin:4012345.012345.A%2F1                   -> https://id.gs1.org/01/04012345123456/10/A%2F1
    HTTPS://SHOP.EXAMPLE/x/01/04012345123456/22/B/10/A?17=261231 -> https://id.gs1.org/01/04012345123456/10/A

Constrained means CBV 2.0 §8.9.2 rule 18: host `id.gs1.org`, no query, and only the finest level of identification (a
serial number makes the lot superfluous; a consumer product variant is dropped). EPC URNs follow the GS1 EPC Tag Data
Standard §6, Digital Links the GS1 Digital Link URI Syntax §4. This form says what is named, not that it is well named:
check digits of links are not looked at here (`contracts.gs1` does).
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from ledger.errors import FormatError

CANONICAL_BASE = "https://id.gs1.org"
URI_SIZE_MAX = 2048

SET_82 = r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"""
"""One character of GS1's invariant set 82 (General Specifications figure 7.11-1)."""

_URN = re.compile(r"urn:epc:(id|class|idpat):([a-z]{3,5}):(.+)", re.ASCII)
_URN_TEXT = re.compile(r"(?:%[0-9A-Fa-f]{2}|[!'()*+,.0-9:;=A-Za-z_-])+", re.ASCII)
_LINK = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)(?:\?[^#\s]*)?(?:#\S*)?", re.IGNORECASE)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Digits of company prefix and reference together, without check digit (Tag Data Standard §6.3).
_DIGITS = {
    "sgtin": 13, "itip": 13, "upui": 13, "lgtin": 13, "sscc": 17, "gsrn": 17, "gsrnp": 17, "gsin": 16,
    "sgln": 12, "pgln": 12, "grai": 12, "gdti": 12, "sgcn": 12,
}  # fmt: skip
_AI = {
    "sgtin": "01", "upui": "01", "lgtin": "01", "itip": "8006", "sscc": "00", "gsrn": "8018", "gsrnp": "8017",
    "gsin": "402", "sgln": "414", "pgln": "417", "grai": "8003", "gdti": "253", "sgcn": "255", "giai": "8004",
    "ginc": "401", "cpi": "8010",
}  # fmt: skip
# What follows the reference: its qualifier ("" where it joins the key) and how long it may be.
_SERIAL = {
    "sgtin": ("21", 20), "lgtin": ("10", 20), "itip": ("21", 20), "upui": ("235", 28), "sgln": ("254", 20),
    "grai": ("", 16), "gdti": ("", 17),
}  # fmt: skip
_PATTERN_SCHEMES = {"sgtin", "grai", "gdti", "sgcn", "cpi", "itip", "upui"}

# Primary keys of a Digital Link and the qualifiers each may have, in order.
_KEYS = {
    "00": r"\d{18}", "01": r"\d{8}|\d{12,14}", "253": rf"\d{{13}}{SET_82}{{0,17}}", "255": r"\d{13,25}",
    "401": rf"{SET_82}{{1,30}}", "402": r"\d{17}", "414": r"\d{13}", "417": r"\d{13}",
    "8003": rf"\d{{14}}{SET_82}{{0,16}}", "8004": rf"{SET_82}{{1,30}}", "8006": r"\d{18}",
    "8010": r"[#\-/0-9A-Z]{1,30}", "8017": r"\d{18}", "8018": r"\d{18}",
}  # fmt: skip
_QUALIFIERS = {"01": ("22", "10", "21", "235"), "8006": ("22", "10", "21"), "414": ("254",), "8010": ("8011",)}
_QUALIFIER_SIZE_MAX = {"22": 20, "10": 20, "21": 20, "235": 28, "254": 20, "8011": 12}
_SHORT_NAMES = {
    "gtin": "01", "itip": "8006", "cpid": "8010", "gln": "414", "party": "417", "gsrnp": "8017", "gsrn": "8018",
    "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402", "grai": "8003", "giai": "8004",
    "cpv": "22", "lot": "10", "ser": "21",
}  # fmt: skip


def check_digit(digits: str) -> str:
    """Return the GS1 check digit for ASCII digits without one (General Specifications §7.9.1)."""
    total = sum(int(digit) * (1 if n % 2 else 3) for n, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def quote_value(value: str) -> str:
    """Percent-encode one value for a Digital Link's path: one spelling for each value, so equal means the same."""
    return quote(value, safe="';=")


def unquote_value(text: str) -> str:
    """Percent-decode one value of a URI.

    Raises:
        FormatError: a broken escape, or not UTF-8.
    """
    if _PERCENT.search(text):
        raise FormatError("percent-encoding", expected="two hex digits after each %", got=repr(text[:80]))
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise FormatError("percent-encoding", expected="UTF-8", got=repr(text[:80])) from error


def canonical_uri(text: str) -> str | None:
    """Return the constrained canonical Digital Link of a GS1 key's URI, or None where `text` is no such URI."""
    if len(text) > URI_SIZE_MAX:
        return None
    try:
        if (urn := _URN.fullmatch(text)) is not None:
            path = _urn_path(*urn.groups())
        elif (link := _LINK.fullmatch(text)) is not None:
            path = _link_path(link[1])
        else:
            return None
    except FormatError:
        return None
    return None if path is None else CANONICAL_BASE + path


def _urn_path(kind: str, scheme: str, rest: str) -> str | None:
    """Return the path for the parts of an EPC URN, None where they do not fit the scheme."""
    if scheme not in _AI or (kind == "class") != (scheme == "lgtin"):
        return None
    if kind == "idpat" and (scheme not in _PATTERN_SCHEMES or not rest.endswith(".*")):
        return None
    company, _, reference = rest.partition(".")
    if re.fullmatch(r"\d{6,12}", company, re.ASCII) is None:
        return None
    tail = ""
    if scheme in _DIGITS:
        reference, _, tail = reference.partition(".")
        if re.fullmatch(r"\d*", reference, re.ASCII) is None or len(company + reference) != _DIGITS[scheme]:
            return None
    elif scheme == "cpi":
        reference, _, tail = reference.rpartition(".")
    key = _urn_key(scheme, company, reference)
    return _pattern_path(scheme, key, tail) if kind == "idpat" else _instance_path(scheme, key, tail)


def _urn_key(scheme: str, company: str, reference: str) -> str:
    """Join company prefix and reference as the key has them, with the check digit where it has one."""
    if scheme in {"giai", "ginc", "cpi"}:
        return company + _urn_text(reference, 30 - len(company))
    if scheme in {"sgtin", "itip", "upui", "lgtin", "sscc"}:  # the first digit of the reference leads
        joined = reference[:1] + company + reference[1:]
    elif scheme == "grai":
        joined = "0" + company + reference
    else:
        joined = company + reference
    return joined + check_digit(joined)


def _pattern_path(scheme: str, key: str, tail: str) -> str | None:
    """Return the path of an idpat URN, whose tail leaves the serial open."""
    pieces = re.fullmatch(r"(\d{2})\.(\d{2})\.\*" if scheme == "itip" else r"()()\*", tail, re.ASCII)
    return None if pieces is None else f"/{_AI[scheme]}/{quote_value(key)}{pieces[1]}{pieces[2]}"


def _instance_path(scheme: str, key: str, tail: str) -> str | None:
    """Return the path of a key with what follows it in an id or class URN."""
    if scheme == "itip":
        pieces = re.fullmatch(r"(\d{2})\.(\d{2})\.(.+)", tail, re.ASCII)
        if pieces is None:
            return None
        key, tail = key + pieces[1] + pieces[2], pieces[3]
    path = f"/{_AI[scheme]}/{quote_value(key)}"
    if scheme in {"sgcn", "cpi"}:
        if re.fullmatch(r"\d{1,12}", tail, re.ASCII) is None:
            return None
        return path + tail if scheme == "sgcn" else f"{path}/8011/{tail}"
    if scheme not in _SERIAL:
        return path if tail == "" else None
    qualifier, size_max = _SERIAL[scheme]
    serial = quote_value(_urn_text(tail, size_max))
    if scheme == "sgln" and tail == "0":  # no extension
        return path
    return f"{path}/{qualifier}/{serial}" if qualifier else path + serial


def _urn_text(text: str, size_max: int) -> str:
    """Decode an alphanumeric field of an EPC URN (Tag Data Standard §6.3.1).

    Raises:
        FormatError: a character that must be escaped, or more than `size_max` of them.
    """
    if _URN_TEXT.fullmatch(text) is None:
        raise FormatError("EPC URN", expected="letters, digits and escapes", got=repr(text[:80]))
    value = unquote_value(text)
    if len(value) > size_max or re.fullmatch(rf"(?:{SET_82}|#)+", value) is None:
        raise FormatError("EPC URN", expected=f"1 to {size_max} characters of GS1's set", got=repr(value[:80]))
    return value


def _link_path(path: str) -> str | None:
    """Return the canonical path of a Digital Link's path, None where it names no key."""
    segments = [_SHORT_NAMES.get(segment, segment) for segment in path.split("/")[1:]]
    for start in range(len(segments) % 2, len(segments), 2):
        if segments[start] in _KEYS:
            names = segments[start::2]
            values = [unquote_value(segment) for segment in path.split("/")[1:][start + 1 :: 2]]
            found = _link_levels(names[0], values[0], list(zip(names[1:], values[1:], strict=True)))
            if found is not None:
                return found
    return None


def _link_levels(key: str, value: str, qualifiers: list[tuple[str, str]]) -> str | None:
    """Return the path of the finest level, None where key or qualifiers are not of the syntax."""
    allowed = _QUALIFIERS.get(key, ())
    order = [allowed.index(name) if name in allowed else -1 for name, _ in qualifiers]
    if re.fullmatch(_KEYS[key], value, re.ASCII) is None or -1 in order or order != sorted(set(order)):
        return None
    for name, text in qualifiers:
        if re.fullmatch(rf"{SET_82}{{1,{_QUALIFIER_SIZE_MAX[name]}}}", text) is None:
            return None
    finest = [(name, text) for name, text in qualifiers if name != "22"][-1:]
    whole = value.zfill(14) if key == "01" else value
    return "".join(f"/{name}/{quote_value(text)}" for name, text in [(key, whole), *finest])
