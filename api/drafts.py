"""The terms of a licence from a form: an ODRL agreement to keep, to look at, and to sign on both sides.

GET /works/W-1/terms?name=L-7&assignee=taitung.tea&territory=TW-TTT&field=packaging&first=2026-03-01&percent=5

Nothing is written. What the form leaves open is `any`, so that it is said; who grants are the work's owners.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.licences import JSON_LD
from api.services import Node
from api.works import asked_scope, names_of, work_state
from contracts.calendar import day_of
from contracts.licences.profile import decode, encode
from contracts.licences.royalties import NET_SALES, Royalty
from contracts.licences.terms import Terms
from contracts.licences.vocabulary import ANY
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.pages.views.parts import Text

router = APIRouter(tags=["licences"])

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_ACTOR = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_PERCENT = re.compile(r"(100(\.0)?|[1-9]?[0-9](\.[0-9])?)")
_COUNT = re.compile(r"[1-9][0-9]{0,11}")
PERIOD_MONTHS = 3
REPORT_DAYS = 30


@router.get("/works/{work}/terms")
def terms(request: Request, node: Node, work: str) -> Response:
    """Return the terms that a form describes, as the ODRL 2.2 agreement that `fengtu licence offer` takes."""
    query = request.query_params
    with node.serving.view() as view:
        state, today = work_state(view, work), day_of(view.time_ms)
        names = names_of(view, state["owners"])
    policy = encode(_terms(query, state, today, names))
    decode(policy)
    name = f'attachment; filename="{quote(query["name"])}.terms.json"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return JSONResponse(policy, headers=headers, media_type=JSON_LD)


def _terms(query: Mapping[str, str], state: Mapping[str, Any], today: str, names: Mapping[str, Text]) -> Terms:
    name = _said(query, "name", _NAME, "a name of letters, digits, dots and dashes, such as L-7")
    assignee = _said(query, "assignee", _ACTOR, "an actor, such as taitung.tea")
    percent = _said(query, "percent", _PERCENT, "a percentage such as 5 or 7.5", default="0")
    count = _said(query, "quantity", _COUNT, "a whole number", default="")
    permille = int(percent.replace(".", "")) if "." in percent else int(percent) * 10
    owners = "、".join(names[who].pick("zh-TW")[0] for who in state["owners"])
    return Terms(
        licence=name,
        work=state["work"],
        parent=None,
        assigners=tuple(state["owners"]),
        assignee=assignee,
        scope=asked_scope(query, today),
        media=(ANY,),
        actions=("distribute", "reproduce"),
        exclusive=query.get("exclusive") == "1",
        quantity=int(count) if count else None,
        # The source of a people's creation is always named; a creator's is by habit.
        attribution=(("zh-TW", f"{owners}《{state['title']['zh-TW']}》"[:200]),),
        royalty=_royalty(permille) if permille else None,
    )


def _royalty(permille: int) -> Royalty:
    return Royalty("TWD", NET_SALES, ((0, permille),), 0, 0, 1000, PERIOD_MONTHS, REPORT_DAYS, "half-up")


def _said(
    query: Mapping[str, str], name: str, form: re.Pattern[str], wanted: str, *, default: str | None = None
) -> str:
    text = query.get(name, "").strip()
    if not text and default is not None:
        return default
    if form.fullmatch(text) is None:
        raise FormatError(f"the {name}", expected=wanted, got=repr(text[:40]))
    return text
