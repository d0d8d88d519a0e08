"""Requests signed by a registered key: what is bound, for how long, by whom, and what is kept of it (RFC 9421)."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from farms import Farms, close_farms, open_farms
from http_message_signatures import HTTPMessageSigner
from webs import client_of

from api import signed
from api.signed import AGE_MAX_S, open_evidence, sign_request
from ledger import cbor
from ledger.document import decode_document
from ledger.errors import FormatError, ProofError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from starlette.testclient import TestClient

URL = "http://127.0.0.1:8000/epcis/capture"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world without a season."""
    farms = open_farms(tmp_path)
    yield farms
    close_farms(farms)


@pytest.fixture
def client(farms: Farms) -> TestClient:
    """The world's web app."""
    return client_of(farms)


def body_of(farms: Farms) -> bytes:
    """Return an event that farm-1 may capture."""
    return json.dumps(farms.event("L7", "harvest", 10)).encode()


def by_hand(
    farms: Farms, body: bytes | None, *, covered: Sequence[str] = signed.TARGET, age_s: int = 0, **more: Any
) -> dict[str, str]:
    """Return headers signed by farm-1's key as another client might choose to."""
    headers = dict(JSON)
    key = farms.keys["farm-1"]
    signer = HTTPMessageSigner(signature_algorithm=signed._Ed25519, key_resolver=signed._Keys(seed=key.seed))
    signer.sign(
        signed._Message("POST", URL, headers),
        key_id=key.kid.hex(),
        created=dt.datetime.fromtimestamp(time.time() - age_s, dt.UTC),
        covered_component_ids=covered,
        body=body,
        **more,
    )
    return headers


def refused(answer: Any) -> dict[str, Any]:
    """Return the problem of an answer that must be a 401."""
    assert answer.status_code == 401, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def test_target_whole_or_in_parts(farms: Farms, client: TestClient) -> None:
    """Clients that cover authority, path and query instead of the target's URI are understood."""
    for covered in (signed.TARGET, signed.TARGET_IN_PARTS, (*signed.TARGET, "content-type")):
        body = body_of(farms)
        answer = client.post("/epcis/capture", content=body, headers=by_hand(farms, body, covered=covered))
        assert (answer.status_code, answer.json()["success"]) == (202, True), covered


@pytest.mark.parametrize("covered", [("@method",), ("@target-uri",), ("@method", "@authority", "@path"), ("@path",)])
def test_what_is_not_bound_to_its_target_is_refused(farms: Farms, client: TestClient, covered: Sequence[str]) -> None:
    """A signature that leaves method or target open could be used for another request."""
    body = body_of(farms)
    problem = refused(client.post("/epcis/capture", content=body, headers=by_hand(farms, body, covered=covered)))
    assert f"@target-uri is {URL}" in problem["expected"]


def test_body_without_its_digest_is_refused(farms: Farms, client: TestClient) -> None:
    """Without a covered SHA-256 of the body anybody on the way could post other events in the actor's name."""
    body = body_of(farms)
    refused(client.post("/epcis/capture", content=body, headers=by_hand(farms, None)))
    loose = {**by_hand(farms, None), "Content-Digest": sign_request(farms.keys["fa"], "POST", URL, body=body)[
        "Content-Digest"]}  # fmt: skip
    refused(client.post("/epcis/capture", content=body, headers=loose))


@pytest.mark.parametrize(
    ("age_s", "good"), [(0, True), (AGE_MAX_S - 30, True), (30 - AGE_MAX_S, True), (AGE_MAX_S + 5, False),
                        (-AGE_MAX_S - 30, False)],
)  # fmt: skip
def test_age(farms: Farms, client: TestClient, age_s: int, good: bool) -> None:  # noqa: FBT001 - a parameter
    """A clock in the field may be some minutes off; an old request, or one for later, is nobody's word of now."""
    body = body_of(farms)
    answer = client.post("/epcis/capture", content=body, headers=by_hand(farms, body, age_s=age_s))
    assert answer.status_code == (202 if good else 401), answer.text
    if not good:
        assert "the clock here says" in answer.json()["got"]


