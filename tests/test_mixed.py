"""Coins, coupon, ticket and money in one act: all or none, to the unit, back the way it came; clearing counts all."""

from __future__ import annotations

import pytest
from rewards import PROGRAMME, Town, coupons, name, terms, tickets
from rules import refused

from contracts.calendar import month_of
from contracts.rewards.clearing import Row, statement
from contracts.rewards.code import decode_code, encode_code
from contracts.rewards.keys import charge_key


@pytest.fixture
def town() -> Town:
    """A town with coins, tickets and coupons."""
    town = Town()
    town.world.submit("town", "ticket-offer", tickets())
    town.world.submit("county", "coupon-offer", coupons())
    return town


@pytest.fixture
def anna(town: Town) -> str:
    """A resident with 55 coins."""
    anna = town.open("anna")
    town.earn(anna, "class")
    for _ in range(2):
        town.earn(anna, station="station")
    return anna


def test_all_means_in_one_act(town: Town, anna: str) -> None:
    """NT$650: a lunch by ticket 250, coupon 50 off, 45 coins, NT$305 in money; each is counted where it belongs."""
    ticket, coupon = town.ticket(anna), town.coupon(anna)
    charge = town.pay(anna, 65_000, coins=45, money=30_500, items=[(ticket, "lunch", 1)], coupons=[coupon])
    assert (town.stage(charge), town.purse(anna).available) == ("posted", 10)
    assert town.held("ticket", ticket)["items"]["lunch"] == [1, 1, 0]
    assert town.held("coupon", coupon)["used"] == charge
    month = month_of(town.world.time_ms)
    rows = [
        Row("county", "noodles", "main", "coins", 35, 0),
        Row("county", "noodles", "main", "coupons", 4_000, 0),
        Row("town", "noodles", "main", "coins", 10, 0),
        Row("town", "noodles", "main", "tickets", 20_000, 0),
    ]
    assert town.rows("noodles", month) == rows
    assert sorted([*town.owed("county", month), *town.owed("town", month)]) == rows
    assert [line.due for line in statement(rows, terms())] == [3_292, 3_960, 940, 19_800]


@pytest.mark.parametrize("missing", ["coins", "ticket", "coupon", "total"])
def test_all_or_none(town: Town, anna: str, missing: str) -> None:
    """Where one of the means fails nothing of the others is taken."""
    ticket, coupon = town.ticket(anna), town.coupon(anna)
    before = (town.purse(anna).balance(), town.held("ticket", ticket), town.held("coupon", coupon), town.stock("fifty"))
    coins = 56 if missing == "coins" else 45
    count = 3 if missing == "ticket" else 1
    if missing == "coupon":
        town.pay(anna, 26_000, money=21_000, coupons=[coupon])
        before = (*before[:2], town.held("coupon", coupon), town.stock("fifty"))
    total = count * 25_000 + 5_000 + coins * 100 + 20_000 + (missing == "total")
    rule = {"coins": "coins.balance", "ticket": "tickets.items", "coupon": "coupons.used", "total": "till.total"}
    with refused(rule[missing]):
        town.pay(anna, total, coins=coins, money=20_000, items=[(ticket, "lunch", count)], coupons=[coupon])
    after = (town.purse(anna).balance(), town.held("ticket", ticket), town.held("coupon", coupon), town.stock("fifty"))
    assert after == before


def test_mixed_payments_are_final_at_once(town: Town, anna: str) -> None:
    """By a code of now that names all of it: not held, not above its ceiling, no voucher; never of money alone."""
    ticket = town.ticket(anna)
    items = [(ticket, "lunch", 1)]
    with refused("till.at-once"):
        town.pay(anna, 26_000, coins=10, ceiling=5, items=items)
    with refused("till.at-once"):
        town.pay(anna, 26_000, coins=10, items=items, body={"hold_s": 60})
    with refused("till.at-once"):
        _offline(town, anna, ticket)
    with refused("till.mixed"):
        town.pay(anna, 500, money=500)
    with refused("till.mixed"):
        town.charge(anna, 0)
    with refused("till.mixed"):
        town.charge(anna, 5, body={"money": 500})


def _offline(town: Town, anna: str, ticket: str) -> None:
    named = [{"ticket": ticket, "item": "lunch", "count": 1, "offer": "day-out", "version": 1}]
    members = town.code(anna, 10, name("c"), offline=True, merchant="noodles", tickets=named)
    town.act("noodles", "charge", merchant="noodles", branch="main", coins=10, total=26_000, **members)


