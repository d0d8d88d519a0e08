"""A log of farming events folded again: signatures, rules, facts, tiles, seals and both maps, on all cores."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from conftest import size
from farms import close_farms, open_farms
from figures import OURS

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger.admission import Prepared
from ledger.ahead import processes_for
from ledger.fsck import fsck
from ledger.replay import replay
from node.client import Party

if TYPE_CHECKING:
    from pathlib import Path

    from figures import Figures

EVENTS = size(20_000, 1_000)
BATCH = 1_000
NOBODYS_GTIN = "04712345679006"


def test_replay(figures: Figures, tmp_path: Path) -> None:
    """What `fengtu replay` and `fengtu fsck` do; the start of the processes is in it."""
    farms = open_farms(tmp_path)
    try:
        farms.season()
        party = Party("operator", farms.keys["operator"], farms.log.origin)
        for start in range(0, EVENTS, BATCH):
            event = operation_event(
                NOBODYS_GTIN, f"G{start}", Operation(decode_day("2026-01-05"), "施肥", "有機肥"), "fertilise"
            )
            drafts = [
                party.draft("event", {**event, "eventID": f"urn:uuid:{uuid.uuid4()}"}).encode() for _ in range(BATCH)
            ]
            prepared = farms.log.prepare_many([(one[0], one[1], None) for one in drafts])
            answers = farms.log.enqueue([one for one in prepared if isinstance(one, Prepared)]).result(120)
            assert len(answers) == BATCH
            farms.log.seal()
        processes = processes_for(EVENTS)
        start_s = time.perf_counter()
        records = replay(farms.store, farms.log.fold, processes=processes).head.size
        figures.add("replay of the whole log (a record)", OURS, (time.perf_counter() - start_s) / records)
        start_s = time.perf_counter()
        fsck(farms.store, farms.log.fold, processes=processes)
        figures.add("fsck of the whole log (a record)", OURS, (time.perf_counter() - start_s) / records)
    finally:
        close_farms(farms)
