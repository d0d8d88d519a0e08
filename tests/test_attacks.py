"""The design's own attacks, each with its refusal."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from farms import GTIN, Farms, close_farms, open_farms
from ledgers import KEYS
from mutations import dump
from test_mutations import REPLAYER, WITNESS, cosigned

from api.bundles import answer_bundle
from contracts.keys import lot_key
from contracts.rulebook import Rules
from ledger import receipt
from ledger.bundle import _base64
from ledger.checkpoint import Checkpoint, add_signatures, cosign_checkpoint, sign_checkpoint
from ledger.disclosure import make_disclosure
from ledger.errors import ConflictError, FormatError, ProofError, RefusedError
from ledger.genesis import encode_key
from ledger.merkle import prove_inclusion
from ledger.policy import TlogPolicy, Witness, decode_policy, encode_policy
from ledger.record import decode_record, sign_record
from ledger.signature import SigningKey
from ledger.store.tiles import StoreReader
from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.facts import Change
    from verifiers.verdict import Verdict


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with one season on lot L1."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


def bundle(farms: Farms, lot: str = "L1") -> dict[str, Any]:
    """Return the members of a bundle as of a fresh seal."""
    with farms.serving().view() as view:
        found: dict[str, Any] = json.loads(
            answer_bundle(view, farms.vault, {"kind": "product", "gtin": GTIN, "lot": lot})
        )
        return found


def check(farms: Farms, members: dict[str, Any], policy: bytes | None = None, now: int | None = None) -> Verdict:
    """Verify, by default under the operator's policy, now."""
    return verify(dump(members), policy or farms.policy(), now or int(time.time()))


def failed_at(verdict: Verdict) -> str:
    """Return the step at which a verdict failed."""
    assert verdict.kind == "fails", verdict.kind
    assert not verdict.facts
    return verdict.steps[-1].name


def witnessed(farms: Farms, quorum: str = "w1", *, replayer: bool = False) -> bytes:
    """Return a policy with a witness and, where asked, a replayer."""
    plain = decode_policy(farms.policy())
    tlog = TlogPolicy(plain.tlog.logs, (Witness("w1", WITNESS.vkey, None),), (), quorum)
    return encode_policy(type(plain)(tlog, plain.genesis, plain.max_age_s, REPLAYER.vkey if replayer else None))


def test_old_seal_under_a_fresh_checkpoint(farms: Farms) -> None:
    """An old state must not stand under a fresh checkpoint: the recall would be missing."""
    old = bundle(farms)
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L1", "reason": "x"})
    fresh = bundle(farms)
    with farms.serving().view() as view:
        for one in (old["genesis"], *old["records"], *old["seals"]):
            one["proof"] = [_base64(hash_) for hash_ in view.inclusion(one["index"])]
    old["checkpoint"] = fresh["checkpoint"]
    assert failed_at(check(farms, old)) == "seal"


def test_checkpoint_that_does_not_end_in_a_seal(farms: Farms) -> None:
    """A checkpoint between seals has no state of its own."""
    members = bundle(farms)
    farms.submit("farm-1", "event", farms.event("L1", "water"))
    head = farms.store.head()
    assert head is not None
    root = farms.store.root_at(head.size)
    members["checkpoint"] = sign_checkpoint(Checkpoint(farms.log.origin, head.size, root), KEYS.checkpoint).decode()
    farms.log.seal()
    newest = farms.store.head()
    assert newest is not None
    reader = StoreReader(farms.store, newest)
    for one in (members["genesis"], *members["records"], *members["seals"]):
        one["proof"] = [_base64(hash_) for hash_ in prove_inclusion(reader, one["index"], head.size)]
    assert failed_at(check(farms, members)) == "seal"


def test_header_names_another_lot_than_its_document(farms: Farms) -> None:
    """A record filed under one lot that speaks of another would hide in the wrong history."""
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-1", "event", farms.event("L1", "water"), subject=f"/01/{GTIN}/10/L2")
    assert caught.value.rule == "rules.subject"


def test_record_of_another_log(farms: Farms) -> None:
    """What was signed for one log is not for another."""
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-1", "event", farms.event("L1", "water"), audience="log.test/other")
    assert caught.value.rule == "log.audience"


def test_name_twice_in_a_document(farms: Farms) -> None:
    """Two readers could read two values."""
    _, document, _ = farms.record("farm-1", "event", farms.event("L1", "water"))
    twice = document.replace(b'"body":', b'"body":{},"body":', 1)
    statement = sign_record(
        farms.keys["farm-1"], kind="event", issuer="farm-1", subject="x", audience=farms.log.origin, issued_at_s=1,
        document=twice,
    )  # fmt: skip
    with pytest.raises(FormatError, match="twice"):
        farms.log.submit(statement, twice)


