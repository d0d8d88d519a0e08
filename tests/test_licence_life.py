"""What happens after a grant: suspension, revocation, sublicences, and what is made under it."""

from __future__ import annotations

from typing import Any

import pytest
from licences import Studio, open_studio, wider
from rules import GTIN, refused

from contracts.licences.keys import goods_key, production_key
from contracts.licences.life import Standing


@pytest.fixture
def studio() -> Studio:
    """A studio in which L-1 is granted for packaging in Taitung, a hundred days and ten of selling off."""
    found = open_studio()
    found.grant(found.terms("L-1", sublicensing=True))
    return found


# Suspension and revocation


def test_a_suspension_is_for_the_future(studio: Studio) -> None:
    """Goods that were made under a licence would lose it afterwards."""
    with refused("licences.future"):
        studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.today, "reason": "標示不符"})
    with refused("licences.owner"):
        studio.act("tea", "licence-suspension", **{"licence": "L-1", "from": studio.day(1), "reason": "…"})
    studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(2), "reason": "標示不符"})
    studio.produce("L-1", "P-1", 1)
    with refused("licences.suspended"):
        studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(3), "reason": "…"})
    studio.later(2)
    with refused("licences.state"):
        studio.produce("L-1", "P-2", 1)
    studio.act("panay", "licence-resumption", **{"licence": "L-1", "from": studio.day(1)})
    assert studio.standing("L-1").state == "suspended"
    studio.later(1)
    studio.produce("L-1", "P-2", 1)
    with refused("licences.state"):
        studio.produce("L-1", "P-3", 1, day=studio.day(-1))
    with refused("licences.suspended"):
        studio.act("panay", "licence-resumption", **{"licence": "L-1", "from": studio.day(1)})
    studio.later(200)
    with refused("licences.state"):
        studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(1), "reason": "…"})


def test_a_suspension_that_never_came(studio: Studio) -> None:
    """A suspension that was called off before its day would still stand for a day."""
    studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(5), "reason": "…"})
    studio.act("panay", "licence-resumption", **{"licence": "L-1", "from": studio.day(3)})
    assert {studio.standing("L-1", studio.day(number)).state for number in range(20)} == {"active"}


def test_a_revocation_is_for_the_future(studio: Studio) -> None:
    """An artist would make a maker's past sales unlawful."""
    with refused("licences.future"):
        studio.revoke("L-1", "panay", last=-1)
    with refused("licences.owner"):
        studio.revoke("L-1", "cloth")
    with refused("licences.licensee"):
        studio.revoke("L-1", "panay", reason="surrender")
    with refused("licences.ended"):
        studio.revoke("L-1", "panay", last=100)
    studio.revoke("L-1", "panay", last=5)
    assert studio.standing("L-1") == Standing("active", studio.day(5), studio.day(5))
    assert studio.standing("L-1", studio.day(6)).state == "revoked"
    studio.revoke("L-1", "panay", last=2)
    assert studio.standing("L-1", studio.day(3)).state == "revoked"
    with refused("licences.ended"):
        studio.revoke("L-1", "panay", last=4)


def test_selling_off(studio: Studio) -> None:
    """Boxes that were printed in time would be waste, or boxes printed later would be sold as if they were."""
    studio.produce("L-1", "P-1", 10)
    studio.revoke("L-1", "tea", last=1, reason="surrender")
    studio.later(2)
    assert studio.standing("L-1").state == "selling-off"
    with refused("licences.state"):
        studio.produce("L-1", "P-2", 1)
    with refused("licences.state"):
        studio.produce("L-1", "P-2", 1, day=studio.day(-1))
    lot(studio)
    attach(studio, quantity=4)
    studio.later(10)
    assert studio.standing("L-1").state == "revoked"
    with refused("licences.state"):
        attach(studio, quantity=4)


def test_what_both_agree_on_is_signed_by_both(studio: Studio) -> None:
    """One side would say that the other had agreed to the end."""
    body = {"licence": "L-1", "last": studio.day(3), "reason": "agreed"}
    with refused("licences.agreed"):
        studio.act("panay", "licence-revocation", **body)
    with refused("licences.agreed"):
        studio.act("panay", "licence-revocation", **{**body, "reason": "breach"}, signers=["panay", "tea"])
    with refused("licences.signers"):
        studio.act("panay", "licence-revocation", **body, signers=["panay", "cloth"])
    both = {**body, "signers": ["panay", "tea"]}
    offer = studio.world.submission(
        "panay", "licence-revocation", both, expires_at_s=studio.world.time_ms // 1000 + 3600
    )
    studio.world.enter(offer)
    assert studio.state("L-1")["life"]["ended"] is None
    studio.world.submit("tea", "licence-revocation", both, document=offer.document.data)
    assert studio.standing("L-1", studio.day(13)).state == "selling-off"


