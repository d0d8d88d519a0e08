"""Which core computes: the native one (`ledger/native`, Rust), or the reference in Python, which gives the same bytes.

Chosen once, here. `FENGTU_NATIVE=0` turns the native core off, `FENGTU_NATIVE=1` demands it; without the setting it
runs where it was built. The reference also says why something is refused: the native core only says that it is.
"""

from __future__ import annotations

import os
from typing import Any

SETTING = "FENGTU_NATIVE"


def _load(setting: str) -> Any | None:
    """Return `ledger._native`, None where it is turned off or was not built.

    Raises:
        ImportError: it is demanded and was not built.
    """
    if setting == "0":
        return None
    try:
        from ledger import _native  # noqa: PLC0415 - this is the one place that chooses
    except ImportError:
        if setting == "1":
            raise
        return None
    return _native


native: Any | None = _load(os.environ.get(SETTING, ""))


def describe() -> str:
    """Say in a few words which core computes."""
    if native is None:
        return "Python (slower; the native core is built where Rust's cargo is)"
    return f"native ({native.engine()}, {native.threads()} threads)"
