"""At the till: a code pays once, up to its ceiling, at its merchant, now; holds, refunds, vouchers, cards; clearing."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from rewards import PROGRAMME, Town, keyed, name, terms
from rules import key_of, refused

from contracts.calendar import month_end_ms, month_of
from contracts.rewards.book import holder_of
from contracts.rewards.clearing import issuer_rows, liability, statement, write_statement
from contracts.rewards.code import decode_code, encode_code
from contracts.rewards.keys import charge_key
from ledger.errors import FormatError

MINUTE_MS = 60_000


@pytest.fixture
def town() -> Town:
    """A town with a programme."""
    return Town()


@pytest.fixture
def anna(town: Town) -> str:
    """A resident with 35 coins of the county, then 20 of the town."""
    anna = town.open("anna")
    town.earn(anna, "class")
    town.world.time_ms += MINUTE_MS
    town.earn(anna, station="station")
    town.earn(anna, station="station")
    return anna


def test_a_code_pays_once(town: Town, anna: str) -> None:
    """A screenshot of a code, shown at the same till or at another, does not pay twice."""
    charge = name("c")
    body = {"branch": "main", "coins": 30, **town.code(anna, 30, charge)}
    town.act("noodles", "charge", merchant="noodles", **body)
    for merchant in ("noodles", "tea"):
        with refused("till.code-used"):
            town.act(merchant, "charge", merchant=merchant, **body)
    assert (town.stage(charge), town.purse(anna).available) == ("posted", 25)


def test_a_retry_is_one_charge(town: Town, anna: str) -> None:
    """A till that signed and lost the answer sends the same record again and gets the first answer."""
    body = {
        "programme": PROGRAMME,
        "merchant": "noodles",
        "branch": "main",
        "coins": 5,
        **town.code(anna, 5, name("c")),
    }
    expires = town.world.time_ms // 1000 + 60
    submission = town.world.submission("noodles", "coins-charge", body, expires_at_s=expires)
    town.world.enter(submission)
    with pytest.raises(AssertionError, match="Repeated"):
        town.world.enter(submission)
    assert town.purse(anna).available == 50


def test_a_code_is_of_its_account_its_till_and_now(town: Town, anna: str) -> None:
    """Relayed to another till, signed by another, changed, old or of tomorrow: it does not pay."""
    with refused("till.code-merchant"):
        _relayed(town, anna)
    with refused("till.code"):
        town.charge(anna, 5, key=key_of("somebody"))
    for life_s in (0, 301):
        with refused("till.code-life"):
            town.charge(anna, 5, life_s=life_s)
    members = town.code(anna, 5, name("c"))
    members["code"]["ceiling"] = 500
    with refused("till.code"):
        town.act("noodles", "charge", merchant="noodles", branch="main", coins=5, **members)
    with refused("till.merchant"):
        town.act("noodles", "charge", merchant="noodles", branch="none", coins=5, **town.code(anna, 5, name("c")))
    with refused("till.merchant"):
        town.act("tea", "charge", merchant="noodles", branch="main", coins=5, **town.code(anna, 5, name("c")))
    assert town.purse(anna).available == 55


def _relayed(town: Town, anna: str) -> None:
    members = town.code(anna, 5, name("c"), merchant="noodles")
    town.act("tea", "charge", merchant="tea", branch="main", coins=5, **members)


def test_above_the_ceiling_the_resident_confirms(town: Town, anna: str) -> None:
    """A code shown for 5 and charged 50 takes nothing until the resident says so, the very sum, in time."""
    charge = town.charge(anna, 50, ceiling=5)
    assert (town.stage(charge), town.purse(anna).available, town.purse(anna).held) == ("pending", 5, 50)
    with refused("coins.holder"):
        town.on("noodles", "confirm", anna, charge, coins=50)
    with refused("till.coins"):
        town.on(holder_of(anna), "confirm", anna, charge, coins=5)
    with refused("till.stage"):
        town.on("noodles", "post", anna, charge, coins=50)
    town.on(holder_of(anna), "confirm", anna, charge, coins=50)
    with refused("till.stage"):
        town.on(holder_of(anna), "confirm", anna, charge, coins=50)
    assert (town.stage(charge), town.purse(anna).sums["spent"]) == ("posted", 50)


def test_nobody_confirms_in_time(town: Town, anna: str) -> None:
    """At its very millisecond the hold is over by itself, and cannot be used or let go any more."""
    charge = town.charge(anna, 50, ceiling=5)
    town.world.time_ms += 5 * MINUTE_MS - 1
    assert town.purse(anna).held == 50
    town.world.time_ms += 1
    assert (town.stage(charge), town.purse(anna).available) == ("lapsed", 55)
    with refused("till.stage"):
        town.on(holder_of(anna), "confirm", anna, charge, coins=50)
    with refused("till.stage"):
        town.on("noodles", "void", anna, charge)


def test_a_hold_is_posted_in_part_once(town: Town, anna: str) -> None:
    """A deposit: what is not used goes back at once; no hold is used twice, or let go twice."""
    charge = town.charge(anna, 40, body={"hold_s": 3600})
    with refused("till.merchant"):
        town.on("tea", "post", anna, charge, coins=25)
    with refused("coins.hold-coins"):
        town.on("noodles", "post", anna, charge, coins=41)
    with refused("till.merchant"):
        town.on(holder_of(anna), "void", anna, charge)
    town.on("noodles", "post", anna, charge, coins=25)
    assert town.purse(anna).available == 30
    with refused("till.stage"):
        town.on("noodles", "post", anna, charge, coins=1)
    with refused("till.stage"):
        town.on("noodles", "void", anna, charge)
    other = town.charge(anna, 10, body={"hold_s": 3600})
    town.on("noodles", "void", anna, other)
    with refused("till.stage"):
        town.on("noodles", "void", anna, other)
    with refused("till.stage"):
        town.on("noodles", "post", anna, other, coins=10)
    with refused("till.ceiling"):
        town.charge(anna, 10, ceiling=5, body={"hold_s": 3600})
    declined = town.charge(anna, 10, ceiling=5)
    town.on(holder_of(anna), "void", anna, declined)
    assert (town.stage(declined), town.purse(anna).available) == ("voided", 30)


def test_refunds_go_into_the_lots_they_came_from(town: Town, anna: str) -> None:
    """Each coin goes back to its lot, issuer and end; never more than was charged."""
    before = town.purse(anna).lots
    charge = town.charge(anna, 40)
    with refused("till.refund"):
        town.on("noodles", "refund", anna, charge, refund=name("r"), coins=41)
    with refused("till.merchant"):
        town.on("tea", "refund", anna, charge, refund=name("r"), coins=1)
    town.on("noodles", "refund", anna, charge, refund=name("r"), coins=7)
    town.on("noodles", "refund", anna, charge, refund=name("s"), coins=33)
    with refused("till.refund"):
        town.on("noodles", "refund", anna, charge, refund=name("t"), coins=1)
    assert town.purse(anna).lots == before
    assert town.purse(anna).sums["spent"] == 0
    with refused("till.charge"):
        town.on("noodles", "refund", anna, name("none"), refund=name("t"), coins=1)


def test_a_refund_of_coins_that_ended(town: Town, anna: str) -> None:
    """They go back to their lot, and have ended with it: a refund makes no coin younger."""
    charge = town.charge(anna, 40)
    town.world.time_ms = month_end_ms("2027-01")
    town.on("noodles", "refund", anna, charge, refund=name("r"), coins=40)
    assert (town.purse(anna).available, town.purse(anna).sums["expired"]) == (0, 55)
    assert liability(town.funds("county"), town.world.time_ms) == 0


def test_vouchers(town: Town, anna: str) -> None:
    """Offline: bound to one merchant, with a deadline; a double spend shows at upload, under the account's name."""
    with refused("till.voucher"):
        town.charge(anna, 10, offline=True)
    with refused("till.code-life"):
        town.charge(anna, 10, offline=True, life_s=8 * 86_400)
    with refused("till.voucher"):
        _voucher(town, anna, 20, 10)
    first, second = (town.code(anna, 40, name(one), offline=True, merchant="noodles", life_s=86_400) for one in "ab")
    town.world.time_ms += 3_600_000
    for members in (first, second):
        town.act("noodles", "charge", merchant="noodles", branch="main", coins=40, **members)
    assert [town.stage(name(one)) for one in "ab"] == ["posted", "unpaid"]
    assert (town.state(anna)["unpaid"], town.purse(anna).available) == (1, 15)
    with refused("till.code-used"):
        town.act("noodles", "charge", merchant="noodles", branch="main", coins=40, **first)
    with refused("till.stage"):
        town.on("noodles", "refund", anna, name("b"), refund=name("r"), coins=1)


