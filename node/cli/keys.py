"""`fengtu key`: the keys that actors sign with."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Annotated

import typer

from contracts.actors import possession_text
from ledger.genesis import encode_key
from ledger.signature import SigningKey
from node.cli import options
from node.keyfile import KeyFile, check_free, protect_key, read_keyfile, write_keyfile

commands = typer.Typer(help="The keys that actors sign with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The key's name, or the path of its file.")]


@commands.command(epilog="Example: fengtu key new farm-17 --actor hsinchu.farm-17")
def new(
    name: Name,
    *,
    actor: Annotated[str | None, typer.Option(help="Whose key it is; the name by default.", show_default=False)] = None,
    data: options.Data = None,
) -> None:
    """Make a signing key, in a file that a passphrase protects.

    The passphrase is FENGTU_PASSPHRASE or asked for twice. Nobody can bring back a key whose passphrase is lost.
    """
    path = check_free(options.key_path(name, data))
    passphrase = options.new_passphrase(path.parent, f"A passphrase for {path.stem}")
    file = protect_key(SigningKey.generate(), actor or path.stem, passphrase)
    write_keyfile(path, file)
    options.note(f"The key is in {path}. Whoever registers you needs `fengtu key show {name} --origin LOG`.")
    _show(file, None)


@commands.command(epilog="Example: fengtu key show farm-17 --origin log.example/hsinchu")
def show(
    name: Name,
    *,
    origin: Annotated[
        str | None,
        typer.Option(
            help="Also prove to this log that the key is yours (asks for the passphrase).", show_default=False
        ),
    ] = None,
    data: options.Data = None,
) -> None:
    """Print a key's public half: actor, public key, thumbprint; with --origin the proof that registration asks for."""
    if origin is None:
        _show(read_keyfile(options.key_path(name, data)), None)
        return
    file, key = options.open_key(name, data)
    _show(file, encode_proof(key.sign(possession_text(origin, file.actor))))


def _show(file: KeyFile, possession: str | None) -> None:
    members = {"actor": file.actor, "public_key": encode_key(file.public_key), "kid": file.kid.hex()}
    if possession is not None:
        members["possession"] = possession
    options.say(json.dumps(members, indent=1))


def encode_proof(signature: bytes) -> str:
    """Return a proof of possession as records hold it."""
    return urlsafe_b64encode(signature).decode().rstrip("=")
