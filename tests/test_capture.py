"""EPCIS capture and hidden fields, by requests signed with a registered key (RFC 9421)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from farms import GTIN, OTHER_GTIN, Farms, close_farms, open_farms
from starlette.testclient import TestClient
from webs import client_of, services_of

from api.app import create_app
from api.signed import sign_request
from contracts.epcis import read_events
from contracts.eventhash import event_hash
from contracts.gs1 import lot_uri
from contracts.operation import CONTEXT
from ledger import cbor
from ledger.document import decode_document
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.signature import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world without a season."""
    farms = open_farms(tmp_path)
    yield farms
    close_farms(farms)


def post(client: TestClient, farms: Farms, body: bytes, actor: str = "packer", **more: Any) -> Any:
    """Post a capture signed by an actor."""
    headers = {"Content-Type": "application/json"}
    key = more.get("key") or farms.keys[actor]
    signed = sign_request(key, "POST", f"{BASE}/epcis/capture", body=body, headers=headers)
    return client.post("/epcis/capture", content=more.get("sent", body), headers={**signed, **more.get("headers", {})})


def test_all_published_documents_are_taken_in(shared: Path, tmp_path: Path) -> None:
    """The 24 valid documents and events go in, each event with its hash unchanged, its act the signer's."""
    files = sorted([*(shared / "epcis/documents").glob("*.json"), *(shared / "epcis/events").glob("*.json")])
    assert len(files) == 24
    for number, file in enumerate(files):
        # The files share eventIDs, and one ledger takes an event once.
        folder = tmp_path / str(number)
        folder.mkdir()
        farms = open_farms(folder)
        client = client_of(farms)
        answer = post(client, farms, file.read_bytes())
        assert answer.status_code == 202, (file.name, answer.text)
        job = answer.json()
        assert (job["success"], job["errors"]) == (True, []), file.name
        assert client.get(answer.headers["location"]).json() == job
        for one, index in zip(read_events(file.read_bytes()), job["entries"], strict=True):
            document = decode_document(client.get(f"/entries/{index}/document").content)
            assert event_hash(document.body, document.body) == event_hash(one.event, one.context)
            assert document.context is not None
            assert document.context.entered_for == "packer"
        farms.log.seal()
        fsck(farms.store, Fold(farms.log.fold.rulebooks, farms.log.keys.replay, farms.log.origin))
        close_farms(farms)


def test_invalid_documents_are_refused_with_the_reason(farms: Farms, shared: Path) -> None:
    """The 8 invalid ones are a 400 that names path, expected and got."""
    client = client_of(farms)
    files = sorted((shared / "epcis/invalid").glob("*.json"))
    assert len(files) == 8
    for file in files:
        answer = post(client, farms, file.read_bytes())
        assert (answer.status_code, "expected" in answer.json()) == (400, True), file.name


def test_evidence_is_kept(farms: Farms) -> None:
    """What the actor signed instead of a record can be checked by anybody later."""
    client = client_of(farms)
    body = json.dumps(farms.event("L7", "harvest", 10)).encode()
    job = post(client, farms, body, "farm-1").json()
    document = decode_document(client.get(f"/entries/{job['entries'][0]}/document").content)
    assert document.context is not None
    kept = farms.store.evidence(document.context.evidence or b"")
    assert kept is not None
    assert cbor.decode(kept)["body"] == body
    assert farms.keys["farm-1"].kid.hex() in cbor.decode(kept)["base"]
    again = post(client, farms, body, "farm-1").json()
    # The same request within a second is the same request; a later one finds the event there.
    assert again == job or again["errors"][0]["rule"] == "produce.event-known"


def test_an_event_that_no_rule_can_count_holds_back_no_other(farms: Farms) -> None:
    """`proceed` means it: an amount below a gram, a lot of another's and too many lots are told, the rest goes in."""
    client = client_of(farms)
    farms.submit("farm-2", "event", farms.event("L8", "harvest", 10, gtin=OTHER_GTIN))
    many = farms.event("X", "inspecting")
    many["quantityList"] = [{"epcClass": lot_uri(GTIN, f"M{number}")} for number in range(65)]
    events = [
        farms.event("L7", "harvest", 0.00001),
        farms.event("L7", "harvest", 10),
        many,
        farms.event("L8", "harvest", 10, gtin=OTHER_GTIN),
        {**farms.event("L7", "harvest", 1), "eventTime": "2099-01-01T00:00:00+08:00"},
        farms.event("L7", "shipping", 10),
        farms.event("L7", "shipping", 10),
        {**farms.event("L7", "harvest", 1), "fengtu:operation": "x" * 300_000},
    ]
    for event in events:
        event.pop("@context")
    body = json.dumps({
        "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-23T08:00:00+08:00", "epcisBody": {"eventList": events},
    }).encode()  # fmt: skip
    answer = post(client, farms, body, "farm-1")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (len(job["entries"]), job["success"]) == (2, False)
    assert [one["event"] for one in job["errors"]] == [events[n]["eventID"] for n in (0, 2, 3, 4, 6, 7)]
    rules = [one.get("rule") for one in job["errors"]]
    assert rules[:2] == ["produce.amount", "produce.lots-max"]
    assert rules[2:4] == ["produce.lot-owner", "produce.future"]
    assert all("expected" in one or "got" in one for one in job["errors"])


