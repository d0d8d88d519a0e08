"""Hostile input to works, licences, pictures and sightings: no error of ours, no markup, no file of the node's."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from fastapi.testclient import TestClient
from rules import GTIN
from studio import open_logged, sealed, world_of
from webs import services_of

from api.app import create_app
from api.licences import POLICY_SIZE_MAX
from contracts.licences.profile import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from licences import Studio

HTML = {"accept": "text/html"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'javascript:alert(3)"
LD = {"content-type": "application/ld+json"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with a work and a licence whose every text is an attack."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    found = open_logged(folder)
    found.act(
        "panay", "work", work="W-E", title={"zh-TW": EVIL, "en": EVIL, "ja": EVIL}, image="0" * 64, labels=[],
        creators=["panay"], copyright={"year": 2026},
    )  # fmt: skip
    terms = found.terms("L-E", work="W-E", assigners=("panay",), attribution=(("zh-TW", EVIL[:200]),))
    found.grant(terms, "panay", "tea")
    found.act("panay", "licence-suspension", licence="L-E", **{"from": found.day(1)}, reason=EVIL)
    yield found
    world_of(found).close()


@pytest.fixture(scope="module")
def client(studio: Studio) -> TestClient:
    """The node's app over it."""
    with sealed(studio):
        pass
    return TestClient(create_app(services_of(world_of(studio))), raise_server_exceptions=False, follow_redirects=False)


PAGES = ["/works", "/works/W-E", "/works/W-E/calendar", "/licences/L-E", "/licences/L-E/certificate"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("tag", ["zh-TW", "en", "ja"])
def test_no_title_becomes_markup(client: TestClient, path: str, tag: str) -> None:
    """A work's name would run in every shop's browser, under the ledger's name."""
    answer = client.get(path, params={"lang": tag}, headers=HTML)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<img src=x" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_certificate_of_attacks_is_a_pdf(client: TestClient) -> None:
    """What prints the page would fetch what a title names, or fail on it."""
    answer = client.get("/licences/L-E/pdf")
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF")


NASTY = [
    "/works/", "/works/..", "/works/%2e%2e%2fvault.db", "/works/%00", "/works/" + "W" * 4000, "/works/W-E/calendar/x",
    "/works?first=0", "/works?first=-1", "/works?first=99999999999999999999", "/works?first=x", "/licences/",
    "/licences/%ff", "/licences/%F0%9F%92%A9", "/licences/L-E/bundle?day=x", "/licences/L-E/bundle?known=9999-99-99",
    "/licences/L-E/data?day=0001-01-01&known=9999-12-31", "/licences/L-E/nothing", "/licences/check", "/images/",
    "/images/..%2f..%2fvault.db", "/images/" + "0" * 64, "/images/" + "Ａ" * 64, "/royalties/", "/royalties/x",
    "/royalties/" + "0" * 32, "/sightings", f"/products/{GTIN}/T1?serial=" + "x" * 500,
    f"/products/{GTIN}/L9?serial=%00",
    "/works/W-E/calendar?territory=" + "T" * 3000, "/works/W-E/calendar?territory=TW&first=2026-02-30",
    "/works/W-E/calendar?territory=TW&product=0&channel=<script>", "/works/W-E/calendar?territory=&last=x",
    "/odrl-profile/x",
]  # fmt: skip


@pytest.mark.parametrize("accept", ["text/html", "application/json", "application/ld+json"])
def test_nasty_paths(client: TestClient, accept: str) -> None:
    """Path tricks lead to problem documents or pages that say so, never to an error of ours or to another file."""
    for path in NASTY:
        for method in ("GET", "HEAD", "DELETE", "POST"):
            answer = client.request(method, path, headers={"accept": accept})
            assert answer.status_code < 500, (method, path, answer.text[:300])
            assert answer.headers["x-content-type-options"] == "nosniff"
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert "<script>" not in answer.text
            assert b"SQLite format" not in answer.content


def test_bodies_that_are_no_agreement(client: TestClient, studio: Studio) -> None:
    """A dry run is open to everybody: whatever comes, it is answered with what would have been right, and quickly."""
    policy = encode(studio.terms("L-9"))
    deep = "[" * 50_000 + "]" * 50_000
    wide = copy.deepcopy(policy)
    wide["permission"][0]["constraint"][0]["rightOperand"] = [f"T{number}" for number in range(5_000)]
    bodies = [
        b"", b"{", b"null", b"[]", b"1e999", b'{"a":1,"a":2}', deep.encode(), b"\xff\xfe", b"{}",
        json.dumps(wide).encode(),
        b'{"permission":' + b"9" * 5_000 + b"}", json.dumps({**policy, "permission": {}}).encode(),
    ]  # fmt: skip
    for body in bodies:
        answer = client.post("/licences/check", content=body, headers=LD)
        assert answer.status_code in {400, 413, 422}, body[:80]
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.post("/licences/check", content=bytes(POLICY_SIZE_MAX + 1), headers=LD).status_code == 413
    assert client.post("/licences/check", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    rng = random.Random(20261127)
    kinds: list[Any] = [None, True, -1, 1.5, "x", [], {}, [[]], {"@value": []}, "urn:fengtu:work:W-1"]
    for _ in range(soak("hostile agreements", 150, 5_000)):
        changed = copy.deepcopy(policy)
        place: Any = changed
        while isinstance(place, dict | list) and place:
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if rng.random() < 0.3 or not isinstance(place[key], dict | list):
                place[key] = copy.deepcopy(rng.choice(kinds))
                break
            place = place[key]
        answer = client.post("/licences/check", json=changed)
        assert answer.status_code in {200, 400, 422}, (changed, answer.text[:200])
