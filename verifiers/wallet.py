"""What an account holds beside coins: its tickets and coupons, and what it entered for, as the private map has them.

    {"tickets": [{"ticket": "8d1e…", "offer": "day-out", "paid": true, "until_ms": null, "items": {"lunch": {"left": 1,
      "used": 1, "returned": 0, "face": 25000, "name": {…}}}, …}], "coupons": […], "releases": […]}

Everything that ever came is there with its record, used up or not. What the offers say comes from their issuers' signed
terms. That nothing was used twice is by the rules, which whoever
replays the private map holds the same facts against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.rewards.coupons import ends_of
from contracts.rewards.keys import coupon_key, entered_key, ticket_key, wallet_prefix
from contracts.rewards.tickets import until_ms
from contracts.rewards.wallet import LISTS
from ledger.errors import ProofError
from verifiers.source import checked_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifiers.source import Source, SourcedRecord
    from verifiers.terms import Offers

_LATEST = 2**63
_NAMED = {"tickets": ("ticket", "serial"), "coupons": ("coupon", "serial"), "releases": ("release",)}
"""Under which members of its record's body a thing of each kind is named."""


class Wallet:
    """What an account holds beside coins.

    Attributes:
        lists: what can be used, by kind, as JSON has it.
        came: everything that ever came, in its order.
        records: by which it came.

    Args:
        source: where facts and records come from.
        programme: the account's.
        account: whose it is.
        offers: terms of tickets and coupons.

    Raises:
        ProofError: an entry is missing, or is of another's record; or what is listed is another's, or of no offer.
    """

    def __init__(self, source: Source, programme: str, account: str, offers: Offers) -> None:
        facts = source.private_prefix(wallet_prefix(account))
        head = facts.get(0) or {**dict.fromkeys(LISTS, ()), "entries": 0}
        if set(facts) - {0} != set(range(1, head["entries"] + 1)):
            raise ProofError("what came into the wallet", expected=f"{head['entries']} things", got=len(facts) - 1)
        entries = [facts[number] for number in range(1, head["entries"] + 1)]
        source.expect_private(sorted({entry["record"] for entry in entries}))
        self.records = [_record(source, account, entry) for entry in entries]
        self.came: list[dict[str, Any]] = [
            {"record": found.id, "kind": found.record.kind, "by": found.record.issuer, "time_ms": found.time_ms,
             "what": entry["kind"], "name": entry["name"]}
            for found, entry in zip(self.records, entries, strict=True)
        ]  # fmt: skip
        self.lists: dict[str, list[dict[str, Any]]] = {
            "tickets": [_ticket(source, account, offers, name) for name in head["tickets"]],
            "coupons": [_coupon(source, account, offers, name) for name in head["coupons"]],
            "releases": [_entry(source, programme, account, release) for release in head["releases"]],
        }


def _record(source: Source, account: str, entry: Mapping[str, Any]) -> SourcedRecord:
    """Return the record by which something came, which is of this account and of that thing."""
    found = checked_private(source, entry["record"])
    body = found.document.body
    whose = body.get("to", body["account"])
    named = {body.get(name) for name in _NAMED[entry["kind"]]}
    if whose != account or entry["name"] not in named or found.time_ms != entry["time_ms"]:
        raise ProofError("what came into the wallet", expected=f"a record of {entry['name']}", got=found.record.subject)
    return found


def _ticket(source: Source, account: str, offers: Offers, name: str) -> dict[str, Any]:
    state = _held(source.private_fact(ticket_key(name)), account, name)
    terms = offers.before(_LATEST, "tickets", state["offer"], state["version"])
    items = {
        item: {
            "name": terms["items"][item]["name"], "face": terms["items"][item]["face"],
            "left": counts[0], "used": counts[1], "returned": counts[2],
        }
        for item, counts in state["items"].items()
    }  # fmt: skip
    return {
        "ticket": name, **_shown(terms), "paid": state["paid"], "guarantee": terms.get("guarantee"),
        "started_ms": state["started_ms"], "until_ms": until_ms(state, terms), "items": items,
    }  # fmt: skip


def _coupon(source: Source, account: str, offers: Offers, name: str) -> dict[str, Any]:
    state = _held(source.private_fact(coupon_key(name)), account, name)
    terms = offers.before(_LATEST, "coupons", state["offer"], state["version"])
    return {"coupon": name, **_shown(terms), "off": terms["off"], "when": terms["when"], "until_ms": ends_of(terms)}


def _entry(source: Source, programme: str, account: str, release: str) -> dict[str, Any]:
    state = source.private_fact(entered_key(programme, release, account))
    if state is None:
        raise ProofError("an entry of the account", expected=f"one in {release}", got="none")
    return {"release": release, "entry": state["entry"], "claimed": state["claimed"]}


def _held(state: Mapping[str, Any] | None, account: str, name: str) -> Mapping[str, Any]:
    if state is None or state["account"] != account:
        raise ProofError("a ticket or coupon of the account", expected=name, got="another's, or none")
    return state


def _shown(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: terms[name] for name in ("offer", "version", "issuer", "name")}
