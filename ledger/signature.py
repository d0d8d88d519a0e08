"""Ed25519 signatures, strict: one verdict for every implementation.

    key = SigningKey.generate()
    check(key.public_key, b"message", key.sign(b"message"))

Accepted is what RFC 8032 §5.1.7 accepts with the cofactorless equation, and on top of it: S below the group's order, A
and R canonical and not of small order. libsodium leaves a few non-canonical points to the implementation, so the bytes
are looked at first, here as in every other implementation.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from ledger import core
from ledger.errors import FormatError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_SIZE = 32
SIGNATURE_SIZE = 64

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_SIGN_BIT = 1 << 255

# The y coordinates of the eight points of small order. Each stands for one or two points, told apart by the sign bit.
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _P - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_SIZE:
            raise FormatError("signing key", expected=f"{KEY_SIZE} bytes", got=f"{len(seed)} bytes")
        self.seed = seed
        self.public_key, self._secret_key = crypto_sign_seed_keypair(seed)
        self.kid = thumbprint(self.public_key)

    @classmethod
    def generate(cls) -> SigningKey:
        """Return a fresh key."""
        return cls(secrets.token_bytes(KEY_SIZE))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Return the key of a 32-byte seed (RFC 8032 §5.1.5).

        Raises:
            FormatError: the seed has another length.
        """
        return cls(seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of a message."""
        return crypto_sign(message, self._secret_key)[:SIGNATURE_SIZE]

    def __repr__(self) -> str:
        return f"SigningKey({self.kid.hex()[:16]}…)"


def thumbprint(public_key: bytes) -> bytes:
    """Return a key's COSE thumbprint, 32 bytes: SHA-256 of `{1: 1, -1: 6, -2: x}` in deterministic CBOR (RFC 9679 §3).

    Raises:
        FormatError: the key does not have 32 bytes.
    """
    if len(public_key) != KEY_SIZE:
        raise FormatError("public key", expected=f"{KEY_SIZE} bytes", got=f"{len(public_key)} bytes")
    # Map of three; 1: OKP; -1 (curve): Ed25519; -2 (x): 32 bytes. Deterministic order is by encoded label.
    return hashlib.sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + public_key).digest()


def check(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Args:
        public_key: 32 bytes.
        message: what was signed.
        signature: 64 bytes.

    Raises:
        SignatureError: it does not verify, by the strict rules.
    """
    if core.native is not None and core.native.check_signatures([(public_key, message, signature)]) is None:
        return
    _check_in_python(public_key, message, signature)
    if core.native is not None:
        raise SignatureError("signature", expected="one verdict of both cores", got="two")


def _check_in_python(public_key: bytes, message: bytes, signature: bytes) -> None:
    if len(public_key) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        raise SignatureError(
            "signature",
            expected="a key of 32 and a signature of 64 bytes",
            got=f"{len(public_key)} and {len(signature)}",
        )
    _check_point("public key", public_key)
    _check_point("signature's R", signature[:32])
    if int.from_bytes(signature[32:], "little") >= _L:
        raise SignatureError("signature's S", expected="below the group's order", got="at or above it")
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError as error:
        raise SignatureError("signature", expected="one by this key over these bytes", got="another") from error


def check_many(signatures: Sequence[tuple[bytes, bytes, bytes]]) -> None:
    """Check many signatures, each (public key, message, signature).

    Raises:
        SignatureError: the first one that fails, by its number from 0.
    """
    for number, error in faults(signatures).items():
        raise SignatureError(f"number {number}: {error.message}", expected=error.expected, got=error.got) from error


def faults(signatures: Sequence[tuple[bytes, bytes, bytes]]) -> dict[int, SignatureError]:
    """Return why signatures fail, each (public key, message, signature), by their number; in the order of numbers."""
    found: dict[int, SignatureError] = {}
    number = 0
    while number < len(signatures):
        if core.native is not None:
            first_bad: int | None = core.native.check_signatures(signatures[number:] if number else signatures)
            if first_bad is None:
                break
            number += first_bad
        try:
            check(*signatures[number])
        except SignatureError as error:
            found[number] = error
        number += 1
    return found


def _check_point(what: str, encoded: bytes) -> None:
    y = int.from_bytes(encoded, "little") & (_SIGN_BIT - 1)
    if y >= _P:
        raise SignatureError(what, expected="a canonical point", got="y at or above p")
    if y in _SMALL_ORDER_Y:
        raise SignatureError(what, expected="a point of large order", got="one of small order")
