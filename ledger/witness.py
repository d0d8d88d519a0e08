"""What a log and a witness say to each other (C2SP tlog-witness, add-checkpoint).

The request is the size that the witness knew, a consistency proof, an empty line and the checkpoint:

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+x…

The answer is cosignature lines (200), or the size that the witness knows and a newline (409).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.checkpoint import (
    check_cosignatures,
    decode_checkpoint,
    decode_decimal,
    decode_hash,
    encode_decimal,
    encode_hash,
)
from ledger.errors import FormatError, SignatureError
from ledger.note import NOTE_SIZE_MAX, Note, VerifierKey, decode_note, decode_signatures, encode_note

if TYPE_CHECKING:
    from collections.abc import Sequence

PROOF_LENGTH_MAX = 63
REQUEST_SIZE_MAX = NOTE_SIZE_MAX + 4096  # beside the checkpoint: the size's line and 63 hashes
SIZE_CONTENT_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign, decoded and not checked.

    Attributes:
        old_size: the size of the checkpoint that the witness cosigned last, 0 where there was none.
        proof: the consistency proof from `old_size`, 0 to 63 hashes of 32 bytes (RFC 9162, section 2.1.4).
        checkpoint: the signed checkpoint, byte for byte.
    """

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def encode_add_checkpoint(old_size: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the body of an add-checkpoint request.

    Raises:
        FormatError: a value outside its range, or a checkpoint that is none.
    """
    if len(proof) > PROOF_LENGTH_MAX:
        raise FormatError("consistency proof", expected=f"at most {PROOF_LENGTH_MAX} hashes", got=len(proof))
    decode_checkpoint(decode_note(checkpoint).text)
    lines = [f"old {encode_decimal(old_size, 'old size')}"]
    lines += [encode_hash(each, "consistency proof's hash") for each in proof]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + checkpoint


def decode_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Decode the body of an add-checkpoint request; whatever raises here is answered with 400.

    An old size above the checkpoint's (400), a proof beside old size 0 (422), signatures and consistency are for the
    witness to check: they have status codes of their own, in that order.

    Raises:
        FormatError: not such a body, or one that would be written differently.
    """
    if len(data) > REQUEST_SIZE_MAX:
        raise FormatError("add-checkpoint", expected=f"at most {REQUEST_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    # The first empty line ends the proof; the checkpoint has one of its own.
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not head.isascii() or not head.startswith(b"old "):
        raise FormatError("add-checkpoint", expected="'old', a size, and hashes", got=repr(head[:80]))
    first, *rest = head.decode().split("\n")
    old_size = decode_decimal(first.removeprefix("old "), "old size")
    proof = tuple(decode_hash(line, "consistency proof's hash") for line in rest)
    if encode_add_checkpoint(old_size, proof, checkpoint) != data:
        raise FormatError("add-checkpoint", expected="the one spelling of its content", got=repr(data[:80]))
    return AddCheckpoint(old_size, proof, checkpoint)


def open_cosignatures(answer: bytes, checkpoint: bytes, vkeys: Sequence[VerifierKey]) -> list[str]:
    """Return those lines of a witness's answer that are its keys' valid cosignatures on the checkpoint.

    Lines of unknown keys are left out (a client MUST ignore them).

    Args:
        answer: the body of a 200.
        checkpoint: the signed checkpoint that was sent.
        vkeys: the witness's keys as this log is configured with them.

    Raises:
        FormatError: not signature lines.
        SignatureError: none of a known key, or one that does not verify.
    """
    known = [signature for signature in decode_signatures(answer) if any(signature.is_of(vkey) for vkey in vkeys)]
    if not known:
        names = ", ".join(f"{vkey.name}+{vkey.key_id.hex()}" for vkey in vkeys)
        raise SignatureError("witness's answer", expected=f"a cosignature of {names}", got="none")
    # Held alone against the text: what stands in our checkpoint already proves nothing about this answer.
    check_cosignatures(encode_note(Note(decode_note(checkpoint).text, tuple(known))), vkeys)
    return [signature.encode() for signature in known]


def encode_known_size(size: int) -> bytes:
    """Return the body of a 409 with content type `SIZE_CONTENT_TYPE`.

    Raises:
        FormatError: a size outside its range.
    """
    return f"{encode_decimal(size, 'known size')}\n".encode()


def decode_known_size(data: bytes) -> int:
    """Return the size that a witness says it knows.

    Raises:
        FormatError: not a decimal and a newline.
    """
    if len(data) > 32 or not data.endswith(b"\n") or not data.isascii():
        raise FormatError("known size", expected="a decimal and a newline", got=repr(data[:80]))
    return decode_decimal(data[:-1].decode(), "known size")


def witness_read_path(origin: str) -> str:
    """Return the path, below the monitoring prefix, of the last checkpoint that a witness has of a log."""
    return f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
