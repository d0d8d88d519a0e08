"""Coins over HTTP: each reads what is theirs, pages and files say what the verdicts say; others learn nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from logged import logged
from pages_sample import reader
from pypdf import PdfReader
from rewards import PROGRAMME, Town, name
from rewards_sample import STATES
from rules import ORIGIN
from test_coins_verdicts import Lived, live
from webs import services_of

from api.app import create_app
from api.door import sign_door
from api.pages.render import render
from api.signed import sign_request
from contracts.calendar import day_end_ms, day_of, month_of
from contracts.rewards.book import holder_of
from contracts.rewards.clearing import liability
from contracts.rewards.code import Code, encode_code, sign_code
from contracts.rewards.keys import visits_key
from contracts.rewards.visits import published
from verifiers import account as accounts
from verifiers import liability as liabilities
from verifiers import payment as payments
from verifiers import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

BASE = "http://127.0.0.1:8000"
HTML = {"accept": "text/html"}
TOWN = f"/programmes/{PROGRAMME}"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A town in which every kind of charge happened."""
    world = logged(tmp_path_factory.mktemp("pages"))
    yield live(world)
    world.close()


@pytest.fixture(scope="module")
def client(lived: Lived) -> TestClient:
    """The node's app over it."""
    services = services_of(lived.world)
    return TestClient(create_app(services), raise_server_exceptions=False, follow_redirects=False)


def get(client: TestClient, lived: Lived, path: str, actor: str, **headers: str) -> Response:
    """Read a path by a request that an actor signs."""
    return client.get(path, headers={**sign_request(lived.world.keys[actor], "GET", f"{BASE}{path}"), **headers})


def door(client: TestClient, lived: Lived, path: str, actor: str, language: str = "zh-TW") -> Response:
    """Read a page as a plain browser does, by an address that an actor signed."""
    address = sign_door(lived.world.keys[actor], f"{BASE}{path}", int(time.time()) + 600)
    return client.get(address.removeprefix(BASE), headers={**HTML, "accept-language": language})


def test_whom_it_concerns_and_nobody_else(client: TestClient, lived: Lived) -> None:
    """A holder and the programme read an account, its merchant a charge too; others hear the same as of none."""
    anna, charge = holder_of(lived.anna), lived.charges["posted"]
    readers = {
        f"/accounts/{lived.anna}": ({anna, "county"}, f"/accounts/{name('nobody')}"),
        f"/redemptions/{charge}": ({anna, "county", "noodles"}, f"/redemptions/{name('nobody')}"),
    }
    for path, (allowed, none) in readers.items():
        for behind in ("", "/data", "/bundle"):
            assert client.get(path + behind).status_code == 401
            for actor in (anna, "county", "noodles", "tea", "clinic", holder_of(lived.beni)):
                answer = get(client, lived, path + behind, actor)
                assert answer.headers["content-type"]
                if actor in allowed:
                    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
                else:
                    refused = get(client, lived, none + behind, actor)
                    assert (answer.status_code, answer.content) == (403, refused.content)


def test_proof_files_hold(client: TestClient, lived: Lived) -> None:
    """What each downloads verifies without the node, and says what the page's facts say."""
    now, policy = lived.world.time_ms // 1000 + 5, lived.world.policy()
    for path, actor, verify in (
        (f"/accounts/{lived.anna}", holder_of(lived.anna), accounts.verify),
        (f"/redemptions/{lived.charges['card']}", "noodles", payments.verify),
        (f"{TOWN}/issuers/county/liability", "county", liabilities.verify),
    ):
        verdict = verify(get(client, lived, f"{path}/bundle", actor).content, policy, now)
        assert verdict.kind == "operator", verdict.steps[-1]
        said = get(client, lived, path, actor).json()
        assert (verdict.status, json.loads(json.dumps(verdict.facts))) == (said["status"], said["facts"])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-TW", ["使用期限", "收回：<bdi>記錯人", "步行"]),
        ("en", ["Until when they can be spent", "Taken back: <bdi>記錯人", "Refunded by"]),
        ("ja", ["使用期限", "取り消し：<bdi>記錯人", "から返金"]),
    ],
)
def test_the_wallet_says_it(client: TestClient, lived: Lived, language: str, words: list[str]) -> None:
    """The balance stands first, every end and act after it; each payment's page opens by the same door."""
    page = door(client, lived, f"/accounts/{lived.anna}", holder_of(lived.anna), language)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store"), page.text
    purse = lived.town.purse(lived.anna)
    assert f'<span class="figure">{purse.available} ' in page.text
    for word in words:
        assert word in page.text
    for ends_ms in {lot.ends_ms for lot in purse.lots}:
        assert day_of(ends_ms - 1) in page.text
    assert "<script" not in page.text
    links = page.text.split(f'href="/accounts/{lived.anna}/redemptions/')[1:]
    assert links
    address = f"/accounts/{lived.anna}/redemptions/{links[0].split(chr(34))[0]}"
    assert client.get(address, headers=HTML).status_code == 200


