"""The short way in and the ordinary one give the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from farms import GTIN, close_farms, open_farms
from webs import client_of

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger import cbor
from ledger.signature import SigningKey
from node.client import Party

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farms import Farms
    from httpx import Response
    from starlette.testclient import TestClient

ORDINARY = {"content-type": "application/cbor; charset=binary"}
SHORT = {"content-type": "application/cbor"}


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A world with a farm."""
    world = open_farms(tmp_path)
    yield world
    close_farms(world)


@pytest.fixture
def client(farms: Farms) -> TestClient:
    """A client of the node's app."""
    farms.season()
    return client_of(farms)


def _pair(farms: Farms, number: int, key: SigningKey | None = None) -> list[Any]:
    event = operation_event(GTIN, "L1", Operation(decode_day("2026-01-05"), "施肥", "有機肥"), "fertilise")
    party = Party("farm-1", key or farms.keys["farm-1"], farms.log.origin)
    return party.draft("event", {**event, "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012}"}).encode()


def _said(answer: Response) -> tuple[int, dict[str, str], Any]:
    kept = {name: value for name, value in answer.headers.items() if name not in {"date", "location"}}
    members = cbor.decode(answer.content)
    signed = members.get("tag:fengtu.tw,2026:refusal", {})
    return answer.status_code, kept, {**members, "tag:fengtu.tw,2026:refusal": signed.get("rule")}


def test_both_ways_say_the_same(farms: Farms, client: TestClient) -> None:
    """An answer, its repetition, each kind of refusal and each fault of form: status, headers and body are equal."""
    first = _pair(farms, 1)
    damaged = [first[0][:-1] + bytes([first[0][-1] ^ 1]), first[1]]
    bodies = [
        cbor.encode(first),
        cbor.encode(_pair(farms, 2, SigningKey.generate())),
        cbor.encode(damaged),
        cbor.encode([first[0], b"{}"]),
        cbor.encode(["text", first[1]]),
        b"\xff",
        b"",
    ]
    assert client.post("/entries", content=bodies[0], headers=SHORT).status_code == 201
    for body in bodies:
        short, ordinary = (client.post("/entries", content=body, headers=one) for one in (SHORT, ORDINARY))
        assert _said(short) == _said(ordinary)
    answers = [client.post("/entries", content=body, headers=SHORT) for body in bodies]
    assert [one.status_code for one in answers] == [201, 422, 403, 400, 400, 400, 400]


def test_too_large_a_body(client: TestClient) -> None:
    """It is dropped as it comes, whichever way."""
    for headers in (SHORT, ORDINARY):
        assert client.post("/entries", content=b"\x00" * 2**20, headers=headers).status_code == 413


def test_what_asks_for_more_goes_the_ordinary_way(farms: Farms, client: TestClient) -> None:
    """`Prefer: wait` is answered with a receipt once there is one."""
    answer = client.post("/entries", content=cbor.encode(_pair(farms, 3)), headers={**SHORT, "prefer": "wait=0"})
    assert answer.status_code == 201
    assert client.get("/metrics").text.count('fengtu_requests_total{method="POST",route="/entries",status="201"}') == 1
