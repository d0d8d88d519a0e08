"""Days and months of Taipei, which is eight hours ahead of UTC all year.

day_of(1_795_000_000_000)       "2026-11-18"
day_number(1_795_000_000_000)   20775
minute_of(1_795_000_000_000)    1 * 60 + 6
month_end_ms("2026-11")         the first moment of December
day_end_ms("2026-11-18", 2)     the first moment of November 20
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_AHEAD = timedelta(hours=8)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _local(time_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=time_ms) + _AHEAD


def day_of(time_ms: int) -> str:
    """Return the day at a time, in Unix milliseconds, such as `2026-11-03`."""
    return _local(time_ms).date().isoformat()


def day_number(time_ms: int) -> int:
    """Return the number of the day at a time: days since 1970-01-01, in Taipei."""
    return (_local(time_ms) - _EPOCH).days


def day_numbered(number: int) -> str:
    """Return the day of a number, such as `2026-11-03`."""
    return (_EPOCH + timedelta(days=number)).date().isoformat()


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


def minute_of(time_ms: int) -> int:
    """Return how many minutes of its day had passed at a time: 0 to 1,439."""
    moment = _local(time_ms)
    return moment.hour * 60 + moment.minute


def weekday_of(time_ms: int) -> int:
    """Return the day of the week at a time: 1 is Monday, 7 is Sunday."""
    return _local(time_ms).isoweekday()


def days_later(day: str, days: int) -> str:
    """Return the day so many days after one."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def day_end_ms(day: str, days: int = 1) -> int:
    """Return the first moment after a number of days that begin with one, Unix milliseconds."""
    after = date.fromisoformat(day) + timedelta(days=days)
    begins = datetime(after.year, after.month, after.day, tzinfo=UTC) - _AHEAD
    return (begins - _EPOCH) // timedelta(milliseconds=1)
