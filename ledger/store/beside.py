"""What is kept beside the records: disclosures, evidence, captures, and documents that wait for their record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ledger.store.entries import Entries
from ledger.store.rows import (
    CAPTURES,
    COSIGNATURES,
    DISCLOSURES,
    EVIDENCE,
    PENDING,
    StoredDisclosure,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Beside(Entries):
    """What may be erased, or is soon forgotten."""

    def evidence(self, hash_: bytes) -> bytes | None:
        """Return what was signed instead of a record, by its SHA-256."""
        with self._read() as connection:
            found = connection.execute(select(EVIDENCE.c.data).where(EVIDENCE.c.hash == hash_)).scalar_one_or_none()
        return None if found is None else bytes(found)

    def all_evidence(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (SHA-256, bytes) of all evidence."""
        with self._read() as connection:
            for row in connection.execute(select(EVIDENCE)):
                yield bytes(row.hash), bytes(row.data)

    def disclosures(self, positions: Sequence[bytes]) -> list[StoredDisclosure]:
        """Return the disclosures of the records at these positions."""
        query = select(DISCLOSURES).where(DISCLOSURES.c.position.in_(list(positions)))
        with self._read() as connection:
            return [StoredDisclosure(*plain(row)) for row in connection.execute(query)]

    def disclosure(self, digest: str) -> StoredDisclosure | None:
        """Return one disclosure by its digest."""
        with self._read() as connection:
            row = connection.execute(select(DISCLOSURES).where(DISCLOSURES.c.digest == digest)).one_or_none()
        return None if row is None else StoredDisclosure(*plain(row))

    def beside(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows that are kept beside the records, by table."""
        with self._read() as connection:
            return {
                table.name: [plain(row) for row in connection.execute(select(table))]
                for table in (DISCLOSURES, EVIDENCE, COSIGNATURES)
            }

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
