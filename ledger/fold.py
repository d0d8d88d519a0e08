"""Folding records into facts: the one piece of code that appending, replaying and restoring share.

    fold = Fold(rulebooks, secret, origin)
    outcomes, missing = fold.judge(batch, start, time_ms, known)

`judge` reads nothing by itself. Where a rule needs a fact that is not among the known ones, its key is reported as
missing and the caller fetches all missing keys of the batch at once and asks again: a few rounds for any batch size,
because most rules declare what they read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from ledger import cbor, signature
from ledger.blind import ReplaySecret, blind, private_value
from ledger.errors import ConflictError, CorruptError, FengtuError, RefusedError
from ledger.facts import (
    RETRY,
    RULES,
    Change,
    fact_key,
    private_position,
    public_position,
)
from ledger.rulebook import At, Rulebook, Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

logger = structlog.get_logger(__name__)

Read = TypeVar("Read")

RULES_KEY = fact_key(RULES, [])
"""Value: `{"versions": [[version, first index], …]}` in the order of their first indexes."""

KINDS_OF_THE_LOG = frozenset({"genesis", "seal"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submission on its way in.

    Attributes:
        submission: record and document.
        private: whether its kind is private.
        verified: whether the signature was checked already, outside the lock.
        checked_by: the version of the rules whose `check` it passed outside the lock; None where that is still to do.
        retry_key: the key of what its client id was used for.
    """

    submission: Submission
    private: bool
    verified: bool
    checked_by: int | None = None
    retry_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where the batch begins: the tree's size and the private records since the last seal."""

    size: int
    private_count: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record that is let in, where it stands, and the facts it changes, each with its encoded value."""

    at: At
    n: int | None
    changes: tuple[Change, ...]
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A record that was let in before: the same actor's id with the same content.

    Attributes:
        position: 16 bytes, the first one's.
        time_ms: the first one's batch time.
    """

    position: bytes
    time_ms: int


Outcome = Accepted | Repeated | FengtuError


class _MissingFact(Exception):  # noqa: N818 - it is a jump, not an error
    """A rule asked for a fact that was not fetched."""


class State:
    """The facts as a rule sees them: those fetched, under what the batch has changed so far.

    Args:
        known: encoded values by key, None for a key that has no fact.
        sees_private: whether private facts are among them.
    """

    def __init__(self, known: Mapping[bytes, bytes | None], *, sees_private: bool = True) -> None:
        self._known = known
        self.sees_private = sees_private
        self._values: dict[bytes, Any] = {}
        self.missing: set[bytes] = set()

    def get(self, key: bytes) -> Any | None:
        """Return the present value."""
        if key in self._values:
            return self._values[key]
        if key not in self._known:
            self.missing.add(key)
            raise _MissingFact
        data = self._known[key]
        value = None if data is None else cbor.decode(data)
        self._values[key] = value
        return value

    def expect(self, keys: Iterable[bytes]) -> None:
        """Interrupt the rule where one of these facts was not fetched yet; all of them then come in one round."""
        missing = {key for key in keys if key not in self._values and key not in self._known}
        if missing:
            self.missing |= missing
            raise _MissingFact

    def attempt(self, read: Callable[[State], Read]) -> Read | None:
        """Return what `read` makes of the facts; None where one is missing still or a rule refuses."""
        try:
            return read(self)
        except (_MissingFact, RefusedError):
            return None

    def apply(self, changes: Sequence[Change]) -> None:
        """Put the changes on top."""
        for change in changes:
            self._values[change.key] = change.value


