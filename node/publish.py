"""Publishing: the log as files that any web server, object store or CDN can hand out (C2SP tlog-tiles).

    public/tile/0/000            a full tile: never changes
    public/tile/entries/000      a full entry bundle: never changes
    public/tile/0/001.p/17       a partial one, of the checkpoint's size
    public/checkpoint            written last: everything it needs is there

What is missing follows from the published checkpoint and the database. So a publication can be killed at any point and
run again; whatever was written before is found, or written once more with the same bytes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ledger.checkpoint import open_checkpoint
from ledger.errors import CorruptError
from ledger.store.tiles import StoreReader
from ledger.tile import (
    CHECKPOINT_PATH,
    TILE_WIDTH,
    encode_entry_bundle,
    entries_path,
    tile_path,
    tiles_completed,
    tiles_partial,
)
from node.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ledger.note import VerifierKey
    from ledger.serving import Serving
    from ledger.store import Store

TILES_AT_ONCE = 64


def publish(store: Store, serving: Serving, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Write what is missing up to the served checkpoint, and the checkpoint; return the tree's size.

    Args:
        store: the tables.
        serving: gives the checkpoint.
        folder: where to; it is made where it is missing.
        progress: called with (files written, files to write).

    Raises:
        CorruptError: another log, a longer one or another history is published there.
        UnavailableError: no seal is served yet, or the database cannot be reached.
    """
    with serving.view() as view:
        size, checkpoint = view.size, view.checkpoint
    path = folder / CHECKPOINT_PATH
    if path.exists() and path.read_bytes() == checkpoint:
        return size
    old_size = _published_size(path, serving.vkey, store, size)
    completed = tiles_completed(old_size, size)
    partial = tiles_partial(size)
    files = [name for level, n in completed for name in _names(level, n, TILE_WIDTH)]
    files += [name for level, n, width in partial for name in _names(level, n, width)]
    for done, (name, data) in enumerate(_contents(store, completed, partial), 1):
        # A name stands for one content for ever, so a file that is there is right.
        if not (folder / name).exists():
            write_file(folder / name, data)
        if progress is not None:
            progress(done, len(files))
    write_file(path, checkpoint)
    for level, n in completed:
        for name in _names(level, n, TILE_WIDTH):
            # The full one took their place (tlog-tiles, Partial Tiles).
            shutil.rmtree(folder / f"{name}.p", ignore_errors=True)
    return size


def _published_size(path: Path, vkey: VerifierKey, store: Store, size: int) -> int:
    if not path.exists():
        return 0
    published = open_checkpoint(path.read_bytes(), vkey)
    if published.size > size:
        raise CorruptError("a longer tree is published than this log has", expected=size, got=published.size)
    root = store.root_at(published.size)
    if root != published.root:
        raise CorruptError("another history is published", expected=root.hex(), got=published.root.hex())
    return published.size


def _names(level: int, n: int, width: int) -> Iterator[str]:
    yield tile_path(level, n, width)
    if level == 0:
        yield entries_path(n, width)


def _contents(
    store: Store, completed: list[tuple[int, int]], partial: list[tuple[int, int, int]]
) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(completed), TILES_AT_ONCE):
        part = completed[start : start + TILES_AT_ONCE]
        tiles = store.tiles(part)
        for level, n in part:
            if (level, n) not in tiles:
                raise CorruptError("a full tile is missing", expected=f"tile level {level} number {n}")
            yield from _tile(store, level, n, TILE_WIDTH, tiles[level, n])
    head = store.head()
    if head is None:
        raise CorruptError("this database has no log yet", expected="a genesis")
    reader = StoreReader(store, head)
    for level, n, width in partial:
        yield from _tile(store, level, n, width, reader.tile(level, n, width))


def _tile(store: Store, level: int, n: int, width: int, hashes: bytes) -> Iterator[tuple[str, bytes]]:
    yield tile_path(level, n, width), hashes
    if level == 0:
        first = n * TILE_WIDTH
        entries = store.entries(first, first + width)
        if len(entries) != width:
            raise CorruptError("an entry is missing", expected=f"{width} entries from {first}", got=len(entries))
        yield entries_path(n, width), encode_entry_bundle([entry.statement for entry in entries])
