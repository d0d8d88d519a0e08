"""Does this record stand in the log? What the owner of a private record keeps instead of a receipt.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. signature: the record's key was entitled where it stands, header and document agree, the signature verifies.
8. whole: nothing in the bundle is beyond the question; disclosures are those that the document commits to.
9. standing: quorum, replay key, freshness.

It says that the record is there and when it was entered; what followed from it is for the other questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.rulebook import kind_of
from ledger.bundle import decode_bundle
from ledger.errors import FormatError
from ledger.facts import is_private, position_of
from ledger.policy import decode_policy
from verifiers.frame import Frame, failed
from verifiers.source import Source, SourcedRecord, checked_private, checked_record
from verifiers.verdict import FailedStepError, Steps, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """A record that stands in the log, signed by a key that was entitled there."""

    found: SourcedRecord

    def facts(self) -> dict[str, Any]:
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


def read(source: Source, question: Mapping[str, str]) -> Answer:
    """Return the answer on one record.

    Raises:
        ProofError: it is not there, or its key was not entitled.
        FormatError: the question names no record.
    """
    position = position_of(question["record"])
    if is_private(position):
        return Answer(checked_private(source, position))
    return Answer(checked_record(source, int(question["record"])))


def verify(bundle: bytes, policy: bytes, now: int) -> Verdict:
    """Return the verdict on a record's bundle.

    Args:
        bundle: the proof file.
        policy: whom the reader trusts (`ledger.policy`).
        now: the reader's clock, Unix seconds.

    Raises:
        FormatError: bundle or policy cannot be read, or the bundle answers another question.
    """
    opened = decode_bundle(bundle)
    trusted = decode_policy(policy)
    if opened.question["kind"] != "record":
        raise FormatError("bundle question", expected="record", got=opened.question["kind"])
    steps = Steps()
    try:
        frame = Frame(opened, trusted, steps)
        with steps.step(7, "signature") as found:
            answer = read(frame, opened.question)
            found.append(f"{answer.found.record.kind} {answer.found.id} by {answer.found.record.issuer}")
        with steps.step(8, "whole"):
            frame.check_used()
            disclosures = frame.disclosures({})
        with steps.step(9, "standing") as found:
            standing = frame.standing(now)
            found.append(standing.kind)
    except FailedStepError:
        return failed(steps)
    return Verdict(standing.kind, "entered", answer.facts(), steps.done, standing.as_of_ms, disclosures)
