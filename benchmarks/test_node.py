"""A running node over HTTP, beside the database's own inserts: what an append cannot be cheaper than."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from conftest import size
from farms import GTIN, Farms, close_farms, open_farms
from servers import PostgresServer, free_port, running_postgres
from webs import client_of

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger import cbor
from ledger.admission import Prepared
from ledger.signature import SigningKey
from node.client import Party
from node.keyfile import read_keyfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCHES = size(10, 2)
SINGLES = size(400, 60)
CLIENTS = size(64, 8)
HISTORY = size(10_000, 1_000)
PASSPHRASE = "benchmark-only"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with running_postgres() as server:
        yield server


@contextmanager
def node(folder: Path, database: str | None) -> Iterator[tuple[str, Party]]:
    """A node as users run it, and its operator as a party."""
    environment = {**os.environ, "FENGTU_PASSPHRASE": PASSPHRASE}
    fengtu = [sys.executable, "-c", "from node.cli import main; main()"]
    more = ["--database", database] if database else []
    subprocess.run(
        [*fengtu, "init", folder, "--origin", "bench.test/log", *more], check=True, env=environment, capture_output=True
    )
    port = free_port()
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [*fengtu, "run", "--data", folder, "--port", str(port)], env=environment, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{url}/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        file = read_keyfile(folder / "keys" / "operator.json")
        yield url, Party("operator", file.open(PASSPHRASE), "bench.test/log")
    finally:
        process.terminate()
        process.wait(30)


def drafts(party: Party, count: int, lot: str) -> list[list[Any]]:
    """Return signed events on a lot, as a node takes them."""
    event = operation_event(GTIN, lot, Operation(decode_day("2026-01-05"), "施肥", "有機肥"), "fertilise")
    return [party.draft("event", {**event, "eventID": f"urn:uuid:{uuid.uuid4()}"}).encode() for _ in range(count)]


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_appends(benchmark: Any, tmp_path: Path, postgres: PostgresServer, line: Any, database: str) -> None:
    """Records in batches of 1,000 and one by one, durable, signatures and rules checked."""
    url = None if database == "SQLite" else postgres.new_database()
    with node(tmp_path / "data", url) as (address, party), httpx.Client(base_url=address, timeout=60) as client:
        bodies = [cbor.encode(drafts(party, 1_000, f"B{i}")) for i in range(BATCHES)]
        headers = {"Content-Type": "application/cbor"}
        remaining = iter(bodies)

        def batch() -> None:
            answers = cbor.decode(client.post("/entries/batch", content=next(remaining), headers=headers).content)
            assert all("problem" not in one for one in answers), answers[0]

        benchmark.group = f"append over HTTP, batches of 1,000, {database} (a record)"
        benchmark.extra_info.update(operations=1_000)
        benchmark.pedantic(batch, rounds=BATCHES, iterations=1)

        singles = [cbor.encode(one) for one in drafts(party, SINGLES, "S1")]
        times = []
        for one in singles:
            start = time.perf_counter()
            assert client.post("/entries", content=one, headers=headers).status_code == 201
            times.append(time.perf_counter() - start)
        note_percentiles(line, f"append over HTTP, one client, {database}", times)

        many = [cbor.encode(one) for one in drafts(party, SINGLES * 2, "S2")]
        start = time.perf_counter()
        times = asyncio.run(flood(address, many))
        line(
            f"append over HTTP, {CLIENTS} clients, {database} (a record)",
            "ours",
            (time.perf_counter() - start) / len(many),
        )
        note_percentiles(line, f"append over HTTP, {CLIENTS} clients, {database}", times)
    floor(line, database, tmp_path, postgres)


async def flood(address: str, bodies: list[bytes]) -> list[float]:
    """Post bodies from many clients at once; return how long each took."""
    waiting, times = asyncio.Queue[bytes](), []
    for body in bodies:
        waiting.put_nowait(body)
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:

        async def run() -> None:
            while not waiting.empty():
                body = waiting.get_nowait()
                start = time.perf_counter()
                answer = await client.post("/entries", content=body, headers={"Content-Type": "application/cbor"})
                assert answer.status_code == 201
                times.append(time.perf_counter() - start)

        await asyncio.gather(*(run() for _ in range(CLIENTS)))
    return times


def note_percentiles(line: Any, name: str, times: list[float]) -> None:
    """Note p50 and p99."""
    cuts = statistics.quantiles(times, n=100)
    line(f"{name}, p50", "ours", cuts[49])
    line(f"{name}, p99", "ours", cuts[98])


def floor(line: Any, database: str, folder: Path, postgres: PostgresServer) -> None:
    """Note what the database takes for rows of 300 bytes alone, 1,000 a transaction and one a transaction."""
    rows = [(i, os.urandom(300)) for i in range(1_000)]
    name = f"append over HTTP, batches of 1,000, {database} (a record)"
    single = f"append over HTTP, one client, {database}, p50"
    if database == "SQLite":
        connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (a INTEGER, b BLOB)")
        start = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        line(name, "raw rows", (time.perf_counter() - start) / len(rows))
        start = time.perf_counter()
        for row in rows[:200]:
            connection.execute("INSERT INTO t VALUES (?, ?)", row)
        line(single, "raw row", (time.perf_counter() - start) / 200)
        connection.close()
        return
    with psycopg.connect(postgres.new_database(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a BIGINT, b BYTEA)")
        start = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s, %s)", rows)
        line(name, "raw rows", (time.perf_counter() - start) / len(rows))
        start = time.perf_counter()
        for row in rows[:200]:
            connection.execute("INSERT INTO t VALUES (%s, %s)", row)
        line(single, "raw row", (time.perf_counter() - start) / 200)


def grow(farms: Farms, count: int) -> None:
    """Add records on other lots, a thousand a batch."""
    farms.keys.setdefault("operator", SigningKey.generate())
    party = Party("farm-1", farms.keys["farm-1"], farms.log.origin)
    for start in range(0, count, 1_000):
        pairs = [(one[0], one[1], None) for one in drafts(party, min(1_000, count - start), f"G{start}")]
        prepared = [one for one in farms.log.prepare_many(pairs) if isinstance(one, Prepared)]
        assert len(farms.log.enqueue(prepared).result(60)) == len(pairs)


@pytest.mark.parametrize("records", [HISTORY, HISTORY * 10])
def test_product_page(benchmark: Any, tmp_path: Path, line: Any, records: int) -> None:
    """A lot's page and proof file in a ledger of many records."""
    farms = open_farms(tmp_path)
    try:
        farms.season()
        grow(farms, records)
        client = client_of(farms)
        for what, path in (("page", f"/products/{GTIN}/L1"), ("bundle", f"/products/{GTIN}/L1/bundle")):
            times = []
            client.get(path, headers={"accept": "text/html"})
            for _ in range(size(200, 30)):
                start = time.perf_counter()
                assert client.get(path, headers={"accept": "text/html"}).status_code == 200
                times.append(time.perf_counter() - start)
            note_percentiles(line, f"product {what}, {records:,} records", times)
        benchmark.group = f"product page, {records:,} records"
        benchmark.pedantic(lambda: client.get(f"/products/{GTIN}/L1"), rounds=20, iterations=1)
    finally:
        close_farms(farms)
