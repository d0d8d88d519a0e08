"""Making bundles: an answer is read over the ledger's view, and what it asked for goes in with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from api.live import LiveSource
from ledger.bundle import (
    Bundle,
    BundledFact,
    BundledMap,
    BundledPrefix,
    BundledPrivate,
    BundledPrivateMap,
    BundledRecord,
    encode_bundle,
)
from ledger.errors import NotFoundError
from ledger.facts import PREFIX_BITS, is_private, public_position, record_id
from ledger.merkle import ListReader, leaf_hash, prove_inclusion
from ledger.privateleaf import encode_private_leaf
from verifiers import account, draw, liability, licence, payment, product, record, settlement
from verifiers.question import Answer, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ledger.serving import View
    from ledger.store import StoredPrivate
    from ledger.store.vault import Vault
    from verifiers.source import Source


A = TypeVar("A", bound=Answer)

ANSWERS: Mapping[str, Callable[[Source], Answer]] = {
    "product": product.Answer,
    "settlement": settlement.Answer,
    "payment": payment.Answer,
    "account": account.Answer,
    "liability": liability.Answer,
    "draw": draw.Answer,
    "licence": licence.Answer,
    "record": record.Answer,
}


def read_answer(view: View, make: Callable[[Source], A], question: Mapping[str, str]) -> tuple[A, LiveSource]:
    """Return the answer to a question, as of the view's seal, and what it was read from.

    Args:
        view: the ledger.
        make: makes the answer that is read; that of a question is in `ANSWERS`.
        question: as a bundle names it, such as `{"kind": "product", "gtin": …, "lot": …}`.

    Raises:
        NotFoundError: nothing is recorded of what was asked.
    """
    source = LiveSource(view)
    answer = make(source)
    read(answer, question)
    return answer, source


def answer_bundle(view: View, vault: Vault, question: Mapping[str, str]) -> bytes:
    """Return the proof file of an answer; with all its hidden fields where it is for those whom it concerns.

    Raises:
        NotFoundError: nothing is recorded of what was asked.
    """
    answer, source = read_answer(view, ANSWERS[question["kind"]], question)
    everything = any(is_private(position) for position in answer.records)
    return make_bundle(source, question, shown_disclosures(view, vault, answer.records, everything=everything))


def shown_disclosures(
    view: View, vault: Vault, positions: Iterable[bytes], *, everything: bool = False
) -> dict[bytes, list[str]]:
    """Return the texts of the hidden fields of the records at these positions.

    Args:
        view: the ledger.
        vault: the keys of hidden fields.
        positions: 16 bytes each.
        everything: those that only whom they concern may read, too.
    """
    stored = [one for one in view.store.disclosures(list(positions)) if everything or one.public]
    texts = vault.open(stored)
    found: dict[bytes, list[str]] = {}
    for one in sorted(stored, key=lambda one: one.name):
        if one.digest in texts:
            found.setdefault(one.position, []).append(texts[one.digest])
    return found


def make_bundle(source: LiveSource, question: Mapping[str, str], shown: Mapping[bytes, Sequence[str]]) -> bytes:
    """Return the proof file of an answer that was read from a source.

    Args:
        source: what the answer was read from.
        question: the question, as the bundle names it.
        shown: the texts of hidden fields that go in, by position.
    """
    view = source.view
    private = [_PrivateTree.of(view, size) for size in sorted({_size(one) for one in source.private_records})]
    trees = {size: tree for tree in private for size in tree.sizes}
    seals = {*view.store.seals_at_or_after(sorted(source.entries)).values(), view.seal_index}
    seals |= {tree.seal for tree in private}
    kept = LiveSource(view)
    kept.expect([0, *seals])
    return encode_bundle(
        Bundle(
            question=dict(question),
            genesis=_bundled(kept, 0),
            records=tuple(_bundled(source, index, shown) for index in sorted(source.entries)),
            seals=tuple(_bundled(kept, index) for index in sorted(seals)),
            public_map=BundledMap(
                facts=tuple(
                    BundledFact(key, view.public.get(key), view.public.prove(key)) for key in sorted(source.keys)
                ),
                prefixes=tuple(
                    BundledPrefix(prefix, tuple(pairs), view.public.prove_prefix(prefix, PREFIX_BITS))
                    for prefix, pairs in sorted(source.prefixes.items())
                ),
            ),
            checkpoint=view.checkpoint,
            private=tuple(
                _bundled_private(source, trees[_size(position)], position, shown)
                for position in sorted(source.private_records)
            ),
            private_map=_private_map(source),
        )
    )


def _size(position: bytes) -> int:
    return int.from_bytes(position[:8], "big")


def _bundled(source: LiveSource, index: int, shown: Mapping[bytes, Sequence[str]] | None = None) -> BundledRecord:
    entry = source.entries.get(index)
    data = None if entry is None else source.documents.get(entry.document_hash)
    if entry is None or data is None:
        raise NotFoundError("the document", got=f"entry {index}")
    disclosures = tuple((shown or {}).get(public_position(index), ()))
    return BundledRecord(index, entry.statement, data, tuple(source.view.inclusion(index)), disclosures)


@dataclass(frozen=True, slots=True)
class _PrivateTree:
    """The private records below one seal."""

    seal: int
    sizes: range
    reader: ListReader
    count: int

    @classmethod
    def of(cls, view: View, size: int) -> _PrivateTree:
        """Return the tree in which a private record at a tree size stands."""
        seal = view.store.seals_at_or_after([size]).get(size)
        if seal is None or seal > view.seal_index:
            raise NotFoundError("a seal", expected=f"one over the private records at size {size}")
        since = view.store.seal_before(seal) + 1
        leaves = [leaf_hash(_leaf(one)) for one in view.store.private_between(since, seal + 1)]
        return cls(seal, range(since, seal + 1), ListReader(leaves), len(leaves))


def _leaf(one: StoredPrivate) -> bytes:
    return encode_private_leaf(one.size, one.time_ms, one.statement)


def _bundled_private(
    source: LiveSource, tree: _PrivateTree, position: bytes, shown: Mapping[bytes, Sequence[str]]
) -> BundledPrivate:
    stored = source.private_records[position]
    data = source.documents.get(stored.document_hash)
    if data is None:
        raise NotFoundError("the document", got=f"record {record_id(position)}")
    return BundledPrivate(
        leaf=_leaf(stored),
        document=data,
        n=stored.n,
        count=tree.count,
        path=tuple(prove_inclusion(tree.reader, stored.n, tree.count)),
        salt=source.view.secret.salt("private_records_root", tree.seal),
        seal=tree.seal,
        disclosures=tuple(shown.get(position, ())),
    )


def _private_map(source: LiveSource) -> BundledPrivateMap | None:
    if not source.private_keys and not source.private_prefixes:
        return None
    view = source.view
    return BundledPrivateMap(
        root=view.private.root(),
        salt=view.secret.salt("private_root", view.seal_index),
        facts=tuple(
            BundledFact(
                key,
                None if change is None else change.value,
                view.private.prove(key),
                None if change is None else source.blind(change),
            )
            for key, change in sorted(source.private_keys.items())
        ),
        prefixes=tuple(
            BundledPrefix(
                prefix,
                tuple((one.key, one.value) for one in changes),
                view.private.prove_prefix(prefix, PREFIX_BITS),
                tuple(source.blind(one) for one in changes),
            )
            for prefix, changes in sorted(source.private_prefixes.items())
        ),
    )
