"""What differs between SQLite and PostgreSQL: the lock, the clock, looking up many keys, and writing in bulk.

A batch costs the same number of statements whatever its size: rows go in through one `insert … values` (SQLite) or one
`insert … select unnest` (PostgreSQL) a table, facts come out through one query a round. SQLite's driver gives the
interpreter up at each row that it steps to and then waits for it again, behind all other threads; so rows are written
many at a step, and facts come back as one row.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import BigInteger, Boolean, Connection, Engine, Integer, LargeBinary, Table, create_engine, event, text

from ledger.store.rows import HEAD_COLUMNS, head_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from ledger.changes import Place
    from ledger.store.rows import Head

WRITES = "fengtu_writes"
"""Execution option of a connection whose transaction writes: it takes the write lock at its begin."""

SQLITE_VARIABLES_MAX = 30_000
SQLITE_PAGE_SIZE = 8_192
SQLITE_CACHE_KIB = 65_536
SQLITE_MAPPED = 2**30
SQLITE_WAL_PAGES = 8_192
LOCK_WAIT_MS = 30_000
READ_HEAD = f"SELECT {', '.join(HEAD_COLUMNS)} FROM head"  # noqa: S608 - names of ours


class Dialect(Protocol):
    """The few statements that are not the same on every database."""

    def engine(self, url: str) -> Engine:
        """Return an engine whose connections are durable on commit."""

    def lock_head(self, connection: Connection) -> Head | None:
        """Wait for the head row, hold it until the transaction ends, and return it; None where there is none yet."""

    def write_head(self, connection: Connection, head: Head) -> None:
        """Write the head row, which is held."""

    def hold_moment(self, connection: Connection) -> None:
        """Let everything that the transaction reads from here be of one moment."""

    def now_ms(self, connection: Connection) -> int:
        """Return the database's clock, Unix milliseconds."""

    def newest(
        self, connection: Connection, places: Sequence[Place], before: bytes
    ) -> list[tuple[Place, bytes, bytes]]:
        """Return each place where there is a change with `position < before`: the newest's position, and its row."""

    def insert(
        self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], *, ignore_known: bool
    ) -> None:
        """Write the rows, each in the order of the table's columns; where asked, leave those whose key is known."""


