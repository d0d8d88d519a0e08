"""The options that commands share, and what most of them begin with."""

from __future__ import annotations

import contextlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.errors import FormatError
from node.bootstrap import open_ledger
from node.cli import sentences
from node.cli.sentences import printable
from node.keyfile import NAME, PASSPHRASE_VARIABLE, KeyFile, passphrase_of, read_keyfile
from node.settings import data_folder, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.signature import SigningKey
    from node.bootstrap import Ledger
    from node.settings import Settings

Data = Annotated[
    Path | None,
    typer.Option(help="The ledger's data folder; FENGTU_DATA or ./data where none is given.", show_default=False),
]
Database = Annotated[
    str | None,
    typer.Option(help="The database, sqlite:///PATH or postgresql://…; DATA/ledger.db by default.", show_default=False),
]
Url = Annotated[
    str | None, typer.Option(help="A node to ask instead, such as http://127.0.0.1:8000.", show_default=False)
]
KeyName = Annotated[
    str, typer.Option("--key", help="A key's name, or the path of its file (`fengtu key new` makes one).")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]

say = sentences.say
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Print a line beside a command's answer, on standard error."""
    typer.echo(printable(text), err=True)


def settings_of(data: Path | None, database: str | None = None, **flags: Any) -> Settings:
    """Return the settings that flags, environment and file give."""
    return load_settings(data, {"database": database, **flags})


@contextlib.contextmanager
def opened(data: Path | None, database: str | None = None) -> Iterator[Ledger]:
    """Hold a ledger open."""
    ledger = open_ledger(settings_of(data, database))
    try:
        yield ledger
    finally:
        ledger.close()


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far long work is, on a terminal only; call what is yielded with (done, in all or None)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def read(path: Path) -> bytes:
    """Return a file's bytes."""
    return path.read_bytes()


def one_place(data: Path | None, database: str | None, url: str | None) -> None:
    """Refuse a command that is told two places.

    Raises:
        FormatError: a URL and a data folder or database.
    """
    if url is not None and (data is not None or database is not None):
        raise FormatError("the ledger", expected="--url, or --data and --database", got="both")


# Keys


def keys_folder(data: Path | None) -> Path:
    """Return where keys by name are: DATA/keys where a data folder is named or there, else ~/.fengtu/keys."""
    folder = data_folder(data)
    return folder / "keys" if data is not None or folder.is_dir() else Path.home() / ".fengtu" / "keys"


def key_path(name: str, data: Path | None) -> Path:
    """Return the path of a key's file from its name; a name with a slash or `.json` is a path already.

    Raises:
        FormatError: neither a name nor a path.
    """
    if "/" in name or name.endswith(".json"):
        return Path(name)
    if not NAME.fullmatch(name):
        raise FormatError("the key's name", expected="letters, digits, dots, dashes", got=repr(name)[:80])
    return keys_folder(data) / f"{name}.json"


def ask_passphrase(what: str, *, twice: bool = False) -> str:
    """Ask for a passphrase at the terminal.

    Raises:
        FormatError: there is no terminal.
    """
    if not sys.stdin.isatty():
        raise FormatError(
            "the passphrase", expected=f"{PASSPHRASE_VARIABLE} in the environment", got="no terminal to ask at"
        )
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))


def new_passphrase(folder: Path, what: str) -> str:
    """Return the passphrase for a key that is made."""
    return passphrase_of(folder, lambda: ask_passphrase(what, twice=True))


def open_key(name: str, data: Path | None) -> tuple[KeyFile, SigningKey]:
    """Return a key's file and the key in it, opened by its passphrase."""
    path = key_path(name, data)
    file = read_keyfile(path)
    passphrase = passphrase_of(path.parent, lambda: ask_passphrase(f"Passphrase of {path.stem}"))
    return file, _opened(file, passphrase)


@cache
def _opened(file: KeyFile, passphrase: str) -> SigningKey:
    # A command that signs several requests works through the passphrase once: it takes a tenth of a second on purpose.
    return file.open(passphrase)


def money(amount: int) -> str:
    """Return an amount of hundredths of the currency as people write it: `1,234.50`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02}"
