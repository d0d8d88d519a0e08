"""Requests signed by a registered key (RFC 9421 HTTP Message Signatures), for what has no record of its own.

    Signature-Input: fengtu=("@method" "@target-uri" "content-digest");created=1795420800;keyid="<hex thumbprint>";
                     alg="ed25519"
    Signature: fengtu=:…:

Covered are method and target (whole, or as authority, path and query), and the digest of the body where there is one
(RFC 9530); a signature is good for five minutes. What was signed is kept as evidence where a record follows from it:
signature base, signature and body, so that anybody can check later what the actor asked for (`open_evidence`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import http_sf
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.digests import ContentDigest
from http_message_signatures.exceptions import HTTPMessageSignaturesException, InvalidSignature

from api.problems import UnsignedError
from contracts.keys import actor_key, key_key
from contracts.rewards.book import HOLDER
from contracts.rewards.keys import account_key, holder_key
from ledger import cbor, signature
from ledger.errors import FengtuError, FormatError, ProofError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from api.services import Services
    from ledger.signature import SigningKey

AGE_MAX_S = 300
LABEL = "fengtu"
TARGET = ("@method", "@target-uri")
TARGET_IN_PARTS = ("@method", "@authority", "@path", "@query")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request whose signature holds.

    Attributes:
        actor: whose key signed it.
        evidence: what was signed, with the body: CBOR `{"base", "signature", "body"}`.
    """

    actor: str
    evidence: bytes

    @property
    def evidence_hash(self) -> bytes:
        """The SHA-256 under which a record's context names the evidence."""
        return hashlib.sha256(self.evidence).digest()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an actor signed instead of a record, checked.

    Attributes:
        base: the signature base (RFC 9421 §2.5).
        signature: 64 bytes.
        body: what its `content-digest` is of.
    """

    base: str
    signature: bytes
    body: bytes


class _Message:
    def __init__(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        self.method = method.upper()
        self.url = url
        # Each line of a header that comes twice counts: were one of them verified and the other kept as evidence, an
        # actor could deny what it asked for.
        self.headers = headers


class _Verifier(HTTPMessageVerifier):
    """Looks at the clock our way: five minutes in both directions, for clocks in the field; none after `expires`."""

    def validate_created_and_expires(self, sig_input: Any, max_age: dt.timedelta | None = None) -> None:
        del max_age
        now_s = int(time.time())
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or abs(now_s - created) > AGE_MAX_S:
            raise InvalidSignature(f"created={created}; the clock here says {now_s}")
        if expires is not None and (type(expires) is not int or expires < now_s):
            raise InvalidSignature(f"expires={expires}; the clock here says {now_s}")


class _Ed25519(algorithms.HTTPSignatureAlgorithm):
    """Ed25519 by our own strict check, so that one signature has one verdict everywhere."""

    algorithm_id = "ed25519"

    def __init__(self, public_key: Any = None, private_key: Any = None) -> None:
        self._public_key = public_key
        self._private_key = private_key

    def sign(self, message: bytes) -> bytes:
        return signature.SigningKey.from_seed(self._private_key).sign(message)

    def verify(self, signature: bytes, message: bytes) -> None:
        _check(self._public_key, message, signature)


def _check(public_key: bytes, message: bytes, found: bytes) -> None:
    signature.check(public_key, message, found)


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, *, public: Mapping[str, bytes] | None = None, seed: bytes | None = None) -> None:
        self._public = public or {}
        self._seed = seed

    def resolve_public_key(self, key_id: str) -> bytes:
        return self._public[key_id]

    def resolve_private_key(self, key_id: str) -> bytes:
        del key_id
        if self._seed is None:
            raise KeyError("no private key")
        return self._seed


def sign_request(
    key: SigningKey, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a request's headers with its signature.

    Args:
        key: the actor's key.
        method: such as GET.
        url: the whole address, as the node's `base_url` begins it.
        body: the body, where there is one.
        headers: headers that it has already.
    """
    signed = dict(headers or {})
    message = _Message(method, url, signed)
    signer = HTTPMessageSigner(signature_algorithm=_Ed25519, key_resolver=_Keys(seed=key.seed))
    signer.sign(
        message,
        key_id=key.kid.hex(),
        created=dt.datetime.now(dt.UTC),
        label=LABEL,
        covered_component_ids=TARGET,
        body=body,
    )
    return signed


