"""`fengtu agreement`: contract-farming agreements, from a draft to what is due, each act signed by whoever acts.

Acts are records of the kinds in docs/rules.md. `act` hands in any of them; `draft`, `offer`, `sign` and `settle` help
with those whose document nobody writes by hand.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from contracts.agreements.life import KINDS_OF_LIFE
from contracts.calendar import day_of
from ledger.document import decode_json, encode_document
from ledger.errors import FormatError
from node.cli import acting, options
from node.cli.acting import NODE, AsJson, Node
from node.files import write_file

commands = typer.Typer(help="Contract-farming agreements: list, read, draft, sign, act, settle.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The agreement's id, 32 hex digits.")]
OFFER_DAYS = 30


@commands.command("list", epilog="Example: fengtu agreement list --key pingtung.frozen --words 毛豆 --stage growing")
def list_agreements(
    *,
    key: options.KeyName,
    words: Annotated[str, typer.Option(help="What the crop, season, partner or id has in it.")] = "",
    stage: Annotated[str, typer.Option(help="Only those that stand there, such as growing.")] = "",
    first: Annotated[int, typer.Option(help="The first row.", min=1)] = 1,
    as_json: AsJson = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """List the agreements that concern a key's owner, the one acted on last first."""
    query = urlencode({"words": words, "stage": stage, "first": first})
    found = acting.read(url, key, data, f"/agreements?{query}")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for one in found["agreements"]:
        people = f"{one['purchaser']} – {', '.join(one['growers'])}"
        stands = one["stage"] + (", in dispute" if one["disputed"] else "")
        options.say(f"{one['agreement']}  {one['crop']} {one['season']}  {people}  {stands}")
    after = first + len(found["agreements"])
    more = f"; more with --first {after}" if after <= found["count"] else ""
    options.note(f"{len(found['agreements'])} of {found['count']}{more}")


@commands.command(epilog="Example: fengtu agreement show 9f86… --key pingtung.lin")
def show(
    agreement: Id, *, key: options.KeyName, as_json: AsJson = False, url: Node = NODE, data: options.Data = None
) -> None:
    """Show what is on record of an agreement: where it stands, deliveries, sums, what is due."""
    found = acting.read(url, key, data, f"/agreements/{agreement}/data")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    facts = found["facts"]
    terms, quantity = facts["terms"], facts["quantity"]
    options.say(f"{terms['crop']} {terms['season']}: {terms['purchaser']} – {', '.join(terms['growers'])}")
    options.say(f"  {found['status']}; {quantity['delivered_g']} g delivered, {quantity['rejected_g']} g rejected")
    for one in facts["settlements"]:
        options.say(
            f"  {one['settlement']} of {day_of(one['time_ms'])}: {options.money(one['total'])} {terms['currency']}"
        )
        paid = {each["grower"]: each for each in one["payments"]}
        for grower, amount in one["sums"]:
            state = f"paid {day_of(paid[grower]['paid_ms'])}" if grower in paid else f"due {day_of(one['due_ms'])}"
            options.say(f"    {grower} {options.money(amount)}, {state}")
    kept = facts["guarantee"]
    options.say("  the guarantee was kept" if kept["kept"] else f"  open: {'; '.join(kept['left'])}")
    _say_due(facts["due"])


@commands.command(epilog="Example: fengtu agreement due 9f86… --key pingtung.lin")
def due(
    agreement: Id, *, key: options.KeyName, as_json: AsJson = False, url: Node = NODE, data: options.Data = None
) -> None:
    """Say what is due under an agreement, the soonest first."""
    found = acting.read(url, key, data, f"/agreements/{agreement}/due")
    if as_json:
        options.say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    _say_due(found["due"])


