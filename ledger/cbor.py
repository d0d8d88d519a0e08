"""Deterministic CBOR (RFC 8949 §4.2.1): one encoding for each value, and no other is read.

    >>> encode({1: -8, "a": [True, None, b"x"]}).hex()
    'a20127616183f5f64178'

Read and written are integers, byte and text strings, arrays, maps, booleans and null. No floats: a number whose double
is not integral goes in as text (formats.md, Facts). No tags: the one that is used stands in `ledger.cose`.
"""

from __future__ import annotations

from typing import Any

import cbor2

from ledger.errors import FormatError

DEPTH_MAX = 16


def encode(value: Any) -> bytes:
    """Return the deterministic encoding of a value.

    Raises:
        FormatError: it holds something that has none here, such as a float.
    """
    _check(value, DEPTH_MAX)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, depth_max: int = DEPTH_MAX) -> Any:
    """Return the value of an encoding that is deterministic.

    Args:
        data: one item, nothing behind it.
        depth_max: how deep arrays and maps may nest.

    Raises:
        FormatError: it is not CBOR, not deterministic, too deep, or holds a float or an unknown simple value.
    """
    try:
        value = cbor2.loads(data, max_depth=depth_max, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise FormatError("CBOR", expected="one well-formed item", got=str(error)[:200]) from error
    _check(value, depth_max)
    if cbor2.dumps(value, canonical=True) != data:
        raise FormatError("CBOR", expected="its deterministic encoding", got="another encoding of the same value")
    return value


def _check(value: Any, depth_left: int) -> None:
    if value is None or isinstance(value, (bool, int, bytes, str)):
        return
    if depth_left == 0:
        raise FormatError("CBOR", expected="less nesting")
    if isinstance(value, (list, tuple)):
        for item in value:
            _check(item, depth_left - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, (int, str, bytes)) or isinstance(key, bool):
                raise FormatError("CBOR map", expected="integer, text or byte keys", got=type(key).__name__)
            _check(item, depth_left - 1)
    else:
        raise FormatError("CBOR", expected="no such value", got=type(value).__name__)