def test_a_card_pays_with_tickets_and_coupons_too(town: Town, anna: str) -> None:
    """Who has no phone has tickets all the same; what they pay counts towards the card's limits, a part as one coin."""
    town.world.submit("county", "programme", terms(card={"per_charge": 300, "per_day": 305}))
    ticket, coupon = town.ticket(anna), town.coupon(anna)
    town.act("clinic", "card", account=anna, card=name("card"), state="open")
    items = [{"ticket": ticket, "item": "lunch", "count": 1, "offer": "day-out", "version": 1}]
    shown = [{"coupon": coupon, "offer": "fifty", "version": 1}]

    def pay(total: int, coins: int, **more: object) -> None:
        charge = name(f"by card {next(town.world.numbers)}")
        body = {"merchant": "noodles", "branch": "main", "account": anna, "charge": charge, "card": name("card")}
        town.act("noodles", "charge", **body, total=total, coins=coins, **more)

    with refused("till.card-limit"):
        pay(45_001, 1, tickets=items, coupons=shown, money=14_901)
    pay(45_000, 0, tickets=items, coupons=shown, money=15_000)
    with refused("till.card-limit"):
        pay(2_000, 6, money=1_400)
    pay(2_000, 5, money=1_500)
    assert town.held("ticket", ticket)["items"]["lunch"] == [1, 1, 0]


def test_a_refund_goes_back_the_way_it_came(town: Town, anna: str) -> None:
    """Coins into their lots, the item into its ticket, money as money, the coupon last; never more than was paid."""
    ticket, coupon = town.ticket(anna), town.coupon(anna)
    lots, stock = town.purse(anna).lots, town.stock("day-out")
    charge = town.pay(anna, 65_000, coins=45, money=30_500, items=[(ticket, "lunch", 1)], coupons=[coupon])

    def refund(coins: int = 0, **more: object) -> None:
        town.on("noodles", "refund", anna, charge, refund=name(str(next(town.world.numbers))), coins=coins, **more)

    lunch = {"ticket": ticket, "item": "lunch", "count": 1}
    for wrong in (
        {"coins": 46}, {"money": 30_501}, {"tickets": [lunch | {"count": 2}]}, {"tickets": [lunch | {"item": "tea"}]},
        {"coupons": [name("other")]}, {},
    ):  # fmt: skip
        with refused("till.refund"):
            refund(**wrong)  # type: ignore[arg-type]
    refund(20, money=500)
    with refused("till.coupon-last"):
        refund(coupons=[coupon])
    refund(25, tickets=[lunch])
    with refused("till.refund"):
        refund(tickets=[lunch])
    refund(money=30_000, coupons=[coupon])
    with refused("till.refund"):
        refund(coupons=[coupon])
    assert town.purse(anna).lots == lots
    assert town.stock("day-out") == stock
    assert town.stock("fifty")["used"] == 0
    assert town.held("coupon", coupon)["used"] is None
    month = month_of(town.world.time_ms)
    rows = [*town.owed("county", month), *town.owed("town", month)]
    assert rows == town.rows("noodles", month)
    assert {row.net for row in rows} == {0}
    town.pay(anna, 26_000, money=21_000, coupons=[coupon])


def test_a_refund_of_coins_alone_names_nothing_else(town: Town, anna: str) -> None:
    """A till cannot pay money or tickets out of a charge that was paid in coins."""
    charge = town.charge(anna, 5)
    with refused("till.refund"):
        town.on("noodles", "refund", anna, charge, refund=name("r"), coins=1, money=100)
    with refused("till.refund"):
        town.on("noodles", "refund", anna, charge, refund=name("r"), coins=0)


def test_codes_carry_tickets_and_coupons(town: Town, anna: str) -> None:
    """The till reads from the QR what the resident pays with."""
    named = [{"ticket": name("t"), "item": "lunch", "count": 1, "offer": "day-out", "version": 1}]
    shown = [{"coupon": name("k"), "offer": "fifty", "version": 1}]
    members = {"programme": PROGRAMME, **town.code(anna, 5, name("c"), tickets=named, coupons=shown)}
    assert decode_code(encode_code(members)) == members
    assert len(encode_code(members)) < 900


def test_a_charge_of_coins_says_nothing_of_other_means(town: Town, anna: str) -> None:
    """What most charges are stays as small as it was."""
    assert town.world.get(charge_key(town.charge(anna, 5)))["mixed"] is None
