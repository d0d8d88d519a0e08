"""What the owners of a work make themselves; under an exclusive licence that is nothing within its scope.

    own-use      {"use": "U-1", "work": "W-1", "scope": {"territories": ["TW-TTT"], …, "first": …, "last": …}}
    own-use-end  {"use": "U-1", "last": "2026-06-30"}

An own use stands on the work's shelf like a licence that bars nobody: a later exclusive licence that meets it is
refused until it has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.kind import DATE, Act, Kind, body
from contracts.licences.acting import expect_speaker, today
from contracts.licences.conflicts import OWN_USE, check_free, find, stem_of
from contracts.licences.forms import NAME, SCOPE, decode_scope
from contracts.licences.keys import own_use_key, slots_key, work_key
from contracts.licences.scope import scope_of
from contracts.licences.shelf import USE, Shelf, top_keys
from contracts.licences.works import work_of
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _use(act: Act) -> list[Change]:
    content = act.body
    name, work = content["use"], work_of(act, content["work"])
    scope = decode_scope(content["scope"])
    act.expect(act.facts.get(own_use_key(name)) is None, "licences.own-use", "this own use is declared", got=name)
    expect_speaker(act, work["owners"], content["work"], scope)
    stem = stem_of(content["work"], None)
    check_free(find(act.facts, stem, scope, scope.last, exclusive=False))
    changes, slots = Shelf(act.facts, stem, USE).put(OWN_USE + name, scope)
    state = {
        "use": scope.as_data(), "last": scope.last, "exclusive": False, "name": name, "work": content["work"],
        "by": act.actor, "record": act.at.index,
    }  # fmt: skip
    return [
        Change(own_use_key(name), state),
        Change(slots_key(OWN_USE + name), {USE: slots}),
        *(Change(key, value) for key, value in changes.items()),
    ]


def _end(act: Act) -> list[Change]:
    name, last = act.body["use"], act.body["last"]
    state = act.facts.get(own_use_key(name))
    if state is None:
        raise RefusedError("licences.own-use", "nobody declared this own use", got=name)
    expect_speaker(act, work_of(act, state["work"])["owners"], state["work"], scope_of(state["use"]))
    act.expect(
        last >= today(act) and (state["last"] is None or last < state["last"]),
        "licences.future",
        "it ends earlier than it would, and not in the past",
        expected=f"from {today(act)} to before {state['last'] or 'its end'}",
        got=last,
    )
    slots = act.facts.get(slots_key(OWN_USE + name)) or {USE: []}
    ends = Shelf(act.facts, stem_of(state["work"], None), USE).end(OWN_USE + name, slots[USE], last)
    return [
        Change(own_use_key(name), {**state, "use": {**state["use"], "last": last}, "last": last}),
        *(Change(key, value) for key, value in ends.items()),
    ]


def _subject(content: Mapping[str, Any]) -> str:
    return f"own-use/{content['use']}"


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield own_use_key(content["use"])
    yield slots_key(OWN_USE + content["use"])
    if "work" in content:
        yield work_key(content["work"])
        yield from top_keys(stem_of(content["work"], None))


KINDS = (
    Kind("own-use", body({"use": NAME, "work": NAME, "scope": SCOPE}), _subject, _use, _reads),
    Kind("own-use-end", body({"use": NAME, "last": DATE}), _subject, _end, _reads),
)
