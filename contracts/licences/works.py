"""Works: whose they are, which image they are, what labels they carry, and to whom the right goes.

    work           {"work": "W-1", "title": {"zh-TW": "海浪與月桃"}, "people": "amis.makotaay",
                    "registration": {"number": "原創字第 12 號", "day": "2025-06-01"}, "image": "<sha256>",
                    "labels": ["TK A"]}
    work-labels    {"work": "W-1", "labels": ["TK A", "TK NC"]}
    work-transfer  {"work": "W-2", "from": "taitung.panay", "to": "taitung.lokal", "signers": ["taitung.panay", …]}

A work belongs to its creators (copyright), to a people (registration with the council), or to both together. Customs
and taboos stand in hidden fields. Labels count for what is granted after them. A transfer leaves every licence as it
stands; the right of a people does not pass to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.assent import assent
from contracts.keys import actor_key
from contracts.kind import ACTOR_ID, DATE, Act, Kind, body, integer, names, some, text
from contracts.licences.acting import PEOPLE, expect_speaker, role_of, speakers
from contracts.licences.forms import NAME, SHA256
from contracts.licences.keys import image_key, people_key, work_key
from contracts.licences.vocabulary import LABELS
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWNERS_MAX = 16


def work_of(act: Act, work: str) -> dict[str, Any]:
    """Return a work.

    Raises:
        RefusedError: nobody registered it.
    """
    state = act.facts.get(work_key(work))
    if state is None:
        raise RefusedError("licences.work-unknown", "nobody registered this work", got=work)
    return dict(state)


def check_work(content: Mapping[str, Any]) -> None:
    """Check what the schema cannot say: creators have a copyright, a people has a registration.

    Raises:
        RefusedError: it is not so, or the work has neither.
    """
    for owner, right in (("creators", "copyright"), ("people", "registration")):
        if (owner in content) != (right in content):
            raise RefusedError(
                "licences.work", f"a work of {owner} has a {right}", expected=f"{owner} and {right}, or neither"
            )
    if "creators" not in content and "people" not in content:
        raise RefusedError("licences.work", "a work is somebody's", expected="creators, or a people")


def _work(act: Act) -> list[Change]:
    content = act.body
    work, image, people = content["work"], content["image"], content.get("people")
    creators = list(content.get("creators", []))
    act.expect(act.facts.get(work_key(work)) is None, "licences.work-known", "this work is registered", got=work)
    known = act.facts.get(image_key(image))
    act.expect(
        known is None,
        "licences.image-known",
        "this image is of another work already",
        got=None if known is None else known["work"],
    )
    for creator in creators:
        role = role_of(act.facts, creator)
        act.expect(
            role not in {"", PEOPLE}, "licences.actor", "a creator is a registered person", expected=creator, got=role
        )
    if people is not None:
        role = role_of(act.facts, people)
        act.expect(role == PEOPLE, "licences.people", "a people is registered as one", expected=people, got=role)
    owners = [*creators, *([] if people is None else [people])]
    expect_speaker(act, owners, work)
    state = {
        "work": work, "owners": owners, "creators": creators, "people": people, "title": dict(content["title"]),
        "image": image, "labels": sorted(content["labels"]), "copyright": content.get("copyright"),
        "registration": content.get("registration"), "record": act.at.index, "acts": 0,
    }  # fmt: skip
    return [*work_act(act, state, labels=state["labels"]), Change(image_key(image), {"work": work})]


def _labels(act: Act) -> list[Change]:
    state = work_of(act, act.body["work"])
    expect_speaker(act, state["owners"], state["work"])
    labels = sorted(act.body["labels"])
    return work_act(act, {**state, "labels": labels}, labels=labels)


def _transfer(act: Act) -> list[Change]:
    content = act.body
    state, giver, taker = work_of(act, content["work"]), content["from"], content["to"]
    owners = list(state["owners"])
    act.expect(
        giver in owners and giver != state["people"],
        "licences.transfer",
        "a copyright passes on, by those who hold it; the right of a people does not",
        expected=", ".join(one for one in owners if one != state["people"]) or "none that can pass",
        got=giver,
    )
    act.expect(
        taker not in owners and role_of(act.facts, taker) not in {"", PEOPLE},
        "licences.transfer",
        "it passes to a registered person who has no part in it yet",
        expected="one who is no owner",
        got=taker,
    )
    for owner in (*owners, taker):
        allowed = speakers(act, owner, state["work"])
        act.expect(
            set(allowed) & set(content["signers"]),
            "licences.signers",
            "every owner and who takes the right sign a transfer",
            expected=f"{' or '.join(allowed) or 'a representative'}, for {owner}",
            got=", ".join(content["signers"]),
        )
    progress = assent(act)
    if not progress.complete:
        return list(progress.changes)
    after = [taker if one == giver else one for one in owners]
    return [*progress.changes, *work_act(act, {**state, "owners": after}, owners=after)]


def work_act(act: Act, state: Mapping[str, Any], **effect: Any) -> list[Change]:
    """Return the facts of an act on a work: its state and its next act."""
    acts = state["acts"] + 1
    return [
        Change(work_key(state["work"]), {**state, "acts": acts}),
        Change(work_key(state["work"], acts), {**entry(act), **effect}),
    ]


def entry(act: Act) -> dict[str, Any]:
    """Return what every act of a history says: which record, of whom, by whom, when."""
    return {
        "record": act.at.index, "kind": act.record.kind, "by": act.record.issuer, "for": act.actor,
        "time_ms": act.at.time_ms,
    }  # fmt: skip


def work_subject(content: Mapping[str, Any]) -> str:
    """Return how a record names a work."""
    return f"work/{content['work']}"


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield work_key(content["work"])
    if "image" in content:
        yield image_key(content["image"])
    for actor in (*content.get("creators", ()), *(content[name] for name in ("people", "to") if name in content)):
        yield actor_key(actor)
    if "people" in content:
        yield people_key(content["people"])


_LABELS = some({"enum": sorted(LABELS)}, len(LABELS), 0)

KINDS = (
    Kind(
        "work",
        body(
            {"work": NAME, "title": names(), "image": SHA256, "labels": _LABELS},
            {
                "creators": some(ACTOR_ID, OWNERS_MAX),
                "copyright": body({"year": integer(1000, 9999)}),
                "people": ACTOR_ID,
                "registration": body({"number": text(80), "day": DATE}),
            },
        ),
        work_subject,
        _work,
        _reads,
        check=check_work,
        hidden=frozenset({"customs", "taboos", "memo"}),
    ),
    Kind("work-labels", body({"work": NAME, "labels": _LABELS}), work_subject, _labels, _reads),
    Kind(
        "work-transfer",
        body({"work": NAME, "from": ACTOR_ID, "to": ACTOR_ID, "signers": some(ACTOR_ID, OWNERS_MAX * 2, 2)}),
        work_subject,
        _transfer,
        _reads,
        parties=lambda content: content["signers"],
        hidden=frozenset({"memo"}),
    ),
)
