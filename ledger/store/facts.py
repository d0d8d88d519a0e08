"""The table of changes: the truth about the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from ledger.facts import PREFIX_SIZE
from ledger.maps import StoredChange
from ledger.store.reads import Reads
from ledger.store.rows import FACTS, READ_ROWS_MAX, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Facts(Reads):
    """What the records changed."""

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
            return [StoredChange(*plain(row)) for row in connection.execute(query)]

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
            return [StoredChange(*plain(row)) for row in connection.execute(query)]

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
                rows = [StoredChange(*plain(row)) for row in connection.execute(query)]
            yield from rows
            if len(rows) < READ_ROWS_MAX:
                return
            last = (rows[-1].position, rows[-1].key)
