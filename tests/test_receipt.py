"""Receipts: the log's word, read alike by somebody else's software, and mistaken for nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from scitt_cose import attach_receipts, extract_receipts, verify_receipt
from test_record import ORIGIN, STATEMENT

from ledger import cbor, cose
from ledger.errors import FengtuError, FormatError, ProofError, SignatureError
from ledger.merkle import ListReader, leaf_hash, prove_inclusion, root_at
from ledger.receipt import (
    RECEIPTS_MAX,
    attach_receipt,
    check_receipt,
    open_receipt,
    sign_receipt,
    split_transparent,
)
from ledger.record import check_record, decode_record
from ledger.signature import SigningKey

LOG = SigningKey.from_seed(b"\x02" * 32)
PEM = Ed25519PublicKey.from_public_bytes(LOG.public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SIZE, INDEX = 300, 258
ENTRIES = [STATEMENT if i == INDEX else b"entry %d" % i for i in range(SIZE)]
READER = ListReader([leaf_hash(entry) for entry in ENTRIES])
LEAF = leaf_hash(STATEMENT)
ROOT = root_at(READER, SIZE)
PROOF = prove_inclusion(READER, INDEX, SIZE)
RECEIPT = sign_receipt(LOG, origin=ORIGIN, size=SIZE, index=INDEX, proof=PROOF, root=ROOT)
HEADER: dict[Any, Any] = {cose.CWT_CLAIMS: {cose.ISS: ORIGIN, cose.SUB: ORIGIN}, cose.VDS: 1}


def forged(header: dict[Any, Any] | None = None, *, vdp: Any = None, inclusion: Any = None, **more: Any) -> bytes:
    """A receipt with any header or proof, signed by the log's key."""
    inclusion = [SIZE, INDEX, PROOF] if inclusion is None else inclusion
    vdp = {-1: [cbor.encode(inclusion)]} if vdp is None else vdp
    more = {"detached": True, "unprotected": {cose.VDP: vdp}, **more}
    return cose.sign1(LOG, HEADER if header is None else header, ROOT, **more)


def test_round_trip() -> None:
    """A receipt of every index in small trees checks, and says which log, size and place."""
    got = check_receipt(RECEIPT, LEAF, LOG.public_key, ORIGIN)
    assert (got.origin, got.kid, got.size, got.index, list(got.proof)) == (ORIGIN, LOG.kid, SIZE, INDEX, PROOF)
    assert forged() == RECEIPT
    for size in range(2, 20):
        for index in range(size):
            receipt = sign_receipt(LOG, origin=ORIGIN, size=size, index=index,
                                   proof=prove_inclusion(READER, index, size), root=root_at(READER, size))  # fmt: skip
            check_receipt(receipt, leaf_hash(ENTRIES[index]), LOG.public_key, ORIGIN)
            with pytest.raises(SignatureError):
                check_receipt(receipt, LEAF, LOG.public_key, ORIGIN)


def test_scitt_cose_verifies_it() -> None:
    """Other software accepts the receipt of this statement, and none in which a byte is changed."""
    result = verify_receipt(RECEIPT, leaf_entry_hex=STATEMENT.hex(), log_public_key_pem=PEM)
    assert (result.ok, result.errors) == (True, [])
    for at in range(0, len(RECEIPT), 7):
        flipped = RECEIPT[:at] + bytes([RECEIPT[at] ^ 1]) + RECEIPT[at + 1 :]
        theirs = verify_receipt(flipped, leaf_entry_hex=STATEMENT.hex(), log_public_key_pem=PEM).ok
        if theirs:
            # The tree size is not signed: theirs is no stricter than ours there.
            assert open_receipt(flipped).size != SIZE
    assert not verify_receipt(RECEIPT, leaf_entry_hex=(STATEMENT + b"\x00").hex(), log_public_key_pem=PEM).ok


def test_scitt_cose_reads_the_transparent_statement() -> None:
    """A receipt travels in label 394 as other software attaches and finds it."""
    transparent = attach_receipt(STATEMENT, RECEIPT)
    assert extract_receipts(transparent) == [RECEIPT]
    assert extract_receipts(attach_receipts(STATEMENT, [RECEIPT])) == split_transparent(transparent)[1]


