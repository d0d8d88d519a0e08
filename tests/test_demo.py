"""The demo: the stories as `make run` loads them, and every proof file that it names holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import chdir
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from servers import free_port
from typer.testing import CliRunner

from node.cli import app
from node.demo import PASSPHRASE
from verifiers import account, payment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENGTU = [sys.executable, "-c", "from node.cli import main; main()"]
JSON = {"accept": "application/json"}
LOADED_S = 240


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, str]]:
    """A node that was started with the demo: its address, its data, what it printed."""
    data = tmp_path_factory.mktemp("demo") / "data"
    url = f"http://127.0.0.1:{free_port()}"
    environment = {name: value for name, value in os.environ.items() if name != "FENGTU_PASSPHRASE"}
    out = data.parent / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [*FENGTU, "run", "--demo", "--data", data, "--port", url.rpartition(":")[2]],
            env=environment, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + LOADED_S
        while "All of it" not in out.read_text(encoding="utf-8"):
            assert process.poll() is None, out.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, out.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield url, data, out.read_text(encoding="utf-8")
    finally:
        process.terminate()
        process.wait(30)


def stories(url: str) -> list[dict[str, Any]]:
    """Return the stories as the node tells them."""
    found: list[dict[str, Any]] = httpx.get(f"{url}/demo.json").json()["stories"]
    return found


def answers(url: str, question: str) -> list[dict[str, Any]]:
    """Return the answers to a question, of all stories."""
    return [one for story in stories(url) for one in story["answers"] if one["question"] == question]


def run(*words: object, cwd: Path, code: int = 0) -> str:
    """Return what the command line says to one who has the demo's passphrase."""
    with chdir(cwd):
        done = CliRunner(env={"FENGTU_PASSPHRASE": PASSPHRASE}).invoke(app, [str(one) for one in words])
    assert done.exit_code == code, (words, done.output)
    return done.output


def policy_of(url: str) -> bytes:
    """Return the policy that the node recommends."""
    return httpx.get(f"{url}/log/policy").content


def bundled(address: str) -> list[dict[str, Any]]:
    """Return the private documents of a proof file."""
    return [json.loads(one["document"]) for one in httpx.get(address).json()["private"]]


def body_of(document: bytes) -> dict[str, Any]:
    """Return what a document says, nothing where it is none."""
    try:
        body: dict[str, Any] = json.loads(document).get("body", {})
    except ValueError:
        body = {}
    return body


QUESTIONS = {
    1: {"product", "settlement"},
    2: {"product", "settlement", "account", "payment"},
    3: {"account", "payment"},
    4: {"account", "payment"},
    5: {"account", "payment"},
    6: {"licence", "product"},
}
"""What each story answers."""


def test_every_answer_of_every_story_holds(played: tuple[str, Path, str]) -> None:
    """Each proof file, a product's as anyone has it and a private one as its reader fetched it, holds offline."""
    url, data, _ = played
    policy, now = policy_of(url), int(time.time())
    told = {story["story"]: story for story in stories(url)}
    assert {number: {one["question"] for one in story["answers"]} for number, story in told.items()} == QUESTIONS
    for one in (one for story in told.values() for one in story["answers"]):
        found = httpx.get(url + one["bundle"])
        assert found.status_code == 200, one
        verdict = import_module(f"verifiers.{one['question']}").verify(found.content, policy, now)
        assert (verdict.kind, verdict.status) == ("operator", one["status"]), (one, verdict.steps[-1])
        if "reader" in one:
            assert found.content == (data / "demo" / one["kept"]).read_bytes()
            assert httpx.get(f"{url}{one['page']}/bundle").status_code == 401
    statuses = [one["status"] for one in answers(url, "settlement")]
    assert sorted(statuses) == ["closed", "closed", "closed", "settled"]


@pytest.mark.parametrize("question", sorted(set().union(*QUESTIONS.values())))
def test_the_command_line_says_the_same(played: tuple[str, Path, str], tmp_path: Path, question: str) -> None:
    """`fengtu verify` on one proof file of each story that answers the question: exit 0, and the status."""
    url, data, _ = played
    (tmp_path / "policy.json").write_bytes(httpx.get(f"{url}/log/policy").content)
    for story in stories(url):
        one = next((one for one in story["answers"] if one["question"] == question), None)
        if one is not None:
            said = run("verify", data / "demo" / one["kept"], "--policy", "policy.json", cwd=tmp_path)
            assert f"HOLDS BY THE OPERATOR'S WORD · {one['status']}" in said


def test_all_of_it_recomputes(played: tuple[str, Path, str], tmp_path: Path) -> None:
    """What the stories left behind is what the rules give: while the node runs, with private documents and without."""
    _, data, _ = played
    for words in (["fsck"], ["replay"], ["replay", "--public"]):
        assert "ok: " in run(*words, "--data", data, cwd=tmp_path)


