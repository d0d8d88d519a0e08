"""Whole worlds replayed, by those who may hold every document and by those who hold public ones only.

Both come to the same public map at each seal: no private condition changes what a public record does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agreements import open_deal
from logged import Logged, logged
from studio import open_logged
from test_coins_verdicts import live
from test_licence_verdict import people_licence
from test_settlement import season

from ledger.fsck import fsck
from ledger.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _town(folder: Path) -> Logged:
    return live(logged(folder)).world


def _deal(folder: Path) -> Logged:
    world = logged(folder)
    season(open_deal(world=world))
    return world


def _studio(folder: Path) -> Logged:
    studio = open_logged(folder)
    studio.grant(studio.terms("L-1", exclusive=True))
    people_licence(studio)
    studio.later(40)
    studio.act("panay", "licence-revocation", licence="L-1", last=studio.today, reason="breach")
    world = studio.world
    assert isinstance(world, Logged)
    return world


@pytest.mark.parametrize("world_of", [_town, _deal, _studio], ids=["coins", "agreements", "licences"])
def test_replay_comes_to_the_same(tmp_path: Path, world_of: Callable[[Path], Logged]) -> None:
    """fsck, a replay of everything and one of public records alone: each seal's roots, or the record that differs."""
    world = world_of(tmp_path)
    seal = world.log.seal()
    fsck(world.store, world.log.fold)
    everything = replay(world.store, world.log.fold)
    public = replay(world.store, world.log.fold, public_only=True)
    assert everything.head.seal_index == public.head.seal_index == seal
    assert everything.root() == public.root()
    world.close()
