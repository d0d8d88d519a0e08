"""Erasing a hidden field: the log keeps a record of it, the key of its text goes, and so does the ciphertext.

    {"digest": "<43 characters>", "authority": "個人資料保護法 §11", "reason": "the farmer asked for it"}

The record comes first: a text that is gone without one would read as withheld. What is cut short in between is made
good by running it again, since the same record gives the first answer, and by `apply_erasures`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.governance import erasure_key

if TYPE_CHECKING:
    from ledger.store import Store
    from ledger.store.vault import Vault


def forget(store: Store, vault: Vault, digest: str) -> bool:
    """Delete the key and the ciphertext of a hidden field; say whether its key was there."""
    known = vault.erase(digest)
    store.forget_disclosure(digest)
    return known


def apply_erasures(store: Store, vault: Vault) -> int:
    """Forget every hidden field that the log says is erased; return how many were still there."""
    digests = [row[0] for row in store.beside()["disclosures"]]
    keys = {erasure_key(digest): digest for digest in digests}
    erased = [keys[key] for key, value in store.latest(list(keys)).items() if value is not None]
    for digest in erased:
        forget(store, vault, digest)
    return len(erased)
