"""Coins of one account: lots, holds and the sums that always balance. Pure arithmetic, in whole coins.

    issued + received = available + held + spent + expired + reversed + sent

    purse = Purse(state)
    purse.settle(time_ms)                                 # holds that timed out, lots that ended
    pieces = purse.spend(50)                              # first in, first out
    purse.refund(pieces, 20)                              # into the lots that they came from

A lot is what one earning brought, with its own end; lots are spent in the order in which they came. A hold takes coins
out of their lots; it is posted in part or whole once, voided, or ends by itself. An earning that is taken back after it
was spent leaves a debt, which the next coins that are free pay: a debt and free coins never stand together, and no sum
is ever below zero.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COINS_MAX = 1_000_000_000
LOTS_MAX = 512
HOLDS_MAX = 16
SUMS = ("issued", "received", "spent", "expired", "reversed", "sent")


class Lot(NamedTuple):
    """Coins of one lot: its number in the account, who issued them, how many, and when they end (Unix ms)."""

    number: int
    issuer: str
    coins: int
    ends_ms: int


class Hold(NamedTuple):
    """Coins set aside for a charge until a time (Unix ms)."""

    charge: str
    until_ms: int
    pieces: tuple[Lot, ...]

    @property
    def coins(self) -> int:
        """How many."""
        return total(self.pieces)


def total(pieces: Iterable[Lot]) -> int:
    """Return how many coins pieces are."""
    return sum(piece.coins for piece in pieces)


def encode_pieces(pieces: Iterable[Lot]) -> list[list[Any]]:
    """Return pieces as facts hold them."""
    return [list(piece) for piece in pieces]


def decode_pieces(rows: Iterable[Sequence[Any]]) -> tuple[Lot, ...]:
    """Return pieces from a fact."""
    return tuple(Lot(*row) for row in rows)


def split(pieces: Sequence[Lot], coins: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Return the first so many coins of some pieces, and the rest; `0 <= coins <= total(pieces)`."""
    first: list[Lot] = []
    rest: list[Lot] = []
    for piece in pieces:
        taken = min(coins, piece.coins)
        coins -= taken
        if taken:
            first.append(piece._replace(coins=taken))
        if taken < piece.coins:
            rest.append(piece._replace(coins=piece.coins - taken))
    return tuple(first), tuple(rest)


