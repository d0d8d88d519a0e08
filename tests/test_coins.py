"""Coins: given once, within caps and budgets, ending when they say, taken back, sent on; no health value anywhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rewards import PROGRAMME, Town, keyed, name, terms
from rules import key_of, refused

from contracts.calendar import day_of, month_end_ms, months_later
from contracts.rewards.accounts import person_hmac
from contracts.rewards.book import holder_of
from contracts.rewards.commitments import check_measurement, commit_measurement
from contracts.rewards.keys import account_key
from ledger.errors import ConflictError, FormatError, ProofError


@pytest.fixture
def town() -> Town:
    """A town with its programme."""
    return Town()


def at(text: str) -> int:
    """Return a moment of Taipei, Unix milliseconds."""
    return int(datetime.fromisoformat(f"{text}+08:00").astimezone(UTC).timestamp() * 1000)


def test_one_person_has_one_account(town: Town) -> None:
    """Several accounts would pass every cap; the person is known by a keyed hash only."""
    town.open("anna")
    body = {"account": name("again"), "person": person_hmac(b"k" * 32, " Anna ".lower())}
    with refused("coins.person-known"):
        town.act("station", "account", **body)
    with refused("coins.account-known"):
        town.act("station", "account", account=name("anna"), person=person_hmac(b"k" * 32, "ben"))
    with refused("programmes.staff"):
        town.act("tea", "account", account=name("x"), person=person_hmac(b"k" * 32, "x"))


def test_caps_are_of_the_day_in_taipei(town: Town) -> None:
    """The last millisecond before midnight in Taipei is of the old day, midnight of the new one."""
    anna = town.open("anna")
    town.world.time_ms = at("2026-11-23T23:59:59.998")
    town.earn(anna)
    town.world.time_ms += 1
    town.earn(anna)
    with refused("coins.cap"):
        town.earn(anna, station="station")
    town.world.time_ms += 1
    assert day_of(town.world.time_ms) == "2026-11-24"
    town.earn(anna)
    assert town.purse(anna).available == 30


def test_coins_of_a_day_have_a_cap() -> None:
    """The sum of all activities is capped too."""
    town = Town(day_max=50)
    anna = town.open("anna")
    town.earn(anna, "class")
    town.earn(anna)
    with refused("coins.cap") as caught:
        town.earn(anna, station="station")
    assert caught.value.got == 10  # and not 55: what another station gave today is not for this one to know


def test_coins_end_by_time_alone(town: Town) -> None:
    """At the first millisecond after the last month coins are gone, with no act in between; every end is shown."""
    anna = town.open("anna")
    town.world.time_ms = at("2026-11-30T12:00:00")
    town.earn(anna)
    town.world.time_ms = at("2026-12-01T12:00:00")
    town.earn(anna)
    assert [lot.ends_ms for lot in town.purse(anna).lots] == [at("2027-02-01T00:00:00"), at("2027-03-01T00:00:00")]
    town.world.time_ms = at("2027-01-31T23:59:59.999")
    assert town.purse(anna).available == 20
    town.world.time_ms += 1
    assert (town.purse(anna).available, town.purse(anna).sums["expired"]) == (10, 10)
    assert months_later("2026-11", 2) == "2027-01"
    assert month_end_ms("2027-01") == town.world.time_ms


def test_an_earning_is_one(town: Town) -> None:
    """A client that signs again after a time-out gets the same coins once; the same id with more is an error."""
    anna = town.open("anna")
    body = {"programme": PROGRAMME, "account": anna, "earning": name("e"), "activity": "steps"}
    soon = {"expires_at_s": town.world.time_ms // 1000 + 600}
    first = town.world.submission("clinic", "coins-earning", body, **soon)
    town.world.enter(first)
    with pytest.raises(AssertionError, match="Repeated"):
        town.world.enter(first)
    again = first.document.data.replace(b"steps", b"class")
    with pytest.raises(ConflictError):
        town.world.submit("clinic", "coins-earning", body, document=again, **soon)
    with refused("coins.earning-known"):
        town.world.submit("clinic", "coins-earning", body, **soon)
    assert town.purse(anna).available == 10


def test_value_moves_soon_or_never(town: Town) -> None:
    """A record that was refused for lack of coins does not go through months later."""
    anna = town.open("anna")
    for expires in (None, town.world.time_ms // 1000 + 86_401):
        with refused("coins.exp"):
            town.earn(anna, more={"expires_at_s": expires})


def test_only_stations_give(town: Town) -> None:
    """A merchant, the county or the resident does not make coins."""
    anna = town.open("anna")
    for actor in ("county", "noodles"):
        with refused("coins.station"):
            town.earn(anna, station=actor)
    with refused("actors.key-unknown"):
        town.earn(anna, station=holder_of(anna))
    with refused("coins.activity"):
        town.earn(anna, "dance")
    with refused("coins.account"):
        town.earn(name("nobody"))


def test_budgets_hold() -> None:
    """An issuer gives no more than its budget; what is taken back may be given again."""
    town = Town(issuers={"county": 25, "town": 50_000})
    anna = town.open("anna")
    earning = town.earn(anna)
    town.earn(anna)
    town.world.time_ms += 86_400_000
    with refused("coins.budget"):
        town.earn(anna)
    town.act("clinic", "reversal", account=anna, earning=earning, reason="wrong person")
    town.earn(anna)
    assert town.funds("county")["issued"] - town.funds("county")["reversed"] == 20


def test_prefunding() -> None:
    """An issuer that has to pay in a part beforehand gives no coins beyond what it paid for."""
    town = Town(prefund_permille=500)
    anna = town.open("anna")
    with refused("coins.prefund"):
        town.earn(anna)
    with refused("coins.funding"):
        town.act("clinic", "funding", issuer="county", amount=500)
    with refused("coins.funding"):
        town.act("county", "funding", issuer="tea", amount=500)
    town.act("county", "funding", issuer="county", amount=500)
    town.earn(anna)
    with refused("coins.prefund"):
        town.earn(anna)


def test_an_earning_is_taken_back_after_it_was_spent(town: Town) -> None:
    """What is gone becomes a debt that the next coins pay; nothing is below zero, and it is taken back once."""
    anna, ben = town.open("anna"), town.open("ben")
    earning = town.earn(anna)
    town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=[{"account": ben, "coins": 7}])
    with refused("coins.station"):
        town.act("station", "reversal", account=anna, earning=earning, reason="mistake")
    town.act("clinic", "reversal", account=anna, earning=earning, reason="mistake")
    assert town.purse(anna).balance() | {"available": 0, "debt": 7, "reversed": 3} == town.purse(anna).balance()
    with refused("coins.reversed"):
        town.act("clinic", "reversal", account=anna, earning=earning, reason="mistake")
    with refused("coins.earning"):
        town.act("clinic", "reversal", account=ben, earning=earning, reason="mistake")
    town.earn(anna)
    assert (town.purse(anna).available, town.purse(anna).debt, town.purse(anna).sums["reversed"]) == (3, 0, 10)
    second = town.earn(anna)
    town.world.time_ms = at("2027-02-01T00:00:00")
    with refused("coins.ended"):
        town.act("clinic", "reversal", account=anna, earning=second, reason="mistake")


def test_a_transfer_is_all_or_none(town: Town) -> None:
    """One account among several that cannot take its coins leaves all where they were."""
    anna, ben, cora = (town.open(one) for one in ("anna", "ben", "cora"))
    town.earn(anna, "class")
    to = [{"account": ben, "coins": 20}, {"account": cora, "coins": 20}]
    with refused("coins.balance"):
        town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=to)
    assert town.purse(ben).available == 0
    with refused("coins.holder"):
        town.act("clinic", "transfer", account=anna, transfer=name("t"), to=to)
    with refused("coins.transfer"):
        town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=[to[0], to[0]])
    to[1]["coins"] = 15
    town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=to)
    assert [town.purse(one).available for one in (anna, ben, cora)] == [0, 20, 15]
    assert town.purse(ben).lots[0].ends_ms == town.purse(cora).lots[0].ends_ms
    town.world.submit("county", "programme", terms(transfers=False))
    with refused("coins.transfer"):
        town.act(holder_of(ben), "transfer", account=ben, transfer=name("t"), to=[to[1]])


def test_a_refusal_does_not_say_the_balance(town: Town) -> None:
    """Who asks for too much learns that it is too much, and not how much there is."""
    anna, ben = town.open("anna"), town.open("ben")
    town.earn(anna, "class")
    with refused("coins.balance") as error:
        town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=[{"account": ben, "coins": 36}])
    assert "35" not in str(error.value)


def test_a_lost_phone(town: Town) -> None:
    """Its key signs nothing any more; the coins stay, and the new key moves them."""
    anna, ben = town.open("anna"), town.open("ben")
    town.earn(anna)
    lost, new = key_of("phone of anna"), key_of("new phone of anna")
    kid = town.state(anna)["keys"][0]
    with refused("coins.possession"):
        town.act("clinic", "key", account=anna, close=[kid], **keyed(ben, new))
    town.act("clinic", "key", account=anna, close=[kid], **keyed(anna, new))
    to = {"account": anna, "transfer": name("t"), "to": [{"account": ben, "coins": 5}]}
    with refused("actors.key-revoked"):
        town.act(holder_of(anna), "transfer", **to)
    with refused("coins.key"):
        town.act("clinic", "key", account=anna, close=[kid])
    town.act(holder_of(anna), "transfer", **to, more={"key": new})
    with refused("coins.key"):
        town.act("clinic", "key", account=ben, close=[], **keyed(ben, lost))
    with refused("programmes.staff"):
        town.act(holder_of(ben), "key", account=anna, close=[])
    assert town.purse(anna).available == 5


def test_a_holder_signs_nothing_else(town: Town) -> None:
    """A key of the private map is no actor's: it registers nobody and grows nothing."""
    anna = town.open("anna")
    with refused("actors.key-unknown"):
        town.world.submit(
            holder_of(anna), "site", {"site": "S-9", "name": {"zh-TW": "田"}, "county": "c", "township": "t"}
        )


