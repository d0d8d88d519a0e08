"""Licences: conflicts among 100,000 grants as a rule and a page pay for them, statements, certificates, the verdict."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from conftest import size
from fastapi.testclient import TestClient
from figures import OURS
from licences import open_studio
from studio import licence_bundle, now_s, open_logged, world_of
from test_royalty_accounts import open_account, state_sales
from webs import services_of

from api.app import create_app
from contracts.licences.accounts import SALES_MAX
from contracts.licences.conflicts import find, stem_of
from contracts.licences.keys import licence_key
from contracts.licences.royalties import NET_SALES, Account, Royalty, settle, tally
from contracts.licences.scope import Scope
from contracts.licences.shelf import EXCLUSIVE, USE, Shelf, conflicts
from contracts.licences.territories import PARENTS
from contracts.licences.vocabulary import ANY, CHANNELS, FIELDS, LANGUAGES, PRODUCTS
from ledger import cbor
from ledger.errors import RefusedError
from verifiers.licence import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from figures import Figures

GRANTS = size(100_000, 1_000)
SEARCHES = size(2_000, 50)
STEM = stem_of("W-1", None)
PLACES = sorted(
    {code for code, above in PARENTS.items() if above == "TW" or above.startswith("TW-")} | {"JP", "KR", "US"}
)


@dataclass
class Table:
    """Facts as the store hands them over: bytes that are decoded on each reading, once a search.

    Attributes:
        facts: encoded values by key.
        rounds: in how many rounds they were asked for.
        read: how many were read.
    """

    facts: dict[bytes, bytes] = field(default_factory=dict)
    rounds: int = 0
    read: int = 0

    def get(self, key: bytes) -> Any | None:
        """Return a fact."""
        self.read += 1
        data = self.facts.get(key)
        return None if data is None else cbor.decode(data)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Count a round."""
        self.rounds += any(True for _ in keys)

    def set(self, changes: dict[bytes, Any]) -> None:
        """Write facts."""
        self.facts.update((key, cbor.encode(value)) for key, value in changes.items())


def draw(rng: random.Random) -> Scope:
    """Return a scope as makers ask for them: a place or two, a use, a class, for a season to three years."""
    first = date(2026, 1, 1) + timedelta(days=rng.randrange(3650))
    last = first + timedelta(days=rng.randrange(30, 1095))
    return Scope(
        tuple(sorted(rng.sample(PLACES, rng.choice([1, 1, 2])))),
        tuple(sorted(rng.sample(sorted(FIELDS), rng.choice([1, 1, 2])))),
        tuple(sorted(rng.sample(sorted(PRODUCTS), rng.choice([1, 2])))),
        (rng.choice([ANY, *sorted(CHANNELS)]),),
        (rng.choice([ANY, *sorted(LANGUAGES)]),),
        first.isoformat(),
        last.isoformat(),
    )


def put(table: Table, name: str, scope: Scope, *, exclusive: bool) -> None:
    """Put a grant on the shelves, as the rule does, with as much of its state as a conflict reads."""
    table.set(Shelf(table, STEM, USE).put(name, scope)[0])
    if exclusive:
        table.set(Shelf(table, STEM, EXCLUSIVE).put(name, scope)[0])
    table.set({licence_key(name): {"use": scope.as_data(), "last": scope.last, "exclusive": exclusive}})


@pytest.fixture(scope="module")
def table() -> Table:
    """The shelves of a work with many grants; one in ten that conflicts with none is exclusive."""
    rng, found = random.Random(20261127), Table()
    for number in range(GRANTS):
        scope = draw(rng)
        free = number % 10 == 0 and not conflicts(found, STEM, scope, scope.last, exclusive=True)
        put(found, f"L-{number}", scope, exclusive=free)
    return found


def search(table: Table, wanted: list[Scope], *, exclusive: bool) -> list[float]:
    """Return how long each search computed, sorted, in seconds; nothing in it waits."""
    times = []
    for scope in wanted:
        start = time.thread_time()
        find(table, STEM, scope, scope.last, exclusive=exclusive)
        times.append(time.thread_time() - start)
    return sorted(times)


