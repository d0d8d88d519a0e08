"""Images of works over HTTP: uploaded by signed request, read by anybody under their hash.

POST /images               201 {"image": "3f0c…", "content_type": "image/png", "width": 1200, "height": 800}
GET  /images/3f0c…         the picture, to be cached for good
"""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.bodies import content_type, read_body
from api.gallery import KINDS, UPLOAD_SIZE_MAX
from api.services import Node, Services
from api.signed import open_request
from ledger.errors import NotFoundError

router = APIRouter(tags=["licences"])

_DIGEST = re.compile(r"[0-9a-f]{64}")
FOR_GOOD = "public, max-age=31536000, immutable"


@router.post("/images", status_code=201)
async def upload(request: Request, node: Node) -> Response:
    """Keep a picture for a work: PNG, JPEG or WebP, signed by any registered key (RFC 9421)."""
    content_type(request, KINDS.values())
    body = await read_body(request, UPLOAD_SIZE_MAX)
    return await run_in_threadpool(_keep, request, node, body)


@router.get("/images/{digest}")
def image(node: Node, digest: str) -> Response:
    """Return a picture by its SHA-256."""
    if _DIGEST.fullmatch(digest) is None:
        raise NotFoundError("the picture", expected="64 hex digits", got=digest[:80])
    data, kind = node.gallery.read(digest)
    return Response(data, headers={"Cache-Control": FOR_GOOD, "ETag": f'"{digest}"'}, media_type=kind)


def _keep(request: Request, node: Services, body: bytes) -> Response:
    open_request(request, node, body)
    kept = node.gallery.keep(body)
    answer = {
        "image": kept.digest, "content_type": kept.content_type, "width": kept.width, "height": kept.height,
    }  # fmt: skip
    return JSONResponse(answer, 201, headers={"Location": f"/images/{kept.digest}"})
