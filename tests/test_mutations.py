"""Mutations of product bundles: the verdict fails or says the same no more strongly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from conftest import soak
from farms import GTIN, Farms, close_farms, open_farms
from mutations import check_mutations

from api.bundles import answer_bundle
from ledger.checkpoint import cosign_checkpoint
from ledger.note import COSIGNATURE, NoteSigner
from ledger.policy import TlogPolicy, Witness, decode_policy, encode_policy
from ledger.signature import SigningKey
from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

WITNESS = NoteSigner("witness.test/w1", SigningKey.from_seed(b"\x21" * 32), COSIGNATURE)
REPLAYER = NoteSigner("replayer.test/r1", SigningKey.from_seed(b"\x22" * 32), COSIGNATURE)


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    """A world in which one lot came of another, with a certificate, a recall and hidden fields."""
    farms = open_farms(tmp_path_factory.mktemp("farms"))
    farms.season()
    farms.submit("farm-1", "event", farms.transformation([("L1", 100)], [("M1", 90)]))
    farms.season("L2")
    farms.submit("lab", "recall", {"gtin": GTIN, "lot": "L2", "reason": "農藥超標"})
    yield farms
    close_farms(farms)


def cosigned(farms: Farms, lot: str) -> bytes:
    """Return a bundle whose checkpoint a witness and a replayer cosigned."""
    now = int(time.time())
    with farms.serving().view() as view:
        for signer in (WITNESS, REPLAYER):
            farms.store.add_cosignature(view.size, signer.name, cosign_checkpoint(view.checkpoint, signer, now))
    with farms.serving().view() as view:
        return answer_bundle(view, farms.vault, {"kind": "product", "gtin": GTIN, "lot": lot})


def policy(farms: Farms) -> bytes:
    """Return a policy that asks for both."""
    plain = decode_policy(farms.policy())
    tlog = TlogPolicy(plain.tlog.logs, (Witness("w1", WITNESS.vkey, None),), (), "w1")
    return encode_policy(type(plain)(tlog, plain.genesis, plain.max_age_s, REPLAYER.vkey))


def test_holds_with_quorum_and_replay_key(farms: Farms) -> None:
    """The full verdict is reached by quorum, replay key and freshness together."""
    verdict = verify(cosigned(farms, "M1"), policy(farms), int(time.time()))
    assert (verdict.kind, verdict.status) == ("holds", "active"), verdict.steps[-1]


def test_mutations_never_say_more(farms: Farms) -> None:
    """Refused, or the same status and facts with the same or a weaker kind; every class of mutation did its work."""
    earlier = cosigned(farms, "L1")
    farms.submit("farm-1", "event", farms.event("L1", "water"))
    bundles = [cosigned(farms, lot) for lot in ("L1", "M1", "L2")]
    trusted, now = policy(farms), int(time.time())
    verdicts = [verify(one, trusted, now) for one in bundles]
    assert [(one.kind, one.status) for one in verdicts] == [
        ("holds", "active"),
        ("holds", "active"),
        ("holds", "recalled"),
    ]
    count = soak("mutations of bundles", 405, 3_006)
    check_mutations(bundles, [earlier], lambda data: verify(data, trusted, now), count)
