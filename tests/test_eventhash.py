"""The CBV event hash against published vectors and, where it works, the reference implementation."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from epcis_event_hash_generator import hash_generator, json_to_py
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.cbv import BIZ_STEPS, DISPOSITIONS, WORDS, modern_uri, standard_word, web_uri
from contracts.epcis import read_events
from contracts.eventhash import event_hash, pre_hash
from ledger.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"x": "https://x.example/ns/", "cbv": "https://ref.gs1.org/cbv/", "gs1": "https://gs1.org/voc/"},
]
EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-11-23T08:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "OBSERVE",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.9876", "https://shop.example/01/04012345111118/21/1"],
    "bizStep": "shipping",
}
DOCUMENT = {"@context": CONTEXT}


def test_the_published_hashes_are_reproduced(shared: Path) -> None:
    """An event would go by another name here than everywhere else."""
    vectors = sorted((shared / "epcis-hash").glob("*.jsonld"))
    for path in vectors:
        wanted = path.with_suffix(".hashes").read_text().split()
        data = path.read_bytes()
        assert [event_hash(source.event, source.context) for source in read_events(data)] == wanted
        document = json.loads(data)
        assert [event_hash(source.event, document) for source in read_events(data)] == wanted
    assert len(vectors) == 11


extension_values = st.recursive(
    st.from_regex(r"V[A-Z0-9 ]{0,6}", fullmatch=True)
    | st.integers(-(10**9), 10**9)
    | st.integers(-(10**6), 10**6).map(lambda n: n / 1000)
    | st.sampled_from(["007", "1.50", "+3", "-0", "urn:epc:id:sscc:4012345.1112223334", "x:word", " padded "]),
    lambda inner: (
        st.dictionaries(st.from_regex(r"x:f[a-z]{0,2}", fullmatch=True), inner, min_size=1, max_size=3)
        | st.lists(inner.filter(lambda value: not isinstance(value, list)), min_size=1, max_size=3)
    ),
    max_leaves=6,
)
extensions = st.dictionaries(st.from_regex(r"x:[a-z]{1,4}", fullmatch=True), extension_values, max_size=3)
epcs = st.sampled_from(
    [
        "urn:epc:id:sgtin:4012345.011111.9876",
        "urn:epc:id:sgtin:4012345.011111.A%2F1",
        "urn:epc:id:sscc:4012345.1112223334",
        "https://shop.example/a/01/04012345111118/10/L1/21/7?x=1",
        "https://id.gs1.org/01/04012345111118/22/B/10/L1",
        "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
    ]
)
classes = st.sampled_from(
    [
        "urn:epc:class:lgtin:4012345.012345.998877",
        "https://shop.example/01/04012345111118/10/L1",
        "urn:epc:idpat:sgtin:4012345.066666.*",
    ]
)
quantities = st.fixed_dictionaries(
    {"epcClass": classes, "quantity": st.integers(0, 10**7).map(lambda n: n / 100)},
    optional={"uom": st.sampled_from(["KGM", "C62"])},
)
times = st.builds(
    "{}T{:02}:{:02}:{:02}{}{}".format,
    st.dates(min_value=date(1990, 1, 2)),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(["", ".1", ".12", ".123", ".1234", ".5678", ".000"]),
    st.sampled_from(["Z", "+08:00", "-06:30", "+00:00"]),
)
places = st.builds(
    lambda place, more: {"id": place} | more,
    st.sampled_from(["urn:epc:id:sgln:4012345.00011.987", "urn:epc:id:sgln:4012345.00011.0", "geo:22.7,120.5"]),
    extensions,
)
reports = st.builds(
    lambda kind, fields, more: {"type": kind} | fields | more,
    st.sampled_from(sorted(WORDS["measurementType"])),
    st.fixed_dictionaries(
        {},
        optional={
            "value": st.integers(-1000, 1000).map(lambda n: n / 10),
            "uom": st.sampled_from(["CEL", "A93"]),
            "exception": st.sampled_from(["ALARM_CONDITION", "gs1:ERROR_CONDITION"]),
            "component": st.sampled_from(["latitude", "cbv:Comp-longitude"]),
            "time": times,
            "stringValue": st.just("VALUE"),
        },
    ),
    extensions,
)
sensors = st.builds(
    lambda device, fields, reports, inner, outer: (
        {"sensorMetadata": {"deviceID": device} | fields | inner, "sensorReport": reports} | outer
    ),
    st.just("urn:epc:id:giai:4000001.111"),
    st.fixed_dictionaries({}, optional={"time": times, "bizRules": st.just("https://e.example/253/4012345000054987")}),
    st.lists(reports, min_size=1, max_size=3),
    extensions,
    extensions,
)


def typed(name: str, vocabulary: str, values: list[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    """Return lists of business transactions, sources or destinations; the reference needs the type first."""
    pair = st.builds(
        lambda kind, value: {"type": kind, name: value},
        st.sampled_from(sorted(WORDS[vocabulary] - {"upevt"})),
        st.sampled_from(values),
    )
    return st.lists(pair, min_size=1, max_size=3)


dispositions = st.lists(st.sampled_from(sorted(DISPOSITIONS)), min_size=1, max_size=2)
parties = ["urn:epc:id:pgln:4012345.00225", "urn:epc:id:sgln:4012345.00225.0"]
events = st.builds(
    lambda base, fields, more: base | fields | more,
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["ObjectEvent", "TransformationEvent", "AggregationEvent"]),
            "eventTime": times,
            "eventTimeZoneOffset": st.sampled_from(["+08:00", "-06:00"]),
            "action": st.just("ADD"),
        }
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "eventID": st.just("urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"),
            "recordTime": times,
            "parentID": epcs,
            "epcList": st.lists(epcs, max_size=3),
            "childEPCs": st.lists(epcs, max_size=3),
            "inputEPCList": st.lists(epcs, max_size=3),
            "quantityList": st.lists(quantities, min_size=1, max_size=3),
            "outputQuantityList": st.lists(quantities, min_size=1, max_size=3),
            "bizStep": st.sampled_from(sorted(BIZ_STEPS)) | st.just("urn:epcglobal:cbv:bizstep:shipping"),
            "disposition": st.sampled_from(sorted(DISPOSITIONS)),
            "persistentDisposition": st.fixed_dictionaries({"set": dispositions}, optional={"unset": dispositions}),
            "readPoint": places,
            "bizLocation": places,
            "bizTransactionList": typed("bizTransaction", "bizTransactionType", ["urn:epcglobal:cbv:bt:1:2", "x:po"]),
            "sourceList": typed("source", "sourceDestinationType", parties),
            "destinationList": typed("destination", "sourceDestinationType", parties),
            "sensorElementList": st.lists(sensors, min_size=1, max_size=2),
            "ilmd": extensions,
            "certificationInfo": st.just("https://accreditation.example/certificate/ABC"),
        },
    ),
    extensions,
)


@pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning")  # the reference's own
@settings(max_examples=soak("documents against the reference hash", 25, 1000))
@given(st.lists(events, min_size=1, max_size=4))
def test_the_reference_implementation_agrees(events: list[dict[str, Any]]) -> None:
    """Where the reference works, a partner who uses it must get our hash."""
    document = {"@context": CONTEXT, "epcisBody": {"eventList": events}}
    mirrored = json_to_py.event_list_from_epcis_document_json(json.loads(json.dumps(document)))
    wanted = hash_generator.derive_prehashes_from_events(mirrored)
    assert [pre_hash(event, document) for event in events] == wanted


def shuffled(value: object) -> object:
    """Return the same JSON with the members of each object in the opposite order."""
    if isinstance(value, dict):
        return {name: shuffled(part) for name, part in reversed(value.items())}
    return [shuffled(part) for part in value] if isinstance(value, list) else value


@given(events)
def test_the_order_of_members_does_not_matter(event: dict[str, Any]) -> None:
    """The same event from another JSON writer would pass for a second one."""
    again = shuffled(event)
    assert isinstance(again, dict)
    assert pre_hash(again, DOCUMENT) == pre_hash(event, DOCUMENT)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"eventTime": "2026-11-23T00:00:00.000Z"}, True),
        ({"eventTime": "2026-11-22T23:59:59.9996Z"}, True),
        ({"eventTime": "2026-11-23T00:00:00.001Z"}, False),
        ({"bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"}, True),
        ({"bizStep": "cbv:BizStep-shipping"}, True),
        ({"bizStep": "urn:epcglobal:cbv:bizstep:shipping"}, True),
        ({"bizStep": "receiving"}, False),
        ({"epcList": list(reversed(EVENT["epcList"]))}, True),
        ({"epcList": EVENT["epcList"][:1]}, False),
        ({"eventID": "urn:uuid:1", "recordTime": "2026-11-23T08:00:00Z", "rdfs:comment": "x"}, True),
        ({"errorDeclaration": {"declarationTime": "2026-11-23T08:00:00Z"}}, True),
        ({"@context": {"y": "https://y.example/"}}, True),
        ({"x:field": None}, True),
        ({"x:field": ""}, False),
        ({"quantityList": []}, True),
    ],
)
def test_what_is_the_same_event_and_what_is_not(change: dict[str, Any], *, same: bool) -> None:
    """A repeated event must be found out, a changed one must not pass for the old."""
    assert (event_hash(EVENT | change, DOCUMENT) == event_hash(EVENT, DOCUMENT)) is same


def test_values_have_one_spelling() -> None:
    """1.50, 1.5 and +01.5 are one quantity; a long number keeps its last digit."""
    texts = {
        "1.50": "1.5",
        "+01.5": "1.5",
        "-0.0": "0",
        ".5": "0.5",
        "-00.10": "-0.1",
        "1e5": "1e5",
        "-": "-",
        ".": ".",
    }
    texts |= {"12345678901234567891": "12345678901234567891", "１２": "１２", "1_0": "1_0", "": ""}
    for text, canonical in texts.items():
        wanted = "{https://x.example/ns/}v" + (f"={canonical}" if canonical else "")
        assert pre_hash({"type": "T", "x:v": text}, DOCUMENT) == "eventType=T" + wanted
    for number, canonical in [(1, "1"), (1.0, "1"), (0.5, "0.5"), (1e-7, "0.0000001"), (1e21, "1" + "0" * 21)]:
        assert pre_hash({"type": "T", "x:v": number}, DOCUMENT).endswith(f"v={canonical}")
    assert pre_hash({"type": "T", "x:v": True}, DOCUMENT).endswith("v=true")


def test_an_event_brings_its_own_namespaces() -> None:
    """Two fields of one local name in different namespaces would be one."""
    own = EVENT | {"@context": [{"y": {"@id": "https://y.example/"}}], "y:v": "1", "https://z.example/v": "2"}
    assert pre_hash(own, DOCUMENT).endswith("https://z.example/v=2{https://y.example/}v=1")


def test_lists_of_extensions_are_named_once() -> None:
    """The JSON and the XML form of one event would differ."""
    listed = EVENT | {"x:crateList": ["2", {"x:no": 1}], "x:nested": [["b", "a"]], "x:emptyList": []}
    ns = "{https://x.example/ns/}"
    assert pre_hash(listed, DOCUMENT).endswith(f"{ns}crateList{ns}crate=2{ns}crate{ns}no=1{ns}nested=a=b")


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": "yesterday"},
        {"eventTime": "2026-02-30T00:00:00Z"},
        {"eventTime": "0001-01-01T00:00:00+08:00"},
        {"eventTime": "9999-12-31T23:59:59.9999Z"},
        {"eventTime": "2026-11-23T08:00:00+25:00"},
        {"eventTime": 5},
        {"readPoint": "x"},
        {"quantityList": ["x"]},
        {"sensorElementList": [5]},
        {"type": ["ObjectEvent"]},
        {"bizStep": {"id": "x"}},
    ],
)
def test_an_event_of_wrong_form_has_no_hash(change: dict[str, Any]) -> None:
    """A crash instead of a refusal would let one event stop the log."""
    with pytest.raises(FormatError):
        event_hash(EVENT | change, DOCUMENT)


def test_standard_words_in_all_their_forms() -> None:
    """A word that only looks standard would be shown to shoppers as if it were."""
    for written in ("shipping", "cbv:BizStep-shipping", web_uri("bizStep", "shipping")):
        assert standard_word("bizStep", written) == "shipping"
    assert standard_word("bizStep", "urn:epcglobal:cbv:bizstep:shipping") == "shipping"
    assert standard_word("bizStep", "https://ns.fengtu.tw/bizstep/sow") is None
    assert web_uri("measurementType", "Temperature") == "https://gs1.org/voc/Temperature"
    assert modern_uri("urn:epcglobal:cbv:disp:recalled") == web_uri("disposition", "recalled")
    for written in ("cbv:BizStep-shiping", "urn:epcglobal:cbv:bizstep:transforming"):
        with pytest.raises(FormatError):
            standard_word("bizStep", written)
