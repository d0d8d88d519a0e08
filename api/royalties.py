"""Accounts of royalties, for the two sides and their auditors: private, by signed request or door.

GET  /royalties/9f86…                 what was sold, what is due, what was paid; page or JSON
POST /royalties/9f86…/statement       {"number": 2, "sales": […]}: the statement as the rule works it out

Others are told the same of an account that concerns others and of one that there is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jsonschema_rs
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.bodies import content_type, read_body
from api.browser import page, wants_page
from api.door import HEADERS, Visit, open_visit
from api.pages.views.licences import RoyaltiesView
from api.private import PresentFacts
from api.problems import ForbiddenError
from api.services import Node, Services
from api.signed import open_request
from api.works import names_of
from contracts.kind import check_whole
from contracts.licences.accounts import SALES_MAX, period_of_statement, who_reads, worked_out
from contracts.licences.keys import licence_key, royalties_key
from contracts.licences.royalties import SALE, tally
from ledger.document import decode_document, decode_json
from ledger.errors import FormatError

if TYPE_CHECKING:
    from contracts.licences.royalties import Statement

router = APIRouter(tags=["licences"])

SALES_SIZE_MAX = 256 * 1024
_ID = re.compile(r"[0-9a-f]{32}")
_SALES = jsonschema_rs.Draft202012Validator({"type": "array", "items": SALE, "maxItems": SALES_MAX})


@dataclass(frozen=True, slots=True)
class _Account:
    """An account with its licence, as they are now."""

    state: dict[str, Any]
    licence: dict[str, Any]


@router.get("/royalties/{account}")
def account_page(request: Request, node: Node, account: str) -> Response:
    """Return an account of royalties; the facts to those who ask for JSON."""
    visit = open_visit(request, node)
    found = _open(node, visit.actor, account)
    facts = _facts(node, found)
    if not wants_page(request):
        return JSONResponse(facts, headers=dict(HEADERS))
    answer = page(request, _view(node, visit, found, facts))
    answer.headers.update(HEADERS)
    return answer


@router.post("/royalties/{account}/statement")
async def statement(request: Request, node: Node, account: str) -> Response:
    """Work out a statement from declared sales: the body of the record that the licensee signs."""
    content_type(request, {"application/json"})
    body = await read_body(request, SALES_SIZE_MAX)
    return await run_in_threadpool(_statement, request, node, account, body)


def _statement(request: Request, node: Services, account: str, body: bytes) -> Response:
    found = _open(node, open_request(request, node, body).actor, account)
    content = decode_json(body, size_max=SALES_SIZE_MAX)
    wanted = len(found.state["statements"]) + 1
    if not isinstance(content, dict) or set(content) != {"number", "sales"} or content["number"] != wanted:
        raise FormatError("the statement", expected=f"number {wanted}, and sales", got=str(content)[:80])
    for fault in _SALES.iter_errors(content["sales"]):
        raise FormatError("the sales", expected=fault.message[:200], got="/".join(map(str, fault.instance_path)))
    check_whole(content)
    settled = worked_out(found.licence, found.state, content)
    answer = {"royalties": account, **content, "lines": [one.said() for one in settled.lines], "due": settled.due}
    return JSONResponse({"body": answer, "because": _because(settled)}, headers=dict(HEADERS))


def _because(settled: Statement) -> list[list[Any]]:
    return [[list(step) for step in one.because] for one in settled.lines]


def _open(node: Services, actor: str, account: str) -> _Account:
    """Return an account, to one whom it concerns.

    Raises:
        ForbiddenError: it concerns others, or there is none; which of the two is not said.
    """
    facts = PresentFacts(node.log.store)
    state = facts.get(royalties_key(account)) if _ID.fullmatch(account) else None
    if state is None or actor not in set(who_reads({"royalties": account}, facts)):
        raise ForbiddenError(
            "this account concerns others, or there is none", expected="a reader of the account", got=actor
        )
    licence: dict[str, Any] = facts.get(licence_key(state["licence"])) or {}
    return _Account(state, licence)


def _facts(node: Services, found: _Account) -> dict[str, Any]:
    """Return an account as data: its terms, and each statement worked out again from the sales in its record."""
    state, licence = found.state, found.licence
    return {
        "royalties": state["royalties"],
        "licence": state["licence"],
        "work": licence["work"],
        "licensee": state["licensee"],
        "terms": licence["royalty"],
        "account": state["account"],
        "statements": _statements(node, found),
        "payments": [
            {"payment": name, "number": number, "amount": amount, "received": received}
            for name, number, amount, received in state["payments"]
        ],
        "auditors": [one for one, _ in state["auditors"]],
        "next": _next(found),
    }


def _next(found: _Account) -> dict[str, Any]:
    number = len(found.state["statements"]) + 1
    first, last = period_of_statement(found.licence, number)
    return {"number": number, "first": first, "last": last, "report_days": found.licence["royalty"]["report_days"]}


def _statements(node: Services, found: _Account) -> list[dict[str, Any]]:
    store = node.log.store
    facts = PresentFacts(store)
    acts = [facts.get(royalties_key(found.state["royalties"], n)) for n in range(1, found.state["acts"] + 1)]
    positions = [one["record"] for one in acts if one is not None and one["kind"] == "royalty-statement"]
    records = store.private_at(positions)
    documents = store.documents([one.document_hash for one in records.values()])
    rows: list[dict[str, Any]] = []
    for position, (number, due, paid, received) in zip(positions, found.state["statements"], strict=True):
        body = decode_document(documents[records[position].document_hash]).body
        first, last = period_of_statement(found.licence, number)
        totals = tally(body["sales"])
        rows.append(
            {
                "number": number, "first": first, "last": last, "pieces": totals.pieces, "gross": totals.gross,
                "returned_pieces": totals.returned_pieces, "returned": totals.returned, "lines": body["lines"],
                "due": due, "paid": paid, "received": received,
            }
        )  # fmt: skip
    return rows


def _view(node: Services, visit: Visit, found: _Account, facts: dict[str, Any]) -> RoyaltiesView:
    account = found.state["royalties"]
    with node.serving.view() as view:
        return RoyaltiesView(
            account=account,
            facts=facts,
            names=names_of(view, {found.state["licensee"], *found.licence["grantors"], *facts["auditors"]}),
            licence_url=f"/licences/{quote(found.state['licence'])}",
            data_url=visit.link(f"/royalties/{account}"),
            origin=node.log.origin,
            seal_time=datetime.fromtimestamp(view.time_ms / 1000, UTC),
        )
