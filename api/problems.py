"""Errors as others read them: problem details (RFC 9457), and concise ones in CBOR (RFC 9290) where SCRAPI wants them.

{"type": "about:blank", "title": "Conflict", "status": 409, "detail": "…", "expected": "…", "got": "…"}
{-1: "Refused", -2: "…", "tag:fengtu.tw,2026:refusal": {"rule": "…", "expected": "…", "got": "…", "signed": h'…'}}
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.browser import page, reader_of, wants_page
from api.pages.i18n import refusal_words
from api.pages.views.site import ProblemView
from ledger import cbor
from ledger.errors import (
    ConflictError,
    FengtuError,
    FormatError,
    NotFoundError,
    ProofError,
    QueueFullError,
    RefusedError,
    RetryError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from api.pages.views.site import ProblemKind

JSON = "application/problem+json"
CBOR = "application/concise-problem-details+cbor"
REFUSAL = "tag:fengtu.tw,2026:refusal"
SHOWN_MAX = 500

logger = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[FengtuError], HTTPStatus], ...] = (
    (FormatError, HTTPStatus.BAD_REQUEST),
    (RefusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ConflictError, HTTPStatus.CONFLICT),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ProofError, HTTPStatus.FORBIDDEN),
    (QueueFullError, HTTPStatus.TOO_MANY_REQUESTS),
    (RetryError, HTTPStatus.SERVICE_UNAVAILABLE),
)


KINDS: Mapping[int, ProblemKind] = {
    HTTPStatus.BAD_REQUEST: "bad-request",
    HTTPStatus.UNAUTHORIZED: "private",
    HTTPStatus.FORBIDDEN: "private",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "bad-request",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "bad-request",
    HTTPStatus.UNPROCESSABLE_ENTITY: "refused",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
"""What the page of a problem says, by status."""


class TooLargeError(FormatError):
    """A body beyond the bound of its path."""


class UnsupportedError(FormatError):
    """A content type that the path does not take."""


class UnsignedError(FengtuError):
    """A request that has to be signed by an entitled key and is not."""


class ForbiddenError(FengtuError):
    """A request by somebody who may not read or do this."""


def status_of(error: FengtuError) -> HTTPStatus:
    """Return the HTTP status that says what went wrong."""
    if isinstance(error, TooLargeError):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if isinstance(error, UnsupportedError):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if isinstance(error, UnsignedError):
        return HTTPStatus.UNAUTHORIZED
    if isinstance(error, ForbiddenError):
        return HTTPStatus.FORBIDDEN
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(error: FengtuError) -> dict[str, Any]:
    """Return the members of a problem document."""
    status = status_of(error)
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": error.message,
        "expected": _shown(error.expected),
        "got": _shown(error.got),
    }
    if isinstance(error, RefusedError):
        members["rule"] = error.rule
        members["data"] = error.data
        members["words"] = refusal_words(error.rule) or None
    return {name: value for name, value in members.items() if value is not None}


def concise(error: FengtuError) -> dict[Any, Any]:
    """Return a concise problem: title and detail, and what a refusal says, as the log signed it."""
    members: dict[Any, Any] = {-1: status_of(error).phrase, -2: _shown(str(error))}
    if isinstance(error, RefusedError):
        refusal = {
            "rule": error.rule,
            "message": error.message,
            "expected": _shown(error.expected),
            "got": _shown(error.got),
            "data": error.data,
            "signed": error.signed,
            "words": refusal_words(error.rule) or None,
        }
        members[REFUSAL] = {name: value for name, value in refusal.items() if value is not None}
    return members


def retry_headers(error: FengtuError) -> dict[str, str]:
    """Return the headers that say when to try again."""
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, RetryError) else {}


def wants_cbor(path: str) -> bool:
    """Say whether errors of this path are concise problems in CBOR (the SCRAPI paths)."""
    return path == "/entries" or path.startswith(("/entries/", "/documents/", "/.well-known/scitt-keys"))


def response(request: Request, error: FengtuError) -> Response:
    """Return the response for an error."""
    status = status_of(error)
    headers = retry_headers(error)
    if wants_cbor(request.url.path):
        return Response(cbor.encode(concise(error)), status, headers, media_type=CBOR)
    if wants_page(request):
        answer = page(request, _view(request, error), status)
        answer.headers.update(headers)
        return answer
    return JSONResponse(problem(error), status, headers, media_type=JSON)


def _view(request: Request, error: FengtuError) -> ProblemView:
    """Return what went wrong for a person: in their language, without the machine's words where there are others."""
    status = status_of(error)
    words = refusal_words(error.rule).get(reader_of(request).language.tag) if isinstance(error, RefusedError) else None
    kind = KINDS.get(status, "internal")
    if kind == "private" or status == HTTPStatus.NOT_FOUND:
        # What a signed request looks like, or which indexes there are, is nothing for who follows a link.
        return ProblemView(status, kind)
    return ProblemView(
        status,
        kind,
        words or error.message,
        _shown(error.expected) or "",
        _shown(error.got) or "",
        error.retry_after_s if isinstance(error, RetryError) else 0,
    )


def _shown(value: object) -> str | None:
    return None if value is None else str(value)[:SHOWN_MAX]


def install(app: FastAPI) -> None:
    """Map every error to its problem document; an unforeseen one says nothing of its inside."""

    @app.exception_handler(FengtuError)
    async def _ours(request: Request, error: FengtuError) -> Response:
        return response(request, error)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        members = {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": error.detail,
        }
        if wants_cbor(request.url.path):
            data = cbor.encode({-1: members["title"], -2: str(error.detail)})
            return Response(data, error.status_code, error.headers, media_type=CBOR)
        if wants_page(request) and error.status_code in KINDS:
            return page(request, ProblemView(error.status_code, KINDS[error.status_code]), error.status_code)
        return JSONResponse(members, error.status_code, error.headers, media_type=JSON)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return response(
            request, FormatError(f"the request's {place}", expected=first["msg"], got=str(first["input"])[:80])
        )

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        logger.error("unforeseen error", path=request.url.path, exc_info=error)
        return response(request, FengtuError("something went wrong here; the operator's log says what"))
