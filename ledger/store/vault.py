"""The texts behind hidden fields: encrypted in the ledger's database, each under a key of its own that is kept here.

The keys live in a small SQLite file outside the ledger's database, its write-ahead log and its backups. Erasing deletes
the key; what is left anywhere else is ciphertext that nobody can open. A ciphertext is nonce (12) ‖ ChaCha20-Poly1305
of the disclosure's text, with its digest as associated data.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ledger.admission import SealedDisclosure
from ledger.disclosure import open_disclosure
from ledger.errors import CorruptError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ledger.store.rows import StoredDisclosure

KEY_SIZE = 32
NONCE_SIZE = 12


class Vault:
    """The keys of disclosures, in one SQLite file. Safe to share between threads and processes.

    Args:
        path: the file; it is made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        # A deleted key has to be gone from the file: freed pages are overwritten, and a rollback journal (unlike a
        # write-ahead log) is emptied at each commit.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS keys (digest TEXT PRIMARY KEY, key BLOB NOT NULL)")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def seal(self, disclosures: Sequence[tuple[str, bool]]) -> list[SealedDisclosure]:
        """Encrypt disclosures, each given as its text and whether the public may read it; the keys are durable first.

        Raises:
            FormatError: a text is not an SD-JWT disclosure.
            UnavailableError: the keys cannot be written (a full disk).
        """
        opened = [(open_disclosure(text), public) for text, public in disclosures]
        digests = [disclosure.digest for disclosure, _ in opened]
        with self._writing():
            self._connection.executemany(
                "INSERT OR IGNORE INTO keys VALUES (?, ?)",
                [(digest, secrets.token_bytes(KEY_SIZE)) for digest in digests],
            )
            keys = self._keys(digests)
        sealed: list[SealedDisclosure] = []
        for disclosure, public in opened:
            nonce = secrets.token_bytes(NONCE_SIZE)
            cipher = ChaCha20Poly1305(keys[disclosure.digest])
            ciphertext = cipher.encrypt(nonce, disclosure.text.encode(), disclosure.digest.encode())
            sealed.append(SealedDisclosure(disclosure.digest, disclosure.name, public, nonce + ciphertext))
        return sealed

    def seal_many(self, batch: Sequence[Sequence[tuple[str, bool]]]) -> list[list[SealedDisclosure]]:
        """Encrypt the disclosures of many records at once, in their order."""
        flat = self.seal([one for disclosures in batch for one in disclosures]) if any(batch) else []
        sealed = iter(flat)
        return [[next(sealed) for _ in disclosures] for disclosures in batch]

    def open(self, stored: Sequence[StoredDisclosure]) -> dict[str, str]:
        """Return the texts by digest; those whose key is gone are left out.

        Raises:
            CorruptError: a ciphertext does not open under its key.
        """
        with self._lock:
            keys = self._keys([one.digest for one in stored])
        texts: dict[str, str] = {}
        for one in stored:
            key = keys.get(one.digest)
            if key is None:
                continue
            try:
                text = ChaCha20Poly1305(key).decrypt(
                    one.ciphertext[:NONCE_SIZE], one.ciphertext[NONCE_SIZE:], one.digest.encode()
                )
            except InvalidTag as error:
                raise CorruptError("a disclosure does not open under its key", got=one.digest) from error
            texts[one.digest] = text.decode()
        return texts

    def erase(self, digest: str) -> bool:
        """Delete a key for good; say whether it was there.

        Raises:
            UnavailableError: it cannot be deleted now, and is still there.
        """
        with self._writing():
            return self._connection.execute("DELETE FROM keys WHERE digest = ?", (digest,)).rowcount > 0

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the file for one transaction; what fails in it, or at its commit, leaves nothing behind."""
        try:
            # The connection's own block rolls back: a transaction left open would hold every other process off.
            with self._lock, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
        except sqlite3.OperationalError as error:
            raise UnavailableError("the vault cannot be written now", got=error) from error

    def _keys(self, digests: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(digests), 500):
            part = digests[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT digest, key FROM keys WHERE digest IN ({marks})"  # noqa: S608 - marks only
            found.update(self._connection.execute(query, part).fetchall())
        return found