def test_cards_are_opened_by_stations(town: Town) -> None:
    """A card belongs to one account; its holder may close it and not open one."""
    anna, ben = town.open("anna"), town.open("ben")
    card = {"card": name("card"), "state": "open"}
    with refused("programmes.staff"):
        town.act(holder_of(anna), "card", account=anna, **card)
    town.act("clinic", "card", account=anna, **card)
    with refused("coins.card"):
        town.act("clinic", "card", account=ben, **card)
    with refused("coins.card"):
        town.act("clinic", "card", account=ben, **card | {"state": "closed"})
    town.act(holder_of(anna), "card", account=anna, **card | {"state": "closed"})


def test_an_improvement_is_rewarded_once_and_no_value_arrives(town: Town) -> None:
    """Pre-test, post-test, coins: the log holds salted hashes, and the resident can show what was measured."""
    anna, salt, values = town.open("anna"), b"s" * 32, {"systolic_mmhg": 142}
    digest = commit_measurement(salt, values)
    pre = {"account": anna, "commitment": name("pre"), "stage": "pre", "digest": digest}
    town.act("clinic", "commitment", **pre)
    with refused("coins.commitment-known"):
        town.act("clinic", "commitment", **pre)
    post = {"account": anna, "commitment": name("post"), "stage": "post", "digest": "0" * 64, "pre": name("pre")}
    with refused("coins.stage"):
        town.act("clinic", "commitment", **post)
    with refused("coins.stage"):
        town.act("clinic", "commitment", **post | {"pre": name("none"), "improved": True})
    with refused("coins.commitment"):
        town.earn(anna, "improved", commitment=name("pre"))
    town.act("clinic", "commitment", **post, improved=True)
    with refused("coins.commitment"):
        town.earn(anna, "improved")
    town.earn(anna, "improved", commitment=name("post"))
    town.world.time_ms += 86_400_000
    with refused("coins.commitment"):
        town.earn(anna, "improved", commitment=name("post"))
    check_measurement(digest, salt, values)
    with pytest.raises(ProofError):
        check_measurement(digest, salt, {"systolic_mmhg": 141})
    with pytest.raises(FormatError):
        commit_measurement(b"", values)


