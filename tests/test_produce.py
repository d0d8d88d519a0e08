"""Produce by the real rules: lots, amounts, recalls, corrections, certificates; each refusal by its name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conftest import soak
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import (
    DAY_MS,
    GTIN,
    HOUR_MS,
    OTHER_GTIN,
    START_MS,
    World,
    element,
    moment,
    open_world,
    refused,
)

from contracts.effects import AMOUNT_MAX
from contracts.eventhash import event_hash
from contracts.gs1 import lot_uri
from contracts.keys import certificate_key, event_key, product_key, site_key
from contracts.lots import PARENTS_MAX, LotAct, fold, new_lot
from contracts.produce import lot_acts, lot_subject, undone
from contracts.rulebook import KINDS, kind_of
from ledger.errors import RefusedError

CERTIFICATE = {"number": "C-1", "scheme": "產銷履歷", "holder": "farm-1", "valid_from": "2026-01-01",
               "valid_until": "2027-12-31"}  # fmt: skip
PRODUCT = {"gtin": OTHER_GTIN, "name": {"zh-TW": "茶"}, "crop": "茶"}


@pytest.fixture
def world() -> World:
    """A world with farmers, a packer, a lab, a site and a product of farm-1."""
    return open_world()


def lot_body(lot: str = "L1", **more: Any) -> dict[str, Any]:
    """Return the body of a lot, a recall or an inspection on one."""
    return {"gtin": GTIN, "lot": lot, **more}


def inspection(lot: str = "L1", result: str = "passed") -> dict[str, Any]:
    """Return the body of an inspection."""
    return lot_body(lot, test="農藥殘留", result=result, sampled="2026-09-01")


# --- products and sites


def test_product_and_site_belong_to_who_registered_them_first(world: World) -> None:
    """Else anybody could rename a neighbour's product or field."""
    with refused("produce.product-owner"):
        world.submit("farm-2", "product", {**PRODUCT, "gtin": GTIN})
    world.submit("farm-1", "product", {**PRODUCT, "gtin": GTIN, "crop": "大豆"})
    assert world.get(product_key(GTIN))["crop"] == "大豆"
    site = {"site": "S-1", "name": {"zh-TW": "西田"}, "county": "屏東縣", "township": "萬丹鄉"}
    with refused("produce.site-owner"):
        world.submit("farm-2", "site", site)
    world.submit("farm-1", "site", site)
    assert world.get(site_key("S-1"))["name"] == {"zh-TW": "西田"}


def test_wrong_check_digit_and_wrong_lot_name(world: World) -> None:
    """A GTIN or lot that no scanner reads must not get a history."""
    with refused("produce.gtin"):
        world.submit("farm-1", "product", {**PRODUCT, "gtin": "04712345678901"}, subject="x")
    with refused("produce.lot"):
        world.submit("farm-1", "lot", lot_body("茶"), subject="x")


# --- lots


def test_lot_has_site_certificates_and_who_may_record(world: World) -> None:
    """What a lot declares is what its page shows."""
    world.submit("lab", "certificate", CERTIFICATE)
    body = lot_body(site="S-1", certificates=["C-1"], may_record=["packer"])
    index = world.submit("farm-1", "lot", body)
    state = world.lot("L1")
    assert (state["owner"], state["site"], state["certificates"]) == ("farm-1", "S-1", ["C-1"])
    assert (state["may_record"], state["declared"], state["acts"]) == (["packer"], True, 1)
    assert world.lot("L1", 1)["record"] == index
    with refused("produce.lot-known"):
        world.submit("farm-1", "lot", body)


def test_lot_names_only_its_own_site_and_certificates(world: World) -> None:
    """Fake certification is what shoppers fear most: a lot cannot borrow a neighbour's field or certificate."""
    world.submit("lab", "certificate", {**CERTIFICATE, "holder": "farm-2"})
    world.submit("farm-2", "product", PRODUCT)
    for name, value, rule in (
        ("site", "S-9", "produce.site-unknown"),
        ("certificates", ["C-9"], "produce.certificate-unknown"),
        ("certificates", ["C-1"], "produce.lot-certificate"),
    ):
        with refused(rule):
            world.submit("farm-1", "lot", lot_body(**{name: value}))
    with refused("produce.lot-site"):
        world.submit("farm-2", "lot", {"gtin": OTHER_GTIN, "lot": "L1", "site": "S-1"})


