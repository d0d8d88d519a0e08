"""The verdict on a licence: from one file, the right behind it judged again, its state on any day as known on any."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from licences import ATTRIBUTION, Studio
from mutations import check_mutations, dump
from studio import licence_bundle, now_s, open_logged, world_of

from contracts.calendar import day_of
from contracts.licences import conflicts, granting
from contracts.licences.life import STATES
from ledger.document import decode_document
from ledger.record import decode_record
from verifiers import lineage
from verifiers.licence import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verifiers.verdict import Verdict


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio over a real log."""
    found = open_logged(tmp_path)
    yield found
    world_of(found).close()


def check(studio: Studio, data: bytes) -> Verdict:
    """Verify under the operator's policy, by the world's clock."""
    return verify(data, world_of(studio).policy(), now_s(studio))


def asked(data: bytes, **days: str) -> bytes:
    """Return the same file asked about other days: what it proves is good for any."""
    members = json.loads(data)
    members["question"].update(days)
    return dump(members)


def people_licence(studio: Studio, licence: str = "L-2", **more: Any) -> None:
    """Grant an exclusive licence to the people's work: by an agent under an elder's mandate, and both elders."""
    studio.mandate("M-1", "hana", "amis", "agent", works=["W-2"])
    studio.mandate("M-2", "agent", "amis", "broker", works=["W-2"], under="M-1")
    terms = studio.terms(licence, work="W-2", exclusive=True, sublicensing=True, **more)
    studio.grant(terms, "broker", "hana", "rima", "tea", mandates=("M-2",))


def test_a_licence_holds(studio: Studio) -> None:
    """The whole way: signed records in, one file out, the verdict from it and a policy alone."""
    studio.grant(studio.terms("L-1", exclusive=True))
    verdict = check(studio, licence_bundle(studio, "L-1"))
    assert (verdict.kind, verdict.status) == ("operator", "active"), verdict.steps[-1]
    assert [one.number for one in verdict.steps] == list(range(1, 15))
    assert [one.name for one in verdict.steps[6:12]] == [
        "history", "right", "state", "conflicts", "day", "particulars",
    ]  # fmt: skip
    facts = verdict.facts
    assert facts["work"]["owners"] == ["panay"]
    assert facts["terms"]["exclusive"]
    assert [one["actor"] for one in facts["signed"]] == ["panay", "tea"]
    assert facts["standing"] == {
        "day": studio.today, "known": studio.today, "state": "active", "last": studio.day(100),
        "sale_last": studio.day(110),
    }  # fmt: skip
    assert facts["revoked"] is None
    assert facts["actors"]["tea"]["role"] == "maker"


def test_the_chain_of_mandates_is_whole(studio: Studio) -> None:
    """A people's right is shown down to the elder who gave it, and the council's filing with it."""
    people_licence(studio)
    unfiled = check(studio, licence_bundle(studio, "L-2"))
    assert (unfiled.kind, unfiled.status) == ("operator", "unfiled"), unfiled.steps[-1]
    studio.act("council", "licence-filing", licence="L-2", number="原民授字第 7 號")
    studio.later(1)
    verdict = check(studio, licence_bundle(studio, "L-2"))
    assert (verdict.kind, verdict.status) == ("operator", "active"), verdict.steps[-1]
    assert {(one["mandate"], one["holder"], one["under"]) for one in verdict.facts["mandates"]} == {
        ("R-0", "hana", None), ("R-1", "rima", None), ("M-1", "agent", None), ("M-2", "broker", "M-1"),
    }  # fmt: skip
    # What was given before stands when the mandate ends, and the verdict still knows by which right it was given.
    studio.act("hana", "mandate-revocation", mandate="M-1", reason="期滿不續")
    studio.act("amis", "mandate-revocation", mandate="R-1", reason="改選")
    after = check(studio, licence_bundle(studio, "L-2"))
    assert (after.kind, after.status) == ("operator", "active"), after.steps[-1]


def test_a_sublicence_ends_with_the_one_above(studio: Studio) -> None:
    """Who holds a sublicence learns that it hangs on a licence that is suspended, or gone."""
    studio.grant(studio.terms("L-1", sublicensing=True))
    studio.grant(studio.sublicence("L-3", "L-1", "tea", "cloth"), "tea", "cloth")
    assert check(studio, licence_bundle(studio, "L-3")).status == "active"
    studio.act("panay", "licence-suspension", licence="L-1", **{"from": studio.day(1)}, reason="標示不符")
    studio.later(2)
    assert check(studio, licence_bundle(studio, "L-3")).status == "suspended"
    studio.revoke("L-1", "panay")
    verdict = check(studio, licence_bundle(studio, "L-3"))
    assert (verdict.status, verdict.facts["revoked"]["licence"]) == ("revoked", "L-1")
    assert verdict.facts["above"] == [{"licence": "L-1", "licensee": "tea", "exclusive": False}]


