"""A charge from its code to its end: the rule folds it over the books, the verdict over the charge's own records.

    state = begin(body, actor="noodles", terms=terms, offers=…, time_ms=…)     posted, held or pending
    state = follow(state, Step("coins-confirm", body, issuer=…, actor=…, time_ms=…))

Nothing here knows what an account holds; that a voucher could not be paid is said by the books alone. What is paid with
tickets, coupons or money too (`contracts.rewards.means`) is final at once: the resident's code names all of it, or a
printed card pays it within its limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.rewards.book import holder_of
from contracts.rewards.code import code_of
from contracts.rewards.means import BACK, mix, unmix
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.rewards.code import Code
    from contracts.rewards.means import Offers

CODE_LIFE_S = 300
VOUCHER_LIFE_S = 7 * 86_400
CONFIRM_MS = 300_000


@dataclass(frozen=True, slots=True)
class Step:
    """An act on a charge.

    Attributes:
        kind: of its record.
        body: of its document.
        issuer: who signed it.
        actor: whose act it is.
        time_ms: Unix milliseconds.
    """

    kind: str
    body: Mapping[str, Any]
    issuer: str
    actor: str
    time_ms: int


def stage(state: Mapping[str, Any], time_ms: int) -> str:
    """Return how a charge stands at a time: `pending`, `held`, `lapsed`, `posted`, `voided` or `unpaid`."""
    if state["stage"] in {"pending", "held"} and state["until_ms"] <= time_ms:
        return "lapsed"
    return str(state["stage"])


def begin(
    content: Mapping[str, Any], *, actor: str, terms: Mapping[str, Any], offers: Offers, time_ms: int
) -> dict[str, Any]:
    """Return the state of a charge that its account can pay.

    Args:
        content: the body of the charge.
        actor: whose till it is.
        terms: the programme's, in force.
        offers: where terms of tickets and coupons come from.
        time_ms: Unix milliseconds.

    Raises:
        RefusedError: another's till, a code that is over or bound to another, a voucher or a hold beyond its bounds.
    """
    merchant, branch = content["merchant"], content["branch"]
    _expect(actor == merchant, "till.merchant", "a merchant charges for itself", expected=merchant, got=actor)
    _expect(
        branch in terms["merchants"].get(merchant, ()),
        "till.merchant",
        "the programme has no such till",
        got=f"{merchant} {branch}",
    )
    _expect(("code" in content) != ("card" in content), "till.code", "a charge is by a code or by a card")
    code = code_of(content) if "code" in content else None
    if code is not None:
        _expect_code(content, code, terms, time_ms)
    else:
        _expect("hold_s" not in content, "till.card", "nothing is held by a card")
    mixed = mix(content, terms=terms, offers=offers, time_ms=time_ms)
    until_ms = _held_ms(content, code, time_ms)
    _expect(
        mixed is None or (until_ms is None and not (code is not None and code.offline)),
        "till.at-once",
        "what is paid with tickets, coupons or money is final at once: below the code's ceiling, not held, no voucher",
    )
    held = "held" if "hold_s" in content else "pending"
    return {
        "charge": content["charge"],
        "programme": terms["programme"],
        "merchant": merchant,
        "branch": branch,
        "account": content["account"],
        "coins": content["coins"],
        "posted": content["coins"] if until_ms is None else 0,
        "refunded": 0,
        "mixed": mixed,
        "time_ms": time_ms,
        "until_ms": until_ms,
        "acts": 0,
        "by": "card" if code is None else "code",
        "offline": code is not None and code.offline,
        "stage": "posted" if until_ms is None else held,
    }


def unpaid(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a voucher that its account could not pay any more."""
    return {**state, "posted": 0, "until_ms": None, "stage": "unpaid"}


def follow(state: Mapping[str, Any], step: Step) -> dict[str, Any]:
    """Return the state of a charge after an act on it.

    Raises:
        RefusedError: the charge does not stand there, or another may do this.
    """
    return _FOLLOW[step.kind](dict(state), step)


def _confirm(state: dict[str, Any], step: Step) -> dict[str, Any]:
    holder = holder_of(state["account"])
    _expect(
        step.issuer == holder,
        "coins.holder",
        "only the account's holder signs this",
        expected=holder,
        got=step.issuer,
    )
    _expect_stage(state, step, "pending")
    coins = step.body["coins"]
    _expect(
        coins == state["coins"],
        "till.coins",
        "another sum than the till asks for",
        expected=state["coins"],
        got=coins,
    )
    return {**state, "stage": "posted", "posted": coins, "until_ms": None}


