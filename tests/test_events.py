"""An event that leaves its document: alone it must go by the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contracts.epcis import document_events, read_events
from contracts.eventhash import event_hash
from contracts.events import event_name, standalone

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
ONE, TWO = {"x": "https://one.example/"}, {"x": "https://two.example/"}


def test_published_hashes_hold_for_the_event_alone(shared: Path) -> None:
    """What is captured from a document is found under the hash that other software gives the event in it."""
    vectors = sorted((shared / "epcis-hash").glob("*.jsonld"))
    for path in vectors:
        alone = [standalone(one) for one in read_events(path.read_bytes())]
        assert [event_hash(event, event) for event in alone] == path.with_suffix(".hashes").read_text().split(), path
        # It is an event by itself, and read again it is the same.
        assert [standalone(one) for event in alone for one in document_events(event)] == alone
    assert len(vectors) == 11


@pytest.mark.parametrize(
    "own", [None, [], [ONE], [TWO], [STANDARD, ONE], [STANDARD, ONE, TWO], [STANDARD, ONE, TWO, ONE]]
)
@pytest.mark.parametrize("outer", [[STANDARD, ONE], [STANDARD, TWO, ONE], [STANDARD, ONE, TWO]])
def test_the_later_context_wins(outer: list[Any], own: list[Any] | None) -> None:
    """A prefix that document and event give different meanings keeps the event's."""
    event: dict[str, Any] = {
        "type": "ObjectEvent", "eventTime": "2026-11-23T08:00:00+08:00", "eventTimeZoneOffset": "+08:00",
        "action": "OBSERVE", "bizStep": "shipping", "epcList": ["https://id.gs1.org/01/04712345678900/21/7"],
        "x:crate": "12",
    }  # fmt: skip
    if own is not None:
        event["@context"] = own
    document = {
        "@context": outer, "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-23T08:00:00+08:00", "epcisBody": {"eventList": [event]},
    }  # fmt: skip
    (one,) = document_events(document)
    alone = standalone(one)
    assert event_hash(alone, alone) == event_hash(one.event, one.context) == event_name(one)