def test_revoked_says_so_and_the_old_file_its_time(studio: Studio) -> None:
    """A certificate outlives its licence: the old file says as of when, a new one that and when it was revoked."""
    studio.grant(studio.terms("L-1"))
    old = licence_bundle(studio, "L-1")
    assert check(studio, old).kind == "operator"
    studio.later(3)
    studio.revoke("L-1", "panay")
    fresh = check(studio, licence_bundle(studio, "L-1"))
    assert (fresh.kind, fresh.status) == ("operator", "revoked"), fresh.steps[-1]
    assert fresh.facts["revoked"] == {
        "licence": "L-1", "on": studio.today, "last": studio.today, "sell_off_days": 0, "reason": "breach",
        "by": "panay",
    }  # fmt: skip
    stale = check(studio, old)
    assert (stale.kind, stale.status) == ("as-of", "active")


# Bitemporal


Told = list[tuple[str, str, dict[str, Any]]]


def told(studio: Studio) -> dict[str, Told]:
    """Return what the log's records say of each licence: day, kind and body of each, in their order."""
    world = world_of(studio)
    head = world.store.head()
    assert head is not None
    found: dict[str, Told] = {}
    for index in range(head.size):
        entry = world.store.entry(index)
        body = decode_document(world.store.documents([entry.document_hash])[entry.document_hash]).body
        record = decode_record(entry.statement)
        named = body.get("licence") or body.get("policy", {}).get("uid", "").rpartition(":")[2]
        found.setdefault(named, []).append((day_of(entry.time_ms), record.kind, {**body, "by": record.issuer}))
    return found


def slow_state(every: Told, day: str, known: str) -> str:
    """Return what a licence was on a day as known on a day: from the log's documents, term by term and day by day."""
    records = [one for one in every if one[0] <= known]
    grants = [body for _, kind, body in records if kind == "licence"]
    if not grants or {body["by"] for body in grants} != set(grants[0]["signers"]):
        return "unknown"
    policy = grants[0]["policy"]
    said = {(one["leftOperand"], one["operator"]): one["rightOperand"] for one in policy["permission"][0]["constraint"]}
    first, last = said["dateTime", "gteq"]["@value"], said["dateTime", "lteq"]["@value"]
    more = int(said["fengtu:sellOff", "lteq"]["@value"][1:-1])
    ends = [body for _, kind, body in records if kind == "licence-revocation"]
    for body in ends:
        last = body["last"]
        more = 0 if body["reason"] in {"breach", "cultural-harm"} else more
    if date.fromisoformat(day) > date.fromisoformat(last) + timedelta(days=0 if last < first else more):
        return "revoked" if ends else "ended"
    filed = [when for when, kind, _ in records if kind == "licence-filing"]
    if policy["target"].endswith("W-2") and (not filed or day < filed[0]):
        return "unfiled"
    if day < first:
        return "early"
    turns = [kind for _, kind, body in records if kind.endswith(("suspension", "resumption")) and body["from"] <= day]
    if turns and turns[-1] == "licence-suspension":
        return "suspended"
    return "active" if day <= last else "selling-off"


