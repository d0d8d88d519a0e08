"""Facts: the keys and values of the state, and where they stand.

A key has 41 bytes: kind (1) ‖ SHA-256 of the length-prefixed identifier parts (32) ‖ uint64 sequence. So lot `L1` never
covers `L10`, and all facts about one subject are one prefix of 33 bytes. By convention sequence 0 of a subject is its
present state and 1, 2, … its history; only sequence 0 is ever written twice.

    >>> fact_key(0x22, ["04712345678900", "L1"], 0).hex()
    '227e0b432f9fb5201fd10560dbd2a18a2946c5cb2bd715101321338e81ab66b9210000000000000000'

A position has 16 bytes, uint64 size ‖ uint64 n, and byte order is the order of everything: the public entry i has size
i and n = ff×8, a private record the public tree size at which it stands and n = its leaf index below the coming seal.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import core
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_SIZE = 41
PREFIX_SIZE = 33
PREFIX_BITS = PREFIX_SIZE * 8
POSITION_SIZE = 16
PUBLIC_N = 2**64 - 1
_PUBLIC = b"\xff" * 8

# Kinds of facts that the log itself writes. 0x10 and above belong to the rules.
RETRY = 0x01
"""(actor, client id) → what that id was used for."""
RULES = 0x02
"""the rules versions and from when each judges."""
ERASURE = 0x03
"""(disclosure digest) → the record that erased it."""


def fact_prefix(kind: int, parts: Sequence[str | bytes]) -> bytes:
    """Return the 33 bytes that all facts about one subject share.

    Args:
        kind: `0 <= kind <= 255`.
        parts: the identifier, each part at most 65,535 bytes; text counts as its UTF-8.

    Raises:
        FormatError: a part is too long.
    """
    if core.native is not None:
        prefix: bytes | None = core.native.fact_prefix(kind, parts)
        if prefix is not None:
            return prefix
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        if len(data) > 0xFFFF:
            raise FormatError("identifier part", expected="at most 65535 bytes", got=f"{len(data)} bytes")
        digest.update(struct.pack(">H", len(data)))
        digest.update(data)
    return bytes([kind]) + digest.digest()


def fact_key(kind: int, parts: Sequence[str | bytes], sequence: int = 0) -> bytes:
    """Return the 41-byte key of one fact; `0 <= sequence < 2**64`."""
    return sequence_key(fact_prefix(kind, parts), sequence)


def sequence_key(prefix: bytes, sequence: int) -> bytes:
    """Return the 41-byte key of the fact with this sequence under a 33-byte prefix."""
    return prefix + struct.pack(">Q", sequence)


def sequence_of(key: bytes) -> int:
    """Return the sequence of a 41-byte key."""
    return int.from_bytes(key[PREFIX_SIZE:], "big")


def public_position(index: int) -> bytes:
    """Return the position of the public entry at `index`."""
    return struct.pack(">QQ", index, PUBLIC_N)


def private_position(size: int, n: int) -> bytes:
    """Return the position of the private record that is leaf `n` below the seal that comes after tree size `size`."""
    return struct.pack(">QQ", size, n)


def is_private(position: bytes) -> bool:
    """Say whether a private record stands at a position."""
    return position[8:] != _PUBLIC


def record_id(position: bytes) -> str:
    """Return a record's name at the log: `17` for a public one, `17.3` for a private one."""
    size, n = struct.unpack(">QQ", position)
    return str(size) if n == PUBLIC_N else f"{size}.{n}"


def position_of(record_id: str) -> bytes:
    """Return the position of a record by its name at the log.

    Raises:
        FormatError: it is no such name.
    """
    size, dot, n = record_id.partition(".")
    if not all(_is_number(part) for part in ((size, n) if dot else (size,))):
        raise FormatError("record", expected="an index such as 17, or 17.3", got=record_id[:40])
    return private_position(int(size), int(n)) if dot else public_position(int(size))


def _is_number(text: str) -> bool:
    plain = text.isascii() and text.isdigit() and len(text) <= 18
    return plain and (text == "0" or not text.startswith("0"))


class Change(NamedTuple):
    """One fact as a rule sets it.

    Attributes:
        key: 41 bytes.
        value: what the deterministic CBOR of the fact's kind holds (ints, text, bytes, lists, maps, None, bool).
        holder: for a private fact, the identifier of the one who may open it; None where it has none.
        private: whether it belongs to the private map. A private record may change private facts only, a public record
            public ones only.
    """

    key: bytes
    value: Any
    holder: str | None = None
    private: bool = False
