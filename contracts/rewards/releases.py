"""Scarce rewards: a release that people enter, a draw that nobody can try twice, and turns in which winners claim.

    release        {"programme": "…", "release": "new-year", "offer": "hot-spring", "quantity": 20,
                    "closes_s": 1798700000, "beacon": "quicknet", "round": 35298900, "claim_s": 172800}       public
    release-entry  {"programme": "…", "account": "<hex>", "release": "new-year", "entry": "<hex>"}
    release-draw   {"programme": "…", "release": "new-year", "signature": "<hex>", "entries": ["<hex>", …]}   public
    release-claim  {"programme": "…", "account": "<hex>", "release": "new-year", "entry": "<hex>", "place": 7,
                    "serial": "<hex>"}

When somebody enters makes no difference, so there is no stampede. The release names the round of a public beacon whose
value nobody knows before entries close and are sealed. The draw is let in only with that very round's value and with
the very entries that the private facts hold; its order then follows (`contracts.rewards.draws`), for whoever looks. An
entry is a random name: its holder finds it in the order, others learn nothing from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.kind import Act, Kind, body
from contracts.rewards.accounts import account_readers, account_reads
from contracts.rewards.basket import Basket
from contracts.rewards.beacon import BEACONS, SIGNATURE_SIZE, check_round, round_time_ms
from contracts.rewards.book import Book, holder_of
from contracts.rewards.draws import draw_order, turn
from contracts.rewards.keys import (
    claims_key,
    coupon_key,
    entered_key,
    entries_key,
    entry_key,
    offer_key,
    programme_key,
    release_key,
    ticket_key,
    wallet_key,
)
from contracts.rewards.offers import NUMBER
from contracts.rewards.passes import issue_coupon, issue_ticket
from contracts.rewards.programmes import PROGRAMME_ID, RANDOM_ID, expect_soon, programme_of
from contracts.rewards.wallet import WALLET_MAX, open_wallet
from ledger.errors import FengtuError, RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENTRIES_MAX = 5_000
PAGE_SIZE = 256
SEALED_MS = 120_000
"""How long after the closing a round is due at the earliest: by then every entry is under a seal that others have."""


def release_of(act: Act) -> dict[str, Any]:
    """Return a release.

    Raises:
        RefusedError: there is none.
    """
    state = act.facts.get(release_key(act.body["programme"], act.body["release"]))
    if state is None:
        raise RefusedError("releases.unknown", "there is no such release", got=act.body["release"])
    return dict(state)


def check_times(terms: Mapping[str, Any], time_ms: int) -> None:
    """Check that a release is made before its entries close, and that its round is due once they are sealed.

    Raises:
        RefusedError: its value could be known, or tried out.
    """
    closes_ms, due_ms = terms["closes_s"] * 1000, round_time_ms(terms["beacon"], terms["round"])
    if time_ms >= closes_ms:
        raise RefusedError("releases.closed", "it would be closed already", got=terms["closes_s"])
    if due_ms < closes_ms + SEALED_MS:
        raise RefusedError(
            "releases.round",
            "the round is due after entries are closed and sealed",
            expected=f"{(closes_ms + SEALED_MS) // 1000} or later",
            got=due_ms // 1000,
        )


def _open(act: Act) -> list[Change]:
    content, key = act.body, release_key(act.body["programme"], act.body["release"])
    programme_of(act, content["programme"])
    offer = act.facts.get(offer_key(content["programme"], content["offer"]))
    if offer is None or not (offer["kind"] == "coupons" or "given_months" in offer):
        raise RefusedError("releases.offer", "what is released is given, not sold", got=content["offer"])
    act.expect(
        act.actor == offer["issuer"],
        "releases.issuer",
        "the issuer of an offer releases it",
        expected=offer["issuer"],
        got=act.actor,
    )
    act.expect(act.facts.get(key) is None, "releases.known", "a release is made once", got=content["release"])
    act.expect(
        content["quantity"] <= offer["number"],
        "releases.offer",
        "more is released than the offer has",
        expected=offer["number"],
        got=content["quantity"],
    )
    check_times(content, act.at.time_ms)
    after = {
        **content, "kind": offer["kind"], "version": offer["version"], "issuer": offer["issuer"],
        "record": act.at.index, "draw": None,
    }  # fmt: skip
    return [act.change(key, after)]


def _enter(act: Act) -> list[Change]:
    content = act.body
    expect_soon(act)
    state, account = release_of(act), content["account"]
    _expect_for(act, account)
    Book(act, programme_of(act, content["programme"])).expect_open(account)
    act.expect(
        act.at.time_ms < state["closes_s"] * 1000,
        "releases.closed",
        "entries are closed",
        expected=f"before {state['closes_s']}",
        got=act.at.time_ms // 1000,
    )
    names = content["programme"], content["release"]
    act.expect(act.facts.get(entered_key(*names, account)) is None, "releases.entered", "one person enters once")
    name = entry_key(*names, content["entry"])
    act.expect(act.facts.get(name) is None, "releases.name", "another entry has this name", got=content["entry"])
    number = (act.facts.get(entries_key(*names)) or {"count": 0})["count"] + 1
    act.expect(number <= ENTRIES_MAX, "releases.full", "the release has too many entries", expected=ENTRIES_MAX)
    issuer, wallet = state["issuer"], open_wallet(act.facts, account)
    wallet.lists["releases"] = [*wallet.lists["releases"], content["release"]][-WALLET_MAX:]
    wallet.receive("releases", content["release"])
    return [
        *wallet.close(act),
        Change(entries_key(*names), {"count": number}, holder=issuer, private=True),
        Change(entries_key(*names, number), {"entry": content["entry"]}, holder=issuer, private=True),
        Change(name, {"number": number}, holder=holder_of(account), private=True),
        _entered(act, {"entry": content["entry"], "claimed": None}),
    ]


def _entered(act: Act, value: dict[str, Any]) -> Change:
    content = act.body
    key = entered_key(content["programme"], content["release"], content["account"])
    return Change(key, value, holder=holder_of(content["account"]), private=True)


def _expect_for(act: Act, account: str) -> None:
    """Refuse the act unless the holder does it, or a station for one who has no device."""
    staff = programme_of(act, act.body["programme"])
    act.expect(
        act.record.issuer == holder_of(account) or act.actor in (staff["owner"], *staff["stations"]),
        "releases.holder",
        "the holder takes part, or the programme and its stations for one without a phone",
        expected=holder_of(account),
        got=act.record.issuer,
    )


def _draw(act: Act) -> list[Change]:
    content, state = act.body, release_of(act)
    owner = programme_of(act, content["programme"])["owner"]
    act.expect(
        act.actor in (state["issuer"], owner) or act.role() == "operator",
        "releases.drawer",
        "the issuer, the programme or the operator hands the round's value in",
        expected=state["issuer"],
        got=act.actor,
    )
    act.expect(state["draw"] is None, "releases.drawn", "the draw is made, once and for all", got=content["release"])
    due_ms = round_time_ms(state["beacon"], state["round"])
    act.expect(
        act.at.time_ms >= due_ms, "releases.early", "the round is not due yet", expected=due_ms, got=act.at.time_ms
    )
    _expect_entries(act)
    try:
        seed = check_round(state["beacon"], state["round"], content["signature"])
    except FengtuError as error:
        raise RefusedError(
            "releases.seed", "this is not the value of the round that the release names", expected=state["round"]
        ) from error
    order = draw_order(seed, content["entries"])
    drawn = {"seed": seed, "entries": len(order), "time_ms": act.at.time_ms, "record": act.at.index}
    names = content["programme"], content["release"]
    pages = range(0, len(order), PAGE_SIZE)
    return [
        act.change(release_key(*names), {**state, "draw": drawn}),
        *(
            act.change(release_key(*names, 1 + at // PAGE_SIZE), {"entries": order[at : at + PAGE_SIZE]})
            for at in pages
        ),
    ]


def _expect_entries(act: Act) -> None:
    """Refuse the draw unless it is of the entries that were made: all of them, in the order of their names."""
    content = act.body
    names, said = (content["programme"], content["release"]), content["entries"]
    act.expect(said == sorted(set(said)), "releases.entries", "the entries stand in order, each once")
    if not act.facts.sees_private:
        return
    count = (act.facts.get(entries_key(*names)) or {"count": 0})["count"]
    keys = [entries_key(*names, number) for number in range(1, count + 1)]
    act.facts.expect(keys)
    made = {entry["entry"] for entry in (act.facts.get(key) for key in keys) if entry is not None}
    act.expect(
        len(said) == count and made == set(said),
        "releases.entries",
        "the draw is of all that entered, and of nobody else",
        expected=f"{count} entries",
        got=f"{len(said)}, {len(made - set(said))} of them missing",
    )


def _claim(act: Act) -> list[Change]:
    content = act.body
    expect_soon(act)
    state, account = release_of(act), content["account"]
    _expect_for(act, account)
    entered = _expect_won(act, state)
    names, draw = (content["programme"], content["release"]), state["draw"]
    known = act.facts.get(claims_key(*names)) or {"turns": []}
    claims = dict(enumerate(known["turns"]))
    now = turn(
        state["quantity"], state["claim_s"] * 1000, draw["time_ms"], claims, act.at.time_ms, entries=draw["entries"]
    )
    act.expect(content["place"] < now.last, "releases.wait", "it is not this one's turn yet", expected=now.last)
    act.expect(content["place"] >= now.first, "releases.lapsed", "this one's turn is over", expected=now.first)
    claims[now.number] = claims.get(now.number, 0) + 1
    turns = [claims.get(number, 0) for number in range(now.number + 1)]
    book = Book(act, programme_of(act, content["programme"]))
    book.expect_open(account)
    basket = Basket(book)
    terms = act.facts.get(offer_key(content["programme"], state["offer"], state["version"])) or {}
    if state["kind"] == "tickets":
        issue_ticket(basket, terms, content["serial"], account, paid=False)
    else:
        issue_coupon(basket, terms, content["serial"], account)
    return [
        Change(claims_key(*names), {"turns": turns}, holder=state["issuer"], private=True),
        _entered(act, {**entered, "claimed": content["serial"]}),
        *book.close(content["entry"]),
        *basket.close(content["entry"]),
    ]


def _expect_won(act: Act, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return an account's entry that stands at the place it names, and has claimed nothing yet."""
    content = act.body
    act.expect(state["draw"] is not None, "releases.not-drawn", "the draw is not made yet", got=content["release"])
    names, place = (content["programme"], content["release"]), content["place"]
    found = act.facts.get(entered_key(*names, content["account"]))
    page = act.facts.get(release_key(*names, 1 + place // PAGE_SIZE)) or {"entries": []}
    at = page["entries"][place % PAGE_SIZE :][:1]
    if found is None or found["entry"] != content["entry"] or at != [content["entry"]]:
        raise RefusedError("releases.place", "the account's entry does not stand at this place", got=place)
    act.expect(found["claimed"] is None, "releases.claimed", "this was claimed already", got=content["entry"])
    return dict(found)


def _release_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    names = content["programme"], content["release"]
    yield programme_key(content["programme"])
    yield release_key(*names)
    if "offer" in content:
        yield offer_key(content["programme"], content["offer"])
    if "signature" in content:
        yield entries_key(*names)


def _entry_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    names, account = (content["programme"], content["release"]), content["account"]
    yield from account_reads(content)
    yield from (release_key(*names), entered_key(*names, account))
    yield wallet_key(account)
    if "place" in content:
        yield from (claims_key(*names), release_key(*names, 1 + content["place"] // PAGE_SIZE))
        yield from (ticket_key(content["serial"]), coupon_key(content["serial"]))
    else:
        yield from (entries_key(*names), entry_key(*names, content["entry"]))


def _subject(content: Mapping[str, Any]) -> str:
    return f"release/{content['programme']}/{content['release']}"


def _entry_subject(content: Mapping[str, Any]) -> str:
    return f"entry/{content['entry']}"


_WHICH = {"programme": PROGRAMME_ID, "release": PROGRAMME_ID}
_WHOSE = {**_WHICH, "account": RANDOM_ID, "entry": RANDOM_ID}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 2**40}

KINDS = (
    Kind(
        "release",
        body(
            {
                **_WHICH,
                "offer": PROGRAMME_ID,
                "quantity": NUMBER,
                "closes_s": _SECONDS,
                "beacon": {"enum": sorted(BEACONS)},
                "round": {"type": "integer", "minimum": 1, "maximum": 2**40},
                "claim_s": {"type": "integer", "minimum": 3600, "maximum": 30 * 86_400},
            }
        ),
        _subject,
        _open,
        _release_reads,
    ),
    Kind(
        "release-entry",
        body(_WHOSE),
        _entry_subject,
        _enter,
        _entry_reads,
        private=True,
        readers=account_readers,
        holders=True,
    ),
    Kind(
        "release-draw",
        body(
            {
                **_WHICH,
                "signature": {"type": "string", "pattern": f"^[0-9a-f]{{{2 * SIGNATURE_SIZE}}}$"},
                "entries": {"type": "array", "items": RANDOM_ID, "maxItems": ENTRIES_MAX},
            }
        ),
        _subject,
        _draw,
        _release_reads,
    ),
    Kind(
        "release-claim",
        body(
            {
                **_WHOSE,
                "place": {"type": "integer", "minimum": 0, "maximum": ENTRIES_MAX - 1},
                "serial": RANDOM_ID,
            }
        ),
        _entry_subject,
        _claim,
        _entry_reads,
        private=True,
        readers=account_readers,
        holders=True,
    ),
)