def test_who_did_what_is_told(played: tuple[str, Path, str]) -> None:
    """The page tells each story in three languages, and its links open, the private ones by keys that are lent."""
    url, _, printed = played
    for story in stories(url):
        assert all(one["who"] in {each["actor"] for each in story["people"]} for one in story["told"])
        assert story["titles"]["en"] in printed
        for tag in ("zh-TW", "en", "ja"):
            page = httpx.get(f"{url}/demo", headers={"accept-language": tag}).text
            assert story["titles"][tag] in page
            assert story["told"][0]["did"][tag].split("'")[0] in page
        for one in (*story["answers"], *story["pages"]):
            if "key" in one:
                link = f"{url}/demo/open{one['page']}"
                opened = httpx.get(link, headers={"accept": "text/html"}, follow_redirects=True)
                assert (opened.status_code, "<main" in opened.text) == (200, True), one
    assert 'href="/demo"' in httpx.get(url, headers={"accept": "text/html"}).text
    assert httpx.get(f"{url}/demo/bundles/..%2F..%2Fkeys%2Foperator.json").status_code == 404
    assert httpx.get(f"{url}/demo/open/nothing").status_code == 404


def test_acts_are_entered_when_they_happened(played: tuple[str, Path, str]) -> None:
    """A season that is entered day by day has one late mark: the act that somebody forgot."""
    url, _, _ = played
    page = httpx.get(f"{url}/products/04712345100012/LIN-115-1", headers={"accept-language": "en"}).text
    assert page.count("days later") == 1


def test_what_a_shopper_sees_of_the_season(played: tuple[str, Path, str]) -> None:
    """The lot that was delivered says that the guaranteed price was kept, and no amount."""
    url, _, _ = played
    page = httpx.get(f"{url}/products/04712345100012/EDA-115-LIN", headers={"accept-language": "zh-TW"}).text
    assert "保證價格" in page
    assert "屏東冷凍食品廠" in page
    assert "NT$" not in page


def test_the_printed_addresses_open(played: tuple[str, Path, str]) -> None:
    """What the demo prints is opened by a plain browser: a party's page, for an hour."""
    _, _, printed = played
    opened = [word for word in printed.split() if "?door=" in word]
    told = [one for story in stories(played[0]) for one in (*story["answers"], *story["pages"])]
    assert len(opened) == len([one for one in told if "reader" in one])
    for address in opened:
        page = httpx.get(address, headers={"accept": "text/html"})
        assert page.status_code == 200


def test_no_measured_value_is_anywhere(played: tuple[str, Path, str]) -> None:
    """A station measures forty people; what it measured is in no file of the node, and no name of a resident is."""
    _, data, _ = played
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) > 50
    for path in files:
        found = path.read_bytes()
        for word in ("walk_ds", "grip_hg", "旅人07", "春枝"):
            assert word.encode() not in found or path.name == "demo.json", (path, word)


def test_a_programme_lists_its_stations(played: tuple[str, Path, str]) -> None:
    """A hundred and seven stations stand in the programme, twelve of them gave coins; the caps held each day."""
    url, data, _ = played
    assert len(httpx.get(f"{url}/programmes/taitung-wellness", headers=JSON).json()["stations"]) == 107
    taitung = next(story for story in stories(url) if story["story"] == 4)
    gave = [one for one in taitung["people"] if one["did"].get("coins-earning") and "station" in one["actor"]]
    assert len(gave) == 12
    tested = [one["did"]["coins-commitment"] for one in taitung["people"] if "coins-commitment" in one["did"]]
    assert tested == [80]
    wallet = next(one for one in answers(url, "account") if "旅人 01" in one["title"])
    facts = account.verify((data / "demo" / wallet["kept"]).read_bytes(), policy_of(url), int(time.time())).facts
    assert facts["balance"]["available"] > 0


def test_one_payment_with_everything(played: tuple[str, Path, str]) -> None:
    """Coins, a ticket, a coupon and money pay one bill; each comes back the way it came, but the coupon."""
    url, _, _ = played
    mixed = next(one for one in answers(url, "payment") if "折價券" in one["title"])
    facts = payment.verify(httpx.get(url + mixed["bundle"]).content, policy_of(url), int(time.time())).facts
    asked = next(one["body"] for one in bundled(url + mixed["bundle"]) if "total" in one["body"])
    assert {"coins", "money", "tickets", "coupons"} <= asked.keys()
    assert (asked["total"], facts["coins"], facts["paid"]) == (50_000, 30, 20)
    assert facts["paid_with"].get("money", 0) == 0
    assert mixed["status"] == "part-refunded"


def test_visit_figures_hide_small_groups(played: tuple[str, Path, str]) -> None:
    """Eighteen people at the café are told by part of the day; three at the noodle shop are not told of at all."""
    url, _, _ = played
    size = int(httpx.get(f"{url}/log/checkpoint").text.split("\n")[1])
    documents = [httpx.get(f"{url}/entries/{index}/document").content for index in range(size - 60, size)]
    figures = next(body["figures"] for body in map(body_of, documents) if "figures" in body)
    assert figures == {"hualien.cafe": {"day": 18, "early": 12, "late": 6, "morning": 6, "midday": 6}}


