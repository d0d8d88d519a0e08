"""Receipts (RFC 9942): the log's signed word that a record is in its tree.

A COSE_Sign1 whose detached payload is the tree's root. Protected: 1 alg, 4 kid, 15 CWT claims {1 iss, 2 sub: the log's
origin}, 395 vds = 1 (RFC9162_SHA256). Unprotected: 396 vdp {-1: [bstr .cbor [tree_size, leaf_index, [+ hash]]]}.

The receipt does not sign its tree size, so nothing rests on it: size and root come from a signed checkpoint. Because
one signature serves every record under one root, the sub is the log's origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import cbor, cose, signature
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.merkle import root_from_inclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.signature import SigningKey

RFC9162_SHA256 = 1
INCLUSION = -1
RECEIPTS_MAX = 16


@dataclass(frozen=True, slots=True)
class Receipt:
    """A decoded receipt; whether it holds is for `check_receipt` to say."""

    origin: str
    kid: bytes
    size: int
    index: int
    proof: tuple[bytes, ...]
    parts: cose.Sign1


def sign_receipt(key: SigningKey, *, origin: str, size: int, index: int, proof: Sequence[bytes], root: bytes) -> bytes:
    """Return the receipt of the entry at `index` in a tree of `size` leaves; `0 <= index < size`, `size >= 2`.

    Raises:
        FormatError: the tree has one leaf: its proof is empty, and an empty one is not legal (CDDL `[+ bstr]`).
    """
    if size < 2:
        raise FormatError("receipt", expected="a tree of two leaves or more", got=size)
    protected = {cose.CWT_CLAIMS: {cose.ISS: origin, cose.SUB: origin}, cose.VDS: RFC9162_SHA256}
    inclusion = cbor.encode([size, index, list(proof)])
    return cose.sign1(key, protected, root, unprotected={cose.VDP: {INCLUSION: [inclusion]}}, detached=True)


def open_receipt(data: bytes) -> Receipt:
    """Return the receipt in these bytes.

    Raises:
        FormatError: they are not a receipt. A record is none: it has a hash envelope.
    """
    parts = cose.decode_sign1(data, "receipt")
    header = parts.protected
    if cose.PAYLOAD_HASH_ALG in header or parts.payload is not None:
        raise FormatError("receipt", expected="a detached root", got="a record passed off as one")
    cose.check_labels("receipt", header, {cose.ALG, cose.KID, cose.CWT_CLAIMS, cose.VDS})
    # In Python true equals 1.
    if header[cose.VDS] is True or header[cose.VDS] != RFC9162_SHA256:
        raise FormatError("receipt vds", expected=RFC9162_SHA256, got=header[cose.VDS])
    claims = header[cose.CWT_CLAIMS]
    if not isinstance(claims, dict) or set(claims) != {cose.ISS, cose.SUB}:
        raise FormatError("receipt claims", expected="iss and sub")
    origin = claims[cose.ISS]
    if not isinstance(origin, str) or claims[cose.SUB] != origin:
        raise FormatError("receipt claims", expected="the log's origin as iss and sub")
    size, index, proof = _inclusion(parts.unprotected)
    return Receipt(origin, header[cose.KID], size, index, proof, parts)


def check_receipt(data: bytes, leaf_hash: bytes, public_key: bytes, origin: str) -> Receipt:
    """Check that a log signed a root under which a leaf stands.

    Args:
        data: the receipt.
        leaf_hash: of the record, 32 bytes.
        public_key: the log's receipt key.
        origin: the log's name.

    Raises:
        FormatError: it is no receipt.
        ProofError: it is another log's, or of another record.
        SignatureError: it is not by this key.
    """
    receipt = open_receipt(data)
    if receipt.origin != origin:
        raise ProofError("receipt's log", expected=origin, got=receipt.origin)
    if receipt.kid != signature.thumbprint(public_key):
        raise SignatureError("receipt kid", expected=signature.thumbprint(public_key).hex(), got=receipt.kid.hex())
    root = root_from_inclusion(leaf_hash, receipt.index, receipt.size, receipt.proof)
    signature.check(public_key, receipt.parts.signed(root), receipt.parts.signature)
    return receipt


def attach_receipt(statement: bytes, receipt: bytes) -> bytes:
    """Return the transparent statement: the record with the receipt in its unprotected header (label 394).

    Raises:
        FormatError: it is no record, or has as many receipts as it may have.
    """
    parts = cose.decode_sign1(statement, "record")
    receipts = [*split_transparent(statement)[1], receipt]
    if len(receipts) > RECEIPTS_MAX:
        raise FormatError("receipts", expected=f"at most {RECEIPTS_MAX}", got=len(receipts))
    return cose.encode_sign1(parts, {cose.RECEIPTS: receipts})


def split_transparent(statement: bytes) -> tuple[bytes, list[bytes]]:
    """Return the record as registered and the receipts of a transparent statement.

    Raises:
        FormatError: its unprotected header holds something else.
    """
    parts = cose.decode_sign1(statement, "record")
    if not parts.unprotected:
        return statement, []
    receipts = parts.unprotected.get(cose.RECEIPTS)
    if set(parts.unprotected) != {cose.RECEIPTS} or not isinstance(receipts, list):
        raise FormatError("transparent statement", expected="receipts and nothing else in the unprotected header")
    if not 0 < len(receipts) <= RECEIPTS_MAX or not all(isinstance(one, bytes) for one in receipts):
        raise FormatError("receipts", expected=f"1 to {RECEIPTS_MAX}, in bytes")
    return cose.encode_sign1(parts, {}), receipts


def _inclusion(unprotected: object) -> tuple[int, int, tuple[bytes, ...]]:
    if not isinstance(unprotected, dict) or set(unprotected) != {cose.VDP}:
        raise FormatError("receipt unprotected header", expected="proofs (396) and nothing else")
    proofs = unprotected[cose.VDP]
    if not isinstance(proofs, dict) or set(proofs) != {INCLUSION} or not isinstance(proofs[INCLUSION], list):
        raise FormatError("receipt proofs", expected="inclusion proofs (-1)")
    if len(proofs[INCLUSION]) != 1 or not isinstance(proofs[INCLUSION][0], bytes):
        raise FormatError("receipt proofs", expected="one inclusion proof in bytes")
    inclusion = cbor.decode(proofs[INCLUSION][0])
    if not isinstance(inclusion, list) or len(inclusion) != 3:
        raise FormatError("inclusion proof", expected="[tree size, leaf index, path]")
    size, index, path = inclusion
    if type(size) is not int or type(index) is not int or not 0 <= index < size or size < 2:
        raise FormatError("inclusion proof", expected="0 <= index < size >= 2", got=f"{index!r} and {size!r}"[:80])
    if (
        not isinstance(path, list)
        or not 0 < len(path) <= 63
        or not all(isinstance(h, bytes) and len(h) == 32 for h in path)
    ):
        raise FormatError("inclusion proof", expected="1 to 63 hashes of 32 bytes")
    return size, index, tuple(path)
