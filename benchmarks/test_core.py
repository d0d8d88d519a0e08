"""Hashing, tree, map and signatures, in one process with their peers."""

from __future__ import annotations

import hashlib
import os
import random
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from conftest import size
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open

from ledger.merkle import ListReader, check_inclusion, leaf_hash, prove_inclusion, root, root_of_entries
from ledger.record import check_record, decode_record, sign_record
from ledger.signature import SigningKey, check
from ledger.statemap import StateMap, check_presence

if TYPE_CHECKING:
    from collections.abc import Callable

LEAVES = size(1_000_000, 50_000)
PAIRS = size(100_000, 10_000)
RECORDS = size(2_000, 200)


def entries(count: int) -> list[bytes]:
    """Return entries of 100 bytes."""
    return [i.to_bytes(4, "big") * 25 for i in range(count)]


def ours_root(data: list[bytes]) -> bytes:
    """The tree's root."""
    return root_of_entries(data)


def hashlib_loop(data: list[bytes]) -> bytes:
    """The plainest loop there is."""
    row = [hashlib.sha256(b"\x00" + one).digest() for one in data]
    while len(row) > 1:
        carried = row[-1:] if len(row) % 2 else []
        row = [hashlib.sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)] + carried
    return row[0]


def blockcerts(data: list[bytes]) -> Any:
    """blockcerts-merkletools: not RFC 9162, the same number of hashes."""
    merkletools = pytest.importorskip("blockcerts_merkletools", reason="blockcerts-merkletools is missing")
    tree = merkletools.MerkleTools(hash_type="sha256")
    tree.add_leaf([one.hex() for one in data], do_hash=True)
    tree.make_tree()
    return tree.get_merkle_root()


def pymerkle_tree(data: list[bytes]) -> Any:
    """Pymerkle's tree in memory."""
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle is missing")
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for one in data:
        tree.append_entry(one)
    return tree.get_root()


@pytest.mark.parametrize(
    ("who", "run", "share"),
    [("ours", ours_root, 1), ("hashlib loop", hashlib_loop, 1), ("blockcerts-merkletools", blockcerts, 10),
     ("pymerkle in memory", pymerkle_tree, 100)],
)  # fmt: skip
def test_root(benchmark: Any, who: str, run: Callable[[list[bytes]], Any], share: int) -> None:
    """The root over a million leaves; the slowest peers get a tenth or a hundredth of them and are scaled."""
    benchmark.group = f"root, {LEAVES:,} leaves of 100 B (a leaf)"
    data = entries(LEAVES // share)
    benchmark.extra_info.update(who=who, operations=len(data))
    benchmark.pedantic(run, (data,), rounds=2, iterations=1)


def test_inclusion_proofs(benchmark: Any) -> None:
    """Proofs from a tree in memory."""
    reader = ListReader([leaf_hash(one) for one in entries(LEAVES // 10)])
    total = LEAVES // 10
    indexes = random.Random(1).sample(range(total), 1_000)
    benchmark.group = "inclusion proof made"
    benchmark.extra_info.update(operations=1_000)
    benchmark(lambda: [prove_inclusion(reader, index, total) for index in indexes])


def test_inclusion_checks(benchmark: Any) -> None:
    """Checks of the same."""
    hashes = [leaf_hash(one) for one in entries(LEAVES // 10)]
    reader, total, top = ListReader(hashes), len(hashes), root(hashes)
    proofs = [(i, prove_inclusion(reader, i, total)) for i in random.Random(1).sample(range(total), 1_000)]
    benchmark.group = "inclusion proof checked"
    benchmark.extra_info.update(operations=1_000)
    benchmark(lambda: [check_inclusion(hashes[i], i, total, proof, top) for i, proof in proofs])


def pairs(count: int) -> list[tuple[bytes, bytes]]:
    """Return pairs as facts are."""
    rng = random.Random(2)
    return [(rng.randbytes(41), rng.randbytes(60)) for _ in range(count)]


def test_map_bulk(benchmark: Any) -> None:
    """A map built in one go, with its root."""
    data = pairs(PAIRS)
    benchmark.group = f"map, {PAIRS:,} pairs in bulk with root (a pair)"
    benchmark.extra_info.update(operations=PAIRS)
    benchmark.pedantic(lambda: StateMap(data).root(), rounds=3, iterations=1)


def test_map_changes(benchmark: Any) -> None:
    """A thousand changes and the root after them."""
    data = pairs(PAIRS)
    state = StateMap(data)
    state.root()
    changes = [(key, os.urandom(60)) for key, _ in data[:1_000]]
    benchmark.group = f"map, 1,000 changes in {PAIRS:,} pairs with root"

    def change() -> bytes:
        state.set_many([(key, os.urandom(8) + value) for key, value in changes])
        return state.root()

    benchmark(change)


def test_map_proofs(benchmark: Any) -> None:
    """Presence proved and checked."""
    data = pairs(PAIRS)
    state = StateMap(data)
    top = state.root()
    benchmark.group = "map proof made and checked"
    benchmark.extra_info.update(operations=500)
    benchmark(lambda: [check_presence(top, key, value, state.prove(key)) for key, value in data[:500]])


def signed(count: int) -> list[tuple[bytes, bytes, bytes]]:
    """Return signatures by a hundred keys."""
    keys = [SigningKey.generate() for _ in range(100)]
    messages = [i.to_bytes(8, "big") * 30 for i in range(count)]
    return [(keys[i % 100].public_key, m, keys[i % 100].sign(m)) for i, m in enumerate(messages)]


@pytest.mark.parametrize("who", ["ours", "PyNaCl", "cryptography"])
def test_signatures(benchmark: Any, who: str) -> None:
    """Strict checks beside what the libraries do without our look at the bytes."""
    data = signed(RECORDS)
    known = {key: Ed25519PublicKey.from_public_bytes(key) for key, _, _ in data}
    runs: dict[str, Callable[[], Any]] = {
        "ours": lambda: [check(*one) for one in data],
        "PyNaCl": lambda: [crypto_sign_open(signature + message, key) for key, message, signature in data],
        "cryptography": lambda: [known[key].verify(signature, message) for key, message, signature in data],
    }
    benchmark.group = "Ed25519, 100 keys (a signature)"
    benchmark.extra_info.update(who=who, operations=len(data))
    benchmark.pedantic(runs[who], rounds=3, iterations=1)


@pytest.mark.parametrize("who", ["ours", "cbor2 + cryptography"])
def test_records(benchmark: Any, who: str) -> None:
    """A record decoded strictly and verified, beside the two libraries alone."""
    key = SigningKey.generate()
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    statements = [
        sign_record(key, kind="event", issuer="hsinchu.fan", subject="/01/04712345678900/10/L1", audience="log.example",
                    issued_at_s=i, document=b"%d" % i)
        for i in range(RECORDS)
    ]  # fmt: skip

    def plain() -> None:
        for one in statements:
            protected, _, payload, signature = cbor2.loads(one).value
            public.verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))

    runs: dict[str, Callable[[], Any]] = {
        "ours": lambda: [check_record(decode_record(one), key.public_key) for one in statements],
        "cbor2 + cryptography": plain,
    }
    benchmark.group = "record decoded and verified"
    benchmark.extra_info.update(who=who, operations=len(statements))
    benchmark.pedantic(runs[who], rounds=3, iterations=1)