def test_a_wallet_of_many_acts_is_paged(client: TestClient, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each act stands on one page, whichever way one turns them."""
    monkeypatch.setattr("api.coins.PAGE_ACTS", 5)
    path, acts = f"/accounts/{lived.anna}", lived.town.state(lived.anna)["entries"]
    address = sign_door(lived.world.keys[holder_of(lived.anna)], BASE + path, int(time.time()) + 600)
    seen = 0
    for first in range(1, acts + 1, 5):
        page = client.get(f"{address.removeprefix(BASE)}&first={first}", headers={**HTML, "accept-language": "en"}).text
        seen += page.split('id="history"')[1].split("</ul>")[0].count("<li>")
        assert ("Older</a>" in page, "Newer</a>" in page) == (first + 5 <= acts, first > 1)
    assert seen == acts


def test_a_balance_of_any_time_is_read(client: TestClient, lived: Lived) -> None:
    """Asked for a moment, the node answers with the coins as they were; before the account was opened with none."""
    path, first = f"/accounts/{lived.anna}/data", get(client, lived, f"/accounts/{lived.anna}", holder_of(lived.anna))
    acts = first.json()["facts"]["history"]
    for act in (acts[2], acts[-1]):
        found = get(client, lived, f"{path}?at={act['time_ms']}", holder_of(lived.anna)).json()
        # On a quick machine several acts have one time: the last of them counts.
        last = next(one for one in reversed(acts) if one["time_ms"] <= act["time_ms"])
        assert found["balance"]["available"] == last["available"]
    at = f"{path}?at={acts[0]['time_ms'] - 1}"
    assert get(client, lived, at, holder_of(lived.anna)).json()["balance"] is None


def test_all_of_a_person_in_one_file(client: TestClient, lived: Lived) -> None:
    """個資法: every act, charge and test of the person is in it, each proof verifies alone; no measured value is."""
    answer = get(client, lived, f"/accounts/{lived.anna}/archive", holder_of(lived.anna))
    archive, now, policy = ZipFile(io.BytesIO(answer.content)), lived.world.time_ms // 1000 + 5, lived.world.policy()
    facts = json.loads(archive.read("facts.json"))
    assert len(facts["history"]) == lived.town.state(lived.anna)["entries"]
    charges = {act["about"] for act in facts["history"] if act["kind"] == "coins-charge"}
    names = set(archive.namelist())
    assert {f"payments/{charge}.bundle.json" for charge in charges} <= names
    tests = [one for one in names if one.startswith("tests/")]
    assert len(tests) == 2
    for one in names - {"facts.json"}:
        verify = {"a": accounts.verify, "p": payments.verify, "t": records.verify}[one[0]]
        assert verify(archive.read(one), policy, now).kind == "operator"
        assert b"systolic" not in archive.read(one)
    for actor in ("county", "clinic", "noodles", holder_of(lived.beni)):
        answer = get(client, lived, f"/accounts/{lived.anna}/archive", actor)
        assert answer.status_code == (200 if actor == "county" else 403)


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        ("posted", "退還 30 枚"),
        ("voided", "未付款：已取消"),
        ("unpaid", "餘額不足"),
        ("part-refunded", "另退還 2 枚"),
        ("card", "紙卡"),
    ],
)
def test_a_payment_says_it(client: TestClient, lived: Lived, charge: str, words: str) -> None:
    """One sentence says whether it was paid; the till's door opens it too."""
    path = f"/redemptions/{lived.charges[charge]}"
    actor = "tea" if charge == "part-refunded" else "noodles"
    page = door(client, lived, path, actor)
    assert words in page.text.replace("<bdi>", "").replace("</bdi>", ""), page.text
    address = sign_door(lived.world.keys[actor], f"{BASE}{TOWN}/till", int(time.time()) + 600)
    below = address.removeprefix(BASE).replace("/till?", f"/till/{lived.charges[charge]}?")
    assert client.get(below, headers=HTML).status_code == 200


def test_a_programme_is_public(client: TestClient) -> None:
    """Anybody reads where coins are earned and taken; one that is not there is not found."""
    assert client.get(TOWN).json()["programme"] == PROGRAMME
    page = client.get(TOWN, headers={**HTML, "accept-language": "zh-TW"}).text
    for words in ("花蓮健康幣", "步行", "名稱 noodles", "95 %"):
        assert words in page
    for behind in ("", "/till", "/clearing"):
        assert client.get(f"/programmes/none{behind}").status_code in {401, 404}


def test_how_many_people_came(tmp_path: Path) -> None:
    """Anybody reads the figures that were published, and that others are withheld; of other days nothing is said."""
    world = logged(tmp_path)
    town = Town(world)
    for one in "abcdef":
        account = town.open(one)
        town.earn(account)
        town.charge(account, 1)
    day = day_of(world.time_ms)
    world.time_ms = day_end_ms(day)
    cells = published(world.get(visits_key(PROGRAMME, "noodles", day)))
    world.submit("county", "visit-figures", {"programme": PROGRAMME, "day": day, "figures": {"noodles": cells}})
    shop = TestClient(create_app(services_of(world)), raise_server_exceptions=False)
    found = shop.get(f"{TOWN}/figures?day={day}").json()
    assert (found["published"], found["figures"]) == (True, {"noodles": {"day": 6}})
    page = shop.get(f"{TOWN}/figures?day={day}", headers={**HTML, "accept-language": "zh-TW"}).text
    assert page.count("未提供") >= 6
    assert not shop.get(f"{TOWN}/figures?day=2026-01-01").json()["published"]
    assert shop.get(f"{TOWN}/figures?day=2026-02-30").status_code == 400
    world.close()


def test_the_till(client: TestClient, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's total and each line are those of the merchant's facts; its issuers' sums are what it is owed."""
    monkeypatch.setattr("api.programmes.TILL_ROWS", 3)
    monkeypatch.setattr("api.books.LINES_READ", 2)
    month = month_of(lived.world.time_ms)
    found = get(client, lived, f"{TOWN}/till", "noodles").json()
    rows = lived.town.rows("noodles", month)
    assert (found["count"], len(found["lines"]), found["month"]) == (9, 3, month)
    assert found["coins"] == found["today"]["coins"] == sum(row.net for row in rows if row.means == "coins")
    firsts = (get(client, lived, f"{TOWN}/till?first={first}", "noodles").json() for first in (4, 7))
    lines = found["lines"] + [line for one in firsts for line in one["lines"]]
    refunds = [line for line in lines if line["refund"]]
    assert (found["today"]["charges"], found["today"]["refunds"]) == (len(lines) - len(refunds), len(refunds))
    assert found["today"]["refunded"] == -sum(line["coins"] for line in refunds) > 0
    assert sum(line["coins"] for line in lines) == found["coins"]
    assert [line["time_ms"] for line in lines] == sorted((line["time_ms"] for line in lines), reverse=True)
    page = door(client, lived, f"{TOWN}/till", "noodles", "en").text
    assert f'<span class="figure">{found["coins"]} coins' in page
    assert f'href="{TOWN}/till/{lines[0]["charge"]}?door=' in page
    assert get(client, lived, f"{TOWN}/till?month=2026-13", "noodles").status_code == 400
    assert get(client, lived, f"{TOWN}/till?month=2026-01", "noodles").json()["lines"] == []
    for other in ("clinic", "county", holder_of(lived.anna)):
        assert get(client, lived, f"{TOWN}/till", other).status_code == 403


def test_the_station(client: TestClient, lived: Lived) -> None:
    """A station reads what it gave, and by card, code or account what is left for a person today, nothing more."""
    town, path = lived.town, f"{TOWN}/station"
    found = get(client, lived, path, "clinic").json()
    assert {one["activity"]: one["times"] for one in found["given"]} == {"steps": 0, "class": 3, "improved": 1}
    assert found["coins"] == 3 * 35 + 50
    shown = encode_code({"programme": PROGRAMME, **town.code(lived.anna, 5, name("shown"))})
    for who in (lived.anna, name("card"), shown):
        person = get(client, lived, f"{path}?who={who}", "clinic").json()["person"]
        assert person == {"coins_left": 15, "left": {"steps": 1, "class": 0, "improved": 0}}
    assert get(client, lived, f"{path}?who={name('nobody')}", "clinic").json()["person"] is None
    assert get(client, lived, f"{path}?who=FT1.x", "clinic").status_code == 400
    assert "今天還可以領多少" in door(client, lived, path, "clinic").text
    assert get(client, lived, path, "noodles").status_code == 403


def test_the_clearing(client: TestClient, lived: Lived) -> None:
    """Each sees their rows, equal from both sides, as page, table and paper; an issuer also its liability."""
    month, town = month_of(lived.world.time_ms), lived.town
    whole = get(client, lived, f"{TOWN}/clearing", "county").json()
    assert (whole["equal"], whole["open"], whole["month"]) == (True, True, month)
    owed = sorted(row for issuer in ("county", "town") for row in town.owed(issuer, month))
    assert [(row["issuer"], row["merchant"], row["branch"], row["means"], row["net"]) for row in whole["rows"]] == [
        (row.issuer, row.merchant, row.branch, row.means, row.net) for row in owed
    ]
    assert whole["issuers"]["town"]["liability"] == liability(town.funds("town"), lived.world.time_ms)
    tea = get(client, lived, f"{TOWN}/clearing", "tea").json()
    assert {row["merchant"] for row in tea["rows"]} == {"tea"}
    assert (tea["issuers"], tea["equal"]) == ({}, True)
    issuer = get(client, lived, f"{TOWN}/clearing", "town").json()
    assert ({row["issuer"] for row in issuer["rows"]}, set(issuer["issuers"])) == ({"town"}, {"town"})
    assert issuer["equal"]
    assert get(client, lived, f"{TOWN}/clearing", "clinic").status_code == 403
    table = get(client, lived, f"{TOWN}/clearing/csv", "county").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert sum(int(row["due"]) for row in rows) == whole["due"] == sum(row["due"] for row in whole["rows"])
    paper = get(client, lived, f"{TOWN}/clearing/pdf", "county", **{"accept-language": "zh-TW"})
    text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(paper.content)).pages)
    assert f"{whole['due'] / 100:,.2f}" in text
    page = door(client, lived, f"{TOWN}/clearing", "county").text
    assert "雙方相等" in page
    proof = page.split(f'href="{TOWN}/clearing/town/liability/bundle?')[1].split('"')[0]
    assert client.get(f"{TOWN}/clearing/town/liability/bundle?{proof}").status_code == 200


