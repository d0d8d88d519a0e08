"""Benchmarks: each line runs ours and its peers in one run; ratios are printed at the end and written as a file.

`FENGTU_BENCH_SMALL=1` makes a run of a minute that shows that everything works; its figures mean little.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from figures import OURS, Figures, read_figures, shown  # noqa: E402 - the tests' worlds and servers are used here too
from peers import Peers, build_peers  # noqa: E402
from targets import targets_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


OUT = ROOT / "benchmarks" / "out"
SMALL = os.environ.get("FENGTU_BENCH_SMALL") == "1"
SIZES = (1_000, 5_000, 20_000) if SMALL else (10_000, 100_000, 1_000_000)
SCALE = bool(os.environ.get("FENGTU_BENCH_DATA"))
FILE = OUT / ("scale.json" if SCALE else "figures.json")
# A folder that is kept has outgrown the small sizes: their figures are those of the run that made it.
FIGURES = read_figures(FILE) if SCALE and FILE.exists() else Figures.of_this_run(small=SMALL)


def size(full: int, small: int) -> int:
    """Return the size of a line: `full`, or `small` where FENGTU_BENCH_SMALL=1."""
    return small if SMALL else full


@contextmanager
def cores(number: int) -> Iterator[None]:
    """Give this thread, and what it starts, that many cores; all of them where a system cannot be told."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def figures() -> Figures:
    """The figures of this run, for what pytest-benchmark does not time."""
    return FIGURES


@pytest.fixture(scope="session")
def peers() -> Peers | None:
    """The peers in Go; None, and named as missing, where they cannot be built."""
    built, why = build_peers(OUT / "peers")
    if built is None:
        for name in Peers.NAMES:
            FIGURES.missing[name] = why
    return built


def measured(benchmark: Any, line: str, who: str, *, operations: int = 1, size: int | None = None) -> None:
    """Say what it is that a benchmark times: a line, whose figure, and how many operations a round has."""
    benchmark.group = line if size is None else f"{line}, {size:,}"
    benchmark.extra_info.update(line=line, who=who, operations=operations, size=size)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print each line's ratio to its peers, the machine and the versions; write them as a file."""
    session = getattr(config, "_benchmarksession", None)
    for one in session.benchmarks if session is not None else []:
        if one.stats.data:
            told = one.extra_info
            FIGURES.add(told["line"], told["who"], one.stats.median / told["operations"], size=told["size"])
    if not FIGURES.figures:
        return
    write = terminalreporter.write_line
    terminalreporter.section("ours beside its peers (median; ratio above 1: ours is better)")
    for line, count, found in FIGURES.lines():
        ours = found.get(OURS)
        for who, figure in found.items():
            ratio = "" if figure is ours or ours is None else f"{figure.value / ours.value:8.2f} ×"
            name = line if count is None else f"{line}, {count:,}"
            write(f"{name:64} {who:34} {shown(figure.value, figure.unit):>10} {ratio}")
    terminalreporter.section("what is asked for")
    for line, found in FIGURES.largest().items():
        for target in targets_of(line) if OURS in found else []:
            verdict = {True: "reached", False: "not reached", None: "the peer is missing"}[target.reached(found)]
            write(f"{line:64} {target.words(found):44} {verdict}")
    write(f"machine: {FIGURES.machine}; " + ", ".join(f"{name} {at}" for name, at in FIGURES.versions.items()))
    for name, why in FIGURES.missing.items():
        write(f"missing: {name}: {why}")
    FIGURES.write(FILE)
