"""An actor at somebody's ledger: drafts records, signs them, hands them in by the public interfaces.

    party = Party("hsinchu.guanxi-fa", key, origin)
    drafts = [party.draft("event", event, hidden={"memo": ("雨後", False)}, entered_for="hsinchu.fan", source="tap
    1150803… 3")] outcomes = hand_in(remote, drafts)

What is drafted from a source (a row of a file) gets id, nonce and salts from that source under the actor's key, so that
a second run gives the same documents and the log its first answers; nobody without the key can guess them.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.rulebook import kind_of
from ledger import cbor
from ledger.disclosure import make_disclosure
from ledger.document import Context, decode_document, encode_document
from ledger.errors import ConflictError, FengtuError, FormatError, RefusedError, RetryError
from ledger.record import sign_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ledger.signature import SigningKey
    from node.remote import Remote

BATCH = 500
TRIES_MAX = 8

Hidden = dict[str, tuple[Any, bool]]
"""Hidden fields by name: the value, and whether the public may read it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A signed record on its way: its bytes, its document, its disclosures, and where it came from."""

    statement: bytes
    document: bytes
    disclosures: tuple[tuple[str, bool], ...]
    source: str

    def encode(self) -> list[Any]:
        """Return it as a node takes it."""
        return [self.statement, self.document, [list(one) for one in self.disclosures]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a draft: its place at the log, or why it was not let in."""

    draft: Draft
    index: int | None
    repeated: bool
    error: FengtuError | None


@dataclass(frozen=True, slots=True)
class Party:
    """An actor with its key, for one log."""

    actor: str
    key: SigningKey
    origin: str
    clock: Callable[[], float] = time.time

    def draft(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        hidden: Hidden | None = None,
        entered_for: str | None = None,
        source: str | None = None,
        expires_in_s: int | None = None,
    ) -> Draft:
        """Return a signed record.

        Args:
            kind: what the document is.
            body: what it says.
            hidden: fields that only those may read whom it is for, or the public where so said.
            entered_for: whose act it is, where that one does not sign.
            source: what it is drafted from; with one, the same draft comes again.
            expires_in_s: for how long it may be let in, in seconds, where it moves value.

        Raises:
            RefusedError: there is no such kind, or the body does not say what it is about.
            FormatError: a field is outside its bounds.
        """
        name = f"{kind}\n{entered_for or ''}\n{source}" if source is not None else secrets.token_hex(16)
        disclosures = [
            (make_disclosure(field, value, self._random("salt", f"{name}\n{field}")), public)
            for field, (value, public) in sorted((hidden or {}).items())
        ]
        document = encode_document(
            id=self._random("id", name),
            nonce=self._random("nonce", name),
            body=body,
            hidden={one.name: one.digest for one, _ in disclosures},
            context=None if entered_for in {None, self.actor} else Context(entered_for),
        )
        return self.sign(
            kind,
            document,
            expires_in_s=expires_in_s,
            disclosures=[(one.text, public) for one, public in disclosures],
            source=source or "",
        )

    def sign(
        self,
        kind: str,
        document: bytes,
        *,
        expires_in_s: int | None = None,
        disclosures: Sequence[tuple[str, bool]] = (),
        source: str = "",
    ) -> Draft:
        """Return the record of a document that is there already: one that several parties sign, byte for byte.

        Args:
            kind: what the document is.
            document: its bytes.
            expires_in_s: for how long it may be let in, and an offer holds, in seconds.
            disclosures: texts of its hidden fields, each with whether the public may read it.
            source: what it is drafted from.

        Raises:
            RefusedError: there is no such kind.
            FormatError: it is no document.
        """
        now_s = int(self.clock())
        statement = sign_record(
            self.key,
            kind=kind,
            issuer=self.actor,
            subject=kind_of(kind).subject(decode_document(document).body),
            audience=self.origin,
            issued_at_s=now_s,
            document=document,
            expires_at_s=None if expires_in_s is None else now_s + expires_in_s,
        )
        return Draft(statement, document, tuple(disclosures), source)

    def _random(self, what: str, name: str) -> str:
        # 128 bits that follow from the key: unguessable to others, the same in a second run.
        digest = hmac.digest(self.key.seed, f"fengtu-draft/1\n{what}\n{self.origin}\n{name}".encode(), "sha256")
        return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def hand_in(remote: Remote, drafts: Sequence[Draft], *, progress: Callable[[int], None] | None = None) -> list[Outcome]:
    """Hand in drafts in order, in batches; one that is refused holds back no other.

    Args:
        remote: the node.
        drafts: what to hand in.
        progress: called with how many were answered, after each batch.

    Raises:
        RetryError: the node could not take them after some tries; what was answered before stays.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(drafts), BATCH):
        part = drafts[start : start + BATCH]
        rows = cbor.decode(_ask(remote, cbor.encode([one.encode() for one in part])))
        if not isinstance(rows, list) or len(rows) != len(part):
            raise FormatError("the node's answer", expected=f"{len(part)} answers", got=repr(rows)[:80])
        outcomes += [_outcome(one, row) for one, row in zip(part, rows, strict=True)]
        if progress is not None:
            progress(len(outcomes))
    return outcomes


def _ask(remote: Remote, body: bytes) -> bytes:
    for number in range(TRIES_MAX):
        try:
            return remote.ask("POST", "/entries/batch", body=body, headers={"Content-Type": "application/cbor"}).body
        except RetryError as error:
            if number == TRIES_MAX - 1:
                raise
            time.sleep(min(error.retry_after_s * 2**number, 30))
    raise AssertionError("the loop returns or raises")


def _outcome(draft: Draft, row: dict[str, Any]) -> Outcome:
    if "problem" not in row:
        return Outcome(draft, row.get("index"), bool(row["repeated"]), None)
    problem, status = row["problem"], row["status"]
    refusal = problem.get("tag:fengtu.tw,2026:refusal")
    error: FengtuError
    if isinstance(refusal, dict):
        error = RefusedError(
            refusal["rule"],
            refusal["message"],
            expected=refusal.get("expected"),
            got=refusal.get("got"),
            data=refusal.get("data"),
        )
    elif status == 409:
        error = ConflictError(str(problem[-2]))
    elif status in {429, 503}:
        error = RetryError(str(problem[-2]))
    else:
        error = FormatError(str(problem[-2]))
    return Outcome(draft, None, repeated=False, error=error)
