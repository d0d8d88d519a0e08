"""The GS1 Digital Link resolver: the URI on a product leads to its page, or tells what there is about it.

GET /01/04712345678900/10/L1                      307 to /products/04712345678900/L1
GET /01/04712345678900/10/L1?linkType=all         the linkset (RFC 9264), also by Accept: application/linkset+json
GET /01/04712345678900/10/L1?linkType=gs1:epcis   307 to that link
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page, wants_page
from api.pages.lookup import CodeError
from api.pages.views.produce import MalformedView, UnknownView
from api.paths import product_path
from api.serials import piece_query
from api.services import Node, Services
from contracts.gs1 import Item, decode_digital_link, encode_digital_link
from contracts.keys import lot_key, product_key
from ledger.errors import FormatError, NotFoundError

router = APIRouter(tags=["GS1 Digital Link"])

GS1 = "https://gs1.org/voc/"
LINKSET = "application/linkset+json"
LANGUAGES = ["zh-TW", "en", "ja"]

LINKS = (
    ("pip", "", "text/html", "Product page"),
    ("traceability", "", "text/html", "History of the lot"),
    ("productPassport", "/data", "application/json", "Facts as data"),
    ("epcis", "/data", "application/json", "Events of the lot"),
    ("certificationInfo", "", "text/html", "Certificates and tests"),
    ("recallStatus", "", "text/html", "Recalled or not"),
    ("locationInfo", "", "text/html", "Where it was grown"),
    ("verificationService", "/bundle", "application/vnd.fengtu.bundle+json", "Proof file"),
)
"""Link types of GS1's vocabulary, what stands behind a lot's page, media type, title. The first is the default."""


@router.get("/01/{path:path}", responses={307: {"description": "to the link"}, 200: {"content": {LINKSET: {}}}})
def resolve(request: Request, node: Node, path: str) -> Response:
    """Resolve a Digital Link: by default to the product's page, by `linkType` or Accept to what was asked for."""
    del path  # the raw path is read: a lot may hold a slash
    item = _item(request)
    if isinstance(item, FormatError):
        if wants_page(request):
            return page(request, MalformedView(request.url.path[:200], "link"), 400)
        raise item
    asked = request.query_params.get("linkType", "")
    known = _known(node, item)
    if asked in {"all", "linkset"} or LINKSET in request.headers.get("accept", ""):
        if not known:
            raise NotFoundError("the product", expected="one that is on this ledger", got=item.gtin)
        return JSONResponse(_linkset(node, item), media_type=LINKSET, headers={"Vary": "Accept"})
    if not known:
        if wants_page(request):
            code = f"{item.gtin} {item.lot or ''}".strip()
            gtin_url = f"/products/{item.gtin}" if node.catalogue.lots(item.gtin) else ""
            return page(request, UnknownView(code, node.log.origin, gtin_url), 404)
        raise NotFoundError("the product", expected="one that is on this ledger", got=item.gtin)
    return Response(status_code=307, headers={"Location": _target(node, item, asked), "Vary": "Accept"})


@router.get("/.well-known/gs1resolver")
def description(node: Node) -> JSONResponse:
    """Describe this resolver, as the GS1-conformant resolver standard asks."""
    return JSONResponse(
        {
            "name": node.log.origin,
            "resolverRoot": node.base_url,
            "supportedPrimaryKeys": ["01"],
            "supportedLinkType": [{"namespace": GS1, "prefix": "gs1:", "profile": f"{GS1}?show=linktypes"}],
            "linkTypeDefaultCanBeLinkset": False,
            "validLinkTypeResponse": "307",
        }
    )


def _item(request: Request) -> Item | FormatError:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    try:
        # The application identifiers of the query are read, and what is wrong in them is refused; the rest is ours.
        uri = f"https://id.gs1.org{raw.split(b'?')[0].decode('ascii')}"
        query = request.url.query
        return decode_digital_link(f"{uri}?{query}" if query else uri)
    except (FormatError, CodeError) as error:
        return error
    except UnicodeDecodeError:
        return FormatError("Digital Link", expected="ASCII, percent-encoded")


def _known(node: Services, item: Item) -> bool:
    with node.serving.view() as view:
        if item.lot is not None:
            return view.fact(lot_key(item.gtin, item.lot)) is not None
        if view.fact(product_key(item.gtin)) is not None:
            return True
    return bool(node.catalogue.lots(item.gtin))


def _path(item: Item) -> str:
    return f"/products/{item.gtin}" if item.lot is None else product_path(item.gtin, item.lot)


def _piece(item: Item, behind: str) -> str:
    """Return the query that names the piece, where a lot's page is what the link leads to."""
    if item.serial is None or item.lot is None or behind:
        return ""
    return f"?{piece_query(item.serial)}"


def _target(node: Services, item: Item, asked: str) -> str:
    name = asked.removeprefix("gs1:").removeprefix(GS1)
    for link, behind, _, _ in LINKS:
        if link == (name or LINKS[0][0]):
            return f"{node.base_url}{_path(item)}{behind if item.lot is not None else ''}{_piece(item, behind)}"
    raise NotFoundError("a link of that type", expected=", ".join(f"gs1:{link}" for link, *_ in LINKS), got=asked[:80])


def _linkset(node: Services, item: Item) -> dict[str, Any]:
    anchor = encode_digital_link(Item(item.gtin, item.lot), node.base_url)
    links: dict[str, Any] = {}
    for link, behind, media_type, title in LINKS:
        if behind and item.lot is None:
            continue
        found: dict[str, Any] = {"href": f"{node.base_url}{_path(item)}{behind}", "title": title, "type": media_type}
        if media_type == "text/html":
            found["hreflang"] = LANGUAGES
        links[f"{GS1}{link}"] = [found]
    links[f"{GS1}defaultLink"] = [{"href": f"{node.base_url}{_path(item)}", "title": LINKS[0][3]}]
    description = f"{item.gtin} {item.lot}" if item.lot is not None else item.gtin
    return {"linkset": [{"anchor": anchor, "itemDescription": description, **links}]}
