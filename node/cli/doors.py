"""`fengtu open`: a private page in a plain browser, by an address that its reader's key signs."""

from __future__ import annotations

import time
import webbrowser
from typing import Annotated

import typer

from api.door import AGE_MAX_S, sign_door
from node.cli import options

commands = typer.Typer()


@commands.command(name="open", epilog="Example: fengtu open /agreements/9f86… --key pingtung.lin --browser")
def open_page(
    path: Annotated[str, typer.Argument(help="The page, such as /agreements/9f86…; it opens what is below it, too.")],
    *,
    key: options.KeyName,
    url: Annotated[str, typer.Option(help="The node, as it is reached from outside.")] = "http://127.0.0.1:8000",
    minutes: Annotated[int, typer.Option(help="How long it opens.", min=1, max=AGE_MAX_S // 60)] = 15,
    browser: Annotated[bool, typer.Option("--browser", help="Open it in this machine's browser.")] = False,
    data: options.Data = None,
) -> None:
    """Print an address that opens a private page to whoever has it, for some minutes.

    What the page shows is what the key's owner may read. Nothing is sent for it.
    """
    _, signing_key = options.open_key(key, data)
    address = sign_door(signing_key, url.rstrip("/") + path, int(time.time()) + minutes * 60)
    options.say(address)
    if browser:
        webbrowser.open(address)
