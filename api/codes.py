"""A resident's code as ten digits to read out: the phone hands the code in, the merchant fetches it by the digits.

    POST /codes              FT1.…                     201 {"digits": "4071935528", "until_s": 1795000120}
    GET  /codes/4071935528   signed by the merchant    200 {"code": "FT1.…"}

A code is some 150 bytes, too long to be read out at a till; the digits stand for it while it lives, five minutes at
most. The last digit shows a slip of the tongue. They pay nobody by themselves: the code is still bound to its ceiling,
its nonce and, where it says so, its merchant, and only a merchant of the programme gets to see it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.bodies import content_type, read_body
from api.door import HEADERS, open_visit
from api.private import PresentFacts
from api.services import Node, Services
from contracts.rewards.book import holder_of
from contracts.rewards.charge import CODE_LIFE_S
from contracts.rewards.code import check_code, decode_code
from contracts.rewards.keys import holder_key, programme_key
from ledger.errors import FormatError, NotFoundError, ProofError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(tags=["coins"])

CODE_SIZE_MAX = 1_000
DIGITS = 10


@router.post("/codes", status_code=201)
async def hand_in(request: Request, node: Node) -> JSONResponse:
    """Keep a code for its short life, and return the digits that stand for it. The body is the code as a QR has it."""
    content_type(request, {"text/plain"})
    text = (await read_body(request, CODE_SIZE_MAX)).decode("ascii", errors="replace").strip()
    return JSONResponse(await run_in_threadpool(_keep, node, text), 201, dict(HEADERS))


@router.get("/codes/{digits}")
def fetch(request: Request, node: Node, digits: str) -> JSONResponse:
    """Return the code that digits stand for, to a merchant of its programme."""
    merchant = open_visit(request, node).actor
    if len(digits) != DIGITS or not digits.isdigit() or _check_digit(digits[:-1]) != digits[-1]:
        raise FormatError("the digits", expected=f"{DIGITS} digits as they were read out", got=digits[:20])
    kept = node.log.store.pending(_name(digits))
    members = {} if kept is None else decode_code(kept.decode("ascii"))
    if kept is None or not _may_see(node, members, merchant):
        raise NotFoundError("a code with these digits", expected="one that is not over", got=digits)
    return JSONResponse({"code": kept.decode("ascii")}, headers=dict(HEADERS))


def _keep(node: Services, text: str) -> dict[str, Any]:
    members = decode_code(text)
    key = PresentFacts(node.log.store).get(holder_key(bytes.fromhex(members["code"]["kid"])))
    if key is None or key["actor"] != holder_of(members["account"]) or key["state"] != "active":
        raise ProofError("the code's key", expected="one of the account", got="another, or one that is closed")
    try:
        code = check_code(members, key["public_key"], node.log.origin)
    except SignatureError as error:
        raise ProofError("the code", expected="one that the account's key signed", got=error.message) from error
    now_s = node.log.clock.now_ms() // 1000
    if code.offline or not now_s < code.until_s <= now_s + CODE_LIFE_S:
        raise FormatError("the code", expected=f"one that is over within {CODE_LIFE_S} s", got=code.until_s)
    first = "".join(str(secrets.randbelow(10)) for _ in range(DIGITS - 1))
    digits = first + _check_digit(first)
    node.log.store.keep_pending(_name(digits), text.encode())
    return {"digits": digits, "until_s": code.until_s}


def _may_see(node: Services, members: Mapping[str, Any], merchant: str) -> bool:
    terms = PresentFacts(node.log.store).get(programme_key(members["programme"]))
    bound, over = members["code"].get("merchant"), members["code"]["until_s"] <= node.log.clock.now_ms() // 1000
    return terms is not None and merchant in terms["merchants"] and bound in (None, merchant) and not over


def _name(digits: str) -> bytes:
    return hashlib.sha256(f"fengtu-digits/1\n{digits}\n".encode()).digest()


def _check_digit(digits: str) -> str:
    """Return the digit of Luhn (ISO/IEC 7812-1) that follows some digits."""
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(reversed(digits))]
    return str(-sum(number // 10 + number % 10 for number in doubled) % 10)