def test_receipt_passed_off_as_a_record(farms: Farms) -> None:
    """Both sign 32 bytes; neither reads as the other."""
    serving = farms.serving()
    found = serving.receipts([3])[3]
    with pytest.raises(FormatError):
        decode_record(found)
    with pytest.raises(FormatError):
        receipt.open_receipt(farms.store.entry(3).statement)


@pytest.mark.parametrize("status", ["revoked", "suspended"])
def test_key_used_after_it_was_taken_away(farms: Farms, status: str) -> None:
    """A key stops with the record that stops it; what it signed before stays good."""
    kid = farms.keys["farm-1"].kid.hex()
    farms.submit("fa", "key-status", {"actor": "farm-1", "kid": kid, "status": status, "reason": "手機遺失"})
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-1", "event", farms.event("L1", "water"))
    assert caught.value.rule == f"actors.key-{status}"
    assert check(farms, bundle(farms)).kind == "operator"


def test_key_of_another_actor(farms: Farms) -> None:
    """Nobody speaks in another's name."""
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-1", "event", farms.event("L1", "water"), key=farms.keys["farm-2"])
    assert caught.value.rule == "log.issuer"


def test_registering_somebody_elses_key(farms: Farms) -> None:
    """Without the key's own signature nobody can claim it."""
    other = SigningKey.generate()
    body = {
        "actor": "thief", "role": "farmer", "parent": "fa", "possession": "A" * 86,
        "key": encode_key(other.public_key),
    }  # fmt: skip
    with pytest.raises(RefusedError) as caught:
        farms.submit("fa", "actor", body)
    assert caught.value.rule == "actors.possession"


def test_strangers_act_on_a_lot(farms: Farms) -> None:
    """A lot's history is its owner's, and of those the owner names."""
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-2", "event", farms.event("L1", "water"))
    assert caught.value.rule == "produce.lot-owner"


def test_correction_by_another(farms: Farms) -> None:
    """An event is taken back by who registered it."""
    event = farms.event("L1", "shipping", 10)
    farms.submit("farm-1", "event", event)
    declared = {**event, "errorDeclaration": {"declarationTime": event["eventTime"], "reason": "incorrect_data"}}
    with pytest.raises(RefusedError) as caught:
        farms.submit("fa", "event", declared)
    assert caught.value.rule == "produce.event-owner"


def test_more_leaves_than_came_in(farms: Farms) -> None:
    """The refusal shows the sum."""
    with pytest.raises(RefusedError) as caught:
        farms.submit("farm-1", "event", farms.event("L1", "shipping", 900))
    assert caught.value.rule == "produce.mass-balance"
    assert caught.value.expected == "at most 800 kg (1,200 kg in, 400 kg out already)"
    assert caught.value.got == "900 kg"


def test_goods_of_a_recalled_lot_do_not_leave(farms: Farms) -> None:
    """Returned or destroyed, nothing else; nothing new is made of them."""
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L1", "reason": "x"})
    for event in (farms.event("L1", "shipping", 1), farms.transformation([("L1", 1)], [("M1", 1)])):
        with pytest.raises(RefusedError) as caught:
            farms.submit("farm-1", "event", event)
        assert caught.value.rule == "produce.recalled"
    farms.submit("farm-1", "event", farms.event("L1", "destroying", 100))


def test_quorum_and_replay_key(farms: Farms) -> None:
    """A quorum that is named and not met fails; a replay key that is named and missing fails; both together hold."""
    members = json.loads(cosigned(farms, "L1"))
    assert check(farms, members, witnessed(farms, replayer=True)).kind == "holds"
    assert check(farms, members, witnessed(farms)).kind == "operator"
    lines = members["checkpoint"].split("\n")
    without = {**members, "checkpoint": "\n".join(one for one in lines if WITNESS.name not in one)}
    assert failed_at(check(farms, without, witnessed(farms))) == "standing"
    without = {**members, "checkpoint": "\n".join(one for one in lines if REPLAYER.name not in one)}
    assert failed_at(check(farms, without, witnessed(farms, replayer=True))) == "standing"


def test_cosignature_over_another_checkpoint(farms: Farms) -> None:
    """A cosignature is over one checkpoint, not over the log."""
    earlier = json.loads(cosigned(farms, "L1"))
    line = next(one for one in earlier["checkpoint"].split("\n") if WITNESS.name in one)
    farms.submit("farm-1", "event", farms.event("L1", "water"))
    members = bundle(farms)
    members["checkpoint"] = add_signatures(members["checkpoint"].encode(), [line + "\n"]).decode()
    assert check(farms, members, witnessed(farms)).kind == "fails"


