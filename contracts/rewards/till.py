"""At the till: charge, confirm above the ceiling, post a hold, void, refund. The answer is final in one request.

    coins-charge   {"programme": "…", "merchant": "noodles", "branch": "main", "account": "<hex>", "charge": "<hex>",
                    "coins": 30, "code": {…}}                          or "card": "<hex>"; "hold_s": 3600
    coins-confirm  {"programme": "…", "account": "<hex>", "charge": "<hex>", "coins": 80}
    coins-post     {"programme": "…", "account": "<hex>", "charge": "<hex>", "coins": 20}
    coins-void     {"programme": "…", "account": "<hex>", "charge": "<hex>"}
    coins-refund   {"programme": "…", "account": "<hex>", "charge": "<hex>", "refund": "<hex>", "coins": 10}

A voucher that an account cannot pay any more when it is handed in is let in as `unpaid`: so the double spend is on
record, under the name of the account that signed both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.kind import ACTOR_ID, Act, Kind, body
from contracts.rewards.accounts import account_readers, account_reads, check_holder
from contracts.rewards.book import Book, holder_of
from contracts.rewards.calendar import day_of
from contracts.rewards.code import CODE, check_code
from contracts.rewards.coins import decode_pieces, encode_pieces, split, total
from contracts.rewards.keys import card_key, charge_key, holder_key, pieces_key
from contracts.rewards.programmes import BRANCH, COINS, PROGRAMME_ID, RANDOM_ID, expect_soon, programme_of
from ledger.errors import RefusedError, SignatureError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.rewards.book import Account
    from contracts.rewards.code import Code
    from contracts.rewards.coins import Lot
    from ledger.rulebook import Facts

CODE_LIFE_S = 300
VOUCHER_LIFE_S = 7 * 86_400
CONFIRM_MS = 300_000
HOLD_MAX_S = 7 * 86_400


def stage(state: Mapping[str, Any], time_ms: int) -> str:
    """Return how a charge stands at a time: `pending`, `held`, `lapsed`, `posted`, `voided` or `unpaid`."""
    if state["stage"] in {"pending", "held"} and state["until_ms"] <= time_ms:
        return "lapsed"
    return str(state["stage"])


def _charge(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_soon(act)
    merchant, branch, charge, coins = (content[name] for name in ("merchant", "branch", "charge", "coins"))
    act.expect(
        act.actor == merchant, "till.merchant", "a merchant charges for itself", expected=merchant, got=act.actor
    )
    act.expect(
        branch in terms["merchants"].get(merchant, ()),
        "till.merchant",
        "the programme has no such till",
        got=f"{merchant} {branch}",
    )
    act.expect(act.facts.get(charge_key(charge)) is None, "till.code-used", "this code has been used", got=charge)
    act.expect(("code" in content) != ("card" in content), "till.code", "a charge is by a code or by a card")
    book = Book(act, terms)
    account = book.account(content["account"])
    code = _code(act, terms) if "code" in content else None
    carded = [] if code is not None else [_card(act, account, terms)]
    found = {
        "programme": book.programme,
        "merchant": merchant,
        "branch": branch,
        "account": account.name,
        "coins": coins,
        "posted": 0,
        "refunded": 0,
        "until_ms": None,
        "acts": 0,
        "by": "card" if code is None else "code",
        "offline": code is not None and code.offline,
    }
    pieces: tuple[Lot, ...] = ()
    held_ms = _held_ms(act, code)
    if found["offline"] and coins > account.purse.available:
        account.state["unpaid"] += 1
        found["stage"] = "unpaid"
    elif held_ms is not None:
        account.purse.hold(charge, coins, held_ms)
        found.update(stage="held" if "hold_s" in content else "pending", until_ms=held_ms)
    else:
        pieces = account.purse.spend(coins)
        book.charge(merchant, branch, charge, pieces, refund=False)
        found.update(stage="posted", posted=coins)
    return [*book.close(charge), *carded, *_written(act, charge, found, pieces)]


def _code(act: Act, terms: Mapping[str, Any]) -> Code:
    """Return the code of a charge.

    Raises:
        RefusedError: the account's key did not sign it, it is over, bound to another, or a voucher beyond the terms.
    """
    content, now_s = act.body, act.at.time_ms // 1000
    key = act.facts.get(holder_key(bytes.fromhex(content["code"]["kid"])))
    if key is None or key["actor"] != holder_of(content["account"]) or key["state"] != "active":
        raise RefusedError("till.code", "the code's key is not one of the account, or is closed")
    try:
        code = check_code(content, key["public_key"], act.record.audience)
    except SignatureError as error:
        raise RefusedError("till.code", "the account's key did not sign this code") from error
    life_s = VOUCHER_LIFE_S if code.offline else CODE_LIFE_S
    act.expect(
        now_s < code.until_s <= now_s + life_s,
        "till.code-life",
        "the code is over, or not of now",
        expected=f"{now_s + 1} to {now_s + life_s}",
        got=code.until_s,
    )
    act.expect(code.merchant in (None, act.actor), "till.code-merchant", "the code is for another till")
    if code.offline:
        act.expect(code.merchant is not None, "till.voucher", "a voucher is for one merchant")
        act.expect(
            max(code.ceiling, content["coins"]) <= min(terms["offline_max"], code.ceiling),
            "till.voucher",
            "a voucher is of few coins, and pays no more than it says",
            expected=terms["offline_max"],
            got=content["coins"],
        )
        act.expect("hold_s" not in content, "till.voucher", "a voucher is not held")
    act.expect(
        "hold_s" not in content or content["coins"] <= code.ceiling,
        "till.ceiling",
        "a hold stays below the code's ceiling",
        expected=code.ceiling,
        got=content["coins"],
    )
    return code


def _card(act: Act, account: Account, terms: Mapping[str, Any]) -> Change:
    """Return a card's state after a charge.

    Raises:
        RefusedError: it is not the account's, closed, or beyond its limits.
    """
    content, limits = act.body, terms["card"]
    found = act.facts.get(card_key(content["card"]))
    if found is None or found["account"] != account.name or found["state"] != "open" or "hold_s" in content:
        raise RefusedError("till.card", "no open card of this account, or a hold by a card")
    today = day_of(act.at.time_ms)
    spent = content["coins"] + (found["spent"] if found["day"] == today else 0)
    act.expect(
        content["coins"] <= limits["per_charge"] and spent <= limits["per_day"],
        "till.card-limit",
        "that is more than a card pays",
        expected=f"{limits['per_charge']} a time, {limits['per_day']} a day",
        got=f"{content['coins']}, {spent}",
    )
    after = {**found, "day": today, "spent": spent}
    return Change(card_key(content["card"]), after, holder=holder_of(account.name), private=True)


def _held_ms(act: Act, code: Code | None) -> int | None:
    """Return until when a charge is held: as asked, or while it waits for the resident's word; None where it is not."""
    if "hold_s" in act.body:
        return act.at.time_ms + int(act.body["hold_s"]) * 1000
    return None if code is None or act.body["coins"] <= code.ceiling else act.at.time_ms + CONFIRM_MS