def test_what_an_issuer_owes_is_its_own_to_read(client: TestClient, lived: Lived) -> None:
    """The issuer and who runs the programme read it; another issuer, a merchant or a stranger does not."""
    path = f"{TOWN}/issuers/town/liability"
    for actor, status in (("town", 200), ("county", 200), ("noodles", 403), ("clinic", 403)):
        assert get(client, lived, path, actor).status_code == status
    assert get(client, lived, f"{TOWN}/issuers/county/liability", "town").status_code == 403
    assert get(client, lived, f"{TOWN}/issuers/nobody/liability", "town").status_code == 403


def test_each_act_has_its_schema(client: TestClient) -> None:
    """A till's maker reads what the body of each act is."""
    listed: dict[str, Any] = {one["kind"]: one for one in client.get("/kinds").json()["kinds"]}
    for kind in ("charge", "confirm", "post", "void", "refund", "earning", "transfer", "card", "key", "account"):
        assert listed[f"coins-{kind}"]["private"]
        assert "account" in client.get(f"/kinds/coins-{kind}").json()["schema"]["properties"]


@pytest.mark.parametrize("tag", ["zh-TW", "en", "ja"])
def test_every_state_of_a_page_is_said(tag: str) -> None:
    """However a charge or a month stands, the page has a sentence for it."""
    for name_, view in STATES.items():
        page = render(view, reader(tag))
        heading = re.sub(r"<[^>]*>", "", page.split("<h1")[1].split(">", 1)[1].split("</h1>")[0]).strip()
        assert heading, name_
        assert "<script" not in page


