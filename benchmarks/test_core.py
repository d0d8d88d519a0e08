"""Hashing, tree, map, signatures and records, in one run with their peers."""

from __future__ import annotations

import hashlib
import random
from array import array
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from conftest import SIZES, cores, measured, size
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from figures import OURS
from nacl.bindings import crypto_sign_open
from targets import BLOCKS_ALONE

from ledger import core
from ledger.merkle import ListReader, check_inclusion, leaf_hash, leaf_hashes, prove_inclusion, root, root_of_entries
from ledger.record import decode_records, sign_record
from ledger.signature import SigningKey, check_many
from ledger.statemap import StateMap, check_presence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from figures import Figures
    from peers import Peers

LEAVES = SIZES[-1]
BLOCKS_OF_A_LEAF = 4
"""A leaf of 100 bytes has two blocks of SHA-256, and so has the node that each leaf but one stands for."""
RECORDS = size(5_000, 200)
CHANGES = 1_000
ONE, TWO = (1, "one core"), (2, "two cores")


def entries(count: int) -> list[bytes]:
    """Return entries of 100 bytes: the same that `go/tree` hashes."""
    return [i.to_bytes(4, "big") * 25 for i in range(count)]


def contiguous(data: bytes, offsets: array[int]) -> bytes:
    """The root over entries that lie one after the other; without the native core they are cut first."""
    if core.native is None:
        return root_of_entries([data[a:b] for a, b in pairwise(offsets)])
    found: bytes = core.native.root_of_contiguous(data, offsets)
    return found


def blocks_alone(count: int, threads: int) -> None:
    """Compress as many blocks as the tree has, and do nothing else: what the machine itself allows."""
    if core.native is None:
        pytest.skip("the native core is not there")
    groups = count * BLOCKS_OF_A_LEAF // 16 // threads
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(core.native.compress_16, [groups] * threads))


def hashlib_loop(data: Sequence[bytes]) -> bytes:
    """The plainest loop there is."""
    row = [hashlib.sha256(b"\x00" + one).digest() for one in data]
    while len(row) > 1:
        carried = row[-1:] if len(row) % 2 else []
        row = [hashlib.sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)] + carried
    return row[0]


def blockcerts(data: Sequence[bytes]) -> Any:
    """blockcerts-merkletools: not RFC 9162, the same number of hashes."""
    merkletools = pytest.importorskip("blockcerts_merkletools", reason="blockcerts-merkletools is missing")
    tree = merkletools.MerkleTools(hash_type="sha256")
    tree.add_leaf([one.hex() for one in data], do_hash=True)
    tree.make_tree()
    return tree.get_merkle_root()


def pymerkle_in_sqlite(data: Sequence[bytes]) -> Any:
    """Pymerkle's tree over SQLite in memory."""
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle is missing")
    with pymerkle.SqliteTree(":memory:", algorithm="sha256") as tree:
        tree.append_entries(data)
        return tree.get_root()


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("who", "run"), [(OURS, root_of_entries), ("hashlib loop", hashlib_loop)])
def test_root_of_a_list(benchmark: Any, who: str, run: Callable[[list[bytes]], Any], count: int) -> None:
    """The root over a list of entries, as the Python code has them, on all cores."""
    measured(benchmark, "root of a list (a leaf)", who, operations=count, size=count)
    benchmark.pedantic(run, (entries(count),), rounds=3, iterations=1)


@pytest.mark.parametrize(("number", "name"), [ONE, TWO])
def test_root_contiguous(benchmark: Any, number: int, name: str) -> None:
    """The root over entries that lie one after the other."""
    data, offsets = b"".join(entries(LEAVES)), array("Q", range(0, LEAVES * 100 + 1, 100))
    measured(benchmark, f"root, contiguous, {name}", OURS, operations=LEAVES)
    with cores(number):
        benchmark.pedantic(contiguous, (data, offsets), rounds=7, iterations=1, warmup_rounds=1)


@pytest.mark.parametrize(("number", "name"), [ONE, TWO])
def test_blocks_alone(benchmark: Any, number: int, name: str) -> None:
    """The compression alone, on as many cores."""
    measured(benchmark, f"root, contiguous, {name}", BLOCKS_ALONE, operations=LEAVES)
    with cores(number):
        benchmark.pedantic(blocks_alone, (LEAVES, number), rounds=7, iterations=1, warmup_rounds=1)


@pytest.mark.parametrize(
    ("who", "run"),
    [("hashlib loop", hashlib_loop), ("blockcerts-merkletools", blockcerts),
     ("pymerkle, SQLite in memory", pymerkle_in_sqlite)],
)  # fmt: skip
def test_root_by_python_peers(benchmark: Any, figures: Figures, who: str, run: Callable[[list[bytes]], Any]) -> None:
    """Python's peers, which use one core whatever there is."""
    measured(benchmark, f"root, contiguous, {TWO[1]}", who, operations=LEAVES)
    benchmark.pedantic(run, (entries(LEAVES),), rounds=3, iterations=1)
    figures.add(f"root, contiguous, {ONE[1]}", who, benchmark.stats.stats.median / LEAVES)


def test_root_by_go_peers(figures: Figures, peers: Peers | None) -> None:
    """Go's tree packages, in a program of their own; they come to our root."""
    if peers is None:
        pytest.skip("the peers in Go are missing")
    found = peers.tree(LEAVES)
    assert found["root"] == root_of_entries(entries(LEAVES)).hex()
    for who, seconds in found["seconds"].items():
        line = TWO[1] if "cores" in who else ONE[1]
        figures.add(f"root, contiguous, {line}", who, seconds / LEAVES)
    figures.versions.update(found["versions"])


