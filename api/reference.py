"""The interfaces as a page: what `/openapi.json` says, readable without a script and without another server.

GET /api/docs
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:1.05em}h2{margin-top:2.5rem}dt{margin-top:1rem}dd{margin-left:1.5rem;white-space:pre-line}"
)
_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/api/docs")
def reference(request: Request) -> HTMLResponse:
    """Return the page."""
    schema = request.app.openapi()
    info = schema["info"]
    groups: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            group = (operation.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_operation(method, path, operation))
    title, summary = escape(info["title"]), escape(info.get("summary", ""))
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title} {escape(info['version'])}</h1>"
        f"<p>{summary}. The same for machines: <a href=/openapi.json>OpenAPI</a>.</p>"
    )
    for name, operations in groups.items():
        page += f"<h2>{escape(name)}</h2><dl>{''.join(operations)}</dl>"
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    bodies = cast("dict[str, Any]", operation.get("requestBody", {}).get("content", {}))
    takes = f" <small>takes {escape(', '.join(bodies))}</small>" if bodies else ""
    text = escape(operation.get("description") or operation.get("summary", ""))
    return f"<dt><code>{method.upper()} {escape(path)}</code>{takes}</dt><dd>{text}</dd>"
