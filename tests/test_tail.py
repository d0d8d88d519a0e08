"""What a process appended itself is not read back for its maps; what others appended is."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from conftest import soak
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, open_ledger

from ledger.changes import StoredChange
from ledger.errors import UnavailableError
from ledger.facts import public_position
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.store import Append, Store
from ledger.tail import TAIL_MAX, Tail

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)


def change(index: int) -> StoredChange:
    """Return a change at a position."""
    return StoredChange(b"k", public_position(index), b"v", private=False, holder=None)


def at(index: int) -> bytes:
    """Return the first position of a tree of this size."""
    return index.to_bytes(8, "big") + bytes(8)


def added(tail: Tail, indexes: Sequence[int]) -> None:
    """Add one change each at these indexes, which follow one another."""
    tail.add(at(indexes[0]), at(indexes[-1] + 1), [change(index) for index in indexes])


def cut(*_: object) -> None:
    """Fail as a database does whose connection is cut."""
    raise UnavailableError("cut")


def test_a_tail_leads_on() -> None:
    """From where the maps stand, or from the middle, and once only; it does not from before it or behind it."""
    tail = Tail()
    assert tail.since(b"") is None
    added(tail, [3, 4])
    added(tail, [5])
    assert tail.since(at(2)) is None
    assert tail.since(at(4)) == ([change(4), change(5)], at(6))
    assert tail.since(at(4)) is None
    assert tail.since(at(6)) == ([], at(6))
    added(tail, [6])
    assert tail.since(at(7)) == ([], at(7))
    assert tail.since(at(8)) is None


def test_a_tail_begins_anew_behind_others() -> None:
    """Where another process appended in between, or too much came, a tail that went on would leave changes out."""
    tail = Tail()
    added(tail, [3])
    added(tail, [5])
    assert tail.since(at(3)) is None
    assert tail.since(at(5)) == ([change(5)], at(6))
    many = [change(index) for index in range(6, 6 + TAIL_MAX)]
    tail.add(at(6), at(6 + TAIL_MAX), many)
    tail.add(at(6 + TAIL_MAX), at(7 + TAIL_MAX), [change(6 + TAIL_MAX)])
    assert tail.since(at(6)) is None


def test_alone_nothing_is_read_back(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that appends alone moves its maps by what it wrote; reading it back cost more than the rules do."""
    ledger = open_ledger(database)
    serving = ledger.serving()
    ledger.submit("count", {"name": "n", "add": 1})
    ledger.log.seal()
    serving.refresh()
    with monkeypatch.context() as patch:
        for door, name in ((Store, "facts_between"), (Append, "facts_after")):
            patch.setattr(door, name, lambda *_: pytest.fail("read back"))
        for number in range(4):
            ledger.submit("count", {"name": f"n{number}", "add": 1})
            ledger.submit("purse", {"name": "p", "add": 1})
            ledger.log.seal()
            assert serving.refresh()
    assert fsck(ledger.store, FOLD).seals == 6
    close_ledger(ledger)


def test_processes_take_turns(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever appends and seals, and whatever fails on the way: each seal has the roots of all changes before it."""
    ledger = open_ledger(database)
    other = open_ledger(database, create=False)
    other.numbers = iter(range(10**6, 10**7))
    chance = random.Random(4)
    sealed = 1
    for _ in range(soak("acts of two processes by turns", 150, 1_500)):
        one = chance.choice([ledger, ledger, other])
        act = chance.choice(["count", "count", "purse", "purse", "seal", "fail"])
        if act == "fail":
            with monkeypatch.context() as patch:
                patch.setattr(Append, "write", cut)
                with suppress(UnavailableError):  # else there was nothing to seal
                    one.log.seal()
        elif act == "seal":
            before = one.store.newest_seal()
            one.log.seal()
            sealed += one.store.newest_seal() != before
        else:
            one.submit(act, {"name": f"n{chance.randrange(5)}", "add": 1})
    ledger.log.seal()
    seals = fsck(ledger.store, FOLD).seals
    assert seals >= sealed > 10
    serving = ledger.serving()
    with serving.view() as view:
        assert view.seal_index == ledger.store.newest_seal()[0]  # type: ignore[index]
    close_ledger(other)
    close_ledger(ledger)
