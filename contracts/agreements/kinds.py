"""The kinds of records of agreements: private acts on one agreement, and what is public of agreements.

Whoever hands in an act names the agreement by its id, 128 random bits in hex, and nothing else: `docs/rules.md` has an
example of each.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from contracts.agreements import closing
from contracts.agreements.case import Case, new_state
from contracts.agreements.formation import FAIRNESS
from contracts.agreements.keys import agreement_key, market_key, terms_key
from contracts.agreements.life import fold
from contracts.agreements.terms import (
    AMOUNT,
    AMOUNT_MAX,
    DEFINITIONS,
    DISPUTE_STEPS,
    EVENTS,
    GRADE,
    GRAMS,
    GROWERS_MAX,
    PERMILLE,
    PERSONAL,
    REASONS,
    TERMINATION,
    TERMS,
    parties_of,
)
from contracts.assent import assent
from contracts.keys import actor_key, lot_key
from contracts.kind import ACTOR_ID, DATE, GTIN, LOT, SITE_ID, Act, Kind, body, integer, some, text
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from contracts.agreements.price import Market
    from ledger.facts import Change
    from ledger.rulebook import Facts

MARKET_DAYS = 7
"""How many days before a delivery a market's last price may lie."""

AGREEMENT_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"}
DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
LOTS = some(body({"gtin": GTIN, "lot": LOT}), 64)
LOTS_WITH_GRAMS = some(body({"gtin": GTIN, "lot": LOT, "grams": GRAMS}), 64)
LINE = body(
    {
        "what": text(40),
        "grower": ACTOR_ID,
        "delivery": {"anyOf": [NAME, {"const": ""}]},
        "grade": {"anyOf": [GRADE, {"const": ""}]},
        "grams": integer(0, AMOUNT_MAX),
        "per_kg": integer(-AMOUNT_MAX, AMOUNT_MAX),
        "amount": integer(-AMOUNT_MAX, AMOUNT_MAX),
    }
)


def act_on(act: Act) -> list[Change]:
    """Judge one act on an agreement and return the facts that it changes."""
    agreement = act.body["agreement"]
    state, terms = act.facts.get(agreement_key(agreement)), act.facts.get(terms_key(agreement))
    if act.record.kind == "agreement-draft" and state is None:
        state = new_state(agreement)
    elif state is None or terms is None or act.actor not in closing.readers(state, terms):
        # Both are one refusal: that there is an agreement, and how it stands, is not for others to try out.
        raise RefusedError("agreements.unknown", "there is no such agreement, or it concerns others", got=agreement)
    signed = assent(act) if act.parties else None
    expires_s = act.record.expires_at_s
    case = Case(
        kind=act.record.kind, body=act.body, document_hash=act.document.hash, actor=act.actor, time_ms=act.at.time_ms,
        expires_ms=None if expires_s is None else expires_s * 1000, complete=signed is not None and signed.complete,
        state=state, terms=terms, market=market_of(act.facts.get),
    )  # fmt: skip
    after = fold(case)
    _expect_people(act)
    _expect_lots(act, after.terms)
    entry = {
        "record": act.at.position, "kind": act.record.kind, "by": act.record.issuer, "for": act.actor,
        "time_ms": act.at.time_ms,
    }  # fmt: skip
    changes = [
        act.change(agreement_key(agreement), after.state),
        act.change(agreement_key(agreement, after.state["acts"]), entry),
    ]
    if after.terms != terms:
        changes.append(act.change(terms_key(agreement), after.terms))
    return [*(signed.changes if signed is not None else ()), *changes]


def market_of(get: Callable[[bytes], Any], *, before: int | None = None) -> Market:
    """Return what markets paid, as it was on record before an index (None: now).

    Args:
        get: a fact by its key.
        before: the tree size at which the settlement stands.
    """

    def price(source: str, series: str, day: str) -> tuple[int, str] | None:
        for back in range(MARKET_DAYS + 1):
            on = days_before(day, back)
            month = get(market_key(source, series, on[:7]))
            found = None if month is None else month["days"].get(on)
            if found is not None and (before is None or found[1] < before):
                return found[0], on
        return None

    return price


def days_before(day: str, count: int) -> str:
    """Return the day so many days before one, both `2026-11-03`."""
    return date.fromordinal(date.fromisoformat(day).toordinal() - count).isoformat()


def _expect_people(act: Act) -> None:
    """Check roles that the terms rest on: the witness is an association, an inspector signs for itself."""
    if act.record.kind in {"agreement-draft", "agreement-amendment"}:
        terms = act.body["terms"]
        named = [(terms.get("witness"), "association"), (terms["acceptance"].get("inspector"), "inspector")]
        named += [(grower, "farmer") for grower in terms["growers"]]
        for actor, role in named:
            state = None if actor is None else act.facts.get(actor_key(actor))
            act.expect(
                actor is None or (state is not None and state["role"] == role),
                "agreements.role",
                "the terms name somebody in another role",
                expected=f"{actor} as a registered {role}",
                got=None if state is None else state["role"],
            )
    if act.record.kind == "agreement-grading" and act.role() == "inspector":
        act.expect_inspector("agreements.role", "an inspector grades with a key of its own")


