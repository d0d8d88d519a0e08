"""The log: append and prove over SQL, with the database transaction as the sequencer.

Any number of processes append. Each collects what is submitted to it; one thread asks for the head row, and the batch
is whatever waits when it gets it. The end of `Store.append`'s block is the commit point: what was answered is behind
it, what was not is not. Answers and receipts are made after it, from committed rows.

    log = Log(store, rulebooks, keys, origin)
    log.start()
    answer = log.submit(statement, document).result()      # durable when it returns
    log.seal_if_due()
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from ledger import cbor
from ledger.admission import Admission, Prepared, SealedDisclosure
from ledger.changes import StoredChange
from ledger.clock import Clock, system_clock
from ledger.document import decode_document, encode_document
from ledger.edge import Edge
from ledger.errors import (
    CorruptError,
    FengtuError,
    NotFoundError,
    QueueFullError,
    RefusedError,
    RetryError,
    UnavailableError,
)
from ledger.facts import ERASURE, POSITION_SIZE, fact_key, public_position
from ledger.fold import Accepted, Candidate, Fold, Outcome, Repeated, Start
from ledger.merkle import leaf_hash
from ledger.refusal import Refusal, sign_refusal
from ledger.rulebook import At
from ledger.sealer import SEAL_AFTER_MS, Sealer
from ledger.store.rows import Batch, Head, StoredDisclosure, StoredEntry, StoredPrivate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ledger.facts import Change
    from ledger.keys import LogKeys
    from ledger.maps import Maps, Step
    from ledger.rulebook import Rulebook
    from ledger.store import Append, Store

QUEUE_MAX = 20_000
BATCH_MAX = 4_000
ROUNDS_MAX = 16

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log answers once a record is durable.

    Attributes:
        size: its index (public), or the tree size at which it stands (private).
        n: None, or its leaf index below the coming seal (private).
        time_ms: its batch's time.
        repeated: whether this is the first answer given again.
    """

    size: int
    n: int | None
    time_ms: int
    repeated: bool

    @property
    def id(self) -> str:
        """The name under which others ask for it: `17`, or `17.3` for a private record."""
        return str(self.size) if self.n is None else f"{self.size}.{self.n}"


@dataclass(frozen=True, slots=True)
class _Waiting:
    prepared: Prepared
    answer: Callable[[Answer | FengtuError], None]


@dataclass(frozen=True, slots=True)
class _Appended:
    """What one batch did: the heads around it, what became of its records, and the facts that it wrote."""

    before: Head
    after: Head
    outcomes: list[Outcome]
    facts: list[StoredChange]


class _Together:
    """The answers to records that were submitted together; the future has them when the last one has come."""

    def __init__(self, count: int) -> None:
        self._outcomes: list[Answer | FengtuError | None] = [None] * count
        self._left = count
        self.future: Future[list[Answer | FengtuError]] = Future()
        # What is in line is not taken back: a future that its caller cancelled could not be answered any more.
        self.future.set_running_or_notify_cancel()
        if not count:
            self.future.set_result([])

    def answer(self, number: int, outcome: Answer | FengtuError) -> None:
        self._outcomes[number] = outcome
        self._left -= 1
        if not self._left:
            self.future.set_result([one for one in self._outcomes if one is not None])


