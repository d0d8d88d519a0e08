"""Refusals: why the log did not let a record in, signed with the key of its own records.

A COSE_Sign1 with typ `application/vnd.fengtu.refusal+cose` whose payload is a CBOR map:

    {"size": 17, "rule": "produce.mass-balance", "message": "…", "expected": "…", "got": "…"}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import cbor, cose, signature
from ledger.errors import FormatError, SignatureError

if TYPE_CHECKING:
    from ledger.signature import SigningKey

TYP = "application/vnd.fengtu.refusal+cose"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal.

    Attributes:
        size: the tree's size at which it was judged.
        rule: the rule's name.
        message: the same in plain words.
        expected: what the rule wanted, or None.
        got: what the record said, or None.
    """

    size: int
    rule: str
    message: str
    expected: str | None
    got: str | None


def sign_refusal(key: SigningKey, refusal: Refusal) -> bytes:
    """Return the signed refusal."""
    payload = {name: getattr(refusal, name) for name in Refusal.__slots__}
    return cose.sign1(key, {cose.TYP: TYP}, cbor.encode(payload))


def open_refusal(data: bytes, public_key: bytes) -> Refusal:
    """Return a refusal that a log signed.

    Raises:
        FormatError: it is none.
        SignatureError: it is not by this key.
    """
    parts = cose.decode_sign1(data, "refusal")
    cose.check_labels("refusal", parts.protected, {cose.ALG, cose.KID, cose.TYP})
    if parts.protected[cose.TYP] != TYP or parts.unprotected or parts.payload is None:
        raise FormatError("refusal", expected=TYP, got=str(parts.protected[cose.TYP])[:100])
    if parts.protected[cose.KID] != signature.thumbprint(public_key):
        raise SignatureError("refusal kid", expected=signature.thumbprint(public_key).hex())
    signature.check(public_key, parts.signed(parts.payload), parts.signature)
    payload = cbor.decode(parts.payload)
    if not isinstance(payload, dict) or set(payload) != set(Refusal.__slots__):
        raise FormatError("refusal payload", expected=", ".join(Refusal.__slots__))
    if type(payload["size"]) is not int or payload["size"] < 0:
        raise FormatError("refusal size", expected="a tree size", got=repr(payload["size"])[:80])
    texts = [payload[name] for name in ("rule", "message", "expected", "got")]
    if not all(isinstance(text, str) for text in texts[:2]) or not all(t is None or isinstance(t, str) for t in texts):
        raise FormatError("refusal payload", expected="texts")
    return Refusal(payload["size"], *texts)
