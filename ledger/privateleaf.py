"""The leaf of a private record: uint64 size ‖ uint64 time_ms ‖ statement (formats.md, Private records).

    00000000000000110000019ab697e800d284…     at tree size 17, at 1764000000000, a COSE_Sign1

The leaves since the last seal form an RFC 9162 tree; the seal holds a salted hash of its root.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ledger.errors import FormatError

_HEADER = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class PrivateLeaf:
    """What a private leaf says.

    Attributes:
        size: the public tree's size at which the record stands.
        time_ms: its batch's time, Unix milliseconds.
        statement: the record, as registered.
    """

    size: int
    time_ms: int
    statement: bytes


def encode_private_leaf(size: int, time_ms: int, statement: bytes) -> bytes:
    """Return the leaf of a private record."""
    return _HEADER.pack(size, time_ms) + statement


def decode_private_leaf(data: bytes) -> PrivateLeaf:
    """Return what a leaf says.

    Raises:
        FormatError: it is too short.
    """
    if len(data) <= _HEADER.size:
        raise FormatError("private leaf", expected=f"more than {_HEADER.size} bytes", got=f"{len(data)} bytes")
    size, time_ms = _HEADER.unpack_from(data)
    return PrivateLeaf(size, time_ms, data[_HEADER.size :])
