"""`fengtu licence`: works, mandates and licences, from the picture to the statement, each act signed by whoever acts.

Acts are records of the kinds in docs/rules.md, terms are ODRL agreements (docs/odrl-profile.md). `act` hands in any of
them; the others help with those that nobody writes by hand.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.gallery import KINDS as PICTURES
from contracts.kind import nobody
from contracts.licences import KINDS
from contracts.licences.profile import decode
from contracts.licences.territories import name as territory
from ledger.document import decode_json, encode_document
from ledger.errors import FormatError
from node.cli import acting, options
from node.cli.acting import NODE, AsJson, Node
from node.files import write_file
from node.remote import Remote

commands = typer.Typer(help="Licences to works of art: register, grant, check, revoke, report.", no_args_is_help=True)

OFFER_DAYS = 30
_SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_KINDS = {kind.name: kind for kind in KINDS}

Licence = Annotated[str, typer.Argument(help="The licence's name, such as L-1.")]
Document = Annotated[Path, typer.Argument(help="The document, as `offer` wrote it.")]
SeveralSign = Annotated[str, typer.Option("--kind", help="licence, licence-revocation, work-transfer, royalties.")]
Days = Annotated[int, typer.Option(help="For how many days the offer holds.", min=1, max=365)]
Body = Annotated[Path, typer.Argument(help="The act's body as JSON (docs/rules.md).")]


@commands.command(epilog="Example: fengtu licence image waves.png --key taitung.panay")
def image(
    picture: Annotated[Path, typer.Argument(help="A PNG, JPEG or WebP file.")],
    *,
    key: options.KeyName,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Upload a work's picture; prints the hash by which the work's record names it."""
    kind = _SUFFIXES.get(picture.suffix.lower())
    if kind is None:
        raise FormatError("the picture", expected=", ".join(sorted(PICTURES)), got=picture.name)
    options.say(acting.post(url, key, data, "/images", body=options.read(picture), content_type=kind)["image"])


