"""Agreements by the real rules: a whole season, and each refusal by its name."""

from __future__ import annotations

from typing import Any

import pytest
from agreements import (
    AGREEMENT,
    PURCHASER,
    Deal,
    open_deal,
    sample_terms,
    simple_terms,
)
from rules import GTIN, OTHER_GTIN, refused

from contracts.agreements.dues import due
from contracts.agreements.keys import guarantee_key, market_key, notice_key, terms_key
from contracts.agreements.terms import terms_hash
from contracts.rulebook import readers_of
from ledger.document import Context, encode_document


@pytest.fixture
def deal() -> Deal:
    """An agreement of which nothing is recorded."""
    return open_deal()


def running(**changes: Any) -> Deal:
    """Return a concluded agreement with a harvest, at a market price of NT$30."""
    deal = open_deal(sample_terms(**changes))
    deal.conclude()
    deal.grow()
    deal.price(3000)
    return deal


def accepted(**changes: Any) -> Deal:
    """Return one with a delivery of 500 kg, graded and accepted."""
    deal = running(**changes)
    deal.deliver("D-1", 500_000)
    deal.grade("D-1", ("A", 400_000), ("B", 100_000))
    deal.accept("D-1")
    return deal


# --- the whole life


def test_a_whole_season(deal: Deal) -> None:
    """From the draft to the record for shoppers: no step of it may be missing or out of its place."""
    deal.conclude()
    assert deal.state["stage"] == "witnessed"
    deal.act("farm-1", "advance", item="種子", amount=600_000, day=deal.now)
    deal.grow()
    deal.price(3000)
    deal.deliver("D-1", 500_000)
    deal.grade("D-1", ("A", 400_000), ("B", 100_000))
    deal.accept("D-1", ("B", 20_000, "damage"))
    assert deal.state["deliveries"][0]["accepted"] == [["A", 400_000, 0], ["B", 80_000, 0]]
    sums = deal.settle("S-1", ["D-1"])
    # max(30.00 × 1.05, 32.00) = 32.00; 480 kg; three tenths repay advances.
    assert sums == {"farm-1": 1_536_000 - 460_800}
    deal.pay("P-1", "S-1", sums["farm-1"])
    deal.later(1)
    deal.price(4000)
    deal.deliver("D-2", 300_000)
    deal.grade("D-2", ("A", 300_000))
    deal.later(4)
    sums = deal.settle("S-2", ["D-2"], final=True)
    assert sums == {"farm-1": 300 * 4200 - (600_000 - 460_800)}
    assert deal.state["stage"] == "settled"
    with refused("agreements.open"):
        deal.act("farm-1", "close")
    deal.pay("P-2", "S-2", sums["farm-1"])
    deal.act("farm-1", "close")
    assert deal.state["stage"] == "closed"
    assert due(deal.state, deal.terms, deal.world.time_ms) == []
    assert keep_guarantee(deal)["signed"][0][0] == "farm-1"


def keep_guarantee(deal: Deal, **changes: Any) -> Any:
    """Let all sign that the guarantee was kept, and return the fact."""
    content = {
        "agreement": AGREEMENT, "season": "115 秋", "growers": ["farm-1"], "purchaser": PURCHASER, "association": "fa",
        "lots": [{"gtin": GTIN, "lot": "L-farm-1"}], **changes,
    }  # fmt: skip
    document = encode_document(id=f"g{next(deal.world.numbers)}", body=content)
    for actor in ("farm-1", PURCHASER, "fa"):
        expires_s = deal.world.time_ms // 1000 + 1000
        deal.world.submit(actor, "guarantee-kept", content, document=document, expires_at_s=expires_s)
    return deal.world.get(guarantee_key(GTIN, "L-farm-1"))


