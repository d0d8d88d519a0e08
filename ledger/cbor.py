"""Deterministic CBOR (RFC 8949 §4.2.1): one encoding for each value, and no other is read.

    >>> encode({1: -8, "a": [True, None, b"x"]}).hex()
    'a20127616183f5f64178'

Read and written are integers within 64 bits, byte and text strings, arrays, maps, booleans and null. No floats: a
number whose double is not integral goes in as text (formats.md, Facts). No tags: the one that is used stands in
`ledger.cose`.
"""

from __future__ import annotations

from typing import Any

import cbor2

from ledger import core
from ledger.errors import FormatError

DEPTH_MAX = 16
INTEGER_MIN, INTEGER_MAX = -(2**64), 2**64 - 1


def encode(value: Any) -> bytes:
    """Return the deterministic encoding of a value.

    Raises:
        FormatError: it holds something that has none here, such as a float.
    """
    if core.native is not None:
        data: bytes | None = core.native.cbor_encode(value, DEPTH_MAX)
        if data is not None:
            return data
    try:
        return cbor2.dumps(_ordered(value, DEPTH_MAX))
    except UnicodeEncodeError as error:
        raise FormatError("CBOR text", expected="Unicode", got="a lone surrogate") from error


def decode(data: bytes, *, depth_max: int = DEPTH_MAX) -> Any:
    """Return the value of an encoding that is deterministic.

    Args:
        data: one item, nothing behind it.
        depth_max: how deep arrays and maps may nest.

    Raises:
        FormatError: it is not CBOR, not deterministic, too deep, or holds a tag, a float or an unknown simple value.
    """
    if core.native is not None:
        found: tuple[Any] | None = core.native.cbor_decode(data, depth_max)
        if found is not None:
            return found[0]
    _refuse_tags(data)
    try:
        value = cbor2.loads(data, max_depth=depth_max, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise FormatError("CBOR", expected="one well-formed item", got=str(error)[:200]) from error
    if cbor2.dumps(_ordered(value, depth_max)) != data:
        raise FormatError("CBOR", expected="its deterministic encoding", got="another encoding of the same value")
    return value


def _refuse_tags(data: bytes) -> None:
    # Before anything is built: a few bytes of shared references (tags 28 and 29) unfold to more than a machine holds.
    at = 0
    while at < len(data):
        major, argument = data[at] >> 5, data[at] & 31
        at += 1
        if major == 6:
            raise FormatError("CBOR", expected="no tag", got=f"one before byte {at}")
        if argument >= 24:
            if argument > 27:
                raise FormatError("CBOR", expected="definite lengths", got=f"the head {data[at - 1]:02x}")
            width = 1 << (argument - 24)
            argument = int.from_bytes(data[at : at + width], "big")
            at += width
        if major in {2, 3}:
            at += argument


def _ordered(value: Any, depth_left: int) -> Any:
    """Return the value with its maps in the order of their encoded keys (§4.2.1), or say what it must not hold."""
    if value is None or isinstance(value, (bool, bytes, str)):
        return value
    if isinstance(value, int):
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise FormatError("CBOR integer", expected="within 64 bits", got=f"{value.bit_length()} bits")
        return value
    if depth_left == 0:
        raise FormatError("CBOR", expected="less nesting")
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth_left - 1) for item in value]
    if not isinstance(value, dict):
        raise FormatError("CBOR", expected="a value that has an encoding here", got=type(value).__name__)
    for key in value:
        if not isinstance(key, (int, str, bytes)) or isinstance(key, bool):
            raise FormatError("CBOR map", expected="integer, text or byte keys", got=type(key).__name__)
    # The library's own canonical order is by length first, that of RFC 7049.
    return {
        key: _ordered(value[key], depth_left - 1)
        for key in sorted(value, key=lambda one: cbor2.dumps(_ordered(one, depth_left - 1)))
    }
