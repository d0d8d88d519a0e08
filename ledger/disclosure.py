"""Disclosures: the text behind a hidden field (RFC 9901 §4.2.1).

    WyJfc2FsdF8iLCJtZW1vIiwi...     base64url of the JSON array [salt, name, value]

The document holds the base64url SHA-256 of the disclosure's ASCII under the field's name, so an issuer cannot commit to
two values of one name.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from ledger.document import decode_json, encode_json
from ledger.errors import FormatError, ProofError

DISCLOSURE_SIZE_MAX = 32_768
SALT_SIZE = 16


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A disclosure.

    Attributes:
        text: as it is handed on, base64url.
        salt: 22 characters of base64url from 16 random bytes, or what another issuer chose.
        name: the hidden field's name.
        value: what it says.
    """

    text: str
    salt: str
    name: str
    value: Any

    @property
    def digest(self) -> str:
        """The base64url SHA-256 of the text, 43 characters."""
        return _base64(hashlib.sha256(self.text.encode()).digest())


def make_disclosure(name: str, value: Any, salt: str | None = None) -> Disclosure:
    """Return a disclosure of a value, with a fresh salt where none is given.

    Raises:
        FormatError: it would be too large, or the value is none that JSON has.
    """
    salt = _base64(secrets.token_bytes(SALT_SIZE)) if salt is None else salt
    return open_disclosure(_base64(encode_json([salt, name, value])))


def open_disclosure(text: str) -> Disclosure:
    """Return the disclosure in a text.

    Raises:
        FormatError: it is none.
    """
    if len(text) > DISCLOSURE_SIZE_MAX:
        raise FormatError("disclosure", expected=f"at most {DISCLOSURE_SIZE_MAX} characters", got=len(text))
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise FormatError("disclosure", expected="base64url", got=repr(text)[:60]) from error
    if _base64(data) != text:
        raise FormatError("disclosure", expected="base64url without padding", got=repr(text)[:60])
    value = decode_json(data, size_max=DISCLOSURE_SIZE_MAX)
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(one, str) for one in value[:2]):
        raise FormatError("disclosure", expected="[salt, name, value]")
    return Disclosure(text, value[0], value[1], value[2])


def check_disclosure(text: str, name: str, digest: str) -> Disclosure:
    """Return the disclosure in a text that a document commits to.

    Args:
        text: the disclosure.
        name: the hidden field's name in the document.
        digest: what stands under that name.

    Raises:
        FormatError: it is no disclosure.
        ProofError: it is another one than the document commits to.
    """
    disclosure = open_disclosure(text)
    if disclosure.digest != digest:
        raise ProofError(f"disclosure of {name}", expected=digest, got=disclosure.digest)
    if disclosure.name != name:
        raise ProofError("disclosure's name", expected=name, got=disclosure.name)
    return disclosure


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
