"""The command line: `fengtu`, a module for each noun, imported when one of its commands is asked for.

A new command is one line in `COMMANDS`: its module, and the sentence that the list shows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.main import get_group

from api.version import VERSION
from node.cli.sentences import Sentences

if TYPE_CHECKING:
    from collections.abc import Mapping


class Command(NamedTuple):
    """Where a command stands, and what the list of all says of it: the first sentence of its help.

    Attributes:
        module: below `node.cli`.
        line: the sentence.
        group: the name of the Typer in the module.
        noun: whether the group itself stands under the name, with commands of its own.
    """

    module: str
    line: str
    group: str = "commands"
    noun: bool = False


COMMANDS: Mapping[str, Command] = {
    "init": Command("ledgers", "Make a ledger: its folder, keys, settings, genesis and first seal."),
    "run": Command("ledgers", "Run a node: interfaces, pages, seals."),
    "demo": Command("demo", "Load the demo's stories into a running node, through its public interfaces."),
    "sign": Command("records", "Sign a record over a document."),
    "submit": Command(
        "records", "Register a record and keep the transparent statement: the record with the log's receipt in it."
    ),
    "proof": Command(
        "proofs", "Write the C2SP tlog-proof of an entry: its place in the tree, and the checkpoint over it."
    ),
    "verify": Command("verdicts", "Verify a proof file offline and print the verdict with its steps."),
    "open": Command("doors", "Print an address that opens a private page to whoever has it, for some minutes."),
    "fsck": Command(
        "checks",
        "Recompute everything that is stored, or with --url everything that is published; name the first difference.",
    ),
    "replay": Command("checks", "Fold the whole log again through its rules and compare every seal."),
    "backup": Command("backups", "Write the whole ledger to one file while it runs."),
    "restore": Command(
        "backups",
        "Fold a backup into an empty database: every fact, tile and seal is recomputed, all of it or nothing.",
    ),
    "erase": Command(
        "erasures",
        "Erase a hidden field: a record says so, then the key of its text is deleted and its ciphertext with it.",
    ),
    "key": Command("keys", "The keys that actors sign with.", noun=True),
    "agreement": Command("agreements", "Contract-farming agreements: list, read, draft, sign, act, settle.", noun=True),
    "account": Command(
        "accounts",
        "Accounts of coins: open, look, make a code, earn, send, and what to do when a phone is lost.",
        noun=True,
    ),
    "charge": Command("charges", "At the till: take, confirm, post, void, refund, hand in vouchers.", noun=True),
    "clear": Command("clearing", "Clearing: what issuers owe merchants, and what is still out.", noun=True),
    "licence": Command("licences", "Licences to works of art: register, grant, check, revoke, report.", noun=True),
    "log": Command("logs", "What readers need to know of a log.", noun=True),
    "bundle": Command("proofs", "Proof files, each for one question.", group="bundles", noun=True),
    "import": Command(
        "imports", "Bring in files: 產銷履歷 open data, EPCIS documents, notebooks.", group="imports", noun=True
    ),
    "export": Command("imports", "Write a lot as other systems have it.", group="exports", noun=True),
}
"""All commands by name, in the order of the list."""


class Commands(Sentences):
    """The group of all commands. Asking for one imports its module; listing them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None where there is none of the name."""
        del ctx
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        group = getattr(import_module(f"node.cli.{command.module}"), command.group)
        holder = _typer()
        holder.add_typer(group, name=cmd_name if command.noun else None)
        return get_group(holder).commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.line) for name, command in COMMANDS.items()])


def _typer(**more: Any) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        **more,
    )


app = _typer(cls=Commands)


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