def test_group_certificate_of_the_association(world: World) -> None:
    """A certificate or site of the association is its members' too."""
    world.submit("lab", "certificate", {**CERTIFICATE, "holder": "fa"})
    site = {"site": "S-2", "name": {"zh-TW": "合作田"}, "county": "屏東縣", "township": "萬丹鄉"}
    world.submit("fa", "site", site)
    world.submit("farm-1", "lot", lot_body(site="S-2", certificates=["C-1"]))
    assert world.lot("L1")["certificates"] == ["C-1"]


def test_lot_is_opened_by_its_first_event_and_may_be_declared_later(world: World) -> None:
    """Records come in any order; what was recorded before the declaration stays."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    assert not world.lot("L1")["declared"]
    world.submit("farm-1", "lot", lot_body(site="S-1"))
    state = world.lot("L1")
    assert (state["declared"], state["acts"], state["amounts"]) == (True, 2, {"g": [10_000, 0, 0]})


def test_product_of_another_is_used_by_members_and_those_it_names(world: World) -> None:
    """Else anybody could open lots under a known farm's GTIN."""
    with refused("produce.product-owner"):
        world.submit("farm-2", "event", world.event("L1", "harvest", 10))
    world.submit("fa", "product", PRODUCT)
    world.submit("farm-2", "event", world.event("L1", "harvest", 10, gtin=OTHER_GTIN))
    assert world.lot("L1", gtin=OTHER_GTIN)["owner"] == "farm-2"
    world.submit("farm-1", "product", {**PRODUCT, "gtin": GTIN, "may_use": ["packer"]})
    world.submit("packer", "event", world.event("L2", "harvest", 10))
    assert world.lot("L2")["owner"] == "packer"


def test_strangers_record_about_somebodys_lot(world: World) -> None:
    """Only the owner, who it names and those above it write a lot's history."""
    world.submit("farm-1", "lot", lot_body(may_record=["packer"]))
    for stranger in ("farm-2", "lab"):
        with refused("produce.lot-owner"):
            world.submit(stranger, "event", world.event("L1", "sow"))
        two = [element("M1", 1, gtin=OTHER_GTIN), element("L1", 1)]
        with refused("produce.lot-owner"):
            world.submit(stranger, "event", world.event("X", "sow", quantityList=two))
    for actor in ("farm-1", "packer", "fa", "county"):
        world.submit(actor, "event", world.event("L1", "water"))
    assert [world.lot("L1", number)["for"] for number in range(2, 6)] == ["farm-1", "packer", "fa", "county"]


def test_l1_beside_l10_and_a_lot_named_like_a_path(world: World) -> None:
    """Keys are hashed identifiers: a longer name, or a slash in one, is another lot."""
    for lot, kg in (("L1", 1), ("L10", 10), ("A", 2), ("A/recall", 20)):
        world.submit("farm-1", "event", world.event(lot, "harvest", kg))
    world.submit("lab", "recall", lot_body("A/recall", reason="標示錯誤"))
    assert [world.lot(lot)["amounts"]["g"][0] for lot in ("L1", "L10", "A", "A/recall")] == [1000, 10_000, 2000, 20_000]
    assert (world.lot("A")["recalled"], world.lot("A/recall")["acts"]) == (None, 2)
    assert lot_subject(GTIN, "A/recall") == f"/01/{GTIN}/10/A%2Frecall"


def test_header_that_names_another_lot(world: World) -> None:
    """A record found under a lot's name must be about that lot."""
    with refused("rules.subject"):
        world.submit("farm-1", "event", world.event("L1", "sow"), subject=lot_subject(GTIN, "L10"))
    with refused("rules.subject"):
        world.submit("farm-1", "lot", lot_body("A/recall"), subject=f"/01/{GTIN}/10/A/recall")


# --- events


def test_event_is_epcis(world: World) -> None:
    """What is not EPCIS, or a whole document of it, is refused with the path of the fault."""
    huge = {"quantityList": [element("L1", "1e999999999")]}
    for change in (huge, {"action": "SEE"}, {"bizStep": "stealing"}, {"quantityList": 5}, {"colour": "red"}):
        with refused("produce.epcis"):
            world.submit("farm-1", "event", world.event("L1", "sow", **change), subject="x")
    document = {"type": "EPCISDocument", "eventTime": moment(START_MS)}
    with refused("produce.epcis"):
        world.submit("farm-1", "event", document, subject="x")


