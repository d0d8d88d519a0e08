"""The event hash of CBV 2.0 (§8.9.2): one name for an EPCIS event, however it was written down.

    event      {"type": "ObjectEvent", "eventTime": "2022-02-16T16:50:00.000+01:00", "eventTimeZoneOffset": "+01:00",
                "epcList": ["urn:epc:id:sscc:4012345.1112223334"], "action": "OBSERVE", "bizStep": "transporting"}
    pre-hash   eventType=ObjectEventeventTime=2022-02-16T15:50:00.000ZeventTimeZoneOffset=+01:00
               epcListepc=https://id.gs1.org/00/140123451122233342action=OBSERVE
               bizStep=https://ref.gs1.org/cbv/BizStep-transporting                 (one line, nothing in between)
    hash       ni:///sha-256;<SHA-256 of that in hex>?ver=CBV2.0

Fields come in a fixed order, lists sorted by code point, times in UTC with milliseconds, numbers without needless
zeros, identifiers as canonical Digital Links (`contracts.epcuri`), vocabulary words as web URIs, prefixed names with
their namespace in braces. Where the text leaves room, the published hashes decide: the type of a business transaction,
source or destination stands before its value, and these lists, `ilmd` and the event's own extensions follow sorted by
name. `eventID`, `recordTime`, `errorDeclaration`, comments, and the fields that the document's `…:ignoreFields` names
do not take part.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.cbv import NAMESPACES, modern_uri, web_uri
from contracts.epcuri import canonical_uri
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LEFT_OUT = frozenset({"@context", "type", "eventID", "recordTime", "errorDeclaration"})
_COMMENTS = frozenset({"comment", "rdfs:comment"})

# Lists of identifiers; an element is called `epc` in the XML form that the order comes from.
_EPCS = frozenset({"epcList", "inputEPCList", "childEPCs", "outputEPCList"})
_QUANTITIES = frozenset({"quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"})
_ORDER = (
    "eventTime", "eventTimeZoneOffset", "certificationInfo", "parentID", "epcList", "inputEPCList", "childEPCs",
    "quantityList", "childQuantityList", "inputQuantityList", "outputEPCList", "outputQuantityList", "action",
    "transformationID", "bizStep", "disposition", "persistentDisposition", "readPoint", "bizLocation",
    "sensorElementList",
)  # fmt: skip
_METADATA_ORDER = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
)  # fmt: skip
_REPORT_ORDER = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time", "microorganism",
    "chemicalSubstance", "value", "component", "stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue",
    "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom", "coordinateReferenceSystem",
)  # fmt: skip
_TYPED_LISTS = {
    "bizTransactionList": ("bizTransaction", "bizTransactionType"),
    "sourceList": ("source", "sourceDestinationType"),
    "destinationList": ("destination", "sourceDestinationType"),
}
_TIMES = frozenset({"eventTime", "time", "startTime", "endTime"})

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII)
_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?", re.ASCII)


def event_hash(event: dict[str, Any], document: dict[str, Any]) -> str:
    """Return the CBV 2.0 event hash, `ni:///sha-256;<64 hex digits>?ver=CBV2.0`.

    Args:
        event: one event as `contracts.epcis` reads it.
        document: what it came in: its `@context` and `…:ignoreFields` count (`SourceEvent.context` has just these). For
            a single event this may be the event itself.

    Raises:
        FormatError: a time or field is not of the form that EPCIS gives it.
    """
    digest = hashlib.sha256(pre_hash(event, document).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def pre_hash(event: dict[str, Any], document: dict[str, Any]) -> str:
    """Return the text that `event_hash` hashes; see there."""
    names = _Names(document.get("@context"), event.get("@context"))
    ignored = {
        names.expand(field)
        for name, fields in document.items()
        if name.endswith(":ignoreFields") and isinstance(fields, list)
        for field in fields
        if isinstance(field, str)
    }
    # An event that left its document has the document's list with it; there it took no part.
    kept = {
        name: value
        for name, value in event.items()
        if names.expand(name) not in ignored and not (name.endswith(":ignoreFields") and document.get(name) == value)
    }
    text = f"eventType={_text(event.get('type'))}"
    for name in _ORDER:
        if name in kept:
            text += _known_field(names, name, kept.pop(name))
    return text + _rest(names, kept)


class _Names:
    """The namespaces in force for an event: of EPCIS itself, of the document, of the event."""

    def __init__(self, *contexts: object) -> None:
        self.prefixes = dict(NAMESPACES)
        for context in contexts:
            for part in context if isinstance(context, list) else [context]:
                if isinstance(part, dict):
                    self.prefixes.update(_terms(part))

    def expand(self, name: str) -> str:
        """Return a prefixed name with its namespace in braces."""
        prefix, _, local = name.partition(":")
        known = prefix in self.prefixes and local and not local.startswith("//")
        return f"{{{self.prefixes[prefix]}}}{local}" if known else name

    def expand_value(self, value: str) -> str:
        """Return a compact URI in full, anything else as it came."""
        prefix, _, local = value.partition(":")
        known = prefix in self.prefixes and local and not local.startswith("//")
        return self.prefixes[prefix] + local if known else value


def _terms(context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the prefixes that one object of a JSON-LD context defines."""
    for term, value in context.items():
        target = value.get("@id") if isinstance(value, dict) else value
        if not term.startswith("@") and isinstance(target, str):
            yield term, target


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FormatError("event hash", expected="a text", got=repr(value)[:80])
    return value


