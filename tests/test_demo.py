"""The demo: the stories as `make run` loads them, and every proof file that it names holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from servers import free_port

from verifiers import product, settlement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENGTU = [sys.executable, "-c", "from node.cli import main; main()"]
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


def test_every_answer_of_every_story_holds(played: tuple[str, Path, str]) -> None:
    """A product's file is anyone's, an agreement's is what its party fetched; all hold by the operator's word."""
    url, data, _ = played
    policy, now = httpx.get(f"{url}/log/policy").content, int(time.time())
    statuses: dict[str, list[str]] = {}
    for story in stories(url):
        for one in story["answers"]:
            if one["question"] == "product":
                verdict = product.verify(httpx.get(url + one["bundle"]).content, policy, now)
            else:
                assert httpx.get(url + one["bundle"]).status_code == 401
                verdict = settlement.verify((data / "demo" / one["kept"]).read_bytes(), policy, now)
                assert verdict.status == one["status"]
            assert verdict.kind == "operator", (one, verdict.steps[-1])
            statuses.setdefault(one["question"], []).append(verdict.status)
    assert len(statuses["product"]) > 10
    assert sorted(statuses["settlement"]) == ["closed", "closed", "closed", "settled"]


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
    assert len(opened) == 4
    for address in opened:
        page = httpx.get(address, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "結算" in page.text


def test_the_pool_adds_up_to_the_cent(played: tuple[str, Path, str]) -> None:
    """What twelve smallholders are paid is what the pool fetched less its costs, not a cent more or less."""
    _, data, _ = played
    kept = json.loads((data / "demo" / "settlements.json").read_bytes())
    pool = next(one for one in kept if "pool" in one["kept"])
    members = json.loads((data / "demo" / pool["kept"]).read_bytes())
    bodies = [json.loads(one["document"])["body"] for one in members["private"]]
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
        deadline = time.monotonic() + 30
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
        found = [one for story in stories(url) for one in story["answers"] if one["question"] == "settlement"]
        assert [one["status"] for one in found] == ["drafted"] * 4
    finally:
        process.terminate()
        process.wait(30)


def test_an_agreement_at_the_command_line(played: tuple[str, Path, str], tmp_path: Path) -> None:
    """A purchaser lists, reads and settles dry; a farmer drafts nothing for others; a proof file verifies offline."""
    url, data, _ = played
    environment = {**os.environ, "FENGTU_PASSPHRASE": "fengtu-demo"}
    keys = data / "demo" / "keys"

    def run(*words: object, code: int = 0) -> str:
        done = subprocess.run(
            [*FENGTU, *map(str, words)], check=False, env=environment, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    mill = ("--key", keys / "hsinchu.mill.json", "--url", url)
    found = json.loads(run("agreement", "list", *mill, "--words", "稻穀", "--json"))
    assert found["count"] == 2
    ids = {len(one["growers"]): one["agreement"] for one in found["agreements"]}
    shown = run("agreement", "show", ids[12], *mill)
    assert "the guarantee was kept" in shown
    assert shown.count("paid") == 12
    assert "nothing is due" in run("agreement", "due", ids[1], *mill)
    file = tmp_path / "rice.json"
    run("bundle", "agreement", ids[1], "-o", file, *mill)
    (tmp_path / "policy.json").write_bytes(httpx.get(f"{url}/log/policy").content)
    assert "HOLDS BY THE OPERATOR'S WORD · closed" in run("verify", file, "--policy", tmp_path / "policy.json")
    stranger = ("--key", keys / "pingtung.lin.json", "--url", url)
    assert "concerns others" in run("agreement", "show", ids[1], *stranger, code=1)

    terms = json.loads(json.dumps(json.loads(file.read_bytes())["private"][0]["document"]))
    (tmp_path / "terms.json").write_text(json.dumps(json.loads(terms)["body"]["terms"]), encoding="utf-8")
    drafted = run("agreement", "draft", "terms.json", *mill).strip()
    assert len(drafted) == 32
    refused = run("agreement", "draft", "terms.json", "--id", drafted, *stranger, code=1)
    assert "(agreements.unknown)" in refused
    (tmp_path / "step.json").write_text("{}", encoding="utf-8")
    assert "expected" in run("agreement", "act", "fly", "step.json", "--id", drafted, *mill, code=2)
    assert "(rules.schema)" in run("agreement", "act", "fairness", "step.json", "--id", drafted, *mill, code=1)
