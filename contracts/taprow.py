"""One row of Taiwan's 產銷履歷 (TAP) open data, "產銷履歷農產品詳細資料".

     {"Tracecode": "1040806040300018", "Producer": "示範合作社", "OrgID": "132083", "ProductName": "胡蘿蔔-Carrot",
      "Place": "屏東縣", "FarmerName": "林先生", "PackDate": "2015/08/06", "CertificationName": "示範驗證",
      "ValidDate": "2016/12/31", "StoreInfo": "", "LandSecNO": "0403-0001", "ParentTraceCode": "", "TraceCodelist": "",
      "Log_UpdateTime": "2015/08/07 01:02:03",
      "OperationDetail": [{"OperationDate": "2015/03/01", "OperationType": "施肥", "Operation": "有機肥",
                           "OperationMemo": ""}],
      "ProcessDetail": "https://example.tw/process?Tracecode=1040806040300018",
      "ResumeDetail": [{"ResumeTitle": "…"}], "CertificateDetail": [{"Certificate": "…"}]}

Keys are read in any case (exports differ). A detail block stands inline or as a URL; a URL is recorded, never fetched.
A trace code has 11 or 16 digits and begins with a date of the Republic of China, YYYMMDD. `contracts.tap` reads whole
files of rows and makes events of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from contracts.operation import Operation, decode_text
from ledger.document import decode_json
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROW_SIZE_MAX = 256 * 1024
DETAILS_MAX = 1000
"""Entries of one detail block."""
ROC_YEARS: Final = range(90, 200)
"""Years of the Republic that a trace code may bear; the system began in 93 (2004)."""

_DATE = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})", re.ASCII)
_URL = re.compile(r"https?://[!-~]{1,2000}")

_DETAIL_KEYS: Final = {
    "OperationDetail": ("OperationDate", "OperationType", "Operation", "OperationMemo"),
    "ProcessDetail": ("ProcessDate", "ProcessItem", "ProcessArea", "ProcessMemo"),
    "ResumeDetail": ("ResumeTitle",),
    "CertificateDetail": ("Certificate",),
}


@dataclass(frozen=True, slots=True)
class Process:
    """One step of processing as TAP's ProcessDetail has it; the memo is hidden."""

    day: date
    item: str
    area: str = ""
    memo: str = ""


def _key(name: str) -> Any:
    """Return a text field that stands under this key."""
    return field(default="", metadata={"key": name})


@dataclass(frozen=True, slots=True)
class Row:
    """One product's row.

    Attributes:
        links: detail blocks (or the list of trace codes) that are given as URLs, by key.
        others: fields that the data set's description does not name, by key as written.
    """

    trace_code: str = _key("Tracecode")
    producer: str = _key("Producer")
    org_id: str = _key("OrgID")
    product_name: str = _key("ProductName")
    place: str = _key("Place")
    farmer_name: str = _key("FarmerName")
    pack_date: date | None = None
    certification_name: str = _key("CertificationName")
    valid_date: date | None = None
    store_info: str = _key("StoreInfo")
    land_sec_no: str = _key("LandSecNO")
    parent_trace_codes: tuple[str, ...] = ()
    trace_code_list: tuple[str, ...] = ()
    updated: str = _key("Log_UpdateTime")
    operations: tuple[Operation, ...] = ()
    processes: tuple[Process, ...] = ()
    resumes: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, str], ...] = ()


_TEXTS: Final[dict[str, str]] = {item.name: item.metadata["key"] for item in fields(Row) if "key" in item.metadata}
KEYS: Final = [
    *_TEXTS.values(), "PackDate", "ValidDate", "ParentTraceCode", "TraceCodelist", *_DETAIL_KEYS,
]  # fmt: skip
_BY_CASE: Final = {key.lower(): key for key in KEYS}


def trace_code_date(code: str) -> date:
    """Return the date that a trace code begins with.

    Raises:
        FormatError: not 11 or 16 digits, or no date of the Republic's years in `ROC_YEARS`.
    """
    if len(code) not in {11, 16} or not code.isascii() or not code.isdigit():
        raise FormatError("trace code", expected="11 or 16 digits", got=repr(code[:40]))
    year = int(code[:3])
    if year not in ROC_YEARS:
        raise FormatError("trace code", expected=f"a year from {ROC_YEARS[0]} to {ROC_YEARS[-1]}", got=code[:3])
    return _date("trace code", str(1911 + year), code[3:5], code[5:7])


