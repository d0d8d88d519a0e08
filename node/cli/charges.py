"""`fengtu charge`: at the till. Charge a code, digits, a card or vouchers; confirm, post, void, refund.

The answer is final in one request. A charge above the code's ceiling waits for the holder's word, five minutes at most.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from contracts.rewards.code import PREFIX, decode_code
from ledger.errors import FormatError
from node.cli import acting, options
from node.cli.accounts import SOON_S
from node.cli.acting import NODE, AsJson, Node
from node.cli.sentences import FAILED, sentence
from node.client import hand_in
from node.keyfile import read_keyfile
from node.remote import Remote

commands = typer.Typer(help="At the till: take, confirm, post, void, refund, hand in vouchers.", no_args_is_help=True)

Charge = Annotated[str, typer.Argument(help="The charge's id, 32 hex digits.")]
Coins = Annotated[int, typer.Argument(help="How many coins.", min=1)]
Branch = Annotated[str, typer.Option(help="Which till of the merchant.")]


@commands.command(epilog="Example: fengtu charge take 30 --by 4071935528 --key noodles")
def take(
    coins: Coins,
    *,
    by: Annotated[str, typer.Option(help="The code as scanned (FT1.…), its ten digits, or a card (account:number).")],
    branch: Branch = "main",
    hold: Annotated[
        int | None, typer.Option(help="Only set aside, for so many seconds (a deposit).", show_default=False)
    ] = None,
    programme: Annotated[str | None, typer.Option(help="The programme, for a card.", show_default=False)] = None,
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Charge coins. Says whether they are paid, set aside, or waiting for the holder's word."""
    members = _shown(by, programme, url, key, data)
    content = {**members, "merchant": _merchant(key, data), "branch": branch, "coins": coins}
    content |= {} if hold is None else {"hold_s": hold}
    # The code's nonce names the record too: signing again after a time-out is the same charge.
    acting.act(url, key, data, "coins-charge", content, expires_in_s=SOON_S, source=f"charge {members['charge']}")
    _say(url, key, data, members["charge"], as_json=as_json)


@commands.command(epilog="Example: fengtu charge show 6d1e… --key noodles")
def show(
    charge: Charge, *, key: options.KeyName, as_json: AsJson = False, url: Node = NODE, data: options.Data = None
) -> None:
    """Say how a charge stands now."""
    _say(url, key, data, charge, as_json=as_json)


@commands.command(epilog="Example: fengtu charge confirm 6d1e… 80 --key anna")
def confirm(charge: Charge, coins: Coins, *, key: options.KeyName, url: Node = NODE, data: options.Data = None) -> None:
    """Say yes to a charge above your code's ceiling (the holder), to the very sum."""
    _follow(url, key, data, "confirm", charge, coins=coins)


@commands.command(epilog="Example: fengtu charge post 6d1e… 20 --key noodles")
def post(charge: Charge, coins: Coins, *, key: options.KeyName, url: Node = NODE, data: options.Data = None) -> None:
    """Take what was set aside, in whole or in part, once; the rest goes back at once."""
    _follow(url, key, data, "post", charge, coins=coins)


@commands.command(epilog="Example: fengtu charge void 6d1e… --key noodles")
def void(charge: Charge, *, key: options.KeyName, url: Node = NODE, data: options.Data = None) -> None:
    """Let go of what was set aside; the holder says no to what waits for their word in the same way."""
    _follow(url, key, data, "void", charge)


@commands.command(epilog="Example: fengtu charge refund 6d1e… 10 --key noodles")
def refund(charge: Charge, coins: Coins, *, key: options.KeyName, url: Node = NODE, data: options.Data = None) -> None:
    """Give coins back into the lots they came from."""
    _follow(url, key, data, "refund", charge, coins=coins, refund=secrets.token_hex(16))


