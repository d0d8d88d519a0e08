"""The one door to the tables: a locked append, and reads of what was committed.

store = open_store("sqlite:///data/ledger.db")
with store.append() as append:      # holds the head row
    append.write(...)               # commits when the block ends; anything raised in it undoes all of it
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.store import migrate
from ledger.store.append import Append
from ledger.store.beside import Beside
from ledger.store.dialect import WRITES, dialect_of
from ledger.store.facts import Facts
from ledger.store.reads import guard
from ledger.store.rows import CHANGES, ENTRIES, PLACES, PRIVATE, SEALS, TILES
from ledger.store.seals import Seals
from ledger.store.tiles import Tiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from ledger.store.dialect import Dialect


class Store(Beside, Facts, Tiles, Seals):
    """The tables of one ledger: a room for each noun, and the one way to write."""

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
        with guard(), self.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            yield Append(connection, self._dialect, self._dialect.lock_head(connection))

    @contextmanager
    def moment(self) -> Iterator[Store]:
        """Yield the tables as they are now, whatever is appended meanwhile: all reads of the block see one moment.

        What is yielded is for one thread, and for reading.
        """
        with self._read() as connection:
            self._dialect.hold_moment(connection)
            yield _Moment(self.engine, self._dialect, connection)

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

    def add_cosignature(self, size: int, key_name: str, line: str) -> None:
        """Keep one cosignature line; the first one of a key stays."""
        with self.append() as append:
            append.write_beside([], [], [(size, key_name, line)])

    def forget_disclosure(self, digest: str) -> None:
        """Delete the ciphertext of an erased disclosure."""
        with self.append() as append:
            append.forget_disclosure(digest)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table of the log."""
        with self._read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (ENTRIES, PRIVATE, CHANGES, PLACES, TILES, SEALS)
            }


class _Moment(Store):
    """The tables in one transaction that sees nothing of what is appended meanwhile."""

    def __init__(self, engine: Engine, dialect: Dialect, connection: Connection) -> None:
        super().__init__(engine, dialect)
        self._connection = connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with guard():
            yield self._connection


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
        with guard():
            migrate.upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, dialect)