def test_an_agent_agrees_for_its_owner(studio: Studio) -> None:
    """An artist who leaves everything to an agent would have to sign the end itself, or the agent of another would."""
    studio.mandate("M-1", "panay", "panay", "agent")
    body = {"licence": "L-1", "last": studio.day(3), "reason": "agreed", "signers": ["agent", "tea"]}
    with refused("licences.signers"):
        studio.act("agent", "licence-revocation", **body)
    studio.mandate("M-2", "hana", "amis", "agent")
    with refused("licences.mandate-other"):
        studio.act("agent", "licence-revocation", **body, mandate="M-2")
    body["mandate"] = "M-1"
    exp = {"expires_at_s": studio.world.time_ms // 1000 + 3600}
    offer = studio.world.submission("tea", "licence-revocation", body, **exp)
    studio.world.enter(offer)
    studio.world.submit("agent", "licence-revocation", body, document=offer.document.data)
    assert studio.standing("L-1").last == studio.day(3)


def test_an_agent_ends_what_it_may(studio: Studio) -> None:
    """An agent for toys would end a licence for packaging."""
    studio.later(1)
    studio.mandate("M-1", "panay", "panay", "agent", works=["W-1"])
    body = {"licence": "L-1", "last": studio.day(3), "reason": "breach"}
    with refused("licences.owner"):
        studio.act("agent", "licence-revocation", **body)
    with refused("licences.mandate-other"):
        studio.act("broker", "licence-revocation", **body, mandate="M-1")
    studio.mandate("M-2", "panay", "panay", "agent", scope={"fields": ["toys"]})
    with refused("licences.mandate-scope"):
        studio.act("agent", "licence-revocation", **body, mandate="M-2")
    studio.act("agent", "licence-suspension", **{"licence": "L-1", "from": studio.day(1), "reason": "…"}, mandate="M-1")
    studio.act("agent", "licence-revocation", **body, mandate="M-1")
    assert studio.standing("L-1").last == studio.day(3)


# Sublicences


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, {"territories": ("TW",)}),
        ({}, {"fields": ("packaging", "toys")}),
        ({}, {"products": ("any",)}),
        ({}, {"last": None}),
        ({"sell_off_days": 200}, {}),
        ({"media": ("paper", "wood")}, {}),
        ({"actions": ("derive", "reproduce")}, {}),
        ({"exclusive": True}, {}),
        ({"samples": False}, {}),
        ({"attribution": ()}, {}),
        ({"quantity": None}, {}),
        ({"quantity": 101}, {}),
    ],
)
def test_no_sublicence_beyond_its_parent(more: dict[str, Any], words: dict[str, Any]) -> None:
    """A licensee would sell what it never got."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", sublicensing=True, quantity=100, samples=True))
    fine = {"quantity": 60, "samples": True}
    with refused("licences.beyond-parent"):
        studio.grant(wider(studio.sublicence("L-2", "L-1", "tea", "cloth", **{**fine, **more}), **words))
    studio.grant(studio.sublicence("L-2", "L-1", "tea", "cloth", **fine))
    assert studio.state("L-1")["given"] == 60
    with refused("licences.beyond-parent"):
        studio.grant(studio.sublicence("L-3", "L-1", "tea", "press", quantity=41, samples=True))


def test_who_may_sublicense(studio: Studio) -> None:
    """A licensee without the right would multiply a licence (Copyright Act, Art. 37 III)."""
    studio.grant(studio.terms("L-9", scope=studio.scope(fields=("toys",))))
    toys = studio.scope(fields=("toys",))
    with refused("licences.sublicensing"):
        studio.grant(studio.sublicence("L-2", "L-9", "tea", "cloth", scope=toys))
    with refused("licences.assigners"):
        studio.grant(studio.sublicence("L-2", "L-1", "panay", "cloth"))
    with refused("licences.licence-unknown"):
        studio.grant(studio.sublicence("L-2", "L-0", "tea", "cloth"))
    name, by = "L-1", "tea"
    for number, to in enumerate(("cloth", "press", "cloth", "press")):
        studio.grant(studio.sublicence(f"S-{number}", name, by, to, sublicensing=True))
        name, by = f"S-{number}", to
    with refused("licences.depth"):
        studio.grant(studio.sublicence("S-9", name, by, "tea"))


def test_a_sublicence_ends_with_its_parent(studio: Studio) -> None:
    """A sublicensee would go on under a licence that is no more."""
    studio.grant(studio.sublicence("L-2", "L-1", "tea", "cloth", sublicensing=True))
    studio.grant(studio.sublicence("L-3", "L-2", "cloth", "press"))
    studio.act("panay", "licence-suspension", **{"licence": "L-1", "from": studio.day(1), "reason": "…"})
    studio.later(1)
    assert studio.standing("L-3").state == "suspended"
    with refused("licences.state"):
        studio.produce("L-3", "P-1", 1)
    with refused("licences.state"):
        studio.grant(studio.sublicence("L-4", "L-1", "tea", "press"))
    studio.act("panay", "licence-resumption", **{"licence": "L-1", "from": studio.day(1)})
    studio.later(1)
    studio.produce("L-3", "P-1", 1)
    with refused("licences.owner"):
        studio.revoke("L-3", "panay")
    studio.revoke("L-2", "tea", last=3)
    assert studio.standing("L-3", studio.day(3)).state == "active"
    assert studio.standing("L-3", studio.day(4)).state == "revoked"


def test_an_exclusive_sublicence_bars_its_grantor() -> None:
    """A licensee would compete with the one to whom it gave its only right."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", sublicensing=True, exclusive=True))
    shops = studio.scope(channels=("shop",))
    studio.grant(studio.sublicence("L-2", "L-1", "tea", "cloth", exclusive=True, scope=shops))
    with refused("licences.overlap") as caught:
        studio.produce("L-1", "P-1", 1)
    assert "overlaps licence L-2 in TW-TTT" in str(caught.value.got)
    studio.produce("L-1", "P-1", 1, scope={"channels": ["online"]})
    with refused("licences.overlap"):
        studio.grant(studio.sublicence("L-3", "L-1", "tea", "press"))


