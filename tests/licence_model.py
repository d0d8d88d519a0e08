"""A slow model of licences: a log of what was let in, and answers that are worked out from its first record on.

    model = Model()
    model.state("L-1", day=12, known=9)      "suspended"

It knows points and days one at a time, no shelf, no folded life, no counter. Days are counted from the first day of the
test, or stand as dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from licences import Studio, open_studio
from test_licence_scope import holds

POINTS = [(place, use) for place in ("10014010", "10014020", "10015010") for use in ("packaging", "toys")]
PLACES = ("10014010", "TW-TTT", "TW-HUA", "TW")
FIELDS = ("packaging", "toys", "any")
FAR = 150
"""A day after which nothing is drawn; what has no end goes on to it."""

MAKERS = ("tea", "cloth", "press")
AGENTS = ("agent", "broker")


@dataclass(frozen=True)
class Box:
    """A scope of the model: points, and days counted from the first day of the test."""

    places: tuple[str, ...]
    fields: tuple[str, ...]
    first: int
    last: int | None

    def points(self) -> set[tuple[str, str]]:
        """Return the points that it covers."""
        return {
            (place, use) for place, use in POINTS
            if any(holds(one, place) for one in self.places) and any(one in ("any", use) for one in self.fields)
        }  # fmt: skip

    def days(self, more: int = 0) -> set[int]:
        """Return its days, and some after them."""
        return set(range(self.first, (FAR if self.last is None else self.last + more) + 1))


@dataclass
class Model:
    """The log, and answers from it."""

    log: list[dict[str, Any]] = field(default_factory=list)

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """Return the record by which something came to be."""
        return next(entry for entry in self.log if entry["kind"] == kind and entry["name"] == name)

    def line(self, name: str) -> list[dict[str, Any]]:
        """Return a licence and those that it is under."""
        found = [self.one("licence", name)]
        while found[-1]["parent"] is not None:
            found.append(self.one("licence", found[-1]["parent"]))
        return found

    def state(self, name: str, day: int, known: int) -> str:
        """Return what one licence is on a day, as known on another."""
        acts = [entry for entry in self.log if entry["kind"].startswith("licence") and entry["name"] == name]
        return slow_state(acts, calendar(day), calendar(known))

    def ends(self, grant: dict[str, Any]) -> tuple[int | None, int | None]:
        """Return the last day of a licence and the last day of selling off, as they are now."""
        last, days = grant["box"].last, grant["sell_off_days"]
        for entry in self.log:
            if entry["kind"] == "licence-revocation" and entry["name"] == grant["name"]:
                last, days = entry["ends"], entry["sell_off_days"]
        if last is None:
            return None, None
        return last, last if last < grant["box"].first else last + days

    def days(self, grant: dict[str, Any], *, selling: bool) -> set[int]:
        """Return the days of a licence."""
        last = self.ends(grant)[1 if selling else 0]
        return set(range(grant["box"].first, (FAR if last is None else last) + 1))

    def is_free(self, parent: str | None, wanted: dict[str, Any]) -> bool:
        """Say whether a licence shares nothing with what others hold alone, or would hold alone nothing of others'."""
        for other in self.log:
            if other["kind"] == "licence" and other["parent"] == parent and (
                other["box"].points() & wanted["box"].points()
            ):  # fmt: skip
                use = wanted["box"].days(wanted["sell_off_days"])
                if other["exclusive"] and self.days(other, selling=False) & use:
                    return False
                if wanted["exclusive"] and self.days(other, selling=True) & wanted["box"].days():
                    return False
        return True

    def left(self, grant: dict[str, Any]) -> int | None:
        """Return how many pieces may still be made or given on, counted through the log."""
        if grant["quantity"] is None:
            return None
        name = grant["name"]
        made = sum(one["pieces"] for one in self.log if one["kind"] == "production" and one["licence"] == name)
        given = sum(one["quantity"] for one in self.log if one["kind"] == "licence" and one["parent"] == name)
        return int(grant["quantity"]) - made - given

    def mandate_counts(self, name: str, day: int) -> bool:
        """Say whether a mandate counts on a day: no record has revoked it or one above it."""
        mandate = self.one("mandate", name)
        if day not in mandate["box"].days():
            return False
        above: str | None = name
        while above is not None:
            if any(one["kind"] == "mandate-revocation" and one["name"] == above for one in self.log):
                return False
            above = self.one("mandate", above)["under"]
        return True

    def mandate_covers(self, name: str, wanted: dict[str, Any], *powers: str) -> bool:
        """Say whether something lies within a mandate, point by point and day by day."""
        mandate = self.one("mandate", name)
        return (
            covers(mandate["box"], wanted["box"])
            and all(mandate[power] for power in ("exclusive", "sublicensing") if wanted[power])
            and all(mandate[power] for power in powers)
        )

    def may_sublicense(self, parent: dict[str, Any], wanted: dict[str, Any], today: int) -> bool:
        """Say whether a sublicence lies within its parent."""
        line = self.line(parent["name"])
        last, sale_last = self.ends(parent)
        sale = None if wanted["box"].last is None else wanted["box"].last + wanted["sell_off_days"]
        left = self.left(parent)
        limits = Box(parent["box"].places, parent["box"].fields, parent["box"].first, last)
        return (
            parent["sublicensing"]
            and len(line) <= 4
            and all(self.state(one["name"], today, today) in {"active", "early"} for one in line)
            and covers(limits, wanted["box"])
            and (sale_last is None or (sale is not None and sale <= sale_last))
            and (parent["exclusive"] or not wanted["exclusive"])
            and (left is None or (wanted["quantity"] is not None and wanted["quantity"] <= left))
        )