@commands.command(epilog="Example: fengtu licence work work.json --key taitung.panay --hidden customs=祭典專用")
def work(
    body: Body,
    *,
    key: options.KeyName,
    hidden: Annotated[
        list[str] | None, typer.Option(help="A hidden field: customs, taboos or memo, NAME=TEXT.", show_default=False)
    ] = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Register a work: title, picture, creators or people, labels."""
    fields = [one.partition("=") for one in hidden or []]
    if any(not (name and text) for name, _, text in fields):
        raise FormatError("a hidden field", expected="NAME=TEXT", got=", ".join(hidden or [])[:80])
    texts = {name: (text, False) for name, _, text in fields}
    _hand_in(url, key, data, "work", _members(body), hidden=texts)


@commands.command(epilog="Example: fengtu licence mandate mandate.json --key taitung.panay")
def mandate(body: Body, *, key: options.KeyName, url: Node = NODE, data: options.Data = None) -> None:
    """Give a mandate: who may grant in an owner's name, or represents a people, and how far."""
    _hand_in(url, key, data, "mandate", _members(body))


@commands.command(epilog="Example: fengtu licence check terms.json --url https://ledger.example")
def check(
    terms: Annotated[Path, typer.Argument(help="The terms as an ODRL agreement.")],
    *,
    as_json: AsJson = False,
    url: Node = NODE,
) -> None:
    """Say what a licence with these terms would conflict with; nothing is signed, nothing is written."""
    body = options.read(terms)
    with Remote(url) as remote:
        answer = remote.ask("POST", "/licences/check", body=body, headers={"Content-Type": "application/ld+json"})
    found = json.loads(answer.body)
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        options.say(f"{found['words']}: {'free' if found['free'] else 'not free'}")
        for one in found["conflicts"]:
            options.say(f"  {one['words']}")
    if not found["free"]:
        raise typer.Exit(1)


@commands.command(epilog="Example: fengtu licence offer terms.json -o offer.json")
def offer(
    terms: Annotated[Path, typer.Argument(help="The terms as an ODRL agreement; with --kind the body of a document.")],
    *,
    output: options.Output,
    kind: SeveralSign = "licence",
    signer: Annotated[
        list[str] | None,
        typer.Option(help="Who signs (several times).", show_default="the assigners and the assignee"),
    ] = None,
    mandate: Annotated[
        list[str] | None, typer.Option(help="By which mandate an agent signs.", show_default=False)
    ] = None,
) -> None:
    """Write the document that all parties sign, byte for byte."""
    _expect_several(kind)
    body = _members(terms)
    if kind == "licence":
        body = {"policy": body, "signers": list(signer or decode(body).parties)}
        if mandate:
            body["mandates"] = list(mandate)
    write_file(output, encode_document(id=secrets.token_hex(16), body=body))
    options.say(f"{output}: signed by {', '.join(body['signers'])}, each with `fengtu licence grant|accept {output}`")


@commands.command(epilog="Example: fengtu licence grant offer.json --key taitung.panay")
def grant(
    document: Document,
    *,
    key: options.KeyName,
    kind: SeveralSign = "licence",
    days: Days = OFFER_DAYS,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Sign a licence as one who grants it, or for whoever the key's owner has a mandate from."""
    _expect_several(kind)
    options.say(f"granted by {acting.sign(url, key, data, kind, document=document, days=days)}")


@commands.command(epilog="Example: fengtu licence accept offer.json --key taitung.tea")
def accept(
    document: Document,
    *,
    key: options.KeyName,
    kind: SeveralSign = "licence",
    days: Days = OFFER_DAYS,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Sign a licence as its licensee; the last signature makes it binding."""
    _expect_several(kind)
    options.say(f"accepted by {acting.sign(url, key, data, kind, document=document, days=days)}")


@commands.command(epilog="Example: fengtu licence revoke L-1 --last 2026-12-31 --reason breach --key taitung.panay")
def revoke(
    licence: Licence,
    *,
    key: options.KeyName,
    last: Annotated[str, typer.Option(help="The last day, today at the earliest.")],
    reason: Annotated[str, typer.Option(help="breach, cultural-harm or surrender.")],
    mandate: Annotated[
        str | None, typer.Option(help="By which mandate an agent revokes it.", show_default=False)
    ] = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Revoke a licence for the future; what was made before may be sold as agreed, but not after a breach or harm."""
    by = {} if mandate is None else {"mandate": mandate}
    _hand_in(url, key, data, "licence-revocation", {"licence": licence, "last": last, "reason": reason, **by})


@commands.command(epilog="Example: fengtu licence act licence-production made.json --key taitung.tea")
def act(
    kind: Annotated[str, typer.Argument(help="What is done: licence-production, licence-goods, own-use, …")],
    body: Body,
    *,
    key: options.KeyName,
    entered_for: Annotated[
        str | None, typer.Option("--for", help="Whose act it is, where that one does not sign.", show_default=False)
    ] = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Hand in one act of any kind of this family."""
    if kind not in _KINDS:
        raise FormatError("the act", expected=", ".join(sorted(_KINDS)), got=kind)
    _hand_in(url, key, data, kind, _members(body), entered_for=entered_for)


@commands.command(epilog="Example: fengtu licence statement 9f86… sales.json --key taitung.tea --dry-run")
def statement(
    account: Annotated[str, typer.Argument(help="The account of royalties, 32 hex digits.")],
    sales: Annotated[Path, typer.Argument(help='Sales as JSON: [{"pieces": 900, "gross": 12000000}, …], hundredths.')],
    *,
    key: options.KeyName,
    number: Annotated[int, typer.Option(help="The period, from 1.", min=1)] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it comes to.")] = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Declare a period's sales: shows each line as the rule works it out, and hands it in."""
    content = json.dumps({"number": number, "sales": decode_json(options.read(sales))}).encode()
    found = acting.post(
        url, key, data, f"/royalties/{quote(account, safe='')}/statement",
        body=content, content_type="application/json",
    )  # fmt: skip
    for line, because in zip(found["body"]["lines"], found["because"], strict=True):
        options.say(f"  {line['what']}  {line['base']}  {options.money(line['amount'])}")
        for step in because:
            options.say(f"      {' '.join(map(str, step))}")
    options.say(f"due: {options.money(found['body']['due'])}")
    if not dry_run:
        _hand_in(url, key, data, "royalty-statement", found["body"])


@commands.command(epilog="Example: fengtu licence royalties 9f86… --key taitung.panay")
def royalties(
    account: Annotated[str, typer.Argument(help="The account of royalties, 32 hex digits.")],
    *,
    key: options.KeyName,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Show an account of royalties: what was sold, what is due, what was paid."""
    found = acting.read(url, key, data, f"/royalties/{quote(account, safe='')}")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    options.say(f"{found['licence']}: {found['licensee']}, {found['terms']['currency']}")
    for one in found["statements"]:
        sums = ", ".join(f"{name} {options.money(one[name])}" for name in ("due", "paid", "received"))
        options.say(f"  {one['number']}  {one['first']} to {one['last']}  sold {options.money(one['gross'])}  {sums}")
    later = found["next"]
    options.say(f"  next: {later['number']}, {later['first']} to {later['last']}, within {later['report_days']} days")


@commands.command(epilog="Example: fengtu licence show L-1 --url https://ledger.example")
def show(licence: Licence, *, as_json: AsJson = False, url: Node = NODE) -> None:
    """Show a licence: who may use what, for what, where, until when, and where it stands."""
    with Remote(url) as remote:
        found = json.loads(remote.get(f"/licences/{quote(licence, safe='')}/data"))
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    facts = found["facts"]
    terms, standing = facts["terms"], facts["standing"]
    scope = terms["scope"]
    places = ", ".join((territory(one) or {"en": one})["en"] for one in scope["territories"])
    options.say(f"{licence}: {terms['assignee']} may use {facts['work']['work']} for {', '.join(scope['fields'])}")
    options.say(f"  in {places}, {scope['first']} to {standing['last'] or 'no end'}, granted by {_and(terms)}")
    options.say(f"  {'exclusive, ' if terms['exclusive'] else ''}{found['status']} on {standing['day']}")
    if facts["revoked"]:
        gone = facts["revoked"]
        options.say(f"  {gone['licence']} was revoked on {gone['on']}, last day {gone['last']} ({gone['reason']})")
    for one in facts["mandates"]:
        options.say(f"  mandate {one['mandate']}: {one['holder']} for {one['principal']}")


def _and(terms: dict[str, Any]) -> str:
    return " and ".join(terms["assigners"])


def _members(path: Path) -> dict[str, Any]:
    members = decode_json(options.read(path))
    if not isinstance(members, dict):
        raise FormatError("the body", expected="a JSON object", got=type(members).__name__)
    return members


def _expect_several(kind: str) -> None:
    several = sorted(name for name, one in _KINDS.items() if one.parties is not nobody)
    if kind not in several:
        raise FormatError("what several sign", expected=", ".join(several), got=kind)


def _hand_in(url: str, key: str, data: Path | None, kind: str, body: dict[str, Any], **more: Any) -> None:
    acting.act(url, key, data, kind, body, **more)
    options.say(f"{kind} is on record")
