"""Bundles: one JSON file that answers one question offline (`application/vnd.fengtu.bundle+json`).

    {"anchors": [], "checkpoint": "log.example/hsinchu …", "format": "fengtu-bundle/1",
     "genesis": {"document": "…", "index": 0, "proof": ["…"], "statement": "…"}, "handover": [],
     "private": [], "private_map": null,
     "public_map": {"facts": [{"key": "…", "proof": "…", "value": "…"}],
                    "prefixes": [{"pairs": [["<key>", "<value>"]], "prefix": "…", "proof": "…"}]},
     "question": {"gtin": "04712345678900", "kind": "product", "lot": "L1"},
     "records": [{"disclosures": ["…"], "document": "…", "index": 17, "proof": ["…"], "statement": "…"}],
     "seals": [{"document": "…", "index": 18, "proof": ["…"], "statement": "…"}]}

Bytes are base64url without padding, documents are the JSON text as it was supplied. The encoding is the one with sorted
members and no white space: what does not re-encode to itself is refused. Everything is proved under the one checkpoint;
the last seal is the one that the checkpoint ends in. Whom to trust comes from the reader's policy, never from here.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.document import decode_json
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "fengtu-bundle/1"
CONTENT_TYPE = "application/vnd.fengtu.bundle+json"
BUNDLE_SIZE_MAX = 64 * 2**20
DEPTH_MAX = 8
QUESTIONS = {
    "product": ("gtin", "lot"),
    "settlement": ("agreement",),
    "payment": ("redemption",),
    "account": ("account",),
    "liability": ("programme", "issuer"),
    "draw": ("programme", "release"),
    "licence": ("licence",),
    "record": ("record",),
}
"""What each kind of question names."""
OPTIONAL = {"product": ("licences",), "licence": ("day", "known")}
"""What it may name beside that; a bundle of an earlier day does not."""


@dataclass(frozen=True, slots=True)
class BundledRecord:
    """A public record: its index, exact bytes, document, inclusion in the checkpoint's tree, allowed disclosures."""

    index: int
    statement: bytes
    document: bytes
    proof: tuple[bytes, ...]
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundledPrivate:
    """A private record: its leaf, where it stands below a seal, and what opens that seal's salted root."""

    leaf: bytes
    document: bytes
    n: int
    count: int
    path: tuple[bytes, ...]
    salt: bytes
    seal: int
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundledFact:
    """The value of one key (None: it has none) with its proof; a private one with its blind and position."""

    key: bytes
    value: bytes | None
    proof: bytes
    blind: bytes | None = None


@dataclass(frozen=True, slots=True)
class BundledPrefix:
    """All pairs under one prefix of 33 bytes, with their proof; private ones with a blind each."""

    prefix: bytes
    pairs: tuple[tuple[bytes, bytes], ...]
    proof: bytes
    blinds: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class BundledMap:
    """What is proved of the public map."""

    facts: tuple[BundledFact, ...] = ()
    prefixes: tuple[BundledPrefix, ...] = ()


