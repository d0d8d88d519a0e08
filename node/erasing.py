"""Erasing a hidden field: the log keeps a record of it, the key of its text goes, and so does the ciphertext.

    {"digest": "<43 characters>", "authority": "個人資料保護法 §11", "reason": "the farmer asked for it"}

The record comes first: a text that is gone without one would read as withheld. What is cut short in between is made
good by running it again, since the same record gives the first answer, and by `apply_erasures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import cbor
from ledger.facts import ERASURE, POSITION_SIZE, public_position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.serving import Serving
    from ledger.store import Store
    from ledger.store.vault import Vault

END = b"\xff" * POSITION_SIZE


def forget(store: Store, vault: Vault, digest: str) -> bool:
    """Delete the key and the ciphertext of a hidden field; say whether its key was there."""
    known = vault.erase(digest)
    store.forget_disclosure(digest)
    return known


def apply_erasures(store: Store, vault: Vault, after: bytes = b"", before: bytes = END) -> int:
    """Forget every hidden field that the log says is erased; return how many were still there.

    The log is read, not the fields that are left: an old copy of the vault may hold a key whose ciphertext is in no
    table any more, but in an old backup.

    Args:
        store: the tables.
        vault: the keys of hidden fields.
        after: only erasures after this position.
        before: and before this one.
    """
    count = 0
    for digest in _erased(store, after, before):
        stored = store.disclosure(digest) is not None
        if forget(store, vault, digest) or stored:
            count += 1
    return count


def _erased(store: Store, after: bytes, before: bytes) -> Iterator[str]:
    """Yield the digests that are erased."""
    for change in store.facts_of_kind(ERASURE, after, before):
        yield cbor.decode(change.value)["digest"]


class Erasures:
    """Carries out the erasures that the log records, seal by seal: whoever may write the record may erase.

    Args:
        store: the tables.
        vault: the keys of hidden fields.
        serving: what is served; erasures up to its seal are carried out.
    """

    def __init__(self, store: Store, vault: Vault, serving: Serving) -> None:
        self._store = store
        self._vault = vault
        self._serving = serving
        self._position = b""

    def catch_up(self) -> int:
        """Carry out what is due; return how many fields were forgotten."""
        seal = public_position(max(self._serving.seal_index, 0))
        if seal <= self._position:
            return 0
        count = apply_erasures(self._store, self._vault, self._position, seal)
        self._position = seal
        return count
