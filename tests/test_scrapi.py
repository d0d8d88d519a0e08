"""SCRAPI by the book: registering, receipts, statements, keys, refusals."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import scitt_cose
from farms import Farms, close_farms, open_farms
from fastapi.testclient import TestClient
from ledgers import KEYS
from webs import services_of

from api.app import create_app
from ledger import cbor
from ledger.checkpoint import open_checkpoint
from ledger.merkle import check_inclusion, leaf_hash
from ledger.receipt import check_receipt, split_transparent
from ledger.refusal import open_refusal
from ledger.tlogproof import decode_tlog_proof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.services import Services

CBOR = {"content-type": "application/cbor"}
COSE = {"content-type": "application/cose"}
PROBLEM = "application/concise-problem-details+cbor"
REFUSAL = "tag:fengtu.tw,2026:refusal"


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world."""
    farms = open_farms(tmp_path)
    yield farms
    close_farms(farms)


@pytest.fixture
def node(farms: Farms) -> Services:
    """A node over it."""
    return services_of(farms)


@pytest.fixture
def client(node: Services) -> TestClient:
    """A client of the node."""
    return TestClient(create_app(node), follow_redirects=False)


def pair(farms: Farms, lot: str = "L1", **more: Any) -> list[Any]:
    """Return a submission."""
    statement, document, disclosures = farms.record("farm-1", "event", farms.event(lot, "water"), **more)
    return [statement, document, [list(one) for one in disclosures]]


def test_register_and_read_back(farms: Farms, node: Services, client: TestClient) -> None:
    """201 with the place once durable; 302 until sealed; then receipt, statement, record, document and proof agree."""
    item = pair(farms)
    answer = client.post("/entries", content=cbor.encode(item[:2]), headers=CBOR)
    found = cbor.decode(answer.content)
    place = answer.headers["location"]
    assert (answer.status_code, place, found["repeated"]) == (201, f"/entries/{found['id']}", False)
    assert client.get(place).status_code == 302
    assert client.get(f"{place}/statement").content == item[0]
    farms.log.seal()
    node.serving.refresh()
    receipt = client.get(place)
    assert receipt.headers["content-type"] == "application/cose"
    key = cbor.decode(client.get("/.well-known/scitt-keys").content)[0]
    check_receipt(receipt.content, leaf_hash(item[0]), key[-2], farms.log.origin)
    statement, receipts = split_transparent(client.get(f"{place}/statement").content)
    assert (statement, receipts) == (item[0], [receipt.content])
    assert client.get(f"{place}/record").content == item[0]
    assert client.get(f"{place}/document").content == item[1]
    proof = decode_tlog_proof(client.get(f"{place}/proof").content)
    checkpoint = open_checkpoint(proof.checkpoint, node.serving.vkey)
    check_inclusion(leaf_hash(item[0]), proof.index, checkpoint.size, proof.proof, checkpoint.root)
    assert client.get(f"/.well-known/scitt-keys/{key[2].hex()}").status_code == 200
    parsed = scitt_cose.parse_signed_statement(item[0])
    assert parsed is not None


def test_the_same_again_and_another(farms: Farms, client: TestClient) -> None:
    """The first answer again for the same content, 409 with the difference for another."""
    item = pair(farms, client_id="once")
    first = cbor.decode(client.post("/entries", content=cbor.encode(item), headers=CBOR).content)
    again = cbor.decode(client.post("/entries", content=cbor.encode(item), headers=CBOR).content)
    assert again == {**first, "repeated": True}
    other = client.post("/entries", content=cbor.encode(pair(farms, client_id="once")), headers=CBOR)
    assert (other.status_code, other.headers["content-type"]) == (409, PROBLEM)
    assert "another document" in cbor.decode(other.content)[-2]


def test_statement_alone_after_its_document(farms: Farms, client: TestClient) -> None:
    """As SCRAPI has it: the COSE alone, where the document came first."""
    statement, document, _ = pair(farms)
    missing = client.post("/entries", content=statement, headers=COSE)
    assert (missing.status_code, "PUT /documents/" in cbor.decode(missing.content)[-2]) == (404, True)
    assert client.put(f"/documents/{hashlib.sha256(document).hexdigest()}", content=document).status_code == 204
    assert client.post("/entries", content=statement, headers=COSE).status_code == 201


def test_waiting_for_the_receipt(farms: Farms, node: Services, client: TestClient) -> None:
    """With `Prefer: wait` the answer is the receipt of the next seal."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.1):
            farms.log.seal_if_due()
            node.serving.refresh()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        item = pair(farms)
        answer = client.post("/entries", content=cbor.encode(item), headers={**CBOR, "prefer": "wait=10"})
        assert (answer.status_code, answer.headers["content-type"]) == (201, "application/cose")
        check_receipt(answer.content, leaf_hash(item[0]), KEYS.receipt.public_key, farms.log.origin)
        batch = [pair(farms), pair(farms, audience="log.test/other"), pair(farms)]
        rows = cbor.decode(
            client.post("/entries/batch", content=cbor.encode(batch), headers={**CBOR, "prefer": "wait"}).content
        )
        assert ["receipt" in row for row in rows] == [True, False, True]
    finally:
        stop.set()
        thread.join()


def test_refusals_say_why_under_the_logs_signature(farms: Farms, client: TestClient) -> None:
    """Rule, expected and got, and the refusal as the log signed it."""
    item = pair(farms, subject="/01/04712345678900/10/L2")
    answer = client.post("/entries", content=cbor.encode(item), headers=CBOR)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    refusal = cbor.decode(answer.content)[REFUSAL]
    assert refusal["rule"] == "rules.subject"
    signed = open_refusal(refusal["signed"], KEYS.record.public_key)
    assert (signed.rule, signed.expected) == ("rules.subject", refusal["expected"])
    unsigned = client.post(
        "/entries", content=cbor.encode([item[0][:-1] + bytes([item[0][-1] ^ 1]), item[1]]), headers=CBOR
    )
    assert unsigned.status_code == 403


def test_full_queue_is_429(farms: Farms, client: TestClient) -> None:
    """Too much at once is turned away with a time to come back; nothing that was taken is lost."""
    farms.log._queue_max = 3
    items = [pair(farms) for _ in range(5)]
    with farms.store.append():
        answer = client.post("/entries/batch", content=cbor.encode(items), headers=CBOR)
    assert (answer.status_code, answer.headers["content-type"]) == (429, PROBLEM)
    assert int(answer.headers["retry-after"]) >= 1
    farms.log._queue_max = 100
    time.sleep(0.05)
    rows = cbor.decode(client.post("/entries/batch", content=cbor.encode(items), headers=CBOR).content)
    assert [row["repeated"] for row in rows] == [False] * 5
