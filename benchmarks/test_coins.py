"""Coins: charges through rules and commit beside the database's own commits, a busy till, a clearing, many accounts."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from conftest import SIZES, size
from figures import OURS
from logged import Logged, logged
from rewards import PROGRAMME, Town, name
from servers import PostgresServer, running_postgres
from test_agreements import append
from tiller import charge
from webs import services_of

from api.books import open_books
from contracts.calendar import month_of
from contracts.rewards.accounts import person_hmac
from contracts.rewards.clearing import issuer_rows, merchant_rows, statement
from ledger.admission import Prepared
from ledger.log import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from figures import Figures

RESIDENTS = size(500, 10)
BATCHES = size(10, 2)
BATCH = size(1_000, 100)
SINGLES = size(300, 20)
LINES = size(1_000_000, 10_000)
PER_SECOND, SECONDS = 200, size(20, 2)
ACTIVITY = {"name": {"zh-TW": "健走"}, "per_day": 1, "coins": 100_000}
Pair = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with running_postgres() as server:
        yield server


@contextmanager
def town_over(folder: Path, url: str | None) -> Iterator[Town]:
    """A town whose residents have coins enough for every charge."""
    world = logged(folder, url)
    town = Town(world, activities={"walk": ACTIVITY}, day_max=100_000, issuers={"county": 10**9, "town": 10**9})
    for n in range(RESIDENTS):
        town.earn(town.open(f"r{n}"), "walk")
    yield town
    world.close()


def world_of(town: Town) -> Logged:
    """Return the town's world, which is logged; its clock goes on from where its acts left it."""
    assert isinstance(town.world, Logged)
    town.world.log.clock.behind_ms = time.time_ns() // 1_000_000 - town.world.time_ms
    return town.world


def charges(world: Logged, what: str, count: int) -> list[Pair]:
    """Return signed charges by codes of now."""
    now_s = world.log.clock.now_ms() // 1000
    shops = ("noodles", "tea")
    return [charge((name(f"{what} {n}"), f"r{n % RESIDENTS}", shops[n % 2], 1 + n % 3), now_s) for n in range(count)]


def hand_in(world: Logged, pairs: Sequence[Pair]) -> Future[list[Any]]:
    """Check forms and signatures and put the records in line, as the desk does."""
    ready = world.log.prepare_many([(statement, document, None) for statement, document in pairs])
    return world.log.enqueue([one for one in ready if isinstance(one, Prepared)])


def expect_in(answers: Sequence[Any], count: int) -> None:
    """Check that every record was let in."""
    assert len(answers) == count
    assert all(isinstance(one, Answer) for one in answers), next(one for one in answers if not isinstance(one, Answer))


def timed(world: Logged, pairs: Sequence[Pair]) -> float:
    """Return how long records take until they are durable, in seconds."""
    start = time.perf_counter()
    answers = hand_in(world, pairs).result(120)
    seconds = time.perf_counter() - start
    expect_in(answers, len(pairs))
    return seconds


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_charges(figures: Figures, tmp_path: Path, postgres: PostgresServer, database: str) -> None:
    """Charges in batches and one by one, codes and records checked, durable; beside single rows of the database."""
    url = None if database == "SQLite" else postgres.new_database()
    with town_over(tmp_path, url) as town:
        world = world_of(town)
        batches = [charges(world, f"batch {n}", BATCH) for n in range(BATCHES)]
        batch_s = statistics.median(timed(world, one) for one in batches) / BATCH
        figures.add(f"a charge, batches of {BATCH:,}, {database}", OURS, batch_s)
        singles = [timed(world, [one]) for one in charges(world, "single", SINGLES)]
        line = f"a charge, one at a time, {database}, p50"
        figures.add(line, OURS, statistics.median(singles))
        till(figures, world, database)
        cleared(figures, town, database)
    if database == "PostgreSQL":
        figures.add(line, "a row of 300 B, committed", postgres_row_s(postgres))
        figures.add(
            f"a charge, batches of {BATCH:,}, {database}", "a row of 300 B, committed", postgres_row_s(postgres)
        )


