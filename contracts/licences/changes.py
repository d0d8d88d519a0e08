"""What happens to a licence after it was granted: filed, suspended, resumed, revoked; for the future only.

    licence-filing      {"licence": "L-1", "number": "原民授字第 7 號"}
    licence-suspension  {"licence": "L-1", "from": "2026-05-02", "reason": "標示不符"}
    licence-resumption  {"licence": "L-1", "from": "2026-05-21"}
    licence-revocation  {"licence": "L-1", "last": "2026-06-30", "reason": "breach"}

A suspension or its end counts from the day after its record at the earliest, a revocation lets the licence hold through
the day of its record at least. Goods made before are sold off for as long as was agreed, but not after a breach or harm
to the culture. Both sides sign what they agree on; the licensee may give the licence up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.assent import assent
from contracts.kind import ACTOR_ID, DATE, Act, Kind, body, some, text
from contracts.licences.acting import expect_agent, expect_speaker, mandate_for, speakers, today
from contracts.licences.conflicts import stem_of
from contracts.licences.forms import NAME
from contracts.licences.granting import SIGNERS_MAX, Licence, licence_of, licence_subject, principals_of, term_of
from contracts.licences.keys import licence_key, mandate_key, slots_key, work_key
from contracts.licences.life import fold, standing
from contracts.licences.shelf import EXCLUSIVE, USE, Shelf
from contracts.licences.works import entry
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COUNCIL = "council"
AGREED, SURRENDER = "agreed", "surrender"
FAULTS = frozenset({"breach", "cultural-harm"})
"""Reasons after which nothing is sold off."""

REASONS = (AGREED, SURRENDER, *sorted(FAULTS))


def _file(act: Act) -> list[Change]:
    state = licence_of(act, act.body["licence"])
    life = state["life"]
    act.expect(act.role() == COUNCIL, "licences.council", "the council files", expected=COUNCIL, got=act.role())
    act.expect(
        life["filing"] and life["filed"] is None and life["ended"] is None,
        "licences.filing",
        "the council files an exclusive licence to a people's creation, once",
        expected="one that awaits it",
        got=f"filed on {life['filed']}" if life["filed"] else "one that needs no filing, or has ended",
    )
    return _lived(act, state, number=act.body["number"])


def _suspend(act: Act) -> list[Change]:
    state, first = licence_of(act, act.body["licence"]), act.body["from"]
    expect_grantor(act, state)
    _expect_future(act, first, "from")
    act.expect(not _is_suspended(state), "licences.suspended", "the licence is suspended already", got=state["licence"])
    now = standing(state["life"], today(act))
    act.expect(
        now.state not in {"ended", "revoked"} and (now.sale_last is None or first <= now.sale_last),
        "licences.state",
        "the licence has ended by then",
        expected=f"{now.sale_last} or before",
        got=first,
    )
    return _lived(act, state, **{"from": first})


def _resume(act: Act) -> list[Change]:
    state = licence_of(act, act.body["licence"])
    expect_grantor(act, state)
    _expect_future(act, act.body["from"], "from")
    act.expect(_is_suspended(state), "licences.suspended", "the licence is not suspended", got=state["licence"])
    return _lived(act, state, **{"from": act.body["from"]})


def _is_suspended(state: Licence) -> bool:
    suspended = state["life"]["suspended"]
    return bool(suspended) and suspended[-1][1] is None


def _revoke(act: Act) -> list[Change]:
    content = act.body
    state, last, reason = licence_of(act, content["licence"]), content["last"], content["reason"]
    act.expect(
        (reason == AGREED) == ("signers" in content),
        "licences.agreed",
        "what is agreed is signed by both sides, and nothing else is",
        expected=f"signers, and the reason {AGREED}",
        got=reason,
    )
    if reason == AGREED:
        _expect_both(act, state)
    elif reason == SURRENDER:
        act.expect(
            act.actor == state["licensee"], "licences.licensee", "the licensee gives a licence up",
            expected=state["licensee"], got=act.actor,
        )  # fmt: skip
    else:
        expect_grantor(act, state)
    act.expect(
        last >= today(act), "licences.future", "a revocation is for the future", expected=f"{today(act)} or later",
        got=last,
    )  # fmt: skip
    act.expect(
        state["last"] is None or last < state["last"],
        "licences.ended",
        "the licence ends by then as it is",
        expected=f"a day before {state['last']}",
        got=last,
    )
    progress = assent(act) if act.parties else None
    if progress is not None and not progress.complete:
        return list(progress.changes)
    days = 0 if reason in FAULTS else _sell_off_days(state)
    signed = () if progress is None else progress.changes
    return [*signed, *_end(act, state, last, days)]


def _sell_off_days(state: Licence) -> int:
    life = state["life"]
    return int((life if life["ended"] is None else life["ended"])["sell_off_days"])


def _end(act: Act, state: Licence, last: str, sell_off_days: int) -> list[Change]:
    """Return the facts that change where a licence ends on a day: its life, and how far it reaches on the shelves."""
    effect = {"last": last, "sell_off_days": sell_off_days, "reason": act.body["reason"]}
    found = standing(fold(state["life"], {**entry(act), **effect}), last)
    use = {**state["use"], "last": found.sale_last}
    slots = act.facts.get(slots_key(state["licence"])) or {USE: [], EXCLUSIVE: []}
    stem = stem_of(state["work"], state["parent"])
    ends = {
        **Shelf(act.facts, stem, USE).end(state["licence"], slots[USE], str(found.sale_last)),
        **Shelf(act.facts, stem, EXCLUSIVE).end(state["licence"], slots[EXCLUSIVE], last),
    }
    return [
        *_lived(act, {**state, "use": use, "last": last}, **effect),
        *(Change(key, value) for key, value in ends.items()),
    ]


def _expect_both(act: Act, state: Licence) -> None:
    """Refuse an end that not both sides sign; the body names the mandate of an agent who signs for an owner."""
    signers, work, principals = set(act.body["signers"]), state["work"], principals_of(act, state)
    others = signers - {state["licensee"]}
    speaking = {one: set(speakers(act, one, work)) for one in principals}
    if (name := act.body.get("mandate")) is not None:
        held = mandate_for(act, name, principals, work, term_of(state))
        speaking[held["principal"]].add(held["holder"])
    act.expect(
        others != signers and all(others & one for one in speaking.values()),
        "licences.signers",
        "what is agreed is signed by the licensee and by all who grant",
        expected=", ".join([state["licensee"], *principals]),
        got=", ".join(sorted(signers)),
    )


def expect_grantor(act: Act, state: Licence, above: Licence | None = None) -> None:
    """Refuse the act unless it is of the granting side, or of its agent within the mandate that the body names.

    Args:
        act: the act.
        state: the licence that it is about.
        above: the licence above it whose granting side is meant, None where its own is.

    Raises:
        RefusedError: it is not.
    """
    principals, mandate = principals_of(act, above or state), act.body.get("mandate")
    if mandate is None:
        expect_speaker(act, principals, state["work"], term_of(state))
    else:
        expect_agent(act, mandate, principals, state["work"], term_of(state))


def _expect_future(act: Act, day: str, name: str) -> None:
    act.expect(
        day > today(act), "licences.future", "it counts for the future only",
        expected=f"{name} after {today(act)}", got=day,
    )  # fmt: skip


def _lived(act: Act, state: Licence, **effect: Any) -> list[Change]:
    """Return the facts of an act on a licence's life: its state and its next act."""
    acts, one = state["acts"] + 1, {**entry(act), **effect}
    name = state["licence"]
    return [
        Change(licence_key(name), {**state, "life": fold(state["life"], one), "acts": acts}),
        Change(licence_key(name, acts), one),
    ]


def licence_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    """Yield what every rule about a licence reads."""
    yield licence_key(content["licence"])
    yield slots_key(content["licence"])
    if "mandate" in content:
        yield mandate_key(content["mandate"])
    if "work" in content:
        yield work_key(content["work"])


_BY = {"mandate": NAME}
_MEMO = frozenset({"memo"})

KINDS = (
    Kind("licence-filing", body({"licence": NAME, "number": text(80)}), licence_subject, _file, licence_reads),
    Kind(
        "licence-suspension",
        body({"licence": NAME, "from": DATE, "reason": text()}, _BY),
        licence_subject,
        _suspend,
        licence_reads,
        hidden=_MEMO,
    ),
    Kind(
        "licence-resumption",
        body({"licence": NAME, "from": DATE}, _BY),
        licence_subject,
        _resume,
        licence_reads,
        hidden=_MEMO,
    ),
    Kind(
        "licence-revocation",
        body(
            {"licence": NAME, "last": DATE, "reason": {"enum": list(REASONS)}},
            {**_BY, "signers": some(ACTOR_ID, SIGNERS_MAX, 2)},
        ),
        licence_subject,
        _revoke,
        licence_reads,
        hidden=_MEMO,
        parties=lambda content: content.get("signers", ()),
    ),
)
