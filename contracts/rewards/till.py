"""At the till: charge, confirm above the ceiling, post a hold, void, refund. The answer is final in one request.

    coins-charge   {"programme": "…", "merchant": "noodles", "branch": "main", "account": "<hex>", "charge": "<hex>",
                    "coins": 30, "code": {…}}                          or "card": "<hex>"; "hold_s": 3600
                    or with "total", "tickets", "coupons", "money": see `contracts.rewards.means`
    coins-confirm  {"programme": "…", "account": "<hex>", "charge": "<hex>", "coins": 80}
    coins-post     {"programme": "…", "account": "<hex>", "charge": "<hex>", "coins": 20}
    coins-void     {"programme": "…", "account": "<hex>", "charge": "<hex>"}
    coins-refund   {"programme": "…", "account": "<hex>", "charge": "<hex>", "refund": "<hex>", "coins": 10}

A voucher that an account cannot pay any more when it is handed in is let in as `unpaid`: so the double spend is on
record, under the name of the account that signed both.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.kind import ACTOR_ID, Act, Kind, body
from contracts.rewards.accounts import account_readers, account_reads
from contracts.rewards.basket import Basket
from contracts.rewards.book import Book, holder_of
from contracts.rewards.charge import Step, begin, follow, unpaid
from contracts.rewards.code import CODE, check_code
from contracts.rewards.coins import decode_pieces, encode_pieces, split, total
from contracts.rewards.keys import (
    card_key,
    charge_key,
    coupon_key,
    done_key,
    holder_key,
    offer_key,
    pieces_key,
    stock_key,
    ticket_key,
    wallet_key,
)
from contracts.rewards.means import BACK, BESIDE, dues, worth
from contracts.rewards.offers import offer_of
from contracts.rewards.programmes import BRANCH, COINS, NO_COINS, PROGRAMME_ID, RANDOM_ID, expect_soon, programme_of
from ledger.errors import RefusedError, SignatureError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contracts.rewards.book import Account
    from contracts.rewards.coins import Lot
    from ledger.rulebook import Facts

HOLD_MAX_S = 7 * 86_400


def _charge(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_soon(act)
    charge, coins = content["charge"], content["coins"]
    act.expect(act.facts.get(charge_key(charge)) is None, "till.code-used", "this code has been used", got=charge)
    book = Book(act, terms)
    account = book.account(content["account"])
    offers = partial(_offer, act)
    state = begin(content, actor=act.actor, terms=terms, offers=offers, time_ms=act.at.time_ms)
    if "code" in content:
        _expect_signed(act)
    carded = [_card(act, account, terms)] if "card" in content else []
    pieces: tuple[Lot, ...] = ()
    if state["offline"] and coins > account.purse.available:
        account.state["unpaid"] += 1
        state = unpaid(state)
    elif state["until_ms"] is not None:
        account.purse.hold(charge, coins, state["until_ms"])
    else:
        pieces = account.purse.spend(coins) if coins else ()
        book.charge(state, pieces, dues(state["mixed"], offers), refund=False)
        book.visit(state["merchant"], account)
    basket = _used(book, content)
    return [*book.close(charge), *basket.close(charge), *carded, *_written(act, state, pieces)]


def _offer(act: Act, kind: str, offer: str, version: int) -> dict[str, Any]:
    return offer_of(act, offer, kind, version)


def _used(book: Book, content: Mapping[str, Any]) -> Basket:
    """Return the basket in which a charge's tickets and coupons are used: those of the account, as they were issued.

    Raises:
        RefusedError: they are another's, of other terms, used, or over.
    """
    basket, account = Basket(book), content["account"]
    for one in content.get("tickets", ()):
        _expect_terms("tickets.unknown", one, basket.held("tickets", one["ticket"], account))
    for one in content.get("coupons", ()):
        _expect_terms("coupons.unknown", one, basket.held("coupons", one["coupon"], account))
    for one in content.get("tickets", ()):
        basket.use_ticket(one["ticket"], account, one["item"], one["count"])
    for one in content.get("coupons", ()):
        basket.use_coupon(one["coupon"], account, content["charge"])
    return basket


def _expect_terms(rule: str, named: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    said = named["offer"], named["version"]
    if (state["offer"], state["version"]) != said:
        raise RefusedError(rule, "it was issued under other terms", got=said)


def _expect_signed(act: Act) -> None:
    """Refuse the charge unless an active key of the account signed its code.

    Raises:
        RefusedError: none did.
    """
    key = act.facts.get(holder_key(bytes.fromhex(act.body["code"]["kid"])))
    if key is None or key["actor"] != holder_of(act.body["account"]) or key["state"] != "active":
        raise RefusedError("till.code", "the code's key is not one of the account, or is closed")
    try:
        check_code(act.body, key["public_key"], act.record.audience)
    except SignatureError as error:
        raise RefusedError("till.code", "the account's key did not sign this code") from error


def _card(act: Act, account: Account, terms: Mapping[str, Any]) -> Change:
    """Return a card's state after a charge; tickets and coupons count towards its limits as what they pay.

    Raises:
        RefusedError: it is not the account's, closed, or beyond its limits.
    """
    content, limits = act.body, terms["card"]
    found = act.facts.get(card_key(content["card"]))
    if found is None or found["account"] != account.name or found["state"] != "open":
        raise RefusedError("till.card", "no open card of this account")
    today, taken = day_of(act.at.time_ms), worth(content, terms)
    spent = taken + (found["spent"] if found["day"] == today else 0)
    act.expect(
        taken <= limits["per_charge"] and spent <= limits["per_day"],
        "till.card-limit",
        "that is more than a card pays",
        expected=f"{limits['per_charge']} a time, {limits['per_day']} a day",
        # What the card paid elsewhere today is not for this till to know.
        got=taken,
    )
    after = {**found, "day": today, "spent": spent}
    return Change(card_key(content["card"]), after, holder=holder_of(account.name), private=True)


def _post(act: Act) -> list[Change]:
    book, state, account = _followed(act)
    pieces = account.purse.post(act.body["charge"], act.body["coins"])
    book.charge(state, pieces, (), refund=False)
    book.visit(state["merchant"], account)
    return [*book.close(act.body["charge"]), *_written(act, state, pieces)]


def _void(act: Act) -> list[Change]:
    book, state, account = _followed(act)
    account.purse.void(act.body["charge"])
    return [*book.close(act.body["charge"]), *_written(act, state, ())]


def _refund(act: Act) -> list[Change]:
    book, state, account = _followed(act)
    before = act.facts.get(charge_key(act.body["charge"])) or state
    content, charge = act.body, act.body["charge"]
    book.once(content["refund"])
    row = act.facts.get(pieces_key(charge))
    mixed = state["mixed"]
    if mixed is not None:
        act.facts.expect(_mixed_reads(content["programme"], mixed))
    kept, back = refunded(decode_pieces([] if row is None else row["pieces"]), content["coins"])
    account.purse.refund(back)
    owed = [] if mixed is None else dues(mixed, partial(_offer, act), before["mixed"]["back"])
    book.charge(state, back, owed, refund=True)
    basket = Basket(book)
    for one in content.get("tickets", ()):
        basket.unuse_ticket(one["ticket"], one["item"], one["count"])
    for one in content.get("coupons", ()):
        basket.unuse_coupon(one, account.name)
    return [*book.close(charge), *basket.close(charge), *_written(act, state, kept)]


def refunded(pieces: Sequence[Lot], coins: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Return what stays spent of a charge's coins after a refund, and what goes back: the last that were taken."""
    return split(pieces, total(pieces) - coins)


