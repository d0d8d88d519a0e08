"""Works and grants by the real rules: whose a work is, who may grant what, and what is refused before anyone signs."""

from __future__ import annotations

import pytest
from licences import ATTRIBUTION, EVERYTHING, Studio, open_studio, wider, work_body
from rules import digest, refused

from api.problems import REFUSAL, concise, problem
from contracts.licences.conflicts import Conflict, foresee
from contracts.licences.keys import image_key, people_key, work_key
from contracts.licences.profile import encode


@pytest.fixture
def studio() -> Studio:
    """A studio in which nothing is granted yet."""
    return open_studio()


class Facts:
    """The studio's facts as an interface reads them."""

    def __init__(self, studio: Studio) -> None:
        self.get = studio.world.get

    def expect(self, keys: object) -> None:
        """All facts are here."""


# Works


def test_a_work_belongs_to_a_people_or_to_creators(studio: Studio) -> None:
    """A right that nobody has would be granted by whoever asks first."""
    assert studio.world.get(work_key("W-1"))["owners"] == ["panay"]
    assert studio.world.get(work_key("W-2"))["owners"] == ["amis"]
    body = work_body("W-3")
    with refused("licences.work"):
        studio.act("panay", "work", **body)
    with refused("licences.work"):
        studio.act("panay", "work", **body, creators=["panay"])
    with refused("licences.owner"):
        studio.act("lokal", "work", **body, creators=["panay"], copyright={"year": 2024})
    with refused("licences.people"):
        studio.act("hana", "work", **body, people="hana", registration={"number": "1", "day": "2025-06-01"})
    with refused("licences.actor"):
        studio.act("amis", "work", **body, creators=["amis"], copyright={"year": 2024})
    with refused("licences.work-known"):
        studio.act("lokal", "work", **work_body("W-1"), creators=["lokal"], copyright={"year": 2024})


def test_an_image_is_of_one_work(studio: Studio) -> None:
    """Whoever copies an image would register it as another work and grant it again."""
    again = {**work_body("W-1"), "work": "W-3"}
    with refused("licences.image-known"):
        studio.act("lokal", "work", **again, creators=["lokal"], copyright={"year": 2025})
    assert studio.world.get(image_key(again["image"])) == {"work": "W-1"}


def test_taboos_are_hidden(studio: Studio) -> None:
    """Customs that are not for everybody would stand on a public log for ever."""
    body = {**work_body("W-3"), "creators": ["panay"], "copyright": {"year": 2024}}
    studio.act("panay", "work", **body, more={"hidden": {"taboos": digest("taboo")}})
    with refused("rules.schema"):
        studio.act("panay", "work", **{**body, "work": "W-4"}, taboos="…")


def test_a_people_acts_by_its_representatives(studio: Studio) -> None:
    """A key in an office would dispose of what belongs to all."""
    body = {**work_body("W-3"), "people": "amis", "registration": {"number": "2", "day": "2025-06-01"}}
    with refused("licences.owner"):
        studio.act("amis", "work", **body)
    studio.act("rima", "work", **body)
    with refused("licences.representative"):
        studio.mandate("R-9", "hana", "amis", "lokal", **{"as": "representative"})
    with refused("licences.people"):
        studio.mandate("R-9", "panay", "panay", "lokal", **{"as": "representative"})
    scope = {**EVERYTHING, "first": studio.today}
    named = {"mandate": "R-9", "from": "amis", "to": "lokal", "as": "representative", "scope": scope}
    powers = {"exclusive": False, "sublicensing": False, "delegation": False}
    studio.act("council", "mandate", more={"entered_for": "amis"}, **named, **powers)
    assert studio.world.get(people_key("amis")) == {"representatives": ["R-0", "R-1", "R-9"], "acts": 3}
    studio.act("amis", "mandate-revocation", mandate="R-1", reason="改選")
    assert studio.world.get(people_key("amis")) == {"representatives": ["R-0", "R-9"], "acts": 4}
    with refused("licences.owner"):
        studio.act("rima", "work-labels", work="W-2", labels=["TK A"])


