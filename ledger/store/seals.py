"""Seals, and the cosignatures on the checkpoints that end in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ledger.store.reads import Reads
from ledger.store.rows import COSIGNATURES, SEALS

if TYPE_CHECKING:
    from collections.abc import Sequence


class Seals(Reads):
    """Where the log was sealed."""

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
