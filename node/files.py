"""Files that are there in full or not at all.

    write_file(Path("data/keys/operator.json"), b"…", mode=0o600)

What is written goes into a temporary file of the same folder, is synced, and takes its name by a rename: whoever reads
the name meets the old bytes or the new ones, after a crash too. A temporary file's name is `.NAME.….part`.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = 0o644
SECRET = 0o600


def write_file(path: Path, data: bytes, mode: int = PUBLIC) -> None:
    """Write a file and its folder's entry, both durable on return; what was there under the name is replaced.

    Args:
        path: the file; its folder is made where it is missing.
        data: its bytes.
        mode: its permissions. The temporary file has them from the beginning, so a secret is never readable by others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            # mkstemp makes it readable by its owner only.
            if mode != SECRET:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - both are names here
    except BaseException:
        # What is not renamed is nobody's; the same error goes on.
        if os.path.exists(temporary):  # noqa: PTH110 - a name
            os.unlink(temporary)  # noqa: PTH108 - a name
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
