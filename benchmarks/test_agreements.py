"""A season of agreements: acts through the rules, acts that the log commits, and all of it recomputed by replay."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from agreements import PURCHASER, Deal, simple_terms
from conftest import size
from fastapi.testclient import TestClient
from figures import OURS
from logged import Logged, logged
from rules import World, open_world
from webs import services_of

from api.app import create_app
from api.signed import sign_request
from ledger.admission import Prepared
from ledger.log import Answer
from ledger.replay import replay

if TYPE_CHECKING:
    from pathlib import Path

    from figures import Figures

    from ledger.rulebook import Submission

AGREEMENTS = size(10_000, 30)
BATCH = 1_000


@dataclass
class Recorded(World):
    """A world that keeps what was handed in, and how long the rules took."""

    kept: list[tuple[int, Submission]] = field(default_factory=list)
    seconds: float = 0.0

    def enter(self, submission: Submission) -> int:
        """Judge a record and keep it."""
        start = time.perf_counter()
        index = super().enter(submission)
        self.seconds += time.perf_counter() - start
        self.kept.append((self.time_ms, submission))
        return index


def season(world: Recorded) -> list[Deal]:
    """Live a season of many agreements side by side: signed, grown, delivered, graded, settled, paid, closed."""
    world.register("fa", PURCHASER, "purchaser")
    terms = simple_terms()
    deals = [Deal(world, terms, f"{n:032x}", {"farm-1": f"L{n}"}) for n in range(AGREEMENTS)]
    for deal in deals:
        deal.draft()
        deal.fair("farm-1")
    deals[0].later(11)
    for deal in deals:
        document = deal.offer()
        for actor in (PURCHASER, "farm-1"):
            deal.sign(actor, document)
    deals[0].later(60)
    for deal in deals:
        deal.grow(grams=900_000)
        deal.deliver("D-1", 800_000)
        deal.grade("D-1", ("A", 500_000), ("B", 300_000))
        deal.accept("D-1", ("B", 10_000, "damage"))
    deals[0].later(5)
    for deal in deals:
        sums = deal.settle("S-1", ["D-1"], final=True)
        deal.pay("P-1", "S-1", sums["farm-1"])
        deal.act(PURCHASER, "close")
    return deals


def test_a_season(figures: Figures, tmp_path: Path) -> None:
    """Each act's time in the rules, in the log with signatures and commit, and in a replay with both maps."""
    base = open_world()
    world = Recorded(base.fold, base.keys, base.facts, base.size, numbers=base.numbers)
    season(world)
    acts = len(world.kept)
    figures.add("an act of an agreement, rules alone", OURS, world.seconds / acts)

    log = logged(tmp_path)
    start = time.perf_counter()
    for time_ms, group in groupby(world.kept, key=lambda one: one[0]):
        rows = [one for _, one in group]
        for first in range(0, len(rows), BATCH):
            append(log, time_ms, rows[first : first + BATCH])
    seconds = time.perf_counter() - start
    figures.add("an act of an agreement, signatures, rules and commit", OURS, seconds / acts)
    figures.add(f"a season of {AGREEMENTS:,} agreements, settled", OURS, seconds)
    log.log.seal()
    start = time.perf_counter()
    replay(log.store, log.fold)
    seconds = time.perf_counter() - start
    figures.add(f"the season of {AGREEMENTS:,} agreements, replayed", OURS, seconds)
    figures.add("replay of agreements (a record)", OURS, seconds / acts)
    log.close()


def test_the_list_of_a_purchaser(figures: Figures, tmp_path: Path) -> None:
    """A purchaser with many agreements: the first list after a start, then list, search, page and calendar."""
    base = open_world()
    world = Recorded(base.fold, base.keys, base.facts, base.size, numbers=base.numbers)
    world.register("fa", PURCHASER, "purchaser")
    for number in range(AGREEMENTS):
        Deal(world, simple_terms(season=f"{100 + number % 20} 秋"), f"{number:032x}").draft()
    log = logged(tmp_path)
    for first in range(0, len(world.kept), BATCH):
        append(log, log.time_ms, [one for _, one in world.kept[first : first + BATCH]])
    log.log.seal()
    client = TestClient(create_app(services_of(log)), raise_server_exceptions=False)
    for name, path in (
        ("list after a start", "/agreements"),
        ("list", "/agreements"),
        ("search", "/agreements?words=119+%E7%A7%8B"),
        ("last page", f"/agreements?first={max(1, AGREEMENTS - 50)}"),
        ("calendar", "/agreements/calendar.ics"),
    ):
        headers = sign_request(world.keys[PURCHASER], "GET", f"http://127.0.0.1:8000{path}")
        start = time.perf_counter()
        answer = client.get(path, headers=headers)
        figures.add(f"{AGREEMENTS:,} agreements of one purchaser: {name}", OURS, time.perf_counter() - start)
        assert answer.status_code == 200, answer.text
    log.close()


def append(world: Logged, time_ms: int, rows: list[Submission]) -> None:
    """Append a batch at a time of the season."""
    world.log.clock.behind_ms = time.time_ns() // 1_000_000 - time_ms
    prepared = world.log.prepare_many([(one.record.statement, one.document.data, None) for one in rows])
    answers = world.log.enqueue([one for one in prepared if isinstance(one, Prepared)]).result(120)
    assert len(answers) == len(rows)
    assert all(isinstance(one, Answer) for one in answers), next(one for one in answers if not isinstance(one, Answer))
