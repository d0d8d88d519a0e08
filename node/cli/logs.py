"""`fengtu log`: what readers need to know of a log before they trust it."""

from __future__ import annotations

import typer

from node.cli import options

commands = typer.Typer(help="What readers need to know of a log.", no_args_is_help=True)


@commands.command(epilog="Example: fengtu log vkey --data data")
def vkey(*, data: options.Data = None, database: options.Database = None) -> None:
    """Print the log's verifier key, one line: what checkpoints are checked with."""
    with options.opened(data, database) as ledger:
        options.say(ledger.vkey.encode())


@commands.command(epilog="Example: fengtu log policy --data data > policy.json")
def policy(*, data: options.Data = None, database: options.Database = None) -> None:
    """Print the JSON policy that this log recommends to readers: its key, its genesis, how old is fresh.

    Take a policy from someone you trust: one that a server hands out proves nothing against that server.
    """
    with options.opened(data, database) as ledger:
        options.say(ledger.policy().decode().rstrip("\n"))