def test_programmes_are_their_owners(town: Town) -> None:
    """Who runs a programme changes it; issuers whose coins are out stay; everybody named has the role for it."""
    with refused("programmes.owner"):
        town.world.submit("operator", "programme", terms())
    with refused("programmes.role"):
        town.world.submit("tea", "programme", terms(programme="other"))
    with refused("programmes.issuer"):
        town.world.submit("county", "programme", terms(issuers={"county": 1}, stations={}))
    with refused("programmes.issuer"):
        town.world.submit("county", "programme", terms(stations={"clinic": "tea"}))
    with refused("programmes.issuer"):
        town.world.submit("clinic", "programme", terms(programme="other"))
    with refused("programmes.actor"):
        town.world.submit("county", "programme", terms(merchants={"clinic": ["main"]}))
    with refused("programmes.unknown"):
        town.world.submit(
            "clinic",
            "coins-earning",
            {"programme": "none", "account": name("a"), "earning": name("e"), "activity": "steps"},
        )


def test_journals_balance_at_any_time(town: Town) -> None:
    """Each entry's postings come to zero, and the entries alone give the state."""
    anna, ben = town.open("anna"), town.open("ben")
    town.earn(anna, "class")
    town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=[{"account": ben, "coins": 20}])
    free: dict[int, int] = {}
    for number in range(1, town.state(anna)["entries"] + 1):
        entry = town.world.get(account_key(anna, number))
        assert sum(entry["postings"].values()) == 0
        for lot, _, coins, _ in entry["moves"]:
            free[lot] = free.get(lot, 0) + coins
    assert {lot.number: lot.coins for lot in town.purse(anna).lots} == free == {1: 15}
