"""Tickets and coupons from issuer to holder: sold or given, handed on, taken back.

    ticket-sale      {"programme": "…", "account": "<hex>", "ticket": "<hex>", "offer": "hakka-day", "amount": 90000}
    ticket-refund    {"programme": "…", "account": "<hex>", "ticket": "<hex>", "refund": "<hex>", "items": {"lunch": 1},
                      "amount": 19400}
    ticket-transfer  {"programme": "…", "account": "<hex>", "ticket": "<hex>", "to": "<hex>"}
    coupon           {"programme": "…", "account": "<hex>", "coupon": "<hex>", "offer": "lunch-50"}

A ticket for the offer's price is sold, one for nothing is given. The serial number is 128 random bits, used once. What
a seller takes in and pays back is money outside the ledger; the records say how much, and the rule that it is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of, days_later, month_end_ms, month_of, months_later
from contracts.kind import Act, Kind, body
from contracts.rewards.accounts import account_readers, account_reads, check_holder
from contracts.rewards.basket import Basket
from contracts.rewards.book import Book, holder_of
from contracts.rewards.coupons import ends_of, new_coupon
from contracts.rewards.keys import (
    account_key,
    coupon_key,
    done_key,
    had_key,
    offer_key,
    stock_key,
    ticket_key,
    wallet_key,
)
from contracts.rewards.offers import COUNT, offer_of, price_of
from contracts.rewards.programmes import NO_MONEY, PROGRAMME_ID, RANDOM_ID, expect_soon, programme_of, table
from contracts.rewards.tickets import fee_of, new_ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.facts import Change
    from ledger.rulebook import Facts

GUARANTEE_DAYS = 365
"""How long a performance guarantee runs from the day of the sale, by law."""


def _begin(act: Act) -> tuple[Basket, str]:
    """Return the basket of an act on an open account, and the account."""
    expect_soon(act)
    book = Book(act, programme_of(act, act.body["programme"]))
    book.expect_open(act.body["account"])
    return Basket(book), act.body["account"]


def _sell(act: Act) -> list[Change]:
    content = act.body
    basket, account = _begin(act)
    terms = offer_of(act, content["offer"], "tickets")
    act.expect(
        act.actor == terms["issuer"] or act.actor in terms.get("sellers", ()),
        "tickets.seller",
        "the issuer sells its tickets, and those it names",
        expected=terms["issuer"],
        got=act.actor,
    )
    paid = content["amount"] > 0
    if paid:
        _expect_sold(act, terms)
    issue_ticket(basket, terms, content["ticket"], account, paid=paid)
    return [*basket.book.close(content["ticket"]), *basket.close(content["ticket"])]


def _expect_sold(act: Act, terms: Mapping[str, Any]) -> None:
    act.expect(
        act.body["amount"] == price_of(terms),
        "tickets.amount",
        "another amount than the bundle costs",
        expected=price_of(terms),
        got=act.body["amount"],
    )
    needed, until = days_later(day_of(act.at.time_ms), GUARANTEE_DAYS), terms["guarantee"]["until"]
    act.expect(
        until >= needed,
        "tickets.guarantee",
        "what is sold is guaranteed for a year",
        expected=f"until {needed} at least",
        got=until,
    )


def issue_ticket(basket: Basket, terms: Mapping[str, Any], ticket: str, account: str, *, paid: bool) -> None:
    """Put a new ticket into a wallet: one that was paid for has no end.

    Raises:
        RefusedError: the offer is sold, and not given away.
    """
    act = basket.book.act
    ends_ms = None
    if not paid:
        act.expect("given_months" in terms, "tickets.given", "these tickets are not given away", got=terms["offer"])
        ends_ms = month_end_ms(months_later(month_of(act.at.time_ms), terms["given_months"]))
    basket.add("tickets", ticket, new_ticket(terms, account, paid=paid, ends_ms=ends_ms), price_of(terms))


def _take_back(act: Act) -> list[Change]:
    content = act.body
    basket, account = _begin(act)
    state = basket.held("tickets", content["ticket"], account)
    terms = basket.terms("tickets", state)
    act.expect(
        act.actor == terms["issuer"],
        "tickets.seller",
        "the issuer takes its tickets back",
        expected=terms["issuer"],
        got=act.actor,
    )
    act.expect(state["paid"], "tickets.given", "a ticket that was given is not paid back", got=content["ticket"])
    basket.book.once(content["refund"])
    amount = basket.return_items(content["ticket"], account, content["items"])
    back = amount - fee_of(amount, terms)
    act.expect(
        content["amount"] == back,
        "tickets.amount",
        "another amount than is paid back for these items",
        expected=back,
        got=content["amount"],
    )
    return [*basket.book.close(content["refund"]), *basket.close(content["refund"])]


def _hand_over(act: Act) -> list[Change]:
    content = act.body
    basket, account = _begin(act)
    check_holder(act, account)
    state = basket.held("tickets", content["ticket"], account)
    act.expect(
        basket.terms("tickets", state)["transfers"] and account != content["to"],
        "tickets.transfer",
        "these tickets are not handed on",
        expected="an offer that allows it, and another account",
    )
    basket.book.expect_open(content["to"])
    basket.hand_over(content["ticket"], account, content["to"])
    return [*basket.book.close(content["ticket"]), *basket.close(content["ticket"])]


def _give(act: Act) -> list[Change]:
    content = act.body
    basket, account = _begin(act)
    terms = offer_of(act, content["offer"], "coupons")
    taken = terms["open"] and act.record.issuer == holder_of(account)
    act.expect(
        taken or act.actor == terms["issuer"],
        "coupons.giver",
        "the issuer gives its coupons; a resident takes those that are open to all",
        expected=terms["issuer"],
        got=act.actor,
    )
    issue_coupon(basket, terms, content["coupon"], account)
    return [*basket.book.close(content["coupon"]), *basket.close(content["coupon"])]


def issue_coupon(basket: Basket, terms: Mapping[str, Any], coupon: str, account: str) -> None:
    """Put a new coupon into a wallet.

    Raises:
        RefusedError: it would be over already.
    """
    act = basket.book.act
    act.expect(act.at.time_ms < ends_of(terms), "coupons.over", "the coupons are over", expected=terms["last_day"])
    basket.add("coupons", coupon, new_coupon(terms, account), 1)


def pass_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    """Yield what every rule about a ticket or coupon reads."""
    yield from account_reads(content)
    yield wallet_key(content["account"])
    if "ticket" in content:
        yield ticket_key(content["ticket"])
    if "coupon" in content:
        yield coupon_key(content["coupon"])
    if "offer" in content:
        names = content["programme"], content["offer"]
        yield from (offer_key(*names), stock_key(*names), had_key(*names, content["account"]))
    if "refund" in content:
        yield done_key(content["programme"], content["refund"])
    if "to" in content:
        yield from (account_key(content["to"]), wallet_key(content["to"]))


def _readers(content: Mapping[str, Any], facts: Facts) -> Iterable[str]:
    terms = facts.get(offer_key(content["programme"], content["offer"])) if "offer" in content else None
    to = (holder_of(content["to"]),) if "to" in content else ()
    return (*account_readers(content, facts), *to, *(() if terms is None else (terms["issuer"],)))


def _ticket_subject(content: Mapping[str, Any]) -> str:
    return f"ticket/{content['ticket']}"


def _coupon_subject(content: Mapping[str, Any]) -> str:
    return f"coupon/{content['coupon']}"


_TICKET = {"programme": PROGRAMME_ID, "account": RANDOM_ID, "ticket": RANDOM_ID}

KINDS = (
    Kind(
        "ticket-sale",
        body({**_TICKET, "offer": PROGRAMME_ID, "amount": NO_MONEY}),
        _ticket_subject,
        _sell,
        pass_reads,
        private=True,
        readers=_readers,
    ),
    Kind(
        "ticket-refund",
        body({**_TICKET, "refund": RANDOM_ID, "items": table(PROGRAMME_ID, COUNT, least=1), "amount": NO_MONEY}),
        _ticket_subject,
        _take_back,
        pass_reads,
        private=True,
        readers=_readers,
    ),
    Kind(
        "ticket-transfer",
        body({**_TICKET, "to": RANDOM_ID}),
        _ticket_subject,
        _hand_over,
        pass_reads,
        private=True,
        readers=_readers,
        holders=True,
    ),
    Kind(
        "coupon",
        body({"programme": PROGRAMME_ID, "account": RANDOM_ID, "coupon": RANDOM_ID, "offer": PROGRAMME_ID}),
        _coupon_subject,
        _give,
        pass_reads,
        private=True,
        readers=_readers,
        holders=True,
    ),
)
