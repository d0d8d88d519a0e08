"""The right edge of the tree: the hashes of the tiles that are not full yet.

A tree of size s has, at each tile level L, a partial tile of `(s >> 8 L) & 255` hashes (C2SP tlog-tiles). Together they
are all that an append needs: the root follows from them, and so does each tile that the append fills. The encoding is
the hashes one after the other, level 0 first; the size says where each level begins, so a size of 258 gives 2 + 1
hashes.

    edge, tiles = Edge.empty().append([leaf_hash(b"a"), leaf_hash(b"b")])
    edge.root()
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ledger.errors import FormatError
from ledger.merkle import EMPTY_ROOT, node_hash, perfect_roots
from ledger.tile import HASH_SIZE, INDEX_MAX, TILE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tile(NamedTuple):
    """A full tile: 256 hashes at `level`, `n`-th from the left, as C2SP tlog-tiles names them."""

    level: int
    n: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The partial tiles of a tree of `size` leaves, by level, none of them full."""

    size: int
    levels: tuple[tuple[bytes, ...], ...]

    @classmethod
    def empty(cls) -> Edge:
        """Return the edge of the empty tree."""
        return cls(0, ())

    def append(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[Tile]]:
        """Return the edge after these leaves, and the tiles that they filled, each before the tile above it."""
        filled: list[Tile] = []
        levels: list[tuple[bytes, ...]] = []
        arriving: Sequence[bytes] = leaf_hashes
        size = self.size
        level = 0
        while arriving or level < len(self.levels):
            hashes = [*(self.levels[level] if level < len(self.levels) else ()), *arriving]
            first = (size >> (8 * level)) // TILE_WIDTH
            full = len(hashes) // TILE_WIDTH
            for i in range(full):
                part = hashes[i * TILE_WIDTH : (i + 1) * TILE_WIDTH]
                filled.append(Tile(level, first + i, b"".join(part)))
            levels.append(tuple(hashes[full * TILE_WIDTH :]))
            arriving = perfect_roots(hashes[: full * TILE_WIDTH], TILE_WIDTH)
            level += 1
        return Edge(size + len(leaf_hashes), tuple(levels)), filled

    def root(self) -> bytes:
        """Return the tree's root (RFC 9162 §2.1.1)."""
        root: bytes | None = None
        for hashes in self.levels:
            for subtree in reversed(_perfect_roots(hashes)):
                root = subtree if root is None else node_hash(subtree, root)
        return EMPTY_ROOT if root is None else root

    def encode(self) -> bytes:
        """Return the hashes, level 0 first."""
        return b"".join(hash_ for hashes in self.levels for hash_ in hashes)

    @classmethod
    def decode(cls, size: int, data: bytes) -> Edge:
        """Return the edge of a tree of `size` from its encoding.

        Raises:
            FormatError: the length does not go with the size, or no tree has that size.
        """
        if not 0 <= size <= INDEX_MAX:
            raise FormatError("tree edge", expected=f"a size of 0 to {INDEX_MAX}", got=size)
        levels: list[tuple[bytes, ...]] = []
        offset = 0
        rest = size
        while rest:
            end = offset + (rest % TILE_WIDTH) * HASH_SIZE
            levels.append(tuple(data[i : i + HASH_SIZE] for i in range(offset, end, HASH_SIZE)))
            offset = end
            rest //= TILE_WIDTH
        if offset != len(data):
            raise FormatError("tree edge", expected=f"{offset} bytes for size {size}", got=f"{len(data)} bytes")
        return cls(size, tuple(levels))


def _perfect_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """Split hashes, left to right, into the largest perfect subtrees and return their roots."""
    roots: list[bytes] = []
    start = 0
    for bit in range(len(hashes).bit_length() - 1, -1, -1):
        width = 1 << bit
        if len(hashes) & width:
            roots += perfect_roots(hashes[start : start + width], width)
            start += width
    return roots
