"""Private records: read by signed request or through a door, by whom they concern; others learn nothing of them.

`GET /entries/17.3` gives the proof file that its owner keeps instead of a receipt; behind it stand `record`, `document`
and `disclosures`, as for a public record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.bundles import answer_bundle
from api.door import open_visit
from api.problems import ForbiddenError
from contracts.rulebook import readers_of
from ledger import cbor
from ledger.document import decode_document
from ledger.facts import is_private, position_of, record_id
from ledger.record import decode_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import Request

    from api.services import Services
    from ledger.document import Document
    from ledger.store import Store, StoredPrivate


class PresentFacts:
    """The facts as they are now, for what a kind says of its readers."""

    sees_private = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: bytes) -> Any | None:
        """Return the present value of a fact."""
        data = self._store.latest([key])[key]
        return None if data is None else cbor.decode(data)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: each fact is read when it is asked for."""


def names_private(entry_id: str) -> bool:
    """Say whether a path names a private record."""
    return "." in entry_id


def open_private(request: Request, node: Services, entry_id: str) -> tuple[bytes, StoredPrivate, Document]:
    """Return position, record and document of a private record, to one whom it concerns.

    Raises:
        UnsignedError: the request is not signed by an entitled key.
        ForbiddenError: it concerns others, or there is no such record; which of the two is not said.
    """
    reader = open_visit(request, node).actor
    position = position_of(entry_id)
    stored = node.log.store.private_at([position]).get(position) if is_private(position) else None
    data = None if stored is None else node.log.store.documents([stored.document_hash]).get(stored.document_hash)
    if stored is not None and data is not None:
        document = decode_document(data)
        if reader in readers_of(decode_record(stored.statement), document, PresentFacts(node.log.store)):
            return position, stored, document
    raise ForbiddenError(
        "this private record concerns others, or there is none", expected="a reader of the record", got=reader
    )


def private_bundle(node: Services, position: bytes) -> bytes | None:
    """Return the proof file of a private record, with its hidden fields; None until its seal is served."""
    question = {"kind": "record", "record": record_id(position)}
    with node.serving.view() as view:
        if position >= view.position:
            return None
        return answer_bundle(view, node.vault, question)
