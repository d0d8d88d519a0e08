"""The genesis and the log's keys: one body, keys that differ, nothing that hands the log to a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_document import json_values

from ledger.document import encode_document
from ledger.errors import FengtuError, FormatError
from ledger.genesis import RECOVERY_KEYS_MAX, Genesis, decode_genesis, decode_key, encode_genesis, encode_key
from ledger.keys import NAMES, LogKeys
from ledger.note import COSIGNATURE, ED25519, VerifierKey

ORIGIN = "log.example/hsinchu"
KEYS = [bytes([n]) * 32 for n in range(1, 40)]
GENESIS = Genesis(
    ORIGIN, VerifierKey.of(ORIGIN, ED25519, KEYS[0]), KEYS[1], KEYS[2], 2, tuple(KEYS[3:6]), {"actor": "operator"}, 1
)
BODY = encode_genesis(GENESIS)


def changed(**members: Any) -> dict[str, Any]:
    """The body with members replaced; `keys_x` and `recovery_x` mean those inside."""
    body: dict[str, Any] = {**BODY, "keys": dict(BODY["keys"]), "recovery": dict(BODY["recovery"])}
    for name, value in members.items():
        outer, _, inner = name.partition("_")
        if inner:
            body[outer][inner] = value
        else:
            body[outer] = value
    return body


def test_round_trip() -> None:
    """The genesis comes back, also through its document: a policy names a log by these bytes."""
    assert decode_genesis(BODY) == GENESIS
    alone = changed(recovery={"threshold": 0, "keys": []})
    assert encode_genesis(decode_genesis(alone)) == alone
    assert encode_document(id="genesis", body=BODY)


@pytest.mark.parametrize(
    "body",
    [
        {}, changed(extra=1), changed(keys_extra=1), changed(recovery_extra=1), changed(keys=[]),
        changed(recovery=None),
        changed(origin="log.example/other"), changed(origin=5), changed(origin=""), changed(keys_checkpoint=5),
        changed(keys_checkpoint=""), changed(keys_checkpoint=BODY["keys"]["checkpoint"][:-1]),
        changed(keys_checkpoint=VerifierKey.of("other", ED25519, KEYS[0]).encode()),
        changed(keys_checkpoint=VerifierKey.of(ORIGIN, COSIGNATURE, KEYS[0]).encode()),
        changed(keys_receipt=encode_key(KEYS[0])), changed(keys_record=encode_key(KEYS[1])),
        changed(keys_receipt=encode_key(KEYS[2])), changed(keys_receipt=None), changed(keys_receipt="x"),
        changed(keys_record=KEYS[2].hex()), changed(recovery_threshold=0), changed(recovery_threshold=4),
        changed(recovery_threshold=-1), changed(recovery_threshold=True), changed(recovery_threshold="2"),
        changed(recovery_keys=[]), changed(recovery_keys=5), changed(recovery_keys=[5]),
        changed(recovery_keys=[encode_key(KEYS[3])] * 3),
        changed(recovery_keys=[encode_key(key) for key in KEYS[3 : 4 + RECOVERY_KEYS_MAX]]),
        changed(actor=None), changed(actor="operator"), changed(actor=[]),
        changed(rules=0), changed(rules=True), changed(rules="1"), changed(rules=None),
    ],
)  # fmt: skip
def test_no_genesis(body: dict[str, Any]) -> None:
    """One key in two places, a key counted twice, or a recovery that nobody signs would give the log away."""
    with pytest.raises(FormatError):
        decode_genesis(body)


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 42 + "+",
                                  "A" * 43 + "\n", None, 5, b"A" * 43])  # fmt: skip
def test_no_key(text: object) -> None:
    """A key has one spelling."""
    with pytest.raises(FormatError):
        decode_key(text)
    assert decode_key(encode_key(KEYS[7])) == KEYS[7]


@given(st.dictionaries(st.sampled_from([*BODY, "keys_receipt", "recovery_keys", "recovery_threshold"]), json_values))
def test_noise(members: dict[str, Any]) -> None:
    """Any JSON in any member is refused by an error of ours, or encodes to itself."""
    try:
        body = changed(**members)
    except TypeError:
        return
    try:
        genesis = decode_genesis(body)
    except FengtuError:
        return
    assert encode_genesis(genesis) == body


def test_log_keys() -> None:
    """The file of keys comes back; fresh ones differ."""
    keys = LogKeys.generate()
    again = LogKeys.decode(keys.encode())
    assert again.encode() == keys.encode()
    assert again.checkpoint.public_key == keys.checkpoint.public_key != LogKeys.generate().checkpoint.public_key
    assert keys.replay.secret.hex() not in repr(keys)
    assert encode_key(keys.replay.secret) not in repr(keys)


FILE = {name: encode_key(KEYS[i]) for i, name in enumerate(NAMES)}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"[]", b"5", b"{}", b"\xff", b"null", b'"checkpoint"', b"[" * 100_000,
        *(json.dumps(FILE | more).encode() for more in (
            {"checkpoint": None}, {"replay": 5}, {"replay": "QQ"}, {"receipt": FILE["record"]}, {"extra": "x"},
            {"replay": FILE["replay"] + "="}, {"replay": FILE["replay"][:-1]}, {"replay": " " + FILE["replay"]},
            {"record": FILE["record"] + "!"}, {"record": ["x"]}, {"record": "é" * 43})),
    ],
)  # fmt: skip
def test_no_log_keys(data: bytes) -> None:
    """Another file, or one key in two places, is refused, and no error shows a key."""
    with pytest.raises(FormatError) as caught:
        LogKeys.decode(data)
    assert not any(seed in str(caught.value) for seed in FILE.values())
