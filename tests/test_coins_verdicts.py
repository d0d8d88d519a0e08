"""The verdicts on an account and on a charge: offline, whole, judged again; what is left out is missed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from logged import Logged, logged
from mutations import check_mutations
from rewards import PROGRAMME, Town, coupons, keyed, name, tickets
from rules import key_of

from api.bundles import ANSWERS, answer_bundle, read_answer
from contracts.calendar import day_end_ms, day_number
from contracts.rewards.book import holder_of
from contracts.rewards.clearing import liability
from contracts.rewards.commitments import commit_measurement
from contracts.rewards.keys import FUNDS, account_key, charge_key, pieces_key
from contracts.rewards.till import _charge
from ledger.bundle import decode_bundle, encode_bundle
from ledger.errors import NotFoundError
from ledger.privateleaf import decode_private_leaf
from ledger.record import decode_record
from verifiers import account, payment
from verifiers import liability as issuers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.facts import Change
    from verifiers.verdict import Verdict

DAY_MS = 86_400_000
VERIFY = {"account": account.verify, "payment": payment.verify}


@dataclass
class Lived:
    """A town in which something happened, over a real log.

    Attributes:
        town: the town.
        anna, beni: residents' accounts.
        charges: charges by how they ended.
    """

    town: Town
    anna: str
    beni: str
    charges: dict[str, str]

    @property
    def world(self) -> Logged:
        """The world, which is logged."""
        assert isinstance(self.town.world, Logged)
        return self.town.world

    def bundle(self, kind: str, which: str) -> bytes:
        """Return the proof file of a question."""
        with self.world.serving().view() as view:
            return answer_bundle(view, self.world.vault, question(kind, which))

    def judged(self, data: bytes) -> Verdict:
        """Return the verdict at the time of the world."""
        kind = decode_bundle(data).question["kind"]
        return VERIFY[kind](data, self.world.policy(), self.world.time_ms // 1000 + 5)


def question(kind: str, which: str) -> dict[str, str]:
    """Return a question as a bundle names it."""
    return {"kind": kind, "account" if kind == "account" else "redemption": which}


def live(world: Logged) -> Lived:
    """Live some weeks: earning, an improvement, charges of every kind, a card, a lost phone, transfers, a reversal."""
    town = Town(world)
    anna, beni, carla = (town.open(one) for one in ("anna", "beni", "carla"))
    town.earn(anna, "class")
    taken = town.earn(anna, station="station")
    town.act("clinic", "card", account=anna, card=name("card"), state="open")
    measure(town, anna)
    for one in (beni, carla):
        town.earn(one, "class")
    charges = {"posted": town.charge(anna, 30), "confirmed": town.charge(anna, 20, ceiling=5)}
    town.on(holder_of(anna), "confirm", anna, charges["confirmed"], coins=20)
    charges["held"] = town.charge(anna, 10, body={"hold_s": 3600})
    town.on("noodles", "post", anna, charges["held"], coins=4)
    charges["voided"] = town.charge(anna, 10, body={"hold_s": 3600})
    town.on("noodles", "void", anna, charges["voided"])
    for coins in (12, 18):
        town.on("noodles", "refund", anna, charges["posted"], refund=name(f"refund {coins}"), coins=coins)
    charges["part-refunded"] = town.charge(anna, 7, merchant="tea")
    town.on("tea", "refund", anna, charges["part-refunded"], refund=name("refund"), coins=2)
    charges["lapsed"] = town.charge(anna, 3, body={"hold_s": 60})
    world.time_ms += 61_000
    town.act("station", "reversal", account=anna, earning=taken, reason="記錯人")
    to = [{"account": anna, "coins": 9}, {"account": carla, "coins": 3}]
    town.act(holder_of(beni), "transfer", account=beni, transfer=name("transfer"), to=to)
    key = key_of("new phone of anna")
    old = town.state(anna)["keys"]
    town.act("clinic", "key", account=anna, close=old, **keyed(anna, key))
    town.world.keys[holder_of(anna)] = key
    card = {"merchant": "noodles", "branch": "market", "account": anna, "card": name("card"), "coins": 6}
    charges["card"] = name("by card")
    town.act("noodles", "charge", charge=charges["card"], **card)
    spend_twice(town, beni, charges)
    charges["mixed"], charges["mixed-back"] = pay_mixed(town, anna)
    return Lived(town, anna, beni, charges)


def measure(town: Town, person: str) -> None:
    """Let the clinic commit to a pre-test and a post-test, and reward the improvement."""
    stages: list[dict[str, Any]] = [{"stage": "pre"}, {"stage": "post", "pre": name("pre"), "improved": True}]
    for stage in stages:
        digest = commit_measurement(b"s" * 32, {"systolic_mmhg": 140, "stage": stage["stage"]})
        town.act("clinic", "commitment", account=person, commitment=name(stage["stage"]), digest=digest, **stage)
    town.earn(person, "improved", commitment=name("post"))


def pay_mixed(town: Town, person: str) -> list[str]:
    """Let a resident pay twice with coins, a ticket's item, a coupon and money; the second goes back whole."""
    town.world.submit("town", "ticket-offer", tickets())
    town.world.submit("county", "coupon-offer", coupons())
    ticket, charges = town.ticket(person), list[str]()
    for _ in range(2):
        items, shown = [(ticket, "lunch", 1)], [town.coupon(person)]
        charges.append(town.pay(person, 50_500, coins=5, money=20_000, items=items, coupons=shown))
    back = {"tickets": [{"ticket": ticket, "item": "lunch", "count": 1}], "coupons": shown, "money": 20_000}
    town.on("noodles", "refund", person, charges[1], refund=name("mixed"), coins=5, **back)
    return charges


