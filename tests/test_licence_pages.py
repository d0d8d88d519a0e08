"""Works and licences over HTTP: who may use what, certificates that outlive it, conflicts before anyone signs."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from licences import work_body
from pypdf import PdfReader
from rules import GTIN
from studio import licensed_goods, now_s, open_logged, sealed, world_of
from test_images import picture
from webs import services_of

from api.app import create_app
from api.door import sign_door
from api.signed import sign_request
from contracts.licences.profile import decode, encode
from contracts.licences.royalties import NET_SALES, Royalty
from ledger.disclosure import make_disclosure
from verifiers.licence import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response
    from licences import Studio

BASE = "http://127.0.0.1:8000"
HTML = {"accept": "text/html"}
ACCOUNT = "9f86d081884c7d659a2feaa0c55ad015"
ROYALTY = Royalty("TWD", NET_SALES, ((0, 50), (10_000_000, 70)), 0, 200_000, 1000, 1, 30, "half-up")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio over a real log."""
    found = open_logged(tmp_path)
    yield found
    world_of(found).close()


def client_of(studio: Studio) -> TestClient:
    """Return a client of the node as of a fresh seal."""
    with sealed(studio):
        pass
    services = services_of(world_of(studio))
    return TestClient(create_app(services), raise_server_exceptions=False, follow_redirects=False)


def get(client: TestClient, path: str, tag: str = "zh-TW", **headers: str) -> str:
    """Return a page's text."""
    answer = client.get(path, params={"lang": tag}, headers={**HTML, **headers})
    assert answer.status_code == 200, answer.text[:400]
    return answer.text


def test_the_page_says_it_in_one_sentence(studio: Studio) -> None:
    """A maker, a buyer and a judge read the same: who may use what, for what, where, until when; and what not."""
    studio.grant(studio.terms("L-1", exclusive=True, quantity=5000, samples=True, royalty=ROYALTY))
    client = client_of(studio)
    last = studio.day(100)
    for tag, words in {
        "zh-TW": ("可在臺東縣將《", "用於包裝", last, "專屬授權", "就是沒有授權", "淨銷售額的 5 %", "最多 5,000 件"),
        "en": ("may use “", "packaging in Taitung County until", last, "Exclusive", "not licensed", "5 % of net sales"),
        "ja": ("で包装に使えます", last, "独占", "純売上の 5 %"),
    }.items():  # fmt: skip
        text = get(client, "/licences/L-1", tag)
        for one in words:
            assert one in text, (tag, one)
        assert "此瀏覽器未驗證" in text or tag != "zh-TW"


def test_one_licence_in_each_form(studio: Studio) -> None:
    """Other software reads the agreement that was signed, the facts, and a proof that holds without this node."""
    terms = studio.terms("L-1")
    studio.grant(terms)
    client = client_of(studio)
    odrl = client.get("/licences/L-1", headers={"accept": "application/ld+json"})
    assert odrl.headers["content-type"].startswith("application/ld+json")
    assert decode(odrl.json()) == terms
    assert client.get("/licences/L-1/odrl").json() == odrl.json()
    facts = client.get("/licences/L-1").json()
    assert (facts["status"], facts["facts"]["work"]["work"]) == ("active", "W-1")
    file = client.get("/licences/L-1/bundle", params={"day": studio.day(200)})
    verdict = verify(file.content, world_of(studio).policy(), now_s(studio))
    assert (verdict.kind, verdict.facts["standing"]["state"]) == ("operator", "ended")
    assert client.get("/licences/L-9").status_code == 404
    assert client.get("/licences/L-1/qr.svg").content.startswith(b"<svg")
    assert client.get("/licences/L-9/qr.svg").status_code == 404


