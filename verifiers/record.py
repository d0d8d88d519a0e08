"""Does this record stand in the log? What the owner of a private record keeps instead of a receipt.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. signature: the record's key was entitled where it stands, header and document agree, the signature verifies.
8. whole: nothing in the bundle is beyond the question; disclosures are those that the document commits to.
9. standing: quorum, replay key, freshness.

It says that the record is there and when it was entered; what followed from it is for the other questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.rulebook import kind_of
from ledger.errors import ProofError
from ledger.facts import is_private, position_of
from verifiers.question import judge
from verifiers.source import Source, SourcedRecord, checked_private, checked_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from verifiers.verdict import Verdict


@dataclass(slots=True)
class Answer:
    """A record that stands in the log, signed by a key that was entitled there."""

    source: Source
    erased: dict[str, Any] = field(default_factory=dict)
    private: bool = False
    _found: SourcedRecord | None = None

    def steps(self, question: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the one step by which it is read."""
        yield "signature", lambda: self._read(question["record"])

    def _read(self, name: str) -> str:
        position = position_of(name)
        if is_private(position):
            found = checked_private(self.source, position)
        else:
            found = checked_record(self.source, int(name))
        self._found = found
        return f"{found.record.kind} {found.id} by {found.record.issuer}"

    @property
    def found(self) -> SourcedRecord:
        """The record, once it was read.

        Raises:
            ProofError: it was not.
        """
        if self._found is None:
            raise ProofError("the record", expected="one that was read", got="none")
        return self._found

    @property
    def positions(self) -> list[bytes]:
        """Where it stands."""
        return [self.found.position]

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


def verify(bundle: bytes, policy: bytes, now: int) -> Verdict:
    """Return the verdict on a record's bundle.

    Args:
        bundle: the proof file.
        policy: whom the reader trusts (`ledger.policy`).
        now: the reader's clock, Unix seconds.

    Raises:
        FormatError: bundle or policy cannot be read, or the bundle answers another question.
    """
    return judge(bundle, policy, now, "record", Answer)
