"""Documents and their JSON: strict I-JSON, so that no two readers can read two things."""

from __future__ import annotations

import hashlib
import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.document import (
    DEPTH_MAX,
    DOCUMENT_SIZE_MAX,
    HIDDEN_MAX,
    INTEGER_MAX,
    Context,
    decode_document,
    decode_json,
    encode_document,
)
from ledger.errors import FormatError

NONCE = "AAECAwQFBgcICQoLDA0ODw"
DIGEST = "A" * 43

json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-INTEGER_MAX, INTEGER_MAX),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)),
    max_leaves=20,
)


def document(**members: Any) -> bytes:
    """A document's bytes with some members replaced; None leaves one out."""
    whole = {"id": "a-1", "nonce": NONCE, "body": {}, **members}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


@given(json_values)
def test_any_json(value: Any) -> None:
    """Any I-JSON value is read as it was written, with and without escapes."""
    for ascii_only in (True, False):
        assert decode_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "[1,]", "[1 2]", '{"a":1,}', "{a:1}", "'a'", "nul", "True", "undefined", "1 1", "[] []", "//",
        "+1", "01", "-01", ".5", "1.", "1e", "0x10", "--1", "-", "1_000", "\u0661", "\uff11",
        '{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', '{"a":1,"\\u0061":2}', '[{"":0,"":1}]',
        "9007199254740992", "-9007199254740992", "1" * 5000, "-" + "9" * 18, "[100000000000000000]",
        "NaN", "Infinity", "-Infinity", "[NaN]", '{"a":Infinity}', "1e400", "-1e400", "1e999999999999",
        "1" * 400 + ".0",
        '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\udc00\\ud800"', '{"\\ud800":1}', '["a\\udfff"]',
        '"\\x41"', '"\\u12"', '"\n"', '"\t"', '"\x00"', '"a', '"\\',
        "\ufeff{}", "\ufeff", "{}\ufeff", "\xa0{}", "{}\x00", "\x0b1", "\u2028",
    ],
)  # fmt: skip
def test_refused_json(text: str) -> None:
    """JSON that another reader might read otherwise, or not at all, is refused."""
    with pytest.raises(FormatError):
        decode_json(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("data", [b"\xff", b'"\xc3"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"',
                                  "{}".encode("utf-16"), "{}".encode("utf-16-le"), "{}".encode("utf-32")])  # fmt: skip
def test_refused_bytes(data: bytes) -> None:
    """Only UTF-8 is read: Python's reader would guess UTF-16 and UTF-32 too."""
    with pytest.raises(FormatError):
        decode_json(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-0", 0), ("-0.0", 0.0), ("9007199254740991", INTEGER_MAX), ("-9007199254740991", -INTEGER_MAX),
        ("1e2", 100.0), ("1.7976931348623157e308", 1.7976931348623157e308), ("1e-400", 0.0),
        ("9007199254740993.0", 2.0**53),
        (' [ "\\ud83c\\udf75" ] ', ["🍵"]), ('"\\u0000"', "\0"), ('{"a":1,"A":2}', {"a": 1, "A": 2}),
    ],
)  # fmt: skip
def test_edges_that_hold(text: str, value: Any) -> None:
    """What every reader reads alike is let in; minus zero is zero."""
    got = decode_json(text.encode())
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"[[", b'[{"":'])
@pytest.mark.parametrize("count", [DEPTH_MAX + 1, 900, 1100, 20_000, 50_000])
def test_deep_nesting(opening: bytes, count: int) -> None:
    """A recursion bomb within the size bound is a FormatError, closed or not; a crash would be one request's work."""
    closing = b"".join({b"[": b"]", b"{": b"}"}[bytes([c])] for c in reversed(opening) if c in b"[{")
    for data in (opening * count, opening * count + b"1" + closing * count):
        if len(data) <= DOCUMENT_SIZE_MAX:
            with pytest.raises(FormatError):
                decode_json(data)
            with pytest.raises(FormatError):
                decode_document(data)


def test_depth_bound() -> None:
    """The bound itself is let in, one more is not: writer and reader must draw it at the same place."""
    assert decode_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    with pytest.raises(FormatError, match="nesting"):
        decode_json(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))
    with pytest.raises(FormatError):
        decode_json(b"[" * 100_000)


def test_size_bound() -> None:
    """A document of exactly the bound is read, one byte more is not."""
    empty = document(body={"a": ""})
    full = document(body={"a": "x" * (DOCUMENT_SIZE_MAX - len(empty))})
    assert len(decode_document(full).data) == DOCUMENT_SIZE_MAX
    with pytest.raises(FormatError, match="at most"):
        decode_document(full.replace(b"xx", b"xxx", 1))
    with pytest.raises(FormatError):
        decode_json(b"12345", size_max=4)


def test_costs_stay_linear() -> None:
    """Many names with one twice at the end, and numbers of 200,000 digits: an input must not cost its size squared."""
    names = b",".join(b'"%x":0' % i for i in range(24_000))
    started = time.monotonic()
    for data in (
        b"{" + names + b',"zz":0,"zz":0}',
        b"1" * 200_000,
        b"0." + b"1" * 200_000 + b"x",
        b"1" * 250_000 + b"e-9",
    ):
        with pytest.raises(FormatError):
            decode_json(data)
    assert math.isclose(decode_json(b"0." + b"1" * 250_000), 1 / 9)
    assert time.monotonic() - started < 2


