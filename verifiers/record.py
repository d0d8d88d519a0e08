"""Does this record stand in the log? What the owner of a private record keeps instead of a receipt.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. signature: the record's key was entitled where it stands, header and document agree, the signature verifies; which of
   its hidden fields were erased.
8. whole: nothing in the bundle is beyond the question; disclosures are those that the document commits to.
9. standing: quorum, replay key, freshness.

It says that the record is there and when it was entered; what followed from it is for the other questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.governance import erasure_key
from contracts.rulebook import kind_of
from ledger.errors import ProofError
from ledger.facts import is_private, position_of
from verifiers import question
from verifiers.source import SourcedRecord, checked_private, checked_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(slots=True)
class Answer(question.Answer):
    """A record that stands in the log, signed by a key that was entitled there."""

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the one step by which it is read."""
        yield "signature", lambda: self._read(asked["record"])

    def _read(self, name: str) -> str:
        position = position_of(name)
        if is_private(position):
            found = checked_private(self.source, position)
        else:
            found = checked_record(self.source, int(name))
        self.keep(found)
        erasure = self.source.private_fact if is_private(position) else self.source.fact
        self.find_erased(lambda digest: erasure(erasure_key(digest)))
        return f"{found.record.kind} {found.id} by {found.record.issuer}"

    @property
    def found(self) -> SourcedRecord:
        """The record, once it was read.

        Raises:
            ProofError: it was not.
        """
        if not self.records:
            raise ProofError("the record", expected="one that was read", got="none")
        return next(iter(self.records.values()))

    def status(self, _: int, /) -> str:
        """That it is there."""
        return "entered"

    def facts(self, _: int, /) -> dict[str, Any]:
        """Return what is proved."""
        record, document = self.found.record, self.found.document
        return {
            "record": self.found.id,
            "kind": record.kind,
            "subject": record.subject,
            "by": record.issuer,
            "for": kind_of(record.kind).actor_of(record, document),
            "time_ms": self.found.time_ms,
            "body": document.body,
            "hidden": sorted(document.hidden),
        }


verify = question.verifier("record", Answer)
