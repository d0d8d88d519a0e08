"""Royalties: the arithmetic against one that goes piece by piece in fractions."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction
from math import floor

import pytest
from conftest import soak
from rules import refused

from contracts.licences.royalties import (
    AMOUNT_MAX,
    NET_SALES,
    PIECE,
    Account,
    Royalty,
    Totals,
    account_of,
    period,
    period_of,
    settle,
    tally,
)


def draw(rng: random.Random) -> Royalty:
    """Return terms of money."""
    starts = sorted(rng.sample(range(1, 400), rng.randint(0, 3)))
    return Royalty(
        "TWD", rng.choice([NET_SALES, PIECE]), tuple((start, rng.randint(0, 300)) for start in (0, *starts)),
        rng.choice([0, rng.randint(1, 60)]), rng.choice([0, rng.randint(1, 200)]), rng.choice([0, 100, 250, 1000]),
        3, 30, rng.choice(["half-up", "half-even", "down", "up"]),
    )  # fmt: skip


def rounded(value: Fraction, rule: str) -> int:
    """Return a sum of 0 or more as a whole number, by the school's rules."""
    whole = floor(value)
    rest = value - whole
    half = Fraction(1, 2)
    if rule == "down":
        return whole
    if rule == "up":
        return whole + (rest > 0)
    if rule == "half-up":
        return whole + (rest >= half)
    return whole + (rest > half or (rest == half and whole % 2 == 1))


def slow(royalty: Royalty, periods: list[tuple[Totals, bool]]) -> list[int]:
    """Return what each period comes to: every unit of the base is rated by itself, all history counted again."""
    found: list[int] = []
    counted = 0
    back = 0
    paid_in_advance = Fraction(royalty.advance)
    for totals, sell_off in periods:
        sold, returned = (
            (totals.gross, totals.returned) if royalty.unit == NET_SALES else (totals.pieces, totals.returned_pieces)
        )
        back += returned
        taken = min(Fraction(back), Fraction(floor(Fraction(sold * royalty.returns_max_permille, 1000))))
        back -= int(taken)
        earned = Fraction(0)
        for unit in range(counted, counted + sold - int(taken)):
            rate = [rate for start, rate in royalty.bands if start <= unit][-1]
            earned += Fraction(rate, 1000) if royalty.unit == NET_SALES else rate
        counted += sold - int(taken)
        due = rounded(earned, royalty.rounding)
        if not sell_off:
            due = max(due, royalty.minimum)
        recouped = min(paid_in_advance, Fraction(due))
        paid_in_advance -= recouped
        found.append(due - int(recouped))
    return found


def test_equals_the_slow_way() -> None:
    """A statement that is off by one unit is off for every artist and every quarter."""
    rng = random.Random(20261127)
    statements = soak("statements", 10_000, 100_000)
    done, seen = 0, set()
    while done < statements:
        royalty = draw(rng)
        periods = [
            (Totals(rng.randint(0, 150), rng.randint(0, 300), rng.randint(0, 60), rng.randint(0, 90)), number == 4)
            for number in range(rng.randint(1, 5))
        ]
        account, dues = Account(), []
        for totals, sell_off in periods:
            found = settle(royalty, account, totals, sell_off=sell_off)
            assert found.due == sum(line.said()["amount"] for line in found.lines) >= 0
            dues.append(found.due)
            seen |= {line.what for line in found.lines}
            account = account_of(found.after.as_data())
        assert dues == slow(royalty, periods), (royalty, periods)
        assert account.recouped <= royalty.advance
        done += len(periods)
    assert seen == {"royalty", "minimum", "advance"}


def test_lines_say_why() -> None:
    """Who reads a statement recomputes it with a pencil: what was sold, what came back, which band at which rate."""
    royalty = Royalty("TWD", NET_SALES, ((0, 50), (10_000_000, 70)), 500_000, 600_000, 200, 3, 30, "half-up")
    found = settle(royalty, Account(), Totals(900, 12_000_000, 10, 150_000))
    first, last = found.lines
    assert first.said() == {"what": "royalty", "base": 11_850_000, "amount": 629_500}
    assert first.because == (
        ["sales", 12_000_000], ["returns", 150_000, 150_000], ["band", 0, 10_000_000, 50],
        ["band", 10_000_000, 1_850_000, 70],
    )  # fmt: skip
    assert (last.what, last.amount, last.because) == ("advance", -600_000, (["advance", 600_000, 0],))
    assert found.due == 29_500
    assert found.after == Account(11_850_000, 600_000)


def test_cut_where_it_is_cut() -> None:
    """Many small sales rounded each by itself would take an artist's cents; the sum is rounded once."""
    royalty = Royalty("TWD", NET_SALES, ((0, 50), (5, 60)), 0, 0, 1000, 1, 30, "half-up")
    sales = [{"pieces": 1, "gross": 1}] * 1000
    assert settle(royalty, Account(), tally(sales)).due == 60  # 5 × 50 ‰ + 995 × 60 ‰ = 59.95


def test_returns_count_later_where_they_are_too_many() -> None:
    """A shop that sends everything back in one quarter does not undo the quarter before, and nothing is lost."""
    royalty = Royalty("TWD", NET_SALES, ((0, 100),), 0, 0, 250, 3, 30, "half-up")
    first = settle(royalty, Account(), Totals(10, 1000, 8, 800))
    assert (first.due, first.after.open_returns) == (75, 550)
    second = settle(royalty, first.after, Totals(100, 10_000))
    assert (second.due, second.after.open_returns) == (945, 0)


def test_sell_off_owes_no_minimum() -> None:
    """After the last day only what is sold is paid for."""
    royalty = Royalty("TWD", PIECE, ((0, 1250),), 1_000_000, 0, 0, 3, 30, "half-up")
    assert settle(royalty, Account(), Totals(pieces=3)).due == 1_000_000
    assert settle(royalty, Account(), Totals(pieces=3), sell_off=True).due == 3_750


def test_beyond_the_bound() -> None:
    """A number that JSON cannot carry exactly is refused, not bent."""
    royalty = Royalty("TWD", PIECE, ((0, 10**9),), 0, 0, 0, 3, 30, "half-up")
    with refused("licences.amount"):
        settle(royalty, Account(), Totals(pieces=AMOUNT_MAX // 10**6))


@pytest.mark.parametrize("first", ["2026-03-01", "2026-01-31", "2024-02-29", "2026-12-15"])
@pytest.mark.parametrize("months", [1, 2, 3, 6, 12])
def test_periods_follow_each_other(first: str, months: int) -> None:
    """A day in no period is never reported, a day in two is paid twice."""
    assert period(first, months, 1)[0] == first
    for number in range(1, 40):
        begins, ends = period(first, months, number)
        after = (date.fromisoformat(ends) + timedelta(days=1)).isoformat()
        assert period(first, months, number + 1)[0] == after
        assert {period_of(first, months, day) for day in (begins, ends)} == {number}
    assert period_of(first, months, "2020-01-01") == 0
