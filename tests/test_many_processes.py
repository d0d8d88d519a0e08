"""Many processes on one log, and processes that are killed: each answer once, none lost, everything proves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conftest import soak
from counting import counter_key
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, open_ledger

from ledger import cbor
from ledger.backup import backup, restore
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.replay import replay
from ledger.store import Store, open_store

APPENDER = Path(__file__).with_name("appender.py")
FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(APPENDER.parent), str(APPENDER.parents[1])])}


def start(url: str, name: str, count: int, folder: Path) -> subprocess.Popen[str]:
    """Start a process that appends."""
    return subprocess.Popen(
        [sys.executable, str(APPENDER), url, name, str(count), str(folder)],
        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip


def answers(lines: str) -> list[dict[str, Any]]:
    """Return the answers that a process printed; a line that a kill cut short was no answer."""
    return [json.loads(line) for line in lines.splitlines(keepends=True) if line.endswith("\n")]


def total(store: Store) -> int:
    """Return the sum of all public counters."""
    keys = [counter_key(f"c{i}") for i in range(7)]
    return sum(0 if data is None else cbor.decode(data)["sum"] for data in store.latest(keys).values())


def test_four_processes_at_once(database: str, tmp_path: Path) -> None:
    """Each record is answered once and entered once; fsck and replay hold; a second database has the same seals."""
    ledger = open_ledger(database)
    count = soak("records by 4 processes", 2_000, 20_000) // 4
    processes = [start(database, f"p{n}", count, tmp_path) for n in range(4)]
    outputs = [process.communicate(timeout=1_200)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    ids: set[str] = set()
    for output in outputs:
        found = answers(output)
        assert not [one for one in found if "error" in one]
        first = {one["i"]: one["id"] for one in found}
        assert len(first) == count
        # What was sent twice got the first answer again.
        assert all(one["id"] == first[one["i"]] for one in found)
        assert not ids & set(first.values())
        ids |= set(first.values())
    public = sum(1 for i in range(count) if i % 5 != 4) * 4
    assert total(ledger.store) == public
    ledger.log.seal()
    report = fsck(ledger.store, FOLD)
    assert (report.private_records, report.entries - report.seals - 1) == (count * 4 - public, public)
    replay(ledger.store, FOLD)
    backup(ledger.store, ORIGIN, tmp_path / "backup")
    second = open_store(f"sqlite:///{tmp_path}/second.db")
    restore(tmp_path / "backup", second, FOLD)
    assert second.seals(0, 10**9) == ledger.store.seals(0, 10**9)
    second.close()
    close_ledger(ledger)


def test_kill_at_random_moments(database: str, tmp_path: Path) -> None:
    """What was answered is there and proves; the log goes on by itself; a retry of the rest goes in once."""
    ledger = open_ledger(database)
    rng = random.Random(20261123)
    answered: dict[str, str] = {}
    rounds = soak("rounds of kill -9", 6, 200)
    killed = 0
    for number in range(rounds):
        process = start(database, f"r{number}", 400, tmp_path)
        assert process.stdout is not None
        first = process.stdout.readline()  # it is up and appends
        time.sleep(rng.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        for one in answers(first + rest):
            assert "error" not in one
            answered[f"r{number}-{one['i']}"] = one["id"]
        if number % 20 == 0 or number == rounds - 1:
            fsck(ledger.store, FOLD)
    assert killed > rounds // 2
    assert len(answered) > rounds
    # The same pairs again: what was in gets its first answer, what was not goes in now.
    for number in range(0, rounds, max(1, rounds // 3)):
        process = start(database, f"r{number}", 400, tmp_path)
        for one in answers(process.communicate(timeout=120)[0]):
            known = answered.get(f"r{number}-{one['i']}")
            assert known in {None, one["id"]}
            answered[f"r{number}-{one['i']}"] = one["id"]
    assert len(set(answered.values())) == len(answered)
    for id_ in random.Random(1).sample(sorted(answered.values()), 20):
        size, _, n = id_.partition(".")
        assert (ledger.store.private_record(int(size), int(n)) if n else ledger.store.entry(int(size))).statement
    ledger.log.seal()
    fsck(ledger.store, FOLD)
    replay(ledger.store, FOLD, public_only=True)
    close_ledger(ledger)


def test_processes_open_a_fresh_database_at_once(database: str, tmp_path: Path) -> None:
    """Migrations are run by one; the others wait and find them done."""
    script = "import sys; from ledger.store import open_store; open_store(sys.argv[1]).close(); print('open')"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, database], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=tmp_path
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["open"] * 3
