"""Small pictures as numbers: sensor curves with the crop's band, and a point on the map of Taiwan.

    M0,96.0L160,60.0L320,24.0      the line of a curve in a box of 320 × 120, y downwards

The templates draw them as inline SVG without any text in it: labels stand beside as HTML, so they keep their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from api.pages.dates import day_of_ms

if TYPE_CHECKING:
    from datetime import date

    from api.pages.views.produce import SensorView, SpotView

WIDTH, HEIGHT = 320, 120
_POINTS_MAX = 320
_GAP_FACTOR = 6

_MAP_WEST, _MAP_NORTH, _MAP_SCALE, _MAP_SQUEEZE = 119.95, 25.4, 40.0, 0.9157
MAP_WIDTH, MAP_HEIGHT = 80, 144
# The coast in degrees east and north, clockwise from Fugui Cape; good to some kilometres, which is what a dot needs.
_COAST = (
    (121.54, 25.30), (121.63, 25.22), (121.75, 25.16), (121.92, 25.12), (122.00, 25.01), (121.86, 24.90),
    (121.83, 24.75), (121.87, 24.59), (121.80, 24.43), (121.76, 24.31), (121.68, 24.20), (121.62, 24.00),
    (121.60, 23.83), (121.53, 23.60), (121.51, 23.49), (121.46, 23.32), (121.38, 23.10), (121.30, 22.97),
    (121.17, 22.75), (121.01, 22.61), (120.91, 22.34), (120.89, 22.10), (120.86, 21.90), (120.79, 21.96),
    (120.72, 21.92), (120.70, 22.05), (120.65, 22.25), (120.59, 22.37), (120.44, 22.46), (120.27, 22.61),
    (120.20, 22.82), (120.15, 22.99), (120.05, 23.10), (120.09, 23.27), (120.13, 23.45), (120.15, 23.79),
    (120.30, 23.95), (120.42, 24.12), (120.50, 24.27), (120.63, 24.45), (120.74, 24.64), (120.90, 24.84),
    (121.02, 25.00), (121.20, 25.11), (121.38, 25.16), (121.45, 25.25),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """A sensor's curve, ready to draw.

    Attributes:
        line: path of the readings; broken where the sensor was silent.
        outside: path of points outside the band, each a move and a line of no length (drawn as a dot).
        band_y: upper edge of the band, or None where there is none.
        band_height: its height.
        bottom: the value at the lower edge of the box.
        top: the value at its upper edge.
        least: lowest reading.
        most: highest reading.
        last: newest reading.
        count: of readings.
        outside_count: of readings outside the band.
        first_day: of the readings.
        last_day: of the readings.
    """

    line: str
    outside: str
    band_y: float | None
    band_height: float
    bottom: float
    top: float
    least: float
    most: float
    last: float
    count: int
    outside_count: int
    first_day: date
    last_day: date


def draw_curve(series: SensorView) -> Curve | None:
    """Return the curve of a sensor, or None where it has no reading."""
    points = [(time, value) for time, value in series.points if isfinite(value)]
    if not points:
        return None
    values = [value for _, value in points]
    ends = [*values, *(end for end in (series.low, series.high) if end is not None)]
    margin = (max(ends) - min(ends)) * 0.08 or 1.0
    bottom, top = min(ends) - margin, max(ends) + margin
    start, span = points[0][0], max(1, points[-1][0] - points[0][0])

    def place(time: int, value: float) -> str:
        return f"{(time - start) / span * WIDTH:.1f},{y(value):.1f}"

    def y(value: float) -> float:
        return (top - value) / (top - bottom) * HEIGHT

    def is_outside(value: float) -> bool:
        return (series.low is not None and value < series.low) or (series.high is not None and value > series.high)

    kept = _thin(points)
    steps = sorted(after[0] - before[0] for before, after in pairwise(kept))
    gap_ms = steps[len(steps) // 2] * _GAP_FACTOR if steps else 0
    line, before_ms = "", None
    for time, value in kept:
        silent = before_ms is None or time - before_ms > gap_ms
        line += ("M" if silent else "L") + place(time, value)
        before_ms = time
    dots = "".join(f"M{place(time, value)}h0" for time, value in kept if is_outside(value))
    upper = y(top if series.high is None else series.high)
    lower = y(bottom if series.low is None else series.low)
    banded = series.low is not None or series.high is not None
    return Curve(
        line + ("h0" if len(kept) == 1 else ""),
        dots,
        round(upper, 1) if banded else None,
        round(max(0.0, lower - upper), 1),
        bottom,
        top,
        min(values),
        max(values),
        values[-1],
        len(values),
        sum(is_outside(value) for value in values),
        day_of_ms(points[0][0]),
        day_of_ms(points[-1][0]),
    )


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return few enough points to draw, keeping the lowest and highest of each stretch so that no peak is lost."""
    if len(points) <= _POINTS_MAX:
        return points
    stretch = -(-len(points) // (_POINTS_MAX // 2))
    kept = []
    for first in range(0, len(points), stretch):
        part = points[first : first + stretch]
        ends = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept.extend(sorted(ends))
    return kept


def _on_map(longitude: float, latitude: float) -> tuple[float, float]:
    return (
        round((longitude - _MAP_WEST) * _MAP_SQUEEZE * _MAP_SCALE, 1),
        round((_MAP_NORTH - latitude) * _MAP_SCALE, 1),
    )


COAST = "M" + "L".join(f"{x},{y}" for x, y in (_on_map(*point) for point in _COAST)) + "Z"
"""The path of the coast in a box of 80 × 144."""


def place_on_map(spot: SpotView) -> tuple[float, float] | None:
    """Return where a point stands in the box of 80 × 144, or None where it lies off this map."""
    x, y = _on_map(spot.longitude, spot.latitude)
    return (x, y) if 0 <= x <= MAP_WIDTH and 0 <= y <= MAP_HEIGHT else None
