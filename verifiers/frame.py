"""The frame that all bundles share: everything in it is proved under one checkpoint before a question is looked at.

`Frame` is a `Source`: what it hands out is proved, and it knows what it handed out, so a part that is not of the
question is noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from contracts.rulebook import rulebooks
from ledger.checkpoint import check_cosignature
from ledger.disclosure import check_disclosure
from ledger.document import decode_document
from ledger.errors import FormatError, ProofError
from ledger.facts import is_private, private_position, public_position, record_id
from ledger.genesis import decode_genesis
from ledger.merkle import check_inclusion, leaf_hash, root_from_inclusion
from ledger.privateleaf import decode_private_leaf
from ledger.record import check_record, decode_record
from ledger.seal import blinded_root, decode_seal
from verifiers.proved import open_private, open_public
from verifiers.source import SourcedRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.bundle import Bundle, BundledPrivate, BundledRecord
    from ledger.checkpoint import Checkpoint
    from ledger.policy import Policy
    from ledger.record import Record
    from ledger.seal import Seal
    from verifiers.verdict import Steps

RULES = sorted(rulebooks())
"""Versions of the rules that are judged by here."""
AHEAD_MAX_MS = 300_000
"""How far a seal's time may be ahead of the quorum's, or of the reader's clock."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much the proof is worth: its kind, and the time from which nothing newer is known."""

    kind: str
    as_of_ms: int