def open_request(request: Request, node: Services, body: bytes | None = None) -> SignedRequest:
    """Return who signed a request.

    Args:
        request: the request.
        node: its keys are those of the newest state.
        body: the body as it was read, where there is one.

    Raises:
        UnsignedError: it is not signed, not by an entitled key, or too old.
    """
    url = f"{origin_of(node.base_url)}{raw_path(request)}{f'?{request.url.query}' if request.url.query else ''}"
    kid = _key_id(", ".join(request.headers.getlist("signature-input")))
    known = active_key(node, bytes.fromhex(kid))
    verifier = _Verifier(signature_algorithm=_Ed25519, key_resolver=_Keys(public={kid: known["public_key"]}))
    digest = ["content-digest"] if body is not None else []
    try:
        result = verifier.verify(_Message(request.method, url, request.headers), require_components=digest, body=body)[
            0
        ]
        _expect_target(result.covered_components)
    except (HTTPMessageSignaturesException, FengtuError, KeyError, ValueError, TypeError) as error:
        raise UnsignedError(
            "the request's signature",
            expected=f"one over {', '.join([*TARGET, *digest])} by a registered key, created within {AGE_MAX_S} s, "
            f"where @target-uri is {url[:200]}",
            got=str(error)[:200] or type(error).__name__,
        ) from error
    evidence = {
        "base": "\n".join(f"{name}: {value}" for name, value in result.covered_components.items()),
        "signature": request.headers["signature"],
        "body": body or b"",
    }
    return SignedRequest(known["actor"], cbor.encode(evidence))


def open_evidence(evidence: bytes, public_key: bytes) -> Evidence:
    """Return what was signed, from the bytes that a record's context names by their SHA-256.

    Args:
        evidence: CBOR `{"base", "signature", "body"}`, the signature as its header had it.
        public_key: 32 bytes, of the actor that the record is entered for.

    Raises:
        FormatError: it is no evidence.
        SignatureError: the key did not sign it.
        ProofError: the body is another one than was signed.
    """
    members = cbor.decode(evidence)
    if not isinstance(members, dict) or {name: type(value) for name, value in members.items()} != {
        "base": str, "signature": str, "body": bytes,
    }:  # fmt: skip
        raise FormatError("the evidence", expected="base, signature and body", got=repr(members)[:80])
    base, body = members["base"], members["body"]
    try:
        parsed: Any = http_sf.parse(members["signature"].encode(), tltype="dictionary")
        (found,) = parsed.values()
    except (ValueError, TypeError) as error:
        raise FormatError("the evidence's signature", expected="one", got=members["signature"][:80]) from error
    if not isinstance(found[0], bytes):
        raise FormatError("the evidence's signature", expected="bytes", got=members["signature"][:80])
    signature.check(public_key, base.encode(), found[0])
    digests = [line.partition(": ")[2] for line in base.split("\n") if line.startswith('"content-digest": ')]
    try:
        if body or digests:
            (digest,) = digests
            ContentDigest.verify(digest, body)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise ProofError(
            "the evidence's body", expected=", ".join(digests)[:200] or "a digest", got="another"
        ) from error
    return Evidence(base, found[0], body)


def _expect_target(covered: Mapping[str, str]) -> None:
    missing = [[name for name in names if f'"{name}"' not in covered] for names in (TARGET, TARGET_IN_PARTS)]
    if all(missing):
        raise InvalidSignature(f"nothing over {', '.join(missing[0])}")


def raw_path(request: Request) -> str:
    """Return a request's path as it came, percent-encoded."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.split(b"?")[0].decode("ascii", "replace")


def origin_of(base_url: str) -> str:
    """Return scheme and authority of a node's address."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _key_id(header: str) -> str:
    start = header.find('keyid="')
    kid = header[start + 7 : start + 71] if start >= 0 else ""
    if not re.fullmatch(r"[0-9a-f]{64}", kid):
        raise UnsignedError(
            "the request's signature",
            expected='Signature-Input with keyid="<hex thumbprint>"',
            got=header[:80] or "none",
        )
    return kid


def active_key(node: Services, kid: bytes) -> dict[str, Any]:
    """Return the present state of a key that may sign now: an actor's, or that of the holder of a private account.

    Raises:
        UnsignedError: nobody registered it, or it or its actor is not active.
    """
    found = node.log.store.latest([key_key(kid), holder_key(kid)])
    data = found[key_key(kid)] or found[holder_key(kid)]
    state = None if data is None else cbor.decode(data)
    if state is None or state["state"] != "active":
        raise UnsignedError(
            "the request's key",
            expected="a registered key that is active",
            got="unknown" if state is None else state["state"],
        )
    name = state["actor"]
    actor = account_key(name.removeprefix(HOLDER)) if name.startswith(HOLDER) else actor_key(name)
    owner = node.log.store.latest([actor])[actor]
    if owner is None or cbor.decode(owner)["state"] not in {"active", "open"}:
        raise UnsignedError("the request's actor", expected="an active actor", got=name)
    return dict(state)
