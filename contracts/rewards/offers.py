"""What an issuer offers beside coins: bundles of tickets, and coupons. Public: anyone can hold a use against it.

    ticket-offer  {"programme": "hsinchu-tour", "offer": "hakka-day", "name": {"zh-TW": "客庄"}, "issuer": "hsinchu",
                   "items": {"lunch": {"name": {"zh-TW": "客家午餐"}, "face": 25000, "price": 20000, "count": 1,
                                       "at": {"noodles": ["main"]}}},
                   "window_days": 2, "fee_permille": 30, "transfers": true, "number": 500, "per_person": 10,
                   "guarantee": {"by": "臺灣銀行信託部", "until": "2028-12-31"}, "given_months": 3}
    coupon-offer  {"programme": "hualien-tour", "offer": "lunch-50", "name": {"zh-TW": "午餐"}, "issuer": "hualien",
                   "off": {"amount": 5000}, "borne_permille": 800, "stackable": false, "number": 1000, "per_person": 2,
                   "last_day": "2026-12-31", "open": true,
                   "when": {"at": {"noodles": ["main"]}, "least": 20000, "first_day": "2026-11-01",
                            "hours": [{"days": [1, 2, 3, 4, 5], "from": "11:00", "to": "14:00"}]}}

Money is in hundredths of the currency. `face` is what an item counts for at the till, `price` what was paid for it and
what the issuer owes the merchant. A ticket that was paid for has no end: there is no member that could give it one.
`borne_permille` is the part of a discount that the issuer bears. Terms have versions; a ticket or coupon keeps its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.kind import ACTOR_ID, Act, Kind, body, names, text
from contracts.rewards.keys import offer_key, programme_key
from contracts.rewards.programmes import (
    DAY,
    MONEY,
    MONTHS_MAX,
    NO_MONEY,
    PERMILLE,
    PLACES,
    PROGRAMME_ID,
    programme_of,
    table,
)
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.facts import Change

FEE_PERMILLE_MAX = 30
"""What the law lets an issuer keep when it takes back a ticket that was paid for."""
COUNT = {"type": "integer", "minimum": 1, "maximum": 99}
NUMBER = {"type": "integer", "minimum": 1, "maximum": 10**6}
HOUR = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"}
WEEKDAY = {"type": "integer", "minimum": 1, "maximum": 7}

_COMMON = {
    "programme": PROGRAMME_ID,
    "offer": PROGRAMME_ID,
    "name": names(),
    "issuer": ACTOR_ID,
    "number": NUMBER,
    "per_person": NUMBER,
}
ITEM = body({"name": names(), "face": MONEY, "price": NO_MONEY, "count": COUNT, "at": PLACES})
TICKETS = body(
    {
        **_COMMON,
        "items": table(PROGRAMME_ID, ITEM, least=1, most=32),
        "fee_permille": PERMILLE,
        "transfers": {"type": "boolean"},
    },
    {
        "window_days": {"type": "integer", "minimum": 1, "maximum": 366},
        "given_months": {"type": "integer", "minimum": 1, "maximum": MONTHS_MAX},
        "guarantee": body({"by": text(), "until": DAY}),
        "sellers": {"type": "array", "items": ACTOR_ID, "maxItems": 64, "uniqueItems": True},
    },
)
COUPONS = body(
    {
        **_COMMON,
        "off": {"oneOf": [body({"amount": MONEY}), body({"permille": PERMILLE, "most": MONEY})]},
        "borne_permille": PERMILLE,
        "stackable": {"type": "boolean"},
        "last_day": DAY,
        "open": {"type": "boolean"},
        "when": body(
            {},
            {
                "at": PLACES,
                "least": MONEY,
                "first_day": DAY,
                "hours": {
                    "type": "array",
                    "items": body(
                        {
                            "days": {"type": "array", "items": WEEKDAY, "minItems": 1, "uniqueItems": True},
                            "from": HOUR,
                            "to": HOUR,
                        }
                    ),
                    "minItems": 1,
                    "maxItems": 32,
                },
            },
        ),
    }
)


def offer_of(act: Act, offer: str, kind: str, version: int = 0) -> dict[str, Any]:
    """Return an offer's terms: those in force, or a version of them.

    Args:
        act: an act on something of a programme.
        offer: the offer's name.
        kind: `tickets` or `coupons`.
        version: 0 for the terms in force.

    Raises:
        RefusedError: there is none of that kind.
    """
    found = act.facts.get(offer_key(act.body["programme"], offer, version))
    if found is None or found["kind"] != kind:
        raise RefusedError("offers.unknown", "the programme has no such offer", got=offer)
    return dict(found)


def price_of(terms: Mapping[str, Any]) -> int:
    """Return what a bundle costs, in hundredths of the currency."""
    return sum(item["price"] * item["count"] for item in terms["items"].values())


def _set_tickets(act: Act) -> list[Change]:
    terms = act.body
    price = price_of(terms)
    act.expect(
        terms["fee_permille"] <= FEE_PERMILLE_MAX,
        "offers.fee",
        "taking back a ticket costs 3 % at most",
        expected=f"at most {FEE_PERMILLE_MAX}",
        got=terms["fee_permille"],
    )
    act.expect(
        price == 0 or terms.get("guarantee", {"until": ""})["until"] > day_of(act.at.time_ms),
        "offers.guarantee",
        "a ticket that is paid for says who guarantees it, and until when",
        expected="a guarantee that is not over",
        got=terms.get("guarantee"),
    )
    act.expect(
        price or "given_months" in terms,
        "offers.given",
        "a bundle is sold or given away, and a given one says for how long it holds",
        expected="a price, or given_months",
    )
    for item in terms["items"].values():
        _expect_places(act, item["at"])
    return _version(act, "tickets")


def _set_coupons(act: Act) -> list[Change]:
    terms = act.body
    for hours in terms["when"].get("hours", ()):
        act.expect(hours["from"] < hours["to"], "offers.hours", "hours end after they begin", got=hours["to"])
    act.expect(
        max(terms["when"].get("first_day", ""), day_of(act.at.time_ms)) <= terms["last_day"],
        "offers.hours",
        "the coupons would be over before they begin",
        got=terms["last_day"],
    )
    _expect_places(act, terms["when"].get("at", {}))
    return _version(act, "coupons")


def _expect_places(act: Act, places: Mapping[str, Any]) -> None:
    known = programme_of(act, act.body["programme"])["merchants"]
    for merchant, branches in places.items():
        act.expect(
            set(branches) <= set(known.get(merchant, ())),
            "offers.place",
            "the programme has no such till",
            expected=", ".join(known.get(merchant, ())),
            got=f"{merchant} {', '.join(branches)}",
        )


def _version(act: Act, kind: str) -> list[Change]:
    terms = act.body
    programme, offer = terms["programme"], terms["offer"]
    act.expect(
        act.actor == terms["issuer"] and terms["issuer"] in programme_of(act, programme)["issuers"],
        "offers.issuer",
        "an issuer of the programme offers its own",
        expected=terms["issuer"],
        got=act.actor,
    )
    state = act.facts.get(offer_key(programme, offer))
    act.expect(
        state is None or (state["issuer"], state["kind"]) == (act.actor, kind),
        "offers.known",
        "another offer has this name",
        expected="another name",
        got=offer,
    )
    version = 1 if state is None else state["version"] + 1
    after = {**terms, "kind": kind, "version": version, "record": act.at.index}
    return [act.change(offer_key(programme, offer), after), act.change(offer_key(programme, offer, version), after)]


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield programme_key(content["programme"])
    yield offer_key(content["programme"], content["offer"])


def _subject(content: Mapping[str, Any]) -> str:
    return f"offer/{content['programme']}/{content['offer']}"


KINDS = (
    Kind("ticket-offer", TICKETS, _subject, _set_tickets, _reads),
    Kind("coupon-offer", COUPONS, _subject, _set_coupons, _reads),
)
