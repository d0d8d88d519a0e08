"""What an account holds beside coins: its tickets and coupons, and what it entered for, as the private map has them.

    {"tickets": [{"ticket": "8d1e…", "offer": "day-out", "paid": true, "until_ms": null, "items": {"lunch": {"left": 1,
      "used": 1, "returned": 0, "face": 25000, "name": {…}}}, …}], "coupons": […], "releases": […]}

What the offers say comes from their issuers' signed terms. That nothing was used twice is by the rules, which whoever
replays the private map holds the same facts against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.rewards.coupons import ends_of
from contracts.rewards.keys import coupon_key, entered_key, ticket_key, wallet_key
from contracts.rewards.tickets import until_ms
from ledger.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifiers.source import Source
    from verifiers.terms import Offers

_LATEST = 2**63
_LISTS = ("tickets", "coupons", "releases")


def read_wallet(source: Source, programme: str, account: str, offers: Offers) -> dict[str, list[dict[str, Any]]]:
    """Return what an account holds beside coins.

    Raises:
        ProofError: its wallet lists what is another's, or of no offer.
    """
    listed = source.private_fact(wallet_key(account)) or dict.fromkeys(_LISTS, ())
    return {
        "tickets": [_ticket(source, account, offers, name) for name in listed["tickets"]],
        "coupons": [_coupon(source, account, offers, name) for name in listed["coupons"]],
        "releases": [_entry(source, programme, account, release) for release in listed["releases"]],
    }


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
