"""What hides private facts: keyed hashes under the log's replay secret (formats.md, Facts and Seal).

    HMAC-SHA-256(replay secret, uint8 length ‖ label ‖ data)

The secret is the operator's and its authorised replayers'. A holder gets the holder key and can derive the blinds of
its own facts; a bundle carries blinds, never a key.
"""

from __future__ import annotations

import hashlib
import hmac

from ledger.errors import FormatError

SIZE = 32
SALTS = ("private_root", "private_records_root")


class ReplaySecret:
    """The 32 bytes from which every salt, holder key and private identifier follows."""

    __slots__ = ("secret",)

    def __init__(self, secret: bytes) -> None:
        self.secret = _checked(secret, "replay secret")

    def salt(self, label: str, seal_index: int) -> bytes:
        """Return the salt of one of a seal's private roots; `label` is one of `SALTS`."""
        if label not in SALTS:
            raise FormatError("salt's label", expected=" or ".join(SALTS), got=label)
        return self._hmac(label, seal_index.to_bytes(8, "big"))

    def holder_key(self, holder: str | None) -> bytes:
        """Return the key from which the blinds of a holder's facts follow; None for facts that have no holder."""
        return self._hmac("no-holder", b"") if holder is None else self._hmac("holder", holder.encode())

    def identifier(self, type_: str, value: str) -> bytes:
        """Return what stands in a fact's key for an identifier that could be guessed (person, client id, serial)."""
        parts = (type_.encode(), value.encode())
        if any(len(part) > 0xFFFF for part in parts):
            raise FormatError("private identifier", expected="at most 65535 bytes a part")
        return self._hmac("identifier", b"".join(len(part).to_bytes(2, "big") + part for part in parts))

    def _hmac(self, label: str, data: bytes) -> bytes:
        name = label.encode()
        return hmac.digest(self.secret, bytes([len(name)]) + name + data, "sha256")

    def __repr__(self) -> str:
        return "ReplaySecret(…)"


def blind(holder_key: bytes, key: bytes, position: bytes) -> bytes:
    """Return the blind of one private fact at one position, 32 bytes."""
    return hmac.digest(_checked(holder_key, "holder key"), key + position, "sha256")


def private_value(blind_: bytes, cbor: bytes) -> bytes:
    """Return what the private map holds for a fact: SHA-256(blind ‖ CBOR)."""
    return hashlib.sha256(_checked(blind_, "blind") + cbor).digest()


def _checked(data: bytes, what: str) -> bytes:
    # A shorter blind would let two pairs (blind, value) share one hash.
    if len(data) != SIZE:
        raise FormatError(what, expected=f"{SIZE} bytes", got=f"{len(data)} bytes")
    return data