def test_a_representative_stays_within_its_mandate(studio: Studio) -> None:
    """An elder for one village's pattern would dispose of another's, or make an agent of one who may do more."""
    body = {**work_body("W-3"), "people": "amis", "registration": {"number": "2", "day": "2025-06-01"}}
    studio.act("hana", "work", **body)
    powers = {"exclusive": False, "delegation": True}
    studio.mandate("R-9", "amis", "amis", "lokal", works=["W-2"], scope={"territories": ["TW"]}, **powers,
                   **{"as": "representative"})  # fmt: skip
    with refused("licences.owner"):
        studio.act("lokal", "work-labels", work="W-3", labels=["TK A"])
    studio.act("lokal", "work-labels", work="W-2", labels=["TK A"])
    tokyo = studio.scope(territories=("JP",))
    with refused("licences.mandate-scope"):
        studio.act("lokal", "own-use", use="U-1", work="W-2", scope=tokyo.as_data())
    studio.grant(studio.terms("L-1", "W-2", scope=tokyo))
    with refused("licences.mandate-scope"):
        studio.revoke("L-1", "lokal")
    with refused("licences.mandate-scope"):
        studio.grant(studio.terms("L-2", "W-2", scope=tokyo), "lokal", "tea")
    for more, rule in (
        ({}, "licences.mandate-scope"),
        ({"works": ["W-2"]}, "licences.mandate-scope"),
        ({"works": ["W-2"], "scope": {"territories": ["TW"]}}, "licences.mandate-power"),
    ):
        with refused(rule):
            studio.mandate("M-1", "lokal", "amis", "agent", **more)
    studio.mandate("M-1", "lokal", "amis", "agent", works=["W-2"], scope={"territories": ["TW"]}, exclusive=False)
    # Of the people's creations only those of its mandate need its signature.
    exclusive = studio.terms("L-3", "W-3", exclusive=True)
    studio.grant(exclusive, "hana", "rima", "tea")


def test_a_transfer_leaves_licences_standing(studio: Studio) -> None:
    """A maker who paid for three years would lose them where the artist sells (Copyright Act, Art. 37)."""
    studio.grant(studio.terms("L-1", exclusive=True))
    before = studio.state("L-1")
    body = {"work": "W-1", "from": "panay", "to": "lokal", "signers": ["panay", "lokal"]}
    transfer(studio, **body)
    assert studio.world.get(work_key("W-1"))["owners"] == ["lokal"]
    assert studio.world.get(work_key("W-1"))["creators"] == ["panay"]
    assert studio.state("L-1") == before
    assert studio.standing("L-1").state == "active"
    with refused("licences.overlap"):
        studio.grant(studio.terms("L-2", assigners=("lokal",), assignee="cloth"))
    with refused("licences.owner"):
        studio.revoke("L-1", "panay")
    studio.revoke("L-1", "lokal")
    with refused("licences.assigners"):
        studio.grant(studio.terms("L-3"))


def test_who_holds_the_right_passes_it_on(studio: Studio) -> None:
    """A right would pass without those who hold a part of it, or one that cannot pass at all."""
    with refused("licences.transfer"):
        transfer(studio, work="W-2", **{"from": "amis"}, to="lokal", signers=["hana", "lokal"])
    with refused("licences.transfer"):
        transfer(studio, work="W-1", **{"from": "panay"}, to="amis", signers=["panay", "hana"])
    with refused("licences.signers"):
        transfer(studio, work="W-1", **{"from": "panay"}, to="lokal", signers=["panay", "tea"])
    studio.act("panay", "work", **work_body("W-3"), creators=["panay", "hana"], copyright={"year": 2026})
    with refused("licences.signers"):
        transfer(studio, work="W-3", **{"from": "panay"}, to="lokal", signers=["panay", "lokal"])
    transfer(studio, work="W-3", **{"from": "panay"}, to="lokal", signers=["panay", "hana", "lokal"])
    assert studio.world.get(work_key("W-3"))["owners"] == ["lokal", "hana"]


def transfer(studio: Studio, **body: object) -> None:
    """Let the signers sign a transfer."""
    exp = studio.world.time_ms // 1000 + 3600
    first, *others = body["signers"]  # type: ignore[misc]
    submission = studio.world.submission(first, "work-transfer", body, expires_at_s=exp)
    studio.world.enter(submission)
    for name in others:
        studio.world.submit(name, "work-transfer", body, document=submission.document.data, expires_at_s=exp)


# Grants


def test_offer_and_acceptance(studio: Studio) -> None:
    """A maker would be bound by an offer, or hold a licence that nobody accepted."""
    body = {"policy": encode(studio.terms("L-1")), "signers": ["panay", "tea"]}
    exp = studio.world.time_ms // 1000 + 3600
    offer = studio.world.submission("panay", "licence", body, expires_at_s=exp)
    studio.world.enter(offer)
    assert studio.state("L-1") is None
    with refused("assent.party"):
        studio.world.submit("cloth", "licence", body, document=offer.document.data)
    studio.world.submit("tea", "licence", body, document=offer.document.data)
    assert studio.state("L-1")["licensee"] == "tea"
    assert [act["kind"] for act in studio.acts("L-1")] == ["licence"]
    with refused("licences.licence-known"):
        studio.grant(studio.terms("L-1"))


def test_no_licence_from_the_past(studio: Studio) -> None:
    """What was made without a licence would get one afterwards."""
    with refused("licences.past"):
        studio.grant(studio.terms("L-1", scope=studio.scope(-1)))


