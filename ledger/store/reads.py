"""Reading what was committed: the connection that all rooms of the store share, and the head."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.errors import CorruptError, UnavailableError
from ledger.store.rows import HEAD, HEAD_COLUMNS, Head, head_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from ledger.store.dialect import Dialect


HEAD_QUERY = select(*(HEAD.c[name] for name in HEAD_COLUMNS))


class Reads:
    """One database. Safe to share between threads; a forked process opens its own."""

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self.engine = engine
        self._dialect = dialect

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with guard(), self.engine.connect() as connection, connection.begin():
            yield connection

    def head(self) -> Head | None:
        """Return the committed head, None where the log has no genesis yet."""
        with self._read() as connection:
            row = connection.execute(HEAD_QUERY).one_or_none()
        return None if row is None else head_of(row)

    def now_ms(self) -> int:
        """Return the database's clock."""
        with self._read() as connection:
            return self._dialect.now_ms(connection)


@contextmanager
def guard() -> Iterator[None]:
    """Turn what the database says into our own errors."""
    try:
        yield
    except IntegrityError as error:
        raise CorruptError("the database refused rows that must be new", got=error.orig) from error
    except (DBAPIError, PoolTimeoutError) as error:
        reason = getattr(error, "orig", error)
        raise UnavailableError("the database cannot do this now", got=str(reason).strip()) from error
