"""A lot's state, folded from the acts on it. The rules and the verdict fold the same way, with this one function.

state 0   {"owner": "pingtung.farm-1", "acts": 7, "amounts": {"g": [1200000, 800000, 900000]}, "known_in": ["g"],
           "recalled": null, "parents": [], "site": "P-1", "certificates": ["TAP-1"], "may_record": [], …}
act k     {"record": 17, "kind": "event", "step": "harvest", "time_ms": …, "registered_ms": …, "by": "pingtung.fa",
           "for": "pingtung.farm-1", "amounts": {"g": [1200000, 0, 0]}, "parents": [], "event": "urn:uuid:…", …}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.effects import AMOUNT_MAX, Amounts, add
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

PARENTS_MAX = 64


@dataclass(frozen=True, slots=True)
class LotAct:
    """One act on a lot, as far as the lot's state depends on it.

    Attributes:
        kind: the record's kind.
        step: the business step, or what the kind is called here.
        amounts: what it moves; for a correction what it takes back, with the signs turned.
        parents: lots that this one came of.
        terms: members of the state that it sets (a `lot` record's).
        recall: the record index of a recall, 0 where one is lifted, None else.
        leaves: whether goods of the lot go out by it to be sold or used.
    """

    kind: str
    step: str
    amounts: Amounts = field(default_factory=dict)
    parents: tuple[tuple[str, str], ...] = ()
    terms: Mapping[str, Any] = field(default_factory=dict)
    recall: int | None = None
    leaves: bool = False


def new_lot(gtin: str, lot: str, owner: str) -> dict[str, Any]:
    """Return the state of a lot on which nothing was recorded yet."""
    return {
        "gtin": gtin, "lot": lot, "owner": owner, "acts": 0, "amounts": {}, "known_in": [], "recalled": None,
        "parents": [], "site": None, "certificates": [], "may_record": [], "declared": False,
    }  # fmt: skip


def fold(state: Mapping[str, Any], act: LotAct) -> dict[str, Any]:
    """Return a lot's state after an act.

    Raises:
        RefusedError: more would have gone out than went in, or goods of a recalled lot would leave.
    """
    if state["recalled"] is not None and act.leaves:
        raise RefusedError(
            "produce.recalled",
            "goods of a recalled lot may be sent back or destroyed, nothing else",
            expected="disposition returned or recalled, or the step destroying",
            got=act.step,
        )
    if not (act.amounts or act.parents or act.terms) and act.recall is None:
        return {**state, "acts": state["acts"] + 1}
    before = {unit: (one[0], one[1], one[2]) for unit, one in state["amounts"].items()}
    after = add(before, act.amounts)
    if any(amount > AMOUNT_MAX for amounts in after.values() for amount in amounts):
        raise RefusedError("produce.amount", "a lot's amounts", expected=f"at most {AMOUNT_MAX} grams or thousandths")
    known_in = set(state["known_in"])
    if act.kind == "event":
        # Where no input was ever recorded, outputs are counted and said to have no shown input.
        known_in |= {unit for unit, (into, _, _) in act.amounts.items() if into}
    for unit in sorted(known_in):
        _check_balance(unit, after.get(unit, (0, 0, 0)), act.amounts.get(unit, (0, 0, 0))[1])
    parents = sorted({tuple(one) for one in state["parents"]} | set(act.parents))
    if len(parents) > PARENTS_MAX:
        raise RefusedError("produce.parents-max", "too many parent lots", expected=PARENTS_MAX, got=len(parents))
    recalled = state["recalled"]
    if act.recall is not None:
        recalled = act.recall or None
    return {
        **state,
        **act.terms,
        "acts": state["acts"] + 1,
        "amounts": {unit: list(amounts) for unit, amounts in sorted(after.items())},
        "known_in": sorted(known_in),
        "recalled": recalled,
        "parents": [list(one) for one in parents],
    }


def _check_balance(unit: str, after: tuple[int, int, int], leaving: int) -> None:
    into, out, _ = after
    if out <= into:
        return
    if leaving <= 0:
        # A correction takes an input back, or the first input that is shown comes after goods have left.
        raise RefusedError(
            "produce.mass-balance",
            "what left the lot already would be more than went into it",
            expected=f"at least {shown(out, unit)} in",
            got=f"{shown(into, unit)} in",
        )
    gone = out - leaving
    raise RefusedError(
        "produce.mass-balance",
        "more would leave the lot than went into it",
        expected=f"at most {shown(into - gone, unit)} ({shown(into, unit)} in, {shown(gone, unit)} out already)",
        got=shown(leaving, unit),
    )


def shown(amount: int, unit: str) -> str:
    """Return an amount in words: `1,200 kg`, `35 each`."""
    if unit == "g":
        return f"{amount / 1000:,.3f}".rstrip("0").rstrip(".") + " kg"
    return f"{amount / 1000:,.3f}".rstrip("0").rstrip(".") + f" {unit.removesuffix('/1000')}"
