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

from ledger import core
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
    """The partial tiles of a tree of `size` leaves: their hashes one after the other, level 0 first."""

    size: int
    hashes: bytes

    @classmethod
    def empty(cls) -> Edge:
        """Return the edge of the empty tree."""
        return cls(0, b"")

    @property
    def levels(self) -> tuple[tuple[bytes, ...], ...]:
        """The hashes by level, none of them a full tile."""
        levels: list[tuple[bytes, ...]] = []
        offset, rest = 0, self.size
        while rest:
            end = offset + (rest % TILE_WIDTH) * HASH_SIZE
            levels.append(tuple(self.hashes[i : i + HASH_SIZE] for i in range(offset, end, HASH_SIZE)))
            offset, rest = end, rest // TILE_WIDTH
        return tuple(levels)

    def append(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[Tile]]:
        """Return the edge after these leaves, and the tiles that they filled, each before the tile above it."""
        if core.native is not None:
            found = core.native.append_to_edge(self.size, self.hashes, leaf_hashes)
            if found is not None:
                return Edge(self.size + len(leaf_hashes), found[0]), [Tile(*one) for one in found[1]]
        filled: list[Tile] = []
        rows: list[bytes] = []
        standing = self.levels
        arriving: Sequence[bytes] = leaf_hashes
        level = 0
        while arriving or level < len(standing):
            hashes = [*(standing[level] if level < len(standing) else ()), *arriving]
            first = (self.size >> (8 * level)) // TILE_WIDTH
            full = len(hashes) // TILE_WIDTH
            for i in range(full):
                part = hashes[i * TILE_WIDTH : (i + 1) * TILE_WIDTH]
                filled.append(Tile(level, first + i, b"".join(part)))
            rows += hashes[full * TILE_WIDTH :]
            arriving = perfect_roots(hashes[: full * TILE_WIDTH], TILE_WIDTH)
            level += 1
        return Edge(self.size + len(leaf_hashes), b"".join(rows)), filled

    def root(self) -> bytes:
        """Return the tree's root (RFC 9162 §2.1.1)."""
        if core.native is not None:
            found: bytes | None = core.native.root_of_edge(self.size, self.hashes)
            if found is not None:
                return found
        root: bytes | None = None
        for hashes in self.levels:
            for subtree in reversed(_perfect_roots(hashes)):
                root = subtree if root is None else node_hash(subtree, root)
        return EMPTY_ROOT if root is None else root

    def encode(self) -> bytes:
        """Return the hashes, level 0 first."""
        return self.hashes

    @classmethod
    def decode(cls, size: int, data: bytes) -> Edge:
        """Return the edge of a tree of `size` from its encoding.

        Raises:
            FormatError: the length does not go with the size, or no tree has that size.
        """
        if not 0 <= size <= INDEX_MAX:
            raise FormatError("tree edge", expected=f"a size of 0 to {INDEX_MAX}", got=size)
        expected, rest = 0, size
        while rest:
            expected, rest = expected + (rest % TILE_WIDTH) * HASH_SIZE, rest // TILE_WIDTH
        if expected != len(data):
            raise FormatError("tree edge", expected=f"{expected} bytes for size {size}", got=f"{len(data)} bytes")
        return cls(size, data)


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
