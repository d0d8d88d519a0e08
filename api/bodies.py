"""Reading bodies from outside: bounded while they arrive, refused before they are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.problems import TooLargeError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from fastapi import Request


async def read_body(request: Request, size_max: int) -> bytes:
    """Return the request's body.

    Args:
        request: the request.
        size_max: its bound in bytes.

    Raises:
        TooLargeError: it is larger; what came so far is dropped.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > size_max:
        raise TooLargeError("the body", expected=f"at most {size_max} bytes", got=f"{declared} bytes")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > size_max:
            raise TooLargeError("the body", expected=f"at most {size_max} bytes", got="more")
        parts.append(part)
    return b"".join(parts)


def content_type(request: Request, allowed: Collection[str]) -> str:
    """Return the request's content type without parameters, in lower case.

    Raises:
        UnsupportedError: it is not one of those allowed.
    """
    got = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if got not in allowed:
        raise UnsupportedError("the content type", expected=" or ".join(sorted(allowed)), got=got or "none")
    return got
