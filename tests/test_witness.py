"""The add-checkpoint request and its answers, against the example of tlog-witness."""

from __future__ import annotations

import hashlib

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import SIZE_MAX, Checkpoint, add_signatures, cosign_checkpoint, sign_checkpoint
from ledger.errors import FormatError, SignatureError
from ledger.note import COSIGNATURE, ED25519, NoteSigner, Signature, sign_note
from ledger.signature import SigningKey
from ledger.witness import (
    REQUEST_SIZE_MAX,
    AddCheckpoint,
    decode_add_checkpoint,
    decode_known_size,
    encode_add_checkpoint,
    encode_known_size,
    open_cosignatures,
    witness_read_path,
)

# C2SP tlog-witness, the example request.
EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()  # noqa: E501 - signature lines as published

KEY = SigningKey.from_seed(bytes(32))
SIGNED = sign_checkpoint(Checkpoint("example.com/log", 7, bytes(32)), KEY)
WITNESS = NoteSigner("witness.example/w1", SigningKey.from_seed(b"w" * 32), COSIGNATURE)
SECOND = NoteSigner("witness.example/w1", SigningKey.from_seed(b"v" * 32), COSIGNATURE)
STRANGER = NoteSigner("stranger.example", SigningKey.from_seed(b"s" * 32), COSIGNATURE)


def test_published_request() -> None:
    """The request that the specification shows would be refused or written differently."""
    request = decode_add_checkpoint(EXAMPLE)
    assert request.old_size == 20852014
    assert len(request.proof) == 4
    assert request.checkpoint.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert encode_add_checkpoint(request.old_size, request.proof, request.checkpoint) == EXAMPLE


@given(st.integers(0, SIZE_MAX), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_requests_decode_to_what_was_encoded(old_size: int, proof: list[bytes]) -> None:
    """A witness would judge another proof than the log sent."""
    request = decode_add_checkpoint(encode_add_checkpoint(old_size, proof, SIGNED))
    assert request == AddCheckpoint(old_size, tuple(proof), SIGNED)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 0\n" + SIGNED,
        b"old 00\n\n" + SIGNED,
        b"old -1\n\n" + SIGNED,
        b"old\n\n" + SIGNED,
        b"\n\n" + SIGNED,
        b"old 0\r\n\n" + SIGNED,
        b"old 0\n\n",
        b"old 0\n\n\n" + SIGNED,
        b"old 0\n\n" + SIGNED[:-1],
        b"old 0\n\n" + sign_note("not a checkpoint\n", [NoteSigner("a", KEY, ED25519)]),
        b"old 1\nAAAA\n\n" + SIGNED,
        b"old 1\n" + b"A" * 42 + b"B=\n\n" + SIGNED,
        "old \u0661\n\n".encode() + SIGNED,
        b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + SIGNED,
        bytes(REQUEST_SIZE_MAX + 1),
    ],
)
def test_malformed_requests_are_refused(data: bytes) -> None:
    """A witness would work on a body that other witnesses read differently."""
    with pytest.raises(FormatError):
        decode_add_checkpoint(data)


def test_requests_out_of_range_are_not_made() -> None:
    """A log would send what every witness refuses."""
    for old_size, proof in ((-1, []), (1, [bytes(31)]), (1, [bytes(32)] * 64)):
        with pytest.raises(FormatError):
            encode_add_checkpoint(old_size, proof, SIGNED)
    with pytest.raises(FormatError):
        encode_add_checkpoint(0, [], b"no note")


def test_what_the_witness_judges_is_no_matter_of_form() -> None:
    """A witness could not answer with the status that the specification asks for."""
    assert decode_add_checkpoint(encode_add_checkpoint(8, [], SIGNED)).old_size == 8
    assert len(decode_add_checkpoint(encode_add_checkpoint(0, [bytes(32)], SIGNED)).proof) == 1


def test_every_changed_byte_is_noticed() -> None:
    """Two requests of different bytes would be one."""
    every = soak("values for each byte of a request", 3, 255)
    for position, byte in enumerate(EXAMPLE):
        for step in range(1, every + 1):
            changed = bytearray(EXAMPLE)
            changed[position] = (byte + step * (255 // every)) % 256
            try:
                request = decode_add_checkpoint(bytes(changed))
            except FormatError:
                continue
            assert encode_add_checkpoint(request.old_size, request.proof, request.checkpoint) == changed


def test_known_cosignatures_are_kept_and_others_left_out() -> None:
    """A log would publish lines that nobody asked for, or lose one of a witness's two keys."""
    lines = [cosign_checkpoint(SIGNED, signer, 5) for signer in (STRANGER, WITNESS, SECOND)]
    answer = "".join(lines).encode()
    assert open_cosignatures(answer, SIGNED, [WITNESS.vkey, SECOND.vkey]) == lines[1:]
    assert open_cosignatures(answer, SIGNED, [WITNESS.vkey]) == lines[1:2]


def test_false_cosignatures_are_refused() -> None:
    """A line over another checkpoint would displace a good one; one that is there already would vouch for it."""
    other = sign_checkpoint(Checkpoint("example.com/log", 8, bytes(32)), KEY)
    held = add_signatures(SIGNED, [cosign_checkpoint(SIGNED, WITNESS, 5)])
    for answer in (
        cosign_checkpoint(other, WITNESS, 6),
        Signature(WITNESS.name, WITNESS.vkey.key_id, bytes(72)).encode(),
        cosign_checkpoint(SIGNED, STRANGER, 5),
    ):
        with pytest.raises(SignatureError):
            open_cosignatures(answer.encode(), held, [WITNESS.vkey])
    for malformed in (b"", b"7\n", SIGNED):
        with pytest.raises(FormatError):
            open_cosignatures(malformed, held, [WITNESS.vkey])


def test_known_size() -> None:
    """A log would send its next proof from a size that the witness did not name."""
    assert encode_known_size(20852014) == b"20852014\n"
    assert decode_known_size(b"20852014\n") == 20852014
    assert decode_known_size(encode_known_size(0)) == 0
    for data in (b"", b"\n", b"1", b"01\n", b"1\n\n", b"-1\n", "\u0661\n".encode(), b"1" * 40 + b"\n"):
        with pytest.raises(FormatError):
            decode_known_size(data)
    with pytest.raises(FormatError):
        encode_known_size(-1)


def test_read_path() -> None:
    """A node would ask its witnesses at a path that they do not serve."""
    assert witness_read_path("example.com/log") == hashlib.sha256(b"example.com/log").hexdigest() + "/checkpoint"
