"""The command line: a node as its operator runs it, in a process of its own, and what each error says."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from servers import free_port
from typer.testing import CliRunner

from ledger.checkpoint import decode_checkpoint, open_checkpoint
from ledger.disclosure import open_disclosure
from ledger.merkle import check_inclusion, leaf_hash
from ledger.note import decode_note, decode_vkey
from ledger.policy import decode_policy
from ledger.receipt import split_transparent
from ledger.tlogproof import decode_tlog_proof
from node.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

ORIGIN = "log.test/cli"
PASSPHRASE = "correct horse"
ROOT = Path(__file__).resolve().parents[1]
FENGTU = [sys.executable, "-c", "from node.cli import main; main()"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's user comes in."""
    for name in [name for name in os.environ if name.startswith("FENGTU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FENGTU_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def _run(*arguments: object, code: int = 0) -> Result:
    """Run a command in this process and return its result."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result


def _init(folder: Path) -> str:
    """Make a ledger and return its verifier key."""
    return _run("init", folder, "--origin", ORIGIN).stdout.strip()


@contextmanager
def _node(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a node in a process of its own; yield it with its address, and end it by SIGTERM."""
    port = free_port()
    process = subprocess.Popen(
        [*FENGTU, "run", "--port", str(port), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the node did not come up: {process.communicate(timeout=10)}")
            time.sleep(0.1)
        yield process, url
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def _farmer(folder: Path) -> dict[str, object]:
    """Make a farmer's key; return the body of the record that registers it."""
    _run("key", "new", "farm-17", "--data", folder)
    shown = json.loads(_run("key", "show", "farm-17", "--data", folder, "--origin", ORIGIN).stdout)
    return {
        "actor": "farm-17", "role": "farmer", "parent": "operator",
        "key": shown["public_key"], "possession": shown["possession"],
    }  # fmt: skip


def test_init_makes_a_ledger_once(tmp_path: Path) -> None:
    """What is printed is the key that readers need; a second init must not make a second history."""
    data = tmp_path / "data"
    vkey = decode_vkey(_init(data))
    assert vkey.name == ORIGIN
    assert _run("log", "vkey", "--data", data).stdout.strip() == vkey.encode()
    policy = decode_policy(_run("log", "policy", "--data", data).stdout.encode())
    assert policy.log == vkey
    for name in ("keys/log.json", "keys/operator.json", "fengtu.toml", "ledger.db"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    assert PASSPHRASE not in "".join(path.read_text(errors="replace") for path in data.rglob("*") if path.is_file())
    again = _run("init", data, "--origin", ORIGIN, code=2)
    assert "no ledger there yet" in again.stderr
    assert "ok: 2 entries" in _run("fsck", "--data", data).stdout


def test_the_ledger_may_be_in_another_database(tmp_path: Path, database: str) -> None:
    """Keys and settings stay in the folder; what acts on the tables goes where they are, on each database."""
    data = tmp_path / "data"
    _run("init", data, "--origin", ORIGIN, "--database", database)
    assert not (data / "ledger.db").exists()
    for place in (("--data", data), ("--data", data, "--database", database)):
        assert "ok: 2 entries" in _run("fsck", *place).stdout
    assert "ok" in _run("replay", "--public", "--database", database).stdout
    with _node("--data", data) as (_, url):
        assert "ok: " in _run("fsck", "--url", url).stdout


def test_init_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    """The keys that are there stay: a key that was shown to others must not change."""
    data = tmp_path / "data"
    vkey = _init(data)
    (data / "ledger.db").unlink()
    (data / "fengtu.toml").unlink()
    assert _init(data) == vkey
    assert "all seals hold" in _run("replay", "--data", data).stdout


def test_keys_or_origin_of_another_log_are_refused(tmp_path: Path) -> None:
    """Under them a process would sign what nobody can verify."""
    for name in ("one", "two"):
        _init(tmp_path / name)
    (tmp_path / "one/keys/log.json").write_bytes((tmp_path / "two/keys/log.json").read_bytes())
    assert "another log's" in _run("fsck", "--data", tmp_path / "one", code=1).stderr
    settings = tmp_path / "two/fengtu.toml"
    settings.write_text(settings.read_text().replace(ORIGIN, "log.test/other"))
    assert "the setting origin is another log's" in _run("log", "vkey", "--data", tmp_path / "two", code=1).stderr


def test_a_node_from_init_to_restore(tmp_path: Path) -> None:
    """The whole way of a record: signed, registered, proved, recomputed, backed up, restored, erased."""
    data = tmp_path / "data"
    vkey = _init(data)
    (tmp_path / "farmer.json").write_text(json.dumps(_farmer(data)))
    with _node("--data", data) as (process, url):
        signed = _run("sign", "--kind", "actor", "--key", "operator", "--data", data, "--hide", "person_name=陳阿土",
                      "--id", "farm-17", "-o", "farmer.cose", "farmer.json")  # fmt: skip
        assert f"by operator for {ORIGIN}" in signed.stdout
        assert "陳阿土" not in (tmp_path / "farmer.cose.document.json").read_text()
        registered = _run("submit", "farmer.cose", "--url", url, "-o", "farmer.receipt.cose")
        index = _number(r"registered as (\d+); the receipt holds", registered.stdout)
        statement, receipts = split_transparent((tmp_path / "farmer.receipt.cose").read_bytes())
        assert (statement, len(receipts)) == ((tmp_path / "farmer.cose").read_bytes(), 1)
        assert "as before" in _run("submit", "farmer.cose", "--url", url).stdout
        _refusals(tmp_path, data, url)
        for source in (("--url", url), ("--data", data)):
            _run("proof", index, *source, "-o", "proof")
            proof = decode_tlog_proof((tmp_path / "proof").read_bytes())
            checkpoint = open_checkpoint(proof.checkpoint, decode_vkey(vkey))
            check_inclusion(leaf_hash(statement), index, checkpoint.size, proof.proof, checkpoint.root)
        assert _number(r"ok: (\d+) entries", _run("fsck", "--url", url, "--vkey", vkey).stdout) >= 4
        assert "1 hidden fields" in _run("fsck", "--data", data).stdout
        _run("backup", "ledger.fengtu", "--data", data)
        digest = json.loads((tmp_path / "farmer.cose.document.json").read_text())["hidden"]["person_name"]
        text = json.loads((tmp_path / "farmer.cose.disclosures.json").read_text())[0][0]
        assert open_disclosure(text).digest == digest
        (tmp_path / "vault-before.db").write_bytes((data / "vault.db").read_bytes())
        # While the node runs: any process may append.
        erased = _run("erase", text, "--key", "operator", "--data", data, "--reason", "asked for")
        assert _number(rf"erased {digest}: record (\d+)", erased.stdout) >= 4
        assert "its key was not here" in _run("erase", digest, "--key", "operator", "--data", data,
                                              "--reason", "asked for").stdout  # fmt: skip
        _run("fsck", "--data", data)
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(timeout=30)
    assert vkey in output
    assert "everything that was answered is on disk" in log
    assert process.returncode == 0
    assert "Traceback" not in log
    assert "ok" in _run("replay", "--data", data, "--public").stdout
    _restore(tmp_path, data, digest)


def _number(pattern: str, printed: str) -> int:
    """Return a number that was printed; how many seals the beat wrote meanwhile is the machine's affair."""
    found = re.match(pattern, printed)
    assert found is not None, printed
    return int(found[1])


def _refusals(tmp_path: Path, data: Path, url: str) -> None:
    """What the log says no to comes through as it said it, on one line."""
    (tmp_path / "unknown.json").write_text('{"actor": "farm-18", "reason": "moved away"}')
    _run("key", "new", "stranger", "--data", data)
    for key, kind, body, words in (
        ("stranger", "actor-close", "unknown.json", "(actors.key-unknown)"),
        ("operator", "actor-close", "unknown.json", "(actors.unknown)"),
        ("operator", "actor", "farmer.json", "has used the id farm-17 before, for another document"),
    ):
        # The origin comes from the node here, the key from the folder.
        _run("sign", "--kind", kind, "--key", data / f"keys/{key}.json", "--url", url,
             "--id", "farm-17" if kind == "actor" else f"close-{key}", "-o", "refused.cose", body)  # fmt: skip
        result = _run("submit", "refused.cose", "--url", url, code=1)
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1
    (tmp_path / "refused.cose.document.json").write_text("{}")
    assert "document" in _run("submit", "refused.cose", "--url", url, code=2).stderr


def _restore(tmp_path: Path, data: Path, digest: str) -> None:
    """A restore proves what it restores, and does not bring back what is erased."""
    _run("backup", "later.fengtu", "--data", data)
    for name, backup, erased in (("old", "ledger.fengtu", 0), ("fresh", "later.fengtu", 1)):
        folder = tmp_path / name
        (folder / "keys").mkdir(parents=True)
        for file in ("fengtu.toml", "keys/log.json"):
            (folder / file).write_bytes((data / file).read_bytes())
        (folder / "vault.db").write_bytes((tmp_path / "vault-before.db").read_bytes())
        restored = _run("restore", backup, "--data", folder)
        assert f"{erased} hidden fields erased again" in restored.stdout
        assert "already" in _run("restore", backup, "--data", folder, code=1).stderr
        assert "ok" in _run("fsck", "--data", folder).stdout
        # The digest is a key's name in the vault.
        assert (digest.encode() in (folder / "vault.db").read_bytes()) == (not erased)


def _hand_in(kind: str, key: str, body: dict[str, object], data: Path, url: str) -> None:
    Path("body.json").write_text(json.dumps(body))
    _run("sign", "--kind", kind, "--key", key, "--data", data, "-o", "r.cose", "body.json")
    _run("submit", "r.cose", "--url", url)


def test_a_lot_is_verified_offline(tmp_path: Path) -> None:
    """The proof file of a lot and the reader's policy are all it takes; the exit code is the verdict."""
    data = tmp_path / "data"
    _init(data)
    gtin = "04712345678900"
    with _node("--data", data) as (_, url):
        _hand_in("actor", "operator", _farmer(data), data, url)
        _hand_in("product", "farm-17", {"gtin": gtin, "name": {"zh-TW": "高山茶"}, "crop": "茶"}, data, url)
        _hand_in("lot", "farm-17", {"gtin": gtin, "lot": "L/1"}, data, url)
        policy = _run("log", "policy", "--data", data).stdout
        # 13 digits, as printed below the bars.
        _run("bundle", "product", gtin[1:], "L/1", "--url", url, "-o", "by-url.json")
        _run("bundle", "product", gtin, "L/1", "--data", data, "-o", "by-data.json")
        assert "L2" in _run("bundle", "product", gtin, "L2", "--data", data, "-o", "none.json", code=1).stderr
    Path("policy.json").write_text(policy)
    Path("strict.json").write_text(policy.replace('"max_age_s": 86400', '"max_age_s": 1'))
    for name in ("by-url.json", "by-data.json"):
        verdict = _run("verify", name, "--policy", "policy.json")
        assert verdict.stdout.startswith("HOLDS BY THE OPERATOR'S WORD · active")
        assert "ok 7. history" in verdict.stdout
    assert json.loads(_run("verify", "by-url.json", "--policy", "policy.json", "--json").stdout)["kind"] == "operator"
    time.sleep(2.1)
    assert "AS OF" in _run("verify", "by-url.json", "--policy", "strict.json", code=3).stdout
    bundle = json.loads(Path("by-url.json").read_text())
    bundle["records"] = bundle["records"][:-1]
    Path("cut.json").write_text(json.dumps(bundle, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
    failed = _run("verify", "cut.json", "--policy", "policy.json", code=1)
    assert failed.stdout.startswith("DOES NOT HOLD")
    assert "!! " in failed.stdout
    Path("cut.json").write_text(json.dumps(bundle))
    _run("verify", "cut.json", "--policy", "policy.json", code=2)


def test_a_published_folder_is_checked_from_outside(tmp_path: Path) -> None:
    """What a CDN hands out is held against the verifier key; a flipped bit is named by its file."""
    data = tmp_path / "data"
    _init(data)
    with _node("--data", data) as (_, url):
        public = data / "public"
        deadline = time.monotonic() + 30
        while not (public / "checkpoint").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        width = _published_size(public)
        served = httpx.get(f"{url}/log/tile/entries/000.p/{width}").content
        assert (public / f"tile/entries/000.p/{width}").read_bytes() == served
    # The minute's beat may have sealed, and published, meanwhile.
    name = f"tile/0/000.p/{_published_size(public)}"
    bundle = public / name
    bundle.write_bytes(bytes([bundle.read_bytes()[0] ^ 1]) + bundle.read_bytes()[1:])
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(public)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        vkey = _run("log", "vkey", "--data", data).stdout.strip()
        failed = _run("fsck", "--url", f"http://127.0.0.1:{port}", "--vkey", vkey, code=1)
    finally:
        server.terminate()
        server.wait(10)
    assert f"the tile {name} at hash 0" in failed.stderr


def _published_size(public: Path) -> int:
    return decode_checkpoint(decode_note((public / "checkpoint").read_bytes()).text).size


def test_run_makes_a_ledger_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make run` needs nothing prepared; it says what it made, and the operator's key can be used."""
    monkeypatch.delenv("FENGTU_PASSPHRASE")
    data = tmp_path / "data"
    with _node("--data", data) as (process, url):
        page = httpx.get(f"{url}/api/docs")
        assert "POST /entries/batch" in page.text
        assert "sha256-" in page.headers["content-security-policy"]
        answer = httpx.get(f"{url}/healthz")
        assert answer.text == "ok\n"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert 'fengtu_requests_total{method="GET",route="/healthz",status="200"}' in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{url}/nothing").json()["status"] == 404
        taken = _run("run", "--data", data, "--port", url.rpartition(":")[2], code=2)
        assert "expected one that is free" in taken.stderr
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert "named localhost/fengtu, to try things out" in output
    assert stat.S_IMODE((data / "keys/passphrase").stat().st_mode) == 0o600
    shown = _run("key", "show", "operator", "--data", data, "--origin", "localhost/fengtu")
    assert "possession" in json.loads(shown.stdout)


def test_a_refusal_is_one_sentence(tmp_path: Path) -> None:
    """What the rules would refuse is said before anything is signed, with its rule."""
    data = tmp_path / "data"
    _init(data)
    body = tmp_path / "body.json"
    body.write_text('{"actor": "farm-17"}')
    sign = ("sign", "--key", "operator", "--data", data, "-o", "r.cose", body)
    assert "(rules.schema)" in _run(*sign, "--kind", "actor", code=1).stderr
    assert "(rules.kind)" in _run(*sign, "--kind", "nothing", code=1).stderr
    body.write_text("[]")
    assert "expected a JSON object" in _run(*sign, "--kind", "actor", code=2).stderr
    assert not (tmp_path / "r.cose").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fsck", "--data", "nowhere"], 1, "fengtu init"),
        (["replay", "--public", "--data", "nowhere"], 1, "nothing at"),
        (["fsck", "--data", "d", "--url", "http://localhost"], 2, "got both"),
        (["fsck", "--url", "ftp://localhost"], 2, "http://"),
        (["fsck", "--url", "http://127.0.0.1:1"], 1, "cannot be reached"),
        (["key", "show", "nobody"], 1, "fengtu key new"),
        (["key", "new", "two words"], 2, "key's name"),
        (["key", "new", "UPPER"], 2, "actor id"),
        (["init", "d", "--origin", "two words"], 2, "the setting origin (--origin)"),
        (["init", "d", "--origin", "a", "--recovery", "x"], 2, "public key"),
        (["verify", "nothing.json", "--policy", "nothing.json"], 2, "nothing.json"),
        (["submit", "nothing.cose", "--url", "http://127.0.0.1:1"], 2, "nothing.cose"),
        (["restore", "nothing", "--data", "nowhere"], 1, "the log's keys"),
        (["nothing"], 2, "No such command"),
        (["proof", "-1", "-o", "x"], 2, "No such option"),
    ],
)
def test_errors_are_sentences(arguments: list[str], code: int, words: str) -> None:
    """Exit code 2 for what cannot be read or is misused, 1 for what fails; no traceback, nothing on standard output."""
    result = _run(*arguments, code=code)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"question": "weather"}', '{"question": ["product"]}'])
def test_what_is_no_proof_file_is_unreadable(tmp_path: Path, content: str) -> None:
    """A verdict about something that is no proof file would be a verdict about nothing."""
    (tmp_path / "file").write_text(content)
    _run("verify", "file", "--policy", "file", code=2)


def _commands() -> list[list[str]]:
    found: list[list[str]] = [[]]
    for group, prefix in (
        (app, []),
        *((one.typer_instance, [str(one.name)]) for one in app.registered_groups if one.name),
    ):
        instance = group
        assert instance is not None
        inner = [one.typer_instance for one in instance.registered_groups if not one.name]
        for typer_ in (instance, *inner):
            assert typer_ is not None
            found += [
                [*prefix, one.name or one.callback.__name__] for one in typer_.registered_commands if one.callback
            ]
    return found


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_help_teaches_by_an_example(command: list[str]) -> None:
    """Whoever is lost asks for help first."""
    assert f"Example: fengtu {' '.join(command)}".strip() in " ".join(_run(*command, "--help").stdout.split())


def test_who_reads_no_further_is_told_nothing(tmp_path: Path) -> None:
    """`fengtu … | head -1` ends quietly, and with no exit code that means something of a proof."""
    data = tmp_path / "data"
    _init(data)
    asked = [*FENGTU, "log", "policy", "--data", data]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_version() -> None:
    """A report of a fault names it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert _run("--version").stdout == f"fengtu {version}\n"
