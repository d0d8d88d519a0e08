"""`docs/performance.md` and its plots, made from what `make bench` measured.

    python benchmarks/report.py [FIGURES.json …]

Later files add to the first one and replace what it says of the same line. The page's tables stand between two marks;
the words around them are kept.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from figures import OURS, Figures, read_figures, shown
from plot import Bar, Curve, bars, curves
from targets import SMALLEST, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from figures import Figure

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
FILES = (OUT / "figures.json", OUT / "scale.json")
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- made by benchmarks/report.py -->", "<!-- end -->"
VERDICTS = {True: "reached", False: "**not reached**", None: "peer missing"}


def report(figures: Figures) -> None:
    """Write the page and its plots."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    made = "\n".join(_page(figures))
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.split(END)[1]}")
    (PAGE.parent / "performance-peers.svg").write_text(bars("How many times as long the peers take", _ratios(figures)))
    (PAGE.parent / "performance-growth.svg").write_text(
        curves("What grows with the ledger (1 = at the smallest size)", _growth(figures))
    )


def _page(figures: Figures) -> Iterator[str]:
    yield f"Machine: {figures.machine}. Versions: {', '.join(f'{name} {at}' for name, at in figures.versions.items())}."
    if figures.small:
        yield ""
        yield "**A small run**: it shows that everything works; its figures mean little."
    for name, why in figures.missing.items():
        yield f"Missing: {name} ({why})."
    yield from ("", "## What is asked for", "", "| Line | Ours | Asked | |", "|---|---|---|---|")
    largest = figures.largest()
    for line, found in largest.items():
        for target in targets_of(line) if OURS in found else []:
            ours = found[OURS]
            at = "" if ours.size is None else f" at {ours.size:,}"
            value = shown(ours.value, ours.unit)
            peer = found.get(target.peer)
            ratio = "" if peer is None else f" ({peer.value / ours.value:.3g} ×)"
            yield f"| {line}{at} | {value}{ratio} | {target.words(found)} | {VERDICTS[target.reached(found)]} |"
    yield from ("", "## Beside the peers", "", "| Line | Ours | Peers (how many times as long) |", "|---|---|---|")
    for line, found in largest.items():
        others = [one for who, one in found.items() if who not in {OURS, SMALLEST}]
        if OURS in found and others:
            ours = found[OURS]
            words = "; ".join(
                f"{one.who} {shown(one.value, one.unit)} ({one.value / ours.value:.3g} ×)"
                for one in sorted(others, key=lambda one: one.value)
            )
            yield f"| {line} | {shown(ours.value, ours.unit)} | {words} |"
    yield from ("", "## By themselves", "", "| Line | Ours |", "|---|---|")
    for line, found in largest.items():
        if set(found) == {OURS} and found[OURS].size is None and not targets_of(line):
            yield f"| {line} | {shown(found[OURS].value, found[OURS].unit)} |"
    yield from _growth_table(figures)
    yield from ("", "![How many times as long the peers take](performance-peers.svg)", "")
    yield "![What grows with the ledger](performance-growth.svg)"


def _growth_table(figures: Figures) -> Iterator[str]:
    sizes = sorted({one.size for one in figures.figures if one.size is not None})
    yield from ("", "## Growth", "", "| Line | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    yield "|---|" + "---|" * len(sizes)
    for line, values in _by_size(figures).items():
        cells = [shown(values[size].value, values[size].unit) if size in values else "" for size in sizes]
        yield f"| {line} | " + " | ".join(cells) + " |"


def _by_size(figures: Figures) -> dict[str, dict[int, Figure]]:
    found: dict[str, dict[int, Figure]] = {}
    for one in figures.figures:
        if one.who == OURS and one.size is not None:
            found.setdefault(one.line, {})[one.size] = one
    return found


def _ratios(figures: Figures) -> list[Bar]:
    return [
        Bar(line, one.who, one.value / found[OURS].value)
        for line, found in figures.largest().items()
        if OURS in found and found[OURS].size is None
        for who, one in found.items()
        if who != OURS
    ]


def _growth(figures: Figures) -> list[Curve]:
    return [
        Curve(line, [(size, one.value / values[min(values)].value) for size, one in sorted(values.items())])
        for line, values in _by_size(figures).items()
        if len(values) > 1 and line not in {"opening a node", "memory of a process"}
    ]


def main(files: Sequence[str]) -> None:
    """Read the files and write the page."""
    first, *more = [read_figures(Path(file)) for file in files or [one for one in FILES if one.exists()]]
    for figures in more:
        for one in figures.figures:
            first.add(one.line, one.who, one.value, size=one.size, unit=one.unit)
    report(first)


if __name__ == "__main__":
    main(sys.argv[1:])
