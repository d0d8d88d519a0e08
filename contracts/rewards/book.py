"""The books that one act writes: accounts' journals, issuers' funds, what merchants are owed. Double entry throughout.

    book = Book(act, terms)
    pieces = book.account(account).purse.spend(50)
    book.charge(state, pieces, dues, refund=False)
    return book.close(about=charge)

Every entry of a journal has postings that come to zero. An issuer's funds and the lines of merchants are moved by the
same pieces and dues, so that both sides of a clearing are of one act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_number, day_of, month_of
from contracts.rewards.coins import Purse, decode_purse, encode_pieces, encode_purse, total
from contracts.rewards.keys import (
    account_key,
    done_key,
    funds_key,
    given_key,
    issuer_key,
    merchant_key,
    stock_key,
    visits_key,
)
from contracts.rewards.visits import cells_of
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.kind import Act
    from contracts.rewards.coins import Lot
    from contracts.rewards.means import Due

HOLDER = "account/"
SOURCES = frozenset({"issued", "received"})


def holder_of(account: str) -> str:
    """Return the name under which an account signs, reads and holds its facts; no actor can have it."""
    return HOLDER + account


def new_stock() -> dict[str, Any]:
    """Return the stock of an offer, or of all tickets of an issuer, of which nothing is out."""
    return {"issued": 0, "used": 0, "returned": 0, "open": {}}


def new_funds() -> dict[str, Any]:
    """Return the funds of an issuer that has given nothing: in coins, and its tickets in hundredths of the currency."""
    return {
        "issued": 0, "reversed": 0, "spent": 0, "refunded": 0, "funded": 0, "open": {}, "tickets": new_stock(),
    }  # fmt: skip


def new_account(programme: str, person: str) -> dict[str, Any]:
    """Return the state of an account that nothing has happened on."""
    return {
        "programme": programme,
        "person": person,
        "state": "open",
        "keys": [],
        "cards": [],
        "entries": 0,
        "day": "",
        "earned": {},
        "unpaid": 0,
        "visits": {"day": "", "at": {}},
        **encode_purse(Purse()),
    }


def today(state: dict[str, Any], time_ms: int) -> dict[str, list[int]]:
    """Return how often each activity was done today, and for how many coins; by the calendar of Taipei."""
    day = day_of(time_ms)
    if state["day"] != day:
        state.update(day=day, earned={})
    earned: dict[str, list[int]] = state["earned"]
    return earned


def postings(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return what an act moved between the sums of an account; what comes from outside counts negative: sum zero."""
    moved = {name: after[name] - before[name] for name in after if name != "debt"}
    return {name: -coins if name in SOURCES else coins for name, coins in moved.items() if coins}


def moves(before: Iterable[Lot], after: Iterable[Lot]) -> list[list[Any]]:
    """Return how free coins of lots changed: number, issuer, coins more (or less), end."""
    old, new = {lot.number: lot for lot in before}, {lot.number: lot for lot in after}
    rows: list[list[Any]] = []
    for number in sorted({*old, *new}):
        lot = new.get(number) or old[number]
        change = (new[number].coins if number in new else 0) - (old[number].coins if number in old else 0)
        if change:
            rows.append([number, lot.issuer, change, lot.ends_ms])
    return rows


