"""Registering records and reading them back: SCRAPI, with the document beside the statement.

`POST /entries` takes `[record, document]` in CBOR, `POST /entries/batch` an array of such pairs; a third element may
hold disclosures of the document's hidden fields, `[[text, whether the public may read it], …]`. Answers are CBOR:

    {"id": "17", "index": 17, "time_ms": 1795420800000, "repeated": false}
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.bodies import content_type, read_body
from api.desk import Pair
from api.private import names_private, open_private, private_bundle
from api.problems import concise, status_of
from api.services import Node, Services
from ledger import cbor
from ledger.bundle import CONTENT_TYPE
from ledger.document import DOCUMENT_SIZE_MAX
from ledger.errors import FengtuError, FormatError, NotFoundError
from ledger.genesis import encode_key
from ledger.log import Answer
from ledger.receipt import attach_receipt
from ledger.record import STATEMENT_SIZE_MAX, decode_record
from ledger.signature import thumbprint
from ledger.tlogproof import encode_tlog_proof

router = APIRouter(tags=["SCRAPI"])

ENTRY_SIZE_MAX = STATEMENT_SIZE_MAX + 2 * DOCUMENT_SIZE_MAX
BATCH_SIZE_MAX = 16 * 2**20
BATCH_RECORDS_MAX = 4_000
DISCLOSURES_MAX = 64
COSE = "application/cose"
NO_STORE = {"Cache-Control": "no-store"}
CBOR = "application/cbor"


def _binary(what: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {what: {"schema": {"type": "string", "format": "binary"}}}}}


@router.post("/entries", status_code=201, openapi_extra=_binary(CBOR))
async def register(request: Request, node: Node) -> Response:
    """Register one record; the answer comes once it is durable, with `Prefer: wait` as its receipt."""
    kind = content_type(request, {CBOR, COSE})
    body = await read_body(request, ENTRY_SIZE_MAX)
    if kind == COSE:
        pair: Pair = (body, await run_in_threadpool(_pending_document, node, body), [])
    else:
        pair = open_pair(cbor.decode(body))
    answer = (await node.desk.submit([pair]))[0]
    if isinstance(answer, FengtuError):
        raise answer
    headers = {"Location": f"/entries/{answer.id}"}
    if _waits(request) and answer.n is None:
        receipt = (await run_in_threadpool(_wait_receipts, node, [answer.size])).get(answer.size)
        if receipt is not None:
            return Response(receipt, 201, headers, media_type=COSE)
    return Response(encode_answer(answer), 201, headers, media_type=CBOR)


@router.post("/entries/batch", openapi_extra=_binary(CBOR))
async def register_batch(request: Request, node: Node) -> Response:
    """Register many records; each gets its answer or its refusal, in order, and one refused holds back no other."""
    content_type(request, {CBOR})
    items = cbor.decode(await read_body(request, BATCH_SIZE_MAX))
    if not isinstance(items, list) or not 0 < len(items) <= BATCH_RECORDS_MAX:
        raise FormatError("the batch", expected=f"an array of 1 to {BATCH_RECORDS_MAX} pairs")
    answers = await node.desk.submit([open_pair(item) for item in items])
    receipts: dict[int, bytes] = {}
    if _waits(request):
        indexes = [one.size for one in answers if isinstance(one, Answer) and one.n is None]
        receipts = await run_in_threadpool(_wait_receipts, node, indexes)
    rows = [
        {"status": int(status_of(one)), "problem": concise(one)}
        if isinstance(one, FengtuError)
        else {**_answer(one), **({"receipt": receipts[one.size]} if one.size in receipts and one.n is None else {})}
        for one in answers
    ]
    return Response(cbor.encode(rows), media_type=CBOR)


@router.put("/documents/{sha256}", status_code=204)
async def put_document(request: Request, node: Node, sha256: str) -> Response:
    """Keep a document for an hour, for a record that follows alone (`application/cose`)."""
    body = await read_body(request, DOCUMENT_SIZE_MAX)
    if hashlib.sha256(body).hexdigest() != sha256:
        raise FormatError("the document", expected=sha256[:64], got=hashlib.sha256(body).hexdigest())
    await run_in_threadpool(node.log.store.keep_pending, hashlib.sha256(body).digest(), body)
    return Response(status_code=204)


@router.get("/entries/{entry_id}")
def receipt(request: Request, node: Node, entry_id: str) -> Response:
    """Return the receipt of a public record, the proof file of a private one; 302 to itself until it is sealed."""
    if names_private(entry_id):
        position, _, _ = open_private(request, node, entry_id)
        data = private_bundle(node, position)
        if data is None:
            return Response(status_code=302, headers={"Location": f"/entries/{entry_id}", "Retry-After": "1"})
        return Response(data, headers=NO_STORE, media_type=CONTENT_TYPE)
    index = entry_index(node, entry_id)
    found = node.serving.receipts([index]).get(index)
    if found is None:
        return Response(status_code=302, headers={"Location": f"/entries/{index}", "Retry-After": "1"})
    return Response(found, media_type=COSE)


@router.get("/entries/{entry_id}/statement")
def transparent_statement(node: Node, entry_id: str) -> Response:
    """Return the record with its receipt attached; without one until it is sealed."""
    index = entry_index(node, entry_id)
    statement = node.log.store.entry(index).statement
    found = node.serving.receipts([index]).get(index)
    return Response(statement if found is None else attach_receipt(statement, found), media_type=COSE)


@router.get("/entries/{entry_id}/record")
def record(request: Request, node: Node, entry_id: str) -> Response:
    """Return the record's exact bytes: a public leaf, or a private record to those whom it concerns."""
    if names_private(entry_id):
        return Response(open_private(request, node, entry_id)[1].statement, headers=NO_STORE, media_type=COSE)
    return Response(node.log.store.entry(entry_index(node, entry_id)).statement, media_type=COSE)


