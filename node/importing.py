"""From files of real life to drafts of records: 產銷履歷 open data, EPCIS documents, a farmer's notebook.

    for draft in tap_drafts(party, data, table={("132083", "毛豆-Edamame"): gtin}, entered_for="pingtung.lin"):
        …                                           # a Draft, or a BadRow with line and reason

Each draft has a source, so that an import can be run again without doubling anything.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from contracts.epcis import read_events
from contracts.events import event_name, standalone
from contracts.plain import BadLine, entry_event, entry_hidden, read_entries
from contracts.tap import BadRow, gtin_for, read_rows, row_records
from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from node.client import Draft, Hidden, Party

NAMESPACE = uuid.UUID("6c1f3b52-8f0a-5f0e-9d3c-0b8d0a6d2f11")
"""For eventIDs of events that came without one."""


def tap_drafts(
    party: Party,
    data: bytes,
    *,
    table: Mapping[tuple[str, str], str],
    entered_for: str | None = None,
    public: Collection[str] = (),
) -> Iterator[Draft | BadRow]:
    """Yield a draft for each event of each row of a 產銷履歷 file, the lot's beginning first.

    Args:
        party: who signs.
        data: the file.
        table: (OrgID, ProductName) → GTIN; without an entry a GTIN for restricted circulation is made.
        entered_for: whose lots they are.
        public: hidden fields that the public may read.
    """
    for number, row in enumerate(read_rows(data), 1):
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            product = gtin_for(row.org_id, row.product_name, table)
            records = row_records(row, product)
        except FengtuError as error:
            yield BadRow(number, str(error))
            continue
        for n, (event, hidden) in enumerate(records):
            source = f"tap/{product.gtin}/{row.trace_code}/{n}"
            yield party.draft(
                "event",
                _identified(event, source),
                hidden=_hidden(hidden, public),
                entered_for=entered_for,
                source=source,
            )


def epcis_drafts(party: Party, data: bytes, *, entered_for: str | None = None) -> Iterator[Draft]:
    """Yield a draft for each event of an EPCIS document.

    Raises:
        FormatError: it is not EPCIS 2.0 JSON; the message names the path of the first fault.
    """
    for one in read_events(data):
        event = standalone(one)
        yield party.draft("event", event, entered_for=entered_for, source=f"epcis/{event_name(one)}")


def notebook_drafts(
    party: Party, data: bytes, gtin: str, lot: str, *, entered_for: str | None = None, public: Collection[str] = ()
) -> Iterator[Draft | BadLine]:
    """Yield a draft for each line of a notebook about one lot."""
    for number, entry in enumerate(read_entries(data), 1):
        if isinstance(entry, BadLine):
            yield entry
            continue
        source = f"notebook/{gtin}/{lot}/{number}/{entry.day.isoformat()}/{entry.kind}/{entry.content}"
        yield party.draft(
            "event",
            _identified(entry_event(entry, gtin, lot), source),
            hidden=_hidden(entry_hidden(entry), public),
            entered_for=entered_for,
            source=source,
        )


def _identified(event: dict[str, Any], source: str) -> dict[str, Any]:
    return {**event, "eventID": f"urn:uuid:{uuid.uuid5(NAMESPACE, source)}"}


def _hidden(values: Mapping[str, str], public: Collection[str]) -> Hidden:
    return {name: (value, name in public) for name, value in values.items()}