class Frame:
    """A bundle under a policy, proved step by step; see `verifiers.product.verify` for the steps."""

    def __init__(self, bundle: Bundle, policy: Policy, steps: Steps) -> None:
        self._bundle = bundle
        self._policy = policy
        self._origin = policy.log.name
        self._asked: set[bytes] = set()
        self._records: dict[bytes, SourcedRecord] = {}
        with steps.step(1, "policy") as found:
            record_key = self._open_genesis()
            found.append(self._origin)
        with steps.step(2, "checkpoint") as found:
            self.checkpoint, self._times = policy.tlog.open_checkpoint(bundle.checkpoint)
            if self.checkpoint.origin != self._origin:
                raise ProofError("the checkpoint's log", expected=self._origin, got=self.checkpoint.origin)
            found.append(f"size {self.checkpoint.size}")
        with steps.step(3, "inclusion") as found:
            entries = [bundle.genesis, *bundle.records, *bundle.seals]
            for entry in entries:
                self._check_inclusion(entry, self.checkpoint)
            found.append(f"{len(entries)} entries")
        with steps.step(4, "seal") as found:
            self._seals = {one.index: self._open_seal(one, record_key) for one in bundle.seals}
            self._check_seals()
            self.seal = self._last_seal()
            found.append(f"seal {self.seal.size}")
        with steps.step(5, "facts") as found:
            self._public = open_public(bundle.public_map, self.seal)
            self._private = open_private(bundle.private_map, self.seal)
            found.append(str(self._public) if bundle.private_map is None else f"{self._public}; {self._private}")
        with steps.step(6, "records") as found:
            for one in bundle.records:
                self._keep(self._opened(public_position(one.index), one.statement, one.document))
            for private in bundle.private:
                self._keep(self._open_private_record(private))
            found.append(f"{len(self._records)} records")

    # As a source

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a proved prefix of the public map."""
        return self._public.prefix(prefix)

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a proved fact of the public map."""
        return self._public.fact(key)

    def record(self, index: int) -> SourcedRecord:
        """Return a proved public record."""
        return self._record(public_position(index))

    def private_prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a proved prefix of the private map."""
        return self._private.prefix(prefix)

    def private_fact(self, key: bytes) -> Any | None:
        """Return the value of a proved fact of the private map."""
        return self._private.fact(key)

    def private_record(self, position: bytes) -> SourcedRecord:
        """Return a proved private record."""
        return self._record(position)

    def expect(self, indexes: Iterable[int]) -> None:
        """Nothing to do: a bundle is whole."""

    def expect_private(self, positions: Iterable[bytes]) -> None:
        """Nothing to do: a bundle is whole."""

    def _record(self, position: bytes) -> SourcedRecord:
        self._asked.add(position)
        if position not in self._records:
            raise ProofError("the bundle", expected=f"record {record_id(position)}", got="none")
        return self._records[position]

    # The rest of a verification

    def check_used(self) -> None:
        """Check that every part of the bundle was of the question.

        Raises:
            ProofError: one was not.
        """
        beyond = "nothing beyond the question"
        for position in self._records:
            if position not in self._asked:
                raise ProofError("the bundle", expected=beyond, got=f"the record {record_id(position)}")
        self._public.check_used()
        self._private.check_used()
        needed = {self._seal_of(one.index).size for one in self._bundle.records}
        needed |= {one.seal for one in self._bundle.private} | {self.seal.size}
        for seal in self._seals:
            if seal not in needed:
                raise ProofError("the bundle", expected=beyond, got=f"the seal {seal}")
        if self._bundle.anchors:
            raise ProofError("the bundle", expected=beyond, got="anchors")
        empty = self._bundle.private_map
        if empty is not None and not empty.facts and not empty.prefixes:
            raise ProofError("the bundle", expected=beyond, got="an empty private map")

    def disclosures(self, erased: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the hidden fields of the bundle's records, each shown, erased or withheld.

        Args:
            erased: what is known of the erasure of each digest that has one.

        Raises:
            ProofError: a disclosure that no document commits to, or one twice.
        """
        found: list[dict[str, Any]] = []
        shown: list[tuple[bytes, tuple[str, ...]]] = [
            *((public_position(one.index), one.disclosures) for one in self._bundle.records),
            *((_private_position(one), one.disclosures) for one in self._bundle.private),
        ]
        for position, disclosures in shown:
            document = self._records[position].document
            texts: dict[str, str] = {}
            for text in disclosures:
                name = next((n for n, digest in document.hidden.items() if _opens(text, n, digest)), None)
                if name is None or name in texts:
                    what = f"a disclosure of record {record_id(position)}"
                    raise ProofError(what, expected="one that its document commits to")
                texts[name] = text
            for name, digest in sorted(document.hidden.items()):
                state = "shown" if name in texts else "erased" if digest in erased else "withheld"
                value = check_disclosure(texts[name], name, digest).value if name in texts else None
                found.append({"record": _place(position), "name": name, "state": state, "value": value})
        return found

    def standing(self, now: int) -> Standing:
        """Judge quorum, replay keys and freshness (formats.md, Verdict).

        The private map's replay key counts where anything was asked of that map.

        Args:
            now: the reader's clock, Unix seconds.

        Raises:
            ProofError: a quorum that the policy names is not met, a replay key's cosignature is missing, or the last
                seal is ahead of its time.
        """
        policy, seal_ms = self._policy, self.seal.time_ms
        quorum_s = policy.tlog.check_quorum(self._times)
        as_of_ms = seal_ms
        if quorum_s is not None:
            if seal_ms > quorum_s * 1000 + AHEAD_MAX_MS:
                raise ProofError(
                    "the last seal's time", expected=f"at most {quorum_s * 1000 + AHEAD_MAX_MS}", got=seal_ms
                )
            as_of_ms = min(seal_ms, quorum_s * 1000)
        if seal_ms > now * 1000 + AHEAD_MAX_MS:
            raise ProofError("the last seal's time", expected=f"at most {now * 1000 + AHEAD_MAX_MS}", got=seal_ms)
        keys = [policy.replay_public, *([policy.replay_private] if self._private.was_asked else [])]
        for key in keys:
            if key is not None:
                check_cosignature(self._bundle.checkpoint, key)
        if now * 1000 - as_of_ms > policy.max_age_s * 1000:
            return Standing("as-of", as_of_ms)
        if quorum_s is None or None in keys:
            return Standing("operator", as_of_ms)
        return Standing("holds", as_of_ms)

    # Opening

    def _open_genesis(self) -> bytes:
        one = self._bundle.genesis
        if one.index != 0 or leaf_hash(one.statement) != self._policy.genesis:
            raise ProofError("the genesis", expected=self._policy.genesis.hex(), got=leaf_hash(one.statement).hex())
        record = decode_record(one.statement)
        document = decode_document(one.document)
        if record.document_hash != document.hash or record.kind != "genesis":
            raise ProofError("the genesis' document", expected=record.document_hash.hex(), got=document.hash.hex())
        genesis = decode_genesis(document.body)
        check_record(record, genesis.record_key)
        if genesis.origin != self._origin or genesis.checkpoint_key != self._policy.log:
            raise ProofError(
                "the genesis' log", expected=self._policy.log.encode(), got=genesis.checkpoint_key.encode()
            )
        if self._bundle.handover:
            raise FormatError("bundle handover", expected="none: no rules so far change the log's keys")
        return genesis.record_key

    def _check_inclusion(self, entry: BundledRecord, checkpoint: Checkpoint) -> None:
        try:
            check_inclusion(leaf_hash(entry.statement), entry.index, checkpoint.size, entry.proof, checkpoint.root)
        except ProofError as error:
            raise ProofError(f"entry {entry.index}", expected=error.expected, got=error.got) from error

    def _open_seal(self, one: BundledRecord, record_key: bytes) -> Seal:
        record = self._own(one, record_key, "seal")
        document = decode_document(one.document)
        if record.document_hash != document.hash:
            raise ProofError(f"seal {one.index}", expected=record.document_hash.hex(), got=document.hash.hex())
        seal = decode_seal(document.body)
        if seal.size != one.index:
            raise ProofError("the size that the seal names", expected=one.index, got=seal.size)
        if seal.rules not in RULES:
            raise ProofError("the rules in force", expected=f"a version that is known here: {RULES}", got=seal.rules)
        return seal

    def _check_seals(self) -> None:
        """Check that each seal begins behind the one before it, and that times do not fall from one to the next."""
        for before, after in pairwise(seal for _, seal in sorted(self._seals.items())):
            first_ms = after.times[0][1] if after.times else after.time_ms
            if after.since <= before.size or first_ms < before.time_ms:
                raise ProofError(
                    f"the seal {after.size}",
                    expected=f"one of what came after {before.size}, from {before.time_ms} on",
                    got=f"since {after.since}, from {first_ms}",
                )

    def _own(self, one: BundledRecord, record_key: bytes, kind: str) -> Record:
        record = decode_record(one.statement)
        if record.kind != kind or record.issuer != self._origin or record.audience != self._origin:
            raise ProofError(f"entry {one.index}", expected=f"a {kind} of {self._origin}", got=f"a {record.kind}")
        check_record(record, record_key)
        return record

    def _last_seal(self) -> Seal:
        if len(self._seals) != len(self._bundle.seals):
            raise ProofError("the seals", expected="each once")
        last = self._seals.get(self.checkpoint.size - 1)
        if last is None:
            raise ProofError("the checkpoint", expected="one that ends in a seal", got=f"size {self.checkpoint.size}")
        return last

    def _keep(self, found: SourcedRecord) -> None:
        if found.position in self._records:
            raise ProofError("the records", expected="each once", got=found.id)
        self._records[found.position] = found

    def _opened(self, position: bytes, statement: bytes, data: bytes, time_ms: int | None = None) -> SourcedRecord:
        record, document = decode_record(statement), decode_document(data)
        name = f"record {record_id(position)}"
        if record.audience != self._origin:
            raise ProofError(name, expected=f"one for {self._origin}", got=record.audience)
        if record.document_hash != document.hash:
            raise ProofError(name, expected=record.document_hash.hex(), got=document.hash.hex())
        if time_ms is None:
            index = int.from_bytes(position[:8], "big")
            time_ms = self._seal_of(index).time_of(index)
        return SourcedRecord(position, record, document, time_ms)

    def _open_private_record(self, one: BundledPrivate) -> SourcedRecord:
        """Prove a private record: its leaf stands in the tree whose salted root its seal holds."""
        leaf = decode_private_leaf(one.leaf)
        position = private_position(leaf.size, one.n)
        name = f"record {record_id(position)}"
        seal = self._seals.get(one.seal)
        if seal is None or not seal.since <= leaf.size <= seal.size:
            raise ProofError("the bundle", expected=f"the first seal after {name}", got=f"seal {one.seal}")
        opened = blinded_root(one.salt, root_from_inclusion(leaf_hash(one.leaf), one.n, one.count, one.path), one.count)
        since_ms = seal.time_of(leaf.size - 1) if leaf.size > seal.since else 0
        if not since_ms <= leaf.time_ms <= seal.time_of(leaf.size):
            expected = f"{since_ms} to {seal.time_of(leaf.size)}, as of the entries around it"
            raise ProofError(f"the time of {name}", expected=expected, got=leaf.time_ms)
        if opened != seal.private_records_root:
            raise ProofError(
                f"{name} under seal {one.seal}", expected=seal.private_records_root.hex(), got=opened.hex()
            )
        return self._opened(position, leaf.statement, one.document, leaf.time_ms)

    def _seal_of(self, index: int) -> Seal:
        """Return the first seal after an entry: it proves the entry's time."""
        seal = next((one for one in self._seals.values() if one.since <= index < one.size), None)
        if seal is None:
            raise ProofError("the bundle", expected=f"the first seal after record {index}", got="none")
        return seal


def _private_position(one: BundledPrivate) -> bytes:
    return private_position(decode_private_leaf(one.leaf).size, one.n)


def _place(position: bytes) -> int | str:
    """Return how a verdict names a record: an index, or `17.3`."""
    name = record_id(position)
    return name if is_private(position) else int(name)


def _opens(text: str, name: str, digest: str) -> bool:
    try:
        check_disclosure(text, name, digest)
    except ProofError:
        return False
    return True
