"""Taiwan's 產銷履歷 rows: read, reported, turned into events, written again."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.epcis import read_events
from contracts.gs1 import decode_item, is_restricted
from contracts.operation import Operation, amount_kg, decode_kind, operation_event, operation_kind
from contracts.tap import (
    TAP_SIZE_MAX,
    BadRow,
    Process,
    Product,
    Row,
    decode_cell,
    encode_cell,
    gtin_for,
    read_rows,
    row_events,
    row_hidden,
    row_records,
    trace_code_date,
    write_rows,
    write_rows_csv,
)
from ledger.errors import FormatError

CARROT: dict[str, Any] = {
    "Tracecode": "1040806040300018",
    "Producer": "示範合作社",
    "OrgID": 132083,
    "ProductName": "胡蘿蔔-Carrot",
    "Place": "屏東縣",
    "FarmerName": "林先生",
    "PackDate": "2015/08/06",
    "CertificationName": "示範驗證",
    "ValidDate": "2016/12/31",
    "StoreInfo": "鄰近的店",
    "LandSecNO": "0403-0001",
    "ParentTraceCode": "",
    "TraceCodelist": "10408060403,1040806040300019",
    "Log_UpdateTime": "2015/08/07 01:02:03",
    "OperationDetail": [
        {"OperationDate": "2015/03/01", "OperationType": "施肥", "Operation": "有機肥", "OperationMemo": "林太太幫忙"},
        {
            "OperationDate": "2015/8/5",
            "OperationType": "採收作業",
            "Operation": "採收 120.5 公斤",
            "OperationMemo": None,
        },
    ],
    "ProcessDetail": [
        {"ProcessDate": "2015/08/06", "ProcessItem": "清洗", "ProcessArea": "包裝場", "ProcessMemo": "水溫低"}
    ],
    "ResumeDetail": [{"ResumeTitle": "胡蘿蔔的一生"}],
    "CertificateDetail": [{"Certificate": "TW-001"}],
}
PRODUCT = Product("04712345678900", local=False)


def rows(*elements: object) -> list[Row | BadRow]:
    """Read these elements as one file."""
    return list(read_rows(json.dumps(elements, ensure_ascii=False, indent=1).encode()))


def carrot(**change: object) -> Row:
    """Return the published row with some fields changed."""
    (row,) = rows(CARROT | change)
    assert isinstance(row, Row), row
    return row


def test_a_row_is_read_with_all_its_blocks() -> None:
    """A farm's history would lose what the export says."""
    row = carrot()
    assert (row.trace_code, row.org_id, row.product_name) == ("1040806040300018", "132083", "胡蘿蔔-Carrot")
    assert (row.pack_date, row.valid_date) == (date(2015, 8, 6), date(2016, 12, 31))
    assert row.trace_code_list == ("10408060403", "1040806040300019")
    assert row.operations[0] == Operation(date(2015, 3, 1), "施肥", "有機肥", "林太太幫忙")
    assert row.processes == (Process(date(2015, 8, 6), "清洗", "包裝場", "水溫低"),)
    assert (row.resumes, row.certificates) == (("胡蘿蔔的一生",), ("TW-001",))


def test_both_spellings_of_keys_are_read() -> None:
    """Half of the exports would come in empty."""
    other = {
        (name.upper() if name != "Tracecode" else "TraceCode"): value
        if not isinstance(value, list)
        else [{key.lower(): text for key, text in entry.items()} for entry in value]
        for name, value in CARROT.items()
    }
    assert rows(other) == rows(CARROT)


def test_details_given_as_urls_are_kept_as_such() -> None:
    """A row could make the node fetch an address of its choice, or lose where its details are."""
    url = "http://169.254.169.254/OperationDetail?Tracecode=1040806040300018"
    row = carrot(OperationDetail=url, TraceCodelist="https://example.tw/list")
    assert row.operations == ()
    assert row.links == (("TraceCodelist", "https://example.tw/list"), ("OperationDetail", url))
    assert row_events(row, PRODUCT)[0]["ilmd"]["fengtu:operationDetailURL"] == url


