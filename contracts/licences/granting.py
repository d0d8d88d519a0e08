"""How a licence comes about: offered and accepted over one document, within the right of those who grant it.

    licence  {"policy": {…an ODRL agreement…}, "signers": ["amis.elder", "ttart", "taitung.tea"], "mandates": ["M-1"]}

The assignee signs, and for each assigner itself or whoever acts for it (`acting`). What is judged at the last signature
is judged at every offer too, so that nobody accepts what cannot be. An exclusive licence to the creation of a people is
signed by all its representatives and holds once the council has filed it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from contracts.assent import assent
from contracts.keys import actor_key
from contracts.kind import ACTOR_ID, Act, Kind, body, some
from contracts.licences import profile
from contracts.licences.acting import (
    DEPTH_MAX,
    PEOPLE,
    Mandate,
    expect_in_force,
    expect_within,
    mandate_of,
    representatives,
    role_of,
    speakers,
    today,
)
from contracts.licences.conflicts import check_free, foresee, stem_of
from contracts.licences.forms import NAME, decode_scope
from contracts.licences.keys import licence_key, mandate_key, people_key, slots_key, work_key
from contracts.licences.life import fold, standing, weakest
from contracts.licences.scope import beyond, scope_of
from contracts.licences.shelf import EXCLUSIVE, USE, Shelf, top_keys
from contracts.licences.vocabulary import ANY, CLOSED_LABELS, GIVEN_AWAY, NON_COMMERCIAL
from contracts.licences.works import entry, work_of
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contracts.licences.life import Standing
    from contracts.licences.scope import Scope
    from contracts.licences.terms import Terms

SIGNERS_MAX = 40
Licence = dict[str, Any]


REMEMBERED = 128
"""How many agreements are kept decoded: each is asked for several times while its record is judged."""


def terms_of(content: Mapping[str, Any]) -> Terms:
    """Return the terms that the body of a licence's record has.

    Raises:
        RefusedError: its policy is none of the profile.
    """
    return _decoded(json.dumps(content["policy"]))


@lru_cache(REMEMBERED)
def _decoded(policy: str) -> Terms:
    return profile.decode(json.loads(policy))


def licence_of(act: Act, licence: str) -> Licence:
    """Return a licence.

    Raises:
        RefusedError: nobody granted it.
    """
    state = act.facts.get(licence_key(licence))
    if state is None:
        raise RefusedError("licences.licence-unknown", "nobody granted this licence", got=licence)
    return dict(state)


def line_of(act: Act, licence: Licence) -> list[Licence]:
    """Return a licence and those that it is under, itself first."""
    line = [licence]
    while line[-1]["parent"] is not None:
        line.append(licence_of(act, line[-1]["parent"]))
    return line


def standing_on(act: Act, licence: Licence, day: str) -> Standing:
    """Return what a licence is on a day, those that it is under counted in."""
    return weakest([standing(one["life"], day) for one in line_of(act, licence)])


def principals_of(act: Act, licence: Licence) -> list[str]:
    """Return whose word counts on the granting side now: the work's owners, or the licensee above a sublicence."""
    if licence["parent"] is None:
        return list(work_of(act, licence["work"])["owners"])
    return [licence_of(act, licence["parent"])["licensee"]]


def term_of(licence: Licence) -> Scope:
    """Return what a licence covers while things may be made under it."""
    return scope_of(licence["use"]).until(licence["last"])


def _licence(act: Act) -> list[Change]:
    terms = terms_of(act.body)
    key = licence_key(terms.licence)
    act.expect(act.facts.get(key) is None, "licences.licence-known", "this licence is granted", got=terms.licence)
    act.expect(
        terms.scope.first >= today(act),
        "licences.past",
        "a licence begins on the day of its last signature or later",
        expected=f"{today(act)} or later",
        got=terms.scope.first,
    )
    work = work_of(act, terms.work)
    parent = None if terms.parent is None else licence_of(act, terms.parent)
    principals = list(work["owners"]) if parent is None else [parent["licensee"]]
    act.expect(
        sorted(terms.assigners) == sorted(principals),
        "licences.assigners",
        "a licence is granted by all whose right it is, and by nobody else",
        expected=", ".join(sorted(principals)),
        got=", ".join(sorted(terms.assigners)),
    )
    filing = terms.exclusive and work["people"] is not None
    _expect_signers(act, terms, principals, work["people"] if filing else None)
    _expect_labels(act, terms, work)
    if parent is not None:
        _expect_within_parent(act, terms, parent)
    check_free(foresee(act.facts, terms))
    progress = assent(act)
    if not progress.complete:
        return list(progress.changes)
    return [*progress.changes, *_grant(act, terms, parent, filing=filing)]


