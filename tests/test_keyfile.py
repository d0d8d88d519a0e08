"""Key files: what opens them, what does not, and what they refuse to do."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from ledger.errors import FormatError, NotFoundError, ProofError
from ledger.genesis import encode_key
from ledger.signature import SigningKey
from node.files import write_file
from node.keyfile import (
    KeyFile,
    decode_keyfile,
    encode_keyfile,
    passphrase_of,
    protect_key,
    read_keyfile,
    write_keyfile,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PASSPHRASE = "稻米 and tea"
KEY = SigningKey.from_seed(b"\x07" * 32)


@pytest.fixture(scope="module")
def protected() -> KeyFile:
    """One protected key; scrypt is slow on purpose."""
    return protect_key(KEY, "farm-17", PASSPHRASE)


def test_a_key_comes_back_under_its_passphrase(protected: KeyFile) -> None:
    """What is written opens to the same key, and shows its public half without a passphrase."""
    file = decode_keyfile(encode_keyfile(protected))
    assert (file.actor, file.public_key, file.kid) == ("farm-17", KEY.public_key, KEY.kid)
    assert file.open(PASSPHRASE).seed == KEY.seed
    assert KEY.seed.hex() not in encode_keyfile(protected).hex()


def test_another_passphrase_does_not_open_it(protected: KeyFile) -> None:
    """A stolen file is of no use by itself."""
    with pytest.raises(ProofError, match="passphrase"):
        protected.open("稻米 and rice")


@pytest.mark.parametrize("name", ["actor", "public_key"])
def test_no_other_name_fits_on_a_seed(protected: KeyFile, name: str) -> None:
    """Whoever may write the file must not make an actor sign as another."""
    members = json.loads(encode_keyfile(protected))
    other = SigningKey.from_seed(b"\x08" * 32)
    members["actor"] = "farm-18"
    if name == "public_key":
        members |= {"actor": "farm-17", "public_key": encode_key(other.public_key), "kid": other.kid.hex()}
    with pytest.raises(ProofError):
        decode_keyfile(json.dumps(members).encode()).open(PASSPHRASE)


def _set(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(members: dict[str, Any]) -> None:
        for name in path[:-1]:
            members = members[name]
        members[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("format", value="fengtu-key/2"),
        _set("actor", value="two words"),
        _set("actor", value=None),
        _set("kid", value="00" * 32),
        _set("public_key", value="AA"),
        _set("scrypt", "n", value=2**30),
        _set("scrypt", "n", value=2**14 + 1),
        _set("scrypt", "n", value=2),
        _set("scrypt", "r", value=4096),
        _set("scrypt", "p", value=True),
        _set("scrypt", "salt", value=""),
        _set("scrypt", value=[]),
        _set("cipher", "name", value="none"),
        _set("cipher", "nonce", value=7),
        _set("cipher", "data", value="=" * 64),
        _set("more", value=1),
    ],
)
def test_other_files_are_refused(protected: KeyFile, change: Callable[[dict[str, Any]], None]) -> None:
    """A file from elsewhere must neither be half understood nor ask for a machine's whole memory."""
    members = json.loads(encode_keyfile(protected))
    change(members)
    with pytest.raises(FormatError):
        decode_keyfile(json.dumps(members).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 5000, b" " * 10_000])
def test_what_is_no_file_of_ours_is_refused(data: bytes) -> None:
    """Not JSON, not an object, too deep, too large."""
    with pytest.raises(FormatError):
        decode_keyfile(data)


def test_files_are_the_owners_alone_and_never_replaced(protected: KeyFile, tmp_path: Path) -> None:
    """A second key of the same name would lose the first; others on the machine must not read it."""
    path = tmp_path / "keys" / "farm.json"
    write_keyfile(path, protected)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keyfile(path) == protected
    with pytest.raises(FormatError, match="no key of this name yet"):
        write_keyfile(path, protected)
    with pytest.raises(NotFoundError, match="fengtu key new"):
        read_keyfile(tmp_path / "none.json")


@pytest.mark.parametrize(("actor", "passphrase"), [("two words", PASSPHRASE), ("", PASSPHRASE), ("a", "short")])
def test_what_cannot_protect_is_refused(actor: str, passphrase: str) -> None:
    """An actor id that no record could carry, or a passphrase that is guessed at once."""
    with pytest.raises(FormatError):
        protect_key(KEY, actor, passphrase)


def test_where_the_passphrase_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, the file of a node that was only tried out, or whoever is asked."""
    monkeypatch.delenv("FENGTU_PASSPHRASE", raising=False)
    assert passphrase_of(tmp_path, lambda: "asked") == "asked"
    (tmp_path / "passphrase").write_text("from the file\n")
    assert passphrase_of(tmp_path, lambda: "asked") == "from the file"
    monkeypatch.setenv("FENGTU_PASSPHRASE", "given")
    assert passphrase_of(tmp_path, lambda: "asked") == "given"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The old bytes stay, and no temporary file with a secret lies about."""
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="taken"):
        write_file(path, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
