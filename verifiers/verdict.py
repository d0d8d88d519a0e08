"""Verdicts: what a bundle proves under a reader's policy.

    Verdict(kind="operator", status="active", facts={…}, steps=[Step(1, "policy", "log.example/hsinchu")],
    disclosures=[…])

`kind` judges the proof, the first that applies: `fails` > `as-of` > `operator` > `holds`. `status` says what is so.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, struct.error)

KINDS = ("fails", "as-of", "operator", "holds")
"""From the weakest."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a verification.

    Attributes:
        number: as the verifier's docstring numbers it.
        name: the step in a word or two.
        detail: what was found, in plain words.
        expected: where it failed, what would have been right.
        got: where it failed, what came.
        holds: whether it does.
    """

    number: int
    name: str
    detail: str = ""
    expected: str | None = None
    got: str | None = None
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a bundle's question.

    Attributes:
        kind: `holds`, `operator` (by the operator's word), `as-of`, or `fails`.
        status: `active`, `recalled`, `revoked` …; `unknown` where the proof fails.
        facts: what is proved, empty where the proof fails.
        steps: the steps in their order; the last one is where it failed.
        as_of_ms: the time from which nothing newer is known, Unix milliseconds.
        disclosures: hidden fields, each `{"record", "name", "state": shown | erased | withheld, "value"}`. They are no
        part
            of the facts: what a reader is shown of them may differ, what is proved may not.
    """

    kind: str
    status: str
    facts: dict[str, Any]
    steps: list[Step]
    as_of_ms: int | None = None
    disclosures: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON has it."""
        return asdict(self)


class FailedStepError(FengtuError):
    """A step does not hold; the steps so far are with it."""

    def __init__(self, steps: list[Step]) -> None:
        failed = steps[-1]
        super().__init__(f"step {failed.number}, {failed.name}", expected=failed.expected, got=failed.got)
        self.steps = steps


class Steps:
    """Collects the steps of one verification; what is raised in a step ends it under that step's name."""

    def __init__(self) -> None:
        self.done: list[Step] = []

    @property
    def next(self) -> int:
        """The number of the next step."""
        return len(self.done) + 1

    @contextmanager
    def step(self, number: int, name: str) -> Iterator[list[str]]:
        """Run a step; the block may put its findings into the list that it gets.

        Raises:
            FailedStepError: the block raised one of our errors, or met a fact of another shape than it reads.
        """
        found: list[str] = []
        try:
            yield found
        except FailedStepError:
            raise
        except FengtuError as error:
            texts = [None if value is None else str(value)[:500] for value in (error.expected, error.got)]
            self.done.append(Step(number, name, error.message, texts[0], texts[1], holds=False))
            raise FailedStepError(self.done) from error
        except _MISSHAPEN as error:
            # A map holds whatever its operator signed: what has not the shape of its kind proves nothing.
            got = f"{type(error).__name__}: {error}"[:500]
            self.done.append(Step(number, name, "a fact", "the shape that its kind has", got, holds=False))
            raise FailedStepError(self.done) from error
        self.done.append(Step(number, name, "; ".join(found)))
