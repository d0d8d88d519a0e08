"""`fengtu import` and `fengtu export`: files of real life in, and back out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from api.signed import sign_request
from contracts.operation import CONTEXT
from contracts.tap import write_rows
from contracts.tapback import Hidden, row_of
from ledger.errors import FormatError, ProofError
from node.cli import options
from node.cli.sentences import sentence
from node.client import Draft, Party, hand_in
from node.files import write_file
from node.importing import epcis_drafts, notebook_drafts, tap_drafts
from node.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.signature import SigningKey

imports = typer.Typer(no_args_is_help=True, help="Bring in files: 產銷履歷 open data, EPCIS documents, notebooks.")
exports = typer.Typer(no_args_is_help=True, help="Write a lot as other systems have it.")

NodeUrl = Annotated[str, typer.Option(help="The node.")]
For = Annotated[
    str | None, typer.Option("--for", help="Whose acts they are, where the key is another's.", show_default=False)
]
Public = Annotated[
    list[str] | None,
    typer.Option(help="A hidden field that the public may read, such as memo (several times).", show_default=False),
]
Gtin = Annotated[str, typer.Option(help="The product, 14 digits.")]
Lot = Annotated[str, typer.Option(help="The lot.")]
URL_DEFAULT = "http://127.0.0.1:8000"


@imports.command(epilog="Example: fengtu import tap rows.json --key fa --for pingtung.lin --gtins gtins.csv")
def tap(
    file: Annotated[Path, typer.Argument(help="產銷履歷 open data, unit 063: a JSON array, or CSV.")],
    *,
    key: options.KeyName,
    entered_for: For = None,
    gtins: Annotated[
        Path | None, typer.Option(help="CSV of OrgID,ProductName,GTIN; others get a local one.", show_default=False)
    ] = None,
    public: Public = None,
    data: options.Data = None,
    url: NodeUrl = URL_DEFAULT,
) -> None:
    """Bring in rows of 產銷履歷 open data: each row's lot, its operations and its processing.

    Farmers' names, land sections and memos are hidden. It can be run again: what is there already is not entered twice.
    Rows that cannot be read are told with line and reason, and the others go in.
    """
    table = {} if gtins is None else _table(gtins)
    _import(
        key, data, url,
        lambda party: tap_drafts(party, options.read(file), table=table, entered_for=entered_for, public=public or ()),
    )  # fmt: skip


@imports.command(epilog="Example: fengtu import epcis events.json --key packer")
def epcis(
    file: Annotated[Path, typer.Argument(help="An EPCIS 2.0 document, query document or event in JSON.")],
    *,
    key: options.KeyName,
    entered_for: For = None,
    data: options.Data = None,
    url: NodeUrl = URL_DEFAULT,
) -> None:
    """Bring in the events of an EPCIS 2.0 document, each exactly as supplied."""
    _import(key, data, url, lambda party: epcis_drafts(party, options.read(file), entered_for=entered_for))


@imports.command("csv", epilog="Example: fengtu import csv notebook.csv --gtin 04712345100012 --lot L1 --key farm")
def notebook(
    file: Annotated[Path, typer.Argument(help="A notebook: 日期,種類,內容,備註 or date,kind,content,memo.")],
    *,
    gtin: Gtin,
    lot: Lot,
    key: options.KeyName,
    entered_for: For = None,
    public: Public = None,
    data: options.Data = None,
    url: NodeUrl = URL_DEFAULT,
) -> None:
    """Bring in a farmer's notebook about one lot; a line is TAP row, EPCIS event and record at once."""
    _import(
        key, data, url,
        lambda party: notebook_drafts(
            party, options.read(file), gtin, lot, entered_for=entered_for, public=public or ()
        ),
    )  # fmt: skip