def test_unknown_fields_are_kept_but_hidden() -> None:
    """A new column of the export might hold a telephone number."""
    row = carrot(FarmerTel="08-1234567", Empty="")
    assert row.others == (("FarmerTel", "08-1234567"),)
    assert "08-1234567" in row_hidden(row)["other_fields"]
    assert "08-1234567" not in json.dumps(row_events(row, PRODUCT))


@pytest.mark.parametrize(
    "change",
    [
        {"Tracecode": ""}, {"Tracecode": "9990806040300018"}, {"Tracecode": "1041306040300018"},
        {"Tracecode": "1040230040300018"}, {"Tracecode": "104080604030001"}, {"Tracecode": "1040806-40300018"},
        {"Tracecode": "１０４０８０６０４０３"}, {"Tracecode": ["1040806040300018"]}, {"OrgID": ""}, {"OrgID": True},
        {"OrgID": 1.5}, {"ProductName": None}, {"ProductName": "A" * 2001}, {"ProductName": "a\x00b"},
        {"ProductName": {"zh": "x"}}, {"PackDate": "104/08/06"}, {"PackDate": "2015-08-06"}, {"PackDate": "2015/02/29"},
        {"ParentTraceCode": "123"}, {"TraceCodelist": ["10408060403"] * 1001}, {"tracecode": "1040806040300018"},
        {"OperationDetail": "none"}, {"OperationDetail": 5}, {"OperationDetail": [5]}, {"OperationDetail": [[]]},
        {"OperationDetail": [{"OperationDate": ""}]}, {"OperationDetail": [{"OperationDate": "2015/03/01", "X": "1"}]},
        {"OperationDetail": [{"OperationDate": "2015/03/01", "operationdate": "2015/03/02"}]},
        {"OperationDetail": [{"OperationDate": "2015/03/01"}] * 1001}, {"ResumeDetail": [{"ResumeTitle": ["x"]}]},
        {"ProcessDetail": [{"ProcessDate": "0000/00/00"}]}, {"Extra": {"a": {"b": {}}}},
        {"Extra": json.loads("[" * 50 + "]" * 50)},
    ],
)  # fmt: skip
def test_a_bad_row_is_reported_and_the_others_go_on(change: dict[str, Any]) -> None:
    """One typing error in a county's export would keep all its farms out."""
    first, bad, last = rows(CARROT, CARROT | change, CARROT)
    assert first == last == carrot()
    assert isinstance(bad, BadRow)
    lines = json.dumps([CARROT, CARROT], ensure_ascii=False, indent=1).split("\n")
    assert bad.line == lines.index(" },") + 2
    assert bad.reason


