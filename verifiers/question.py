"""One question, one bundle: the way that all verdicts go, around the steps that are a question's own.

    judge(bundle, policy, now, "product", Answer)

Steps 1 to 6 are the frame's (`verifiers.frame`); then come the answer's own, by name; the last two are:

- whole: nothing in the bundle is beyond the question; disclosures are those that documents commit to.
- standing: quorum, replay keys, freshness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ledger.bundle import decode_bundle
from ledger.errors import FormatError
from ledger.policy import decode_policy
from verifiers.frame import Frame
from verifiers.verdict import FailedStepError, Steps, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from verifiers.source import Source


class Answer(Protocol):
    """An answer while it is read from a source.

    Attributes:
        erased: what is known of erased fields, by digest.
        private: whether it rests on the private map too.
    """

    erased: dict[str, Any]
    private: bool

    def steps(self, question: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read: the name of each, and what does it and says what it found."""

    @property
    def positions(self) -> list[bytes]:
        """The positions of its records."""

    def status(self, time_ms: int, /) -> str:
        """Return what is so as of a time, Unix milliseconds, in a word."""

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved as of a time, Unix milliseconds, as JSON has it."""


def read(answer: Answer, question: Mapping[str, str]) -> None:
    """Read all of an answer, as a page or a bundle is made from it.

    Raises:
        NotFoundError: nothing is recorded of what was asked.
        ProofError: what is recorded does not hold together.
    """
    for _, step in answer.steps(question):
        step()


def judge(bundle: bytes, policy: bytes, now: int, kind: str, answer: Callable[[Source], Answer]) -> Verdict:
    """Return the verdict on a bundle.

    Args:
        bundle: the proof file.
        policy: whom the reader trusts (`ledger.policy`).
        now: the reader's clock, Unix seconds.
        kind: the question's.
        answer: makes the answer that is read from the bundle.

    Raises:
        FormatError: bundle or policy cannot be read, or the bundle answers another question.
    """
    opened = decode_bundle(bundle)
    trusted = decode_policy(policy)
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
            standing = frame.standing(now, private=reading.private)
            found.append(standing.kind)
    except FailedStepError:
        return Verdict("fails", "unknown", {}, steps.done)
    status, facts = reading.status(frame.seal.time_ms), reading.facts(frame.seal.time_ms)
    return Verdict(standing.kind, status, facts, steps.done, standing.as_of_ms, disclosures)
