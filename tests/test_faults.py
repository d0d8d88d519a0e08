"""Faults: a full disk, a connection cut in mid-commit, tables that changed, texts that have to be gone."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from farms import GTIN, Farms, close_farms, open_farms
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, genesis, open_ledger
from sqlmodel import SQLModel

from ledger.disclosure import make_disclosure
from ledger.errors import RetryError, UnavailableError
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.log import Log
from ledger.store import open_store
from ledger.store.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import PostgresServer

FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_loses_nothing(small_disk: Path) -> None:
    """A disk that is full answers "try again"; what was answered is there, and the log goes on when there is space."""
    ledger = open_ledger(f"sqlite:///{small_disk}/ledger.db")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    answered = 0
    failed: BaseException | None = None
    while failed is None and answered < 200:
        pair = ledger.record("count", {"name": "a", "add": 1, "text": "x" * 20_000})
        failed = ledger.log.submit(*pair).exception(30)
        answered += failed is None
    assert isinstance(failed, UnavailableError)
    assert answered > 5
    ballast.unlink()
    assert ledger.log.submit(*pair).result(30).repeated is False
    ledger.log.seal()
    assert fsck(ledger.store, FOLD).entries == answered + 4
    close_ledger(ledger)


class Proxy:
    """A TCP proxy to PostgreSQL that can cut a connection around its next COMMIT."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cut: str | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        muted = threading.Event()
        back = threading.Thread(target=self._answers, args=(server, client, muted), daemon=True)
        back.start()
        with client, server:
            self._requests(client, server, muted)
            for one in (client, server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            back.join()

    def _requests(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if b"COMMIT" in data and self.cut is not None:
                    when, self.cut = self.cut, None
                    self.cuts += 1
                    if when == "after":
                        # The server commits; its answer never arrives.
                        muted.set()
                        server.sendall(data)
                        threading.Event().wait(0.3)
                    return
                server.sendall(data)

    def _answers(self, server: socket.socket, client: socket.socket, muted: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if muted.is_set():
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@pytest.mark.postgres
@pytest.mark.parametrize("when", ["before", "after"])
def test_connection_cut_in_mid_commit(postgres_server: PostgresServer, when: str) -> None:
    """Nobody can know whether the commit happened; the same id tried again is one record either way."""
    direct = postgres_server.new_database()
    proxy = Proxy(postgres_server.port)
    ledger = open_ledger(direct.replace(f":{postgres_server.port}/", f":{proxy.port}/"))
    try:
        ledger.submit("count", {"name": "a", "add": 1})
        pair = ledger.record("count", {"name": "a", "add": 1}, client_id="cut")
        proxy.cut = when
        with pytest.raises(RetryError):
            ledger.log.submit(*pair).result(60)
        assert proxy.cuts == 1
        answer = ledger.log.submit(*pair).result(60)
        assert (answer.size, answer.repeated) == (3, when == "after")
        ledger.log.seal()
        assert fsck(ledger.store, FOLD).entries == 5
    finally:
        close_ledger(ledger)
        proxy.close()


@pytest.mark.postgres
def test_backends_terminated_under_load(postgres_server: PostgresServer) -> None:
    """Connections that the server ends are replaced; every answer given stays true."""
    url = postgres_server.new_database()
    ledger = open_ledger(url)
    stop = threading.Event()

    def terminate() -> None:
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            while not stop.wait(0.05):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (url.rpartition("/")[2],),
                )

    thread = threading.Thread(target=terminate)
    thread.start()
    answered = 0
    try:
        for _ in range(150):
            try:
                ledger.submit("count", {"name": "a", "add": 1})
                answered += 1
            except RetryError:
                continue
    finally:
        stop.set()
        thread.join()
    ledger.submit("count", {"name": "a", "add": 1})
    report = fsck(ledger.store, FOLD)
    # A commit whose answer was cut off is in the log unanswered; an answered one is never missing.
    assert report.entries >= answered + 3
    close_ledger(ledger)


def test_migrated_tables_are_the_tables(database: str) -> None:
    """A table changed without a migration would break whoever upgrades."""
    store = open_store(database)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    store.close()


def test_failed_genesis_leaves_nothing(database: str) -> None:
    """All or nothing, from the first transaction on."""
    store = open_store(database)
    broken: dict[str, Any] = {**genesis(), "actor": {}}
    with pytest.raises(KeyError):
        Log(store, RULEBOOKS, KEYS, ORIGIN).create(broken)
    assert store.head() is None
    Log(store, RULEBOOKS, KEYS, ORIGIN).create(genesis())
    store.close()


SECRET = "王小明的秘密備註"


def planted(folder: Path) -> list[str]:
    """Return the files under a folder that hold the text, in UTF-8 or as its disclosure has it."""
    needles = [SECRET.encode(), SECRET.encode("unicode_escape")]
    return [
        str(file) for file in folder.rglob("*") if file.is_file() and any(one in file.read_bytes() for one in needles)
    ]


def test_hidden_text_is_nowhere_in_sqlite(tmp_path: Path) -> None:
    """By raw byte search of database, log and shared memory: before the erasure ciphertext only, after it no key."""
    farms = open_farms(tmp_path)
    _plant(farms)
    assert planted(tmp_path) == []
    _erase(farms)
    assert planted(tmp_path) == []
    close_farms(farms)
    assert planted(tmp_path) == []


@pytest.mark.postgres
def test_hidden_text_is_nowhere_in_postgres(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The same in PostgreSQL's data folder, write-ahead log included."""
    farms = open_farms(tmp_path, postgres_server.new_database())
    _plant(farms)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    assert planted(postgres_server.data) == []
    _erase(farms)
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    assert planted(postgres_server.data) == []
    close_farms(farms)


def _plant(farms: Farms) -> None:
    farms.submit("farm-1", "lot", {"gtin": GTIN, "lot": "L1"}, hidden={"memo": SECRET})
    farms.log.seal()


def _erase(farms: Farms) -> None:
    (stored,) = [one for one in farms.store.beside()["disclosures"] if one[2] == "memo"]
    farms.submit("farm-1", "erasure", {"digest": stored[0], "authority": "個資法", "reason": "當事人要求"})
    farms.vault.erase(stored[0])
    farms.store.forget_disclosure(stored[0])
    assert farms.store.disclosure(stored[0]) is None


def test_erased_key_is_gone_from_the_vault(tmp_path: Path) -> None:
    """A deleted key that stayed in a free page could be read back."""
    vault = Vault(tmp_path / "vault.db")
    disclosure = make_disclosure("memo", SECRET)
    vault.seal([(disclosure.text, True)])
    keys = vault._connection.execute("SELECT key FROM keys").fetchall()
    assert keys[0][0] in (tmp_path / "vault.db").read_bytes()
    assert vault.erase(disclosure.digest)
    vault.close()
    for file in tmp_path.iterdir():
        assert keys[0][0] not in file.read_bytes()
