"""Disclosures: one text for one digest, under one name."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_document import json_values

from ledger.disclosure import DISCLOSURE_SIZE_MAX, check_disclosure, make_disclosure, open_disclosure
from ledger.errors import FormatError, ProofError


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def test_rfc_9901_example() -> None:
    """The example of RFC 9901 §4.2.1 and §4.2.3: another hash input would give digests that nobody else can check."""
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    opened = open_disclosure(text)
    assert (opened.salt, opened.name, opened.value) == ("_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius")
    assert opened.digest == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    assert check_disclosure(text, "family_name", opened.digest) == opened


@given(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), json_values)
def test_any_value(name: str, value: Any) -> None:
    """Any value comes back under its name and digest."""
    made = make_disclosure(name, value)
    assert made.digest == encoded(hashlib.sha256(made.text.encode()).digest())
    assert check_disclosure(made.text, name, made.digest) == made
    assert (made.name, made.value, len(made.salt)) == (name, value, 22)


def test_fresh_salts() -> None:
    """Without a fresh salt a phone number behind a digest could be found by trying."""
    assert len({make_disclosure("phone", "0912345678").digest for _ in range(20)}) == 20


def test_another_disclosure() -> None:
    """Another value, salt or name is not what the document committed to."""
    made = make_disclosure("memo", "yes")
    for other in (make_disclosure("memo", "yes"), make_disclosure("memo", "no", made.salt)):
        with pytest.raises(ProofError):
            check_disclosure(other.text, "memo", made.digest)
    with pytest.raises(ProofError, match="name"):
        check_disclosure(made.text, "phone", made.digest)
    for digest in ("", made.digest + "=", made.digest[:-1], made.digest.lower(), "摘要"):
        with pytest.raises(ProofError):
            check_disclosure(made.text, "memo", digest)


def test_other_texts_of_one_disclosure() -> None:
    """Padding, spaces or the other alphabet would be a second text; every changed character is another digest."""
    made = make_disclosure("memo", "?>~茶")
    texts = [made.text + "=", made.text + "\n", " " + made.text, made.text[:5] + "." + made.text[5:], made.text + "é",
             made.text.replace("-", "+").replace("_", "/") + "+", made.text + "AAAA", made.text + "\ud800"]  # fmt: skip
    for text in texts:
        with pytest.raises(FormatError):
            open_disclosure(text)
    for at in range(len(made.text)):
        changed = made.text[:at] + ("A" if made.text[at] != "A" else "B") + made.text[at + 1 :]
        with pytest.raises((FormatError, ProofError)):
            check_disclosure(changed, "memo", made.digest)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'["s","n"]', b'["s","n",1,2]', b'[1,"n",1]', b'["s",1,1]', b'{"s":1}', b'["s","n",1] x', b"\xff",
     b'["s","n",NaN]', b'["s","n",{"a":1,"a":2}]', b'["s","n",' + b"[" * 5000, b'["s","n","\\ud800"]'],
)  # fmt: skip
def test_no_disclosure(data: bytes) -> None:
    """Only the array of salt, name and value, in strict JSON."""
    with pytest.raises(FormatError):
        open_disclosure(encoded(data))


@pytest.mark.parametrize("value", [float("nan"), 2**53, "\ud800", object(), b"x", "x" * DISCLOSURE_SIZE_MAX])
def test_nothing_else_is_made(value: Any) -> None:
    """A disclosure that could not be opened is never made."""
    with pytest.raises(FormatError):
        make_disclosure("memo", value)


@given(st.one_of(st.text(), st.binary(max_size=2048).map(encoded)))
def test_noise(text: str) -> None:
    """Noise ends in a FormatError."""
    with pytest.raises(FormatError):
        open_disclosure(text)