def test_subject_is_the_first_lot_that_comes_of_it_else_the_first_else_the_hash(world: World) -> None:
    """The header's subject follows from the document alone, so that two clients name one thing alike."""
    subject = kind_of("event").subject
    assert subject(world.transformation([("L1", 1)], [("M1", 1), ("M2", 1)])) == lot_subject(GTIN, "M1")
    assert subject(world.event("L1", "shipping", 1)) == lot_subject(GTIN, "L1")
    crate = world.event("L1", "shipping", epcList=["urn:epc:id:sscc:4712345.1234567890"], quantityList=None)
    assert subject(crate) == event_hash(crate, crate)
    assert subject(crate).startswith("ni:///sha-256;")
    world.submit("farm-2", "event", crate)


def test_lots_are_found_in_every_list(world: World) -> None:
    """A lot that an event names anywhere gets the event into its history."""
    world.submit("farm-1", "event", world.event("E", "packing", epcList=[lot_uri(GTIN, "E") + "/21/7"]))
    aggregation: dict[str, Any] = {
        "type": "AggregationEvent", "quantityList": None, "parentID": lot_uri(GTIN, "P") + "/21/1",
        "childEPCs": [lot_uri(GTIN, "C") + "/21/2"], "childQuantityList": [element("Q", 3)],
    }  # fmt: skip
    world.submit("farm-1", "event", world.event("X", "packing", **aggregation))
    # The same lot as GTIN 4712345678900 written as an EPC class (lgtin): company prefix, indicator with item, lot.
    urn = [{"epcClass": "urn:epc:class:lgtin:4712345.067890.U", "quantity": 2, "uom": "KGM"}]
    world.submit("farm-1", "event", world.event("X", "harvest", quantityList=urn))
    assert [world.lot(lot)["acts"] for lot in ("E", "P", "C", "Q", "U")] == [1] * 5
    assert world.lot("U")["amounts"] == {"g": [2000, 0, 0]}
    assert world.lot("Q")["amounts"] == {}
    assert world.lot("X") is None


def test_event_of_the_future_and_gap_to_registration(world: World) -> None:
    """What is entered late shows as entered late; what has not happened yet is refused."""
    limit_ms = world.time_ms + DAY_MS
    with refused("produce.future"):
        world.submit("farm-1", "event", world.event("L1", "sow", eventTime=moment(limit_ms + 1)))
    world.submit("farm-1", "event", world.event("L1", "sow", eventTime=moment(limit_ms)))
    world.submit("farm-1", "event", world.event("L1", "water", eventTime=moment(START_MS - 90 * DAY_MS)))
    act = world.lot("L1", 2)
    assert act["registered_ms"] - act["time_ms"] == 90 * DAY_MS
    with refused("produce.event-time"):
        world.submit("farm-1", "event", world.event("L1", "sow", eventTime="0000-01-01T00:00:00+00:00"))


def test_event_id_is_used_once(world: World) -> None:
    """The same event sent twice must not count twice, with an id or without."""
    event = world.event("L1", "harvest", 10)
    world.submit("farm-1", "event", event)
    with refused("produce.event-known"):
        world.submit("farm-1", "event", event)
    nameless = world.event("L1", "harvest", 10, eventID=None)
    index = world.submit("farm-1", "event", nameless)
    assert world.get(event_key(event_hash(nameless, nameless)))["record"] == index
    with refused("produce.event-known"):
        world.submit("farm-1", "event", nameless)
    assert world.lot("L1")["amounts"] == {"g": [20_000, 0, 0]}


def test_lots_of_one_event_are_bounded(world: World) -> None:
    """One record must not write thousands of histories."""
    many = [element(f"L{number}", 1) for number in range(65)]
    with refused("produce.lots-max"):
        world.submit("farm-1", "event", world.event("X", "harvest", quantityList=many), subject="x")
    world.submit("farm-1", "event", world.event("X", "harvest", quantityList=many[:64]))


# --- amounts


