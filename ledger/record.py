"""Records: what an actor signs. A COSE_Sign1 (a SCITT Signed Statement) whose payload is the hash of its document.

Protected header: 1 alg -8 · 4 kid (RFC 9679 thumbprint) · 15 CWT claims {1 iss, 2 sub, 3 aud, 4 exp?, 6 iat} · 16 typ ·
258 payload-hash-alg -16 (SHA-256) · 259 content type of the document, `application/vnd.fengtu.<kind>+json` (RFC 9995).
The unprotected header is empty; the payload is the 32 bytes of the hash.

    d2 84 58.. a6 01 27 04 5820.. 0f a5.. 10 78.. 190102 2f 190103 78.. a0 5820.. 5840..
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import core, cose, signature
from ledger.errors import FormatError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.signature import SigningKey

STATEMENT_SIZE_MAX = 65_535
TYP = "application/vnd.fengtu.record+cose"
SHA_256 = -16
TIME_MAX_S = 2**53 // 1000
NAME_SIZE_MAX = 512

_CONTENT_TYPE = re.compile(r"application/vnd\.fengtu\.([a-z][a-z0-9.-]{0,63})\+json")


class Record(NamedTuple):
    """A decoded record; whether its signature holds is for `check_record` to say.

    Attributes:
        statement: its exact bytes: the leaf of a public record.
        kid: the signing key's thumbprint, 32 bytes.
        kind: what its document is.
        issuer: the actor.
        subject: what it is about.
        audience: the origin of the log that it is for.
        issued_at_s: Unix seconds, by the actor's clock.
        expires_at_s: Unix seconds from which it must not be let in, or None.
        document_hash: SHA-256 of its document.
        signature: 64 bytes.
        signed: the bytes that the signature is over.
    """

    statement: bytes
    kid: bytes
    kind: str
    issuer: str
    subject: str
    audience: str
    issued_at_s: int
    expires_at_s: int | None
    document_hash: bytes
    signature: bytes
    signed: bytes


def sign_record(
    key: SigningKey,
    *,
    kind: str,
    issuer: str,
    subject: str,
    audience: str,
    issued_at_s: int,
    document: bytes,
    expires_at_s: int | None = None,
) -> bytes:
    """Return the signed record of a document.

    Raises:
        FormatError: a field is outside its bounds.
    """
    claims: dict[int, Any] = {cose.ISS: issuer, cose.SUB: subject, cose.AUD: audience, cose.IAT: issued_at_s}
    if expires_at_s is not None:
        claims[cose.EXP] = expires_at_s
    protected = {
        cose.CWT_CLAIMS: claims,
        cose.TYP: TYP,
        cose.PAYLOAD_HASH_ALG: SHA_256,
        cose.PREIMAGE_CONTENT_TYPE: f"application/vnd.fengtu.{kind}+json",
    }
    statement = cose.sign1(key, protected, hashlib.sha256(document).digest())
    decode_record(statement)
    return statement


def decode_record(statement: bytes) -> Record:
    """Return the record in these bytes.

    Raises:
        FormatError: they are not a record in its one encoding.
    """
    if core.native is not None:
        fields = core.native.decode_record(statement)
        if fields is not None:
            return Record(statement, *fields)
    return _decode_in_python(statement)


def decode_records(statements: Sequence[bytes]) -> list[Record | FormatError]:
    """Return the record in each of these, or why it is none."""
    found: list[Record | FormatError] = []
    fields = core.native.decode_records(statements) if core.native is not None else [None] * len(statements)
    for statement, known in zip(statements, fields, strict=True):
        try:
            found.append(_decode_in_python(statement) if known is None else Record(statement, *known))
        except FormatError as error:
            found.append(error)
    return found


def _decode_in_python(statement: bytes) -> Record:
    if len(statement) > STATEMENT_SIZE_MAX:
        raise FormatError("record", expected=f"at most {STATEMENT_SIZE_MAX} bytes", got=f"{len(statement)} bytes")
    parts = cose.decode_sign1(statement, "record")
    header = parts.protected
    cose.check_labels(
        "record",
        header,
        {cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.TYP, cose.PAYLOAD_HASH_ALG, cose.PREIMAGE_CONTENT_TYPE},
    )
    if parts.unprotected:
        raise FormatError("record unprotected header", expected="an empty one", got=sorted(parts.unprotected, key=str))
    if header[cose.TYP] != TYP:
        raise FormatError("record typ", expected=TYP, got=str(header[cose.TYP])[:100])
    if header[cose.PAYLOAD_HASH_ALG] != SHA_256:
        raise FormatError("record hash algorithm", expected=SHA_256, got=header[cose.PAYLOAD_HASH_ALG])
    content_type = header[cose.PREIMAGE_CONTENT_TYPE]
    match = _CONTENT_TYPE.fullmatch(content_type) if isinstance(content_type, str) else None
    if match is None:
        raise FormatError(
            "record content type", expected="application/vnd.fengtu.<kind>+json", got=str(content_type)[:100]
        )
    if parts.payload is None or len(parts.payload) != cose.HASH_SIZE:
        raise FormatError("record payload", expected="a hash of 32 bytes")
    claims = header[cose.CWT_CLAIMS]
    if not isinstance(claims, dict):
        raise FormatError("record claims", expected="a map", got=type(claims).__name__)
    cose.check_labels("record claims", claims, {cose.ISS, cose.SUB, cose.AUD, cose.IAT}, {cose.EXP})
    return Record(
        statement=statement,
        kid=header[cose.KID],
        kind=match[1],
        issuer=_name("iss", claims[cose.ISS]),
        subject=_name("sub", claims[cose.SUB]),
        audience=_name("aud", claims[cose.AUD]),
        issued_at_s=_time("iat", claims[cose.IAT]),
        expires_at_s=None if cose.EXP not in claims else _time("exp", claims[cose.EXP]),
        document_hash=parts.payload,
        signature=parts.signature,
        signed=parts.signed(parts.payload),
    )


def check_record(record: Record, public_key: bytes) -> None:
    """Check a record's signature.

    Raises:
        SignatureError: it is not by this key, or the kid is another key's.
    """
    if signature.thumbprint(public_key) != record.kid:
        raise SignatureError("record kid", expected=signature.thumbprint(public_key).hex(), got=record.kid.hex())
    signature.check(public_key, record.signed, record.signature)


def _name(claim: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= NAME_SIZE_MAX:
        raise FormatError(f"record {claim}", expected=f"text of 1 to {NAME_SIZE_MAX} bytes", got=repr(value)[:80])
    return value


def _time(claim: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= TIME_MAX_S:
        raise FormatError(f"record {claim}", expected="Unix seconds", got=repr(value)[:80])
    return value
