"""Agreements for those whom they concern: list, page, facts, proof file, what is due. Acts are records, handed in so.

A reader is whoever signs the request or whose door the address carries; others are told the same of an agreement that
concerns others and of one that there is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api import calendar as calendars
from api.browser import page, reader_of, wants_page
from api.bundles import answer_bundle, read_answer
from api.calendar import Task, encode_calendar
from api.door import HEADERS, Visit, open_visit
from api.pages import pdf
from api.pages.pdf import make_pdf
from api.pages.render import render, task_words
from api.pages.views.agreements import AgreementsView, AgreementView, ListedView
from api.pages.views.parts import Text
from api.problems import ForbiddenError
from api.services import Node, Services
from contracts.agreements.case import STAGES
from contracts.agreements.closing import computed
from contracts.agreements.dues import due
from contracts.agreements.keys import agreement_key, terms_key
from contracts.agreements.kinds import market_of
from contracts.keys import actor_key
from ledger import cbor
from ledger.bundle import CONTENT_TYPE
from ledger.document import INTEGER_MAX
from ledger.errors import FormatError
from verifiers.settlement import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.docket import Listed
    from api.pages.i18n import Language
    from ledger.serving import View

router = APIRouter(tags=["agreements"])

PAGE_ROWS = 50
CALENDAR_MAX = 1_000
"""Open agreements in one calendar."""
WORDS_MAX = 200
_ID = re.compile(r"[0-9a-f]{32}")


@router.get("/agreements")
def agreements(request: Request, node: Node, words: str = "", stage: str = "", first: int = 1) -> Response:
    """Return the agreements that concern the reader, the one acted on last first; `words` and `stage` choose."""
    visit = open_visit(request, node)
    if stage and stage not in STAGES:
        raise FormatError("the stage", expected=", ".join(STAGES), got=stage[:40])
    if not 1 <= first <= 10**9:
        raise FormatError("the first row", expected="1 or more", got=first)
    found = node.docket.list(visit.actor, words=words[:WORDS_MAX], stage=stage)
    rows = found[first - 1 : first - 1 + PAGE_ROWS]
    if not wants_page(request):
        body = {"count": len(found), "first": first, "agreements": [_row(one) for one in rows]}
        return JSONResponse(body, headers=dict(HEADERS))
    with node.serving.view() as view:
        names = _names(view, {who for one in rows for who in (one.purchaser, *one.growers)} | {visit.actor})
    listed = tuple(
        ListedView(
            visit.link(f"/agreements/{one.agreement}"), one.crop, one.season, names[one.purchaser],
            tuple(names[grower] for grower in one.growers), one.stage, disputed=one.disputed,
        )
        for one in rows
    )  # fmt: skip
    content = AgreementsView(
        names[visit.actor], listed, len(found), first, words[:WORDS_MAX], stage, visit.door,
        newer_url=_page_url(visit, words, stage, first - PAGE_ROWS) if first > 1 else "",
        older_url=_page_url(visit, words, stage, first + PAGE_ROWS) if first - 1 + PAGE_ROWS < len(found) else "",
    )  # fmt: skip
    return _private(page(request, content))


@router.get("/agreements/calendar.ics")
def calendar(request: Request, node: Node) -> Response:
    """Return what is due under the reader's open agreements as a calendar; a door to `/agreements` subscribes to it."""
    visit = open_visit(request, node)
    listed = [one.agreement for one in node.docket.list(visit.actor) if one.stage != "closed"][:CALENDAR_MAX]
    keys = [key for one in listed for key in (agreement_key(one), terms_key(one))]
    with node.serving.view() as view:
        found = {key: cbor.decode(data) for key, data in view.store.latest(keys).items() if data is not None}
        now_ms = max(view.time_ms, node.log.clock.now_ms())
        reading = _Reading(visit, view, reader_of(request).language, node.base_url, now_ms)
        tasks: list[Task] = []
        for one in listed:
            state, terms = found.get(agreement_key(one)), found.get(terms_key(one))
            if state is not None and terms is not None:
                tasks += _tasks(reading, state, terms)
    data = encode_calendar(f"{node.log.origin} {visit.actor}", tasks, datetime.now(UTC), node.log.origin)
    return Response(data, headers=dict(HEADERS), media_type=calendars.CONTENT_TYPE)