def _voucher(town: Town, anna: str, coins: int, ceiling: int) -> None:
    members = town.code(anna, ceiling, name("v"), offline=True, merchant="noodles")
    town.act("noodles", "charge", merchant="noodles", branch="main", coins=coins, **members)


def test_a_card_has_limits(town: Town, anna: str) -> None:
    """People without a phone pay with a printed card: so much a time, so much a day, until it is closed."""
    card, body = name("card"), {"merchant": "noodles", "branch": "main", "account": anna}

    def pay(coins: int, **more: Any) -> None:
        town.act(
            "noodles", "charge", **body, charge=name(str(next(town.world.numbers))), coins=coins, card=card, **more
        )

    with refused("till.card"):
        pay(5)
    town.act("clinic", "card", account=anna, card=card, state="open")
    with refused("till.card-limit"):
        pay(21)
    pay(20)
    with refused("till.card-limit") as caught:
        pay(11)
    assert caught.value.got == 11  # and not 31: what the card paid elsewhere today is not for this till to know
    with refused("till.card"):
        pay(5, hold_s=60)
    with refused("till.code"):
        town.act("noodles", "charge", **body, coins=5, card=card, **_without_account(town.code(anna, 5, name("c"))))
    town.world.time_ms += 86_400_000
    pay(20)
    town.act("clinic", "card", account=anna, card=card, state="closed")
    with refused("till.card"):
        pay(1)