def _confirm(act: Act) -> list[Change]:
    book, state, account = _open_charge(act)
    check_holder(act, account.name)
    _expect_stage(act, state, "pending")
    act.expect(
        act.body["coins"] == state["coins"],
        "till.coins",
        "another sum than the till asks for",
        expected=state["coins"],
        got=act.body["coins"],
    )
    return _post(act, book, state, account)


def _post_hold(act: Act) -> list[Change]:
    book, state, account = _open_charge(act)
    _expect_merchant(act, state)
    _expect_stage(act, state, "held")
    return _post(act, book, state, account)


def _post(act: Act, book: Book, state: dict[str, Any], account: Account) -> list[Change]:
    charge, coins = act.body["charge"], act.body["coins"]
    pieces = account.purse.post(charge, coins)
    book.charge(state["merchant"], state["branch"], charge, pieces, refund=False)
    state.update(stage="posted", posted=coins, until_ms=None)
    return [*book.close(charge), *_written(act, charge, state, pieces)]


def _void(act: Act) -> list[Change]:
    book, state, account = _open_charge(act)
    # Who is asked to confirm may say no; a hold that was agreed on is the merchant's to let go.
    if not (act.record.issuer == holder_of(account.name) and state["stage"] == "pending"):
        _expect_merchant(act, state)
    _expect_stage(act, state, "pending", "held")
    account.purse.void(act.body["charge"])
    state.update(stage="voided", until_ms=None)
    return [*book.close(act.body["charge"]), *_written(act, act.body["charge"], state, ())]