def test_all_whose_right_it_is_grant(studio: Studio) -> None:
    """One of two creators would give away what belongs to both."""
    studio.act("panay", "work", **work_body("W-3"), creators=["panay", "hana"], copyright={"year": 2026})
    with refused("licences.assigners"):
        studio.grant(studio.terms("L-1", "W-3", assigners=("panay",)), "panay", "tea")
    both = studio.terms("L-1", "W-3", assigners=("panay", "hana"))
    with refused("licences.signers"):
        studio.grant(both, "panay", "tea")
    studio.grant(both, "panay", "hana", "tea")
    with refused("licences.work-unknown"):
        studio.grant(studio.terms("L-2", "W-9", assigners=("panay",)), "panay", "tea")


def test_nobody_signs_for_both_sides(studio: Studio) -> None:
    """An agent would grant its principal's work to itself (Civil Code, Art. 106)."""
    studio.mandate("M-1", "panay", "panay", "agent")
    with refused("licences.both-sides"):
        studio.grant(studio.terms("L-1", assignee="agent"), "agent", "tea", mandates=("M-1",))
    with refused("licences.signers"):
        studio.grant(studio.terms("L-1", "W-2", assignee="hana"), "hana", "tea")
    studio.grant(studio.terms("L-1", "W-2", assignee="hana"), "hana", "rima")


def test_labels_bind(studio: Studio) -> None:
    """What is sacred, or not for sale, would stand on a box of tea."""
    studio.act("hana", "work-labels", work="W-2", labels=["TK NC"])
    with refused("licences.non-commercial"):
        studio.grant(studio.terms("L-1", "W-2"))
    given = studio.terms("L-1", "W-2", scope=studio.scope(channels=("given-away",)))
    studio.grant(given)
    for label in ("TK SS", "TK CO"):
        studio.act("hana", "work-labels", work="W-2", labels=[label])
        with refused("licences.closed"):
            studio.grant(studio.terms("L-2", "W-2"))
    assert studio.standing("L-1").state == "active", "labels count for what is granted after them"


def test_the_source_is_named(studio: Studio) -> None:
    """A people's pattern would be sold without its name."""
    with refused("licences.attribution"):
        studio.grant(studio.terms("L-1", "W-2", attribution=()))
    with refused("licences.attribution"):
        studio.grant(studio.terms("L-1", "W-2", attribution=(("en", "名稱 amis"),)))
    studio.grant(studio.terms("L-1", "W-2", attribution=ATTRIBUTION))


def test_an_exclusive_licence_to_a_peoples_creation(studio: Studio) -> None:
    """One elder would give one maker what belongs to all, unknown to the council."""
    terms = studio.terms("L-1", "W-2", exclusive=True)
    with refused("licences.signers"):
        studio.grant(terms, "hana", "tea")
    studio.grant(terms, "hana", "rima", "tea")
    assert studio.standing("L-1").state == "unfiled"
    with refused("licences.state"):
        studio.produce("L-1", "P-1", 1)
    with refused("licences.overlap"):
        studio.grant(studio.terms("L-2", "W-2", assignee="cloth"), "hana", "cloth")
    with refused("licences.council"):
        studio.act("hana", "licence-filing", licence="L-1", number="7")
    studio.later(3)
    studio.act("council", "licence-filing", licence="L-1", number="原民授字第 7 號")
    assert studio.standing("L-1").state == "active"
    assert studio.standing("L-1", studio.day(-1)).state == "unfiled"
    with refused("licences.filing"):
        studio.act("council", "licence-filing", licence="L-1", number="8")


def test_a_peoples_agent_grants_with_all_elders(studio: Studio) -> None:
    """An agent's mandate would stand in for the elders' signatures."""
    studio.mandate("M-1", "hana", "amis", "agent", works=["W-2"])
    studio.grant(studio.terms("L-1", "W-2"), "agent", "tea", mandates=("M-1",))
    exclusive = studio.terms("L-2", "W-2", exclusive=True, scope=studio.scope(fields=("toys",)))
    with refused("licences.signers"):
        studio.grant(exclusive, "agent", "tea", mandates=("M-1",))
    studio.grant(exclusive, "agent", "hana", "rima", "tea", mandates=("M-1",))
    assert studio.state("L-2")["life"]["filing"]


def test_a_licensees_agent_grants_sublicences(studio: Studio) -> None:
    """A maker with an agent would sign each sublicence itself, or any agent would for any maker."""
    studio.grant(studio.terms("L-1", sublicensing=True))
    sub = studio.sublicence("L-2", "L-1", "tea", "cloth")
    studio.mandate("M-1", "panay", "panay", "agent")
    with refused("licences.mandate-other"):
        studio.grant(sub, "agent", "cloth", mandates=("M-1",))
    studio.mandate("M-2", "tea", "tea", "agent")
    studio.grant(sub, "agent", "cloth", mandates=("M-2",))
    assert studio.state("L-2")["grantors"] == ["tea"]


