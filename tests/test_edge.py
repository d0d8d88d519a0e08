"""The tree's right edge: every size against the reference, and over the boundaries of three tile levels."""

from __future__ import annotations

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from reference import Tree

from ledger.edge import Edge
from ledger.errors import FormatError
from ledger.merkle import EMPTY_ROOT, leaf_hash, root
from ledger.tile import INDEX_MAX, TILE_WIDTH, tiles_completed

ENTRIES = [b"entry %d" % i for i in range(2000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TREE = Tree(ENTRIES)


def test_every_size() -> None:
    """A root that differs from RFC 9162's at one size would make the log sign a fork of itself."""
    edge = Edge.empty()
    assert edge.root() == EMPTY_ROOT
    for size in range(1, 601):
        edge, _ = edge.append(LEAVES[size - 1 : size])
        assert (edge.size, edge.root()) == (size, TREE.mth(0, size))
        assert Edge.decode(size, edge.encode()) == edge
        assert Edge.empty().append(LEAVES[:size])[0] == edge


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 255, 256, 257, 511, 512, 2000])
def test_batches(step: int) -> None:
    """The same leaves in any batches give the same edge and the same tiles; else two processes would disagree."""
    edge, tiles = Edge.empty(), []
    for start in range(0, len(LEAVES), step):
        edge, filled = edge.append(LEAVES[start : start + step])
        tiles += filled
    whole, all_tiles = Edge.empty().append(LEAVES)
    assert edge == whole
    order = lambda tile: (tile.level, tile.n)  # noqa: E731 - a sort key
    assert sorted(tiles, key=order) == sorted(all_tiles, key=order)


def test_filled_tiles() -> None:
    """A tile holds the roots of its 256 subtrees, lower ones first: a server hands them out as they are."""
    edge, tiles = Edge.empty().append(LEAVES[:600])
    assert [(tile.level, tile.n) for tile in tiles] == [(0, 0), (0, 1)] == tiles_completed(0, 600)
    assert [tile.hashes for tile in tiles] == [b"".join(LEAVES[:256]), b"".join(LEAVES[256:512])]
    assert [len(hashes) for hashes in edge.levels] == [600 % 256, 2]
    assert edge.levels[1] == (TREE.mth(0, 256), TREE.mth(256, 512))


def test_past_65536_leaves() -> None:
    """At 65,536 leaves a third tile level begins: roots, tiles and encoding around each boundary up to 66,000."""
    count = 65_536 + soak("leaves past the third tile level", 520, 66_000)
    leaves = [leaf_hash(b"%d" % i) for i in range(count)]
    edge, tiles = Edge.empty(), []
    at = 0
    for boundary in [*range(256, count, 256), count]:
        # One leaf before a boundary, the boundary itself, one past it.
        for stop in (boundary - 1, boundary, boundary + 1):
            if not at < stop <= count:
                continue
            edge, filled = edge.append(leaves[at:stop])
            tiles += filled
            at = stop
            if stop in {65_535, 65_536, 65_537, 65_792, 65_793, count} or stop % 8192 < 2:
                assert edge.root() == root(leaves[:stop])
                assert Edge.decode(stop, edge.encode()) == edge
                assert [len(hashes) for hashes in edge.levels] == [
                    stop >> 8 * level & 255 for level in range(len(edge.levels))
                ]
    assert edge == Edge.empty().append(leaves)[0]
    assert sorted((tile.level, tile.n) for tile in tiles) == tiles_completed(0, count)
    upper = next(tile for tile in tiles if tile.level == 1)
    assert upper.hashes[:32] == root(leaves[:256])
    assert edge.levels[2][0] == root(leaves[:65_536])


@pytest.mark.parametrize("size", [255, 256, 65_535, 65_536, 65_537, 2**24, 2**40 - 1, 2**63 - 1])
def test_far_sizes(size: int) -> None:
    """An append to any large tree changes the widths as base 256 counts; a lost carry would corrupt the log."""
    width = sum(size >> 8 * level & 255 for level in range(8))
    edge = Edge.decode(size, b"".join(LEAVES[i % 600] for i in range(width)))
    assert b"".join(edge.encode() for edge in [edge]) == b"".join(LEAVES[i % 600] for i in range(width))
    if size < INDEX_MAX:
        larger, filled = edge.append([LEAVES[0]])
        assert larger.size == size + 1
        assert [len(hashes) for hashes in larger.levels] == [
            (size + 1) >> 8 * level & 255 for level in range(len(larger.levels))
        ]
        assert [(tile.level, tile.n) for tile in filled] == tiles_completed(size, size + 1)
        assert all(len(tile.hashes) == TILE_WIDTH * 32 for tile in filled)


@pytest.mark.parametrize(
    ("size", "data"),
    [
        (-1, b""),
        (INDEX_MAX + 1, b""),
        (2**64, b"\x00" * 32),
        (0, b"\x00" * 32),
        (1, b""),
        (1, b"\x00" * 31),
        (2, b"\x00" * 65),
    ],
)
def test_no_edge(size: int, data: bytes) -> None:
    """A stored edge of another length, or a size that no tree has, must stop the log, not loop or be cut."""
    with pytest.raises(FormatError):
        Edge.decode(size, data)


@given(st.integers(-300, 2**70), st.binary(max_size=2048))
def test_noise(size: int, data: bytes) -> None:
    """Noise either is an edge that encodes to itself or a FormatError."""
    try:
        edge = Edge.decode(size, data)
    except FormatError:
        return
    assert (edge.size, edge.encode()) == (size, data)


@given(st.lists(st.integers(0, 600), max_size=12))
def test_any_batches(widths: list[int]) -> None:
    """Batches of any widths, empty ones too, come to the reference's root."""
    edge = Edge.empty()
    for width in widths:
        taken = LEAVES[edge.size : edge.size + width]
        edge, _ = edge.append(taken)
    assert edge.root() == root(LEAVES[: edge.size])
