"""The peers in Go (`benchmarks/go`), built where Go is and its modules can be had.

built, why = build_peers(folder)
built.tree(1_000_000)                  # roots by each of Go's tree packages
with built.tessera(folder, "1ms") as url:
built.load(f"{url}/add", bodies, clients=256)
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).resolve().parent / "go"


@dataclass(frozen=True)
class Peers:
    """The programs, in a folder."""

    folder: Path

    NAMES: ClassVar[tuple[str, ...]] = (
        "transparency-dev/merkle",
        "sumdb/tlog",
        "minio sha256-simd loop",
        "Tessera",
        "load client in Go",
    )

    def tree(self, leaves: int, rounds: int = 3) -> dict[str, Any]:
        """Return root, seconds by peer and versions, for the tree over that many entries of 100 bytes."""
        command = [self.folder / "tree", "-leaves", str(leaves), "-rounds", str(rounds)]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found

    @contextmanager
    def tessera(self, folder: Path, age: str) -> Iterator[str]:
        """Serve a Tessera log in a folder; a batch waits that long for more entries."""
        address = f"127.0.0.1:{free_port()}"
        folder.mkdir()
        command = [self.folder / "tessera", "-data", folder, "-listen", address, "-age", age]
        with (folder.parent / f"{folder.name}.out").open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait_for(f"http://{address}/ready")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(30)

    def load(self, url: str, bodies: Sequence[bytes], *, clients: int, type_: str, folder: Path) -> dict[str, float]:
        """Post bodies from many clients; return `posted`, `seconds`, `p50` and `p99`."""
        file = folder / "bodies"
        file.write_bytes(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))
        command = [self.folder / "load", "-url", url, "-clients", str(clients), "-type", type_, file]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        found: dict[str, float] = json.loads(ran.stdout)
        return found


def build_peers(folder: Path) -> tuple[Peers | None, str]:
    """Build the programs; return them, or why that cannot be."""
    go = shutil.which("go")
    if go is None:
        return None, "go is not there"
    folder.mkdir(parents=True, exist_ok=True)
    command = [go, "build", "-trimpath", "-o", f"{folder}/", "./..."]
    ran = subprocess.run(command, cwd=SOURCE, check=False, capture_output=True, text=True)
    if ran.returncode:
        return None, "go build: " + ran.stderr.strip().splitlines()[-1]
    return Peers(folder), ""


def wait_for(url: str, timeout_s: float = 30) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
