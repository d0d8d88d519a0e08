"""A programme with two issuers, two stations and two merchants, and residents who live by the real rules."""

from __future__ import annotations

import hashlib
from typing import Any

from rules import ORIGIN, World, key_of, open_world, possession

from contracts.rewards.accounts import person_hmac
from contracts.rewards.book import holder_of
from contracts.rewards.charge import stage
from contracts.rewards.clearing import issuer_rows, merchant_rows
from contracts.rewards.code import Code, sign_code
from contracts.rewards.coins import Purse, purse_at
from contracts.rewards.keys import (
    account_key,
    charge_key,
    coupon_key,
    funds_key,
    issuer_key,
    merchant_key,
    stock_key,
    ticket_key,
)
from ledger.genesis import encode_key

PROGRAMME = "hualien-health"
SHORT_S = 600


def terms(**changes: Any) -> dict[str, Any]:
    """Return a programme's terms."""
    activity = {"coins": 10, "per_day": 2, "name": {"zh-TW": "步行"}}
    return {
        "programme": PROGRAMME,
        "name": {"zh-TW": "花蓮健康幣"},
        "issuers": {"county": 100_000, "town": 50_000},
        "stations": {"clinic": "county", "station": "town"},
        "merchants": {"noodles": ["main", "market"], "tea": ["main"]},
        "activities": {
            "steps": activity,
            "class": {**activity, "coins": 35, "per_day": 1},
            "improved": {**activity, "coins": 50, "per_day": 1, "improvement": True},
        },
        "day_max": 100,
        "months": 2,
        "value": 100,
        "refund_permille": 950,
        "fee_permille": 10,
        "prefund_permille": 0,
        "transfers": True,
        "offline_max": 100,
        "card": {"per_charge": 20, "per_day": 30},
        **changes,
    }


def tickets(**changes: Any) -> dict[str, Any]:
    """Return the terms of a bundle: two lunches, a tea and a walk, for NT$900 instead of NT$1,100."""
    noodles, tea = {"noodles": ["main", "market"]}, {"tea": ["main"]}
    return {
        "programme": PROGRAMME,
        "offer": "day-out",
        "name": {"zh-TW": "一日遊"},
        "issuer": "town",
        "items": {
            "lunch": {"name": {"zh-TW": "午餐"}, "face": 25_000, "price": 20_000, "count": 2, "at": noodles},
            "tea": {"name": {"zh-TW": "茶"}, "face": 20_000, "price": 16_667, "count": 1, "at": tea},
            "walk": {"name": {"zh-TW": "導覽"}, "face": 40_000, "price": 33_333, "count": 1, "at": noodles | tea},
        },
        "window_days": 2,
        "fee_permille": 30,
        "transfers": True,
        "number": 50,
        "per_person": 5,
        "guarantee": {"by": "臺灣銀行信託部", "until": "2028-12-31"},
        "given_months": 3,
        "sellers": ["station"],
        **changes,
    }


def coupons(offer: str = "fifty", **changes: Any) -> dict[str, Any]:
    """Return the terms of a coupon: NT$50 off from NT$200, of which the county bears NT$40."""
    return {
        "programme": PROGRAMME,
        "offer": offer,
        "name": {"zh-TW": "折五十元"},
        "issuer": "county",
        "off": {"amount": 5_000},
        "borne_permille": 800,
        "stackable": True,
        "number": 50,
        "per_person": 3,
        "last_day": "2026-12-31",
        "open": True,
        "when": {"least": 20_000},
        **changes,
    }


