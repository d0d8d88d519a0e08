"""Documents: the JSON that a record commits to, kept byte for byte.

    {"id": "7b0c…", "nonce": "mT0q3Vh1c2dYb0l5Yk1uZw", "body": {"gtin": "04712345678900"},
     "hidden": {"memo": "<digest>"}, "context": {"entered_for": "hsinchu.farmer-1"}}

The JSON is I-JSON (RFC 7493): no name twice, integers within ±(2^53 − 1), no lone surrogates; depth and size are
bounded.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger import core
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT_SIZE_MAX = 262_144
DEPTH_MAX = 32
INTEGER_MAX = 2**53 - 1
HIDDEN_MAX = 64

_ID = re.compile(r"[!-~]{1,128}")
# Base64url of 16 and of 32 bytes: the bits of the last character that carry nothing are zero.
_NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Context:
    """Who entered it for whom.

    Attributes:
        entered_for: the actor whose act it is, where another one signs.
        evidence: SHA-256 of what that actor signed instead, 32 bytes.
    """

    entered_for: str | None = None
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A decoded document.

    Attributes:
        data: its bytes as supplied.
        hash: their SHA-256.
        id: the client's name for it.
        nonce: 128 random bits, so that the hash cannot be guessed.
        body: what it says.
        hidden: digests of disclosures by name.
        context: who entered it for whom, None where the actor did.
        worked: what the rules worked out of the body already; it is theirs, and no part of the document.
    """

    data: bytes
    hash: bytes
    id: str
    nonce: str
    body: dict[str, Any]
    hidden: Mapping[str, str] = field(default_factory=dict)
    context: Context | None = None
    worked: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def decode_json(data: bytes, *, size_max: int = DOCUMENT_SIZE_MAX, depth_max: int = DEPTH_MAX) -> Any:
    """Return the value of strict I-JSON (RFC 7493).

    Args:
        data: UTF-8 without a byte order mark.
        size_max: bound in bytes.
        depth_max: how deep arrays and objects may nest.

    Raises:
        FormatError: it is not JSON, or JSON that two readers could read differently.
    """
    if len(data) > size_max:
        raise FormatError("JSON", expected=f"at most {size_max} bytes", got=f"{len(data)} bytes")
    if core.native is not None:
        found: tuple[Any] | None = core.native.json_decode(data, depth_max)
        if found is not None:
            return found[0]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError("JSON", expected="UTF-8", got=f"a byte that is not at {error.start}") from error
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise FormatError("JSON", expected="one well-formed value", got=str(error)[:200]) from error
    _check(value, depth_max)
    return value


def encode_json(value: Any) -> bytes:
    """Return compact JSON; what reads it decides what it may hold.

    Raises:
        FormatError: there is no JSON for it: not a number, a lone surrogate, a type of Python's own.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError("JSON", expected="a value that JSON has", got=str(error)[:200]) from error


def decode_document(data: bytes) -> Document:
    """Return the document in these bytes.

    Raises:
        FormatError: they are not a document.
    """
    members = decode_json(data)
    if not isinstance(members, dict) or not _REQUIRED <= members.keys() <= _MEMBERS:
        got = sorted(members) if isinstance(members, dict) else type(members).__name__
        raise FormatError("document", expected="an object with id, nonce, body, and hidden or context", got=got)
    id_, nonce, body = members["id"], members["nonce"], members["body"]
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise FormatError("document id", expected="1 to 128 printable ASCII characters", got=repr(id_)[:80])
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise FormatError("document nonce", expected="base64url of 16 bytes", got=repr(nonce)[:80])
    if not isinstance(body, dict):
        raise FormatError("document body", expected="an object", got=type(body).__name__)
    return Document(
        data, hashlib.sha256(data).digest(), id_, nonce, body, _hidden(members.get("hidden", {})), _context(members)
    )


def encode_document(
    *,
    id: str,  # noqa: A002 - the member's name
    body: Mapping[str, Any],
    hidden: Mapping[str, str] | None = None,
    context: Context | None = None,
    nonce: str | None = None,
) -> bytes:
    """Return a document's bytes, with a fresh nonce where none is given.

    Raises:
        FormatError: they would not be a document.
    """
    nonce = _base64(secrets.token_bytes(16)) if nonce is None else nonce
    members: dict[str, Any] = {"id": id, "nonce": nonce, "body": body}
    if hidden:
        members["hidden"] = dict(hidden)
    if context is not None:
        members["context"] = {
            name: value
            for name, value in (
                ("entered_for", context.entered_for),
                ("evidence", None if context.evidence is None else context.evidence.hex()),
            )
            if value is not None
        }
    data = encode_json(members)
    decode_document(data)
    return data


_REQUIRED = {"id", "nonce", "body"}
_MEMBERS = {"id", "nonce", "body", "hidden", "context"}


def _hidden(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > HIDDEN_MAX:
        raise FormatError("document hidden", expected=f"an object of at most {HIDDEN_MAX} digests")
    for name, digest in value.items():
        if not _NAME.fullmatch(name):
            raise FormatError("hidden name", expected="a lower-case name", got=repr(name)[:80])
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise FormatError(f"hidden {name}", expected="base64url of 32 bytes", got=repr(digest)[:80])
    return value


def _context(members: dict[str, Any]) -> Context | None:
    if "context" not in members:
        return None
    value = members["context"]
    if not isinstance(value, dict) or not value or not set(value) <= {"entered_for", "evidence"}:
        raise FormatError("document context", expected="entered_for, evidence, or both")
    if None in value.values():
        raise FormatError("document context", expected="no null: what is not said is left out", got=sorted(value))
    entered_for, evidence = value.get("entered_for"), value.get("evidence")
    if entered_for is not None and not (isinstance(entered_for, str) and _ID.fullmatch(entered_for)):
        raise FormatError("context entered_for", expected="an actor", got=repr(entered_for)[:80])
    if evidence is not None and not (isinstance(evidence, str) and re.fullmatch(r"[0-9a-f]{64}", evidence)):
        raise FormatError("context evidence", expected="a SHA-256 in hex", got=repr(evidence)[:80])
    return Context(entered_for, None if evidence is None else bytes.fromhex(evidence))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise FormatError("JSON object", expected="no name twice", got=repr(twice)[:80])
    return members


def _integer(text: str) -> int:
    value = int(text) if len(text) <= 17 else INTEGER_MAX + 1
    if abs(value) > INTEGER_MAX:
        raise FormatError("JSON integer", expected="within ±(2^53 - 1)", got=text[:40])
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise FormatError("JSON number", expected="a finite double", got=text[:40])
    return value


def _constant(text: str) -> None:
    raise FormatError("JSON number", expected="a finite number", got=text)


def _check(value: Any, depth_left: int) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise FormatError("JSON text", expected="Unicode", got="a lone surrogate")
        return
    if isinstance(value, (dict, list)):
        if depth_left == 0:
            raise FormatError("JSON", expected="less nesting")
        if isinstance(value, dict):
            for name in value:
                _check(name, depth_left - 1)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth_left - 1)


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
