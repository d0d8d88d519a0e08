"""Folding a log again: the same records, in order, give the same facts, tiles and seals on any machine.

What is replayed is cut into windows, each the records since a seal and the seal that ends it (the last window may have
no seal yet). `Replay.feed` judges a window exactly as the append did and returns every row that the append must have
written: `ledger.fsck` holds them against what is stored, a restore writes them into another database.

    replay = Replay(fold)
    for window in stored_windows(store):
        rows = replay.feed(window)

Signatures of a window are checked together, on all cores; `ledger.ahead` has forms checked by other processes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from ledger import cbor, signature
from ledger.ahead import ahead_of
from ledger.changes import StoredChange
from ledger.document import Document, decode_document
from ledger.edge import Edge
from ledger.errors import CorruptError, FengtuError, FormatError, ProofError
from ledger.facts import private_position, public_position
from ledger.fold import RULES_KEY, Accepted, Candidate, Fold, Start, State
from ledger.genesis import decode_genesis
from ledger.maps import Maps
from ledger.merkle import leaf_hash, root
from ledger.privateleaf import encode_private_leaf
from ledger.record import Record, check_record, decode_record, decode_records
from ledger.rulebook import At, Submission
from ledger.seal import Seal, blinded_root, decode_seal, runs_of_times
from ledger.store.rows import Batch, Head, StoredEntry, StoredPrivate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ledger.store import Store


@dataclass(frozen=True, slots=True)
class Window:
    """What stands between two seals.

    Attributes:
        entries: the public records since the last seal.
        private: the private records since then.
        seal: the seal that ends it, None for the tail.
        documents: what they commit to, by SHA-256.
    """

    entries: Sequence[StoredEntry]
    private: Sequence[StoredPrivate]
    seal: StoredEntry | None
    documents: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Rows:
    """What the append must have written for a window, and the head after it."""

    batch: Batch
    head: Head


class _Everything(dict[bytes, bytes | None]):
    """The encoded value of every fact; a key without one is known to have none."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: bytes) -> None:
        return None


