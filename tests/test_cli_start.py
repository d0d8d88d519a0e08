"""How the command line begins: with what a command takes, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest
import typer
from farms import GTIN, close_farms, open_farms
from typer.main import get_command, get_group

import node.cli
from api.bundles import answer_bundle
from node.cli import COMMANDS, app

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "alembic", "celery", "fastapi", "httpx", "icalendar", "jinja2", "numpy", "PIL", "psycopg", "segno",
    "sqlalchemy", "sqlmodel", "starlette", "uvicorn", "uvloop", "weasyprint", "web3", "api.app", "ledger.log",
    "ledger.store", "node.bootstrap",
}  # fmt: skip
"""What a server takes: the longest to import, a second and more together."""


def modules_of(*arguments: object) -> tuple[set[str], str]:
    """Return what a command imported, and what it printed."""
    script = (
        "import atexit, json, sys; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
        " from node.cli import main; main()"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stderr.splitlines()[-1])), ran.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("verify", "--help")])
def test_help_begins_at_once(arguments: tuple[str, ...]) -> None:
    """Whoever asks how a command is called must not wait for a server's libraries."""
    modules, said = modules_of(*arguments)
    assert said
    assert modules & (HEAVY | {"contracts", "verifiers"}) == set()


def test_verify_begins_at_once(tmp_path: Path) -> None:
    """A proof file is verified without what appends, serves and stores, so at once, and by little code."""
    farms = open_farms(tmp_path)
    farms.season()
    with farms.serving().view() as view:
        data = answer_bundle(view, farms.vault, {"kind": "product", "gtin": GTIN, "lot": "L1"})
    (tmp_path / "tea.bundle.json").write_bytes(data)
    (tmp_path / "policy.json").write_bytes(farms.policy())
    close_farms(farms)
    modules, said = modules_of("verify", tmp_path / "tea.bundle.json", "--policy", tmp_path / "policy.json")
    assert said.startswith("HOLDS")
    assert "verifiers.product" in modules
    assert modules & HEAVY == set()


def test_the_list_is_what_the_modules_have() -> None:
    """A command that is not on the list cannot be called; a sentence unlike its help says two things."""
    listed = set()
    for name, line in COMMANDS.items():
        command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]  # ours is a group
        assert command.get_short_help_str(1_000) == line.line, name
        listed.add((line.module, line.group, None if line.noun else name))
    for found in iter_modules(node.cli.__path__):
        module = import_module(f"node.cli.{found.name}")
        for group, one in vars(module).items():
            if isinstance(one, typer.Typer) and (found.name, group, None) not in listed:
                names = get_group(one).commands
                assert {(found.name, group, name) for name in names} <= listed
