"""The verifiable map: a Merkle Patricia Tree in torchwood's published format.

    >>> root_of({b"key": b"value"}) == leaf(b"key", b"value")
    True

Bit 0 of a key is the top bit of its byte 0; a key is read as if followed by one 00 byte and then FF bytes without end.
A node is a leaf, or an inner node with two children whose keys agree before bit B and differ at B. With protobuf's
varints:

    leaf  = SHA-256(00 ‖ varint(len k) ‖ k ‖ varint(len v) ‖ v)
    inner = SHA-256(01 ‖ varint(B) ‖ left ‖ right)
    the empty map = SHA-256("")

Proofs. A step is `varint(B) ‖ hash of the other child`; steps go from the leaf to the root, so B falls strictly.
Presence: the steps. Absence: `varint(len k) ‖ k ‖ varint(len v) ‖ v ‖ steps` of the key at which the look-up ends;
nothing for the empty map. A prefix of P bits: the steps above the subtree of all keys that have it, each with B < P;
where no key has it, the absence form for a key that agrees with the prefix at every B < P on its path and differs from
it within P bits. Several keys may do; `prove_prefix` takes the one at which a look-up of the prefix itself ends, as
torchwood does, whose verifier accepts no other.

The root depends only on the set of pairs. A `StateMap` is not safe to share between threads without a lock.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ledger import core
from ledger.errors import FormatError, ProofError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

EMPTY_ROOT = sha256(b"").digest()
HASH_SIZE = 32
KEY_SIZE_MAX = 64
BITS_MAX = (KEY_SIZE_MAX + 2) * 8
VALUE_SIZE_MAX = 2**24


class _Leaf:
    __slots__ = ("hash", "key", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value
        self.hash: bytes | None = None


class _Inner:
    __slots__ = ("bit", "hash", "left", "right")

    def __init__(self, bit: int, left: _Node, right: _Node) -> None:
        self.bit = bit
        self.left = left
        self.right = right
        self.hash: bytes | None = None


_Node = _Leaf | _Inner


class StateMap:
    """A map from byte strings to byte strings that can prove what it holds and what it does not.

    Args:
        pairs: what it holds at first.
    """

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._map: Any = _Tree() if core.native is None else core.native.StateMap()
        self.set_many(pairs)

    def __len__(self) -> int:
        return len(self._map)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None where there is none."""
        value: bytes | None = self._map.get(key)
        return value

    def set(self, key: bytes, value: bytes) -> None:
        """Set the value of a key; keys have 0 to 64 bytes.

        Raises:
            FormatError: the key is longer, or the value larger than 16 MiB.
        """
        self.set_many([(key, value)])

    def set_many(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many, all or none; an empty map is built in one go. Of a key that comes twice the last value stays.

        Raises:
            FormatError: a key has more than 64 bytes, or a value more than 16 MiB.
        """
        listed = list(pairs)
        try:
            self._map.set_many(listed)
        except OverflowError:
            for key, value in listed:
                _check_sizes(key, value)
            raise

    def gather(self, rows: Sequence[bytes]) -> bool:
        """Take in the facts of rows of `ledger.changes`, to be set by `settle`; False where Python has to."""
        taken: bool = self._map.gather(rows)
        return taken

    def settle(self) -> None:
        """Set what was gathered; an empty map is built in one go."""
        self._map.settle()

    def copy(self) -> StateMap:
        """Return another map with the same pairs, and what was hashed of them."""
        other = StateMap()
        other._map = self._map.copy()
        return other

    def memory(self) -> int | None:
        """Return how many bytes the pairs and their tree take; None where Python holds them and cannot tell."""
        memory: int | None = self._map.memory()
        return memory

    def root(self) -> bytes:
        """Return the root, 32 bytes. Only what changed since the last call is hashed."""
        root: bytes = self._map.root()
        return root

    def prove(self, key: bytes) -> bytes:
        """Return the proof that the key has its value, or that it has none."""
        proof: bytes = self._map.prove(key)
        return proof

    def prove_prefix(self, prefix: bytes, bits: int) -> bytes:
        """Return the proof that `items_with_prefix` gives all keys that have the first `bits` bits of `prefix`."""
        _check_prefix_size(prefix, bits)
        proof: bytes = self._map.prove_prefix(prefix, bits)
        return proof

    def items_with_prefix(self, prefix: bytes, bits: int) -> list[tuple[bytes, bytes]]:
        """Return all pairs whose key has the first `bits` bits of `prefix`, in the order of keys."""
        _check_prefix_size(prefix, bits)
        items: list[tuple[bytes, bytes]] = self._map.items_with_prefix(prefix, bits)
        return items


class _Tree:
    """The map in Python: the reference that the native core is held against."""

    def __init__(self) -> None:
        self._root: _Node | None = None
        self._leaves: dict[bytes, _Leaf] = {}

    def __len__(self) -> int:
        return len(self._leaves)

    def memory(self) -> None:
        return None

    def gather(self, rows: Sequence[bytes]) -> bool:
        return not rows

    def settle(self) -> None:
        """Nothing was gathered."""

    def copy(self) -> _Tree:
        other = _Tree()
        other.set_many([(leaf_.key, leaf_.value) for leaf_ in self._leaves.values()])
        return other

    def get(self, key: bytes) -> bytes | None:
        leaf_ = self._leaves.get(key)
        return None if leaf_ is None else leaf_.value

    def _set(self, key: bytes, value: bytes) -> None:
        known = self._leaves.get(key)
        if known is None:
            self._insert(_Leaf(key, value))
        elif known.value != value:
            known.value = value
            known.hash = None
            node = self._root
            while isinstance(node, _Inner):
                node.hash = None
                node = node.right if _bit(key, node.bit) else node.left

    def set_many(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        if any(len(key) > KEY_SIZE_MAX or len(value) > VALUE_SIZE_MAX for key, value in pairs):
            raise OverflowError("a key or a value is too large")
        if self._leaves:
            for key, value in pairs:
                self._set(key, value)
            return
        merged = dict(pairs)
        # Keys of one size stand in the order of their bytes; only keys that end inside one another need the padding.
        keys = sorted(merged, key=_order if len({len(key) for key in merged}) > 1 else None)
        with _collector_paused():
            self._leaves = {key: _Leaf(key, merged[key]) for key in keys}
            self._root = _build(list(self._leaves.values()))

    def root(self) -> bytes:
        return EMPTY_ROOT if self._root is None else _hash(self._root)

    def prove(self, key: bytes) -> bytes:
        if self._root is None:
            return b""
        node, steps = self._descend(key, BITS_MAX)
        if not isinstance(node, _Leaf):
            raise TypeError("a descent over all bits ends at a leaf")
        path = b"".join(steps)
        return path if node.key == key else _pair(node.key, node.value) + path

    def prove_prefix(self, prefix: bytes, bits: int) -> bytes:
        if self._root is None:
            return b""
        node, steps = self._descend(prefix, bits)
        if _has_prefix(_first(node).key, prefix, bits):
            return b"".join(steps)
        # Nobody has the prefix, so nobody has it as a key, and the absence of the one proves that of the other.
        return self.prove(_cut(prefix, bits))

    def items_with_prefix(self, prefix: bytes, bits: int) -> list[tuple[bytes, bytes]]:
        if self._root is None:
            return []
        node, _ = self._descend(prefix, bits)
        if not _has_prefix(_first(node).key, prefix, bits):
            return []
        return [(one.key, one.value) for one in _leaves(node)]

    def _descend(self, key: bytes, bits: int) -> tuple[_Node, list[bytes]]:
        """Follow a key over the nodes that branch before `bits`; return where it ends and the steps back up."""
        node = self._root
        if node is None:
            raise TypeError("an empty map has no path")
        steps: list[bytes] = []
        while isinstance(node, _Inner) and node.bit < bits:
            other, node_next = (node.left, node.right) if _bit(key, node.bit) else (node.right, node.left)
            steps.append(_varint(node.bit) + _hash(other))
            node = node_next
        steps.reverse()
        return node, steps

    def _insert(self, new: _Leaf) -> None:
        self._leaves[new.key] = new
        if self._root is None:
            self._root = new
            return
        node: _Node = self._root
        while isinstance(node, _Inner):
            node = node.right if _bit(new.key, node.bit) else node.left
        differs = _differing_bit(new.key, node.key)
        above: _Inner | None = None
        node = self._root
        while isinstance(node, _Inner) and node.bit < differs:
            node.hash = None
            above = node
            node = node.right if _bit(new.key, node.bit) else node.left
        right = bool(_bit(new.key, differs))
        inner = _Inner(differs, node if right else new, new if right else node)
        if above is None:
            self._root = inner
        elif _bit(new.key, above.bit):
            above.right = inner
        else:
            above.left = inner


def root_of(pairs: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the map with these pairs."""
    return StateMap(pairs.items()).root()


def leaf(key: bytes, value: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + _pair(key, value)).digest()


def check_presence(root: bytes, key: bytes, value: bytes, proof: bytes) -> None:
    """Check that a map holds this pair.

    Raises:
        FormatError: no map holds such a pair: the key or the value is too large.
        ProofError: the proof does not show it.
    """
    _check_sizes(key, value)
    _check_root(root, _fold(leaf(key, value), key, _steps(proof, 0)), "presence")


def check_absence(root: bytes, key: bytes, proof: bytes) -> None:
    """Check that a map holds nothing under this key.

    Raises:
        ProofError: the proof does not show it.
    """
    if not proof:
        _check_root(root, EMPTY_ROOT, "absence")
        return
    other, value, offset = _read_pair(proof)
    steps = _steps(proof, offset)
    if other == key:
        raise ProofError("absence", expected="another key's path", got="the key's own")
    for bit, _ in steps:
        if _bit(key, bit) != _bit(other, bit):
            raise ProofError("absence", expected="a key that the look-up ends at", got=f"one that differs at bit {bit}")
    _check_root(root, _fold(leaf(other, value), other, steps), "absence")


def check_prefix(root: bytes, prefix: bytes, bits: int, pairs: Sequence[tuple[bytes, bytes]], proof: bytes) -> None:
    """Check that these are all the pairs whose key has the first `bits` bits of `prefix`.

    Args:
        root: the map's root.
        prefix: at least `bits` bits.
        bits: how many of them count.
        pairs: all pairs, each key once, in any order.
        proof: see the module.

    Raises:
        FormatError: more bits than the prefix has, or a prefix or pair that is too large.
        ProofError: a pair is missing, altered or one too many.
    """
    _check_prefix_size(prefix, bits)
    if pairs:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ProofError("prefix", expected="each key once")
        for key, value in pairs:
            _check_sizes(key, value)
            if not _has_prefix(key, prefix, bits):
                raise ProofError("prefix", expected=f"keys under {prefix.hex()}", got=key.hex())
        steps = _steps(proof, 0)
        if steps and steps[0][0] >= bits:
            raise ProofError("prefix", expected=f"steps below bit {bits}", got=steps[0][0])
        _check_root(root, _fold(root_of(dict(pairs)), prefix, steps), "prefix")
        return
    if not proof:
        _check_root(root, EMPTY_ROOT, "prefix")
        return
    other, value, offset = _read_pair(proof)
    steps = _steps(proof, offset)
    if _has_prefix(other, prefix, bits):
        raise ProofError("prefix", expected="no key that has it", got=other.hex())
    for bit, _ in steps:
        if bit < bits and _bit(prefix, bit) != _bit(other, bit):
            raise ProofError("prefix", expected="a key that the look-up comes to", got=f"one that differs at bit {bit}")
    _check_root(root, _fold(leaf(other, value), other, steps), "prefix")


def _bit(key: bytes, bit: int) -> int:
    byte = bit >> 3
    if byte < len(key):
        return key[byte] >> (7 - (bit & 7)) & 1
    return 0 if byte == len(key) else 1


def _padded(key: bytes, size: int) -> bytes:
    return (key + b"\x00").ljust(size, b"\xff")


def _cut(prefix: bytes, bits: int) -> bytes:
    """Return the first `bits` bits, what is left of the last byte as zeros: one spelling for each prefix."""
    part = prefix[: (bits + 7) // 8]
    return part[:-1] + bytes((part[-1] & 0xFF << -bits % 8 & 0xFF,)) if part else part


def _order(key: bytes) -> bytes:
    return _padded(key, KEY_SIZE_MAX + 2)


def _differing_bit(a: bytes, b: bytes) -> int:
    size = len(a)
    if size != len(b):
        size = max(size, len(b)) + 2
        a, b = _padded(a, size), _padded(b, size)
    difference = int.from_bytes(a, "big") ^ int.from_bytes(b, "big")
    return size * 8 - difference.bit_length()


def _has_prefix(key: bytes, prefix: bytes, bits: int) -> bool:
    size = max(len(key) + 2, len(prefix))
    difference = int.from_bytes(_padded(key, size)[:size], "big") ^ int.from_bytes(prefix.ljust(size, b"\x00"), "big")
    return difference >> (size * 8 - bits) == 0


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic collector from walking millions of new nodes again and again: more than half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _build(leaves: Sequence[_Leaf]) -> _Node | None:
    """Build the tree over leaves in the order of keys: a stack holds the right edge, its branching bits rising."""
    if not leaves:
        return None
    stack: list[_Inner] = []
    node: _Node = leaves[0]
    for previous, new in pairwise(leaves):
        bit = _differing_bit(previous.key, new.key)
        while stack and stack[-1].bit > bit:
            stack[-1].right = node
            node = stack.pop()
        stack.append(_Inner(bit, node, new))
        node = new
    while stack:
        stack[-1].right = node
        node = stack.pop()
    return node


def _hash(node: _Node) -> bytes:
    if node.hash is None:
        if isinstance(node, _Leaf):
            node.hash = leaf(node.key, node.value)
        else:
            left, right = node.left.hash or _hash(node.left), node.right.hash or _hash(node.right)
            node.hash = sha256(b"\x01" + _varint(node.bit) + left + right).digest()
    return node.hash


def _first(node: _Node) -> _Leaf:
    while isinstance(node, _Inner):
        node = node.left
    return node


def _leaves(node: _Node) -> Iterator[_Leaf]:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, _Leaf):
            yield node
        else:
            stack += (node.right, node.left)


def _fold(start: bytes, key: bytes, steps: Sequence[tuple[int, bytes]]) -> bytes:
    result = start
    for bit, other in steps:
        pair = other + result if _bit(key, bit) else result + other
        result = sha256(b"\x01" + _varint(bit) + pair).digest()
    return result


def _pair(key: bytes, value: bytes) -> bytes:
    return _varint(len(key)) + key + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _read_varint(data: bytes, offset: int, maximum: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 35, 7):
        if offset >= len(data):
            break
        byte = data[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number > maximum or (byte == 0 and shift):
                break
            return number, offset
    raise ProofError("map proof", expected=f"a varint of at most {maximum} in its shortest form")


def _read_pair(proof: bytes) -> tuple[bytes, bytes, int]:
    size, offset = _read_varint(proof, 0, KEY_SIZE_MAX)
    key = proof[offset : offset + size]
    size2, offset2 = _read_varint(proof, offset + size, VALUE_SIZE_MAX)
    value = proof[offset2 : offset2 + size2]
    if len(key) != size or len(value) != size2:
        raise ProofError("map proof", expected="a key and a value", got="an end")
    return key, value, offset2 + size2


def _steps(proof: bytes, offset: int) -> list[tuple[int, bytes]]:
    steps: list[tuple[int, bytes]] = []
    last = BITS_MAX
    while offset < len(proof):
        bit, offset = _read_varint(proof, offset, BITS_MAX - 1)
        other = proof[offset : offset + HASH_SIZE]
        offset += HASH_SIZE
        if bit >= last or len(other) != HASH_SIZE:
            raise ProofError("map proof", expected=f"a bit below {last} and a hash", got=f"bit {bit}")
        steps.append((bit, other))
        last = bit
    return steps


def _check_root(root: bytes, got: bytes, what: str) -> None:
    if root != got:
        raise ProofError(f"map proof of {what}", expected=root.hex(), got=got.hex())


def _check_sizes(key: bytes, value: bytes) -> None:
    if len(key) > KEY_SIZE_MAX or len(value) > VALUE_SIZE_MAX:
        raise FormatError(
            "map pair",
            expected=f"at most {KEY_SIZE_MAX} and {VALUE_SIZE_MAX} bytes",
            got=f"{len(key)} and {len(value)}",
        )


def _check_prefix_size(prefix: bytes, bits: int) -> None:
    if not 0 <= bits <= len(prefix) * 8 or len(prefix) > KEY_SIZE_MAX:
        raise FormatError("map prefix", expected=f"0 to {len(prefix) * 8} bits", got=bits)
