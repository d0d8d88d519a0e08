"""Ed25519, strict: the published edge cases, and one verdict whatever the library below would say."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError, SignatureError
from ledger.signature import _L, SigningKey, check, check_many, thumbprint

if TYPE_CHECKING:
    from pathlib import Path

KEY = SigningKey.from_seed(bytes(range(32)))
STRICT = {"low_order_component_A", "low_order_component_R"}
"""What verify_strict lets through, by the README of the vectors."""


def test_edge_cases(shared: Path) -> None:
    """Of 914 published signatures exactly the 43 without a forbidden flag pass; else two verifiers would disagree."""
    vectors = json.loads((shared / "ed25519" / "ed25519vectors.json").read_text())
    accepted = []
    for vector in vectors:
        try:
            check(bytes.fromhex(vector["key"]), vector["msg"].encode(), bytes.fromhex(vector["sig"]))
        except SignatureError:
            continue
        accepted.append(vector["number"])
    assert (len(vectors), len(accepted)) == (914, 43)
    assert accepted == [vector["number"] for vector in vectors if set(vector["flags"] or ()) <= STRICT]


def test_points_are_looked_at_here(shared: Path) -> None:
    """What libsodium leaves to its build is refused by our own look at the bytes, before libsodium is asked."""
    forbidden = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}
    vectors = json.loads((shared / "ed25519" / "ed25519vectors.json").read_text())
    seen = [vector for vector in vectors if forbidden & set(vector["flags"] or ())]
    assert len(seen) > 800
    for vector in seen:
        with pytest.raises(SignatureError, match=r"^(public key|signature's R): "):
            check(bytes.fromhex(vector["key"]), vector["msg"].encode(), bytes.fromhex(vector["sig"]))


def test_rfc_8032() -> None:
    """RFC 8032 §7.1, test 3: another curve, hash or byte order would give another key and signature."""
    key = SigningKey.from_seed(bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"))
    assert key.public_key.hex() == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    signed = key.sign(b"\xaf\x82")
    assert signed.hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    check(key.public_key, b"\xaf\x82", signed)


def test_thumbprint() -> None:
    """RFC 9679 §5: SHA-256 over the key's required members in deterministic order, here written out by hand."""
    assert thumbprint(KEY.public_key) == hashlib.sha256(bytes.fromhex("a301012006215820") + KEY.public_key).digest()
    assert KEY.kid == thumbprint(KEY.public_key)
    with pytest.raises(FormatError):
        thumbprint(b"\x01" * 31)


def test_every_flipped_bit_of_a_signature() -> None:
    """One changed bit of signature or key that still verified would be a second signature for one record."""
    signed = KEY.sign(b"m")
    for bit in range(512):
        flipped = (int.from_bytes(signed, "big") ^ 1 << bit).to_bytes(64, "big")
        with pytest.raises(SignatureError):
            check(KEY.public_key, b"m", flipped)
    for bit in range(256):
        flipped = (int.from_bytes(KEY.public_key, "big") ^ 1 << bit).to_bytes(32, "big")
        with pytest.raises(SignatureError):
            check(flipped, b"m", signed)


def test_s_is_reduced() -> None:
    """S + L verifies by the equation alone: anybody could make a second signature of a record (malleability)."""
    signed = KEY.sign(b"m")
    s = int.from_bytes(signed[32:], "little") + _L
    assert s < 2**256
    with pytest.raises(SignatureError, match="order"):
        check(KEY.public_key, b"m", signed[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"", KEY.sign(b"")),
        (KEY.public_key + b"\x00", KEY.sign(b"")),
        (KEY.public_key, b""),
        (KEY.public_key, b"\1" * 65),
    ],
)
def test_wrong_lengths(key: bytes, signed: bytes) -> None:
    """A key or signature of another length must be refused, not cut or padded by the library below."""
    with pytest.raises(SignatureError):
        check(key, b"", signed)


def test_seeds_of_another_length() -> None:
    """A short seed would be a weak key."""
    with pytest.raises(FormatError):
        SigningKey.from_seed(b"\x01" * 31)


def test_many() -> None:
    """A batch passes only whole, and says which one failed: else an honest record is blamed."""
    good = [(KEY.public_key, bytes([i]), KEY.sign(bytes([i]))) for i in range(5)]
    check_many([])
    check_many(good)
    with pytest.raises(SignatureError, match="number 3"):
        check_many([*good[:3], (KEY.public_key, b"other", good[3][2]), good[4]])


def test_secrets_stay_out_of_texts() -> None:
    """A key in a log line must not be the key."""
    assert KEY.seed.hex() not in repr(KEY)
    assert SigningKey.generate().seed != SigningKey.generate().seed


@given(st.binary(max_size=64), st.binary(max_size=80), st.binary(max_size=2048))
def test_noise(key: bytes, signed: bytes, message: bytes) -> None:
    """Noise is refused by the one error that callers handle."""
    with pytest.raises(SignatureError):
        check(key, message, signed)