def _each(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _scalar(names: _Names, name: str, value: object, vocabulary: str | None = None, *, timed: bool = False) -> str:
    """Return `name=value` in canonical form, or nothing for a value that is empty."""
    if timed:
        canonical = _time(_text(value).strip())
    elif isinstance(value, bool):
        canonical = "true" if value else "false"
    elif isinstance(value, int | float):
        canonical = _number(format(Decimal(repr(value)), "f"))
    elif value is None:
        canonical = ""
    else:
        word = _text(value) if vocabulary is None else web_uri(vocabulary, _text(value))
        canonical = _number(modern_uri(names.expand_value(word).strip()))
        canonical = canonical_uri(canonical) or canonical
    return f"{name}={canonical}" if canonical else ""


def _time(text: str) -> str:
    """Return a time in UTC, rounded to milliseconds (rules 8 and 9)."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise FormatError("time", expected="such as 2026-11-23T08:00:00+08:00", got=repr(text[:80]))
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        zone = timezone(timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)) if sign else UTC
        moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).astimezone(UTC)
        moment += timedelta(milliseconds=(int((fraction or "")[:4].ljust(4, "0")) + 5) // 10)
    except (ValueError, OverflowError) as error:
        raise FormatError("time", expected="a time of the calendar", got=repr(text[:80])) from error
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _number(text: str) -> str:
    """Return a decimal number without sign + and needless zeros (rule 6); other text as it came."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return text
    sign, whole, fraction = found[1], found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return f"-{number}" if sign == "-" and number != "0" else number


def _known_field(names: _Names, name: str, value: object) -> str:
    """Return one field of the standard that has a place in the order."""
    if name in _EPCS:
        inner = _sorted(_scalar(names, "epc", epc) for epc in _each(value))
    elif name in _QUANTITIES:
        order = ("epcClass", "quantity", "uom")
        inner = _sorted("quantityElement" + _object(names, element, order) for element in _each(value))
    elif name == "sensorElementList":
        inner = _sorted("sensorElement" + _sensor_element(names, element) for element in _each(value))
    elif name == "persistentDisposition":
        inner = _object(names, value, ("set", "unset"), {"set": "disposition", "unset": "disposition"})
    elif name in {"readPoint", "bizLocation"}:
        inner = _object(names, value, ("id",))
    elif name == "certificationInfo":
        return _sorted(_extension(names, name, item) for item in _each(value))
    else:
        vocabulary = name if name in {"bizStep", "disposition"} else None
        return _scalar(names, name, value, vocabulary, timed=name in _TIMES)
    return name + inner if inner else ""


def _sensor_element(names: _Names, element: object) -> str:
    report_words = {"type": "measurementType", "exception": "sensorException", "component": "component"}
    fields = dict(_fields(element))
    metadata = _object(names, fields.pop("sensorMetadata", {}), _METADATA_ORDER)
    reports = _sorted(
        "sensorReport" + _object(names, report, _REPORT_ORDER, report_words)
        for report in _each(fields.pop("sensorReport", []))
    )
    return (f"sensorMetadata{metadata}" if metadata else "") + reports + _generic(names, fields)


def _object(names: _Names, value: object, order: Sequence[str], vocabularies: Mapping[str, str] | None = None) -> str:
    """Return the fields of an object in their order, then its extensions (rule 21)."""
    fields = dict(_fields(value))
    text = ""
    for name in order:
        vocabulary, timed = (vocabularies or {}).get(name), name in _TIMES
        items = _each(fields.pop(name, []))
        text += _sorted(_scalar(names, name, item, vocabulary, timed=timed) for item in items)
    return text + _generic(names, fields)


def _rest(names: _Names, fields: Mapping[str, Any]) -> str:
    """Return what follows the ordered fields: typed lists, ilmd and extensions, sorted by name (rules 13, 19, 20)."""
    parts = []
    for name, value in _fields(fields):
        if name in _TYPED_LISTS:
            child, vocabulary = _TYPED_LISTS[name]
            order = ("type", child)
            inner = _sorted(_object(names, item, order, {"type": vocabulary}) for item in _each(value))
            parts.append(name + inner if inner else "")
        elif name not in _LEFT_OUT:
            parts += _extension_parts(names, name, value)
    return _sorted(parts)


def _fields(value: object) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise FormatError("event hash", expected="an object", got=repr(value)[:80])
    return ((name, part) for name, part in value.items() if name not in _COMMENTS and part is not None)


def _generic(names: _Names, value: object) -> str:
    """Return an object of extensions, its parts sorted."""
    return _sorted(part for name, item in _fields(value) for part in _extension_parts(names, name, item))


def _extension_parts(names: _Names, name: str, value: object) -> list[str]:
    """Return a part for each value of an extension; a name that ends in `List` stands once before its elements."""
    expanded = names.expand(name)
    if expanded.endswith("List"):
        inner = _sorted(_extension(names, expanded.removesuffix("List"), item) for item in _each(value))
        return [expanded + inner] if inner else []
    return [_extension(names, expanded, item) for item in _each(value)]


def _extension(names: _Names, expanded: str, value: object) -> str:
    if isinstance(value, dict):
        return expanded + _generic(names, value)
    if isinstance(value, list):
        return expanded + _sorted(_extension(names, "", item) for item in value)
    return _scalar(names, expanded, value) or expanded


def _sorted(parts: Iterable[str]) -> str:
    return "".join(sorted(parts))
