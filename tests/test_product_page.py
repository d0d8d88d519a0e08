"""The product page and what stands behind it, over a real log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from farms import GTIN, Farms, close_farms, open_farms
from webs import client_of

from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HTML = {"accept": "text/html"}


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with one season on lot L1."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


def test_page_says_what_who_and_how_much(farms: Farms) -> None:
    """The first screen answers in plain words, and claims nothing that was not checked here."""
    text = client_of(farms).get(f"/products/{GTIN}/L1", headers=HTML).text
    for words in ("毛豆", "王小明", "屏東縣萬丹鄉", "產銷履歷", "1,200", "農藥殘留", "與鄰居一起播種"):
        assert words in text, words
    assert "此瀏覽器未驗證" in text


def test_bundle_over_http_verifies(farms: Farms) -> None:
    """The file behind the page's button is the one that `fengtu verify` takes."""
    answer = client_of(farms).get(f"/products/{GTIN}/L1/bundle")
    assert answer.headers["content-type"] == "application/vnd.fengtu.bundle+json"
    assert verify(answer.content, farms.policy(), int(time.time())).kind == "operator"


def test_recalled_page_and_languages(farms: Farms) -> None:
    """A recall replaces everything above, in each language."""
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L1", "reason": "農藥超標"})
    client = client_of(farms)
    for tag in ("zh-TW", "en", "ja"):
        answer = client.get(f"/products/{GTIN}/L1", params={"lang": tag}, headers=HTML)
        assert answer.status_code == 200
        assert "農藥超標" in answer.text
        assert "fengtu_lang" in answer.headers["set-cookie"]


def test_lot_with_a_slash(farms: Farms) -> None:
    """A path parameter does not match %2F; the raw path does."""
    farms.submit("farm-1", "event", farms.event("A/recall", "harvest", 60))
    client = client_of(farms)
    assert "A/recall" in client.get(f"/products/{GTIN}/A%2Frecall", headers=HTML).text
    assert client.get(f"/products/{GTIN}/A%2Frecall/bundle").status_code == 200
    assert client.get(f"/products/{GTIN}/A/recall", headers=HTML).status_code == 404


def test_start_page_finds(farms: Farms) -> None:
    """A code that is typed leads to its page, and one that is none says what to do."""
    client = client_of(farms)
    assert "L1" in client.get("/", headers=HTML).text
    assert client.get("/", params={"code": f"{GTIN} L1"}, headers=HTML).headers["location"] == f"/products/{GTIN}/L1"
    assert client.get("/", params={"code": "L1x"}, headers=HTML).status_code in {400, 404}
    assert client.get(f"/products/{GTIN}", headers=HTML).status_code == 200
    assert client.get(f"/products/{GTIN}/L9", headers=HTML).status_code == 404
    assert client.get("/products/04712345678901/L1", headers=HTML).status_code == 400
    assert client.get(f"/products/{GTIN}/L1/qr.svg").headers["content-type"] == "image/svg+xml"
    assert client.get(f"/products/{GTIN}/L1/qr.png").content[:4] == b"\x89PNG"
    assert client.get("/status", headers=HTML).status_code == 200


def test_program_gets_problem_details(farms: Farms) -> None:
    """Whoever does not ask for a page gets an answer that a program can read."""
    answer = client_of(farms).get(f"/products/{GTIN}/L9")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["expected"]
