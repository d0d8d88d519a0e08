"""An actor's signing key in a file that a passphrase protects.

    {"format": "fengtu-key/1", "actor": "farm-17",
     "public_key": "Rq0…", "kid": "9c5e…",
     "scrypt": {"n": 65536, "r": 8, "p": 1, "salt": "qL3…"},
     "cipher": {"name": "chacha20-poly1305", "nonce": "b1x…", "data": "w0m…"}}

Bytes are base64url without padding, the kid (RFC 9679 thumbprint) is hexadecimal. The passphrase gives a key by scrypt
(RFC 7914); under it the 32 bytes of the seed are encrypted by ChaCha20-Poly1305 (RFC 8439), with everything that stands
above `cipher` as associated data, so that no actor or public key can be put on another's seed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ledger.errors import FormatError, NotFoundError, ProofError
from ledger.genesis import decode_key, encode_key
from ledger.signature import SigningKey, thumbprint
from node.files import SECRET, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = "fengtu-key/1"
CIPHER = "chacha20-poly1305"
FILE_SIZE_MAX = 8192
SALT_SIZE = 16
NONCE_SIZE = 12
PASSPHRASE_MIN = 8
PASSPHRASE_VARIABLE = "FENGTU_PASSPHRASE"  # noqa: S105 - a variable's name
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - a file's name

# scrypt takes 128 · n · r bytes: 64 MiB as written, and a file from elsewhere may ask for 256 MiB at most.
N, R, P = 1 << 16, 8, 1
N_MIN, N_MAX, R_MAX, P_MAX = 1 << 14, 1 << 18, 8, 4

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ACTOR = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}|account/[0-9a-f]{32}")
"""An actor, or the holder of a private account."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file shows without its passphrase.

    Attributes:
        actor: whose key it is.
        public_key: 32 bytes of Ed25519.
        scrypt: the parameters n, r, p and the salt.
        nonce: 12 bytes.
        ciphertext: 48 bytes.
    """

    actor: str
    public_key: bytes
    scrypt: tuple[int, int, int, bytes]
    nonce: bytes
    ciphertext: bytes

    @property
    def kid(self) -> bytes:
        """The key's thumbprint, 32 bytes."""
        return thumbprint(self.public_key)

    def open(self, passphrase: str) -> SigningKey:
        """Return the signing key.

        Raises:
            ProofError: the passphrase is another, or the file was changed.
        """
        try:
            seed = _cipher(passphrase, self.scrypt).decrypt(self.nonce, self.ciphertext, _associated(self))
        except InvalidTag as error:
            raise ProofError("the key file does not open", expected="its passphrase", got="another one") from error
        key = SigningKey.from_seed(seed)
        if key.public_key != self.public_key:
            raise ProofError("the key file", expected="the public key of its seed", got="another one")
        return key


def protect_key(key: SigningKey, actor: str, passphrase: str) -> KeyFile:
    """Return the key under a passphrase.

    Raises:
        FormatError: an actor id that is none, or a passphrase of fewer than 8 characters.
    """
    if not ACTOR.fullmatch(actor):
        raise FormatError("actor id", expected="lower-case letters, digits, dots, dashes", got=repr(actor))
    if len(passphrase) < PASSPHRASE_MIN:
        raise FormatError("passphrase", expected=f"at least {PASSPHRASE_MIN} characters", got=len(passphrase))
    parameters = (N, R, P, secrets.token_bytes(SALT_SIZE))
    nonce = secrets.token_bytes(NONCE_SIZE)
    bare = KeyFile(actor, key.public_key, parameters, nonce, b"")
    ciphertext = _cipher(passphrase, parameters).encrypt(nonce, key.seed, _associated(bare))
    return KeyFile(actor, key.public_key, parameters, nonce, ciphertext)


def encode_keyfile(file: KeyFile) -> bytes:
    """Return the file."""
    cipher = {"name": CIPHER, "nonce": _text(file.nonce), "data": _text(file.ciphertext)}
    return json.dumps({**_public(file), "cipher": cipher}, indent=1).encode() + b"\n"


