"""Agreements over HTTP: whom they concern reads list, page, facts and proof file; nobody else learns of them."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

import jsonschema_rs
import pytest
from agreements import AGREEMENT, PURCHASER, Deal, open_deal
from fastapi.testclient import TestClient
from icalendar import Calendar
from logged import Logged, logged
from pypdf import PdfReader
from rules import DAY_MS, GTIN
from test_settlement import planted_figures, season
from webs import services_of

from api.app import create_app
from api.door import sign_door
from api.pages.paper import SITE, OwnFiles
from api.pages.pdf import make_pdf
from api.signed import sign_request
from contracts.agreements.life import KINDS_OF_LIFE
from contracts.calendar import day_of
from verifiers.settlement import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

BASE = "http://127.0.0.1:8000"
HTML = {"accept": "text/html"}
PATH = f"/agreements/{AGREEMENT}"


@pytest.fixture(scope="module")
def deal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deal]:
    """A season that was lived to its close."""
    deal = open_deal(world=logged(tmp_path_factory.mktemp("pages")))
    season(deal)
    yield deal
    world_of(deal).close()


@pytest.fixture(scope="module")
def client(deal: Deal) -> TestClient:
    """The node's app over it."""
    return TestClient(create_app(services_of(world_of(deal))), raise_server_exceptions=False, follow_redirects=False)


def world_of(deal: Deal) -> Logged:
    """Return the world of a deal that is logged."""
    assert isinstance(deal.world, Logged)
    return deal.world


def get(client: TestClient, deal: Deal, path: str, actor: str, **headers: str) -> Response:
    """Read a path by a request that an actor signs."""
    return client.get(path, headers={**sign_request(deal.world.keys[actor], "GET", f"{BASE}{path}"), **headers})


def through_door(client: TestClient, deal: Deal, path: str, actor: str, language: str = "zh-TW") -> Response:
    """Read a page as a plain browser does, by an address that an actor signed."""
    address = sign_door(deal.world.keys[actor], f"{BASE}{path}", int(time.time()) + 600)
    return client.get(address.removeprefix(BASE), headers={**HTML, "accept-language": language})


@pytest.mark.parametrize("behind", ["", "/data", "/bundle", "/due"])
def test_whom_it_concerns_and_nobody_else(client: TestClient, deal: Deal, behind: str) -> None:
    """Parties, witness, inspector and the auditor of a mandate read it; others hear the same as of none."""
    for actor in (PURCHASER, "farm-1", "fa", "lab", "auditor"):
        answer = get(client, deal, PATH + behind, actor)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    assert client.get(PATH + behind).status_code == 401
    refused = get(client, deal, PATH + behind, "farm-2")
    nothing = get(client, deal, f"/agreements/{'0' * 32}{behind}", "farm-2")
    assert (refused.status_code, refused.content) == (403, nothing.content)


@pytest.mark.parametrize("sum_", ["-1", "1.5", str(2**53), "9" * 4_299, "9" * 5_000])
def test_sums_beyond_all_sums(client: TestClient, deal: Deal, sum_: str) -> None:
    """A number that no JSON reader holds is refused before anything is computed from it."""
    answer = get(client, deal, f"{PATH}/settlement?proceeds={sum_}", PURCHASER)
    assert answer.status_code == 400, answer.text[:200]


