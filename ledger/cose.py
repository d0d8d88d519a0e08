"""COSE_Sign1 with Ed25519 (RFC 9052 §4.2), as records, receipts and refusals use it.

    18([protected: bstr .cbor map, unprotected: map, payload: bstr / nil, signature: bstr])

One algorithm (EdDSA, -8), tagged, deterministic: what does not re-encode to itself is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import cbor
from ledger.errors import FormatError
from ledger.signature import SIGNATURE_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from ledger.signature import SigningKey

TAG_18 = b"\xd2"
EDDSA = -8
HASH_SIZE = 32
SIGN1_SIZE_MAX = 2**17

ALG, CONTENT_TYPE, KID, CWT_CLAIMS, TYP = 1, 3, 4, 15, 16
PAYLOAD_HASH_ALG, PREIMAGE_CONTENT_TYPE = 258, 259
RECEIPTS, VDS, VDP = 394, 395, 396
ISS, SUB, AUD, EXP, IAT = 1, 2, 3, 4, 6


@dataclass(frozen=True, slots=True)
class Sign1:
    """A decoded COSE_Sign1.

    Attributes:
        protected: the protected header.
        unprotected: the unprotected header.
        payload: None where it is detached.
        signature: 64 bytes.
        protected_bytes: the protected header as it is signed.
    """

    protected: Mapping[int, Any]
    unprotected: Mapping[int, Any]
    payload: bytes | None
    signature: bytes
    protected_bytes: bytes

    def signed(self, payload: bytes) -> bytes:
        """Return the Sig_structure over a payload."""
        return sig_structure(self.protected_bytes, payload)


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """Return what is signed: `["Signature1", protected, external_aad (empty), payload]` (RFC 9052 §4.4)."""
    return cbor.encode(["Signature1", protected, b"", payload])


def sign1(
    key: SigningKey,
    protected: Mapping[int, Any],
    payload: bytes,
    *,
    unprotected: Mapping[int, Any] | None = None,
    detached: bool = False,
) -> bytes:
    """Return the tagged COSE_Sign1 of a payload; algorithm and key thumbprint are added to the protected header."""
    header = cbor.encode({ALG: EDDSA, KID: key.kid, **protected})
    signature = key.sign(sig_structure(header, payload))
    body = [header, dict(unprotected or {}), None if detached else payload, signature]
    return TAG_18 + cbor.encode(body)


def encode_sign1(parts: Sign1, unprotected: Mapping[int, Any]) -> bytes:
    """Return a decoded COSE_Sign1 with another unprotected header, which is not signed."""
    return TAG_18 + cbor.encode([parts.protected_bytes, dict(unprotected), parts.payload, parts.signature])


def decode_sign1(data: bytes, what: str) -> Sign1:
    """Return a COSE_Sign1 in its parts.

    Args:
        data: the tagged, deterministic encoding, at most 128 KiB.
        what: its name in an error.

    Raises:
        FormatError: it is no such thing, or not by Ed25519 with a key thumbprint.
    """
    if len(data) > SIGN1_SIZE_MAX:
        raise FormatError(what, expected=f"at most {SIGN1_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    if data[:1] != TAG_18:
        raise FormatError(what, expected="a COSE_Sign1 with tag 18", got=f"the first byte {data[:1].hex()}")
    parts = cbor.decode(data[1:])
    if not isinstance(parts, list) or len(parts) != 4:
        raise FormatError(what, expected="an array of four")
    protected_bytes, unprotected, payload, signature = parts
    if not isinstance(protected_bytes, bytes) or not isinstance(unprotected, dict):
        raise FormatError(what, expected="a protected header in bytes and an unprotected map")
    if not (payload is None or isinstance(payload, bytes)):
        raise FormatError(f"{what} payload", expected="bytes or nil", got=type(payload).__name__)
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_SIZE:
        raise FormatError(f"{what} signature", expected=f"{SIGNATURE_SIZE} bytes")
    protected = cbor.decode(protected_bytes)
    if not isinstance(protected, dict):
        raise FormatError(f"{what} header", expected="a map", got=type(protected).__name__)
    if protected.get(ALG) != EDDSA:
        raise FormatError(f"{what} algorithm", expected=EDDSA, got=protected.get(ALG))
    kid = protected.get(KID)
    if not isinstance(kid, bytes) or len(kid) != HASH_SIZE:
        raise FormatError(f"{what} kid", expected="a thumbprint of 32 bytes")
    return Sign1(protected, unprotected, payload, signature, protected_bytes)


def check_labels(
    what: str, header: Mapping[int, Any], labels: AbstractSet[int], optional: AbstractSet[int] = frozenset()
) -> None:
    """Check that a header or claims map has these labels and no others.

    Raises:
        FormatError: one is missing or one too many.
    """
    if not labels <= set(header) <= labels | optional:
        raise FormatError(f"{what} labels", expected=sorted(labels), got=sorted(header, key=str))
