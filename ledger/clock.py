"""Time as the log takes it: one moment a batch, from a clock that agrees with the database's.

    clock = Clock()
    time_ms = clock.batch_time(append, last_ms)

Expiry and time-outs follow from this time by rule, so it never decreases, and a machine whose clock is wrong appends
nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ledger.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.store import Append

DIFFERENCE_MAX_MS = 2_000


def system_clock() -> int:
    """Return this machine's time, Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """The clock of one process.

    Attributes:
        behind_ms: how far the log's time runs behind; 0 but where stories are told that took months to happen (the
            demo). Turning it back is safe: the log's time never falls.

    Args:
        now_ms: Unix milliseconds.
    """

    def __init__(self, now_ms: Callable[[], int] = system_clock) -> None:
        self._now_ms = now_ms
        self.behind_ms = 0

    def now_ms(self) -> int:
        """Return the log's time, Unix milliseconds."""
        return self._now_ms() - self.behind_ms

    def batch_time(self, append: Append, last_ms: int) -> int:
        """Return the time of a batch under the lock: max(last, now).

        Raises:
            ClockError: this machine's clock and the database's differ by 2 s.
        """
        now_ms, database_ms = self._now_ms(), append.now_ms()
        if abs(now_ms - database_ms) > DIFFERENCE_MAX_MS:
            raise ClockError(
                "this machine's clock and the database's differ; set the clock",
                expected=f"at most {DIFFERENCE_MAX_MS} ms",
                got=f"{now_ms - database_ms} ms",
                retry_after_s=10,
            )
        return max(last_ms, now_ms - self.behind_ms)