def test_a_certificate_outlives_its_licence(studio: Studio) -> None:
    """Whoever scans a certificate's code after the revocation reads that, on the page and on paper."""
    body = picture(size=(60, 40))
    gallery_client = client_of(studio)
    headers = sign_request(
        studio.world.keys["panay"], "POST", f"{BASE}/images", body=body, headers={"content-type": "image/png"}
    )
    image = gallery_client.post("/images", content=body, headers=headers).json()["image"]
    studio.act(
        "panay", "work", work="W-7", title={"zh-TW": "海浪"}, image=image, labels=[], creators=["panay"],
        copyright={"year": 2026},
    )  # fmt: skip
    studio.grant(studio.terms("L-7", work="W-7", assigners=("panay",)), "panay", "tea")
    before = client_of(studio)
    page = get(before, "/licences/L-7/certificate")
    for words in ("海浪", f"/images/{image}", "可在臺東縣將《", f"{BASE}/licences/L-7", "撤銷後也一樣"):
        assert words in page, words
    assert "已於" not in page
    first = before.get("/licences/L-7/pdf", headers={"accept-language": "zh-TW"})
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf"), first.text[:300]
    studio.later(3)
    studio.revoke("L-7", "panay")
    after = client_of(studio)
    assert "已於" in get(after, "/licences/L-7/certificate")
    printed = PdfReader(io.BytesIO(after.get("/licences/L-7/pdf", headers={"accept-language": "zh-TW"}).content))
    text = "".join(one.extract_text() for one in printed.pages)
    for words in ("海浪", "已於", "違反約定"):
        assert words in text, words
    assert [one for page in printed.pages for one in page.images]
    assert "Revoked on" in get(after, "/licences/L-7", "en")


def alone_on_textiles(studio: Studio) -> None:
    """Grant textiles in Taitung to one alone, from the tenth day to the sixtieth."""
    scope = studio.scope(10, 60, fields=("textiles",), products=("24",))
    studio.grant(studio.terms("L-1", exclusive=True, scope=scope))


def test_conflicts_show_before_anyone_signs(studio: Studio) -> None:
    """A maker who has printed boxes is told too late; the dry run says what a signature would be refused for."""
    studio.grant(
        studio.terms("L-1", exclusive=True, scope=studio.scope(10, 60, fields=("textiles",), products=("24",)))
    )
    client = client_of(studio)
    wanted = encode(studio.terms("L-2", scope=studio.scope(0, 30, territories=("10014010",), fields=("textiles",),
                                                           products=("any",))))  # fmt: skip
    answer = client.post("/licences/check", json=wanted)
    assert answer.status_code == 200, answer.text
    (met,) = answer.json()["conflicts"]
    assert met["with"] == "L-1"
    assert met["overlap"]["territories"] == ["10014010"]
    assert (met["overlap"]["first"], met["overlap"]["last"]) == (studio.day(10), studio.day(40))
    assert met["words"].startswith("overlaps licence L-1 in 10014010, textiles, class 24")
    free = client.post("/licences/check", json=encode(studio.terms("L-2"))).json()
    assert (free["free"], free["conflicts"]) == (True, [])
    outside = {**wanted, "permission": [{"action": ["sell"]}]}
    refused = client.post("/licences/check", json=outside)
    assert (refused.status_code, refused.json()["rule"], refused.json()["got"]) == (422, "licences.action", "sell")


def test_the_calendar_shows_what_is_in_the_way(studio: Studio) -> None:
    """An artist and a maker look at the same two years, and the overlap is said in words."""
    studio.grant(
        studio.terms("L-1", exclusive=True, scope=studio.scope(10, 60, fields=("textiles",), products=("24",)))
    )
    client = client_of(studio)
    query = {"territory": "TW-TTT", "field": "textiles", "product": "24", "first": studio.day(0), "exclusive": "1"}
    for tag, words in {"zh-TW": "與授權 L-1 重疊", "en": "Overlaps licence L-1", "ja": "許諾 L-1 と重なります"}.items():
        answer = client.get("/works/W-1/calendar", params={**query, "lang": tag}, headers=HTML)
        assert words.replace("L-1", "<bdi>L-1</bdi>") in answer.text
        assert studio.day(70) in answer.text  # with what is sold off
    data = client.get("/works/W-1/calendar", params=query).json()
    assert [one["with"] for one in data["conflicts"]] == ["L-1"]
    other = client.get("/works/W-1/calendar", params={**query, "field": "toys", "lang": "zh-TW"}, headers=HTML).text
    assert "目前沒有衝突" in other
    assert "<bdi>L-1</bdi>" not in other
    for wrong in ({"first": "soon"}, {"field": "everything"}, {"territory": "TW-XXX"}, {"last": "2020-01-01"}):
        page = client.get("/works/W-1/calendar", params={**query, **wrong}, headers=HTML)
        assert "這個條件無法查詢" in page.text
        assert client.get("/works/W-1/calendar", params={**query, **wrong}).status_code in {400, 422}
    assert client.get("/works/W-9/calendar", headers=HTML).status_code == 404


