"""The ledger's tables, on SQLite or PostgreSQL. `Store` is the one door to them."""

from ledger.store.store import Append, Head, Store, StoredEntry, StoredPrivate, open_store

__all__ = ["Append", "Head", "Store", "StoredEntry", "StoredPrivate", "open_store"]
