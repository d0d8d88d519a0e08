"""What should not depend on how long the ledger is: pages, proof files, opening a node, its memory.

`make bench` goes to a million entries; `make bench-scale` to ten million, in a folder that it keeps.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from conftest import SIZES, size
from figures import OURS
from nodes import running_node
from scale import PAGE, open_scale
from targets import SMALLEST

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger import cbor

if TYPE_CHECKING:
    from figures import Figures
    from nodes import RunningNode

ENTRIES = (*SIZES, *(int(one) for one in os.environ.get("FENGTU_BENCH_ENTRIES", "").split()))
REQUESTS = size(300, 30)
NOBODYS_GTIN = "04712345679006"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder: a new one, or the one that is kept."""
    kept = os.environ.get("FENGTU_BENCH_DATA")
    return Path(kept) if kept else tmp_path_factory.mktemp("scale") / "data"


@pytest.mark.parametrize("entries", ENTRIES)
def test_at_size(folder: Path, figures: Figures, entries: int) -> None:
    """Open a node on a ledger of this size, ask it for pages and proof files, and have it seal a record."""
    world = open_scale(folder)
    before, start = world.size, time.perf_counter()
    if before > entries * 1.01:
        world.close()
        pytest.skip(f"the folder that is kept has {before:,} entries already")
    world.grow(entries)
    grown_s = time.perf_counter() - start
    world.close()
    if entries - before > entries // 2:
        figures.add("the ledger made in bulk (an entry)", OURS, grown_s / (entries - before), size=entries)
    with running_node(folder, PAGE, timeout_s=600) as node, httpx.Client(base_url=node.url, timeout=60) as client:
        figures.add("opening a node", OURS, node.opened_s, size=entries)
        seal_one(node, client)
        figures.add("memory of a process", OURS, node.memory(), size=entries, unit="B")
        for what, path in (("page", PAGE), ("bundle", f"{PAGE}/bundle")):
            cuts = statistics.quantiles(times(client, path), n=100)
            for name, seconds in (("p50", cuts[49]), ("p99", cuts[98])):
                line = f"product {what}, {name}"
                figures.add(line, OURS, seconds, size=entries)
                smallest = next(one for one in figures.figures if (one.line, one.who) == (line, OURS))
                figures.add(line, SMALLEST, smallest.value, size=entries)


def times(client: httpx.Client, path: str) -> list[float]:
    """Ask for a page again and again; return how long each answer took, in seconds."""
    found = []
    for number in range(REQUESTS + 5):
        start = time.perf_counter()
        client.get(path, headers={"accept": "text/html"}).raise_for_status()
        if number >= 5:
            found.append(time.perf_counter() - start)
    return found


def seal_one(node: RunningNode, client: httpx.Client) -> None:
    """Have one record sealed: from then on the process holds all that it ever holds."""
    operation = Operation(decode_day("2026-01-05"), "施肥", "有機肥")
    event: dict[str, Any] = operation_event(NOBODYS_GTIN, f"S{uuid.uuid4().hex[:8]}", operation, "fertilise")
    draft = node.party.draft("event", {**event, "eventID": f"urn:uuid:{uuid.uuid4()}"}).encode()
    headers = {"Content-Type": "application/cbor", "Prefer": "wait"}
    answer = client.post("/entries", content=cbor.encode(draft), headers=headers, timeout=300)
    assert answer.status_code in {201, 202, 303}, answer.text
    deadline = time.monotonic() + 300
    while client.get(answer.headers["location"]).status_code == 302:
        assert time.monotonic() < deadline, "the record was not sealed"
        time.sleep(0.2)
