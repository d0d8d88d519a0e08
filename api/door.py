r"""Doors: addresses that a plain browser can open, made and signed by who may read what stands there.

    https://ledger.example/agreements/9f86…?door=<140 characters of base64url>
    door = kid (32) ‖ segments (1) ‖ expires, uint64 Unix seconds (8) ‖ signature (64)
    signed: "fengtu-door/1\nhttps://ledger.example/agreements/9f86…\n1795421700\n"

A browser cannot sign its requests, so the reader's key signs an address instead: this path and those below it, to be
read until then, an hour at most. `segments` says how many parts of the path are covered. Nothing is kept for it: the
key is looked up each time, so a door closes with its key, and what a reader may see is asked anew on each page.
"""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.problems import UnsignedError
from api.signed import active_key, open_request, origin_of, raw_path
from ledger import signature
from ledger.errors import FormatError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from api.services import Services
    from ledger.signature import SigningKey

PARAMETER = "door"
AGE_MAX_S = 3_600
CLOCK_S = 300
"""How far the reader's clock may be ahead of ours."""
SEGMENTS_MAX = 8
SIZE = 105

HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""Headers of what is read through a door or by a signed request: no copy of it stays anywhere."""

_PATH = re.compile(r"(/[A-Za-z0-9._~%-]{1,200})+")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who reads, and by which door.

    Attributes:
        actor: whose key signed.
        door: the door as the address has it; empty where the request itself is signed.
        scope: the path that the door covers; empty where the request itself is signed.
    """

    actor: str
    door: str = ""
    scope: str = ""

    def link(self, path: str) -> str:
        """Return a link on a page of this visit: with the door where it leads to the same place or below it."""
        if not self.door or not _covers(self.scope, path):
            return path
        return f"{path}?{PARAMETER}={self.door}"


def sign_door(key: SigningKey, url: str, expires_s: int) -> str:
    """Return an address that anybody who is handed it can open.

    Args:
        key: the reader's.
        url: what it opens, as the node's `base_url` begins it, without a query.
        expires_s: until when, Unix seconds; at most `AGE_MAX_S` ahead.

    Raises:
        FormatError: the address is none, or has a query.
    """
    parts = urlsplit(url)
    segments = parts.path.count("/")
    if not _PATH.fullmatch(parts.path) or segments > SEGMENTS_MAX or parts.query or parts.fragment:
        raise FormatError("the address to open", expected=f"a path of at most {SEGMENTS_MAX} parts", got=url[:200])
    signed = key.sign(_text(url, expires_s))
    data = key.kid + bytes([segments]) + expires_s.to_bytes(8, "big") + signed
    return f"{url}?{PARAMETER}={urlsafe_b64encode(data).decode()}"


def open_visit(request: Request, node: Services) -> Visit:
    """Return who reads: by a door in the address, or by a signed request.

    Raises:
        UnsignedError: neither is there, or what is there does not hold (any more).
    """
    door = request.query_params.get(PARAMETER)
    if door is None:
        return Visit(open_request(request, node).actor)
    return open_door(door, request.method, f"{origin_of(node.base_url)}{raw_path(request)}", node)


def open_door(door: str, method: str, url: str, node: Services) -> Visit:
    """Return whose door it is.

    Args:
        door: as the address has it.
        method: of the request.
        url: what is asked for, without its query.
        node: its keys are those of the newest state.

    Raises:
        UnsignedError: it is none, has run out, is of another place, or its key is not active.
    """
    data = _decoded(door)
    kid, segments = data[:32], data[32]
    expires_s, signed = int.from_bytes(data[33:41], "big"), data[41:]
    now_s = int(time.time())
    if method not in {"GET", "HEAD"}:
        raise UnsignedError("a door is for reading", expected="GET", got=method[:20])
    if now_s >= expires_s:
        raise UnsignedError("this link has run out", expected=f"one that opens after {now_s}", got=expires_s)
    if expires_s > now_s + AGE_MAX_S + CLOCK_S:
        raise UnsignedError(
            "this link opens for too long", expected=f"at most {AGE_MAX_S} s", got=f"{expires_s - now_s} s"
        )
    parts = urlsplit(url)
    # More segments than the path has would be a second way to write one door.
    held = segments if 0 < segments <= min(SEGMENTS_MAX, parts.path.count("/")) else 0
    scope = "/".join(parts.path.split("/")[: held + 1])
    known = active_key(node, kid)
    try:
        signature.check(known["public_key"], _text(f"{parts.scheme}://{parts.netloc}{scope}", expires_s), signed)
    except SignatureError as error:
        expected = f"one that was signed for {url} or a path above it"
        raise UnsignedError("this link opens something else", expected=expected[:300], got=error.message) from error
    return Visit(known["actor"], door, scope)


def _text(url: str, expires_s: int) -> bytes:
    return f"fengtu-door/1\n{url}\n{expires_s}\n".encode()


def _decoded(door: str) -> bytes:
    try:
        data = urlsafe_b64decode(door)
    except ValueError:
        data = b""
    if len(data) != SIZE or urlsafe_b64encode(data).decode() != door:
        raise UnsignedError("this link is not whole", expected="140 characters after door=", got=f"{len(door)}")
    return data


def _covers(scope: str, path: str) -> bool:
    return path == scope or path.startswith(scope + "/")
