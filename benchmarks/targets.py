"""What the lines are asked for, on two cores with their peers in one run.

Target("root, contiguous, one core", "hashlib loop", 12)     at least 12 times as fast as that peer
Target("map, 1,000 changes with root", at_most=0.002)        at most 2 ms
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from figures import OURS, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from figures import Figure


BLOCKS_ALONE = "16-lane blocks alone"
"""What the machine's own compression of as many blocks takes."""
SMALLEST = "the smallest ledger"
"""Our own figure where the ledger is smallest."""


@dataclass(frozen=True)
class Target:
    """What a line has to reach.

    Attributes:
        line: its name.
        peer: whom it is compared with; empty where its own figure counts.
        ratio: how many times the peer's figure has to be ours, at least.
        within: how many times the peer's figure ours may be, at most.
        at_most: in the unit of the line.
    """

    line: str
    peer: str = ""
    ratio: float = 0
    within: float = 0
    at_most: float = 0

    def words(self, figures: Mapping[str, Figure]) -> str:
        """Say what is asked."""
        if self.within:
            return f"within {self.within:g} × of {self.peer}"
        if self.peer:
            return f"{self.ratio:g} × {self.peer}"
        return f"at most {shown(self.at_most, figures[OURS].unit)}"

    def reached(self, figures: Mapping[str, Figure]) -> bool | None:
        """Say whether it is reached; None where the peer is missing."""
        ours = figures[OURS].value
        if not self.peer:
            return ours <= self.at_most
        peer = figures.get(self.peer)
        if peer is None:
            return None
        return ours <= self.within * peer.value if self.within else peer.value >= self.ratio * ours


TARGETS = (
    Target("root, contiguous, one core", "hashlib loop", 12),
    Target("root, contiguous, one core", BLOCKS_ALONE, within=1.4),
    Target("root, contiguous, two cores", "hashlib loop", 22),
    Target("root, contiguous, two cores", BLOCKS_ALONE, within=1.4),
    Target("root, contiguous, two cores", "transparency-dev/merkle, 2 cores", 7),
    Target("root, contiguous, two cores", "blockcerts-merkletools", 30),
    Target("root, contiguous, two cores", "pymerkle, SQLite in memory", 90),
    Target("Ed25519, 100 keys, one core", "PyNaCl", 2.5),
    Target("record decoded and verified, one core", "cbor2 + cryptography", 4),
    Target("record decoded and verified, two cores", "cbor2 + cryptography", 8),
    Target("map, in bulk with root (a pair)", at_most=0.5e-6),
    Target("map, 1,000 changes with root", at_most=2e-3),
    Target("map, memory of a key", at_most=170),
    Target("submit, batches of 1,000, SQLite (a record)", at_most=1 / 20_000),
    Target("submit, batches of 1,000, PostgreSQL (a record)", at_most=1 / 20_000),
    Target("submit, 256 clients, SQLite (a record)", at_most=1 / 8_000),
    Target("submit, 256 clients, SQLite, p99", at_most=60e-3),
    Target("submit, one client, SQLite, p50", at_most=3e-3),
    Target("replay of the whole log (a record)", at_most=1 / 60_000),
    Target("product page, p99", SMALLEST, within=1.5),
    Target("product bundle, p99", SMALLEST, within=1.5),
    Target("opening a node", at_most=10),
    Target("memory of a process", at_most=2 * 2**30),
)


def targets_of(line: str) -> list[Target]:
    """Return what a line is asked for."""
    return [one for one in TARGETS if one.line == line]