def test_expired_is_refused(farms: Farms, client: TestClient) -> None:
    """A client that limits its signature is held to it."""
    body = body_of(farms)
    past = dt.datetime.fromtimestamp(time.time() - 10, dt.UTC)
    refused(client.post("/epcis/capture", content=body, headers=by_hand(farms, body, age_s=20, expires=past)))


def test_key_that_is_suspended_no_longer_signs(farms: Farms, client: TestClient) -> None:
    """What counts is the newest state of the key, before any seal."""
    kid = farms.keys["farm-1"].kid.hex()
    for status, code in (("suspended", 401), ("active", 202), ("revoked", 401)):
        farms.submit("fa", "key-status", {"actor": "farm-1", "kid": kid, "status": status, "reason": "x"})
        body = body_of(farms)
        answer = client.post("/epcis/capture", content=body, headers=by_hand(farms, body))
        assert answer.status_code == code, (status, answer.text)


def test_header_lines_twice_are_refused(farms: Farms, client: TestClient) -> None:
    """A second signature line could be kept as evidence in place of the one that was verified."""
    body = body_of(farms)
    good = by_hand(farms, body)
    other = sign_request(farms.keys["farm-2"], "POST", URL, body=body)
    for name in ("Signature", "Signature-Input", "Content-Digest"):
        for lines in ([(name, other[name]), *good.items()], [*good.items(), (name, other[name])]):
            refused(client.post("/epcis/capture", content=body, headers=lines))


HOSTILE = [
    "", "x", "a=()", 'a=("@method" "@target-uri");created=1', 'keyid="', 'a=("@signature-params");created=1',
    'a=("@method" "@method")', 'a=("@query-param";name="x")', "a=(" + '"@method" ' * 2_000 + ")", "a=:AAAA:", "a=1;b",
    'a=("@status")', 'a=("x-not-there")', "\xff",
]  # fmt: skip


@pytest.mark.parametrize("header", HOSTILE)
def test_hostile_headers_are_a_401(farms: Farms, client: TestClient, header: str) -> None:
    """Whatever stands in the signature's headers, the answer says what was expected and nothing breaks."""
    body = body_of(farms)
    good = by_hand(farms, body)
    kid = farms.keys["farm-1"].kid.hex()
    for text in (header, f'{header};created={int(time.time())};keyid="{kid}";alg="ed25519"'):
        broken = {**good, "Signature-Input": text}
        answer = client.post(
            "/epcis/capture", content=body, headers=[(k, v.encode("latin-1")) for k, v in broken.items()]
        )
        assert "expected" in refused(answer)
    for text in (header, "pyhms=:AAAA:", f"pyhms=:{'A' * 86}==:", good["Signature"].replace("pyhms", "other")):
        refused(client.post("/epcis/capture", content=body, headers={**good, "Signature": text.encode("latin-1")}))


def test_evidence_proves_what_was_asked(farms: Farms, client: TestClient) -> None:
    """Years later the kept bytes alone show what the actor signed; a changed body does not pass."""
    body = body_of(farms)
    job = client.post("/epcis/capture", content=body, headers=by_hand(farms, body)).json()
    document = decode_document(client.get(f"/entries/{job['entries'][0]}/document").content)
    assert document.context is not None
    kept = farms.store.evidence(document.context.evidence or b"")
    assert kept is not None
    public_key = farms.keys["farm-1"].public_key
    evidence = open_evidence(kept, public_key)
    assert evidence.body == body
    assert f'"@target-uri": {URL}' in evidence.base
    with pytest.raises(SignatureError):
        open_evidence(kept, farms.keys["farm-2"].public_key)
    members = cbor.decode(kept)
    for name, value, error in (
        ("body", body.replace(b"10", b"99"), ProofError),
        ("body", b"", ProofError),
        ("base", members["base"].replace("POST", "PUT"), SignatureError),
        ("signature", "a=1", FormatError),
        ("signature", "a=:AAAA:, b=:AAAA:", FormatError),
        ("signature", "", FormatError),
        ("body", "text", FormatError),
    ):
        with pytest.raises(error):
            open_evidence(cbor.encode({**members, name: value}), public_key)
    for data in (cbor.encode([]), cbor.encode({}), b"\xff"):
        with pytest.raises(FormatError):
            open_evidence(data, public_key)
