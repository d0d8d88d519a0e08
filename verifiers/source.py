"""Where an answer's facts and records come from: a proved bundle, or a running ledger's view of one seal.

An answer asks its source and nothing else. So the same code answers from a bundle, fills a page from the ledger, and,
asked over the ledger while what it asks for is noted down, says what has to go into the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contracts.actors import entitled
from contracts.keys import key_prefix
from contracts.rulebook import check_form
from ledger import signature
from ledger.errors import ProofError
from ledger.facts import public_position, sequence_of
from ledger.signature import thumbprint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.document import Document
    from ledger.record import Record


@dataclass(frozen=True, slots=True)
class SourcedRecord:
    """A public record with its document and the time of its batch, Unix milliseconds."""

    index: int
    record: Record
    document: Document
    time_ms: int


class Source(Protocol):
    """What an answer may ask."""

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a 33-byte prefix of the public map, by sequence."""

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a key of the public map, None where it has none."""

    def record(self, index: int) -> SourcedRecord:
        """Return a public record; that it stands at its index at that time is the source's to prove."""

    def expect(self, indexes: Iterable[int]) -> None:
        """Say which records will be asked for next."""


def checked_record(source: Source, index: int) -> SourcedRecord:
    """Return a record whose form, key and signature hold.

    Raises:
        ProofError: its key was not entitled where it stands, or is another actor's.
        SignatureError: the signature does not verify.
        RefusedError: header and document do not agree.
    """
    found = source.record(index)
    record = found.record
    check_form(record, found.document)
    if record.document_hash != found.document.hash:
        raise ProofError(f"record {index}", expected=record.document_hash.hex(), got=found.document.hash.hex())
    facts = source.prefix(key_prefix(record.kid))
    state = facts.get(0)
    if state is None:
        raise ProofError(f"the key of record {index}", expected="a registered key", got=record.kid.hex())
    if thumbprint(state["public_key"]) != record.kid or state["actor"] != record.issuer:
        raise ProofError(f"the key of record {index}", expected=f"a key of {record.issuer}", got=state["actor"])
    intervals = [value for sequence, value in sorted(facts.items()) if sequence]
    if len(intervals) != state["intervals"]:
        raise ProofError(f"the key of record {index}", expected=f"{state['intervals']} intervals", got=len(intervals))
    if not entitled(intervals, public_position(index)):
        raise ProofError(f"the key of record {index}", expected="one entitled at that index", got=record.kid.hex())
    signature.check(state["public_key"], record.signed, record.signature)
    return found


def by_sequence(pairs: Iterable[tuple[bytes, Any]]) -> dict[int, Any]:
    """Return values by the sequence at the end of their keys."""
    return {sequence_of(key): value for key, value in pairs}
