"""Tickets: one serial number each, sold with a guarantee, used in their window, worth their price for ever."""

from __future__ import annotations

import pytest
from rewards import PROGRAMME, Town, coupons, name, tickets
from rules import refused

from contracts.calendar import day_end_ms, day_of, month_end_ms
from contracts.rewards.book import holder_of
from contracts.rewards.clearing import outstanding
from contracts.rewards.keys import wallet_key

DAY_MS = 86_400_000


@pytest.fixture
def town() -> Town:
    """A town whose association offers a bundle."""
    town = Town()
    town.world.submit("town", "ticket-offer", tickets())
    return town


def test_offers_hold_to_the_law(town: Town) -> None:
    """No fee above 3 %, nobody sells without a guarantee, only an issuer offers, and only tills of the programme."""
    offers = {
        "offers.fee": tickets(fee_permille=31),
        "offers.guarantee": tickets(guarantee={"by": "台銀", "until": "2026-01-01"}),
        "offers.place": tickets(items={"x": {**tickets()["items"]["tea"], "at": {"tea": ["none"]}}}),
    }
    for rule, body in offers.items():
        with refused(rule):
            town.world.submit("town", "ticket-offer", body)
    unguaranteed = tickets()
    del unguaranteed["guarantee"]
    with refused("offers.guarantee"):
        town.world.submit("town", "ticket-offer", unguaranteed)
    free = tickets(items={"tea": {**tickets()["items"]["tea"], "price": 0}})
    del free["given_months"]
    with refused("offers.given"):
        town.world.submit("town", "ticket-offer", free)
    with refused("offers.issuer"):
        town.world.submit("county", "ticket-offer", tickets())
    with refused("offers.known"):
        town.world.submit("county", "ticket-offer", tickets(issuer="county"))


def test_a_sale(town: Town) -> None:
    """For its price, by who may sell, under a serial number of its own, guaranteed for a year, as many as there are."""
    anna = town.open("anna")
    with refused("tickets.amount"):
        town.ticket(anna, amount=89_999)
    with refused("tickets.seller"):
        town.ticket(anna, seller="tea")
    with refused("offers.unknown"):
        town.ticket(anna, offer="none")
    ticket = town.ticket(anna, seller="station")
    with refused("offers.serial"):
        town.record("town", "ticket-sale", account=anna, ticket=ticket, offer="day-out", amount=90_000)
    assert town.held("ticket", ticket)["items"] == {"lunch": [2, 0, 0], "tea": [1, 0, 0], "walk": [1, 0, 0]}
    assert town.world.get(wallet_key(anna)) == {
        "tickets": [ticket], "coupons": [], "releases": [], "entries": 1,
    }  # fmt: skip
    town.world.submit("town", "ticket-offer", tickets(guarantee={"by": "台銀", "until": "2027-01-01"}))
    with refused("tickets.guarantee"):
        town.ticket(anna)
    town.world.submit("town", "ticket-offer", tickets(number=2, per_person=1))
    with refused("offers.per-person"):
        town.ticket(anna)
    town.ticket(town.open("beni"))
    with refused("offers.sold-out"):
        town.ticket(town.open("carla"))


def test_using_a_ticket(town: Town) -> None:
    """An item counts for its face value at its tills, as often as there are, by the holder's own code."""
    anna, beni = town.open("anna"), town.open("beni")
    ticket = town.ticket(anna)
    with refused("till.total"):
        town.pay(anna, 25_001, items=[(ticket, "lunch", 1)])
    with refused("tickets.place"):
        town.pay(anna, 20_000, items=[(ticket, "tea", 1)])
    with refused("tickets.place"):
        town.pay(anna, 20_000, items=[(ticket, "dance", 1)])
    with refused("tickets.unknown"):
        town.pay(beni, 25_000, items=[(ticket, "lunch", 1)])
    with refused("tickets.items"):
        town.pay(anna, 75_000, items=[(ticket, "lunch", 3)])
    with refused("till.mixed"):
        town.pay(anna, 50_000, items=[(ticket, "lunch", 1), (ticket, "lunch", 1)])
    town.pay(anna, 50_000, items=[(ticket, "lunch", 2)])
    with refused("tickets.items"):
        town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    town.pay(anna, 20_000, merchant="tea", items=[(ticket, "tea", 1)])
    assert town.held("ticket", ticket)["items"] == {"lunch": [0, 2, 0], "tea": [0, 1, 0], "walk": [1, 0, 0]}
    assert town.held("ticket", ticket, 3)["items"]["tea"] == [0, 1, 0]


