"""Actors and their keys: operator → county → association → farmer, packer … and inspectors beside them.

    actor       {"actor": "hsinchu.guanxi-fa", "role": "association", "parent": "hsinchu",
                 "name": {"zh-TW": "關西鎮農會"}, "key": "<base64url>", "possession": "<base64url>"}
    key         {"actor": "hsinchu.guanxi-fa", "key": "<base64url>", "possession": "<base64url>"}
    key-status  {"actor": "hsinchu.guanxi-fa", "kid": "<hex>", "status": "suspended", "reason": "…"}

`possession` is a signature by the new key, so that nobody registers another's. A key is entitled at a position when one
of its intervals has `from < position <= until`. Intervals are never deleted, so that "entitled at index i" has a proof.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any

from contracts.keys import actor_key, key_key
from contracts.kind import ACTOR_ID, KEY, Act, Kind, body, names, text
from ledger import signature
from ledger.errors import FormatError, RefusedError, SignatureError
from ledger.facts import Change
from ledger.genesis import decode_key
from ledger.signature import thumbprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.rulebook import At

MAY_REGISTER = {
    "operator": {
        "county", "association", "farmer", "packer", "inspector", "purchaser", "merchant", "clinic", "station",
        "artist", "auditor", "agent", "maker", "council", "people",
    },
    "county": {
        "association", "farmer", "packer", "inspector", "purchaser", "merchant", "clinic", "station", "artist", "agent",
        "maker",
    },
    "council": {"people"},
    "association": {"farmer", "packer", "purchaser"},
}  # fmt: skip
ROLES = sorted({"operator"}.union(*MAY_REGISTER.values()))
KEYS_MAX = 64
POSSESSION = {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"}


def possession_text(origin: str, actor: str) -> bytes:
    """Return what a new key signs to show that who registers it holds it."""
    return f"fengtu-possession/1\n{origin}\n{actor}\n".encode()


def entitled(intervals: Sequence[Mapping[str, Any]], position: bytes) -> bool:
    """Say whether a key was entitled at a position, from its intervals (`from`, `until` as 16 bytes or None)."""
    return any(one["from"] < position and (one["until"] is None or position <= one["until"]) for one in intervals)


def first_actor(actor: Mapping[str, Any], at: At) -> list[Change]:
    """Return the facts of the genesis' actor and its key; the key is entitled for everything after the genesis."""
    key = decode_key(actor["key"])
    state = {"role": actor["role"], "parent": None, "name": dict(actor["name"]), "state": "active", "keys": [_kid(key)]}
    return [Change(actor_key(actor["actor"]), state), *_new_key(actor["actor"], key, at)]


def _register(act: Act) -> list[Change]:
    content = act.body
    actor, role, parent = content["actor"], content["role"], content["parent"]
    act.expect(
        parent == act.actor,
        "actors.parent",
        "an actor is registered by the one it belongs to",
        expected=act.actor,
        got=parent,
    )
    allowed = MAY_REGISTER.get(act.role(), set())
    act.expect(
        role in allowed,
        "actors.role",
        f"a {act.role()} may not register a {role}",
        expected=", ".join(sorted(allowed)) or "nobody",
        got=role,
    )
    act.expect(act.facts.get(actor_key(actor)) is None, "actors.known", "this actor is registered already", got=actor)
    key = _possessed_key(act, actor)
    state = {"role": role, "parent": parent, "name": content.get("name"), "state": "active", "keys": [_kid(key)]}
    return [Change(actor_key(actor), state), *_new_key(actor, key, act.at)]


def _add_key(act: Act) -> list[Change]:
    actor = act.body["actor"]
    state = _actor(act, actor)
    key = _possessed_key(act, actor)
    act.expect(
        len(state["keys"]) < KEYS_MAX, "actors.keys-max", "the actor has too many keys", expected=f"at most {KEYS_MAX}"
    )
    return [
        Change(actor_key(actor), {**state, "keys": [*state["keys"], _kid(key)]}),
        *_new_key(actor, key, act.at),
    ]


