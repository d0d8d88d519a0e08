"""`fengtu fsck` and `fengtu replay`: recomputing a ledger from inside and from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.ahead import processes_for
from ledger.fsck import fsck as fsck_store
from ledger.note import decode_vkey
from ledger.replay import replay as replay_store
from node.bootstrap import open_for_replay
from node.cli import options
from node.published import check_published, log_prefix
from node.remote import Remote

if TYPE_CHECKING:
    from ledger.store import Store

commands = typer.Typer()


@commands.command(epilog="Example: fengtu fsck --url https://ledger.example --vkey log.example/hsinchu+1a2b3c4d+AQ…")
def fsck(
    *,
    data: options.Data = None,
    database: options.Database = None,
    url: options.Url = None,
    vkey: Annotated[
        str | None, typer.Option(help="With --url: the verifier key that you know; else the node's own word.")
    ] = None,
) -> None:
    """Recompute everything that is stored, or with --url everything that is published; name the first difference.

    From inside: records, signatures, rules, facts, tiles, seals, hidden fields. From outside: the checkpoint's
    signature, every tile, every entry.
    """
    options.one_place(data, database, url)
    if url is not None:
        _fsck_url(url, vkey)
        return
    with options.opened(data, database) as ledger, options.progress("entries") as progress:
        processes = processes_of(ledger.store)
        report = fsck_store(ledger.store, ledger.log.fold, progress=progress, processes=processes)
    options.say(
        f"ok: {report.entries} entries, {report.private_records} private records, {report.seals} seals, "
        f"{report.facts} facts, {report.tiles} full tiles, {report.disclosures} hidden fields, root {report.root.hex()}"
    )


def _fsck_url(url: str, vkey: str | None) -> None:
    with Remote(url) as remote:
        if vkey is None:
            vkey = remote.get(f"{log_prefix(remote)}/vkey", 1024).decode(errors="replace").strip()
            options.note(f"No --vkey given: taking the node's word for {vkey}")
        with options.progress("entries") as progress:
            published = check_published(remote, decode_vkey(vkey), progress=progress)
    options.say(f"ok: {published.size} entries, {published.tiles} tiles, root {published.root.hex()}")


@commands.command(epilog="Example: fengtu replay --data data --public")
def replay(
    *,
    data: options.Data = None,
    database: options.Database = None,
    public: Annotated[
        bool, typer.Option("--public", help="Public records only: needs neither private documents nor the log's keys.")
    ] = False,
) -> None:
    """Fold the whole log again through its rules and compare every seal."""
    with (
        open_for_replay(options.settings_of(data, database), public_only=public) as (store, fold),
        options.progress("entries") as progress,
    ):
        processes = processes_of(store)
        result = replay_store(store, fold, public_only=public, progress=progress, processes=processes)
    what = "public seals" if public else "seals"
    options.say(f"ok: {result.head.size} entries, all {what} hold up to entry {result.head.seal_index}")


def processes_of(store: Store) -> int:
    """Return how many processes are worth having for this log."""
    head = store.head()
    return 0 if head is None else processes_for(head.size)
