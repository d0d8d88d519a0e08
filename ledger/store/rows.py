"""The rows as the rest of the code sees them, and the tables that they stand in.

Batch(entries=[StoredEntry(17, statement, document_hash, time_ms, is_seal=False)], facts=changes)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ledger.store.tables import (
    CaptureRow,
    ChangesRow,
    CosignatureRow,
    DisclosureRow,
    DocumentRow,
    EntryRow,
    EvidenceRow,
    HeadRow,
    PendingRow,
    PlaceRow,
    PrivateRow,
    SealRow,
    TileRow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table
    from sqlmodel import SQLModel

    from ledger.changes import StoredChange
    from ledger.edge import Tile

READ_ROWS_MAX = 10_000
"""How many rows one query of many returns."""
TUPLES_MAX = 1_000
"""How many rows are named in one query by several columns: PostgreSQL nests each of them a step deeper on its stack."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands.

    Attributes:
        size: the tree's size in entries.
        edge: the encoding of `ledger.edge.Edge` for that size.
        time_ms: the last batch's or seal's time.
        seal_index: the last seal's index, -1 before the first.
        seal_time_ms: the last seal's time.
        unsealed_since_ms: the time of the first public record since the last seal, None where there is none.
        private_count: private records since the last seal.
    """

    size: int
    edge: bytes
    time_ms: int
    seal_index: int
    seal_time_ms: int
    unsealed_since_ms: int | None
    private_count: int


class StoredEntry(NamedTuple):
    """A row of `entries`."""

    index: int  # type: ignore[assignment]  # the column's name; a tuple has a method of that name
    statement: bytes
    document_hash: bytes
    time_ms: int
    is_seal: bool


class StoredPrivate(NamedTuple):
    """A row of `private_records`."""

    size: int
    n: int
    statement: bytes
    document_hash: bytes
    time_ms: int


class StoredDisclosure(NamedTuple):
    """A row of `disclosures`; `position` is its record's."""

    digest: str
    position: bytes
    name: str
    public: bool
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows that one append writes."""

    entries: Sequence[StoredEntry] = ()
    private: Sequence[StoredPrivate] = ()
    documents: Sequence[tuple[bytes, bytes]] = ()
    facts: Sequence[StoredChange] = ()
    tiles: Sequence[Tile] = ()
    seals: Sequence[tuple[int, bytes, int]] = ()
    disclosures: Sequence[StoredDisclosure] = ()
    evidence: Sequence[tuple[bytes, bytes]] = ()


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", model.__table__)  # type: ignore[attr-defined]  # SQLModel leaves it untyped


HEAD = _table(HeadRow)
ENTRIES = _table(EntryRow)
PRIVATE = _table(PrivateRow)
DOCUMENTS = _table(DocumentRow)
CHANGES = _table(ChangesRow)
PLACES = _table(PlaceRow)
TILES = _table(TileRow)
SEALS = _table(SealRow)
DISCLOSURES = _table(DisclosureRow)
EVIDENCE = _table(EvidenceRow)
COSIGNATURES = _table(CosignatureRow)
PENDING = _table(PendingRow)
CAPTURES = _table(CaptureRow)


HEAD_COLUMNS = tuple(field.name for field in fields(Head))


def head_of(row: Any) -> Head:
    """Return the head in a row of `HEAD_COLUMNS`."""
    size, edge, *rest = row
    return Head(size, bytes(edge), *rest)


def plain(row: Any) -> tuple[Any, ...]:
    """Return a row whose binary values are bytes on every driver (some hand out memoryviews)."""
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
