"""Two plain plots as SVG: bars of ratios and curves of growth, both over logarithmic axes.

bars("How many times as long the peers take", [Bar("root, one core", "hashlib loop", 13.4)])
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 920
ROW = 18
LEFT = 470
COLOURS = ("#1b6b4a", "#b5522b", "#2a5d9f", "#8a6d00", "#7a3b8f", "#3a7f86", "#a23c5a", "#555555")


@dataclass(frozen=True)
class Bar:
    """How many times a peer's figure is ours."""

    line: str
    who: str
    ratio: float


@dataclass(frozen=True)
class Curve:
    """How a line's figure grows: (size, times the figure at the smallest size)."""

    line: str
    points: Sequence[tuple[int, float]]


def bars(title: str, all_: Sequence[Bar]) -> str:
    """Return a plot with a bar for each ratio; 1 is where both take as long."""
    low, high = _decades([1, *(bar.ratio for bar in all_)])
    height = 60 + ROW * len(all_)

    def x(ratio: float) -> float:
        return LEFT + (math.log10(ratio) - low) / (high - low) * (WIDTH - LEFT - 70)

    parts = []
    for decade in range(low, high + 1):
        at = x(10.0**decade)
        parts.append(f'<line x1="{at:.1f}" y1="36" x2="{at:.1f}" y2="{height - 20}" stroke="#ddd"/>')
        parts.append(_text(at, height - 6, f"{10.0**decade:g} ×", anchor="middle"))
    for number, bar in enumerate(all_):
        y = 40 + ROW * number
        start, end = sorted((x(1), x(bar.ratio)))
        colour = COLOURS[0] if bar.ratio >= 1 else COLOURS[1]
        parts.append(_text(LEFT - 8, y + 12, f"{bar.line}: {bar.who}", anchor="end"))
        parts.append(
            f'<rect x="{start:.1f}" y="{y + 2}" width="{end - start:.1f}" height="{ROW - 5}" fill="{colour}"/>'
        )
        parts.append(_text(end + 4, y + 12, f"{bar.ratio:.3g}"))
    return _svg(title, height, parts)


def curves(title: str, all_: Sequence[Curve]) -> str:
    """Return a plot with a curve for each line."""
    top, bottom = 40, 360
    height = bottom + 40 + ROW * math.ceil(len(all_) / 2)
    sizes = sorted({size for curve in all_ for size, _ in curve.points}) or [1]
    left, right = _decades(sizes)
    low, high = _decades([value for curve in all_ for _, value in curve.points] or [1])

    def x(size: float) -> float:
        return 60 + (math.log10(size) - left) / (right - left) * (WIDTH - 90)

    def y(value: float) -> float:
        return bottom - (math.log10(value) - low) / (high - low) * (bottom - top)

    parts = []
    for decade in range(low, high + 1):
        at = y(10.0**decade)
        parts.append(f'<line x1="60" y1="{at:.1f}" x2="{WIDTH - 30}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(_text(54, at + 4, f"{10.0**decade:g} ×", anchor="end"))
    parts += [_text(x(size), bottom + 18, f"{size:,}", anchor="middle") for size in sizes]
    for number, curve in enumerate(all_):
        colour = COLOURS[number % len(COLOURS)]
        dashes = ("", ' stroke-dasharray="6 3"', ' stroke-dasharray="2 3"')[number // len(COLOURS) % 3]
        points = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in curve.points)
        line = f'stroke="{colour}" stroke-width="2"{dashes}'
        parts.append(f'<polyline points="{points}" fill="none" {line}/>')
        column, row = number % 2, number // 2
        at_x, at_y = 60 + column * (WIDTH // 2 - 20), bottom + 44 + row * ROW
        parts.append(f'<line x1="{at_x}" y1="{at_y - 4}" x2="{at_x + 26}" y2="{at_y - 4}" {line}/>')
        parts.append(_text(at_x + 32, at_y, curve.line))
    return _svg(title, height, parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten around all values; at least one apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">'
    )
    heading = f'<text x="12" y="20" font-size="15" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', heading, *parts, "</svg>"]) + "\n"