@commands.command(epilog="Example: fengtu charge upload vouchers.txt --key noodles")
def upload(
    vouchers: Annotated[Path, typer.Argument(help="A file of vouchers, one a line, as they were shown.")],
    *,
    branch: Branch = "main",
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Hand in vouchers that were taken without a network. The same file again is safe.

    A voucher that the account cannot pay any more is on record as unpaid, under the name of the account that signed it.
    """
    lines = [line.strip() for line in options.read(vouchers).decode("ascii", errors="replace").splitlines()]
    shown = [decode_code(line) for line in lines if line]
    merchant, unpaid = _merchant(key, data), 0
    with Remote(url) as remote:
        party = acting.party_of(remote, key, data)
        drafts = [
            party.draft(
                "coins-charge",
                {**one, "merchant": merchant, "branch": branch, "coins": one["code"]["ceiling"]},
                expires_in_s=SOON_S, source=f"charge {one['charge']}",
            )
            for one in shown
        ]  # fmt: skip
        outcomes = hand_in(remote, drafts)
    for one, outcome in zip(shown, outcomes, strict=True):
        if outcome.error is not None:
            options.say(f"{one['charge']}  {sentence(outcome.error)}")
            unpaid += 1
            continue
        found = acting.read(url, key, data, f"/redemptions/{one['charge']}/now")
        unpaid += found["stage"] == "unpaid"
        by = f", signed by account {found['account']}" if found["stage"] == "unpaid" else ""
        options.say(f"{one['charge']}  {found['stage']}, {found['posted']} coins{by}")
    if unpaid:
        options.note(f"{unpaid} of {len(shown)} are not paid")
        raise typer.Exit(FAILED)


@commands.command("list", epilog="Example: fengtu charge list hualien-health --month 2026-11 --key noodles")
def list_charges(
    programme: Annotated[str, typer.Argument(help="The programme.")],
    *,
    month: Annotated[str, typer.Option(help="The month, such as 2026-11; this one by default.")] = "",
    first: Annotated[int, typer.Option(help="The first row, the newest is 1.", min=1)] = 1,
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """List a merchant's payments and refunds, the newest first, with today's total."""
    found = acting.read(url, key, data, f"/programmes/{programme}/till?month={month}&first={first}")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    today = found["today"]
    options.say(f"today {today['coins']} coins: {today['charges']} payments, {today['refunds']} refunds")
    for line in found["lines"]:
        options.say(
            f"  {line['charge']}  {line['coins']:+,} coins  {line['branch']}{'  refund' if line['refund'] else ''}"
        )
    options.note(f"{len(found['lines'])} of {found['count']} in {found['month']}")


def _shown(by: str, programme: str | None, url: str, key: str, data: Path | None) -> dict[str, Any]:
    """Return the members that what was shown gives to a charge."""
    if by.startswith(PREFIX):
        return decode_code(by)
    account, separator, card = by.partition(":")
    if separator:
        if programme is None:
            raise FormatError("a card", expected="--programme", got="none")
        return {"programme": programme, "account": account, "card": card, "charge": secrets.token_hex(16)}
    digits = "".join(by.split())
    return decode_code(acting.read(url, key, data, f"/codes/{digits}")["code"])


def _merchant(key: str, data: Path | None) -> str:
    return read_keyfile(options.key_path(key, data)).actor


def _follow(url: str, key: str, data: Path | None, kind: str, charge: str, **members: Any) -> None:
    found = acting.read(url, key, data, f"/redemptions/{charge}/now")
    content = {"programme": found["programme"], "account": found["account"], "charge": charge, **members}
    acting.act(url, key, data, f"coins-{kind}", content, expires_in_s=SOON_S)
    _say(url, key, data, charge, as_json=False)


def _say(url: str, key: str, data: Path | None, charge: str, *, as_json: bool) -> None:
    found = acting.read(url, key, data, f"/redemptions/{charge}/now")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    paid = found["posted"] - found["refunded"]
    waits = {
        "pending": f"{found['coins']} coins wait for the holder: fengtu charge confirm {charge} {found['coins']}",
        "held": f"{found['coins']} coins are set aside: fengtu charge post {charge} {found['coins']}",
        "lapsed": "not paid: the time ran out",
        "voided": "not paid: it was let go",
        "unpaid": f"not paid: account {found['account']} had too few coins",
        "posted": f"{paid} coins paid to {found['merchant']}"
        + (f", {found['refunded']} refunded" if found["refunded"] else ""),
    }
    options.say(f"{charge}  {waits.get(found['stage'], found['stage'])}")
