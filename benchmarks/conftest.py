"""Benchmarks: each line runs ours and its peers in one session; ratios are printed at the end and written as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

OUT = ROOT / "benchmarks" / "out"
SMALL = os.environ.get("FENGTU_BENCH_SMALL") == "1"
PEERS = ("pynacl", "cryptography", "cbor2", "blockcerts-merkletools", "pymerkle", "sqlalchemy", "psycopg", "fastapi")
LINES: dict[str, dict[str, float]] = {}


def size(full: int, small: int) -> int:
    """Return the size of a line: `full`, or `small` where FENGTU_BENCH_SMALL=1."""
    return small if SMALL else full


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Any:
    """Note a figure of a line that is not timed by pytest-benchmark: `line("batch p99", "ours", seconds)`."""

    def note(name: str, who: str, seconds: float) -> None:
        LINES.setdefault(name, {})[who] = seconds

    del request
    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print each line's ratio to its peers, the machine and the versions; write them as JSON."""
    session = getattr(config, "_benchmarksession", None)
    for one in session.benchmarks if session is not None else []:
        if not one.stats.data:
            continue
        name, who = (one.group or one.name), one.extra_info.get("who", "ours")
        per = one.extra_info.get("operations", 1)
        LINES.setdefault(name, {})[who] = one.stats.median / per
    if not LINES:
        return
    write = terminalreporter.write_line
    terminalreporter.section("ours beside its peers (median; ratio above 1: ours is faster)")
    for name, figures in LINES.items():
        ours = figures.get("ours")
        for who, seconds in figures.items():
            ratio = "" if who == "ours" or not ours else f"{seconds / ours:8.2f} ×"
            write(f"{name:52} {who:28} {_shown(seconds):>12} {ratio}")
    versions = {name: _version(name) for name in PEERS}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    write(f"machine: {machine}; " + ", ".join(f"{name} {found}" for name, found in versions.items()))
    OUT.mkdir(exist_ok=True)
    report = {"machine": machine, "versions": versions, "small": SMALL, "seconds": LINES}
    (OUT / "lines.json").write_text(json.dumps(report, indent=1))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _shown(seconds: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