def covers(outer: Box, inner: Box) -> bool:
    """Say whether a box lies within another: by its words, since counties do not make a country; and by its days."""
    places = all(any(holds(wide, one) for wide in outer.places) for one in inner.places)
    uses = all(any(wide in ("any", one) for wide in outer.fields) for one in inner.fields)
    open_ended = inner.last is None and outer.last is not None
    inside = places and uses and not open_ended and inner.days() <= outer.days()
    if inside:
        assert inner.points() <= outer.points()
    return inside


@cache
def base() -> Studio:
    """Return the studio from which every example starts."""
    return open_studio()


def calendar(day: int) -> str:
    """Return the date of a day of the test."""
    return base().day(day)


# One licence on one day


def slow_state(acts: list[dict[str, Any]], day: str, known: str) -> str:
    """Return what a licence is on a day, walking from its first day on, one day and one act at a time."""
    seen = [act for act in acts if day_of_time(act["time_ms"]) <= known]
    if not seen:
        return "unknown"
    grant = seen[0]
    filed = [day_of_time(act["time_ms"]) for act in seen if act["kind"] == "licence-filing"]
    last, days, revoked = grant["last"], grant["sell_off_days"], False
    for act in seen:
        if act["kind"] == "licence-revocation":
            last, days, revoked = act["last"], act["sell_off_days"], True
    if last is not None and last < grant["first"]:
        days = 0
    after = 0 if last is None or day <= last else apart(last, day)
    if last is not None and after > days:
        return "revoked" if revoked else "ended"
    if grant["filing"] and not any(one <= day for one in filed):
        return "unfiled"
    if day < grant["first"]:
        return "early"
    if is_off(seen, day):
        return "suspended"
    return "selling-off" if after else "active"


def is_off(seen: list[dict[str, Any]], day: str) -> bool:
    """Say whether a licence is suspended on a day: each suspension is switched off by the resumption after it."""
    off = False
    for number, act in enumerate(seen):
        if act["kind"] == "licence-suspension" and act["from"] <= day:
            ends = next((one["from"] for one in seen[number:] if one["kind"] == "licence-resumption"), None)
            off = off or ends is None or day < ends
    return off


def day_of_time(time_ms: int) -> str:
    """Return a day of Taipei by another way than the rules."""
    return datetime.fromtimestamp(time_ms / 1000 + 8 * 3600, UTC).strftime("%Y-%m-%d")


def apart(one: str, other: str) -> int:
    """Return how many days one lies before the other."""
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).days