class SqliteDialect:
    """SQLite in WAL mode, with a sync at each commit."""

    def engine(self, url: str) -> Engine:
        """Return an engine; each connection syncs at each commit and waits for the lock instead of failing."""
        engine = create_engine(url)

        @event.listens_for(engine, "connect")
        def _connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            # The driver's own transaction handling would begin lazily, after the read that the lock has to cover.
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")
            # Asked before the file's first page is written; a file that is there keeps its own.
            cursor.execute(f"PRAGMA page_size = {SQLITE_PAGE_SIZE}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA secure_delete = ON")
            # Keys are hashes, so an append touches pages all over the index: they are kept at hand, and go from the
            # write-ahead log into the file once for many commits.
            cursor.execute(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")
            cursor.execute(f"PRAGMA mmap_size = {SQLITE_MAPPED}")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {SQLITE_WAL_PAGES}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            writes = connection.get_execution_options().get(WRITES, False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def lock_head(self, connection: Connection) -> Head | None:
        """Return the head: BEGIN IMMEDIATE holds the database's one write lock already."""
        return _head(connection, READ_HEAD)

    def write_head(self, connection: Connection, head: Head) -> None:
        """Write the head row."""
        _write_head(connection, head, "?")

    def hold_moment(self, connection: Connection) -> None:
        """Read once: a transaction in WAL mode sees the file as its first read found it."""
        connection.exec_driver_sql("SELECT 1 FROM head").all()

    def now_ms(self, connection: Connection) -> int:
        """Return SQLite's clock."""
        query = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
        return int(connection.exec_driver_sql(query).scalar_one())

    def newest(
        self, connection: Connection, places: Sequence[Place], before: bytes
    ) -> list[tuple[Place, bytes, bytes]]:
        """Return the newest rows of changes; one statement, and one row of all of them, for up to 14,999 places."""
        found: list[tuple[Place, bytes, bytes]] = []
        places_max = SQLITE_VARIABLES_MAX // 2 - 1
        for start in range(0, len(places), places_max):
            part = places[start : start + places_max]
            marks = ",".join(["(?,?)"] * len(part))
            rows = connection.exec_driver_sql(
                f"WITH wanted(prefix, sequence) AS (VALUES {marks})"  # noqa: S608 - marks only
                " SELECT group_concat(wanted.prefix || ':' || wanted.sequence || ':' || hex(changes.position)"
                " || ':' || hex(changes.facts)) FROM wanted CROSS JOIN changes ON changes.position ="
                " (SELECT position FROM places WHERE places.prefix = wanted.prefix"
                " AND places.sequence = wanted.sequence AND position < ? ORDER BY position DESC LIMIT 1)",
                (*chain.from_iterable(part), before),
            ).scalar_one()
            for row in rows.split(",") if rows else ():
                prefix, sequence, position, facts = row.split(":")
                found.append(((int(prefix), int(sequence)), bytes.fromhex(position), bytes.fromhex(facts)))
        return found

    def insert(
        self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], *, ignore_known: bool
    ) -> None:
        """Write the rows by one statement for as many as its variables allow."""
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        marks = "(" + ", ".join("?" for _ in table.columns) + ")"
        known = "OR IGNORE " if ignore_known else ""
        rows_max = SQLITE_VARIABLES_MAX // len(table.columns)
        for start in range(0, len(rows), rows_max):
            part = rows[start : start + rows_max]
            all_marks = ", ".join([marks] * len(part))
            connection.exec_driver_sql(
                f'INSERT {known}INTO "{table.name}" ({names}) VALUES {all_marks}',  # noqa: S608 - names of our tables
                tuple(chain.from_iterable(part)),
            )


class PostgresDialect:
    """PostgreSQL through psycopg 3."""

    def engine(self, url: str) -> Engine:
        """Return an engine; a connection that was cut is noticed before it is handed out."""
        address = url.replace("postgresql://", "postgresql+psycopg://", 1)
        # A process that froze with the head row must not stop the others for ever.
        waits = {"options": f"-c lock_timeout={LOCK_WAIT_MS}"}
        return create_engine(address, pool_pre_ping=True, pool_size=8, max_overflow=8, connect_args=waits)

    def lock_head(self, connection: Connection) -> Head | None:
        """Hold the head row; it is read in the same round trip."""
        return _head(connection, f"{READ_HEAD} FOR UPDATE")

    def write_head(self, connection: Connection, head: Head) -> None:
        """Write the head row."""
        _write_head(connection, head, "%s")

    def hold_moment(self, connection: Connection) -> None:
        """Keep the snapshot of the next statement for the whole transaction."""
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))

    def now_ms(self, connection: Connection) -> int:
        """Return the server's clock at this statement, not at the transaction's begin."""
        query = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"
        return int(connection.exec_driver_sql(query).scalar_one())

    def newest(
        self, connection: Connection, places: Sequence[Place], before: bytes
    ) -> list[tuple[Place, bytes, bytes]]:
        """Return the newest rows of changes by one statement."""
        rows = connection.exec_driver_sql(
            "SELECT wanted.prefix, wanted.sequence, changes.position, changes.facts"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(prefix, sequence)"
            " CROSS JOIN LATERAL (SELECT position FROM places WHERE places.prefix = wanted.prefix"
            " AND places.sequence = wanted.sequence AND position < %s ORDER BY position DESC LIMIT 1) AS newest"
            " JOIN changes ON changes.position = newest.position",
            ([prefix for prefix, _ in places], [sequence for _, sequence in places], before),
        )
        return [((prefix, sequence), bytes(position), bytes(facts)) for prefix, sequence, position, facts in rows]

    def insert(
        self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], *, ignore_known: bool
    ) -> None:
        """Write the rows by one statement over parallel arrays."""
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        arrays = ", ".join(f"%s::{_postgres_type(column.type)}[]" for column in table.columns)
        known = " ON CONFLICT DO NOTHING" if ignore_known else ""
        statement = f'INSERT INTO "{table.name}" ({names}) SELECT * FROM unnest({arrays}){known}'  # noqa: S608 - our tables
        connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*rows, strict=True)))


# The driver's own statements: for a batch of one record, making SQL out of expressions took as long as the record.


def _head(connection: Connection, query: str) -> Head | None:
    row = connection.exec_driver_sql(query).one_or_none()
    return None if row is None else head_of(row)


def _write_head(connection: Connection, head: Head, mark: str) -> None:
    values = attrgetter(*HEAD_COLUMNS)(head)
    columns = ", ".join(f"{name} = {mark}" for name in HEAD_COLUMNS)
    if connection.exec_driver_sql(f"UPDATE head SET {columns}", values).rowcount == 0:  # noqa: S608 - names of ours
        names, marks = ", ".join(HEAD_COLUMNS), ", ".join([mark] * len(values))
        connection.exec_driver_sql(f"INSERT INTO head (id, {names}) VALUES (1, {marks})", values)  # noqa: S608 - the same


def _postgres_type(kind: object) -> str:
    # BigInteger is an Integer too, so it comes first.
    for python_type, name in ((LargeBinary, "bytea"), (BigInteger, "bigint"), (Boolean, "boolean"), (Integer, "int")):
        if isinstance(kind, python_type):
            return name
    return "text"


def dialect_of(url: str) -> Dialect:
    """Return the dialect that a database URL asks for."""
    return SqliteDialect() if url.startswith("sqlite") else PostgresDialect()
