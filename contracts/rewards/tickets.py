"""A ticket: a bundle of items under one serial number. Pure arithmetic, in whole items.

    count = left + used + returned, item by item

    ticket = new_ticket("hakka-day", terms, account="…", paid=True, ends_ms=None)
    use(ticket, terms, "lunch", 1, time_ms)     the first use starts the window
    returned = give_back(ticket, {"lunch": 1})

A ticket that was paid for never ends. When its window is over its items open no door any more, and what is left of them
is still worth its price to whoever holds it. One that was given ends when it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_end_ms, day_of
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping


def new_ticket(terms: Mapping[str, Any], account: str, *, paid: bool, ends_ms: int | None) -> dict[str, Any]:
    """Return the state of a ticket of which nothing was used.

    Args:
        terms: the offer's, in force.
        account: whose it is.
        paid: whether its price was paid.
        ends_ms: when it ends, Unix milliseconds; None where it does not.
    """
    return {
        "programme": terms["programme"],
        "offer": terms["offer"],
        "version": terms["version"],
        "issuer": terms["issuer"],
        "account": account,
        "paid": paid,
        "ends_ms": ends_ms,
        "started_ms": None,
        "items": {name: [item["count"], 0, 0] for name, item in terms["items"].items()},
        "acts": 0,
    }


def until_ms(ticket: Mapping[str, Any], terms: Mapping[str, Any]) -> int | None:
    """Return until when a ticket can be used, Unix milliseconds; None where nothing ends it.

    A window of two days that starts on a Monday is over when Tuesday is.
    """
    ends = [] if ticket["ends_ms"] is None else [ticket["ends_ms"]]
    if ticket["started_ms"] is not None and "window_days" in terms:
        ends.append(day_end_ms(day_of(ticket["started_ms"]), terms["window_days"]))
    return min(ends, default=None)


def left(ticket: Mapping[str, Any]) -> int:
    """Return how many items of a ticket are neither used nor returned."""
    return sum(items[0] for items in ticket["items"].values())


def worth(ticket: Mapping[str, Any], terms: Mapping[str, Any], counts: Mapping[str, int] | None = None) -> int:
    """Return the price of some items, or of all that are left, in hundredths of the currency."""
    counted = {name: items[0] for name, items in ticket["items"].items()} if counts is None else counts
    return sum(terms["items"][name]["price"] * count for name, count in counted.items())


def use(ticket: dict[str, Any], terms: Mapping[str, Any], item: str, count: int, time_ms: int) -> None:
    """Use items of a ticket.

    Raises:
        RefusedError: it has not so many, or it is over.
    """
    ends = until_ms(ticket, terms)
    if ends is not None and time_ms >= ends:
        # When it was first used, and so when it was over, is not for this till to know.
        raise RefusedError("tickets.over", "the ticket's time is over")
    _move(ticket, item, 0, 1, count)
    if ticket["started_ms"] is None:
        ticket["started_ms"] = time_ms


def unuse(ticket: dict[str, Any], item: str, count: int) -> None:
    """Put items back that a charge had used; where no use is left the window has not begun.

    Raises:
        RefusedError: fewer were used.
    """
    _move(ticket, item, 1, 0, count)
    if not any(items[1] for items in ticket["items"].values()):
        ticket["started_ms"] = None


def give_back(ticket: dict[str, Any], counts: Mapping[str, int]) -> None:
    """Let the issuer take unused items back, in its window or after it.

    Raises:
        RefusedError: there are not so many.
    """
    for item, count in counts.items():
        _move(ticket, item, 0, 2, count)


def fee_of(amount: int, terms: Mapping[str, Any]) -> int:
    """Return what the issuer keeps of an amount that it pays back, rounded down, in hundredths of the currency."""
    return int(amount * terms["fee_permille"] // 1000)


def _move(ticket: dict[str, Any], item: str, source: int, target: int, count: int) -> None:
    """Move items of a ticket between left (0), used (1) and returned (2)."""
    items = list(ticket["items"].get(item, (0, 0, 0)))
    if items[source] < count:
        raise RefusedError("tickets.items", "the ticket has not so many of this item", expected=item, got=count)
    items[source] -= count
    items[target] += count
    ticket["items"] = {**ticket["items"], item: items}
