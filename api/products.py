"""A lot's page, its proof file and its code; a product's lots; the start page that finds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page, wants_page
from api.bundles import answer_bundle, read_answer
from api.demo import is_played
from api.pages import qr, samples
from api.pages.dates import taipei_day
from api.pages.fill import lot_view, product_view
from api.pages.lookup import CodeError, decode_code
from api.pages.views.parts import EntryLink, Field, QrView
from api.pages.views.produce import (
    EntryView,
    LotsView,
    LotView,
    MalformedView,
    ParticularsView,
    ProductView,
    StartView,
    UnknownView,
)
from api.pages.views.site import StatusView
from api.paths import product_path, segments
from api.serials import piece_of
from api.services import Node, Services
from api.version import VERSION
from contracts.gs1 import Item, check_lot, decode_gtin, encode_digital_link
from ledger.bundle import CONTENT_TYPE
from ledger.disclosure import open_disclosure
from ledger.errors import FormatError, NotFoundError
from verifiers.product import Answer

if TYPE_CHECKING:
    from api.pages.views.produce import MalformedReason
    from ledger.serving import View as LedgerView

router = APIRouter(tags=["products"])

PAGE_LOTS = 50
LATE_S = 180


@router.get("/", include_in_schema=False)
def start(request: Request, node: Node, code: str = "") -> Response:
    """Find a product by what is printed on it."""
    if not code:
        lots = _lot_views(node, node.catalogue.recent())
        return page(request, StartView(lots=tuple(lots), stories_url="/demo" if is_played(node) else ""))
    try:
        found = decode_code(code)
    except CodeError as error:
        return page(request, MalformedView(code[:200], error.reason), 400)
    names = (
        [(found.gtin, found.lot)] if found.gtin else [(gtin, found.trace) for gtin in node.catalogue.gtins(found.trace)]
    )
    if len(names) == 1 and names[0][1]:
        return Response(status_code=303, headers={"Location": product_path(*names[0])})
    if found.gtin:
        return Response(status_code=303, headers={"Location": f"/products/{found.gtin}"})
    if not names:
        return page(request, UnknownView(code[:200], node.log.origin), 404)
    return page(request, LotsView(code[:200], tuple(_lot_views(node, names)), len(names)))


@router.get("/status", include_in_schema=False)
def status(request: Request, node: Node) -> Response:
    """Say how the ledger is."""
    with node.serving.view() as view:
        age_s = datetime.now(UTC).timestamp() - view.time_ms / 1000
        found = StatusView(
            node.log.origin,
            "current" if age_s < LATE_S else "late",
            view.size,
            view.root.hex(),
            datetime.fromtimestamp(view.time_ms / 1000, UTC),
            VERSION,
        )
    return page(request, found)


@router.get("/components", include_in_schema=False)
def components(request: Request) -> Response:
    """Show each part of the pages in each of its states."""
    return page(request, samples.components_view(datetime.now(UTC)))


@router.get("/products/{path:path}")
def product(request: Request, node: Node, path: str) -> Response:
    """Return a product's lots (`/products/{gtin}`), a lot's page (`…/{lot}`), or what stands behind it.

    Behind a lot stand `bundle` (the proof file), `data` (the facts), `qr.svg` and `qr.png`.
    """
    del path  # it is decoded already, and a lot may hold a slash
    parts = segments(request, "/products/")
    try:
        gtin = decode_gtin(parts[0])
        lot = check_lot(parts[1]) if len(parts) > 1 else ""
    except FormatError as error:
        if len(parts) > 2 or not wants_page(request):
            raise
        return page(request, MalformedView(" ".join(parts)[:200], _reason(error, len(parts))), 400)
    if len(parts) == 1:
        return _lots_page(request, node, gtin)
    if len(parts) == 2:
        return _lot_page(request, node, gtin, lot)
    behind = _BEHIND.get("/".join(parts[2:]))
    if behind is None:
        raise NotFoundError("page", expected=", ".join(_BEHIND), got="/".join(parts[2:])[:40])
    return behind(node, gtin, lot)


def _bundle(node: Services, gtin: str, lot: str) -> Response:
    with node.serving.view() as view:
        data = answer_bundle(view, node.vault, _question(gtin, lot))
    disposition = f'attachment; filename="{_file_name(gtin, lot)}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-cache"}
    return Response(data, headers=headers, media_type=CONTENT_TYPE)


def _question(gtin: str, lot: str) -> dict[str, str]:
    return {"kind": "product", "gtin": gtin, "lot": lot, "licences": "shown"}


def _file_name(gtin: str, lot: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in lot)
    return f"{gtin}-{plain}.bundle.json"


def _data(node: Services, gtin: str, lot: str) -> Response:
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, _question(gtin, lot))
        return JSONResponse({"status": answer.status(view.time_ms), "facts": answer.facts(view.time_ms)})


def _qr_svg(node: Services, gtin: str, lot: str) -> Response:
    return Response(qr.draw_svg(_uri(node, gtin, lot)), media_type="image/svg+xml")


def _qr_png(node: Services, gtin: str, lot: str) -> Response:
    return Response(qr.draw_png(_uri(node, gtin, lot)), media_type="image/png")


def _uri(node: Services, gtin: str, lot: str) -> str:
    return encode_digital_link(Item(gtin, lot), node.base_url, upper=True)


_BEHIND = {"bundle": _bundle, "data": _data, "qr.svg": _qr_svg, "qr.png": _qr_png}


def _reason(error: FormatError, depth: int) -> MalformedReason:
    if depth > 1 and error.message.startswith("lot"):
        return "lot"
    return "check-digit" if "check digit" in str(error.expected) else "length"


def _lot_page(request: Request, node: Services, gtin: str, lot: str) -> Response:
    try:
        shown = _product_view(node, gtin, lot, datetime.now(UTC))
        carried = tuple(
            one if node.gallery.has(one.image_url[8:]) else replace(one, image_url="") for one in shown.carried
        )
        return page(request, replace(shown, piece=piece_of(request, node, gtin), carried=carried))
    except NotFoundError:
        if not wants_page(request):
            raise
        known = node.catalogue.lots(gtin)
        return page(request, UnknownView(f"{gtin} {lot}", node.log.origin, f"/products/{gtin}" if known else ""), 404)


def _lots_page(request: Request, node: Services, gtin: str) -> Response:
    lots = node.catalogue.lots(gtin)
    if not lots:
        return page(request, UnknownView(gtin, node.log.origin), 404)
    text = request.query_params.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    first = (max(number, 1) - 1) * PAGE_LOTS
    shown = _lot_views(node, [(gtin, lot) for lot in lots[first : first + PAGE_LOTS]])
    return page(
        request,
        LotsView(
            gtin,
            tuple(shown),
            len(lots),
            first + 1,
            newer_url=f"/products/{gtin}?page={number - 1}" if number > 1 else "",
            older_url=f"/products/{gtin}?page={number + 1}" if first + PAGE_LOTS < len(lots) else "",
        ),
    )


def _lot_views(node: Services, names: list[tuple[str, str]]) -> list[LotView]:
    with node.serving.view() as view:
        # A row says nothing of licences, so they are not looked into.
        asked = [{"kind": "product", "gtin": gtin, "lot": lot} for gtin, lot in names]
        return [lot_view(read_answer(view, Answer, one)[0].facts(view.time_ms)) for one in asked]


def _product_view(node: Services, gtin: str, lot: str, now: datetime) -> ProductView:
    with node.serving.view() as view:
        answer, source = read_answer(view, Answer, _question(gtin, lot))
        disclosures = _disclosures(node, view, answer)
        particulars = _particulars(node.log.origin, view, answer, sorted(source.entries))
        facts = answer.facts(view.time_ms)
    path = product_path(gtin, lot)
    code = QrView(encode_digital_link(Item(gtin, lot), node.base_url, upper=True), f"{path}/qr.svg", f"{path}/qr.png")
    return product_view(facts, disclosures, particulars, code, taipei_day(now))


def _disclosures(node: Services, view: LedgerView, answer: Answer) -> dict[int, dict[str, Field]]:
    public = [one for one in view.store.disclosures(list(answer.records)) if one.public]
    texts = node.vault.open(public)
    fields: dict[int, dict[str, Field]] = {}
    for found in answer.records.values():
        for name, digest in found.document.hidden.items():
            field = Field("erased" if digest in answer.erased else "withheld")
            if digest in texts:
                field = Field("shown", str(open_disclosure(texts[digest]).value))
            fields.setdefault(found.index, {})[name] = field
    return fields


def _particulars(origin: str, view: LedgerView, answer: Answer, indexes: list[int]) -> ParticularsView:
    gtin, lot = answer.lots[0].gtin, answer.lots[0].lot
    records = {found.index: found for found in answer.records.values()}
    entries = tuple(
        EntryView(
            EntryLink(index, f"/entries/{index}/document"),
            records[index].record.kind,
            datetime.fromtimestamp(records[index].time_ms / 1000, UTC),
        )
        for index in indexes
        if index in records
    )
    return ParticularsView(
        origin=origin,
        size=view.size,
        root=view.root.hex(),
        seal_time=datetime.fromtimestamp(view.time_ms / 1000, UTC),
        bundle_url=f"{product_path(gtin, lot)}/bundle",
        command=f"fengtu verify {_file_name(gtin, lot)} --policy policy.json",
        checkpoint=view.checkpoint.decode(),
        checkpoint_url="/log/checkpoint",
        policy_url="/log/policy",
        entries=entries,
    )
