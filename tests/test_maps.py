"""The maps of a process: loaded once from all rows, copied for who serves, and the same as if moved step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from farms import Farms, close_farms, open_farms

from ledger import core
from ledger.changes import encode_changes
from ledger.errors import UnavailableError
from ledger.facts import public_position
from ledger.maps import Maps
from ledger.serving import Serving
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END = b"\xff" * 17


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A world with a season."""
    farms = open_farms(tmp_path)
    farms.season()
    yield farms
    close_farms(farms)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_loaded_maps_are_those_moved_to(
    farms: Farms, monkeypatch: pytest.MonkeyPatch, at_once: int, *, native: bool
) -> None:
    """Maps that came to other roots from the same rows would have a node refuse its own seals."""
    if not native:
        monkeypatch.setattr(core, "native", None)
    moved, loaded = Maps(farms.log.fold), Maps(farms.log.fold)
    moved.advance(farms.store.facts_between(b"", END))
    monkeypatch.setattr("ledger.store.facts.READ_ROWS_MAX", at_once)
    loaded.load(farms.store.rows_between(b"", END))
    copied = loaded.copy()
    assert loaded.roots() == moved.roots() == copied.roots()
    assert loaded.position == moved.position == copied.position
    assert len(copied.public) == len(moved.public)
    copied.public.set(b"another", b"fact")
    assert loaded.roots() == moved.roots() != copied.roots()


def test_rows_that_are_none_are_left_to_python(farms: Farms) -> None:
    """A row that the native core does not read raises the reference's error; what came before it is not lost."""
    good = [(public_position(0), encode_changes(list(farms.store.facts_between(b"", public_position(1)))))]
    for bad in (b"\x80\x00", b"\xff", b"\x81\x81\x41a", b"\x81\x83\x41a\x41b\x41c"):
        maps = Maps(farms.log.fold)
        with pytest.raises(Exception, match=r"change|CBOR"):
            maps.load([good, [(public_position(1), bad)]])
        assert len(maps.public) > 0


def test_a_process_reads_all_facts_once(farms: Farms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening ten million entries takes long enough once; whoever serves gets what whoever seals has read."""
    farms.log.seal()
    farms.log._sealer = farms.log._new_sealer()
    asked: list[bytes] = []
    rows_between = Store.rows_between

    def read(store: Store, after: bytes, before: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        asked.append(after)
        return rows_between(store, after, before)

    monkeypatch.setattr(Store, "rows_between", read)
    first = Serving(farms.log)
    first.refresh()
    farms.submit("farm-1", "event", farms.event("L1", "water"))
    farms.log.seal()
    first.refresh()
    assert asked.count(b"") == 1
    monkeypatch.undo()
    second = Serving(farms.log)
    second.refresh()
    with first.view() as one, second.view() as other:
        assert one.public.root() == other.public.root()
        assert one.private.root() == other.private.root()


def test_a_cut_connection_leaves_the_maps_at_the_beginning(farms: Farms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the facts, taken for all of them, would make every later seal a false one."""
    farms.log.seal()
    farms.log._sealer = farms.log._new_sealer()
    monkeypatch.setattr("ledger.store.facts.READ_ROWS_MAX", 3)
    rows_between = Store.rows_between

    def cut(store: Store, after: bytes, before: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        yield next(rows_between(store, after, before))
        raise UnavailableError("the database was cut")

    serving = Serving(farms.log)
    monkeypatch.setattr(Store, "rows_between", cut)
    with pytest.raises(UnavailableError):
        serving.refresh()
    monkeypatch.setattr(Store, "rows_between", rows_between)
    assert serving.refresh()
    wanted = Maps(farms.log.fold)
    wanted.advance(farms.store.facts_between(b"", public_position(serving.seal_index)))
    with serving.view() as view:
        assert view.public.root() == wanted.roots().public
