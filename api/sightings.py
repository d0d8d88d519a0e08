"""Where serials were seen: one serial in two places too far apart for the time is a copy, or its label is.

    sightings = Sightings(data / "sightings.db", secret)
    sightings.note("04712345678900", "S-17", "TW-TTT", now_s)
    sightings.elsewhere("04712345678900", "S-17", now_s)     True: an hour ago it was seen in Taipei

Nothing here is on the ledger, and nothing names anybody: a row is a keyed hash of GTIN and serial, the county that
somebody chose to say, and the time to ten minutes. A row is gone a day later; the file overwrites what it frees.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import sqlite3
from contextlib import closing, contextmanager
from itertools import combinations
from typing import TYPE_CHECKING

from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_S = 86_400
STEP_S = 600
"""Times are kept to ten minutes."""
ROWS_MAX = 100_000
SERIAL_ROWS_MAX = 64
SERIAL_SIZE_MAX = 20
"""GS1's bound of a serial, characters."""
SPEED_KM_H = 300
"""Nobody carries goods faster: the high-speed rail's speed."""
SLACK_KM = 100
"""Neighbours meet at a border that is far from both middles."""

MIDDLES: dict[str, tuple[float, float]] = {
    "TW-CHA": (23.99, 120.48), "TW-CYI": (23.48, 120.45), "TW-CYQ": (23.46, 120.57), "TW-HSQ": (24.70, 121.16),
    "TW-HSZ": (24.80, 120.95), "TW-HUA": (23.78, 121.35), "TW-ILA": (24.69, 121.72), "TW-KEE": (25.11, 121.71),
    "TW-KHH": (23.01, 120.67), "TW-KIN": (24.44, 118.39), "TW-LIE": (26.20, 119.99), "TW-MIA": (24.49, 120.94),
    "TW-NAN": (23.84, 120.99), "TW-NWT": (24.91, 121.67), "TW-PEN": (23.57, 119.61), "TW-PIF": (22.55, 120.62),
    "TW-TAO": (24.94, 121.22), "TW-TNN": (23.14, 120.34), "TW-TPE": (25.09, 121.56), "TW-TTT": (22.98, 120.99),
    "TW-TXG": (24.25, 120.94), "TW-YUN": (23.70, 120.38),
}  # fmt: skip
"""The middle of each county of Taiwan, degrees north and east."""


_TABLE = (
    "CREATE TABLE IF NOT EXISTS sightings (serial BLOB NOT NULL, county TEXT NOT NULL, time_s INTEGER NOT NULL,"
    " PRIMARY KEY (serial, county, time_s)) WITHOUT ROWID"
)
_LATEST_OF_SERIAL = (
    "DELETE FROM sightings WHERE serial = ? AND (county, time_s) IN"
    " (SELECT county, time_s FROM sightings WHERE serial = ? ORDER BY time_s DESC LIMIT -1 OFFSET ?)"
)
_LATEST_OF_ALL = (
    "DELETE FROM sightings WHERE (serial, county, time_s) IN"
    " (SELECT serial, county, time_s FROM sightings ORDER BY time_s DESC LIMIT -1 OFFSET ?)"
)


def too_far(one: str, other: str, apart_s: int) -> bool:
    """Say whether nobody could have carried a thing from one county to another in a time.

    Args:
        one: a county of `MIDDLES`.
        other: another one, or the same.
        apart_s: the time between, in seconds, 0 or more.
    """
    return distance_km(one, other) > SLACK_KM + SPEED_KM_H * (apart_s + STEP_S) / 3_600


def distance_km(one: str, other: str) -> float:
    """Return how far the middles of two counties are from each other, by the haversine formula."""
    (north, east), (north2, east2) = ((math.radians(a), math.radians(b)) for a, b in (MIDDLES[one], MIDDLES[other]))
    chord = (
        math.sin((north2 - north) / 2) ** 2
        + math.cos(north) * math.cos(north2) * math.sin((east2 - east) / 2) ** 2
    )  # fmt: skip
    return 2 * 6_371 * math.asin(math.sqrt(chord))


class Sightings:
    """The sightings of the last day, in one SQLite file. Safe to share between threads and processes.

    Args:
        path: the file; it is made where it is missing.
        secret: keys the hashes; another secret finds nothing.
    """

    def __init__(self, path: Path, secret: bytes) -> None:
        self._path = path
        self._secret = secret

    def note(self, gtin: str, serial: str, county: str, now_s: int) -> None:
        """Keep that a serial was seen; what is too much is dropped, the oldest first.

        Raises:
            FormatError: no county of Taiwan, or no serial.
        """
        if county not in MIDDLES:
            raise FormatError("the county", expected=", ".join(sorted(MIDDLES)), got=county[:40])
        row = (self._name(gtin, serial), county, now_s // STEP_S * STEP_S)
        with self._opened(now_s) as connection:
            connection.execute("INSERT OR IGNORE INTO sightings VALUES (?, ?, ?)", row)
            connection.execute(_LATEST_OF_SERIAL, (row[0], row[0], SERIAL_ROWS_MAX))
            connection.execute(_LATEST_OF_ALL, (ROWS_MAX,))

    def elsewhere(self, gtin: str, serial: str, now_s: int) -> bool:
        """Say whether a serial was seen in two places too far apart within a day."""
        with self._opened(now_s) as connection:
            rows = connection.execute(
                "SELECT county, time_s FROM sightings WHERE serial = ?", (self._name(gtin, serial),)
            ).fetchall()
        return any(too_far(one, other, abs(first - second)) for (one, first), (other, second) in combinations(rows, 2))

    def forget(self, now_s: int) -> None:
        """Delete what is older than a day."""
        with self._opened(now_s):
            pass

    @contextmanager
    def _opened(self, now_s: int) -> Iterator[sqlite3.Connection]:
        """Hold the file open in one transaction, without what is older than a day."""
        fresh = not self._path.exists()
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            if fresh:
                self._path.chmod(0o600)
            # As in the vault: what is deleted has to be gone from the file.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            with connection:
                connection.execute(_TABLE)
                connection.execute("DELETE FROM sightings WHERE time_s <= ?", (now_s - DAY_S,))
                yield connection

    def _name(self, gtin: str, serial: str) -> bytes:
        if not 1 <= len(serial) <= SERIAL_SIZE_MAX:
            raise FormatError("the serial", expected=f"1 to {SERIAL_SIZE_MAX} characters", got=serial[:40])
        return hmac.digest(self._secret, f"{gtin}\n{serial}".encode(), hashlib.sha256)
