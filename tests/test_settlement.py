"""The verdict on an agreement: offline, whole, each sum computed again; and what is left out is missed by its step."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from agreements import AGREEMENT, PURCHASER, Deal, open_deal, sample_terms
from conftest import soak
from logged import Logged, logged
from mutations import check_mutations
from rules import GTIN

from api.bundles import answer_bundle, read_answer
from contracts.agreements.keys import agreement_key
from ledger.bundle import decode_bundle, encode_bundle
from ledger.errors import NotFoundError
from ledger.privateleaf import decode_private_leaf
from ledger.record import decode_record
from verifiers import settlement
from verifiers.product import verify as verify_product
from verifiers.settlement import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verifiers.verdict import Verdict

OTHER = "0" * 31 + "1"


@pytest.fixture(scope="module")
def deal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deal]:
    """A season: amendment, advance, force majeure, a part-rejection, two settlements, payments, and its close."""
    world = logged(tmp_path_factory.mktemp("deal"))
    deal = open_deal(world=world)
    season(deal)
    yield deal
    world.close()


def season(deal: Deal) -> None:
    """Live an agreement from draft to close."""
    deal.conclude()
    deal.act(PURCHASER, "mandate", auditor="auditor", given=True)
    deal.act("farm-1", "advance", item="種子", amount=311_117, day=deal.now)
    amended = {**deal.terms, "payment": {**deal.terms["payment"], "pay_days": 20}}
    document = deal.offer(number=1, terms=amended)
    for actor in (PURCHASER, "farm-1"):
        deal.sign(actor, document, kind="agreement-amendment")
    deal.terms = amended
    deal.grow(grams=912_347)
    deal.act("farm-1", "force-majeure", event="typhoon", area_m2=2_000, since=deal.now, site="S-1")
    deal.price(3_400)
    deal.deliver("D-1", 412_357)
    deal.grade("D-1", ("A", 309_211), ("B", 103_146))
    deal.accept("D-1", ("B", 21_013, "damage"))
    first = deal.settle("S-1", ["D-1"])
    deal.pay("P-1", "S-1", first["farm-1"])
    deal.later(3)
    deal.price(2_000)
    deal.deliver("D-2", 287_651)
    deal.grade("D-2", ("A", 287_651))
    deal.accept("D-2")
    second = deal.settle("S-2", ["D-2"], final=True)
    deal.pay("P-2", "S-2", second["farm-1"])
    deal.act(PURCHASER, "close")


def world_of(deal: Deal) -> Logged:
    """Return the world of a deal that is logged."""
    assert isinstance(deal.world, Logged)
    return deal.world


def bundle_of(deal: Deal) -> bytes:
    """Return the proof file of the deal."""
    world = world_of(deal)
    with world.serving().view() as view:
        return answer_bundle(view, world.vault, {"kind": "settlement", "agreement": deal.agreement})


def judged(deal: Deal, data: bytes) -> Verdict:
    """Return the verdict at the time of the world."""
    return verify(data, world_of(deal).policy(), deal.world.time_ms // 1000 + 5)


def test_a_season_is_proved(deal: Deal) -> None:
    """The bundle says offline what the ledger says: steps, sums, days and that the guarantee was kept."""
    data = bundle_of(deal)
    verdict = judged(deal, data)
    assert (verdict.kind, verdict.status) == ("operator", "closed"), verdict.steps[-1]
    assert [step.name for step in verdict.steps][6:] == [
        "history", "agreement", "deliveries", "settlement", "payment", "state", "particulars", "whole", "standing",
    ]  # fmt: skip
    with world_of(deal).serving().view() as view:
        answer, _ = read_answer(view, settlement.Answer, {"kind": "settlement", "agreement": AGREEMENT})
        live = answer.facts(view.time_ms)
    assert json.loads(json.dumps(verdict.facts)) == json.loads(json.dumps(live))
    assert verdict.facts["guarantee"] == {"kept": True, "left": [], "below": []}
    assert verdict.facts["quantity"]["rejected_g"] == 21_013
    assert verdict.facts["fairness"][0]["days"] >= 10
    assert [one["total"] for one in verdict.facts["settlements"]] == [
        sum(line["amount"] for line in one["lines"]) for one in verdict.facts["settlements"]
    ]
    reasons = verdict.facts["settlements"][1]["lines"][0]["because"]
    assert ["guaranteed", 3200] in reasons


KINDS_MISSED = {
    "agreement-amendment": "agreement",
    "agreement-fairness": "agreement",
    "agreement-grading": "deliveries",
    "agreement-acceptance": "deliveries",
    "agreement-settlement": "settlement",
    "agreement-payment": "payment",
    "agreement-receipt": "payment",
}


@pytest.mark.parametrize("kind", KINDS_MISSED)
def test_a_record_that_is_left_out_is_missed(deal: Deal, kind: str) -> None:
    """A bundle without one of its records fails at the step to which the record belongs."""
    opened = decode_bundle(bundle_of(deal))
    at = next(
        n for n, one in enumerate(opened.private) if decode_record(decode_private_leaf(one.leaf).statement).kind == kind
    )
    data = encode_bundle(replace(opened, private=(*opened.private[:at], *opened.private[at + 1 :])))
    verdict = judged(deal, data)
    assert verdict.kind == "fails"
    assert verdict.steps[-1].name == KINDS_MISSED[kind]


def test_a_fact_that_is_left_out_is_missed(deal: Deal) -> None:
    """An act without its fact is no whole prefix of the map any more."""
    opened = decode_bundle(bundle_of(deal))
    assert opened.private_map is not None
    prefix = opened.private_map.prefixes[0]
    for at in range(len(prefix.pairs)):
        assert prefix.blinds is not None
        shorter = replace(
            prefix,
            pairs=prefix.pairs[:at] + prefix.pairs[at + 1 :],
            blinds=prefix.blinds[:at] + prefix.blinds[at + 1 :],
        )
        data = encode_bundle(replace(opened, private_map=replace(opened.private_map, prefixes=(shorter,))))
        assert judged(deal, data).steps[-1].name == "facts"


def test_each_stage_has_its_verdict(tmp_path: Path) -> None:
    """An agreement is read from its first act on, and a dispute shows in its status."""
    world = logged(tmp_path)
    deal = open_deal(world=world)
    deal.draft()
    assert judged(deal, bundle_of(deal)).status == "drafted"
    deal.fair("farm-1")
    deal.later(10)
    document = deal.offer()
    deal.sign("farm-1", document)
    offered = judged(deal, bundle_of(deal))
    assert (offered.kind, offered.status, offered.facts["version"]) == ("operator", "offered", 0)
    deal.sign(PURCHASER, document)
    deal.act("fa", "witness", terms_hash=deal.state["terms_hash"].hex())
    deal.act("farm-1", "dispute", dispute="X-1", step="negotiation", about="分級")
    assert judged(deal, bundle_of(deal)).status == "disputed"
    world.close()


def test_an_operator_who_writes_another_sum_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that let a lower sum in, and say so in the state, do not pass: the sum is computed again."""
    world = logged(tmp_path)
    deal = open_deal(world=world)
    deal.conclude()
    deal.grow()
    deal.price(3_400)
    deal.deliver("D-1", 400_000)
    deal.grade("D-1", ("A", 400_000))
    deal.accept("D-1")
    content = deal.settlement("S-1", ["D-1"])
    content["lines"][0]["amount"] -= 100
    content["sums"][0]["amount"] -= 100
    with monkeypatch.context() as patch:
        patch.setattr("contracts.agreements.closing._expect_same", lambda *_: None)
        deal.act(PURCHASER, "settlement", **content)
    data = bundle_of_unchecked(deal, monkeypatch)
    verdict = judged(deal, data)
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "settlement")
    assert "line 1" in str(verdict.steps[-1].expected)
    world.close()