@dataclass(slots=True)
class Purse:
    """The coins of an account while an act is worked out.

    Attributes:
        lots: free coins by lot, in the order in which they came; none of them is empty.
        holds: what is set aside.
        sums: `SUMS`.
        debt: what was taken back after it had been spent, and is not paid yet.
        next_lot: the number of the next lot.
        taken: pieces that this act took back, for the books of their issuers.
        came: pieces that another account sent by this act.
    """

    lots: list[Lot] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))
    debt: int = 0
    next_lot: int = 1
    taken: list[Lot] = field(default_factory=list)
    came: list[Lot] = field(default_factory=list)

    @property
    def available(self) -> int:
        """Coins that may be spent."""
        return total(self.lots)

    @property
    def held(self) -> int:
        """Coins set aside."""
        return sum(hold.coins for hold in self.holds)

    def balance(self) -> dict[str, int]:
        """Return every sum of the account."""
        return {**self.sums, "available": self.available, "held": self.held, "debt": self.debt}

    def settle(self, time_ms: int) -> None:
        """Do what time does, in its order: let go holds that ended and lots that ended, at their very millisecond."""
        for moment in (*sorted({hold.until_ms for hold in self.holds if hold.until_ms < time_ms}), time_ms):
            over = [hold for hold in self.holds if hold.until_ms <= moment]
            self.holds = [hold for hold in self.holds if hold.until_ms > moment]
            for hold in over:
                self._put(hold.pieces)
            ended = [lot for lot in self.lots if lot.ends_ms <= moment]
            self.sums["expired"] += total(ended)
            self.lots = [lot for lot in self.lots if lot.ends_ms > moment]
            self._pay()

    def earn(self, issuer: str, coins: int, ends_ms: int) -> int:
        """Add a lot and return its number.

        Raises:
            RefusedError: the account has too many lots, or would hold too many coins.
        """
        number = self.next_lot
        self.sums["issued"] += coins
        self._add(issuer, coins, ends_ms)
        self._pay()
        return number

    def receive(self, pieces: Iterable[Lot]) -> None:
        """Add coins that another account sent: they keep their issuer and their end."""
        for piece in pieces:
            self.sums["received"] += piece.coins
            self.came.append(piece)
            self._add(piece.issuer, piece.coins, piece.ends_ms)
        self._pay()

    def send(self, coins: int) -> tuple[Lot, ...]:
        """Take coins out for another account."""
        pieces = self._take(coins)
        self.sums["sent"] += coins
        return pieces

    def spend(self, coins: int) -> tuple[Lot, ...]:
        """Spend coins, the oldest first.

        Raises:
            RefusedError: there are not so many.
        """
        pieces = self._take(coins)
        self.sums["spent"] += coins
        return pieces

    def hold(self, charge: str, coins: int, until_ms: int) -> tuple[Lot, ...]:
        """Set coins aside, the oldest first.

        Raises:
            RefusedError: there are not so many, or too many holds.
        """
        if len(self.holds) >= HOLDS_MAX:
            raise RefusedError("coins.holds-max", "the account has too many open holds", expected=f"{HOLDS_MAX}")
        pieces = self._take(coins)
        self.holds.append(Hold(charge, until_ms, pieces))
        return pieces

    def post(self, charge: str, coins: int) -> tuple[Lot, ...]:
        """Spend what a hold set aside, in whole or in part; the rest goes back to its lots.

        Raises:
            RefusedError: there is no such hold, or it is of fewer coins.
        """
        hold = self._let_go(charge)
        if not 0 < coins <= hold.coins:
            raise RefusedError("coins.hold-coins", "more than is held", expected=f"1 to {hold.coins}", got=coins)
        pieces, rest = split(hold.pieces, coins)
        self.sums["spent"] += coins
        self._put(rest)
        return pieces

    def void(self, charge: str) -> None:
        """Put back what a hold set aside.

        Raises:
            RefusedError: there is no such hold.
        """
        self._put(self._let_go(charge).pieces)

    def refund(self, pieces: Iterable[Lot]) -> None:
        """Put coins that were spent back into the lots they came from."""
        back = tuple(pieces)
        self.sums["spent"] -= total(back)
        self._put(back)

    def reverse(self, number: int, coins: int) -> None:
        """Take an earning back: what is left of its lot first, then the oldest coins, then the next that come."""
        self.debt += coins
        own = next((lot for lot in self.lots if lot.number == number), None)
        if own is not None:
            self.lots.remove(own)
            first, rest = split((own,), min(coins, own.coins))
            self.lots = sorted([*self.lots, *rest])
            self._give_back(first)
        self._pay()

    def _add(self, issuer: str, coins: int, ends_ms: int) -> None:
        if len(self.lots) >= LOTS_MAX:
            raise RefusedError("coins.lots-max", "the account has too many lots", expected=f"at most {LOTS_MAX}")
        if self.available + self.held + coins > COINS_MAX:
            raise RefusedError("coins.coins-max", "the account would hold too many coins", expected=f"{COINS_MAX}")
        self.lots.append(Lot(self.next_lot, issuer, coins, ends_ms))
        self.next_lot += 1

    def _take(self, coins: int) -> tuple[Lot, ...]:
        if coins > self.available:
            # How many there are is for the account's holder to know, not for the till that is answered.
            raise RefusedError("coins.balance", "the account has too few coins", expected=coins)
        pieces, rest = split(self.lots, coins)
        self.lots = list(rest)
        return pieces

    def _let_go(self, charge: str) -> Hold:
        found = next((hold for hold in self.holds if hold.charge == charge), None)
        if found is None:
            raise RefusedError("coins.hold", "there is no such hold any more", got=charge)
        self.holds.remove(found)
        return found

    def _put(self, pieces: Iterable[Lot]) -> None:
        for piece in pieces:
            own = next((lot for lot in self.lots if lot.number == piece.number), None)
            if own is None:
                insort(self.lots, piece)
            else:
                self.lots[self.lots.index(own)] = own._replace(coins=own.coins + piece.coins)

    def _pay(self) -> None:
        """Pay the debt from what is free."""
        coins = min(self.debt, self.available)
        if coins:
            self._give_back(self._take(coins))

    def _give_back(self, pieces: Iterable[Lot]) -> None:
        back = tuple(pieces)
        self.debt -= total(back)
        self.sums["reversed"] += total(back)
        self.taken.extend(back)


def encode_purse(purse: Purse) -> dict[str, Any]:
    """Return a purse as an account's state holds it."""
    return {
        "lots": encode_pieces(purse.lots),
        "holds": [[hold.charge, hold.until_ms, encode_pieces(hold.pieces)] for hold in purse.holds],
        "sums": dict(purse.sums),
        "debt": purse.debt,
        "next_lot": purse.next_lot,
    }


def decode_purse(state: Mapping[str, Any]) -> Purse:
    """Return the purse of an account's state, as it was after its last act."""
    return Purse(
        [*decode_pieces(state["lots"])],
        [Hold(charge, until_ms, decode_pieces(pieces)) for charge, until_ms, pieces in state["holds"]],
        dict(state["sums"]),
        state["debt"],
        state["next_lot"],
    )


def purse_at(state: Mapping[str, Any], time_ms: int) -> Purse:
    """Return the purse of an account's state as time has left it at a moment."""
    purse = decode_purse(state)
    purse.settle(time_ms)
    return purse
