"""Recomputing a log from what it publishes, as anyone can: the checkpoint's signature, every tile, every entry bundle.

    check_published(remote, vkey)        # raises at the first thing that differs

Works on a node (`/log/…` below its address) and on a published folder behind any web server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.checkpoint import open_checkpoint
from ledger.edge import Edge
from ledger.errors import NotFoundError, ProofError
from ledger.merkle import leaf_hash
from ledger.note import NOTE_SIZE_MAX
from ledger.tile import (
    CHECKPOINT_PATH,
    ENTRY_SIZE_MAX,
    HASH_SIZE,
    TILE_WIDTH,
    decode_entry_bundle,
    encode_tile,
    entries_path,
    partial_width,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.note import VerifierKey
    from node.remote import Remote

BUNDLE_SIZE_MAX = TILE_WIDTH * (2 + ENTRY_SIZE_MAX)


@dataclass(frozen=True, slots=True)
class Published:
    """What was fetched and found to be one tree.

    Attributes:
        size: in entries.
        root: 32 bytes, the one that the checkpoint signs.
        tiles: how many tiles were held against the entries.
    """

    size: int
    root: bytes
    tiles: int


def log_prefix(remote: Remote) -> str:
    """Return where the log's files begin: `/log` at a node, nothing at a published folder.

    Raises:
        NotFoundError: there is no checkpoint at either place.
    """
    try:
        remote.get(f"/log/{CHECKPOINT_PATH}", NOTE_SIZE_MAX)
    except NotFoundError:
        remote.get(f"/{CHECKPOINT_PATH}", NOTE_SIZE_MAX)
        return ""
    return "/log"


def check_published(
    remote: Remote, vkey: VerifierKey, *, progress: Callable[[int, int], None] | None = None
) -> Published:
    """Fetch a whole log and recompute it.

    Args:
        remote: where.
        vkey: the key that its checkpoint must be signed by.
        progress: called with (entries done, entries in all).

    Raises:
        ProofError: the checkpoint is not signed by the key, or a tile or the root is not what the entries give.
        FormatError: something is not of its format.
    """
    prefix = log_prefix(remote)
    checkpoint = open_checkpoint(remote.get(f"{prefix}/{CHECKPOINT_PATH}", NOTE_SIZE_MAX), vkey)
    edge = Edge.empty()
    tiles = 0
    while edge.size < checkpoint.size:
        n = edge.size // TILE_WIDTH
        width = partial_width(0, n, checkpoint.size)
        path = entries_path(n, width)
        entries = decode_entry_bundle(remote.get(f"{prefix}/{path}", BUNDLE_SIZE_MAX))
        if len(entries) != width:
            raise ProofError(f"the entry bundle {path}", expected=f"{width} entries", got=len(entries))
        edge, completed = edge.append([leaf_hash(entry) for entry in entries])
        for tile in completed:
            _check_tile(remote, prefix, tile_path(tile.level, tile.n), tile.hashes)
        tiles += len(completed)
        if progress is not None:
            progress(edge.size, checkpoint.size)
    for level, hashes in enumerate(edge.levels):
        if hashes:
            n = (checkpoint.size >> (8 * level)) // TILE_WIDTH
            _check_tile(remote, prefix, tile_path(level, n, len(hashes)), encode_tile(hashes))
            tiles += 1
    if edge.root() != checkpoint.root:
        raise ProofError("the checkpoint's root", expected=edge.root().hex(), got=checkpoint.root.hex())
    return Published(checkpoint.size, checkpoint.root, tiles)


def _check_tile(remote: Remote, prefix: str, path: str, expected: bytes) -> None:
    got = remote.get(f"{prefix}/{path}", TILE_WIDTH * HASH_SIZE)
    if got != expected:
        place = next(
            (i for i in range(0, len(expected), HASH_SIZE) if got[i : i + HASH_SIZE] != expected[i : i + HASH_SIZE]), 0
        )
        raise ProofError(
            f"the tile {path} at hash {place // HASH_SIZE}",
            expected=expected[place : place + HASH_SIZE].hex(),
            got=got[place : place + HASH_SIZE].hex() or "nothing",
        )
