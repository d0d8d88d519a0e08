"""The tree: published proofs, and every size against RFC 9162 word for word."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from reference import Tree, tree_root

from ledger.errors import ProofError
from ledger.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    ListReader,
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root,
    root_at,
    root_from_inclusion,
    root_of_entries,
)

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = [b"entry %d" % i for i in range(601)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
READER = ListReader(LEAVES)
TREE = Tree(ENTRIES)


def test_published_inclusion_proofs(shared: Path) -> None:
    """98 proofs of transparency-dev/merkle: a forgery that passes, or an honest one that fails, breaks every reader."""
    vectors = [json.loads(path.read_text()) for path in (shared / "merkle" / "inclusion").rglob("*.json")]
    failed = 0
    for vector in vectors:
        leaf, wanted = (b64decode(vector[name] or "") for name in ("leafHash", "root"))
        proof = [b64decode(hash_) for hash_ in vector["proof"] or []]
        case = (leaf, vector["leafIdx"], vector["treeSize"], proof, wanted)
        if vector["wantErr"]:
            failed += 1
            with pytest.raises(ProofError):
                check_inclusion(*case)
        else:
            check_inclusion(*case)
    assert (len(vectors), failed) == (98, 92)


def test_known_roots() -> None:
    """The roots that certificate-transparency implementations share (RFC 6962 test leaves)."""
    entries = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                                "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
    assert root_of_entries(entries[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of_entries(entries).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root([]) == EMPTY_ROOT == root_at(READER, 0)


def test_roots_of_every_size() -> None:
    """A root that differs from RFC 9162's at one size would make that checkpoint's log look forked."""
    for size in range(601):
        assert root(LEAVES[:size]) == root_of_entries(ENTRIES[:size]) == root_at(READER, size) == TREE.mth(0, size)
    assert tree_root(ENTRIES[:77]) == TREE.mth(0, 77)


def test_inclusion_of_every_leaf() -> None:
    """Each proof is PATH of the RFC and checks; one that does not would be a record that cannot be shown."""
    for size in range(1, soak("tree sizes with every leaf", 300, 600) + 1):
        wanted = TREE.mth(0, size)
        for index in range(size):
            proof = prove_inclusion(READER, index, size)
            assert proof == TREE.path(index, 0, size)
            check_inclusion(LEAVES[index], index, size, proof, wanted)


def test_consistency_of_every_pair() -> None:
    """Each proof is PROOF of the RFC and checks; one that does not would make honest growth look like a fork."""
    for size2 in range(1, soak("tree sizes with every older size", 300, 600) + 1):
        for size1 in range(1, size2 + 1):
            proof = prove_consistency(READER, size1, size2)
            assert proof == TREE.proof(size1, size2)
            check_consistency(size1, TREE.mth(0, size1), size2, TREE.mth(0, size2), proof)


def test_inclusion_at_no_other_place() -> None:
    """A proof that also held for another index, size or leaf would let a record stand where it does not."""
    for size in range(1, 20):
        for index in range(size):
            proof = prove_inclusion(READER, index, size)
            for other_size in range(23):
                for other in range(-1, other_size + 1):
                    if (other, other_size) == (index, size):
                        continue
                    with pytest.raises(ProofError):
                        check_inclusion(LEAVES[index], other, other_size, proof, TREE.mth(0, other_size))


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (6, 7), (5, 8), (99, 100), (0, 257), (255, 300)])
def test_forged_inclusion(index: int, size: int) -> None:
    """Flipped bits, dropped, doubled and swapped hashes: each would be a record that the log never had."""
    proof, wanted = prove_inclusion(READER, index, size), TREE.mth(0, size)
    forgeries = [proof[:i] + proof[i + 1 :] for i in range(len(proof))]
    forgeries += [[*proof[:i], proof[i], *proof[i:]] for i in range(len(proof))]
    forgeries += [[*proof, b"\x00" * 32], [b"\x00" * 32, *proof], [*proof, wanted], [wanted, *proof]]
    forgeries += [[*proof[:i], proof[i][:31], *proof[i + 1 :]] for i in range(len(proof))]
    forgeries += [[*proof[:i], b"", *proof[i + 1 :]] for i in range(len(proof))]
    forgeries += [[*proof[:i], proof[i] + b"\x00", *proof[i + 1 :]] for i in range(len(proof))]
    if len(proof) > 1:
        forgeries.append(proof[::-1])
    for i, hash_ in enumerate(proof):
        for bit in range(256):
            flipped = (int.from_bytes(hash_, "big") ^ 1 << bit).to_bytes(32, "big")
            forgeries.append([*proof[:i], flipped, *proof[i + 1 :]])
    for forged in forgeries:
        with pytest.raises(ProofError):
            check_inclusion(LEAVES[index], index, size, forged, wanted)
    for leaf in (b"", LEAVES[index][:31], LEAVES[index] + b"\x00", LEAVES[index + 1], leaf_hash(b"")):
        with pytest.raises(ProofError):
            check_inclusion(leaf, index, size, proof, wanted)
    for false_root in (b"", EMPTY_ROOT, wanted[:31], wanted + b"\x00", TREE.mth(0, size + 1)):
        with pytest.raises(ProofError):
            check_inclusion(LEAVES[index], index, size, proof, false_root)


@pytest.mark.parametrize(
    ("size1", "size2"), [(1, 2), (1, 3), (2, 3), (3, 4), (6, 8), (4, 8), (64, 300), (129, 257), (5, 5)]
)
def test_forged_consistency(size1: int, size2: int) -> None:
    """A consistency proof that bends would hide a rewritten history."""
    proof = prove_consistency(READER, size1, size2)
    root1, root2 = TREE.mth(0, size1), TREE.mth(0, size2)
    forgeries = [proof[:i] + proof[i + 1 :] for i in range(len(proof))]
    forgeries += [[*proof[:i], proof[i], *proof[i:]] for i in range(len(proof))]
    forgeries += [[*proof, root1], [root1, *proof], [*proof, b""], [root2]]
    forgeries += [[*proof[:i], hash_[:31], *proof[i + 1 :]] for i, hash_ in enumerate(proof)]
    forgeries += [[*proof[:i], hash_ + b"\x00", *proof[i + 1 :]] for i, hash_ in enumerate(proof)]
    for i, hash_ in enumerate(proof):
        for bit in range(256):
            flipped = (int.from_bytes(hash_, "big") ^ 1 << bit).to_bytes(32, "big")
            forgeries.append([*proof[:i], flipped, *proof[i + 1 :]])
    for forged in forgeries:
        with pytest.raises(ProofError):
            check_consistency(size1, root1, size2, root2, forged)
    for one, two in ((root1, b""), (b"", root2), (EMPTY_ROOT, root2), (root1, EMPTY_ROOT), (root1, LEAVES[600])):
        with pytest.raises(ProofError):
            check_consistency(size1, one, size2, two, proof)


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 5), (6, 5), (-1, 5), (1, SIZE_MAX + 1)])
def test_sizes_without_a_proof(size1: int, size2: int) -> None:
    """The empty tree is a beginning of everything: a proof from it would prove nothing."""
    with pytest.raises(ProofError):
        check_consistency(size1, EMPTY_ROOT, size2, EMPTY_ROOT, [])
    with pytest.raises(ProofError):
        check_inclusion(EMPTY_ROOT, size2, size1, [], EMPTY_ROOT)
    if size2 <= SIZE_MAX:
        with pytest.raises(ProofError):
            prove_consistency(READER, size1, size2)


def test_what_is_no_hash() -> None:
    """Empty strings, and bytes moved over the border of two hashes, would fold to a root that holds."""
    left, right = LEAVES[:2]
    assert root_from_inclusion(left, 0, 2, [right]) == TREE.mth(0, 2)
    cases = [(b"", 0, 1, []), (left[:31], 0, 2, [left[31:] + right]), (left + right[:1], 0, 2, [right[1:]])]
    cases += [(left, 0, 2, [b""]), (left, 0, 2, [right + b"\x00"]), (b"", 0, 2, [left + right])]
    for leaf, index, size, proof in cases:
        with pytest.raises(ProofError, match="32 bytes"):
            root_from_inclusion(leaf, index, size, proof)
    for size2, proof in ((5, []), (6, [LEAVES[4], b"", LEAVES[5]]), (6, [b"", b"", b""])):
        with pytest.raises(ProofError, match="32 bytes"):
            check_consistency(5, b"", size2, b"", proof)
    with pytest.raises(ProofError, match="32 bytes"):
        check_consistency(5, TREE.mth(0, 5), 6, TREE.mth(0, 6), [LEAVES[4][:31], LEAVES[5], LEAVES[0]])


def test_huge_sizes() -> None:
    """At the largest size a proof still has one length only, and arithmetic does not wrap."""
    leaf, proof = LEAVES[0], LEAVES[1:64]
    check_inclusion(leaf, 5, SIZE_MAX, proof, root_from_inclusion(leaf, 5, SIZE_MAX, proof))
    for size in (SIZE_MAX + 1, 2**64, 2**80):
        with pytest.raises(ProofError):
            root_from_inclusion(leaf, 5, size, proof)
    with pytest.raises(ProofError):
        root_from_inclusion(leaf, 5, SIZE_MAX, proof[:-1])


@given(st.data())
def test_any_tree(data: st.DataObject) -> None:
    """Any entries, sizes and places: what proves must check, and against the reference."""
    entries = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=300))
    size = data.draw(st.integers(1, len(entries)))
    older, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    reader, tree = ListReader([leaf_hash(entry) for entry in entries]), Tree(entries)
    proof = prove_inclusion(reader, index, size)
    assert proof == tree.path(index, 0, size)
    check_inclusion(leaf_hash(entries[index]), index, size, proof, root_of_entries(entries[:size]))
    growth = prove_consistency(reader, older, size)
    assert growth == tree.proof(older, size)
    check_consistency(older, tree.mth(0, older), size, tree.mth(0, size), growth)


@given(st.binary(max_size=33), st.integers(), st.integers(), st.lists(st.binary(min_size=31, max_size=33), max_size=70))
def test_noise(leaf: bytes, index: int, size: int, proof: list[bytes]) -> None:
    """Noise ends in a ProofError, never in another exception or a pass."""
    with pytest.raises(ProofError):
        check_inclusion(leaf, index, size, proof, TREE.mth(0, 9))
    with pytest.raises(ProofError):
        check_consistency(index, leaf, size, TREE.mth(0, 9), proof)
