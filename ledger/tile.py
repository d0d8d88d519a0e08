"""Tiles and entry bundles: every path and all the arithmetic of the tiled log (C2SP tlog-tiles).

A tile is up to 256 hashes, one after the other, of one level of the tree; an entry bundle is up to 256 entries, each
behind its length in two bytes:

    tile/0/x001/x234/067            256 leaf hashes, those of entries 315921152 … 315921407
    tile/1/000.p/17                 17 roots of full tiles of level 0
    tile/entries/x001/x234/067.p/3  3 entries

    00 02 68 69 00 00               the bundle of the two entries "hi" and ""

A tree of 70,000 leaves has 273 full tiles and one of width 112 at level 0, one full and one of width 17 at level 1, and
one of width 1 at level 2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TILE_WIDTH = 256
LEVEL_MAX = 63
INDEX_MAX = (1 << 63) - 1
HASH_SIZE = 32
ENTRY_SIZE_MAX = 65535

CHECKPOINT_PATH = "checkpoint"

_TILE = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_ENTRIES = re.compile(r"tile/entries/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise FormatError(what, expected=f"{low} to {high}", got=value)


def _index_path(n: int, width: int) -> str:
    _check_range("tile index", n, 0, INDEX_MAX)
    _check_range("tile width", width, 1, TILE_WIDTH)
    rest, last = divmod(n, 1000)
    path = f"{last:03}"
    while rest:
        rest, group = divmod(rest, 1000)
        path = f"x{group:03}/{path}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _parse_index(groups: str, width: str | None) -> tuple[int, int]:
    return int(groups.replace("x", "").replace("/", "")), TILE_WIDTH if width is None else int(width)


def tile_path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile below the log's prefix, without a leading slash.

    Args:
        level: 0 (leaf hashes) to `LEVEL_MAX`.
        n: the tile's index in its level, `0 <= n <= INDEX_MAX`.
        width: how many hashes it holds, 1 to 256; less than 256 makes the path of a partial tile.

    Raises:
        FormatError: a number outside its range.
    """
    _check_range("tile level", level, 0, LEVEL_MAX)
    return f"tile/{level}/{_index_path(n, width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of an entry bundle below the log's prefix, without a leading slash.

    Raises:
        FormatError: `n` or `width` outside the range that `tile_path` names.
    """
    return f"tile/entries/{_index_path(n, width)}"


def parse_tile_path(path: str) -> tuple[int, int, int]:
    """Return level, index and width of what `tile_path` made.

    Raises:
        FormatError: any other path, leading zeros and a suffix on a full tile among them.
    """
    match = _TILE.fullmatch(path)
    if not match:
        raise FormatError("tile path", expected="tile/<L>/<N>[.p/<W>]", got=repr(path[:80]))
    level = int(match[1])
    n, width = _parse_index(match[2], match[3])
    if tile_path(level, n, width) != path:
        raise FormatError("tile path", expected=tile_path(level, n, width), got=repr(path[:80]))
    return level, n, width


def parse_entries_path(path: str) -> tuple[int, int]:
    """Return index and width of what `entries_path` made.

    Raises:
        FormatError: any other path.
    """
    match = _ENTRIES.fullmatch(path)
    if not match:
        raise FormatError("entries path", expected="tile/entries/<N>[.p/<W>]", got=repr(path[:80]))
    n, width = _parse_index(match[1], match[2])
    if entries_path(n, width) != path:
        raise FormatError("entries path", expected=entries_path(n, width), got=repr(path[:80]))
    return n, width


def partial_width(level: int, n: int, size: int) -> int:
    """Return how many hashes tile `n` of `level` has in a tree of `size` leaves.

    256 for a full tile, 1 to 255 for a partial one, 0 where the tree has no such tile: an empty tile is never served.

    Raises:
        FormatError: a number outside its range.
    """
    _check_range("tile level", level, 0, LEVEL_MAX)
    _check_range("tile index", n, 0, INDEX_MAX)
    _check_range("tree size", size, 0, INDEX_MAX)
    return max(0, min(TILE_WIDTH, (size >> (8 * level)) - n * TILE_WIDTH))


def tiles_completed(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """Return (level, index) of each tile that is full in a tree of `new_size` and was not in one of `old_size`.

    Levels rise, indices rise within a level. A tile of level 0 stands for its entry bundle too.

    Args:
        old_size: `0 <= old_size <= new_size`, in leaves.
        new_size: at most `INDEX_MAX`.

    Raises:
        FormatError: a tree that shrinks, or a size outside its range.
    """
    _check_range("new tree size", new_size, 0, INDEX_MAX)
    _check_range("old tree size", old_size, 0, new_size)
    completed = []
    shift = 8
    while new_size >> shift:
        completed += [(shift // 8 - 1, n) for n in range(old_size >> shift, new_size >> shift)]
        shift += 8
    return completed


def tiles_partial(size: int) -> list[tuple[int, int, int]]:
    """Return (level, index, width) of each partial tile of a tree of `size` leaves, at most one a level.

    Raises:
        FormatError: a size outside its range.
    """
    _check_range("tree size", size, 0, INDEX_MAX)
    partial = []
    level = 0
    while size:
        size, width = divmod(size, TILE_WIDTH)
        if width:
            partial.append((level, size, width))
        level += 1
    return partial


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Return 1 to 256 hashes of 32 bytes as a tile.

    Raises:
        FormatError: another number of hashes, or a hash of another size.
    """
    _check_range("tile width", len(hashes), 1, TILE_WIDTH)
    for each in hashes:
        _check_range("size of a tile's hash", len(each), HASH_SIZE, HASH_SIZE)
    return b"".join(hashes)


def decode_tile(data: bytes) -> list[bytes]:
    """Return the hashes of a tile.

    Raises:
        FormatError: not 1 to 256 times 32 bytes.
    """
    count, rest = divmod(len(data), HASH_SIZE)
    if rest:
        raise FormatError("tile", expected="a multiple of 32 bytes", got=f"{len(data)} bytes")
    _check_range("tile width", count, 1, TILE_WIDTH)
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]


def encode_entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Return 1 to 256 entries as a bundle.

    Raises:
        FormatError: another number of entries, or one of more than 65,535 bytes.
    """
    parts = list(entries)
    _check_range("entries in a bundle", len(parts), 1, TILE_WIDTH)
    for entry in parts:
        _check_range("entry size", len(entry), 0, ENTRY_SIZE_MAX)
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in parts)


def decode_entry_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle, 1 to 256.

    Raises:
        FormatError: cut short, empty, or more than 256 entries.
    """
    entries: list[bytes] = []
    start = 0
    while start < len(data):
        if len(entries) == TILE_WIDTH:
            raise FormatError("entry bundle", expected="at most 256 entries", got=f"{len(data) - start} bytes more")
        end = start + 2 + int.from_bytes(data[start : start + 2], "big")
        if start + 2 > len(data) or end > len(data):
            raise FormatError("entry bundle", expected=f"{end} bytes", got=f"{len(data)} bytes")
        entries.append(data[start + 2 : end])
        start = end
    _check_range("entries in a bundle", len(entries), 1, TILE_WIDTH)
    return entries
