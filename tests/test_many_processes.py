"""Many processes on one log, and processes that are killed: each answer once, none lost, everything proves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appender import BATCH, keep
from conftest import soak
from counting import counter_key
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, open_ledger

from ledger import cbor
from ledger.backup import backup, restore
from ledger.document import decode_document
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.replay import replay
from ledger.store import Store, StoredEntry, StoredPrivate, open_store

APPENDER = Path(__file__).with_name("appender.py")
FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(APPENDER.parent), str(APPENDER.parents[1])])}


@dataclass
class Appending:
    """A process that appends, and the file in which it keeps what it was answered."""

    process: subprocess.Popen[bytes]
    file: Path

    def answered(self, count: int) -> None:
        """Wait until it was answered so many times."""
        while self.process.poll() is None and self.file.read_bytes().count(b"\n") < count:
            time.sleep(0.002)

    def answers(self, returncode: int = 0) -> list[dict[str, Any]]:
        """Wait for its end and return its answers; a line that a kill cut short was no answer."""
        assert self.process.wait(1_200) == returncode
        lines = self.file.read_text().splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        assert not [one for one in found if "error" in one]
        return found


def start(url: str, name: str, count: int, folder: Path) -> Appending:
    """Start a process that appends."""
    file = folder / f"{name}.answers"
    with file.open("wb") as output:
        command = [sys.executable, str(APPENDER), url, name, str(count), str(folder)]
        return Appending(subprocess.Popen(command, stdout=output, env=ENVIRONMENT), file)


def total(store: Store) -> int:
    """Return the sum of all public counters."""
    keys = [counter_key(f"c{i}") for i in range(7)]
    return sum(0 if data is None else cbor.decode(data)["sum"] for data in store.latest(keys).values())


def check_answered(store: Store, answered: dict[str, str]) -> None:
    """Check that each answered record stands where its answer says."""
    entries = store.entries_at([int(id_) for id_ in answered.values() if "." not in id_])
    stands: dict[str, StoredEntry | StoredPrivate] = {str(index): entry for index, entry in entries.items()}
    stands |= {f"{one.size}.{one.n}": one for one in store.private_between(0, 2**62)}
    documents = store.documents([stands[id_].document_hash for id_ in answered.values()])
    for record, id_ in answered.items():
        assert decode_document(documents[stands[id_].document_hash]).id == record


def test_four_processes_at_once(database: str, tmp_path: Path) -> None:
    """Each record is answered once and entered once; fsck and replay hold; a second database has the same seals."""
    ledger = open_ledger(database)
    count = soak("records by 4 processes", 2_000, 20_000) // 4
    shared = [f"shared-{start}" for start in range(0, count, BATCH)]
    for record in shared:
        keep(tmp_path / f"{record}.json", ledger.record("count", {"name": "c0", "add": 1}, client_id=record))
    processes = [start(database, f"p{n}", count, tmp_path) for n in range(4)]
    found = [one for process in processes for one in process.answers()]
    firsts = [one for one in found if not one["repeated"]]
    first = {one["record"]: one["id"] for one in firsts}
    # Each has one first answer, and what was sent again, by the same process or by another, got it too.
    assert len(firsts) == len(first) == len(set(first.values())) == count * 4 + len(shared)
    assert all(one["id"] == first[one["record"]] for one in found)
    assert sum(one["record"] in shared for one in found) == 4 * len(shared)
    check_answered(ledger.store, first)
    public = sum(1 for i in range(count) if i % 5 != 4) * 4 + len(shared)
    assert total(ledger.store) == public
    ledger.log.seal()
    report = fsck(ledger.store, FOLD)
    assert (report.private_records, report.entries - report.seals - 1) == (len(first) - public, public)
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
    rounds = soak("rounds of kill -9", 8, 200)
    for number in range(rounds):
        # It would go on for ever: how far it came when it is killed is drawn, whatever the speed of the machine.
        appending = start(database, f"r{number}", 10**9, tmp_path)
        appending.answered(rng.randrange(1, 400))
        time.sleep(rng.random() * 0.02)
        appending.process.kill()
        answered.update((one["record"], one["id"]) for one in appending.answers(-signal.SIGKILL))
        if number % 20 == 0 or number == rounds - 1:
            fsck(ledger.store, FOLD)
    check_answered(ledger.store, answered)
    # The same pairs again: what was in gets its first answer, what was not goes in now.
    for number in range(0, rounds, max(1, rounds // 2)):
        sent = len(list(tmp_path.glob(f"r{number}-*.json")))
        found = start(database, f"r{number}", sent, tmp_path).answers()
        assert len({one["record"] for one in found}) == sent
        for one in found:
            assert answered.setdefault(one["record"], one["id"]) == one["id"]
    assert len(set(answered.values())) == len(answered)
    check_answered(ledger.store, answered)
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