def test_who_has_no_device_signs_by_the_county(studio: Studio) -> None:
    """An artist without a phone could not license anything."""
    body = {"policy": encode(studio.terms("L-1")), "signers": ["panay", "tea"]}
    exp = studio.world.time_ms // 1000 + 3600
    offer = studio.world.submission("county", "licence", body, entered_for="panay", expires_at_s=exp)
    studio.world.enter(offer)
    studio.world.submit("tea", "licence", body, document=offer.document.data)
    assert studio.acts("L-1")[0]["by"] == "tea"
    assert studio.state("L-1")["signers"] == ["panay", "tea"]


# Conflicts


def test_the_refusal_says_the_overlap(studio: Studio) -> None:
    """Who is refused would have to guess what to change."""
    taken = studio.terms(
        "L-7", exclusive=True, scope=studio.scope(10, 40, territories=("TW-TTT",), fields=("textiles",))
    )
    studio.grant(taken)
    wanted = studio.terms("L-8", assignee="cloth", scope=studio.scope(0, None, territories=("TW",), fields=("any",)))
    first, last = studio.day(10), studio.day(40)
    with refused("licences.overlap") as caught:
        studio.grant(wanted)
    assert caught.value.got == f"overlaps licence L-7 in TW-TTT, textiles, class 30, {first} to {last}"
    words = {"territories": ["TW-TTT"], "fields": ["textiles"], "products": ["30"], "channels": ["any"],
             "languages": ["any"]}  # fmt: skip
    assert caught.value.data == [{"with": "L-7", "overlap": {**words, "first": first, "last": last}}]
    assert problem(caught.value)["data"] == concise(caught.value)[REFUSAL]["data"] == caught.value.data
    (seen,) = foresee(Facts(studio), wanted)
    assert isinstance(seen, Conflict)
    assert seen.as_data() == caught.value.data[0]
    free = wider(wanted, first=studio.day(41))
    assert foresee(Facts(studio), free) == ()
    studio.grant(free)


def test_an_exclusive_licence_bars_the_owner(studio: Studio) -> None:
    """An artist would compete with the maker to whom the only right was sold (Copyright Act, Art. 37 IV)."""
    scope = studio.scope().as_data()
    studio.act("panay", "own-use", use="U-1", work="W-1", scope=scope)
    with refused("licences.own-use"):
        studio.act("panay", "own-use", use="U-1", work="W-1", scope=scope)
    with refused("licences.owner"):
        studio.act("tea", "own-use", use="U-2", work="W-1", scope=scope)
    with refused("licences.overlap") as caught:
        studio.grant(studio.terms("L-1", exclusive=True))
    assert str(caught.value.got).startswith("overlaps own use U-1 in TW-TTT")
    studio.grant(studio.terms("L-2"))
    with refused("licences.own-use"):
        studio.act("panay", "own-use-end", use="U-9", last=studio.day(3))
    studio.act("panay", "own-use-end", use="U-1", last=studio.day(3))
    with refused("licences.future"):
        studio.act("panay", "own-use-end", use="U-1", last=studio.day(-1))
    studio.revoke("L-2", "panay", last=3)
    studio.grant(studio.terms("L-3", exclusive=True, scope=studio.scope(4)))
    with refused("licences.overlap") as caught:
        studio.act("panay", "own-use", use="U-3", work="W-1", scope=scope)
    assert (
        str(caught.value.got)
        == f"overlaps licence L-3 in TW-TTT, packaging, class 30, {studio.day(4)} to {studio.day(100)}"
    )


def test_selling_off_is_a_use(studio: Studio) -> None:
    """A new exclusive maker would find the old one's boxes in the shops."""
    studio.grant(studio.terms("L-1", scope=studio.scope(0, 10), sell_off_days=30))
    with refused("licences.overlap"):
        studio.grant(studio.terms("L-2", assignee="cloth", exclusive=True, scope=studio.scope(40)))
    studio.grant(studio.terms("L-2", assignee="cloth", exclusive=True, scope=studio.scope(41)))


def test_what_ended_is_free_again(studio: Studio) -> None:
    """A licence that was revoked would bar everybody until its day."""
    studio.grant(studio.terms("L-1", exclusive=True))
    other = studio.terms("L-2", assignee="cloth", exclusive=True)
    with refused("licences.overlap"):
        studio.grant(other)
    studio.revoke("L-1", "panay")
    studio.later(1)
    studio.grant(wider(other, first=studio.today))
