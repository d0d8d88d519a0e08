"""Where one piece of a lot was seen: said by whoever holds it, county only; a day later it is forgotten.

POST /sightings   gtin=04712345678900&lot=L1&serial=S-17&county=TW-TTT   303 back to the piece's page
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.bodies import content_type, read_body
from api.pages.views.parts import Text
from api.pages.views.produce import SerialView
from api.paths import product_path
from api.services import Node, Services
from api.sightings import MIDDLES
from contracts.gs1 import check_lot, decode_gtin
from contracts.keys import lot_key
from contracts.licences.territories import name
from ledger.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(tags=["products"])

FORM = "application/x-www-form-urlencoded"
FORM_SIZE_MAX = 2_048
SERIAL = "serial"
NOTED = "noted"


@router.post("/sightings", status_code=303)
async def sighting(request: Request, node: Node) -> Response:
    """Note where a piece was seen; nothing about who says it is kept."""
    content_type(request, [FORM])
    body = await read_body(request, FORM_SIZE_MAX)
    return await run_in_threadpool(_note, node, _members(body))


def piece_of(request: Request, node: Services, gtin: str) -> SerialView | None:
    """Return what a product's page says of the piece that its address names; None where it names none.

    Raises:
        FormatError: the serial is none.
    """
    serial = request.query_params.get(SERIAL)
    if serial is None:
        return None
    elsewhere = node.sightings.elsewhere(gtin, check_lot(serial), int(time.time()))
    counties = tuple((code, Text(name(code) or {"zh-TW": code})) for code in sorted(MIDDLES))
    return SerialView(serial, elsewhere, NOTED in request.query_params, counties)


def piece_query(serial: str, *, noted: bool = False) -> str:
    """Return the query that names a piece on its lot's page."""
    return urlencode({SERIAL: serial, **({NOTED: "1"} if noted else {})})


def _note(node: Services, members: Mapping[str, str]) -> Response:
    gtin, lot, serial = decode_gtin(members["gtin"]), check_lot(members["lot"]), check_lot(members["serial"])
    with node.serving.view() as view:
        if view.fact(lot_key(gtin, lot)) is None:
            raise NotFoundError("the lot", expected="one that is on this ledger", got=f"{gtin} {lot}")
    node.sightings.note(gtin, serial, members["county"], int(time.time()))
    where = f"{product_path(gtin, lot)}?{piece_query(serial, noted=True)}#piece"
    return Response(status_code=303, headers={"Location": where, "Cache-Control": "no-store"})


def _members(body: bytes) -> dict[str, str]:
    try:
        found = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=8, encoding="utf-8", errors="strict")
    except ValueError as error:
        raise FormatError("the form", expected=FORM, got=repr(body[:80])) from error
    wanted = ("gtin", "lot", "serial", "county")
    if set(found) != set(wanted) or any(len(values) != 1 for values in found.values()):
        raise FormatError("the form", expected=", ".join(wanted), got=", ".join(found)[:80])
    return {one: values[0] for one, values in found.items()}