@exports.command("tap", epilog="Example: fengtu export tap --gtin 04712345100012 --lot 1150501010118820 -o row.json")
def export_tap(
    *,
    gtin: Gtin,
    lot: Lot,
    output: options.Output,
    key: Annotated[
        str | None, typer.Option(help="Read hidden fields by signed requests with this key.", show_default=False)
    ] = None,
    data: options.Data = None,
    url: NodeUrl = URL_DEFAULT,
) -> None:
    """Write a lot as a row of 產銷履歷 open data. Hidden fields are in it as far as one may read them."""
    signing_key = None if key is None else options.open_key(key, data)[1]
    with Remote(url) as remote:
        history = _history(remote, gtin, lot)
        hidden: Hidden = {}
        for act in history:
            if act["hidden"]:
                hidden[act["record"]] = _hidden(remote, signing_key, act["record"])
    write_file(output, write_rows([row_of(lot, history, hidden)]))
    options.say(f"{output}: 1 row, {len(history)} acts")


@exports.command("epcis", epilog="Example: fengtu export epcis --gtin 04712345100012 --lot L1 -o events.json")
def export_epcis(*, gtin: Gtin, lot: Lot, output: options.Output, url: NodeUrl = URL_DEFAULT) -> None:
    """Write the events of a lot as an EPCIS 2.0 document, each as it was supplied."""
    with Remote(url) as remote:
        history = _history(remote, gtin, lot)
    events = [act["body"] for act in history if act["record_kind"] == "event"]
    newest = max((event["eventTime"] for event in events), default="1970-01-01T00:00:00Z")
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": newest,
        "epcisBody": {"eventList": events},
    }
    write_file(output, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
    options.say(f"{output}: {len(events)} events")


def _import(key: str, data: Path | None, url: str, read: Any) -> None:
    file, signing_key = options.open_key(key, data)
    drafts: list[Draft] = []
    bad = 0
    with Remote(url) as remote:
        origin = remote.get("/log/vkey").decode().split("+")[0]
        found: Iterable[Any] = read(Party(file.actor, signing_key, origin))
        with options.progress("reading") as show:
            for one in found:
                if isinstance(one, Draft):
                    drafts.append(one)
                else:
                    bad += 1
                    options.note(f"{one.place}: {one.reason}")
                show(len(drafts), None)
        with options.progress("handing in") as show:
            outcomes = hand_in(remote, drafts, progress=lambda done: show(done, len(drafts)))
    refused = [one for one in outcomes if one.error is not None]
    for one in refused:
        if one.error is not None:
            options.note(f"{one.draft.source}: {sentence(one.error)}")
    repeated = sum(one.repeated for one in outcomes)
    entered = len(outcomes) - len(refused) - repeated
    options.say(f"{entered} records entered, {repeated} there before, {len(refused)} refused, {bad} lines unreadable")
    if refused or bad:
        raise typer.Exit(1)


def _table(path: Path) -> dict[tuple[str, str], str]:
    table: dict[tuple[str, str], str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))), 1):
        if not row or row[0] == "OrgID":
            continue
        if len(row) != 3:
            raise FormatError(f"{path}, line {number}", expected="OrgID,ProductName,GTIN", got=",".join(row)[:80])
        table[(row[0].strip(), row[1].strip())] = row[2].strip()
    return table


def _history(remote: Remote, gtin: str, lot: str) -> list[dict[str, Any]]:
    found = json.loads(remote.get(f"/products/{gtin}/{quote(lot, safe='')}/data"))
    history = found["facts"]["lot"]["history"]
    if not isinstance(history, list):
        raise FormatError("the node's answer", expected="a lot's history")
    return history


def _hidden(remote: Remote, key: SigningKey | None, index: int) -> dict[str, str]:
    path = f"/entries/{index}/disclosures"
    headers = {} if key is None else sign_request(key, "GET", f"{remote.url}{path}")
    try:
        fields = json.loads(remote.ask("GET", path, headers=headers).body)
    except ProofError:
        # They concern others: what the public may read is all there is.
        fields = json.loads(remote.get(path))
    return {one["name"]: str(one["value"]) for one in fields if one["state"] == "shown"}
