"""tlog-proof files, against the example of the specification and the cases of transparency-dev/formats."""

from __future__ import annotations

import base64
import hashlib

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import SIZE_MAX, Checkpoint, sign_checkpoint
from ledger.errors import FormatError
from ledger.note import NoteSigner, sign_note
from ledger.signature import SigningKey
from ledger.tlogproof import EXTRA_SIZE_MAX, TLOG_PROOF_SIZE_MAX, TlogProof, decode_tlog_proof, encode_tlog_proof

KEY = SigningKey.from_seed(bytes(32))
SIGNED = sign_checkpoint(Checkpoint("example.com/fancylog", 109482, bytes(32)), KEY)

# C2SP tlog-proof, the example, with a checkpoint of ours in place of the abridged one.
EXAMPLE_HEAD = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

"""
EXTRA = base64.b64decode("YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ")
PUBLISHED = EXAMPLE_HEAD.encode() + SIGNED


def test_published_example() -> None:
    """A proof of other software would be refused or written differently."""
    proof = decode_tlog_proof(PUBLISHED)
    assert (proof.index, len(proof.proof), proof.checkpoint, proof.extra) == (73894, 5, SIGNED, EXTRA)
    assert encode_tlog_proof(proof.index, proof.proof, proof.checkpoint, proof.extra) == PUBLISHED


def test_the_forms_of_other_software() -> None:
    """A proof without extra data or without hashes would be written differently (transparency-dev/formats)."""
    one = hashlib.sha256(b"hash1").digest()
    expected = b"c2sp.org/tlog-proof@v1\nindex 5\nrzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=\n\n"
    assert encode_tlog_proof(5, [one], SIGNED) == expected + SIGNED
    assert encode_tlog_proof(0, [], SIGNED) == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SIGNED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"wrong-header\nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v2\nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nextra YR==\nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nextra YQ==\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex notanumber\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex -5\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 05\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 86 + b"==\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\r\nindex 0\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SIGNED[:-1],
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SIGNED + b"\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + sign_note("no checkpoint\n", [NoteSigner("a", KEY)]),
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex \u0661\n\n".encode() + SIGNED,
        bytes(TLOG_PROOF_SIZE_MAX + 1),
    ],
)
def test_malformed_proofs_are_refused(data: bytes) -> None:
    """Two files would be one proof, or a file would be read differently by others."""
    with pytest.raises(FormatError):
        decode_tlog_proof(data)


@pytest.mark.parametrize(
    ("index", "proof", "extra"),
    [
        (-1, [], None),
        (SIZE_MAX + 1, [], None),
        (0, [b""], None),
        (0, [bytes(32)] * 64, None),
        (0, [], b""),
        (0, [], bytes(EXTRA_SIZE_MAX + 1)),
    ],
)
def test_values_out_of_range_are_not_written(index: int, proof: list[bytes], extra: bytes | None) -> None:
    """A file would be written that nobody reads, such as one whose hashes are empty."""
    with pytest.raises(FormatError):
        encode_tlog_proof(index, proof, SIGNED, extra)


HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=63)


@given(st.integers(0, SIZE_MAX), HASHES, st.none() | st.binary(min_size=1, max_size=99))
def test_proofs_decode_to_what_was_encoded(index: int, proof: list[bytes], extra: bytes | None) -> None:
    """A reader would check another proof than was written."""
    data = encode_tlog_proof(index, proof, SIGNED, extra)
    assert decode_tlog_proof(data) == TlogProof(index, tuple(proof), SIGNED, extra)


def test_the_largest_proof_fits() -> None:
    """A proof within every bound of its parts would be too large as a whole."""
    data = encode_tlog_proof(SIZE_MAX, [bytes(32)] * 63, SIGNED, bytes(EXTRA_SIZE_MAX))
    assert decode_tlog_proof(data).index == SIZE_MAX


def test_every_changed_byte_is_noticed() -> None:
    """Two files of different bytes would be one proof."""
    every = soak("values for each byte of a proof", 3, 255)
    for position, byte in enumerate(PUBLISHED):
        for step in range(1, every + 1):
            changed = bytearray(PUBLISHED)
            changed[position] = (byte + step * (255 // every)) % 256
            try:
                proof = decode_tlog_proof(bytes(changed))
            except FormatError:
                continue
            assert encode_tlog_proof(proof.index, proof.proof, proof.checkpoint, proof.extra) == changed