class Replay:
    """One log, folded from its beginning.

    Args:
        fold: rules, replay secret and origin of the log.
        public_only: fold public records only and compare public roots only; no private document is needed.
    """

    def __init__(self, fold: Fold, *, public_only: bool = False) -> None:
        self._fold = fold
        self._public_only = public_only
        self._facts = _Everything()
        self._maps = Maps(fold)
        self._edge = Edge.empty()
        self._record_key = b""
        self._public_keys: dict[bytes, bytes] = {}
        self.head = Head(0, b"", 0, -1, 0, None, 0)

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        return self._edge.root()

    def feed(self, window: Window, forms: Mapping[bytes, int] | None = None) -> Rows:
        """Fold a window.

        Args:
            window: what comes next.
            forms: by which version of the rules the form of a statement was found right already, see `ledger.ahead`.

        Raises:
            ProofError: what the log holds is not what its rules give; the first difference is named.
            CorruptError: an entry or a document is missing, or a document is not the one committed to.
        """
        private = [] if self._public_only else window.private
        facts = self._fold_records(window, private, forms or {})
        self._maps.advance(facts)
        entries = [*window.entries, *([window.seal] if window.seal is not None else [])]
        self._edge, tiles = self._edge.append([leaf_hash(entry.statement) for entry in entries])
        times = [*(one.time_ms for one in window.entries), *(one.time_ms for one in private)]
        head = replace(
            self.head,
            size=self._edge.size,
            edge=self._edge.encode(),
            time_ms=max([self.head.time_ms, *times]),
            unsealed_since_ms=window.entries[0].time_ms if window.entries else None,
            private_count=len(window.private),
        )
        seals: list[tuple[int, bytes, int]] = []
        if window.seal is not None:
            seal = self._check_seal(window.seal, window, private)
            seals.append((seal.size, self._edge.root(), seal.time_ms))
            head = replace(
                head,
                time_ms=seal.time_ms,
                seal_index=seal.size,
                seal_time_ms=seal.time_ms,
                unsealed_since_ms=None,
                private_count=0,
            )
        self.head = head
        return Rows(
            Batch(
                entries=entries,
                private=private,
                documents=sorted(window.documents.items()),
                facts=facts,
                tiles=tiles,
                seals=seals,
            ),
            head,
        )

    def _fold_records(
        self, window: Window, private: Sequence[StoredPrivate], forms: Mapping[bytes, int]
    ) -> list[StoredChange]:
        first = self.head.size
        for offset, entry in enumerate(window.entries):
            if entry.index != first + offset:
                raise CorruptError(
                    "an entry is missing", expected=f"entry {first + offset}", got=f"entry {entry.index}"
                )
        for n, one in enumerate(private):
            if one.n != n:
                raise CorruptError("a private record is missing", expected=f"number {n}", got=f"number {one.n}")
        facts: list[StoredChange] = []
        records: list[tuple[bytes, StoredEntry | StoredPrivate]] = [
            *((public_position(entry.index), entry) for entry in window.entries),
            *((private_position(one.size, one.n), one) for one in private),
        ]
        records.sort(key=lambda pair: pair[0])
        if first == 0:
            facts.extend(self._fold_genesis(records.pop(0)[1], window.documents))
        last_ms = self.head.time_ms
        for time_ms, group in groupby(records, key=lambda pair: pair[1].time_ms):
            if time_ms < last_ms:
                raise ProofError("times fall", expected=f"{last_ms} or later", got=time_ms)
            last_ms = time_ms
            facts.extend(self._fold_batch(list(group), time_ms, window.documents, forms))
        return facts

    def _fold_batch(
        self,
        group: Sequence[tuple[bytes, StoredEntry | StoredPrivate]],
        time_ms: int,
        documents: Mapping[bytes, bytes],
        forms: Mapping[bytes, int],
    ) -> list[StoredChange]:
        submissions = _submissions(group, documents)
        verified = self._verified([one.record for one in submissions])
        batch: list[Candidate] = []
        for (position, stored), submission in zip(group, submissions, strict=True):
            with _naming(position):
                is_private = self._fold.check_header(submission)
                if is_private != isinstance(stored, StoredPrivate):
                    raise ProofError("a record stands in the wrong tree", expected=f"private={is_private}")
            kid, form = submission.record.kid, forms.get(stored.statement)
            batch.append(Candidate(submission, is_private, verified=kid in verified, checked_by=form))
        head_position = group[0][0]
        size = int.from_bytes(head_position[:8], "big")
        count = next((one.n for _, one in group if isinstance(one, StoredPrivate)), 0)
        outcomes, _ = self._fold.judge(
            batch, Start(size, count), time_ms, self._facts, sees_private=not self._public_only
        )
        facts: list[StoredChange] = []
        for (position, _), outcome in zip(group, outcomes, strict=True):
            with _naming(position):
                if isinstance(outcome, FengtuError):
                    raise outcome
                if not isinstance(outcome, Accepted) or outcome.at.position != position:
                    raise ProofError("a record stands where the log would not have put it", got=outcome)
            for one, data in zip(outcome.changes, outcome.values, strict=True):
                facts.append(StoredChange(one.key, position, data, one.private, one.holder))
                self._facts[one.key] = data
        return facts

    def _verified(self, records: Sequence[Record]) -> set[bytes]:
        """Return the kids by whose known keys all records verify that name them, checked together.

        The others are left to the fold, which checks them one by one: a key may come in the same batch.
        """
        kids = {record.kid for record in records}
        self._learn_keys(kids)
        known = [record for record in records if record.kid in self._public_keys]
        signed = [(self._public_keys[one.kid], one.signed, one.signature) for one in known]
        return (kids & self._public_keys.keys()) - {known[number].kid for number in signature.faults(signed)}

    def _learn_keys(self, kids: Iterable[bytes]) -> None:
        """Learn whose the keys are; for one thumbprint that never changes."""
        state = State(self._facts, sees_private=not self._public_only)
        rulebook = self._fold.rulebooks[max(self._fold.rulebooks)]
        for kid in kids:
            if kid not in self._public_keys:
                signer = state.attempt(partial(rulebook.signer, kid))
                if signer is not None:
                    self._public_keys[kid] = signer.public_key

    def _fold_genesis(
        self, stored: StoredEntry | StoredPrivate, documents: Mapping[bytes, bytes]
    ) -> list[StoredChange]:
        at = At(public_position(0), 0, stored.time_ms)
        with _naming(at.position):
            submission = _submission(stored, documents)
            genesis = decode_genesis(submission.document.body)
            self._record_key = genesis.record_key
            self._check_own(submission.record, submission.document, "genesis")
            if genesis.origin != self._fold.origin:
                raise ProofError("another log's genesis", expected=self._fold.origin, got=genesis.origin)
            changes = self._fold.rulebook_at(None, 0).genesis(submission.document.body, at)
        return [self._change(at, one.key, one.value, one.holder, private=one.private) for one in changes]

    def _check_seal(self, stored: StoredEntry, window: Window, private: Sequence[StoredPrivate]) -> Seal:
        with _naming(public_position(stored.index)):
            submission = _submission(stored, window.documents)
            self._check_own(submission.record, submission.document, "seal")
            seal = decode_seal(submission.document.body)
            roots = self._maps.roots()
            salt = self._fold.secret.salt
            rules = self._facts[RULES_KEY]
            wanted = Seal(
                since=self.head.seal_index + 1,
                size=self._edge.size - 1,
                time_ms=stored.time_ms,
                times=runs_of_times([(entry.index, entry.time_ms) for entry in window.entries]),
                public_root=roots.public,
                private_root=blinded_root(salt("private_root", stored.index), roots.private, 0),
                private_records_root=blinded_root(
                    salt("private_records_root", stored.index),
                    root([leaf_hash(encode_private_leaf(one.size, one.time_ms, one.statement)) for one in private]),
                    len(private),
                ),
                rules=self._fold.rulebook_at(None if rules is None else cbor.decode(rules), stored.index).version,
            )
            names = ["since", "size", "time_ms", "times", "public_root", "rules"]
            if not self._public_only:
                names += ["private_root", "private_records_root"]
            for name in names:
                expected, got = getattr(wanted, name), getattr(seal, name)
                if expected != got:
                    raise ProofError(f"the seal's {name} differs", expected=_shown(expected), got=_shown(got))
            if seal.time_ms < max([self.head.time_ms, *(entry.time_ms for entry in window.entries)]):
                raise ProofError("times fall", got=seal.time_ms)
        return seal

    def _check_own(self, record: Record, document: Document, kind: str) -> None:
        if record.kind != kind or record.audience != self._fold.origin or record.issuer != self._fold.origin:
            raise ProofError(f"not a {kind} of this log", expected=self._fold.origin, got=record.issuer)
        if record.document_hash != document.hash:
            raise ProofError("the record commits to another document", expected=record.document_hash.hex())
        check_record(record, self._record_key)

    def _change(self, at: At, key: bytes, value: object, holder: str | None, *, private: bool) -> StoredChange:
        data = cbor.encode(value)
        self._facts[key] = data
        return StoredChange(key, at.position, data, private, holder)


