"""Making records at the command line and handing them in.

A document may be given in full, then its bytes are signed as they are, or as a bare body, then id and nonce are made:

    {"id": "7b0c…", "nonce": "mT0q…", "body": {"gtin": "04712345678904"}}         in full
    {"gtin": "04712345678904"}                                                    a bare body

Texts of hidden fields are kept in a file beside the record, each with whether the public may read it:

    [["WyJfc2FsdF8iLCJtZW1vIiwi…", false]]
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.signed import sign_request
from contracts.rulebook import check_form, kind_of
from ledger import cbor
from ledger.bundle import decode_bundle
from ledger.disclosure import make_disclosure, open_disclosure
from ledger.document import Document, decode_document, decode_json, encode_document
from ledger.errors import FormatError, ProofError
from ledger.merkle import leaf_hash
from ledger.receipt import attach_receipt, check_receipt, split_transparent
from ledger.record import decode_record, sign_record
from verifiers.record import verify as verify_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.signature import SigningKey
    from node.remote import Remote

CBOR = "application/cbor"
COSE = "application/cose"
WAIT_S = 30.0
PRIVATE_WAIT_S = 90.0
POLL_S = 0.25

Disclosures = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A document that is ready to be signed, and the texts of its hidden fields.

    Attributes:
        document: the document; its bytes are what the record commits to.
        made: whether it was made from a bare body, so that its bytes have to be kept.
        disclosures: texts, each with whether the public may read it.
    """

    document: Document
    made: bool
    disclosures: Disclosures


@dataclass(frozen=True, slots=True)
class Registered:
    """What a node answered.

    Attributes:
        id: the record's name at the log: `17`, or `17.3` for a private one.
        proof: what its owner keeps, checked: of a public record the record with its receipt, of a private one its proof
            file; None where no seal came in time, and for a private record without the key to read it.
        private: whether it is a private record.
        repeated: whether this is the first answer given again.
    """

    id: str
    proof: bytes | None
    private: bool
    repeated: bool


def draft(data: bytes, hidden: Mapping[str, Any], *, client_id: str | None = None) -> Drafted:
    """Return the document in a file, made out of a bare body where it is one.

    Args:
        data: the file.
        hidden: values of hidden fields by name, for a bare body.
        client_id: the id of a document that is made; a fresh one where none is given.

    Raises:
        FormatError: no document and no JSON object, or hidden fields for a document whose bytes are fixed.
    """
    value = decode_json(data)
    if not isinstance(value, dict):
        raise FormatError("the document", expected="a JSON object", got=type(value).__name__)
    if {"id", "nonce", "body"} <= set(value):
        if hidden or client_id is not None:
            raise FormatError(
                "the document", expected="a bare body, to add an id or hidden fields to", got="one in full"
            )
        return Drafted(decode_document(data), made=False, disclosures=[])
    disclosures = [make_disclosure(name, one) for name, one in hidden.items()]
    made = encode_document(
        id=client_id or secrets.token_hex(16),
        body=value,
        hidden={one.name: one.digest for one in disclosures},
    )
    return Drafted(decode_document(made), made=True, disclosures=[(one.text, False) for one in disclosures])


def sign_document(
    key: SigningKey,
    document: Document,
    *,
    kind: str,
    actor: str,
    origin: str,
    now_s: int,
    expires_in_s: int | None = None,
) -> bytes:
    """Return the signed record of a document; what its kind yields as subject goes into the header.

    Args:
        key: the actor's key.
        document: what the record commits to.
        kind: what the document is.
        actor: who signs.
        origin: the log that it is for.
        now_s: the time of signing, Unix seconds.
        expires_in_s: for how long it may be let in, in seconds.

    Raises:
        RefusedError: there is no such kind, or the document is not of its form; the log would say the same.
    """
    try:
        subject = kind_of(kind).subject(document.body)
    except (LookupError, TypeError, AttributeError, ValueError):
        # The body is not of its schema; `check_form` says how.
        subject = kind
    statement = sign_record(
        key,
        kind=kind,
        issuer=actor,
        subject=subject,
        audience=origin,
        issued_at_s=now_s,
        document=document.data,
        expires_at_s=None if expires_in_s is None else now_s + expires_in_s,
    )
    check_form(decode_record(statement), document)
    return statement


def encode_disclosures(disclosures: Disclosures) -> bytes:
    """Return the file of disclosures."""
    return json.dumps([list(one) for one in disclosures], indent=1).encode() + b"\n"


