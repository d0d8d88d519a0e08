"""A log that its operator made up entry by entry: well signed by the log's keys, and still no log that holds.

log = FalseLog()
log.seal()                                 entry 1
log.product(expires_at_s=…)                entry 2, a record of the operator
log.seal(time_ms=…)                        entry 3
log.bundle("2")                            what a reader gets of entry 2
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from ledgers import KEYS
from rules import GTIN, key_of
from typer.testing import CliRunner

from contracts.actors import first_actor
from contracts.keys import key_prefix
from ledger import cbor
from ledger.bundle import (
    Bundle,
    BundledMap,
    BundledPrefix,
    BundledPrivate,
    BundledRecord,
    encode_bundle,
)
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.document import encode_document
from ledger.facts import PREFIX_BITS, public_position
from ledger.genesis import Genesis, encode_genesis, encode_key
from ledger.merkle import ListReader, leaf_hash, prove_inclusion, root
from ledger.note import ED25519, VerifierKey
from ledger.policy import Log as PolicyLog
from ledger.policy import Policy, TlogPolicy, encode_policy
from ledger.privateleaf import encode_private_leaf
from ledger.record import sign_record
from ledger.rulebook import At
from ledger.seal import Seal, blinded_root, encode_seal, runs_of_times
from ledger.statemap import StateMap
from node.cli import app
from verifiers.record import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ledger.signature import SigningKey
    from verifiers.verdict import Verdict

ORIGIN = "log.test/false"
VKEY = VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key)
OPERATOR = key_of("operator")
START_MS = 1_795_000_000_000
SALT = b"\x55" * 32


@dataclass
class FalseLog:
    """Entries as their operator likes them.

    Attributes:
        entries: (statement, document) by index.
        private: leaves below the coming seal, with their documents.
        kept: private records of seals that stand: (leaf, document, n, all leaves, seal).
        seals: the indexes of seals.
    """

    entries: list[tuple[bytes, bytes]] = field(default_factory=list)
    private: list[tuple[bytes, bytes]] = field(default_factory=list)
    kept: list[tuple[bytes, bytes, int, list[bytes], int]] = field(default_factory=list)
    seals: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        actor = {"actor": "operator", "role": "operator", "name": {}, "key": encode_key(OPERATOR.public_key)}
        keys = KEYS.receipt.public_key, KEYS.record.public_key
        self.own("genesis", encode_genesis(Genesis(ORIGIN, VKEY, *keys, 0, (), actor, 1)), START_MS)
        changes = first_actor(actor, At(public_position(0), 0, START_MS))
        self.map = StateMap((change.key, cbor.encode(change.value)) for change in changes)

    def own(self, kind: str, body: dict[str, Any], time_ms: int, key: SigningKey = KEYS.record) -> None:
        """Append a record of the log itself."""
        document = encode_document(id=f"{kind}-{len(self.entries)}", body=body)
        statement = sign_record(
            key, kind=kind, issuer=ORIGIN, subject=ORIGIN, audience=ORIGIN, issued_at_s=time_ms // 1000,
            document=document,
        )  # fmt: skip
        self.entries.append((statement, document))
        self.times.append(time_ms)

    def product(self, *, time_ms: int = START_MS, **more: Any) -> None:
        """Append a record of the operator; `more` goes to its header."""
        body = {"gtin": GTIN, "name": {"zh-TW": "毛豆"}, "crop": "毛豆"}
        self.entries.append(signed("product", f"/01/{GTIN}", body, **more))
        self.times.append(time_ms)

    def secret(self, *, time_ms: int = START_MS, size: int | None = None) -> None:
        """Enter a private record of the operator."""
        body = {"digest": "A" * 43, "authority": "a", "reason": "b"}
        statement, document = signed("private-erasure", f"disclosure/{'A' * 43}", body)
        self.private.append((encode_private_leaf(size or len(self.entries), time_ms, statement), document))

    def seal(self, *, time_ms: int = START_MS, key: SigningKey = KEYS.record, **changes: Any) -> None:
        """Append a seal; `changes` are members that are to be others than an honest log's."""
        index = len(self.entries)
        since = self.seals[-1] + 1 if self.seals else 0
        leaves = [leaf for leaf, _ in self.private]
        records = blinded_root(SALT, root([leaf_hash(leaf) for leaf in leaves]), len(leaves))
        times = runs_of_times([(i, self.times[i]) for i in range(since, index)])
        seal = Seal(since, index, time_ms, times, self.map.root(), SALT, records, 1)
        self.own("seal", encode_seal(replace(seal, **changes)), time_ms, key)
        self.kept += [(leaf, document, n, leaves, index) for n, (leaf, document) in enumerate(self.private)]
        self.private = []
        self.seals.append(index)

    def bundle(self, name: str, **changes: Any) -> bytes:
        """Return the proof file of a record."""
        hashes = [leaf_hash(statement) for statement, _ in self.entries]
        reader = ListReader(hashes)
        proofs = [tuple(prove_inclusion(reader, i, len(hashes))) for i in range(len(hashes))]
        entries = [BundledRecord(i, *self.entries[i], proofs[i]) for i in range(len(hashes))]
        prefix = key_prefix(OPERATOR.kid)
        pairs = tuple(self.map.items_with_prefix(prefix, PREFIX_BITS))
        shown = () if "." in name else (entries[int(name)],)
        private = self.kept if "." in name else []
        bundle = Bundle(
            question={"kind": "record", "record": name},
            genesis=entries[0],
            records=shown,
            seals=tuple(entries[i] for i in self.seals if i > 1),
            public_map=BundledMap((), (BundledPrefix(prefix, pairs, self.map.prove_prefix(prefix, PREFIX_BITS)),)),
            checkpoint=sign_checkpoint(Checkpoint(ORIGIN, len(hashes), root(hashes)), KEYS.checkpoint),
            private=tuple(
                BundledPrivate(
                    leaf, document, n, len(leaves),
                    tuple(prove_inclusion(ListReader([leaf_hash(one) for one in leaves]), n, len(leaves))), SALT, seal,
                )
                for leaf, document, n, leaves, seal in private
            ),
        )  # fmt: skip
        return encode_bundle(replace(bundle, **changes))

    def verdict(self, data: bytes, now_s: int = START_MS // 1000 + 60) -> Verdict:
        """Return the verdict of a reader who trusts this log by its operator's word."""
        return verify(data, self.policy(), now_s)

    def policy(self) -> bytes:
        """Return that reader's policy."""
        tlog = TlogPolicy(logs=(PolicyLog(VKEY, None),), witnesses=(), groups=(), quorum="none")
        return encode_policy(Policy(tlog, leaf_hash(self.entries[0][0]), 86_400))


def signed(kind: str, subject: str, body: dict[str, Any], **more: Any) -> tuple[bytes, bytes]:
    """Return a record of the operator and its document."""
    document = encode_document(id=kind, body=body)
    statement = sign_record(
        OPERATOR, kind=kind, issuer="operator", subject=subject, issued_at_s=START_MS // 1000,
        document=document, **{"audience": ORIGIN, **more},
    )  # fmt: skip
    return statement, document


def begun(**product: Any) -> FalseLog:
    """Return a log with its first seal, a record at 2, and a seal over it at 3."""
    log = FalseLog()
    log.seal()
    log.product(**product)
    log.seal()
    return log


def failed(log: FalseLog, data: bytes) -> str:
    """Return the step at which a bundle fails."""
    verdict = log.verdict(data)
    assert (verdict.kind, verdict.facts) == ("fails", {}), verdict
    return verdict.steps[-1].name


def test_a_log_that_holds() -> None:
    """What the other tests change one thing of: it holds by its operator's word, public and private record alike."""
    log = begun()
    assert log.verdict(log.bundle("2")).kind == "operator"
    log = FalseLog()
    log.seal()
    log.secret()
    log.seal()
    verdict = log.verdict(log.bundle("2.0"))
    assert (verdict.kind, verdict.facts["kind"]) == ("operator", "private-erasure"), verdict.steps[-1]


@pytest.mark.parametrize(
    ("after_s", "kind"), [(-301, "fails"), (-300, "operator"), (0, "operator"), (86_400, "operator"), (86_401, "as-of")]
)
def test_edges_of_age(after_s: int, kind: str) -> None:
    """A seal may be five minutes ahead of the reader's clock, and as old as the policy says, to the second."""
    log = begun()
    assert log.verdict(log.bundle("2"), START_MS // 1000 + after_s).kind == kind


def _falling(log: FalseLog) -> None:
    log.seal(time_ms=START_MS - 1000)


def _overlapping(log: FalseLog) -> None:
    log.seal(since=2, times=((2, START_MS - 5000),))


def _ahead(log: FalseLog) -> None:
    log.seal(time_ms=START_MS + 400_000)


SEALS: dict[str, tuple[str, Callable[[FalseLog], None]]] = {
    "times that fall from seal to seal": ("seal", _falling),
    "a second seal over the same entries": ("seal", _overlapping),
    "other rules": ("seal", lambda log: log.seal(rules=2)),
    "a size that is not its place": ("seal", lambda log: log.seal(size=3, since=3, times=())),
    "another key": ("seal", lambda log: log.seal(key=KEYS.receipt)),
    "another map": ("facts", lambda log: log.seal(public_root=b"\0" * 32)),
    "a clock run ahead": ("standing", _ahead),
}


@pytest.mark.parametrize("name", SEALS)
def test_false_seals(name: str) -> None:
    """A seal is signed by the log's record key, in its place, behind the one before, and by rules known here."""
    step, write = SEALS[name]
    log = begun()
    write(log)
    assert failed(log, log.bundle("2")) == step


def test_expired_record() -> None:
    """An operator cannot hold a signed record back until its signer no longer stands by it."""
    log = begun(expires_at_s=START_MS // 1000 + 1)
    assert log.verdict(log.bundle("2")).kind == "operator"
    late = begun(expires_at_s=START_MS // 1000)
    assert failed(late, late.bundle("2")) == "signature"


@pytest.mark.parametrize("time_ms", [START_MS - 1, START_MS + 10_001])
def test_private_record_of_another_time(time_ms: int) -> None:
    """A private record's time lies between those of the entries around it."""
    log = begun()
    log.product()
    log.secret(time_ms=time_ms)
    log.product(time_ms=START_MS + 10_000)
    log.seal(time_ms=START_MS + 20_000)
    assert failed(log, log.bundle("5.0")) == "records"


def test_private_record_of_another_seal() -> None:
    """A leaf that names a size of an earlier seal is not of this one's tree, whatever its root says."""
    log = begun()
    log.secret(size=2)
    log.seal()
    assert failed(log, log.bundle("2.0")) == "records"


@pytest.mark.parametrize("part", ["anchors", "handover", "a seal", "another record"])
def test_parts_that_nobody_asked_for(part: str) -> None:
    """What no step looks at does not ride along: a reader could take it for proved."""
    log = begun()
    log.product()
    log.seal()
    opened: dict[str, Any] = {
        "anchors": {"anchors": ({"chain": "eip155:1", "transaction": "0x00"},)},
        "handover": {"handover": (BundledRecord(2, *log.entries[2], ()),)},
    }
    if part in opened:
        assert failed(log, log.bundle("2", **opened[part])) in {"whole", "policy"}
        return
    hashes = ListReader([leaf_hash(statement) for statement, _ in log.entries])
    one = {name: BundledRecord(i, *log.entries[i], tuple(prove_inclusion(hashes, i, 6)))
           for name, i in (("first seal", 1), ("record", 2), ("seal", 3), ("other", 4), ("last seal", 5))}  # fmt: skip
    more = (
        {"seals": (one["first seal"], one["seal"], one["last seal"])}
        if part == "a seal"
        else {"records": (one["record"], one["other"])}
    )
    assert failed(log, log.bundle("2", **more)) == "whole"


@pytest.mark.parametrize(
    "painted", ["\x1b[2J\x1b[HHOLDS", "\r\nHOLDS · entered", "\x9b1A", "\u202eSDLOH", "\u2028HOLDS"]
)
def test_a_proof_file_paints_no_verdict(tmp_path: Path, painted: str) -> None:
    """What a file says is printed as text: it moves no cursor, begins no line and turns no letters round."""
    log = begun(audience=painted)
    bundle, policy = tmp_path / "bundle.json", tmp_path / "policy.json"
    bundle.write_bytes(log.bundle("2"))
    policy.write_bytes(log.policy())
    result = CliRunner().invoke(app, ["verify", str(bundle), "--policy", str(policy)])
    assert result.exit_code == 1
    assert result.output.splitlines()[0].startswith("DOES NOT HOLD")
    assert not [line for line in result.output.splitlines() if line.startswith("HOLDS")]
    assert not [one for one in result.output if not one.isprintable() and one != "\n"]