def test_every_flipped_bit() -> None:
    """Every changed bit is refused but one of the tree size, which is not signed and on which nothing rests."""
    passed = 0
    for bit in range(len(RECEIPT) * 8):
        flipped = (int.from_bytes(RECEIPT, "big") ^ 1 << bit).to_bytes(len(RECEIPT), "big")
        try:
            got = check_receipt(flipped, LEAF, LOG.public_key, ORIGIN)
        except FengtuError:
            continue
        passed += 1
        assert got.size != SIZE
        assert (got.index, list(got.proof), got.origin) == (INDEX, PROOF, ORIGIN)
    assert passed < 8


def test_receipt_is_no_record() -> None:
    """Both sign 32 bytes: one that passed for the other would forge a record by the log, or a receipt by an actor."""
    with pytest.raises(FormatError):
        decode_record(RECEIPT)
    with pytest.raises(FormatError):
        decode_record(cose.encode_sign1(replace(open_receipt(RECEIPT).parts, payload=ROOT), {}))
    with pytest.raises(FormatError, match="record passed off"):
        open_receipt(STATEMENT)
    record = cose.decode_sign1(STATEMENT, "record")
    unprotected = {cose.VDP: {-1: [cbor.encode([SIZE, INDEX, PROOF])]}}
    for payload in (None, record.payload):
        with pytest.raises(FormatError, match="record passed off"):
            open_receipt(cose.encode_sign1(replace(record, payload=payload), unprotected))
    # A record that an actor gave the label of a receipt beside its hash envelope.
    both = cose.sign1(LOG, HEADER | {cose.PAYLOAD_HASH_ALG: -16}, ROOT, unprotected=unprotected, detached=True)
    with pytest.raises(FormatError, match="record passed off"):
        check_receipt(both, LEAF, LOG.public_key, ORIGIN)


def test_other_logs_and_keys() -> None:
    """A receipt of another log, by another key or under another kid is refused."""
    other = SigningKey.from_seed(b"\x03" * 32)
    with pytest.raises(ProofError):
        check_receipt(RECEIPT, LEAF, LOG.public_key, "log.example/other")
    with pytest.raises(SignatureError):
        check_receipt(RECEIPT, LEAF, other.public_key, ORIGIN)
    with pytest.raises(SignatureError):
        check_receipt(forged(HEADER | {cose.KID: other.kid}), LEAF, other.public_key, ORIGIN)
    with pytest.raises(SignatureError, match="kid"):
        check_receipt(forged(HEADER | {cose.KID: other.kid}), LEAF, LOG.public_key, ORIGIN)


def test_size_one() -> None:
    """A tree of one leaf has no legal receipt (`[+ bstr]`): neither signed nor read."""
    with pytest.raises(FormatError):
        sign_receipt(LOG, origin=ORIGIN, size=1, index=0, proof=[], root=LEAF)
    for inclusion in ([1, 0, []], [1, 0, [ROOT]], [2, 0, []]):
        with pytest.raises(FormatError):
            open_receipt(forged(inclusion=inclusion))


@pytest.mark.parametrize(
    "inclusion",
    [
        [], [SIZE], [SIZE, INDEX], [SIZE, INDEX, PROOF, 1], {1: 2}, b"x",
        [SIZE, SIZE, PROOF], [SIZE, -1, PROOF], [0, 0, PROOF], [True, False, PROOF], ["300", INDEX, PROOF],
        [SIZE, None, PROOF], [SIZE, INDEX, PROOF[0]], [SIZE, INDEX, [*PROOF, b""]], [SIZE, INDEX, [*PROOF, ROOT.hex()]],
        [SIZE, INDEX, [hash_[:31] for hash_ in PROOF]], [SIZE, INDEX, [ROOT] * 64], [SIZE, INDEX, None],
        [SIZE, INDEX, PROOF[:-1]], [SIZE, INDEX, [*PROOF, ROOT]], [SIZE, INDEX, PROOF[::-1]], [SIZE, INDEX - 1, PROOF],
        [2**64 - 1, INDEX, PROOF], [2**63, INDEX, [ROOT] * 63],
    ],
)  # fmt: skip
def test_other_proofs(inclusion: Any) -> None:
    """A proof of another shape, place or length is refused, well signed or not."""
    with pytest.raises((FormatError, ProofError)):
        check_receipt(forged(inclusion=inclusion), LEAF, LOG.public_key, ORIGIN)


