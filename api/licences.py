"""Licences over HTTP: page, certificate, ODRL, proof file, and whether a new one would conflict before anyone signs.

GET  /licences/L-1                  the page; application/json: the facts; application/ld+json: the ODRL agreement
GET  /licences/L-1/certificate      one page to show; /licences/L-1/pdf the same on paper, with its code
GET  /licences/L-1/bundle?day=2026-06-01&known=2026-05-01
POST /licences/check                an ODRL agreement; what it would conflict with, and nothing is written

Licences are public. A certificate keeps its address after a revocation, and then says so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.bodies import content_type, read_body
from api.browser import page, reader_of, wants_page
from api.bundles import answer_bundle, read_answer
from api.pages import pdf, qr
from api.pages.pdf import make_pdf
from api.pages.render import render
from api.pages.views.licences import CertificateView, LicenceView
from api.pages.views.parts import QrView, Text
from api.paths import product_path
from api.services import Node, Services
from api.works import Facts, image_url
from contracts.licences import profile
from contracts.licences.conflicts import foresee
from contracts.licences.forms import decode_scope
from ledger.bundle import CONTENT_TYPE
from ledger.document import decode_json
from ledger.errors import FormatError
from verifiers.licence import Answer

if TYPE_CHECKING:
    from typing import Any

router = APIRouter(tags=["licences"])

JSON_LD = "application/ld+json"
POLICY_SIZE_MAX = 64 * 1024
GOODS_SHOWN = 50
FRESH = {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Language, Cookie"}


@router.post("/licences/check")
async def check(request: Request, node: Node) -> Response:
    """Say what a licence would conflict with if it were signed now: the dry run of an ODRL agreement."""
    content_type(request, {JSON_LD, "application/json"})
    body = await read_body(request, POLICY_SIZE_MAX)
    return await run_in_threadpool(_check, node, body)


@router.get("/licences/{licence}", responses={200: {"content": {JSON_LD: {}, "text/html": {}}}})
def licence_page(request: Request, node: Node, licence: str) -> Response:
    """Return a licence: its page, its facts, or the ODRL agreement, as the request's Accept asks."""
    if JSON_LD in request.headers.get("accept", ""):
        return _odrl(node, licence)
    if not wants_page(request):
        return _facts(request, node, licence)
    return page(request, _view(LicenceView, request, node, licence))


@router.get("/licences/{licence}/odrl")
def licence_odrl(node: Node, licence: str) -> Response:
    """Return the licence's terms as the ODRL 2.2 agreement that its parties signed."""
    return _odrl(node, licence)


@router.get("/licences/{licence}/data")
def licence_data(request: Request, node: Node, licence: str) -> Response:
    """Return what is proved of a licence; `day` and `known` ask about other days than the seal's."""
    return _facts(request, node, licence)


@router.get("/licences/{licence}/certificate")
def certificate(request: Request, node: Node, licence: str) -> Response:
    """Return the certificate of a licence, as of now."""
    return page(request, _view(CertificateView, request, node, licence))


@router.get("/licences/{licence}/pdf")
def certificate_pdf(request: Request, node: Node, licence: str) -> Response:
    """Return the certificate for paper; its code leads to where the licence's present state is."""
    view = _view(CertificateView, request, node, licence)
    digest = view.facts["work"]["image"]
    pictures = {f"/images/{digest}": node.gallery.read(digest)} if view.image_url else {}
    printed = make_pdf(render(view, reader_of(request)), view.address, pictures)
    name = f'attachment; filename="licence-{licence}.pdf"'
    return Response(printed, headers={**FRESH, "Content-Disposition": name}, media_type=pdf.CONTENT_TYPE)


@router.get("/licences/{licence}/bundle")
def licence_bundle(request: Request, node: Node, licence: str) -> Response:
    """Return the proof file of a licence; `day` and `known` ask about other days than the seal's."""
    with node.serving.view() as view:
        data = answer_bundle(view, node.vault, _question(request, licence))
    name = f'attachment; filename="{_file_name(licence)}"'
    return Response(data, headers={**FRESH, "Content-Disposition": name}, media_type=CONTENT_TYPE)


@router.get("/licences/{licence}/qr.svg")
def licence_qr(node: Node, licence: str) -> Response:
    """Return the code that leads to the licence's page."""
    with node.serving.view() as view:
        read_answer(view, Answer, {"kind": "licence", "licence": licence})
    return Response(qr.draw_svg(_address(node, licence)), media_type="image/svg+xml")


def _check(node: Services, body: bytes) -> Response:
    policy = decode_json(body, size_max=POLICY_SIZE_MAX)
    if not isinstance(policy, dict):
        raise FormatError("the agreement", expected="a JSON object", got=type(policy).__name__)
    terms = profile.decode(policy)
    decode_scope(terms.scope.as_data())
    with node.serving.view() as view:
        found = foresee(Facts(view), terms)
        answer = {
            "terms": terms.as_data(),
            "words": terms.scope.words(),
            "free": not found,
            "conflicts": [{**one.as_data(), "words": one.words()} for one in found],
            "seal": view.seal_index,
        }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _odrl(node: Services, licence: str) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, {"kind": "licence", "licence": licence})
        policy = answer.lineage.policy(licence)
    return JSONResponse(policy, headers=dict(FRESH), media_type=JSON_LD)


def _facts(request: Request, node: Services, licence: str) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(request, licence))
        body = {
            "licence": licence, "status": answer.status(view.time_ms), "facts": answer.facts(view.time_ms),
            "seal": view.seal_index,
        }  # fmt: skip
    return JSONResponse(body, headers=dict(FRESH))


def _view(kind: type[LicenceView], request: Request, node: Services, licence: str) -> Any:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(request, licence))
        facts, status = answer.facts(view.time_ms), answer.status(view.time_ms)
        time_ms = view.time_ms
    goods = tuple((gtin, lot, product_path(gtin, lot)) for gtin, lot in node.register.goods(licence)[:GOODS_SHOWN])
    path = f"/licences/{quote(licence)}"
    return kind(
        licence=licence,
        status=status,
        facts=facts,
        names={actor: Text(one["name"] or {"zh-TW": actor}) for actor, one in facts["actors"].items()},
        image_url=image_url(node, facts["work"]["image"]),
        goods=goods,
        address=_address(node, licence),
        path=path,
        qr=QrView(_address(node, licence), f"{path}/qr.svg", ""),
        command=f"fengtu verify {_file_name(licence)} --policy policy.json",
        origin=node.log.origin,
        seal_time=datetime.fromtimestamp(time_ms / 1000, UTC),
    )


def _question(request: Request, licence: str) -> dict[str, str]:
    days = {name: request.query_params[name] for name in ("day", "known") if name in request.query_params}
    return {"kind": "licence", "licence": licence, **days}


def _address(node: Services, licence: str) -> str:
    return f"{node.base_url}/licences/{quote(licence)}"


def _file_name(licence: str) -> str:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in licence)
    return f"licence-{plain}.bundle.json"
