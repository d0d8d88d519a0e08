"""Forms checked by other processes ahead of a replay: the same answers, and the same refusals, as without."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from farms import Farms, close_farms, open_farms
from sqlalchemy import text

from ledger import ahead
from ledger.ahead import Ahead, ahead_of, processes_for, right_forms
from ledger.errors import CorruptError, ProofError
from ledger.fsck import fsck
from ledger.replay import Replay, replay, stored_windows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A world with two seals."""
    farms = open_farms(tmp_path)
    farms.log.seal()
    farms.season()
    farms.log.seal()
    yield farms
    close_farms(farms)


def test_the_same_answer(farms: Farms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay with processes that came to another root, or left windows out, would be worth nothing."""
    for at_once, in_advance in ((500, 8_000), (3, 8), (1, 0)):
        monkeypatch.setattr(ahead, "AT_ONCE", at_once)
        monkeypatch.setattr(ahead, "AHEAD_MAX", in_advance)
        assert replay(farms.store, farms.log.fold, processes=1).root() == replay(farms.store, farms.log.fold).root()
    assert fsck(farms.store, farms.log.fold, processes=1) == fsck(farms.store, farms.log.fold)


def test_forms_are_found_right(farms: Farms) -> None:
    """What no form is found for is checked twice; where nothing were found, looking ahead would only cost."""
    windows = list(stored_windows(farms.store))
    with ahead_of(farms.log.fold, 1) as looking:
        found = list(looking.over(windows))
    assert [window for window, _ in found] == windows
    statements = [one.statement for window in windows for one in window.entries[int(window.entries[0].index == 0) :]]
    assert statements == [statement for _, forms in found for statement in forms]
    assert right_forms(farms.log.fold, [(b"no record", b"{}"), (statements[0], b"no document")]) == {}


def test_what_is_wrong_is_named_as_without(farms: Farms) -> None:
    """A document that was changed, or a record: the first difference by name, whoever looked ahead."""
    entry = farms.store.entry(15)

    def run(sql: str, **values: bytes) -> Any:
        with farms.store.engine.connect() as connection, connection.begin():
            result = connection.execute(text(sql), values)
            return result.scalar_one() if result.returns_rows else None

    for table, column, where, error in (
        ("documents", "data", f"hash = X'{entry.document_hash.hex()}'", CorruptError),
        ("entries", "statement", '"index" = 15', ProofError),
    ):
        before = run(f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608 - our own words
        change = f"UPDATE {table} SET {column} = :data WHERE {where}"  # noqa: S608
        run(change, data=before[:-1] + bytes([before[-1] ^ 1]))
        words = []
        for processes in (0, 1):
            with pytest.raises(error) as raised:
                replay(farms.store, farms.log.fold, processes=processes)
            words.append(str(raised.value))
        assert words[0] == words[1]
        assert words[0].startswith("entry 15")
        run(change, data=before)


def test_processes_that_end(farms: Farms) -> None:
    """A process that the system ends takes no replay with it: the fold checks what it would have checked."""
    with ahead_of(farms.log.fold, 1) as looking:
        pool = looking._pool
        assert pool is not None
        pool.submit(os.getpid).result(30)
        os.kill(pool.submit(os.getpid).result(30), signal.SIGKILL)
        result = Replay(farms.log.fold)
        for window, forms in looking.over(stored_windows(farms.store)):
            result.feed(window, forms)
    assert result.root() == replay(farms.store, farms.log.fold).root()


def test_small_logs_start_none() -> None:
    """A process takes a second to start: more than a small log takes altogether."""
    assert processes_for(100) == 0
    assert processes_for(10**6) >= 0
    assert list(Ahead(None, None).over([])) == []  # type: ignore[arg-type] - without windows there is nothing to fold
