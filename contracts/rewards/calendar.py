"""Days and months of Taipei, which is eight hours ahead of UTC all year.

day_of(1_795_000_000_000)      "2026-11-18"
month_end_ms("2026-11")        the first moment of December
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_AHEAD = timedelta(hours=8)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _local(time_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=time_ms) + _AHEAD


def day_of(time_ms: int) -> str:
    """Return the day at a time, in Unix milliseconds, such as `2026-11-03`."""
    return _local(time_ms).date().isoformat()


def month_of(time_ms: int) -> str:
    """Return the month at a time, such as `2026-11`."""
    return day_of(time_ms)[:7]


def months_later(month: str, months: int) -> str:
    """Return the month so many months after one."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + months
    return f"{number // 12:04}-{number % 12 + 1:02}"


def month_end_ms(month: str) -> int:
    """Return the first moment after a month, Unix milliseconds."""
    after = months_later(month, 1)
    begins = datetime(int(after[:4]), int(after[5:]), 1, tzinfo=UTC) - _AHEAD
    return (begins - _EPOCH) // timedelta(milliseconds=1)
