"""Who may act for whose right: an owner itself, a people by its representatives, and those who hold a mandate.

A people's own key does nothing but name its representatives (the council that registered it may enter that for it).
What an agent does counts while its mandate and every mandate above it is in force, and within all of them: each lies
within the one above when it is given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.keys import actor_key
from contracts.licences.keys import mandate_key, people_key
from contracts.licences.scope import beyond, scope_of
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contracts.kind import Act
    from contracts.licences.scope import Scope
    from ledger.rulebook import Facts

AGENT = "agent"
REPRESENTATIVE = "representative"
PEOPLE = "people"
DEPTH_MAX = 4
"""How many mandates, or sublicences, may hang under one another."""

Mandate = dict[str, Any]


def today(act: Act) -> str:
    """Return the day of an act, by the calendar of Taipei."""
    return day_of(act.at.time_ms)


def role_of(facts: Facts, actor: str) -> str:
    """Return an actor's role, empty where nobody registered it."""
    state = facts.get(actor_key(actor))
    return "" if state is None else str(state["role"])


def mandate_of(act: Act, name: str) -> Mandate:
    """Return a mandate.

    Raises:
        RefusedError: there is none of that name.
    """
    state = act.facts.get(mandate_key(name))
    if state is None:
        raise RefusedError("licences.mandate-unknown", "there is no such mandate", got=name)
    return dict(state)


def chain_of(act: Act, mandate: Mandate) -> list[Mandate]:
    """Return a mandate and those above it, itself first."""
    chain = [mandate]
    while (under := chain[-1]["under"]) is not None:
        chain.append(mandate_of(act, under))
    return chain


def in_force(act: Act, mandate: Mandate) -> bool:
    """Say whether a mandate counts today: within its days, and neither it nor one above it is revoked."""
    scope, day = scope_of(mandate["scope"]), today(act)
    if day < scope.first or (scope.last is not None and day > scope.last):
        return False
    return all(one["ended"] is None for one in chain_of(act, mandate))


def expect_in_force(act: Act, mandate: Mandate) -> None:
    """Refuse the act unless a mandate counts today.

    Raises:
        RefusedError: it does not.
    """
    act.expect(
        in_force(act, mandate),
        "licences.mandate-ended",
        "the mandate does not count today",
        expected=_days(mandate),
        got=f"{today(act)}, {'revoked' if any(one['ended'] for one in chain_of(act, mandate)) else 'not revoked'}",
    )


def representatives(act: Act, people: str) -> dict[str, Mandate]:
    """Return the mandates of a people's representatives that count today, by the one who holds each."""
    names = (act.facts.get(people_key(people)) or {"representatives": []})["representatives"]
    act.facts.expect([mandate_key(name) for name in names])
    mandates = [mandate_of(act, name) for name in names]
    return {one["holder"]: one for one in mandates if in_force(act, one)}


def speakers(act: Act, principal: str, work: str | None = None) -> list[str]:
    """Return who speaks for an owner without a mandate that an act has to name: itself, or its representatives.

    Args:
        act: the act.
        principal: the owner.
        work: about which work; None about any.
    """
    if role_of(act.facts, principal) != PEOPLE:
        return [principal]
    held = representatives(act, principal)
    return sorted(one for one, by in held.items() if work is None or covers_work(by, work))


def expect_speaker(act: Act, principals: Sequence[str], work: str | None = None, scope: Scope | None = None) -> None:
    """Refuse the act unless it is of one who speaks for one of some owners, a representative within its mandate.

    Args:
        act: the act.
        principals: the owners.
        work: the work that the act is about, None where it is about none.
        scope: what it is about, None where that is the work as a whole.

    Raises:
        RefusedError: it is not.
    """
    by = {one: principal for principal in principals for one in speakers(act, principal, work)}
    act.expect(
        act.actor in by,
        "licences.owner",
        "only those whose right it is act on it, a people by its representatives",
        expected=", ".join(sorted(by)) or "a representative, of whom there is none",
        got=act.actor,
    )
    if scope is not None and work is not None and act.actor not in principals:
        _expect_about(act, representatives(act, by[act.actor])[act.actor], work, scope)


def mandate_for(act: Act, name: str, principals: Sequence[str], work: str, scope: Scope) -> Mandate:
    """Return a mandate by which its holder may do something for one of some owners.

    Args:
        act: the act.
        name: the mandate.
        principals: the owners.
        work: the work that the act is about.
        scope: what it is about.

    Raises:
        RefusedError: the mandate is of another, or ended, or the act goes beyond it.
    """
    held = mandate_of(act, name)
    expect_in_force(act, held)
    act.expect(
        held["principal"] in principals,
        "licences.mandate-other",
        "the mandate is of another",
        expected=f"one from {' or '.join(principals)}",
        got=held["principal"],
    )
    _expect_about(act, held, work, scope)
    return held


def expect_agent(act: Act, name: str, principals: Sequence[str], work: str, scope: Scope) -> None:
    """Refuse the act unless its actor may do it by a mandate; see `mandate_for`.

    Raises:
        RefusedError: it may not.
    """
    holder = mandate_for(act, name, principals, work, scope)["holder"]
    act.expect(
        holder == act.actor, "licences.mandate-other", "the mandate is another's", expected=holder, got=act.actor
    )


def _expect_about(act: Act, mandate: Mandate, work: str, scope: Scope) -> None:
    """Refuse what a mandate is not about; how long before it something began does not matter."""
    begins = max(scope.first, mandate["scope"]["first"])
    expect_within(act, mandate, work, replace(scope, first=begins), ())


def covers_work(mandate: Mandate, work: str) -> bool:
    """Say whether a mandate is about a work."""
    return mandate["works"] is None or work in mandate["works"]


def expect_within(act: Act, mandate: Mandate, work: str, scope: Scope, powers: Sequence[str]) -> None:
    """Refuse what goes beyond a mandate.

    Args:
        act: the act.
        mandate: the mandate.
        work: the work that it is about.
        scope: what is granted, or given on.
        powers: which of `exclusive`, `sublicensing` and `delegation` it takes.

    Raises:
        RefusedError: another work, a wider scope, or a power that the mandate does not give.
    """
    act.expect(
        covers_work(mandate, work),
        "licences.mandate-scope",
        "the mandate is about other works",
        expected=", ".join(mandate["works"] or ()),
        got=work,
    )
    limits = scope_of(mandate["scope"])
    over = beyond(scope, limits)
    act.expect(
        over is None,
        "licences.mandate-scope",
        "it goes beyond the mandate",
        expected=limits.words(),
        got=None if over is None else " ".join(over),
    )
    lacking = [power for power in powers if not mandate[power]]
    act.expect(
        not lacking,
        "licences.mandate-power",
        "the mandate gives no such power",
        expected=", ".join(power for power in ("exclusive", "sublicensing", "delegation") if mandate[power]) or "none",
        got=", ".join(lacking),
    )


def _days(mandate: Mandate) -> str:
    return f"{mandate['scope']['first']} to {mandate['scope'].get('last') or 'no end'}, not revoked"
