"""Answers to a person's browser: whether one asks, in which language, and the page.

    return page(request, StatusView(…))

What went wrong is a page too, where a browser asks: what happened, what was kept, what to do next.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import Request, Response

from api.pages.reader import COOKIE_AGE_S, Reader, read_request
from api.pages.render import HEADERS, render

if TYPE_CHECKING:
    from api.pages.views import View


def page(request: Request, view: View, status_code: int = 200) -> Response:
    """Return a page in the reader's language, and keep what the reader chose."""
    reader = reader_of(request)
    answer = Response(render(view, reader), status_code, dict(HEADERS))
    for name, value in reader.kept:
        answer.set_cookie(name, value, max_age=COOKIE_AGE_S, httponly=True, samesite="lax")
    return answer


def reader_of(request: Request) -> Reader:
    """Return who reads."""
    return read_request(
        request.query_params.multi_items(),
        request.cookies,
        request.headers.get("accept-language"),
        datetime.now(UTC),
    )


def wants_page(request: Request) -> bool:
    """Say whether a person's browser asks, rather than a program."""
    return "text/html" in request.headers.get("accept", "")
