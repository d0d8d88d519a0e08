"""`fengtu sign` and `fengtu submit`: making a record and handing it in."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from ledger.errors import FormatError
from ledger.note import decode_vkey
from node.cli import options
from node.files import SECRET, write_file
from node.remote import Remote
from node.settings import FILE_NAME, data_folder
from node.submission import decode_disclosures, draft, encode_disclosures, register, sign_document, submission

commands = typer.Typer()


@commands.command(epilog="Example: fengtu sign --kind lot --key farm-17 lot.json -o lot.cose")
def sign(
    document: Annotated[Path, typer.Argument(help="JSON: a document in full, or its bare body.")],
    *,
    kind: Annotated[str, typer.Option(help="What the document is, such as `lot`.")],
    key: options.KeyName,
    output: options.Output,
    expires: Annotated[
        int | None, typer.Option(help="Seconds from now until which it may be let in.", show_default=False)
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option(help="A hidden field, name=value (several times).", metavar="NAME=VALUE", show_default=False),
    ] = None,
    client_id: Annotated[
        str | None, typer.Option("--id", help="The document's id; a fresh one by default.", show_default=False)
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="The log it is for; that of --url or --data by default.", show_default=False)
    ] = None,
    data: options.Data = None,
    url: options.Url = None,
) -> None:
    """Sign a record over a document.

    A bare body gets an id and a nonce; the document is then kept beside the record, as RECORD.document.json, and must
    be kept: the record commits to its bytes. Hidden fields' texts are kept in RECORD.disclosures.json.
    """
    log = origin or _origin(data, url)
    file, signing_key = options.open_key(key, data)
    drafted = draft(options.read(document), dict(_hidden(one) for one in hide or []), client_id=client_id)
    statement = sign_document(
        signing_key,
        drafted.document,
        kind=kind,
        actor=file.actor,
        origin=log,
        now_s=int(time.time()),
        expires_in_s=expires,
    )
    if drafted.made:
        write_file(_beside(output, "document"), drafted.document.data)
        options.note(f"The document is in {_beside(output, 'document')}.")
    if drafted.disclosures:
        write_file(_beside(output, "disclosures"), encode_disclosures(drafted.disclosures), SECRET)
        options.note(f"The hidden fields' texts are in {_beside(output, 'disclosures')}.")
    write_file(output, statement)
    options.say(f"{output}: {kind} {drafted.document.id} by {file.actor} for {log}")


@commands.command(epilog="Example: fengtu submit lot.cose --url http://127.0.0.1:8000 -o lot.receipt.cose")
def submit(
    record: Annotated[Path, typer.Argument(help="The signed record.")],
    document: Annotated[Path | None, typer.Argument(help="Its document.", show_default="RECORD.document.json")] = None,
    *,
    url: Annotated[str, typer.Option(help="The node that takes it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to keep the transparent statement.", show_default=False)
    ] = None,
    disclose: Annotated[
        Path | None,
        typer.Option(
            help="Texts of hidden fields to hand over.", show_default="RECORD.disclosures.json where there is one"
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The key that reads a private record's proof.", show_default=False)
    ] = None,
) -> None:
    """Register a record and keep the transparent statement: the record with the log's receipt in it.

    Handing in the same record again is safe: the first answer comes again. A private record has no receipt; with --key
    its proof file is kept instead, once the log has sealed it, which it does on the minute.
    """
    beside = _beside(record, "disclosures")
    texts = disclose or (beside if beside.exists() else None)
    item = submission(
        options.read(record),
        options.read(document or _beside(record, "document")),
        decode_disclosures(options.read(texts)) if texts is not None else [],
    )
    with Remote(url) as remote:
        registered = register(remote, item, key=None if key is None else options.open_key(key, None)[1])
    again = ", as before" if registered.repeated else ""
    if registered.proof is None:
        options.say(f"registered as {registered.id}{again}")
        if output is not None:
            why = (
                "a private record is read with its --key" if registered.private and key is None else "no seal came yet"
            )
            options.note(f"{output} is not written: {why}. The same command again writes it.")
        return
    if output is not None:
        write_file(output, registered.proof)
    what = "the proof file" if registered.private else "the receipt"
    options.say(f"registered as {registered.id}{again}; {what} holds" + (f", in {output}" if output else ""))


def _beside(record: Path, what: str) -> Path:
    return record.with_name(f"{record.name}.{what}.json")


def _hidden(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise FormatError("--hide", expected="name=value", got=repr(text)[:80])
    return name, value


def _origin(data: Path | None, url: str | None) -> str:
    """Return the log's name from where the command line points to."""
    if url is not None:
        with Remote(url) as remote:
            return decode_vkey(remote.get("/log/vkey", 1024).decode(errors="replace").strip()).name
    if data is None and not (data_folder(None) / FILE_NAME).exists():
        raise FormatError("the log it is for", expected="--origin, --url or --data", got="none of them")
    return options.settings_of(data).origin