def test_frozen_log_cosigned_again_is_not_fresh(farms: Farms) -> None:
    """Age is by the last seal as well: a log that stopped does not stay fresh by being cosigned."""
    members = json.loads(cosigned(farms, "L1"))
    later = int(time.time()) + 200_000
    plain = "\n".join(one for one in members["checkpoint"].split("\n") if WITNESS.name not in one).encode()
    members["checkpoint"] = add_signatures(plain, [cosign_checkpoint(plain, WITNESS, later)]).decode()
    assert check(farms, members, witnessed(farms), later).kind == "as-of"


def test_clock_run_ahead_does_not_pass_for_fresh(farms: Farms) -> None:
    """A seal five minutes ahead of its quorum fails."""
    members = bundle(farms)
    plain = members["checkpoint"].encode()
    then = int(time.time()) - 400
    members["checkpoint"] = add_signatures(plain, [cosign_checkpoint(plain, WITNESS, then)]).decode()
    assert failed_at(check(farms, members, witnessed(farms))) == "standing"


def test_genesis_of_another_log(farms: Farms, tmp_path: Path) -> None:
    """The policy names the log by its genesis: the same keys over another history are another log."""
    (tmp_path / "other").mkdir()
    other = open_farms(tmp_path / "other")
    other.season()
    assert failed_at(check(farms, bundle(other))) == "policy"
    close_farms(other)


class _Forgetful(Rules):
    """Rules of a lying operator, who leaves every recall out of the state."""

    def apply(self, *arguments: Any) -> list[Change]:
        changes = super().apply(*arguments)
        return [] if arguments[0].record.kind == "recall" else changes


class _Flattering(Rules):
    """Rules of a lying operator, who writes a better sum into a lot's state."""

    def apply(self, *arguments: Any) -> list[Change]:
        changes = super().apply(*arguments)
        for change in changes:
            if change.key == lot_key(GTIN, "L9"):
                change.value["amounts"] = {"g": [9_000_000, 0, 0]}
        return changes


def lying(farms: Farms, rules: Rules) -> None:
    """Let the operator's log run on other rules than it says."""
    farms.log.fold.rulebooks = {1: rules}


def test_fact_left_out_is_not_called_complete(farms: Farms) -> None:
    """Only a replayer can see that a record has no fact: without one the verdict is the operator's word, no more."""
    lying(farms, _Forgetful())
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L1", "reason": "農藥超標"})
    members = json.loads(cosigned(farms, "L1"))
    without = "\n".join(one for one in members["checkpoint"].split("\n") if REPLAYER.name not in one)
    assert check(farms, members, witnessed(farms)).kind == "operator"
    honest = {**members, "checkpoint": without}  # an honest replayer does not cosign that seal
    assert failed_at(check(farms, honest, witnessed(farms, replayer=True))) == "standing"


def test_state_that_its_records_do_not_give(farms: Farms) -> None:
    """A lot's state is folded again from its records: a lie in the map is found without any replayer."""
    lying(farms, _Flattering())
    farms.submit("farm-1", "event", farms.event("L9", "harvest", 5))
    # Bundle and verdict read by one answer, so the operator's own software refuses to make the bundle.
    with pytest.raises(ProofError, match="state of L9: amounts"):
        bundle(farms, "L9")


def test_part_beyond_the_question(farms: Farms) -> None:
    """What nobody asked for does not ride along under a proof."""
    farms.submit("farm-1", "event", farms.event("L8", "harvest", 5))
    members, other = bundle(farms), bundle(farms, "L8")
    extra = next(one for one in other["records"] if one["index"] not in {mine["index"] for mine in members["records"]})
    members["records"].append(extra)
    assert failed_at(check(farms, members)) == "whole"


def test_disclosure_that_no_document_commits_to(farms: Farms) -> None:
    """A text cannot be slipped in beside the true one."""
    members = bundle(farms)
    record = next(one for one in members["records"] if one["disclosures"])
    record["disclosures"] = [make_disclosure("farmer_name", "別人").text]
    assert failed_at(check(farms, members)) == "whole"


def test_same_id_for_other_content_names_the_difference(farms: Farms) -> None:
    """A client's id is for one thing."""
    farms.submit("farm-1", "event", farms.event("L1", "water"), client_id="mine")
    with pytest.raises(ConflictError, match="another document"):
        farms.submit("farm-1", "event", farms.event("L1", "water"), client_id="mine")