def test_round_trip() -> None:
    """What is written is read back, and the hash is over the bytes as supplied."""
    data = encode_document(
        id="a-1", nonce=NONCE, body={"名": "茶", "n": 1.5}, hidden={"memo": DIGEST},
        context=Context("hsinchu.farmer-1", bytes(range(32))),
    )  # fmt: skip
    got = decode_document(data)
    assert (got.data, got.hash) == (data, hashlib.sha256(data).digest())
    assert (got.id, got.nonce, got.body, got.hidden) == ("a-1", NONCE, {"名": "茶", "n": 1.5}, {"memo": DIGEST})
    assert got.context == Context("hsinchu.farmer-1", bytes(range(32)))
    spaced = b" " + document() + b"\n"
    assert decode_document(spaced).hash == hashlib.sha256(spaced).digest()
    assert decode_document(encode_document(id="x", body={})).context is None


def test_fresh_nonces() -> None:
    """Two documents of one content must not share a hash: it could be guessed."""
    assert len({encode_document(id="x", body={}) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "members",
    [
        {"id": None}, {"nonce": None}, {"body": None}, {"extra": 1}, {"id": ""}, {"id": "a b"}, {"id": "茶"}, {"id": 1},
        {"id": "a" * 129}, {"id": "a\n"}, {"id": "a\x7f"}, {"nonce": ""}, {"nonce": NONCE[:-1]}, {"nonce": NONCE + "="},
        {"nonce": NONCE[:-1] + "x"}, {"nonce": NONCE[:-1] + "+"}, {"nonce": 5}, {"nonce": NONCE + "\n"},
        {"body": []}, {"body": "x"}, {"body": 1},
        {"hidden": []}, {"hidden": {"Memo": DIGEST}}, {"hidden": {"": DIGEST}}, {"hidden": {"1a": DIGEST}},
        {"hidden": {"memo": DIGEST[:-1]}}, {"hidden": {"memo": DIGEST[:-1] + "B"}}, {"hidden": {"memo": 1}},
        {"hidden": {"memo": DIGEST + "="}}, {"hidden": {"memo\n": DIGEST}}, {"hidden": {"a" * 65: DIGEST}},
        {"hidden": {"memo": [DIGEST]}}, {"hidden": {f"n{i}": DIGEST for i in range(HIDDEN_MAX + 1)}},
        {"context": {}}, {"context": []}, {"context": "x"}, {"context": {"by": "x"}},
        {"context": {"entered_for": None}},
        {"context": {"entered_for": "x", "evidence": None}}, {"context": {"entered_for": ""}},
        {"context": {"entered_for": 1}}, {"context": {"evidence": "ab"}}, {"context": {"evidence": "A" * 64}},
        {"context": {"evidence": "0" * 64 + "\n"}}, {"context": {"evidence": 0}},
    ],
)  # fmt: skip
def test_no_document(members: dict[str, Any]) -> None:
    """Each member has one form; a second would be a second document of one meaning."""
    with pytest.raises(FormatError):
        decode_document(document(**members))


@pytest.mark.parametrize("data", [b"[]", b"1", b'""', b"null", b"{}", b'{"id":"a"}'])
def test_other_json(data: bytes) -> None:
    """JSON of another kind is no document."""
    with pytest.raises(FormatError):
        decode_document(data)


@pytest.mark.parametrize(
    "members",
    [
        {"body": {"a": float("nan")}}, {"body": {"a": float("inf")}}, {"body": {"a": 2**53}}, {"body": {"a": "\ud800"}},
        {"body": {"a": object()}}, {"body": {"a": b"x"}}, {"body": {1: 2, "1": 3}}, {"body": []}, {"body": {(1,): 2}},
        {"body": {"a": "x" * DOCUMENT_SIZE_MAX}}, {"id": ""}, {"id": "\ud800"}, {"nonce": ""}, {"nonce": "x"},
        {"context": Context()}, {"hidden": {"A": DIGEST}}, {"context": Context(evidence=b"x")},
    ],
)  # fmt: skip
def test_nothing_else_is_written(members: dict[str, Any]) -> None:
    """A document that could not be read again is never written, and the error is one of ours."""
    with pytest.raises(FormatError):
        encode_document(**{"id": "a", "body": {}, **members})


def test_endless_body() -> None:
    """A body that holds itself is refused."""
    body: dict[str, Any] = {}
    body["body"] = body
    with pytest.raises(FormatError):
        encode_document(id="a", body=body)


@given(st.binary(max_size=2048))
def test_noise(data: bytes) -> None:
    """Noise ends in a FormatError."""
    with pytest.raises(FormatError):
        decode_document(data)


@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    """A changed document is refused or keeps its rules: read, written and read again it says the same."""
    changed = bytearray(encode_document(id="a-1", nonce=NONCE, body={"a": [1, "茶", None]}, hidden={"m": DIGEST}))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        got = decode_document(bytes(changed))
    except FormatError:
        return
    again = decode_document(
        encode_document(id=got.id, nonce=got.nonce, body=got.body, hidden=got.hidden, context=got.context)
    )
    assert (again.id, again.nonce, again.body, again.hidden) == (got.id, got.nonce, got.body, got.hidden)