def _own(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with its tables as the act's own: what facts hold is not changed under them."""
    return {name: _own(value) if isinstance(value, dict) else value for name, value in state.items()}


def _count(owed: dict[str, dict[str, int]], issuer: str, means: str, units: int) -> None:
    row = owed.setdefault(issuer, {})
    row[means] = row.get(means, 0) + units


@dataclass(slots=True)
class Account:
    """An account while an act is worked out.

    Attributes:
        name: its id.
        state: its state but for the purse; the act may change it.
        purse: its coins, settled to the act's time.
        before: its coins as they were stored.
    """

    name: str
    state: dict[str, Any]
    purse: Purse
    before: Purse


@dataclass(slots=True)
class Book:
    """What an act writes.

    Attributes:
        act: the act.
        terms: the programme's terms in force.
    """

    act: Act
    terms: Mapping[str, Any]
    _accounts: dict[str, Account] = field(default_factory=dict)
    _states: dict[bytes, tuple[dict[str, Any], str]] = field(default_factory=dict)
    _lines: list[Change] = field(default_factory=list)
    _issuers: set[str] = field(default_factory=set)

    @property
    def programme(self) -> str:
        """The programme."""
        return str(self.terms["programme"])

    def account(self, name: str) -> Account:
        """Return an open account of the programme, settled to the act's time.

        Raises:
            RefusedError: there is none.
        """
        if name not in self._accounts:
            self.open(name, self.expect_open(name))
        return self._accounts[name]

    def expect_open(self, name: str) -> dict[str, Any]:
        """Return the state of an open account of the programme, and write nothing of it.

        Raises:
            RefusedError: there is none.
        """
        state = self.act.facts.get(account_key(name))
        if state is None or state["programme"] != self.programme:
            raise RefusedError("coins.account", "the programme has no such account", got=name)
        self.act.expect(state["state"] == "open", "coins.account-closed", "the account is closed", got=name)
        return dict(state)

    def open(self, name: str, state: Mapping[str, Any]) -> Account:
        """Take an account's state into the books."""
        purse = decode_purse(state)
        purse.settle(self.act.at.time_ms)
        account = Account(name, {**state, "earned": dict(state["earned"])}, purse, decode_purse(state))
        self._accounts[name] = account
        return account

    def once(self, name: str) -> None:
        """Note that a transfer or a refund is done: its client's name for it makes it one, whatever record it comes in.

        Raises:
            RefusedError: it was done before.
        """
        key = done_key(self.programme, name)
        self.act.expect(self.act.facts.get(key) is None, "coins.known", "this has been done already", got=name)
        self._lines.append(Change(key, {"record": self.act.at.position}, holder=self.act.record.subject, private=True))

    def funds(self, issuer: str) -> dict[str, Any]:
        """Return an issuer's funds; what is changed in them is written, and again as the day's closing."""
        self._issuers.add(issuer)
        return self._state(funds_key(self.programme, issuer), new_funds(), issuer)

    def stock(self, offer: Mapping[str, Any]) -> dict[str, Any]:
        """Return how much of an offer is out; what is changed in it is written."""
        return self._state(stock_key(self.programme, offer["offer"]), {"number": 0, **new_stock()}, offer["issuer"])

    def issue(self, issuer: str, coins: int, ends_ms: int) -> None:
        """Count coins that an issuer has put out."""
        self.funds(issuer)["issued"] += coins
        self._circulate(issuer, coins, ends_ms)

    def give(self, station: str, day: str, activity: str, coins: int) -> None:
        """Count what a station gave on a day; below zero where it was taken back."""
        row = self._state(given_key(self.programme, station, day), {}, station)
        times, given = row.get(activity, (0, 0))
        row[activity] = [times + (1 if coins > 0 else -1), given + coins]

    def charge(self, state: Mapping[str, Any], pieces: Iterable[Lot], dues: Iterable[Due], *, refund: bool) -> None:
        """Write what issuers owe a merchant, or no longer owe: one line, and the sums of each issuer.

        Args:
            state: the charge's.
            pieces: coins that are charged or refunded.
            dues: what is owed for tickets and coupons.
            refund: whether it goes back.
        """
        merchant, branch, month = state["merchant"], state["branch"], month_of(self.act.at.time_ms)
        spent = tuple(pieces)
        sign, side = -1 if refund else 1, "refunded" if refund else "spent"
        owed: dict[str, dict[str, int]] = {}
        for piece in spent:
            _count(owed, piece.issuer, "coins", piece.coins)
        for due in dues:
            _count(owed, due.issuer, due.means, due.amount)
        self.act.facts.expect(self._clearing(merchant, month, owed))
        for piece in spent:
            self.funds(piece.issuer)[side] += piece.coins
            self._circulate(piece.issuer, -sign * piece.coins, piece.ends_ms)
        for issuer, means in owed.items():
            row = self._state(issuer_key(self.programme, issuer, merchant, month), {}, issuer)
            sums = dict(row.get(branch, {}))
            for name, units in means.items():
                charged, refunded = sums.get(name, (0, 0))
                sums[name] = [charged, refunded + units] if refund else [charged + units, refunded]
            row[branch] = sums
        lines = self._state(merchant_key(self.programme, merchant, month), {"lines": 0}, merchant)
        lines["lines"] += 1
        line = {
            "record": self.act.at.position,
            "charge": state["charge"],
            "branch": branch,
            "refund": refund,
            "coins": sign * total(spent),
            "owed": owed,
            "time_ms": self.act.at.time_ms,
        }
        key = merchant_key(self.programme, merchant, month, lines["lines"])
        self._lines.append(Change(key, line, holder=merchant, private=True))

    def _clearing(self, merchant: str, month: str, issuers: Iterable[str]) -> Iterable[bytes]:
        """Yield what a charge writes beside the account, so that it comes in one round."""
        yield merchant_key(self.programme, merchant, month)
        yield visits_key(self.programme, merchant, day_of(self.act.at.time_ms))
        for issuer in issuers:
            yield funds_key(self.programme, issuer)
            yield issuer_key(self.programme, issuer, merchant, month)

    def visit(self, merchant: str, account: Account) -> None:
        """Count a person who paid at a merchant, once in each cell of the day."""
        time_ms = self.act.at.time_ms
        day, known = day_of(time_ms), account.state["visits"]
        seen = known["at"] if known["day"] == day else {}
        new = [cell for cell in cells_of(time_ms) if cell not in seen.get(merchant, ())]
        if new:
            account.state["visits"] = {"day": day, "at": {**seen, merchant: [*seen.get(merchant, ()), *new]}}
            people = self._state(visits_key(self.programme, merchant, day), {}, self.terms["owner"])
            people.update({cell: people.get(cell, 0) + 1 for cell in new})

    def close(self, about: str) -> list[Change]:
        """Return everything that is written; `about` names what the act was about in the journals."""
        changes: list[Change] = []
        for account in self._accounts.values():
            account.purse.settle(self.act.at.time_ms)
            for piece in account.purse.taken:
                self.funds(piece.issuer)["reversed"] += piece.coins
                self._circulate(piece.issuer, -piece.coins, piece.ends_ms)
            changes += self._entry(account, about)
        changes += [Change(key, state, holder=holder, private=True) for key, (state, holder) in self._states.items()]
        return [*changes, *self._lines, *self._closings()]

    def _entry(self, account: Account, about: str) -> list[Change]:
        number, purse = account.state["entries"] + 1, encode_purse(account.purse)
        entry = {
            "record": self.act.at.position,
            "kind": self.act.record.kind,
            "by": self.act.record.issuer,
            "about": about,
            "time_ms": self.act.at.time_ms,
            "moves": moves(account.before.lots, account.purse.lots),
            "postings": postings(account.before.balance(), account.purse.balance()),
            "came": encode_pieces(account.purse.came),
            "holds": purse["holds"],
            "sums": purse["sums"],
            "debt": purse["debt"],
            "next_lot": purse["next_lot"],
        }
        holder = holder_of(account.name)
        state = {**account.state, **purse, "entries": number}
        return [
            Change(account_key(account.name), state, holder=holder, private=True),
            Change(account_key(account.name, number), entry, holder=holder, private=True),
        ]

    def _closings(self) -> list[Change]:
        """Return issuers' funds as this day leaves them so far: so what was owed at its end has a proof for ever."""
        day = day_number(self.act.at.time_ms)
        return [
            Change(funds_key(self.programme, issuer, day), self.funds(issuer), holder=issuer, private=True)
            for issuer in sorted(self._issuers)
        ]

    def _circulate(self, issuer: str, coins: int, ends_ms: int) -> None:
        month = month_of(ends_ms - 1)
        circulating = self.funds(issuer)["open"]
        circulating[month] = circulating.get(month, 0) + coins
        if not circulating[month]:
            del circulating[month]

    def _state(self, key: bytes, empty: Mapping[str, Any], holder: str) -> dict[str, Any]:
        if key not in self._states:
            self._states[key] = _own(self.act.facts.get(key) or empty), holder
        return self._states[key][0]
