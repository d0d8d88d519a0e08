"""Doors: a private page opens in a plain browser, for its reader, for a while, at its place, and nowhere else."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from farms import Farms, close_farms, open_farms
from starlette.requests import Request
from typer.testing import CliRunner
from webs import services_of

from api.door import AGE_MAX_S, CLOCK_S, SIZE, Visit, open_door, open_visit, sign_door
from api.problems import UnsignedError
from api.signed import sign_request
from ledger.errors import FormatError
from ledger.signature import SigningKey
from node.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.services import Services

BASE = "http://127.0.0.1:8000"
PAGE = f"{BASE}/agreements/9f86d081884c7d659a2feaa0c55ad015"


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    """A farming world."""
    farms = open_farms(tmp_path_factory.mktemp("farms"))
    yield farms
    close_farms(farms)


@pytest.fixture(scope="module")
def node(farms: Farms) -> Services:
    """Its node."""
    return services_of(farms)


def door_of(farms: Farms, url: str = PAGE, *, actor: str = "farm-1", in_s: int = 600) -> str:
    """Return the door of an actor to an address."""
    return sign_door(farms.keys[actor], url, int(time.time()) + in_s).partition("?door=")[2]


@pytest.mark.parametrize("below", ["", "/pdf", "/bundle", "/a/b/c"])
def test_opens_its_place_and_what_is_below(farms: Farms, node: Services, below: str) -> None:
    """A page's own links lead on through the same door."""
    visit = open_door(door_of(farms), "GET", PAGE + below, node)
    assert (visit.actor, visit.scope) == ("farm-1", PAGE.removeprefix(BASE))


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/agreements", f"{BASE}/", BASE, f"{PAGE}1", f"{PAGE[:-1]}", f"{PAGE[:-1]}0",
        f"{BASE}/accounts/{PAGE[-32:]}",
        PAGE.replace("8000", "8001"), PAGE.replace("http:", "https:"), PAGE.replace("/agreements/", "//agreements/"),
        PAGE.replace("/agreements/", "/x/../agreements/"), PAGE.replace("9f86", "9F86"),
    ],
)  # fmt: skip
def test_opens_nothing_else(farms: Farms, node: Services, url: str) -> None:
    """A link that somebody is shown must not lead to what stands beside or above it, or to another node."""
    with pytest.raises(UnsignedError):
        open_door(door_of(farms), "GET", url, node)


def test_is_for_reading(farms: Farms, node: Services) -> None:
    """Whoever finds a link can do nothing in its reader's name."""
    for method in ("POST", "PUT", "DELETE"):
        with pytest.raises(UnsignedError, match="for reading"):
            open_door(door_of(farms), method, PAGE, node)


@pytest.mark.parametrize(("in_s", "opens"), [(2, True), (AGE_MAX_S, True), (0, False), (-5, False),
                                             (AGE_MAX_S + CLOCK_S + 60, False), (2**62, False)])  # fmt: skip
def test_time(farms: Farms, node: Services, in_s: int, opens: bool) -> None:  # noqa: FBT001 - a parameter
    """It runs out, and nobody makes one that never does."""
    door = door_of(farms, in_s=in_s)
    if opens:
        assert open_door(door, "GET", PAGE, node).actor == "farm-1"
    else:
        with pytest.raises(UnsignedError, match="link"):
            open_door(door, "GET", PAGE, node)


def test_closes_with_its_key(farms: Farms, node: Services) -> None:
    """A stolen phone's links end when its key is suspended, at once."""
    farms.register("fa", "farm-9", "farmer")
    door = door_of(farms, actor="farm-9")
    assert open_door(door, "GET", PAGE, node).actor == "farm-9"
    kid = farms.keys["farm-9"].kid.hex()
    farms.submit("fa", "key-status", {"actor": "farm-9", "kid": kid, "status": "suspended", "reason": "手機遺失"})
    with pytest.raises(UnsignedError):
        open_door(door, "GET", PAGE, node)


def test_unknown_key(node: Services) -> None:
    """A key that nobody registered opens nothing."""
    door = sign_door(SigningKey.generate(), PAGE, int(time.time()) + 60).partition("?door=")[2]
    with pytest.raises(UnsignedError):
        open_door(door, "GET", PAGE, node)


def test_each_bit_counts(farms: Farms, node: Services) -> None:
    """Key, path, time and signature are one: a door with any bit turned opens nothing."""
    data = urlsafe_b64decode(door_of(farms))
    assert len(data) == SIZE
    for at in range(SIZE):
        turned = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        with pytest.raises(UnsignedError):
            open_door(urlsafe_b64encode(turned).decode(), "GET", PAGE, node)


@pytest.mark.parametrize("door", ["", "x", "=" * 140, "A" * 139, "A" * 140, "A" * 141, "é" * 140, "A" * 20_000])
def test_hostile_doors(node: Services, door: str) -> None:
    """Whatever stands there, the answer says what was expected and nothing breaks."""
    with pytest.raises(UnsignedError):
        open_door(door, "GET", PAGE, node)


@pytest.mark.parametrize(
    "url",
    [BASE, f"{BASE}/", f"{PAGE}?x=1", f"{PAGE}#x", f"{BASE}/a b", f"{BASE}" + "/a" * 9, f"{BASE}//x", "agreements/1"],
)
def test_addresses_that_cannot_be_opened(url: str) -> None:
    """What no node would open is refused where it is signed."""
    with pytest.raises(FormatError):
        sign_door(SigningKey.generate(), url, int(time.time()))


def request_of(target: str, headers: dict[str, str] | None = None) -> Request:
    """Return a GET request as a server hands it in."""
    path, _, query = target.partition("?")
    lines = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": lines,
                    "query_string": query.encode(), "scheme": "http", "server": ("127.0.0.1", 8000)})  # fmt: skip


def test_a_visit_by_door_or_by_signature(farms: Farms, node: Services) -> None:
    """Programs sign, browsers come through a door; both are the same reader. A door carries on in the page's links."""
    path = PAGE.removeprefix(BASE)
    signed = open_visit(request_of(path, sign_request(farms.keys["farm-1"], "GET", PAGE)), node)
    door = door_of(farms)
    opened = open_visit(request_of(f"{path}?lang=en&door={door}"), node)
    assert signed.actor == opened.actor == "farm-1"
    assert signed.link(f"{path}/pdf") == f"{path}/pdf"
    assert opened.link(f"{path}/pdf") == f"{path}/pdf?door={door}"
    assert opened.link("/products/1/2") == "/products/1/2"
    with pytest.raises(UnsignedError):
        open_visit(request_of(path), node)
    assert Visit("farm-1").link("/x") == "/x"


def test_the_command_signs_one(node: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fengtu open` prints an address that the node opens; nothing is asked of the node for it."""
    monkeypatch.setenv("FENGTU_PASSPHRASE", "correct horse")
    run = CliRunner()
    made = run.invoke(app, ["key", "new", "farm-8", "--data", str(tmp_path)])
    assert made.exit_code == 0, made.output
    monkeypatch.chdir(tmp_path)
    path = PAGE.removeprefix(BASE)
    result = run.invoke(app, ["open", path, "--key", "farm-8", "--url", BASE, "--data", str(tmp_path)])
    assert result.exit_code == 0, result.output
    address, _, door = result.stdout.strip().partition("?door=")
    assert address == PAGE
    with pytest.raises(UnsignedError, match="key"):  # it is registered nowhere yet
        open_door(door, "GET", PAGE, node)
    assert run.invoke(app, ["open", "nowhere", "--key", "farm-8", "--data", str(tmp_path)]).exit_code == 2