def decode_disclosures(data: bytes) -> Disclosures:
    """Return the disclosures in a file.

    Raises:
        FormatError: it is not such a file.
    """
    value = decode_json(data, size_max=2**22)
    wanted = "a list of [text, whether the public may read it]"
    if not isinstance(value, list):
        raise FormatError("the disclosures", expected=wanted, got=type(value).__name__)
    for one in value:
        if not (isinstance(one, list) and len(one) == 2 and isinstance(one[0], str) and isinstance(one[1], bool)):
            raise FormatError("the disclosures", expected=wanted, got=repr(one)[:80])
        open_disclosure(one[0])
    return [(text, public) for text, public in value]


def submission(statement: bytes, document: bytes, disclosures: Sequence[tuple[str, bool]] = ()) -> list[Any]:
    """Return one submission as a node takes it, checked as far as that goes without the log.

    Raises:
        FormatError: no record, no document.
        ProofError: the record commits to another document, or the document to none of the disclosures.
    """
    record, opened = decode_record(statement), decode_document(document)
    if record.document_hash != opened.hash:
        raise ProofError("the record's document", expected=record.document_hash.hex(), got=opened.hash.hex())
    for text, _ in disclosures:
        disclosure = open_disclosure(text)
        if opened.hidden.get(disclosure.name) != disclosure.digest:
            raise ProofError(
                f"the disclosure {disclosure.name}", expected=opened.hidden.get(disclosure.name), got=disclosure.digest
            )
    pair: list[Any] = [statement, document]
    return [*pair, [list(one) for one in disclosures]] if disclosures else pair


def register(
    remote: Remote, item: list[Any], *, key: SigningKey | None = None, wait_s: float | None = None
) -> Registered:
    """Hand in a submission and wait for its receipt or proof file, which is checked.

    It is checked against the keys that the node shows. That keeps an honest node's answer from being damaged; whom to
    trust is for `fengtu verify` and a policy.

    Args:
        remote: the node.
        item: what `submission` gives.
        key: the key that signs for reading a private record.
        wait_s: how long to wait for the seal, in seconds; a private record's comes on the minute.

    Raises:
        RefusedError: a rule does not let it in.
        ConflictError: the id was used before, for something else.
        RetryError: the node cannot take it now.
        ProofError: the receipt does not hold.
    """
    answer = remote.ask("POST", "/entries", body=cbor.encode(item), headers={"Content-Type": CBOR})
    members = cbor.decode(answer.body)
    if not isinstance(members, dict) or not isinstance(members.get("id"), str):
        raise FormatError("the node's answer", expected="a map with an id", got=repr(members)[:80])
    id_, repeated = members["id"], members.get("repeated") is True
    private = "index" not in members
    read = _read_private if private else _read_public
    proof = None
    if key is not None or not private:
        deadline = time.monotonic() + (wait_s if wait_s is not None else PRIVATE_WAIT_S if private else WAIT_S)
        while (proof := read(remote, id_, item[0], key)) is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
    return Registered(id_, proof, private, repeated)


def _read_private(remote: Remote, id_: str, statement: bytes, key: SigningKey | None) -> bytes | None:
    """Return the checked proof file of a private record, None until it is sealed."""
    if key is None:
        return None
    path = f"/entries/{id_}"
    answer = remote.ask("GET", path, headers=sign_request(key, "GET", remote.url + path))
    if answer.status != 200:
        return None
    verdict = verify_record(answer.body, remote.get("/log/policy"), int(time.time()))
    if verdict.kind == "fails":
        raise ProofError("the record's proof", expected=verdict.steps[-1].expected, got=verdict.steps[-1].got)
    if [one.leaf[16:] for one in decode_bundle(answer.body).private] != [statement]:
        raise ProofError("the record's proof", expected="the record that was handed in", got="another")
    return answer.body


def _read_public(remote: Remote, id_: str, statement: bytes, _: SigningKey | None) -> bytes | None:
    """Return the record with its checked receipt, None until it is sealed."""
    receipts = split_transparent(remote.get(f"/entries/{id_}/statement"))[1]
    if not receipts:
        return None
    keys = cbor.decode(remote.get("/.well-known/scitt-keys"))
    if not isinstance(keys, list) or not keys or not isinstance(keys[0], dict):
        raise FormatError("the node's receipt keys", expected="a COSE key set", got=repr(keys)[:80])
    check_receipt(receipts[0], leaf_hash(statement), keys[0].get(-2, b""), decode_record(statement).audience)
    return attach_receipt(statement, receipts[0])
