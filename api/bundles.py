"""Making bundles: the answer is read over the ledger's view while what it asks for is noted down with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import cbor
from ledger.bundle import Bundle, BundledFact, BundledMap, BundledPrefix, BundledRecord, encode_bundle
from ledger.document import decode_document
from ledger.errors import NotFoundError, ProofError
from ledger.facts import PREFIX_BITS, public_position
from ledger.record import decode_record
from verifiers.product import Answer
from verifiers.source import SourcedRecord, by_sequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.serving import View
    from ledger.store import StoredEntry
    from ledger.store.vault import Vault


class LiveSource:
    """A `verifiers.source.Source` over a view; it notes what it is asked."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.prefixes: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self.keys: set[bytes] = set()
        self.entries: dict[int, StoredEntry] = {}
        self.documents: dict[bytes, bytes] = {}
        self._decoded: dict[bytes, dict[int, Any]] = {}

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a prefix."""
        if prefix not in self._decoded:
            self.prefixes[prefix] = self.view.public.items_with_prefix(prefix, PREFIX_BITS)
            self._decoded[prefix] = by_sequence((key, cbor.decode(value)) for key, value in self.prefixes[prefix])
        return self._decoded[prefix]

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a key."""
        self.keys.add(key)
        return self.view.fact(key)

    def expect(self, indexes: Iterable[int]) -> None:
        """Fetch the records that will be asked for, by two queries."""
        wanted = [index for index in indexes if index not in self.entries]
        found = self.view.store.entries_at(wanted)
        self.entries.update((index, entry) for index, entry in found.items() if index < self.view.size)
        self.documents.update(self.view.store.documents([entry.document_hash for entry in found.values()]))

    def record(self, index: int) -> SourcedRecord:
        """Return a record.

        Raises:
            ProofError: its document is missing.
        """
        if index not in self.entries:
            self.expect([index])
        entry = self.entries.get(index)
        data = None if entry is None else self.documents.get(entry.document_hash)
        if entry is None or data is None:
            raise ProofError("the ledger", expected=f"record {index} with its document", got="none")
        return SourcedRecord(index, decode_record(entry.statement), decode_document(data), entry.time_ms)


def read_product(view: View, gtin: str, lot: str) -> tuple[Answer, LiveSource]:
    """Return the answer on a lot, as of the view's seal, and what it was read from.

    Raises:
        NotFoundError: nothing is recorded on this lot.
    """
    source = LiveSource(view)
    answer = Answer(source)
    answer.read_history(gtin, lot)
    answer.read_particulars()
    return answer, source


def product_bundle(view: View, vault: Vault, gtin: str, lot: str) -> bytes:
    """Return the proof file of a lot, with those of its hidden fields that the public may read.

    Raises:
        NotFoundError: nothing is recorded on this lot.
    """
    answer, source = read_product(view, gtin, lot)
    public = public_disclosures(view, vault, answer.records)
    return encode_bundle(
        _bundle(view, source, {"kind": "product", "gtin": gtin, "lot": lot}, public),
    )


def public_disclosures(view: View, vault: Vault, records: Iterable[int]) -> dict[int, list[str]]:
    """Return the texts of hidden fields that the public may read, by record."""
    positions = {public_position(index): index for index in records}
    stored = [one for one in view.store.disclosures(list(positions)) if one.public]
    texts = vault.open(stored)
    found: dict[int, list[str]] = {}
    for one in sorted(stored, key=lambda one: one.name):
        if one.digest in texts:
            found.setdefault(positions[one.position], []).append(texts[one.digest])
    return found


def _bundle(view: View, source: LiveSource, question: dict[str, str], public: dict[int, list[str]]) -> Bundle:
    indexes = sorted(source.entries)
    seals = sorted({*view.store.seals_at_or_after(indexes).values(), view.seal_index})
    kept = LiveSource(view)
    kept.expect([0, *seals])
    return Bundle(
        question=question,
        genesis=_bundled(view, kept, 0),
        records=tuple(_bundled(view, source, index, tuple(public.get(index, ()))) for index in indexes),
        seals=tuple(_bundled(view, kept, index) for index in seals),
        public_map=BundledMap(
            facts=tuple(BundledFact(key, view.public.get(key), view.public.prove(key)) for key in sorted(source.keys)),
            prefixes=tuple(
                BundledPrefix(prefix, tuple(pairs), view.public.prove_prefix(prefix, PREFIX_BITS))
                for prefix, pairs in sorted(source.prefixes.items())
            ),
        ),
        checkpoint=view.checkpoint,
    )


def _bundled(view: View, source: LiveSource, index: int, disclosures: tuple[str, ...] = ()) -> BundledRecord:
    entry = source.entries.get(index)
    data = None if entry is None else source.documents.get(entry.document_hash)
    if entry is None or data is None:
        raise NotFoundError("the document", got=f"entry {index}")
    return BundledRecord(index, entry.statement, data, tuple(view.inclusion(index)), disclosures)
