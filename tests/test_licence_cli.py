"""`fengtu licence`: an artist and a maker at their terminals, against a node that runs."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from rules import actor_body, key_of
from test_images import picture
from typer.testing import CliRunner

from contracts.calendar import day_of
from contracts.licences.profile import encode
from contracts.licences.royalties import NET_SALES, Royalty
from contracts.licences.scope import Scope
from contracts.licences.terms import Terms
from node.bootstrap import create_ledger, open_node
from node.cli import app
from node.client import Party, hand_in
from node.keyfile import protect_key, read_keyfile, write_keyfile
from node.remote import Remote
from node.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "log.test/rules"
PASSPHRASE = "correct horse"
ACCOUNT = "9f86d081884c7d659a2feaa0c55ad015"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run a node with an artist, an agent and a maker; yield its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = load_settings(folder, {"origin": ORIGIN, "port": port, "seal_after_ms": 100})
    create_ledger(settings, lambda: PASSPHRASE)
    server = uvicorn.Server(uvicorn.Config(open_node(settings).app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    operator = Party("operator", read_keyfile(settings.keys / "operator.json").open(PASSPHRASE), ORIGIN)
    with Remote(settings.address) as remote:
        drafts = []
        for actor, role in (("panay", "artist"), ("tea", "maker")):
            write_keyfile(settings.keys / f"{actor}.json", protect_key(key_of(actor), actor, PASSPHRASE))
            drafts.append(operator.draft("actor", actor_body("operator", actor, role, key_of(actor))))
        assert [one.error for one in hand_in(remote, drafts)] == [None, None]
    try:
        yield settings.address
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A node that runs."""
    for name in [name for name in os.environ if name.startswith("FENGTU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FENGTU_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    with running(tmp_path / "data") as url:
        yield url


def run(*arguments: object, code: int = 0) -> str:
    """Run `fengtu` with the data folder's keys; return what it printed."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result.output.strip()


def write(path: Path, content: Any) -> Path:
    """Write JSON into a file."""
    path.write_text(json.dumps(content, ensure_ascii=False))
    return path


def sealed(url: str, path: str, words: str) -> None:
    """Wait until the newest seal shows something."""
    deadline = time.monotonic() + 20
    while words not in httpx.get(f"{url}{path}").text:
        assert time.monotonic() < deadline, path
        time.sleep(0.1)


def terms(licence: str, today: datetime, **more: Any) -> dict[str, Any]:
    """Return terms of packaging in Taitung for half a year, as ODRL."""
    first, last = (day_of(int(one.timestamp() * 1000)) for one in (today, today + timedelta(days=180)))
    any_ = ("any",)
    scope = Scope(("TW-TTT",), ("packaging",), any_, any_, any_, first, last)
    common: dict[str, Any] = {"scope": scope, "media": any_, "actions": ("distribute", "reproduce")}
    return encode(Terms(licence, "W-1", None, ("panay",), "tea", **{**common, **more}))


def test_from_the_picture_to_the_revocation(site: str, tmp_path: Path) -> None:
    """Neither an artist nor a maker writes CBOR: a picture, a text file of terms, and a command each."""
    today = datetime.now(UTC)
    artist, maker = (
        ("--key", "panay", "--data", "data", "--url", site),
        ("--key", "tea", "--data", "data", "--url", site),
    )
    (tmp_path / "waves.png").write_bytes(picture())
    digest = run("licence", "image", "waves.png", *artist)
    work = {
        "work": "W-1", "title": {"zh-TW": "海浪"}, "image": digest, "labels": ["TK A"], "creators": ["panay"],
        "copyright": {"year": 2026},
    }  # fmt: skip
    run("licence", "work", write(tmp_path / "work.json", work), "--hidden", "customs=祭典專用", *artist)
    sealed(site, "/works/W-1", "海浪")
    assert "祭典專用" not in httpx.get(f"{site}/works/W-1").text
    paid = Royalty("TWD", NET_SALES, ((0, 50),), 0, 0, 1000, 1, 30, "half-up")
    alone = write(tmp_path / "alone.json", terms("L-1", today, exclusive=True, royalty=paid))
    assert "free" in run("licence", "check", alone, "--url", site)
    run("licence", "offer", alone, "-o", "offer.json")
    assert run("licence", "grant", "offer.json", *artist) == "granted by panay"
    assert run("licence", "accept", "offer.json", *maker) == "accepted by tea"
    sealed(site, "/licences/L-1", "active")
    second = write(tmp_path / "second.json", terms("L-2", today))
    said = run("licence", "check", second, "--url", site, code=1)
    assert "overlaps licence L-1 in TW-TTT, packaging" in said
    shown = run("licence", "show", "L-1", "--url", site)
    assert "tea may use W-1 for packaging" in shown
    assert "exclusive, active" in shown
    made = {
        "licence": "L-1", "production": "P-1", "day": day_of(int(today.timestamp() * 1000)), "quantity": 10,
        "media": ["paper"], "scope": {"territories": ["TW-TTT"], "fields": ["packaging"], "products": ["30"],
                                      "channels": ["shop"], "languages": ["zxx"]},
    }  # fmt: skip
    run("licence", "act", "licence-production", write(tmp_path / "made.json", made), *maker)
    books = {"royalties": ACCOUNT, "licence": "L-1", "signers": ["panay", "tea"]}
    run("licence", "offer", write(tmp_path / "books.json", books), "--kind", "royalties", "-o", "books.offer")
    for act, who in (("grant", artist), ("accept", maker)):
        run("licence", act, "books.offer", "--kind", "royalties", *who)
    sales = write(tmp_path / "sales.json", [{"pieces": 3, "gross": 120_000}])
    assert "due: 60.00" in run("licence", "statement", ACCOUNT, sales, "--dry-run", *maker)
    assert "L-1: tea, TWD" in run("licence", "royalties", ACCOUNT, *artist)
    last = day_of(int(datetime.now(UTC).timestamp() * 1000))
    run("licence", "revoke", "L-1", "--last", last, "--reason", "breach", *artist)
    sealed(site, "/licences/L-1", '"status":"revoked"')
    assert f"L-1 was revoked on {last}" in run("licence", "show", "L-1", "--url", site)
    run("bundle", "licence", "L-1", "-o", "l.json", "--url", site)
    (tmp_path / "policy.json").write_text(httpx.get(f"{site}/log/policy").text)
    assert f"revoked on {last}" in run("verify", "l.json", "--policy", "policy.json")


def test_mistakes_are_said(site: str, tmp_path: Path) -> None:
    """A wrong file or word ends with what would have been right, and nothing is signed."""
    key = ("--key", "panay", "--data", "data", "--url", site)
    (tmp_path / "waves.gif").write_bytes(b"GIF89a")
    run("licence", "image", "waves.gif", *key, code=2)
    write(tmp_path / "none.json", [1])
    run("licence", "work", "none.json", *key, code=2)
    write(tmp_path / "one.json", {})
    assert "own-use" in run("licence", "act", "agreement", "one.json", *key, code=2)
    odd = terms("L-1", datetime.now(UTC))
    odd["permission"][0]["constraint"][0]["leftOperand"] = "resolution"
    write(tmp_path / "odd.json", odd)
    assert "resolution" in run("licence", "offer", "odd.json", "-o", "x.json", code=1)
    assert "resolution" in run("licence", "check", "odd.json", "--url", site, code=1)
    assert "licence-revocation" in run("licence", "offer", "one.json", "--kind", "work", "-o", "x.json", code=2)
    run("licence", "show", "L-9", "--url", site, code=1)