def _followed(act: Act) -> tuple[Book, dict[str, Any], Account]:
    """Return the books, the charge's state after the act, and its account."""
    expect_soon(act)
    terms = programme_of(act, act.body["programme"])
    state = act.facts.get(charge_key(act.body["charge"]))
    if state is None or (state["programme"], state["account"]) != (act.body["programme"], act.body["account"]):
        raise RefusedError("till.charge", "there is no such charge", got=act.body["charge"])
    book = Book(act, terms)
    account = book.account(state["account"])
    after = follow(state, Step(act.record.kind, act.body, act.record.issuer, act.actor, act.at.time_ms))
    return book, after, account


def _written(act: Act, state: Mapping[str, Any], pieces: Iterable[Lot]) -> list[Change]:
    """Return a charge's state and its next act; which lots paid is the resident's to know."""
    charge, number, rows = act.body["charge"], state["acts"] + 1, encode_pieces(pieces)
    done = {
        "record": act.at.position,
        "kind": act.record.kind,
        "by": act.record.issuer,
        "time_ms": act.at.time_ms,
        "coins": act.body.get("coins", 0),
        "stage": state["stage"],
    }
    subject, holder = act.record.subject, holder_of(state["account"])
    return [
        Change(charge_key(charge), {**state, "acts": number}, holder=subject, private=True),
        Change(charge_key(charge, number), done, holder=subject, private=True),
        Change(pieces_key(charge), {"pieces": rows}, holder=holder, private=True),
    ]


