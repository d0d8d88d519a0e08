"""Coins against a slow model in which every single coin is an object of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.rewards.coins import SUMS, Purse, decode_purse, encode_purse, split
from ledger.errors import RefusedError


@dataclass(eq=False)
class Coin:
    """One coin: of which lot, until when, and where it is."""

    lot: int
    ends_ms: int
    place: str = "available"
    charge: str = ""
    until_ms: int = 0


class PurseMachine(RuleBasedStateMachine):
    """The purse, and the model beside it; a purse goes through its encoding at each step, as between two records."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] = encode_purse(Purse())
        self.coins: list[Coin] = []
        self.lots: dict[int, tuple[int, int]] = {}
        self.debt = self.now = self.number = 0
        self.spent: dict[str, list[Any]] = {}

    def purse(self) -> Purse:
        """Return the purse settled to now."""
        purse = decode_purse(self.state)
        purse.settle(self.now)
        return purse

    def keep(self, purse: Purse) -> None:
        """Store the purse, and let the model pay its debt."""
        purse.settle(self.now)
        self.state = encode_purse(purse)
        self.expire()
        self.pay()

    def of(self, place: str, charge: str = "") -> list[Coin]:
        """Return coins at a place, the oldest lot first."""
        found = [coin for coin in self.coins if coin.place == place and (not charge or coin.charge == charge)]
        return sorted(found, key=lambda coin: coin.lot)

    def expire(self) -> None:
        """Let free coins end that have come to their end."""
        for coin in self.of("available"):
            if coin.ends_ms <= self.now:
                coin.place = "expired"

    def pay(self) -> None:
        """Pay the debt, a coin at a time."""
        for coin in self.of("available")[: self.debt]:
            coin.place, self.debt = "reversed", self.debt - 1

    def charge(self) -> str:
        """Return a new charge's name."""
        self.number += 1
        return str(self.number)

    @rule(coins=st.integers(1, 6), life=st.integers(1, 12))
    def earn(self, coins: int, life: int) -> None:
        """A lot comes."""
        purse = self.purse()
        lot = purse.earn("county", coins, self.now + life)
        self.lots[lot] = coins, self.now + life
        self.coins += [Coin(lot, self.now + life) for _ in range(coins)]
        self.keep(purse)

    @rule(coins=st.integers(1, 10))
    def spend(self, coins: int) -> None:
        """Coins go, the oldest first, or none do."""
        purse, free = self.purse(), self.of("available")
        if coins > len(free):
            with pytest.raises(RefusedError):
                purse.spend(coins)
            return
        charge = self.charge()
        self.spent[charge] = [*purse.spend(coins)]
        for coin in free[:coins]:
            coin.place, coin.charge = "spent", charge
        self.keep(purse)

    @rule(coins=st.integers(1, 10), life=st.integers(1, 6))
    def hold(self, coins: int, life: int) -> None:
        """Coins are set aside."""
        purse, free = self.purse(), self.of("available")
        if coins > len(free) or len(purse.holds) >= 16:
            with pytest.raises(RefusedError):
                purse.hold("x", coins, self.now + life)
            return
        charge = self.charge()
        purse.hold(charge, coins, self.now + life)
        for coin in free[:coins]:
            coin.place, coin.charge, coin.until_ms = "held", charge, self.now + life
        self.keep(purse)

    @rule(data=st.data(), coins=st.integers(0, 10))
    def post(self, data: st.DataObject, coins: int) -> None:
        """A hold is used, once."""
        charge = data.draw(st.sampled_from([str(n) for n in range(1, self.number + 2)]))
        purse, held = self.purse(), self.of("held", charge)
        if not 0 < coins <= len(held):
            with pytest.raises(RefusedError):
                purse.post(charge, coins)
            return
        self.spent[charge] = [*purse.post(charge, coins)]
        for number, coin in enumerate(held):
            coin.place = "spent" if number < coins else "available"
        self.keep(purse)
        with pytest.raises(RefusedError):
            self.purse().post(charge, 1)

    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        """A hold is let go, once."""
        charge = data.draw(st.sampled_from([str(n) for n in range(1, self.number + 2)]))
        purse, held = self.purse(), self.of("held", charge)
        if not held:
            with pytest.raises(RefusedError):
                purse.void(charge)
            return
        purse.void(charge)
        for coin in held:
            coin.place = "available"
        self.keep(purse)

    @precondition(lambda self: any(self.spent.values()))
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        """A part of what was spent goes back into its lots."""
        charge = data.draw(st.sampled_from([name for name, pieces in self.spent.items() if pieces]))
        pieces = self.spent[charge]
        coins = data.draw(st.integers(1, sum(piece.coins for piece in pieces)))
        purse = self.purse()
        back, rest = split(pieces, coins)
        purse.refund(back)
        self.spent[charge] = [*rest]
        for coin in self.of("spent", charge)[:coins]:
            coin.place = "available"
        self.keep(purse)

    @precondition(lambda self: any(ends > self.now for _, ends in self.lots.values()))
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        """An earning is taken back, spent or not."""
        lot = data.draw(st.sampled_from([n for n, (_, ends) in self.lots.items() if ends > self.now]))
        coins, _ = self.lots.pop(lot)
        purse = self.purse()
        purse.reverse(lot, coins)
        self.debt += coins
        for coin in [one for one in self.of("available") if one.lot == lot][:coins]:
            coin.place, self.debt = "reversed", self.debt - 1
        self.pay()
        self.keep(purse)

    @rule(time_ms=st.integers(1, 8))
    def wait(self, time_ms: int) -> None:
        """Time passes, a millisecond at a time in the model and at once in the purse."""
        for _ in range(time_ms):
            self.now += 1
            for coin in self.of("held"):
                if coin.until_ms <= self.now:
                    coin.place = "available"
            self.expire()
            self.pay()

    @invariant()
    def balances(self) -> None:
        """To the unit: every lot, every sum, and their equation; nothing is below zero."""
        purse = self.purse()
        places = [coin.place for coin in self.coins]
        balance = purse.balance()
        for place in ("available", "held", "spent", "expired", "reversed"):
            assert balance[place] == places.count(place), place
        assert purse.debt == self.debt
        free: dict[int, int] = {}
        for coin in self.of("available"):
            free[coin.lot] = free.get(coin.lot, 0) + 1
        assert {lot.number: lot.coins for lot in purse.lots} == free
        assert [lot.number for lot in purse.lots] == sorted(free)
        assert balance["issued"] == len(self.coins) == sum(balance[name] for name in (*SUMS[2:], "available", "held"))
        assert min(balance.values()) >= 0
        assert not (purse.debt and purse.available)


TestPurse = PurseMachine.TestCase
TestPurse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
