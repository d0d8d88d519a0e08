"""A running node over HTTP, beside Tessera's server and the databases' own inserts, the floor of any append.

Tessera checks neither signatures nor rules; it is asked by the same client, with bodies of 300 bytes.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from conftest import measured, size
from farms import GTIN
from figures import OURS
from nodes import init_node, running_node
from servers import PostgresServer, running_postgres

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger import cbor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from figures import Figures
    from nodes import RunningNode
    from peers import Peers

BATCHES = size(10, 2)
SINGLES = size(500, 60)
MANY = size(8_000, 400)
CLIENTS = 256
ROWS = 1_000
CBOR = "application/cbor"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with running_postgres() as server:
        yield server


def drafts(node: RunningNode, count: int, lot: str) -> list[list[Any]]:
    """Return signed events on a lot, as a node takes them."""
    event = operation_event(GTIN, lot, Operation(decode_day("2026-01-05"), "施肥", "有機肥"), "fertilise")
    made = ({**event, "eventID": f"urn:uuid:{uuid.uuid4()}"} for _ in range(count))
    return [node.party.draft("event", one).encode() for one in made]


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_submits(
    benchmark: Any, figures: Figures, peers: Peers | None, tmp_path: Path, *, postgres: PostgresServer, database: str
) -> None:
    """Records in batches of 1,000 and one by one, durable, signatures and rules checked."""
    folder = tmp_path / "data"
    init_node(folder, None if database == "SQLite" else postgres.new_database())
    with running_node(folder) as node, httpx.Client(base_url=node.url, timeout=60) as client:
        bodies = iter([cbor.encode(drafts(node, ROWS, f"B{i}")) for i in range(BATCHES + 1)])

        def batch() -> None:
            answers = cbor.decode(client.post("/entries/batch", content=next(bodies), headers=of_cbor()).content)
            assert all("problem" not in one for one in answers), answers[0]

        measured(benchmark, f"submit, batches of 1,000, {database} (a record)", OURS, operations=ROWS)
        benchmark.pedantic(batch, rounds=BATCHES, iterations=1, warmup_rounds=1)

        times = []
        for one in drafts(node, SINGLES, "S1"):
            body, start = cbor.encode(one), time.perf_counter()
            assert client.post("/entries", content=body, headers=of_cbor()).status_code == 201
            times.append(time.perf_counter() - start)
        cuts = statistics.quantiles(times, n=100)
        figures.add(f"submit, one client, {database}, p50", OURS, cuts[49])
        figures.add(f"submit, one client, {database}, p99", OURS, cuts[98])

        many = [cbor.encode(one) for one in drafts(node, MANY, "S2")]
        url = f"{node.url}/entries"
        if peers is None:
            told = asyncio.run(load(url, many))
        else:
            told = peers.load(url, many, clients=CLIENTS, type_=CBOR, folder=tmp_path)
        note_load(figures, f"submit, 256 clients, {database}", OURS, told)
    if database == "SQLite":
        sqlite_floor(figures, tmp_path)
    else:
        postgres_floor(figures, postgres)


def test_tessera(figures: Figures, peers: Peers | None, tmp_path: Path) -> None:
    """Tessera's POSIX server: batches wait 10 ms for many clients and 1 ms for one, which suits it best."""
    if peers is None:
        pytest.skip("the peers in Go are missing")
    for clients, count, age in ((CLIENTS, MANY, "10ms"), (1, SINGLES, "1ms")):
        bodies = [os.urandom(300) for _ in range(count)]
        with peers.tessera(tmp_path / age, age) as url:
            told = peers.load(f"{url}/add", bodies, clients=clients, type_="application/octet-stream", folder=tmp_path)
        if clients == 1:
            figures.add("submit, one client, SQLite, p50", "Tessera", told["p50"])
            figures.add("submit, one client, SQLite, p99", "Tessera", told["p99"])
        else:
            note_load(figures, "submit, 256 clients, SQLite", "Tessera", told)


def of_cbor() -> dict[str, str]:
    """The header of a body in CBOR."""
    return {"Content-Type": CBOR}


async def load(url: str, bodies: list[bytes]) -> dict[str, float]:
    """Do what the load client in Go does, where there is no Go; much of the time is then the client's own."""
    waiting, times = iter(bodies), []

    async def run(client: httpx.AsyncClient) -> None:
        for body in waiting:
            start = time.perf_counter()
            answer = await client.post(url, content=body, headers=of_cbor())
            assert answer.status_code == 201
            times.append(time.perf_counter() - start)

    start = time.perf_counter()
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=CLIENTS)) as client:
        await asyncio.gather(*(run(client) for _ in range(CLIENTS)))
    cuts = statistics.quantiles(times, n=100)
    return {"posted": len(bodies), "seconds": time.perf_counter() - start, "p50": cuts[49], "p99": cuts[98]}


def note_load(figures: Figures, line: str, who: str, told: dict[str, float]) -> None:
    """Note what a load client told."""
    figures.add(f"{line} (a record)", who, told["seconds"] / told["posted"])
    figures.add(f"{line}, p50", who, told["p50"])
    figures.add(f"{line}, p99", who, told["p99"])


def note_floor(figures: Figures, database: str, batch_s: float, row_s: float) -> None:
    """Note what the database takes for rows of 300 bytes alone, 1,000 a transaction and one a transaction."""
    figures.add(f"submit, batches of 1,000, {database} (a record)", "raw rows", batch_s / ROWS)
    figures.add(f"submit, one client, {database}, p50", "raw row", row_s)


def seconds(work: Any) -> float:
    """Return how long something took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def sqlite_floor(figures: Figures, folder: Path) -> None:
    """SQLite in WAL, synced, as the store sets it."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (a INTEGER, b BLOB)")
    insert = "INSERT INTO t VALUES (?, ?)"

    def batch() -> None:
        connection.execute("BEGIN")
        connection.executemany(insert, rows())
        connection.execute("COMMIT")

    batches = [seconds(batch) for _ in range(BATCHES)]
    singles = [seconds(lambda row=row: connection.execute(insert, row)) for row in rows()[:200]]
    connection.close()
    note_floor(figures, "SQLite", statistics.median(batches), statistics.median(singles))


def postgres_floor(figures: Figures, postgres: PostgresServer) -> None:
    """PostgreSQL by COPY, and by single inserts."""
    with psycopg.connect(postgres.new_database(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a BIGINT, b BYTEA)")

        def batch() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY t (a, b) FROM STDIN") as copy:
                for row in rows():
                    copy.write_row(row)

        batches = [seconds(batch) for _ in range(BATCHES)]
        insert = "INSERT INTO t VALUES (%s, %s)"
        singles = [seconds(lambda row=row: connection.execute(insert, row)) for row in rows()[:200]]
    note_floor(figures, "PostgreSQL", statistics.median(batches), statistics.median(singles))


def rows() -> list[tuple[int, bytes]]:
    """Return rows of 300 bytes."""
    return [(i, os.urandom(300)) for i in range(ROWS)]
