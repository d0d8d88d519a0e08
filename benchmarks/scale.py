"""A ledger of many entries in a data folder that a node runs on, made in minutes; what is there is kept.

    world = open_scale(folder)
    world.grow(1_000_000)
    world.close()

A season of one lot is recorded and judged as anyone's. The entries after it are written past the rules, in bulk: random
signatures over one text, a fact for every second entry, a lot for every eightieth. Tree, tiles, seals and both maps'
roots are the log's own over all of it, so a node serves and proves from this ledger as from any other; a replay
refuses it.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from farms import GTIN, ORIGIN, OTHER_GTIN, Farms, populate

from contracts.keys import lot_key
from ledger import cbor
from ledger.changes import StoredChange
from ledger.edge import Edge
from ledger.facts import RETRY, fact_key, public_position
from ledger.merkle import leaf_hashes
from ledger.store.rows import Batch, StoredEntry
from node.bootstrap import Ledger, create_ledger, has_ledger, open_ledger
from node.keyfile import read_keyfile
from node.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "benchmark-only"
LOT = "L1"
PAGE = f"/products/{GTIN}/{LOT}"
BATCH = 50_000
ENTRIES_A_FACT = 2
ENTRIES_A_LOT = 80


def settings_of(folder: Path) -> Settings:
    """Return the settings of the ledger in a folder; it publishes nothing."""
    return Settings(data=folder, origin=ORIGIN, publish_every_s=0)


@dataclass
class Scale:
    """The ledger."""

    ledger: Ledger

    @property
    def size(self) -> int:
        """How many entries it has."""
        head = self.ledger.store.head()
        return 0 if head is None else head.size

    def grow(self, entries: int) -> None:
        """Add entries until there are as many; the last one is a seal."""
        while (left := entries - self.size) > 1:
            self._write(min(left - 1, BATCH))
            self.ledger.log.seal()

    def _write(self, count: int) -> None:
        with self.ledger.store.append() as append:
            head = append.head()
            assert head is not None
            first, time_ms = head.size, max(head.time_ms, time.time_ns() // 1_000_000)
            template = self.ledger.store.entry(1).statement[:-64]
            entries, documents, facts = [], [], []
            for index in range(first, first + count):
                random = hashlib.sha512(index.to_bytes(8, "big")).digest()
                entries.append(StoredEntry(index, template + random, random[:32], time_ms, is_seal=False))
                documents.append((random[:32], b'{"id":"filler-%d"}' % index))
                if index % ENTRIES_A_FACT == 0:
                    facts.append(self._fact(index, random, time_ms))
            edge, tiles = Edge.decode(head.size, head.edge).append(leaf_hashes([one.statement for one in entries]))
            append.write(
                Batch(entries=entries, documents=documents, facts=facts, tiles=tiles),
                replace(head, size=edge.size, edge=edge.encode(), time_ms=time_ms,
                        unsealed_since_ms=head.unsealed_since_ms or time_ms),
            )  # fmt: skip

    def _fact(self, index: int, random: bytes, time_ms: int) -> StoredChange:
        position = public_position(index)
        if index % ENTRIES_A_LOT == 0:
            lot = f"F{index}"
            key = lot_key(OTHER_GTIN, lot)
            value = {**cbor.decode(self._lot), "gtin": OTHER_GTIN, "lot": lot}
        else:
            key = fact_key(RETRY, ["filler", str(index)])
            value = {"kind": "event", "subject": f"/01/{GTIN}/10/{LOT}", "document": random[:32],
                     "position": position, "time_ms": time_ms}  # fmt: skip
        return StoredChange(key, position, cbor.encode(value), private=False, holder=None)

    @cached_property
    def _lot(self) -> bytes:
        key = lot_key(GTIN, LOT)
        found = self.ledger.store.latest([key])[key]
        assert found is not None
        return found

    def close(self) -> None:
        """Stop the log and close the files."""
        self.ledger.log.close()
        self.ledger.close()


def open_scale(folder: Path) -> Scale:
    """Open the ledger in a folder; where there is none, make one with its season."""
    settings = settings_of(folder)
    fresh = not has_ledger(settings) if folder.exists() else True
    if fresh:
        create_ledger(settings, lambda: PASSPHRASE)
    ledger = open_ledger(settings)
    ledger.log.start()
    if fresh:
        operator = read_keyfile(settings.keys / "operator.json").open(PASSPHRASE)
        farms = Farms(ledger.store, ledger.log, ledger.open_vault(), {"operator": operator}, folder)
        populate(farms)
        farms.season(LOT)
        ledger.log.seal()
        farms.vault.close()
    return Scale(ledger)
