"""The product verdict: what holds, what does not, and by which step."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from farms import GTIN, Farms, close_farms, open_farms

from api.bundles import answer_bundle
from ledger.fold import Fold
from ledger.fsck import fsck
from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verifiers.verdict import Verdict


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with one season on lot L1."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


def bundle(farms: Farms, lot: str = "L1") -> bytes:
    """Return the bundle of a lot as of a fresh seal."""
    with farms.serving().view() as view:
        return answer_bundle(view, farms.vault, {"kind": "product", "gtin": GTIN, "lot": lot})


def check(farms: Farms, data: bytes, **more: Any) -> Verdict:
    """Verify under the operator's policy, now."""
    return verify(data, farms.policy(**more), int(time.time()))


def test_a_season_holds_by_the_operators_word(farms: Farms) -> None:
    """The whole way: signed records in, one file out, the verdict from it and a policy alone."""
    data = bundle(farms)
    verdict = check(farms, data)
    assert (verdict.kind, verdict.status) == ("operator", "active"), verdict.steps[-1]
    lot = verdict.facts["lot"]
    assert lot["amounts"] == {"g": [1_200_000, 400_000, 1_000_000]}
    assert [act["step"] for act in lot["history"]] == ["declared", "sow", "harvest", "pack", "shipping", "inspection"]
    assert verdict.facts["product"]["name"]["zh-TW"] == "毛豆"
    assert [one["number"] for one in verdict.facts["certificates"]] == ["C-1"]
    assert {one["name"]: one["value"] for one in verdict.disclosures} == {
        "farmer_name": "王小明",
        "land_sec_no": "萬丹段 123",
        "memo": "與鄰居一起播種",
    }
    assert [step.number for step in verdict.steps] == list(range(1, 11))


def test_old_bundle_holds_as_of_its_time(farms: Farms) -> None:
    """A verdict does not stay fresh by itself."""
    data = bundle(farms)
    verdict = verify(data, farms.policy(), int(time.time()) + 90_000)
    assert verdict.kind == "as-of"


def test_seal_from_the_future_fails(farms: Farms) -> None:
    """A log whose clock ran ahead does not pass for fresh."""
    verdict = verify(bundle(farms), farms.policy(), int(time.time()) - 3600)
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "standing")


def test_recall_and_recalled_parent(farms: Farms) -> None:
    """A recall shows on the lot and on what came of it; leaving the parent out fails."""
    farms.submit("farm-1", "event", farms.transformation([("L1", 100)], [("M1", 90)]))
    assert check(farms, bundle(farms, "M1")).status == "active"
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L1", "reason": "農藥超標"})
    assert check(farms, bundle(farms)).status == "recalled"
    data = bundle(farms, "M1")
    verdict = check(farms, data)
    assert (verdict.kind, verdict.status) == ("operator", "recalled")
    members = json.loads(data)
    parent = [one for one in members["public_map"]["prefixes"] if len(one["pairs"]) == 9]
    assert len(parent) == 1
    members["public_map"]["prefixes"].remove(parent[0])
    verdict = check(farms, _dump(members))
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "history")


def test_l1_does_not_cover_l10_nor_a_lot_named_recall(farms: Farms) -> None:
    """Keys are hashed identifiers: neither a longer name nor a path in a name is taken for another lot."""
    farms.submit("farm-1", "event", farms.event("L10", "harvest", 50))
    farms.submit("farm-1", "event", farms.event("A/recall", "harvest", 60))
    farms.submit("farm-1", "recall", {"gtin": GTIN, "lot": "A/recall", "reason": "標示錯誤"})
    assert check(farms, bundle(farms, "L1")).facts["lot"]["acts"] == 6
    assert check(farms, bundle(farms, "L10")).status == "active"
    assert check(farms, bundle(farms, "A/recall")).status == "recalled"


def test_correction_takes_the_amount_back(farms: Farms) -> None:
    """An error declaration undoes what it names, and both stay in the history."""
    wrong = farms.event("L1", "shipping", 700)
    farms.submit("farm-1", "event", wrong)
    declared = {**wrong, "errorDeclaration": {"declarationTime": wrong["eventTime"], "reason": "incorrect_data"}}
    farms.submit("farm-1", "event", declared)
    verdict = check(farms, bundle(farms))
    assert verdict.kind == "operator", verdict.steps[-1]
    assert verdict.facts["lot"]["amounts"]["g"][1] == 400_000
    assert verdict.facts["lot"]["history"][-1]["corrects"] == 7


def test_erased_and_withheld(farms: Farms) -> None:
    """A field that is gone with an erasure record is erased; without one it is withheld; the proof holds either way."""
    before = check(farms, bundle(farms))
    record = next(one["record"] for one in before.disclosures if one["name"] == "memo")
    document = json.loads(farms.store.documents([farms.store.entry(record).document_hash]).popitem()[1])
    digest = document["hidden"]["memo"]
    farms.submit("farm-1", "erasure", {"digest": digest, "authority": "個資法第 11 條", "reason": "當事人要求"})
    farms.vault.erase(digest)
    farms.store.forget_disclosure(digest)
    farms.vault.erase(next(iter(_digests(farms, "farmer_name"))))
    after = check(farms, bundle(farms))
    states = {one["name"]: one["state"] for one in after.disclosures}
    assert (after.kind, states) == (
        "operator",
        {"farmer_name": "withheld", "land_sec_no": "shown", "memo": "erased"},
    )
    assert [one["reason"] for one in after.facts["erased"]] == ["當事人要求"]
    fsck(farms.store, Fold(farms.log.fold.rulebooks, farms.log.keys.replay, farms.log.origin))


def _digests(farms: Farms, name: str) -> set[str]:
    with farms.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT digest FROM disclosures WHERE name = ?", (name,))
        return {row[0] for row in rows}


def _dump(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
