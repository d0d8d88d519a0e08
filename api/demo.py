"""The demo's stories, on a node that the demo filled: who did what, and for each question its page and proof file."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page
from api.pages.views.site import DemoAnswerView, DemoStoryView, DemoView
from api.services import Node, Services
from ledger.errors import NotFoundError

router = APIRouter(tags=["demo"])


@router.get("/demo.json")
def demo_json(node: Node) -> JSONResponse:
    """Return the stories with each question's page and bundle."""
    return JSONResponse(_stories(node))


@router.get("/demo", include_in_schema=False)
def demo(request: Request, node: Node) -> Response:
    """Show the stories."""
    stories = tuple(
        DemoStoryView(
            story["story"],
            story["title"],
            tuple(DemoAnswerView(one["title"], one["page"], one["bundle"]) for one in story["answers"]),
        )
        for story in _stories(node)["stories"]
    )
    return page(request, DemoView(stories))


def _stories(node: Services) -> Any:
    path = None if node.demo is None else node.demo / "demo.json"
    if path is None or not path.is_file():
        raise NotFoundError("the demo", expected="a node that `fengtu demo` filled", got="none here")
    return json.loads(path.read_bytes())
