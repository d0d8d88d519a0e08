"""Another node, by HTTP: bounded answers, and its errors as ours.

    with Remote("https://ledger.example") as remote:
        remote.get("/log/checkpoint")

A published folder (`node.publish`) on any web server is read the same way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import httpx

from api.problems import CBOR, JSON, REFUSAL
from api.signed import sign_request
from ledger import cbor
from ledger.errors import (
    ConflictError,
    FengtuError,
    FormatError,
    NotFoundError,
    ProofError,
    RefusedError,
    RetryError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.signature import SigningKey

ANSWER_SIZE_MAX = 64 * 2**20
PROBLEM_SIZE_MAX = 2**20
TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0


class Answer:
    """What came back.

    Attributes:
        status: the HTTP status, below 400.
        kind: the content type without parameters.
        body: its bytes.
    """

    __slots__ = ("body", "kind", "status")

    def __init__(self, status: int, kind: str, body: bytes) -> None:
        self.status = status
        self.kind = kind
        self.body = body


class Remote:
    """One other node.

    Args:
        url: its address, without a slash at the end.
    """

    def __init__(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise FormatError("the URL", expected="http://… or https://…", got=url[:80])
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S), headers={"User-Agent": "fengtu"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, size_max: int = ANSWER_SIZE_MAX) -> bytes:
        """Return what stands under a path.

        Args:
            path: begins with a slash.
            size_max: bound in bytes.

        Raises:
            FengtuError: what the node answered instead, as the error it was there.
        """
        return self.ask("GET", path, size_max=size_max).body

    def read(self, key: SigningKey, path: str, size_max: int = ANSWER_SIZE_MAX) -> bytes:
        """Return what stands under a path for one whom it concerns: the request is signed by a key.

        Raises:
            FengtuError: what the node answered instead, as the error it was there.
        """
        return self.ask("GET", path, headers=sign_request(key, "GET", self.url + path), size_max=size_max).body

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        size_max: int = ANSWER_SIZE_MAX,
    ) -> Answer:
        """Return the answer to a request.

        Raises:
            FengtuError: what the node answered instead, as the error it was there.
        """
        parts: list[bytes] = []
        size = 0
        try:
            with self._client.stream(method, self.url + path, content=body, headers=headers) as response:
                bound = size_max if response.status_code < 400 else PROBLEM_SIZE_MAX
                for part in response.iter_bytes():
                    size += len(part)
                    if size > bound:
                        raise FormatError(f"the answer of {self.url}{path}", expected=f"at most {bound} bytes")
                    parts.append(part)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"{self.url} cannot be reached", got=str(error) or type(error).__name__) from error
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        data = b"".join(parts)
        if response.status_code >= 400:
            raise _error(response.status_code, kind, data, f"{self.url}{path}")
        return Answer(response.status_code, kind, data)


def _error(status: int, kind: str, data: bytes, where: str) -> FengtuError:
    """Return the error that a node's problem document tells of."""
    members = _members(kind, data)
    refusal = members.get("refusal")
    if isinstance(refusal, dict):
        members = {**refusal, "detail": refusal.get("message")}
    message = str(members.get("detail") or f"{where} answered {status}")[:500]
    more = {name: members.get(name) for name in ("expected", "got")}
    if isinstance(members.get("rule"), str):
        refused = RefusedError(members["rule"], message, **more, data=members.get("data"))
        refused.signed = members.get("signed") if isinstance(members.get("signed"), bytes) else None
        return refused
    kinds: dict[int, type[FengtuError]] = {
        400: FormatError,
        403: ProofError,
        404: NotFoundError,
        409: ConflictError,
        413: FormatError,
        415: FormatError,
        429: RetryError,
        503: UnavailableError,
    }
    return kinds.get(status, FengtuError)(message, **more)


def _members(kind: str, data: bytes) -> dict[str, Any]:
    try:
        if kind == JSON:
            members = json.loads(data)
            return members if isinstance(members, dict) else {}
        if kind == CBOR:
            concise = cbor.decode(data)
            if isinstance(concise, dict):
                return {"detail": concise.get(-2), "refusal": concise.get(REFUSAL)}
    except (ValueError, RecursionError, FormatError):
        pass
    return {}
