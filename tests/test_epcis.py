"""EPCIS documents: what is taken, what is refused, and what the refusal says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cbv import BIZ_STEPS, DISPOSITIONS, SCHEMA
from contracts.epcis import EPCIS_SIZE_MAX, document_events, read_events
from contracts.eventhash import event_hash
from ledger.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-11-23T08:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "OBSERVE",
    "bizStep": "shipping",
    "epcList": ["https://id.gs1.org/01/04712345678900/21/7"],
}
CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


def document(*events: object, **fields: object) -> bytes:
    """Return a document with these events."""
    whole = {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-23T08:00:00+08:00",
        "epcisBody": {"eventList": list(events)},
    }
    return json.dumps(whole | fields).encode()


def test_the_published_documents_are_taken(shared: Path) -> None:
    """A partner's valid document would be turned away at the border."""
    paths = [*(shared / "epcis/documents").glob("*.json"), *(shared / "epcis/events").glob("*.json")]
    assert len(paths) == 24
    for path in paths:
        sources = read_events(path.read_bytes())
        whole = json.loads(path.read_bytes())
        written = whole["epcisBody"]["eventList"] if "epcisBody" in whole else [whole]
        assert [source.event for source in sources] == written
        for source in sources:
            assert event_hash(source.event, source.context) == event_hash(source.event, whole)


INVALID = {
    "Combination_of_events_with_missing_mandatory_fields": ("$.epcisBody.eventList[0]", "the field action"),
    "Combination_of_non_standard_bizStep_and_disposition": ("$.epcisBody.eventList[0].bizStep", "business step"),
    "ObjectEvent_with_ilmd_field_without_namespace": ("$.epcisBody.eventList[0].ilmd", "namespace"),
    "ObjectEvent_with_invalid_certificationInfo": (
        "$.epcisBody.eventList[0].certificationInfo[1].gs1:CertificationDetails.gs1:certificationAuditDate",
        "a date",
    ),
    "ObjectEvent_with_non_standard_bizStep": ("$.epcisBody.eventList[0].bizStep", "business step"),
    "ObjectEvent_with_non_standard_disposition": ("$.epcisBody.eventList[0].disposition", "disposition"),
    "ObjectEvent_with_unknown_field_in_quantityList": ("$.epcisBody.eventList[0].quantityList[0]", "only fields"),
    "ObjectEvent_without_identifier_list": ("$.epcisBody.eventList[0]", "epcList"),
}


def test_the_published_faults_are_refused_and_named(shared: Path) -> None:
    """A clerk would not know which field of which event to mend."""
    paths = sorted((shared / "epcis/invalid").glob("*.json"))
    assert [path.stem for path in paths] == sorted(INVALID)
    for path in paths:
        with pytest.raises(FormatError) as refused:
            read_events(path.read_bytes())
        place, expected = INVALID[path.stem]
        assert refused.value.message == place
        assert expected in str(refused.value.expected)
        assert refused.value.got is not None


def test_a_query_document_and_a_single_event_are_read() -> None:
    """What a partner's query answers could not be brought in."""
    query = {"queryResults": {"queryName": "q", "resultsBody": {"eventList": [EVENT]}}}
    sources = read_events(document(type="EPCISQueryDocument", epcisBody=query))
    assert [source.event for source in sources] == [EVENT]
    single = EVENT | {"@context": CONTEXT}
    assert read_events(json.dumps(single).encode())[0].context == {"@context": CONTEXT}
    assert read_events(document()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Event"},
        {"type": None},
        {"action": "add"},
        {"eventTime": "2026-11-23"},
        {"eventTime": "2026-11-23T08:00:00"},
        {"eventTime": "2026-13-23T08:00:00Z"},
        {"eventTime": "2016-12-31T23:59:60Z"},
        {"eventTimeZoneOffset": "+8"},
        {"epcList": "https://id.gs1.org/01/04712345678900/21/7"},
        {"epcList": ["not a uri"]},
        {"epcList": [["https://id.gs1.org/01/04712345678900"]]},
        {"quantityList": [{"epcClass": "urn:x:y", "quantity": "5"}]},
        {"quantityList": [{"epcClass": "urn:x:y", "quantity": -5}]},
        {"quantityList": [{"epcClass": "urn:x:y", "quantity": 5, "uom": "kilogram"}]},
        {"bizStep": "cbv:BizStep-transforming"},
        {"bizStep": "urn:epcglobal:cbv:bizstep:transforming"},
        {"disposition": "https://ref.gs1.org/cbv/Disp-in_transport"},
        {"persistentDisposition": {"set": ["in_transport"]}},
        {"persistentDisposition": {"unset": ["cbv:Disp-in_transport"]}},
        {"ilmd": {"x:a": 1}},
        {"readPoint": "urn:x:y"},
        {"readPoint": {}},
        {"parentID": "urn:x:y"},
        {"unknown": 1},
        {"@context": 5},
        {"sensorElementList": [{"sensorReport": []}]},
        {"sensorElementList": [{"sensorReport": [{"type": "Temperatur"}]}]},
        {"errorDeclaration": {"reason": "incorrect_data"}},
        {"certificationInfo": [5]},
    ],
)
def test_an_event_of_wrong_form_is_refused(change: dict[str, Any]) -> None:
    """A rule would meet a value of a kind that it never thought of."""
    with pytest.raises(FormatError):
        read_events(document(EVENT, EVENT | change))


