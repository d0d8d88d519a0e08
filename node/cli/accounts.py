"""`fengtu account`: a person's account of coins, from its key to its last coin, and what stations do on it.

A holder's key is made by `account new` and says whose it is: commands with that key need no account's id. Stations and
who runs the programme open accounts, give coins, hand out cards and close lost phones.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import segno
import typer

from contracts.actors import possession_text
from contracts.calendar import day_of
from contracts.rewards.accounts import person_hmac
from contracts.rewards.book import HOLDER, holder_of
from contracts.rewards.charge import CODE_LIFE_S
from contracts.rewards.code import Code, encode_code, sign_code
from ledger.document import decode_json
from ledger.errors import FormatError, UnavailableError
from ledger.genesis import encode_key
from ledger.signature import SigningKey
from node.cli import acting, options
from node.cli.acting import NODE, AsJson, Node
from node.cli.keys import encode_proof
from node.files import SECRET, write_file
from node.keyfile import check_free, protect_key, read_keyfile, write_keyfile
from node.remote import Remote

commands = typer.Typer(
    help="Accounts of coins: open, look, make a code, earn, send, and what to do when a phone is lost.",
    no_args_is_help=True,
)

SOON_S = 600
"""For how long a record that moves coins may be let in."""
Programme = Annotated[str, typer.Option("--programme", help="The programme, such as hualien-health.")]
Person = Annotated[str, typer.Option(help="The person's number; it does not leave this machine.")]
PersonKey = Annotated[Path, typer.Option(help="The programme's key for people: a file of 64 hex digits.")]
Account = Annotated[str, typer.Argument(help="The account's id, 32 hex digits.")]
Origin = Annotated[
    str | None, typer.Option(help="The log it is for; the node is asked where none is given.", show_default=False)
]


@commands.command(epilog="Example: fengtu account new anna --url https://ledger.example -o anna.request.json")
def new(
    name: Annotated[str, typer.Argument(help="How you call the key on this device.")],
    *,
    output: options.Output,
    account: Annotated[
        str | None, typer.Option(help="An account that is yours already, for a new phone.", show_default=False)
    ] = None,
    origin: Origin = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Make a holder's key and the request that a station needs to open the account, or to move it to this phone.

    The key stays in a file that a passphrase protects. The request is no secret: account, public key, and the proof
    that the key is yours.
    """
    path = check_free(options.key_path(name, data))
    account = account or secrets.token_hex(16)
    passphrase = options.new_passphrase(path.parent, f"A passphrase for {path.stem}")
    key = SigningKey.generate()
    write_keyfile(path, protect_key(key, holder_of(account), passphrase))
    possession = encode_proof(key.sign(possession_text(_origin(origin, url), holder_of(account))))
    request = {"account": account, "key": encode_key(key.public_key), "possession": possession}
    write_file(output, json.dumps(request, indent=1).encode() + b"\n")
    options.say(f"{output}: show it at a station; the key is in {path}")


