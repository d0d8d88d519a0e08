"""The form of stored records, checked by other processes ahead of the fold.

    with ahead_of(fold, processes=1) as ahead:
        for window, forms in ahead.over(stored_windows(store)):
            replay.feed(window, forms)

Folding is one record after the other, for each may depend on the facts of those before. Whether a record's form is
right depends on the record and the rules alone, and is a third of the work. A form that is not right is no fault here:
the fold checks it again where it stands, and says what is wrong.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from ledger.document import decode_document
from ledger.errors import FormatError
from ledger.record import decode_records
from ledger.rulebook import Submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.fold import Fold
    from ledger.replay import Window

SIZE_MIN = 5_000
"""Entries below which a process takes longer to start than it saves."""
AT_ONCE = 500
"""Records that a process is handed together."""
AHEAD_MAX = 8_000
"""Records that are read before the fold has come to them."""

logger = structlog.get_logger(__name__)

Forms = dict[bytes, int]
"""The version of the rules by which a statement's form is right."""


class Ahead:
    """Looks ahead over windows; without processes it hands them on as they are.

    Args:
        fold: the rules.
        pool: the processes, None for none.
    """

    def __init__(self, fold: Fold, pool: ProcessPoolExecutor | None) -> None:
        self._fold = fold
        self._pool = pool

    def over(self, windows: Iterable[Window]) -> Iterator[tuple[Window, Forms]]:
        """Yield each window with the forms that were found right."""
        waiting: deque[tuple[Window, list[Future[Forms]]]] = deque()
        records = 0
        for window in windows:
            waiting.append((window, self._check(window)))
            records += _size(window)
            while waiting and records > (-1 if self._pool is None else AHEAD_MAX):
                first, futures = waiting.popleft()
                records -= _size(first)
                yield first, self._found(futures)
        for first, futures in waiting:
            yield first, self._found(futures)

    def _check(self, window: Window) -> list[Future[Forms]]:
        if self._pool is None:
            return []
        hashes = [(one.statement, one.document_hash) for one in window.entries]
        hashes += [(one.statement, one.document_hash) for one in window.private]
        rows = [(statement, window.documents.get(hash_, b"")) for statement, hash_ in hashes]
        parts = [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]
        try:
            return [self._pool.submit(right_forms, self._fold, part) for part in parts]
        except BrokenProcessPool:
            return []

    def _found(self, futures: Iterable[Future[Forms]]) -> Forms:
        found: Forms = {}
        try:
            for future in futures:
                found |= future.result()
        except BrokenProcessPool:
            if self._pool is not None:
                logger.warning("the processes that check forms ahead have ended; the fold checks them itself")
            self._pool = None
        return found


@contextmanager
def ahead_of(fold: Fold, processes: int) -> Iterator[Ahead]:
    """Look ahead with that many processes; 0 for none. They import the main module, which has to bear that."""
    if not processes:
        yield Ahead(fold, None)
        return
    # A forked child would share connections and locks of threads that it does not have.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield Ahead(fold, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def processes_for(size: int) -> int:
    """Return how many processes are worth having for a log of `size` entries: one for each core but this one's."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores - 1 if size >= SIZE_MIN else 0


def right_forms(fold: Fold, rows: Sequence[tuple[bytes, bytes]]) -> Forms:
    """Return the statements, of (statement, document), whose form the newest rules find right."""
    rulebook = fold.rulebooks[max(fold.rulebooks)]
    found: Forms = {}
    for record, (statement, document) in zip(decode_records([row[0] for row in rows]), rows, strict=True):
        try:
            if not isinstance(record, FormatError):
                rulebook.check(Submission(record, decode_document(document)))
                found[statement] = rulebook.version
        except Exception:  # noqa: BLE001, S112 - whatever it is, the fold meets it again
            continue
    return found


def _size(window: Window) -> int:
    return len(window.entries) + len(window.private)
