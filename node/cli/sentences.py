"""Errors of the command line: one sentence on standard error, and an exit code that says which kind.

fengtu: entry: expected an index below 12, got 40            exit code 1: it does not hold, or could not be done
fengtu: the setting port (--port): expected …, got '70000'   exit code 2: unreadable, or misused
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ledger.errors import FengtuError, FormatError, RefusedError

FAILED = 1
UNREADABLE = 2
PIPE_CLOSED = 141
"""What a shell says of a program whose output nobody reads any more."""


_UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Sentences(TyperGroup):
    """The group of all commands; what they raise on purpose becomes a sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            Exit: with the code of the error.
        """
        try:
            return super().invoke(ctx)
        except FengtuError as error:
            typer.echo(printable(f"fengtu: {sentence(error)}"), err=True)
            raise typer.Exit(UNREADABLE if isinstance(error, FormatError) else FAILED) from None
        except BrokenPipeError:
            # Whoever reads has enough (`| head`). The interpreter flushes once more at its end, into nothing then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except OSError as error:
            # A file that cannot be read or written; a database says so by an error of ours.
            typer.echo(f"fengtu: {error.filename or 'a file'}: {error.strerror or error}", err=True)
            raise typer.Exit(UNREADABLE) from None


def say(text: str) -> None:
    """Print a line of a command's answer."""
    typer.echo(printable(text))


def sentence(error: FengtuError) -> str:
    """Return an error on one line."""
    rule = f" ({error.rule})" if isinstance(error, RefusedError) else ""
    return one_line(error) + rule


def one_line(value: object) -> str:
    """Return a value's text on one line."""
    return " ".join(str(value).split())


def printable(text: str) -> str:
    """Return a text without what moves a terminal's cursor or turns the direction of its letters.

    What others wrote is printed: a proof file could otherwise paint its own verdict over ours.
    """
    return _UNPRINTED.sub(lambda found: ascii(found[0])[1:-1], text)
