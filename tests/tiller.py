"""A process at the tills of a town under test: charges what its plan says, and prints what each was answered.

    python tiller.py URL NAME FOLDER BEHIND_MS      one JSON line for each answer, after it came

    {"charge": "6d1e…", "id": "31.4"}       {"charge": "6d1e…", "rule": "coins.balance"}

FOLDER/NAME.json is the plan: [charge, resident, merchant, coins] each, paid by a code of now. FOLDER/shared.json holds
pairs that all processes send, by the number of the batch. Of each batch one pair is sent twice, and the last batch that
the process before kept is sent again by this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from appender import keep, kept
from ledgers import KEYS
from rewards import PROGRAMME, name
from rules import ORIGIN, key_of

from contracts.rewards.code import Code, sign_code
from contracts.rulebook import rulebooks
from ledger.admission import Prepared
from ledger.document import encode_document
from ledger.errors import FengtuError, RefusedError
from ledger.log import Log
from ledger.record import sign_record
from ledger.store import open_store

BATCH = 50
PROCESSES = 4


def charge(job: tuple[str, str, str, int], now_s: int, *, offline: bool = False, again: int = 0) -> tuple[bytes, bytes]:
    """Return a signed charge and its document; `again` signs the same code in another record."""
    nonce, resident, merchant, coins = job
    until_s = now_s + (86_400 if offline else 250)
    code = Code(PROGRAMME, name(resident), nonce, coins, until_s, merchant if offline else None, offline=offline)
    body: dict[str, Any] = {
        "programme": PROGRAMME, "merchant": merchant, "branch": "main", "account": name(resident), "charge": nonce,
        "coins": coins, "code": sign_code(key_of(f"phone of {resident}"), ORIGIN, code),
    }  # fmt: skip
    document = encode_document(id=f"{nonce}-{again}", body=body)
    statement = sign_record(
        key_of(merchant), kind="coins-charge", issuer=merchant, subject=f"charge/{nonce}", audience=ORIGIN,
        issued_at_s=now_s, document=document, expires_at_s=now_s + 80_000,
    )  # fmt: skip
    return statement, document


def main() -> None:
    """Charge."""
    url, me, folder, behind_ms = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    plan, shared = (json.loads((folder / f"{one}.json").read_text()) for one in (me, "shared"))
    store = open_store(url)
    log = Log(store, rulebooks(), KEYS, ORIGIN)
    log.clock.behind_ms = behind_ms
    log.start()
    for number, start in enumerate(range(0, len(plan), BATCH)):
        now_s = log.clock.now_ms() // 1000
        pairs = []
        for at, job in enumerate(plan[start : start + BATCH]):
            pairs.append((job[0], *charge(job, now_s)))
            if at % 10 == 0:
                keep(folder / f"{me}-{number}-{at}.pair", pairs[-1][1:])
        pairs.append(pairs[0])
        before = folder.glob(f"{(me + 1) % PROCESSES}-{number - 1}-*.pair")
        pairs += [(json.loads(kept(file)[1])["body"]["charge"], *kept(file)) for file in before]
        pairs += [(nonce, *(bytes.fromhex(one) for one in pair)) for nonce, *pair in shared.get(str(number), ())]
        ready = log.prepare_many([(statement, document, None) for _, statement, document in pairs])
        waiting = [one for one in ready if isinstance(one, Prepared)]
        assert len(waiting) == len(pairs), next(one for one in ready if not isinstance(one, Prepared))
        for (nonce, _, _), answer in zip(pairs, log.enqueue(waiting).result(120), strict=True):
            line: dict[str, Any] = {"charge": nonce}
            if isinstance(answer, FengtuError):
                line["rule"] = answer.rule if isinstance(answer, RefusedError) else str(answer)
            else:
                line["id"] = answer.id
            sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        log.seal_if_due()
    log.close()
    store.close()


if __name__ == "__main__":
    main()