class Fold:
    """The rules of all versions, and what they need to know of the log they serve."""

    def __init__(self, rulebooks: Mapping[int, Rulebook], secret: ReplaySecret, origin: str) -> None:
        self.rulebooks = rulebooks
        self.secret = secret
        self.origin = origin

    def check_header(self, submission: Submission) -> bool:
        """Check what needs no fact: the record is for this log and commits to this document. Say if it is private.

        Raises:
            RefusedError: it is not, or no version of the rules knows its kind.
        """
        record = submission.record
        if record.audience != self.origin:
            raise RefusedError(
                "log.audience", "the record is meant for another log", expected=self.origin, got=record.audience
            )
        if record.document_hash != submission.document.hash:
            raise RefusedError(
                "log.document-hash",
                "the record commits to another document",
                expected=record.document_hash.hex(),
                got=submission.document.hash.hex(),
            )
        if record.kind in KINDS_OF_THE_LOG:
            raise RefusedError("log.kind", "only the log itself writes such records", got=record.kind)
        return self.rulebooks[max(self.rulebooks)].is_private(record.kind)

    def reads(self, batch: Sequence[Candidate]) -> set[bytes]:
        """Return the keys that the batch is known to read."""
        newest = self.rulebooks[max(self.rulebooks)]
        keys = {RULES_KEY}
        for candidate in batch:
            keys.add(candidate.retry_key or self.retry_key(candidate.submission, private=candidate.private))
            keys.update(newest.reads(candidate.submission))
        return keys

    def judge(
        self,
        batch: Sequence[Candidate],
        start: Start,
        time_ms: int,
        known: Mapping[bytes, bytes | None],
        *,
        sees_private: bool = True,
    ) -> tuple[list[Outcome], set[bytes]]:
        """Judge the records in order; return the outcomes so far, and the keys that have to be fetched next.

        The outcomes are those of the records before the first one that misses a key: what comes after it may depend on
        it, and is only looked at to learn which other keys are missing.

        Args:
            batch: the records.
            start: where they begin.
            time_ms: the batch's time.
            known: encoded values of the facts that were fetched.
            sees_private: whether private facts are known too; False where public records alone are replayed.
        """
        state = State(known, sees_private=sees_private)
        outcomes: list[Outcome] = []
        size, count = start.size, start.private_count
        for candidate in batch:
            at = At(
                position=private_position(size, count) if candidate.private else public_position(size),
                index=size,
                time_ms=time_ms,
            )
            outcome: Outcome
            try:
                outcome = self._judge_one(candidate, state, at, count)
            except _MissingFact:
                continue
            except FengtuError as error:
                outcome = error
            except Exception:
                # A bug in a rule must not take the records of others with it.
                logger.exception("a rule failed", kind=candidate.submission.record.kind)
                outcome = CorruptError("a rule failed on this record; the operator's log says how")
            if not state.missing:
                outcomes.append(outcome)
            if isinstance(outcome, Accepted):
                state.apply(outcome.changes)
                if candidate.private:
                    count += 1
                else:
                    # A private record after a public one stands at the next size; its place in the tree goes on.
                    size += 1
        return outcomes, state.missing

    def _judge_one(self, candidate: Candidate, state: State, at: At, count: int) -> Accepted | Repeated:
        record, document = candidate.submission.record, candidate.submission.document
        rulebook = self.rulebook_at(state.get(RULES_KEY), at.index)
        retry_key = candidate.retry_key or self.retry_key(candidate.submission, private=candidate.private)
        first = state.get(retry_key)
        signer = rulebook.signer(record.kid, state)
        if not candidate.verified:
            signature.check(signer.public_key, record.signed, record.signature)
        if signer.actor != record.issuer:
            # Before the client id is looked up: what an id was used for is for its own actor to know.
            raise RefusedError(
                "log.issuer", "the key belongs to another actor", expected=signer.actor, got=record.issuer
            )
        if first is not None:
            for name, got in (("kind", record.kind), ("subject", record.subject), ("document", document.hash)):
                if first[name] != got:
                    raise ConflictError(
                        f"{record.issuer} has used the id {document.id} before, for another {name}",
                        expected=_shown(first[name]),
                        got=_shown(got),
                    )
            return Repeated(first["position"], first["time_ms"])
        if candidate.checked_by != rulebook.version:
            rulebook.check(candidate.submission)
        changes = rulebook.apply(candidate.submission, state, at)
        for change in changes:
            if change.private != candidate.private:
                raise RefusedError(
                    "log.map", "a record changes facts of the other map", expected=f"private={candidate.private}"
                )
        used = {
            "kind": record.kind,
            "subject": record.subject,
            "document": document.hash,
            "position": at.position,
            "time_ms": at.time_ms,
        }
        retry = Change(retry_key, used, holder=record.issuer if candidate.private else None, private=candidate.private)
        # One record is one position, and a position has one value a key: the last one.
        last = {change.key: change for change in (*changes, retry)}
        # Encoded here, where a value that has no encoding is its own record's fault and no other's in the batch.
        values = tuple(cbor.encode(change.value) for change in last.values())
        return Accepted(at, count if candidate.private else None, tuple(last.values()), values)

    def rulebook_at(self, rules: Any | None, index: int) -> Rulebook:
        """Return the rules that judge a record at this tree size, from the value of the fact `RULES_KEY`."""
        active = min(self.rulebooks)
        for version, first in (rules or {"versions": []})["versions"]:
            if first <= index:
                active = version
        if active not in self.rulebooks:
            raise RefusedError(
                "log.rules", "this software does not have the rules in force", expected=active, got=max(self.rulebooks)
            )
        return self.rulebooks[active]

    def retry_key(self, submission: Submission, *, private: bool) -> bytes:
        """Return the key of the fact that says what a client id was used for."""
        record, document = submission.record, submission.document
        if private:
            # The two namespaces stay apart, and an id that can be guessed does not show in the private map.
            return fact_key(RETRY, [self.secret.identifier("client-id", f"{record.issuer}\n{document.id}")])
        return fact_key(RETRY, [record.issuer, document.id])

    def map_value(self, key: bytes, position: bytes, value: bytes, *, private: bool, holder: str | None) -> bytes:
        """Return what the map holds for a fact: its CBOR, or for a private one the hash under its blind."""
        if not private:
            return value
        return private_value(blind(self.secret.holder_key(holder), key, position), value)


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
