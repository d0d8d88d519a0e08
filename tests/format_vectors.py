"""Makes tests/vectors/formats.json: one example of each format of our own, from fixed keys, for other implementations.

    PYTHONPATH=. python tests/format_vectors.py > tests/vectors/formats.json

test_record.py holds the file against this code. A change of the file is a change of a format.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ledger.blind import ReplaySecret, blind, private_value
from ledger.cbor import encode
from ledger.disclosure import make_disclosure
from ledger.document import Context, encode_document
from ledger.edge import Edge
from ledger.facts import fact_key, public_position
from ledger.genesis import Genesis, encode_genesis
from ledger.merkle import ListReader, leaf_hash, prove_inclusion, root_at
from ledger.note import ED25519, VerifierKey
from ledger.receipt import attach_receipt, sign_receipt
from ledger.record import sign_record
from ledger.refusal import Refusal, sign_refusal
from ledger.seal import Seal, blinded_root, encode_seal
from ledger.signature import SigningKey
from ledger.statemap import StateMap

FILE = Path(__file__).parent / "vectors" / "formats.json"
ORIGIN = "log.example/hsinchu"


def make() -> dict[str, Any]:
    """Return the vectors; bytes are in hex."""
    actor, receipt_key, record_key, checkpoint = (SigningKey.from_seed(bytes([n]) * 32) for n in (1, 2, 3, 4))
    secret = ReplaySecret(bytes([5]) * 32)
    disclosure = make_disclosure("memo", "噴灑後第三天採收", salt="MDEyMzQ1Njc4OWFiY2RlZg")
    document = encode_document(
        id="2026-0001", nonce="AAECAwQFBgcICQoLDA0ODw", body={"gtin": "04712345678900", "weight_g": 300},
        hidden={"memo": disclosure.digest}, context=Context("hsinchu.farmer-1", bytes(32)),
    )  # fmt: skip
    statement = sign_record(
        actor, kind="harvest", issuer="hsinchu.association", subject="01/04712345678900/10/L1", audience=ORIGIN,
        issued_at_s=1_795_420_800, expires_at_s=1_795_424_400, document=document,
    )  # fmt: skip
    entries = [b"genesis", b"first seal", statement, b"seal"]
    reader = ListReader([leaf_hash(entry) for entry in entries])
    proof, root = prove_inclusion(reader, 2, 4), root_at(reader, 4)
    receipt = sign_receipt(receipt_key, origin=ORIGIN, size=4, index=2, proof=proof, root=root)
    key = fact_key(0x22, ["04712345678900", "L1"], 1)
    holder_key = secret.holder_key("hsinchu.farmer-1")
    blind_ = blind(holder_key, key, public_position(2))
    value = encode({"step": "harvest", "weight_g": 300})
    state = StateMap([(key, value), (fact_key(0x22, ["04712345678900", "L10"], 1), value)])
    seal = Seal(2, 3, 1_795_420_801_000, ((2, 1_795_420_800_500),), state.root(),
                blinded_root(secret.salt("private_root", 3), StateMap().root(), 0),
                blinded_root(secret.salt("private_records_root", 3), StateMap().root(), 0), 1)  # fmt: skip
    genesis = Genesis(
        ORIGIN, VerifierKey.of(ORIGIN, ED25519, checkpoint.public_key), receipt_key.public_key, record_key.public_key,
        1, (actor.public_key,), {"actor": "operator"}, 1,
    )  # fmt: skip
    refusal = Refusal(4, "produce.mass-balance", "more out than in", "at most 300 g", None)
    return {
        "seeds": {"actor": "01", "receipt": "02", "record": "03", "checkpoint": "04", "replay": "05"},
        "kid": actor.kid.hex(),
        "disclosure": {"text": disclosure.text, "digest": disclosure.digest},
        "document": document.decode(),
        "statement": statement.hex(),
        "leaf_hash": leaf_hash(statement).hex(),
        "root": root.hex(),
        "receipt": receipt.hex(),
        "transparent_statement": attach_receipt(statement, receipt).hex(),
        "refusal": sign_refusal(record_key, refusal).hex(),
        "fact": {"key": key.hex(), "value": value.hex(), "holder_key": holder_key.hex(), "blind": blind_.hex(),
                 "private_value": private_value(blind_, value).hex(),
                 "identifier": secret.identifier("person", "A123456789").hex(),
                 "no_holder_key": secret.holder_key(None).hex()},
        "map": {"root": state.root().hex(), "presence": state.prove(key).hex(),
                "absence": state.prove(key[:-1] + b"\x02").hex(), "prefix": state.prove_prefix(key[:33], 264).hex()},
        "seal": encode_seal(seal),
        "genesis": encode_genesis(genesis),
        "edge": Edge.empty().append([leaf_hash(entry) for entry in entries] * 65)[0].encode().hex(),
    }  # fmt: skip


def text() -> str:
    """Return the file's text."""
    return json.dumps(make(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