def _date(name: str, year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise FormatError(name, expected="a date of the calendar", got=f"{year}/{month}/{day}") from error


def decode_date(name: str, text: str) -> date:
    """Return a date written `2015/08/06`.

    Raises:
        FormatError: another form, or no such day.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise FormatError(name, expected="a date such as 2015/08/06", got=repr(text[:40]))
    return _date(name, *found.groups())


def decode_row(element: object) -> Row:
    """Return one row of the array.

    Raises:
        FormatError: no object, a key twice, a value of another form, or no trace code, organisation or product.
    """
    if not isinstance(element, dict):
        raise FormatError("row", expected="an object", got=repr(element)[:80])
    known: dict[str, Any] = {}
    others: dict[str, str] = {}
    for name, value in element.items():
        key = _BY_CASE.get(name.lower(), decode_text("field name", name))
        if key in known or key in others:
            raise FormatError("row", expected=f"the field {key} once", got="twice")
        if key in _BY_CASE.values():
            known[key] = value
        else:
            others[key] = _text(key[:40], value)
    links = {key: url for key in ("TraceCodelist", *_DETAIL_KEYS) if (url := _link(known.get(key))) is not None}
    for key in links:
        del known[key]
    row = Row(
        **{name: _text(key, known.get(key)) for name, key in _TEXTS.items()},
        pack_date=_optional_date("PackDate", known),
        valid_date=_optional_date("ValidDate", known),
        parent_trace_codes=_codes("ParentTraceCode", known),
        trace_code_list=_codes("TraceCodelist", known),
        operations=tuple(
            Operation(decode_date("OperationDate", day), kind, content, memo)
            for day, kind, content, memo in _details("OperationDetail", known)
        ),
        processes=tuple(
            Process(decode_date("ProcessDate", day), item, area, memo)
            for day, item, area, memo in _details("ProcessDetail", known)
        ),
        resumes=tuple(title for (title,) in _details("ResumeDetail", known)),
        certificates=tuple(text for (text,) in _details("CertificateDetail", known)),
        links=tuple(links.items()),
        others=tuple(sorted((name, value) for name, value in others.items() if value)),
    )
    trace_code_date(row.trace_code)
    if not row.org_id or not row.product_name:
        raise FormatError("row", expected="OrgID and ProductName", got=f"{row.org_id!r} and {row.product_name!r}")
    return row


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise FormatError(name, expected="a text", got=repr(value)[:80])
    return decode_text(name, value)


def _optional_date(key: str, known: dict[str, Any]) -> date | None:
    text = _text(key, known.get(key))
    return decode_date(key, text) if text else None


def _codes(key: str, known: dict[str, Any]) -> tuple[str, ...]:
    """Return a list of trace codes, which stand in an array or in one text."""
    value = known.get(key)
    codes = value if isinstance(value, list) else re.split(r"[\s,;、]+", _text(key, value))
    if len(codes) > DETAILS_MAX:
        raise FormatError(key, expected=f"at most {DETAILS_MAX} trace codes", got=f"{len(codes)}")
    texts = tuple(text for code in codes if (text := _text(key, code)))
    for text in texts:
        trace_code_date(text)
    return texts


def _link(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and _URL.fullmatch(value.strip()) is not None else None


def _details(key: str, known: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the texts of each entry of a detail block."""
    block = known.get(key)
    if isinstance(block, str) and block.strip():
        block = decode_json(block.encode(), size_max=ROW_SIZE_MAX, depth_max=8)
    entries = [block] if isinstance(block, dict) else block or []
    if not isinstance(entries, list) or len(entries) > DETAILS_MAX:
        raise FormatError(key, expected=f"a URL or a list of at most {DETAILS_MAX}", got=repr(block)[:80])
    names = {name.lower(): name for name in _DETAIL_KEYS[key]}
    allowed = set(names.values())
    for entry in entries:
        if not isinstance(entry, dict) or len({name.lower() for name in entry}) != len(entry):
            raise FormatError(key, expected="objects with each field once", got=repr(entry)[:80])
        values = {names.get(name.lower(), str(name)): value for name, value in entry.items()}
        if not values.keys() <= allowed:
            raise FormatError(key, expected=", ".join(names.values()), got=", ".join(sorted(values))[:80])
        yield tuple(_text(name, values.get(name)) for name in names.values())


def encode_row(row: Row) -> dict[str, Any]:
    """Return a row as the data set has it; reading it gives the same row."""
    element: dict[str, Any] = {key: getattr(row, name) for name, key in _TEXTS.items()}
    element["PackDate"] = _encode_date(row.pack_date)
    element["ValidDate"] = _encode_date(row.valid_date)
    element["ParentTraceCode"] = ",".join(row.parent_trace_codes)
    element["TraceCodelist"] = ",".join(row.trace_code_list)
    blocks: dict[str, list[tuple[str, ...]]] = {
        "OperationDetail": [(_encode_date(act.day), act.type, act.content, act.memo) for act in row.operations],
        "ProcessDetail": [(_encode_date(step.day), step.item, step.area, step.memo) for step in row.processes],
        "ResumeDetail": [(title,) for title in row.resumes],
        "CertificateDetail": [(text,) for text in row.certificates],
    }
    for key, names in _DETAIL_KEYS.items():
        element[key] = [dict(zip(names, values, strict=True)) for values in blocks[key]]
    return element | dict(row.links) | dict(row.others)


def _encode_date(day: date | None) -> str:
    return "" if day is None else f"{day.year:04}/{day.month:02}/{day.day:02}"