@router.get("/agreements/{agreement}")
def agreement_page(request: Request, node: Node, agreement: str) -> Response:
    """Return an agreement's page; the facts to those who ask for JSON."""
    visit = _open(request, node, agreement)
    if not wants_page(request):
        return _facts(node, agreement)
    return _private(page(request, _view(node, visit, agreement)))


@router.get("/agreements/{agreement}/pdf")
def agreement_pdf(request: Request, node: Node, agreement: str) -> Response:
    """Return an agreement's page for paper, with a code that leads to where its proof is."""
    visit = _open(request, node, agreement)
    content, url = _view(node, visit, agreement), f"{node.base_url}/agreements/{agreement}"
    printed = make_pdf(render(content, reader_of(request)), url)
    name = f'attachment; filename="agreement-{agreement[:8]}.pdf"'
    return Response(printed, headers={**HEADERS, "Content-Disposition": name}, media_type=pdf.CONTENT_TYPE)


def _view(node: Services, visit: Visit, agreement: str) -> AgreementView:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(agreement))
        facts = answer.facts(view.time_ms)
        path = f"/agreements/{agreement}"
        return AgreementView(
            agreement=agreement,
            status=answer.status(view.time_ms),
            facts=facts,
            names={actor: _text(actor, one["name"]) for actor, one in facts["actors"].items()},
            stages=STAGES,
            list_url=visit.link("/agreements"),
            bundle_url=visit.link(f"{path}/bundle"),
            data_url=visit.link(f"{path}/data"),
            command=f"fengtu verify agreement-{agreement[:8]}.json --policy policy.json",
            origin=node.log.origin,
            seal_time=datetime.fromtimestamp(view.time_ms / 1000, UTC),
            pdf_url=visit.link(f"{path}/pdf"),
        )


@router.get("/agreements/{agreement}/data")
def agreement_data(request: Request, node: Node, agreement: str) -> Response:
    """Return what is on record of an agreement, as its verdict says it."""
    _open(request, node, agreement)
    return _facts(node, agreement)


@router.get("/agreements/{agreement}/due")
def agreement_due(request: Request, node: Node, agreement: str) -> Response:
    """Return what is due under an agreement now, the soonest first."""
    _open(request, node, agreement)
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(agreement))
        now_ms = max(view.time_ms, node.log.clock.now_ms())
        found = [
            {"what": one.what, "who": one.who, "by_ms": one.by_ms, "from_ms": one.from_ms, "about": one.about,
             "to": one.to, "amount": one.amount, "late": one.late(now_ms)}
            for one in due(answer.state, answer.known_terms, now_ms)
        ]  # fmt: skip
    return JSONResponse({"agreement": agreement, "time_ms": now_ms, "due": found}, headers=dict(HEADERS))


@router.get("/agreements/{agreement}/settlement")
def agreement_settlement(
    request: Request,
    node: Node,
    agreement: str,
    *,
    delivery: Annotated[list[str] | None, Query()] = None,
    settlement: str = "",
    final: bool = False,
    proceeds: Annotated[int, Query(ge=0, le=INTEGER_MAX)] = 0,
    costs: Annotated[int, Query(ge=0, le=INTEGER_MAX)] = 0,
) -> Response:
    """Return the settlement of deliveries as the rule computes it: the body of the record that the purchaser signs."""
    _open(request, node, agreement)
    with node.serving.view() as view:
        answer, source = read_answer(view, Answer, _question(agreement))
        chosen = [one for one in answer.state["deliveries"] if one["delivery"] in (delivery or [])]
        found = computed(
            answer.state, answer.known_terms, chosen, market=market_of(source.fact),
            time_ms=max(view.time_ms, node.log.clock.now_ms()), final=final, proceeds=proceeds, costs=costs,
        )  # fmt: skip
    pool = {"proceeds": proceeds, "costs": costs} if answer.known_terms["price"]["form"] == "pool" else {}
    body = {
        "agreement": agreement,
        "settlement": settlement,
        "deliveries": [one["delivery"] for one in chosen],
        "final": final,
        "lines": [line.said() for line in found.lines],
        "sums": [{"grower": grower, "amount": amount} for grower, amount in found.sums.items()],
        **pool,
    }
    return JSONResponse(body, headers=dict(HEADERS))


