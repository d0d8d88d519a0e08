"""The RFC 9162 tree: roots, inclusion and consistency.

    >>> root([leaf_hash(b"a"), leaf_hash(b"b")]).hex()[:16]
    'b137985ff484fb60'

A leaf is hashed as `SHA-256(00 ‖ entry)`, an inner node as `SHA-256(01 ‖ left ‖ right)`, the empty tree is
`SHA-256("")` (§2.1.1). The mathematics is over one narrow reader: whatever can hand out the hash of a complete subtree
can be proved from.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from ledger import core
from ledger.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
SIZE_MAX = 2**63 - 1

Node = tuple[int, int]
"""A complete subtree: (height, index). Height 0 is a leaf; its leaves are `index << height` and the `1 << height` from
there."""


class HashReader(Protocol):
    """Hands out the hashes of complete subtrees."""

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node, in order."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf (§2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (§2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Return the hashes of many leaves."""
    if core.native is not None:
        found: list[bytes] = core.native.leaf_hashes(entries)
        return found
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes (§2.1.1)."""
    if core.native is not None:
        found: bytes | None = core.native.root(leaf_hashes)
        if found is not None:
            return found
    row = list(leaf_hashes)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        # The last node of an odd row goes up as it is: the same tree that §2.1.1 splits at the largest power of two.
        carried = row[-1:] if len(row) % 2 else []
        lefts, rights = row[0::2], row[1::2]
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(lefts, rights, strict=False)]
        row += carried
    return row[0]


def root_of_entries(entries: Iterable[bytes]) -> bytes:
    """Return the root over entries: leaf hashes and root in one go."""
    if core.native is not None:
        found: bytes = core.native.root_of_entries(list(entries))
        return found
    return root(leaf_hashes(list(entries)))


def perfect_roots(hashes: Sequence[bytes], width: int) -> list[bytes]:
    """Return the root of each run of `width` hashes, a power of two that divides their number."""
    if core.native is not None:
        found: list[bytes] | None = core.native.perfect_roots(hashes, width)
        if found is not None:
            return found
    row = list(hashes)
    while width > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        width //= 2
    return row


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over a power of two of hashes that lie one after the other, as in a tile."""
    if core.native is not None:
        found: bytes | None = core.native.perfect_root(hashes)
        if found is not None:
            return found
    split = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    return perfect_roots(split, len(split))[0]


