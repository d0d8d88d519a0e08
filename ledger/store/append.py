"""One transaction that holds the head row: the only way in which the log grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ledger.changes import rows_of
from ledger.errors import QueueFullError
from ledger.store.facts import changes_after, latest
from ledger.store.rows import (
    CAPTURES,
    CHANGES,
    COSIGNATURES,
    DISCLOSURES,
    DOCUMENTS,
    ENTRIES,
    EVIDENCE,
    PENDING,
    PLACES,
    PRIVATE,
    SEALS,
    TILES,
    Batch,
    Head,
    StoredDisclosure,
    StoredPrivate,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from ledger.changes import StoredChange
    from ledger.store.dialect import Dialect

PENDING_MAX = 1_000
PENDING_MS = 3_600_000


class Append:
    """One transaction that holds the head row."""

    def __init__(self, connection: Connection, dialect: Dialect, head: Head | None) -> None:
        self._connection = connection
        self._dialect = dialect
        self._head = head

    def head(self) -> Head | None:
        """Return the head, None where the log has no genesis yet."""
        return self._head

    def now_ms(self) -> int:
        """Return the database's clock."""
        return self._dialect.now_ms(self._connection)

    def latest(self, keys: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Return the present values of these facts."""
        return latest(self._connection, self._dialect, keys) if keys else {}

    def runs_of_times(self, since: int) -> list[tuple[int, int]]:
        """Return (first index, time_ms) of each run of entries with one time, from `since` on."""
        # Time never decreases, so entries of one time stand side by side.
        first = func.min(ENTRIES.c.index)
        query = select(first, ENTRIES.c.time_ms).where(ENTRIES.c.index >= since).group_by(ENTRIES.c.time_ms)
        return [(index, time_ms) for index, time_ms in self._connection.execute(query.order_by(first))]

    def private_since(self, size: int) -> list[StoredPrivate]:
        """Return the private records at tree sizes of `size` and above, in order."""
        query = select(PRIVATE).where(PRIVATE.c.size >= size).order_by(PRIVATE.c.size, PRIVATE.c.n)
        return [StoredPrivate(*plain(row)) for row in self._connection.execute(query)]

    def facts_after(self, position: bytes) -> Iterator[StoredChange]:
        """Yield the changes after a position, in the order of positions."""
        return changes_after(self._connection, position)

    def write(self, batch: Batch, head: Head) -> None:
        """Write the rows and the new head. They are durable when the block of the append has ended."""
        changes, places = rows_of(batch.facts)
        for table, rows, ignore_known in (
            (ENTRIES, batch.entries, False),
            (PRIVATE, batch.private, False),
            # n parties sign one document, so a document may be known already.
            (DOCUMENTS, batch.documents, True),
            (CHANGES, changes, False),
            (PLACES, places, False),
            (TILES, batch.tiles, False),
            (SEALS, batch.seals, False),
            (DISCLOSURES, batch.disclosures, True),
            (EVIDENCE, batch.evidence, True),
        ):
            if rows:
                self._dialect.insert(self._connection, table, rows, ignore_known=ignore_known)
        self._dialect.write_head(self._connection, head)
        self._head = head

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
