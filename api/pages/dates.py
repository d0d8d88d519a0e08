"""Days and times as people say them. Taipei is +08:00 the year round; no time zone database is asked.

2026-11-03      iso_day
民國 115 年 11 月 3 日      long_day in zh-TW (years before 1912 are 民國前)
3 November 2026            long_day in en
2026年11月3日              long_day in ja
2 days ago                 relative_day, against a day that is handed in
2026-11-03 14:05           minute, Taipei time
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ROC_OFFSET = 1911


class Phrases(Protocol):
    """What a catalogue offers (`gettext.NullTranslations` has it)."""

    def gettext(self, message: str) -> str:
        """Return the message in the catalogue's language."""
        ...

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the message for the number n in the catalogue's language."""
        ...


def taipei_day(moment: datetime) -> date:
    """Return the day that it is in Taipei at this moment (with offset)."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return moment.astimezone(TAIPEI).date()


def day_of_ms(time_ms: int) -> date:
    """Return the day in Taipei of a Unix time in milliseconds."""
    return taipei_day(datetime.fromtimestamp(time_ms // 1000, UTC))


def iso_day(day: date) -> str:
    """Return `2026-11-03`."""
    return day.isoformat()


def minute(moment: datetime) -> str:
    """Return `2026-11-03 14:05` in Taipei."""
    return moment.astimezone(TAIPEI).strftime("%Y-%m-%d %H:%M")


def long_day(day: date, tag: str) -> str:
    """Return the day in words of a language (`zh-TW`, `en` or `ja`), in 民國 years in Chinese."""
    if tag == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    if tag == "ja":
        return f"{day.year}年{day.month}月{day.day}日"
    year = day.year - _ROC_OFFSET
    era = f"民國 {year} 年" if year >= 1 else f"民國前 {1 - year} 年"
    return f"{era} {day.month} 月 {day.day} 日"


def relative_day(day: date, today: date, phrases: Phrases) -> str:
    """Return how far a day is from today: days up to six weeks, then months, then years."""
    days = (today - day).days
    if days in {-1, 0, 1}:
        return {0: phrases.gettext("today"), 1: phrases.gettext("yesterday"), -1: phrases.gettext("tomorrow")}[days]
    num = abs(days)
    if num <= 42:
        ago, ahead = (
            phrases.ngettext("%(num)d day ago", "%(num)d days ago", num),
            phrases.ngettext("in %(num)d day", "in %(num)d days", num),
        )
    elif num < 365:
        num = int(num / 30.44)
        ago, ahead = (
            phrases.ngettext("%(num)d month ago", "%(num)d months ago", num),
            phrases.ngettext("in %(num)d month", "in %(num)d months", num),
        )
    else:
        num = int(num / 365.25) or 1
        ago, ahead = (
            phrases.ngettext("%(num)d year ago", "%(num)d years ago", num),
            phrases.ngettext("in %(num)d year", "in %(num)d years", num),
        )
    return (ago if days > 0 else ahead) % {"num": num}