def bundle_of_unchecked(deal: Deal, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the bundle of an operator whose software looks away."""
    with monkeypatch.context() as patch:
        patch.setattr("contracts.agreements.closing._expect_same", lambda *_: None)
        return bundle_of(deal)


def test_a_market_price_that_came_later_changes_nothing(deal: Deal) -> None:
    """What is on record after a settlement is no part of what it rests on."""
    before = judged(deal, bundle_of(deal)).facts["settlements"]
    deal.later(1)
    deal.price(9_999)
    assert judged(deal, bundle_of(deal)).facts["settlements"] == before


def test_mutations(deal: Deal, tmp_path: Path) -> None:
    """Whatever is taken, changed or added, the verdict fails or says the same no more strongly."""
    data = bundle_of(deal)
    world = logged(tmp_path)
    other = open_deal(world=world)
    season(other)
    now, policy = deal.world.time_ms // 1000 + 5, world_of(deal).policy()
    others = [bundle_of(other)]
    world.close()
    check_mutations([data], others, lambda one: verify(one, policy, now), soak("mutations of agreements", 270, 3_006))


def planted_figures(deal: Deal) -> list[bytes]:
    """Return prices, weights and sums as they would stand in public: digits, and CBOR integers of four bytes."""
    state = deal.state
    numbers = {one["grams"] for one in state["deliveries"]}
    numbers |= {amount for one in state["settlements"] for _, amount in one["sums"]}
    numbers |= {row[1] for one in state["deliveries"] for row in one["rows"]} | {311_117, 21_013, 912_347}
    found: list[bytes] = []
    for number in numbers:
        found += [str(number).encode(), b"\x1a" + number.to_bytes(4, "big")]
    return found


def test_nothing_public_holds_a_figure(deal: Deal) -> None:
    """Entries, their documents, the public map, tiles, seals and pages hold no weight and no sum of the agreement."""
    world = world_of(deal)
    deal.world.submit(
        PURCHASER, "agreement-notice", {"agreement": AGREEMENT, "parties": [PURCHASER, "farm-1"], "crop": "毛豆"}
    )
    public: list[bytes] = []
    with world.serving().view() as view:
        entries = world.store.entries(0, view.size)
        public += [entry.statement for entry in entries]
        public += world.store.documents([entry.document_hash for entry in entries]).values()
        public += [value for _, value in view.public.items_with_prefix(b"", 0)]
        public.append(view.checkpoint)
    assert world.get(agreement_key(AGREEMENT)) is not None
    haystack = b"\x00".join(public)
    assert b"market-price" in haystack
    for figure in planted_figures(deal):
        assert figure not in haystack


def test_another_question_is_not_answered(deal: Deal) -> None:
    """An agreement of which nothing is recorded has no bundle."""
    with world_of(deal).serving().view() as view, pytest.raises(NotFoundError):
        answer_bundle(view, world_of(deal).vault, {"kind": "settlement", "agreement": OTHER})


def test_terms_of_every_form_have_a_verdict(tmp_path: Path) -> None:
    """A pool of two growers by grade weights is read back with each share's reason."""
    world = logged(tmp_path)
    growers = ["farm-1", "farm-2"]
    terms: dict[str, Any] = sample_terms(
        growers=growers,
        sites=[{"grower": one, "area_m2": 5_000, "place": "湖口鄉"} for one in growers],
        price={"form": "pool", "weights": {"A": 1000, "B": 900}, "guaranteed": 2_500},
        notice=[],
    )
    deal = open_deal(terms, world)
    deal.conclude()
    for grower in growers:
        deal.grow(grower, 450_000)
        deal.deliver(f"D-{grower}", 400_000, grower)
        deal.grade(f"D-{grower}", ("A", 400_000))
        deal.accept(f"D-{grower}")
    sums = deal.settle("S-1", [f"D-{one}" for one in growers], final=True, proceeds=2_500_001, costs=100_000)
    verdict = judged(deal, bundle_of(deal))
    assert verdict.kind == "operator", verdict.steps[-1]
    assert verdict.facts["settlements"][0]["total"] == sum(sums.values())
    world.close()


def test_a_shopper_sees_that_the_guarantee_was_kept(deal: Deal) -> None:
    """The product bundle proves who signed it for which season, and holds no amount; without one signature it fails."""
    world = world_of(deal)
    lot = {"gtin": GTIN, "lot": deal.lots["farm-1"]}
    content = {
        "agreement": AGREEMENT, "season": deal.terms["season"], "growers": ["farm-1"], "purchaser": PURCHASER,
        "association": "fa", "lots": [lot],
    }  # fmt: skip
    document = deal.offer(**{name: value for name, value in content.items() if name != "agreement"})
    for actor in ("farm-1", PURCHASER, "fa"):
        deal.sign(actor, document, kind="guarantee-kept")
    with world.serving().view() as view:
        data = answer_bundle(view, world.vault, {"kind": "product", **lot})
    now = deal.world.time_ms // 1000 + 5
    verdict = verify_product(data, world.policy(), now)
    assert verdict.kind == "operator", verdict.steps[-1]
    assert [one["actor"] for one in verdict.facts["guarantee"]["signed"]] == ["farm-1", PURCHASER, "fa"]
    for figure in planted_figures(deal):
        if len(figure) > 4 and figure.isdigit():
            assert figure not in json.dumps(verdict.facts["guarantee"]).encode()
    opened = decode_bundle(data)
    for one in opened.records:
        if decode_record(one.statement).kind == "guarantee-kept":
            less = encode_bundle(replace(opened, records=tuple(each for each in opened.records if each is not one)))
            assert verify_product(less, world.policy(), now).steps[-1].name == "particulars"