def test_a_form_becomes_terms_that_can_be_signed(studio: Studio) -> None:
    """What a maker and an artist chose on the page is the agreement that they sign, word for word."""
    client = client_of(studio)
    chosen = {
        "territory": "TW-TTT",
        "field": "packaging",
        "product": "30",
        "first": studio.day(0),
        "last": studio.day(90),
    }
    page = client.get("/works/W-1/calendar", params={**chosen, "lang": "zh-TW"}, headers=HTML).text
    for words in ("擬定條款", "/works/W-1/terms", "在臺灣地圖上的適用範圍"):
        assert words in page, words
    more = {"name": "L-5", "assignee": "tea", "percent": "7.5", "quantity": "500"}
    answer = client.get("/works/W-1/terms", params={**chosen, **more})
    assert answer.headers["content-type"].startswith("application/ld+json")
    terms = decode(answer.json())
    assert (terms.licence, terms.assigners, terms.assignee, terms.quantity) == ("L-5", ("panay",), "tea", 500)
    assert (terms.scope.territories, terms.scope.last) == (("TW-TTT",), studio.day(90))
    assert terms.royalty is not None
    assert terms.royalty.bands == ((0, 75),)
    assert dict(terms.attribution)["zh-TW"] == "名稱 panay《作品 W-1》"
    studio.grant(terms)
    assert studio.state("L-5")["royalty"]["bands"] == [[0, 75]]
    people = decode(client.get("/works/W-2/terms", params={**chosen, **more, "name": "L-6"}).json())
    studio.grant(people, "hana", "tea")
    for wrong in ({"name": ""}, {"name": "L 5"}, {"assignee": "Tea!"}, {"percent": "5,5"}, {"percent": "101"},
                  {"quantity": "0"}, {"field": "x"}, {"last": "2020-01-01"}):  # fmt: skip
        refused = client.get("/works/W-1/terms", params={**chosen, **more, **wrong})
        assert refused.status_code in {400, 422}, wrong
        assert refused.json()["expected"]


def test_a_work_says_whose_it_is_and_who_may_use_it(studio: Studio) -> None:
    """An empty work teaches the first step; one with grants lists them; a people's is called that."""
    client = client_of(studio)
    assert "還沒有人取得授權" in get(client, "/works/W-1")
    people = get(client, "/works/W-2")
    assert "禁忌" not in people
    for words in ("名稱 amis", "原創字第 12 號", "本站沒有這件作品的圖片"):
        assert words in people, words
    studio.grant(studio.terms("L-1"))
    scope = studio.scope(fields=("toys",)).as_data()
    studio.act("panay", "own-use", use="U-1", work="W-1", scope=scope)
    taboo = make_disclosure("taboos", "祭典期間不得使用")
    studio.act(
        "hana", "work", more={"hidden": {taboo.name: taboo.digest}}, **work_body("W-8"), people="amis",
        registration={"number": "原創字第 8 號", "day": "2025-06-01"},
    )  # fmt: skip
    client = client_of(studio)
    eight = get(client, "/works/W-8")
    assert "禁忌" in eight
    assert "未提供" in eight
    assert "祭典" not in eight
    page = get(client, "/works/W-1")
    for words in ("名稱 tea", "有效", "著作權人自己使用", "/licences/L-1"):
        assert words in page, words
    assert "作品 W-1" in get(client, "/works")
    listed = client.get("/works/W-1").json()
    assert [one["name"] for one in listed["grants"]] == ["L-1", "own-use/U-1"]
    assert client.get("/works").json()["count"] == 3
    assert client.get("/works/W-9").status_code == 404


def test_the_product_shows_whose_art_it_carries(studio: Studio) -> None:
    """A buyer sees the work, its maker, and that the licence covers this product today; not after it ended."""
    licensed_goods(studio)
    client = client_of(studio)
    page = get(client, f"/products/{GTIN}/T1")
    for words in ("使用誰的作品", "作品 W-1", "名稱 panay", "圖紋：名稱 amis", "已授權：本商品可使用至", "000300"):
        assert words in page, words
    assert f"/products/{GTIN}/T1" in get(client, "/licences/L-1")
    studio.revoke("L-1", "panay")
    studio.later(2)
    assert "今天沒有有效授權" in get(client_of(studio), f"/products/{GTIN}/T1")


