"""EPCIS capture: standard software posts events; whoever signed the request is whose act it is.

An event that comes this way has no record of its own, so the node's operator signs it, "entered for" the one who signed
the request, and the signed request is kept as evidence. The operator may enter for those below it, so any registered
actor may post. Events go in one by one (`GS1-Capture-Error-Behaviour: proceed`): what a rule refuses holds back no
other. A document that is no EPCIS is refused whole, before any of its events goes in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.bodies import content_type, read_body
from api.problems import problem
from api.services import Node, Services
from api.signed import open_request
from contracts.epcis import EPCIS_SIZE_MAX, read_events
from contracts.events import event_name, standalone
from contracts.keys import event_key
from contracts.rulebook import kind_of
from ledger.document import Context, encode_document
from ledger.errors import FengtuError, FormatError, NotFoundError, RetryError, UnavailableError
from ledger.genesis import encode_key
from ledger.record import sign_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.services import Entering
    from api.signed import SignedRequest
    from contracts.epcis import SourceEvent
    from ledger.log import Answer

router = APIRouter(prefix="/epcis", tags=["EPCIS 2.0"])

JSON_TYPES = {"application/json", "application/ld+json"}
HEADERS = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-Extensions": "fengtu=https://ns.fengtu.tw/",
    "GS1-EPCIS-Capture-Limit": "1000",
    "GS1-EPCIS-Capture-File-Size-Limit": str(EPCIS_SIZE_MAX),
    "GS1-Capture-Error-Behaviour": "proceed",
}
EVENTS_MAX = 1_000
EVENT_ID_SIZE_MAX = 2048
ANSWER_S_MAX = 60

Submission = tuple[bytes, bytes, bytes | None]
"""Statement, document, evidence."""


@router.post("/capture", status_code=202)
async def capture(request: Request, node: Node) -> Response:
    """Take in the events of an EPCIS document; 202 with the job, which has an error for each event that was refused."""
    content_type(request, JSON_TYPES)
    behaviour = request.headers.get("gs1-capture-error-behaviour", "proceed")
    if behaviour != "proceed":
        raise FormatError(
            "GS1-Capture-Error-Behaviour", expected="proceed: an append-only log takes nothing back", got=behaviour[:80]
        )
    body = await read_body(request, EPCIS_SIZE_MAX)
    job = await run_in_threadpool(_capture, request, node, body)
    headers = {**HEADERS, "Location": f"/epcis/capture/{job['captureID']}"}
    return JSONResponse(job, 202, headers)


@router.get("/capture/{capture_id}")
def job(node: Node, capture_id: str) -> Response:
    """Return what became of a capture."""
    data = node.log.store.capture(capture_id)
    if data is None:
        raise NotFoundError("capture", got=capture_id[:80])
    return Response(data, headers=HEADERS, media_type="application/json")


@router.get("/events/{event_id:path}")
def event(node: Node, event_id: str) -> Response:
    """Return an event by its id, as it was supplied."""
    if len(event_id) > EVENT_ID_SIZE_MAX:
        raise NotFoundError("event", expected=f"an id of at most {EVENT_ID_SIZE_MAX} characters", got=event_id[:80])
    with node.serving.view() as view:
        state = view.fact(event_key(event_id))
        if state is None:
            raise NotFoundError("event", expected="an eventID on this ledger", got=event_id[:80])
        hash_ = view.entry(state["record"]).document_hash
    body = json.loads(node.log.store.documents([hash_])[hash_])["body"]
    return JSONResponse(body, headers=HEADERS, media_type="application/ld+json")


def _capture(request: Request, node: Services, body: bytes) -> dict[str, Any]:
    signed = open_request(request, node, body)
    events = read_events(body)
    if len(events) > EVENTS_MAX:
        raise FormatError("the capture", expected=f"at most {EVENTS_MAX} events", got=len(events))
    entering = node.entering
    if entering is None:
        raise UnavailableError("this node cannot enter for others", expected="the operator's key, opened", got="none")
    drafts: list[Submission | FengtuError] = []
    for number, one in enumerate(events):
        try:
            drafts.append(_draft(node, entering, signed, number, standalone(one)))
        except FengtuError as error:
            # It cannot be written down: an amount that no lot counts, too many lots, too large. The others still go in.
            drafts.append(error)
    outcomes = _hand_in(node, drafts)
    for outcome in outcomes:
        if isinstance(outcome, RetryError):
            # No job yet: the same request sent again finds its first events there and brings the rest in.
            raise outcome
    return _job(node, signed, list(zip([_name(one) for one in events], outcomes, strict=True)))


def _draft(
    node: Services, entering: Entering, signed: SignedRequest, number: int, content: dict[str, Any]
) -> Submission:
    name = f"{signed.evidence_hash.hex()}/{number}"
    document = encode_document(
        id=f"capture/{name}",
        nonce=_nonce(node, name),
        body=content,
        context=Context(None if signed.actor == entering.actor else signed.actor, signed.evidence_hash),
    )
    statement = sign_record(
        entering.key,
        kind="event",
        issuer=entering.actor,
        subject=kind_of("event").subject(content),
        audience=node.log.origin,
        issued_at_s=node.log.store.now_ms() // 1000,
        document=document,
    )
    return statement, document, signed.evidence


def _name(one: SourceEvent) -> str:
    try:
        return event_name(one)
    except FormatError:
        return str(one.event.get("eventID", "an event without eventID or hash"))


def _nonce(node: Services, name: str) -> str:
    # The same request sent again gives the same documents, and so the first answers.
    return encode_key(node.log.keys.replay.identifier("capture-nonce", name))[:21] + "A"


def _hand_in(node: Services, drafts: Sequence[Submission | FengtuError]) -> list[Answer | FengtuError]:
    prepared = iter(node.log.prepare_many([one for one in drafts if not isinstance(one, FengtuError)]))
    checked = [one if isinstance(one, FengtuError) else next(prepared) for one in drafts]
    future = node.log.enqueue([one for one in checked if not isinstance(one, FengtuError)])
    try:
        answers = iter(future.result(ANSWER_S_MAX))
    except TimeoutError as error:
        raise UnavailableError("the log did not answer in time", expected="the same request again") from error
    return [one if isinstance(one, FengtuError) else next(answers) for one in checked]


def _job(node: Services, signed: SignedRequest, outcomes: list[tuple[str, Answer | FengtuError]]) -> dict[str, Any]:
    errors = [{"event": name, **problem(one)} for name, one in outcomes if isinstance(one, FengtuError)]
    capture_id = signed.evidence_hash.hex()
    result = {
        "captureID": capture_id,
        "createdBy": signed.actor,
        "finished": True,
        "success": not errors,
        "captureErrorBehaviour": "proceed",
        "entries": [one.id for _, one in outcomes if not isinstance(one, FengtuError)],
        "errors": errors,
    }
    node.log.store.keep_capture(capture_id, json.dumps(result, ensure_ascii=False).encode())
    return result