def postgres_row_s(postgres: PostgresServer) -> float:
    """Return how long PostgreSQL takes for a row in a transaction of its own: what a charge alone cannot be below."""
    with psycopg.connect(postgres.new_database(), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a BIGINT, b BYTEA)")
        times = []
        for n in range(SINGLES):
            start = time.perf_counter()
            connection.execute("INSERT INTO t VALUES (%s, %s)", (n, b"\0" * 300))
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def till(figures: Figures, world: Logged, database: str) -> None:
    """Note how long a charge takes where 200 come a second, each at its moment, and seals go on beside them."""
    pairs, done = charges(world, "till", PER_SECOND * SECONDS), dict[int, float]()
    stop = threading.Event()

    def seal() -> None:
        while not stop.wait(0.25):
            world.log.seal_if_due()

    beat = threading.Thread(target=seal, daemon=True)
    beat.start()
    start, waiting = time.perf_counter(), []
    for n, pair in enumerate(pairs):
        time.sleep(max(0.0, start + n / PER_SECOND - time.perf_counter()))
        answer = hand_in(world, [pair])
        answer.add_done_callback(lambda _, n=n: done.setdefault(n, time.perf_counter()))  # type: ignore[misc]
        waiting.append(answer)
    for one in waiting:
        expect_in(one.result(120), 1)
    stop.set()
    beat.join()
    # From when it should have come, so that a stall counts for everybody who stood in line.
    cuts = statistics.quantiles([done[n] - start - n / PER_SECOND for n in range(len(pairs))], n=100)
    figures.add(f"a charge at {PER_SECOND}/s, {database}, p50", OURS, cuts[49])
    figures.add(f"a charge at {PER_SECOND}/s, {database}, p99", OURS, cuts[98])


def cleared(figures: Figures, town: Town, database: str) -> None:
    """Note how long the ledger takes for the month's clearing of all these charges, from either side."""
    world = world_of(town)
    books, month, shops = open_books(services_of(world), PROGRAMME), month_of(world.time_ms), ("noodles", "tea")
    count = sum(books.line_count(shop, month) for shop in shops)
    start = time.perf_counter()
    counted = books.counted(shops, month)
    figures.add(f"clearing over the ledger, counted from the lines, {database} (a charge)", OURS,
                (time.perf_counter() - start) / count)  # fmt: skip
    start = time.perf_counter()
    owed = books.due(books.issuer_rows(("county", "town"), shops, month), month)
    figures.add(f"clearing over the ledger, from the issuers' sums, {database}", OURS, time.perf_counter() - start)
    assert [line.row for line in owed] == counted
    assert sum(row.charged for row in counted) > count


def test_a_clearing(figures: Figures) -> None:
    """A month of a million charges: counted from a merchant's lines, and from the sums of its issuers."""
    terms = {"value": 100, "refund_permille": 950, "fee_permille": 10}
    lines = [
        {"branch": f"b{n % 4}", "refund": n % 50 == 0, "owed": {("county", "town")[n % 2]: {"coins": 1 + n % 3}}}
        for n in range(LINES)
    ]
    start = time.perf_counter()
    rows = merchant_rows("noodles", lines)
    counted = statement(rows, terms)
    figures.add(f"clearing of {LINES:,} charges, from lines in memory", OURS, time.perf_counter() - start)
    sums: dict[str, Any] = {}
    for row in rows:
        sums.setdefault(row.issuer, {}).setdefault(row.branch, {})[row.means] = [row.charged, row.refunded]
    start = time.perf_counter()
    owed = statement([row for issuer, one in sums.items() for row in issuer_rows(issuer, {"noodles": one})], terms)
    figures.add(f"clearing of {LINES:,} charges, from sums in memory", OURS, time.perf_counter() - start)
    assert counted == owed


@pytest.mark.parametrize("accounts", SIZES)
def test_growth(figures: Figures, tmp_path: Path, accounts: int) -> None:
    """A charge and a balance where so many people have an account."""
    with town_over(tmp_path, None) as town:
        world = world_of(town)
        start = time.perf_counter()
        for first in range(0, accounts, BATCH):
            append(world, world.time_ms, [opened(town, n) for n in range(first, min(first + BATCH, accounts))])
        figures.add(
            "an account opened, in batches (SQLite)", OURS, (time.perf_counter() - start) / accounts, size=accounts
        )
        world.log.seal()
        batches = [charges(world, f"batch {n}", BATCH) for n in range(3)]
        seconds = statistics.median(timed(world, one) for one in batches) / BATCH
        figures.add("a charge in a batch, beside so many accounts (SQLite)", OURS, seconds, size=accounts)
        singles = statistics.median(timed(world, [one]) for one in charges(world, "single", SINGLES // 3))
        figures.add("a charge alone, beside so many accounts (SQLite)", OURS, singles, size=accounts)


def opened(town: Town, number: int) -> Any:
    """Return the record that opens an account of somebody without a phone."""
    body = {"programme": PROGRAMME, "account": name(f"account {number}"), "person": person_hmac(b"k" * 32, str(number))}
    expires_at_s = town.world.time_ms // 1000 + 600
    return town.world.submission("clinic", "coins-account", body, expires_at_s=expires_at_s)
