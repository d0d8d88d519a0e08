"""The licences that goods carry, in the verdict on the product: proved with it, and said of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from mutations import check_mutations
from rules import GTIN
from studio import licensed_goods, now_s, open_logged, product_bundle, world_of

from contracts.kind import Act
from verifiers import carried
from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from licences import Studio

    from verifiers.verdict import Verdict

SHOWN = {"licences": "shown"}
PASSED_OVER = {"licences.scope", "licences.licensee", "licences.state"}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio over a real log."""
    found = open_logged(tmp_path)
    yield found
    world_of(found).close()


def check(studio: Studio, data: bytes) -> Verdict:
    """Verify under the operator's policy, by the world's clock."""
    return verify(data, world_of(studio).policy(), now_s(studio))


def the_licence(verdict: Verdict) -> Any:
    """Return the one licence of a verdict that holds."""
    assert verdict.kind == "operator", verdict.steps[-1]
    (one,) = verdict.facts["licences"]
    return one


def test_goods_say_whose_work_they_carry(studio: Studio) -> None:
    """A buyer sees the work, its maker, and that the licence covers these goods today."""
    licensed_goods(studio)
    verdict = check(studio, product_bundle(studio, **SHOWN))
    one = the_licence(verdict)
    assert {name: one[name] for name in ("licence", "work", "quantity", "covers", "licensee", "product")} == {
        "licence": "L-1", "work": "W-1", "quantity": 300, "covers": True, "licensee": "tea", "product": "30",
    }  # fmt: skip
    assert one["title"] == {"zh-TW": "作品 W-1"}
    assert one["creators"] == ["panay"]
    assert one["attribution"] == {"zh-TW": "圖紋：名稱 amis"}
    assert one["serials"] == ["000001", "000300"]
    assert verdict.facts["actors"]["panay"]["role"] == "artist"
    assert "licences" in [step.name for step in verdict.steps]


def test_a_file_that_does_not_ask_says_nothing(studio: Studio) -> None:
    """Files of earlier days keep their meaning: the same steps, the same facts."""
    licensed_goods(studio)
    verdict = check(studio, product_bundle(studio))
    assert verdict.kind == "operator"
    assert "licences" not in verdict.facts
    assert [step.number for step in verdict.steps] == list(range(1, 11))


def test_no_licence_is_proved_too(studio: Studio) -> None:
    """Goods that carry none cannot be shown with one, and what they carry cannot be left out."""
    licensed_goods(studio)
    studio.act("farm-1", "lot", gtin=GTIN, lot="T2")
    assert check(studio, product_bundle(studio, "T2", **SHOWN)).facts["licences"] == []


def test_covers_while_goods_may_be_sold(studio: Studio) -> None:
    """After the last day goods are sold off; after that, or a breach, the page must not call them licensed."""
    licensed_goods(studio)
    studio.later(105)
    selling = the_licence(check(studio, product_bundle(studio, **SHOWN)))
    assert (selling["covers"], selling["standing"]["state"]) == (True, "selling-off")
    studio.later(10)
    over = the_licence(check(studio, product_bundle(studio, **SHOWN)))
    assert (over["covers"], over["standing"]["state"]) == (False, "ended")


def test_revoked_under_the_goods(studio: Studio) -> None:
    """Goods of a revoked licence say so from the day after its last."""
    licensed_goods(studio)
    studio.revoke("L-1", "panay", last=1)
    assert the_licence(check(studio, product_bundle(studio, **SHOWN)))["covers"]
    studio.later(2)
    one = the_licence(check(studio, product_bundle(studio, **SHOWN)))
    assert not one["covers"]
    assert one["revoked"]["reason"] == "breach"


@pytest.mark.parametrize("what", ["scope", "class", "licensee", "late"])
def test_a_ledger_that_lets_too_much_in(studio: Studio, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """An operator whose rules look away: the map says licensed, the verdict does not."""
    if what == "late":
        studio.grant(studio.terms("L-1"))
        studio.revoke("L-1", "panay")
        studio.later(3)
    more: dict[str, dict[str, Any]] = {
        "scope": {"scope": {"territories": ["JP"]}}, "class": {"product": "24"}, "licensee": {"maker": "cloth"},
    }  # fmt: skip
    with monkeypatch.context() as patched:
        judged = Act.expect

        def look_away(act: Act, holds: object, rule: str, *words: str, **shown: object) -> None:
            judged(act, holds or rule in PASSED_OVER, rule, *words, **shown)

        patched.setattr(Act, "expect", look_away)
        if what == "licensee":
            studio.grant(studio.terms("L-1"))
        licensed_goods(studio, **more.get(what, {}))
        # The liar's own node makes the file without looking.
        patched.setattr(carried, "_expect", lambda *_: None)
        for states in ("FOR_MAKING", "FOR_SELLING"):
            patched.setattr(carried, states, frozenset({"active", "revoked"}))
        data = product_bundle(studio, **SHOWN)
    verdict = check(studio, data)
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "licences"), verdict.steps[-1]


def test_mutations_never_say_more(studio: Studio) -> None:
    """Refused, or the same status and facts with the same or a weaker kind; every class of mutation did its work."""
    licensed_goods(studio)
    earlier = [product_bundle(studio, **SHOWN), product_bundle(studio)]
    studio.revoke("L-1", "panay", last=3)
    bundles = [product_bundle(studio, **SHOWN)]
    policy, now = world_of(studio).policy(), now_s(studio)
    count = soak("mutations of bundles of goods under licence", 207, 3_006)
    check_mutations(bundles, earlier, lambda data: verify(data, policy, now), count)
