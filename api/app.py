"""The web app of a node: routes, errors, headers. Made from parts that exist already; nothing connects here.

app = create_app(services)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles

from api import (
    actors,
    agreements,
    capture,
    codes,
    coins,
    demo,
    digital_link,
    drafts,
    entries,
    health,
    hidden,
    images,
    kinds,
    licences,
    log,
    problems,
    products,
    programmes,
    reference,
    royalties,
    serials,
    works,
)
from api.intake import Intake
from api.metrics import Metrics, MetricsMiddleware
from api.pages.render import STATIC_FOLDER
from api.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from fastapi import APIRouter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.services import Services

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    reference.router,
    log.router,
    entries.router,
    kinds.router,
    hidden.router,
    images.router,
    serials.router,
    products.router,
    agreements.router,
    coins.router,
    codes.router,
    programmes.router,
    works.router,
    drafts.router,
    licences.router,
    royalties.router,
    digital_link.router,
    capture.router,
    actors.router,
    demo.router,
)
"""All routes of a node, in the order in which they are tried."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of each answer that does not set its own: proofs are for anyone, and nothing in them is run or framed."""


class HeadersMiddleware:
    """Adds the headers that an answer does not have (pure ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, completed)


def create_app(
    services: Services, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """Return the app of a node.

    Args:
        services: the node's parts.
        lifespan: starts what runs beside the requests, and ends it.
    """
    app = FastAPI(
        title="Fengtu",
        version=VERSION,
        summary="One verifiable ledger for a place",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.metrics = Metrics(services)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    # The last one added is the outermost.
    app.add_middleware(MetricsMiddleware, metrics=app.state.metrics)
    app.add_middleware(HeadersMiddleware)
    app.add_middleware(Intake, desk=services.desk, metrics=app.state.metrics, headers=HEADERS)
    return app