def test_without_the_operators_key_it_says_so(farms: Farms) -> None:
    """A node that cannot sign for others answers 503, and takes nothing in."""
    client = TestClient(create_app(replace(services_of(farms), entering=None)), raise_server_exceptions=False)
    before = farms.store.head()
    answer = post(client, farms, json.dumps(farms.event("L7", "harvest", 10)).encode(), "farm-1")
    assert (answer.status_code, "operator's key" in answer.json()["expected"]) == (503, True)
    assert farms.store.head() == before


def test_an_event_is_read_back_by_its_id(farms: Farms) -> None:
    """Other EPCIS software finds an event under the id that it gave it, as it was."""
    event = farms.event("L7", "harvest", 10)
    client = client_of(farms)
    post(client, farms, json.dumps(event).encode(), "farm-1")
    farms.log.seal()
    client = client_of(farms)
    answer = client.get(f"/epcis/events/{event['eventID']}")
    assert (answer.status_code, answer.headers["gs1-epcis-version"]) == (200, "2.0.0")
    assert event_hash(answer.json(), answer.json()) == event_hash(event, event)
    for missing in ("urn:uuid:x", "x" * 3_000, "%00", "..%2f"):
        assert client.get(f"/epcis/events/{missing}").status_code == 404


@pytest.mark.parametrize("case", ["unsigned", "stranger", "other body", "other path", "rollback", "wrong type"])
def test_what_is_not_signed_right_is_refused(farms: Farms, case: str) -> None:
    """No event goes in without its actor's word for exactly this request."""
    client = client_of(farms)
    body = json.dumps(farms.event("L7", "harvest", 10)).encode()
    status = 401
    if case == "unsigned":
        answer = client.post("/epcis/capture", content=body, headers={"Content-Type": "application/json"})
    elif case == "stranger":
        answer = post(client, farms, body, key=SigningKey.generate())
    elif case == "other body":
        answer = post(client, farms, body, sent=body.replace(b"10", b"99"))
    elif case == "other path":
        signed = sign_request(farms.keys["farm-1"], "POST", f"{BASE}/entries", body=body)
        answer = client.post("/epcis/capture", content=body, headers={**signed, "Content-Type": "application/json"})
    elif case == "rollback":
        answer, status = post(client, farms, body, headers={"GS1-Capture-Error-Behaviour": "rollback"}), 400
    else:
        answer, status = post(client, farms, body, headers={"Content-Type": "text/plain"}), 415
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert farms.store.latest([b"\x22" * 41]) == {b"\x22" * 41: None}


def test_hidden_fields_by_signed_read(farms: Farms) -> None:
    """The public sees what it may; who is concerned sees the rest; a neighbour is told that it is not theirs."""
    statement, document, disclosures = farms.record(
        "farm-1", "lot", {"gtin": GTIN, "lot": "L1"}, hidden={"farmer_name": "王小明"}
    )
    private = [(text, False) for text, _ in disclosures]
    index = farms.log.submit(statement, document, farms.vault.seal(private)).result(30).size
    client = client_of(farms)
    path = f"/entries/{index}/disclosures"
    assert [one["state"] for one in client.get(path).json()] == ["withheld"]
    for actor, status in (
        ("farm-1", 200),
        ("fa", 200),
        ("county", 200),
        ("operator", 200),
        ("farm-2", 403),
        ("lab", 403),
    ):
        answer = client.get(path, headers=sign_request(farms.keys[actor], "GET", f"{BASE}{path}"))
        assert answer.status_code == status, (actor, answer.text)
        if status == 200:
            assert [one["value"] for one in answer.json()] == ["王小明"]


def test_hidden_fields_of_nothing(farms: Farms) -> None:
    """Entries that are none, or have nothing hidden, and a signature for another entry say so."""
    farms.season()
    client = client_of(farms)
    for index in ("99999999999999999999", "-1", "9223372036854775808", "1"):
        assert client.get(f"/entries/{index}/disclosures").status_code == 404
    assert client.get("/entries/0/disclosures").json() == []
    head = farms.store.head()
    assert head is not None
    for index in range(head.size):
        answer = client.get(f"/entries/{index}/disclosures", headers=sign_request(
            farms.keys["farm-1"], "GET", f"{BASE}/entries/0/disclosures"))  # fmt: skip
        assert answer.status_code in {401, 403, 404}, index


def test_actors_and_their_keys(farms: Farms) -> None:
    """Whoever wants to know whether a key was entitled at an index can read it, suspension included."""
    kid = farms.keys["farm-1"].kid.hex()
    for status in ("suspended", "active"):
        farms.submit("fa", "key-status", {"actor": "farm-1", "kid": kid, "status": status, "reason": "x"})
    client = client_of(farms)
    found = client.get("/actors/farm-1").json()
    assert (found["role"], found["parent"], found["keys"][0]["state"]) == ("farmer", "fa", "active")
    first, second = found["keys"][0]["intervals"]
    assert first["until"] is not None
    assert second["from"] == first["until"] + 1
    assert second["until"] is None
    assert client.get("/actors/nobody").status_code == 404
