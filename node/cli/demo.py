"""`fengtu demo`: the stories, handed in like anyone's records, by every person with their own key."""

from __future__ import annotations

import io
import json
import time
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any

import segno
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.door import AGE_MAX_S, sign_door
from ledger.clock import system_clock
from ledger.errors import NotFoundError
from node.cli import options
from node.cli.verdicts import WORDS
from node.demo import Stage, Timeline, play
from node.demo.stage import lent_key
from node.files import write_file
from node.keyfile import passphrase_of, read_keyfile
from node.remote import Remote
from node.settings import load_settings

if TYPE_CHECKING:
    from ledger.clock import Clock
    from ledger.signature import SigningKey
    from node.settings import Settings

commands = typer.Typer()

STORIES = ("pingtung", "hsinchu", "hualien", "taitung", "hualien_tour", "ttart")


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
    """Load the stories into the node at an address, unless they are there, and say where to look.

    Args:
        settings: the operator's.
        address: the node's.
        clock: the log's, where the node runs in this process and its ledger began in the past for the stories.
    """
    path = settings.keys / "operator.json"
    if not path.exists():
        raise NotFoundError("the operator's key", expected=f"{path}, made by `fengtu init`", got="no such file")
    file = read_keyfile(path)
    key = file.open(
        passphrase_of(settings.keys, lambda: options.ask_passphrase("The operator's passphrase", twice=False))
    )
    with Remote(address) as remote:
        vkey = remote.get("/log/vkey").decode().strip()
        told = settings.demo / "demo.json"
        loaded: dict[str, Any] = json.loads(told.read_bytes()) if told.exists() else {}
        if loaded.get("log") != vkey:
            loaded = {"log": vkey, "stories": _play(settings, remote, file.actor, key, clock)}
            write_file(told, json.dumps(loaded, ensure_ascii=False).encode())
        else:
            options.say("The demo's stories are there already.")
    for story in loaded["stories"]:
        _tell(settings, address, story)
    _show_code(address, loaded["stories"])
    options.say(f"All of it: {address}/demo")


def _play(
    settings: Settings, remote: Remote, operator: str, key: SigningKey, clock: Clock | None
) -> list[dict[str, Any]]:
    begin_ms = system_clock() - (0 if clock is None else clock.behind_ms)
    timeline = Timeline(clock if clock is not None and clock.behind_ms else None, begin_ms)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=options.errors, transient=True) as progress:
        task = progress.add_task("the demo")
        stage = Stage(
            remote, operator, key, settings.demo, timeline=timeline,
            say=lambda words: progress.update(task, description=words),
        )  # fmt: skip
        return play(stage, [resources.files("examples") / name for name in STORIES])


def _tell(settings: Settings, address: str, story: dict[str, Any]) -> None:
    """Say who did what in a story, what each proof file says, and where its page is."""
    options.say(f"\nStory {story['story']}: {story['title']} · {story['titles']['en']}")
    names = {one["actor"]: one["name"].get("zh-TW", "") for one in story["people"]}
    for one in story["told"]:
        options.say("  " + " ".join(filter(None, (names.get(one["who"]), one["who"], one["did"]["en"]))))
    options.say(
        f"  {story['records']} records by {len(story['people'])} people and places, {story['repeated']} there before"
    )
    for one in story["refused"]:
        options.say(f"  refused ({one['rule']}): {one['said']}")
    for answer in story["answers"]:
        options.say(f"  {answer['question']} {answer['title']}: {WORDS[answer['verdict']]} · {answer['status']}")
        options.say(f"    {_opened(settings, address, answer)}")
    for page in story["pages"]:
        options.say(f"  {page['title']}\n    {_opened(settings, address, page)}")


def _show_code(address: str, stories: list[dict[str, Any]]) -> None:
    """Print the QR of the first lot, as it would stand on its box."""
    lot = next((one for story in stories for one in story["answers"] if one["question"] == "product"), None)
    if lot is not None:
        options.say(f"\nScan {lot['title']}:")
        _, gtin, number = lot["page"].strip("/").split("/")
        drawn = io.StringIO()
        segno.make(f"{address}/01/{gtin}/10/{number}", error="m").terminal(drawn, border=2, compact=True)
        options.say(drawn.getvalue())


def _opened(settings: Settings, address: str, told: dict[str, Any]) -> str:
    """Return an address that opens a page: a party's for an hour, for the demo's people have no browser that signs."""
    if "key" not in told:
        return f"{address}{told['page']}"
    return sign_door(lent_key(settings.demo, told["key"]), f"{address}{told['page']}", int(time.time()) + AGE_MAX_S)
