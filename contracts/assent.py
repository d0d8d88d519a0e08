"""One document that several parties sign: a record each, and the last one makes it binding.

    progress = assent(act)
    changes = [*progress.changes, *([binding] if progress.complete else [])]

Each record before the last is an offer and says until when it holds (`exp`); the last one counts only while all of them
hold. A document that lapsed is offered again under a new id (formats.md, Document). Who the parties are follows from
the body, by the kind's `parties`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.keys import assent_key

if TYPE_CHECKING:
    from contracts.kind import Act
    from ledger.facts import Change


@dataclass(frozen=True, slots=True)
class Signed:
    """One party's signature.

    Attributes:
        actor: the party.
        issuer: who signed: the party, or the one that signs for it.
        position: its record's, 16 bytes.
        time_ms: its batch's time, Unix milliseconds.
        expires_at_s: until when the offer holds, Unix seconds; None where it does not end.
    """

    actor: str
    issuer: str
    position: bytes
    time_ms: int
    expires_at_s: int | None


@dataclass(frozen=True, slots=True)
class Assent:
    """How far a document has come.

    Attributes:
        signed: who signed so far, this record's party last.
        complete: whether this record makes it binding.
        changes: the facts to write.
    """

    signed: tuple[Signed, ...]
    complete: bool
    changes: tuple[Change, ...]


def assent(act: Act) -> Assent:
    """Count a party's signature under a document.

    Raises:
        RefusedError: it is no party's or the party's second one, the document binds already, an earlier offer lapsed,
            or this one is not the last and does not say until when it holds.
    """
    act.expect(
        act.actor in act.parties,
        "assent.party",
        "a document is signed by those it names as its parties",
        expected=", ".join(act.parties),
        got=act.actor,
    )
    key = assent_key(act.document.hash)
    earlier = tuple(Signed(*one) for one in (act.facts.get(key) or {"signed": []})["signed"])
    act.expect(
        all(one.actor != act.actor for one in earlier),
        "assent.twice",
        "this party has signed the document already",
        got=act.actor,
    )
    for one in earlier:
        act.expect(
            one.expires_at_s is None or act.at.time_ms < one.expires_at_s * 1000,
            "assent.lapsed",
            f"the offer of {one.actor} has lapsed; it has to be offered again under a new id",
            expected=f"before {one.expires_at_s}",
            got=act.at.time_ms // 1000,
        )
    complete = len(earlier) + 1 == len(act.parties)
    act.expect(
        complete or act.record.expires_at_s is not None,
        "assent.offer",
        "an offer says until when it holds",
        expected="a record with exp",
    )
    own = Signed(act.actor, act.record.issuer, act.at.position, act.at.time_ms, act.record.expires_at_s)
    signed = (*earlier, own)
    return Assent(signed, complete, (act.change(key, _state(signed, complete=complete)),))


def _state(signed: tuple[Signed, ...], *, complete: bool) -> dict[str, Any]:
    rows = [[one.actor, one.issuer, one.position, one.time_ms, one.expires_at_s] for one in signed]
    return {"signed": rows, "complete": complete}
