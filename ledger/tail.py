"""The tail: what this process appended since its maps moved, so that no change is read back that was just written.

    tail.add(begin, end, changes)        # behind a commit
    tail.since(begin)                    # (changes, end), or None where the tables have to be asked

A tail is whole between two positions: where another process appended in between, it begins anew behind that.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

from ledger.facts import private_position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.changes import StoredChange
    from ledger.store.rows import Head

TAIL_MAX = 200_000
"""How many changes are kept; behind more the tables are asked."""

NOWHERE = b"\xff" * 16
"""Behind every position."""

_position = attrgetter("position")


def next_position(head: Head) -> bytes:
    """Return the position below which everything is committed, and at or above which everything is to come."""
    return private_position(head.size, head.private_count)


class Tail:
    """Changes in the order of their positions. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Nothing leads on from the beginning: all facts there are come from the tables first.
        self._begin = self._end = NOWHERE
        self._changes: list[StoredChange] = []

    def add(self, begin: bytes, end: bytes, changes: Sequence[StoredChange]) -> None:
        """Add all changes with `begin <= position < end`; they are committed."""
        with self._lock:
            if begin != self._end or len(self._changes) + len(changes) > TAIL_MAX:
                self._begin, self._changes = begin, []
            self._changes += changes
            self._end = end

    def since(self, begin: bytes) -> tuple[list[StoredChange], bytes] | None:
        """Return all changes with `begin <= position < end`, and that end; None where they are not all here.

        What was asked for is not kept.
        """
        with self._lock:
            if not self._begin <= begin <= self._end:
                return None
            changes, self._begin, self._changes = self._changes, self._end, []
            end = self._end
        return changes[bisect_left(changes, begin, key=_position) :], end