@pytest.mark.parametrize(
    ("quantity", "uom", "expected"),
    [
        (1.2, "KGM", {"g": [1200, 0, 0]}), (0.1, "TNE", {"g": [100_000, 0, 0]}), (7, "GRM", {"g": [7, 0, 0]}),
        (5000, "MGM", {"g": [5, 0, 0]}), (2.5, "LTR", {"LTR/1000": [2500, 0, 0]}),
        (3, None, {"each/1000": [3000, 0, 0]}), (0, "KGM", {}), (1.1, "KGM", {"g": [1100, 0, 0]}),
    ],
)  # fmt: skip
def test_amounts_are_exact(world: World, quantity: float, uom: str | None, expected: Any) -> None:
    """1.1 kg is 1,100 g: amounts are read as decimals, never as binary fractions."""
    one = {"epcClass": lot_uri(GTIN, "L1"), "quantity": quantity} | ({} if uom is None else {"uom": uom})
    world.submit("farm-1", "event", world.event("L1", "harvest", quantityList=[one]))
    assert world.lot("L1")["amounts"] == expected


@pytest.mark.parametrize(("quantity", "uom"), [(0.0005, "KGM"), (1, "MGM"), (0.0001, "LTR"), (1e300, "KGM")])
def test_amounts_that_cannot_be_counted(world: World, quantity: float, uom: str) -> None:
    """Half a gram is refused, not rounded."""
    with refused("produce.amount"):
        world.submit("farm-1", "event", world.event("L1", "harvest", quantityList=[element("L1", quantity, uom=uom)]),
                     subject=lot_subject(GTIN, "L1"))  # fmt: skip


def test_sums_stay_within_what_a_fact_holds(world: World) -> None:
    """A sum beyond 64 bits has no encoding: it would fail the whole batch, not this record."""
    most = [element("L1", AMOUNT_MAX, uom="GRM")]
    with refused("produce.amount"):
        world.submit("farm-1", "event", world.event("L1", "harvest", quantityList=most * 2))
    world.submit("farm-1", "event", world.event("L1", "harvest", quantityList=most))
    with refused("produce.amount"):
        world.submit("farm-1", "event", world.event("L1", "harvest", 1))


def test_lot_ships_no_more_than_went_in(world: World) -> None:
    """The refusal shows the sum in full."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 1200))
    world.submit("farm-1", "event", world.event("L1", "shipping", 1150))
    with refused("produce.mass-balance") as error:
        world.submit("farm-1", "event", world.event("L1", "shipping", 80))
    assert error.value.expected == "at most 50 kg (1,200 kg in, 1,150 kg out already)"
    assert error.value.got == "80 kg"
    world.submit("farm-1", "event", world.event("L1", "shipping", 50))


@pytest.mark.parametrize(
    ("step", "more", "expected"),
    [
        ("harvest", {}, [5000, 0, 0]), ("commissioning", {"action": "ADD"}, [5000, 0, 0]),
        ("shipping", {}, [0, 5000, 0]),
        ("destroying", {}, [0, 5000, 0]), ("decommissioning", {"action": "DELETE"}, [0, 5000, 0]),
        ("other", {"action": "DELETE", "bizStep": None}, [0, 5000, 0]), ("pack", {}, [0, 0, 5000]),
        ("packing", {}, [0, 0, 5000]), ("inspecting", {}, None), ("water", {}, None),
        ("shipping", {"disposition": "returned"}, [0, 5000, 0]),
    ],
)  # fmt: skip
def test_which_step_moves_what(world: World, step: str, more: dict[str, Any], expected: list[int] | None) -> None:
    """In, out and packed are told apart by business step and action."""
    world.submit("farm-1", "event", world.event("L1", step, 5, **more))
    assert world.lot("L1")["amounts"].get("g") == expected


def test_lot_without_shown_inputs(world: World) -> None:
    """Goods may leave a lot whose inputs were never recorded; it says so, and a later input has to cover them."""
    world.submit("farm-1", "event", world.event("L1", "shipping", 400))
    state = world.lot("L1")
    assert (state["amounts"], state["known_in"]) == ({"g": [0, 400_000, 0]}, [])
    with refused("produce.mass-balance") as error:
        world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    assert (error.value.expected, error.value.got) == ("at least 400 kg in", "10 kg in")
    world.submit("farm-1", "event", world.event("L1", "harvest", 400))
    with refused("produce.mass-balance"):
        world.submit("farm-1", "event", world.event("L1", "shipping", 0.001))


def test_transformation_moves_goods_and_sets_parents(world: World) -> None:
    """What came of what is kept on both sides."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 100))
    world.submit("farm-1", "event", world.event("L2", "harvest", 50))
    index = world.submit("farm-1", "event", world.transformation([("L1", 60), ("L2", 50)], [("M1", 40), ("M2", None)]))
    assert world.lot("L1")["amounts"] == {"g": [100_000, 60_000, 0]}
    assert world.lot("M1")["amounts"] == {"g": [40_000, 0, 0]}
    assert world.lot("M1")["parents"] == world.lot("M2")["parents"] == [[GTIN, "L1"], [GTIN, "L2"]]
    assert {world.lot(lot, number)["record"] for lot, number in (("L1", 2), ("L2", 2), ("M1", 1), ("M2", 1))} == {index}
    with refused("produce.mass-balance"):
        world.submit("farm-1", "event", world.transformation([("L1", 41)], [("M3", 41)]))
    assert world.lot("M3") is None