# What is made


def test_a_production_within_its_licence(studio: Studio) -> None:
    """What is not named is not licensed."""
    for more, rule in (
        ({"scope": {"territories": ["TW"]}}, "licences.scope"),
        ({"scope": {"fields": ["toys"]}}, "licences.scope"),
        ({"scope": {"products": ["25"]}}, "licences.scope"),
        ({"media": ["wood"]}, "licences.scope"),
        ({"day": studio.day(1)}, "licences.day"),
        ({"day": studio.day(-1)}, "licences.state"),
    ):
        with refused(rule):
            studio.produce("L-1", "P-1", 1, **more)
    with refused("rules.number"):
        studio.produce("L-1", "P-1", 1.0)  # type: ignore[arg-type]
    studio.produce("L-1", "P-1", 7, scope={"territories": ["10014010"]})
    with refused("licences.production-known"):
        studio.produce("L-1", "P-1", 7)
    with refused("licences.licensee"):
        studio.act("panay", "licence-sample", licence="L-1", sample="S-1", image="0" * 64)
    assert studio.world.get(production_key("L-1", "P-1"))["quantity"] == 7


def test_pieces_are_used_up() -> None:
    """A licence for a hundred boxes would make a thousand."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", sublicensing=True, quantity=100))
    studio.grant(studio.sublicence("L-2", "L-1", "tea", "cloth", quantity=30))
    studio.produce("L-1", "P-1", 60)
    with refused("licences.quantity"):
        studio.produce("L-1", "P-2", 11)
    studio.produce("L-1", "P-2", 10)
    studio.produce("L-2", "P-1", 30)
    with refused("licences.quantity"):
        studio.produce("L-2", "P-2", 1)


def test_samples_come_first() -> None:
    """A pattern would be printed upside down ten thousand times before the elders see it."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", samples=True))
    with refused("licences.sample"):
        studio.produce("L-1", "P-1", 1)
    sample = {"licence": "L-1", "sample": "S-1"}
    with refused("licences.sample"):
        studio.act("panay", "licence-sample-answer", **sample, approved=True)
    studio.act("tea", "licence-sample", **sample, image="a" * 64)
    with refused("licences.sample"):
        studio.act("tea", "licence-sample", **sample, image="b" * 64)
    with refused("licences.sample"):
        studio.produce("L-1", "P-1", 1, sample="S-1")
    with refused("licences.owner"):
        studio.act("tea", "licence-sample-answer", **sample, approved=True)
    studio.act("panay", "licence-sample-answer", **sample, approved=False)
    with refused("licences.sample"):
        studio.produce("L-1", "P-1", 1, sample="S-1")
    studio.act("tea", "licence-sample", licence="L-1", sample="S-2", image="b" * 64)
    studio.act("panay", "licence-sample-answer", licence="L-1", sample="S-2", approved=True)
    studio.produce("L-1", "P-1", 1, sample="S-2")
    assert [one[1] for one in studio.state("L-1")["checked"].values()] == ["refused", "approved"]