@router.get("/agreements/{agreement}/bundle")
def agreement_bundle(request: Request, node: Node, agreement: str) -> Response:
    """Return the proof file of an agreement, its hidden fields with it."""
    _open(request, node, agreement)
    with node.serving.view() as view:
        data = answer_bundle(view, node.vault, _question(agreement))
    name = f'attachment; filename="agreement-{agreement[:8]}.json"'
    return Response(data, headers={**HEADERS, "Content-Disposition": name}, media_type=CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Who reads what is due: by which door, in which language, when."""

    visit: Visit
    view: View
    language: Language
    base_url: str
    now_ms: int


def _tasks(reader: _Reading, state: dict[str, Any], terms: dict[str, Any]) -> list[Task]:
    """Return what is due under an agreement, in the reader's words."""
    agreement = state["agreement"]
    rows = [one for one in due(state, terms, reader.now_ms) if one.by_ms is not None]
    names = _names(reader.view, {who for one in rows for who in (one.who, one.to) if who})
    words = task_words(reader.language, rows, names, terms["currency"])
    page_url = f"{reader.base_url}{reader.visit.link(f'/agreements/{agreement}')}"
    return [
        Task(
            f"{agreement} {one.what} {one.who} {one.about} {one.to}", f"{terms['crop']}: {said}", one.by_ms or 0,
            page_url,
        )
        for one, said in zip(rows, words, strict=True)
    ]  # fmt: skip


def _open(request: Request, node: Services, agreement: str) -> Visit:
    """Return who reads, once it is somebody whom the agreement concerns.

    Raises:
        UnsignedError: the request is not signed, and the address has no door.
        ForbiddenError: it concerns others, or there is none; which of the two is not said.
    """
    visit = open_visit(request, node)
    if _ID.fullmatch(agreement) is None or not node.docket.may_read(visit.actor, agreement):
        raise ForbiddenError(
            "this agreement concerns others, or there is none", expected="a reader of the agreement", got=visit.actor
        )
    return visit


def _question(agreement: str) -> dict[str, str]:
    return {"kind": "settlement", "agreement": agreement}


def _facts(node: Services, agreement: str) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(agreement))
        facts = answer.facts(view.time_ms)
        body = {"agreement": agreement, "status": answer.status(view.time_ms), "facts": facts, "seal": view.seal_index}
    return JSONResponse(body, headers=dict(HEADERS))


def _names(view: View, actors: Iterable[str]) -> dict[str, Text]:
    found: dict[str, Text] = {}
    for actor in actors:
        state = view.fact(actor_key(actor))
        found[actor] = _text(actor, None if state is None else state["name"])
    return found


def _text(actor: str, name: dict[str, str] | None) -> Text:
    """Return how a page names an actor: people whose names are hidden by their id."""
    return Text(name or {"zh-TW": actor})


def _row(one: Listed) -> dict[str, Any]:
    return {
        "agreement": one.agreement, "purchaser": one.purchaser, "growers": list(one.growers), "crop": one.crop,
        "season": one.season, "stage": one.stage, "disputed": one.disputed,
    }  # fmt: skip


def _page_url(visit: Visit, words: str, stage: str, first: int) -> str:
    pairs = {"words": words, "stage": stage, "first": str(max(1, first)), "door": visit.door}
    return "/agreements?" + urlencode({name: value for name, value in pairs.items() if value})


def _private(answer: Response) -> Response:
    answer.headers.update(HEADERS)
    return answer
