"""What a charge is paid with beside coins: tickets, coupons and money, all in one act or none of it. Pure.

    {"total": 30000, "money": 2000, "coins": 30, "tickets": [{"ticket": "<hex>", "offer": "hakka-day", "version": 1,
     "item": "lunch", "count": 1}], "coupons": [{"coupon": "<hex>", "offer": "lunch-50", "version": 1}], …}

    total = faces of the tickets + discounts of the coupons + coins × their value + money

Tickets pay first, coupons take off from what is left, coins and money pay the rest to the unit. What the offers say is
public, so that the rule, the till and the verdict count the same; whose the tickets and coupons are, and whether they
are used up, is for the private facts. A refund names what goes back, and it goes back the way it came: coins into their
lots, items into their tickets, money to the hand that paid it; a coupon last, once nothing else is left, so that no
discount is ever paid out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.kind import body
from contracts.rewards.coupons import Purchase, borne, discounts
from contracts.rewards.offers import COUNT
from contracts.rewards.programmes import MONEY, PROGRAMME_ID, RANDOM_ID
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Offers = Callable[[str, str, int], Mapping[str, Any]]
    """A version of an offer's terms, from its kind (`tickets`, `coupons`), its name and the version."""

VERSION = {"type": "integer", "minimum": 1, "maximum": 10**6}
ITEMS_MAX = 8
_NAMED = {"ticket": RANDOM_ID, "item": PROGRAMME_ID, "count": COUNT}


