"""`fengtu init` and `fengtu run`: a ledger's beginning, and the node that serves it."""

from __future__ import annotations

import contextlib
import gc
import secrets
import signal
import socket
import sys
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

from ledger import core
from ledger.errors import FengtuError, FormatError
from ledger.genesis import decode_key
from node.bootstrap import create_ledger, has_ledger, open_node
from node.cli import options
from node.cli.demo import load as load_demo
from node.cli.sentences import sentence
from node.demo.timeline import DAY_MS, DAYS
from node.files import SECRET, write_file
from node.keyfile import PASSPHRASE_FILE, PASSPHRASE_MIN, PASSPHRASE_VARIABLE
from node.logs import configure_logs
from node.settings import FILE_NAME, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.clock import Clock
    from node.bootstrap import Node
    from node.settings import Settings

commands = typer.Typer()

SHUTDOWN_S = 15
GC_ALLOCATIONS = 50_000
SWITCH_S = 0.001
BACKLOG = 1024


@commands.command(epilog="Example: fengtu init data --origin log.example/hsinchu --base-url https://ledger.example")
def init(
    data: Annotated[Path, typer.Argument(help="The folder to make.")],
    *,
    origin: Annotated[
        str, typer.Option(help="The log's name for ever: a domain you hold and a path, without a scheme.")
    ],
    actor: Annotated[str | None, typer.Option(help="The operator's actor id.", show_default="operator")] = None,
    name: Annotated[str | None, typer.Option(help="The operator's name in 繁體中文.", show_default="its id")] = None,
    database: options.Database = None,
    base_url: Annotated[str | None, typer.Option(help="How others will reach the node.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.", show_default="8000")] = None,
    recovery: Annotated[
        list[str] | None,
        typer.Option(help="A public key that may help to replace the log's own (several times).", show_default=False),
    ] = None,
    recovery_threshold: Annotated[
        int | None, typer.Option(help="How many of them it takes; most of them by default.", show_default=False)
    ] = None,
) -> None:
    """Make a ledger: its folder, keys, settings, genesis and first seal. Prints the log's verifier key.

    The operator's key is protected by a passphrase, from FENGTU_PASSPHRASE or asked for. The log's own keys are in
    DATA/keys/log.json, readable by you alone: keep a copy elsewhere, a backup of the ledger does not hold them.
    """
    flags = {"database": database, "base_url": base_url, "port": port}
    settings = load_settings(data, {**flags, "origin": origin, "actor": actor})
    if has_ledger(settings):
        raise FormatError(f"{data}", expected="no ledger there yet", got="a log in its database")
    keys = [decode_key(key) for key in recovery or []]
    threshold = len(keys) // 2 + 1 if recovery_threshold is None and keys else recovery_threshold or 0
    vkey = create_ledger(
        settings,
        lambda: options.new_passphrase(settings.keys, "A passphrase for the operator's key"),
        name=name,
        flags=flags,
        recovery=keys,
        recovery_threshold=threshold,
    )
    options.say(vkey.encode())
    options.note(f"The ledger {settings.origin} is in {data}. Keep copies of {settings.keys} somewhere safe.")
    options.note(f"Next: fengtu run --data {data}")


@commands.command(epilog="Example: fengtu run --data data --port 8000")
def run(
    *,
    data: options.Data = None,
    database: options.Database = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on, 0 for any that is free.", show_default="8000")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="How others reach the node.", show_default=False)] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo's stories, unless they are there.")] = False,
) -> None:
    """Run a node: interfaces, pages, seals. Where there is no ledger yet it makes one to try out.

    Ends on Ctrl-C or SIGTERM, after the requests that it has.
    """
    flags = {"database": database, "host": host, "port": port, "base_url": base_url}
    settings = load_settings(data, flags)
    configure_logs()
    behind_ms = 0
    if not has_ledger(settings):
        # The demo's stories take months; their ledger begins when they do.
        behind_ms = DAYS * DAY_MS if demo else 0
        _create_to_try(settings, behind_ms)
        settings = load_settings(data, flags)
    with _listening(settings) as listener:
        settings = load_settings(data, {**flags, "port": listener.getsockname()[1]})
        node = open_node(settings)
        node.ledger.log.clock.behind_ms = behind_ms
        server = uvicorn.Server(
            uvicorn.Config(
                node.app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_S,
                backlog=BACKLOG,
            )
        )
        _greet(node)
        _settle_interpreter()
        if demo:
            clock = node.ledger.log.clock
            threading.Thread(target=_load_demo, args=(settings, server, clock), name="demo", daemon=True).start()
        # The server raises the signals that ended it once more when it is done; by then nothing is left to end.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(1)
    options.note("Ended; everything that was answered is on disk.")


def _settle_interpreter() -> None:
    """Fit the interpreter to what a node does.

    A batch is tens of thousands of objects that live until its commit and hardly any cycle: with the interpreter's own
    thresholds a tenth of an append's time goes into walking them. And an appender that has the database's lock must not
    wait long for the interpreter's: each wait of it is one of all who wait for an answer.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 20)


def _create_to_try(settings: Settings, behind_ms: int) -> None:
    """Make a ledger that nobody prepared, with a passphrase that lies beside the key."""

    def passphrase() -> str:
        file = settings.keys / PASSPHRASE_FILE
        if not file.exists():
            write_file(file, secrets.token_urlsafe(PASSPHRASE_MIN * 2).encode() + b"\n", SECRET)
        return options.new_passphrase(settings.keys, "")

    create_ledger(settings, passphrase, behind_ms=behind_ms)
    options.say(f"There was no ledger: made one in {settings.data}, named {settings.origin}, to try things out.")
    if (settings.keys / PASSPHRASE_FILE).exists():
        options.say(f"The operator's passphrase is in {settings.keys / PASSPHRASE_FILE} ({PASSPHRASE_VARIABLE} wins).")


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise FormatError(
            f"the setting port ({settings.host}:{settings.port})", expected="one that is free", got=error.strerror
        ) from error
    with listener:
        yield listener


def _greet(node: Node) -> None:
    settings = node.ledger.settings
    options.say(f"Fengtu {settings.origin}")
    options.say(f"  verifier key  {node.ledger.vkey.encode()}")
    options.say(f"  address       {settings.address}/")
    options.say(f"  listens on    {settings.host}:{settings.port}")
    options.say(f"  interfaces    {settings.address}/openapi.json")
    options.say(f"  settings      {settings.data / FILE_NAME}")
    options.say(f"  database      {settings.database.split('@')[-1]}")
    options.say(f"  core          {core.describe()}")


def _load_demo(settings: Settings, server: uvicorn.Server, clock: Clock) -> None:
    """Load the demo's stories through the public interfaces once the node answers."""
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.05)
    try:
        load_demo(settings, settings.address, clock)
    except FengtuError as error:
        # The node serves on; whoever started it reads why the stories are not all there.
        options.note(f"The demo is not loaded: {sentence(error)}")