def _subject(content: Mapping[str, Any]) -> str:
    return f"charge/{content['charge']}"


def _readers(content: Mapping[str, Any], facts: Facts) -> Iterable[str]:
    state = facts.get(charge_key(content["charge"]))
    return (*account_readers(content, facts), *(() if state is None else (state["merchant"],)))


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield from (charge_key(content["charge"]), pieces_key(content["charge"]))
    if "card" in content:
        yield card_key(content["card"])
    if "refund" in content:
        yield done_key(content["programme"], content["refund"])
    if "code" in content:
        yield holder_key(bytes.fromhex(content["code"]["kid"]))
    if "tickets" in content or "coupons" in content:
        yield wallet_key(content["account"])
    if "merchant" in content:
        tickets = [(one["ticket"], one["offer"], one["version"]) for one in content.get("tickets", ())]
        coupons = [(one["coupon"], one["offer"], one["version"]) for one in content.get("coupons", ())]
        yield from _mixed_reads(content["programme"], {"tickets": tickets, "coupons": coupons})


def _mixed_reads(programme: str, mixed: Mapping[str, Any]) -> Iterable[bytes]:
    """Yield what is read of a charge's tickets and coupons; each begins with its name, offer and version."""
    for kind, key in (("tickets", ticket_key), ("coupons", coupon_key)):
        for name, offer, version, *_ in mixed[kind]:
            yield key(name)
            yield offer_key(programme, offer, version)
            yield stock_key(programme, offer)


_WHICH = {"programme": PROGRAMME_ID, "account": RANDOM_ID, "charge": RANDOM_ID}
_ASKED = body(
    {**_WHICH, "merchant": ACTOR_ID, "branch": BRANCH, "coins": NO_COINS},
    {"code": CODE, "card": RANDOM_ID, "hold_s": {"type": "integer", "minimum": 1, "maximum": HOLD_MAX_S}, **BESIDE},
)

KINDS = (
    Kind("coins-charge", _ASKED, _subject, _charge, _reads, private=True, readers=_readers),
    Kind(
        "coins-confirm",
        body({**_WHICH, "coins": COINS}),
        _subject,
        _post,
        _reads,
        private=True,
        readers=_readers,
        holders=True,
    ),
    Kind("coins-post", body({**_WHICH, "coins": COINS}), _subject, _post, _reads, private=True, readers=_readers),
    Kind("coins-void", body(_WHICH), _subject, _void, _reads, private=True, readers=_readers, holders=True),
    Kind(
        "coins-refund",
        body({**_WHICH, "refund": RANDOM_ID, "coins": NO_COINS}, BACK),
        _subject,
        _refund,
        _reads,
        private=True,
        readers=_readers,
    ),
)
