"""`fengtu proof` and `fengtu bundle`: answers that are checked without asking anyone."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

import typer

from api.bundles import answer_bundle
from contracts.gs1 import decode_gtin
from ledger.bundle import BUNDLE_SIZE_MAX
from ledger.errors import FormatError
from ledger.serving import Serving
from ledger.tlogproof import encode_tlog_proof
from node.cli import options
from node.files import SECRET, write_file
from node.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.serving import View
    from node.bootstrap import Ledger

commands = typer.Typer()
bundles = typer.Typer(help="Proof files, each for one question.", no_args_is_help=True)

Reader = Annotated[str | None, typer.Option("--key", help="The key that may read it, with --url.", show_default=False)]


@commands.command(epilog="Example: fengtu proof 17 --url https://ledger.example -o 17.tlog-proof")
def proof(
    index: Annotated[int, typer.Argument(help="The entry's index, from 0.", min=0)],
    *,
    output: options.Output,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the C2SP tlog-proof of an entry: its place in the tree, and the checkpoint over it."""
    options.one_place(data, database, url)
    if url is not None:
        with Remote(url) as remote:
            found = remote.get(f"/entries/{index}/proof", BUNDLE_SIZE_MAX)
    else:
        with _served(data, database) as (_, view):
            found = encode_tlog_proof(index, view.inclusion(index), view.checkpoint)
    write_file(output, found)
    options.say(f"{output}: the proof of entry {index}")


@bundles.command(
    epilog="Example: fengtu bundle product 04712345678904 L1 -o tea.bundle.json --url https://ledger.example"
)
def product(
    gtin: Annotated[str, typer.Argument(help="The product's GTIN.")],
    lot: Annotated[str, typer.Argument(help="Its lot, as printed.")],
    *,
    output: options.Output,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the proof file of a lot: its history, and that nothing is left out."""
    options.one_place(data, database, url)
    gtin = decode_gtin(gtin)
    if url is not None:
        with Remote(url) as remote:
            found = remote.get(f"/products/{gtin}/{quote(lot, safe='')}/bundle", BUNDLE_SIZE_MAX)
    else:
        with _served(data, database) as (ledger, view), closing(ledger.open_vault()) as vault:
            found = answer_bundle(view, vault, {"kind": "product", "gtin": gtin, "lot": lot, "licences": "shown"})
    write_file(output, found)
    options.say(f"{output}: lot {lot} of {gtin}, {len(found)} bytes; look at it with `fengtu verify`")


@bundles.command(epilog="Example: fengtu bundle agreement 9f86… -o rice.bundle.json --url https://… --key pingtung.lin")
def agreement(
    agreement: Annotated[str, typer.Argument(help="The agreement's id, 32 hex digits.")],
    *,
    output: options.Output,
    key: Reader = None,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the proof file of an agreement: every act on it, and what each sum is computed from."""
    question = {"kind": "settlement", "agreement": agreement}
    _write(question, f"/agreements/{agreement}", output, _Where(data, database, url, key))


@bundles.command(epilog="Example: fengtu bundle account 0d1e… -o coins.bundle.json --url https://… --key anna")
def account(
    account: Annotated[str, typer.Argument(help="The account's id, 32 hex digits.")],
    *,
    output: options.Output,
    key: Reader = None,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the proof file of an account: every coin, each lot and its end."""
    question = {"kind": "account", "account": account}
    _write(question, f"/accounts/{account}", output, _Where(data, database, url, key))


@bundles.command(epilog="Example: fengtu bundle redemption 6d1e… -o paid.bundle.json --url https://… --key noodles")
def redemption(
    charge: Annotated[str, typer.Argument(help="The charge's id, 32 hex digits: the nonce of the resident's code.")],
    *,
    output: options.Output,
    key: Reader = None,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the proof file of a charge: that it was paid once, by the resident's own word."""
    question = {"kind": "payment", "redemption": charge}
    _write(question, f"/redemptions/{charge}", output, _Where(data, database, url, key))


@bundles.command(epilog="Example: fengtu bundle licence L-1 -o licence.bundle.json --url https://… --day 2026-06-01")
def licence(
    licence: Annotated[str, typer.Argument(help="The licence's name.")],
    *,
    output: options.Output,
    day: Annotated[str | None, typer.Option(help="What it is on that day, 2026-06-01.", show_default="today")] = None,
    known: Annotated[
        str | None, typer.Option(help="As it was known at the end of that day.", show_default="today")
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
) -> None:
    """Write the proof file of a licence: its terms, the right behind it, what it is on a day as known on a day."""
    options.one_place(data, database, url)
    days = {name: value for name, value in (("day", day), ("known", known)) if value is not None}
    if url is not None:
        with Remote(url) as remote:
            query = f"?{urlencode(days)}" if days else ""
            found = remote.get(f"/licences/{quote(licence, safe='')}/bundle{query}", BUNDLE_SIZE_MAX)
    else:
        with _served(data, database) as (ledger, view), closing(ledger.open_vault()) as vault:
            found = answer_bundle(view, vault, {"kind": "licence", "licence": licence, **days})
    write_file(output, found)
    options.say(f"{output}: licence {licence}, {len(found)} bytes; look at it with `fengtu verify`")


@dataclass(frozen=True, slots=True)
class _Where:
    """Where a private answer is read: a ledger's folder or database, or a node with a key that may read it."""

    data: Path | None
    database: str | None
    url: str | None
    key: str | None


def _write(question: dict[str, str], path: str, output: Path, where: _Where) -> None:
    """Write the proof file of what only some may read."""
    options.one_place(where.data, where.database, where.url)
    if where.url is not None:
        if where.key is None:
            raise FormatError("what only some may read", expected="--key of one whom it concerns", got="none")
        with Remote(where.url) as remote:
            found = remote.read(options.open_key(where.key, where.data)[1], f"{path}/bundle", BUNDLE_SIZE_MAX)
    else:
        with _served(where.data, where.database) as (ledger, view), closing(ledger.open_vault()) as vault:
            found = answer_bundle(view, vault, question)
    write_file(output, found, SECRET)
    options.say(f"{output}: {path[1:]}, {len(found)} bytes; look at it with `fengtu verify`")


@contextmanager
def _served(data: Path | None, database: str | None) -> Iterator[tuple[Ledger, View]]:
    """Hold the ledger open as of its newest seal."""
    with options.opened(data, database) as ledger:
        serving = Serving(ledger.log)
        serving.refresh()
        with serving.view() as view:
            yield ledger, view
