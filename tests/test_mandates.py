"""Mandates by the real rules: who may act for whom, how far, and until when."""

from __future__ import annotations

import pytest
from licences import Studio, open_studio, wider, work_body
from rules import refused

from contracts.licences.keys import mandate_key


@pytest.fixture
def studio() -> Studio:
    """A studio in which nothing is granted yet."""
    return open_studio()


def test_an_agent_stays_within_its_mandate(studio: Studio) -> None:
    """An agent would grant what its principal never let it."""
    scope = {"territories": ["TW"], "fields": ["packaging"], "last": studio.day(200)}
    studio.mandate("M-1", "panay", "panay", "agent", works=["W-1"], scope=scope, exclusive=False, sublicensing=False)
    fine = studio.terms("L-1")
    for bad, rule in (
        (wider(fine, territories=("JP",)), "licences.mandate-scope"),
        (wider(fine, fields=("packaging", "toys")), "licences.mandate-scope"),
        (wider(fine, last=studio.day(201)), "licences.mandate-scope"),
        (wider(fine, last=None), "licences.mandate-scope"),
        (studio.terms("L-1", exclusive=True), "licences.mandate-power"),
        (studio.terms("L-1", sublicensing=True), "licences.mandate-power"),
    ):
        with refused(rule):
            studio.grant(bad, "agent", "tea", mandates=("M-1",))
    with refused("licences.signers"):
        studio.grant(fine, "agent", "tea")
    with refused("licences.signers"):
        studio.grant(fine, "broker", "tea", mandates=("M-1",))
    with refused("licences.mandate-unknown"):
        studio.grant(fine, "agent", "tea", mandates=("M-9",))
    studio.grant(fine, "agent", "tea", mandates=("M-1",))
    assert studio.state("L-1")["mandates"] == ["M-1"]
    assert studio.state("L-1")["grantors"] == ["panay"]


def test_a_mandate_of_other_works_or_another_owner(studio: Studio) -> None:
    """A mandate for one work would open all, or one of the artist's would open the people's."""
    studio.act("panay", "work", **work_body("W-3"), creators=["panay"], copyright={"year": 2026})
    studio.mandate("M-1", "panay", "panay", "agent", works=["W-3"])
    with refused("licences.mandate-scope"):
        studio.grant(studio.terms("L-1"), "agent", "tea", mandates=("M-1",))
    with refused("licences.mandate-other"):
        studio.grant(studio.terms("L-1", "W-2"), "agent", "tea", mandates=("M-1",))


def test_mandates_under_one_another(studio: Studio) -> None:
    """Who passes a mandate on would pass on more than it has."""
    studio.mandate("M-1", "panay", "panay", "agent", scope={"territories": ["TW"]}, exclusive=False)
    studio.mandate("M-2", "agent", "panay", "broker", under="M-1", scope={"territories": ["TW-TTT"]}, exclusive=False,
                   delegation=False)  # fmt: skip
    for by, more, rule in (
        ("agent", {"under": "M-1"}, "licences.mandate-scope"),
        ("agent", {"under": "M-1", "scope": {"territories": ["TW-TTT"]}}, "licences.mandate-power"),
        ("broker", {"under": "M-2", "scope": {"territories": ["TW-TTT"]}, "exclusive": False},
         "licences.mandate-power"),
        ("cloth", {"under": "M-1", "scope": {"territories": ["TW-TTT"]}, "exclusive": False}, "licences.mandate-other"),
    ):  # fmt: skip
        with refused(rule):
            studio.mandate("M-3", by, "panay", "cloth", **more)
    studio.grant(studio.terms("L-1"), "broker", "tea", mandates=("M-2",))
    studio.act("panay", "mandate-revocation", mandate="M-1", reason="換人")
    with refused("licences.mandate-ended"):
        studio.grant(studio.terms("L-2"), "broker", "tea", mandates=("M-2",))
    with refused("licences.mandate-ended"):
        studio.act("agent", "mandate-revocation", mandate="M-1", reason="再一次")
    assert studio.standing("L-1").state == "active", "a mandate is revoked for the future"


def test_mandates_of_all_works_do_not_follow_from_some(studio: Studio) -> None:
    """An agent for one work would pass on a mandate for everything."""
    studio.mandate("M-1", "panay", "panay", "agent", works=["W-1"])
    with refused("licences.mandate-scope"):
        studio.mandate("M-2", "agent", "panay", "broker", under="M-1")
    studio.mandate("M-2", "agent", "panay", "broker", under="M-1", works=["W-1"])


def test_a_mandate_hangs_so_deep(studio: Studio) -> None:
    """A rule that follows mandates up would never come to an end."""
    studio.mandate("M-0", "panay", "panay", "agent")
    for number in range(1, 5):
        studio.mandate(f"M-{number}", "agent", "panay", "agent", under=f"M-{number - 1}")
    with refused("licences.depth"):
        studio.mandate("M-5", "agent", "panay", "agent", under="M-4")


def test_a_mandate_has_days(studio: Studio) -> None:
    """An agent would go on granting after its time."""
    studio.mandate("M-1", "panay", "panay", "agent", scope={"first": studio.day(2), "last": studio.day(300)})
    with refused("licences.mandate-ended"):
        studio.grant(studio.terms("L-1"), "agent", "tea", mandates=("M-1",))
    studio.later(2)
    studio.grant(studio.terms("L-1"), "agent", "tea", mandates=("M-1",))
    studio.later(299)
    with refused("licences.mandate-ended"):
        studio.grant(studio.terms("L-2", scope=studio.scope(0, 0)), "agent", "tea", mandates=("M-1",))


def test_who_revokes_a_mandate(studio: Studio) -> None:
    """A stranger would take an agent's mandate away."""
    studio.mandate("M-1", "hana", "amis", "agent")
    with refused("licences.owner"):
        studio.act("panay", "mandate-revocation", mandate="M-1", reason="…")
    studio.act("rima", "mandate-revocation", mandate="M-1", reason="改選後收回")
    assert studio.world.get(mandate_key("M-1"))["ended"] == studio.today
    with refused("licences.mandate-known"):
        studio.mandate("M-1", "hana", "amis", "agent")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ({"territories": ["ZZ"]}, "licences.territory"),
        ({"territories": ["TW", "JP", "KR", "VN", "TH"], "fields": ["packaging", "textiles", "stationery", "toys",
          "publishing", "tableware", "furnishing", "jewellery", "souvenirs", "advertising", "interiors", "games",
          "exhibition"]}, "licences.cells"),
        ({"last": "2020-01-01"}, "licences.days"),
    ],
)  # fmt: skip
def test_scopes_are_of_known_words(studio: Studio, words: dict[str, object], rule: str) -> None:
    """A territory that nobody publishes means something else to each reader."""
    with refused(rule):
        studio.mandate("M-1", "panay", "panay", "agent", scope=words)
