"""The acts on one subject as its facts tell them: whole, in their order, each fault at the step that it belongs to.

acts = Acts("the account", account, source.private_prefix(account_prefix(account)), count="entries")
source.expect_private(acts.records)
acts.judge(_STEPS, self._act)          goes on until one does not follow from those before it
acts.check_sound(_STEPS, "earnings")   raises where that one is of this step
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.errors import FengtuError, NotFoundError, ProofError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    StepKinds = Mapping[str, frozenset[str]]
    """The kinds of records that each step of a question is about."""


class Acts:
    """The acts on one subject: sequence 0 is its present state and says how many there are, 1, 2, … are they.

    Attributes:
        head: the present state.
        entries: the acts in their order.
        records: where the record of each stands: an index, or a position.

    Args:
        what: how a message names the subject.
        name: which one it is.
        facts: all facts under its prefix, by sequence.
        count: the member of the state that says how many acts there are.

    Raises:
        NotFoundError: nothing is recorded of it.
        ProofError: an act is missing, or they are not in their order.
    """

    def __init__(self, what: str, name: str, facts: Mapping[int, Any], *, count: str = "acts") -> None:
        if facts.get(0) is None:
            raise NotFoundError(what, expected="one on which something is recorded", got=name)
        self.head: dict[str, Any] = facts[0]
        number = self.head[count]
        if not number or set(facts) != set(range(number + 1)):
            raise ProofError(f"the acts on {what}", expected=f"{number} of them, one at least", got=len(facts) - 1)
        self.entries: list[dict[str, Any]] = [facts[one] for one in range(1, number + 1)]
        self.records: list[Any] = [entry["record"] for entry in self.entries]
        if self.records != sorted(set(self.records)):
            raise ProofError(f"the acts on {what}", expected="each after the one before")
        self._what = what
        self._fault: tuple[str, FengtuError] | None = None

    def judge(self, steps: StepKinds, act: Callable[[int, dict[str, Any]], None]) -> None:
        """Judge one act after the other until one does not follow; that one is for `check_sound` to tell of.

        Args:
            steps: the kinds of acts by step.
            act: judges an act by its number and fact.

        Raises:
            ProofError: an act of no step does not follow.
        """
        for number, entry in enumerate(self.entries, 1):
            try:
                act(number, entry)
            except FengtuError as error:
                if not any(entry["kind"] in kinds for kinds in steps.values()):
                    raise ProofError(f"act {number}", expected=f"an act on {self._what}", got=entry["kind"]) from error
                self._fault = entry["kind"], _named(number, entry["kind"], error)
                return

    def check_sound(self, steps: StepKinds, step: str) -> None:
        """Check that the acts of a step followed from what came before them.

        Raises:
            ProofError: the first one that did not is of this step.
        """
        if self._fault is not None and self._fault[0] in steps[step]:
            raise self._fault[1]


def _named(number: int, kind: str, error: FengtuError) -> FengtuError:
    rule = f" ({error.rule})" if isinstance(error, RefusedError) else ""
    return ProofError(f"act {number}, {kind}: {error.message}{rule}", expected=error.expected, got=error.got)
