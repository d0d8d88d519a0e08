"""Mutations of bundles: whatever is taken, changed or added, the verdict fails or says the same no more strongly."""

from __future__ import annotations

import json
import random
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from farms import GTIN, Farms, close_farms, open_farms

from api.bundles import product_bundle
from ledger.checkpoint import cosign_checkpoint
from ledger.errors import FormatError
from ledger.note import COSIGNATURE, NoteSigner
from ledger.policy import TlogPolicy, Witness, decode_policy, encode_policy
from ledger.signature import SigningKey
from verifiers.product import verify
from verifiers.verdict import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Members = dict[str, Any]

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
        return product_bundle(view, farms.vault, GTIN, lot)


def policy(farms: Farms) -> bytes:
    """Return a policy that asks for both."""
    plain = decode_policy(farms.policy())
    tlog = TlogPolicy(plain.tlog.logs, (Witness("w1", WITNESS.vkey, None),), (), "w1")
    return encode_policy(type(plain)(tlog, plain.genesis, plain.max_age_s, REPLAYER.vkey))


def dump(members: Members) -> bytes:
    """Return the one encoding of a bundle's members."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def lists(members: Members) -> list[list[Any]]:
    """Return the lists of a bundle that hold something, in a fixed order."""
    found = [members["records"], members["seals"], members["public_map"]["facts"], members["public_map"]["prefixes"]]
    found += [one["proof"] for one in (*members["records"], *members["seals"])]
    found += [one["pairs"] for one in members["public_map"]["prefixes"]]
    found += [one["disclosures"] for one in members["records"]]
    return [one for one in found if one]


def texts(members: Members) -> list[tuple[dict[str, Any] | list[Any], Any]]:
    """Return where a bundle's bytes stand in base64url: container and key."""
    found: list[tuple[Any, Any]] = []
    for one in (members["genesis"], *members["records"], *members["seals"]):
        found.append((one, "statement"))
        found += [(one["proof"], i) for i in range(len(one["proof"]))]
    for fact in members["public_map"]["facts"]:
        found += [(fact, name) for name in ("key", "value", "proof") if fact[name]]
    for prefix in members["public_map"]["prefixes"]:
        found += [(prefix, name) for name in ("prefix", "proof") if prefix[name]]
        found += [(pair, i) for pair in prefix["pairs"] for i in (0, 1)]
    return found


def flip_file(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One bit of the file."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def flip_part(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One bit of a statement, proof, fact or key, in a file that is well-formed again."""
    members = json.loads(data)
    place, key = rng.choice(texts(members))
    part = bytearray(urlsafe_b64decode(place[key] + "=="))
    part[rng.randrange(len(part))] ^= 1 << rng.randrange(8)
    place[key] = urlsafe_b64encode(part).decode().rstrip("=")
    return dump(members)


def flip_document(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One character of a document."""
    members = json.loads(data)
    one = rng.choice([members["genesis"], *members["records"], *members["seals"]])
    at = rng.randrange(len(one["document"]))
    one["document"] = one["document"][:at] + chr(32 + rng.randrange(95)) + one["document"][at + 1 :]
    return dump(members)


def flip_checkpoint(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One character of the checkpoint or its signatures, or one of its lines left out."""
    members = json.loads(data)
    text = members["checkpoint"]
    if rng.random() < 0.5:
        lines = text.split("\n")
        del lines[rng.randrange(len(lines))]
        members["checkpoint"] = "\n".join(lines)
    else:
        at = rng.randrange(len(text))
        members["checkpoint"] = text[:at] + chr(32 + rng.randrange(95)) + text[at + 1 :]
    return dump(members)


def remove(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One member of one list."""
    members = json.loads(data)
    chosen = rng.choice(lists(members))
    del chosen[rng.randrange(len(chosen))]
    return dump(members)


def swap(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """Two members of one list, or one field between two records."""
    members = json.loads(data)
    chosen = rng.choice([one for one in lists(members) if len(one) > 1])
    i, j = rng.sample(range(len(chosen)), 2)
    if isinstance(chosen[i], dict) and rng.random() < 0.6:
        name = rng.choice(sorted(chosen[i]))
        chosen[i][name], chosen[j][name] = chosen[j][name], chosen[i][name]
    else:
        chosen[i], chosen[j] = chosen[j], chosen[i]
    return dump(members)


def repeat(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One member of one list once more."""
    members = json.loads(data)
    chosen = rng.choice(lists(members))
    chosen.insert(rng.randrange(len(chosen) + 1), rng.choice(chosen))
    return dump(members)


def from_another(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A part of another bundle (of another lot, of an earlier seal) in the place of ours, or beside it."""
    members, other = json.loads(data), json.loads(rng.choice(others))
    kind = rng.randrange(4)
    if kind == 0:
        name = rng.choice(sorted(set(members) - {"format"}))
        members[name] = other[name]
    elif kind == 1:
        members["public_map"][rng.choice(["facts", "prefixes"])] = other["public_map"][
            rng.choice(["facts", "prefixes"])
        ]
    elif kind == 2:
        name = rng.choice(["records", "seals"])
        members[name][rng.randrange(len(members[name]))] = rng.choice(other[name])
    else:
        name = rng.choice(["records", "seals"])
        members[name].append(rng.choice(other[name]))
    return dump(members)


def unknown_member(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """A member too many, or one of another type, somewhere."""
    members = json.loads(data)
    place = rng.choice([members, members["public_map"], members["question"], rng.choice(members["records"])])
    place[rng.choice(["x", *sorted(place)])] = rng.choice([None, 1, "x", [], {}, [[]]])
    return dump(members)


MUTATIONS: list[Callable[[bytes, list[bytes], random.Random], bytes]] = [
    flip_file, flip_part, flip_document, flip_checkpoint, remove, swap, repeat, from_another, unknown_member,
]  # fmt: skip


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
    rng = random.Random(20261123)
    refused: Counter[str] = Counter()
    for number in range(soak("mutations of bundles", 405, 3_006)):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        which = rng.randrange(len(bundles))
        original, expected = bundles[which], verdicts[which]
        data = mutate(original, [earlier, *(one for one in bundles if one is not original)], rng)
        if data == original:
            continue
        try:
            verdict = verify(data, trusted, now)
        except FormatError:
            refused[mutate.__name__] += 1
            continue
        if verdict.kind == "fails":
            refused[mutate.__name__] += 1
            assert not verdict.facts
            assert verdict.steps[-1].expected is not None or verdict.steps[-1].got is not None
            continue
        if json.loads(data)["question"] != json.loads(original)["question"]:
            continue  # it answers another question, by parts that are all of that one
        assert KINDS.index(verdict.kind) <= KINDS.index(expected.kind), mutate.__name__
        assert (verdict.status, verdict.facts) == (expected.status, expected.facts), mutate.__name__
    assert all(refused[mutate.__name__] > 0 for mutate in MUTATIONS)