def _set_key_status(act: Act) -> list[Change]:
    content = act.body
    state = _actor(act, content["actor"])
    kid, status = bytes.fromhex(content["kid"]), content["status"]
    key = act.facts.get(key_key(kid))
    act.expect(
        key is not None and key["actor"] == content["actor"],
        "actors.key-unknown",
        "the actor has no such key",
        got=content["kid"],
    )
    if key is None:
        return []
    act.expect(key["state"] != "revoked", "actors.key-revoked", "a revoked key stays revoked", got=content["kid"])
    act.expect(
        key["state"] != status, "actors.key-status", "the key has that status already", expected="a change", got=status
    )
    if state["parent"] is None and status != "active":
        others = [act.facts.get(key_key(bytes.fromhex(one))) for one in state["keys"] if one != content["kid"]]
        _expect_left(act, stays=any(one is not None and one["state"] == "active" for one in others))
    number, interval = key["intervals"], {"from": key["from"], "record": key["record"]}
    if status == "active":
        begins = {"from": act.at.position, "record": act.at.index}
        return [
            Change(key_key(kid), {**key, "state": status, "intervals": number + 1, **begins}),
            Change(key_key(kid, number + 1), {**begins, "until": None}),
        ]
    changes = [Change(key_key(kid), {**key, "state": status})]
    if key["state"] == "active":
        changes.append(Change(key_key(kid, number), {**interval, "until": act.at.position}))
    return changes


def _close(act: Act) -> list[Change]:
    actor = act.body["actor"]
    state = _actor(act, actor)
    act.expect(state["state"] == "active", "actors.closed", "this actor is closed", got=actor)
    _expect_left(act, stays=state["parent"] is not None)
    return [Change(actor_key(actor), {**state, "state": "closed"})]


def _expect_left(act: Act, *, stays: bool) -> None:
    """Refuse what would leave the log without its first actor.

    Raises:
        RefusedError: it would.
    """
    act.expect(
        stays,
        "actors.first",
        "the first actor stays, with an active key: nobody is above it to give it another",
        expected="another active key first",
        got=act.record.kind,
    )


def _actor(act: Act, actor: str) -> dict[str, Any]:
    state = act.facts.get(actor_key(actor))
    if state is None:
        raise RefusedError("actors.unknown", "nobody registered this actor", got=actor)
    act.expect(
        act.actor == actor or act.is_under(actor, act.actor),
        "actors.not-yours",
        "only the actor or one above it may change its keys",
        expected=actor,
        got=act.actor,
    )
    return dict(state)


def _possessed_key(act: Act, actor: str) -> bytes:
    try:
        key = decode_key(act.body["key"])
    except FormatError as error:
        raise RefusedError("actors.key", "the new key", expected=error.expected, got=error.got) from error
    try:
        proof = urlsafe_b64decode(act.body["possession"] + "==")
        signature.check(key, possession_text(act.record.audience, actor), proof)
    except (SignatureError, ValueError) as error:
        raise RefusedError(
            "actors.possession", "the new key did not sign that it belongs to this actor", expected=actor
        ) from error
    act.expect(
        act.facts.get(key_key(thumbprint(key))) is None,
        "actors.key-known",
        "this key is registered already",
        got=_kid(key),
    )
    return key


def _new_key(actor: str, key: bytes, at: At) -> list[Change]:
    kid = thumbprint(key)
    state = {
        "actor": actor, "public_key": key, "state": "active", "intervals": 1, "from": at.position, "record": at.index,
    }  # fmt: skip
    return [
        Change(key_key(kid), state),
        Change(key_key(kid, 1), {"from": at.position, "until": None, "record": at.index}),
    ]


def _kid(key: bytes) -> str:
    return thumbprint(key).hex()


def _subject(content: Mapping[str, Any]) -> str:
    return f"actor/{content['actor']}"


def _key_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield actor_key(content["actor"])
    yield key_key(thumbprint(decode_key(content["key"])))


def _status_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield actor_key(content["actor"])
    yield key_key(bytes.fromhex(content["kid"]))


def _close_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield actor_key(content["actor"])


KINDS = (
    Kind(
        "actor",
        body(
            {
                "actor": ACTOR_ID,
                "role": {"enum": ROLES},
                "parent": ACTOR_ID,
                "key": KEY,
                "possession": POSSESSION,
            },
            {"name": names(), "place": text()},
        ),
        _subject,
        _register,
        _key_reads,
        # A person's name is hidden; only an organisation has a plain one.
        hidden=frozenset({"person_name", "phone", "address"}),
    ),
    Kind("key", body({"actor": ACTOR_ID, "key": KEY, "possession": POSSESSION}), _subject, _add_key, _key_reads),
    Kind(
        "key-status",
        body(
            {
                "actor": ACTOR_ID,
                "kid": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "status": {"enum": ["active", "suspended", "revoked"]},
                "reason": text(),
            }
        ),
        _subject,
        _set_key_status,
        _status_reads,
    ),
    Kind("actor-close", body({"actor": ACTOR_ID, "reason": text()}), _subject, _close, _close_reads),
)
