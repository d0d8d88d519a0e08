"""At the till: codes, vouchers, cards, holds and refunds; tickets, coupons, and several means at once; visit figures.

    {"do": "pay", "days": [390], "charge": "noodles-1", "who": "阿好", "at": "hualien.noodles", "coins": 40}

With `ceiling` the resident's code is for less than is charged, and the resident confirms; with `voucher` it is one that
was signed offline before; with `card` the printed card pays; with `hold_s` it is a deposit. `total`, `money`, `tickets`
and `coupons` make it one payment with several means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.rewards.book import holder_of
from contracts.rewards.code import Code, sign_code
from contracts.rewards.visits import cells_of, published
from node.demo.town import Charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from node.client import Draft
    from node.demo.town import Town

CODE_S = 120
VOUCHER_S = 3 * 86_400


def _pay(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    for who in town.people(act["who"]):
        name = act["charge"] if isinstance(act["who"], str) and act["who"] == who else f"{act['charge']}/{who}"
        yield _charge(town, act, who, name)


def _charge(town: Town, act: Mapping[str, Any], who: str, name: str) -> Draft:
    account, charge = town.account(who), town.stage.random(f"{town.programme}/charge/{name}")
    town.charges[name] = Charge(charge, who, act["at"])
    now_s = int(town.stage.timeline.now_s())
    for cell in cells_of(now_s * 1000):
        town.visitors[act["at"], town.stage.timeline.iso(act["day"]), cell].add(account)
    coins = act.get("coins", 0)
    branch, beside = act.get("branch") or town.branch(act["at"]), _beside(town, act)
    more = {key: act[key] for key in ("total", "money", "hold_s") if key in act}
    if act.get("card"):
        more["card"] = town.stage.random(f"{account}/card")
    elif act.get("voucher"):
        more["code"] = town.vouchers[name]
    else:
        code = Code(
            town.programme, account, charge, act.get("ceiling", coins), now_s + CODE_S,
            act["at"] if act.get("bound") else None, **beside,
        )  # fmt: skip
        more["code"] = sign_code(town.holder(who).key, town.stage.origin, code)
    return town.sign(
        act["at"], "coins-charge", f"charge/{name}", account=account, charge=charge, merchant=act["at"],
        branch=branch, coins=coins, **{key: list(some) for key, some in beside.items()}, **more,
    )  # fmt: skip


def _voucher(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Let a resident sign a voucher where there is no network: nothing is handed in until the shop has one again."""
    name, who = act["charge"], act["who"]
    until_s = int(town.stage.timeline.now_s()) + VOUCHER_S
    charge = town.stage.random(f"{town.programme}/charge/{name}")
    code = Code(town.programme, town.account(who), charge, act["coins"], until_s, act["at"], offline=True)
    town.vouchers[name] = sign_code(town.holder(who).key, town.stage.origin, code)
    return ()


def _beside(town: Town, act: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tickets and coupons that pay, as a charge names them."""
    tickets = tuple(
        {"ticket": town.serials[one["ticket"]][0], "offer": town.serials[one["ticket"]][1], "version": 1,
         "item": one["item"], "count": one["count"]}
        for one in act.get("tickets", ())
    )  # fmt: skip
    coupons = tuple(
        {"coupon": town.serials[one][0], "offer": town.serials[one][1], "version": 1} for one in act.get("coupons", ())
    )
    return {name: some for name, some in (("tickets", tickets), ("coupons", coupons)) if some}


def _follow(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Confirm, post, void or refund a charge: the holder confirms, the merchant does the rest."""
    charge, do = town.charges[act["charge"]], act["do"]
    account = town.account(charge.who)
    actor = holder_of(account) if do == "confirm" else charge.merchant
    more = {key: act[key] for key in ("coins", "money") if key in act}
    if do == "refund":
        more.setdefault("coins", 0)
        more["refund"] = town.stage.random(f"{charge.id}/refund/{act['source']}")
        more |= _back(town, act)
    yield town.sign(actor, f"coins-{do}", f"{do}/{act['source']}", account=account, charge=charge.id, **more)


def _back(town: Town, act: Mapping[str, Any]) -> dict[str, Any]:
    tickets = [{**one, "ticket": town.serials[one["ticket"]][0]} for one in act.get("tickets", ())]
    coupons = [town.serials[one][0] for one in act.get("coupons", ())]
    return {name: some for name, some in (("tickets", tickets), ("coupons", coupons)) if some}


def _sell(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Sell a bundle of tickets to each, or give it for nothing."""
    for who in town.people(act["who"]):
        ticket = _serial(town, act, who)
        yield town.sign(
            act["by"], "ticket-sale", f"sale/{act['source']}/{who}", account=town.account(who), ticket=ticket,
            offer=act["offer"], amount=act["amount"],
        )  # fmt: skip


def _give(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Give each a coupon; where it is open to all the holder takes it."""
    for who in town.people(act["who"]):
        account = town.account(who)
        yield town.sign(
            act.get("by") or holder_of(account), "coupon", f"coupon/{act['source']}/{who}", account=account,
            coupon=_serial(town, act, who), offer=act["offer"],
        )  # fmt: skip


def _serial(town: Town, act: Mapping[str, Any], who: str) -> str:
    """Return a new serial number, and remember it under the script's name for it."""
    name = f"{act['name']}/{who}"
    serial = town.stage.random(f"{town.programme}/serial/{name}")
    town.serials[name] = (serial, act["offer"])
    return serial


def _pay_back(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Take back what is left of a ticket that was paid for."""
    serial, _ = town.serials[act["ticket"]]
    account = town.account(act["who"])
    yield town.sign(
        act["by"], "ticket-refund", f"back/{act['source']}", account=account, ticket=serial,
        refund=town.stage.random(f"{serial}/refund/{act['source']}"), items=act["items"], amount=act["amount"],
    )  # fmt: skip


def _publish(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Publish a past day's visit figures, as far as cells are large enough."""
    day = town.stage.timeline.iso(act["of"])
    counted: dict[str, dict[str, int]] = {}
    for (merchant, when, cell), people in town.visitors.items():
        if when == day:
            counted.setdefault(merchant, {})[cell] = len(people)
    shown = {merchant: published(people) for merchant, people in counted.items()}
    figures = {merchant: cells for merchant, cells in shown.items() if cells}
    yield town.sign(town.owner, "visit-figures", f"figures/{day}", day=day, figures=figures)


TILL: dict[str, Callable[[Town, Mapping[str, Any]], Iterable[Draft]]] = {
    "voucher": _voucher,
    "pay": _pay,
    "confirm": _follow,
    "post": _follow,
    "void": _follow,
    "refund": _follow,
    "sell": _sell,
    "ticket-refund": _pay_back,
    "coupon": _give,
    "figures": _publish,
}
"""What happens at a till, by `do`."""