@commands.command(epilog="Example: fengtu agreement draft terms.json --key pingtung.frozen")
def draft(
    terms: Annotated[Path, typer.Argument(help="The terms as JSON (docs/rules.md).")],
    *,
    key: options.KeyName,
    agreement: Annotated[str | None, typer.Option("--id", help="Its id, to draft it anew.", show_default=False)] = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Draft an agreement's terms; prints the id by which it is named from then on."""
    name = agreement or secrets.token_hex(16)
    acting.act(url, key, data, "agreement-draft", {"agreement": name, "terms": decode_json(options.read(terms))})
    options.say(name)


@commands.command(epilog="Example: fengtu agreement offer 9f86… --key pingtung.frozen -o offer.json")
def offer(
    agreement: Id, *, key: options.KeyName, output: options.Output, url: Node = NODE, data: options.Data = None
) -> None:
    """Write the document that all parties sign, byte for byte: the terms as they were drafted last."""
    facts = acting.read(url, key, data, f"/agreements/{agreement}/data")["facts"]
    write_file(
        output, encode_document(id=secrets.token_hex(16), body={"agreement": agreement, "terms": facts["terms"]})
    )
    options.say(f"{output}: each party signs it with `fengtu agreement sign {output}`")


@commands.command(epilog="Example: fengtu agreement sign offer.json --key pingtung.lin")
def sign(
    document: Annotated[Path, typer.Argument(help="The document, as `offer` wrote it.")],
    *,
    key: options.KeyName,
    kind: Annotated[str, typer.Option(help="agreement, agreement-amendment, agreement-dispute-end.")] = "agreement",
    days: Annotated[int, typer.Option(help="For how many days the offer holds.", min=1, max=365)] = OFFER_DAYS,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Sign a document that several parties sign; the last signature makes it binding."""
    options.say(f"signed by {acting.sign(url, key, data, kind, document=document, days=days)}")


@commands.command(epilog="Example: fengtu agreement act delivery delivery.json --id 9f86… --key pingtung.lin")
def act(
    kind: Annotated[str, typer.Argument(help="What is done: fairness, growing, delivery, grading, …")],
    body: Annotated[Path | None, typer.Argument(help="The act's body as JSON.", show_default="an empty one")] = None,
    *,
    agreement: Annotated[str, typer.Option("--id", help="The agreement's id.")],
    key: options.KeyName,
    entered_for: Annotated[
        str | None, typer.Option("--for", help="Whose act it is, where that one does not sign.", show_default=False)
    ] = None,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Hand in one act on an agreement."""
    name = f"agreement-{kind}"
    if name not in KINDS_OF_LIFE:
        known = ", ".join(sorted(one.removeprefix("agreement-") for one in KINDS_OF_LIFE if one != "agreement"))
        raise FormatError("the act", expected=known, got=kind)
    members = {} if body is None else decode_json(options.read(body))
    if not isinstance(members, dict):
        raise FormatError("the act's body", expected="a JSON object", got=type(members).__name__)
    acting.act(url, key, data, name, {"agreement": agreement, **members}, entered_for=entered_for)
    options.say(f"{kind} is on record")


@commands.command(epilog="Example: fengtu agreement settle 9f86… S-1 --delivery D-1 --key pingtung.frozen")
def settle(
    agreement: Id,
    settlement: Annotated[str, typer.Argument(help="The settlement's name, such as S-1.")],
    *,
    key: options.KeyName,
    delivery: Annotated[list[str] | None, typer.Option(help="A delivery (several times).", show_default=False)] = None,
    final: Annotated[bool, typer.Option("--final", help="It is the season's last one.")] = False,
    proceeds: Annotated[int, typer.Option(help="What a pool's goods fetched, minor units.", min=0)] = 0,
    costs: Annotated[int, typer.Option(help="What selling them cost, minor units.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it comes to.")] = False,
    url: Node = NODE,
    data: options.Data = None,
) -> None:
    """Settle deliveries: shows each line as the rule computes it, and hands it in."""
    pairs: list[tuple[str, Any]] = [("delivery", one) for one in delivery or []]
    pairs += [("settlement", settlement), ("final", str(final).lower()), ("proceeds", proceeds), ("costs", costs)]
    content = acting.read(url, key, data, f"/agreements/{agreement}/settlement?{urlencode(pairs)}")
    for line in content["lines"]:
        place = " ".join(line[name] for name in ("what", "grower", "delivery", "grade") if line[name])
        weighed = f"  {line['grams']} g × {options.money(line['per_kg'])}" if line["grams"] else ""
        options.say(f"  {place}{weighed}  {options.money(line['amount'])}")
    for one in content["sums"]:
        options.say(f"{one['grower']}: {options.money(one['amount'])}")
    if not dry_run:
        acting.act(url, key, data, "agreement-settlement", content)
        options.say(f"{settlement} is on record")


def _say_due(found: list[dict[str, Any]]) -> None:
    for one in found:
        by = f" by {day_of(one['by_ms'])}" if one["by_ms"] else ""
        what = f"{one['what']} {one['about']}".strip()
        amount = f" {options.money(one['amount'])} to {one['to']}" if one["amount"] is not None else ""
        options.say(f"  due: {what}{amount}, {one['who']}{by}{' (late)' if one['late'] else ''}")
    if not found:
        options.say("  nothing is due")