def name(text: str) -> str:
    """Return the random name that a text always has in these tests."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Town:
    """A world with the programme, whose residents earn and pay.

    Attributes:
        world: the world.
    """

    def __init__(self, world: World | None = None, **changes: Any) -> None:
        self.world = world or open_world()
        for actor, role in (("clinic", "clinic"), ("station", "station"), ("noodles", "merchant"), ("tea", "merchant")):
            self.world.register("county", actor, role)
        self.world.register("county", "town", "association")
        self.world.submit("county", "programme", terms(**changes))

    def act(self, actor: str, kind: str, **body: Any) -> int:
        """Let somebody act on the programme; `more` goes to the record."""
        more = {"expires_at_s": self.world.time_ms // 1000 + SHORT_S, **body.pop("more", {})}
        return self.world.submit(actor, f"coins-{kind}", {"programme": PROGRAMME, **body}, **more)

    def open(self, resident: str, *, station: str = "clinic") -> str:
        """Open a resident's account and return its name."""
        account, key = name(resident), key_of(f"phone of {resident}")
        self.act(station, "account", account=account, person=person_hmac(b"k" * 32, resident), **keyed(account, key))
        self.world.keys[holder_of(account)] = key
        return account

    def earn(self, account: str, activity: str = "steps", *, station: str = "clinic", **body: Any) -> str:
        """Let a station give coins; return the earning."""
        earning = name(f"earning {next(self.world.numbers)}")
        self.act(station, "earning", account=account, earning=earning, activity=activity, **body)
        return earning

    def state(self, account: str) -> Any:
        """Return an account's state."""
        return self.world.get(account_key(account))

    def purse(self, account: str) -> Purse:
        """Return an account's coins as they are now."""
        return purse_at(self.state(account), self.world.time_ms)

    def funds(self, issuer: str) -> Any:
        """Return an issuer's funds."""
        return self.world.get(funds_key(PROGRAMME, issuer))

    def record(self, actor: str, kind: str, **body: Any) -> int:
        """Let somebody sign a record of the programme that has to come soon; `more` goes to the record."""
        more = {"expires_at_s": self.world.time_ms // 1000 + SHORT_S, **body.pop("more", {})}
        return self.world.submit(actor, kind, {"programme": PROGRAMME, **body}, **more)

    def ticket(self, account: str, *, offer: str = "day-out", seller: str = "town", amount: int = 90_000) -> str:
        """Sell a ticket, or give it for nothing; return its serial number."""
        ticket = name(f"ticket {next(self.world.numbers)}")
        self.record(seller, "ticket-sale", account=account, ticket=ticket, offer=offer, amount=amount)
        return ticket

    def coupon(self, account: str, offer: str = "fifty", *, giver: str = "") -> str:
        """Let a resident take a coupon, or be given one; return its serial number."""
        coupon = name(f"coupon {next(self.world.numbers)}")
        self.record(giver or holder_of(account), "coupon", account=account, coupon=coupon, offer=offer)
        return coupon

    def held(self, kind: str, serial: str, number: int = 0) -> Any:
        """Return the state of a ticket or coupon, or its `number`-th act."""
        return self.world.get((ticket_key if kind == "ticket" else coupon_key)(serial, number))

    def stock(self, offer: str) -> Any:
        """Return how much of an offer is out."""
        return self.world.get(stock_key(PROGRAMME, offer))

    def pay(
        self, account: str, total: int, *, coins: int = 0, money: int = 0, merchant: str = "noodles", **more: Any
    ) -> str:
        """Let a resident pay with several means; `items` are (ticket, item, count), `coupons` serial numbers."""
        charge = name(f"charge {next(self.world.numbers)}")
        items = [
            {"ticket": ticket, "item": item, "count": count, **self._terms("ticket", ticket)}
            for ticket, item, count in more.pop("items", ())
        ]
        shown = [{"coupon": one, **self._terms("coupon", one)} for one in more.pop("coupons", ())]
        body = {"total": total, **({"money": money} if money else {}), **more.pop("body", {})}
        beside = {name: some for name, some in (("tickets", items), ("coupons", shown)) if some}
        members = self.code(account, more.pop("ceiling", coins), charge, **more, **beside)
        self.act(merchant, "charge", merchant=merchant, branch="main", coins=coins, **members, **body)
        return charge

    def _terms(self, kind: str, serial: str) -> dict[str, Any]:
        state = self.held(kind, serial) or {"offer": "none", "version": 1}
        return {"offer": state["offer"], "version": state["version"]}

    def code(self, account: str, ceiling: int, charge: str, **more: Any) -> dict[str, Any]:
        """Return the members that a resident's code gives to a charge."""
        life_s = more.pop("life_s", 120)
        beside = {name: more[name] for name in ("tickets", "coupons") if name in more}
        more |= {name: tuple(some) for name, some in beside.items()}
        key = more.pop("key", None) or self.world.keys[holder_of(account)]
        code = Code(PROGRAMME, account, charge, ceiling, self.world.time_ms // 1000 + life_s, **more)
        return {"account": account, "charge": charge, "code": sign_code(key, ORIGIN, code), **beside}

    def charge(self, account: str, coins: int, *, ceiling: int = 0, merchant: str = "noodles", **more: Any) -> str:
        """Let a merchant charge a new code; return the charge."""
        charge = name(f"charge {next(self.world.numbers)}")
        body = more.pop("body", {})
        members = self.code(account, ceiling or coins, charge, **more)
        self.act(merchant, "charge", merchant=merchant, branch="main", coins=coins, **members, **body)
        return charge

    def on(self, actor: str, kind: str, account: str, charge: str, **body: Any) -> None:
        """Let somebody act on a charge."""
        self.act(actor, kind, account=account, charge=charge, **body)

    def stage(self, charge: str) -> str:
        """Return how a charge stands now."""
        return stage(self.world.get(charge_key(charge)), self.world.time_ms)

    def rows(self, merchant: str, month: str) -> list[Any]:
        """Return a merchant's rows of a month from its lines."""
        state = self.world.get(merchant_key(PROGRAMME, merchant, month)) or {"lines": 0}
        numbers = range(1, state["lines"] + 1)
        return merchant_rows(merchant, [self.world.get(merchant_key(PROGRAMME, merchant, month, n)) for n in numbers])

    def owed(self, issuer: str, month: str) -> list[Any]:
        """Return an issuer's rows of a month from its sums."""
        sums = {one: self.world.get(issuer_key(PROGRAMME, issuer, one, month)) for one in ("noodles", "tea")}
        return issuer_rows(issuer, sums)


def keyed(account: str, key: Any) -> dict[str, str]:
    """Return the members that give an account a key."""
    return {"key": encode_key(key.public_key), "possession": possession(key, holder_of(account))}
