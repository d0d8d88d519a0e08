"""What is due, as a calendar that phones and mail programs read (iCalendar, RFC 5545).

Each task with a day is an all-day event with a reminder the day before; its UID follows from what it is, so that a
program that reads the calendar again moves it instead of showing it twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from icalendar import Alarm, Calendar, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPE = "text/calendar; charset=utf-8"
TAIPEI = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the calendar.

    Attributes:
        name: what tells it from others, the same each time it is asked for.
        words: what is to be done.
        by_ms: until when, Unix milliseconds.
        url: where it is read about.
    """

    name: str
    words: str
    by_ms: int
    url: str


def encode_calendar(title: str, tasks: Iterable[Task], now: datetime, origin: str) -> bytes:
    """Return a calendar.

    Args:
        title: its name.
        tasks: what is due.
        now: when it is asked for.
        origin: the ledger's name; UIDs are of it.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Fengtu//agreements//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", timedelta(hours=12), parameters={"VALUE": "DURATION"})
    for task in tasks:
        # The last moment of a day belongs to it, not to the next one.
        day = (datetime.fromtimestamp((task.by_ms - 1) / 1000, UTC) + TAIPEI).date()
        event = Event()
        event.add("uid", f"{hashlib.sha256(task.name.encode()).hexdigest()[:32]}@{origin.replace('/', '.')}")
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", task.words)
        event.add("url", task.url)
        event.add("transp", "TRANSPARENT")
        reminder = Alarm()
        reminder.add("action", "DISPLAY")
        reminder.add("description", task.words)
        reminder.add("trigger", timedelta(days=-1))
        event.add_component(reminder)
        calendar.add_component(event)
    data: bytes = calendar.to_ical()
    return data
