"""`fengtu demo`: the stories, handed in like anyone's records, by every person with their own key."""

from __future__ import annotations

import json
import time
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.door import AGE_MAX_S, sign_door
from ledger.clock import system_clock
from ledger.errors import NotFoundError
from node.cli import options
from node.demo import PASSPHRASE, Demo
from node.files import write_file
from node.keyfile import passphrase_of, read_keyfile
from node.remote import Remote
from node.season import Timeline
from node.settings import load_settings

if TYPE_CHECKING:
    from ledger.clock import Clock
    from node.settings import Settings

commands = typer.Typer()

STORIES = ("pingtung", "hsinchu")


@commands.command(epilog="Example: fengtu demo --data data --url http://127.0.0.1:8000")
def demo(
    *,
    data: options.Data = None,
    url: Annotated[str | None, typer.Option(help="The running node.", show_default="the settings' address")] = None,
) -> None:
    """Load the demo's stories into a running node, through its public interfaces. What is there already stays.

    The operator's key registers the counties; everybody else is made by the one above them, with a key of their own
    under DATA/demo/keys.
    """
    settings = load_settings(data, {})
    load(settings, url or settings.address)


def load(settings: Settings, address: str, clock: Clock | None = None) -> None:
    """Load the stories into the node at an address, and say where to look.

    Args:
        settings: the operator's.
        address: the node's.
        clock: the log's, where the node runs in this process and its ledger began in the past for the stories.
    """
    begin_ms = system_clock() - (0 if clock is None else clock.behind_ms)
    timeline = Timeline(clock if clock is not None and clock.behind_ms else None, begin_ms)
    path = settings.keys / "operator.json"
    if not path.exists():
        raise NotFoundError("the operator's key", expected=f"{path}, made by `fengtu init`", got="no such file")
    file = read_keyfile(path)
    key = file.open(
        passphrase_of(settings.keys, lambda: options.ask_passphrase("The operator's passphrase", twice=False))
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Remote(address) as remote, Progress(*columns, console=options.errors, transient=True) as progress:
        task = progress.add_task("the demo")
        play = Demo(
            remote, file.actor, key, settings.demo, timeline=timeline,
            say=lambda words: progress.update(task, description=words),
        )  # fmt: skip
        stories = play.run([resources.files("examples") / name for name in STORIES])
        write_file(settings.demo / "demo.json", json.dumps({"stories": stories}, ensure_ascii=False).encode())
    for story in stories:
        options.say(f"Story {story['story']}: {story['title']}")
        options.say(
            f"  {story['records']} records, {story['repeated']} of them there before; {len(story['answers'])} proofs"
        )
        for answer in story["answers"][:3]:
            options.say(f"  {answer['title']}: {address}{answer['page']}")
        for answer in story["answers"]:
            if answer["question"] == "settlement":
                options.say(f"  {answer['title']} ({answer['status']}): {_opened(settings, address, answer)}")
    options.say(f"All of it: {address}/demo")


def _opened(settings: Settings, address: str, answer: dict[str, Any]) -> str:
    """Return an address that opens a party's page for an hour: the demo's people have no browser that signs."""
    key = read_keyfile(settings.demo / "keys" / f"{answer['reader']}.json").open(PASSPHRASE)
    return sign_door(key, f"{address}{answer['page']}", int(time.time()) + AGE_MAX_S)