@pytest.mark.parametrize("count", SIZES)
def test_inclusion_proofs(benchmark: Any, count: int) -> None:
    """Proofs from a tree in memory."""
    reader = ListReader(leaf_hashes(entries(count)))
    indexes = random.Random(1).sample(range(count), 1_000)
    measured(benchmark, "inclusion proof made", OURS, operations=1_000, size=count)
    benchmark(lambda: [prove_inclusion(reader, index, count) for index in indexes])


@pytest.mark.parametrize("count", SIZES)
def test_inclusion_checks(benchmark: Any, count: int) -> None:
    """Checks of the same."""
    hashes = [leaf_hash(one) for one in entries(count)]
    reader, top = ListReader(hashes), root(hashes)
    proofs = [(i, prove_inclusion(reader, i, count)) for i in random.Random(1).sample(range(count), 1_000)]
    measured(benchmark, "inclusion proof checked", OURS, operations=1_000, size=count)
    benchmark(lambda: [check_inclusion(hashes[i], i, count, proof, top) for i, proof in proofs])


def pairs(count: int) -> list[tuple[bytes, bytes]]:
    """Return pairs of 64 bytes: keys of 32, and values that are hashes."""
    rng = random.Random(2)
    return [(rng.randbytes(32), rng.randbytes(32)) for _ in range(count)]


@pytest.mark.parametrize("count", SIZES)
def test_map(benchmark: Any, figures: Figures, count: int) -> None:
    """A map built in one go, with its root; and what it takes of memory."""
    data = pairs(count)
    state = StateMap(data)
    if (memory := state.memory()) is not None:
        state.root()
        figures.add("map, memory of a key", OURS, memory / count, size=count, unit="B")
    measured(benchmark, "map, in bulk with root (a pair)", OURS, operations=count, size=count)
    benchmark.pedantic(lambda: StateMap(data).root(), rounds=5, iterations=1)


@pytest.mark.parametrize("count", SIZES)
def test_map_changes(benchmark: Any, count: int) -> None:
    """A thousand changes and the root after them."""
    data = pairs(count)
    state = StateMap(data)
    state.root()
    rng = random.Random(3)
    changes = iter([[(key, rng.randbytes(32)) for key, _ in rng.sample(data, CHANGES)] for _ in range(51)])

    def change(pairs: list[tuple[bytes, bytes]]) -> bytes:
        state.set_many(pairs)
        return state.root()

    measured(benchmark, "map, 1,000 changes with root", OURS, size=count)
    benchmark.pedantic(change, setup=lambda: ((next(changes),), {}), rounds=50, iterations=1)


@pytest.mark.parametrize("count", SIZES)
def test_map_proofs(benchmark: Any, count: int) -> None:
    """Presence proved and checked."""
    data = pairs(count)
    state = StateMap(data)
    top = state.root()
    asked = random.Random(4).sample(data, 500)
    measured(benchmark, "map proof made and checked", OURS, operations=500, size=count)
    benchmark(lambda: [check_presence(top, key, value, state.prove(key)) for key, value in asked])


@pytest.mark.parametrize(("number", "name"), [ONE, TWO])
@pytest.mark.parametrize("who", [OURS, "PyNaCl", "cryptography"])
def test_signatures(benchmark: Any, who: str, number: int, name: str) -> None:
    """Strict checks of many, beside what the libraries do without our look at the bytes, on one core."""
    keys = [SigningKey.generate() for _ in range(100)]
    messages = [i.to_bytes(8, "big") * 30 for i in range(RECORDS)]
    data = [(keys[i % 100].public_key, m, keys[i % 100].sign(m)) for i, m in enumerate(messages)]
    known = {key: Ed25519PublicKey.from_public_bytes(key) for key, _, _ in data}
    runs: dict[str, Callable[[], Any]] = {
        OURS: partial(check_many, data),
        "PyNaCl": lambda: [crypto_sign_open(signature + message, key) for key, message, signature in data],
        "cryptography": lambda: [known[key].verify(signature, message) for key, message, signature in data],
    }
    measured(benchmark, f"Ed25519, 100 keys, {name}", who, operations=len(data))
    with cores(number):
        benchmark.pedantic(runs[who], rounds=5, iterations=1, warmup_rounds=1)


@pytest.mark.parametrize(("number", "name"), [ONE, TWO])
@pytest.mark.parametrize("who", [OURS, "cbor2 + cryptography"])
def test_records(benchmark: Any, who: str, number: int, name: str) -> None:
    """Records decoded strictly and verified, beside the two libraries alone, which are not strict."""
    keys = [SigningKey.generate() for _ in range(100)]
    statements = [
        sign_record(keys[i % 100], kind="event", issuer="hsinchu.fan", subject="/01/04712345678900/10/L1",
                    audience="log.example", issued_at_s=i, document=b"%d" % i)
        for i in range(RECORDS)
    ]  # fmt: skip
    public = [key.public_key for key in keys]
    known = [Ed25519PublicKey.from_public_bytes(key) for key in public]

    def ours() -> None:
        records = decode_records(statements)
        check_many([(public[i % 100], one.signed, one.signature) for i, one in enumerate(records)])

    def plain() -> None:
        for i, one in enumerate(statements):
            protected, _, payload, signature = cbor2.loads(one).value
            known[i % 100].verify(signature, cbor2.dumps(["Signature1", protected, b"", payload]))

    measured(benchmark, f"record decoded and verified, {name}", who, operations=len(statements))
    with cores(number):
        benchmark.pedantic(ours if who == OURS else plain, rounds=5, iterations=1, warmup_rounds=1)
