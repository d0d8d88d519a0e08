"""A key's owner at a node: what commands read as that one, and what they hand in.

read(url, "pingtung.lin", None, "/agreements/9f86…/data")
act(url, "noodles", None, "coins-void", {"programme": …, "account": …, "charge": …}, expires_in_s=600)
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.signed import sign_request
from ledger.document import decode_document
from ledger.note import decode_vkey
from node.cli import options
from node.client import Party, hand_in
from node.remote import Remote

if TYPE_CHECKING:
    from pathlib import Path

    from node.client import Draft, Hidden

NODE = "http://127.0.0.1:8000"
DAY_S = 86_400
Node = Annotated[str, typer.Option("--url", help="The node.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def origin_of(remote: Remote) -> str:
    """Return the name of a node's log."""
    return decode_vkey(remote.get("/log/vkey", 1024).decode(errors="replace").strip()).name


def party_of(remote: Remote, key: str, data: Path | None) -> Party:
    """Return a key's owner at a node."""
    file, signing_key = options.open_key(key, data)
    return Party(file.actor, signing_key, origin_of(remote), time.time)


def read(url: str, key: str, data: Path | None, path: str) -> Any:
    """Return what a key's owner may read, as JSON says it."""
    return json.loads(fetch(url, key, data, path))


def fetch(url: str, key: str, data: Path | None, path: str) -> bytes:
    """Return the bytes of what a key's owner may read."""
    with Remote(url) as remote:
        return remote.read(options.open_key(key, data)[1], path)


def post(url: str, key: str, data: Path | None, path: str, *, body: bytes, content_type: str) -> Any:
    """Send a signed request with a body, and return what the answer's JSON says."""
    with Remote(url) as remote:
        signer = options.open_key(key, data)[1]
        headers = sign_request(signer, "POST", f"{remote.url}{path}", body=body, headers={"Content-Type": content_type})
        return json.loads(remote.ask("POST", path, body=body, headers=headers).body)


def act(
    url: str,
    key: str,
    data: Path | None,
    kind: str,
    body: dict[str, Any],
    *,
    hidden: Hidden | None = None,
    entered_for: str | None = None,
    expires_in_s: int | None = None,
    source: str | None = None,
) -> None:
    """Sign a record and hand it in.

    Raises:
        FengtuError: it was not let in, and why.
    """
    with Remote(url) as remote:
        party = party_of(remote, key, data)
        submit(
            remote,
            party.draft(kind, body, hidden=hidden, entered_for=entered_for, expires_in_s=expires_in_s, source=source),
        )


def sign(url: str, key: str, data: Path | None, kind: str, *, document: Path, days: int) -> str:
    """Sign a document that several sign, hand it in, and return whose signature it is.

    Args:
        url: the node.
        key: the key's name or file.
        data: the data folder, where keys are found by name.
        kind: of the document.
        document: its file, byte for byte what the others sign.
        days: for how many days the offer holds.

    Raises:
        FengtuError: it was not let in, and why.
    """
    text = options.read(document)
    decode_document(text)
    with Remote(url) as remote:
        party = party_of(remote, key, data)
        submit(remote, party.sign(kind, text, expires_in_s=days * DAY_S))
    return party.actor


def submit(remote: Remote, one: Draft) -> None:
    """Hand in a record.

    Raises:
        FengtuError: it was not let in, and why.
    """
    error = hand_in(remote, [one])[0].error
    if error is not None:
        raise error
