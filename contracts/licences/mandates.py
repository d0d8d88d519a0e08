"""Mandates: who represents a people, and who may grant in an owner's name, how far.

    mandate             {"mandate": "M-1", "from": "amis.makotaay", "to": "ttart", "as": "agent", "works": ["W-1"],
                         "scope": {…}, "exclusive": false, "sublicensing": true, "delegation": false, "under": "M-0"}
    mandate-revocation  {"mandate": "M-1", "reason": "期滿不續"}

A mandate's days bound both when its holder may act and how long what it grants may last. One that lets its holder
delegate may have others under it, each within the one above. A revocation counts from its record on: what was granted
before stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import actor_key
from contracts.kind import ACTOR_ID, Act, Kind, body, some, text
from contracts.licences.acting import (
    AGENT,
    DEPTH_MAX,
    PEOPLE,
    REPRESENTATIVE,
    Mandate,
    chain_of,
    expect_in_force,
    expect_speaker,
    expect_within,
    mandate_of,
    representatives,
    role_of,
    speakers,
    today,
)
from contracts.licences.forms import NAME, SCOPE, decode_scope
from contracts.licences.keys import mandate_key, people_key
from contracts.licences.works import entry
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.licences.scope import Scope

WORKS_MAX = 64
REPRESENTATIVES_MAX = 16
POWERS = ("exclusive", "sublicensing", "delegation")


def _mandate(act: Act) -> list[Change]:
    content = act.body
    name, principal = content["mandate"], content["from"]
    scope = decode_scope(content["scope"])
    act.expect(act.facts.get(mandate_key(name)) is None, "licences.mandate-known", "this mandate is given", got=name)
    role = role_of(act.facts, content["to"])
    act.expect(role not in {"", PEOPLE}, "licences.actor", "a mandate is held by a registered person", got=role)
    depth = 0
    if content["as"] == REPRESENTATIVE:
        _expect_people(act, principal)
    elif "under" in content:
        depth = _expect_under(act, scope)
    else:
        expect_speaker(act, [principal])
        if act.actor != principal:
            # A representative gives no agent more than it has itself.
            _expect_part(act, representatives(act, principal)[act.actor], scope)
    state = {
        "mandate": name, "principal": principal, "holder": content["to"], "as": content["as"],
        "works": content.get("works"), "scope": scope.as_data(), **{power: content[power] for power in POWERS},
        "under": content.get("under"), "depth": depth, "ended": None, "record": act.at.index, "acts": 0,
    }  # fmt: skip
    return [*_act(act, state), *(_represent(act, principal, add=name) if content["as"] == REPRESENTATIVE else ())]


def _expect_people(act: Act, people: str) -> None:
    role = role_of(act.facts, people)
    act.expect(role == PEOPLE, "licences.people", "only a people has representatives", expected=PEOPLE, got=role)
    act.expect(
        act.actor == people and "under" not in act.body,
        "licences.representative",
        "a people itself names its representatives, or the council for it",
        expected=people,
        got=act.actor,
    )


def _expect_under(act: Act, scope: Scope) -> int:
    """Refuse a mandate that goes beyond the one above it; return how deep it hangs."""
    content = act.body
    above = mandate_of(act, content["under"])
    expect_in_force(act, above)
    act.expect(
        above["holder"] == act.actor and above["principal"] == content["from"],
        "licences.mandate-other",
        "a mandate is passed on by who holds it, in the same owner's name",
        expected=f"{above['holder']}, for {above['principal']}",
        got=f"{act.actor}, for {content['from']}",
    )
    act.expect(
        above["depth"] < DEPTH_MAX, "licences.depth", "too many under one another", expected=f"at most {DEPTH_MAX}"
    )
    _expect_part(act, above, scope)
    return int(above["depth"]) + 1


def _expect_part(act: Act, above: Mandate, scope: Scope) -> None:
    """Refuse a mandate that is more than a part of the one by which it is given."""
    content = act.body
    act.expect(
        above["works"] is None or "works" in content,
        "licences.mandate-scope",
        "the mandate above is about some works",
        expected=", ".join(above["works"] or ()),
        got="all works",
    )
    powers = ["delegation", *(power for power in POWERS if content[power])]
    for work in content.get("works", [""]):
        expect_within(act, above, work, scope, powers)


def _revoke(act: Act) -> list[Change]:
    state = mandate_of(act, act.body["mandate"])
    act.expect(state["ended"] is None, "licences.mandate-ended", "the mandate is revoked already", got=state["ended"])
    principal = state["principal"]
    allowed = {state["holder"], *(one["holder"] for one in chain_of(act, state))}
    allowed |= {principal} if state["as"] == REPRESENTATIVE else set(speakers(act, principal))
    act.expect(
        act.actor in allowed,
        "licences.owner",
        "a mandate is revoked by who gave it, one above it, or who holds it",
        expected=", ".join(sorted(allowed)),
        got=act.actor,
    )
    named = _represent(act, principal, drop=state["mandate"]) if state["as"] == REPRESENTATIVE else []
    return [*_act(act, {**state, "ended": today(act)}), *named]


def _represent(act: Act, people: str, *, add: str | None = None, drop: str | None = None) -> list[Change]:
    known = act.facts.get(people_key(people)) or {"representatives": [], "acts": 0}
    names = [*(one for one in known["representatives"] if one != drop), *([] if add is None else [add])]
    act.expect(
        len(names) <= REPRESENTATIVES_MAX,
        "licences.representative",
        "a people has too many representatives",
        expected=f"at most {REPRESENTATIVES_MAX}",
        got=len(names),
    )
    acts = known["acts"] + 1
    return [
        Change(people_key(people), {"representatives": names, "acts": acts}),
        Change(people_key(people, acts), {**entry(act), "representatives": names}),
    ]


def _act(act: Act, state: Mandate) -> list[Change]:
    acts = state["acts"] + 1
    return [
        Change(mandate_key(state["mandate"]), {**state, "acts": acts}),
        Change(mandate_key(state["mandate"], acts), {**entry(act), "ended": state["ended"]}),
    ]


def mandate_subject(content: Mapping[str, Any]) -> str:
    """Return how a record names a mandate."""
    return f"mandate/{content['mandate']}"


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield mandate_key(content["mandate"])
    if "from" in content:
        yield from (actor_key(content["from"]), actor_key(content["to"]), people_key(content["from"]))
    if "under" in content:
        yield mandate_key(content["under"])


_YES_OR_NO = {"type": "boolean"}

KINDS = (
    Kind(
        "mandate",
        body(
            {
                "mandate": NAME,
                "from": ACTOR_ID,
                "to": ACTOR_ID,
                "as": {"enum": [AGENT, REPRESENTATIVE]},
                "scope": SCOPE,
                **dict.fromkeys(POWERS, _YES_OR_NO),
            },
            {"works": some(NAME, WORKS_MAX), "under": NAME},
        ),
        mandate_subject,
        _mandate,
        _reads,
        hidden=frozenset({"memo"}),
    ),
    Kind(
        "mandate-revocation",
        body({"mandate": NAME, "reason": text()}),
        mandate_subject,
        _revoke,
        _reads,
        hidden=frozenset({"memo"}),
    ),
)
