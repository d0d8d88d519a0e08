"""Private records and facts in a bundle: what opens them is in the file, and nothing else would have opened them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from counting import PURSE
from ledgers import KEYS, ORIGIN, Ledger, close_ledger, open_ledger

from api.bundles import make_bundle
from api.live import LiveSource
from ledger.blind import blind
from ledger.bundle import Bundle, decode_bundle, encode_bundle
from ledger.checkpoint import add_signatures, cosign_checkpoint
from ledger.errors import ProofError
from ledger.facts import fact_key, fact_prefix, private_position
from ledger.genesis import encode_key
from ledger.merkle import leaf_hash
from ledger.note import COSIGNATURE, ED25519, NoteSigner, VerifierKey
from ledger.policy import Log as PolicyLog
from ledger.policy import Policy, TlogPolicy, Witness
from ledger.privateleaf import decode_private_leaf, encode_private_leaf
from ledger.signature import SigningKey
from verifiers.frame import Frame
from verifiers.verdict import FailedStepError, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verifiers.source import Source

PREFIX = fact_prefix(PURSE, ["anna"])
NOBODY = fact_key(PURSE, ["nobody"])


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A log with three private records below one seal, and public ones and seals around them."""
    ledger = open_ledger(database)
    ledger.submit("count", {"name": "a", "add": 1})
    ledger.log.seal()
    for name in ("ben", "anna", "cora"):
        ledger.submit("purse", {"name": name, "add": 7})
    ledger.submit("count", {"name": "a", "add": 1})
    ledger.submit("purse", {"name": "anna", "add": 5})
    ledger.log.seal()
    ledger.submit("count", {"name": "a", "add": 1})
    ledger.log.seal()
    yield ledger
    close_ledger(ledger)


def read(source: Source) -> dict[str, Any]:
    """Ask what anna's purse holds, by which records, and that nobody has none."""
    sizes = {4: 1, 5: 3}
    records = [source.private_record(private_position(size, n)) for size, n in sizes.items()]
    return {
        "purse": source.private_prefix(PREFIX)[0]["sum"],
        "nobody": source.private_fact(NOBODY),
        "added": [one.document.body["add"] for one in records],
        "ids": [one.id for one in records],
        "times": [one.time_ms for one in records],
    }


def bundle(ledger: Ledger) -> bytes:
    """Return the bundle that shows it."""
    with ledger.serving().view() as view:
        source = LiveSource(view)
        read(source)
        return make_bundle(source, {"kind": "account", "account": "anna"}, {})


def frame(ledger: Ledger, data: bytes) -> Frame:
    """Prove a bundle by its operator's word."""
    log = PolicyLog(VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key), None)
    genesis = leaf_hash(ledger.store.entry(0).statement)
    return Frame(decode_bundle(data), Policy(TlogPolicy((log,), (), (), "none"), genesis, 86_400), Steps())


def test_private_records_and_facts_are_proved(ledger: Ledger) -> None:
    """The ledger's answer and the proved one are the same, and nothing in the bundle is beyond it."""
    proved = frame(ledger, bundle(ledger))
    with ledger.serving().view() as view:
        assert read(proved) == read(LiveSource(view))
    assert read(proved)["purse"] == 12
    proved.check_used()
    assert proved.standing(int(time.time())).kind == "operator"


@pytest.mark.parametrize(("replayers", "kind"), [(("public",), "operator"), (("public", "private"), "holds")])
def test_holds_needs_a_private_replay_key(ledger: Ledger, replayers: tuple[str, ...], kind: str) -> None:
    """What was asked of the private map is the operator's word unless an authorised replayer says so too."""
    opened = decode_bundle(bundle(ledger))
    checkpoint, keys = opened.checkpoint, {}
    for number, role in enumerate(("witness", *replayers)):
        signer = NoteSigner(f"{role}.test/1", SigningKey.from_seed(bytes([0x31 + number]) * 32), COSIGNATURE)
        checkpoint = add_signatures(checkpoint, [cosign_checkpoint(checkpoint, signer, int(time.time()))])
        keys[role] = signer.vkey
    log = PolicyLog(VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key), None)
    policy = Policy(
        TlogPolicy((log,), (Witness("w", keys["witness"], None),), (), "w"),
        leaf_hash(ledger.store.entry(0).statement), 86_400, keys["public"], keys.get("private"),
    )  # fmt: skip
    proved = Frame(replace(opened, checkpoint=checkpoint), policy, Steps())
    assert proved.standing(int(time.time())).kind == "holds"
    read(proved)
    assert proved.standing(int(time.time())).kind == kind