@dataclass(frozen=True, slots=True)
class BundledPrivateMap:
    """What is proved of the private map: its root, the salt that opens the last seal's, and facts with blinds."""

    root: bytes
    salt: bytes
    facts: tuple[BundledFact, ...] = ()
    prefixes: tuple[BundledPrefix, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A proof file; whether it holds is for a verifier to say."""

    question: dict[str, str]
    genesis: BundledRecord
    records: tuple[BundledRecord, ...]
    seals: tuple[BundledRecord, ...]
    public_map: BundledMap
    checkpoint: bytes
    private: tuple[BundledPrivate, ...] = ()
    private_map: BundledPrivateMap | None = None
    handover: tuple[BundledRecord, ...] = ()
    anchors: tuple[dict[str, Any], ...] = ()


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the bundle's file."""
    members = {
        "format": FORMAT,
        "question": bundle.question,
        "genesis": _record(bundle.genesis),
        "records": [{**_record(one), "disclosures": list(one.disclosures)} for one in bundle.records],
        "seals": [_record(one) for one in bundle.seals],
        "private": [_private(one) for one in bundle.private],
        "public_map": _map(bundle.public_map),
        "private_map": None if bundle.private_map is None else _private_map(bundle.private_map),
        "handover": [_record(one) for one in bundle.handover],
        "checkpoint": bundle.checkpoint.decode(),
        "anchors": list(bundle.anchors),
    }
    return _dump(members)


def decode_bundle(data: bytes) -> Bundle:
    """Return the bundle in a file.

    Raises:
        FormatError: it is none, or not in its one encoding.
    """
    members = decode_json(data, size_max=BUNDLE_SIZE_MAX, depth_max=DEPTH_MAX)
    _check_members(members, "bundle", _MEMBERS)
    if _dump(members) != data:
        raise FormatError("bundle", expected="sorted members and no white space", got="another encoding of the same")
    if members["format"] != FORMAT:
        raise FormatError("bundle format", expected=FORMAT, got=str(members["format"])[:60])
    return Bundle(
        question=_question(members["question"]),
        genesis=_read_record(members["genesis"], "genesis"),
        records=tuple(_read_record(one, "record", disclosures=True) for one in _list(members["records"], "records")),
        seals=tuple(_read_record(one, "seal") for one in _list(members["seals"], "seals")),
        private=tuple(_read_private(one) for one in _list(members["private"], "private")),
        public_map=_read_map(members["public_map"]),
        private_map=None if members["private_map"] is None else _read_private_map(members["private_map"]),
        handover=tuple(_read_record(one, "handover") for one in _list(members["handover"], "handover")),
        checkpoint=_text(members["checkpoint"], "checkpoint").encode(),
        anchors=tuple(_anchor(one) for one in _list(members["anchors"], "anchors")),
    )


_MEMBERS = {
    "format", "question", "genesis", "records", "seals", "private", "public_map", "private_map", "handover",
    "checkpoint", "anchors",
}  # fmt: skip


def _record(one: BundledRecord) -> dict[str, Any]:
    return {
        "index": one.index,
        "statement": _base64(one.statement),
        "document": one.document.decode(),
        "proof": [_base64(hash_) for hash_ in one.proof],
    }


def _private(one: BundledPrivate) -> dict[str, Any]:
    return {
        "leaf": _base64(one.leaf),
        "document": one.document.decode(),
        "n": one.n,
        "count": one.count,
        "path": [_base64(hash_) for hash_ in one.path],
        "salt": _base64(one.salt),
        "seal": one.seal,
        "disclosures": list(one.disclosures),
    }


def _private_map(one: BundledPrivateMap) -> dict[str, Any]:
    return {"root": _base64(one.root), "salt": _base64(one.salt), **_map(one)}


def _map(one: BundledMap | BundledPrivateMap) -> dict[str, Any]:
    private = isinstance(one, BundledPrivateMap)
    facts: list[dict[str, Any]] = []
    for fact in one.facts:
        value = None if fact.value is None else _base64(fact.value)
        blind = {"blind": None if fact.blind is None else _base64(fact.blind)} if private else {}
        facts.append({"key": _base64(fact.key), "value": value, "proof": _base64(fact.proof), **blind})
    prefixes: list[dict[str, Any]] = []
    for prefix in one.prefixes:
        pairs = [[_base64(key), _base64(value)] for key, value in prefix.pairs]
        blinds = {"blinds": [_base64(blind) for blind in prefix.blinds or ()]} if private else {}
        prefixes.append({"prefix": _base64(prefix.prefix), "pairs": pairs, "proof": _base64(prefix.proof), **blinds})
    return {"facts": facts, "prefixes": prefixes}


def _read_record(value: object, what: str, *, disclosures: bool = False) -> BundledRecord:
    names = {"index", "statement", "document", "proof"} | ({"disclosures"} if disclosures else set())
    members = _check_members(value, what, names)
    return BundledRecord(
        _number(members["index"], what),
        _bytes(members["statement"], what),
        _text(members["document"], what).encode(),
        tuple(_bytes(one, what) for one in _list(members["proof"], what)),
        tuple(_text(one, what) for one in _list(members["disclosures"], what)) if disclosures else (),
    )


def _read_private(value: object) -> BundledPrivate:
    names = {"leaf", "document", "n", "count", "path", "salt", "seal", "disclosures"}
    members = _check_members(value, "private", names)
    return BundledPrivate(
        _bytes(members["leaf"], "private leaf"),
        _text(members["document"], "private document").encode(),
        _number(members["n"], "private n"),
        _number(members["count"], "private count"),
        tuple(_bytes(one, "private path") for one in _list(members["path"], "private path")),
        _bytes(members["salt"], "private salt"),
        _number(members["seal"], "private seal"),
        tuple(_text(one, "private disclosure") for one in _list(members["disclosures"], "private disclosures")),
    )


def _read_map(value: object) -> BundledMap:
    members = _check_members(value, "map", {"facts", "prefixes"})
    return BundledMap(_read_facts(members, private=False), _read_prefixes(members, private=False))


def _read_private_map(value: object) -> BundledPrivateMap:
    members = _check_members(value, "private map", {"root", "salt", "facts", "prefixes"})
    return BundledPrivateMap(
        _bytes(members["root"], "private map root"),
        _bytes(members["salt"], "private map salt"),
        _read_facts(members, private=True),
        _read_prefixes(members, private=True),
    )


def _read_facts(members: Mapping[str, Any], *, private: bool) -> tuple[BundledFact, ...]:
    facts: list[BundledFact] = []
    for one in _list(members["facts"], "facts"):
        fact = _check_members(one, "fact", {"key", "value", "proof"} | ({"blind"} if private else set()))
        facts.append(
            BundledFact(
                _bytes(fact["key"], "fact key"),
                None if fact["value"] is None else _bytes(fact["value"], "fact value"),
                _bytes(fact["proof"], "fact proof"),
                None if not private or fact["blind"] is None else _bytes(fact["blind"], "fact blind"),
            )
        )
    return tuple(facts)


def _read_prefixes(members: Mapping[str, Any], *, private: bool) -> tuple[BundledPrefix, ...]:
    prefixes: list[BundledPrefix] = []
    for one in _list(members["prefixes"], "prefixes"):
        prefix = _check_members(one, "prefix", {"prefix", "pairs", "proof"} | ({"blinds"} if private else set()))
        pairs: list[tuple[bytes, bytes]] = []
        for pair in _list(prefix["pairs"], "pairs"):
            key, value_ = _pair(pair)
            pairs.append((key, value_))
        blinds = tuple(_bytes(blind, "blind") for blind in _list(prefix["blinds"], "blinds")) if private else None
        prefixes.append(
            BundledPrefix(_bytes(prefix["prefix"], "prefix"), tuple(pairs), _bytes(prefix["proof"], "proof"), blinds)
        )
    return tuple(prefixes)


def _pair(value: object) -> tuple[bytes, bytes]:
    pair = _list(value, "pair")
    if len(pair) != 2:
        raise FormatError("bundle pair", expected="[key, value]", got=f"{len(pair)} items")
    return _bytes(pair[0], "pair key"), _bytes(pair[1], "pair value")


def _question(value: object) -> dict[str, str]:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in QUESTIONS:
        raise FormatError("bundle question", expected=" or ".join(QUESTIONS), got=repr(kind)[:60])
    named = {name for name in OPTIONAL.get(kind, ()) if name in value}
    members = _check_members(value, "question", {"kind", *QUESTIONS[kind], *named})
    return {name: _text(one, "question") for name, one in members.items()}


def _anchor(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("bundle anchor", expected="an object")
    return value


def _check_members(value: object, what: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        got = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise FormatError(f"bundle {what}", expected=f"an object with {', '.join(sorted(names))}", got=str(got)[:200])
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError(f"bundle {what}", expected="a list", got=type(value).__name__)
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise FormatError(f"bundle {what}", expected="text", got=type(value).__name__)
    return value


def _number(value: object, what: str) -> int:
    if type(value) is not int or value < 0:
        raise FormatError(f"bundle {what}", expected="an integer from 0", got=repr(value)[:40])
    return value


def _bytes(value: object, what: str) -> bytes:
    text = _text(value, what)
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise FormatError(f"bundle {what}", expected="base64url", got=repr(text)[:60]) from error
    if _base64(data) != text:
        raise FormatError(f"bundle {what}", expected="base64url without padding", got=repr(text)[:60])
    return data


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _dump(members: object) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