class Log:
    """One log in one process. Its methods may be called from any thread.

    Attributes:
        store: the tables.
        keys: the log's keys.
        origin: its name.
        fold: its rules.
        clock: its time.

    Args:
        store: the tables.
        rulebooks: the rules by version.
        keys: the log's keys.
        origin: the log's name, as its checkpoints carry it.
        clock: Unix milliseconds.
        queue_max: how many records may wait in this process.
        seal_after_ms: how long after a public record a seal is due.
    """

    def __init__(
        self,
        store: Store,
        rulebooks: Mapping[int, Rulebook],
        keys: LogKeys,
        origin: str,
        *,
        clock: Callable[[], int] = system_clock,
        queue_max: int = QUEUE_MAX,
        seal_after_ms: int = SEAL_AFTER_MS,
    ) -> None:
        self.store = store
        self.keys = keys
        self.origin = origin
        self.fold = Fold(rulebooks, keys.replay, origin)
        self.clock = Clock(clock)
        self._admission = Admission(store, self.fold)
        self._seal_after_ms = seal_after_ms
        self._sealer = self._new_sealer()
        self._queue_max = queue_max
        self._queue: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    # Life

    def create(self, genesis: Mapping[str, Any]) -> None:
        """Write entry 0 and the first seal, so that no record ever stands in a tree without a legal receipt.

        Args:
            genesis: the genesis document's body.

        Raises:
            CorruptError: this database has a log already.
        """
        with self.store.append() as append:
            if append.head() is not None:
                raise CorruptError("this database has a log already")
            # A sealer of its own: one whose maps hold the facts of a genesis that was not committed would seal them.
            sealer = self._new_sealer()
            time_ms = self.clock.batch_time(append, 0)
            document = decode_document(encode_document(id="genesis", body=dict(genesis)))
            statement = sealer.own_record("genesis", document, time_ms)
            at = At(public_position(0), 0, time_ms)
            rulebook = self.fold.rulebook_at(None, 0)
            changes = tuple(rulebook.genesis(document.body, at))
            edge, tiles = Edge.empty().append([leaf_hash(statement)])
            facts = _stored(at, changes, [cbor.encode(change.value) for change in changes])
            batch = Batch(
                entries=[StoredEntry(0, statement, document.hash, time_ms, is_seal=False)],
                documents=[(document.hash, document.data)],
                facts=facts,
                tiles=tiles,
            )
            head = Head(1, edge.encode(), time_ms, -1, 0, time_ms, 0)
            append.write(batch, head)
            sealer.write_seal(append, head, time_ms)

    def start(self) -> None:
        """Begin to append what is submitted."""
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Append what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # Submitting

    def prepare(
        self,
        statement: bytes,
        document: bytes,
        disclosures: Sequence[SealedDisclosure] = (),
        evidence: bytes | None = None,
    ) -> Prepared:
        """Decode a record and check what needs no lock: its form, its header, and its signature where the key is known.

        Args:
            statement: the COSE_Sign1.
            document: the bytes it commits to.
            disclosures: texts of its hidden fields, encrypted.
            evidence: what was signed instead by the one it is entered for, kept beside the record.

        Raises:
            FormatError: it is not a record, or not a document.
            RefusedError: it is not for this log.
            SignatureError: the signature does not verify.
        """
        prepared = self.prepare_many([(statement, document, evidence)])[0]
        if isinstance(prepared, FengtuError):
            raise prepared
        return prepared.disclosing(disclosures)

    def prepare_many(self, submissions: Sequence[tuple[bytes, bytes, bytes | None]]) -> list[Prepared | FengtuError]:
        """Prepare many at once, each (statement, document, evidence); in each one's place may stand its error."""
        return self._admission.prepare_many(submissions)

    def submit(
        self,
        statement: bytes,
        document: bytes,
        disclosures: Sequence[SealedDisclosure] = (),
        evidence: bytes | None = None,
    ) -> Future[Answer]:
        """Submit one record; the future's answer comes after the commit is durable.

        Raises:
            FormatError: it is not a record, or not a document.
            RefusedError: it is not for this log. Refusals by a rule come through the future.
            SignatureError: the signature does not verify.
            QueueFullError: too much waits in this process; nothing was taken.
        """
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()

        def answer(outcome: Answer | FengtuError) -> None:
            if isinstance(outcome, FengtuError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self._line_up([_Waiting(self.prepare(statement, document, disclosures, evidence), answer)])
        return future

    def enqueue(self, prepared: Sequence[Prepared]) -> Future[list[Answer | FengtuError]]:
        """Put prepared submissions in line, all or none; the future gives the answers in their order.

        In an answer's place may stand a RefusedError (with the signed refusal), a ConflictError, or a RetryError where
        nothing was done.

        Raises:
            QueueFullError: they do not fit.
        """
        together = _Together(len(prepared))
        self._line_up([_Waiting(one, partial(together.answer, number)) for number, one in enumerate(prepared)])
        return together.future

    def _line_up(self, waiting: Sequence[_Waiting]) -> None:
        with self._wake:
            if self._closing or self._thread is None:
                raise UnavailableError("this process does not append", retry_after_s=5)
            if len(self._queue) + len(waiting) > self._queue_max:
                raise QueueFullError(
                    "too many records wait", expected=f"at most {self._queue_max}", got=len(self._queue)
                )
            self._queue.extend(waiting)
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """How many records wait in this process."""
        return len(self._queue)

    # The appender

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                if not self._queue:
                    return
            self._append_waiting()

    def _append_waiting(self) -> None:
        batch: list[_Waiting] = []
        try:
            with self.store.append() as append:
                batch = self._drain()
                appended = self._append(append, [waiting.prepared for waiting in batch])
        except Exception as error:
            if not isinstance(error, FengtuError):
                logger.exception("append failed")
                error = CorruptError("the append failed; the operator's log says why")
            elif not isinstance(error, RetryError):
                logger.error("append failed", error=str(error))  # noqa: TRY400 - expected and explained: no traceback
            for waiting in batch or self._drain():
                waiting.answer(error)
            return
        self._sealer.appended(appended.before, appended.after, appended.facts)
        for waiting, outcome in zip(batch, appended.outcomes, strict=False):
            waiting.answer(self._answer(outcome, appended.after.size))
        with self._wake:
            self._queue.extendleft(reversed(batch[len(appended.outcomes) :]))

    def _drain(self) -> list[_Waiting]:
        with self._wake:
            return [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]

    def _append(self, append: Append, prepared: Sequence[Prepared]) -> _Appended:
        """Judge a batch under the lock and write what is let in. Nothing counts before the caller's commit."""
        head = append.head()
        if head is None:
            raise CorruptError("this database has no log yet", expected="a genesis")
        time_ms = self.clock.batch_time(append, head.time_ms)
        outcomes = self._judge(append, [one.candidate for one in prepared], head, time_ms)
        accepted = [
            (one, outcome) for one, outcome in zip(prepared, outcomes, strict=False) if isinstance(outcome, Accepted)
        ]
        if not accepted:
            return _Appended(head, head, outcomes, [])
        entries: list[StoredEntry] = []
        private: list[StoredPrivate] = []
        documents: dict[bytes, bytes] = {}
        facts: list[StoredChange] = []
        disclosures: list[StoredDisclosure] = []
        evidence: dict[bytes, bytes] = {}
        for one, outcome in accepted:
            record, document = one.candidate.submission.record, one.candidate.submission.document
            if outcome.n is None:
                entries.append(StoredEntry(outcome.at.index, record.statement, document.hash, time_ms, is_seal=False))
            else:
                private.append(StoredPrivate(outcome.at.index, outcome.n, record.statement, document.hash, time_ms))
            documents[document.hash] = document.data
            facts.extend(_stored(outcome.at, outcome.changes, outcome.values))
            disclosures.extend(
                StoredDisclosure(text.digest, outcome.at.position, text.name, text.public, text.ciphertext)
                for text in one.disclosures
            )
            context = document.context
            if one.evidence is not None and context is not None and context.evidence is not None:
                evidence[context.evidence] = one.evidence
        disclosures = _without_erased(append, disclosures, facts)
        edge, tiles = Edge.decode(head.size, head.edge).append([leaf_hash(entry.statement) for entry in entries])
        new_head = Head(
            size=edge.size,
            edge=edge.encode(),
            time_ms=time_ms,
            seal_index=head.seal_index,
            seal_time_ms=head.seal_time_ms,
            unsealed_since_ms=time_ms if head.unsealed_since_ms is None and entries else head.unsealed_since_ms,
            private_count=head.private_count + len(private),
        )
        append.write(
            Batch(
                entries=entries,
                private=private,
                documents=list(documents.items()),
                facts=facts,
                tiles=tiles,
                disclosures=disclosures,
                evidence=list(evidence.items()),
            ),
            new_head,
        )
        return _Appended(head, new_head, outcomes, facts)

    def _judge(self, append: Append, batch: Sequence[Candidate], head: Head, time_ms: int) -> list[Outcome]:
        """Return the outcomes of the batch, or of as many of its first records as a bounded number of rounds settles.

        A chain in which each record's reads depend on the record before it would take a round a record; whatever is
        left then goes into the next batch, so that nobody else waits for it.
        """
        known = append.latest(sorted(self.fold.reads(batch)))
        start = Start(head.size, head.private_count)
        rounds = 0
        while True:
            outcomes, missing = self.fold.judge(batch, start, time_ms, known)
            rounds += 1
            if not missing or (outcomes and rounds >= ROUNDS_MAX):
                return outcomes
            known.update(append.latest(sorted(missing)))

    def _answer(self, outcome: Outcome, size: int) -> Answer | FengtuError:
        if isinstance(outcome, Accepted):
            return Answer(outcome.at.index, outcome.n, outcome.at.time_ms, repeated=False)
        try:
            if isinstance(outcome, Repeated):
                return _repeated(outcome)
            if isinstance(outcome, RefusedError):
                outcome.signed = self.sign_refusal(outcome, size)
        except FengtuError as error:
            return error
        except Exception:
            # An answer that cannot be made must not end the thread that makes the others.
            logger.exception("answer failed")
            return CorruptError("the answer could not be made; the operator's log says why")
        return outcome

    def sign_refusal(self, error: RefusedError, size: int) -> bytes:
        """Return the refusal as the log stands by it, at a tree size."""
        texts = [None if value is None else str(value) for value in (error.expected, error.got)]
        refusal = Refusal(size=size, rule=error.rule, message=error.message, expected=texts[0], got=texts[1])
        return sign_refusal(self.keys.record, refusal)

    # Seals

    def seal_if_due(self) -> int | None:
        """Append a seal where one is due; return its index, None where none was."""
        return self._sealer.seal_if_due()

    def seal(self) -> int:
        """Append a seal now and return its index; where nothing came since the last one, that one's."""
        return self._sealer.seal()

    def first_maps(self, before: bytes) -> Maps | None:
        """Return maps as of a position where this process has none yet; None where it has."""
        return self._sealer.first_maps(before)

    def step_to(self, index: int, root: bytes, after: bytes) -> Step | None:
        """Return the step of the maps from a position to a seal, where this process has it still."""
        return self._sealer.step_to(index, root, after)

    def _new_sealer(self) -> Sealer:
        return Sealer(self.store, self.fold, self.keys, self.clock, self._seal_after_ms)


def _without_erased(
    append: Append, disclosures: list[StoredDisclosure], facts: Sequence[StoredChange]
) -> list[StoredDisclosure]:
    """Leave out the texts of fields that were erased: who signs a document that others signed may bring them again."""
    if not disclosures:
        return disclosures
    keys = [fact_key(ERASURE, [one.digest]) for one in disclosures]
    known, fresh = append.latest(sorted(set(keys))), {fact.key for fact in facts}
    return [one for one, key in zip(disclosures, keys, strict=True) if known.get(key) is None and key not in fresh]


def _stored(at: At, changes: Sequence[Change], values: Sequence[bytes]) -> list[StoredChange]:
    return [
        StoredChange(change.key, at.position, value, change.private, change.holder)
        for change, value in zip(changes, values, strict=True)
    ]


def _repeated(outcome: Repeated) -> Answer:
    if len(outcome.position) != POSITION_SIZE:
        raise NotFoundError("the first answer", got=outcome.position.hex())
    size, n = int.from_bytes(outcome.position[:8], "big"), int.from_bytes(outcome.position[8:], "big")
    return Answer(size, None if n == 2**64 - 1 else n, outcome.time_ms, repeated=True)