def changed(data: bytes, change: Callable[[Bundle], Bundle]) -> bytes:
    """Return the bundle with something changed, in a file that is well-formed."""
    return encode_bundle(change(decode_bundle(data)))


def _map(data: Bundle, **more: Any) -> Bundle:
    assert data.private_map is not None
    return replace(data, private_map=replace(data.private_map, **more))


def _prefix(data: Bundle, **more: Any) -> Bundle:
    assert data.private_map is not None
    return _map(data, prefixes=(replace(data.private_map.prefixes[0], **more),))


def _private(data: Bundle, **more: Any) -> Bundle:
    return replace(data, private=(replace(data.private[0], **more), *data.private[1:]))


def _at_another_size(data: Bundle) -> Bundle:
    leaf = decode_private_leaf(data.private[0].leaf)
    return _private(data, leaf=encode_private_leaf(leaf.size + 1, leaf.time_ms, leaf.statement))


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


FORGERIES: dict[str, tuple[str, Callable[[Bundle], Bundle]]] = {
    "another root": ("facts", lambda one: _map(one, root=b"\0" * 32)),
    "another salt": ("facts", lambda one: _map(one, salt=b"\0" * 32)),
    "a short salt": ("facts", lambda one: _map(one, salt=b"\0" * 31)),
    "another blind": ("facts", lambda one: _prefix(one, blinds=(b"\0" * 32,))),
    "no blind": ("facts", lambda one: _prefix(one, blinds=())),
    "another value": ("facts", lambda one: _prefix(one, pairs=((one.private_map.prefixes[0].pairs[0][0], b"\0"),))),  # type: ignore[union-attr]
    "another time": (
        "records",
        lambda one: _private(one, leaf=_flipped(one.private[0].leaf, 15)),
    ),
    "another size": ("records", _at_another_size),
    "another place": ("records", lambda one: _private(one, n=0)),
    "another count": ("records", lambda one: _private(one, count=3)),
    "another salt of the records": ("records", lambda one: _private(one, salt=b"\0" * 32)),
    "the last seal": ("records", lambda one: _private(one, seal=max(seal.index for seal in one.seals))),
    "no seal": ("records", lambda one: _private(one, seal=0)),
    "another document": ("records", lambda one: _private(one, document=one.private[1].document)),
    "twice": ("records", lambda one: replace(one, private=(*one.private, one.private[0]))),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_fail(ledger: Ledger, name: str) -> None:
    """Each part that opens something private is held against what the seal committed to."""
    step, change = FORGERIES[name]
    with pytest.raises(FailedStepError) as failed:
        frame(ledger, changed(bundle(ledger), change))
    assert failed.value.steps[-1].name == step


def test_what_was_not_asked_for_is_beyond_the_question(ledger: Ledger) -> None:
    """A bundle shows no more of the private map and records than its answer rests on."""
    for leave_out in (NOBODY, PREFIX, private_position(4, 1)):
        proved = frame(ledger, bundle(ledger))
        if leave_out != NOBODY:
            proved.private_fact(NOBODY)
        if leave_out != PREFIX:
            proved.private_prefix(PREFIX)
        for position in {private_position(4, 1), private_position(5, 3)} - {leave_out}:
            proved.private_record(position)
        with pytest.raises(ProofError, match="expected nothing beyond the question"):
            proved.check_used()
    empty = changed(bundle(ledger), lambda one: replace(_map(one, facts=(), prefixes=()), private=()))
    with pytest.raises(ProofError, match="expected nothing beyond the question"):
        frame(ledger, empty).check_used()


def test_a_neighbour_in_a_path_says_nothing(ledger: Ledger) -> None:
    """Who holds a bundle sees hashes of others' facts only: their values and blinds are in none of its bytes."""
    file = bundle(ledger).decode()
    with ledger.serving().view() as view:
        source = LiveSource(view)
        for name in ("ben", "cora"):
            change = source._present(fact_prefix(PURSE, [name]))[0]
            opened = blind(KEYS.replay.holder_key(name), change.key, change.position)
            for secret in (opened, KEYS.replay.holder_key(name), KEYS.replay.holder_key("anna")):
                assert encode_key(secret) not in file
