"""The demo's stories, on a node that the demo filled: who did what, and for each question its page and proof file.

GET /demo                       the stories
GET /demo.json                  the same as data
GET /demo/bundles/{name}        a proof file that a party fetched by signed read
GET /demo/open/{name}           its page, through a door: the demo's people are made up and lend their keys
"""

from __future__ import annotations

import json
import time
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page
from api.door import AGE_MAX_S, HEADERS, sign_door
from api.pages.views.parts import Text
from api.pages.views.site import DemoActView, DemoAnswerView, DemoStoryView, DemoView
from api.services import Node, Services
from ledger.bundle import CONTENT_TYPE
from ledger.errors import NotFoundError

router = APIRouter(tags=["demo"])


@router.get("/demo.json")
def demo_json(node: Node) -> JSONResponse:
    """Return the stories with each question's page and bundle."""
    return JSONResponse(_told(node))


@router.get("/demo", include_in_schema=False)
def demo(request: Request, node: Node) -> Response:
    """Show the stories."""
    return page(request, DemoView(tuple(_story(one) for one in _told(node)["stories"])))


@router.get("/demo/bundles/{name}", include_in_schema=False)
def demo_bundle(node: Node, name: str) -> Response:
    """Return a proof file that one of the demo's people fetched."""
    folder, answer = _kept(node, name)
    return Response((folder / answer["kept"]).read_bytes(), headers=dict(HEADERS), media_type=CONTENT_TYPE)


@router.get("/demo/open/{name}", include_in_schema=False)
def demo_open(node: Node, name: str) -> Response:
    """Lead to a private page by an address that its reader's key signs."""
    _, answer = _kept(node, name)
    if node.lent is None or "key" not in answer:
        raise NotFoundError("a key that is lent", expected="one of the demo's people", got=name[:80])
    address = sign_door(node.lent(answer["key"]), f"{node.base_url}{answer['page']}", int(time.time()) + AGE_MAX_S)
    return Response(status_code=303, headers={**HEADERS, "Location": address.removeprefix(node.base_url)})


def _story(told: dict[str, Any]) -> DemoStoryView:
    names = {one["actor"]: one["name"] for one in told["people"]}
    acts = tuple(
        DemoActView(Text(names.get(one["who"]) or {"zh-TW": one["who"]}), Text(one["did"])) for one in told["told"]
    )
    answers = tuple(
        DemoAnswerView(
            one["question"],
            one["title"],
            one["page"] if "key" not in one else one["bundle"].replace("/bundles/", "/open/"),
            one["bundle"],
            private="key" in one,
        )
        for one in told["answers"]
    )
    return DemoStoryView(told["story"], Text(told["titles"]), acts, answers)


def _kept(node: Services, name: str) -> Any:
    """Return the demo's folder, and the answer whose proof file is kept under a name there.

    Raises:
        NotFoundError: there is none.
    """
    kept = f"bundles/{name}"
    answers = [one for story in _told(node)["stories"] for one in story["answers"] if one["kept"] == kept]
    if not answers:
        raise NotFoundError("a proof file of the demo", got=name[:80])
    return node.demo, answers[0]


def _told(node: Services) -> Any:
    path = None if node.demo is None else node.demo / "demo.json"
    if path is None or not path.is_file():
        raise NotFoundError("the demo", expected="a node that `fengtu demo` filled", got="none here")
    return json.loads(path.read_bytes())
