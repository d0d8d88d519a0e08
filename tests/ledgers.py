"""Logs to test: on SQLite and on PostgreSQL, with counting rules, real keys and real servers."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from counting import Counting

from ledger.document import encode_document
from ledger.genesis import Genesis, encode_genesis, encode_key
from ledger.keys import LogKeys
from ledger.log import Log
from ledger.note import ED25519, VerifierKey
from ledger.record import sign_record
from ledger.serving import Serving
from ledger.signature import SigningKey
from ledger.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "log.test/counting"
RULEBOOKS = {1: Counting(1), 2: Counting(2)}
KEYS = LogKeys.decode(
    b'{"checkpoint": "%s", "receipt": "%s", "record": "%s", "replay": "%s"}'
    % tuple(encode_key(bytes([i]) * 32).encode() for i in range(1, 5))
)
ACTOR = SigningKey.from_seed(b"\x09" * 32)


@dataclass
class Ledger:
    """A log under test, with what a test does all the time."""

    url: str
    store: Store
    log: Log
    numbers: Any = field(default_factory=itertools.count)

    def record(self, kind: str, body: dict[str, Any], *, key: SigningKey = ACTOR, actor: str = "operator",
               client_id: str | None = None, audience: str = ORIGIN, expires_at_s: int | None = None,
               hidden: dict[str, str] | None = None) -> tuple[bytes, bytes]:  # fmt: skip
        """Return a signed record and its document."""
        document = encode_document(id=client_id or f"n{next(self.numbers)}", body=body, hidden=hidden or {})
        statement = sign_record(
            key, kind=kind, issuer=actor, subject=body.get("name", "x"), audience=audience,
            issued_at_s=int(time.time()), document=document, expires_at_s=expires_at_s,
        )  # fmt: skip
        return statement, document

    def submit(self, kind: str, body: dict[str, Any], **more: Any) -> Any:
        """Submit a record and return its answer."""
        return self.log.submit(*self.record(kind, body, **more)).result(30)

    def serving(self) -> Serving:
        """Return what is served as of the newest seal."""
        serving = Serving(self.log)
        serving.refresh()
        return serving


def genesis() -> dict[str, Any]:
    """Return the body of the test log's genesis."""
    return encode_genesis(
        Genesis(
            origin=ORIGIN,
            checkpoint_key=VerifierKey.of(ORIGIN, ED25519, KEYS.checkpoint.public_key),
            receipt_key=KEYS.receipt.public_key,
            record_key=KEYS.record.public_key,
            recovery_threshold=0,
            recovery_keys=(),
            actor={"actor": "operator", "key": encode_key(ACTOR.public_key)},
            rules=1,
        )
    )


def open_ledger(
    url: str, *, create: bool = True, clock: Callable[[], int] | None = None, queue_max: int = 20_000
) -> Ledger:
    """Open a log on a database, with its genesis where asked, and start its appender."""
    store = open_store(url)
    more: dict[str, Any] = {} if clock is None else {"clock": clock}
    log = Log(store, RULEBOOKS, KEYS, ORIGIN, queue_max=queue_max, **more)
    try:
        if create:
            log.create(genesis())
    except BaseException:
        store.close()
        raise
    log.start()
    return Ledger(url, store, log)


def close_ledger(ledger: Ledger) -> None:
    """Stop the appender and close the connections."""
    ledger.log.close()
    ledger.store.close()
