"""The verifiable map: published roots, every size against a slow reference, and forgeries of each proof."""

from __future__ import annotations

import gc
import random
from typing import TYPE_CHECKING

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from reference import bits_of, map_prefix_proof, map_proof, map_root, varint

from ledger.errors import FengtuError, FormatError, ProofError
from ledger.statemap import (
    BITS_MAX,
    EMPTY_ROOT,
    KEY_SIZE_MAX,
    StateMap,
    check_absence,
    check_prefix,
    check_presence,
    leaf,
    root_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Pairs = dict[bytes, bytes]


def some_pairs(count: int, *, seed: int = 1) -> Pairs:
    """Pairs whose keys have many shapes: short, long, prefixes of one another, padding look-alikes."""
    chance = random.Random(seed)
    pairs: Pairs = {}
    while len(pairs) < count:
        stem = chance.choice([b"", b"\xab", b"\xab\x00", b"\xab\x00\xff", b"\x00", b"\xff\xff", chance.randbytes(2)])
        tail = chance.choice([b"", b"\x00", b"\xff", chance.randbytes(1), chance.randbytes(3), chance.randbytes(39)])
        pairs[stem + tail] = chance.randbytes(chance.choice([0, 1, 32, 200]))
    return pairs


def test_published_roots(shared: Path) -> None:
    """The 14 roots of torchwood's mpt: another root would make no other software able to check ours."""
    pairs: Pairs = {}
    roots = 0
    for line in (shared / "mpt" / "treehash.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#" or line.startswith("#"):
            continue
        hexes = [bytes.fromhex(word.strip("'")) for word in words[1:]]
        if words[0] == "kv":
            pairs[hexes[0]] = hexes[1]
            continue
        assert root_of(pairs) == hexes[0] == map_root(pairs)
        grown = StateMap()
        for key, value in reversed(pairs.items()):
            grown.set(key, value)
        assert grown.root() == hexes[0]
        roots, pairs = roots + 1, {}
    assert roots == 14


def test_every_size() -> None:
    """At each size up to 300 the root grown step by step is the reference's, whatever the order of keys."""
    pairs = some_pairs(300)
    grown = StateMap()
    known: Pairs = {}
    for key, value in pairs.items():
        grown.set(key, value)
        known[key] = value
        assert grown.root() == StateMap(known.items()).root()
        assert grown.root() == map_root(known)
    assert len(grown) == 300


def test_proofs_of_every_size() -> None:
    """Presence and absence proofs are the reference's bytes, and check."""
    shown = soak("keys of each map", 10, 300)
    for size in range(301):
        pairs = some_pairs(size, seed=size)
        state, root = StateMap(pairs.items()), root_of(pairs)
        absent = [key for key in some_pairs(10, seed=1000 + size) if key not in pairs]
        for key in [*list(pairs)[:shown], *absent]:
            proof = state.prove(key)
            assert proof == map_proof(pairs, key)
            if key in pairs:
                check_presence(root, key, pairs[key], proof)
            else:
                check_absence(root, key, proof)


def test_changed_values() -> None:
    """Only what changed is hashed again: a hash that was kept too long would freeze an old value under a new root."""
    chance = random.Random(7)
    pairs = some_pairs(120)
    state = StateMap(pairs.items())
    for step in range(150):
        key = chance.choice(list(pairs)) if step % 3 else chance.randbytes(4)
        pairs[key] = chance.randbytes(8)
        state.set(key, pairs[key])
        if step % 5 == 0:
            assert state.root() == StateMap(pairs.items()).root()
    state.set_many((key, b"new") for key in list(pairs)[:60])
    pairs.update(dict.fromkeys(list(pairs)[:60], b"new"))
    assert state.root() == map_root(pairs)
    assert [state.get(key) for key in pairs] == list(pairs.values())
    assert state.get(b"nobody") is None


def prefixes(pairs: Pairs) -> Iterator[tuple[bytes, int]]:
    """Prefixes that hit, miss and end inside a byte, and some that lie in a key's padding."""
    for key in list(pairs)[:12]:
        for bits in sorted({0, 1, 7, 8, 9, len(key) * 8, min(len(key) * 8 + 8, 64 * 8), len(key) * 8 // 2}):
            yield (key + b"\x00\xff")[:KEY_SIZE_MAX], min(bits, len((key + b"\x00\xff")[:KEY_SIZE_MAX]) * 8)
            yield (key + b"\xff\xff")[:KEY_SIZE_MAX], min(bits + 3, len((key + b"\xff\xff")[:KEY_SIZE_MAX]) * 8)
    yield from [(b"", 0), (b"\x5a\x5a\x5a", 24), (b"\xab\x00\xff", 24), (b"\xab\x00\xfe", 24), (b"\x00" * 64, 512)]


def has_prefix(key: bytes, prefix: bytes, bits: int) -> bool:
    """Whether the padded key begins with these bits."""
    wanted = "".join(f"{byte:08b}" for byte in prefix)[:bits]
    return bits_of(key, bits) == wanted


@pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 60, 200])
def test_prefixes(size: int) -> None:
    """A prefix proof lists all that the padded keys have, no more; a lot's history with a gap would pass otherwise."""
    pairs = some_pairs(size, seed=size)
    state, root = StateMap(pairs.items()), root_of(pairs)
    for prefix, bits in prefixes(pairs):
        found = state.items_with_prefix(prefix, bits)
        assert dict(found) == {key: value for key, value in pairs.items() if has_prefix(key, prefix, bits)}
        proof = state.prove_prefix(prefix, bits)
        assert proof == map_prefix_proof(pairs, "".join(f"{byte:08b}" for byte in prefix)[:bits])
        check_prefix(root, prefix, bits, found, proof)
        check_prefix(root, prefix, bits, found[::-1], proof)
        present = dict(found)
        left_out = [found[:i] + found[i + 1 :] for i in range(min(len(found), 10))]
        added = [[*found, (key, b"")] for key in (prefix[: bits // 8], b"\x77") if key not in present]
        altered = [[(found[0][0], found[0][1] + b"x"), *found[1:]]] if found else []
        doubled = [[*found, found[0]]] if found else []
        for forged in [*left_out, *added, *altered, *doubled]:
            with pytest.raises(ProofError):
                check_prefix(root, prefix, bits, forged, proof)


def test_prefix_of_the_padding() -> None:
    """`ab` lies under `ab00ff`, because a key is read with its padding; a reader who did not pad would lose it."""
    pairs = {b"\xab": b"1", b"\xab\x00": b"2", b"\xab\x00\xfe": b"4", b"\xab\x00\xff": b"3", b"\xab\x01": b"5"}
    state = StateMap(pairs.items())
    assert dict(state.items_with_prefix(b"\xab\x00\xff", 24)) == {b"\xab": b"1", b"\xab\x00\xff": b"3"}
    proof = state.prove_prefix(b"\xab\x00\xff", 24)
    check_prefix(state.root(), b"\xab\x00\xff", 24, [(b"\xab", b"1"), (b"\xab\x00\xff", b"3")], proof)
    with pytest.raises(ProofError):
        check_prefix(state.root(), b"\xab\x00\xff", 24, [(b"\xab\x00\xff", b"3")], proof)


def test_absent_prefix_is_looked_up_as_a_key() -> None:
    """Others accept one proof only that a prefix is absent: the path on which the padded prefix itself ends."""
    pairs = {b"\x10\x00\x00": b"1", b"\x10\x00\xf0": b"2", b"\x80": b"3"}
    state = StateMap(pairs.items())
    # The padded prefix is 11 00 ff …: 0 at bit 0, then 1 at bit 16. The subtree's first key would be as true a proof,
    # and is accepted, but other software does not look for it.
    proof = state.prove_prefix(b"\x11", 8)
    assert proof == state.prove(b"\x11")
    assert proof[:4] == b"\x03\x10\x00\xf0"
    first = varint(3) + b"\x10\x00\x00" + varint(1) + b"1" + state.prove(b"\x10\x00\x00")
    for one in (proof, first):
        check_prefix(state.root(), b"\x11", 8, [], one)
    # What stands behind the bits that count changes nothing.
    for prefix in (b"\x2f", b"\x20\x7f", b"\x2a\xff\xff"):
        assert state.prove_prefix(prefix, 4) == state.prove_prefix(b"\x20", 4) == state.prove(b"\x20")


def test_building_leaves_the_collector_as_it_was() -> None:
    """A collector left off would let a server grow for ever; one switched on would undo its owner's choice."""
    enabled = gc.isenabled()
    try:
        for wanted in (gc.enable, gc.disable):
            wanted()
            before = gc.isenabled()
            StateMap(some_pairs(5).items())
            assert gc.isenabled() is before
            with pytest.raises(FormatError):
                StateMap([(b"\x00" * 65, b"")])
            assert gc.isenabled() is before
    finally:
        (gc.enable if enabled else gc.disable)()


def refused(check: Callable[[bytes], None], proof: bytes) -> None:
    """Hold every changed bit, cut, addition, dropped and doubled byte run against a check; each must be refused."""
    forgeries = [(int.from_bytes(proof, "big") ^ 1 << bit).to_bytes(len(proof), "big") for bit in range(len(proof) * 8)]
    forgeries += [proof[:size] for size in range(len(proof))]
    forgeries += [proof + b"\x00", b"\x00" + proof, proof + proof[-33:], proof + b"\x00" * 33]
    forgeries += [proof[:i] + proof[i + 33 :] for i in range(max(0, len(proof) - 32))]
    forgeries += [proof[: i + 33] + proof[i:] for i in range(max(0, len(proof) - 32))]
    for forged in forgeries:
        if forged == proof:
            continue
        with pytest.raises(ProofError):
            check(forged)


def test_forged_proofs() -> None:
    """Every changed bit, dropped or doubled step of every kind of proof; one that passed would prove a lie."""
    pairs = {bytes([i * 7 % 256, i]) + b"key" * (i % 4): bytes([i]) for i in range(24)}
    state, root = StateMap(pairs.items()), root_of(pairs)
    for key in list(pairs)[:3]:
        proof = state.prove(key)
        check_presence(root, key, pairs[key], proof)
        refused(lambda forged, key=key: check_presence(root, key, pairs[key], forged), proof)
        for lie in (b"", pairs[key] + b"\x00", b"\x99"):
            with pytest.raises(ProofError):
                check_presence(root, key, lie, proof)
    for key in (b"", b"\x00", b"\xff" * 5, b"\x07\x01key\x00"):
        proof = state.prove(key)
        check_absence(root, key, proof)
        refused(lambda forged, key=key: check_absence(root, key, forged), proof)
    for prefix, bits in ((b"\x07", 8), (b"\x00", 3)):
        proof, found = state.prove_prefix(prefix, bits), state.items_with_prefix(prefix, bits)
        assert found
        refused(lambda forged, p=prefix, b=bits, f=found: check_prefix(root, p, b, f, forged), proof)
        with pytest.raises(ProofError):
            check_prefix(root, prefix, bits, [], proof)
    proof = state.prove_prefix(b"\x01\x02", 16)
    check_prefix(root, b"\x01\x02", 16, [], proof)
    refused(lambda forged: check_prefix(root, b"\x01\x02", 16, [], forged), proof)


def test_absence_of_a_present_key() -> None:
    """A key that is there is absent by no proof, neither its own nor that of any other key."""
    pairs = some_pairs(40)
    state, root = StateMap(pairs.items()), root_of(pairs)
    paths = {key: varint(len(key)) + key + varint(len(pairs[key])) + pairs[key] + state.prove(key) for key in pairs}
    for key in pairs:
        for forged in [*paths.values(), state.prove(key), b""]:
            with pytest.raises(ProofError):
                check_absence(root, key, forged)
    for key in list(pairs)[:10]:
        for bits in range(len(key) * 8 + 1):
            for forged in [*list(paths.values())[:20], b""]:
                with pytest.raises(ProofError):
                    check_prefix(root, key, bits, [], forged)


def test_wrong_prefix_bits() -> None:
    """The proof of one prefix does not serve a longer or shorter one that other pairs have."""
    pairs = {bytes([i, j]): b"v" for i in range(4) for j in range(4)}
    state, root = StateMap(pairs.items()), root_of(pairs)
    proof, found = state.prove_prefix(b"\x02", 8), state.items_with_prefix(b"\x02", 8)
    for prefix, bits in ((b"\x02", 7), (b"\x02", 6), (b"\x02", 0), (b"\x03", 8), (b"\x02\x00", 15), (b"\x02\x00", 16)):
        with pytest.raises(ProofError):
            check_prefix(root, prefix, bits, found, proof)
    # 02 has nothing beside it below bit 8, so a prefix that means the same set is no lie.
    inside = state.items_with_prefix(b"\x02\x02", 16)
    with pytest.raises(ProofError):
        check_prefix(root, b"\x02", 8, inside, state.prove_prefix(b"\x02\x02", 16))


@pytest.mark.parametrize("long", [b"\x80\x00", b"\x81\x80\x00", b"\x80\x80\x80\x80\x80\x00", b"\xff" * 10, b"\x90\x04"])
def test_varints_that_are_too_long(long: bytes) -> None:
    """A second spelling of a number, or one above the last bit, would be a second proof of the same."""
    state = StateMap([(b"\x00", b"v"), (b"\x80", b"w")])
    proof = state.prove(b"\x00")
    assert proof[0] == 0
    with pytest.raises(ProofError):
        check_presence(state.root(), b"\x00", b"v", long + proof[1:])
    absence = state.prove(b"\x01")
    assert absence[0] == 1
    with pytest.raises(ProofError):
        check_absence(state.root(), b"\x01", long + absence[1:])


def test_steps_that_do_not_fall() -> None:
    """Two steps at one bit, or rising ones, belong to no tree."""
    value = leaf(b"k", b"v")
    for proof in (b"\x05" + value + b"\x05" + value, b"\x04" + value + b"\x05" + value, varint(BITS_MAX) + value):
        with pytest.raises(ProofError, match=r"bit|varint"):
            check_presence(EMPTY_ROOT, b"k", b"v", proof)


def test_empty_map() -> None:
    """Nothing is there and everything is absent, by the empty proof and no other."""
    state = StateMap()
    assert (state.root(), len(state), state.prove(b"k"), state.prove_prefix(b"k", 3)) == (EMPTY_ROOT, 0, b"", b"")
    assert state.items_with_prefix(b"", 0) == []
    check_absence(EMPTY_ROOT, b"k", b"")
    check_prefix(EMPTY_ROOT, b"k", 8, [], b"")
    with pytest.raises(ProofError):
        check_presence(EMPTY_ROOT, b"k", b"", b"")
    with pytest.raises(ProofError):
        check_absence(leaf(b"a", b"b"), b"k", b"")


def test_bounds() -> None:
    """Keys and prefixes beyond 64 bytes would outrun the depth that proofs are bounded to."""
    key = b"\xff" * KEY_SIZE_MAX
    state = StateMap([(key, b"v"), (key[:-1], b"w"), (key[:-1] + b"\xfe", b"x")])
    check_presence(state.root(), key, b"v", state.prove(key))
    with pytest.raises(FormatError):
        state.set(key + b"\x00", b"")
    with pytest.raises(FormatError):
        StateMap([(key + b"\x00", b"")])
    for prefix, bits in ((b"\x00", 9), (b"\x00", -1), (key + b"\x00", 8)):
        with pytest.raises(FormatError):
            state.prove_prefix(prefix, bits)
        with pytest.raises(FormatError):
            check_prefix(state.root(), prefix, bits, [], b"")


def test_the_deepest_map() -> None:
    """A chain of keys that branches at every bit of 64 bytes must hash and prove without a recursion error."""
    zeros = 0
    keys = [(zeros | 1 << bit).to_bytes(KEY_SIZE_MAX, "big") for bit in range(KEY_SIZE_MAX * 8)]
    state = StateMap((key, b"v") for key in keys)
    proof = state.prove(keys[0])
    check_presence(state.root(), keys[0], b"v", proof)
    assert len(state.items_with_prefix(b"\x00" * 64, 500)) == 12
    absent = b"\x00" * 64
    check_absence(state.root(), absent, state.prove(absent))


keys_ = st.one_of(st.binary(max_size=4), st.sampled_from([b"\xab", b"\xab\x00", b"\xab\x00\xff", b"\xab\x00\xff\xff"]))


@given(st.dictionaries(keys_, st.binary(max_size=3), max_size=25), keys_, st.data())
def test_any_map(pairs: Pairs, key: bytes, data: st.DataObject) -> None:
    """Any map, in any order, any key and prefix: root and proofs are the reference's."""
    state = StateMap()
    for one in data.draw(st.permutations(list(pairs))):
        state.set(one, pairs[one])
    root = state.root()
    assert root == map_root(pairs) == root_of(pairs)
    proof = state.prove(key)
    assert proof == map_proof(pairs, key)
    if key in pairs:
        check_presence(root, key, pairs[key], proof)
        with pytest.raises(ProofError):
            check_absence(root, key, proof)
    else:
        check_absence(root, key, proof)
        with pytest.raises(ProofError):
            check_presence(root, key, b"", proof)
    bits = data.draw(st.integers(0, len(key) * 8))
    found = {one: value for one, value in pairs.items() if has_prefix(one, key, bits)}
    assert state.prove_prefix(key, bits) == map_prefix_proof(pairs, "".join(f"{byte:08b}" for byte in key)[:bits])
    check_prefix(root, key, bits, list(found.items()), state.prove_prefix(key, bits))
    if found:
        with pytest.raises(ProofError):
            check_prefix(root, key, bits, list(found.items())[1:], state.prove_prefix(key, bits))


@given(st.binary(max_size=70), st.binary(max_size=2048), st.integers(-5, 600))
def test_noise(key: bytes, proof: bytes, bits: int) -> None:
    """Noise ends in an error of ours, never in another exception or a pass."""
    root = leaf(b"a", b"b")
    for check in (
        lambda: check_presence(root, key, b"v", proof),
        lambda: check_absence(root, key, proof),
        lambda: check_prefix(root, key, bits, [], proof),
        lambda: check_prefix(root, key, bits, [(key, b"v")], proof),
    ):
        with pytest.raises(FengtuError):
            check()
