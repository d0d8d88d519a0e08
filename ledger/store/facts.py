"""The table of changes: the truth about the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select, text

from ledger.maps import StoredChange
from ledger.store.reads import Reads
from ledger.store.rows import FACTS, READ_ROWS_MAX, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


KEYS_MAX = 2_000
_BEFORE = """
    WITH wanted(key) AS (VALUES {}),
         newest AS (SELECT key, (SELECT position FROM facts WHERE facts.key = wanted.key AND position < :before
                                 ORDER BY position DESC LIMIT 1) AS position FROM wanted)
    SELECT facts.key, facts.position, facts.value, facts.private, facts.holder FROM newest
      JOIN facts ON facts.key = newest.key AND facts.position = newest.position
"""


class Facts(Reads):
    """What the records changed."""

    def latest(self, keys: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Return the present values of these facts."""
        if not keys:
            return {}
        with self._read() as connection:
            return self._dialect.latest(connection, keys)

    def facts_before(self, keys: Sequence[bytes], before: bytes) -> list[StoredChange]:
        """Return the last change of each fact with `position < before`, by key; how often it changed costs nothing."""
        found: list[StoredChange] = []
        for start in range(0, len(keys), KEYS_MAX):
            part = {f"key_{n}": key for n, key in enumerate(keys[start : start + KEYS_MAX])}
            query = text(_BEFORE.format(", ".join(f"(:{name})" for name in part))).columns(*FACTS.c)
            with self._read() as connection:
                rows = connection.execute(query, {**part, "before": before})
                found += [StoredChange(*plain(row)) for row in rows]
        return sorted(found)

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

    def facts_of_holder(self, kind: int, holder: str, before: bytes) -> list[StoredChange]:
        """Return the changes of a holder's facts of one kind with `position < before`; it looks at the whole kind."""
        query = (
            select(FACTS)
            .where(
                FACTS.c.key >= bytes([kind]),
                FACTS.c.key < bytes([kind + 1]),
                FACTS.c.holder == holder,
                FACTS.c.position < before,
            )
            .order_by(FACTS.c.key, FACTS.c.position)
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
