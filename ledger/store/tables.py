"""The tables. Written in bulk through SQLAlchemy Core, never row by row through the ORM.

The table of changes is the truth about the state; the maps are derived from it in memory. Whatever the log
answers from is a row that was committed.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel

LONG = BigInteger


class HeadRow(SQLModel, table=True):
    """The one row that appenders lock: where the log stands."""

    __tablename__ = "head"

    id: int = Field(primary_key=True, default=1)
    size: int = Field(sa_column=Column(LONG, nullable=False))
    edge: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time_ms: int = Field(sa_column=Column(LONG, nullable=False))
    seal_index: int = Field(sa_column=Column(LONG, nullable=False))
    seal_time_ms: int = Field(sa_column=Column(LONG, nullable=False))
    unsealed_since_ms: int | None = Field(default=None, sa_column=Column(LONG, nullable=True))
    private_count: int = Field(sa_column=Column(LONG, nullable=False))


class EntryRow(SQLModel, table=True):
    """A public record or a seal at its index."""

    __tablename__ = "entries"

    index: int = Field(sa_column=Column("index", LONG, primary_key=True, autoincrement=False))
    statement: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    document_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time_ms: int = Field(sa_column=Column(LONG, nullable=False))
    is_seal: bool = Field(default=False)


class PrivateRow(SQLModel, table=True):
    """A private record: leaf `n` of the private tree below the first seal at or after `size`."""

    __tablename__ = "private_records"

    size: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    n: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    statement: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    document_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time_ms: int = Field(sa_column=Column(LONG, nullable=False))


class DocumentRow(SQLModel, table=True):
    """What records commit to, byte for byte, by SHA-256."""

    __tablename__ = "documents"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ChangesRow(SQLModel, table=True):
    """What the record at a position changed (`ledger.changes`)."""

    __tablename__ = "changes"

    position: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    facts: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PlaceRow(SQLModel, table=True):
    """Where a fact changed: the index of `changes`. Its rows are small, so the table is the index itself."""

    __tablename__ = "places"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_with_rowid": False}

    prefix: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    sequence: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    position: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class TileRow(SQLModel, table=True):
    """A full tile of 256 hashes."""

    __tablename__ = "tiles"

    level: int = Field(primary_key=True)
    n: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SealRow(SQLModel, table=True):
    """The tree's root at the size that ends in a seal."""

    __tablename__ = "seals"

    index: int = Field(sa_column=Column("index", LONG, primary_key=True, autoincrement=False))
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time_ms: int = Field(sa_column=Column(LONG, nullable=False))


class CosignatureRow(SQLModel, table=True):
    """A cosignature line on the checkpoint of this size."""

    __tablename__ = "cosignatures"

    size: int = Field(sa_column=Column(LONG, primary_key=True, autoincrement=False))
    key_name: str = Field(primary_key=True)
    line: str


class DisclosureRow(SQLModel, table=True):
    """The text behind a hidden field, encrypted under a key of its own that lives outside this database."""

    __tablename__ = "disclosures"

    digest: str = Field(primary_key=True)
    position: bytes = Field(sa_column=Column(LargeBinary, nullable=False, index=True))
    name: str
    public: bool
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EvidenceRow(SQLModel, table=True):
    """What was signed instead of a record (an RFC 9421 request), by SHA-256."""

    __tablename__ = "evidence"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CaptureRow(SQLModel, table=True):
    """What became of an EPCIS capture, as its job says it."""

    __tablename__ = "captures"

    id: str = Field(primary_key=True)
    job: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PendingRow(SQLModel, table=True):
    """A document that came before its record; it is forgotten after an hour."""

    __tablename__ = "pending_documents"

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    time_ms: int = Field(sa_column=Column(LONG, nullable=False))