@commands.command(
    "open",
    epilog="Example: fengtu account open anna.request.json --programme hualien-health --person A123456789 "
    "--person-key people.key --key clinic",
)
def open_account(
    request: Annotated[Path | None, typer.Argument(help="The holder's request.", show_default="none: no phone")] = None,
    *,
    programme: Programme,
    person: Person,
    person_key: PersonKey,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Open a person's account (a station, or who runs the programme). Prints its id.

    One person has one account: the ledger gets a keyed hash of the number. Without a request the account has no phone;
    `fengtu account card` gives it a printed card.
    """
    members = {"account": secrets.token_hex(16)} if request is None else _request(request)
    content = {"programme": programme, **members, "person": _hmac(person_key, person)}
    acting.act(url, key, data, "coins-account", content)
    options.say(members["account"])


@commands.command(
    epilog="Example: fengtu account find --programme hualien-health --person A123456789 "
    "--person-key people.key --key clinic"
)
def find(
    *,
    programme: Programme,
    person: Person,
    person_key: PersonKey,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Find a person's account (a station): its id, its phones and its cards; for one who lost both."""
    found = acting.read(url, key, data, f"/programmes/{programme}/people/{_hmac(person_key, person)}")
    options.say(found["account"])
    for what in ("keys", "cards"):
        for one in found[what]:
            options.say(f"  {what[:-1]} {one}")


@commands.command(epilog="Example: fengtu account show --key anna")
def show(
    account: Annotated[
        str | None, typer.Argument(help="Its id; that of the key by default.", show_default=False)
    ] = None,
    *,
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Show the balance as it is now, and every day on which coins end."""
    found = acting.read(url, key, data, f"/accounts/{account or _own(key, data)}/now")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    balance = found["balance"]
    options.say(f"{balance['available']} coins of {found['programme']} to spend, {balance['held']} set aside")
    if balance["debt"]:
        options.say(f"  {balance['debt']} that were taken back after they were spent are still to be earned")
    for lot in sorted(found["lots"], key=lambda lot: lot["ends_ms"]):
        options.say(f"  {lot['coins']} of {lot['issuer']}, the last day is {day_of(lot['ends_ms'] - 1)}")
    for hold in found["holds"]:
        options.say(f"  {hold['coins']} set aside for charge {hold['charge']}")


@commands.command(epilog="Example: fengtu account archive --key anna -o mine.zip")
def archive(
    account: Annotated[
        str | None, typer.Argument(help="Its id; that of the key by default.", show_default=False)
    ] = None,
    *,
    output: options.Output,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Write everything that is on record of a person to one ZIP: plain facts, and a proof file for each answer."""
    found = acting.fetch(url, key, data, f"/accounts/{account or _own(key, data)}/archive")
    write_file(output, found, SECRET)
    options.say(f"{output}: {len(found)} bytes; each proof file in it is for `fengtu verify`")


@commands.command(epilog="Example: fengtu account code 50 --for noodles --key anna")
def code(
    ceiling: Annotated[int, typer.Argument(help="Up to how many coins it pays without asking you again.", min=1)],
    *,
    key: options.KeyName,
    merchant: Annotated[str | None, typer.Option("--for", help="The one merchant it pays.", show_default=False)] = None,
    seconds: Annotated[int, typer.Option(help="How long it lives.", min=10, max=CODE_LIFE_S)] = 120,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Make a code to pay with: a QR to show and digits to read out. It pays once, and a new one is made each time."""
    file, signing_key = options.open_key(key, data)
    account = _id_of(file.actor)
    with Remote(url) as remote:
        origin = acting.origin_of(remote)
        programme = json.loads(remote.read(signing_key, f"/accounts/{account}/now"))["programme"]
        made = Code(programme, account, secrets.token_hex(16), ceiling, int(time.time()) + seconds, merchant)
        text = _encoded(made, signing_key, origin)
        headers = {"Content-Type": "text/plain"}
        answer = remote.ask("POST", "/codes", body=text.encode(), headers=headers)
    digits = json.loads(answer.body)["digits"]
    _print_qr(text)
    options.say(f"{digits[:4]} {digits[4:7]} {digits[7:]}   up to {ceiling} coins, {seconds} s")
    options.say(f"charge {made.charge}")


@commands.command(epilog="Example: fengtu account voucher 40 --for noodles --key anna -o noodles.voucher")
def voucher(
    coins: Annotated[int, typer.Argument(help="How many coins it pays.", min=1)],
    *,
    key: options.KeyName,
    merchant: Annotated[str, typer.Option("--for", help="The merchant it pays.")],
    output: options.Output,
    programme: Annotated[
        str | None, typer.Option(help="The programme; needed without a network.", show_default=False)
    ] = None,
    days: Annotated[int, typer.Option(help="Until when it has to be handed in.", min=1, max=7)] = 3,
    origin: Origin = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Make a voucher for one merchant, for where there is no network: it is handed in later and paid then.

    With --programme and --origin no node is asked. Whoever gives out more vouchers than the account can pay is named by
    each one that is not.
    """
    file, signing_key = options.open_key(key, data)
    account = _id_of(file.actor)
    of = programme or acting.read(url, key, data, f"/accounts/{account}/now")["programme"]
    until_s = int(time.time()) + days * 86_400 - 60
    made = Code(of, account, secrets.token_hex(16), coins, until_s, merchant, offline=True)
    text = _encoded(made, signing_key, _origin(origin, url))
    write_file(output, text.encode() + b"\n", SECRET)
    _print_qr(text)
    options.say(f"{output}: {coins} coins for {merchant}, to be handed in by {day_of(until_s * 1000)}")


@commands.command(epilog="Example: fengtu account send 5d1e… 5 --key anna")
def send(
    to: Annotated[str, typer.Argument(help="The account that gets them.")],
    coins: Annotated[int, typer.Argument(help="How many.", min=1)],
    *,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Send coins to another account, where the programme allows it; they keep their last day."""
    account, name = _own(key, data), secrets.token_hex(16)
    programme = acting.read(url, key, data, f"/accounts/{account}/now")["programme"]
    content = {"account": account, "transfer": name, "to": [{"account": to, "coins": coins}]}
    acting.act(url, key, data, "coins-transfer", {"programme": programme, **content}, expires_in_s=SOON_S)
    options.say(f"{coins} coins sent to {to}")


@commands.command(epilog="Example: fengtu account earn 0d1e… steps --programme hualien-health --key clinic")
def earn(
    account: Account,
    activity: Annotated[str, typer.Argument(help="What was done, by the name that the programme gives it.")],
    *,
    programme: Programme,
    test: Annotated[
        str | None, typer.Option(help="The post-test that shows an improvement.", show_default=False)
    ] = None,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Give coins for an activity (a station). Prints the earning's name, by which it can be taken back."""
    earning = secrets.token_hex(16)
    content: dict[str, Any] = {"account": account, "earning": earning, "activity": activity}
    content |= {} if test is None else {"commitment": test}
    acting.act(url, key, data, "coins-earning", {"programme": programme, **content}, expires_in_s=SOON_S)
    options.say(earning)


@commands.command(
    epilog="Example: fengtu account take-back 0d1e… 3d1e… --reason 誤登 --programme hualien-health --key clinic"
)
def take_back(
    account: Account,
    earning: Annotated[str, typer.Argument(help="The earning's name.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; the holder reads it.")],
    programme: Programme,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Take an earning back. What was spent of it is made up for by the next coins that are earned."""
    content = {"programme": programme, "account": account, "earning": earning, "reason": reason}
    acting.act(url, key, data, "coins-reversal", content, expires_in_s=SOON_S)
    options.say(f"{earning} is taken back")


@commands.command(epilog="Example: fengtu account card 0d1e… --programme hualien-health --key clinic")
def card(
    account: Account,
    *,
    programme: Programme,
    close: Annotated[str | None, typer.Option(help="A card to close instead.", show_default=False)] = None,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Hand out a printed card, or close a lost one. Prints what stands on it, as text and as QR."""
    number = close or secrets.token_hex(16)
    content = {"programme": programme, "account": account, "card": number, "state": "closed" if close else "open"}
    acting.act(url, key, data, "coins-card", content)
    if close is None:
        _print_qr(f"{account}:{number}")
    options.say(f"{number} is closed" if close else f"{account}:{number}")


@commands.command(
    epilog="Example: fengtu account move 0d1e… --close all --request new.request.json "
    "--programme hualien-health --key clinic"
)
def move(
    account: Account,
    *,
    programme: Programme,
    close: Annotated[
        list[str] | None, typer.Option(help="A key to close by its thumbprint, or `all`.", show_default=False)
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="The request of the new phone (account new --account).", show_default=False)
    ] = None,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """A lost phone: close its key, and give the account to a new one. The coins stay where they are."""
    members = {} if request is None else _request(request)
    if members and members["account"] != account:
        raise FormatError("the request", expected=f"one for {account}", got=members["account"])
    shut = [*(close or ())]
    if shut == ["all"]:
        shut = acting.read(url, key, data, f"/programmes/{programme}/people/{account}")["keys"]
    content = {"programme": programme, "account": account, **members, "close": shut}
    acting.act(url, key, data, "coins-key", content)
    options.say(f"{len(shut)} closed" + (", and the new phone may pay" if members else ""))


def _hmac(person_key: Path, person: str) -> str:
    try:
        secret = bytes.fromhex(options.read(person_key).decode("ascii", errors="replace").strip())
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise FormatError("the programme's key for people", expected="64 hex digits", got=f"{len(secret)} bytes")
    return person_hmac(secret, person)


def _request(path: Path) -> dict[str, Any]:
    found = decode_json(options.read(path))
    if not isinstance(found, dict) or set(found) != {"account", "key", "possession"}:
        raise FormatError("the request", expected="account, key and possession, as `account new` writes them")
    return found


def _own(key: str, data: Path | None) -> str:
    return _id_of(read_keyfile(options.key_path(key, data)).actor)


def _id_of(actor: str) -> str:
    if not actor.startswith(HOLDER):
        raise FormatError("the key", expected="an account's, as `account new` makes it", got=actor)
    return actor.removeprefix(HOLDER)


def _origin(origin: str | None, url: str) -> str:
    if origin is not None:
        return origin
    try:
        with Remote(url) as remote:
            return acting.origin_of(remote)
    except UnavailableError as error:
        raise UnavailableError("no node to ask for the log's name", expected="--origin, or a network") from error


def _encoded(made: Code, key: SigningKey, origin: str) -> str:
    names = {"programme": made.programme, "account": made.account, "charge": made.charge}
    return encode_code({**names, "code": sign_code(key, origin, made)})


def _print_qr(text: str) -> None:
    options.say(text)
    if sys.stdout.isatty():
        segno.make_qr(text, error="l").terminal(compact=True)
