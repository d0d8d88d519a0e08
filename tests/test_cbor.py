"""Deterministic CBOR: one encoding for each value, and no other is read."""

from __future__ import annotations

import time
from typing import Any

import cbor2
import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from reference import cbor as reference_cbor

from ledger.cbor import DEPTH_MAX, decode, encode
from ledger.cose import decode_sign1
from ledger.errors import FengtuError, FormatError

keys = st.one_of(st.integers(-(2**64), 2**64 - 1), st.text(max_size=5), st.binary(max_size=5))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**64), 2**64 - 1), st.binary(max_size=300), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)


@given(values)
def test_any_value(value: Any) -> None:
    """Any value has the bytes that RFC 8949 §4.2.1 gives it and comes back; else two signers would sign two things."""
    data = encode(value)
    assert data == reference_cbor(value)
    assert decode(data) == value


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65535, "19ffff"), (65536, "1a00010000"),
        (2**32, "1b0000000100000000"), (2**64 - 1, "1bffffffffffffffff"), (-1, "20"), (-(2**64), "3bffffffffffffffff"),
        (b"", "40"), ("水", "63e6b0b4"), ([], "80"), ({}, "a0"), (False, "f4"), (True, "f5"), (None, "f6"),
        ([1, [2, 3]], ("82018202" "03")), ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    ],
)  # fmt: skip
def test_rfc_8949_examples(value: Any, data: str) -> None:
    """The examples of RFC 8949, appendix A, that have a value here."""
    assert (encode(value).hex(), decode(bytes.fromhex(data))) == (data, value)


def test_order_of_keys() -> None:
    """The order of §4.2.1 is by the encoded bytes: 10, 100, -1, "z", "aa". By length first would be RFC 7049's."""
    value = {"aa": 0, "z": 0, -1: 0, 100: 0, 10: 0}
    assert encode(value).hex() == "a50a001864002000617a0062616100"
    assert decode(encode(value)) == value
    with pytest.raises(FormatError, match="another encoding"):
        decode(bytes.fromhex("a50a002000186400617a0062616100"))


@pytest.mark.parametrize(
    "data",
    [
        "", "1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3800", "3900ff",
        "580161", "5900016f", ("7801" "61"), "980101", "b8010101", "d81201",
        "9f01ff", "5f4101ff", "7f6161ff", "bf0101ff", "ff", "8f",
        ("a2020101" "01"), ("a20101" "0102"), ("a2616101" "616102"), "a2616201616101", ("a2200100" "01"),
        "0000", "f600", "8100ff", "a0a0",
        "f90000", "f97e00", "f97c00", "fa00000000", "fb3ff0000000000000", "fb7ff8000000000000",
        "f7", "e0", "f0", "f800", "f814", "f8ff", "fc", "fd", "fe",
        "1c", "3d", "5e", "7c", "9d", "bc",
        "62c328", "61ff", "63eda080", "64f4908080", "62c080",
        "a18001", "a1a001", "a1f500", "a1f600", "a1f900003c",
        "c0", "c001", "c249010000000000000000", "c349010000000000000000", "c24101", "c11a514b67b0", "c482211901f4",
        ("d2" "80"), "d9d9f700", "d81c8100", "d81c81d81d00", ("d90102" "8101"), ("d823" "6161"), "d74101",
        "c4821b7fffffffffffffff01", "c5821b7fffffffffffffff01", "d81e820001",
        "9b7fffffffffffffff", "bb7fffffffffffffff", "5b7fffffffffffffff", "7b7fffffffffffffff", "9affffffff",
        "5bffffffffffffffff", "18", "19ff", ("4161" "62"), ("42" "61"), "8201", "a101", ("a10102" "03"),
    ],
)  # fmt: skip
def test_other_encodings(data: str) -> None:
    """Long forms, indefinite lengths, unsorted or doubled keys, tags, floats, cut or trailing bytes: all refused."""
    with pytest.raises(FormatError):
        decode(bytes.fromhex(data))


def test_depth() -> None:
    """Nesting is bounded on both ways, or a small record would end the process by its stack."""
    assert decode(b"\x81" * DEPTH_MAX + b"\x00") == decode(b"\x81" * DEPTH_MAX + b"\x00", depth_max=DEPTH_MAX)
    deep: Any = 0
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(FormatError):
        encode(deep)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(FormatError):
        encode(endless)
    for head in (b"\x81", b"\xa1\x00", b"\xd8\x1c", b"\xc2", b"\x9f"):
        with pytest.raises(FormatError):
            decode(head * 30_000)
        with pytest.raises(FormatError):
            decode(head * (DEPTH_MAX + 1) + b"\x00")
    with pytest.raises(FormatError):
        decode(b"\x81\x81\x00", depth_max=1)


def test_shared_references_do_not_unfold() -> None:
    """A hundred bytes of tags 28 and 29 stand for 10^14 items: built before they are refused, they stop the log."""

    def bomb(level: int) -> bytes:
        if level == 0:
            return b"\xd8\x1c\x81\x01"
        return b"\xd8\x1c\x8a" + bomb(level - 1) + (b"\xd8\x1d" + bytes([14 - level + 1])) * 9

    started = time.monotonic()
    with pytest.raises(FormatError, match="no tag"):
        decode(bomb(14))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("value", [1.0, 2**64, -(2**64) - 1, "\ud800", {"\udfff": 1}, {1.5: 1}, {None: 1}, {True: 1},
                                   {(1, 2): 1}, object(), {1, 2}, bytearray(b"x"), cbor2.CBORTag(18, []), [1j],
                                   cbor2.undefined])  # fmt: skip
def test_no_encoding(value: Any) -> None:
    """What has no encoding here is refused when it is written, not when somebody else reads it."""
    with pytest.raises(FormatError):
        encode(value)


@given(st.binary(max_size=2048))
def test_noise(data: bytes) -> None:
    """Noise is refused, or is the one encoding of what it says."""
    try:
        value = decode(data)
    except FormatError:
        return
    assert encode(value) == data == reference_cbor(value)


@given(values, st.data())
def test_mutations(value: Any, data: st.DataObject) -> None:
    """A changed, cut or lengthened encoding is refused or another value's own."""
    encoded = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(encoded)))
        encoded[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        got = decode(bytes(encoded))
    except FormatError:
        return
    assert encode(got) == encoded


@given(values)
def test_any_cbor_is_no_sign1(value: Any) -> None:
    """A COSE_Sign1 of parts of any type is refused by an error of ours."""
    with pytest.raises(FengtuError):
        decode_sign1(b"\xd2" + encode(value), "record")


def test_every_short_text() -> None:
    """All inputs of one and two bytes (and of three, in soak): refused or re-encoded to themselves."""
    for size in range(1, soak("bytes of exhaustive CBOR input", 2, 3) + 1):
        for number in range(256**size):
            data = number.to_bytes(size, "big")
            try:
                value = decode(data)
            except FormatError:
                continue
            assert reference_cbor(value) == data