def _expect_signers(act: Act, terms: Terms, principals: Sequence[str], people: str | None) -> None:
    """Refuse a document that lacks a signer; `people` is set where all its representatives have to be among them."""
    powers = [power for power in ("exclusive", "sublicensing") if getattr(terms, power)]
    named, needed = _mandates(act, principals), {terms.assignee}
    for principal in principals:
        if principal in named:
            expect_in_force(act, named[principal])
            expect_within(act, named[principal], terms.work, terms.scope, powers)
            needed.add(named[principal]["holder"])
        elif role_of(act.facts, principal) == PEOPLE:
            _expect_representative(act, terms, principal, powers)
        else:
            needed.add(principal)
    if people is not None:
        needed |= set(speakers(act, people, terms.work))
    act.expect(
        needed <= set(act.parties),
        "licences.signers",
        "a licence is signed by all whom it takes",
        expected=", ".join(sorted(needed)),
        got=", ".join(act.parties),
    )
    both = terms.assignee in {*principals, *(one["holder"] for one in named.values())}
    act.expect(not both, "licences.both-sides", "nobody grants a licence to itself", got=terms.assignee)


def _mandates(act: Act, principals: Sequence[str]) -> dict[str, Mandate]:
    """Return the mandates that the body names, by the one who gave each."""
    names = act.body.get("mandates", [])
    named = {(one := mandate_of(act, name))["principal"]: one for name in names}
    act.expect(
        set(named) <= set(principals) and len(named) == len(names),
        "licences.mandate-other",
        "each mandate is of another one of those who grant",
        expected=", ".join(principals),
        got=", ".join(named),
    )
    return named


def _expect_representative(act: Act, terms: Terms, people: str, powers: Sequence[str]) -> None:
    """Refuse a document that no representative of a people signs, or one beyond the mandate of one who does."""
    # One who takes the licence does not speak for those who grant it.
    held = {one: by for one, by in representatives(act, people).items() if one != terms.assignee}
    signing = sorted(set(held) & set(act.parties))
    act.expect(
        signing,
        "licences.signers",
        "a people grants by a representative, or by an agent with a mandate",
        expected=f"{' or '.join(sorted(held)) or 'a representative'}, for {people}",
        got=", ".join(act.parties),
    )
    for one in signing:
        expect_within(act, held[one], terms.work, terms.scope, powers)


def _expect_labels(act: Act, terms: Terms, work: Mapping[str, Any]) -> None:
    closed = sorted(set(work["labels"]) & CLOSED_LABELS)
    act.expect(
        not closed, "licences.closed", "the work is not for others", expected="a work without such a label",
        got=", ".join(closed),
    )  # fmt: skip
    act.expect(
        NON_COMMERCIAL not in work["labels"] or terms.scope.channels == (GIVEN_AWAY,),
        "licences.non-commercial",
        "the work is not for commerce: what carries it is given away",
        expected=GIVEN_AWAY,
        got=", ".join(terms.scope.channels),
    )
    if work["people"] is not None:
        state = act.facts.get(actor_key(work["people"])) or {"name": {"zh-TW": ""}}
        name = state["name"]["zh-TW"]
        act.expect(
            name in dict(terms.attribution).get("zh-TW", ""),
            "licences.attribution",
            "the source of a people's creation is always named",
            expected=name,
            got=dict(terms.attribution).get("zh-TW", "no attribution"),
        )


def _expect_within_parent(act: Act, terms: Terms, parent: Licence) -> None:
    act.expect(
        parent["work"] == terms.work and parent["sublicensing"],
        "licences.sublicensing",
        "the licence above lets its licensee grant no sublicence of this",
        expected="a licence of the work with grantUse",
        got=terms.parent,
    )
    act.expect(
        parent["depth"] < DEPTH_MAX, "licences.depth", "too many under one another", expected=f"at most {DEPTH_MAX}"
    )
    above = standing_on(act, parent, today(act))
    act.expect(
        above.state in {"active", "early"},
        "licences.state",
        "the licence above does not hold",
        expected="active, or not begun yet",
        got=above.state,
    )
    for expected, got in _beyond_parent(terms, parent):
        raise RefusedError(
            "licences.beyond-parent", "a sublicence stays within the licence above", expected=expected, got=got
        )