def test_a_pattern_on_a_box_of_tea(played: tuple[str, Path, str]) -> None:
    """A grant over the people's own use is refused and says where; one licence holds, one is revoked."""
    url, _, printed = played
    art = next(story for story in stories(url) if story["story"] == 6)
    (refused,) = art["refused"]
    assert refused["rule"] == "licences.overlap"
    assert "U-115-dress in TW, textiles" in refused["said"]
    assert refused["said"][:60] in printed
    assert [one["status"] for one in art["answers"]] == ["active", "revoked", "active"]
    page = httpx.get(url + art["answers"][2]["page"], headers={"accept": "text/html", "accept-language": "en"}).text
    assert "Waves and shell ginger" in page


def test_the_pool_adds_up_to_the_cent(played: tuple[str, Path, str]) -> None:
    """What twelve smallholders are paid is what the pool fetched less its costs, not a cent more or less."""
    url, _, _ = played
    pool = next(one for one in answers(url, "settlement") if "十二戶" in one["title"])
    bodies = [one["body"] for one in bundled(url + pool["bundle"])]
    settled = next(one for one in bodies if "lines" in one)
    assert sum(one["amount"] for one in settled["sums"]) == settled["proceeds"] - settled["costs"]
    assert len(settled["sums"]) == 12


def test_a_ledger_of_today_tells_what_a_day_allows(tmp_path: Path) -> None:
    """Without months in its past an agreement stands where ten days of thought begin, and the proof says so."""
    data, port, origin = tmp_path / "data", free_port(), "demo.test/log"
    environment = {**os.environ, "FENGTU_PASSPHRASE": "a passphrase for tests"}
    subprocess.run([*FENGTU, "init", data, "--origin", origin], check=True, env=environment, capture_output=True)
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [*FENGTU, "run", "--data", data, "--port", str(port)], env=environment, stdout=out, stderr=out
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + LOADED_S
        while True:
            try:
                httpx.get(f"{url}/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        demo = [*FENGTU, "demo", "--data", data, "--url", url]
        told = subprocess.run(demo, check=False, env=environment, capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
        assert [one["status"] for one in answers(url, "settlement")] == ["drafted"] * 4
        again = subprocess.run(demo, check=False, env=environment, capture_output=True, text=True)
        assert "there already" in again.stdout, again.stderr
    finally:
        process.terminate()
        process.wait(30)


def test_an_agreement_at_the_command_line(played: tuple[str, Path, str], tmp_path: Path) -> None:
    """A purchaser lists, reads and settles dry; a farmer drafts nothing for others; a proof file verifies offline."""
    url, data, _ = played
    keys = data / "demo" / "keys"
    mill = ("--key", keys / "hsinchu.mill.json", "--url", url)
    found = json.loads(run("agreement", "list", *mill, "--words", "稻穀", "--json", cwd=tmp_path))
    assert found["count"] == 2
    ids = {len(one["growers"]): one["agreement"] for one in found["agreements"]}
    shown = run("agreement", "show", ids[12], *mill, cwd=tmp_path)
    assert "the guarantee was kept" in shown
    assert shown.count("paid") == 12
    assert "nothing is due" in run("agreement", "due", ids[1], *mill, cwd=tmp_path)
    file = tmp_path / "rice.json"
    run("bundle", "agreement", ids[1], "-o", file, *mill, cwd=tmp_path)
    (tmp_path / "policy.json").write_bytes(httpx.get(f"{url}/log/policy").content)
    assert "HOLDS BY THE OPERATOR'S WORD · closed" in run(
        "verify", file, "--policy", tmp_path / "policy.json", cwd=tmp_path
    )
    assert run("agreement", "list", *mill, cwd=tmp_path).rstrip().endswith("2 of 2")
    stranger = ("--key", keys / "pingtung.lin.json", "--url", url)
    assert "concerns others" in run("agreement", "show", ids[1], *stranger, code=1, cwd=tmp_path)

    terms = json.loads(json.dumps(json.loads(file.read_bytes())["private"][0]["document"]))
    (tmp_path / "terms.json").write_text(json.dumps(json.loads(terms)["body"]["terms"]), encoding="utf-8")
    drafted = run("agreement", "draft", "terms.json", *mill, cwd=tmp_path).strip()
    assert len(drafted) == 32
    refused = run("agreement", "draft", "terms.json", "--id", drafted, *stranger, code=1, cwd=tmp_path)
    assert "(agreements.unknown)" in refused
    (tmp_path / "step.json").write_text("{}", encoding="utf-8")
    assert "expected" in run("agreement", "act", "fly", "step.json", "--id", drafted, *mill, code=2, cwd=tmp_path)
    assert "(rules.schema)" in run(
        "agreement", "act", "fairness", "step.json", "--id", drafted, *mill, code=1, cwd=tmp_path
    )