# Royalties


def opened(studio: Studio) -> None:
    """Let both sides open an account of royalties and a month pass."""
    studio.grant(studio.terms("L-1", royalty=ROYALTY, scope=studio.scope(0, 400)))
    studio.produce("L-1", "P-1", 5000)
    body = {"royalties": ACCOUNT, "licence": "L-1", "signers": ["panay", "tea"]}
    exp = now_s(studio) + 86_400
    first = studio.world.submission("panay", "royalties", body, expires_at_s=exp)
    studio.world.enter(first)
    studio.world.submit("tea", "royalties", body, document=first.document.data, expires_at_s=exp)
    studio.later(40)


def read_by(client: TestClient, studio: Studio, actor: str, path: str) -> Response:
    """Read by signed request."""
    return client.get(path, headers=sign_request(studio.world.keys[actor], "GET", f"{BASE}{path}"))


def work_out(client: TestClient, studio: Studio, content: Any) -> Response:
    """Let the licensee have a statement worked out."""
    path, body = f"/royalties/{ACCOUNT}/statement", json.dumps(content).encode()
    headers = {"content-type": "application/json"}
    signed = sign_request(studio.world.keys["tea"], "POST", f"{BASE}{path}", body=body, headers=headers)
    return client.post(path, content=body, headers=signed)


def test_statements_are_private_and_worked_out(studio: Studio) -> None:
    """What a maker sold is between it and the artist; the statement is what the rule would work out."""
    opened(studio)
    client = client_of(studio)
    path = f"/royalties/{ACCOUNT}"
    for actor in ("cloth", "county"):
        assert read_by(client, studio, actor, path).status_code == 403
    assert client.get(path).status_code == 401
    assert read_by(client, studio, "tea", "/royalties/" + "0" * 32).status_code == 403
    sales = [{"pieces": 900, "gross": 12_000_000, "returned_pieces": 9, "returned": 150_000}]
    answer = work_out(client, studio, {"number": 1, "sales": sales})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["body"]["due"] == 629_500 - 200_000
    assert said["because"][0][-1] == ["band", 10_000_000, 1_850_000, 70]
    for wrong in ({"number": 2, "sales": sales}, {"number": 1}, {"number": 1, "sales": [{"pieces": 1.5, "gross": 1}]}):
        assert work_out(client, studio, wrong).status_code in {400, 422}
    studio.act("tea", "royalty-statement", **said["body"])
    studio.act("tea", "royalty-payment", royalties=ACCOUNT, payment="B-1", number=1, amount=429_500, day=studio.today)
    after = client_of(studio)
    facts = read_by(after, studio, "panay", path).json()
    assert facts["statements"][0]["due"] == facts["statements"][0]["paid"] == 429_500
    door = sign_door(studio.world.keys["panay"], f"{BASE}{path}", int(time.time()) + 600).partition("?")[2]
    page = after.get(f"{path}?{door}&lang=zh-TW", headers=HTML)
    assert page.status_code == 200, page.text[:300]
    for words in ("已申報的款項都付清了", "$6,295.00", "尚未確認收款"):
        assert words in page.text, words
    assert page.headers["cache-control"] == "no-store"


def test_nothing_of_sales_is_public(studio: Studio) -> None:
    """No public page, list or proof shows a figure that only the two sides may see."""
    opened(studio)
    sales = [{"pieces": 913, "gross": 12_345_679}]
    client = client_of(studio)
    said = work_out(client, studio, {"number": 1, "sales": sales}).json()
    studio.act("tea", "royalty-statement", **said["body"])
    client = client_of(studio)
    # Figures of a few digits stand in any proof by chance; these do not.
    figures = [str(one).encode() for one in (12_345_679, said["body"]["due"])]
    figures += [b"123,456.79", ACCOUNT.encode()]
    for path in ("/works", "/works/W-1", "/works/W-1/calendar", "/licences/L-1", "/licences/L-1/certificate",
                 "/licences/L-1/bundle", "/licences/L-1/data"):  # fmt: skip
        for headers in ({}, HTML):
            content = client.get(path, headers=headers).content
            assert not [one for one in figures if one in content], (path, headers)