def test_any_day_as_known_on_any_day(studio: Studio) -> None:
    """A dispute is about what a maker could know then; the answer has to be the one that the log's records give."""
    start = date.fromisoformat(studio.today)
    studio.grant(studio.terms("L-1", scope=studio.scope(3, 60), sell_off_days=10))
    studio.grant(studio.terms("L-4", scope=studio.scope(0, 40, fields=("toys",)), sell_off_days=5))
    people_licence(studio, scope=studio.scope(2, 50), sell_off_days=7)
    studio.later(4)
    studio.act("panay", "licence-suspension", licence="L-1", **{"from": studio.day(2)}, reason="標示不符")
    studio.act("council", "licence-filing", licence="L-2", number="原民授字第 7 號")
    studio.later(5)
    studio.act("panay", "licence-resumption", licence="L-1", **{"from": studio.day(3)})
    studio.revoke("L-4", "panay", last=6)
    studio.later(9)
    studio.act("panay", "licence-suspension", licence="L-1", **{"from": studio.day(1)}, reason="標示不符")
    studio.act("tea", "licence-revocation", licence="L-1", last=studio.day(12), reason="surrender")
    studio.later(6)
    studio.revoke("L-2", "hana", last=8, reason="cultural-harm")
    studio.later(40)
    rng = random.Random(20261127)
    seen = set()
    records = told(studio)
    files = {licence: licence_bundle(studio, licence) for licence in ("L-1", "L-2", "L-4")}
    until = (date.fromisoformat(studio.today) - start).days
    for _ in range(soak("pairs of days", 150, 3_000)):
        licence = rng.choice(sorted(files))
        day, known = ((start + timedelta(days=rng.randint(-2, until + 20))).isoformat() for _ in range(2))
        verdict = check(studio, asked(files[licence], day=day, known=known))
        assert verdict.kind == "operator", verdict.steps[-1]
        expected = slow_state(records[licence], day, known)
        assert verdict.facts["standing"]["state"] == expected, (licence, day, known)
        seen.add(expected)
    assert seen == {*STATES}


@pytest.mark.parametrize("day", ["2026-13-01", "20261101", "yesterday", "2026-11-1", ""])
def test_a_day_that_is_none(studio: Studio, day: str) -> None:
    """A question about no day has no answer."""
    studio.grant(studio.terms("L-1"))
    verdict = check(studio, asked(licence_bundle(studio, "L-1"), day=day))
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "day")


# A ledger that lies


def test_a_grant_by_one_who_may_not(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator whose rules let anybody grant: the map holds the licence, the verdict does not."""
    with monkeypatch.context() as patched:
        patched.setattr(granting, "_expect_signers", lambda *_: None)
        studio.grant(studio.terms("L-1"), "lokal", "tea")
    verdict = check(studio, bundle_of_liar(studio, "L-1", patched_name="_expect_signers", patch=monkeypatch))
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "right")
    assert "panay" in str(verdict.steps[-1].expected)


def test_two_to_whom_it_was_granted_alone(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same exclusive right sold twice: both are on the shelf, and the proof of it shows the other."""
    with monkeypatch.context() as patched:
        patched.setattr(granting, "check_free", lambda *_: None)
        studio.grant(studio.terms("L-1", exclusive=True))
        studio.grant(replace(studio.terms("L-5", exclusive=True), assignee="cloth"), "panay", "cloth")
    verdict = check(studio, bundle_of_liar(studio, "L-1", patched_name="find", patch=monkeypatch))
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "conflicts")
    assert "L-5" in str(verdict.steps[-1].got)


def bundle_of_liar(studio: Studio, licence: str, *, patched_name: str, patch: pytest.MonkeyPatch) -> bytes:
    """Return the bundle as the lying operator's own node makes it: its reading is as blind as its rules."""
    with patch.context() as patched:
        if patched_name == "find":

            def blind(*args: Any, **more: Any) -> tuple[()]:
                conflicts.find(*args, **more)  # what it reads goes into the bundle; what it finds is passed over
                return ()

            patched.setattr(lineage, "find", blind)
        else:
            patched.setattr(granting, patched_name, lambda *_: None)
        return licence_bundle(studio, licence)


def test_mutations_never_say_more(studio: Studio) -> None:
    """Refused, or the same status and facts with the same or a weaker kind; every class of mutation did its work."""
    studio.grant(studio.terms("L-1", sublicensing=True, exclusive=True, attribution=ATTRIBUTION))
    studio.grant(studio.sublicence("L-3", "L-1", "tea", "cloth"), "tea", "cloth")
    people_licence(studio, scope=studio.scope(fields=("textiles",)))
    earlier = [licence_bundle(studio, "L-1")]
    studio.revoke("L-1", "panay", last=5, reason="breach")
    bundles = [
        licence_bundle(studio, "L-1"),
        licence_bundle(studio, "L-3", day=studio.day(2)),
        licence_bundle(studio, "L-2"),
    ]
    policy, now = world_of(studio).policy(), now_s(studio)
    assert [verify(one, policy, now).status for one in bundles] == ["revoked", "revoked", "unfiled"]
    count = soak("mutations of bundles of licences", 405, 3_006)
    check_mutations(bundles, earlier, lambda data: verify(data, policy, now), count)
