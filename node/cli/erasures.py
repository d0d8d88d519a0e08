"""`fengtu erase`: a hidden field's text goes for good; the proofs still hold."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import Annotated

import typer

from ledger.disclosure import open_disclosure
from ledger.document import decode_document, encode_document
from node.cli import options
from node.erasing import forget
from node.submission import sign_document

commands = typer.Typer()

DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")
WAIT_S = 60


@commands.command(
    # A digest may begin with a dash.
    context_settings={"ignore_unknown_options": True},
    epilog='Example: fengtu erase pDgs…3Q --key operator --authority "PDPA §11" --reason "asked for" --data data',
)
def erase(
    disclosure: Annotated[str, typer.Argument(help="The disclosure's digest, as the document holds it, or its text.")],
    *,
    key: options.KeyName,
    reason: Annotated[str, typer.Option(help="Why, in words that may stay for ever.")],
    authority: Annotated[str, typer.Option(help="By what right.")] = "個人資料保護法 §11",
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Erase a hidden field: a record says so, then the key of its text is deleted and its ciphertext with it.

    The node may run meanwhile. Copies of DATA/vault.db that you keep still hold the key until they end.
    """
    digest = disclosure if DIGEST.fullmatch(disclosure) else open_disclosure(disclosure).digest
    file, signing_key = options.open_key(key, data)
    with options.opened(data, database) as ledger:
        body = {"digest": digest, "authority": authority, "reason": reason}
        document = decode_document(encode_document(id=f"erase-{digest}", body=body, nonce=digest[:21] + "A"))
        statement = sign_document(
            signing_key,
            document,
            kind="erasure",
            actor=file.actor,
            origin=ledger.log.origin,
            now_s=int(time.time()),
        )
        ledger.log.start()
        try:
            answer = ledger.log.submit(statement, document.data).result(WAIT_S)
        finally:
            ledger.log.close()
        with closing(ledger.open_vault()) as vault:
            known = forget(ledger.store, vault, digest)
    options.say(f"erased {digest}: record {answer.id}" + ("" if known else "; its key was not here"))
