"""A town's day from four processes at once: retries, duplicates, races and vouchers; every coin is accounted for."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conftest import soak
from logged import Logged, logged
from rewards import PROGRAMME, Town, name
from tiller import BATCH, PROCESSES, charge

from contracts.calendar import month_of
from contracts.rewards.book import holder_of
from contracts.rewards.clearing import issuer_rows, liability, merchant_rows
from contracts.rewards.keys import charge_key, holder_key, issuer_key, merchant_key
from ledger.backup import backup, restore
from ledger.changes import StoredChange
from ledger.facts import private_position
from ledger.fsck import fsck
from ledger.replay import replay
from ledger.store import open_store

if TYPE_CHECKING:
    from ledger.fold import Fold

TILLER = Path(__file__).with_name("tiller.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TILLER.parent), str(TILLER.parents[1])])}
ACTIVITY = {"name": {"zh-TW": "健走"}, "per_day": 1}


def open_town(world: Logged, residents: int, merchants: int, coins: int) -> Town:
    """Open a town in which each resident holds coins of two issuers."""
    shops = [f"m{n}" for n in range(merchants)]
    for shop in shops:
        world.register("county", shop, "merchant")
    changes: dict[str, Any] = {
        "merchants": {shop: ["main"] for shop in shops},
        "issuers": {"county": 10**7, "town": 10**7}, "day_max": coins,
        "activities": {one: {**ACTIVITY, "coins": coins // 2} for one in ("walk", "swim")},
    }  # fmt: skip
    town = Town(world, **changes)
    for n in range(residents):
        account = town.open(f"r{n}")
        town.earn(account, "walk")
        town.earn(account, "swim", station="station")
    return town


def run(world: Logged, url: str, folder: Path, jobs: list[Any], shared: dict[int, list[Any]]) -> list[dict[str, Any]]:
    """Let the processes charge side by side; return every answer."""
    (folder / "shared.json").write_text(json.dumps(shared))
    behind_ms = time.time_ns() // 1_000_000 - world.time_ms
    processes = []
    for n in range(PROCESSES):
        (folder / f"{n}.json").write_text(json.dumps(jobs[n::PROCESSES]))
        with (folder / f"{n}.answers").open("wb") as output:
            command = [sys.executable, str(TILLER), url, str(n), str(folder), str(behind_ms)]
            processes.append(subprocess.Popen(command, stdout=output, env=ENVIRONMENT))
    codes = [process.wait(3_600) for process in processes]
    assert codes == [0] * PROCESSES
    return [json.loads(line) for n in range(PROCESSES) for line in (folder / f"{n}.answers").read_text().splitlines()]


def test_a_day_at_the_tills(database: str, tmp_path: Path) -> None:
    """Each charge pays once whoever sends it how often; sums agree from both sides; replay gives the same seals."""
    residents, merchants = soak("residents", 12, 200), soak("merchants", 4, 20)
    count = soak("charges from 4 processes", 480, 50_000)
    rng, world = random.Random(6), logged(tmp_path, database)
    # Fewer coins than are asked for: some charges find nothing left, and some vouchers are not paid.
    town = open_town(world, residents, merchants, 2 * (count * 2 // residents * 4 // 20))

    def job(what: str, n: int) -> tuple[str, str, str, int]:
        return (
            name(f"{what} {n}"), f"r{rng.randrange(residents)}", f"m{rng.randrange(merchants)}", rng.randrange(1, 4)
        )  # fmt: skip

    jobs = [job("charge", n) for n in range(count * 9 // 10)]
    vouchers = [job("voucher", n) for n in range(count - len(jobs))]
    batches, now_s = -(-len(jobs) // PROCESSES // BATCH), world.time_ms // 1000
    shared: dict[int, list[Any]] = defaultdict(list)
    for n, one in enumerate(vouchers):
        # Late in the day, the same bytes from all processes at once; every third is also signed anew by its merchant.
        for again in range(2 if n % 3 == 0 else 1):
            pair = charge(one, now_s, offline=True, again=again)
            shared[batches - 1 - n % max(1, batches // 3)].append([one[0], *(part.hex() for part in pair)])
    answers = run(world, database, tmp_path, jobs, shared)

    first: dict[str, set[str]] = defaultdict(set)
    refused: Counter[str] = Counter()
    for answer in answers:
        if "id" in answer:
            first[answer["charge"]].add(answer["id"])
        else:
            refused[answer["rule"]] += 1
    assert set(refused) <= {"coins.balance", "till.code-used"}
    assert all(refused[rule] for rule in ("coins.balance", "till.code-used"))
    assert all(len(ids) == 1 for ids in first.values()), "a charge was let in twice"
    assert {one[0] for one in vouchers} <= set(first)
    check_sums(town, residents, [*jobs, *vouchers], set(first))
    check_attributed(town, residents, vouchers)
    check_both_sides(town, merchants)
    check_replayed(world, tmp_path)
    world.close()


def test_a_store_is_asked_for_very_many_rows_at_once(database: str) -> None:
    """A day between two seals, or a long account, names more rows in one question than a database's stack is deep."""
    store = open_store(database)
    positions = [private_position(7, n) for n in range(12_000)]
    changes = [StoredChange(charge_key(f"{n:032x}"), at, b"\0", True, "m0") for n, at in enumerate(positions)]
    assert store.misplaced(changes) == len(changes)
    assert store.private_at(positions) == {}
    store.close()