def _expect_lots(act: Act, terms: Mapping[str, Any]) -> None:
    """Check public lots: the grower's own, of a site of the terms; not recalled when they are delivered."""
    if act.record.kind not in {"agreement-growing", "agreement-delivery"}:
        return
    sites = {one["site"] for one in terms["sites"] if one["grower"] == act.actor and "site" in one}
    for one in act.body["lots"]:
        lot = act.facts.get(lot_key(one["gtin"], one["lot"]))
        act.expect(
            lot is not None and lot["owner"] == act.actor,
            "agreements.lot-owner",
            "a grower grows lots of its own that are registered",
            expected=f"a lot of {act.actor}",
            got="none" if lot is None else lot["owner"],
        )
        act.expect(
            lot is None or not sites or lot["site"] in sites,
            "agreements.lot-site",
            "the lot grows on a site of the agreement",
            expected=", ".join(sorted(sites)),
            got=None if lot is None else lot["site"],
        )
        act.expect(
            lot is None or lot["recalled"] is None,
            "agreements.recalled",
            "goods of a recalled lot are not delivered",
            got=one["lot"],
        )


def agreement_subject(content: Mapping[str, Any]) -> str:
    """Return how a record names an agreement."""
    return f"agreement/{content['agreement']}"


def who_reads(content: Mapping[str, Any], facts: Facts) -> Iterable[str]:
    """Return who may read an act on an agreement: whom its present state and terms name."""
    state, terms = facts.get(agreement_key(content["agreement"])), facts.get(terms_key(content["agreement"]))
    return () if state is None or terms is None else closing.readers(state, terms)


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield agreement_key(content["agreement"])
    yield terms_key(content["agreement"])
    for one in content.get("lots", ()):
        yield lot_key(one["gtin"], one["lot"])
    terms = content.get("terms")
    if terms is not None:
        for actor in (*terms["growers"], terms.get("witness"), terms["acceptance"].get("inspector")):
            if actor is not None:
                yield actor_key(actor)


def _act(
    name: str,
    required: Mapping[str, Any],
    optional: Mapping[str, Any] | None = None,
    *,
    hidden: frozenset[str] = frozenset({"memo"}),
    **more: Any,
) -> Kind:
    schema = {**body({"agreement": AGREEMENT_ID, **required}, optional), "$defs": DEFINITIONS}
    return Kind(
        name, schema, agreement_subject, act_on, _reads, hidden=hidden, private=True,
        readers=who_reads, **more,
    )  # fmt: skip


def _parties(content: Mapping[str, Any]) -> list[str]:
    return parties_of(content["terms"])


GRADED = some(body({"grade": GRADE, "grams": GRAMS}, {"moisture_permille": PERMILLE}), 64)
REJECTED = some(body({"grade": GRADE, "grams": GRAMS, "reason": {"enum": list(REASONS)}}), 64, 0)
MONEY = integer(1, AMOUNT_MAX)

PRIVATE_KINDS = (
    _act("agreement-draft", {"terms": TERMS}, hidden=PERSONAL),
    _act(
        "agreement-fairness",
        {"grower": ACTOR_ID, "step": {"enum": list(FAIRNESS)}, "terms_hash": DIGEST},
    ),
    _act("agreement", {"terms": TERMS}, hidden=PERSONAL, parties=_parties),
    _act("agreement-witness", {"terms_hash": DIGEST}),
    _act("agreement-amendment", {"number": integer(1, 1000), "terms": TERMS}, hidden=PERSONAL, parties=_parties),
    _act("agreement-mandate", {"auditor": ACTOR_ID, "given": {"type": "boolean"}}),
    _act("agreement-advance", {"item": text(), "amount": MONEY, "day": DATE}),
    _act("agreement-repayment", {"grower": ACTOR_ID, "amount": MONEY}),
    _act("agreement-growing", {"lots": LOTS}),
    _act("agreement-harvest", {"lots": LOTS_WITH_GRAMS, "day": DATE}),
    _act("agreement-delivery", {"delivery": NAME, "lots": LOTS_WITH_GRAMS, "day": DATE}),
    _act("agreement-grading", {"delivery": NAME, "rows": GRADED}),
    _act("agreement-acceptance", {"delivery": NAME, "rejected": REJECTED}),
    _act(
        "agreement-force-majeure",
        {"event": {"enum": list(EVENTS)}, "area_m2": integer(1, 10**12), "since": DATE},
        {"site": SITE_ID},
    ),
    _act(
        "agreement-settlement",
        {
            "settlement": NAME,
            "deliveries": some(NAME, 512, 0),
            "final": {"type": "boolean"},
            "lines": {"type": "array", "items": LINE, "maxItems": 4096},
            "sums": some(body({"grower": ACTOR_ID, "amount": AMOUNT}), GROWERS_MAX, 0),
        },
        {"proceeds": AMOUNT, "costs": AMOUNT},
    ),
    _act(
        "agreement-payment",
        {"payment": NAME, "settlement": NAME, "grower": ACTOR_ID, "amount": MONEY, "day": DATE, "method": text(80)},
        hidden=frozenset({"memo", "bank_account", "reference"}),
    ),
    _act("agreement-receipt", {"payment": NAME}),
    _act("agreement-dispute", {"dispute": NAME, "step": {"enum": list(DISPUTE_STEPS)}, "about": text(80)}),
    _act(
        "agreement-dispute-end",
        {
            "dispute": NAME,
            "outcome": {"enum": ["withdrawn", "agreed", "decided"]},
            "between": some(ACTOR_ID, GROWERS_MAX + 1),
        },
        parties=lambda content: content["between"],
    ),
    _act("agreement-termination", {"reason": {"enum": list(TERMINATION)}}),
    _act("agreement-close", {}),
)
