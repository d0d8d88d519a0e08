"""What a coupon takes off a purchase: one evaluator over its terms. Pure, total, in hundredths of the currency.

    discount({"off": {"amount": 5000}, "when": {"least": 20000}, …}, Purchase("noodles", "main", 26000, 26000, time_ms))
    5000

Every condition has its own refusal, so that the till can say why: `coupons.place`, `coupons.hours`, `coupons.least`,
`coupons.over`. Days and hours are Taipei's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.calendar import day_end_ms, day_of, minute_of, weekday_of
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Purchase(NamedTuple):
    """What a coupon is shown for.

    Attributes:
        merchant: the merchant.
        branch: the till's branch.
        amount: what is bought, but for what tickets pay, in hundredths of the currency.
        rest: what earlier coupons have left of it.
        time_ms: Unix milliseconds.
    """

    merchant: str
    branch: str
    amount: int
    rest: int
    time_ms: int


def ends_of(terms: Mapping[str, Any]) -> int:
    """Return when a coupon ends, Unix milliseconds: with its last day."""
    return day_end_ms(terms["last_day"])


def new_coupon(terms: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return the state of a coupon that was not used."""
    return {
        "programme": terms["programme"],
        "offer": terms["offer"],
        "version": terms["version"],
        "issuer": terms["issuer"],
        "account": account,
        "ends_ms": ends_of(terms),
        "used": None,
        "acts": 0,
    }


def discount(terms: Mapping[str, Any], purchase: Purchase) -> int:
    """Return what a coupon takes off: `1 <= discount <= purchase.rest`.

    Raises:
        RefusedError: one of its conditions is not met, or nothing is left to take off.
    """
    when, time_ms = terms["when"], purchase.time_ms
    _expect(
        when.get("first_day", "") <= day_of(time_ms) and time_ms < ends_of(terms),
        "coupons.over",
        "the coupon is over, or not yet good",
        expected=f"{when.get('first_day', '')} to {terms['last_day']}",
        got=day_of(time_ms),
    )
    _expect(
        "at" not in when or purchase.branch in when["at"].get(purchase.merchant, ()),
        "coupons.place",
        "the coupon is for other tills",
        expected=", ".join(sorted(when.get("at", {}))),
        got=f"{purchase.merchant} {purchase.branch}",
    )
    _expect(
        "hours" not in when or any(_covers(hours, time_ms) for hours in when["hours"]),
        "coupons.hours",
        "the coupon is for other hours",
        expected="; ".join(f"{hours['days']} {hours['from']}-{hours['to']}" for hours in when.get("hours", ())),
        got=f"{weekday_of(time_ms)} {minute_of(time_ms) // 60:02}:{minute_of(time_ms) % 60:02}",
    )
    _expect(
        purchase.amount >= when.get("least", 0),
        "coupons.least",
        "the coupon is for a larger purchase",
        expected=when.get("least"),
        got=purchase.amount,
    )
    off, rest = terms["off"], purchase.rest
    wanted = off["amount"] if "amount" in off else min(off["most"], purchase.amount * off["permille"] // 1000)
    taken = min(int(wanted), rest)
    _expect(taken > 0, "coupons.nothing", "there is nothing left to take off", expected="1 or more", got=taken)
    return taken


def discounts(terms: Sequence[Mapping[str, Any]], purchase: Purchase) -> list[int]:
    """Return what each of several coupons takes off, in their order.

    Raises:
        RefusedError: one does not apply, or they do not go together.
    """
    _expect(
        len(terms) < 2 or all(one["stackable"] for one in terms),
        "coupons.stack",
        "these coupons do not go together",
        expected="one coupon, or several that all say that they go together",
        got=len(terms),
    )
    found: list[int] = []
    for one in terms:
        found.append(discount(one, purchase._replace(rest=purchase.rest - sum(found))))
    return found


def borne(terms: Mapping[str, Any], amount: int) -> int:
    """Return how much of a discount the issuer bears, rounded down; the merchant bears the rest."""
    return int(amount * terms["borne_permille"] // 1000)


def _covers(hours: Mapping[str, Any], time_ms: int) -> bool:
    begins, ends = (int(hours[name][:2]) * 60 + int(hours[name][3:]) for name in ("from", "to"))
    return weekday_of(time_ms) in hours["days"] and begins <= minute_of(time_ms) < ends


def _expect(holds: object, rule: str, message: str, *, expected: object = None, got: object = None) -> None:
    if not holds:
        raise RefusedError(rule, message, expected=expected, got=got)
