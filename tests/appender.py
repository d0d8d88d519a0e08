"""A process that appends to a log under test until it is told to stop, or killed.

    python appender.py URL NAME COUNT RETRY_FILE      prints one JSON line for each answer, after it came

Every record is `count` or `purse` (private), its client id is NAME-<number>, so that a second run of the same name
submits the same ids again. With RETRY_FILE the pairs of another process are submitted too, each twice.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ledgers import close_ledger, open_ledger

from ledger.errors import FengtuError

BATCH = 25


def main() -> None:
    """Append."""
    url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    folder = Path(sys.argv[4])
    ledger = open_ledger(url, create=False)
    for start in range(0, count, BATCH):
        pairs = []
        for i in range(start, min(start + BATCH, count)):
            # The pair is kept before it is submitted: a retry after a crash has to send the same bytes.
            file = folder / f"{name}-{i}.json"
            if file.exists():
                statement, document = (bytes.fromhex(one) for one in json.loads(file.read_text()))
            else:
                kind = "purse" if i % 5 == 4 else "count"
                statement, document = ledger.record(kind, {"name": f"c{i % 7}", "add": 1}, client_id=f"{name}-{i}")
                file.write_text(json.dumps([statement.hex(), document.hex()]))
            pairs.append((i, statement, document))
        doubled = [*pairs, pairs[0]]  # one of each batch is sent twice
        futures = ledger.log.enqueue([ledger.log.prepare(statement, document) for _, statement, document in doubled])
        for (i, _, _), future in zip(doubled, futures, strict=True):
            try:
                answer = future.result(120)
                line = {"i": i, "id": answer.id, "time_ms": answer.time_ms, "repeated": answer.repeated}
            except FengtuError as error:
                line = {"i": i, "error": str(error)}
            print(json.dumps(line), flush=True)  # noqa: T201 - the answers go to the test
        ledger.log.seal_if_due()
    close_ledger(ledger)


main()
