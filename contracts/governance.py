"""What the log's own government is made of: versions of the rules, and erasures.

    rules            {"version": 2, "from": 1200}
    erasure          {"digest": "<43 characters>", "authority": "個資法第 11 條", "reason": "…"}
    private-erasure  the same for a hidden field of a private record

An erasure says that a hidden field was deleted, by whom and why. A disclosure that is gone with such a record is
*erased*, without one *withheld*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import hidden_key
from contracts.kind import Act, Kind, body, text
from ledger.errors import RefusedError
from ledger.facts import ERASURE, Change, fact_key
from ledger.fold import RULES_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
VERSION = {"type": "integer", "minimum": 1, "maximum": 10_000}
INDEX = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}


def erasure_key(digest: str) -> bytes:
    """The fact that a disclosure was erased."""
    return fact_key(ERASURE, [digest])


def _activate(act: Act) -> list[Change]:
    act.expect(act.role() == "operator", "rules.operator", "the rules are the operator's", expected="operator")
    version, first = act.body["version"], act.body["from"]
    known: dict[str, Any] = act.facts.get(RULES_KEY) or {"versions": [[1, 0]]}
    last_version, last_first = known["versions"][-1]
    act.expect(
        first > act.at.index and first > last_first,
        "rules.from",
        "rules begin after the record that names them and after the ones before",
        expected=f"above {max(act.at.index, last_first)}",
        got=first,
    )
    act.expect(version > last_version, "rules.version", "versions rise", expected=f"above {last_version}", got=version)
    return [Change(RULES_KEY, {"versions": [*known["versions"], [version, first]]})]


def _erase(act: Act) -> list[Change]:
    digest = act.body["digest"]
    owner = act.facts.get(hidden_key(digest))
    if owner is None:
        raise RefusedError("erasure.unknown", "no record has a hidden field with this digest", got=digest)
    act.expect(
        owner["private"] == act.private,
        "erasure.private",
        "a private record's hidden field is erased by a private record, a public one's by a public one",
        expected="private-erasure" if owner["private"] else "erasure",
        got=act.record.kind,
    )
    act.expect(
        act.actor in {owner["actor"], owner["issuer"]} or act.is_under(owner["actor"], act.actor),
        "erasure.not-yours",
        "a hidden field is erased by whose it is, who entered it, or one above them",
        expected=owner["actor"],
        got=act.actor,
    )
    act.expect(act.facts.get(erasure_key(digest)) is None, "erasure.known", "this field is erased already", got=digest)
    state = {
        "record": act.at.index, "authority": act.body["authority"], "reason": act.body["reason"],
        "time_ms": act.at.time_ms, "of": owner["record"], "digest": digest,
    }  # fmt: skip
    return [act.change(erasure_key(digest), state)]


def _digest_subject(content: Mapping[str, Any]) -> str:
    return f"disclosure/{content['digest']}"


KINDS = (
    Kind("rules", body({"version": VERSION, "from": INDEX}), lambda _: "rules", _activate, lambda _: [RULES_KEY]),
    *(
        Kind(
            name,
            body({"digest": DIGEST, "authority": text(), "reason": text()}),
            _digest_subject,
            _erase,
            lambda content: [hidden_key(content["digest"]), erasure_key(content["digest"])],
            private=private,
        )
        for name, private in (("erasure", False), ("private-erasure", True))
    ),
)
