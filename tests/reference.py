"""Slow references, written from the specifications alone: recursive, over whole lists, sharing no code with `ledger`.

The tree is RFC 9162 §2.1 word for word; the map is torchwood's mpt from its definition (transparency.md); the CBOR
encoder is RFC 8949 §4.2.1.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def largest_power_below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def tree_root(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return sha256(b"\x01" + tree_root(entries[:k]) + tree_root(entries[k:])).digest()


class Tree:
    """RFC 9162 §2.1 over entries that stay; subtree hashes are kept by their span, or all sizes would take hours."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self._known: dict[tuple[int, int], bytes] = {}

    def mth(self, low: int, high: int) -> bytes:
        """MTH(D[low:high]), §2.1.1."""
        if (low, high) not in self._known:
            if high - low == 0:
                value = sha256().digest()
            elif high - low == 1:
                value = sha256(b"\x00" + self.entries[low]).digest()
            else:
                k = largest_power_below(high - low)
                value = sha256(b"\x01" + self.mth(low, low + k) + self.mth(low + k, high)).digest()
            self._known[low, high] = value
        return self._known[low, high]

    def path(self, m: int, low: int, high: int) -> list[bytes]:
        """PATH(m, D[low:high]), §2.1.3.1."""
        if high - low == 1:
            return []
        k = largest_power_below(high - low)
        if m < k:
            return [*self.path(m, low, low + k), self.mth(low + k, high)]
        return [*self.path(m - k, low + k, high), self.mth(low, low + k)]

    def proof(self, m: int, n: int) -> list[bytes]:
        """PROOF(m, D[0:n]), §2.1.4.1."""
        return self._subproof(m, 0, n, complete=True)

    def _subproof(self, m: int, low: int, high: int, *, complete: bool) -> list[bytes]:
        if m == high - low:
            return [] if complete else [self.mth(low, high)]
        k = largest_power_below(high - low)
        if m <= k:
            return [*self._subproof(m, low, low + k, complete=complete), self.mth(low + k, high)]
        return [*self._subproof(m - k, low + k, high, complete=False), self.mth(low, low + k)]


def bits_of(key: bytes, count: int) -> str:
    """The first bits of a key, followed by one 00 byte and FF bytes without end, as a text of 0 and 1."""
    return _bits(key)[:count]


@cache
def _bits(key: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in (key + b"\x00").ljust(80, b"\xff"))


def varint(number: int) -> bytes:
    """Protobuf's base-128 varint."""
    return bytes([number]) if number < 128 else bytes([number % 128 + 128]) + varint(number // 128)


def map_leaf(key: bytes, value: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + varint(len(key)) + key + varint(len(value)) + value).digest()


def map_root(pairs: Mapping[bytes, bytes]) -> bytes:
    """The root of a map."""
    return _map_node(dict(pairs), 0) if pairs else sha256().digest()


def map_path(pairs: Mapping[bytes, bytes], key: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The key at which the look-up of `key` ends, and its (branching bit, hash of the other child), leaf to root."""
    rest, steps = dict(pairs), []
    while len(rest) > 1:
        bit = _branch(rest)
        side = bits_of(key, bit + 1)[bit]
        other = {k: v for k, v in rest.items() if bits_of(k, bit + 1)[bit] != side}
        rest = {k: v for k, v in rest.items() if k not in other}
        steps.insert(0, (bit, _map_node(other, bit + 1)))
    return next(iter(rest)), steps


def map_proof(pairs: Mapping[bytes, bytes], key: bytes) -> bytes:
    """The proof of presence or absence of a key."""
    if not pairs:
        return b""
    end, steps = map_path(pairs, key)
    path = b"".join(varint(bit) + hash_ for bit, hash_ in steps)
    value = pairs[end]
    return path if end == key else varint(len(end)) + end + varint(len(value)) + value + path


def map_prefix_proof(pairs: Mapping[bytes, bytes], prefix: str) -> bytes:
    """The proof of all keys that begin with these bits, given as a text of 0 and 1."""
    if not pairs:
        return b""
    whole = prefix + "0" * (-len(prefix) % 8)
    looked_up = bytes(int(whole[i : i + 8], 2) for i in range(0, len(whole), 8))
    _, steps = map_path(pairs, looked_up)
    if not any(bits_of(key, len(prefix)) == prefix for key in pairs):
        return map_proof(pairs, looked_up)
    return b"".join(varint(bit) + hash_ for bit, hash_ in steps if bit < len(prefix))


def _map_node(pairs: dict[bytes, bytes], start: int) -> bytes:
    if len(pairs) == 1:
        return map_leaf(*next(iter(pairs.items())))
    bit = _branch(pairs, start)
    sides: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for key, value in pairs.items():
        sides[int(bits_of(key, bit + 1)[bit])][key] = value
    left, right = (_map_node(side, bit + 1) for side in sides)
    return sha256(b"\x01" + varint(bit) + left + right).digest()


def _branch(pairs: Mapping[bytes, bytes], start: int = 0) -> int:
    """The first bit at which not all keys agree."""
    texts = [_bits(key) for key in pairs]
    return next(bit for bit in range(start, len(texts[0])) if len({text[bit] for text in texts}) == 2)


def cbor(value: Any) -> bytes:
    """Deterministic CBOR (RFC 8949 §4.2.1)."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    members = sorted((cbor(key), cbor(item)) for key, item in value.items())
    return _head(5, len(members)) + b"".join(key + item for key, item in members)


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    width = next(width for width in (1, 2, 4, 8) if argument < 256**width)
    return bytes([major << 5 | 23 + width.bit_length()]) + argument.to_bytes(width, "big")
