"""The plain CSV form of a farmer's notebook."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epcis import read_events
from contracts.operation import KINDS, Operation
from contracts.plain import (
    PLAIN_SIZE_MAX,
    BadLine,
    Entry,
    decode_day,
    entry_event,
    entry_hidden,
    entry_operation,
    read_entries,
    write_entries,
)
from ledger.errors import FormatError

ENTRY = Entry(2, date(2026, 11, 23), "fertilise", "有機肥 20 公斤", "雨後")


@pytest.mark.parametrize(
    "text",
    [
        "date,kind,content,memo\n2026-11-23,fertilise,有機肥 20 公斤,雨後\n",
        "日期,種類,內容,備註\n2026/11/23,施肥,有機肥 20 公斤,雨後",
        "\ufeff日期,種類,內容,備註\r\n115/11/23,施肥,有機肥 20 公斤,雨後\r\n\r\n,,,\r\n",
        "Date;Kind;Content;Memo\r\n2026/11/23 0:00;Fertilise;有機肥 20 公斤;雨後\r\n",
        "日期\t種類\t內容\t備註\t\t\n2026年11月23日\t施肥\t 有機肥 20 公斤 \t雨後\t\t\n",
        '"日期","種類","內容","備註"\n"2026.11.23","施肥","有機肥 20 公斤","雨後"\n',
        "備註,內容,種類,日期\n雨後,有機肥 20 公斤,施肥,2026/11/23\n",
    ],
)
def test_what_spreadsheets_make_of_it_is_read(text: str) -> None:
    """A farmer would be sent away because of the program in which the list was kept."""
    assert list(read_entries(text.encode())) == [ENTRY]


def test_a_separator_line_counts_as_a_line() -> None:
    """A report would point to the wrong line."""
    text = "sep=;\r\n日期;種類;內容\r\n2026/11/23;施肥;有機肥\r\n2026/11/23;施肥;\r\n"
    first, bad = read_entries(text.encode())
    assert first == Entry(3, date(2026, 11, 23), "fertilise", "有機肥")
    assert isinstance(bad, BadLine)
    assert bad.line == 4


@pytest.mark.parametrize(
    "line",
    [
        "2026/02/30,施肥,x,", "999/01/01,施肥,x,", "26/11/23,施肥,x,", "11/23/2026,施肥,x,", ",施肥,x,",
        "46349,施肥,x,", "2026/11/23 10:30,施肥,x,",
        "2026/11/23,施,x,", "2026/11/23,,x,", "2026/11/23,施肥,,", "2026/11/23,施肥",
        "2026/11/23,施肥,x,y,z", "2026/11/23,施肥,a\x00b,", "2026/11/23,施肥," + "x" * 2001 + ",",
        '2026/11/23,"施"肥,x,', "２０２６/11/23,施肥,x,", "0000/00/00,施肥,x,", "2026/11/23,=cmd|' /C calc'!A0,x,",
        "2026/11/23,施肥," + "x" * 200_000,
    ],
)  # fmt: skip
def test_a_bad_line_is_reported_and_the_others_go_on(line: str) -> None:
    """A slip in one line would cost the whole season's notes."""
    good = "2026/11/23,施肥,有機肥 20 公斤,雨後"
    first, bad, last = read_entries(f"日期,種類,內容,備註\n{good}\n{line}\n{good}\n".encode())
    assert first == ENTRY
    assert isinstance(bad, BadLine)
    assert bad.line == 3
    assert bad.reason
    assert isinstance(last, Entry)
    assert last.line == 4


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"\xef\xbb\xbf", b"a,b,c\n", "日期,種類\n".encode(), "日期,日期,種類,內容\n".encode(),
        "date,日期,種類,內容\n".encode(), "日期,種類,內容\n".encode("big5"), "日期,種類,內容\n".encode("utf-16"),
        b'"date,kind,content\n', b"x" * (PLAIN_SIZE_MAX + 1), b"date,kind,content\n" + b"x,\n" * 10_001,
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(data: bytes) -> None:
    """Another file would be taken for an empty notebook."""
    with pytest.raises(FormatError):
        read_entries(data)


def test_a_quotation_mark_that_never_ends_is_reported() -> None:
    """The rest of the file would vanish without a word."""
    found = list(read_entries(b'date,kind,content\n2026/11/23,weed,x\n2026/11/23,weed,"y\n2026/11/23,weed,z\n'))
    assert [type(entry) for entry in found] == [Entry, BadLine]
    assert isinstance(found[1], BadLine)
    assert found[1].line == 3


def test_dates_of_the_republic_and_of_the_world() -> None:
    """A year of the Republic would become one of antiquity."""
    for text in ("115/11/23", "2026/11/23", "2026-11-23", "115.11.23", "2026年11月23日", " 2026/11/23 00:00:00 "):
        assert decode_day(text) == date(2026, 11, 23)
    for text in ("1989/12/31", "2100/01/01", "189/01/01", "78/01/01", "2026/11/23/1", "9" * 5000):
        with pytest.raises(FormatError):
            decode_day(text)


def test_one_entry_is_a_row_an_event_and_a_record() -> None:
    """The farmer would have to write everything three times."""
    assert entry_operation(ENTRY) == Operation(date(2026, 11, 23), "施肥", "有機肥 20 公斤", "雨後")
    assert entry_hidden(ENTRY) == {"memo": "雨後"}
    assert entry_hidden(Entry(2, ENTRY.day, "weed", "x")) == {}
    for kind in KINDS:
        event = entry_event(Entry(2, ENTRY.day, kind, "20 公斤", "雨後"), "04712345678900", "L/1")
        assert read_events(json.dumps(event).encode())[0].event == event
        assert event["bizStep"] == f"https://ns.fengtu.tw/bizstep/{kind}"
        assert "雨後" not in json.dumps(event, ensure_ascii=False)
        assert ("quantity" in event["quantityList"][0]) is (kind in {"harvest", "pack"})


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(str.strip)
entries = st.builds(
    Entry, st.just(0), st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.sampled_from(sorted(KINDS)),
    texts.filter(bool) | st.sampled_from(["=1", "'=1", "+886", "a,b;c\td", 'say "x"']), texts,
)  # fmt: skip


@given(st.lists(entries, max_size=4))
def test_written_entries_read_back(written: list[Entry]) -> None:
    """An export could not be corrected in a spreadsheet and brought in again."""
    data = write_entries(written)
    found = list(read_entries(data))
    assert [entry for entry in found if isinstance(entry, BadLine)] == []
    again = [Entry(0, entry.day, entry.kind, entry.content, entry.memo) for entry in found if isinstance(entry, Entry)]
    assert again == written
    assert not any(cell.startswith(("=", "+", "@")) for line in data.decode().splitlines() for cell in line.split(","))