def test_a_code_names_the_items(town: Town) -> None:
    """A till takes what the resident signed and nothing else: no second item, no other one."""
    anna = town.open("anna")
    ticket = town.ticket(anna)
    named = [{"ticket": ticket, "item": "lunch", "count": 1, "offer": "day-out", "version": 1}]
    members = town.code(anna, 0, name("c"), tickets=named)
    for total, changed in ((50_000, {"count": 2}), (40_000, {"item": "walk"})):
        taken = members | {"tickets": [named[0] | changed], "total": total}
        with refused("till.code"):
            town.act("noodles", "charge", merchant="noodles", branch="main", coins=0, **taken)


def test_the_window_begins_with_the_first_use(town: Town) -> None:
    """Two days are over with the second one's last millisecond in Taipei; what is left is worth its price still."""
    anna = town.open("anna")
    ticket = town.ticket(anna)
    town.world.time_ms += 400 * DAY_MS
    town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    ends = day_end_ms(day_of(town.world.time_ms), 2)
    town.world.time_ms = ends - 1
    town.pay(anna, 20_000, merchant="tea", items=[(ticket, "tea", 1)])
    town.world.time_ms = ends
    with refused("tickets.over"):
        town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    town.world.time_ms += 3_000 * DAY_MS
    assert outstanding(town.stock("day-out"), town.world.time_ms) == 20_000 + 33_333
    back = 53_333 - 53_333 * 30 // 1000
    items = {"lunch": 1, "walk": 1}
    town.record("town", "ticket-refund", account=anna, ticket=ticket, refund=name("r"), items=items, amount=back)
    assert outstanding(town.stock("day-out"), town.world.time_ms) == 0
    assert town.stock("day-out") == {
        "number": 1, "issued": 90_000, "used": 36_667, "returned": 53_333, "open": {},
    }  # fmt: skip


def test_a_first_use_that_goes_back_begins_nothing(town: Town) -> None:
    """A lunch that the shop could not serve does not let the days run; one that was served does."""
    anna = town.open("anna")
    ticket = town.ticket(anna)
    back = {"tickets": [{"ticket": ticket, "item": "lunch", "count": 1}]}
    charge = town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    town.on("noodles", "refund", anna, charge, refund=name("r"), coins=0, **back)
    town.world.time_ms += 5 * DAY_MS
    charge = town.pay(anna, 50_000, items=[(ticket, "lunch", 2)])
    town.on("noodles", "refund", anna, charge, refund=name("s"), coins=0, **back)
    town.world.time_ms += 2 * DAY_MS
    with refused("tickets.over"):
        town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])


def test_what_is_unused_is_paid_back(town: Town) -> None:
    """Its price less 3 %, by the issuer, once; never what was used, never a ticket that was given."""
    anna = town.open("anna")
    ticket, given = town.ticket(anna), town.ticket(anna, amount=0)
    town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])

    def pay_back(amount: int, *, of: str = ticket, by: str = "town", again: str = "r", **items: int) -> None:
        town.record(by, "ticket-refund", account=anna, ticket=of, refund=name(again), items=items, amount=amount)

    with refused("tickets.amount"):
        pay_back(19_399, lunch=1)
    with refused("tickets.seller"):
        pay_back(19_400, by="station", lunch=1)
    with refused("tickets.items"):
        pay_back(38_800, lunch=2)
    with refused("tickets.given"):
        pay_back(19_400, of=given, lunch=1)
    pay_back(19_400, lunch=1)
    with refused("coins.known"):
        pay_back(19_400, lunch=1)
    with refused("tickets.items"):
        pay_back(19_400, lunch=1, again="s")
    assert town.held("ticket", ticket)["items"]["lunch"] == [0, 1, 1]