def _some(what: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": what, "minItems": 1, "maxItems": ITEMS_MAX}


BESIDE = {
    "total": MONEY,
    "money": MONEY,
    "tickets": _some(body({**_NAMED, "offer": PROGRAMME_ID, "version": VERSION})),
    "coupons": _some(body({"coupon": RANDOM_ID, "offer": PROGRAMME_ID, "version": VERSION})),
}
"""Members of a charge that is not of coins alone."""
BACK = {"money": MONEY, "tickets": _some(body(_NAMED)), "coupons": _some(RANDOM_ID)}
"""Members of a refund of such a charge."""


class TicketPaid(NamedTuple):
    """So many of an item of a ticket that a charge was paid with, and what they count for together."""

    ticket: str
    offer: str
    version: int
    item: str
    number: int
    face: int


class CouponPaid(NamedTuple):
    """A coupon that a charge was paid with, and what it took off."""

    coupon: str
    offer: str
    version: int
    off: int


class Due(NamedTuple):
    """What an issuer owes a merchant for something else than coins.

    Attributes:
        issuer: who owes.
        means: `tickets` or `coupons`.
        amount: in hundredths of the currency.
    """

    issuer: str
    means: str
    amount: int


def mix(content: Mapping[str, Any], *, terms: Mapping[str, Any], offers: Offers, time_ms: int) -> dict[str, Any] | None:
    """Return what a charge is paid with beside coins, with what each counts for; None where it is of coins alone.

    Args:
        content: the body of the charge.
        terms: the programme's, in force.
        offers: where terms of offers come from.
        time_ms: Unix milliseconds.

    Raises:
        RefusedError: an item or a coupon is not good here and now, or the sum is another.
    """
    named, shown = content.get("tickets", []), content.get("coupons", [])
    if "total" not in content:
        _expect(
            content["coins"] > 0 and not named and not shown and "money" not in content,
            "till.mixed",
            "what is not paid in coins alone says what it comes to",
            expected="total",
        )
        return None
    _expect(content["coins"] or named or shown, "till.mixed", "what is paid in money alone is no charge of a programme")
    _expect(
        len({(one["ticket"], one["item"]) for one in named}) == len(named)
        and len({one["coupon"] for one in shown}) == len(shown),
        "till.mixed",
        "a ticket's item or a coupon stands there twice",
    )
    tickets = [_ticket(content, offers, one) for one in named]
    bought = content["total"] - sum(one.face for one in tickets)
    purchase = Purchase(content["merchant"], content["branch"], bought, bought, time_ms)
    offs = discounts([offers("coupons", one["offer"], one["version"]) for one in shown], purchase)
    coupons = [
        CouponPaid(one["coupon"], one["offer"], one["version"], off) for one, off in zip(shown, offs, strict=True)
    ]
    money, in_coins = content.get("money", 0), content["coins"] * terms["value"]
    _expect(
        in_coins + money == bought - sum(offs),
        "till.total",
        "tickets, coupons, coins and money do not come to the total",
        expected=f"{bought - sum(offs)} in coins and money",
        got=f"{in_coins} + {money}",
    )
    back = {"money": 0, "tickets": [0] * len(tickets), "coupons": [0] * len(coupons)}
    return {
        "total": content["total"],
        "money": money,
        "tickets": [list(one) for one in tickets],
        "coupons": [list(one) for one in coupons],
        "back": back,
    }


def tickets_of(mixed: Mapping[str, Any]) -> list[TicketPaid]:
    """Return the items that a charge was paid with."""
    return [TicketPaid(*row) for row in mixed["tickets"]]


def coupons_of(mixed: Mapping[str, Any]) -> list[CouponPaid]:
    """Return the coupons that a charge was paid with."""
    return [CouponPaid(*row) for row in mixed["coupons"]]


def worth(content: Mapping[str, Any], terms: Mapping[str, Any]) -> int:
    """Return what a charge takes of an account, tickets and coupons too, in coins; a part of one counts as one."""
    if "total" not in content:
        return int(content["coins"])
    return -(-(int(content["total"]) - int(content.get("money", 0))) // int(terms["value"]))


def unmix(mixed: Mapping[str, Any], content: Mapping[str, Any], coins_left: int) -> dict[str, Any]:
    """Return what a charge is paid with after a refund.

    Args:
        mixed: what it was paid with before.
        content: the body of the refund.
        coins_left: how many of its coins stay paid after the refund.

    Raises:
        RefusedError: more of something than was paid and is not back yet, or a coupon before all the rest.
    """
    before = mixed["back"]
    money, tickets, coupons = before["money"] + content.get("money", 0), [*before["tickets"]], [*before["coupons"]]
    _expect(money <= mixed["money"], "till.refund", "more money than was paid", expected=mixed["money"], got=money)
    for one in content.get("tickets", ()):
        at = _index([(row.ticket, row.item) for row in tickets_of(mixed)], (one["ticket"], one["item"]))
        tickets[at] += one["count"]
        paid = tickets_of(mixed)[at].number
        _expect(tickets[at] <= paid, "till.refund", "more items than were used", expected=paid, got=tickets[at])
    for one in content.get("coupons", ()):
        at = _index([row.coupon for row in coupons_of(mixed)], one)
        coupons[at] += 1
        _expect(coupons[at] == 1, "till.refund", "this coupon is back already", got=one)
    rest = coins_left + mixed["money"] - money + sum(one.number for one in tickets_of(mixed)) - sum(tickets)
    _expect(
        rest == 0 or coupons == before["coupons"],
        "till.coupon-last",
        "a coupon goes back once nothing else of the charge is left",
        expected="all coins, tickets and money back",
    )
    return {**mixed, "back": {"money": money, "tickets": tickets, "coupons": coupons}}


def dues(mixed: Mapping[str, Any] | None, offers: Offers, before: Mapping[str, Any] | None = None) -> list[Due]:
    """Return what issuers owe for a charge's tickets and coupons, or for what a refund took back of them.

    Args:
        mixed: what the charge is paid with.
        offers: where terms of offers come from.
        before: what was back before a refund; None for the charge itself.
    """
    if mixed is None:
        return []
    back = mixed["back"]
    found: list[Due] = []
    for at, used in enumerate(tickets_of(mixed)):
        terms = offers("tickets", used.offer, used.version)
        moved = used.number if before is None else back["tickets"][at] - before["tickets"][at]
        found.append(Due(terms["issuer"], "tickets", moved * terms["items"][used.item]["price"]))
    for at, shown in enumerate(coupons_of(mixed)):
        terms = offers("coupons", shown.offer, shown.version)
        moved = 1 if before is None else back["coupons"][at] - before["coupons"][at]
        found.append(Due(terms["issuer"], "coupons", moved * borne(terms, shown.off)))
    return [due for due in found if due.amount]


def all_back(mixed: Mapping[str, Any]) -> bool:
    """Say whether everything beside the coins went back."""
    back = mixed["back"]
    used = [one.number for one in tickets_of(mixed)]
    return bool(back["money"] == mixed["money"] and back["tickets"] == used and all(back["coupons"]))


def any_back(mixed: Mapping[str, Any]) -> bool:
    """Say whether anything beside the coins went back."""
    back = mixed["back"]
    return bool(back["money"] or any(back["tickets"]) or any(back["coupons"]))


def paid_with(mixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of tickets, coupons and money stays paid, by offer, as JSON has it."""
    back = mixed["back"]
    tickets = [
        {
            "offer": one.offer,
            "version": one.version,
            "item": one.item,
            "count": one.number - gone,
            "face": one.face * (one.number - gone) // one.number,
        }
        for one, gone in zip(tickets_of(mixed), back["tickets"], strict=True)
    ]
    coupons = [
        {"offer": one.offer, "version": one.version, "off": 0 if gone else one.off}
        for one, gone in zip(coupons_of(mixed), back["coupons"], strict=True)
    ]
    return {"total": mixed["total"], "money": mixed["money"] - back["money"], "tickets": tickets, "coupons": coupons}


def _ticket(content: Mapping[str, Any], offers: Offers, one: Mapping[str, Any]) -> TicketPaid:
    item = offers("tickets", one["offer"], one["version"])["items"].get(one["item"])
    if item is None or content["branch"] not in item["at"].get(content["merchant"], ()):
        places = "" if item is None else ", ".join(sorted(item["at"]))
        raise RefusedError(
            "tickets.place", "this item of the ticket is for another till", expected=places, got=one["item"]
        )
    face = item["face"] * one["count"]
    return TicketPaid(one["ticket"], one["offer"], one["version"], one["item"], one["count"], face)


def _index(names: Sequence[Any], name: Any) -> int:
    """Return where a name stands among those that a charge was paid with."""
    if name not in names:
        raise RefusedError("till.refund", "the charge was not paid with this", got=name)
    return names.index(name)


def _expect(holds: object, rule: str, message: str, *, expected: object = None, got: object = None) -> None:
    if not holds:
        raise RefusedError(rule, message, expected=expected, got=got)