def check_sums(town: Town, residents: int, jobs: list[Any], entered: set[str]) -> None:
    """Check each account and merchant against a plain count of the charges that were let in."""
    spent, taken = Counter[str](), Counter[str]()
    for nonce, resident, merchant, coins in jobs:
        state = town.world.get(charge_key(nonce))
        assert (state is not None) == (nonce in entered)
        if state is None:
            continue
        assert state["posted"] == (coins if state["stage"] == "posted" else 0)
        assert (state["account"], state["merchant"], state["coins"]) == (name(resident), merchant, coins)
        spent[resident] += state["posted"]
        taken[merchant] += state["posted"]
    issued = 0
    for n in range(residents):
        balance = town.purse(name(f"r{n}")).balance()
        assert balance["spent"] == spent[f"r{n}"]
        assert balance["issued"] == balance["available"] + balance["spent"]
        assert min(balance.values()) >= 0
        issued += balance["issued"]
    funds = [town.funds(one) for one in ("county", "town")]
    assert sum(one["issued"] for one in funds) == issued
    assert sum(one["spent"] for one in funds) == sum(spent.values()) == sum(taken.values())
    assert sum(liability(one, town.world.time_ms) for one in funds) == issued - sum(spent.values())


def check_attributed(town: Town, residents: int, vouchers: list[Any]) -> None:
    """Check that each voucher that was not paid names the account whose key signed it, and counts there."""
    unpaid: Counter[str] = Counter()
    for nonce, resident, _, _ in vouchers:
        state = town.world.get(charge_key(nonce))
        if state["stage"] == "unpaid":
            unpaid[state["account"]] += 1
            assert state["account"] == name(resident)
            kid = town.state(state["account"])["keys"][0]
            assert town.world.get(holder_key(bytes.fromhex(kid)))["actor"] == holder_of(state["account"])
    assert unpaid
    for n in range(residents):
        assert town.state(name(f"r{n}"))["unpaid"] == unpaid[name(f"r{n}")]


def check_both_sides(town: Town, merchants: int) -> None:
    """Check that merchants' lines and issuers' sums give the same statement."""
    month, shops = month_of(town.world.time_ms), [f"m{n}" for n in range(merchants)]
    get = town.world.get
    lines = {shop: (get(merchant_key(PROGRAMME, shop, month)) or {"lines": 0})["lines"] for shop in shops}
    counted = sorted(
        row
        for shop, last in lines.items()
        for row in merchant_rows(shop, [get(merchant_key(PROGRAMME, shop, month, n)) for n in range(1, last + 1)])
    )
    owed = sorted(
        row
        for issuer in ("county", "town")
        for row in issuer_rows(issuer, {shop: get(issuer_key(PROGRAMME, issuer, shop, month)) for shop in shops})
    )
    assert counted == owed
    assert counted


def check_replayed(world: Logged, folder: Path) -> None:
    """Check that the whole log folds to the same facts and seals again, here and in a second database."""
    head = world.store.head()
    assert head is not None
    world.log.clock.behind_ms = time.time_ns() // 1_000_000 - head.time_ms
    world.log.seal()
    fold: Fold = world.log.fold
    fsck(world.store, fold)
    replay(world.store, fold)
    backup(world.store, world.log.origin, folder / "backup")
    second = open_store(f"sqlite:///{folder}/second.db")
    restore(folder / "backup", second, fold)
    assert second.seals(0, 10**9) == world.store.seals(0, 10**9)
    second.close()