def test_given_tickets_end(town: Town) -> None:
    """A ticket for nothing may end, with the last moment of its month; what it was is no liability then."""
    anna = town.open("anna")
    ticket = town.ticket(anna, amount=0)
    ends = month_end_ms("2026-12")
    assert town.held("ticket", ticket)["ends_ms"] == ends
    town.world.time_ms = ends - 1
    assert outstanding(town.stock("day-out"), town.world.time_ms) == 90_000
    town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    town.world.time_ms = ends
    with refused("tickets.over"):
        town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    assert outstanding(town.stock("day-out"), town.world.time_ms) == 0
    never = tickets()
    del never["given_months"]
    town.world.submit("town", "ticket-offer", never)
    with refused("tickets.given"):
        town.ticket(anna, amount=0)


def test_handing_a_ticket_on(town: Town) -> None:
    """By its holder, where the offer allows it, to somebody who has an account; then it is the other's alone."""
    anna, beni = town.open("anna"), town.open("beni")
    ticket = town.ticket(anna)

    def hand_over(to: str, by: str) -> None:
        town.record(by, "ticket-transfer", account=anna, ticket=ticket, to=to)

    with refused("coins.holder"):
        hand_over(beni, "town")
    with refused("coins.account"):
        hand_over(name("nobody"), holder_of(anna))
    with refused("tickets.transfer"):
        hand_over(anna, holder_of(anna))
    hand_over(beni, holder_of(anna))
    with refused("tickets.unknown"):
        hand_over(beni, holder_of(anna))
    with refused("tickets.unknown"):
        town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])
    town.pay(beni, 25_000, items=[(ticket, "lunch", 1)])
    assert town.world.get(wallet_key(anna))["tickets"] == []
    assert town.world.get(wallet_key(beni))["tickets"] == [ticket]
    town.world.submit("town", "ticket-offer", tickets(transfers=False))
    kept = town.ticket(anna)
    with refused("tickets.transfer"):
        town.record(holder_of(anna), "ticket-transfer", account=anna, ticket=kept, to=beni)


def test_a_ticket_that_is_used_up_goes_on_too(town: Town) -> None:
    """What a shop takes back of it then is its new holder's, and stands in that wallet again."""
    anna, beni = town.open("anna"), town.open("beni")
    town.world.submit("town", "ticket-offer", tickets(items={"tea": tickets()["items"]["tea"]}))
    ticket = town.ticket(anna, amount=16_667)
    charge = town.pay(anna, 20_000, merchant="tea", items=[(ticket, "tea", 1)])
    town.record(holder_of(anna), "ticket-transfer", account=anna, ticket=ticket, to=beni)
    assert town.world.get(wallet_key(beni))["tickets"] == []
    back = {"tickets": [{"ticket": ticket, "item": "tea", "count": 1}]}
    town.on("tea", "refund", anna, charge, refund=name("r"), coins=0, **back)
    assert town.world.get(wallet_key(beni))["tickets"] == [ticket]


def test_days_are_of_this_century(town: Town) -> None:
    """Beyond the calendar's last day a rule would fail where it should refuse."""
    with refused("rules.schema"):
        town.world.submit("county", "coupon-offer", coupons(last_day="9999-12-31"))
    with refused("rules.schema"):
        town.world.submit("county", "visit-figures", {"programme": PROGRAMME, "day": "0000-01-01", "figures": {}})


def test_a_ticket_keeps_its_own_terms(town: Town) -> None:
    """New terms of an offer change nothing of a ticket that was sold under the old ones."""
    anna = town.open("anna")
    ticket = town.ticket(anna)
    town.world.submit("town", "ticket-offer", tickets(items={"tea": tickets()["items"]["tea"]}))
    named = [{"ticket": ticket, "item": "tea", "count": 1, "offer": "day-out", "version": 2}]
    with refused("tickets.unknown"):
        town.act("tea", "charge", merchant="tea", branch="main", coins=0, total=20_000,
                 **town.code(anna, 0, name("c"), tickets=named))  # fmt: skip
    town.pay(anna, 25_000, items=[(ticket, "lunch", 1)])


def test_value_of_tickets_moves_soon_or_never(town: Town) -> None:
    """A sale that was refused does not go through months later."""
    with refused("coins.exp"):
        town.record(
            "town", "ticket-sale", account=town.open("anna"), ticket=name("t"), offer="day-out", amount=90_000,
            more={"expires_at_s": None},
        )  # fmt: skip
    assert town.stock("day-out") is None