def prove_inclusion(reader: HashReader, index: int, size: int) -> list[bytes]:
    """Return the inclusion proof of leaf `index` in the tree of `size` leaves (§2.1.3.1); `0 <= index < size`.

    Raises:
        ProofError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError("inclusion proof", expected="0 <= index < size", got=f"index {index}, size {size}")
    spans: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return _read_spans(reader, spans[::-1])


def prove_consistency(reader: HashReader, size1: int, size2: int) -> list[bytes]:
    """Return the proof that the tree of `size1` leaves is a beginning of that of `size2` (§2.1.4.1).

    Raises:
        ProofError: not `0 < size1 <= size2`.
    """
    if not 0 < size1 <= size2:
        raise ProofError("consistency proof", expected="0 < size1 <= size2", got=f"{size1} and {size2}")
    spans: list[tuple[int, int]] = []
    low, high = 0, size2
    while size1 != high:
        middle = low + _split(high - low)
        if size1 <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    # The subtree that both trees share needs no hash where it is the whole first tree: its root is known.
    if low:
        spans.append((low, high))
    return _read_spans(reader, spans[::-1])


def root_at(reader: HashReader, size: int) -> bytes:
    """Return the root of the tree of the first `size` leaves."""
    return _read_spans(reader, [(0, size)])[0] if size else EMPTY_ROOT


def check_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at `index` in the tree of `size` leaves with this root (§2.1.3.2).

    Args:
        leaf_hash: 32 bytes.
        index: `0 <= index < size`.
        size: of the tree, in leaves.
        proof: hashes of 32 bytes, from the leaf upward.
        root: 32 bytes.

    Raises:
        ProofError: it does not.
    """
    _check_hashes("root", [root])
    got = root_from_inclusion(leaf_hash, index, size, proof)
    if got != root:
        raise ProofError("inclusion proof", expected=root.hex(), got=got.hex())


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to (§2.1.3.2).

    Raises:
        ProofError: the proof has another length than index and size ask for, or holds something that is no hash.
    """
    if not 0 <= index < size <= SIZE_MAX:
        raise ProofError("inclusion proof", expected="0 <= index < size", got=f"index {index}, size {size}")
    # A proof over empty strings would fold to something: every hash has to be one.
    _check_hashes("leaf hash", [leaf_hash])
    _check_hashes("inclusion proof", proof)
    if core.native is not None:
        found: bytes | None = core.native.root_from_inclusion(leaf_hash, index, size, proof)
        if found is not None:
            return found
    first, last, result = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofError("inclusion proof", expected="fewer hashes", got=len(proof))
        if first % 2 or first == last:
            result = node_hash(sibling, result)
            while not first % 2 and first:
                first >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("inclusion proof", expected="more hashes", got=len(proof))
    return result


def check_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `size1` leaves is a beginning of the tree of `size2` (§2.1.4.2); `0 < size1 <= size2`.

    Raises:
        ProofError: it is not.
    """
    if not 0 < size1 <= size2 <= SIZE_MAX:
        raise ProofError("consistency proof", expected="0 < size1 <= size2", got=f"{size1} and {size2}")
    _check_hashes("root", [root1, root2])
    _check_hashes("consistency proof", proof)
    if size1 == size2:
        if proof or root1 != root2:
            raise ProofError("consistency proof", expected="equal roots and no hashes", got=f"{len(proof)} hashes")
        return
    old, new = _roots_from_consistency(size1, root1, size2, proof)
    if old != root1:
        raise ProofError("consistency proof, first root", expected=root1.hex(), got=old.hex())
    if new != root2:
        raise ProofError("consistency proof, second root", expected=root2.hex(), got=new.hex())


def _roots_from_consistency(size1: int, root1: bytes, size2: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return both roots that a proof leads to; `0 < size1 < size2`."""
    if core.native is not None:
        found: tuple[bytes, bytes] | None = core.native.roots_from_consistency(size1, root1, size2, proof)
        if found is not None:
            return found
    # Where the first tree is perfect its root begins the path (step 2).
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not path:
        raise ProofError("consistency proof", expected="hashes", got="none")
    first, last = size1 - 1, size2 - 1
    while first % 2:
        first >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("consistency proof", expected="fewer hashes", got=len(proof))
        if first % 2 or first == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not first % 2 and first:
                first >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("consistency proof", expected="more hashes", got=len(proof))
    return old, new


class ListReader:
    """A `HashReader` over leaf hashes in memory; every level is kept."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self._levels = [list(leaf_hashes)]
        if core.native is not None:
            above: list[list[bytes]] | None = core.native.hash_levels(self._levels[0])
            if above is not None:
                self._levels += above
                return
        while len(self._levels[-1]) > 1:
            row = self._levels[-1]
            self._levels.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])

    def read_hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node."""
        return [self._levels[height][index] for height, index in nodes]


def _split(size: int) -> int:
    """Return the largest power of two below `size` (§2.1.1); `size >= 2`."""
    return 1 << ((size - 1).bit_length() - 1)


def _complete(low: int, high: int) -> list[Node]:
    """Return the complete subtrees of the span, left to right; `low` is a multiple of the first one's width."""
    nodes: list[Node] = []
    while low < high:
        height = (high - low).bit_length() - 1
        nodes.append((height, low >> height))
        low += 1 << height
    return nodes


def _read_spans(reader: HashReader, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the root of each span of leaves, by one read."""
    parts = [_complete(low, high) for low, high in spans]
    hashes = iter(reader.read_hashes([node for part in parts for node in part]))
    roots: list[bytes] = []
    for part in parts:
        subtrees = [next(hashes) for _ in part]
        result = subtrees.pop()
        while subtrees:
            result = node_hash(subtrees.pop(), result)
        roots.append(result)
    return roots


def _check_hashes(what: str, hashes: Sequence[bytes]) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_SIZE:
            raise ProofError(what, expected=f"hashes of {HASH_SIZE} bytes", got=f"{len(hash_)} bytes")
