"""Hidden fields of a record: to the public what the public may read, to those whom it concerns the rest.

Whom a hidden field concerns: the actor whose act it is, who entered it, and those above. They ask by a signed request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.entries import entry_index
from api.private import names_private, open_private
from api.problems import ForbiddenError
from api.services import Node, Services
from api.signed import open_request
from contracts.governance import erasure_key
from contracts.keys import actor_key
from contracts.kind import ANCESTORS_MAX
from contracts.rulebook import kind_of
from ledger import cbor
from ledger.disclosure import open_disclosure
from ledger.document import decode_document
from ledger.errors import NotFoundError
from ledger.facts import public_position
from ledger.fold import KINDS_OF_THE_LOG
from ledger.record import decode_record

if TYPE_CHECKING:
    from ledger.document import Document
    from ledger.record import Record

router = APIRouter(tags=["hidden fields"])


@router.get("/entries/{entry_id}/disclosures")
def disclosures(request: Request, node: Node, entry_id: str) -> JSONResponse:
    """Return a record's hidden fields, each shown, erased or withheld; more of them to a signed request."""
    if names_private(entry_id):
        position, _, own = open_private(request, node, entry_id)
        return JSONResponse(_fields(node, position, own, everything=True), headers={"Cache-Control": "no-store"})
    index = entry_index(node, entry_id)
    entry = node.log.store.entry(index)
    data = node.log.store.documents([entry.document_hash]).get(entry.document_hash)
    if data is None or entry.is_seal:
        raise NotFoundError("record", got=index)
    document, record = decode_document(data), decode_record(entry.statement)
    everything = False
    if "signature-input" in request.headers:
        reader = open_request(request, node).actor
        everything = _concerns(node, record, document, reader)
        if not everything:
            raise ForbiddenError(
                "these hidden fields concern others",
                expected="whose act it is, who entered it, or one above",
                got=reader,
            )
    fields = _fields(node, public_position(index), document, everything=everything)
    return JSONResponse(fields, headers={"Cache-Control": "no-store"})


def _fields(node: Services, position: bytes, document: Document, *, everything: bool) -> list[dict[str, Any]]:
    stored = [one for one in node.log.store.disclosures([position]) if everything or one.public]
    texts = node.vault.open(stored)
    erasures = node.log.store.latest([erasure_key(digest) for digest in document.hidden.values()])
    fields: list[dict[str, Any]] = []
    for name, digest in sorted(document.hidden.items()):
        text = texts.get(digest)
        state = "shown" if text is not None else "erased" if erasures[erasure_key(digest)] is not None else "withheld"
        value = None if text is None else open_disclosure(text).value
        fields.append({"name": name, "digest": digest, "state": state, "text": text, "value": value})
    return fields


def _concerns(node: Services, record: Record, document: Document, reader: str) -> bool:
    if reader == record.issuer:
        return True
    if record.kind in KINDS_OF_THE_LOG:
        return False
    actor: str | None = kind_of(record.kind).actor_of(record, document)
    for _ in range(ANCESTORS_MAX + 1):
        if actor is None:
            return False
        if actor == reader:
            return True
        data = node.log.store.latest([actor_key(actor)])[actor_key(actor)]
        actor = None if data is None else cbor.decode(data)["parent"]
    return False
