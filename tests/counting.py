"""A small rulebook of real rules, so that the log is tested without farms: counters, public and private.

`count` adds to a public counter, `purse` to a private one; a counter never falls below zero. `follow` reads a counter
that another one names, so that a batch needs more than one round. `backed` adds to a public counter what the purse of
that name bears out. `key` registers a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.errors import RefusedError
from ledger.facts import RULES, Change, fact_key
from ledger.genesis import decode_key
from ledger.rulebook import At, Facts, Signer, Submission
from ledger.signature import thumbprint

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY, COUNTER, PURSE = 0x10, 0x11, 0x12


def counter_key(name: str) -> bytes:
    """The public counter's fact."""
    return fact_key(COUNTER, [name])


def purse_key(name: str) -> bytes:
    """The private counter's fact."""
    return fact_key(PURSE, [name])


class Counting:
    """Version `version` of the counting rules; version 2 counts double."""

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def is_private(self, kind: str) -> bool:
        """`purse` is private."""
        if kind not in {"count", "purse", "follow", "backed", "key", "rules"}:
            raise RefusedError("counting.kind", "no such kind", got=kind)
        return kind == "purse"

    def reads(self, submission: Submission) -> Iterable[bytes]:
        """The signing key and what the body names."""
        yield fact_key(KEY, [submission.record.kid])
        name = submission.document.body.get("name", "")
        yield purse_key(name) if submission.record.kind == "purse" else counter_key(name)

    def signer(self, kid: bytes, facts: Facts) -> Signer:
        """Whose key it is."""
        value = facts.get(fact_key(KEY, [kid]))
        if value is None:
            raise RefusedError("counting.key", "nobody registered this key", got=kid.hex())
        return Signer(value["actor"], value["key"])

    def check(self, submission: Submission) -> None:
        """From version 2 on nobody adds more than a thousand at once."""
        add = submission.document.body.get("add", 0)
        if self.version > 1 and isinstance(add, int) and add > 1_000:
            raise RefusedError("counting.large", "too much at once", expected="at most 1000", got=add)

    def apply(self, submission: Submission, facts: Facts, at: At) -> list[Change]:
        """Add."""
        record, body = submission.record, submission.document.body
        if record.expires_at_s is not None and at.time_ms >= record.expires_at_s * 1000:
            raise RefusedError("counting.expired", "too late", expected=record.expires_at_s, got=at.time_ms)
        if body.get("add") == "broken":
            raise ZeroDivisionError("a bug in a rule")
        if record.kind == "key":
            key = decode_key(body["key"])
            return [Change(fact_key(KEY, [thumbprint(key)]), {"actor": body["actor"], "key": key})]
        if record.kind == "rules":
            versions = (facts.get(fact_key(RULES, [])) or {"versions": [[1, 0]]})["versions"]
            return [Change(fact_key(RULES, []), {"versions": [*versions, [body["version"], body["from"]]]})]
        private = record.kind == "purse"
        key = purse_key(body["name"]) if private else counter_key(body["name"])
        before = facts.get(key) or {"sum": 0, "next": None}
        if record.kind == "follow":
            other = facts.get(counter_key(before["next"] or "nobody"))
            if other is None:
                raise RefusedError("counting.follow", "it leads nowhere", got=before["next"])
        if record.kind == "backed" and facts.sees_private:
            purse = facts.get(purse_key(body["name"])) or {"sum": 0}
            if purse["sum"] < body["add"]:
                raise RefusedError("counting.backed", "the purse holds less", expected=body["add"], got=purse["sum"])
        total = before["sum"] + body.get("add", 0) * self.version
        if total < 0:
            raise RefusedError("counting.negative", "a counter never falls below zero", expected="0 or more", got=total)
        after = {"sum": total, "next": body.get("next", before["next"])}
        return [Change(key, after, holder=body["name"] if private else None, private=private)]

    def genesis(self, body: dict[str, Any], at: At) -> list[Change]:
        """The first actor's key."""
        del at
        key = decode_key(body["actor"]["key"])
        return [Change(fact_key(KEY, [thumbprint(key)]), {"actor": body["actor"]["actor"], "key": key})]
