"""The ledger as an answer's source, as of the served seal; what is asked is noted, so that a bundle can prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import cbor
from ledger.blind import blind
from ledger.document import decode_document
from ledger.errors import ProofError
from ledger.facts import PREFIX_BITS, public_position, record_id
from ledger.record import decode_record
from verifiers.source import SourcedRecord, by_sequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.changes import StoredChange
    from ledger.serving import View
    from ledger.store import StoredEntry, StoredPrivate


class LiveSource:
    """A `verifiers.source.Source` over a view.

    Attributes:
        view: the ledger as of one seal.
        prefixes: the pairs under each public prefix that was asked for.
        keys: the public keys that were asked for.
        entries: the public records that were asked for, by index.
        private_prefixes: the changes under each private prefix that was asked for, the present value of each key.
        private_keys: the private keys that were asked for, with their present change.
        private_records: the private records that were asked for, by position.
        documents: what the records commit to, by hash.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.prefixes: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self.keys: set[bytes] = set()
        self.entries: dict[int, StoredEntry] = {}
        self.private_prefixes: dict[bytes, list[StoredChange]] = {}
        self.private_keys: dict[bytes, StoredChange | None] = {}
        self.private_records: dict[bytes, StoredPrivate] = {}
        self.documents: dict[bytes, bytes] = {}
        self._decoded: dict[bytes, dict[int, Any]] = {}

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a prefix of the public map."""
        if prefix not in self.prefixes:
            self.prefixes[prefix] = self.view.public.items_with_prefix(prefix, PREFIX_BITS)
            self._decoded[prefix] = by_sequence((key, cbor.decode(value)) for key, value in self.prefixes[prefix])
        return self._decoded[prefix]

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a key of the public map."""
        self.keys.add(key)
        return self.view.fact(key)

    def expect(self, indexes: Iterable[int]) -> None:
        """Fetch the public records that will be asked for, by two queries."""
        wanted = [index for index in indexes if index not in self.entries]
        found = self.view.store.entries_at(wanted)
        self.entries.update((index, entry) for index, entry in found.items() if index < self.view.size)
        self.documents.update(self.view.store.documents([entry.document_hash for entry in found.values()]))

    def record(self, index: int) -> SourcedRecord:
        """Return a public record.

        Raises:
            ProofError: its document is missing.
        """
        if index not in self.entries:
            self.expect([index])
        return self._opened(public_position(index), self.entries.get(index))

    def private_prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a prefix of the private map."""
        if prefix not in self.private_prefixes:
            self.private_prefixes[prefix] = self._present(prefix)
        return by_sequence((one.key, cbor.decode(one.value)) for one in self.private_prefixes[prefix])

    def private_fact(self, key: bytes) -> Any | None:
        """Return the value of a key of the private map."""
        if key not in self.private_keys:
            present = self.view.store.facts_before([key], self.view.position)
            self.private_keys[key] = present[0] if present else None
        found = self.private_keys[key]
        return None if found is None else cbor.decode(found.value)

    def expect_private(self, positions: Iterable[bytes]) -> None:
        """Fetch the private records that will be asked for, by two queries."""
        wanted = [one for one in positions if one not in self.private_records and one < self.view.position]
        found = self.view.store.private_at(wanted)
        self.private_records.update(found)
        self.documents.update(self.view.store.documents([one.document_hash for one in found.values()]))

    def private_record(self, position: bytes) -> SourcedRecord:
        """Return a private record.

        Raises:
            ProofError: it is not there, or its document is missing.
        """
        if position not in self.private_records:
            self.expect_private([position])
        return self._opened(position, self.private_records.get(position))

    def blind(self, change: StoredChange) -> bytes:
        """Return the blind of a private fact."""
        return blind(self.view.secret.holder_key(change.holder), change.key, change.position)

    def _present(self, prefix: bytes) -> list[StoredChange]:
        """Return the present change of each private key under a prefix, in the order of keys."""
        keys = [key for key, _ in self.view.private.items_with_prefix(prefix, PREFIX_BITS)]
        return self.view.store.facts_before(keys, self.view.position)

    def _opened(self, position: bytes, stored: StoredEntry | StoredPrivate | None) -> SourcedRecord:
        data = None if stored is None else self.documents.get(stored.document_hash)
        if stored is None or data is None:
            raise ProofError("the ledger", expected=f"record {record_id(position)} with its document", got="none")
        return SourcedRecord(position, decode_record(stored.statement), decode_document(data), stored.time_ms)
