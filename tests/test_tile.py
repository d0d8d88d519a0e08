"""Paths, widths and bundles of the tiled log, against the examples of tlog-tiles and a slow reference."""

from __future__ import annotations

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError
from ledger.tile import (
    INDEX_MAX,
    decode_entry_bundle,
    decode_tile,
    encode_entry_bundle,
    encode_tile,
    entries_path,
    parse_entries_path,
    parse_tile_path,
    partial_width,
    tile_path,
    tiles_completed,
    tiles_partial,
)


@pytest.mark.parametrize(
    ("level", "n", "width", "path"),
    [
        (0, 1234067, 256, "tile/0/x001/x234/067"),  # tlog-tiles
        (0, 1234067, 8, "tile/0/x001/x234/067.p/8"),  # tessera, api/layout/paths.go
        (0, 0, 256, "tile/0/000"),
        (1, 999, 1, "tile/1/999.p/1"),
        (2, 1000, 255, "tile/2/x001/000.p/255"),
        (15, 455667, 256, "tile/15/x455/667"),
        (63, 0, 256, "tile/63/000"),
        (0, 123456789000, 256, "tile/0/x123/x456/x789/000"),
        (0, INDEX_MAX, 256, "tile/0/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_published_paths(level: int, n: int, width: int, path: str) -> None:
    """A client of another make would not find a tile."""
    assert tile_path(level, n, width) == path
    assert parse_tile_path(path) == (level, n, width)
    of_entries = f"tile/entries/{path.split('/', 2)[2]}"
    assert entries_path(n, width) == of_entries
    assert parse_entries_path(of_entries) == (n, width)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "0",
        "00",
        "0000",
        "x000",
        "x000/001",
        "001/002",
        "x001/x002",
        "x1/002",
        "x001//002",
        "/001",
        "001/",
        "001\n",
        "001.p",
        "001.p/",
        "001.p/0",
        "001.p/01",
        "001.p/256",
        "001.p/999",
        "001.p/-1",
        "001.p/1/",
        "x001.p/1",
        "-01",
        "+01",
        "00\u0661",
        "x009/x223/x372/x036/x854/x775/808",  # 2^63
        "x001/x000/x000/x000/x000/x000/x000/000",
        "..",
    ],
)
def test_malformed_paths_are_refused(rest: str) -> None:
    """One tile would have several addresses, or a path would lead out of the folder."""
    with pytest.raises(FormatError):
        parse_tile_path(f"tile/0/{rest}")
    with pytest.raises(FormatError):
        parse_entries_path(f"tile/entries/{rest}")


@pytest.mark.parametrize(
    "path",
    ["/tile/0/000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/entries/000", "tile/x/000", "tiles/0/000"],
)
def test_malformed_levels_are_refused(path: str) -> None:
    """A tile would be served under an address that names no level."""
    with pytest.raises(FormatError):
        parse_tile_path(path)


@given(st.integers(0, 63), st.integers(0, INDEX_MAX), st.integers(1, 256))
def test_paths_parse_to_what_was_made(level: int, n: int, width: int) -> None:
    """A published tile would be read back as another."""
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)
    assert parse_entries_path(entries_path(n, width)) == (n, width)


def test_every_changed_character_of_a_path_is_noticed() -> None:
    """Two paths would name one tile."""
    path = "tile/11/x001/x234/067.p/25"
    for position in range(len(path)):
        for code in range(128):
            changed = path[:position] + chr(code) + path[position + 1 :]
            try:
                parsed = parse_tile_path(changed)
            except FormatError:
                continue
            assert tile_path(*parsed) == changed


