"""Requests signed by a registered key (RFC 9421 HTTP Message Signatures), for what has no record of its own.

    Signature-Input: fengtu=("@method" "@target-uri" "content-digest");created=1795420800;keyid="<hex thumbprint>";
                     alg="ed25519"
    Signature: fengtu=:…:

Covered are method and target, and the digest of the body where there is one (RFC 9530); a signature is good for five
minutes. What was signed is kept as evidence where a record follows from it: signature base, signature and body, so that
anybody can check later what the actor asked for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from api.problems import UnsignedError
from contracts.keys import actor_key, key_key
from ledger import cbor, signature
from ledger.errors import FengtuError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from api.services import Services
    from ledger.signature import SigningKey

AGE_MAX = dt.timedelta(seconds=300)
LABEL = "fengtu"
TARGET = ("@method", "@target-uri")


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


class _Message:
    def __init__(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        self.method = method.upper()
        self.url = url
        self.headers = dict(headers)


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
    message = _Message(method, url, headers or {})
    signer = HTTPMessageSigner(signature_algorithm=_Ed25519, key_resolver=_Keys(seed=key.seed))
    signer.sign(
        message,
        key_id=key.kid.hex(),
        created=dt.datetime.now(dt.UTC),
        label=LABEL,
        covered_component_ids=TARGET,
        body=body,
    )
    return message.headers


def open_request(request: Request, node: Services, body: bytes | None = None) -> SignedRequest:
    """Return who signed a request.

    Args:
        request: the request.
        node: its keys are those of the newest state.
        body: the body as it was read, where there is one.

    Raises:
        UnsignedError: it is not signed, not by an entitled key, or too old.
    """
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    raw = (request.scope.get("raw_path") or b"").split(b"?")[0].decode("ascii", "replace")
    url = f"{_origin(node.base_url)}{raw or target}{f'?{request.url.query}' if request.url.query else ''}"
    message = _Message(request.method, url, {name.title(): value for name, value in request.headers.items()})
    kid = _key_id(request.headers.get("signature-input", ""))
    known = _entitled(node, kid)
    verifier = HTTPMessageVerifier(signature_algorithm=_Ed25519, key_resolver=_Keys(public={kid: known["public_key"]}))
    required = [*TARGET, *(["content-digest"] if body is not None else [])]
    try:
        results = verifier.verify(message, max_age=AGE_MAX, require_components=required, body=body)
    except (HTTPMessageSignaturesException, FengtuError, KeyError, ValueError, TypeError) as error:
        raise UnsignedError(
            "the request's signature",
            expected=f"one over {', '.join(required)} by a registered key, not older than {AGE_MAX.seconds} s",
            got=str(error)[:200] or type(error).__name__,
        ) from error
    covered = {str(name): str(value) for name, value in results[0].covered_components.items()}
    evidence = {
        "base": "\n".join(f"{name}: {value}" for name, value in covered.items()),
        "signature": request.headers.get("signature", ""),
        "body": body or b"",
    }
    return SignedRequest(known["actor"], cbor.encode(evidence))


def _origin(base_url: str) -> str:
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


def _entitled(node: Services, kid: str) -> dict[str, Any]:
    key = key_key(bytes.fromhex(kid))
    data = node.log.store.latest([key])[key]
    state = None if data is None else cbor.decode(data)
    if state is None or state["state"] != "active":
        raise UnsignedError(
            "the request's key",
            expected="a registered key that is active",
            got="unknown" if state is None else state["state"],
        )
    actor = actor_key(state["actor"])
    owner = node.log.store.latest([actor])[actor]
    if owner is None or cbor.decode(owner)["state"] != "active":
        raise UnsignedError("the request's actor", expected="an active actor", got=state["actor"])
    return dict(state)
