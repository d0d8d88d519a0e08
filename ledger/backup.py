"""The whole ledger as one file, and a restore that proves what it restores.

The file is a CBOR sequence (RFC 8742): a header, the log's windows from seal to seal, what is kept beside them, and an
end with the digest of all before it. It holds records, documents, and the ciphertexts of hidden fields; neither the
keys of the log nor those of the hidden fields are in it.

    {"format": "fengtu-backup/1", "origin": "log.example/hsinchu"}
    {"entries": [[index, statement, document hash, time_ms, is_seal], …], "private": […], "seal": …, "documents":
    [[hash, bytes], …]} {"disclosures": […], "evidence": […], "cosignatures": […]}
    {"end": size, "root": bytes, "sha256": bytes}

A restore folds the records again through the rules, in one transaction: every fact, tile and seal is recomputed, and
nothing is there until all of it is.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cbor2

from ledger.errors import CorruptError, FormatError, ProofError
from ledger.replay import Replay, Window, stored_windows
from ledger.store.rows import StoredDisclosure, StoredEntry, StoredPrivate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.fold import Fold
    from ledger.store import Store

FORMAT = "fengtu-backup/1"
ITEM_SIZE_MAX = 2**32


def backup(store: Store, origin: str, path: Path, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Write the whole ledger to a file, which appears only when it is complete; return the tree's size.

    Args:
        store: the tables.
        origin: the log's name.
        path: where to; an existing file is replaced.
        progress: called with (entries done, entries in all).
    """
    # What is kept beside the log belongs to the very records that are written.
    with store.moment() as still:
        return _backup(still, origin, path, progress)


def _backup(store: Store, origin: str, path: Path, progress: Callable[[int, int], None] | None) -> int:
    head = store.head()
    if head is None:
        raise CorruptError("this database has no log yet", expected="a genesis")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    digest = hashlib.sha256()
    size = 0
    root = b""
    try:
        with os.fdopen(handle, "wb") as file:

            def put(item: object) -> None:
                data = cbor2.dumps(item, canonical=True)
                framed = len(data).to_bytes(8, "big") + data
                digest.update(framed)
                file.write(framed)

            put({"format": FORMAT, "origin": origin})
            for window in stored_windows(store):
                put(_window_item(window))
                size = max([size, *(one.index + 1 for one in (*window.entries, *filter(None, [window.seal])))])
                if progress is not None:
                    progress(size, head.size)
            beside = store.beside()
            put({name: [list(row) for row in rows] for name, rows in beside.items()})
            root = store.root_at(size)
            put({"end": size, "root": root, "sha256": digest.digest()})
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return size


def restore(path: Path, store: Store, fold: Fold, *, progress: Callable[[int], None] | None = None) -> Replay:
    """Write a backup into an empty database, all or nothing.

    Args:
        path: the file.
        store: tables without a log.
        fold: the rules, the replay secret and the origin that the log must have.
        progress: called with the entries done.

    Raises:
        FormatError: it is no backup, or it is cut short.
        ProofError: its records do not give its seals.
        CorruptError: the database has a log already.
    """
    replay = Replay(fold)
    with path.open("rb") as file, store.append() as append:
        if append.head() is not None:
            raise CorruptError("this database has a log already", expected="an empty one")
        items = _items(file)
        header, _ = next(items)
        if header.get("format") != FORMAT:
            raise FormatError("backup", expected=FORMAT, got=header.get("format"))
        if header["origin"] != fold.origin:
            raise ProofError("another log's backup", expected=fold.origin, got=header["origin"])
        for item, digest in items:
            if "entries" in item:
                rows = replay.feed(_window_of(item))
                append.write(rows.batch, rows.head)
                if progress is not None:
                    progress(replay.head.size)
            elif "disclosures" in item:
                append.write_beside(
                    [StoredDisclosure(*row) for row in item["disclosures"]],
                    [tuple(row) for row in item["evidence"]],
                    [tuple(row) for row in item["cosignatures"]],
                )
            else:
                if item["sha256"] != digest:
                    raise FormatError("backup", expected=item["sha256"].hex(), got=digest.hex())
                if (item["end"], item["root"]) != (replay.head.size, replay.root()):
                    raise ProofError("the restored tree differs", expected=item["root"].hex(), got=replay.root().hex())
                return replay
    raise FormatError("backup", expected="an end", got="a file that is cut short")


def _items(file: BinaryIO) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each item with the digest of all bytes before it."""
    digest = hashlib.sha256()
    while prefix := file.read(8):
        size = int.from_bytes(prefix, "big")
        data = file.read(size) if len(prefix) == 8 and size <= ITEM_SIZE_MAX else b""
        if len(data) != size or not data:
            raise FormatError("backup", expected=f"{size} bytes", got=f"{len(data)} bytes")
        try:
            item = cbor2.load(BytesIO(data))
        except cbor2.CBORDecodeError as error:
            raise FormatError("backup", expected="CBOR", got=str(error)) from error
        if not isinstance(item, dict):
            raise FormatError("backup", expected="a map", got=type(item).__name__)
        before = digest.digest()
        digest.update(prefix + data)
        yield item, before


def _window_item(window: Window) -> dict[str, Any]:
    def entry(one: StoredEntry) -> list[Any]:
        return [one.index, one.statement, one.document_hash, one.time_ms, one.is_seal]

    return {
        "entries": [entry(one) for one in window.entries],
        "private": [[one.size, one.n, one.statement, one.document_hash, one.time_ms] for one in window.private],
        "seal": None if window.seal is None else entry(window.seal),
        "documents": [[hash_, data] for hash_, data in sorted(window.documents.items())],
    }


def _window_of(item: dict[str, Any]) -> Window:
    try:
        return Window(
            [StoredEntry(*row) for row in item["entries"]],
            [StoredPrivate(*row) for row in item["private"]],
            None if item["seal"] is None else StoredEntry(*item["seal"]),
            {bytes(hash_): bytes(data) for hash_, data in item["documents"]},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("backup", expected="a window of records", got=str(error)) from error
