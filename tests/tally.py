"""The slow model of rewards: every coin, every item of a ticket and every coupon is an object that lies somewhere.

Nothing here is shared with the rules: no sums are kept, everything is counted anew from the objects each time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLACES = ("available", "held", "spent", "expired", "reversed", "sent")


@dataclass(eq=False)
class Coin:
    """One coin of an account: of which lot and issuer, until when, and where it is."""

    account: str
    lot: int
    issuer: str
    ends_ms: int
    came: str = "issued"
    place: str = "available"
    charge: str = ""
    until_ms: int = 0


@dataclass(eq=False)
class Piece:
    """One item of a ticket, or one coupon (an item of its own): whose, what it is worth, until when, where it is."""

    serial: str
    item: str
    offer: str
    account: str
    issuer: str
    worth: int
    face: int
    ends_ms: int | None
    paid: bool
    place: str = "left"
    charge: str = ""


@dataclass(eq=False)
class Paid:
    """A charge: who pays whom, how it stands, and when."""

    name: str
    account: str
    merchant: str
    coins: int
    stage: str
    until_ms: int = 0
    money: int = 0
    month: str = ""


@dataclass
class Tally:
    """All objects, and what each issuer owes each merchant, move by move.

    Attributes:
        now: Unix milliseconds.
        coins: every coin there ever was.
        pieces: every item and every coupon there ever was.
        charges: by name.
        debts: coins that were taken back after they were spent, by account.
        lots: how many lots each account has had.
        moved: (month, issuer, merchant, means) → (charged, refunded).
    """

    now: int
    coins: list[Coin] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    charges: dict[str, Paid] = field(default_factory=dict)
    debts: Counter[str] = field(default_factory=Counter)
    lots: Counter[str] = field(default_factory=Counter)
    moved: dict[tuple[str, str, str, str], list[int]] = field(default_factory=dict)

    def of(self, account: str, place: str, charge: str = "") -> list[Coin]:
        """Return coins of an account at a place, the oldest lot first."""
        found = [
            coin
            for coin in self.coins
            if (coin.account, coin.place) == (account, place) and (not charge or coin.charge == charge)
        ]
        return sorted(found, key=lambda coin: coin.lot)

    def wait_until(self, time_ms: int) -> None:
        """Let time pass, from one thing that ends to the next."""
        for moment in sorted({*self._ends(), time_ms}):
            if self.now < moment <= time_ms:
                self.now = moment
                for coin in self.coins:
                    if coin.place == "held" and coin.until_ms <= moment:
                        coin.place = "available"
                self._expire()
        self.now = time_ms

    def add(self, account: str, issuer: str, coins: int, ends_ms: int, came: str = "issued") -> int:
        """Let a lot come; return its number."""
        self.lots[account] += 1
        number = self.lots[account]
        self.coins += [Coin(account, number, issuer, ends_ms, came) for _ in range(coins)]
        self._pay(account)
        return number

    def send(self, account: str, to: str, coins: int) -> None:
        """Move coins to another account: a lot there for each lot that they come from."""
        going = self.of(account, "available")[:coins]
        for coin in going:
            coin.place = "sent"
        for number in sorted({coin.lot for coin in going}):
            some = [coin for coin in going if coin.lot == number]
            self.add(to, some[0].issuer, len(some), some[0].ends_ms, "received")

    def take(self, charge: Paid, coins: int, place: str) -> None:
        """Spend coins, or hold them, the oldest first."""
        for coin in self.of(charge.account, "available")[:coins]:
            coin.place, coin.charge, coin.until_ms = place, charge.name, charge.until_ms
        self.charges[charge.name] = charge

    def post(self, charge: Paid, coins: int) -> None:
        """Spend the first so many coins of a hold; the rest is free again."""
        for number, coin in enumerate(self.of(charge.account, "held", charge.name)):
            coin.place = "spent" if number < coins else "available"
        charge.stage = "posted"
        self._settle(charge.account)

    def void(self, charge: Paid) -> None:
        """Let a hold go."""
        for coin in self.of(charge.account, "held", charge.name):
            coin.place = "available"
        charge.stage = "voided"
        self._settle(charge.account)

    def refund(self, charge: Paid, coins: int) -> list[Coin]:
        """Put the coins that were taken last back into their lots; return them."""
        spent = self.of(charge.account, "spent", charge.name)
        back = spent[len(spent) - coins :]
        for coin in back:
            coin.place = "available"
        issuers = [Coin(coin.account, 0, coin.issuer, coin.ends_ms) for coin in back]
        self._settle(charge.account)
        return issuers

    def reverse(self, account: str, lot: int, coins: int) -> None:
        """Take an earning back: its own coins that are free, then a debt."""
        self.debts[account] += coins
        for coin in [one for one in self.of(account, "available") if one.lot == lot][:coins]:
            coin.place, self.debts[account] = "reversed", self.debts[account] - 1
        self._pay(account)

    def move(self, month: str, merchant: str, means: str, owed: Iterable[tuple[str, int]], *, back: bool) -> None:
        """Note what issuers owe for a means, or no longer owe."""
        for issuer, units in owed:
            if units:
                self.moved.setdefault((month, issuer, merchant, means), [0, 0])[back] += units

    def held_pieces(self, account: str, offer: str, place: str = "left") -> list[Piece]:
        """Return items or coupons that an account has."""
        return [one for one in self.pieces if (one.account, one.offer, one.place) == (account, offer, place)]

    def balance(self, account: str) -> dict[str, int]:
        """Return every sum of an account, counted coin by coin."""
        mine = [coin for coin in self.coins if coin.account == account]
        places = Counter(coin.place for coin in mine)
        came = Counter(coin.came for coin in mine)
        return {
            **{place: places[place] for place in PLACES},
            "issued": came["issued"],
            "received": came["received"],
            "debt": self.debts[account],
        }

    def _ends(self) -> Iterator[int]:
        for coin in self.coins:
            yield coin.ends_ms
            if coin.place == "held":
                yield coin.until_ms

    def _settle(self, account: str) -> None:
        self._expire()
        self._pay(account)

    def _expire(self) -> None:
        for coin in self.coins:
            if coin.place == "available" and coin.ends_ms <= self.now:
                coin.place = "expired"
        for account in list(self.debts):
            self._pay(account)

    def _pay(self, account: str) -> None:
        for coin in self.of(account, "available")[: self.debts[account]]:
            coin.place, self.debts[account] = "reversed", self.debts[account] - 1
