"""The tree: its full tiles, and the hashes of any subtree out of them.

reader = StoreReader(store, head)
prove_inclusion(reader, index, head.size)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ledger.edge import Edge
from ledger.errors import CorruptError, NotFoundError
from ledger.merkle import HASH_SIZE, perfect_root, root_at
from ledger.store.reads import Reads
from ledger.store.rows import TILES, Head
from ledger.tile import TILE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tiles(Reads):
    """What the tree's hashes are read from."""

    def tiles(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Return the full tiles (level, n) that are stored, 8,192 bytes each."""
        found: dict[tuple[int, int], bytes] = {}
        by_level: dict[int, list[int]] = {}
        for level, n in wanted:
            by_level.setdefault(level, []).append(n)
        for level, numbers in by_level.items():
            query = select(TILES).where(TILES.c.level == level, TILES.c.n.in_(sorted(set(numbers))))
            with self._read() as connection:
                found.update(((row.level, row.n), bytes(row.hashes)) for row in connection.execute(query))
        return found

    def root_at(self, size: int) -> bytes:
        """Return the tree's root at a size up to the head's."""
        head = self.head()
        if head is None or size > head.size:
            raise NotFoundError("tree size", expected="one up to the head's", got=size)
        return root_at(StoreReader(self, head), size)


class StoreReader:
    """A `ledger.merkle.HashReader` over the stored tiles and the edge of a head: proofs at that size or any below."""

    def __init__(self, store: Tiles, head: Head) -> None:
        self._store = store
        self._edge = Edge.decode(head.size, head.edge)
        self._levels = self._edge.levels
        self._tiles: dict[tuple[int, int], bytes] = {}

    def read_hashes(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the hashes of complete subtrees, each as (height, index); one query for all tiles that are needed.

        Raises:
            NotFoundError: a subtree is not complete at this size.
            CorruptError: a tile that must be there is missing.
        """
        places = [_place(height, index) for height, index in nodes]
        missing = {(level, n) for level, n, _, _ in places if (level, n) not in self._tiles and n < self._full(level)}
        if missing:
            found = self._store.tiles(sorted(missing))
            if len(found) != len(missing):
                lost = min(missing - found.keys())
                raise CorruptError("a full tile is missing", expected=f"tile level {lost[0]} number {lost[1]}")
            self._tiles.update(found)
        return [self._hash(*place) for place in places]

    def tile(self, level: int, n: int, width: int) -> bytes:
        """Return `width` hashes of a tile, one after the other.

        Raises:
            NotFoundError: the tile is not that wide at this size.
        """
        first = n * TILE_WIDTH
        return b"".join(self.read_hashes([(8 * level, first + i) for i in range(width)]))

    def _full(self, level: int) -> int:
        return (self._edge.size >> (8 * level)) // TILE_WIDTH

    def _hash(self, level: int, n: int, start: int, width: int) -> bytes:
        if n < self._full(level):
            hashes = self._tiles[(level, n)][start * HASH_SIZE : (start + width) * HASH_SIZE]
        else:
            edge = self._levels[level] if n == self._full(level) and level < len(self._levels) else ()
            hashes = b"".join(edge[start : start + width])
        if len(hashes) != width * HASH_SIZE:
            raise NotFoundError("subtree", expected=f"one that is complete at size {self._edge.size}")
        return perfect_root(hashes)


def _place(height: int, index: int) -> tuple[int, int, int, int]:
    """Return (tile level, tile number, first hash in it, how many hashes) of a complete subtree."""
    level, rise = divmod(height, 8)
    first = index << rise
    return level, first // TILE_WIDTH, first % TILE_WIDTH, 1 << rise
