"""Publishing: what is there after any interruption, and what is never overwritten."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from ledgers import ORIGIN, Ledger, close_ledger, open_ledger

from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.edge import Edge
from ledger.errors import CorruptError, SignatureError
from ledger.keys import LogKeys
from ledger.merkle import leaf_hash
from ledger.serving import Serving
from ledger.tile import decode_entry_bundle, decode_tile, entries_path, parse_entries_path, partial_width, tile_path
from node import publish as publishing
from node.beat import Beat
from node.publish import publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A log on SQLite; what is published does not depend on the database."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield ledger
    close_ledger(ledger)


def _append(ledger: Ledger, count: int) -> Serving:
    pairs = [ledger.record("count", {"name": "a", "add": 1}) for _ in range(count)]
    ledger.log.enqueue([ledger.log.prepare(*pair) for pair in pairs]).result(60)
    ledger.log.seal()
    return ledger.serving()


def _check_folder(folder: Path, serving: Serving) -> int:
    """Recompute the published tree from its bundles alone, hold every tile against it, and return its size."""
    checkpoint = open_checkpoint((folder / "checkpoint").read_bytes(), serving.vkey)
    entries: list[bytes] = []
    while len(entries) < checkpoint.size:
        n = len(entries) // 256
        width = partial_width(0, n, checkpoint.size)
        entries += decode_entry_bundle((folder / entries_path(n, width)).read_bytes())
    edge, tiles = Edge.empty().append([leaf_hash(entry) for entry in entries])
    assert edge.root() == checkpoint.root
    for tile in tiles:
        assert (folder / tile_path(tile.level, tile.n)).read_bytes() == tile.hashes
    for level, hashes in enumerate(edge.levels):
        if hashes:
            n = (checkpoint.size >> (8 * level)) // 256
            assert decode_tile((folder / tile_path(level, n, len(hashes))).read_bytes()) == list(hashes)
    return checkpoint.size


def test_the_folder_is_the_whole_log(ledger: Ledger, tmp_path: Path) -> None:
    """Any web server over the folder is a mirror, at each size that was published."""
    folder = tmp_path / "public"
    for count in (1, 300, 230, 3):
        serving = _append(ledger, count)
        size = publish(ledger.store, serving, folder)
        assert _check_folder(folder, serving) == size
    assert not list(folder.rglob("*.part"))
    full = folder / entries_path(0)
    assert stat.S_IMODE(full.stat().st_mode) == 0o644
    # A partial tile has no use once the full one is there.
    assert not (full.parent / "000.p").exists()


def test_nothing_is_written_twice(ledger: Ledger, tmp_path: Path) -> None:
    """A cache or mirror may rely on a file for ever."""
    folder = tmp_path / "public"
    publish(ledger.store, _append(ledger, 300), folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    serving = _append(ledger, 0)
    publish(ledger.store, serving, folder)
    publish(ledger.store, _append(ledger, 3), folder)
    changed = {path.name for path, time in times.items() if path.exists() and path.stat().st_mtime_ns != time}
    assert changed == {"checkpoint"}


class _KilledError(Exception):
    """Stands for a kill: nothing after it runs."""


def test_a_kill_at_any_write_is_made_good(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that stands before what it covers would be a log that lost entries."""
    serving = _append(ledger, 520)
    real = publishing.write_file
    for limit in range(12):
        folder = tmp_path / f"public-{limit}"
        written = 0

        def write(path: Path, data: bytes, limit: int = limit) -> None:
            nonlocal written
            if written == limit:
                # What a kill in the middle of a write leaves behind.
                path.parent.mkdir(parents=True, exist_ok=True)
                (path.parent / f".{path.name}.x.part").write_bytes(data[:10])
                raise _KilledError
            written += 1
            real(path, data)

        monkeypatch.setattr(publishing, "write_file", write)
        killed = False
        try:
            publish(ledger.store, serving, folder)
        except _KilledError:
            killed = True
        assert killed != (folder / "checkpoint").exists()
        monkeypatch.setattr(publishing, "write_file", real)
        publish(ledger.store, serving, folder)
        assert _check_folder(folder, serving) == 523
    assert not killed  # so every write was the one that was interrupted


def test_another_history_is_not_published_over(ledger: Ledger, tmp_path: Path) -> None:
    """A restore of an old backup, or another log, must not take the place of what others have seen."""
    serving = _append(ledger, 3)
    keys = ledger.log.keys
    for size, root, key, error in (
        (99, b"\x01" * 32, keys.checkpoint, CorruptError),
        (3, b"\x01" * 32, keys.checkpoint, CorruptError),
        (3, b"\x01" * 32, LogKeys.generate().checkpoint, SignatureError),
    ):
        folder = tmp_path / f"public-{size}-{error.__name__}"
        folder.mkdir()
        published = sign_checkpoint(Checkpoint(ORIGIN, size, root), key)
        (folder / "checkpoint").write_bytes(published)
        with pytest.raises(error):
            publish(ledger.store, serving, folder)
        assert (folder / "checkpoint").read_bytes() == published


def test_progress_counts_the_files(ledger: Ledger, tmp_path: Path) -> None:
    """The first publication of a large log takes long, and whoever waits sees how far it is."""
    seen: list[tuple[int, int]] = []
    publish(ledger.store, _append(ledger, 300), tmp_path / "public", progress=lambda *one: seen.append(one))
    assert seen == [(i, len(seen)) for i in range(1, len(seen) + 1)]
    files = [path for path in (tmp_path / "public").rglob("*") if path.is_file() and path.name != "checkpoint"]
    assert len(files) == len(seen)
    assert parse_entries_path("tile/entries/000") == (0, 256)


def test_the_beat_seals_serves_and_publishes(ledger: Ledger, tmp_path: Path) -> None:
    """Without it no record would ever get a receipt; an error of the moment must not end it."""
    serving = Serving(ledger.log)
    calls: list[int] = []

    def publication() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise CorruptError("the first one fails")
        publish(ledger.store, serving, tmp_path / "public")

    beat = Beat(ledger.log, serving, lambda: None, publication, 0.0)
    beat.start()
    try:
        index = ledger.submit("count", {"name": "a", "add": 1}).size
        assert serving.wait_for(index, 20)
        for _ in range(200):
            if (tmp_path / "public" / "checkpoint").exists():
                break
            serving.wait_for(10**9, 0.05)
    finally:
        beat.close()
    assert _check_folder(tmp_path / "public", serving) > index
    before = len(calls)
    serving.wait_for(10**9, 0.3)
    assert len(calls) == before  # it ended