def test_transformation_into_itself_is_no_parent(world: World) -> None:
    """A lot that is packed anew under its own name does not become its own ancestor."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 100))
    world.submit("farm-1", "event", world.transformation([("L1", 60)], [("L1", 55)]))
    state = world.lot("L1")
    assert (state["parents"], state["amounts"]) == ([], {"g": [155_000, 60_000, 0]})


def test_transformation_in_two_events_is_refused(world: World) -> None:
    """Outputs alone would be a lot with a clean history whatever it came of."""
    split = {"transformationID": "urn:epc:id:gdti:4012345.55555.1234"}
    world.submit("farm-1", "event", world.transformation([("L1", 60)], [], **split))
    with refused("produce.transformation-split"):
        world.submit(
            "farm-1", "event", world.transformation([], [("M1", 60)], **split), subject=lot_subject(GTIN, "M1")
        )


def test_parents_are_bounded(world: World) -> None:
    """A verdict walks all of them, on a phone."""

    def into(first: int, last: int) -> dict[str, Any]:
        return world.transformation([(f"P{number}", 1) for number in range(first, last)], [("M1", 1)])

    world.submit("farm-1", "event", into(0, 63))
    world.submit("farm-1", "event", into(63, PARENTS_MAX))
    with refused("produce.parents-max"):
        world.submit("farm-1", "event", into(PARENTS_MAX, PARENTS_MAX + 1))


# --- corrections


def test_correction_restores_the_sum(world: World) -> None:
    """An error declaration takes back what its event moved, once, and both stay in the history."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 1200))
    wrong = world.event("L1", "shipping", 1200)
    world.submit("farm-1", "event", wrong)
    with refused("produce.mass-balance"):
        world.submit("farm-1", "event", world.event("L1", "shipping", 1))
    index = world.submit("farm-1", "event", world.error(wrong))
    assert world.lot("L1")["amounts"] == {"g": [1_200_000, 0, 0]}
    assert (world.lot("L1")["acts"], world.lot("L1", 3)["corrects"], world.lot("L1", 3)["record"]) == (3, 2, index)
    with refused("produce.event-corrected"):
        world.submit("farm-1", "event", world.error(wrong))
    with refused("produce.event-known"):
        world.submit("farm-1", "event", wrong)


def test_event_without_id_is_corrected_by_its_hash(world: World) -> None:
    """EPCIS events need no id: the declaration repeats the event, and its hash is the same."""
    wrong = world.event("L1", "harvest", 70, eventID=None)
    world.submit("farm-1", "event", wrong)
    world.submit("farm-1", "event", world.error(wrong))
    assert (world.lot("L1")["amounts"], world.lot("L1", 2)["corrects"]) == ({}, 1)


def test_correction_is_by_who_registered_the_event(world: World) -> None:
    """Else a neighbour could take a harvest back."""
    event = world.event("L1", "harvest", 70)
    world.submit("farm-1", "event", event)
    for other in ("farm-2", "fa"):
        with refused("produce.event-owner"):
            world.submit(other, "event", world.error(event))


def test_correction_cannot_take_back_what_left(world: World) -> None:
    """A harvest that was shipped is corrected by recording the right one first."""
    event = world.event("L1", "harvest", 1200)
    world.submit("farm-1", "event", event)
    world.submit("farm-1", "event", world.event("L1", "shipping", 400))
    with refused("produce.mass-balance") as error:
        world.submit("farm-1", "event", world.error(event))
    assert (error.value.expected, error.value.got) == ("at least 400 kg in", "0 kg in")
    world.submit("farm-1", "event", world.event("L1", "harvest", 1100))
    world.submit("farm-1", "event", world.error(event))
    assert world.lot("L1")["amounts"] == {"g": [1_100_000, 400_000, 0]}


