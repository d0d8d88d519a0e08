"""The world of `rules` over a real log: the same acts, signed and appended, under seals, with a clock that is set.

world = logged(tmp_path)
deal = Deal(world, terms)
...
with world.serving().view() as view: …
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ledgers import KEYS
from rules import ORIGIN, START_MS, World, key_of, populate

from contracts.rulebook import rulebooks
from ledger import cbor
from ledger.genesis import Genesis, encode_genesis, encode_key
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import ED25519, VerifierKey
from ledger.policy import Log as PolicyLog
from ledger.policy import Policy, TlogPolicy, encode_policy
from ledger.serving import Serving
from ledger.store import Store, open_store
from ledger.store.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.rulebook import Submission

VKEY = VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key)


class Logged(World):
    """A world whose records go into a log.

    Attributes:
        log: the log; its clock follows `time_ms`.
        store: its tables.
        vault: keys of hidden fields.
        folder: where a node keeps its files.
    """

    log: Log
    store: Store
    vault: Vault
    folder: Path

    def enter(self, submission: Submission) -> int:
        """Append a record; return its index."""
        self.log.clock.behind_ms = time.time_ns() // 1_000_000 - self.time_ms
        answer = self.log.submit(submission.record.statement, submission.document.data).result(30)
        # The log's clock runs while the world's stands; the world goes on from where the log is.
        self.time_ms = max(self.time_ms, answer.time_ms)
        return answer.size

    def get(self, key: bytes) -> Any:
        """Return a fact's value, None where there is none."""
        data = self.store.latest([key])[key]
        return None if data is None else cbor.decode(data)

    def serving(self) -> Serving:
        """Seal, and return what is served as of the seal."""
        self.log.seal()
        serving = Serving(self.log)
        serving.refresh()
        return serving

    def policy(self, **more: Any) -> bytes:
        """Return a policy that trusts this log by its operator's word."""
        tlog = TlogPolicy(logs=(PolicyLog(VKEY, None),), witnesses=(), groups=(), quorum="none")
        settings: dict[str, Any] = {"tlog": tlog, "max_age_s": 86_400, **more}
        return encode_policy(Policy(genesis=leaf_hash(self.store.entry(0).statement), **settings))

    def close(self) -> None:
        """Stop the log and close the files."""
        self.log.close()
        self.store.close()
        self.vault.close()


def logged(folder: Path, url: str | None = None, *, start_ms: int = START_MS) -> Logged:
    """Open the world over a database, by default SQLite in a folder; its time begins at `start_ms`."""
    store = open_store(url or f"sqlite:///{folder}/ledger.db")
    log = Log(store, rulebooks(), KEYS, ORIGIN)
    log.clock.behind_ms = time.time_ns() // 1_000_000 - start_ms
    operator = key_of("operator")
    actor = {"actor": "operator", "role": "operator", "name": {"zh-TW": "風土"}, "key": encode_key(operator.public_key)}
    keys = KEYS.receipt.public_key, KEYS.record.public_key
    log.create(encode_genesis(Genesis(ORIGIN, VKEY, *keys, 0, (), actor, 1)))
    log.start()
    world = Logged(log.fold, {"operator": operator}, {}, time_ms=start_ms)
    world.log, world.store, world.vault = log, store, Vault(folder / "vault.db")
    world.folder = folder
    populate(world)
    return world
