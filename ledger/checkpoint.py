"""Checkpoints and their cosignatures (C2SP tlog-checkpoint, tlog-cosignature).

A checkpoint is a note whose text is origin, tree size and root; the log signs it, witnesses cosign it with their time:

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeM…
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+m…
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import FormatError, ProofError, SignatureError
from ledger.note import (
    COSIGNATURE,
    ED25519,
    Note,
    NoteSigner,
    Signature,
    VerifierKey,
    decode_base64,
    decode_note,
    decode_signature,
    encode_base64,
    encode_note,
    open_note,
    sign_note,
    signatures_of,
)
from ledger.signature import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.signature import SigningKey

SIZE_MAX = (1 << 63) - 1
"""Largest tree size, index and time; what the databases' integers hold, and the bound that tlog-cosignature sets."""

# No newline can stand in a line, nor any other character that a note refuses.
_LINE = re.compile("[^\x00-\x1f\ud800-\udfff]+")


def decode_decimal(text: str, what: str) -> int:
    """Decode ASCII decimal digits without leading zeros, at most `SIZE_MAX`.

    Raises:
        FormatError: a sign, a leading zero, another script's digits, or too large.
    """
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text) or int(text) > SIZE_MAX:
        raise FormatError(what, expected="a decimal below 2^63 without leading zeros", got=repr(text[:80]))
    return int(text)


def encode_decimal(number: int, what: str) -> str:
    """Encode `0 <= number <= SIZE_MAX` in decimal.

    Raises:
        FormatError: outside that range.
    """
    if not 0 <= number <= SIZE_MAX:
        raise FormatError(what, expected="0 to 2^63 - 1", got=number)
    return str(number)


def decode_hash(text: str, what: str) -> bytes:
    """Decode one line of canonical base64 that holds 32 bytes.

    Raises:
        FormatError: anything else.
    """
    data = decode_base64(text)
    if len(data) != 32:
        raise FormatError(what, expected="32 bytes", got=f"{len(data)} bytes")
    return data