@pytest.mark.parametrize("exclusive", [False, True], ids=["bars nobody", "exclusive"])
def test_conflicts(figures: Figures, table: Table, exclusive: bool) -> None:  # noqa: FBT001
    """A search through all grants: reading, decoding and comparing, without the database's own time."""
    rng = random.Random(7)
    table.rounds = table.read = 0
    times = search(table, [draw(rng) for _ in range(SEARCHES)], exclusive=exclusive)
    what = f"conflicts of one {'exclusive licence' if exclusive else 'licence'} among {GRANTS:,}"
    figures.add(f"{what}, p50", OURS, times[len(times) // 2])
    figures.add(f"{what}, p99", OURS, times[len(times) * 99 // 100])
    print(f"\n{what}: {table.rounds / SEARCHES:.1f} rounds, {table.read / SEARCHES:.0f} facts a search")  # noqa: T201


def test_a_licence_by_the_rule(figures: Figures, table: Table) -> None:
    """Offered and accepted: both signatures, the whole rule each time, in as many rounds as it has to read."""
    rng, studio, times = random.Random(11), open_studio(), []
    studio.world.facts.update(table.facts)
    for number in range(size(300, 10)):
        start = time.thread_time()
        try:
            studio.grant(studio.terms(f"N-{number}", scope=draw(rng)))
        except RefusedError as error:
            assert error.rule in {"licences.overlap", "licences.past"}  # noqa: PT017 - refusals cost the same
        times.append(time.thread_time() - start)
    what = f"a licence among {GRANTS:,}, offered and accepted, by the rule"
    figures.add(f"{what}, p50", OURS, sorted(times)[len(times) // 2])
    figures.add(f"{what}, p99", OURS, sorted(times)[len(times) * 99 // 100])


def test_conflicts_over_everything(figures: Figures, table: Table) -> None:
    """The widest wish there is: every place, every use, without an end."""
    words = dict.fromkeys(("fields", "products", "channels", "languages"), (ANY,))
    wanted = Scope(territories=("001",), **words, first="2026-01-01", last=None)
    figures.add(f"conflicts of an exclusive licence to everything among {GRANTS:,}", OURS,
         search(table, [wanted] * 5, exclusive=True)[2])  # fmt: skip


def test_one_crowded_cell(figures: Figures) -> None:
    """The worst place: every grant in one county for one use on the same days, each of another class or channel."""
    found = Table()
    grants = GRANTS // 10
    for number in range(grants):
        scope = Scope(("TW-TTT",), ("packaging",), (str(1 + number % 44),), ("shop",), ("zh",), "2026-01-01", None)
        put(found, f"L-{number}", scope, exclusive=False)
    wanted = Scope(("TW-TTT",), ("packaging",), ("45",), ("shop",), ("zh",), "2026-01-01", None)
    times = search(found, [wanted] * size(20, 2), exclusive=True)
    figures.add(f"conflicts in a cell of {grants:,} grants, none found", OURS, times[len(times) // 2])


def test_royalties(figures: Figures) -> None:
    """A statement's arithmetic over many sales, and one as long as a document may be, judged by the rule."""
    rng = random.Random(3)
    count = size(1_000_000, 10_000)
    sales = [{"pieces": rng.randrange(1, 9), "gross": rng.randrange(100, 90_000)} for _ in range(count)]
    royalty = Royalty("TWD", NET_SALES, ((0, 50), (10**9, 70)), 20_000, 60_000, 100, 1, 10, "half-up")
    start = time.perf_counter()
    found = settle(royalty, Account(), tally(sales))
    figures.add(f"a statement of {count:,} sales", OURS, time.perf_counter() - start)
    assert found.due > 0

    studio = open_studio()
    studio.grant(studio.terms("L-1", royalty=royalty))
    studio.produce("L-1", "P-1", 10**6)
    open_account(studio)
    studio.later(31)
    some = sales[:SALES_MAX]
    start = time.perf_counter()
    state_sales(studio, 1, *some)
    figures.add(f"a statement of {len(some):,} sales, by the rule", OURS, time.perf_counter() - start)


def test_certificates(figures: Figures, tmp_path: Path) -> None:
    """What one reader waits for: the certificate as page and on paper, the proof file, and its verdict."""
    studio = open_logged(tmp_path)
    studio.mandate("M-1", "hana", "amis", "agent", works=["W-2"])
    for number in range(size(20, 3)):
        scope = studio.scope(last=3_000, products=(str(number % 40 + 1),))
        studio.grant(studio.terms(f"L-{number}", work="W-2", scope=scope), "agent", "tea", mandates=("M-1",))
    data = licence_bundle(studio, "L-1")
    client = TestClient(create_app(services_of(world_of(studio))))
    client.get("/licences/L-1/pdf")  # fonts are looked for once
    for what, path in (("page", "certificate"), ("on paper (PDF)", "pdf"), ("proof file", "bundle")):
        seconds = median(partial(client.get, f"/licences/L-1/{path}"))
        figures.add(f"certificate of a people's licence, {what}", OURS, seconds)
    policy, now = world_of(studio).policy(), now_s(studio)
    assert verify(data, policy, now).kind == "operator"
    figures.add(f"verdict on a licence, offline, {len(data):,} bytes", OURS, median(partial(verify, data, policy, now)))
    world_of(studio).close()


def median(call: Callable[[], object]) -> float:
    """Return how long a call takes, the median of a few, in seconds."""
    times = []
    for _ in range(size(11, 3)):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]
