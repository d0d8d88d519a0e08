"""Signed notes and verifier keys (C2SP signed-note).

A note is text, an empty line, and one line for each signature; a verifier key is one line of text:

    If you think cryptography is the answer to your problem,
    then you don't know what your problem is.

    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

    PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW

The text means nothing before a signature of a key that the reader chose has been checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.errors import FormatError, SignatureError
from ledger.signature import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.signature import SigningKey

ED25519 = 0x01
"""Signature type of a plain Ed25519 signature over the note's text."""

COSIGNATURE = 0x04
"""Signature type of a timestamped Ed25519 cosignature, see `ledger.checkpoint`."""

NOTE_SIZE_MAX = 1 << 20
SIGNATURES_MAX = 100  # signed-note asks for at least 16

# The code points with the property White_Space, spelled out so that no Unicode version changes what a name may be.
_NAME_BREAKERS = re.compile("[\x00-\x20+\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")
_CONTROLS = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_TYPES = {ED25519: "Ed25519", COSIGNATURE: "Ed25519 cosignature"}


def decode_base64(text: str) -> bytes:
    """Decode standard padded Base64 (RFC 4648, section 4) in the one spelling that encodes to itself.

    Raises:
        FormatError: another alphabet, missing padding, stray characters or bits.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("base64", expected="canonical base64", got=repr(text[:80])) from error
    if base64.b64encode(data).decode() != text:
        raise FormatError("base64", expected=base64.b64encode(data[:60]).decode(), got=repr(text[:80]))
    return data


def encode_base64(data: bytes) -> str:
    """Encode as standard padded Base64 (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def check_key_name(name: str) -> str:
    """Return a key name that may stand in a note: not empty, no Unicode space, control character or plus.

    Raises:
        FormatError: anything else.
    """
    if not name or _NAME_BREAKERS.search(name):
        raise FormatError("key name", expected="UTF-8 text without space and plus", got=repr(name[:80]))
    return name


def key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """Return the 4 bytes that name a key beside its name: `SHA-256(name ‖ 0A ‖ type ‖ public key)[:4]`."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([signature_type]) + public_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under.

    Attributes:
        name: the key name, for a log its origin.
        key_id: 4 bytes, held against the other three.
        type: `ED25519` or `COSIGNATURE`.
        public_key: 32 bytes of Ed25519.
    """

    name: str
    key_id: bytes
    type: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.type not in _TYPES:
            raise FormatError("verifier key", expected="signature type 01 or 04", got=f"type {self.type:02x}")
        if len(self.public_key) != 32:
            raise FormatError("verifier key", expected="32 bytes", got=f"{len(self.public_key)} bytes")
        expected = key_id(self.name, self.type, self.public_key)
        if self.key_id != expected:
            raise FormatError("verifier key's id", expected=expected.hex(), got=self.key_id.hex())

    @classmethod
    def of(cls, name: str, signature_type: int, public_key: bytes) -> VerifierKey:
        """Return the key with its id computed.

        Raises:
            FormatError: a name, type or key that cannot stand in a note.
        """
        check_key_name(name)
        if signature_type not in _TYPES:
            raise FormatError("verifier key", expected="signature type 01 or 04", got=f"type {signature_type}")
        return cls(name, key_id(name, signature_type, public_key), signature_type, public_key)

    def encode(self) -> str:
        """Return `name+hex(id)+base64(type ‖ public key)`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public_key)}"


def decode_vkey(text: str) -> VerifierKey:
    """Decode a verifier key of type 01 or 04.

    Raises:
        FormatError: not a verifier key, of another type, or with an id that is not its own.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise FormatError("verifier key", expected="name+hex+base64", got=repr(text[:160]))
    name, hex_id, blob = parts
    if not re.fullmatch("[0-9a-f]{8}", hex_id):
        raise FormatError("verifier key's id", expected="8 lower-case hexadecimal digits", got=repr(hex_id[:80]))
    data = decode_base64(blob)
    if not data:
        raise FormatError("verifier key", expected="a type byte and a key", got="nothing")
    return VerifierKey(name, bytes.fromhex(hex_id), data[0], data[1:])


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, not checked yet.

    Attributes:
        name: the key name.
        key_id: 4 bytes.
        blob: what the key's type makes of it, at least 1 byte; 64 for Ed25519, 8 of time and 64 for a cosignature.
    """

    name: str
    key_id: bytes
    blob: bytes

    def encode(self) -> str:
        """Return the line `— name base64(id ‖ blob)` with its newline."""
        return f"— {self.name} {encode_base64(self.key_id + self.blob)}\n"

    def is_of(self, vkey: VerifierKey) -> bool:
        """Say whether name and id are those of the key; only `check` says whether the signature is its."""
        return (self.name, self.key_id) == (vkey.name, vkey.key_id)


def decode_signature(line: str) -> Signature:
    """Decode one signature line, its newline included.

    Raises:
        FormatError: not of that form.
    """
    parts = line.removesuffix("\n").split(" ")
    if not line.endswith("\n") or len(parts) != 3 or parts[0] != "—":
        raise FormatError("signature line", expected="'— name base64' and a newline", got=repr(line[:160]))
    data = decode_base64(parts[2])
    if len(data) < 5:
        raise FormatError("signature line", expected="4 bytes of key id and a signature", got=f"{len(data)} bytes")
    return Signature(check_key_name(parts[1]), data[:4], data[4:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines, none of them checked.

    Attributes:
        text: ends in a newline; the empty line that separates it from the signatures is not part of it.
        signatures: 1 to `SIGNATURES_MAX`, in the order of their lines.
    """

    text: str
    signatures: tuple[Signature, ...]


def decode_note(data: bytes) -> Note:
    """Decode a note; nothing in it is checked against a key.

    Raises:
        FormatError: not a note, larger than `NOTE_SIZE_MAX`, or with more than `SIGNATURES_MAX` signatures.
    """
    if len(data) > NOTE_SIZE_MAX:
        raise FormatError("note", expected=f"at most {NOTE_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    control = _CONTROLS.search(data)
    if control:
        raise FormatError("note", expected="no control character but newline", got=f"byte {control[0].hex()}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError("note", expected="UTF-8", got=str(error)) from error
    # The text may hold empty lines itself: the last one separates.
    head, separator, tail = whole.rpartition("\n\n")
    if not separator:
        raise FormatError("note", expected="text, an empty line, signatures", got="no empty line")
    return Note(head + "\n", tuple(_decode_lines(tail)))


def _decode_lines(lines: str) -> list[Signature]:
    if not lines.endswith("\n"):
        raise FormatError("signatures", expected="lines that each end in a newline", got=repr(lines[-80:]))
    count = lines.count("\n")
    if count > SIGNATURES_MAX:
        raise FormatError("signatures", expected=f"at most {SIGNATURES_MAX}", got=count)
    return [decode_signature(line + "\n") for line in lines[:-1].split("\n")]


def decode_signatures(data: bytes) -> list[Signature]:
    """Decode bare signature lines, as a witness answers with (tlog-witness, add-checkpoint).

    Raises:
        FormatError: not one or more signature lines.
    """
    if len(data) > NOTE_SIZE_MAX:
        raise FormatError("signatures", expected=f"at most {NOTE_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    try:
        return _decode_lines(data.decode())
    except UnicodeDecodeError as error:
        raise FormatError("signatures", expected="UTF-8", got=str(error)) from error


def encode_note(note: Note) -> bytes:
    """Encode a note.

    Raises:
        FormatError: what would not decode to the same note, such as a text without its last newline.
    """
    try:
        data = (note.text + "\n" + "".join(signature.encode() for signature in note.signatures)).encode()
    except UnicodeEncodeError as error:
        raise FormatError("note", expected="text that UTF-8 can hold", got=str(error)) from error
    if decode_note(data) != note:
        raise FormatError(
            "note", expected="a text that ends in a newline, and signature lines", got=repr(note.text[:80])
        )
    return data


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A signing key under a name.

    Attributes:
        name: the key name.
        key: the Ed25519 key; kept out of `repr`.
        type: `ED25519` or `COSIGNATURE`.
    """

    name: str
    key: SigningKey = field(repr=False)
    type: int = ED25519

    @property
    def vkey(self) -> VerifierKey:
        """Return what readers check this signer's signatures with."""
        return VerifierKey.of(self.name, self.type, self.key.public_key)


def sign_note(text: str, signers: Iterable[NoteSigner]) -> bytes:
    """Return the text as a note with one plain Ed25519 signature by each signer.

    Raises:
        FormatError: a text that cannot be a note's, no signer, or a signer of another type than `ED25519`.
    """
    signatures = []
    for signer in signers:
        vkey = signer.vkey
        if vkey.type != ED25519:
            raise FormatError("note signer", expected="type 01 (Ed25519)", got=f"type {vkey.type:02x}")
        try:
            message = text.encode()
        except UnicodeEncodeError as error:
            raise FormatError("note", expected="text that UTF-8 can hold", got=str(error)) from error
        signatures.append(Signature(vkey.name, vkey.key_id, signer.key.sign(message)))
    return encode_note(Note(text, tuple(signatures)))


def signatures_of(note: Note, vkey: VerifierKey) -> list[Signature]:
    """Return the note's signatures that claim to be the key's, at least one; other keys' are ignored.

    Raises:
        SignatureError: there is none.
    """
    found = [signature for signature in note.signatures if signature.is_of(vkey)]
    if not found:
        names = ", ".join(f"{signature.name}+{signature.key_id.hex()}" for signature in note.signatures)
        raise SignatureError("note", expected=f"a signature of {vkey.name}+{vkey.key_id.hex()}", got=names)
    return found


def open_note(data: bytes, vkey: VerifierKey) -> str:
    """Return the text of a note that the key signed.

    Every line that claims to be the key's is checked: one that fails spoils the note (signed-note, Signatures).

    Raises:
        FormatError: not a note, or a key of another type than `ED25519`.
        SignatureError: no signature of the key, or one that does not verify.
    """
    if vkey.type != ED25519:
        raise FormatError("verifier key", expected="type 01 (Ed25519)", got=f"type {vkey.type:02x}")
    note = decode_note(data)
    message = note.text.encode()
    for signature in signatures_of(note, vkey):
        if len(signature.blob) != 64:
            raise SignatureError("note signature", expected="64 bytes", got=f"{len(signature.blob)} bytes")
        check(vkey.public_key, message, signature.blob)
    return note.text
