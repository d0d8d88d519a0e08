"""What operators read: counts and times of requests by route, and where the log stands (Prometheus text format).

    fengtu_requests_total{method="POST",route="/entries",status="201"} 17.0
    fengtu_request_seconds_bucket{le="0.05",method="POST",route="/entries"} 16.0
    fengtu_log_size 812.0
    fengtu_seal_age_seconds 0.7
    fengtu_waiting_records 0.0

A route is named by its template and a path that no route takes by `none`, so that nobody who calls makes new series.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from ledger.clock import system_clock
from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.services import Services

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one app.

    Args:
        services: whose log is looked at on each reading.
    """

    def __init__(self, services: Services) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_LogCollector(services))
        self._requests = Counter(
            "fengtu_requests", "answered requests", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "fengtu_request_seconds",
            "time to an answer",
            ("method", "route"),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        # Looking a counter up by its labels costs more than counting.
        self._kept: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        name = (method if method in METHODS else "other", route, status)
        kept = self._kept.get(name)
        if kept is None:
            count, times = self._requests.labels(name[0], route, str(status)), self._seconds.labels(name[0], route)
            kept = self._kept[name] = (count, times)
        kept[0].inc()
        kept[1].observe(seconds)

    def encode(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self._registry)


class MetricsMiddleware:
    """Times each request (pure ASGI).

    Args:
        app: the app behind it.
        metrics: where it counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # An app that answers nothing leaves a cut connection, which the server logs as 500.
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begin = time.perf_counter()
        try:
            await self._app(scope, receive, observed)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.observe(scope["method"], route, status, time.perf_counter() - begin)


class _LogCollector(Collector):
    """Where the log stands, asked when it is read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; those of the database are left out while it cannot be reached."""
        yield GaugeMetricFamily("fengtu_waiting_records", "records that wait here", self._services.log.waiting)
        try:
            head = self._services.log.store.head()
        except FengtuError:
            return
        if head is None:
            return
        age_s = max(0, system_clock() - head.seal_time_ms) / 1000
        yield GaugeMetricFamily("fengtu_log_size", "entries of the tree", head.size)
        yield GaugeMetricFamily("fengtu_private_records_unsealed", "private records since the seal", head.private_count)
        yield GaugeMetricFamily("fengtu_seal_index", "index of the last seal", head.seal_index)
        yield GaugeMetricFamily("fengtu_seal_age_seconds", "age of the last seal", age_s)
        yield GaugeMetricFamily(
            "fengtu_served_index", "index of the seal that is served", self._services.serving.seal_index
        )
