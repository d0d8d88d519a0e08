"""The rules as the log is handed them: version 1.

What every record must hold to stands in `Rules.apply`, step by step; what a kind asks beyond it stands in its table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from contracts import actors, agreements, certificates, governance, licences, produce, products, rewards
from contracts.keys import actor_key, assent_key, hidden_key, key_key
from contracts.kind import DAY_MS, Act, Kind, Schema, check_whole, nobody
from contracts.rewards.book import HOLDER
from contracts.rewards.keys import account_key, holder_key
from ledger.errors import RefusedError
from ledger.rulebook import At, Facts, Signer, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.document import Document
    from ledger.facts import Change
    from ledger.record import Record
    from ledger.rulebook import Rulebook

KINDS: dict[str, Kind] = {
    kind.name: kind
    for family in (governance, actors, certificates, products, produce, agreements, rewards, licences)
    for kind in family.KINDS
}
_IRI_MARKS = re.compile("[:/#]")
_LETTERS = re.compile("[a-z0-9]+")
_SCHEMAS = {name: Schema(kind.schema) for name, kind in KINDS.items()}


def rulebooks() -> dict[int, Rulebook]:
    """Return the rules by version; old ones stay, so that old records can be replayed."""
    return {1: Rules()}


def kind_of(name: str) -> Kind:
    """Return a kind.

    Raises:
        RefusedError: there is none of that name.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise RefusedError("rules.kind", "no such kind of record", expected=", ".join(sorted(KINDS)), got=name)
    return kind


def check_form(record: Record, document: Document) -> Kind:
    """Check what a record and its document must hold to by themselves; rules and verdicts both do.

    1. the kind is known; 2. the body is of its schema, its numbers whole; 3. what may only be hidden is hidden, and
    nothing else is; 4. the header's subject is the document's.

    Raises:
        RefusedError: they do not.
    """
    kind = kind_of(record.kind)
    _SCHEMAS[kind.name].check(document.body)
    if kind.whole:
        check_whole(document.body)
    if kind.check is not None:
        kind.check(document.body)
    _check_hidden(kind, document)
    subject = kind.subject(kind.content(document))
    if record.subject != subject:
        raise RefusedError(
            "rules.subject", "the header names another subject than the document", expected=subject, got=record.subject
        )
    return kind


def readers_of(record: Record, document: Document, facts: Facts) -> set[str]:
    """Return who may read a private record: who signed it, whose act it is, and whom its kind names."""
    kind = kind_of(record.kind)
    return {record.issuer, kind.actor_of(record, document), *kind.readers(document.body, facts)}


class Rules:
    """Version 1."""

    version = 1

    def is_private(self, kind: str) -> bool:
        """Say whether records of this kind are private."""
        return kind_of(kind).private

    def reads(self, submission: Submission) -> Iterable[bytes]:
        """Yield the keys that a record's rule is known to read."""
        record, document = submission.record, submission.document
        yield key_key(record.kid)
        yield actor_key(record.issuer)
        if record.issuer.startswith(HOLDER):
            yield holder_key(record.kid)
        if document.context is not None and document.context.entered_for is not None:
            yield actor_key(document.context.entered_for)
        for digest in document.hidden.values():
            yield hidden_key(digest)
        try:
            kind = KINDS[record.kind]
            if kind.parties is not nobody:
                yield assent_key(document.hash)
            yield from kind.reads(kind.content(document))
        except Exception:  # noqa: BLE001 - any fault of any body that nobody checked yet
            # The body is not of its schema: the rule will say so. Raised here, it would fail the whole batch.
            return

    def signer(self, kid: bytes, facts: Facts) -> Signer:
        """Return whose key this is."""
        key = facts.get(key_key(kid))
        if key is None and facts.sees_private:
            key = facts.get(holder_key(kid))
        if key is None:
            raise RefusedError("actors.key-unknown", "nobody registered this key", got=kid.hex())
        return Signer(key["actor"], key["public_key"])

    def check(self, submission: Submission) -> None:
        """Check a record's form: kind, schema, hidden fields, subject."""
        check_form(submission.record, submission.document)

    def apply(self, submission: Submission, facts: Facts, at: At) -> list[Change]:
        """Judge one record whose form is right.

        1. It is not expired and not from the future. 2. The key is entitled and its actor active. 3. Whose act it is:
        the issuer's, or that of one below it. 4. The kind's own rule. 5. Whose hidden fields it has.
        """
        record, document = submission.record, submission.document
        kind = kind_of(record.kind)
        _check_times(record, at)
        _check_key(kind, record, facts, at)
        actor, parties = kind.actor_of(record, document), tuple(kind.parties(document.body))
        act = Act(record, document, at, actor, facts, private=kind.private, parties=parties)
        _check_acting(act)
        changes = kind.apply(act)
        return [*changes, *_hidden_facts(act)]

    def genesis(self, body: Mapping[str, Any], at: At) -> list[Change]:
        """Return the facts of the first actor."""
        return actors.first_actor(body["actor"], at)


