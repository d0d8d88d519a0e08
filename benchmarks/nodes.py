"""Nodes as users run them: processes of their own, on 127.0.0.1.

init_node(folder, database)
with running_node(folder) as node:
    node.url, node.party, node.memory()
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
from farms import ORIGIN
from peers import wait_for
from scale import PASSPHRASE
from servers import free_port

from node.client import Party
from node.keyfile import read_keyfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENGTU = (sys.executable, "-c", "from node.cli import main; main()")
ENVIRONMENT = {**os.environ, "FENGTU_PASSPHRASE": PASSPHRASE}


@dataclass(frozen=True)
class RunningNode:
    """A running node.

    Attributes:
        url: where it listens.
        party: its operator.
        process: its process.
        opened_s: how long it took from the command to the first answer of a page, in seconds.
    """

    url: str
    party: Party
    process: subprocess.Popen[bytes]
    opened_s: float

    def memory(self) -> int:
        """Return the process's resident memory in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


def init_node(folder: Path, database: str | None = None) -> None:
    """Make a ledger in a folder."""
    more = ["--database", database] if database else []
    command = [*FENGTU, "init", str(folder), "--origin", ORIGIN, *more]
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)


@contextmanager
def running_node(folder: Path, page: str = "/readyz", timeout_s: float = 60) -> Iterator[RunningNode]:
    """Run the node on the ledger of a folder; the block begins when it answers a page."""
    port = free_port()
    start = time.perf_counter()
    with (folder / "out").open("wb") as out:
        command = [*FENGTU, "run", "--data", str(folder), "--port", str(port)]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}{page}", timeout_s)
        opened_s = time.perf_counter() - start
        key = read_keyfile(folder / "keys" / "operator.json").open(PASSPHRASE)
        yield RunningNode(url, Party("operator", key, ORIGIN), process, opened_s)
    finally:
        process.terminate()
        process.wait(60)