def test_correction_of_a_transformation_keeps_the_parents(world: World) -> None:
    """A lot that was made of a recalled one must not become clean by calling that an error."""
    event = world.transformation([("L1", 60)], [("M1", 60)])
    world.submit("farm-1", "event", event)
    world.submit("farm-1", "event", world.error(event))
    assert (world.lot("L1")["amounts"], world.lot("M1")["amounts"]) == ({}, {})
    assert world.lot("M1")["parents"] == [[GTIN, "L1"]]


def test_correction_before_the_event_closes_its_id(world: World) -> None:
    """An event that was declared wrong before it came does not count when it comes."""
    event = world.event("L1", "harvest", 70)
    world.submit("farm-1", "event", world.error(event))
    with refused("produce.event-known"):
        world.submit("farm-1", "event", event)
    assert world.lot("L1") is None


# --- inspections, recalls, certificates


def test_inspection_is_an_inspectors(world: World) -> None:
    """A farm does not find its own produce safe, and nobody inspects a lot that is on no ledger."""
    with refused("produce.lot-unknown"):
        world.submit("lab", "inspection", inspection())
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    for other in ("farm-1", "fa", "county", "operator"):
        with refused("produce.inspector"):
            world.submit(other, "inspection", inspection())
    index = world.submit("lab", "inspection", inspection(result="failed"))
    assert (world.lot("L1", 2)["record"], world.lot("L1", 2)["kind"]) == (index, "inspection")


@pytest.mark.parametrize("by", ["farm-1", "fa", "county", "operator", "lab"])
def test_recall(world: World, by: str) -> None:
    """The owner, those above it and inspectors recall; once."""
    with refused("produce.lot-unknown"):
        world.submit(by, "recall", lot_body(reason="農藥超標"))
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    with refused("produce.recall"):
        world.submit("farm-2", "recall", lot_body(reason="農藥超標"))
    index = world.submit(by, "recall", lot_body(reason="農藥超標"))
    assert world.lot("L1")["recalled"] == index
    with refused("produce.recall-state"):
        world.submit(by, "recall", lot_body(reason="農藥超標"))


def test_recall_is_lifted_by_an_authority_only(world: World) -> None:
    """Whose goods they are does not say that they are safe again."""
    world.submit("farm-1", "event", world.event("L1", "harvest", 10))
    with refused("produce.recall-state"):
        world.submit("lab", "recall-lift", lot_body(reason="複驗合格"))
    world.submit("lab", "recall", lot_body(reason="農藥超標"))
    for other in ("farm-1", "farm-2", "fa"):
        with refused("produce.recall"):
            world.submit(other, "recall-lift", lot_body(reason="複驗合格"))
    world.submit("county", "recall-lift", lot_body(reason="複驗合格"))
    assert world.lot("L1")["recalled"] is None
    assert [world.lot("L1", number)["kind"] for number in (2, 3)] == ["recall", "recall-lift"]


def test_goods_of_a_recalled_lot_stay(world: World) -> None:
    """They are not shipped, loaded, sold or made into something, with an amount or without; only sent back or ended."""
    for lot in ("L1", "L2"):
        world.submit("farm-1", "event", world.event(lot, "harvest", 100))
    shipped = world.event("L1", "shipping", 5)
    world.submit("farm-1", "event", shipped)
    world.submit("lab", "recall", lot_body(reason="農藥超標"))
    children: dict[str, Any] = {
        "type": "AggregationEvent", "quantityList": None, "parentID": "urn:epc:id:sscc:4712345.1234567890",
        "childQuantityList": [element("L1", 1)],
    }  # fmt: skip
    for event in (
        world.event("L1", "shipping", 1),
        world.event("L1", "shipping"),
        world.event("L1", "departing", 1),
        world.event("L1", "retail_selling"),
        world.event("L1", "shipping", 1, disposition="in_transit"),
        world.event("L1", "https://ref.gs1.org/cbv/BizStep-shipping", 1),
        world.event("L1", "urn:epcglobal:cbv:bizstep:shipping", 1),
        world.event("L1", "shipping", **children),
        world.transformation([("L1", 1)], [("M1", 1)]),
        world.transformation([("L2", 1), ("L1", None)], [("M1", 1)]),
    ):
        with refused("produce.recalled"):
            world.submit("farm-1", "event", event)
    for disposition in ("returned", "recalled", "urn:epcglobal:cbv:disp:returned"):
        world.submit("farm-1", "event", world.event("L1", "shipping", 5, disposition=disposition))
    world.submit("farm-1", "event", world.event("L1", "destroying", 50))
    world.submit("farm-1", "event", world.error(shipped))
    assert world.lot("L1")["amounts"] == {"g": [100_000, 65_000, 0]}
    world.submit("lab", "recall-lift", lot_body(reason="複驗合格"))
    world.submit("farm-1", "event", world.event("L1", "shipping", 35))


