"""Real input by the command line, against a running node: in, again without doubling, and back out."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from farms import GTIN, Farms, close_farms, open_farms
from servers import free_port
from typer.testing import CliRunner, Result
from webs import services_of

from api.app import create_app
from contracts.epcis import read_events
from contracts.eventhash import event_hash
from contracts.operation import CONTEXT
from contracts.tap import read_rows
from ledger.disclosure import open_disclosure
from ledger.signature import SigningKey
from node.beat import Beat
from node.cli import app
from node.client import Draft, Party
from node.importing import tap_drafts
from node.keyfile import protect_key, write_keyfile

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PASSPHRASE = "only for tests"


@contextmanager
def serving(farms: Farms) -> Iterator[str]:
    """Serve the world on a free port, with its beat."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    services = services_of(farms, url)
    beat = Beat(farms.log, services.serving, lambda: None)
    server = uvicorn.Server(uvicorn.Config(create_app(services), port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    beat.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield url
    finally:
        beat.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def farms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farms]:
    """A world whose people have key files."""
    farms = open_farms(tmp_path)
    for actor in ("fa", "farm-1", "packer"):
        write_keyfile(tmp_path / f"{actor}.json", protect_key(farms.keys[actor], actor, PASSPHRASE))
    monkeypatch.setenv("FENGTU_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    yield farms
    close_farms(farms)


def run(*arguments: object, code: int = 0) -> Result:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result


def wait_for_seal(farms: Farms, url: str) -> None:
    """Wait until what is in the log is served."""
    head = farms.store.head()
    assert head is not None
    import httpx  # noqa: PLC0415 - one use

    deadline = time.monotonic() + 20
    while int(httpx.get(f"{url}/log/checkpoint").text.split("\n")[1]) < head.size:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_tap_rows_in_twice_and_back_out(farms: Farms) -> None:
    """All blocks of a row come back, hidden fields for whom they concern; a second run enters nothing."""
    rows = EXAMPLES / "hsinchu" / "tap-peng.json"
    Path("gtins.csv").write_text(f"OrgID,ProductName,GTIN\n104052,茶-Tea,{GTIN}\n", encoding="utf-8")
    with serving(farms) as url:
        command = ("import", "tap", rows, "--key", "fa.json", "--for", "farm-1", "--gtins", "gtins.csv", "--url", url)
        first = run(*command).stdout
        assert "0 there before, 0 refused, 0 lines unreadable" in first
        count = int(first.split()[0])
        assert f"0 records entered, {count} there before" in run(*command).stdout
        wait_for_seal(farms, url)
        source = [row for row in read_rows(rows.read_bytes()) if not hasattr(row, "reason")]
        for row in source:
            lot = row.trace_code  # type: ignore[union-attr]
            run("export", "tap", "--gtin", GTIN, "--lot", lot, "-o", "row.json", "--key", "farm-1.json", "--url", url)
            assert list(read_rows(Path("row.json").read_bytes())) == [row]
        run("export", "tap", "--gtin", GTIN, "--lot", lot, "-o", "public.json", "--url", url)
        public = json.loads(Path("public.json").read_bytes())[0]
        assert (public["FarmerName"], public["LandSecNO"]) == ("", "")
        run("export", "epcis", "--gtin", GTIN, "--lot", lot, "-o", "events.json", "--url", url)
        assert len(read_events(Path("events.json").read_bytes())) == count // len(source)


def test_bad_rows_are_told_and_the_others_go_in(farms: Farms) -> None:
    """A long import does not stop at a bad line, and its exit code says that there was one."""
    rows = json.loads((EXAMPLES / "pingtung" / "tap-lin.json").read_bytes())
    rows[1]["PackDate"] = "2026/13/40"
    Path("rows.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    with serving(farms) as url:
        result = run("import", "tap", "rows.json", "--key", "fa.json", "--for", "farm-1", "--url", url, code=1)
    assert "1 lines unreadable" in result.stdout
    assert "PackDate" in result.stderr
    assert int(result.stdout.split()[0]) > 20


def test_notebook_and_epcis(farms: Farms) -> None:
    """A line of a notebook is a record; an EPCIS event keeps its hash on the way in and out."""
    Path("notebook.csv").write_text(
        "日期,種類,內容,備註\n2026/8/3,播種,第二作,\n115/10/12,採收,採收 400 公斤,好天\n2026/99/1,除草,x,\n",
        encoding="utf-8",
    )
    event = farms.event("N1", "shipping", 100)
    Path("event.json").write_text(json.dumps(event), encoding="utf-8")
    with serving(farms) as url:
        told = run(
            "import", "csv", "notebook.csv", "--gtin", GTIN, "--lot", "N1", "--key", "farm-1.json", "--url", url, code=1
        )
        assert "2 records entered" in told.stdout
        assert "line 4" in told.stderr
        run("import", "epcis", "event.json", "--key", "farm-1.json", "--url", url)
        wait_for_seal(farms, url)
        run("export", "epcis", "--gtin", GTIN, "--lot", "N1", "-o", "out.json", "--url", url)
        refused = run("import", "epcis", "event.json", "--key", "packer.json", "--url", url, code=1)
        assert "eventID" in refused.stderr
    back = read_events(Path("out.json").read_bytes())
    assert len(back) == 3
    assert event_hash(event, event) in {event_hash(one.event, one.context) for one in back}


def test_files_that_grew_bring_in_only_what_is_new(farms: Farms) -> None:
    """Exports and notebooks grow, also in the middle: what moved down a line must not be a second harvest."""
    lines = [
        "日期,種類,內容,備註",
        "2026/8/3,播種,第二作,",
        "2026/10/12,採收,採收 400 公斤,",
        "2026/10/12,採收,採收 400 公斤,",
    ]
    later = [*lines[:2], "2026/9/1,施肥,有機肥 20 公斤,雨後", *lines[2:], "2026/10/13,採收,採收 50 公斤,"]
    rows = json.loads((EXAMPLES / "pingtung" / "tap-lin.json").read_bytes())[:1]
    grown = json.loads(json.dumps(rows))
    extra = {**grown[0]["OperationDetail"][0], "OperationType": "除草", "Operation": "手除"}
    grown[0]["OperationDetail"].insert(1, extra)
    with serving(farms) as url:
        book = ("import", "csv", "b.csv", "--gtin", GTIN[1:], "--lot", "N/1", "--key", "farm-1.json", "--url", url)
        for text, told in ((lines, "3 records entered, 0 there"), (later, "2 records entered, 3 there")):
            Path("b.csv").write_text("\n".join(text), encoding="utf-8")
            assert told in run(*book).stdout
        tap = ("import", "tap", "t.json", "--key", "fa.json", "--for", "farm-1", "--url", url)
        counts = []
        for found in (rows, grown):
            Path("t.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
            counts.append([int(word) for word in run(*tap).stdout.split() if word.isdigit()])
        assert counts[1][:2] == [1, counts[0][0]]


def test_events_that_no_lot_can_count_are_told(farms: Farms) -> None:
    """One event of a document that no rule can count does not keep the others out."""
    events = [farms.event("N1", "harvest", kg) for kg in (5, 0.00001, 7)]
    for event in events:
        del event["@context"]
    document = {
        "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-23T08:00:00+08:00", "epcisBody": {"eventList": events},
    }  # fmt: skip
    Path("e.json").write_text(json.dumps(document), encoding="utf-8")
    with serving(farms) as url:
        told = run("import", "epcis", "e.json", "--key", "farm-1.json", "--url", url, code=1)
        assert "2 records entered, 0 there before, 0 refused, 1 " in told.stdout
        assert "event 2" in told.stderr


def test_bad_rows_have_their_line(farms: Farms) -> None:
    """A row whose GTIN is none is told with the line on which it begins, as any other."""
    rows = json.loads((EXAMPLES / "pingtung" / "tap-lin.json").read_bytes())[:2]
    name = rows[1]["ProductName"] = "別的-Other"
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    Path("t.json").write_text(text, encoding="utf-8")
    Path("g.csv").write_text(f"OrgID,ProductName,GTIN\n{rows[1]['OrgID']},{name},123\n", encoding="utf-8")
    line = text[: text.rindex("\n {")].count("\n") + 2
    with serving(farms) as url:
        told = run(
            "import", "tap", "t.json", "--key", "fa.json", "--for", "farm-1", "--gtins", "g.csv", "--url", url, code=1
        )
    assert f"line {line}:" in told.stderr


def test_drafts_follow_from_the_key_and_from_nothing_that_others_have() -> None:
    """A second run gives the same document; who has the file alone cannot guess salt, nonce or id."""
    rows = (EXAMPLES / "pingtung" / "tap-lin.json").read_bytes()
    keys = [SigningKey.from_seed(bytes([n]) * 32) for n in (1, 1, 2)]
    runs = [[one for one in tap_drafts(Party("fa", key, "log.test"), rows, table={}) if isinstance(one, Draft)]
            for key in keys]  # fmt: skip
    assert [one.document for one in runs[0]] == [one.document for one in runs[1]]
    assert [one.disclosures for one in runs[0]] == [one.disclosures for one in runs[1]]
    assert len({one.document for one in runs[0]}) == len(runs[0])
    secrets = [set().union(*(_secrets(one) for one in run)) for run in runs]
    assert secrets[0] == secrets[1]
    assert not secrets[0] & secrets[2]


def _secrets(draft: Draft) -> set[str]:
    document = json.loads(draft.document)
    return {document["id"], document["nonce"], *(open_disclosure(text).salt for text, _ in draft.disclosures)}
