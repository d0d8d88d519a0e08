"""Faults: a full disk, a connection cut in mid-commit, tables that changed, texts that have to be gone."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from counting import counter_key
from farms import GTIN, Farms, close_farms, open_farms
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, genesis, open_ledger
from sqlalchemy import inspect
from sqlmodel import SQLModel

from ledger.disclosure import make_disclosure
from ledger.errors import ClockError, RetryError, UnavailableError
from ledger.facts import public_position
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.genesis import encode_key
from ledger.log import Answer, Log
from ledger.maps import Maps
from ledger.store import Store, migrate, open_store
from ledger.store.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import PostgresServer

    from ledger.changes import StoredChange

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


def test_migrations_go_down_and_up_again(database: str) -> None:
    """A downgrade that leaves something behind would break the upgrade after it."""
    store = open_store(database)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(store.engine).get_table_names() == ["alembic_version"]
    migrate.upgrade(store.engine)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    store.close()


def test_clocks_that_disagree(database: str) -> None:
    """A process whose clock jumped stops and the others go on; within the bound, times never fall between them."""
    jump_ms = 0
    other = open_ledger(database)
    ledger = open_ledger(database, create=False, clock=lambda: time.time_ns() // 1_000_000 + jump_ms)
    times = []
    refused = 0
    for jump_ms in (0, 1_500, -1_500, 3_600_000, 1_000, -3_600_000, 0):  # noqa: B007 - the clock reads it
        try:
            times.append(ledger.submit("count", {"name": "a", "add": 1}).time_ms)
        except ClockError:
            refused += 1
        times.append(other.submit("purse", {"name": "a", "add": 1}).time_ms)
    assert refused == 2
    assert len(times) == 12
    assert times == sorted(times)
    other.log.seal()
    assert fsck(other.store, FOLD).private_records == 7
    for one in (ledger, other):
        close_ledger(one)


def test_cancelled_future_does_not_end_the_appender(database: str) -> None:
    """A caller that goes away would leave everybody after it without an answer."""
    ledger = open_ledger(database)
    with ledger.store.append():
        prepared = [ledger.log.prepare(*ledger.record("count", {"name": "a", "add": 1})) for _ in range(2)]
        together = ledger.log.enqueue(prepared)
        alone = ledger.log.submit(*ledger.record("count", {"name": "a", "add": 1}))
        together.cancel()
        alone.cancel()
    assert [one.size for one in together.result(30) if isinstance(one, Answer)] == [2, 3]
    assert alone.result(30).size == 4
    assert ledger.submit("count", {"name": "a", "add": 1}).size == 5
    close_ledger(ledger)


@contextmanager
def away(store: Store, table: str) -> Iterator[None]:
    """Keep a table from being read or written."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO away")
    yield
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE away RENAME TO {table}")


def test_failed_seal_leaves_the_maps_right(database: str) -> None:
    """Maps that ran ahead of a seal that failed would seal a state that never was."""
    ledger = open_ledger(database)
    for _ in range(3):
        ledger.submit("count", {"name": "a", "add": 1})
        with away(ledger.store, "seals"), pytest.raises(UnavailableError):
            ledger.log.seal()
        ledger.submit("purse", {"name": "a", "add": 1})
        ledger.log.seal()
    assert fsck(ledger.store, FOLD).seals == 4
    close_ledger(ledger)


def test_maps_stay_where_reading_fails(database: str) -> None:
    """Changes that a cut connection kept from being read would be missing from every later seal."""
    ledger = open_ledger(database)
    for _ in range(5):
        ledger.submit("count", {"name": "a", "add": 1})
    changes = list(ledger.store.facts_between(b"", public_position(100)))

    def cut() -> Iterator[StoredChange]:
        yield from changes[:-3]
        raise UnavailableError("cut")

    whole, resumed = Maps(FOLD), Maps(FOLD)
    whole.advance(changes)
    with pytest.raises(UnavailableError):
        resumed.advance(cut())
    resumed.advance(ledger.store.facts_between(resumed.position, public_position(100)))
    assert resumed.roots() == whole.roots()
    close_ledger(ledger)


def test_view_stays_where_moving_fails(database: str) -> None:
    """A view whose maps went on without it would give proofs that do not hold under its seal."""
    ledger = open_ledger(database)
    serving = ledger.serving()
    with serving.view() as view:
        before = (view.seal_index, view.public.root())
    ledger.submit("count", {"name": "a", "add": 1})
    ledger.log.seal()
    with away(ledger.store, "cosignatures"), pytest.raises(UnavailableError):
        serving.refresh()
    with serving.view() as view:
        assert (view.seal_index, view.public.root()) == before
    assert serving.refresh()
    with serving.view() as view:
        assert view.fact(counter_key("a"))["sum"] == 1
    close_ledger(ledger)


def test_genesis_that_failed_is_not_in_the_first_seal(database: str) -> None:
    """The next try, with another first key, begins from nothing."""
    store = open_store(database)
    log = Log(store, RULEBOOKS, KEYS, ORIGIN)
    other = {**genesis(), "actor": {"actor": "somebody", "key": encode_key(KEYS.receipt.public_key)}}
    with away(store, "seals"), pytest.raises(UnavailableError):
        log.create(other)
    assert store.head() is None
    log.create(genesis())
    assert fsck(store, FOLD).entries == 2
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


def needles() -> list[bytes]:
    """Return the text as it may stand in a file: in UTF-8, escaped, and in base64url, which has three alignments."""
    plain = [SECRET.encode(), SECRET.encode("unicode_escape")]
    # The characters at both ends depend on the neighbours; those between them do not.
    aligned = [urlsafe_b64encode(bytes(shift) + one)[4:-4] for one in plain for shift in range(3)]
    return [*plain, *aligned]


def planted(folder: Path) -> list[Path]:
    """Return the files under a folder that hold the text."""
    found = []
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a server at work removes files
            data = file.read_bytes() if file.is_file() else b""
            found += [file] if any(one in data for one in needles()) else []
    return found


def test_the_search_finds_a_disclosure(tmp_path: Path) -> None:
    """A search that misses the text as disclosures carry it would let everything pass."""
    for number in range(12):
        file = tmp_path / str(number)
        file.write_text(make_disclosure("memo" + "x" * number, "前" * (number % 4) + SECRET).text)
    assert len(planted(tmp_path)) == 12


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
    disclosure, other = make_disclosure("memo", SECRET), make_disclosure("memo", "another")
    vault.seal([(disclosure.text, True), (other.text, True)])
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        keys = dict(connection.execute("SELECT digest, key FROM keys").fetchall())
    connection.close()

    def holding(digest: str) -> list[str]:
        return [file.name for file in tmp_path.iterdir() if keys[digest] in file.read_bytes()]

    assert holding(disclosure.digest) == ["vault.db"]
    assert vault.erase(disclosure.digest)
    assert holding(disclosure.digest) == []
    vault.close()
    assert holding(disclosure.digest) == []
    assert holding(other.digest) == ["vault.db"]


def test_full_disk_of_the_vault(small_disk: Path) -> None:
    """Keys that cannot be written are a "try again", and hold off neither this process nor another afterwards."""
    vault, other = Vault(small_disk / "vault.db"), Vault(small_disk / "vault.db")
    ballast = small_disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)
    disclosures = [(make_disclosure("memo", f"{SECRET}{i}").text, True) for i in range(2_000)]
    with pytest.raises(UnavailableError, match="vault"):
        vault.seal(disclosures)
    ballast.unlink()
    for one in (other, vault):
        assert len(one.seal(disclosures[:10])) == 10
        one.close()
