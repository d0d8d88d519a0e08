"""The days of the demo: stories that took a year are told in a minute.

    timeline.go_to(90)
    timeline.iso(90)        # "2026-01-21"
    timeline.end()

A node that began in the past for its stories lives them on their days, by the clock of its log. Where the ledger's time
cannot be moved today is the only day, and each story goes as far as one day allows.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.clock import Clock

DAYS = 400
"""How long ago a demo's ledger begins."""
DAY_MS = 86_400_000
MINUTE_MS = 60_000
TAIPEI = timedelta(hours=8)
TAIPEI_MS = TAIPEI // timedelta(milliseconds=1)


class Timeline:
    """The days of the demo.

    Args:
        clock: the clock of the node's log; None where it runs in another process, so that today is the only day.
        begin_ms: when day 0 is, Unix milliseconds.
    """

    def __init__(self, clock: Clock | None, begin_ms: int) -> None:
        self._clock = clock
        self._begin_ms = begin_ms
        self._at_ms = begin_ms

    @property
    def moves(self) -> bool:
        """Whether days can pass."""
        return self._clock is not None

    def now_s(self) -> float:
        """Return the time of the story, Unix seconds."""
        return time.time() if self._clock is None else self._clock.now_ms() / 1000

    def iso(self, day: int) -> str:
        """Return the date of a day, `2026-05-07`, by the calendar of Taipei."""
        return (self._first() + timedelta(days=day)).isoformat()

    def day_of(self, day: date) -> int:
        """Return the day on which what happened on a date can be entered: the day after it, 0 for what came before."""
        return min(max(0, (day - self._first()).days + 1), DAYS - 1)

    def go_to(self, day: int, minute: int = 0) -> None:
        """Let time pass until a minute of a day in Taipei has come; a minute passes where it has come already."""
        if self._clock is not None:
            first_ms = (self._begin_ms + TAIPEI_MS) // DAY_MS * DAY_MS - TAIPEI_MS
            wanted_ms = first_ms + day * DAY_MS + minute * MINUTE_MS
            # A minute for each scene's acts to come one after the other, and a seal with each.
            self._at_ms = max(self._at_ms, wanted_ms) + MINUTE_MS
            self._clock.behind_ms = max(0, time.time_ns() // 1_000_000 - self._at_ms)

    def end(self) -> None:
        """Come back to the present."""
        if self._clock is not None:
            self._clock.behind_ms = 0

    def _first(self) -> date:
        return (datetime.fromtimestamp(self._begin_ms / 1000, UTC) + TAIPEI).date()
