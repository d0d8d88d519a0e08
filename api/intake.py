"""`POST /entries` of one record in CBOR, without the framework around it: the request that comes most often.

Routing, dependencies and middleware cost several times what a record costs the log. So the plain case — the pair in
CBOR, the answer once it is durable — is read from the server and answered to it; each other request, and each header
that asks for more, goes the ordinary way to `api.entries`, whose answers are the same to the byte.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from api.entries import CBOR, ENTRY_SIZE_MAX, encode_answer, open_pair
from api.problems import CBOR as PROBLEM
from api.problems import TooLargeError, concise, retry_headers, status_of
from ledger import cbor
from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.desk import Desk
    from api.metrics import Metrics
    from ledger.log import Answer

PATH = "/entries"
_PLAIN = CBOR.encode()
_ASKS_FOR_MORE = frozenset({b"prefer", b"expect", b"content-encoding", b"transfer-encoding"})

logger = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]


class Intake:
    """Answers plain submissions of one record; everything else is the app's.

    Args:
        app: the app behind it.
        desk: where submissions come together.
        metrics: where answered requests are counted.
        headers: what each answer carries.
    """

    def __init__(self, app: ASGIApp, desk: Desk, metrics: Metrics, headers: Mapping[str, str]) -> None:
        self._app = app
        self._desk = desk
        self._metrics = metrics
        self._headers: Headers = _encoded(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH or not _is_plain(scope):
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        answer = await self._submit(receive)
        if answer is None:
            return  # the client went away
        if isinstance(answer, FengtuError):
            status, data = int(status_of(answer)), cbor.encode(concise(answer))
            more = {"Content-Type": PROBLEM, **retry_headers(answer)}
        else:
            status, data = 201, encode_answer(answer)
            more = {"Content-Type": CBOR, "Location": f"/entries/{answer.id}"}
        sent = [*self._headers, *_encoded({**more, "Content-Length": str(len(data))})]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": data})
        self._metrics.observe("POST", PATH, status, time.perf_counter() - begin)

    async def _submit(self, receive: Receive) -> Answer | FengtuError | None:
        try:
            body = await _body(receive)
            return None if body is None else (await self._desk.submit([open_pair(cbor.decode(body))]))[0]
        except FengtuError as error:
            return error
        except Exception:
            logger.exception("unforeseen error", path=PATH)
            return FengtuError("something went wrong here; the operator's log says what")


def _encoded(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _is_plain(scope: Scope) -> bool:
    if scope["method"] != "POST" or scope["query_string"]:
        return False
    plain = sized = False
    for name, value in scope["headers"]:
        if name in _ASKS_FOR_MORE:
            return False
        if name == b"content-type":
            plain = value == _PLAIN
        elif name == b"content-length":
            sized = value.isdigit()
    return plain and sized


async def _body(receive: Receive) -> bytes | None:
    """Return the body, None where the client went away.

    Raises:
        TooLargeError: it is too large; what came so far is dropped.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > ENTRY_SIZE_MAX:
            raise TooLargeError("the body", expected=f"at most {ENTRY_SIZE_MAX} bytes", got="more")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
