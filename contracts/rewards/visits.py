"""Parts of a shop's day, and what of a day may be published: pure.

    day ── early (to 14:00) ── morning (to 11:00), midday
        └─ late             ── afternoon (to 17:00), evening

    cells_of(1_795_000_000_000)                                     ("day", "early", "morning")
    published({"day": 14, "early": 9, "late": 6, "midday": 7, …})     {"day": 14, "early": 9, "late": 6}

A cell counts people, each once. Cells that divide another are published together or not at all: all of them with five
people or more, or none. So whatever is withheld has a sibling that is withheld too, and no subtraction leads to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.calendar import minute_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PEOPLE_MIN = 5
WHOLE = "day"
TREE = {WHOLE: ("early", "late"), "early": ("morning", "midday"), "late": ("afternoon", "evening")}
"""Into which cells each cell is divided, once and for all."""
CELLS = (WHOLE, *(cell for cells in TREE.values() for cell in cells))
_ENDS = {"morning": 11 * 60, "midday": 14 * 60, "afternoon": 17 * 60, "evening": 24 * 60}
"""The minute of the day with which a part ends."""


def cells_of(time_ms: int) -> tuple[str, ...]:
    """Return the cells of its day that a time lies in, the whole day first."""
    minute = minute_of(time_ms)
    part = next(part for part, ends in _ENDS.items() if minute < ends)
    return WHOLE, next(cell for cell in TREE[WHOLE] if part in TREE[cell]), part


def published(people: Mapping[str, int]) -> dict[str, int]:
    """Return what of a shop's day is published: people by cell, `PEOPLE_MIN` or more each.

    Args:
        people: how many different people each cell counts; a cell that is missing counts none.
    """
    shown = {WHOLE: people.get(WHOLE, 0)}
    if shown[WHOLE] < PEOPLE_MIN:
        return {}
    for cell, parts in TREE.items():
        if cell in shown and all(people.get(part, 0) >= PEOPLE_MIN for part in parts):
            shown.update({part: people[part] for part in parts})
    return shown
