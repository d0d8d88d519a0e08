"""The tickets and coupons that one act moves, and what it writes of them: beside the books, by the same act.

    basket = Basket(book)
    basket.add("tickets", ticket, state, amount)
    basket.use_ticket(ticket, account, "lunch", 1)
    return [*book.close(about), *basket.close(about)]

A ticket or coupon stands under its serial number, is listed in the wallet of the account that holds it while anything
of it is left, and is counted in its offer's stock:

    issued = open + used + returned, in hundredths of the currency for tickets, in pieces for coupons
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.calendar import month_of
from contracts.rewards.book import holder_of
from contracts.rewards.keys import coupon_key, had_key, ticket_key
from contracts.rewards.offers import offer_of
from contracts.rewards.tickets import give_back, left, unuse, use, worth
from contracts.rewards.wallet import Wallet, open_wallet
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.rewards.book import Book

NEVER = "never"
_KEYS: dict[str, Callable[..., bytes]] = {"tickets": ticket_key, "coupons": coupon_key}


@dataclass(slots=True)
class Basket:
    """What an act moves of tickets and coupons.

    Attributes:
        book: the books of the act.
    """

    book: Book
    _held: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _wallets: dict[str, Wallet] = field(default_factory=dict)
    _had: dict[bytes, tuple[int, str]] = field(default_factory=dict)

    def terms(self, kind: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the version of an offer's terms that a ticket or coupon keeps."""
        return offer_of(self.book.act, state["offer"], kind, state["version"])

    def add(self, kind: str, name: str, state: dict[str, Any], amount: int) -> None:
        """Put a new ticket or coupon into a wallet.

        Args:
            kind: `tickets` or `coupons`.
            name: its serial number.
            state: of which nothing was used.
            amount: what of its offer's stock it is.

        Raises:
            RefusedError: the serial number is used, the offer or this person's part of it is used up.
        """
        act, terms, account = self.book.act, self.terms(kind, state), state["account"]
        act.expect(act.facts.get(_KEYS[kind](name)) is None, "offers.serial", "this serial number is used", got=name)
        stock, key = self.book.stock(terms), had_key(terms["programme"], terms["offer"], account)
        had = 1 + (act.facts.get(key) or {"had": 0})["had"]
        act.expect(
            stock["number"] < terms["number"], "offers.sold-out", "there are no more of these", expected=terms["number"]
        )
        act.expect(
            had <= terms["per_person"],
            "offers.per-person",
            "one person has no more of these",
            expected=terms["per_person"],
            got=had,
        )
        stock["number"] += 1
        self._count(kind, state, "issued", amount)
        self._had[key] = had, account
        self._held[kind, name] = state
        self._wallet(account).receive(kind, name)
        self._list(kind, name, account)

    def held(self, kind: str, name: str, account: str | None) -> dict[str, Any]:
        """Return a ticket or coupon of an account, or of any where it is None; what is changed in it is written.

        Raises:
            RefusedError: the account has none of this name.
        """
        if (kind, name) not in self._held:
            state = self.book.act.facts.get(_KEYS[kind](name))
            if state is None or state["programme"] != self.book.programme or account not in (None, state["account"]):
                rule = "tickets.unknown" if kind == "tickets" else "coupons.unknown"
                raise RefusedError(rule, "the account holds no such ticket or coupon", got=name)
            self._held[kind, name] = dict(state)
        return self._held[kind, name]

    def use_ticket(self, name: str, account: str, item: str, count: int) -> None:
        """Use items of a ticket.

        Raises:
            RefusedError: it has not so many, or it is over.
        """
        state = self.held("tickets", name, account)
        terms = self.terms("tickets", state)
        use(state, terms, item, count, self.book.act.at.time_ms)
        self._spend("tickets", name, state, worth(state, terms, {item: count}))

    def unuse_ticket(self, name: str, item: str, count: int) -> None:
        """Put back items that a charge had used, into the ticket, whoever holds it now."""
        state = self.held("tickets", name, None)
        unuse(state, item, count)
        self._spend("tickets", name, state, -worth(state, self.terms("tickets", state), {item: count}))

    def return_items(self, name: str, account: str, counts: Mapping[str, int]) -> int:
        """Let the issuer take unused items back; return their price, in hundredths of the currency."""
        state = self.held("tickets", name, account)
        terms = self.terms("tickets", state)
        give_back(state, counts)
        amount = worth(state, terms, counts)
        self._count("tickets", state, "returned", amount)
        self._list("tickets", name, account)
        return amount

    def use_coupon(self, name: str, account: str, charge: str) -> None:
        """Use a coupon, once.

        Raises:
            RefusedError: it is used.
        """
        state = self.held("coupons", name, account)
        self.book.act.expect(state["used"] is None, "coupons.used", "this coupon has been used", got=name)
        state["used"] = charge
        self._spend("coupons", name, state, 1)

    def unuse_coupon(self, name: str, account: str) -> None:
        """Put a coupon back that a charge had used."""
        state = self.held("coupons", name, account)
        state["used"] = None
        self._spend("coupons", name, state, -1)

    def hand_over(self, name: str, account: str, to: str) -> None:
        """Move a ticket to another account."""
        state = self.held("tickets", name, account)
        self._wallet(account).take("tickets", name)
        self._wallet(to).receive("tickets", name)
        state["account"] = to
        self._list("tickets", name, to)

    def close(self, about: str) -> list[Change]:
        """Return everything that is written; `about` names what the act was about."""
        act = self.book.act
        changes: list[Change] = []
        for (kind, name), state in self._held.items():
            number, holder = state["acts"] + 1, holder_of(state["account"])
            after = {**state, "acts": number}
            entry = {
                "record": act.at.position, "kind": act.record.kind, "by": act.record.issuer, "about": about,
                "time_ms": act.at.time_ms, "account": state["account"],
                **({"items": state["items"]} if kind == "tickets" else {"used": state["used"]}),
            }  # fmt: skip
            changes += [
                Change(_KEYS[kind](name), after, holder=holder, private=True),
                Change(_KEYS[kind](name, number), entry, holder=holder, private=True),
            ]
        return [
            *changes,
            *(change for wallet in self._wallets.values() for change in wallet.close(act)),
            *(Change(key, {"had": n}, holder=holder_of(one), private=True) for key, (n, one) in self._had.items()),
        ]

    def _spend(self, kind: str, name: str, state: Mapping[str, Any], amount: int) -> None:
        self._count(kind, state, "used", amount)
        self._list(kind, name, state["account"])

    def _count(self, kind: str, state: Mapping[str, Any], side: str, amount: int) -> None:
        """Count what comes out, is used or taken back: in the offer's stock, tickets in their issuer's funds too."""
        stocks = [self.book.stock(self.terms(kind, state))]
        if kind == "tickets":
            stocks.append(self.book.funds(state["issuer"])["tickets"])
        month = NEVER if state["ends_ms"] is None else month_of(state["ends_ms"] - 1)
        for stock in stocks:
            stock[side] += amount
            still = stock["open"].pop(month, 0) + (amount if side == "issued" else -amount)
            if still:
                stock["open"][month] = still

    def _list(self, kind: str, name: str, account: str) -> None:
        """List a ticket or coupon in a wallet while anything of it is left."""
        state, wallet = self._held[kind, name], self._wallet(account)
        alive = left(state) > 0 if kind == "tickets" else state["used"] is None
        (wallet.put if alive else wallet.take)(kind, name)

    def _wallet(self, account: str) -> Wallet:
        if account not in self._wallets:
            self._wallets[account] = open_wallet(self.book.act.facts, account)
        return self._wallets[account]