def test_a_row_that_is_no_json_is_reported_and_the_others_go_on() -> None:
    """A broken character in one row would hide all the rows behind it."""
    good = json.dumps(CARROT)
    broken = ['{"Tracecode": NaN}', '{"Tracecode": "1040806040300018}', "{'Tracecode': 1}", "", "5", '"x']
    broken += ['{"a":1,"a":1}', '"' + '\\"' * 100_000]
    for text in broken:
        found = list(read_rows(f"[\n{good},\n{text}\n,{good}]".encode()))
        assert [type(row) for row in found] == [Row, BadRow, Row], text
        assert isinstance(found[1], BadRow)
        assert found[1].line == (4 if text == "" else 3)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[]", []), (" \n[ ]\n", []), ("[", [1]), ("[\n{", [2]), ("[[[[", [1]),
        ("[] x", [1]), ("[]\n[]", [2]),
        ("[,]", [1, 1]),         ("[}{]", [1]), ("[" * 100_000, [1]), ("[" + "{" * 100_000, [1]),
        ('["' + "\\" * 9999, [1]),
        ("[" + '{"a":' * 5000 + "1" + "}" * 5000 + "]", [1]),
        ('[{"Tracecode": "' + "1" * 300_000 + '"}]', [1]),
    ],
)  # fmt: skip
def test_a_broken_file_ends_in_reports(text: str, lines: list[int]) -> None:
    """A cut-off or hostile file must not crash the import or keep it busy."""
    found = list(read_rows(text.encode()))
    assert [row.line for row in found if isinstance(row, BadRow)] == lines
    assert len(found) == len(lines)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe[]", b"a,b\n1,2\n", b"Tracecode,tracecode\n", b"<x/>"])
def test_what_is_no_export_is_refused(data: bytes) -> None:
    """A file of something else would be taken for an empty export."""
    with pytest.raises(FormatError):
        assert list(read_rows(data)) == ["nothing is read"]


def test_a_file_that_is_too_large_is_refused() -> None:
    """An import could exhaust the machine's memory."""
    with pytest.raises(FormatError):
        read_rows(b" " * (TAP_SIZE_MAX + 1))


def test_a_byte_order_mark_is_put_up_with() -> None:
    """Files that a Windows program has touched begin with one."""
    assert list(read_rows(b"\xef\xbb\xbf" + write_rows([carrot()]))) == [carrot()]


def test_trace_codes_bear_a_date_of_the_republic() -> None:
    """A mistyped code would name another lot."""
    assert trace_code_date("1040806040300018") == trace_code_date("10408060403") == date(2015, 8, 6)
    for code in ("0000101", "0000101040300018", "9991231040300018", "2000101040300018", "0890101040300018"):
        with pytest.raises(FormatError):
            trace_code_date(code)


def test_a_product_gets_its_gtin_from_the_table_or_a_local_one() -> None:
    """A number made here would pass for one that GS1 gave, or change from import to import."""
    table = {("132083", "胡蘿蔔-Carrot"): "4712345678900"}
    assert gtin_for("132083", "胡蘿蔔-Carrot", table) == PRODUCT
    local = gtin_for("132083", "胡蘿蔔-Carrot", {})
    assert local == Product("00261711379131", local=True)
    assert is_restricted(local.gtin)
    assert gtin_for("132083", "胡蘿蔔", {}) != local != gtin_for("13208", "3胡蘿蔔-Carrot", {})
    with pytest.raises(FormatError):
        gtin_for("132083", "胡蘿蔔-Carrot", {("132083", "胡蘿蔔-Carrot"): "4712345678901"})


def test_a_row_becomes_valid_events_of_its_lot() -> None:
    """Other software could not read what the import makes of a row."""
    events = row_events(carrot(), PRODUCT)
    assert [event["bizStep"] for event in events] == [
        "commissioning",
        "https://ns.fengtu.tw/bizstep/fertilise",
        "https://ns.fengtu.tw/bizstep/harvest",
        "https://ns.fengtu.tw/bizstep/process",
    ]
    for event in events:
        (source,) = read_events(json.dumps(event).encode())
        assert source.event == event
        (quantity,) = event["quantityList"]
        assert decode_item(quantity["epcClass"]).lot == "1040806040300018"
    assert events[0]["eventTime"] == "2015-08-06T00:00:00+08:00"
    assert events[0]["ilmd"]["fengtu:validDate"] == "2016-12-31"
    assert "fengtu:localGTIN" not in events[0]["ilmd"]
    assert row_events(carrot(), gtin_for("1", "x", {}))[0]["ilmd"]["fengtu:localGTIN"] is True
    assert events[1]["fengtu:operation"] == "有機肥"
    assert events[2]["quantityList"][0] | {"epcClass": ""} == {"epcClass": "", "quantity": 120.5, "uom": "KGM"}
    assert row_events(carrot(PackDate=""), PRODUCT)[0]["eventTime"] == "2015-08-06T00:00:00+08:00"


def test_personal_fields_are_kept_apart() -> None:
    """A farmer's name would stand in a public log for ever."""
    row = carrot()
    assert row_hidden(row) == {
        "farmer_name": "林先生",
        "land_sec_no": "0403-0001",
        "store_info": "鄰近的店",
        "operation_memos": "林太太幫忙",
        "process_memos": "水溫低",
    }
    records = row_records(row, PRODUCT)
    assert [event for event, _ in records] == row_events(row, PRODUCT)
    assert [sorted(hidden) for _, hidden in records] == [
        ["farmer_name", "land_sec_no", "store_info"], ["memo"], [], ["memo"],
    ]  # fmt: skip
    public = json.dumps(row_events(row, PRODUCT), ensure_ascii=False)
    for secret in ("林先生", "0403-0001", "鄰近的店", "林太太", "水溫"):
        assert secret not in public


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
days = st.dates(date(1990, 1, 1), date(2099, 12, 31))
codes = days.filter(lambda day: day.year > 2001).map(lambda day: f"{day.year - 1911:03}{day:%m%d}0403")
read_back = st.builds(
    Row,
    trace_code=codes,
    producer=texts,
    org_id=texts.filter(bool),
    product_name=texts.filter(bool),
    place=texts,
    farmer_name=texts,
    pack_date=st.none() | days,
    certification_name=texts,
    valid_date=st.none() | days,
    store_info=texts | st.sampled_from(["=1+1", "'=1", "''@x", "-2", "+3", "＝x", "'", "a'b"]),
    land_sec_no=texts,
    parent_trace_codes=st.lists(codes, max_size=2).map(tuple),
    trace_code_list=st.lists(codes, max_size=3).map(tuple),
    updated=texts,
    operations=st.lists(st.builds(Operation, days, texts, texts, texts), max_size=3).map(tuple),
    processes=st.lists(st.builds(Process, days, texts, texts, texts), max_size=2).map(tuple),
    resumes=st.lists(texts, max_size=2).map(tuple),
    certificates=st.lists(texts, max_size=2).map(tuple),
    others=st.dictionaries(st.sampled_from(["Tel", "fax", "備註"]), texts.filter(bool)).map(
        lambda fields: tuple(sorted(fields.items()))
    ),
)


@given(st.lists(read_back, max_size=3))
def test_a_written_row_reads_back_as_the_same(written: list[Row]) -> None:
    """An export would not be what was imported."""
    assert list(read_rows(write_rows(written))) == written
    assert list(read_rows(write_rows_csv(written))) == written


def test_links_are_written_back() -> None:
    """An export would forget where the details of a row are."""
    row = carrot(OperationDetail="https://example.tw/x?Tracecode=1040806040300018")
    assert list(read_rows(write_rows([row]))) == list(read_rows(write_rows_csv([row]))) == [row]


def test_no_exported_cell_is_a_formula() -> None:
    """A product's name could run a program on the clerk's machine."""
    row = carrot(ProductName='=HYPERLINK("http://evil.example")', Place="+1", Producer="@x", StoreInfo="-1", Tel="＝1")
    table = list(csv.reader(io.StringIO(write_rows_csv([row]).decode("utf-8-sig"))))
    assert not [cell for cell in table[1] if cell[:1] in tuple("=+-@＝＋－＠\t\r")]


@given(st.text())
def test_a_guarded_cell_comes_back(text: str) -> None:
    """A text that begins with an apostrophe would lose it, or gain one at each round."""
    assert decode_cell(encode_cell(text)) == text


def test_a_bad_line_of_csv_is_reported() -> None:
    """A line with too many cells would shift a farmer's data into other columns."""
    header, line = write_rows_csv([carrot()]).decode("utf-8-sig").splitlines()
    text = "\r\n".join([header, line, line + ",x", '"a"b', "", line])
    found = list(read_rows(text.encode()))
    assert [type(row) for row in found] == [Row, BadRow, BadRow, Row]
    assert [row.line for row in found if isinstance(row, BadRow)] == [3, 4]


def test_kinds_and_weights_are_found_in_words() -> None:
    """A harvest would count for nothing, or a spraying pass for a watering."""
    assert operation_kind("病蟲草害防治") == "protect"
    assert operation_kind("整地") == "other"
    assert [decode_kind(word) for word in ("採收", " Harvest ", "harvest")] == ["harvest"] * 3
    with pytest.raises(FormatError):
        decode_kind("採")
    weights = {"採收 120 公斤": "120", "1.5KG": "1.5", "100台斤": "60.0", "12 kgs": None, "1公斤 2公斤": None, "": None}
    assert {text: None if (weight := amount_kg(text)) is None else str(weight) for text in weights} == weights
    assert amount_kg("9" * 100_000 + "公斤") is None
    event = operation_event("04712345678900", "L1", Operation(date(2026, 11, 23), "採收", "10 公斤"))
    assert event["quantityList"] == [
        {"epcClass": "https://id.gs1.org/01/04712345678900/10/L1", "quantity": 10, "uom": "KGM"}
    ]
