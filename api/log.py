"""The log as files: checkpoint, tiles, entry bundles (C2SP tlog-tiles), its key and the policy it recommends."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.services import Node
from ledger.errors import NotFoundError
from ledger.policy import decode_policy, encode_tlog_policy
from ledger.tile import TILE_WIDTH, encode_entry_bundle, parse_entries_path, parse_tile_path, partial_width

router = APIRouter(prefix="/log", tags=["log"])

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-cache"}


@router.get("/checkpoint")
def checkpoint(node: Node) -> Response:
    """Return the newest checkpoint that ends in a seal, with its cosignatures."""
    with node.serving.view() as view:
        return Response(view.checkpoint, headers=FRESH, media_type=TEXT)


@router.get("/tile/entries/{path:path}")
def entries(node: Node, path: str) -> Response:
    """Return an entry bundle: the exact bytes of up to 256 entries."""
    n, width = parse_entries_path(f"tile/entries/{path}")
    with node.serving.view() as view:
        _check_width(width, partial_width(0, n, view.size))
        first = n * TILE_WIDTH
        found = view.store.entries(first, first + width)
    return Response(encode_entry_bundle([one.statement for one in found]), headers=FOREVER, media_type=BINARY)


@router.get("/tile/{path:path}")
def tile(node: Node, path: str) -> Response:
    """Return a tile: up to 256 hashes of 32 bytes."""
    level, n, width = parse_tile_path(f"tile/{path}")
    with node.serving.view() as view:
        _check_width(width, partial_width(level, n, view.size))
        data = view.reader.tile(level, n, width)
    return Response(data, headers=FOREVER, media_type=BINARY)


@router.get("/vkey")
def vkey(node: Node) -> Response:
    """Return the log's verifier key, one line."""
    return Response(node.serving.vkey.encode() + "\n", media_type=TEXT)


@router.get("/policy")
def policy(node: Node) -> Response:
    """Return the JSON policy that this log recommends. A reader who trusts it trusts this server; bring your own."""
    return Response(node.policy, headers=FRESH, media_type="application/json")


@router.get("/tlog-policy")
def tlog_policy(node: Node) -> Response:
    """Return the C2SP part of the recommended policy."""
    return Response(encode_tlog_policy(decode_policy(node.policy).tlog), headers=FRESH, media_type=TEXT)


def _check_width(wanted: int, there: int) -> None:
    # A partial tile stays readable at any width it ever had; a full one at its full width and below.
    if wanted > there:
        raise NotFoundError("tile", expected=f"a width of at most {there}", got=wanted)
