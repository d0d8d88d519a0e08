"""A process that appends to a log under test until it is done, or killed.

    python appender.py URL NAME COUNT FOLDER      prints one JSON line for each answer, after it came

    {"record": "p0-17", "id": "31", "time_ms": 1795450357833, "repeated": false}

Every record is `count` or `purse` (private), its client id is NAME-<number>. Pairs are kept in FOLDER, so that a second
run of the same name sends the same bytes again. With each batch goes `shared-<number>.json` where the folder has it:
the pair that other processes send too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ledgers import close_ledger, open_ledger

from ledger.errors import FengtuError

BATCH = 25


def keep(file: Path, pair: tuple[bytes, bytes]) -> None:
    """Keep a pair, whole or not at all: a kill must not leave half of one."""
    half = file.with_suffix(".half")
    half.write_text(json.dumps([one.hex() for one in pair]))
    half.replace(file)


def kept(file: Path) -> tuple[bytes, bytes]:
    """Return a pair that was kept."""
    statement, document = (bytes.fromhex(one) for one in json.loads(file.read_text()))
    return statement, document


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
            if not file.exists():
                kind = "purse" if i % 5 == 4 else "count"
                keep(file, ledger.record(kind, {"name": f"c{i % 7}", "add": 1}, client_id=file.stem))
            pairs.append((file.stem, *kept(file)))
        pairs.append(pairs[0])  # one of each batch is sent twice
        shared = folder / f"shared-{start}.json"
        if shared.exists():
            pairs.append((shared.stem, *kept(shared)))
        together = ledger.log.enqueue([ledger.log.prepare(statement, document) for _, statement, document in pairs])
        for (record, _, _), answer in zip(pairs, together.result(120), strict=True):
            if isinstance(answer, FengtuError):
                line = {"record": record, "error": str(answer)}
            else:
                line = {"record": record, "id": answer.id, "time_ms": answer.time_ms, "repeated": answer.repeated}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
        ledger.log.seal_if_due()
    close_ledger(ledger)


if __name__ == "__main__":
    main()
