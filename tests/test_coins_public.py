"""What others learn of a town's day: the public nothing but hashes, each side of a payment nothing of the other."""

from __future__ import annotations

import copy
import hashlib
import io
import re
import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from logged import Logged, logged
from rewards import PROGRAMME, Town, name
from rules import GTIN
from test_coins_verdicts import Lived, live
from webs import services_of

from api.app import create_app
from api.door import sign_door
from api.signed import sign_request
from contracts.calendar import month_of
from contracts.rewards.book import holder_of
from contracts.rewards.commitments import commit_measurement
from contracts.rewards.keys import account_key, issuer_key, merchant_key
from ledger import cbor
from ledger.backup import backup
from ledger.blind import blind, private_value
from ledger.bundle import decode_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "http://127.0.0.1:8000"
HASH = re.compile(rb"[0-9a-f]{64}|[A-Za-z0-9+/_-]{22,}=*")
TIME = re.compile(rb"1[78][0-9]{8}(\.?[0-9]{1,3})?|[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")
TIMES = re.compile(rb'times\\?":\[[^"]*\]')


def masked(data: bytes) -> bytes:
    """Return what is left of an answer without hashes, keys, nonces and moments."""
    # Records of one millisecond share a time in a seal, so how many times there are is of this machine's speed.
    return TIME.sub(b"T", HASH.sub(b"#", TIMES.sub(b"times", data)))


def plain(value: Any) -> Any:
    """Return a fact without its hashes and keys of 32 bytes."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return b"#" if isinstance(value, bytes) and len(value) == 32 else value


def a_day(town: Town) -> None:
    """Live a busy day, all of it private."""
    people = [town.open(one) for one in "abcdefg"]
    assert isinstance(town.world, Logged)
    for one in people:
        beat(town.world)
        town.earn(one, "class")
        for _ in range(3):
            town.charge(one, 5)
        town.on("noodles", "refund", one, town.charge(one, 7), refund=name(f"back {one}"), coins=3)


def beat(world: Logged, later_ms: int = 0) -> None:
    """Let time pass, and a node look whether a seal is due, as it does several times a second."""
    world.time_ms += later_ms
    world.log.clock.behind_ms = time.time_ns() // 1_000_000 - world.time_ms
    world.log.seal_if_due()


def seen(folder: Path, *, busy: bool) -> tuple[dict[str, tuple[int, bytes]], list[tuple[bytes, bytes]], list[int]]:
    """Return what the public sees of a ledger with these public acts: answers, public facts, sizes of seals."""
    world = logged(folder)
    town = Town(world)
    services = services_of(world)
    if busy:
        numbers = copy.copy(world.numbers)
        a_day(town)
        world.numbers = numbers
    beat(world, 61_000)
    world.submit("farm-1", "lot", {"gtin": GTIN, "lot": "L1", "site": "S-1"})
    beat(world, 2_000)
    services.serving.refresh()
    client = TestClient(create_app(services), raise_server_exceptions=False)
    size = int(client.get("/log/checkpoint").text.split("\n")[1])
    paths = ["/", "/status", "/metrics", "/healthz", "/log/checkpoint", "/log/policy", "/log/vkey", "/kinds",
             "/openapi.json",              f"/products/{GTIN}", f"/products/{GTIN}/L1",
             f"/products/{GTIN}/L1/data", f"/products/{GTIN}/L1/bundle",
             f"/programmes/{PROGRAMME}", f"/programmes/{PROGRAMME}/figures", f"/programmes/{PROGRAMME}/till",
             f"/programmes/{PROGRAMME}/clearing", f"/accounts/{name('a')}", f"/log/tile/0/000.p/{size}",
             f"/log/tile/entries/000.p/{size}", "/actors/noodles"]  # fmt: skip
    for index in range(size):
        paths += [f"/entries/{index}/record", f"/entries/{index}/document", f"/entries/{index}/proof"]
    found = {}
    for path in paths:
        answer = client.get(path, headers={"accept": "text/html"} if path[1:4] in {"", "sta", "pro"} else {})
        binary = "tile" in path or path.endswith("/record")
        # Of bytes that are hashes and signatures the length is compared, of all else every character but those.
        found[path] = answer.status_code, str(len(answer.content)).encode() if binary else masked(answer.content)
    with services.serving.view() as view:
        facts = [
            (key, masked(repr(plain(cbor.decode(value))).encode()))
            for key, value in view.public.items_with_prefix(b"", 0)
        ]
    seals = [index for index, _, _ in world.store.seals(0, 10**9)]
    for index in seals:
        for at, time_ms in client.get(f"/entries/{index}/document").json()["body"]["times"]:
            assert world.store.entry(at).time_ms == time_ms, "a seal tells the time of something that is not public"
    world.close()
    return found, facts, seals


def test_a_busy_day_looks_like_one_without(tmp_path: Path) -> None:
    """Tiles, seals, public map, pages and metrics: whoever counts them learns nothing of visits."""
    looks = []
    for busy in (False, True):
        folder = tmp_path / str(busy)
        folder.mkdir()
        looks.append(seen(folder, busy=busy))
    quiet, busy_ = looks
    assert quiet[2] == busy_[2]
    assert quiet[1] == busy_[1]
    assert set(quiet[0]) == set(busy_[0])
    assert {path: answer for path, answer in quiet[0].items() if busy_[0][path] != answer} == {}
    assert quiet[0]["/metrics"][0] == 403
    assert quiet[0]["/status"][0] == quiet[0][f"/programmes/{PROGRAMME}"][0] == 200


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A town in which every kind of charge happened."""
    world = logged(tmp_path_factory.mktemp("town"))
    yield live(world)
    world.close()