def _refund(act: Act) -> list[Change]:
    book, state, account = _open_charge(act)
    _expect_merchant(act, state)
    _expect_stage(act, state, "posted")
    charge, coins, left = act.body["charge"], act.body["coins"], state["posted"] - state["refunded"]
    act.expect(coins <= left, "till.refund", "more than was charged and is not refunded yet", expected=left, got=coins)
    row = act.facts.get(pieces_key(charge))
    pieces = decode_pieces([] if row is None else row["pieces"])
    kept, back = split(pieces, total(pieces) - coins)
    account.purse.refund(back)
    book.charge(state["merchant"], state["branch"], charge, back, refund=True)
    state["refunded"] += coins
    return [*book.close(charge), *_written(act, charge, state, kept)]


def _open_charge(act: Act) -> tuple[Book, dict[str, Any], Account]:
    """Return the books, the charge's state and its account."""
    expect_soon(act)
    terms = programme_of(act, act.body["programme"])
    state = act.facts.get(charge_key(act.body["charge"]))
    if state is None or (state["programme"], state["account"]) != (act.body["programme"], act.body["account"]):
        raise RefusedError("till.charge", "there is no such charge", got=act.body["charge"])
    book = Book(act, terms)
    return book, dict(state), book.account(state["account"])


def _expect_merchant(act: Act, state: Mapping[str, Any]) -> None:
    act.expect(
        act.actor == state["merchant"], "till.merchant", "only the merchant of the charge does this", got=act.actor
    )


def _expect_stage(act: Act, state: Mapping[str, Any], *stages: str) -> None:
    found = stage(state, act.at.time_ms)
    act.expect(found in stages, "till.stage", "the charge does not stand there", expected=", ".join(stages), got=found)


def _written(act: Act, charge: str, state: dict[str, Any], pieces: Iterable[Lot]) -> list[Change]:
    """Return a charge's state and its next act; which lots paid is the resident's to know."""
    number, rows = state["acts"] + 1, encode_pieces(pieces)
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
    if "code" in content:
        yield holder_key(bytes.fromhex(content["code"]["kid"]))


_WHICH = {"programme": PROGRAMME_ID, "account": RANDOM_ID, "charge": RANDOM_ID}
_ASKED = body(
    {**_WHICH, "merchant": ACTOR_ID, "branch": BRANCH, "coins": COINS},
    {"code": CODE, "card": RANDOM_ID, "hold_s": {"type": "integer", "minimum": 1, "maximum": HOLD_MAX_S}},
)

KINDS = (
    Kind("coins-charge", _ASKED, _subject, _charge, _reads, private=True, readers=_readers),
    Kind(
        "coins-confirm",
        body({**_WHICH, "coins": COINS}),
        _subject,
        _confirm,
        _reads,
        private=True,
        readers=_readers,
        holders=True,
    ),
    Kind("coins-post", body({**_WHICH, "coins": COINS}), _subject, _post_hold, _reads, private=True, readers=_readers),
    Kind("coins-void", body(_WHICH), _subject, _void, _reads, private=True, readers=_readers, holders=True),
    Kind(
        "coins-refund",
        body({**_WHICH, "refund": RANDOM_ID, "coins": COINS}),
        _subject,
        _refund,
        _reads,
        private=True,
        readers=_readers,
    ),
)