def test_the_proof_file_holds(client: TestClient, deal: Deal) -> None:
    """What a party downloads verifies without the node, and says what the page says."""
    data = get(client, deal, f"{PATH}/bundle", "farm-1").content
    verdict = verify(data, world_of(deal).policy(), deal.world.time_ms // 1000 + 5)
    assert (verdict.kind, verdict.status) == ("operator", "closed")
    facts = get(client, deal, f"{PATH}/data", "farm-1").json()["facts"]
    assert json.loads(json.dumps(verdict.facts)) == facts


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-TW", ["本期保證價格已履行", "颱風", "退貨"]),
        ("en", ["The guaranteed price was kept this season", "typhoon", "damaged", "NT$"]),
        ("ja", ["今季の保証価格は守られました", "台風", "損傷"]),
    ],
)
def test_the_page_says_it(client: TestClient, deal: Deal, language: str, words: list[str]) -> None:
    """A plain browser opens the page by its door: the sums of the verdict stand in it, and nothing is kept."""
    answer = through_door(client, deal, PATH, "farm-1", language)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    for word in words:
        assert word in answer.text
    settled = deal.state["settlements"][0]["sums"][0][1]
    assert f"{settled / 100:,.2f}" in answer.text
    assert "<script" not in answer.text


def test_lists_are_searched_and_paged(client: TestClient, deal: Deal) -> None:
    """A reader sees their own, found by any word, by stage, page by page; another sees none."""
    found = get(client, deal, "/agreements", PURCHASER).json()
    assert (found["count"], found["agreements"][0]["stage"]) == (1, "closed")
    assert get(client, deal, "/agreements", "farm-2").json()["count"] == 0
    counts = {
        f"words={quote('名稱 毛豆')}": 1, "words=farm-1": 1, "words=nothing": 0, "stage=closed": 1, "stage=drafted": 0,
        "first=2": 1,
    }  # fmt: skip
    for query, count in counts.items():
        assert get(client, deal, f"/agreements?{query}", PURCHASER).json()["count"] == count, query
    assert get(client, deal, "/agreements?stage=other", PURCHASER).status_code == 400
    assert get(client, deal, "/agreements?first=0", PURCHASER).status_code == 400
    page = through_door(client, deal, "/agreements", PURCHASER)
    assert page.status_code == 200
    assert f'href="{PATH}?door=' in page.text
    assert "還沒有契約" in through_door(client, deal, "/agreements", "farm-2").text


def test_a_third_person_reads_no_figure(client: TestClient, deal: Deal) -> None:
    """Every public page, tile, entry and figure of the node holds no weight and no sum of the agreement."""
    figures = [figure for figure in planted_figures(deal) if figure.isdigit()]
    lot, size = deal.lots["farm-1"], int(client.get("/log/checkpoint").text.split("\n")[1])
    paths = ["/", "/status", "/log/checkpoint", "/log/policy", "/openapi.json", "/kinds", "/actors/farm-1",
             f"/products/{GTIN}", f"/products/{GTIN}/{lot}", f"/products/{GTIN}/{lot}/data",
             f"/products/{GTIN}/{lot}/bundle", f"/log/tile/0/000.p/{size}",
             f"/log/tile/entries/000.p/{size}"]  # fmt: skip
    for index in range(size):
        paths += [f"/entries/{index}/record", f"/entries/{index}/document", f"/entries/{index}/proof"]
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text[:200])
        assert not [figure for figure in figures if figure in answer.content], path


