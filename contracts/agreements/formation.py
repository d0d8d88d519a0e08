"""How an agreement comes about: draft, fairness steps, signatures, witness; amendments; who else may read it.

Terms are drafted; each grower gets a copy and is offered advice, and what a grower asks to have read aloud is read;
ten days after the copy, at the earliest, a grower signs. The last signature makes it binding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.agreements.case import COPY_DAYS, Case, State
from contracts.agreements.terms import check_terms, parties_of, terms_hash
from contracts.calendar import day_of
from contracts.kind import DAY_MS
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

FAIRNESS = ("copy", "advice-offered", "reading-asked", "read-aloud")


def draft(case: Case) -> tuple[State, dict[str, Any]]:
    """Draft terms, or draft them anew; copies of the earlier ones count for nothing then."""
    terms, state = dict(case.body["terms"]), case.state
    check_terms(terms)
    case.expect_by(*parties_of(terms))
    if case.terms is not None:
        case.expect_party()
        case.expect_stage({"drafted", "offered"})
    drafted = {
        **state, "stage": "drafted", "terms_hash": terms_hash(terms), "offer": None, "signed": [],
        "fairness": {grower: dict.fromkeys(FAIRNESS) for grower in terms["growers"]},
    }  # fmt: skip
    return drafted, terms


def fairness(case: Case) -> State:
    """Record a step that protects a grower before it signs, once each."""
    grower, step = case.body["grower"], case.body["step"]
    case.expect_grower(grower)
    case.expect_stage({"drafted", "offered"})
    case.expect_by(grower, None if step == "reading-asked" else case.known_terms.get("witness"))
    _expect_these_terms(case, bytes.fromhex(case.body["terms_hash"]), "agreements.copy")
    steps = case.state["fairness"][grower]
    case.expect(
        steps[step] is None, "agreements.step", "this step is recorded already", expected="once a grower", got=step
    )
    return {**case.state, "fairness": {**case.state["fairness"], grower: {**steps, step: case.time_ms}}}


def _expect_these_terms(case: Case, found: bytes, rule: str) -> None:
    case.expect(
        found == case.state["terms_hash"],
        rule,
        "these are not the terms that were drafted last",
        expected=case.state["terms_hash"].hex(),
        got=found.hex(),
    )


def sign(case: Case) -> State:
    """Sign the drafted terms: an offer at first, binding with the last signature."""
    terms, state = case.known_terms, case.state
    case.expect_stage({"drafted", "offered"})
    _expect_these_terms(case, terms_hash(case.body["terms"]), "agreements.draft")
    if case.actor in terms["growers"]:
        check_fair(state["fairness"][case.actor], case.actor, case.time_ms)
    same = state["offer"] is not None and state["offer"]["document"] == case.document_hash
    signed = [*(state["signed"] if same else []), [case.actor, case.time_ms]]
    offer = {"document": case.document_hash, "expires_ms": case.expires_ms}
    if same and state["offer"]["expires_ms"] is not None and case.expires_ms is not None:
        offer["expires_ms"] = min(state["offer"]["expires_ms"], case.expires_ms)
    after = {**state, "stage": "offered", "signed": signed, "offer": offer}
    if not case.complete:
        return after
    return {
        **after, "stage": "signed", "terms": 1, "offer": None,
        "growers": {grower: new_grower() for grower in terms["growers"]},
    }  # fmt: skip


def new_grower() -> dict[str, Any]:
    """Return a grower's account as it begins: minor units, lots, grams, square metres."""
    return {"advanced": 0, "repaid": 0, "lots": [], "harvested_g": 0, "lost_m2": 0}


def check_fair(steps: Mapping[str, int | None], grower: str, time_ms: int) -> None:
    """Check that a grower was treated fairly before it signs.

    Args:
        steps: when each step was recorded, None where it was not.
        grower: who signs.
        time_ms: when.

    Raises:
        RefusedError: no copy, a copy of less than ten days, no advice offered, or not read aloud to one who asked.
    """
    given_ms = steps["copy"]
    if given_ms is None:
        raise RefusedError("agreements.copy", "a grower signs what it has a copy of", expected=f"a copy for {grower}")
    if time_ms < given_ms + COPY_DAYS * DAY_MS:
        raise RefusedError(
            "agreements.ten-days",
            "a copy is given ten days before the signature at least",
            expected=f"{day_of(given_ms + COPY_DAYS * DAY_MS)} or later",
            got=day_of(time_ms),
        )
    if steps["advice-offered"] is None:
        raise RefusedError("agreements.advice", "advice is offered before the signature", expected=f"to {grower}")
    if steps["reading-asked"] is not None and steps["read-aloud"] is None:
        raise RefusedError(
            "agreements.read-aloud", "the terms are read aloud to those who ask", expected=f"a reading to {grower}"
        )


def witness(case: Case) -> State:
    """The named witness signs that the agreement came about before it."""
    terms = case.known_terms
    case.expect_by(terms.get("witness"))
    case.expect_stage({"signed"})
    _expect_these_terms(case, bytes.fromhex(case.body["terms_hash"]), "agreements.draft")
    return {**case.state, "stage": "witnessed", "witnessed_ms": case.time_ms}


def amend(case: Case) -> tuple[State, dict[str, Any]]:
    """Change the terms by offer and acceptance again; parties and currency stay."""
    terms, state, new = case.known_terms, case.state, dict(case.body["terms"])
    case.expect_running()
    check_terms(new)
    for name in ("purchaser", "growers", "currency", "crop", "witness"):
        case.expect(
            new.get(name) == terms.get(name),
            "agreements.amendment",
            f"an amendment leaves the {name} as it is",
            expected=terms.get(name),
            got=new.get(name),
        )
    case.expect(
        case.body["number"] == state["terms"],
        "agreements.amendment",
        "amendments count from 1, one after the other",
        expected=state["terms"],
        got=case.body["number"],
    )
    case.expect(
        state["final"] is None, "agreements.amendment", "the season is settled", expected="an earlier amendment"
    )
    if not case.complete:
        return {**state, "amending": {"document": case.document_hash, "expires_ms": case.expires_ms}}, terms
    return {**state, "amending": None, "terms": state["terms"] + 1, "terms_hash": terms_hash(new)}, new


def mandate(case: Case) -> State:
    """A party lets an auditor read, a bank or a court's expert, or ends that."""
    case.expect_party()
    auditor, state = case.body["auditor"], case.state
    given = case.body["given"]
    case.expect(
        (auditor in state["mandates"]) != given,
        "agreements.mandate",
        "a mandate is given once, and one that was given is ended",
        expected="one that changes something",
        got=f"{auditor} {'may read' if given else 'may not read'} already",
    )
    others = [one for one in state["mandates"] if one != auditor]
    return {**state, "mandates": [*others, *([auditor] if given else [])]}
