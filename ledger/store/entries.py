"""Public entries, private records, and the documents that they commit to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from ledger.errors import NotFoundError
from ledger.facts import private_position
from ledger.store.reads import Reads
from ledger.store.rows import DOCUMENTS, ENTRIES, PRIVATE, READ_ROWS_MAX, TUPLES_MAX, StoredEntry, StoredPrivate, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql import Select


class Entries(Reads):
    """What was recorded."""

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
            return [StoredEntry(*plain(row)) for row in connection.execute(query)]

    def private_between(self, start: int, end: int) -> list[StoredPrivate]:
        """Return the private records at tree sizes `start <= size < end`, in order."""
        query = (
            select(PRIVATE).where(PRIVATE.c.size >= start, PRIVATE.c.size < end).order_by(PRIVATE.c.size, PRIVATE.c.n)
        )
        with self._read() as connection:
            return [StoredPrivate(*plain(row)) for row in connection.execute(query)]

    def private_at(self, positions: Sequence[bytes]) -> dict[bytes, StoredPrivate]:
        """Return the private records at these positions that exist."""
        found: dict[bytes, StoredPrivate] = {}
        wanted = sorted({(_uint64(one, 0), _uint64(one, 8)) for one in positions})
        for start in range(0, len(wanted), TUPLES_MAX):
            part = wanted[start : start + TUPLES_MAX]
            with self._read() as connection:
                rows = connection.execute(select(PRIVATE).where(tuple_(PRIVATE.c.size, PRIVATE.c.n).in_(part)))
                for row in rows:
                    one = StoredPrivate(*plain(row))
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


def _uint64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "big")