def test_each_act_has_its_schema(client: TestClient) -> None:
    """A client reads what an act's body is and copies its example; what is none is refused by name."""
    listed = {one["kind"]: one for one in client.get("/kinds").json()["kinds"]}
    for kind in KINDS_OF_LIFE:
        assert listed[kind]["private"]
        found = client.get(f"/kinds/{kind}").json()
        assert "agreement" in found["schema"]["properties"]
        jsonschema_rs.validator_for(found["schema"]).validate(found["example"])
    assert listed["agreement"]["several_sign"]
    assert client.get("/kinds/nothing").json()["rule"] == "rules.kind"


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-TW", "這一頁只給相關的人看"), ("en", "for those whom it concerns"), ("ja", "関係者だけ")],
)
def test_who_follows_a_link_without_a_door(client: TestClient, deal: Deal, language: str, words: str) -> None:
    """A browser without a key gets a page that says how it opens, not a problem document, and learns nothing."""
    headers = {**HTML, "accept-language": language}
    answer = client.get(PATH, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert words in answer.text
    refused = through_door(client, deal, PATH, "farm-2", language)
    nothing = through_door(client, deal, f"/agreements/{'0' * 32}", "farm-2", language)
    assert refused.status_code == 403
    assert words in refused.text
    assert len({re.sub("door=[0-9A-Za-z_-]+", "", one.text) for one in (refused, nothing)}) == 1
    missing = client.get("/nothing/here", headers=headers)
    assert (missing.status_code, "<main" in missing.text) == (404, True)
    assert client.get("/agreements?stage=other", headers=headers).status_code == 401


def test_a_door_to_one_agreement_opens_no_list(client: TestClient, deal: Deal) -> None:
    """An address that was handed on for one agreement shows no other."""
    address = sign_door(deal.world.keys["farm-1"], f"{BASE}{PATH}", int(time.time()) + 600)
    door = address.partition("?")[2]
    assert client.get(f"/agreements?{door}", headers=HTML).status_code == 401
    assert client.get(f"{PATH}/bundle?{door}").status_code == 200


def test_the_page_on_paper(client: TestClient, deal: Deal) -> None:
    """A PDF in Chinese, with the sums of the page and the code that leads back; others get none."""
    answer = get(client, deal, f"{PATH}/pdf", "farm-1", **{"accept-language": "zh-TW"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text[:300]
    document = PdfReader(io.BytesIO(answer.content))
    text = "".join(page.extract_text() for page in document.pages)
    settled = deal.state["settlements"][0]["sums"][0][1]
    for words in ("毛豆", "本期保證價格已履行", f"{settled / 100:,.2f}"):
        assert words in text
    fonts = {str(font) for page in document.pages for font in page["/Resources"]["/Font"].values()}
    assert fonts
    assert get(client, deal, f"{PATH}/pdf", "farm-2").status_code == 403


def test_a_pdf_fetches_nothing_from_elsewhere() -> None:
    """A page that names another site, a file or a path outside is printed without it."""
    elsewhere = (
        "http://127.0.0.1:1/static/fengtu.css", "file:///etc/passwd", f"{SITE}/static/../render.py", f"{SITE}/x.css",
    )  # fmt: skip
    for url in elsewhere:
        with pytest.raises(ValueError, match="not a file of this site"):
            OwnFiles().fetch(url)
    assert OwnFiles().fetch(f"{SITE}/static/fengtu.css?v=1").read()
    assert make_pdf('<main id="content"><img src="file:///etc/passwd"><p>x</p></main>', BASE).startswith(b"%PDF")


def test_the_calendar_of_what_is_due(tmp_path: Path) -> None:
    """A subscriber sees each task with a day once, in the reader's words, and the same when it asks again."""
    deal = open_deal(world=logged(tmp_path))
    deal.conclude()
    deal.grow(grams=900_000)
    deal.price(3_400)
    deal.deliver("D-1", 400_000)
    world = world_of(deal)
    client = TestClient(create_app(services_of(world)), raise_server_exceptions=False)
    found = [through_door(client, deal, "/agreements/calendar.ics", "lab", "zh-TW") for _ in range(2)]
    assert found[0].headers["content-type"] == "text/calendar; charset=utf-8"
    events = [Calendar.from_ical(one.content).walk("VEVENT") for one in found]
    assert [event["uid"] for event in events[0]] == [event["uid"] for event in events[1]]
    graded = [event for event in events[0] if "D-1" in event["summary"]]
    assert len(graded) == 1
    assert graded[0]["summary"] == "毛豆: 名稱 lab為 D-1 分級"
    assert graded[0]["dtstart"].dt == date.fromisoformat(
        day_of(deal.state["deliveries"][0]["delivered_ms"] + 2 * DAY_MS)
    )
    assert (
        Calendar.from_ical(through_door(client, deal, "/agreements/calendar.ics", "farm-2").content).walk("VEVENT")
        == []
    )
    world.close()