@pytest.mark.parametrize("missing", ["type", "eventTime", "eventTimeZoneOffset", "action", "epcList"])
def test_an_event_without_a_needed_field_is_refused(missing: str) -> None:
    """An event that names no time or no goods could be about anything."""
    with pytest.raises(FormatError):
        read_events(document({name: value for name, value in EVENT.items() if name != missing}))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "AggregationEvent", "action": "ADD", "childEPCs": ["urn:x:y"]},
        {"type": "AggregationEvent", "action": "ADD", "parentID": "urn:x:y"},
        {"type": "AssociationEvent", "action": "OBSERVE", "childEPCs": ["urn:x:y"]},
        {"type": "TransactionEvent", "action": "ADD", "epcList": ["urn:x:y"]},
        {"type": "TransactionEvent", "action": "ADD", "epcList": ["urn:x:y"], "bizTransactionList": []},
        {"type": "TransformationEvent", "inputEPCList": ["urn:x:y"]},
        {"type": "TransformationEvent", "transformationID": "urn:x:y"},
        {"type": "TransformationEvent", "action": "ADD", "inputEPCList": ["urn:x:y"], "outputEPCList": ["urn:x:z"]},
    ],
)
def test_each_type_needs_its_own_fields(event: dict[str, Any]) -> None:
    """A transformation without outputs would make goods vanish from the mass balance."""
    times = {"eventTime": EVENT["eventTime"], "eventTimeZoneOffset": "+08:00"}
    with pytest.raises(FormatError):
        read_events(document(event | times))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"EPCISDocument"',
        b"{",
        b"\xff",
        b'{"type": "EPCISDocument"}',
        document(EVENT, schemaVersion="1.2"),
        document(EVENT, creationDate="today"),
        document(EVENT, epcisBody={}),
        document(EVENT, epcisBody={"eventList": {}}),
        document(EVENT, extra=1),
        document(5),
        document([EVENT]),
        document(EVENT, **{"@context": {"x": ["y"]}}),
        json.dumps(EVENT).encode(),
        b'{"type": "ObjectEvent", "type": "EPCISDocument"}',
        document(EVENT | {"x:deep": json.loads("[" * 500 + "]" * 500)}),
        b"[" * 100_000,
        b" " * (EPCIS_SIZE_MAX + 1),
    ],
)
def test_what_is_no_epcis_is_refused(data: bytes) -> None:
    """Hostile input must end in a refusal, not in a crash or an exhausted machine."""
    with pytest.raises(FormatError):
        read_events(data)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("x:y"), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from([*SCHEMA["$defs"]["ObjectEvent"]["properties"], "x:extension"])


@given(st.dictionaries(names, anything, max_size=3))
def test_any_json_is_read_or_refused(change: dict[str, Any]) -> None:
    """A value that nobody thought of would crash the capture, or have an event without a hash."""
    try:
        sources = document_events(json.loads(document(EVENT | change)))
    except FormatError:
        return
    for source in sources:
        assert event_hash(source.event, source.context).startswith("ni:///sha-256;")


def test_a_decoded_document_is_judged_the_same() -> None:
    """The capture interface, which has decoded already, would take what the import refuses."""
    assert document_events(json.loads(document(EVENT))) == read_events(document(EVENT))
    with pytest.raises(FormatError, match=r"\$\.epcisBody\.eventList\[0\]: expected .*, got"):
        document_events(json.loads(document({"type": "ObjectEvent"})))


def test_the_word_lists_are_those_of_the_standard() -> None:
    """CBV 2.0 has 41 business steps and 33 dispositions."""
    assert len(BIZ_STEPS) == 41
    assert len(DISPOSITIONS) == 33
    assert jsonschema_rs.meta.is_valid(SCHEMA)
