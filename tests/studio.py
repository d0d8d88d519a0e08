"""The studio of `licences` over a real log, and the proof files of what happens in it.

studio = open_logged(tmp_path)
studio.grant(studio.terms("L-1"))
licence_bundle(studio, "L-1", day="2026-12-01")
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from licences import Studio
from logged import Logged, logged
from rules import GTIN

from api.bundles import answer_bundle
from contracts.licences.keys import licence_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.serving import View


def open_logged(folder: Path) -> Studio:
    """Return a studio over a log in a folder."""
    return Studio(logged(folder))


def world_of(studio: Studio) -> Logged:
    """Return the world of a studio over a log."""
    assert isinstance(studio.world, Logged)
    return studio.world


def now_s(studio: Studio) -> int:
    """Return the world's time, Unix seconds."""
    return studio.world.time_ms // 1000


@contextmanager
def sealed(studio: Studio) -> Iterator[View]:
    """Hold what is served as of a seal at the world's time, which may be later than the last record's."""
    world = world_of(studio)
    world.log.clock.behind_ms = time.time_ns() // 1_000_000 - world.time_ms
    head = world.store.head()
    assert head is not None
    # Where nothing was recorded since the last seal there is no new one: somebody else comes by.
    world.register("operator", f"passer-by-{head.size}", "maker")
    with world.serving().view() as view:
        yield view


def licence_bundle(studio: Studio, licence: str, **more: str) -> bytes:
    """Return the proof file of a licence."""
    with sealed(studio) as view:
        return answer_bundle(view, world_of(studio).vault, {"kind": "licence", "licence": licence, **more})


def product_bundle(studio: Studio, lot: str = "T1", **more: str) -> bytes:
    """Return the proof file of a lot."""
    with sealed(studio) as view:
        return answer_bundle(view, world_of(studio).vault, {"kind": "product", "gtin": GTIN, "lot": lot, **more})


def licensed_goods(
    studio: Studio,
    licence: str = "L-1",
    *,
    maker: str = "tea",
    product: str = "30",
    scope: dict[str, Any] | None = None,
) -> None:
    """Let a maker make 500 boxes and mark 300 of them, the lot T1, with a licence that is granted where it is not."""
    if studio.world.get(licence_key(licence)) is None:
        studio.grant(studio.terms(licence))
    words = {name: list(getattr(studio.scope(), name)) for name in ("territories", "fields", "products")}
    made = {**words, "channels": ["shop"], "languages": ["zxx"], **(scope or {})}
    studio.act(
        maker, "licence-production", licence=licence, production="P-1", day=studio.today, quantity=500, media=["paper"],
        scope=made,
    )  # fmt: skip
    studio.act("farm-1", "lot", gtin=GTIN, lot="T1", may_record=[maker])
    studio.act(
        maker, "licence-goods", licence=licence, production="P-1", gtin=GTIN, lot="T1", product=product, quantity=300,
        serials={"first": "000001", "last": "000300"},
    )  # fmt: skip