@pytest.mark.parametrize("vdp", [{}, [], 5, {-2: []}, {-1: []}, {-1: b"x"}, {-1: [5]}, {-1: [b""]}, {-1: [b"\x00\x00"]},
                                 {-1: [cbor.encode([SIZE, INDEX, PROOF])] * 2},
                                 {-1: [cbor.encode([SIZE, INDEX, PROOF])], -2: []},
                                 {-1: [cbor.encode([SIZE, INDEX, PROOF]) + b"\x00"]}])  # fmt: skip
def test_other_proof_maps(vdp: Any) -> None:
    """One inclusion proof and nothing beside it: what is not signed must have one form."""
    with pytest.raises(FormatError):
        open_receipt(forged(vdp=vdp))


@pytest.mark.parametrize(
    "header",
    [
        {cose.VDS: 1}, {cose.CWT_CLAIMS: HEADER[cose.CWT_CLAIMS]}, HEADER | {cose.VDS: 2}, HEADER | {cose.VDS: True},
        HEADER | {cose.VDS: "1"}, HEADER | {cose.TYP: "x"}, HEADER | {cose.CONTENT_TYPE: "x"}, HEADER | {2: [395]},
        HEADER | {cose.ALG: -7}, HEADER | {cose.KID: b"short"},
        HEADER | {cose.CWT_CLAIMS: {}}, HEADER | {cose.CWT_CLAIMS: []}, HEADER | {cose.CWT_CLAIMS: {1: ORIGIN}},
        HEADER | {cose.CWT_CLAIMS: {1: ORIGIN, 2: "x"}}, HEADER | {cose.CWT_CLAIMS: {1: b"x", 2: b"x"}},
        HEADER | {cose.CWT_CLAIMS: {1: ORIGIN, 2: ORIGIN, 6: 1}},
    ],
)  # fmt: skip
def test_other_headers(header: dict[Any, Any]) -> None:
    """A receipt says its log and its structure, and nothing else."""
    with pytest.raises(FormatError):
        open_receipt(forged(header))


def test_attached_root() -> None:
    """An attached payload would be a root that nothing ties to the leaf."""
    with pytest.raises(FormatError):
        open_receipt(forged(detached=False))
    for unprotected in ({}, {cose.VDP: {-1: [cbor.encode([SIZE, INDEX, PROOF])]}, 1: 2}):
        with pytest.raises(FormatError):
            open_receipt(forged(unprotected=unprotected))


def test_transparent_statements() -> None:
    """A record comes back byte for byte from under its receipts, or the leaf would be lost."""
    transparent = STATEMENT
    for count in range(1, RECEIPTS_MAX + 1):
        transparent = attach_receipt(transparent, RECEIPT)
        assert split_transparent(transparent) == (STATEMENT, [RECEIPT] * count)
    with pytest.raises(FormatError):
        attach_receipt(transparent, RECEIPT)
    assert split_transparent(STATEMENT) == (STATEMENT, [])
    check_record(decode_record(split_transparent(transparent)[0]), SigningKey.from_seed(b"\x01" * 32).public_key)
    with pytest.raises(FormatError):
        decode_record(transparent)
    parts = cose.decode_sign1(STATEMENT, "record")
    for unprotected in ({1: 2}, {394: []}, {394: b"x"}, {394: ["x"]}, {394: [RECEIPT], 1: 2}, {394: [RECEIPT] * 17}):
        with pytest.raises(FormatError):
            split_transparent(cose.encode_sign1(parts, unprotected))
    with pytest.raises(FormatError):
        split_transparent(cose.encode_sign1(parts, {394: [b"x" * 2**17]}))


@given(st.binary(max_size=2048), st.booleans())
def test_noise(data: bytes, tagged: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    """Noise, tagged or not, ends in a FormatError."""
    data = b"\xd2\x84" + data if tagged else data
    for read in (open_receipt, split_transparent):
        with pytest.raises(FormatError):
            read(data)


@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    """A receipt changed in several places is refused by an error of ours, or differs in its unsigned size alone."""
    changed = bytearray(RECEIPT)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        got = check_receipt(bytes(changed), LEAF, LOG.public_key, ORIGIN)
    except FengtuError:
        return
    assert (got.index, list(got.proof), got.origin) == (INDEX, PROOF, ORIGIN)
