"""Paths as they came: a lot may hold `/`, so segments are split before they are percent-decoded.

/products/04712345678900/A%2F1/bundle  ->  ["04712345678900", "A/1", "bundle"] after "/products"
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from ledger.errors import NotFoundError

if TYPE_CHECKING:
    from fastapi import Request

PATH_SIZE_MAX = 2048


def segments(request: Request, prefix: str) -> list[str]:
    """Return the decoded segments of a request's path after a prefix.

    Raises:
        NotFoundError: the path is too long or not UTF-8.
    """
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    raw = raw.split(b"?")[0]
    if len(raw) > PATH_SIZE_MAX:
        raise NotFoundError("path", expected=f"at most {PATH_SIZE_MAX} bytes", got=f"{len(raw)} bytes")
    try:
        return [unquote_to_bytes(part).decode() for part in raw.removeprefix(prefix.encode()).strip(b"/").split(b"/")]
    except UnicodeDecodeError as error:
        raise NotFoundError("path", expected="percent-encoded UTF-8") from error


def product_path(gtin: str, lot: str) -> str:
    """Return the path of a lot's page."""
    return f"/products/{gtin}/{quote(lot, safe='')}"
