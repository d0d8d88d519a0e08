"""The command line: `fengtu`, a module for each noun.

A new module of commands is one line in `MODULES`, a new noun with commands of its own one line in `NOUNS`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from api.version import VERSION
from node.cli import (
    agreements,
    backups,
    checks,
    demo,
    doors,
    erasures,
    imports,
    keys,
    ledgers,
    licences,
    logs,
    proofs,
    records,
)
from node.cli.sentences import Sentences

MODULES = (ledgers, demo, records, proofs, doors, checks, backups, erasures)
"""Each has `commands`, that stand at the top."""

NOUNS = {
    "key": keys.commands,
    "agreement": agreements.commands,
    "licence": licences.commands,
    "log": logs.commands,
    "bundle": proofs.bundles,
    "import": imports.imports,
    "export": imports.exports,
}
"""Each stands under its name."""

app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in MODULES:
    app.add_typer(module.commands)
for name, commands in NOUNS.items():
    app.add_typer(commands, name=name)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's form
    if asked:
        typer.echo(f"fengtu {VERSION}")
        raise typer.Exit


@app.callback(epilog="Example: fengtu init data --origin log.example/hsinchu, then fengtu run --data data")
def _fengtu(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Fengtu: one verifiable ledger for a place.

    Commands that act on a ledger take --data and --database, or --url where it can be done from outside.
    Exit codes: 0 done, 1 it does not hold or could not be done, 2 unreadable or misused, 3 (verify) holds as of T.
    """


def main() -> None:
    """Run the command line."""
    app(prog_name="fengtu")