def test_certificate(world: World) -> None:
    """Certificates are an inspector's, begin before they end, and stay in the history of their number."""
    for other in ("farm-1", "fa", "county"):
        with refused("certificates.role"):
            world.submit(other, "certificate", CERTIFICATE)
    with refused("certificates.dates"):
        world.submit("lab", "certificate", {**CERTIFICATE, "valid_until": "2025-12-31"})
    with refused("rules.schema"):
        world.submit("lab", "certificate", {**CERTIFICATE, "valid_until": "2026-02-30"})
    index = world.submit("lab", "certificate", CERTIFICATE)
    with refused("certificates.known"):
        world.submit("lab", "certificate", CERTIFICATE)
    assert world.get(certificate_key("C-1"))["state"] == "valid"
    assert world.get(certificate_key("C-1", 1))["record"] == index


def test_certificate_status(world: World) -> None:
    """It is changed by who issued it; a withdrawn one does not come back."""
    body = {"number": "C-1", "status": "suspended", "reason": "x"}
    with refused("certificates.unknown"):
        world.submit("lab", "certificate-status", body)
    world.submit("lab", "certificate", CERTIFICATE)
    world.register("county", "lab-2", "inspector")
    with refused("certificates.issuer"):
        world.submit("lab-2", "certificate-status", body)
    with refused("certificates.state"):
        world.submit("lab", "certificate-status", {**body, "status": "valid"})
    for status in ("suspended", "valid", "withdrawn"):
        world.submit("lab", "certificate-status", {**body, "status": status})
    with refused("certificates.state"):
        world.submit("lab", "certificate-status", {**body, "status": "valid"})
    states = [world.get(certificate_key("C-1", number))["state"] for number in range(1, 5)]
    assert states == ["valid", "suspended", "valid", "withdrawn"]


# --- properties


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["1e999999999", lot_uri(GTIN, "L1"), "ObjectEvent", "TransformationEvent", GTIN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["epcClass", "quantity", "uom", "eventTime", "type", "gtin", "lot", "x"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
MEMBERS = sorted({name for kind in KINDS.values() for name in kind.schema.get("properties", {})} | {
    "type", "action", "bizStep", "eventID", "parentID", "epcList", "quantityList", "childQuantityList",
    "inputQuantityList", "outputQuantityList", "errorDeclaration", "@context", "ilmd", "eventTimeZoneOffset",
})  # fmt: skip
WORLD = open_world()


@settings(max_examples=soak("bodies of any kind", 300, 20_000))
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=5), st.booleans())
def test_no_body_breaks_the_rules(kind: str, members: dict[str, Any], event: bool) -> None:  # noqa: FBT001
    """Any other exception than a refusal would fail the records that stand in the same batch."""
    body = {**WORLD.event("L1", "harvest", 1), **members} if event else members
    submission = WORLD.submission("farm-1", kind, body, subject="x")
    for _ in WORLD.fold.rulebooks[1].reads(submission):
        pass
    with pytest.raises(RefusedError):
        WORLD.enter(submission)


LOTS = ("L1", "L2", "L3")
KILOGRAMS = st.integers(0, 40).map(lambda n: n / 4)
ACTS = st.lists(
    st.tuples(st.sampled_from(["harvest", "shipping", "destroying", "pack"]), st.sampled_from(LOTS), KILOGRAMS)
    | st.tuples(st.just("transform"), st.sampled_from(LOTS), st.sampled_from(LOTS), KILOGRAMS, KILOGRAMS)
    | st.tuples(st.just("correct"), st.integers(0, 30)),
    max_size=30,
)  # fmt: skip

Moves = dict[str, tuple[Decimal, Decimal]]


