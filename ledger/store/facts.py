"""The table of changes: the truth about the state. Facts are found by their places (`ledger.changes`)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_

from ledger.changes import StoredChange, decode_changes, place_of
from ledger.facts import KEY_SIZE, POSITION_SIZE
from ledger.store.reads import Reads
from ledger.store.rows import CHANGES, PLACES, READ_ROWS_MAX, TUPLES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql import Select

    from ledger.changes import Place
    from ledger.store.dialect import Dialect

END = b"\xff" * (POSITION_SIZE + 1)
"""Behind every position."""


class Facts(Reads):
    """What the records changed."""

    def latest(self, keys: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Return the present values of these facts."""
        if not keys:
            return {}
        with self._read() as connection:
            return latest(connection, self._dialect, keys)

    def facts_before(self, keys: Sequence[bytes], before: bytes) -> list[StoredChange]:
        """Return the last change of each fact with `position < before`, by key; how often it changed costs nothing."""
        if not keys:
            return []
        with self._read() as connection:
            return sorted(_newest(connection, self._dialect, keys, before).values())

    def facts_of_kind(self, kind: int, after: bytes, before: bytes) -> list[StoredChange]:
        """Return the changes of facts of one kind with `after < position < before`, in order."""
        if after:
            # Little came since: less than there is of the kind.
            return [change for change in self.facts_between(after, before) if change.key[0] == kind]
        first, last = (place_of(bytes([kind]).ljust(KEY_SIZE, fill))[0] for fill in (b"\0", b"\xff"))
        places = select(PLACES.c.position).where(PLACES.c.prefix.between(first, last), PLACES.c.position < before)
        query = select(CHANGES).where(CHANGES.c.position.in_(places)).order_by(CHANGES.c.position)
        with self._read() as connection:
            return [change for change in _changes(connection, query) if change.key[0] == kind]

    def facts_of_holder(self, kind: int, holder: str, before: bytes) -> list[StoredChange]:
        """Return the changes of a holder's facts of one kind with `position < before`; it looks at the whole kind."""
        return sorted(change for change in self.facts_of_kind(kind, b"", before) if change.holder == holder)

    def facts_between(self, after: bytes, before: bytes) -> Iterator[StoredChange]:
        """Yield the changes with `after < position < before`, in order."""
        for rows in self.rows_between(after, before):
            for position, facts in rows:
                yield from decode_changes(position, facts)

    def rows_between(self, after: bytes, before: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        """Yield the rows, (position, facts), with `after < position < before`, in order, a part at a time."""
        position = CHANGES.c.position
        while True:
            query = select(CHANGES).where(position > after, position < before).order_by(position).limit(READ_ROWS_MAX)
            with self._read() as connection:
                rows = [(bytes(at), bytes(facts)) for at, facts in connection.execute(query).all()]
            if rows:
                after = rows[-1][0]
                yield rows
            if len(rows) < READ_ROWS_MAX:
                return

    def misplaced(self, changes: Sequence[StoredChange]) -> int:
        """Return how many of the places of these changes are missing."""
        wanted = sorted({(*place_of(change.key), change.position) for change in changes})
        missing = len(wanted)
        for start in range(0, len(wanted), TUPLES_MAX):
            part = wanted[start : start + TUPLES_MAX]
            query = select(func.count()).select_from(PLACES).where(tuple_(*PLACES.c).in_(part))
            with self._read() as connection:
                missing -= connection.execute(query).scalar_one()
        return missing


def latest(connection: Connection, dialect: Dialect, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
    """Return the present value of each fact, None where there is none."""
    found: dict[bytes, bytes | None] = dict.fromkeys(keys)
    found.update((key, change.value) for key, change in _newest(connection, dialect, found, END).items())
    return found


def _newest(
    connection: Connection, dialect: Dialect, keys: Iterable[bytes], before: bytes
) -> dict[bytes, StoredChange]:
    """Return the last change with `position < before` of each fact that has one."""
    found: dict[bytes, StoredChange] = {}
    by_place: dict[Place, list[bytes]] = {}
    for key in keys:
        by_place.setdefault(place_of(key), []).append(key)
    for place, position, data in dialect.newest(connection, list(by_place), before):
        changes = {change.key: change for change in decode_changes(position, data)}
        for key in by_place[place]:
            # Where another fact has the same place, the newest change there may be that one's.
            change = changes.get(key) or _among_all(connection, place, key, before)
            if change is not None:
                found[key] = change
    return found


def changes_after(connection: Connection, position: bytes) -> Iterator[StoredChange]:
    """Yield the changes after a position, in the order of positions."""
    query = select(CHANGES).where(CHANGES.c.position > position).order_by(CHANGES.c.position)
    return _changes(connection, query)


def _among_all(connection: Connection, place: Place, key: bytes, before: bytes) -> StoredChange | None:
    there = select(PLACES.c.position).where(
        PLACES.c.prefix == place[0], PLACES.c.sequence == place[1], PLACES.c.position < before
    )
    query = select(CHANGES).where(CHANGES.c.position.in_(there)).order_by(CHANGES.c.position.desc())
    return next((change for change in _changes(connection, query) if change.key == key), None)


def _changes(connection: Connection, query: Select[Any]) -> Iterator[StoredChange]:
    rows = connection.execute(query)
    return chain.from_iterable(decode_changes(bytes(position), bytes(facts)) for position, facts in rows)
