"""`fengtu backup` and `fengtu restore`: the whole ledger as one file, and back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from ledger.backup import backup as write_backup
from ledger.backup import restore as read_backup
from node.bootstrap import open_ledger
from node.cli import options
from node.erasing import apply_erasures

commands = typer.Typer()


@commands.command(epilog="Example: fengtu backup ledger.fengtu --data data")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Write the whole ledger to one file while it runs.

    The file holds records, documents, and hidden fields in encrypted form. It holds no keys: copy DATA/keys and
    DATA/vault.db by other ways, the latter with copies that do not outlive what is erased.
    """
    with options.opened(data, database) as ledger, options.progress("entries") as progress:
        size = write_backup(ledger.store, ledger.log.origin, file.absolute(), progress=progress)
    options.say(f"{file}: {size} entries, {file.stat().st_size} bytes")


@commands.command(epilog="Example: fengtu restore ledger.fengtu --data data")
def restore(
    file: Annotated[Path, typer.Argument(help="What `fengtu backup` wrote.")],
    *,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Fold a backup into an empty database: every fact, tile and seal is recomputed, all of it or nothing.

    DATA has to hold the log's keys and settings already (copies of DATA/keys and DATA/fengtu.toml). What the log says
    is erased is erased here again.
    """
    settings = options.settings_of(data, database)
    ledger = open_ledger(settings, empty=True)
    try:
        with options.progress("entries") as progress:
            replay = read_backup(file, ledger.store, ledger.log.fold, progress=lambda done: progress(done, None))
        with closing(ledger.open_vault()) as vault:
            erased = apply_erasures(ledger.store, vault)
    finally:
        ledger.close()
    options.say(f"restored {replay.head.size} entries, root {replay.root().hex()}; {erased} hidden fields erased again")
