"""From files of real life to drafts of records: 產銷履歷 open data, EPCIS documents, a farmer's notebook.

    for draft in tap_drafts(party, data, table={("132083", "毛豆-Edamame"): gtin}, entered_for="pingtung.lin"):
        …                                           # a Draft, or what is Unreadable with place and reason

Each draft has a source, so that an import can be run again without doubling anything. A source is what the file says of
the act and never its number in the file: exports and notebooks grow, also in the middle. Of two acts that read the same
the second is told from the first by its count.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.epcis import read_events
from contracts.events import event_name, standalone
from contracts.gs1 import check_lot, decode_gtin
from contracts.plain import BadLine, entry_event, entry_hidden, read_entries
from contracts.tap import BadRow, gtin_for, numbered_rows, row_records
from ledger.document import encode_json
from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from contracts.tap import Row
    from node.client import Draft, Hidden, Party

NAMESPACE = uuid.UUID("6c1f3b52-8f0a-5f0e-9d3c-0b8d0a6d2f11")
"""For eventIDs of events that came without one."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of a file that could not be made a record: where it stands (`line 4`, `event 2`) and why."""

    place: str
    reason: str


def tap_drafts(
    party: Party,
    data: bytes,
    *,
    table: Mapping[tuple[str, str], str],
    entered_for: str | None = None,
    public: Collection[str] = (),
) -> Iterator[Draft | Unreadable]:
    """Yield a draft for each event of each row of a 產銷履歷 file, the lot's beginning first.

    A row that changed since an earlier import brings in its new acts; its beginning stays what it was, and the log
    answers that the same id now has other content.

    Args:
        party: who signs.
        data: the file.
        table: (OrgID, ProductName) → GTIN; without an entry a GTIN for restricted circulation is made.
        entered_for: whose lots they are.
        public: hidden fields that the public may read.
    """
    for line, row in numbered_rows(data):
        if isinstance(row, BadRow):
            yield Unreadable(f"line {row.line}", row.reason)
            continue
        try:
            product = gtin_for(row.org_id, row.product_name, table)
            records = row_records(row, product)
            sources = _Sources(f"tap/{product.gtin}/{row.trace_code}")
            drafts = []
            for (event, hidden), parts in zip(records, _row_parts(row), strict=True):
                source = sources.next(*parts)
                drafts.append(
                    party.draft(
                        "event",
                        _identified(event, source),
                        hidden=_hidden(hidden, public),
                        entered_for=entered_for,
                        source=source,
                    )
                )
        except FengtuError as error:
            yield Unreadable(f"line {line}", str(error))
            continue
        yield from drafts


def epcis_drafts(party: Party, data: bytes, *, entered_for: str | None = None) -> Iterator[Draft | Unreadable]:
    """Yield a draft for each event of an EPCIS document.

    Raises:
        FormatError: it is not EPCIS 2.0 JSON; the message names the path of the first fault.
    """
    for number, one in enumerate(read_events(data), 1):
        try:
            yield party.draft("event", standalone(one), entered_for=entered_for, source=f"epcis/{event_name(one)}")
        except FengtuError as error:
            yield Unreadable(f"event {number}", str(error))


def notebook_drafts(
    party: Party, data: bytes, gtin: str, lot: str, *, entered_for: str | None = None, public: Collection[str] = ()
) -> Iterator[Draft | Unreadable]:
    """Yield a draft for each line of a notebook about one lot.

    Raises:
        FormatError: it is no notebook, or there is no such GTIN or lot.
    """
    gtin, lot = decode_gtin(gtin), check_lot(lot)
    sources = _Sources(f"notebook/{gtin}/{lot}")
    for entry in read_entries(data):
        if isinstance(entry, BadLine):
            yield Unreadable(f"line {entry.line}", entry.reason)
            continue
        source = sources.next(entry.day.isoformat(), entry.kind, entry.content)
        try:
            yield party.draft(
                "event",
                _identified(entry_event(entry, gtin, lot), source),
                hidden=_hidden(entry_hidden(entry), public),
                entered_for=entered_for,
                source=source,
            )
        except FengtuError as error:
            yield Unreadable(f"line {entry.line}", str(error))


class _Sources:
    """Names what is drafted by what it says: `tap/{gtin}/{lot}/2026-11-23/{digest}/1`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._seen: Counter[str] = Counter()

    def next(self, first: str, *parts: str) -> str:
        digest = hashlib.sha256(encode_json([first, *parts])).hexdigest()[:32]
        name = f"{self._prefix}/{first}/{digest}"
        self._seen[name] += 1
        return f"{name}/{self._seen[name]}"


def _row_parts(row: Row) -> Iterator[tuple[str, ...]]:
    """Yield what tells the acts of a row apart, in the order of `row_records`; memos may be put right later."""
    yield ("begin",)
    yield from ((act.day.isoformat(), "operation", act.type, act.content) for act in row.operations)
    yield from ((step.day.isoformat(), "process", step.item, step.area) for step in row.processes)


def _identified(event: dict[str, Any], source: str) -> dict[str, Any]:
    return {**event, "eventID": f"urn:uuid:{uuid.uuid5(NAMESPACE, source)}"}


def _hidden(values: Mapping[str, str], public: Collection[str]) -> Hidden:
    return {name: (value, name in public) for name, value in values.items()}
