"""The native core and the reference in Python: the same bytes, the same errors, on whatever comes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from array import array
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import cbor, core, merkle, signature
from ledger.document import decode_json, encode_document
from ledger.edge import Edge
from ledger.errors import FengtuError
from ledger.facts import fact_prefix
from ledger.record import decode_record, decode_records, sign_record
from ledger.signature import SigningKey
from ledger.statemap import StateMap

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
RUST = ROOT / "ledger" / "native"
native = pytest.mark.skipif(core.native is None, reason="the native core is not built, or turned off")
cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not there")

ENTRIES = [random.Random(n).randbytes(n % 300) for n in range(2_048)]
LEAVES = [hashlib.sha256(bytes([n // 256, n % 256])).digest() for n in range(1_200)]
KEY = SigningKey.from_seed(b"\x07" * 32)


def both(work: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what each core makes of some work: its answer, or its error in words."""
    kept = core.native
    answers: list[Any] = []
    for chosen in (kept, None):
        core.native = chosen
        try:
            answers.append(work())
        except FengtuError as error:
            answers.append(f"{type(error).__name__}: {error}")
        finally:
            core.native = kept
    return answers[0], answers[1]


def same(work: Callable[[], Any]) -> Any:
    """Check that both cores make the same of some work, and return it."""
    fast, slow = both(work)
    assert fast == slow
    return fast


@cargo
def test_the_extension_is_of_these_sources() -> None:
    """A build that failed leaves an old extension in place, which would go on giving old answers."""
    assert core.native is not None or os.environ.get(core.SETTING) == "0", "cargo is there: `make` builds the core"
    if core.native is None:
        return
    files = [RUST / "Cargo.toml", RUST / "Cargo.lock"]
    for member in ("core", "binding"):
        files += [RUST / member / "Cargo.toml", *(one for one in (RUST / member / "src").rglob("*") if one.is_file())]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes() + b"\0")
    assert core.native.sources() == digest.hexdigest()


@native
def test_the_stub_is_what_is_exported() -> None:
    """The stub is what types are checked by; a function it tells of has to be there, as it says."""
    ran = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "ledger._native"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("setting", "words"), [("0", "Python (slower"), ("1", "native ("), ("", "")])
def test_the_setting_chooses(setting: str, words: str) -> None:
    """`FENGTU_NATIVE` turns it off or demands it; asked for and not there, the program does not start."""
    script = "from ledger import core; print(core.describe())"
    env = {**os.environ, core.SETTING: setting}
    ran = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    built = core.native is not None or os.environ.get(core.SETTING) == "0"
    if setting == "1" and not built:
        assert "ImportError" in ran.stderr
    else:
        assert ran.stdout.startswith(words), ran.stderr


@native
def test_trees_of_every_size() -> None:
    """Leaf hashes, roots, levels, subtrees and edges, for every size up to 2,048."""
    leaves = same(lambda: merkle.leaf_hashes(ENTRIES))
    assert core.native is not None
    for size in range(soak("leaves in the largest tree", 700, 2_048) + 1):
        part = leaves[:size]
        root = same(lambda part=part: merkle.root(part))
        assert core.native.root_of_entries(ENTRIES[:size]) == root
        same(lambda part=part: merkle.ListReader(part)._levels)
        same(lambda part=part: Edge.empty().append(part))
    for width in (1, 2, 256):
        same(lambda width=width: merkle.perfect_roots(leaves[:1024], width))


