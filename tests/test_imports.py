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
from contracts.tap import read_rows
from node.beat import Beat
from node.cli import app
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