class Model:
    """The mass balance told slowly: all events that stand, summed anew each time, in kilograms."""

    def __init__(self) -> None:
        self.standing: dict[int, Moves] = {}
        self.ever_in: set[str] = set()

    def allows(self, standing: dict[int, Moves], touched: Moves, ever_in: set[str]) -> bool:
        """Say whether no lot that is touched, and whose inputs are shown, gave more than it got."""
        return all(self.total(standing, lot, 1) <= self.total(standing, lot, 0) for lot in touched if lot in ever_in)

    def total(self, standing: dict[int, Moves], lot: str, side: int) -> Decimal:
        """Return what went into a lot (0) or out of it (1)."""
        return sum((moves[lot][side] for moves in standing.values() if lot in moves), Decimal(0))

    def record(self, number: int, moves: Moves) -> bool:
        """Let an event in or not."""
        standing = {**self.standing, number: moves}
        ever_in = self.ever_in | {lot for lot, (into, _) in moves.items() if into}
        if not self.allows(standing, moves, ever_in):
            return False
        self.standing, self.ever_in = standing, ever_in
        return True

    def correct(self, number: int) -> bool:
        """Take an event back or not."""
        if number not in self.standing:
            return False
        standing = {one: moves for one, moves in self.standing.items() if one != number}
        if not self.allows(standing, self.standing[number], self.ever_in):
            return False
        self.standing = standing
        return True


def moves_of(act: tuple[Any, ...]) -> Moves:
    """Return what an act moves, kilograms in and out by lot."""
    none = Decimal(0)
    if act[0] == "transform":
        _, source, target, taken, made = act
        moves = {target: (Decimal(made), none)}
        into, out = moves.get(source, (none, none))
        return {**moves, source: (into, out + Decimal(taken))}
    step, lot, kg = act
    amounts = {"harvest": (Decimal(kg), none), "pack": (none, none)}
    return {lot: amounts.get(step, (none, Decimal(kg)))}


@settings(max_examples=soak("seasons against the slow mass balance", 60, 3000))
@given(ACTS)
def test_mass_balance_against_a_slow_model(acts: list[tuple[Any, ...]]) -> None:
    """The running sums of the rules are those of adding up everything that stands; and the history alone gives them."""
    world, model, events, bodies = open_world(), Model(), list[dict[str, Any]](), dict[int, dict[str, Any]]()
    for act in acts:
        known = None
        if act[0] == "correct":
            if not events:
                continue
            number = act[1] % len(events)
            body, allowed = world.error(events[number]), model.correct(number)
            known = world.get(event_key(events[number]["eventID"]))
            if known is None:
                continue  # The event was refused; declaring it wrong would close its id, which is tested above.
        else:
            body = (
                world.transformation([(act[1], act[3])], [(act[2], act[4])])
                if act[0] == "transform"
                else world.event(act[1], act[0], act[2])
            )
            events.append(body)
            allowed = model.record(len(events) - 1, moves_of(act))
        world.time_ms += HOUR_MS
        if allowed:
            bodies[world.submit("farm-1", "event", body)] = body
        else:
            with refused("produce.event-corrected" if known and known["corrected"] else "produce.mass-balance"):
                world.submit("farm-1", "event", body)
    for lot in LOTS:
        check_history(world, model, lot, bodies)


def check_history(world: World, model: Model, lot: str, bodies: dict[int, dict[str, Any]]) -> None:
    """Check a lot's state against the model, and against its own records folded again as a verifier does."""
    state = world.lot(lot)
    if state is None:
        return
    grams = [int(model.total(model.standing, lot, side) * 1000) for side in (0, 1)]
    assert state["amounts"].get("g", [0, 0, 0])[:2] == grams
    assert (state["known_in"] == ["g"]) == (lot in model.ever_in)
    again = new_lot(GTIN, lot, "farm-1")
    for number in range(1, state["acts"] + 1):
        entry = world.lot(lot, number)
        again = fold(again, refolded(world, lot, entry, bodies[entry["record"]]))
    assert again == state


def refolded(world: World, lot: str, entry: dict[str, Any], body: dict[str, Any]) -> LotAct:
    """Return an act from its record's document, or for a correction from the act that it takes back."""
    if entry["corrects"] is not None:
        return undone(world.lot(lot, entry["corrects"]))
    return lot_acts("event", body, entry["record"])[(GTIN, lot)]