def spend_twice(town: Town, person: str, charges: dict[str, str]) -> None:
    """Let a resident hand a voucher over and spend the coins elsewhere before it is handed in."""
    free = town.purse(person).available
    charges["unpaid"] = name("voucher")
    voucher = town.code(person, free, charges["unpaid"], merchant="noodles", offline=True, life_s=DAY_MS // 1000)
    charges["first"] = town.charge(person, free - 1, merchant="tea")
    town.act("noodles", "charge", merchant="noodles", branch="main", coins=free, **voucher)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A town in which all that happened."""
    world = logged(tmp_path_factory.mktemp("town"))
    yield live(world)
    world.close()


def test_a_balance_is_proved(lived: Lived) -> None:
    """Offline, the bundle says what the ledger says: every lot with its end, every hold, every act."""
    verdict = lived.judged(lived.bundle("account", lived.anna))
    assert (verdict.kind, verdict.status) == ("operator", "open"), verdict.steps[-1]
    assert [step.name for step in verdict.steps][6:] == [
        "history", "account", "earnings", "payments", "transfers", "balance", "wallet", "particulars", "whole",
        "standing",
    ]  # fmt: skip
    assert [step.number for step in verdict.steps] == list(range(1, 17))
    purse = lived.town.purse(lived.anna)
    assert verdict.facts["balance"] == purse.balance()
    assert sum(lot["coins"] for lot in verdict.facts["lots"]) == purse.available
    assert [lot["ends_ms"] for lot in verdict.facts["lots"]] == sorted(lot.ends_ms for lot in purse.lots)
    assert {one["state"] for one in verdict.facts["keys"]} == {"revoked", "active"}
    assert verdict.facts["cards"][0]["spent"] == 6
    with lived.world.serving().view() as view:
        answer, _ = read_answer(view, ANSWERS["account"], question("account", lived.anna))
        shown = answer.facts(view.time_ms)
    assert json.loads(json.dumps(verdict.facts))["history"] == json.loads(json.dumps(shown))["history"]


def test_a_balance_of_any_time(lived: Lived) -> None:
    """After each act, and when lots end, the coins are those that a count from the postings gives."""
    with lived.world.serving().view() as view:
        answer, _ = read_answer(view, account.Answer, question("account", lived.anna))
    counted = 0
    for act in answer.acts:
        counted += act["postings"].get("available", 0)
        purse = answer.balance_at(act["time_ms"])
        assert purse is not None
        later = [one for one in answer.acts if one["time_ms"] == act["time_ms"]]
        if act == later[-1]:
            assert (purse.available, act["available"]) == (counted, counted)
    assert answer.balance_at(answer.acts[0]["time_ms"] - 1) is None
    ends = max(lot["ends_ms"] for lot in answer.facts(lived.world.time_ms)["lots"])
    over = answer.balance_at(ends)
    assert over is not None
    assert over.available == 0


@pytest.mark.parametrize(
    ("charge", "status", "paid"),
    [
        ("posted", "refunded", 0), ("confirmed", "posted", 20), ("held", "posted", 4), ("voided", "voided", 0),
        ("part-refunded", "part-refunded", 5), ("lapsed", "lapsed", 0), ("card", "posted", 6), ("unpaid", "unpaid", 0),
        ("mixed", "posted", 5), ("mixed-back", "refunded", 0),
    ],
)  # fmt: skip
def test_a_payment_is_proved(lived: Lived, charge: str, status: str, paid: int) -> None:
    """However a charge ended, its bundle says so, and what of it was paid."""
    verdict = lived.judged(lived.bundle("payment", lived.charges[charge]))
    assert (verdict.kind, verdict.status) == ("operator", status), verdict.steps[-1]
    assert [step.name for step in verdict.steps][6:] == [
        "history", "resident", "terms", "acts", "particulars", "whole", "standing",
    ]  # fmt: skip
    assert verdict.facts["paid"] == paid


def test_a_payment_says_with_what(lived: Lived) -> None:
    """Coins, the ticket's item, the coupon and the money, each for what it counted, by the issuers' own terms."""
    facts = lived.judged(lived.bundle("payment", lived.charges["mixed"])).facts
    item = {"offer": "day-out", "version": 1, "item": "lunch", "count": 1, "face": 25_000}
    coupon = {"offer": "fifty", "version": 1, "off": 5_000}
    paid = {"coins": 5, "total": 50_500, "money": 20_000, "tickets": [item], "coupons": [coupon]}
    assert facts["paid_with"] == paid
    assert facts["offers"]["day-out"] == {
        "issuer": "town", "name": {"zh-TW": "一日遊"}, "items": {"lunch": {"zh-TW": "午餐"}},
    }  # fmt: skip
    back = lived.judged(lived.bundle("payment", lived.charges["mixed-back"])).facts["paid_with"]
    assert (back["coins"], back["money"], back["tickets"][0]["count"], back["coupons"][0]["off"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", ["ticket-offer", "coupon-offer"])
def test_an_offer_that_is_left_out_is_missed(lived: Lived, kind: str) -> None:
    """What a ticket or coupon counted for rests on its issuer's signed terms, or on nothing."""
    opened = decode_bundle(lived.bundle("payment", lived.charges["mixed"]))
    kept = tuple(one for one in opened.records if decode_record(one.statement).kind != kind)
    assert len(kept) < len(opened.records)
    assert lived.judged(encode_bundle(replace(opened, records=kept))).kind == "fails"


def test_an_account_is_one_file_of_all_its_holder_has(lived: Lived) -> None:
    """Coins, tickets with what is left of them, coupons with their ends: what a person asks for is one file."""
    verdict = lived.judged(lived.bundle("account", lived.anna))
    (ticket,) = verdict.facts["tickets"]
    assert (ticket["offer"], ticket["paid"], ticket["guarantee"]["by"]) == ("day-out", True, "臺灣銀行信託部")
    assert [ticket["items"]["lunch"][name] for name in ("left", "used", "returned")] == [1, 1, 0]
    (coupon,) = verdict.facts["coupons"]
    assert (coupon["offer"], coupon["until_ms"]) == ("fifty", day_end_ms("2026-12-31"))
    assert verdict.facts["releases"] == []
    assert [(one["what"], one["kind"]) for one in verdict.facts["came"]] == [
        ("tickets", "ticket-sale"), ("coupons", "coupon"), ("coupons", "coupon"),
    ]  # fmt: skip


def test_a_double_spend_is_attributed(lived: Lived) -> None:
    """A voucher that could not be paid names the account that signed it, and its own proof says so too."""
    assert lived.judged(lived.bundle("payment", lived.charges["unpaid"])).facts["account"] == lived.beni
    verdict = lived.judged(lived.bundle("account", lived.beni))
    assert (verdict.kind, verdict.facts["unpaid"]) == ("operator", 1), verdict.steps[-1]


MISSED = {
    "coins-account": "history",
    "coins-card": "account",
    "coins-key": "account",
    "coins-earning": "earnings",
    "coins-commitment": "earnings",
    "coins-reversal": "earnings",
    "coins-charge": "payments",
    "coins-confirm": "payments",
    "coins-refund": "payments",
    "coins-transfer": "transfers",
    "ticket-sale": "wallet",
    "coupon": "wallet",
}


@pytest.mark.parametrize("kind", MISSED)
def test_a_record_that_is_left_out_is_missed(lived: Lived, kind: str) -> None:
    """An account's bundle without one of its records fails, at the latest where the record belongs."""
    opened = decode_bundle(lived.bundle("account", lived.anna))
    at = next(
        n for n, one in enumerate(opened.private) if decode_record(decode_private_leaf(one.leaf).statement).kind == kind
    )
    verdict = lived.judged(encode_bundle(replace(opened, private=(*opened.private[:at], *opened.private[at + 1 :]))))
    assert (verdict.kind, verdict.steps[-1].name) in {("fails", MISSED[kind]), ("fails", "account")}


def test_a_fact_that_is_left_out_is_missed(lived: Lived) -> None:
    """An act on an account or a charge that its prefix does not show is no whole prefix of the map."""
    for data in (lived.bundle("account", lived.anna), lived.bundle("payment", lived.charges["posted"])):
        opened = decode_bundle(data)
        assert opened.private_map is not None
        for n, prefix in enumerate(opened.private_map.prefixes):
            assert prefix.blinds is not None
            shorter = replace(prefix, pairs=prefix.pairs[:-1], blinds=prefix.blinds[:-1])
            prefixes = (*opened.private_map.prefixes[:n], shorter, *opened.private_map.prefixes[n + 1 :])
            less = encode_bundle(replace(opened, private_map=replace(opened.private_map, prefixes=prefixes)))
            assert lived.judged(less).steps[-1].name == "facts"


def test_an_operator_who_takes_a_coin_more_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that write another balance than the acts give do not pass."""
    world = logged(tmp_path)
    town = Town(world)
    anna = town.open("anna")
    town.earn(anna, "class")

    def skimmed(act: Any) -> list[Change]:
        changes = _charge(act)
        for change in changes:
            if change.key == account_key(anna):
                change.value["lots"][0][2] -= 1
        return changes

    with monkeypatch.context() as patch:
        patch.setattr("contracts.rulebook.KINDS", skewed("coins-charge", skimmed))
        town.charge(anna, 10)
    lived = Lived(town, anna, "", {})
    data = forced_bundle(lived, monkeypatch)
    verdict = lived.judged(data)
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "balance")
    assert verdict.steps[-1].detail == "the account's lots"
    world.close()


def skewed(kind: str, rule: Any) -> dict[str, Any]:
    """Return the kinds of records with another rule for one."""
    from contracts.rulebook import KINDS  # noqa: PLC0415 - the table that is replaced

    return {**KINDS, kind: replace(KINDS[kind], apply=rule)}


def forced_bundle(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the bundle of an operator whose software does not look at what it writes."""
    with monkeypatch.context() as patch:
        patch.setattr("verifiers.account.Answer._check_balance", lambda _: "")
        return lived.bundle("account", lived.anna)


def test_nobody_reads_more_than_is_theirs(lived: Lived) -> None:
    """A merchant's proof holds no fact of the account, and a resident's none of the merchant's takings."""
    town = lived.town
    charge = lived.charges["posted"]
    opened = decode_bundle(lived.bundle("payment", charge))
    assert opened.private_map is not None
    shown = {key for prefix in opened.private_map.prefixes for key, _ in prefix.pairs}
    shown |= {fact.key for fact in opened.private_map.facts}
    assert charge_key(charge) in shown
    assert not shown & {account_key(lived.anna, n) for n in range(30)}
    assert pieces_key(charge) not in shown
    state = town.state(lived.anna)
    assert str(state["person"]).encode() not in lived.bundle("payment", charge)


def test_what_is_not_there_is_not_found(lived: Lived) -> None:
    """Neither an account nor a charge of another name has a bundle."""
    for kind in VERIFY:
        with pytest.raises(NotFoundError):
            lived.bundle(kind, name("nobody"))


def test_mutations(lived: Lived, tmp_path: Path) -> None:
    """Whatever is taken, changed or added, the verdict fails or says the same no more strongly."""
    bundles = {
        "account": [lived.bundle("account", lived.anna), lived.bundle("account", lived.beni)],
        "payment": [lived.bundle("payment", one) for one in lived.charges.values()],
    }
    world = logged(tmp_path)
    other = live(world)
    others = {
        "account": [other.bundle("account", other.anna)],
        "payment": [other.bundle("payment", one) for one in other.charges.values()],
    }
    world.close()
    now, policy = lived.world.time_ms // 1000 + 5, lived.world.policy()
    for kind, verify in VERIFY.items():
        count = soak(f"mutations of {kind}s", 180, 3_006)
        check_mutations(bundles[kind], others[kind], lambda one, v=verify: v(one, policy, now), count)  # type: ignore[misc]


def test_what_an_issuer_owed_on_any_day_is_proved(tmp_path: Path) -> None:
    """An auditor reads what was out at each day's end: what was given, less what was spent, taken back or had ended."""
    world = logged(tmp_path)
    town = Town(world)
    anna, counted = town.open("anna"), {}
    for days in (0, 1, 3, 40, 30):
        world.time_ms += days * DAY_MS
        town.earn(anna, "class")
        town.earn(anna, "steps", station="station")
        town.on("noodles", "refund", anna, town.charge(anna, 12), refund=name(f"back {days}"), coins=5)
        counted[day_number(world.time_ms)] = liability(town.funds("county"), world.time_ms)
    lived = Lived(town, anna, "", {})
    asked = {"kind": "liability", "programme": PROGRAMME, "issuer": "county"}
    with world.serving().view() as view:
        data = answer_bundle(view, world.vault, asked)
        answer, _ = read_answer(view, issuers.Answer, asked)
    verdict = issuers.verify(data, world.policy(), world.time_ms // 1000 + 5)
    assert (verdict.kind, verdict.status) == ("operator", "owing"), verdict.steps[-1]
    assert [step.name for step in verdict.steps][6:] == ["days", "now", "terms", "particulars", "whole", "standing"]
    assert [one["liability"] for one in verdict.facts["days"]] == list(counted.values())
    assert verdict.facts["liability"] == lived.town.purse(anna).available - liability(town.funds("town"), world.time_ms)
    first, last = min(counted), max(counted)
    assert [answer.owed_at(day) for day in (first - 1, first, first + 2, last + 365)] == [
        0, counted[first], counted[first + 1], 0,
    ]  # fmt: skip
    opened = decode_bundle(data)
    assert opened.private_map is not None
    assert {fact.key[0] for fact in opened.private_map.facts} <= {FUNDS}
    others = [lived.bundle("account", anna)]
    count = soak("mutations of liabilities", 90, 3_006)
    check_mutations([data], others, lambda one: issuers.verify(one, world.policy(), world.time_ms // 1000 + 5), count)
    world.close()


def test_what_is_owed_for_tickets_is_proved(tmp_path: Path) -> None:
    """Day by day: for sold ones until they are used or taken back, however late; for given ones until they end."""
    world = logged(tmp_path)
    town = Town(world)
    person = town.open("anna")
    town.world.submit("town", "ticket-offer", tickets(guarantee={"by": "臺灣銀行", "until": "2030-12-31"}))
    sold, _ = town.ticket(person), town.ticket(person, amount=0)
    town.world.time_ms += DAY_MS
    town.pay(person, 25_000, items=[(sold, "lunch", 1)])
    town.world.time_ms += 200 * DAY_MS
    body = {"account": person, "ticket": sold, "refund": name("taken back"), "items": {"tea": 1}}
    town.record("town", "ticket-refund", **body, amount=16_667 - 500)
    with world.serving().view() as view:
        asked = {"kind": "liability", "programme": PROGRAMME, "issuer": "town"}
        data = answer_bundle(view, world.vault, asked)
    verdict = issuers.verify(data, world.policy(), world.time_ms // 1000 + 5)
    assert (verdict.kind, verdict.status) == ("operator", "owing"), verdict.steps[-1]
    days = [one["tickets"]["liability"] for one in verdict.facts["days"]][-3:]
    assert days == [180_000, 160_000, 53_333]
    now = {"issued": 180_000, "used": 20_000, "returned": 16_667, "liability": 53_333}
    assert verdict.facts["tickets"] == now
    world.close()