@native
def test_proofs_of_every_size() -> None:
    """Proofs made over a list, and the roots that proofs lead to, for every size up to 2,048; and what is wrong."""
    assert core.native is not None
    leaves = merkle.leaf_hashes(ENTRIES)
    rng = random.Random(9)
    for size in range(1, soak("leaves in the largest tree with proofs", 300, 2_048) + 1):
        part, reader = leaves[:size], merkle.ListReader(leaves[:size])
        top = merkle.root(part)
        for index in {0, size // 2, size - 1, rng.randrange(size)}:
            proof = merkle.prove_inclusion(reader, index, size)
            assert core.native.prove_inclusion(part, index) == proof
            wrong = [proof, proof[:-1], [*proof, top], [top, *proof[1:]], [b"", *proof]]
            for one in wrong:
                same(partial(merkle.check_inclusion, part[index], index, size, one, top))
        for old in {1, size // 2 or 1, size, rng.randrange(1, size + 1)}:
            proof = merkle.prove_consistency(reader, old, size)
            assert core.native.prove_consistency(part, old) == proof
            for one in [proof, proof[:-1], [*proof, top], [top, *proof[1:]], [b"", *proof]]:
                same(partial(merkle.check_consistency, old, merkle.root(part[:old]), size, one, top))
    for index, size in ((0, 0), (3, 3), (-1, 3), (0, 2**63), (2**64, 2**65)):
        same(partial(merkle.check_inclusion, leaves[0], index, size, [], leaves[0]))
        same(partial(merkle.check_consistency, index, leaves[0], size, leaves[0], []))


@native
@settings(max_examples=soak("appends to an edge", 60, 3_000), deadline=None)
@given(st.integers(0, 70_000), st.integers(0, 600))
def test_edges(size: int, more: int) -> None:
    """An edge of any size, appended to: the same edge, tiles and root."""
    standing = Edge(size, _filler(Edge(size, b"").levels))
    fast, slow = both(lambda: standing.append(LEAVES[:more]))
    assert fast == slow
    same(lambda: (fast[0].root(), standing.root()))
    same(partial(merkle.perfect_root, b"".join(LEAVES[: 1 << more % 9])))


def _filler(levels: tuple[tuple[bytes, ...], ...]) -> bytes:
    return b"".join(LEAVES[: sum(len(hashes) for hashes in levels)])


@native
def test_contiguous_entries() -> None:
    """Entries that lie one after the other have the root of the list; offsets that lead elsewhere are refused."""
    assert core.native is not None
    data = b"".join(ENTRIES)
    offsets: array[int] = array("Q", [0])
    for entry in ENTRIES:
        offsets.append(offsets[-1] + len(entry))
    for parallel in (False, True):
        assert core.native.root_of_contiguous(data, offsets, parallel=parallel) == merkle.root_of_entries(ENTRIES)
    for wrong in ([0, 5, 3], [0, len(data) + 1]):
        with pytest.raises(ValueError, match="offsets rise"):
            core.native.root_of_contiguous(data, array("Q", wrong))


@native
def test_what_is_no_hash() -> None:
    """Something that has not 32 bytes is left to the reference, which says what it says."""
    for wrong in ([b"", b"x"], [b"\0" * 31] * 2, [b"\0" * 32, b"\0" * 33]):
        same(lambda wrong=wrong: merkle.root(wrong))
        same(lambda wrong=wrong: merkle.perfect_roots(wrong, 2))


@native
@settings(max_examples=soak("signatures, changed by chance", 150, 20_000), deadline=None)
@given(st.binary(max_size=80), st.integers(0, 96 * 8 - 1), st.booleans())
def test_signatures(message: bytes, at: int, flip: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    """One verdict, and one reason, for signatures and what is left of them after a bit was flipped."""
    parts = bytearray(KEY.public_key + KEY.sign(message))
    if flip:
        parts[at // 8] ^= 1 << at % 8
    good = (KEY.public_key, b"m", KEY.sign(b"m"))
    changed = (bytes(parts[:32]), message, bytes(parts[32:]))
    same(lambda: signature.check(*changed))
    many = [good, changed, good, changed]
    same(lambda: {n: str(error) for n, error in signature.faults(many).items()})


@native
@settings(max_examples=soak("records, changed by chance", 150, 20_000), deadline=None)
@given(st.data())
def test_records(data: st.DataObject) -> None:
    """A record, or what is left of it after bytes were changed, cut or put in: the same fields or the same error."""
    name = st.text(min_size=1, max_size=40).filter(lambda text: len(text.encode(errors="replace")) < 200)
    plain = name.filter(lambda text: text.isprintable())
    statement = bytearray(
        sign_record(
            KEY, kind=data.draw(st.sampled_from(["event", "a", "x.y-9"])), issuer=data.draw(plain),
            subject=data.draw(plain), audience="log.test/x", issued_at_s=data.draw(st.integers(0, 2**53 // 1000)),
            document=encode_document(id="x", body={}), expires_at_s=data.draw(st.none() | st.integers(0, 2**40)),
        )
    )  # fmt: skip
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(statement) - 1))
        statement[at : at + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=2))
    same(lambda: decode_record(bytes(statement)))
    fast, slow = both(lambda: [str(one) for one in decode_records([bytes(statement)] * 2)])
    assert fast == slow


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.integers(-300, 300) | st.binary(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)


@native
@settings(max_examples=soak("CBOR values and bytes", 300, 20_000), deadline=None)
@given(VALUES, st.binary(max_size=40))
def test_cbor(value: Any, data: bytes) -> None:
    """The same encoding, the same value back, and the same error for bytes that are none."""
    encoded = same(lambda: cbor.encode(value))
    assert same(lambda: cbor.decode(encoded)) == value
    same(lambda: cbor.decode(data))
    same(lambda: cbor.decode(encoded + data[:1]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [*'{}[],:"-01.e \n', '"a"', '"\\ud83d\\ude00"', '"\\ud800"', "null", "tru"]
)  # fmt: skip


def _read(data: bytes, depth: int) -> str:
    # As text, for 1, 1.0 and True are equal.
    return repr(decode_json(data, depth_max=depth))


@native
@settings(max_examples=soak("texts of JSON", 400, 20_000), deadline=None)
@given(value=JSON, pieces=st.lists(PIECES, max_size=12), pretty=st.booleans())
def test_json(value: Any, pieces: list[str], pretty: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    """Both readers take the same texts and give the same values; what is refused is refused in the same words."""
    made = json.dumps(value, indent=1 if pretty else None, ensure_ascii=pretty)
    for text in (made, "".join(pieces), made[: len(made) // 2] + "".join(pieces)):
        data = text.encode("utf-8", "surrogatepass")
        for depth in (1, 3, 32):
            same(partial(_read, data, depth))


@native
@given(
    parts=st.lists(st.text(st.characters(codec="utf-8")) | st.binary(max_size=300), max_size=4),
    kind=st.integers(0, 255),
)
def test_fact_prefixes(parts: list[str | bytes], kind: int) -> None:
    """A fact's key is the same from both; a part that is too long is refused."""
    same(lambda: fact_prefix(kind, parts))
    assert "65535" in same(lambda: fact_prefix(kind, [*parts, b"x" * 65_536]))


@native
@pytest.mark.parametrize("value", [1.5, {1.5: 1}, {True: 1}, 2**64, -(2**64) - 1, "\ud800", object, {(): 1}, [[1.0]]])
def test_cbor_of_what_has_none(value: Any) -> None:
    """What has no encoding here has none in either."""
    assert same(lambda: cbor.encode(value)).startswith("FormatError")


@native
@pytest.mark.parametrize("depth", [15, 16, 17, 40, 5_000])
def test_cbor_depth(depth: int) -> None:
    """Both give up at the same depth, and neither runs out of stack."""
    for data in (b"\x81" * depth + b"\x00", b"\xa1\x00" * depth + b"\x00"):
        same(lambda data=data: cbor.decode(data))


KEYS = st.binary(max_size=5) | st.binary(min_size=41, max_size=41)


@native
@settings(max_examples=soak("maps", 100, 5_000), deadline=None)
@given(st.lists(st.lists(st.tuples(KEYS, st.binary(max_size=40)), max_size=30), max_size=4), st.binary(max_size=6))
def test_maps(batches: list[list[tuple[bytes, bytes]]], prefix: bytes) -> None:
    """Batches of changes: the same roots on the way, the same proofs of what is there and what is not."""

    def work() -> list[Any]:
        found: list[Any] = []
        map_ = StateMap()
        for batch in batches:
            map_.set_many(batch)
            found += [map_.root(), len(map_)]
        for key, _ in (*(pair for batch in batches for pair in batch[:5]), (prefix, b"")):
            found += [map_.get(key), map_.prove(key)]
        for bits in range(len(prefix) * 8 + 1):
            found += [map_.prove_prefix(prefix, bits), map_.items_with_prefix(prefix, bits)]
        return found

    same(work)


@native
def test_large_maps() -> None:
    """Many pairs go over several threads and levels; then changes to a few of them."""
    rng = random.Random(20261123)
    pairs = [(rng.randbytes(41), rng.randbytes(rng.randrange(80))) for _ in range(20_000)]

    def work() -> list[bytes]:
        map_ = StateMap(pairs)
        roots = [map_.root()]
        for start in (0, 5_000):
            map_.set_many([(key, b"changed" + value) for key, value in pairs[start : start + 1_000]])
            roots.append(map_.root())
        return roots

    same(work)


@native
def test_pairs_that_are_too_large() -> None:
    """A pair that no map takes is refused by name, and nothing of its batch is set."""
    for pair in ((b"\0" * 65, b""), (b"", b"\0" * (2**24 + 1))):
        map_ = StateMap()
        assert same(lambda pair=pair: StateMap([(b"a", b"b"), pair])).startswith("FormatError: map pair")
        with pytest.raises(FengtuError):
            map_.set_many([(b"a", b"b"), pair])
        assert len(map_) == 0


def _root_in_child(queue: Any, leaves: list[bytes]) -> None:
    queue.put(merkle.root(leaves))


@native
def test_a_forked_child_has_threads_of_its_own() -> None:
    """A child inherits no threads; waiting for its parent's it would hang for ever."""
    leaves = merkle.leaf_hashes([b"%d" % n for n in range(20_000)])
    root = merkle.root(leaves)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_root_in_child, args=(queue, leaves))
    child.start()
    try:
        assert queue.get(timeout=30) == root
    finally:
        child.kill()
        child.join()


@cargo
def test_the_core_by_itself() -> None:
    """The crate's own tests: each engine against the scalar twin, without Python."""
    ran = subprocess.run(
        ["cargo", "test", "--release", "--locked", "-q", "-p", "fengtu-core"], cwd=RUST, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