class _naming:  # noqa: N801 - reads as a phrase
    """Name the record at which something raised in the block went wrong."""

    def __init__(self, position: bytes) -> None:
        size, n = int.from_bytes(position[:8], "big"), int.from_bytes(position[8:], "big")
        self._name = f"entry {size}" if n == 2**64 - 1 else f"private record {size}.{n}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, CorruptError):
            raise CorruptError(f"{self._name}: {error}") from error
        if isinstance(error, FengtuError):
            raise ProofError(f"{self._name}: {error}") from error


def _submission(stored: StoredEntry | StoredPrivate, documents: Mapping[bytes, bytes]) -> Submission:
    return _with_document(decode_record(stored.statement), stored, documents)


def _submissions(
    group: Sequence[tuple[bytes, StoredEntry | StoredPrivate]], documents: Mapping[bytes, bytes]
) -> list[Submission]:
    found: list[Submission] = []
    records = decode_records([stored.statement for _, stored in group])
    for (position, stored), record in zip(group, records, strict=True):
        with _naming(position):
            if isinstance(record, FormatError):
                raise record
            found.append(_with_document(record, stored, documents))
    return found


def _with_document(record: Record, stored: StoredEntry | StoredPrivate, documents: Mapping[bytes, bytes]) -> Submission:
    data = documents.get(stored.document_hash)
    if data is None:
        raise CorruptError("the document is missing", expected=stored.document_hash.hex())
    if (got := hashlib.sha256(data).digest()) != stored.document_hash:
        raise CorruptError("the document was changed", expected=stored.document_hash.hex(), got=got.hex())
    return Submission(record, decode_document(data))


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def stored_windows(store: Store, *, public_only: bool = False) -> Iterator[Window]:
    """Yield the windows of a stored log, the tail last."""
    head = store.head()
    if head is None:
        return
    since = 0
    while since < head.size:
        seal_index = store.seals_at_or_after([since]).get(since)
        end = head.size if seal_index is None else seal_index + 1
        entries = store.entries(since, end)
        # A private record after the last entry stands at the next size.
        private = [] if public_only else store.private_between(since, end if seal_index is not None else end + 1)
        hashes = [*(one.document_hash for one in entries), *(one.document_hash for one in private)]
        documents = store.documents(hashes)
        seal = entries.pop() if seal_index is not None and entries else None
        yield Window(entries, private, seal, documents)
        since = end
    if store.private_between(since, since + 1) and not public_only and head.seal_index == head.size - 1:
        private = store.private_between(since, since + 1)
        yield Window([], private, None, store.documents([one.document_hash for one in private]))


def replay(
    store: Store,
    fold: Fold,
    *,
    public_only: bool = False,
    progress: Callable[[int, int], None] | None = None,
    processes: int = 0,
) -> Replay:
    """Fold a stored log again and compare every seal.

    Args:
        store: the tables.
        fold: rules, secret and origin.
        public_only: see `Replay`.
        progress: called with (entries done, entries in all).
        processes: how many check forms ahead, see `ledger.ahead`.

    Raises:
        ProofError: the first difference.
        CorruptError: what is stored contradicts itself.
    """
    result = Replay(fold, public_only=public_only)
    with store.moment() as still:
        head = still.head()
        with ahead_of(fold, processes) as ahead:
            for window, forms in ahead.over(stored_windows(still, public_only=public_only)):
                result.feed(window, forms)
                if progress is not None and head is not None:
                    progress(result.head.size, head.size)
    return result