def _without_account(members: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in members.items() if member != "account"}


def test_a_lost_phone_pays_nothing(town: Town, anna: str) -> None:
    """Its key is closed: codes made with it, also before, are refused; the card and then the new phone pay."""
    old = town.code(anna, 5, name("c"))
    town.act("clinic", "card", account=anna, card=name("card"), state="open")
    new = key_of("new phone")
    town.act("clinic", "key", account=anna, close=town.state(anna)["keys"], **keyed(anna, new))
    with refused("till.code"):
        town.act("noodles", "charge", merchant="noodles", branch="main", coins=5, **old)
    body = {"merchant": "noodles", "branch": "main", "account": anna, "coins": 5}
    town.act("noodles", "charge", **body, charge=name("d"), card=name("card"))
    town.charge(anna, 5, key=new)
    assert town.purse(anna).available == 45


def test_a_merchant_learns_no_balance(town: Town, anna: str) -> None:
    """Neither the refusal nor what the merchant may open of a charge tells how many coins there are."""
    with refused("coins.balance") as error:
        town.charge(anna, 56)
    assert "55" not in str(error.value)
    charge = town.charge(anna, 5)
    state = town.world.get(charge_key(charge))
    assert {"lots", "pieces", "available", "person"}.isdisjoint(state)
    assert {value for value in state.values() if type(value) is int} == {0, 1, 5, state["time_ms"]}


def test_codes_are_shown_as_text(town: Town, anna: str) -> None:
    """The QR holds everything a till needs; what does not read as it was written is refused."""
    members = town.code(anna, 5, name("c"), merchant="noodles")
    text = encode_code({"programme": PROGRAMME, **members})
    assert len(text) < 420
    assert decode_code(text) == {"programme": PROGRAMME, **members}
    for bad in ("", "FT1.", "FT1.%%", text[:-4], text + "A", "FT2" + text[3:]):
        with pytest.raises(FormatError):
            decode_code(bad)


def test_both_sides_of_a_clearing_are_equal() -> None:
    """A month of charges and refunds: from the merchants' lines, from the issuers' sums and from a plain count."""
    chance, town = random.Random(6), Town(day_max=1000)
    people = [town.open(f"person {n}") for n in range(6)]
    months, counted = set(), Counter[tuple[str, str]]()
    given: list[tuple[str, str, str, int]] = []
    for _ in range(120):
        town.world.time_ms += chance.randrange(24, 60) * 3_600_000
        months.add(month_of(town.world.time_ms))
        one = chance.choice(people)
        for station in ("clinic", "station"):
            town.earn(one, station=station)
        merchant, coins = chance.choice(("noodles", "tea")), chance.randrange(1, 1 + min(90, town.purse(one).available))
        given.append((one, town.charge(one, coins, merchant=merchant), merchant, coins))
        counted[merchant, month_of(town.world.time_ms)] += coins
        if chance.random() < 0.3:
            account, charge, merchant, coins = given.pop(chance.randrange(len(given)))
            town.on(merchant, "refund", account, charge, refund=name(charge), coins=coins)
            counted[merchant, month_of(town.world.time_ms)] -= coins
    assert len(months) > 1
    for month in months:
        from_merchants = sorted(row for merchant in ("noodles", "tea") for row in town.rows(merchant, month))
        from_issuers = sorted(row for issuer in ("county", "town") for row in town.owed(issuer, month))
        assert from_merchants == from_issuers
        for merchant in ("noodles", "tea"):
            net = sum(row.charged - row.refunded for row in from_issuers if row.merchant == merchant)
            assert net == counted[merchant, month]
        assert {row.means for row in from_issuers} == {"coins"}
        lines = statement(from_issuers, terms())
        assert lines == statement(from_merchants, terms())
        assert b"noodles" in write_statement(lines)
    out = sum(town.purse(one).available + town.purse(one).held for one in people)
    funds = [town.funds(issuer) for issuer in ("county", "town")]
    assert sum(liability(one, town.world.time_ms) for one in funds) == out
    for one in funds:
        assert one["issued"] - one["reversed"] == one["spent"] - one["refunded"] + sum(one["open"].values())


def test_rates_and_fees_are_rounded_once() -> None:
    """95 % of 3 coins at NT$1 less 1 %: 285, less 2.85 → 3."""
    rows = issuer_rows("county", {"tea": {"main": {"coins": [5, 2]}}, "noodles": None})
    (line,) = statement(rows, terms())
    assert (line.gross, line.refund, line.fee, line.due) == (300, 285, 3, 282)
