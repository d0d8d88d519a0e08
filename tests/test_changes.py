"""What a record changed, in one row, and the places by which its facts are found."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from conftest import soak
from counting import counter_key
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import KEYS, ORIGIN, RULEBOOKS, close_ledger, open_ledger
from test_native import same

from ledger import cbor, changes, core
from ledger.changes import StoredChange, decode_changes, encode_changes, place_of, places_of, rows_of
from ledger.errors import FormatError
from ledger.facts import fact_key, is_private, private_position, public_position
from ledger.fold import Fold
from ledger.fsck import fsck
from ledger.store import migrate, open_store
from ledger.store.facts import END

if TYPE_CHECKING:
    from ledgers import Ledger

FOLD = Fold(RULEBOOKS, KEYS.replay, ORIGIN)
A, B = fact_key(1, ["a"]), fact_key(2, ["b"], 7)


class Crowded:
    """Places as if keys had one bit."""

    def unpack(self, key: bytes) -> tuple[int, int]:
        """Return one of two places."""
        return key[5] & 1, 0


def test_a_row_of_changes() -> None:
    """Changes come back as they were, in the order of keys; whether they are private is in the position."""
    at, private_at = public_position(3), private_position(3, 0)
    public = [StoredChange(B, at, b"\x02", False, None), StoredChange(A, at, b"\x01", False, None)]
    data = encode_changes(public)
    assert data == cbor.encode([[A, b"\x01"], [B, b"\x02"]])
    assert decode_changes(at, data) == public[::-1]
    private = [StoredChange(A, private_at, b"\x01", True, "holder"), StoredChange(B, private_at, b"\x02", True, None)]
    assert decode_changes(private_at, encode_changes(private)) == private
    assert places_of(public) == {place_of(A), place_of(B)}
    assert place_of(B) == (int.from_bytes(B[:8], "big"), 7)
    assert place_of(b"\xff" * 41) == (-1, -1)


@pytest.mark.parametrize("wrong", [7, [7], [[A]], [[A, 7]], [[A, b"", 7]], [[A, b"", "h", "h"]], [[A[:40], b""]]])
def test_what_is_no_row_of_changes(wrong: Any) -> None:
    """A row that was altered is refused instead of being read as some other facts."""
    with pytest.raises(FormatError):
        decode_changes(public_position(1), cbor.encode(wrong))


keys = st.one_of(st.binary(min_size=41, max_size=41), st.just(A), st.just(B), st.just(A[:8] + bytes(33)))
positions = st.integers(0, 2**63).map(public_position) | st.integers(0, 9).map(partial(private_position, 7))
facts = st.dictionaries(keys, st.tuples(st.binary(max_size=300), st.none() | st.text(max_size=30)), min_size=1)
records = st.lists(st.tuples(positions, facts), unique_by=lambda one: one[0])


@given(records)
@settings(max_examples=soak("batches of changes", 100, 20_000))
def test_rows_of_both_cores(batch: list[tuple[bytes, dict[bytes, tuple[bytes, str | None]]]]) -> None:
    """The native core writes the same rows as the reference; what it does not take it leaves to it."""
    stored = [
        StoredChange(key, position, value, is_private(position), holder)
        for position, facts in batch
        for key, (value, holder) in facts.items()
    ]
    rows, places = same(lambda: rows_of(stored))
    assert [change for position, data in rows for change in decode_changes(position, data)] == [
        change for position, facts in batch for change in sorted(one for one in stored if one.position == position)
    ]
    assert len(places) == sum(len({place_of(key) for key in facts}) for _, facts in batch)


def test_what_the_core_does_not_take() -> None:
    """It says so by None, instead of writing a row that nobody can read."""
    assert same(lambda: rows_of([])) == ([], [])
    if core.native is not None:
        for wrong in ((A[:40], public_position(1), b"", False, None), (A, 7, b"", False, None), (A, b"", b"")):
            assert core.native.changes_rows([wrong]) is None


def history(ledger: Ledger) -> list[tuple[bytes, int]]:
    """Submit to a few counters by turns, and return what each of them comes to."""
    chance = random.Random(11)
    sums: dict[str, int] = {}
    for _ in range(60):
        name = chance.choice("abcdef")
        kind = chance.choice(["count", "purse"])
        ledger.submit(kind, {"name": name, "add": 1})
        if kind == "count":
            sums[name] = sums.get(name, 0) + 1
    ledger.log.seal()
    return [(counter_key(name), total) for name, total in sums.items()]


def test_keys_that_share_a_place(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are hashes of what anyone may choose: two at one place must never be taken for one another."""
    monkeypatch.setattr(changes, "_PLACE", Crowded())
    monkeypatch.setattr(core, "native", None)
    ledger = open_ledger(database)
    sums = history(ledger)
    absent = [counter_key(name) for name in "xyz"]
    found = ledger.store.latest([*(key for key, _ in sums), *absent])
    for key, total in sums:
        value = found[key]
        assert value is not None
        assert cbor.decode(value)["sum"] == total
        every = [change for change in ledger.store.facts_between(b"", END) if change.key == key]
        assert len(every) == total
        for change in every:
            assert ledger.store.facts_before([key, *absent], change.position + b"\0") == [change]
        assert ledger.store.facts_before([key], every[0].position) == []
    assert [found[key] for key in absent] == [None] * 3
    assert fsck(ledger.store, FOLD).seals == 2
    close_ledger(ledger)


def test_kinds_of_facts(database: str) -> None:
    """From the beginning and from a position on, the changes of one kind are the same, in order."""
    ledger = open_ledger(database)
    key, _ = history(ledger)[0]
    every = list(ledger.store.facts_between(b"", END))
    of_kind = [change for change in every if change.key[0] == key[0]]
    assert ledger.store.facts_of_kind(key[0], b"", END) == of_kind
    middle = of_kind[len(of_kind) // 2].position
    later = [change for change in of_kind if change.position > middle]
    assert ledger.store.facts_of_kind(key[0], middle, END) == later
    assert later
    close_ledger(ledger)


def test_facts_of_older_tables(database: str) -> None:
    """An upgrade from a row for each change loses none, and a downgrade gives each its row again."""
    ledger = open_ledger(database)
    history(ledger)
    close_ledger(ledger)
    store = open_store(database)
    before = list(store.facts_between(b"", END))
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        rows = connection.exec_driver_sql("SELECT key, position, value, private, holder FROM facts").all()
    stored = [StoredChange(bytes(k), bytes(p), bytes(v), bool(private), h) for k, p, v, private, h in rows]
    assert sorted(stored, key=lambda one: (one.position, one.key)) == before
    migrate.upgrade(store.engine)
    assert list(store.facts_between(b"", END)) == before
    assert fsck(store, FOLD).entries == len({one.position for one in before if not one.private}) + 2
    store.close()
