"""The plain form: a farmer's notebook as CSV, from a text editor or a spreadsheet.

    日期,種類,內容,備註                    date,kind,content,memo
    2026/11/23,施肥,有機肥 20 公斤,雨後    2026-11-23,fertilise,有機肥 20 公斤,雨後

UTF-8 with or without BOM. What spreadsheets do to such a file is put up with: other separators (semicolon, tab), a
`sep=` line, empty lines and columns, dates as 2026/1/5, 2026-01-05, 2026年1月5日 or in years of the Republic of
China (115/11/23), a time of 0:00 behind a date. The kind is one of eight (`contracts.operation.KINDS`). A bad line is
reported and the others go on. Each entry is a TAP OperationDetail, an EPCIS event and, with its memo hidden, a record
at once.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from contracts.operation import KINDS, Operation, decode_kind, decode_text, operation_event
from contracts.tap import decode_cell, encode_cell
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PLAIN_SIZE_MAX = 1024 * 1024
LINES_MAX = 10_000
_COLUMNS: Final = {"date": "日期", "kind": "種類", "content": "內容", "memo": "備註"}
_DATE = re.compile(r"(\d{2,4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: +0{1,2}:00(?::00)?)?", re.ASCII)
_YEARS: Final = range(1990, 2100)


@dataclass(frozen=True, slots=True)
class Entry:
    """One act of the notebook.

    Attributes:
        line: where it stands in the file, from 1.
        day: when, by the calendar of Taipei.
        kind: one of `KINDS`.
        content: what was done, with what and how much.
        memo: free text; hidden.
    """

    line: int
    day: date
    kind: str
    content: str
    memo: str = ""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read, and why."""

    line: int
    reason: str


def read_entries(data: bytes) -> Iterator[Entry | BadLine]:
    """Yield the entries of a file in order, each line read or reported.

    Raises:
        FormatError: more than `PLAIN_SIZE_MAX` bytes or `LINES_MAX` lines, not UTF-8, or no header with the columns.
    """
    if len(data) > PLAIN_SIZE_MAX:
        raise FormatError("plain form", expected=f"at most {PLAIN_SIZE_MAX} bytes", got=f"{len(data)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("plain form", expected="a file saved as CSV UTF-8", got="another encoding") from error
    lines = [(line, cells) for line, cells in _lines(text) if isinstance(cells, BadLine) or any(cells)]
    if len(lines) > LINES_MAX:
        raise FormatError("plain form", expected=f"at most {LINES_MAX} lines", got=f"{len(lines)}")
    header = lines[0][1] if lines else []
    if isinstance(header, BadLine):
        raise FormatError("plain form", expected="a header line", got=header.reason)
    places = {name: _place(header, name, word) for name, word in _COLUMNS.items()}
    return (_read_entry(line, cells, places) for line, cells in lines[1:])


def _lines(text: str) -> Iterator[tuple[int, list[str] | BadLine]]:
    """Yield each line with its number and cells, by the separator that the header uses."""
    first, _, rest = text.partition("\n")
    skipped = 0
    if re.fullmatch(r'"?sep=.\s*"?\s*', first) is not None:
        first, text, skipped = rest.partition("\n")[0], rest, 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, BadLine(line, f"expected CSV, got {error}")
        else:
            yield line, [decode_cell(cell.strip()) for cell in cells]


def _place(header: list[str], name: str, word: str) -> int | None:
    """Return the column of a name in either language; the memo may be missing."""
    found = [n for n, cell in enumerate(header) if cell.lower() in {name, word}]
    if len(found) > 1 or (not found and name != "memo"):
        raise FormatError("plain form", expected=f"one column {name} or {word}", got=", ".join(header)[:80])
    return found[0] if found else None


def _read_entry(line: int, cells: list[str] | BadLine, places: Mapping[str, int | None]) -> Entry | BadLine:
    if isinstance(cells, BadLine):
        return cells
    try:
        return _decode_entry(line, cells, places)
    except FormatError as error:
        return BadLine(line, str(error))


def _decode_entry(line: int, cells: list[str], places: Mapping[str, int | None]) -> Entry:
    known = {place for place in places.values() if place is not None}
    if any(cell for place, cell in enumerate(cells) if place not in known):
        raise FormatError("line", expected="nothing in other columns", got=", ".join(cells)[:80])
    value = {name: cells[place] if place is not None and place < len(cells) else "" for name, place in places.items()}
    content = decode_text("content", value["content"])
    if not content:
        raise FormatError("content", expected="what was done", got="nothing")
    memo = decode_text("memo", value["memo"])
    return Entry(line, decode_day(value["date"]), decode_kind(value["kind"]), content, memo)


def decode_day(text: str) -> date:
    """Return a date in one of the forms above; a year of two or three digits is the Republic's.

    Raises:
        FormatError: another form, no such day, or a year outside 1990 to 2099.
    """
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise FormatError("date", expected="such as 2026/11/23 or 115/11/23", got=repr(text[:40]))
    year = int(found[1]) + (1911 if len(found[1]) < 4 else 0)
    try:
        day = date(year, int(found[2]), int(found[3]))
    except ValueError as error:
        raise FormatError("date", expected="a day of the calendar", got=repr(text[:40])) from error
    if day.year not in _YEARS:
        raise FormatError("date", expected="a year from 1990 to 2099", got=repr(text[:40]))
    return day


def write_entries(entries: Iterable[Entry]) -> bytes:
    """Return entries as CSV with Chinese headers and words (UTF-8 with BOM); no cell is taken for a formula."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(_COLUMNS.values())
    for entry in entries:
        cells = (f"{entry.day:%Y/%m/%d}", KINDS[entry.kind], entry.content, entry.memo)
        writer.writerow([encode_cell(cell) for cell in cells])
    return output.getvalue().encode("utf-8-sig")


def entry_operation(entry: Entry) -> Operation:
    """Return an entry as TAP's OperationDetail has it."""
    return Operation(entry.day, KINDS[entry.kind], entry.content, entry.memo)


def entry_event(entry: Entry, gtin: str, lot: str) -> dict[str, Any]:
    """Return an entry as an EPCIS event about a lot, without the memo.

    Raises:
        FormatError: no such GTIN or lot.
    """
    return operation_event(gtin, lot, entry_operation(entry), entry.kind)


def entry_hidden(entry: Entry) -> dict[str, str]:
    """Return the hidden fields of an entry's record."""
    return {"memo": entry.memo} if entry.memo else {}
