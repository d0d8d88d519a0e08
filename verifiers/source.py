"""Where an answer's facts and records come from: a proved bundle, or a running ledger's view of one seal.

An answer asks its source and nothing else. So the same code answers from a bundle, fills a page from the ledger, and,
asked over the ledger while what it asks for is noted down, says what has to go into the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contracts.actors import entitled
from contracts.keys import key_prefix
from contracts.rewards.book import HOLDER
from contracts.rewards.keys import holder_prefix
from contracts.rulebook import check_form
from ledger import signature
from ledger.errors import ProofError
from ledger.facts import is_private, record_id, sequence_of
from ledger.signature import thumbprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.document import Document
    from ledger.record import Record


@dataclass(frozen=True, slots=True)
class SourcedRecord:
    """A record with its document and the time of its batch.

    Attributes:
        position: 16 bytes; its place in the order of everything.
        record: the record.
        document: what it commits to.
        time_ms: Unix milliseconds.
    """

    position: bytes
    record: Record
    document: Document
    time_ms: int

    @property
    def index(self) -> int:
        """The index of a public record; of a private one the tree size at which it stands."""
        return int.from_bytes(self.position[:8], "big")

    @property
    def id(self) -> str:
        """Its name at the log: `17`, or `17.3` for a private one."""
        return record_id(self.position)


class Source(Protocol):
    """What an answer may ask."""

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a 33-byte prefix of the public map, by sequence."""

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a key of the public map, None where it has none."""

    def record(self, index: int) -> SourcedRecord:
        """Return a public record; that it stands at its index at that time is the source's to prove."""

    def expect(self, indexes: Iterable[int]) -> None:
        """Say which public records will be asked for next."""

    def private_prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a 33-byte prefix of the private map, by sequence."""

    def private_fact(self, key: bytes) -> Any | None:
        """Return the value of a key of the private map, None where it has none."""

    def private_record(self, position: bytes) -> SourcedRecord:
        """Return the private record at a position of 16 bytes."""

    def expect_private(self, positions: Iterable[bytes]) -> None:
        """Say which private records will be asked for next."""


def checked_record(source: Source, index: int) -> SourcedRecord:
    """Return a public record whose form, key and signature hold.

    Raises:
        ProofError: its key was not entitled where it stands, or is another actor's.
        SignatureError: the signature does not verify.
        RefusedError: header and document do not agree.
    """
    found = source.record(index)
    check_signed(found, source.prefix(key_prefix(found.record.kid)))
    return found


def checked_private(source: Source, position: bytes) -> SourcedRecord:
    """Return a private record of an actor whose form, key and signature hold.

    Raises:
        ProofError: its key was not entitled where it stands, or is another actor's.
        SignatureError: the signature does not verify.
        RefusedError: header and document do not agree.
    """
    found = source.private_record(position)
    kid = found.record.kid
    holder = found.record.issuer.startswith(HOLDER)
    check_signed(found, source.private_prefix(holder_prefix(kid)) if holder else source.prefix(key_prefix(kid)))
    return found


def check_signed(found: SourcedRecord, facts: Mapping[int, Any]) -> None:
    """Check a record's form, that it was not expired, that its key was entitled where it stands, and its signature.

    Args:
        found: the record.
        facts: all facts of its key, by sequence.

    Raises:
        ProofError: the record was expired, or the key was not entitled there, or is another actor's.
        SignatureError: the signature does not verify.
        RefusedError: header and document do not agree.
    """
    record = found.record
    if check_form(record, found.document).private != is_private(found.position):
        raise ProofError(f"record {found.id}", expected="one that stands where its kind belongs", got=record.kind)
    if record.document_hash != found.document.hash:
        raise ProofError(f"record {found.id}", expected=record.document_hash.hex(), got=found.document.hash.hex())
    if record.expires_at_s is not None and found.time_ms >= record.expires_at_s * 1000:
        expected = f"one that was entered before {record.expires_at_s}"
        raise ProofError(f"record {found.id}", expected=expected, got=found.time_ms // 1000)
    key = check_key(f"the key of record {found.id}", facts, record.kid, owner=record.issuer, position=found.position)
    signature.check(key, record.signed, record.signature)


def check_key(what: str, facts: Mapping[int, Any], kid: bytes, *, owner: str, position: bytes) -> bytes:
    """Return a key's 32 bytes, once it was its owner's and entitled at a position.

    Args:
        what: how a message names it.
        facts: all facts of the key, by sequence.
        kid: its thumbprint.
        owner: whose it has to be.
        position: 16 bytes.

    Raises:
        ProofError: it was not.
    """
    state = facts.get(0)
    if state is None:
        raise ProofError(what, expected="a registered key", got=kid.hex())
    if thumbprint(state["public_key"]) != kid or state["actor"] != owner:
        raise ProofError(what, expected=f"a key of {owner}", got=state["actor"])
    intervals = [value for sequence, value in sorted(facts.items()) if sequence]
    if len(intervals) != state["intervals"]:
        raise ProofError(what, expected=f"{state['intervals']} intervals", got=len(intervals))
    if not entitled(intervals, position):
        raise ProofError(what, expected="one entitled there", got=kid.hex())
    found: bytes = state["public_key"]
    return found


def by_sequence(pairs: Iterable[tuple[bytes, Any]]) -> dict[int, Any]:
    """Return values by the sequence at the end of their keys."""
    return {sequence_of(key): value for key, value in pairs}
