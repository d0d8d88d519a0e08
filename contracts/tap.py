"""Taiwan's 產銷履歷 (TAP) open data: files of rows in and out, and what a row says as EPCIS events.

    [{"Tracecode": "1040806040300018", "OrgID": "132083", "ProductName": "胡蘿蔔-Carrot", …},
     {"Tracecode": "1040806040300019", …}]

A file is a JSON array of rows (`contracts.taprow`), or CSV with the same columns, a detail block then being JSON
text in its cell. A bad row is reported with its line; the others go on. A row becomes a lot: the trace code is the
lot, and the GTIN comes from a table or is made for use within the region. What could name a person (farmer, parcel,
memos, whatever the data set does not describe) is kept apart from the events.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.epcuri import check_digit
from contracts.gs1 import decode_gtin
from contracts.operation import BIZ_STEP, lot_event, operation_event
from contracts.taprow import KEYS, ROW_SIZE_MAX, Process, Row, decode_row, encode_row, trace_code_date
from ledger.document import decode_json
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "BadRow", "Process", "Product", "Row", "decode_cell", "encode_cell", "gtin_for", "numbered_rows", "read_rows",
    "row_events", "row_hidden", "row_records", "trace_code_date", "write_rows", "write_rows_csv",
]  # fmt: skip

TAP_SIZE_MAX = 64 * 1024 * 1024

_STRUCTURE = re.compile(r"[\[\]{},]")
_TOKEN = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*(?P<end>")?|[\[\]{},]')
_RISKY = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: the line on which it begins (from 1) and why."""

    line: int
    reason: str


def read_rows(data: bytes) -> Iterator[Row | BadRow]:
    """Yield the rows of a JSON array or CSV file in order, each read or reported; see `numbered_rows`."""
    return (row for _, row in numbered_rows(data))