@pytest.mark.parametrize(
    ("level", "n", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, INDEX_MAX + 1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_numbers_out_of_range_make_no_path(level: int, n: int, width: int) -> None:
    """A log would publish what no client may fetch, an empty tile among it."""
    with pytest.raises(FormatError):
        tile_path(level, n, width)


def test_the_tree_of_the_specification() -> None:
    """A tree of 70,000 and one of 256 would have other tiles than tlog-tiles says."""
    completed = tiles_completed(0, 70_000)
    assert [level for level, _ in completed].count(0) == 273
    assert [tile for tile in completed if tile[0] > 0] == [(1, 0)]
    assert tiles_partial(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert (tiles_completed(0, 256), tiles_partial(256)) == ([(0, 0)], [(1, 0, 1)])
    assert (tiles_completed(0, 0), tiles_partial(0)) == ([], [])


def slow_width(level: int, n: int, size: int) -> int:
    """Count a tile's hashes one by one: the hash i is there when its last leaf is (tlog-tiles, Merkle Tree)."""
    return sum((n * 256 + i + 1) * 256**level <= size for i in range(256))


def test_widths_against_the_slow_reference() -> None:
    """A tile would be cut at the wrong hash, near the sizes where tiles fill."""
    sizes = [0, 1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 65791, 65792, 70000, 131071, 131072]
    for size in sizes:
        for level in range(4):
            for n in (0, 1, 2, 255, 256, 257, 511):
                assert partial_width(level, n, size) == slow_width(level, n, size)
    assert partial_width(63, 0, INDEX_MAX) == 0
    for level, n, size in ((-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, -1), (0, 0, INDEX_MAX + 1)):
        with pytest.raises(FormatError):
            partial_width(level, n, size)


@given(st.integers(0, 200_000), st.integers(0, 70_000))
def test_each_full_tile_is_completed_once(old_size: int, grown: int) -> None:
    """A full tile would never be published, or twice."""
    new_size = old_size + grown
    full = set(tiles_completed(0, new_size)) - set(tiles_completed(0, old_size))
    completed = tiles_completed(old_size, new_size)
    assert len(completed) == len(set(completed))
    assert set(completed) == full
    assert completed == sorted(completed)
    assert all(partial_width(level, n, new_size) == 256 for level, n in completed)
    assert all(partial_width(level, n, old_size) < 256 for level, n in completed)


@given(st.integers(0, INDEX_MAX))
def test_partial_tiles_are_those_with_a_rest(size: int) -> None:
    """A checkpoint's tree could not be rebuilt from what is served."""
    expected = [(level, size >> (8 * level + 8), size // 256**level % 256) for level in range(8)]
    assert tiles_partial(size) == [tile for tile in expected if tile[2]]
    assert all(partial_width(level, n, size) == width for level, n, width in tiles_partial(size))


def test_trees_do_not_shrink() -> None:
    """A rolled-back tree would look like one that has nothing new."""
    for old_size, new_size in ((2, 1), (-1, 1), (0, INDEX_MAX + 1)):
        with pytest.raises(FormatError):
            tiles_completed(old_size, new_size)
    with pytest.raises(FormatError):
        tiles_partial(-1)


def test_tiles() -> None:
    """A tile's hashes would come back shifted, or a cut tile would pass."""
    hashes = [bytes([i]) * 32 for i in range(256)]
    assert decode_tile(encode_tile(hashes)) == hashes
    assert len(encode_tile(hashes)) == 8192
    for bad in ([], [*hashes, bytes(32)], [bytes(31)]):
        with pytest.raises(FormatError):
            encode_tile(bad)
    for data in (b"", bytes(31), bytes(33), bytes(8192 + 32)):
        with pytest.raises(FormatError):
            decode_tile(data)


def test_published_bundle_form() -> None:
    """A bundle's lengths would stand in another order than tlog-tiles says: uint16, big-endian."""
    assert encode_entry_bundle([b"hi", b""]) == bytes.fromhex("000268690000")
    assert encode_entry_bundle([bytes(65535)])[:2] == b"\xff\xff"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_decode_to_what_was_encoded(entries: list[bytes]) -> None:
    """A monitor would hash other entries than were logged."""
    data = encode_entry_bundle(entries)
    assert decode_entry_bundle(data) == entries


@given(st.binary(max_size=64))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    """Two bundles of different bytes would hold the same entries."""
    try:
        entries = decode_entry_bundle(data)
    except FormatError:
        return
    assert encode_entry_bundle(entries) == data


def test_malformed_bundles_are_refused() -> None:
    """A bundle cut short would pass for a shorter one."""
    for data in (b"", b"\x00", b"\x00\x02a", b"\x00\x01ab", bytes(2 * 257)):
        with pytest.raises(FormatError):
            decode_entry_bundle(data)
    for entries in ([], [b""] * 257, [bytes(65536)]):
        with pytest.raises(FormatError):
            encode_entry_bundle(entries)


def test_every_changed_byte_of_a_bundle_is_noticed() -> None:
    """Two bundles of different bytes would hold the same entries."""
    data = encode_entry_bundle([b"one", b"", b"three", bytes(300)])
    every = soak("values for each byte of a bundle", 5, 255)
    for position, byte in enumerate(data):
        for step in range(1, every + 1):
            changed = bytearray(data)
            changed[position] = (byte + step * (255 // every)) % 256
            try:
                entries = decode_entry_bundle(bytes(changed))
            except FormatError:
                continue
            assert encode_entry_bundle(entries) == changed
