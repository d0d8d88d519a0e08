"""The one door to the tables: a locked append, and reads of what was committed.

store = open_store("sqlite:///data/ledger.db")
with store.append() as append:      # holds the head row
    append.write(...)               # commits when the block ends; anything raised in it undoes all of it
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection, Engine, Table, and_, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.edge import Edge, Tile
from ledger.errors import CorruptError, NotFoundError, QueueFullError, UnavailableError
from ledger.facts import PREFIX_SIZE, private_position, public_position
from ledger.maps import StoredChange
from ledger.merkle import perfect_roots, root_at
from ledger.store import migrate
from ledger.store.dialect import WRITES, Dialect, dialect_of
from ledger.store.tables import (
    CaptureRow,
    CosignatureRow,
    DisclosureRow,
    DocumentRow,
    EntryRow,
    EvidenceRow,
    FactRow,
    HeadRow,
    PendingRow,
    PrivateRow,
    SealRow,
    TileRow,
)
from ledger.tile import TILE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.sql import Select
    from sqlmodel import SQLModel

READ_ROWS_MAX = 10_000
PENDING_MAX = 1_000
PENDING_MS = 3_600_000


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
FACTS = _table(FactRow)
TILES = _table(TileRow)
SEALS = _table(SealRow)
DISCLOSURES = _table(DisclosureRow)
EVIDENCE = _table(EvidenceRow)
COSIGNATURES = _table(CosignatureRow)
PENDING = _table(PendingRow)
CAPTURES = _table(CaptureRow)


def _head_of(row: Any) -> Head:
    return Head(
        row.size, bytes(row.edge), row.time_ms, row.seal_index, row.seal_time_ms, row.unsealed_since_ms,
        row.private_count,
    )  # fmt: skip


class Append:
    """One transaction that holds the head row."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    def head(self) -> Head | None:
        """Return the head, None where the log has no genesis yet."""
        row = self._connection.execute(select(HEAD)).one_or_none()
        return None if row is None else _head_of(row)

    def now_ms(self) -> int:
        """Return the database's clock."""
        return self._dialect.now_ms(self._connection)

    def latest(self, keys: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Return the present values of these facts."""
        return self._dialect.latest(self._connection, keys) if keys else {}

    def entry_times(self, since: int) -> list[tuple[int, int]]:
        """Return (index, time_ms) of the entries from `since` on."""
        rows = self._connection.execute(
            select(ENTRIES.c.index, ENTRIES.c.time_ms).where(ENTRIES.c.index >= since).order_by(ENTRIES.c.index)
        )
        return [(index, time_ms) for index, time_ms in rows]

    def private_since(self, size: int) -> list[StoredPrivate]:
        """Return the private records at tree sizes of `size` and above, in order."""
        query = select(PRIVATE).where(PRIVATE.c.size >= size).order_by(PRIVATE.c.size, PRIVATE.c.n)
        return [StoredPrivate(*_bytes(row)) for row in self._connection.execute(query)]

    def facts_after(self, position: bytes) -> Iterator[StoredChange]:
        """Yield the changes after a position, in the order of positions."""
        query = select(FACTS).where(FACTS.c.position > position).order_by(FACTS.c.position, FACTS.c.key)
        for row in self._connection.execute(query):
            yield StoredChange(*_bytes(row))

    def write(self, batch: Batch, head: Head) -> None:
        """Write the rows and the new head. They are durable when the block of the append has ended."""
        for table, rows, ignore_known in (
            (ENTRIES, batch.entries, False),
            (PRIVATE, batch.private, False),
            # n parties sign one document, so a document may be known already.
            (DOCUMENTS, batch.documents, True),
            (FACTS, batch.facts, False),
            (TILES, batch.tiles, False),
            (SEALS, batch.seals, False),
            (DISCLOSURES, batch.disclosures, True),
            (EVIDENCE, batch.evidence, True),
        ):
            if rows:
                self._dialect.insert(self._connection, table, rows, ignore_known=ignore_known)
        values = {field.name: getattr(head, field.name) for field in fields(head)}
        changed = self._connection.execute(update(HEAD).values(values))
        if changed.rowcount == 0:
            self._connection.execute(insert(HEAD).values(id=1, **values))

    def write_beside(
        self,
        disclosures: Sequence[StoredDisclosure],
        evidence: Sequence[tuple[Any, ...]],
        cosignatures: Sequence[tuple[Any, ...]],
    ) -> None:
        """Write what is kept beside the records."""
        for table, rows in (
            (DISCLOSURES, disclosures),
            (EVIDENCE, evidence),
            (COSIGNATURES, cosignatures),
        ):
            if rows:
                self._dialect.insert(self._connection, table, rows, ignore_known=True)

    def keep_capture(self, id_: str, job: bytes) -> None:
        """Keep what became of a capture."""
        self._dialect.insert(self._connection, CAPTURES, [(id_, job)], ignore_known=True)

    def keep_pending(self, hash_: bytes, data: bytes, now_ms: int) -> None:
        """Keep a document for an hour."""
        self._connection.execute(PENDING.delete().where(PENDING.c.time_ms < now_ms - PENDING_MS))
        waiting = self._connection.execute(select(func.count()).select_from(PENDING)).scalar_one()
        if waiting >= PENDING_MAX:
            raise QueueFullError("too many documents wait for their records", expected=f"at most {PENDING_MAX}")
        self._dialect.insert(self._connection, PENDING, [(hash_, data, now_ms)], ignore_known=True)

    def forget_disclosure(self, digest: str) -> None:
        """Delete the ciphertext of an erased disclosure."""
        self._connection.execute(DISCLOSURES.delete().where(DISCLOSURES.c.digest == digest))


class Store:
    """The tables of one ledger. Safe to share between threads; a forked process opens its own."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self.engine = engine
        self._dialect = dialect

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def append(self) -> Iterator[Append]:
        """Hold the head row for one transaction; the end of the block is the commit point.

        Raises:
            UnavailableError: the database cannot be reached or cannot write. Nothing was written, unless the
                connection was cut inside the commit itself: the client id makes the next try give the first answer.
        """
        with _guard(), self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            self._dialect.lock_head(connection)
            yield Append(connection, self._dialect)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with _guard(), self.engine.connect() as connection, connection.begin():
            yield connection

    def head(self) -> Head | None:
        """Return the committed head, None where the log has no genesis yet."""
        with self._read() as connection:
            row = connection.execute(select(HEAD)).one_or_none()
        return None if row is None else _head_of(row)

    def now_ms(self) -> int:
        """Return the database's clock."""
        with self._read() as connection:
            return self._dialect.now_ms(connection)

    def latest(self, keys: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Return the present values of these facts."""
        if not keys:
            return {}
        with self._read() as connection:
            return self._dialect.latest(connection, keys)

    def facts_with_prefix(self, prefix: bytes) -> list[StoredChange]:
        """Return all changes of the facts under a 33-byte prefix, by key and position."""
        if len(prefix) != PREFIX_SIZE:
            raise ValueError(f"a prefix has {PREFIX_SIZE} bytes, not {len(prefix)}")
        query = (
            select(FACTS)
            .where(FACTS.c.key >= prefix, FACTS.c.key <= prefix + b"\xff" * 8)
            .order_by(FACTS.c.key, FACTS.c.position)
        )
        with self._read() as connection:
            return [StoredChange(*_bytes(row)) for row in connection.execute(query)]

    def facts_of_kind(self, kind: int, after: bytes, before: bytes) -> list[StoredChange]:
        """Return the changes of facts of one kind with `after < position < before`, in order."""
        query = (
            select(FACTS)
            .where(
                FACTS.c.key >= bytes([kind]),
                FACTS.c.key < bytes([kind + 1]),
                FACTS.c.position > after,
                FACTS.c.position < before,
            )
            .order_by(FACTS.c.position, FACTS.c.key)
        )
        with self._read() as connection:
            return [StoredChange(*_bytes(row)) for row in connection.execute(query)]

    def facts_between(self, after: bytes, before: bytes) -> Iterator[StoredChange]:
        """Yield the changes with `after < position < before`, in order."""
        last: tuple[bytes, bytes] = (after, b"\xff" * 64)
        while True:
            query = (
                select(FACTS)
                .where(
                    or_(
                        FACTS.c.position > last[0],
                        and_(FACTS.c.position == last[0], FACTS.c.key > last[1]),
                    ),
                    FACTS.c.position >= last[0],
                    FACTS.c.position < before,
                )
                .order_by(FACTS.c.position, FACTS.c.key)
                .limit(READ_ROWS_MAX)
            )
            with self._read() as connection:
                rows = [StoredChange(*_bytes(row)) for row in connection.execute(query)]
            yield from rows
            if len(rows) < READ_ROWS_MAX:
                return
            last = (rows[-1].position, rows[-1].key)

    def entries(self, start: int, end: int) -> list[StoredEntry]:
        """Return the entries with `start <= index < end` that are committed."""
        query = select(ENTRIES).where(ENTRIES.c.index >= start, ENTRIES.c.index < end).order_by(ENTRIES.c.index)
        return self._entries(query)

    def entry(self, index: int) -> StoredEntry:
        """Return one entry.

        Raises:
            NotFoundError: there is none at that index.
        """
        found = self._entries(select(ENTRIES).where(ENTRIES.c.index == index))
        if not found:
            raise NotFoundError("entry", expected="an index below the tree's size", got=index)
        return found[0]

    def entries_at(self, indexes: Sequence[int]) -> dict[int, StoredEntry]:
        """Return the entries at these indexes that exist."""
        found: dict[int, StoredEntry] = {}
        wanted = sorted(set(indexes))
        for start in range(0, len(wanted), READ_ROWS_MAX):
            part = wanted[start : start + READ_ROWS_MAX]
            found.update(
                (entry.index, entry) for entry in self._entries(select(ENTRIES).where(ENTRIES.c.index.in_(part)))
            )
        return found

    def _entries(self, query: Select[Any]) -> list[StoredEntry]:
        with self._read() as connection:
            return [StoredEntry(*_bytes(row)) for row in connection.execute(query)]

    def private_between(self, start: int, end: int) -> list[StoredPrivate]:
        """Return the private records at tree sizes `start <= size < end`, in order."""
        query = (
            select(PRIVATE).where(PRIVATE.c.size >= start, PRIVATE.c.size < end).order_by(PRIVATE.c.size, PRIVATE.c.n)
        )
        with self._read() as connection:
            return [StoredPrivate(*_bytes(row)) for row in connection.execute(query)]

    def private_at(self, positions: Sequence[bytes]) -> dict[bytes, StoredPrivate]:
        """Return the private records at these positions that exist."""
        found: dict[bytes, StoredPrivate] = {}
        wanted = sorted({(_uint64(one, 0), _uint64(one, 8)) for one in positions})
        for start in range(0, len(wanted), READ_ROWS_MAX):
            part = wanted[start : start + READ_ROWS_MAX]
            with self._read() as connection:
                rows = connection.execute(select(PRIVATE).where(tuple_(PRIVATE.c.size, PRIVATE.c.n).in_(part)))
                for row in rows:
                    one = StoredPrivate(*_bytes(row))
                    found[private_position(one.size, one.n)] = one
        return found

    def documents(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the documents that are kept under these hashes."""
        found: dict[bytes, bytes] = {}
        wanted = sorted(set(hashes))
        for start in range(0, len(wanted), READ_ROWS_MAX):
            part = wanted[start : start + READ_ROWS_MAX]
            with self._read() as connection:
                rows = connection.execute(select(DOCUMENTS).where(DOCUMENTS.c.hash.in_(part)))
                found.update((bytes(hash_), bytes(data)) for hash_, data in rows)
        return found

    def evidence(self, hash_: bytes) -> bytes | None:
        """Return what was signed instead of a record, by its SHA-256."""
        with self._read() as connection:
            found = connection.execute(select(EVIDENCE.c.data).where(EVIDENCE.c.hash == hash_)).scalar_one_or_none()
        return None if found is None else bytes(found)

    def keep_pending(self, hash_: bytes, data: bytes) -> None:
        """Keep a document that came before its record, and forget those older than an hour.

        Raises:
            QueueFullError: too many wait already.
        """
        now_ms = self.now_ms()
        with self.append() as append:
            append.keep_pending(hash_, data, now_ms)

    def keep_capture(self, id_: str, job: bytes) -> None:
        """Keep what became of a capture; the first word stays."""
        with self.append() as append:
            append.keep_capture(id_, job)

    def capture(self, id_: str) -> bytes | None:
        """Return what became of a capture."""
        with self._read() as connection:
            job = connection.execute(select(CAPTURES.c.job).where(CAPTURES.c.id == id_)).scalar_one_or_none()
        return None if job is None else bytes(job)

    def pending(self, hash_: bytes) -> bytes | None:
        """Return a document that came before its record, or that some record commits to already."""
        with self._read() as connection:
            found = connection.execute(select(PENDING.c.data).where(PENDING.c.hash == hash_)).scalar_one_or_none()
        return self.documents([hash_]).get(hash_) if found is None else bytes(found)

    def tiles(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Return the full tiles (level, n) that are stored, 8,192 bytes each."""
        found: dict[tuple[int, int], bytes] = {}
        by_level: dict[int, list[int]] = {}
        for level, n in wanted:
            by_level.setdefault(level, []).append(n)
        for level, numbers in by_level.items():
            query = select(TILES).where(TILES.c.level == level, TILES.c.n.in_(sorted(set(numbers))))
            with self._read() as connection:
                found.update(((row.level, row.n), bytes(row.hashes)) for row in connection.execute(query))
        return found

    def seals(self, start: int, end: int) -> list[tuple[int, bytes, int]]:
        """Return (index, root, time_ms) of the seals with `start <= index < end`."""
        query = select(SEALS).where(SEALS.c.index >= start, SEALS.c.index < end).order_by(SEALS.c.index)
        with self._read() as connection:
            return [(index, bytes(root), time_ms) for index, root, time_ms in connection.execute(query)]

    def seals_at_or_after(self, indexes: Sequence[int]) -> dict[int, int]:
        """Return for each index the first seal's index that is not below it; those not sealed yet are left out."""
        found: dict[int, int] = {}
        with self._read() as connection:
            for index in sorted(set(indexes)):
                query = select(func.min(SEALS.c.index)).where(SEALS.c.index >= index)
                seal = connection.execute(query).scalar_one()
                if seal is not None:
                    found[index] = seal
        return found

    def seal_before(self, index: int) -> int:
        """Return the index of the last seal before an index, -1 where there is none."""
        with self._read() as connection:
            found = connection.execute(select(func.max(SEALS.c.index)).where(SEALS.c.index < index)).scalar_one()
        return -1 if found is None else int(found)

    def newest_seal(self) -> tuple[int, bytes, int] | None:
        """Return (index, root, time_ms) of the newest seal."""
        query = select(SEALS).order_by(SEALS.c.index.desc()).limit(1)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        index, root, time_ms = row
        return index, bytes(root), time_ms

    def cosignatures(self, size: int) -> list[str]:
        """Return the cosignature lines on the checkpoint of this size."""
        query = select(COSIGNATURES.c.line).where(COSIGNATURES.c.size == size).order_by(COSIGNATURES.c.key_name)
        with self._read() as connection:
            return list(connection.execute(query).scalars())

    def add_cosignature(self, size: int, key_name: str, line: str) -> None:
        """Keep one cosignature line; the first one of a key stays."""
        with self.append() as append:
            append.write_beside([], [], [(size, key_name, line)])

    def disclosures(self, positions: Sequence[bytes]) -> list[StoredDisclosure]:
        """Return the disclosures of the records at these positions."""
        query = select(DISCLOSURES).where(DISCLOSURES.c.position.in_(list(positions)))
        with self._read() as connection:
            return [StoredDisclosure(*_bytes(row)) for row in connection.execute(query)]

    def disclosure(self, digest: str) -> StoredDisclosure | None:
        """Return one disclosure by its digest."""
        with self._read() as connection:
            row = connection.execute(select(DISCLOSURES).where(DISCLOSURES.c.digest == digest)).one_or_none()
        return None if row is None else StoredDisclosure(*_bytes(row))

    def forget_disclosure(self, digest: str) -> None:
        """Delete the ciphertext of an erased disclosure."""
        with self.append() as append:
            append.forget_disclosure(digest)

    def beside(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows that are kept beside the records, by table."""
        with self._read() as connection:
            return {
                table.name: [_bytes(row) for row in connection.execute(select(table))]
                for table in (DISCLOSURES, EVIDENCE, COSIGNATURES)
            }

    def all_evidence(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (SHA-256, bytes) of all evidence."""
        with self._read() as connection:
            for row in connection.execute(select(EVIDENCE)):
                yield bytes(row.hash), bytes(row.data)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table of the log."""
        with self._read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (ENTRIES, PRIVATE, FACTS, TILES, SEALS)
            }

    def root_at(self, size: int) -> bytes:
        """Return the tree's root at a size up to the head's."""
        head = self.head()
        if head is None or size > head.size:
            raise NotFoundError("tree size", expected="one up to the head's", got=size)
        return root_at(StoreReader(self, head), size)


class StoreReader:
    """A `ledger.merkle.HashReader` over the stored tiles and the edge of a head: proofs at that size or any below."""

    def __init__(self, store: Store, head: Head) -> None:
        self._store = store
        self._edge = Edge.decode(head.size, head.edge)
        self._tiles: dict[tuple[int, int], bytes] = {}

    def read_hashes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the hashes of complete subtrees, each as (height, index); one query for all tiles that are needed.

        Raises:
            NotFoundError: a subtree is not complete at this size.
            CorruptError: a tile that must be there is missing.
        """
        places = [_place(height, index) for height, index in nodes]
        missing = {(level, n) for level, n, _, _ in places if (level, n) not in self._tiles and n < self._full(level)}
        if missing:
            found = self._store.tiles(sorted(missing))
            if len(found) != len(missing):
                lost = min(missing - found.keys())
                raise CorruptError("a full tile is missing", expected=f"tile level {lost[0]} number {lost[1]}")
            self._tiles.update(found)
        return [self._hash(*place) for place in places]

    def tile(self, level: int, n: int, width: int) -> bytes:
        """Return `width` hashes of a tile, one after the other.

        Raises:
            NotFoundError: the tile is not that wide at this size.
        """
        first = n * TILE_WIDTH
        return b"".join(self.read_hashes([(8 * level, first + i) for i in range(width)]))

    def _full(self, level: int) -> int:
        return (self._edge.size >> (8 * level)) // TILE_WIDTH

    def _hash(self, level: int, n: int, start: int, width: int) -> bytes:
        if n < self._full(level):
            data = self._tiles[(level, n)]
            hashes = [data[i * 32 : i * 32 + 32] for i in range(start, start + width)]
        else:
            edge = self._edge.levels[level] if n == self._full(level) and level < len(self._edge.levels) else ()
            hashes = list(edge[start : start + width])
        if len(hashes) != width:
            raise NotFoundError("subtree", expected=f"one that is complete at size {self._edge.size}")
        return perfect_roots(hashes, width)[0]


def _place(height: int, index: int) -> tuple[int, int, int, int]:
    """Return (tile level, tile number, first hash in it, how many hashes) of a complete subtree."""
    level, rise = divmod(height, 8)
    first = index << rise
    return level, first // TILE_WIDTH, first % TILE_WIDTH, 1 << rise


def _uint64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "big")


def _bytes(row: Any) -> tuple[Any, ...]:
    """Return a row whose binary values are bytes on every driver (some hand out memoryviews)."""
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


@contextmanager
def _guard() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise CorruptError("the database refused rows that must be new", got=error.orig) from error
    except (DBAPIError, PoolTimeoutError) as error:
        reason = getattr(error, "orig", error)
        raise UnavailableError("the database cannot do this now", got=str(reason).strip()) from error


def open_store(url: str) -> Store:
    """Open the tables under a database URL and bring them up to the newest migration.

    Args:
        url: `sqlite:///PATH` or `postgresql://…`.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    dialect = dialect_of(url)
    engine = dialect.engine(url)
    try:
        with _guard():
            migrate.upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, dialect)


__all__ = ["Append", "Batch", "Head", "Store", "StoreReader", "open_store", "public_position"]