def windows(data: bytes) -> set[bytes]:
    """Return every run of 32 bytes in everything that a bundle holds in base64url, at whatever place it begins."""
    found: set[bytes] = set()
    for text in set(re.findall(rb'"([A-Za-z0-9_-]{43,})"', data)):
        part = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        found.update(part[at : at + 32] for at in range(len(part) - 31))
    return found


def leaf(key: bytes, value: bytes) -> bytes:
    """Return the map's leaf (formats.md, State map); key and value are shorter than 128 bytes."""
    return hashlib.sha256(b"\0" + bytes([len(key)]) + key + bytes([len(value)]) + value).digest()


def guesses(world: Logged, key: bytes, states: list[Any]) -> set[bytes]:
    """Return whatever an attacker could look for who knows a fact but for one number, and no blind of it."""
    found: set[bytes] = set()
    for state in states:
        data = cbor.encode(state)
        bare = hashlib.sha256(data).digest()
        for value in (
            data[:120],
            bare,
            private_value(b"\0" * 32, data),
            private_value(hashlib.sha256(key).digest(), data),
        ):
            found |= {value[:32].ljust(32, b"\0"), leaf(key, value)}
        found.add(hashlib.sha256(key + data).digest())
    del world
    return found


def test_a_merchant_cannot_find_a_balance(lived: Lived) -> None:
    """Whoever knows all of an account but its balance, and tries each, finds it in no hash of his own proofs."""
    key, state = account_key(lived.anna), lived.town.state(lived.anna)
    proofs = set[bytes]()
    for charge in lived.charges.values():
        proofs |= windows(lived.bundle("payment", charge))
    balances = [
        {**state, "lots": [[lot[0], lot[1], coins, lot[3]] for lot in state["lots"][:1]]} for coins in range(1_000)
    ]
    assert not proofs & guesses(lived.world, key, [*balances, *range(1_000), state])
    _expect_found(lived, key, holder_of(lived.anna), lived.bundle("account", lived.anna))