def _check_times(record: Record, at: At) -> None:
    if record.expires_at_s is not None and at.time_ms >= record.expires_at_s * 1000:
        raise RefusedError(
            "rules.expired", "the record is expired", expected=f"before {record.expires_at_s}", got=at.time_ms // 1000
        )
    if record.issued_at_s * 1000 > at.time_ms + DAY_MS:
        raise RefusedError(
            "rules.issued-at", "the record is signed in the future", expected=at.time_ms // 1000, got=record.issued_at_s
        )


def _check_key(kind: Kind, record: Record, facts: Facts, at: At) -> None:
    # The holder of a private account signs what its kind lets it sign, and nothing else in the log.
    holder = kind.holders and record.issuer.startswith(HOLDER)
    key = facts.get((holder_key if holder else key_key)(record.kid))
    if key is None or key["state"] != "active":
        state = "unknown" if key is None else key["state"]
        raise RefusedError(f"actors.key-{state}", f"the key is {state}", expected="an active key", got=record.kid.hex())
    if not key["from"] < at.position:
        raise RefusedError("actors.key-early", "the key is not entitled yet", expected="a later record")
    owner = account_key(record.issuer.removeprefix(HOLDER)) if holder else actor_key(record.issuer)
    actor = facts.get(owner)
    if actor is None or actor["state"] not in {"active", "open"}:
        raise RefusedError("actors.inactive", "the actor is not active", got=record.issuer)


def _check_acting(act: Act) -> None:
    if act.actor == act.record.issuer:
        return
    act.expect(
        act.is_under(act.actor, act.record.issuer),
        "actors.entered-for",
        "one may enter only for those whom one registered, or who are below them",
        expected=f"one below {act.record.issuer}",
        got=act.actor,
    )
    state = act.facts.get(actor_key(act.actor))
    act.expect(
        state is not None and state["state"] == "active",
        "actors.inactive",
        "the actor whose act it is is not active",
        got=act.actor,
    )


def _hidden_facts(act: Act) -> list[Change]:
    changes: list[Change] = []
    digests = list(act.document.hidden.values())
    act.expect(len(set(digests)) == len(digests), "rules.hidden-known", "two hidden fields have one digest")
    for name, digest in sorted(act.document.hidden.items()):
        known = act.facts.get(hidden_key(digest))
        if known is not None and known["document"] == act.document.hash and act.parties:
            # The parties sign one document: its hidden fields are of the one who offered it.
            continue
        act.expect(known is None, "rules.hidden-known", "this digest stands in another record already", got=name)
        state = {
            "actor": act.actor, "issuer": act.record.issuer, "record": act.at.index,
            "document": act.document.hash, "name": name, "private": act.private,
        }  # fmt: skip
        changes.append(act.change(hidden_key(digest), state))
    return changes


def _check_hidden(kind: Kind, document: Document) -> None:
    unknown = sorted(set(document.hidden) - kind.hidden)
    if unknown:
        raise RefusedError(
            "rules.hidden-unknown",
            f"a {kind.name} has no such hidden field",
            expected=", ".join(sorted(kind.hidden)) or "none",
            got=", ".join(unknown),
        )
    plain = _bare_names(_plain_names(document.body)) & _bare_names(kind.hidden) if kind.hidden else ()
    if plain:
        raise RefusedError(
            "rules.hidden-plain",
            "a field that may name a person stands in plain text; it has to be hidden",
            expected="a hidden field",
            got=", ".join(sorted(plain)),
        )


_CONTAINERS = frozenset({dict, list})


def _plain_names(value: object) -> frozenset[str]:
    """Return the names of all members anywhere in a value."""
    found: set[str] = set()
    left = [value]
    for one in left:  # it grows as it is gone through
        if isinstance(one, dict):
            found.update(one)
            left += [part for part in one.values() if type(part) in _CONTAINERS]
        elif isinstance(one, list):
            left += [part for part in one if type(part) in _CONTAINERS]
    return frozenset(found)


@lru_cache(maxsize=4_096)
def _bare(name: str) -> str:
    """Return a member's name without prefix, case and marks between its words."""
    # `fengtu:memo`, its whole IRI, `Memo` and `me-mo` are one name to whoever reads the event.
    return "".join(_LETTERS.findall(_IRI_MARKS.split(name)[-1].lower()))


@lru_cache(256)
def _bare_names(names: frozenset[str]) -> frozenset[str]:
    """Return names as `_bare` gives them; records of one kind mostly have the same."""
    return frozenset(map(_bare, names))