@router.get("/entries/{entry_id}/document")
def document(request: Request, node: Node, entry_id: str) -> Response:
    """Return a record's document, byte for byte; a private one's to those whom it concerns."""
    if names_private(entry_id):
        own = open_private(request, node, entry_id)[2].data
        return Response(own, headers=NO_STORE, media_type="application/json")
    hash_ = node.log.store.entry(entry_index(node, entry_id)).document_hash
    data = node.log.store.documents([hash_]).get(hash_)
    if data is None:
        raise NotFoundError("document", got=hash_.hex())
    return Response(data, media_type="application/json")


@router.get("/entries/{entry_id}/proof")
def tlog_proof(node: Node, entry_id: str) -> Response:
    """Return the C2SP tlog-proof of an entry under the newest checkpoint."""
    index = entry_index(node, entry_id)
    with node.serving.view() as view:
        data = encode_tlog_proof(index, view.inclusion(index), view.checkpoint)
    return Response(data, media_type="text/plain; charset=utf-8")


@router.get("/.well-known/scitt-keys")
def scitt_keys(node: Node) -> Response:
    """Return the COSE key that signs receipts, as a key set."""
    return Response(cbor.encode([_cose_key(node.log.keys.receipt.public_key)]), media_type=CBOR)


@router.get("/.well-known/scitt-keys/{kid}")
def scitt_key(node: Node, kid: str) -> Response:
    """Return one COSE key by its thumbprint (base64url or hex)."""
    key = node.log.keys.receipt.public_key
    if kid not in {thumbprint(key).hex(), encode_key(thumbprint(key))}:
        raise NotFoundError("key", got=kid[:80])
    return Response(cbor.encode(_cose_key(key)), media_type=CBOR)


def open_pair(item: object) -> Pair:
    """Return what a submission holds.

    Raises:
        FormatError: it is none.
    """
    if not isinstance(item, list) or len(item) not in {2, 3} or not all(isinstance(one, bytes) for one in item[:2]):
        raise FormatError("the submission", expected="[record bytes, document bytes] with disclosures or none behind")
    disclosures = item[2] if len(item) == 3 else []
    if not isinstance(disclosures, list) or len(disclosures) > DISCLOSURES_MAX:
        raise FormatError("the disclosures", expected=f"at most {DISCLOSURES_MAX} of [text, public]")
    for one in disclosures:
        if not (isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], bool)):
            raise FormatError("a disclosure", expected="[text, whether the public may read it]")
    return item[0], item[1], [(text, public) for text, public in disclosures]


def encode_answer(answer: Answer) -> bytes:
    """Return what a submit is answered."""
    return cbor.encode(_answer(answer))


def _answer(answer: Answer) -> dict[str, Any]:
    place = {"index": answer.size} if answer.n is None else {}
    return {"id": answer.id, **place, "time_ms": answer.time_ms, "repeated": answer.repeated}


def _waits(request: Request) -> bool:
    return any(
        part.split(";")[0].split("=")[0].strip().lower() == "wait"
        for part in request.headers.get("prefer", "").split(",")
    )


def _wait_receipts(node: Services, indexes: list[int]) -> dict[int, bytes]:
    if not indexes:
        return {}
    node.serving.wait_for(max(indexes), node.wait_s)
    return node.serving.receipts(indexes)


def _pending_document(node: Services, statement: bytes) -> bytes:
    hash_ = decode_record(statement).document_hash
    data = node.log.store.pending(hash_)
    if data is None:
        raise NotFoundError("document", expected=f"PUT /documents/{hash_.hex()} first")
    return data


def entry_index(node: Services, entry_id: str) -> int:
    """Return the index that a path names.

    Raises:
        NotFoundError: it is none of an entry.
    """
    if not re.fullmatch(r"0|[1-9][0-9]{0,17}", entry_id):
        raise NotFoundError("entry", expected="an index", got=entry_id[:40])
    index = int(entry_id)
    head = node.log.store.head()
    if head is None or index >= head.size:
        raise NotFoundError("entry", expected="an index below the tree's size", got=index)
    return index


def _cose_key(key: bytes) -> dict[int, Any]:
    return {1: 1, 2: thumbprint(key), 3: -8, -1: 6, -2: key}
