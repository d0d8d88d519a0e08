"""What hides private facts: each keyed hash is bound to its label, and no two inputs share one."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from ledger.blind import ReplaySecret, blind, private_value
from ledger.errors import FormatError

SECRET = ReplaySecret(b"\x05" * 32)


def keyed(label: bytes, data: bytes) -> bytes:
    """HMAC(secret, uint8 length ‖ label ‖ data), as formats.md has it."""
    return hmac.new(b"\x05" * 32, bytes([len(label)]) + label + data, hashlib.sha256).digest()


def test_bytes_of_formats() -> None:
    """Another input would lose every authorised replayer and holder."""
    assert SECRET.salt("private_root", 7) == keyed(b"private_root", bytes(7) + b"\x07")
    assert SECRET.salt("private_records_root", 2**64 - 1) == keyed(b"private_records_root", b"\xff" * 8)
    assert SECRET.holder_key("農會") == keyed(b"holder", "農會".encode())
    assert SECRET.holder_key(None) == keyed(b"no-holder", b"")
    assert SECRET.identifier("person", "A1") == keyed(b"identifier", b"\x00\x06person\x00\x02A1")
    holder_key = SECRET.holder_key("x")
    key, position = b"\x22" * 41, b"\x00" * 16
    expected = hmac.new(holder_key, key + position, hashlib.sha256).digest()
    assert blind(holder_key, key, position) == expected
    assert private_value(expected, b"\xa0") == hashlib.sha256(expected + b"\xa0").digest()


def test_nothing_is_shared() -> None:
    """Two names, kinds or indexes that came to one hash would let one holder read another's facts."""
    made = [
        SECRET.salt("private_root", 1), SECRET.salt("private_records_root", 1), SECRET.salt("private_root", 2),
        SECRET.holder_key(""), SECRET.holder_key(None), SECRET.holder_key("a"), SECRET.holder_key("ab"),
        SECRET.identifier("a", "b"), SECRET.identifier("ab", ""), SECRET.identifier("", "ab"),
        SECRET.identifier("a", "\x00\x01b"), ReplaySecret(b"\x06" * 32).holder_key("a"),
    ]  # fmt: skip
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {32}


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_other_sizes(size: int) -> None:
    """A blind of another size would let two (blind, value) pairs share one hash: a payment could be two."""
    data = b"\x01" * size
    for use in (ReplaySecret, lambda one: blind(one, b"", b""), lambda one: private_value(one, b"")):
        with pytest.raises(FormatError):
            use(data)


def test_bounds() -> None:
    """A salt of another name, or a part that its length cannot hold, is refused by an error of ours."""
    with pytest.raises(FormatError):
        SECRET.salt("holder", 1)
    with pytest.raises(FormatError):
        SECRET.identifier("person", "x" * 65_536)


def test_secret_stays_out_of_texts() -> None:
    """The secret must not reach a log line."""
    assert (b"\x05" * 32).hex() not in repr(SECRET)
    assert "05" not in repr(SECRET)