def _post(state: dict[str, Any], step: Step) -> dict[str, Any]:
    _expect_merchant(state, step)
    _expect_stage(state, step, "held")
    coins = step.body["coins"]
    _expect(
        coins <= state["coins"],
        "coins.hold-coins",
        "more than is held",
        expected=f"1 to {state['coins']}",
        got=coins,
    )
    return {**state, "stage": "posted", "posted": coins, "until_ms": None}


def _void(state: dict[str, Any], step: Step) -> dict[str, Any]:
    # Who is asked to confirm may say no; a hold that was agreed on is the merchant's to let go.
    if not (step.issuer == holder_of(state["account"]) and state["stage"] == "pending"):
        _expect_merchant(state, step)
    _expect_stage(state, step, "pending", "held")
    return {**state, "stage": "voided", "until_ms": None}


def _refund(state: dict[str, Any], step: Step) -> dict[str, Any]:
    _expect_merchant(state, step)
    _expect_stage(state, step, "posted")
    coins, left = step.body["coins"], state["posted"] - state["refunded"]
    _expect(coins <= left, "till.refund", "more than was charged and is not refunded yet", expected=left, got=coins)
    after = {**state, "refunded": state["refunded"] + coins}
    beside = [name for name in BACK if name in step.body]
    if state["mixed"] is not None:
        after["mixed"] = unmix(state["mixed"], step.body, left - coins)
    _expect(
        coins or beside if state["mixed"] is not None else coins and not beside,
        "till.refund",
        "a refund is of what the charge was paid with",
    )
    return after


_FOLLOW: dict[str, Callable[[dict[str, Any], Step], dict[str, Any]]] = {
    "coins-confirm": _confirm,
    "coins-post": _post,
    "coins-void": _void,
    "coins-refund": _refund,
}
FOLLOWING = frozenset(_FOLLOW)
"""The kinds of acts on a charge."""


def _expect_code(content: Mapping[str, Any], code: Code, terms: Mapping[str, Any], time_ms: int) -> None:
    now_s, coins = time_ms // 1000, content["coins"]
    life_s = VOUCHER_LIFE_S if code.offline else CODE_LIFE_S
    _expect(
        now_s < code.until_s <= now_s + life_s,
        "till.code-life",
        "the code is over, or not of now",
        expected=f"{now_s + 1} to {now_s + life_s}",
        got=code.until_s,
    )
    _expect(code.merchant in (None, content["merchant"]), "till.code-merchant", "the code is for another till")
    if code.offline:
        _expect(code.merchant is not None, "till.voucher", "a voucher is for one merchant")
        _expect(
            max(code.ceiling, coins) <= min(terms["offline_max"], code.ceiling),
            "till.voucher",
            "a voucher is of few coins, and pays no more than it says",
            expected=terms["offline_max"],
            got=coins,
        )
        _expect("hold_s" not in content, "till.voucher", "a voucher is not held")
    _expect(
        "hold_s" not in content or coins <= code.ceiling,
        "till.ceiling",
        "a hold stays below the code's ceiling",
        expected=code.ceiling,
        got=coins,
    )


def _held_ms(content: Mapping[str, Any], code: Code | None, time_ms: int) -> int | None:
    """Return until when a charge is held: as asked, or while it waits for the resident's word; None where it is not."""
    if "hold_s" in content:
        return time_ms + int(content["hold_s"]) * 1000
    return None if code is None or content["coins"] <= code.ceiling else time_ms + CONFIRM_MS


def _expect_merchant(state: Mapping[str, Any], step: Step) -> None:
    _expect(
        step.actor == state["merchant"], "till.merchant", "only the merchant of the charge does this", got=step.actor
    )


def _expect_stage(state: Mapping[str, Any], step: Step, *stages: str) -> None:
    found = stage(state, step.time_ms)
    _expect(found in stages, "till.stage", "the charge does not stand there", expected=", ".join(stages), got=found)


def _expect(holds: object, rule: str, message: str, *, expected: object = None, got: object = None) -> None:
    if not holds:
        raise RefusedError(rule, message, expected=expected, got=got)