def numbered_rows(data: bytes) -> Iterator[tuple[int, Row | BadRow]]:
    """Yield the rows of a JSON array or CSV file in order, each with the line on which it begins (from 1).

    Raises:
        FormatError: more than `TAP_SIZE_MAX` bytes, not UTF-8, neither a JSON array nor CSV with a trace code's column
            (this last when the first row is asked for).
    """
    if len(data) > TAP_SIZE_MAX:
        raise FormatError("TAP", expected=f"at most {TAP_SIZE_MAX} bytes", got=f"{len(data)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("TAP", expected="UTF-8", got=f"byte {error.start} of another encoding") from error
    elements: Iterable[tuple[int, dict[str, Any] | str | BadRow]]
    elements = _json_elements(text) if text.lstrip()[:1] == "[" else _csv_elements(text)
    return ((line, _read_row(line, element)) for line, element in elements)


def _read_row(line: int, element: dict[str, Any] | str | BadRow) -> Row | BadRow:
    if isinstance(element, BadRow):
        return element
    try:
        if isinstance(element, str):
            element = decode_json(element.encode(), size_max=ROW_SIZE_MAX, depth_max=8)
        return decode_row(element)
    except (FormatError, UnicodeEncodeError) as error:
        return BadRow(line, str(error))


def _json_elements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each element of an array with its line, unread: so that one that is no JSON does not hide the next."""
    line, counted = 1, 0
    for begin, end in _json_spans(text):
        start = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
        line, counted = line + text.count("\n", counted, start), start
        yield line, text[start:end].strip()


def _json_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each element of an array begins and ends, and what stands behind the array."""
    depth, mark, first = 0, 0, True
    for position, char in _json_structure(text):
        if char in {"[", "{"}:
            depth += 1
            mark = position + 1 if depth == 1 else mark
        elif depth == 1 and char in {",", "]"}:
            if char == "," or not first or text[mark:position].strip():
                yield mark, position
            mark, first = position + 1, False
            if char == "]":
                break
        elif char in {"]", "}"} and depth > 1:
            depth -= 1
    else:  # the array does not end
        yield mark, len(text)
        return
    if text[mark:].strip():
        yield mark, len(text)


def _json_structure(text: str) -> Iterator[tuple[int, str]]:
    """Yield brackets, braces and commas outside strings. A string that its line does not end is taken for none."""
    for token in _TOKEN.finditer(text):
        if not token[0].startswith('"'):
            yield token.start(), token[0]
        elif token["end"] is None:  # not tried from each quotation mark: that is quadratic
            yield from ((found.start(), found[0]) for found in _STRUCTURE.finditer(text, *token.span()))


def _csv_elements(text: str) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Yield each line of a CSV file as an object; empty cells are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield line, BadRow(line, f"expected CSV, got {error}")
            continue
        if not header:
            header = _csv_header(cells)
        elif len(cells) > len(header):
            yield line, BadRow(line, f"expected at most {len(header)} cells, got {len(cells)}")
        elif any(cells):
            yield line, {name: decode_cell(cell) for name, cell in zip(header, cells, strict=False) if cell}
    if not header:
        raise FormatError("TAP", expected="a JSON array or CSV", got="nothing")


def _csv_header(cells: list[str]) -> list[str]:
    header = [name.strip() for name in cells]
    if len({name.lower() for name in header}) != len(header) or "tracecode" not in {name.lower() for name in header}:
        raise FormatError("TAP", expected="a JSON array, or CSV with the column Tracecode", got=repr(cells)[:80])
    return header


def write_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as the JSON array of the data set, one row a line."""
    lines = ",\n".join(json.dumps(encode_row(row), ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n".encode() if lines else b"[]\n"


def write_rows_csv(rows: Iterable[Row]) -> bytes:
    """Return rows as CSV for a spreadsheet (UTF-8 with BOM); no cell is taken for a formula."""
    elements = [encode_row(row) for row in rows]
    columns = [*KEYS, *sorted({name for element in elements for name in element} - set(KEYS))]
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(columns)
    for element in elements:
        cells = [element.get(column, "") for column in columns]
        texts = [json.dumps(cell, ensure_ascii=False) if cell else "" for cell in cells if isinstance(cell, list)]
        blocks = iter(texts)
        writer.writerow([next(blocks) if isinstance(cell, list) else encode_cell(cell) for cell in cells])
    return output.getvalue().encode("utf-8-sig")


def encode_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula: an apostrophe before = + - @."""
    return "'" + text if _RISKY.match(text) else text


def decode_cell(cell: str) -> str:
    """Return the text of a cell; undoes `encode_cell`."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Product:
    """The GTIN of a row's product.

    Attributes:
        gtin: 14 digits.
        local: made here, for restricted circulation; nobody outside this ledger knows it.
    """

    gtin: str
    local: bool


def gtin_for(org_id: str, product: str, table: Mapping[tuple[str, str], str]) -> Product:
    """Return the GTIN of an organisation's product.

    Without an entry in the table it is 02, ten digits of the SHA-256 of organisation and product, and the check digit:
    the same on every machine. Two products may share such a number; their lots still differ by trace code.

    Args:
        org_id: the row's OrgID.
        product: the row's ProductName.
        table: (OrgID, ProductName) → GTIN of 8, 12, 13 or 14 digits.

    Raises:
        FormatError: the table's GTIN is none.
    """
    if (known := table.get((org_id, product))) is not None:
        return Product(decode_gtin(known), local=False)
    digest = hashlib.sha256(json.dumps([org_id, product], ensure_ascii=False).encode()).digest()
    digits = f"02{int.from_bytes(digest, 'big') % 10**10:010}"
    return Product(decode_gtin(digits + check_digit(digits)), local=True)


def row_records(row: Row, product: Product) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return each event of a row with the hidden fields of its record.

    The lot's beginning comes first (with what is hidden of the whole row), then farm operations, then processing.

    Raises:
        FormatError: the product's GTIN is none.
    """
    gtin, lot = product.gtin, row.trace_code
    made = (_commissioning(row, product), _without_empty(_row_texts(row)))
    operations = [(operation_event(gtin, lot, act), _without_empty({"memo": act.memo})) for act in row.operations]
    steps = [
        (
            lot_event(gtin, lot, step.day, BIZ_STEP + "process", _process_fields(step)),
            _without_empty({"memo": step.memo}),
        )
        for step in row.processes
    ]
    return [made, *operations, *steps]


def row_events(row: Row, product: Product) -> list[dict[str, Any]]:
    """Return the EPCIS events of a row, without anything that is hidden; see `row_records`."""
    return [event for event, _ in row_records(row, product)]


def row_hidden(row: Row) -> dict[str, str]:
    """Return what a row has of personal data and free text: hidden field → text.

    The memos of all operations and steps are one text each here, a line for each act.
    """
    memos = {
        "operation_memos": "\n".join(act.memo for act in row.operations if act.memo),
        "process_memos": "\n".join(step.memo for step in row.processes if step.memo),
    }
    return _without_empty(_row_texts(row) | memos)


def _row_texts(row: Row) -> dict[str, str]:
    others = json.dumps(dict(row.others), ensure_ascii=False) if row.others else ""
    return {
        "farmer_name": row.farmer_name,
        "land_sec_no": row.land_sec_no,
        "store_info": row.store_info,
        "other_fields": others,
    }


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _commissioning(row: Row, product: Product) -> dict[str, Any]:
    """Return the event by which the lot comes to be: the trace code is given when the goods are packed."""
    facts = {
        "fengtu:traceCode": row.trace_code,
        "fengtu:productName": row.product_name,
        "fengtu:orgID": row.org_id,
        "fengtu:producer": row.producer,
        "fengtu:place": row.place,
        "fengtu:certificationName": row.certification_name,
        "fengtu:validDate": row.valid_date.isoformat() if row.valid_date else "",
        "fengtu:certificate": list(row.certificates),
        "fengtu:resumeTitle": list(row.resumes),
        "fengtu:parentTraceCode": list(row.parent_trace_codes),
        "fengtu:traceCodelist": list(row.trace_code_list),
        "fengtu:logUpdateTime": row.updated,
        "fengtu:localGTIN": product.local,
    } | {f"fengtu:{key[0].lower()}{key[1:]}URL": url for key, url in row.links}
    fields = {"action": "ADD", "ilmd": _without_empty(facts)}
    day = row.pack_date or trace_code_date(row.trace_code)
    return lot_event(product.gtin, row.trace_code, day, "commissioning", fields)


def _process_fields(step: Process) -> dict[str, Any]:
    return _without_empty({"fengtu:processItem": step.item, "fengtu:processArea": step.area})
