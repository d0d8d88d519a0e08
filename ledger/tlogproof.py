"""A proof that an entry is in a log, in one text file (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
    B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

    example.com/fancylog
    109482
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — example.com/fancylog Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOA…

The line `extra` may be missing. Nobody signed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.checkpoint import (
    decode_checkpoint,
    decode_decimal,
    decode_hash,
    encode_decimal,
    encode_hash,
)
from ledger.errors import FormatError
from ledger.note import NOTE_SIZE_MAX, decode_base64, decode_note, encode_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = "c2sp.org/tlog-proof@v1"
PROOF_LENGTH_MAX = 63  # no tree of fewer than 2^63 leaves is deeper
EXTRA_SIZE_MAX = 65536
TLOG_PROOF_SIZE_MAX = NOTE_SIZE_MAX + 100_000  # beside the checkpoint: 65,536 bytes in base64 and 63 hashes


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a tlog-proof file holds; nothing in it is checked yet.

    Attributes:
        index: the entry's index from 0; it is for the inclusion proof to say whether it lies in the tree.
        proof: the inclusion proof, 0 to 63 hashes of 32 bytes from the leaf's sibling up (RFC 9162, section 2.1.3.1).
        checkpoint: the signed checkpoint, byte for byte.
        extra: what the application put beside it, 1 to `EXTRA_SIZE_MAX` bytes; not authenticated.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def encode_tlog_proof(index: int, proof: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> bytes:
    """Return the file of an inclusion proof.

    Args:
        index: the entry's index, `0 <= index < 2^63`.
        proof: 0 to 63 hashes of 32 bytes, from the leaf's sibling up.
        checkpoint: the signed checkpoint of the tree that the proof leads to, byte for byte.
        extra: 1 to `EXTRA_SIZE_MAX` bytes that readers must not trust, or None.

    Raises:
        FormatError: a value outside its range, or a checkpoint that is none.
    """
    if len(proof) > PROOF_LENGTH_MAX:
        raise FormatError("inclusion proof", expected=f"at most {PROOF_LENGTH_MAX} hashes", got=len(proof))
    lines = [HEADER]
    if extra is not None:
        if not 1 <= len(extra) <= EXTRA_SIZE_MAX:
            raise FormatError("extra data", expected=f"1 to {EXTRA_SIZE_MAX} bytes or none", got=f"{len(extra)} bytes")
        lines.append(f"extra {encode_base64(extra)}")
    lines.append(f"index {encode_decimal(index, 'entry index')}")
    lines += [encode_hash(each, "inclusion proof's hash") for each in proof]
    decode_checkpoint(decode_note(checkpoint).text)
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + checkpoint


def decode_tlog_proof(data: bytes) -> TlogProof:
    """Decode the file of an inclusion proof; neither proof nor signatures are checked.

    Raises:
        FormatError: not such a file, or one that would be written differently.
    """
    if len(data) > TLOG_PROOF_SIZE_MAX:
        raise FormatError("tlog-proof", expected=f"at most {TLOG_PROOF_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    # The first empty line ends the proof; the checkpoint has one of its own.
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not head.isascii():
        raise FormatError("tlog-proof", expected="lines in ASCII, then an empty line", got=repr(head[:80]))
    lines = head.decode().split("\n")
    if lines.pop(0) != HEADER:
        raise FormatError("tlog-proof", expected=HEADER, got=repr(head[:80]))
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise FormatError("tlog-proof", expected="'index' and a number", got=repr(lines[0][:80] if lines else ""))
    index = decode_decimal(lines.pop(0).removeprefix("index "), "entry index")
    proof = tuple(decode_hash(line, "inclusion proof's hash") for line in lines)
    if encode_tlog_proof(index, proof, checkpoint, extra) != data:
        raise FormatError("tlog-proof", expected="the one spelling of its content", got=repr(data[:80]))
    return TlogProof(index, proof, checkpoint, extra)