def test_digits_stand_for_a_code(client: TestClient, lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read out at the till: only a merchant of the programme gets the code, only its own, only while it lives."""
    now_s = lived.world.log.clock.now_ms() // 1000
    key = lived.world.keys[holder_of(lived.anna)]

    def shown(**more: Any) -> str:
        code = Code(PROGRAMME, lived.anna, name("digits"), 5, **{"until_s": now_s + 100, **more})
        signed = sign_code(more.get("key", key), ORIGIN, code)
        return encode_code({"programme": PROGRAMME, "account": lived.anna, "charge": name("digits"), "code": signed})

    plain = {"content-type": "text/plain"}
    text = shown(merchant="noodles")
    kept = client.post("/codes", content=text, headers=plain).json()
    path = f"/codes/{kept['digits']}"
    assert (len(kept["digits"]), kept["until_s"]) == (10, now_s + 100)
    assert get(client, lived, path, "noodles").json() == {"code": text}
    assert client.get(path).status_code == 401
    for other in ("tea", "clinic", holder_of(lived.anna)):
        assert get(client, lived, path, other).status_code == 404
    slip = str((int(kept["digits"][0]) + 1) % 10) + kept["digits"][1:]
    assert get(client, lived, f"/codes/{slip}", "noodles").status_code == 400
    for bad in (
        shown(until_s=now_s),
        shown(until_s=now_s + 3_600),
        shown(offline=True, merchant="tea"),
        "FT1.x",
        text + "A",
    ):
        assert client.post("/codes", content=bad, headers=plain).status_code == 400
    stranger = Code(PROGRAMME, lived.anna, name("digits"), 5, now_s + 100)
    signed = {**sign_code(lived.world.keys["noodles"], ORIGIN, stranger), "kid": key.kid.hex()}
    forged = encode_code({"programme": PROGRAMME, "account": lived.anna, "charge": name("digits"), "code": signed})
    assert client.post("/codes", content=forged, headers=plain).status_code == 403
    monkeypatch.setattr(lived.world.log.clock, "now_ms", lambda: (now_s + 100) * 1000)
    assert get(client, lived, path, "noodles").status_code == 404


def test_now_is_before_any_seal(client: TestClient, lived: Lived) -> None:
    """A resident sees at once what waits for their word, and a till how its charge stands; others see neither."""
    town = lived.town
    charge = town.charge(lived.anna, 4, ceiling=1)
    found = get(client, lived, f"/redemptions/{charge}/now", holder_of(lived.anna)).json()
    assert (found["stage"], found["coins"], found["posted"]) == ("pending", 4, 0)
    wallet = get(client, lived, f"/accounts/{lived.anna}/now", holder_of(lived.anna)).json()
    assert charge in {hold["charge"] for hold in wallet["holds"]}
    assert wallet["balance"] == town.purse(lived.anna).balance()
    town.on("noodles", "void", lived.anna, charge)
    for path in (f"/redemptions/{charge}/now", f"/accounts/{lived.anna}/now"):
        assert get(client, lived, path, "tea").status_code == 403


def test_a_station_helps_who_lost_a_phone(client: TestClient, lived: Lived) -> None:
    """By the keyed hash of the person's number, or the account: its open keys and cards, to stations only."""
    state = lived.town.state(lived.anna)
    for who in (lived.anna, state["person"]):
        found = get(client, lived, f"{TOWN}/people/{who}", "clinic").json()
        assert found == {"account": lived.anna, "keys": state["keys"][1:], "cards": [name("card")]}
    assert get(client, lived, f"{TOWN}/people/{name('nobody')}", "clinic").status_code == 404
    for other in ("noodles", holder_of(lived.anna)):
        assert get(client, lived, f"{TOWN}/people/{lived.anna}", other).status_code == 403