def _beyond_parent(terms: Terms, parent: Licence) -> Iterable[tuple[str, str]]:
    """Yield what goes beyond the licence above: how far it may go, and how far it goes."""
    limits = term_of(parent)
    if (over := beyond(terms.scope, limits)) is not None:
        yield limits.words(), " ".join(over)
    selling = parent["use"].get("last")
    if selling is not None and (terms.use.last is None or terms.use.last > selling):
        yield f"sold until {selling}", f"sold until {terms.use.last}"
    for name in ("media", "actions"):
        wide = parent[name]
        if ANY not in wide and (more := sorted(set(getattr(terms, name)) - set(wide))):
            yield ", ".join(wide), ", ".join(more)
    if terms.exclusive and not parent["exclusive"]:
        yield "a licence that bars nobody", "one that bars others"
    if parent["samples"] and not terms.samples:
        yield "samples are approved first", "no approval"
    if missing := {*map(tuple, parent["attribution"].items())} - {*terms.attribution}:
        yield "; ".join(text for _, text in sorted(missing)), "; ".join(text for _, text in terms.attribution) or "none"
    if (left := left_of(parent)) is not None and (terms.quantity is None or terms.quantity > left):
        yield f"at most {left} pieces", "no limit" if terms.quantity is None else f"{terms.quantity} pieces"


def left_of(licence: Licence) -> int | None:
    """Return how many pieces may still be made or given to sublicences; None where that is open."""
    return None if licence["quantity"] is None else licence["quantity"] - licence["produced"] - licence["given"]


def _grant(act: Act, terms: Terms, parent: Licence | None, *, filing: bool) -> list[Change]:
    name, stem = terms.licence, stem_of(terms.work, terms.parent)
    changes, slots = Shelf(act.facts, stem, USE).put(name, terms.use)
    standing_at = {USE: slots, EXCLUSIVE: []}
    if terms.exclusive:
        more, standing_at[EXCLUSIVE] = Shelf(act.facts, stem, EXCLUSIVE).put(name, terms.scope)
        changes |= more
    first = {
        **entry(act), "first": terms.scope.first, "last": terms.scope.last, "sell_off_days": terms.sell_off_days,
        "filing": filing,
    }  # fmt: skip
    state = {
        "licence": name, "work": terms.work, "parent": terms.parent,
        "depth": 0 if parent is None else parent["depth"] + 1,
        "grantors": sorted(terms.assigners), "licensee": terms.assignee, "signers": list(act.parties),
        "mandates": list(act.body.get("mandates", [])), "use": terms.use.as_data(), "last": terms.scope.last,
        "media": list(terms.media), "actions": list(terms.actions), "exclusive": terms.exclusive,
        "sublicensing": terms.sublicensing, "quantity": terms.quantity, "attribution": dict(terms.attribution),
        "samples": terms.samples, "royalty": None if terms.royalty is None else terms.royalty.as_data(),
        "life": fold(None, first), "produced": 0, "given": 0, "checked": {}, "acts": 1, "record": act.at.index,
    }  # fmt: skip
    found = [
        Change(licence_key(name), state),
        Change(licence_key(name, 1), first),
        Change(slots_key(name), standing_at),
        *(Change(key, value) for key, value in changes.items()),
    ]
    if parent is not None and parent["quantity"] is not None and terms.quantity is not None:
        found.append(Change(licence_key(parent["licence"]), {**parent, "given": parent["given"] + terms.quantity}))
    return found


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    terms = terms_of(content)
    yield licence_key(terms.licence)
    yield work_key(terms.work)
    yield from top_keys(stem_of(terms.work, terms.parent))
    if terms.parent is not None:
        yield licence_key(terms.parent)
    for assigner in terms.assigners:
        yield from (actor_key(assigner), people_key(assigner))
    yield from (mandate_key(name) for name in content.get("mandates", ()))


def _check(content: Mapping[str, Any]) -> None:
    decode_scope(terms_of(content).scope.as_data())


def _subject(content: Mapping[str, Any]) -> str:
    return f"licence/{terms_of(content).licence}"


def licence_subject(content: Mapping[str, Any]) -> str:
    """Return how a record names the licence that it is about."""
    return f"licence/{content['licence']}"


KINDS = (
    Kind(
        "licence",
        body(
            {"policy": {"type": "object"}, "signers": some(ACTOR_ID, SIGNERS_MAX, 2)},
            {"mandates": some(NAME, 16)},
        ),
        _subject,
        _licence,
        _reads,
        check=_check,
        hidden=frozenset({"memo"}),
        parties=lambda content: content["signers"],
    ),
)