def decode_keyfile(data: bytes) -> KeyFile:
    """Return what a key file holds; it stays closed.

    Raises:
        FormatError: it is not a key file, or asks for more memory than is reasonable.
    """
    if len(data) > FILE_SIZE_MAX:
        raise FormatError("key file", expected=f"at most {FILE_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    try:
        members = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError("key file", expected="JSON", got=str(error)) from error
    _check_members("key file", members, {"format", "actor", "public_key", "kid", "scrypt", "cipher"})
    if members["format"] != FORMAT:
        raise FormatError("key file's format", expected=FORMAT, got=repr(members["format"])[:80])
    _check_members("key file's scrypt", members["scrypt"], {"n", "r", "p", "salt"})
    _check_members("key file's cipher", members["cipher"], {"name", "nonce", "data"})
    if members["cipher"]["name"] != CIPHER:
        raise FormatError("key file's cipher", expected=CIPHER, got=repr(members["cipher"]["name"])[:80])
    actor = members["actor"]
    if not isinstance(actor, str) or not ACTOR.fullmatch(actor):
        raise FormatError("key file's actor", expected="lower-case letters, digits, dots, dashes", got=repr(actor)[:80])
    file = KeyFile(
        actor,
        decode_key(members["public_key"]),
        _parameters(members["scrypt"]),
        _bytes(members["cipher"]["nonce"], NONCE_SIZE),
        _bytes(members["cipher"]["data"], 48),
    )
    if members["kid"] != file.kid.hex():
        raise FormatError("key file's kid", expected=file.kid.hex(), got=repr(members["kid"])[:80])
    return file


def check_free(path: Path) -> Path:
    """Return a path at which there is no key yet; a key that was used must not be lost.

    Raises:
        FormatError: there is one.
    """
    if path.exists():
        raise FormatError(f"{path}", expected="no key of this name yet", got="a file")
    return path


def write_keyfile(path: Path, file: KeyFile) -> None:
    """Write a key file that only its owner can read.

    Raises:
        FormatError: there is one already.
    """
    check_free(path)
    write_file(path, encode_keyfile(file), SECRET)


def read_keyfile(path: Path) -> KeyFile:
    """Return a key file from its path.

    Raises:
        NotFoundError: there is none.
        FormatError: it is not one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except FileNotFoundError as error:
        raise NotFoundError("key file", expected="one that `fengtu key new` made", got=f"nothing at {path}") from error
    return decode_keyfile(data)


def passphrase_of(folder: Path, ask: Callable[[], str]) -> str:
    """Return the passphrase for keys in a folder: FENGTU_PASSPHRASE, else the folder's own file, else what is asked.

    The file `passphrase` is there only where a node made its data folder by itself, to be tried out.
    """
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given:
        return given
    try:
        return (folder / PASSPHRASE_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ask()


def _cipher(passphrase: str, parameters: tuple[int, int, int, bytes]) -> ChaCha20Poly1305:
    n, r, p, salt = parameters
    return ChaCha20Poly1305(Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode()))


def _public(file: KeyFile) -> dict[str, Any]:
    n, r, p, salt = file.scrypt
    return {
        "format": FORMAT,
        "actor": file.actor,
        "public_key": encode_key(file.public_key),
        "kid": file.kid.hex(),
        "scrypt": {"n": n, "r": r, "p": p, "salt": _text(salt)},
    }


def _associated(file: KeyFile) -> bytes:
    return json.dumps(_public(file), sort_keys=True, separators=(",", ":")).encode()


def _parameters(members: Mapping[str, Any]) -> tuple[int, int, int, bytes]:
    n, r, p = members["n"], members["r"], members["p"]
    for name, value, low, high in (("n", n, N_MIN, N_MAX), ("r", r, 1, R_MAX), ("p", p, 1, P_MAX)):
        if type(value) is not int or not low <= value <= high:
            raise FormatError(f"key file's scrypt {name}", expected=f"{low} to {high}", got=repr(value)[:80])
    if n & (n - 1):
        raise FormatError("key file's scrypt n", expected="a power of two", got=n)
    return n, r, p, _bytes(members["salt"], SALT_SIZE)


def _check_members(what: str, value: object, names: set[str]) -> None:
    if not isinstance(value, dict) or set(value) != names:
        got = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise FormatError(what, expected=f"an object with {', '.join(sorted(names))}", got=str(got)[:200])


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: object, size: int) -> bytes:
    try:
        data = urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))
    except ValueError:
        data = b""
    if len(data) != size or _text(data) != text:
        raise FormatError("key file's bytes", expected=f"base64url of {size} bytes", got=repr(text)[:80])
    return data