def test_a_resident_cannot_find_what_a_merchant_takes(lived: Lived) -> None:
    """Whoever knows all of a merchant's month but its sums, and tries each, finds them in no hash of her own proofs."""
    month = month_of(lived.world.time_ms)
    proofs = windows(lived.bundle("account", lived.anna)) | windows(lived.bundle("payment", lived.charges["posted"]))
    counts = merchant_key(PROGRAMME, "noodles", month)
    assert not proofs & guesses(lived.world, counts, [{"lines": number} for number in range(1_000)])
    for issuer in ("county", "town"):
        key = issuer_key(PROGRAMME, issuer, "noodles", month)
        known = lived.world.get(key)
        assert known is not None
        sums = [{"main": {"coins": [charged, back]}} for charged in range(100) for back in range(30)]
        assert not proofs & guesses(lived.world, key, [*sums, known])


def _expect_found(lived: Lived, key: bytes, holder: str, own: bytes) -> None:
    """Check that the search would find it: with the blind in the holder's own proof the value is the map's."""
    opened = decode_bundle(own)
    assert opened.private_map is not None
    blinds = {
        pair[0]: (one, pair[1])
        for prefix in opened.private_map.prefixes
        for pair, one in zip(prefix.pairs, prefix.blinds or (), strict=True)
    }
    shown, value = blinds[key]
    with lived.world.serving().view() as view:
        change = view.store.facts_before([key], view.position)[0]
        assert blind(view.secret.holder_key(holder), key, change.position) == shown
        assert view.private.get(key) == private_value(shown, value)


PLANTED = {"systolic_mmhg": 18_731, "diastolic_mmhg": 11_931, "note": "planted-7f3ab9c2-hypertension"}
SALT = hashlib.sha256(b"planted salt").digest()


def test_health_values_never_arrived(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a station measured stands in no file, log, backup, bundle, page or answer: no value, no word, no salt."""
    world = logged(tmp_path)
    town = Town(world)
    anna = town.open("anna")
    stages: list[dict[str, Any]] = [{"stage": "pre"}, {"stage": "post", "pre": name("pre"), "improved": True}]
    for stage in stages:
        digest = commit_measurement(SALT, PLANTED)
        town.act("clinic", "commitment", account=anna, commitment=name(stage["stage"]), digest=digest, **stage)
    town.earn(anna, "improved", commitment=name("post"))
    town.charge(anna, 5)
    services = services_of(world)
    client = TestClient(create_app(services), raise_server_exceptions=False)
    backup(world.store, world.log.origin, tmp_path / "backup")
    holder = holder_of(anna)
    answers: list[bytes] = []
    for path in ("", "/data", "/now", "/bundle"):
        signed = sign_request(world.keys[holder], "GET", f"{BASE}/accounts/{anna}{path}")
        answers.append(client.get(f"/accounts/{anna}{path}", headers=signed).content)
    signed = sign_request(world.keys[holder], "GET", f"{BASE}/accounts/{anna}/archive")
    archive = ZipFile(io.BytesIO(client.get(f"/accounts/{anna}/archive", headers=signed).content))
    answers += [archive.read(one) for one in archive.namelist()]
    door = sign_door(world.keys[holder], f"{BASE}/accounts/{anna}", int(time.time()) + 600).removeprefix(BASE)
    answers.append(client.get(door, headers={"accept": "text/html"}).content)
    assert digest.encode() in b"".join(answers)
    world.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"ledger.db", "vault.db", "backup"} <= {path.name for path in files}
    captured = capfd.readouterr()
    haystacks = [*answers, *(path.read_bytes() for path in files), captured.out.encode(), captured.err.encode()]
    needles = [SALT, SALT.hex().encode(), *(str(one).encode() for pair in PLANTED.items() for one in pair)]
    needles += [cbor.encode(one) for one in PLANTED.values()]
    for needle in needles:
        assert not [at for at, data in enumerate(haystacks) if len(needle) > 3 and needle in data], needle
