"""What a supervisor asks: does the process live, may it be sent requests, how does it fare."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.problems import ForbiddenError
from api.services import Node
from ledger.clock import system_clock
from ledger.errors import UnavailableError

if TYPE_CHECKING:
    from api.metrics import Metrics

router = APIRouter(tags=["operation"])

SEAL_AGE_MAX_MS = 180_000
"""Seals come on the minute; one that is three minutes old says that nothing seals here."""


FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""What a proxy adds: who asks through one is not on this machine, whatever its address says."""


@router.get("/healthz", response_class=PlainTextResponse)
def healthz() -> str:
    """Say that the process answers."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse)
def readyz(node: Node) -> str:
    """Say that the database answers, a seal is served, and seals keep coming; 503 where not."""
    head = node.log.store.head()
    if head is None or node.serving.seal_index < 0:
        raise UnavailableError("the ledger is being opened")
    age_ms = system_clock() - head.seal_time_ms
    if age_ms > SEAL_AGE_MAX_MS:
        raise UnavailableError(
            "no seal comes", expected=f"one in {SEAL_AGE_MAX_MS} ms", got=f"the last {age_ms} ms ago"
        )
    return "ok\n"


@router.get("/metrics")
def metrics(request: Request, node: Node) -> Response:
    """Return counters and gauges for Prometheus, to the operator alone."""
    _expect_operator(request, node.metrics_token)
    counters = cast("Metrics", request.app.state.metrics)
    return Response(counters.encode(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _expect_operator(request: Request, token: str) -> None:
    """Refuse all but the operator: how many records come tells of private ones, which no seal does.

    Raises:
        ForbiddenError: another token than the node's; where it has none, a request from another machine.
    """
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise ForbiddenError("the metrics", expected="Authorization: Bearer with the node's metrics_token")
        return
    host = "" if request.client is None else request.client.host
    if not _is_loopback(host) or any(name in request.headers for name in FORWARDED):
        raise ForbiddenError("the metrics", expected="a request from this machine, or a metrics_token", got=host)


def _is_loopback(host: str) -> bool:
    """Say whether an address is of this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