def test_what_a_licence_lets_one_do() -> None:
    """A licence to show a pattern would print it, and one to print would sell."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", actions=("display", "distribute")))
    with refused("licences.scope"):
        studio.produce("L-1", "P-1", 1)
    studio.grant(studio.terms("L-2", actions=("reproduce",)))
    studio.produce("L-2", "P-1", 5)
    lot(studio)
    with refused("licences.scope"):
        attach(studio, licence="L-2")


def test_samples_of_a_sublicence_go_to_who_asked_for_samples() -> None:
    """A licensee would approve for the elders what they wanted to see themselves."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", "W-2", samples=True, sublicensing=True))
    sub = studio.sublicence("L-2", "L-1", "tea", "cloth", work="W-2", samples=True)
    studio.grant(sub, "tea", "cloth")
    studio.act("cloth", "licence-sample", licence="L-2", sample="S-1", image="a" * 64)
    with refused("licences.owner"):
        studio.act("tea", "licence-sample-answer", licence="L-2", sample="S-1", approved=True)
    studio.act("rima", "licence-sample-answer", licence="L-2", sample="S-1", approved=True)
    studio.produce("L-2", "P-1", 1, sample="S-1")


def lot(studio: Studio, owner: str = "farm-1", **more: Any) -> None:
    """Register the lot L1; the tea maker may record on it."""
    studio.act(owner, "lot", gtin=GTIN, lot="L1", **{"may_record": ["tea"], **more})


def attach(studio: Studio, **more: Any) -> None:
    """Let the licensee say that the lot L1 carries the licence."""
    body = {"licence": "L-1", "production": "P-1", "gtin": GTIN, "lot": "L1", "product": "30", "quantity": 5, **more}
    studio.act("tea", "licence-goods", **body)


def test_goods_carry_a_licence(studio: Studio) -> None:
    """A box would show a pattern without anyone being able to tell whose it is, and whether it may."""
    studio.produce("L-1", "P-1", 10)
    with refused("licences.lot-unknown"):
        attach(studio)
    lot(studio)
    attach(studio)
    for more, rule in (
        ({"production": "P-9"}, "licences.production-unknown"),
        ({"product": "25"}, "licences.scope"),
        ({"quantity": 6}, "licences.quantity"),
        ({"gtin": "04712345678901"}, "produce.gtin"),
    ):
        with refused(rule):
            attach(studio, **more)
    carried = studio.world.get(goods_key(GTIN, "L1"))
    assert [(one["licence"], one["work"], one["quantity"]) for one in carried["carries"]] == [("L-1", "W-1", 5)]
    assert studio.world.get(goods_key(GTIN, "L1", 1))["kind"] == "licence-goods"
    studio.act("farm-1", "recall", gtin=GTIN, lot="L1", reason="…")
    with refused("licences.recalled"):
        attach(studio)


def test_a_lot_carries_so_many(studio: Studio) -> None:
    """A fact that grows with every mark is written again by every mark."""
    studio.produce("L-1", "P-1", 100)
    lot(studio)
    for _ in range(16):
        attach(studio, quantity=1)
    with refused("licences.carried"):
        attach(studio, quantity=1)


def test_goods_of_others_carry_nothing(studio: Studio) -> None:
    """A maker would mark a rival's goods."""
    studio.produce("L-1", "P-1", 10)
    lot(studio, may_record=[])
    with refused("licences.lot-owner"):
        attach(studio)


def test_serials_are_as_many_as_the_goods(studio: Studio) -> None:
    """A printer would run on with numbers that nobody counts."""
    studio.produce("L-1", "P-1", 100)
    lot(studio)
    for first, last in (("001", "006"), ("1", "05"), ("005", "001")):
        with refused("licences.serials"):
            attach(studio, serials={"first": first, "last": last})
    attach(studio, serials={"first": "001", "last": "005"})
    with refused("licences.serials"):
        attach(studio, serials={"first": "005", "last": "009"})
    attach(studio, serials={"first": "006", "last": "010"})