def encode_hash(data: bytes, what: str) -> str:
    """Encode 32 bytes as base64.

    Raises:
        FormatError: not 32 bytes.
    """
    if len(data) != 32:
        raise FormatError(what, expected="32 bytes", got=f"{len(data)} bytes")
    return encode_base64(data)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head.

    Attributes:
        origin: the log's name, one line, not empty.
        size: how many leaves the tree has, `0 <= size <= SIZE_MAX`.
        root: the tree's 32-byte root (RFC 9162, section 2.1.1).
        extensions: further non-empty lines, opaque; ours has none (NOT RECOMMENDED by the specification).
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as a note's text.

    Raises:
        FormatError: a value outside its range.
    """
    for line in (checkpoint.origin, *checkpoint.extensions):
        if not _LINE.fullmatch(line):
            raise FormatError("checkpoint line", expected="one line, not empty", got=repr(line[:80]))
    lines = [
        checkpoint.origin,
        encode_decimal(checkpoint.size, "tree size"),
        encode_hash(checkpoint.root, "root hash"),
        *checkpoint.extensions,
    ]
    return "".join(f"{line}\n" for line in lines)


def decode_checkpoint(text: str) -> Checkpoint:
    """Decode a note's text as a checkpoint.

    Raises:
        FormatError: not a checkpoint, or one that would be written differently.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise FormatError("checkpoint", expected="origin, size and root, a line each", got=repr(text[:160]))
    checkpoint = Checkpoint(
        origin=lines[0],
        size=decode_decimal(lines[1], "tree size"),
        root=decode_hash(lines[2], "root hash"),
        extensions=tuple(lines[3:-1]),
    )
    if encode_checkpoint(checkpoint) != text:
        raise FormatError("checkpoint", expected=repr(encode_checkpoint(checkpoint)), got=repr(text))
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the checkpoint as a note signed by the log; the key name is the origin.

    Raises:
        FormatError: a value outside its range, or an origin that cannot be a key name.
    """
    return sign_note(encode_checkpoint(checkpoint), [NoteSigner(checkpoint.origin, key, ED25519)])


def open_checkpoint(data: bytes, vkey: VerifierKey) -> Checkpoint:
    """Return the checkpoint that the log's key signed.

    Raises:
        FormatError: not a note, or its text not a checkpoint.
        SignatureError: not signed by the key.
        ProofError: signed by it, but under another origin than the key's name: it speaks for another log.
    """
    checkpoint = decode_checkpoint(open_note(data, vkey))
    if checkpoint.origin != vkey.name:
        raise ProofError("checkpoint's origin", expected=vkey.name, got=checkpoint.origin)
    return checkpoint


def _cosigned_message(text: str, time_s: int) -> bytes:
    # tlog-cosignature, "Ed25519 signed message": the whole text, extension lines too, but never the cosigner's name.
    return f"cosignature/v1\ntime {encode_decimal(time_s, 'cosignature time')}\n{text}".encode()


def cosign_checkpoint(data: bytes, signer: NoteSigner, time_s: int) -> str:
    """Return a cosignature line, newline included, over the signed checkpoint.

    The caller has checked the log's signature and the tree's consistency: the line states both.

    Args:
        data: the checkpoint's note; signatures in it are not looked at.
        signer: of type `COSIGNATURE`.
        time_s: Unix time in seconds, `0 <= time_s <= SIZE_MAX`.

    Raises:
        FormatError: not a checkpoint, a signer of another type, or a time outside its range.
    """
    vkey = signer.vkey
    if vkey.type != COSIGNATURE:
        raise FormatError("cosigner", expected="type 04 (cosignature)", got=f"type {vkey.type:02x}")
    text = decode_note(data).text
    decode_checkpoint(text)
    blob = signer.key.sign(_cosigned_message(text, time_s))
    return Signature(vkey.name, vkey.key_id, time_s.to_bytes(8, "big") + blob).encode()


def _check_cosignature(note: Note, vkey: VerifierKey) -> int:
    if vkey.type != COSIGNATURE:
        raise FormatError("cosigner's key", expected="type 04 (cosignature)", got=f"type {vkey.type:02x}")
    times_s = []
    for signature in signatures_of(note, vkey):
        if len(signature.blob) != 72:
            raise SignatureError("cosignature", expected="8 and 64 bytes", got=f"{len(signature.blob)} bytes")
        time_s = int.from_bytes(signature.blob[:8], "big")
        if time_s > SIZE_MAX:
            raise SignatureError("cosignature time", expected="at most 2^63 - 1", got=time_s)
        check(vkey.public_key, _cosigned_message(note.text, time_s), signature.blob[8:])
        times_s.append(time_s)
    return max(times_s)


def check_cosignature(data: bytes, vkey: VerifierKey) -> int:
    """Return the Unix time in seconds at which the cosigner last cosigned this checkpoint.

    Every line that claims to be the key's is checked: one that fails spoils the note.

    Raises:
        FormatError: not a signed checkpoint, or a key of another type than `COSIGNATURE`.
        SignatureError: no cosignature of the key, or one that does not verify.
    """
    note = decode_note(data)
    decode_checkpoint(note.text)
    return _check_cosignature(note, vkey)


def check_cosignatures(data: bytes, vkeys: Iterable[VerifierKey]) -> dict[VerifierKey, int]:
    """Return the times, Unix seconds, of those of the keys that cosigned this checkpoint; perhaps none.

    Raises:
        FormatError: not a signed checkpoint, or a key of another type than `COSIGNATURE`.
        SignatureError: a line that claims to be one of the keys' and does not verify.
    """
    note = decode_note(data)
    decode_checkpoint(note.text)
    return {
        vkey: _check_cosignature(note, vkey)
        for vkey in vkeys
        if any(signature.is_of(vkey) for signature in note.signatures)
    }


def add_signatures(data: bytes, lines: Iterable[str]) -> bytes:
    """Return the note with further signature lines, each with its newline; a key's newer line replaces its older one.

    Nothing is checked: look at the result with `check_cosignature` before it takes the old note's place, or a false
    line would displace a good one.

    Raises:
        FormatError: not a note, not signature lines, or more of them than a note may have.
    """
    note = decode_note(data)
    signatures = {(signature.name, signature.key_id): signature for signature in note.signatures}
    for signature in map(decode_signature, lines):
        signatures[signature.name, signature.key_id] = signature
    return encode_note(Note(note.text, tuple(signatures.values())))
