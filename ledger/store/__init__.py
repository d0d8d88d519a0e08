"""The ledger's tables, on SQLite or PostgreSQL. `Store` is the one door to them."""

from ledger.store.append import Append
from ledger.store.rows import Head, StoredEntry, StoredPrivate
from ledger.store.store import Store, open_store

__all__ = ["Append", "Head", "Store", "StoredEntry", "StoredPrivate", "open_store"]
