"""Recomputing everything that is stored, and naming the first thing that differs.

    report = fsck(store, fold)          # raises where something differs

A replay gives every row that the append must have written; each is held against the row that is there. What is kept
beside the log (disclosures, evidence, published files) is held against what the records commit to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.ahead import ahead_of
from ledger.changes import place_of
from ledger.document import decode_document
from ledger.errors import CorruptError, ProofError
from ledger.facts import POSITION_SIZE, public_position
from ledger.replay import Replay, stored_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ledger.ahead import Ahead
    from ledger.changes import StoredChange
    from ledger.fold import Fold
    from ledger.replay import Rows, Window
    from ledger.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """What was recomputed and found equal."""

    entries: int
    private_records: int
    seals: int
    facts: int
    tiles: int
    disclosures: int
    root: bytes


def fsck(store: Store, fold: Fold, *, progress: Callable[[int, int], None] | None = None, processes: int = 0) -> Report:
    """Recompute a stored log.

    Args:
        store: the tables.
        fold: rules, secret and origin.
        progress: called with (entries done, entries in all).
        processes: how many check forms ahead, see `ledger.ahead`.

    Raises:
        ProofError: a record, seal or fact is not what the rules give.
        CorruptError: a row is missing, altered or one too many.
    """
    # Tables that are read at two moments of a log that is appended to would seem to contradict each other.
    with store.moment() as still, ahead_of(fold, processes) as ahead:
        return _fsck(still, fold, ahead, progress)


def _fsck(store: Store, fold: Fold, ahead: Ahead, progress: Callable[[int, int], None] | None) -> Report:
    replay = Replay(fold)
    counts = dict.fromkeys(("private", "seals", "facts", "places", "tiles", "disclosures"), 0)
    after = b""
    head = store.head()
    for window, forms in ahead.over(stored_windows(store)):
        rows = replay.feed(window, forms)
        before = _end_of(rows, window)
        _same_facts(rows.batch.facts, store.facts_between(after, before))
        if (missing := store.misplaced(rows.batch.facts)) > 0:
            raise CorruptError("places of facts are missing", expected="a place for each change", got=f"{missing} less")
        after = before
        _same_tiles(rows, store)
        for index, root, time_ms in rows.batch.seals:
            if store.seals(index, index + 1) != [(index, root, time_ms)]:
                raise CorruptError("the stored root of a seal differs", expected=f"seal {index} with {root.hex()}")
        counts["disclosures"] += _check_disclosures(window, store)
        counts["private"] += len(window.private)
        counts["seals"] += len(rows.batch.seals)
        counts["facts"] += len(rows.batch.facts)
        counts["places"] += len({(*place_of(one.key), one.position) for one in rows.batch.facts})
        counts["tiles"] += len(rows.batch.tiles)
        if progress is not None and head is not None:
            progress(replay.head.size, head.size)
    if any(True for _ in store.facts_between(after, b"\xff" * (POSITION_SIZE + 1))):
        raise CorruptError("there are facts after the last record")
    if head is not None and head != replay.head:
        raise CorruptError("the head differs", expected=replay.head, got=head)
    _check_counts(store, counts, replay.head.size)
    return Report(
        replay.head.size,
        counts["private"],
        counts["seals"],
        counts["facts"],
        counts["tiles"],
        counts["disclosures"],
        replay.root(),
    )


def _end_of(rows: Rows, window: Window) -> bytes:
    """Return a position after everything in the window and before everything in the next."""
    if window.seal is not None:
        return public_position(window.seal.index)
    return public_position(rows.head.size)


def _same_facts(expected: Sequence[StoredChange], stored: Iterable[StoredChange]) -> None:
    wanted = {(change.key, change.position): change for change in expected}
    for change in stored:
        match = wanted.pop((change.key, change.position), None)
        if match is None:
            raise CorruptError("a fact that no record gives", got=f"{change.key.hex()} at {change.position.hex()}")
        if match != change:
            raise CorruptError(
                f"the fact {change.key.hex()} was altered", expected=match.value.hex(), got=change.value.hex()
            )
    if wanted:
        key, position = min(wanted)
        raise CorruptError("a fact is missing", expected=f"{key.hex()} at {position.hex()}")


def _same_tiles(rows: Rows, store: Store) -> None:
    names = [(tile.level, tile.n) for tile in rows.batch.tiles]
    stored = store.tiles(names)
    for tile in rows.batch.tiles:
        if stored.get((tile.level, tile.n)) != tile.hashes:
            raise CorruptError("a tile is missing or altered", expected=f"tile level {tile.level} number {tile.n}")


def _check_disclosures(window: Window, store: Store) -> int:
    count = 0
    records = {public_position(one.index): one for one in window.entries}
    for stored in store.disclosures(list(records)):
        document = decode_document(window.documents[records[stored.position].document_hash])
        if document.hidden.get(stored.name) != stored.digest:
            raise CorruptError(
                "a disclosure that its record does not commit to",
                expected=document.hidden.get(stored.name),
                got=stored.digest,
            )
        count += 1
    return count


def _check_counts(store: Store, counts: Mapping[str, int], size: int) -> None:
    stored = store.counts()
    for name, expected in (
        ("entries", size),
        ("private_records", counts["private"]),
        ("places", counts["places"]),
        ("tiles", counts["tiles"]),
        ("seals", counts["seals"]),
    ):
        if stored[name] != expected:
            raise CorruptError(f"the table {name} has rows too many or too few", expected=expected, got=stored[name])
    for hash_, data in store.all_evidence():
        if hashlib.sha256(data).digest() != hash_:
            raise ProofError("evidence was altered", expected=hash_.hex(), got=hashlib.sha256(data).hexdigest())
