"""The demo's stories, on a node that the demo filled: who did what, and for each question its page and proof file.

GET /demo                       the stories
GET /demo.json                  the same as data
GET /demo/bundles/{name}        a proof file that a party fetched by signed read
GET /demo/open/{path}           a private page, through a door: the demo's people are made up and lend their keys
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page
from api.door import AGE_MAX_S, HEADERS, sign_door
from api.pages.views.parts import Text
from api.pages.views.site import DemoActView, DemoAnswerView, DemoPageView, DemoStoryView, DemoView
from api.services import Node, Services
from ledger.bundle import CONTENT_TYPE
from ledger.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

router = APIRouter(tags=["demo"])

TOLD = "demo.json"


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
    answer = _find(node, "kept", f"bundles/{name}")
    return Response((_folder(node) / answer["kept"]).read_bytes(), headers=dict(HEADERS), media_type=CONTENT_TYPE)


@router.get("/demo/open/{path:path}", include_in_schema=False)
def demo_open(node: Node, path: str) -> Response:
    """Lead to a private page by an address that its reader's key signs."""
    told = _find(node, "page", f"/{path}")
    if node.lent is None or "key" not in told:
        raise NotFoundError("a key that is lent", expected="one of the demo's people", got=path[:80])
    address = sign_door(node.lent(told["key"]), f"{node.base_url}{told['page']}", int(time.time()) + AGE_MAX_S)
    return Response(status_code=303, headers={**HEADERS, "Location": address.removeprefix(node.base_url)})


def _story(told: dict[str, Any]) -> DemoStoryView:
    names = {one["actor"]: one["name"] for one in told["people"]}
    acts = tuple(
        DemoActView(Text(names.get(one["who"]) or {"zh-TW": one["who"]}), Text(one["did"])) for one in told["told"]
    )
    answers = tuple(
        DemoAnswerView(one["question"], one["title"], _link(one), one["bundle"], private="key" in one)
        for one in told["answers"]
    )
    pages = tuple(DemoPageView(one["title"], _link(one), private="key" in one) for one in told["pages"])
    return DemoStoryView(told["story"], Text(told["titles"]), acts, answers, pages)


def _link(told: dict[str, Any]) -> str:
    return f"/demo/open{told['page']}" if "key" in told else str(told["page"])


def _find(node: Services, member: str, value: str) -> dict[str, Any]:
    """Return the answer or page of which the demo told, by a member of it.

    Raises:
        NotFoundError: there is none.
    """
    for story in _told(node)["stories"]:
        for one in (*story["answers"], *story["pages"]):
            if one.get(member) == value:
                return dict(one)
    raise NotFoundError("a page or proof file of the demo", got=value[:80])


def _told(node: Services) -> Any:
    return json.loads((_folder(node) / TOLD).read_bytes())


def is_played(node: Services) -> bool:
    """Say whether the demo's stories were played at this node."""
    return node.demo is not None and (node.demo / TOLD).is_file()


def _folder(node: Services) -> Path:
    """Return the folder of the demo's answers.

    Raises:
        NotFoundError: the demo was not played at this node.
    """
    if node.demo is None or not is_played(node):
        raise NotFoundError("the demo", expected="a node that `fengtu demo` filled", got="none here")
    return node.demo
