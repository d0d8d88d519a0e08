"""EPCIS 2.0 in JSON, read strictly: a document, a query document, or one event.

    {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"x": "https://x.example/"}],
     "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-23T08:00:00+08:00",
     "epcisBody": {"eventList": [
       {"type": "ObjectEvent", "eventTime": "2026-11-23T08:00:00+08:00", "eventTimeZoneOffset": "+08:00",
        "action": "OBSERVE", "bizStep": "shipping", "epcList": ["https://id.gs1.org/01/04712345678900/21/7"],
        "x:crate": "12"}]}}

Three things are asked, each of the whole input before an event of it is given out: strict I-JSON, our JSON Schema
(`epcis-schema.json`), and that what claims to be a standard word is one (`contracts.cbv`). An event is handed on as it
was written; what stands around it and counts for its hash goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from contracts.cbv import SCHEMA, standard_word
from ledger.document import decode_json
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EPCIS_SIZE_MAX = 4 * 1024 * 1024
"""Bytes of one document; a capture of more is sent in parts (the REST binding's capture limit)."""
EPCIS_DEPTH_MAX = 32

_VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One event and what its hash needs of the document that it came in.

    Attributes:
        event: the event as written.
        context: the document's `@context` and `…:ignoreFields`; `event_hash(event, context)` is the event's hash. For a
            single event it is the event's own.
    """

    event: dict[str, Any]
    context: dict[str, Any]


def read_events(data: bytes) -> list[SourceEvent]:
    """Return the events of an EPCIS document, query document or single event, in their order.

    Raises:
        FormatError: not strict JSON within `EPCIS_SIZE_MAX`, not of the schema, or a standard word that is none. The
            message names the path of the first fault.
    """
    document = decode_json(data, size_max=EPCIS_SIZE_MAX, depth_max=EPCIS_DEPTH_MAX)
    return document_events(document)


def check_document(document: object) -> dict[str, Any]:
    """Check a document that was decoded already, and return it; see `read_events`."""
    if not isinstance(document, dict) or not _VALIDATOR.is_valid(document):
        for fault in _VALIDATOR.iter_errors(document):
            raise _explain(fault)
        raise FormatError("EPCIS", expected="an object", got=repr(document)[:80])
    for path, event in _events(document):
        _check_words(path, event)
    return document


def document_events(document: object) -> list[SourceEvent]:
    """Return the events of a document that was decoded already; see `read_events`."""
    document = check_document(document)
    context = {name: value for name, value in document.items() if name == "@context" or name.endswith(":ignoreFields")}
    return [SourceEvent(event, context) for _, event in _events(document)]


def _events(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each event of a valid document with its path."""
    if document["type"] == "EPCISDocument":
        path, events = "$.epcisBody.eventList", document["epcisBody"]["eventList"]
    elif document["type"] == "EPCISQueryDocument":
        path = "$.epcisBody.queryResults.resultsBody.eventList"
        events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    else:
        yield "$", document
        return
    for index, event in enumerate(events):
        yield f"{path}[{index}]", event


def _check_words(path: str, event: dict[str, Any]) -> None:
    """Refuse what claims to be a standard business step or disposition in URI form and is none."""
    found = [(name, name, event[name]) for name in ("bizStep", "disposition") if event.get(name) is not None]
    if "persistentDisposition" in event:
        for name in ("set", "unset"):
            words = event["persistentDisposition"].get(name, [])
            found += [("disposition", f"persistentDisposition.{name}[{n}]", word) for n, word in enumerate(words)]
    for vocabulary, place, value in found:
        try:
            standard_word(vocabulary, value)
        except FormatError as error:
            raise FormatError(f"{path}.{place}", expected=error.expected, got=error.got) from error


def _explain(fault: jsonschema_rs.ValidationError) -> FormatError:
    """Return the fault as an error that names path, expected and got."""
    path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.instance_path)
    kind = fault.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return FormatError(path, expected=f"the field {kind.property}", got="none")
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return FormatError(path, expected="only fields of the standard or with a namespace", got=kind.unexpected)
    return FormatError(path, expected=_expected(list(fault.schema_path)) or fault.message[:200], got=_shown(fault))


def _expected(schema_path: Sequence[str | int]) -> str | None:
    """Return the description that stands nearest above the rule that failed."""
    node: Any = SCHEMA
    expected: str | None = None
    for part in schema_path:
        node = node[part]
        if isinstance(node, dict) and isinstance(node.get("description"), str):
            expected = node["description"]
    return expected


def _shown(fault: jsonschema_rs.ValidationError) -> str:
    if isinstance(fault.instance, dict):
        return "only " + ", ".join(sorted(fault.instance))[:200]
    return repr(fault.instance)[:80]
