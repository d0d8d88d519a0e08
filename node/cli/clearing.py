"""`fengtu clear`: what issuers owe merchants for a month, and what an issuer still stands for."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from node.cli import acting, options
from node.cli.acting import NODE, AsJson, Node
from node.files import SECRET, write_file

commands = typer.Typer(help="Clearing: what issuers owe merchants, and what is still out.", no_args_is_help=True)

Programme = Annotated[str, typer.Argument(help="The programme, such as hualien-health.")]
Month = Annotated[str, typer.Option(help="The month, such as 2026-11; this one by default.")]


@commands.command(epilog="Example: fengtu clear show hualien-health --month 2026-11 --key county")
def show(
    programme: Programme,
    *,
    month: Month = "",
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Show a month as a table: each issuer at each till, counted from both sides."""
    found = acting.read(url, key, data, f"/programmes/{programme}/clearing?month={month}")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    rows = [[row["issuer"], f"{row['merchant']} {row['branch']}", row["means"], *_sums(row)] for row in found["rows"]]
    head = ["issuer", "merchant", "means", "charged", "refunded", "owed"]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        cells = [
            cell.ljust(w) if at < 3 else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        options.say("  ".join(cells).rstrip())
    options.say(f"{found['month']}: {options.money(found['due'])} in all{', so far' if found['open'] else ''}")
    for issuer, funds in found["issuers"].items():
        options.say(f"{issuer} still stands for {funds['liability']:,} coins of {funds['issued']:,} given")
    options.note("both sides are equal" if found["equal"] else "the merchants' own lines come to something else")
    if not found["equal"]:
        raise typer.Exit(1)


@commands.command(epilog="Example: fengtu clear csv hualien-health --month 2026-11 -o november.csv --key county")
def csv(
    programme: Programme,
    *,
    output: options.Output,
    month: Month = "",
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Write a month's statement as a table for a spreadsheet (sums in hundredths of the currency)."""
    found = acting.fetch(url, key, data, f"/programmes/{programme}/clearing/csv?month={month}")
    write_file(output, found, SECRET)
    rows = found.count(b"\n") - 1
    options.say(f"{output}: {rows} rows")


@commands.command(epilog="Example: fengtu clear liability hualien-health hualien --key hualien -o owed.bundle.json")
def liability(
    programme: Programme,
    issuer: Annotated[str, typer.Argument(help="The issuer.")],
    *,
    output: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option("--output", "-o", help="Where to keep the proof file.", show_default=False),
    ] = None,
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Say what an issuer still owes, now and at each day's end; with -o keep the proof, for `fengtu verify`."""
    path = f"/programmes/{programme}/issuers/{issuer}/liability"
    found = acting.read(url, key, data, path)
    if output is not None:
        output.write(acting.fetch(url, key, data, f"{path}/bundle"))
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    facts = found["facts"]
    options.say(f"{issuer} still stands for {facts['liability']:,} coins; {facts['expired']:,} have ended unspent")
    for month, coins in facts["ends"].items():
        options.say(f"  {coins:,} end with {month}")
    for day in facts["days"][-7:]:
        options.say(f"  {day['day']}: {day['liability']:,} at the day's end")


def _sums(row: dict[str, Any]) -> list[str]:
    coins = row["means"] == "coins"
    units = [f"{row[name]:,}" if coins else options.money(row[name]) for name in ("charged", "refunded")]
    return [*units, options.money(row["due"])]