def test_a_pool_pays_to_the_last_cent() -> None:
    """Twelve members share what their goods fetched: the parts add up, and nobody gets less than is guaranteed."""
    terms = simple_terms(
        growers=["farm-1", "farm-2"],
        sites=[{"grower": name, "area_m2": 5000, "place": "關西"} for name in ("farm-1", "farm-2")],
        price={"form": "pool", "weights": {"A": 1000, "B": 700}, "guaranteed": 2500},
        quantity={"form": "exclusive", "tolerance_permille": 0},
    )
    deal = open_deal(terms)
    deal.conclude()
    for name, grams in (("farm-1", 1_000_000), ("farm-2", 333_333)):
        deal.grow(name, grams)
        deal.deliver(f"D-{name}", grams, name)
        deal.grade(f"D-{name}", ("A" if name == "farm-1" else "B", grams))
        deal.accept(f"D-{name}")
    sums = deal.settle("S-1", ["D-farm-1", "D-farm-2"], final=True, proceeds=5_000_001, costs=100_000)
    assert sum(sums.values()) == 4_900_001
    units = {"farm-1": 1_000_000 * 1000, "farm-2": 333_333 * 700}
    assert sums["farm-1"] in {4_900_001 * units["farm-1"] // sum(units.values()) + i for i in (0, 1)}


# --- before the signature


def test_who_drafts(deal: Deal) -> None:
    """Only a party drafts; others are told no more than that there is nothing for them."""
    with refused("agreements.party"):
        deal.act("farm-2", "draft", terms=deal.terms)
    deal.draft()
    with refused("agreements.unknown"):
        deal.act("farm-2", "draft", terms={**deal.terms, "growers": ["farm-2"]})
    with refused("agreements.unknown"):
        deal.act("farm-2", "close")
    deal.agreement = "0" * 32
    with refused("agreements.unknown"):
        deal.act("farm-1", "close")


@pytest.mark.parametrize(
    "changes",
    [
        {"purchaser": "farm-1"},
        {"witness": "farm-1"},
        {"sites": [{"grower": "farm-2", "area_m2": 1, "place": "x"}]},
        {"product": {"commodity": "x", "grades": [{"grade": "A", "spec": "x"}, {"grade": "A", "spec": "y"}]}},
        {"delivery": {"from": "2027-01-01", "to": "2026-01-01", "place": "x", "transport": "grower"}},
        {"term": {"from": "2027-01-01", "to": "2026-01-01"}},
        {"quantity": {"form": "range", "min_g": 2, "max_g": 1, "tolerance_permille": 0}},
        {"price": {"form": "grade", "per_kg": {"A": 1}}},
        {"price": {"form": "pool", "weights": {"A": 1, "B": 1, "C": 1}}},
        {"adjustments": [{"name": "x", "per_kg": 1}, {"name": "x", "permille": 1}]},
        {"adjustments": [{"moisture_base_permille": 130}, {"moisture_base_permille": 140}]},
        {"adjustments": [{"name": "advances", "per_kg": 1}]},
        {"price": {"form": "formula", "expression": {"add": [{"add": [{"const": 1}] * 8}] * 8}}},
        {
            "price": {
                "form": "formula",
                "expression": {"add": [{"add": [{"add": [{"add": [{"add": [{"add": [{"const": 1}]}]}]}]}]}]},
            }
        },
    ],
)
def test_terms_that_contradict_themselves(deal: Deal, changes: dict[str, Any]) -> None:
    """Terms that nobody could keep would be signed and quarrelled about."""
    deal.terms = {**deal.terms, **changes}
    with refused("agreements.terms"):
        deal.act("farm-1", "draft", terms=deal.terms)


def test_who_is_named(deal: Deal) -> None:
    """A witness is an association, an inspector an inspector, a grower a farmer."""
    for changes in (
        {"witness": "packer"},
        {"witness": "nobody"},
        {"acceptance": {**deal.terms["acceptance"], "inspector": "packer"}},
        {"growers": ["packer"], "sites": [{"grower": "packer", "area_m2": 1, "place": "x"}]},
    ):
        with refused("agreements.role"):
            deal.act(PURCHASER, "draft", terms={**deal.terms, **changes})


def test_numbers_are_whole(deal: Deal) -> None:
    """5.0 passes for an integer in JSON Schema, and has no encoding in a fact."""
    with refused("rules.number"):
        deal.act(PURCHASER, "draft", terms={**deal.terms, "advances": {"limit": 5.0, "share_permille": 1}})


def test_ten_days_with_a_copy(deal: Deal) -> None:
    """A grower has ten days with the terms before it can sign them; a new draft begins them again."""
    deal.draft()
    document = deal.offer()
    deal.sign(PURCHASER, document)
    with refused("agreements.copy"):
        deal.sign("farm-1", document)
    deal.fair("farm-1", "copy")
    deal.later(10)
    deal.world.time_ms -= 1
    with refused("agreements.ten-days"):
        deal.sign("farm-1", document)
    deal.world.time_ms += 1
    with refused("agreements.advice"):
        deal.sign("farm-1", document)
    deal.fair("farm-1", "advice-offered", "reading-asked")
    with refused("agreements.read-aloud"):
        deal.sign("farm-1", document)
    with refused("agreements.step"):
        deal.fair("farm-1", "copy")
    deal.act("fa", "fairness", grower="farm-1", step="read-aloud", terms_hash=terms_hash(deal.terms).hex())
    deal.draft()
    with refused("agreements.copy"):
        deal.sign("farm-1", document)
    deal.fair("farm-1")
    deal.later(10)
    deal.sign("farm-1", document)
    assert deal.state["stage"] == "signed"


def test_fairness_is_said_by_whom_it_protects(deal: Deal) -> None:
    """A purchaser's word that it gave a copy would be worth nothing."""
    deal.draft()
    body = {"grower": "farm-1", "step": "copy", "terms_hash": terms_hash(deal.terms).hex()}
    with refused("agreements.party"):
        deal.act(PURCHASER, "fairness", **body)
    with refused("agreements.party"):
        deal.act("fa", "fairness", **{**body, "step": "reading-asked"})
    with refused("agreements.party"):
        deal.act("farm-1", "fairness", **{**body, "grower": "farm-2"})
    with refused("agreements.copy"):
        deal.act("farm-1", "fairness", **{**body, "terms_hash": "00" * 32})


def test_what_is_signed_is_what_was_drafted(deal: Deal) -> None:
    """Terms slipped in between copy and signature would be signed unread."""
    deal.draft()
    deal.fair("farm-1")
    deal.later(10)
    other = deal.offer(terms={**deal.terms, "season": "116 春"})
    with refused("agreements.draft"):
        deal.sign("farm-1", other)
    with refused("agreements.stage"):
        deal.act("fa", "witness", terms_hash=terms_hash(deal.terms).hex())
    document = deal.offer()
    deal.sign("farm-1", document)
    deal.later(31)
    with refused("assent.lapsed"):
        deal.sign(PURCHASER, document)


def test_the_witness_signs_before_goods_move(deal: Deal) -> None:
    """An agreement that names a witness is not lived before the witness has signed."""
    deal.draft()
    deal.fair("farm-1")
    deal.later(10)
    document = deal.offer()
    deal.sign(PURCHASER, document)
    deal.sign("farm-1", document)
    with refused("agreements.unwitnessed"):
        deal.act("farm-1", "advance", item="種子", amount=1, day=deal.now)
    with refused("agreements.party"):
        deal.act(PURCHASER, "witness", terms_hash=terms_hash(deal.terms).hex())
    with refused("agreements.draft"):
        deal.act("fa", "witness", terms_hash="00" * 32)


def test_a_signature_before_the_draft_and_after_it_binds(deal: Deal) -> None:
    """Out of order nothing is signed; what binds is not drafted again."""
    with refused("agreements.unknown"):
        deal.sign("farm-1", deal.offer())
    deal.conclude()
    with refused("agreements.stage"):
        deal.draft()
    with refused("agreements.stage"):
        deal.fair("farm-1", "reading-asked")
    with refused("agreements.stage"):
        deal.sign("farm-1", deal.offer())


# --- the season


def test_lots_are_the_growers_own_and_grow_where_it_was_agreed(deal: Deal) -> None:
    """Goods of somebody else, or from another field, would be sold under the agreement."""
    deal.conclude()
    lot = {"gtin": GTIN, "lot": "L1"}
    with refused("agreements.lot-owner"):
        deal.act("farm-1", "growing", lots=[lot])
    deal.world.submit("farm-2", "product", {"gtin": OTHER_GTIN, "name": {"zh-TW": "茶"}, "crop": "茶"})
    deal.world.submit("farm-2", "lot", {"gtin": OTHER_GTIN, "lot": "L9"})
    with refused("agreements.lot-owner"):
        deal.act("farm-1", "growing", lots=[{"gtin": OTHER_GTIN, "lot": "L9"}])
    deal.world.submit("farm-1", "lot", lot)
    with refused("agreements.lot-site"):
        deal.act("farm-1", "growing", lots=[lot])
    deal.world.submit("farm-1", "lot", {**lot, "lot": "L2", "site": "S-1"})
    deal.act("farm-1", "growing", lots=[{**lot, "lot": "L2"}])
    with refused("agreements.lot-known"):
        deal.act("farm-1", "growing", lots=[{**lot, "lot": "L2"}])
    with refused("agreements.lot"):
        deal.act("farm-1", "harvest", lots=[{**lot, "grams": 1}], day=deal.now)
    with refused("agreements.party"):
        deal.act(PURCHASER, "growing", lots=[lot])


def test_a_recalled_lot_is_not_delivered() -> None:
    """A purchaser would take in what a recall keeps back."""
    deal = running()
    deal.world.submit("lab", "recall", {"gtin": GTIN, "lot": "L-farm-1", "reason": "農藥超標"})
    with refused("agreements.recalled"):
        deal.deliver("D-1", 1000)


def test_no_more_than_agreed_and_harvested() -> None:
    """What comes beyond quantity and tolerance would be noticed by nobody."""
    deal = running()
    with refused("agreements.harvest"):
        deal.deliver("D-1", 1_000_001)
    deal.act("farm-1", "harvest", lots=[{"gtin": GTIN, "lot": "L-farm-1", "grams": 1_000_000}], day=deal.now)
    with refused("agreements.quantity"):
        deal.deliver("D-1", 1_050_001)
    deal.deliver("D-1", 1_050_000)
    with refused("agreements.quantity"):
        deal.deliver("D-2", 1)
    with refused("agreements.delivery-known"):
        deal.deliver("D-1", 1)


def test_goods_come_within_the_window() -> None:
    """A delivery of a day that nobody agreed on, or of a day to come."""
    deal = running(delivery={"from": "2026-12-01", "to": "2026-12-31", "place": "x", "transport": "grower"})
    with refused("agreements.window"):
        deal.deliver("D-1", 1)
    with refused("agreements.future"):
        deal.act("farm-1", "delivery", delivery="D-1", day="2026-12-05",
                 lots=[{"gtin": GTIN, "lot": "L-farm-1", "grams": 1}])  # fmt: skip


def test_who_grades_and_what_adds_up() -> None:
    """The purchaser's own grading would stand where a third party was agreed, or goods vanish in it."""
    deal = running()
    deal.deliver("D-1", 500_000)
    with refused("agreements.party"):
        deal.act(PURCHASER, "grading", delivery="D-1", rows=[{"grade": "A", "grams": 500_000}])
    with refused("agreements.weights"):
        deal.grade("D-1", ("A", 499_999))
    with refused("agreements.grade"):
        deal.grade("D-1", ("C", 500_000))
    with refused("agreements.delivery-unknown"):
        deal.grade("D-2", ("A", 500_000))
    with refused("agreements.not-graded"):
        deal.accept("D-1")
    deal.grade("D-1", ("A", 500_000))
    with refused("agreements.graded"):
        deal.grade("D-1", ("A", 500_000))


def test_an_inspector_grades_for_itself() -> None:
    """Nobody finds in an inspector's name."""
    deal = running()
    deal.deliver("D-1", 1000)
    body = {"agreement": AGREEMENT, "delivery": "D-1", "rows": [{"grade": "A", "grams": 1000}]}
    document = encode_document(id="g", body=body, context=Context("lab"))
    with refused("actors.entered-for"):
        deal.world.submit("county", "agreement-grading", body, document=document)


def test_rejection_has_agreed_reasons_and_days() -> None:
    """Goods would be turned away for anything, at any time, in any weight."""
    deal = running()
    deal.deliver("D-1", 500_000)
    deal.grade("D-1", ("A", 400_000), ("B", 100_000))
    with refused("agreements.reason"):
        deal.accept("D-1", ("A", 1, "spoiled"))
    with refused("agreements.weights"):
        deal.accept("D-1", ("B", 100_001, "grade"))
    with refused("agreements.party"):
        deal.act("farm-1", "acceptance", delivery="D-1", rejected=[])
    deal.later(3)
    with refused("agreements.late-answer"):
        deal.accept("D-1", ("B", 100_000, "grade"))
    assert deal.settle("S-1", ["D-1"]) == {"farm-1": 500 * 3200}


def test_an_answer_is_given_once() -> None:
    """A second one would take back the first."""
    deal = accepted()
    with refused("agreements.accepted"):
        deal.accept("D-1", ("B", 1, "damage"))


def test_advances_stay_in_bounds_and_are_repaid_exactly() -> None:
    """A debt that grows beyond what was agreed, or that is paid back twice."""
    deal = accepted()
    deal.act("farm-1", "advance", item="種子", amount=1_500_000, day=deal.now)
    with refused("agreements.advance"):
        deal.act("farm-1", "advance", item="肥料", amount=500_001, day=deal.now)
    with refused("agreements.repayment"):
        deal.act(PURCHASER, "repayment", grower="farm-1", amount=1_500_001)
    with refused("agreements.party"):
        deal.act("farm-1", "repayment", grower="farm-1", amount=1)
    deal.act(PURCHASER, "repayment", grower="farm-1", amount=100_000)
    sums = deal.settle("S-1", ["D-1"], final=True)
    # 100 kg short of 570: ten per cent of their value at the mean price, and then all that is outstanding.
    assert sums["farm-1"] == max(1_600_000 - 70 * 320 - 1_400_000, 0)
    account = deal.state["growers"]["farm-1"]
    assert account["advanced"] == account["repaid"]


def test_force_majeure_counts_where_it_was_agreed_and_in_time() -> None:
    """A season's loss would be charged to who could not help it, or made up afterwards."""
    deal = running()
    with refused("agreements.event"):
        deal.act("farm-1", "force-majeure", event="hail", area_m2=1, since=deal.now)
    with refused("agreements.notice-late"):
        deal.act("farm-1", "force-majeure", event="typhoon", area_m2=1, since="2026-08-01")
    with refused("agreements.area"):
        deal.act("farm-1", "force-majeure", event="typhoon", area_m2=10_001, since=deal.now)
    deal.act("farm-1", "force-majeure", event="typhoon", area_m2=5_000, since=deal.now)
    deal.deliver("D-1", 285_000)
    deal.grade("D-1", ("A", 285_000))
    deal.accept("D-1")
    assert deal.settle("S-1", ["D-1"], final=True) == {"farm-1": 285 * 3200}


# --- the end


def test_a_settlement_that_says_otherwise() -> None:
    """The refusal gives both sums and the first line that differs."""
    deal = accepted()
    body = deal.settlement("S-1", ["D-1"])
    body["lines"][1] = {**body["lines"][1], "per_kg": 3100, "amount": 310_000}
    body["sums"][0]["amount"] -= 10_000
    with refused("agreements.settlement") as caught:
        deal.act(PURCHASER, "settlement", **body)
    assert caught.value.expected == "1600000 in all; line 2: goods farm-1 D-1 B 100000 g × 3200/kg = 320000"
    assert caught.value.got == "1590000 in all; line 2: goods farm-1 D-1 B 100000 g × 3100/kg = 310000"
    for change in ({"sums": []}, {"lines": body["lines"][:1]}, {"lines": []}):
        with refused("agreements.settlement"):
            deal.act(PURCHASER, "settlement", **{**deal.settlement("S-1", ["D-1"]), **change})


def test_what_is_settled_when() -> None:
    """Settled are deliveries that came, are accepted, and were not settled before; the last time all of them."""
    deal = accepted()
    deal.deliver("D-2", 100_000)
    with refused("agreements.not-accepted"):
        deal.settle("S-1", ["D-2"])
    with refused("agreements.party"):
        deal.act("farm-1", "settlement", **deal.settlement("S-1", ["D-1"]))
    with refused("agreements.delivery-unknown"):
        deal.act(PURCHASER, "settlement", **{**deal.settlement("S-1", ["D-1"]), "deliveries": ["D-9"]})
    with refused("agreements.left-out"):
        deal.settle("S-1", ["D-1"], final=True)
    with refused("agreements.left-out"):
        deal.settle("S-1", [])
    with refused("agreements.pool"):
        deal.settle("S-1", ["D-1"], proceeds=5)
    deal.settle("S-1", ["D-1"])
    with refused("agreements.settled"):
        deal.settle("S-2", ["D-1"])
    deal.grade("D-2", ("A", 100_000))
    deal.accept("D-2")
    with refused("agreements.settlement-known"):
        deal.settle("S-1", ["D-2"])
    deal.settle("S-2", ["D-2"], final=True)
    with refused("agreements.final"):
        deal.settle("S-3", [], final=True)


def test_a_market_without_a_price() -> None:
    """No price is made up where none is on record; one on record is not changed."""
    deal = open_deal()
    deal.conclude()
    deal.grow()
    deal.deliver("D-1", 1000)
    deal.grade("D-1", ("A", 1000))
    deal.accept("D-1")
    with refused("agreements.market-missing"):
        deal.settle("S-1", ["D-1"])
    deal.price(5000, "2026-09-01")
    with refused("agreements.market-missing"):
        deal.settle("S-1", ["D-1"])
    deal.price(4000)
    with refused("agreements.market-known"):
        deal.price(4001)
    with refused("agreements.source"):
        deal.world.submit(PURCHASER, "market-price", {"source": "market", "series": "毛豆", "day": deal.now,
                                                      "per_kg": 1, "currency": "TWD"})  # fmt: skip
    assert deal.world.get(market_key("market", "毛豆", deal.now[:7]))["days"][deal.now][0] == 4000
    assert deal.settle("S-1", ["D-1"]) == {"farm-1": 4200}


def test_nothing_is_paid_twice() -> None:
    """What is paid is what was settled, once to each; the one who gets it says so."""
    deal = accepted()
    with refused("agreements.settlement-unknown"):
        deal.pay("P-1", "S-1", 1)
    deal.settle("S-1", ["D-1"])
    with refused("agreements.payment"):
        deal.pay("P-1", "S-1", 1_599_999)
    with refused("agreements.day"):
        deal.act(PURCHASER, "payment", payment="P-1", settlement="S-1", grower="farm-1", amount=1_600_000,
                 day="2026-01-01", method="匯款")  # fmt: skip
    with refused("agreements.party"):
        deal.act("farm-1", "payment", payment="P-1", settlement="S-1", grower="farm-1", amount=1_600_000,
                 day=deal.now, method="匯款")  # fmt: skip
    with refused("agreements.payment-unknown"):
        deal.act("farm-1", "receipt", payment="P-1")
    deal.pay("P-1", "S-1", 1_600_000, receive=False)
    with refused("agreements.paid"):
        deal.pay("P-2", "S-1", 1_600_000)
    with refused("agreements.payment-known"):
        deal.pay("P-1", "S-1", 1_600_000)
    with refused("agreements.party"):
        deal.act(PURCHASER, "receipt", payment="P-1")
    deal.act("farm-1", "receipt", payment="P-1")
    with refused("agreements.received"):
        deal.act("farm-1", "receipt", payment="P-1")


def test_what_is_late_costs_more() -> None:
    """A purchaser who pays late pays what was agreed for each day."""
    deal = accepted()
    deal.settle("S-1", ["D-1"])
    deal.later(16)
    with refused("agreements.payment"):
        deal.pay("P-1", "S-1", 1_600_000)
    deal.pay("P-1", "S-1", 1_600_000 + 2 * 1_600)


def test_amendments_are_offered_and_accepted_again() -> None:
    """Terms change by all signatures again, one number after the other, and leave the parties alone."""
    deal = accepted()
    new = {**deal.terms, "price": {"form": "fixed", "per_kg": 4000}}
    for change, number in (({"currency": "USD"}, 1), ({"witness": None}, 1), ({}, 2)):
        terms = {name: value for name, value in {**new, **change}.items() if value is not None}
        with refused("agreements.amendment"):
            deal.sign(PURCHASER, deal.offer(number=number, terms=terms), kind="agreement-amendment")
    document = deal.offer(number=1, terms=new)
    deal.sign(PURCHASER, document, kind="agreement-amendment")
    assert deal.world.get(terms_key(AGREEMENT)) == deal.terms
    deal.sign("farm-1", document, kind="agreement-amendment")
    assert deal.world.get(terms_key(AGREEMENT)) == new
    assert deal.settle("S-1", ["D-1"]) == {"farm-1": 500 * 4000}


def test_disputes_go_by_the_agreed_steps() -> None:
    """Nobody goes to court before the mediation that was agreed, and nobody ends another's dispute."""
    deal = accepted()
    with refused("agreements.dispute-step"):
        deal.act("farm-1", "dispute", dispute="Q-1", step="court", about="D-1")
    deal.act("farm-1", "dispute", dispute="Q-1", step="negotiation", about="D-1")
    with refused("agreements.dispute-step"):
        deal.act("farm-1", "dispute", dispute="Q-1", step="court", about="D-1")
    deal.act(PURCHASER, "dispute", dispute="Q-1", step="mediation", about="D-1")
    with refused("agreements.dispute-unknown"):
        deal.sign("farm-1", deal.offer(dispute="Q-2", outcome="withdrawn", between=["farm-1"]),
                  kind="agreement-dispute-end")  # fmt: skip
    for between, outcome in ((["frozen"], "withdrawn"), (["farm-1"], "agreed")):
        document = deal.offer(dispute="Q-1", outcome=outcome, between=between)
        with refused("agreements.dispute-between"):
            deal.sign(between[0], document, kind="agreement-dispute-end")
    document = deal.offer(dispute="Q-1", outcome="agreed", between=["farm-1", "frozen"])
    deal.sign("farm-1", document, kind="agreement-dispute-end")
    assert deal.state["disputes"][0]["open"]
    deal.sign("frozen", document, kind="agreement-dispute-end")
    assert not deal.state["disputes"][0]["open"]
    with refused("agreements.dispute-ended"):
        deal.act("farm-1", "dispute", dispute="Q-1", step="court", about="D-1")


def test_termination_takes_its_notice() -> None:
    """An agreement ends for an agreed reason, after its notice; what came before is settled."""
    deal = accepted()
    with refused("agreements.termination"):
        deal.act("farm-1", "termination", reason="insolvency")
    deal.act("farm-1", "termination", reason="breach")
    with refused("agreements.termination"):
        deal.act(PURCHASER, "termination", reason="notice")
    deal.later(30)
    with refused("agreements.terminated"):
        deal.deliver("D-2", 1)
    assert deal.settle("S-1", ["D-1"])["farm-1"] == 1_600_000


def test_who_reads() -> None:
    """Parties, witness, inspector, and an auditor whom a mandate names, until it is ended."""
    deal = accepted()
    submission = deal.world.submission("farm-1", "agreement-close", {"agreement": AGREEMENT})

    def readers() -> set[str]:
        return readers_of(submission.record, submission.document, deal.world)

    assert readers() == {"farm-1", PURCHASER, "fa", "lab"}
    with refused("agreements.mandate"):
        deal.act("farm-1", "mandate", auditor="auditor", given=False)
    deal.act("farm-1", "mandate", auditor="auditor", given=True)
    assert "auditor" in readers()
    deal.act("farm-1", "mandate", auditor="auditor", given=False)
    assert "auditor" not in readers()


# --- what is public


def test_a_notice_says_what_the_terms_let_it(deal: Deal) -> None:
    """The public would learn more of an agreement than its parties agreed on, or something untrue."""
    deal.conclude()
    notice = {"agreement": AGREEMENT, "parties": [PURCHASER, "farm-1"], "crop": "毛豆"}
    for change in ({"season": "115 秋"}, {"crop": "稻米"}, {"parties": [PURCHASER]}):
        with refused("agreements.notice"):
            deal.world.submit("farm-1", "agreement-notice", {**notice, **change})
    with refused("agreements.party"):
        deal.world.submit("farm-2", "agreement-notice", notice)
    with refused("agreements.unknown"):
        deal.world.submit("farm-1", "agreement-notice", {**notice, "agreement": "0" * 32})
    deal.world.submit("farm-1", "agreement-notice", notice)
    assert deal.world.get(notice_key(AGREEMENT))["crop"] == "毛豆"


def test_a_guarantee_is_kept_where_the_settlements_say_so() -> None:
    """Three signatures under something untrue are not let in; the refusal tells a stranger nothing."""
    deal = accepted()
    for settled in (False, True):
        if settled:
            deal.settle("S-1", ["D-1"], final=True)
        with refused("agreements.guarantee"):
            keep_guarantee(deal)
    deal.pay("P-1", "S-1", 1_600_000 - 70 * 320)
    for change in ({"season": "116 春"}, {"association": "county"}):
        with refused("agreements.guarantee-names"):
            keep_guarantee(deal, **change)
    with refused("agreements.guarantee-lot"):
        keep_guarantee(deal, lots=[{"gtin": GTIN, "lot": "L1"}])
    fact = keep_guarantee(deal)
    assert [one[0] for one in fact["signed"]] == ["farm-1", PURCHASER, "fa"]
    assert not any("1577600" in str(value) for value in fact.values())


def test_a_late_payment_keeps_no_guarantee() -> None:
    """Paid in the end is not paid as guaranteed."""
    deal = accepted(penalty={"short_permille": 0, "late_permille_per_day": 0})
    deal.settle("S-1", ["D-1"], final=True)
    deal.later(15)
    deal.pay("P-1", "S-1", 1_600_000)
    with refused("agreements.guarantee"):
        keep_guarantee(deal)
