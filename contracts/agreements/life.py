"""An agreement's state, folded from the acts on it. The rules and the verdict fold with this one function.

state 0   {"agreement": "9f86…", "stage": "graded", "acts": 12, "terms": 1, "growers": {…}, "deliveries": […], …}
act k     {"record": <position>, "kind": "agreement-delivery", "by": "pingtung.wandan-fa", "for": "pingtung.lin",
           "time_ms": …}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.agreements import closing, formation, season

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.agreements.case import Case, State

_WITH_TERMS: Mapping[str, Callable[[Case], tuple[State, dict[str, Any]]]] = {
    "agreement-draft": formation.draft,
    "agreement-amendment": formation.amend,
}
_WITHOUT: Mapping[str, Callable[[Case], State]] = {
    "agreement-fairness": formation.fairness,
    "agreement": formation.sign,
    "agreement-witness": formation.witness,
    "agreement-mandate": formation.mandate,
    "agreement-advance": season.advance,
    "agreement-repayment": season.repayment,
    "agreement-growing": season.growing,
    "agreement-harvest": season.harvest,
    "agreement-delivery": season.delivery,
    "agreement-grading": season.grading,
    "agreement-acceptance": season.acceptance,
    "agreement-force-majeure": season.force_majeure,
    "agreement-settlement": closing.settlement,
    "agreement-payment": closing.payment,
    "agreement-receipt": closing.receipt,
    "agreement-dispute": closing.dispute,
    "agreement-dispute-end": closing.dispute_end,
    "agreement-termination": closing.termination,
    "agreement-close": closing.close,
}
KINDS_OF_LIFE = frozenset({*_WITH_TERMS, *_WITHOUT})
"""The kinds whose records are acts on one agreement."""


@dataclass(frozen=True, slots=True)
class After:
    """An agreement after an act: its state, and the terms in force (or drafted)."""

    state: State
    terms: dict[str, Any]


def fold(case: Case) -> After:
    """Return the agreement after an act.

    Raises:
        RefusedError: it is out of order, not its actor's, or beyond what was agreed.
    """
    if case.kind in _WITH_TERMS:
        state, terms = _WITH_TERMS[case.kind](case)
    else:
        terms = case.known_terms
        state = _WITHOUT[case.kind](case)
    return After({**state, "agreement": case.body["agreement"], "acts": case.state["acts"] + 1}, terms)
