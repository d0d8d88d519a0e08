"""One question, one bundle: the way that all verdicts go, around the steps that are a question's own.

    class Answer(question.Answer): …

    verify = question.verifier("product", Answer)

Steps 1 to 6 are the frame's (`verifiers.frame`); then come the answer's own, by name; the last two are:

- whole: nothing in the bundle is beyond the question; disclosures are those that documents commit to.
- standing: quorum, replay keys, freshness.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.bundle import decode_bundle
from ledger.errors import FormatError
from ledger.policy import decode_policy
from verifiers.frame import Frame
from verifiers.verdict import FailedStepError, Steps, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from verifiers.source import Source, SourcedRecord


@dataclass(slots=True)
class Answer(ABC):
    """An answer while it is read from a source.

    Attributes:
        source: where facts and records come from.
        records: what it rests on, by position, as it was read.
        erased: what is known of erased fields, by digest.
    """

    source: Source
    records: dict[bytes, SourcedRecord] = field(default_factory=dict)
    erased: dict[str, Any] = field(default_factory=dict)

    @abstractmethod
    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read: the name of each, and what does it and says what it found.

        Args:
            asked: the question, as a bundle has it.
        """

    @abstractmethod
    def status(self, time_ms: int, /) -> str:
        """Return what is so as of a time, Unix milliseconds, in a word."""

    @abstractmethod
    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved as of a time, Unix milliseconds, as JSON has it."""

    def keep(self, found: SourcedRecord) -> SourcedRecord:
        """Count a record among those that the answer rests on."""
        self.records[found.position] = found
        return found

    def find_erased(self, erasure: Callable[[str], Any | None]) -> None:
        """Learn which hidden fields of the records were erased.

        Args:
            erasure: what is on record of the erasure of a digest; None where nothing is.
        """
        for found in self.records.values():
            for digest in found.document.hidden.values():
                known = erasure(digest)
                if known is not None:
                    self.erased[digest] = known

    def erasures(self) -> list[dict[str, Any]]:
        """Return what was erased, as JSON has it."""
        return [
            {"record": one["of"], "reason": one["reason"], "authority": one["authority"]}
            for one in self.erased.values()
        ]


def read(answer: Answer, asked: Mapping[str, str]) -> None:
    """Read all of an answer, as a page or a bundle is made from it.

    Raises:
        NotFoundError: nothing is recorded of what was asked.
        ProofError: what is recorded does not hold together.
    """
    for _, step in answer.steps(asked):
        step()


def verifier(kind: str, answer: Callable[[Source], Answer]) -> Callable[[bytes, bytes, int], Verdict]:
    """Return what verifies the bundles of a question.

    Args:
        kind: the question's, as bundles name it.
        answer: makes the answer that is read from a bundle.
    """

    def verify(bundle: bytes, policy: bytes, now: int) -> Verdict:
        """Return the verdict on a bundle.

        Args:
            bundle: the proof file.
            policy: whom the reader trusts (`ledger.policy`).
            now: the reader's clock, Unix seconds.

        Raises:
            FormatError: bundle or policy cannot be read, or the bundle answers another question.
        """
        opened, trusted = decode_bundle(bundle), decode_policy(policy)
        if opened.question["kind"] != kind:
            raise FormatError("bundle question", expected=kind, got=opened.question["kind"])
        steps = Steps()
        try:
            frame = Frame(opened, trusted, steps)
            reading = answer(frame)
            for name, step in reading.steps(opened.question):
                with steps.step(steps.next, name) as found:
                    found.append(step())
            with steps.step(steps.next, "whole"):
                frame.check_used()
                disclosures = frame.disclosures(reading.erased)
            with steps.step(steps.next, "standing") as found:
                standing = frame.standing(now)
                status, facts = reading.status(frame.seal.time_ms), reading.facts(frame.seal.time_ms)
                found.append(standing.kind)
        except FailedStepError:
            return Verdict("fails", "unknown", {}, steps.done)
        return Verdict(standing.kind, status, facts, steps.done, standing.as_of_ms, disclosures)

    return verify
