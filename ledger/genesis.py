"""The genesis: entry 0, in which a log says who it is. Its leaf hash is what a policy names the log by.

{"origin": "log.example/hsinchu",
 "keys": {"checkpoint": "log.example/hsinchu+1a2b3c4d+AQ…", "receipt": "<base64url>", "record": "<base64url>"},
 "recovery": {"threshold": 1, "keys": ["<base64url>"]},
 "actor": {"actor": "operator", "role": "operator", "name": {"zh-TW": "…"}, "key": "<base64url>"},
 "rules": 1}
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.errors import FormatError
from ledger.note import ED25519, VerifierKey, decode_vkey

if TYPE_CHECKING:
    from collections.abc import Mapping

_BASE64URL_32 = re.compile(r"[A-Za-z0-9_-]{43}")
RECOVERY_KEYS_MAX = 16


@dataclass(frozen=True, slots=True)
class Genesis:
    """The genesis document's body.

    Attributes:
        origin: the log's name.
        checkpoint_key: signs checkpoints; its name is the origin.
        receipt_key: 32 bytes; signs receipts.
        record_key: 32 bytes; signs the log's own records and refusals.
        recovery_threshold: how many of `recovery_keys` have to sign a change of these keys.
        recovery_keys: 32 bytes each.
        actor: the first actor, as the rules read it.
        rules: the version of the rules that begins.
    """

    origin: str
    checkpoint_key: VerifierKey
    receipt_key: bytes
    record_key: bytes
    recovery_threshold: int
    recovery_keys: tuple[bytes, ...]
    actor: Mapping[str, Any]
    rules: int


def encode_genesis(genesis: Genesis) -> dict[str, Any]:
    """Return the body."""
    return {
        "origin": genesis.origin,
        "keys": {
            "checkpoint": genesis.checkpoint_key.encode(),
            "receipt": encode_key(genesis.receipt_key),
            "record": encode_key(genesis.record_key),
        },
        "recovery": {
            "threshold": genesis.recovery_threshold,
            "keys": [encode_key(key) for key in genesis.recovery_keys],
        },
        "actor": dict(genesis.actor),
        "rules": genesis.rules,
    }


def decode_genesis(body: Mapping[str, Any]) -> Genesis:
    """Return the genesis from its document's body.

    Raises:
        FormatError: it is not a genesis.
    """
    _members(body, {"origin", "keys", "recovery", "actor", "rules"}, "genesis")
    keys, recovery = body["keys"], body["recovery"]
    _members(keys, {"checkpoint", "receipt", "record"}, "genesis keys")
    _members(recovery, {"threshold", "keys"}, "genesis recovery")
    if not isinstance(body["origin"], str) or not isinstance(keys["checkpoint"], str):
        raise FormatError("genesis", expected="origin and checkpoint key as text")
    checkpoint_key = decode_vkey(keys["checkpoint"])
    if checkpoint_key.name != body["origin"] or checkpoint_key.type != ED25519:
        raise FormatError(
            "genesis checkpoint key", expected=f"Ed25519, named {body['origin']}"[:200], got=keys["checkpoint"][:200]
        )
    receipt_key, record_key = decode_key(keys["receipt"]), decode_key(keys["record"])
    if len({checkpoint_key.public_key, receipt_key, record_key}) != 3:
        raise FormatError("genesis keys", expected="three different keys: one's signature could pass for another's")
    names = recovery["keys"]
    if not isinstance(names, list) or len(names) > RECOVERY_KEYS_MAX:
        raise FormatError("genesis recovery keys", expected=f"a list of at most {RECOVERY_KEYS_MAX}")
    recovery_keys = tuple(decode_key(name) for name in names)
    if len(set(recovery_keys)) != len(recovery_keys):
        raise FormatError("genesis recovery keys", expected="each key once: one holder counts once")
    threshold, rules = recovery["threshold"], body["rules"]
    # Keys that none of has to sign would hand the log to anybody.
    least = min(1, len(recovery_keys))
    if type(threshold) is not int or not least <= threshold <= len(recovery_keys):
        raise FormatError("genesis recovery threshold", expected=f"{least} to {len(recovery_keys)}", got=threshold)
    if type(rules) is not int or rules < 1:
        raise FormatError("genesis rules", expected="a version from 1", got=rules)
    if not isinstance(body["actor"], dict):
        raise FormatError("genesis actor", expected="an object")
    return Genesis(
        body["origin"],
        checkpoint_key,
        receipt_key,
        record_key,
        threshold,
        recovery_keys,
        body["actor"],
        rules,
    )


def encode_key(key: bytes) -> str:
    """Return 32 bytes as base64url without padding."""
    return urlsafe_b64encode(key).decode().rstrip("=")


def decode_key(text: object) -> bytes:
    """Return the 32 bytes of a key.

    Raises:
        FormatError: it is not base64url of 32 bytes.
    """
    if not isinstance(text, str) or not _BASE64URL_32.fullmatch(text):
        raise FormatError("public key", expected="base64url of 32 bytes", got=repr(text)[:80])
    key = urlsafe_b64decode(text + "=")
    if encode_key(key) != text:
        raise FormatError("public key", expected=encode_key(key), got=text)
    return key


def _members(value: object, names: set[str], what: str) -> None:
    if not isinstance(value, dict) or set(value) != names:
        got = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise FormatError(what, expected=f"an object with {', '.join(sorted(names))}", got=got)
