"""Clearing: what each issuer owes each merchant and branch for a month, from either side's facts alone.

    merchant_rows("noodles", lines)            from the lines of a merchant's month
    issuer_rows("hualien", {"noodles": row})   from an issuer's sums at its merchants
    statement(rows, terms)                     the same to the unit, whichever side it comes from

Sums are in hundredths of the currency. A row is of one means: coins, tickets or coupons. Of what coins count for an
issuer refunds `refund_permille`; tickets and coupons stand at what it owes for them. It keeps `fee_permille` of that.
Each row is rounded once, half up, so that both sides round the same thing.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.calendar import month_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEANS = ("coins", "tickets", "coupons")
_COLUMNS = ("issuer", "merchant", "branch", "means", "charged", "refunded", "net", "gross", "refund", "fee", "due")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What was charged at one branch in one month by one means of one issuer, and refunded to residents.

    Attributes:
        issuer: who owes.
        merchant: whom.
        branch: at which of its tills.
        means: one of `MEANS`.
        charged: in coins, or in hundredths of the currency for tickets and coupons.
        refunded: in the same.
    """

    issuer: str
    merchant: str
    branch: str
    means: str
    charged: int
    refunded: int

    @property
    def net(self) -> int:
        """What stays charged."""
        return self.charged - self.refunded


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its money.

    Attributes:
        row: what was charged.
        gross: what it counts for.
        refund: the part that the issuer refunds.
        fee: what it keeps of that.
    """

    row: Row
    gross: int
    refund: int
    fee: int

    @property
    def due(self) -> int:
        """What the issuer owes; below zero where more was refunded than charged."""
        return self.refund - self.fee


def merchant_rows(merchant: str, lines: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of a merchant's month from its lines."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for line in lines:
        for issuer, owed in line["owed"].items():
            for means, units in owed.items():
                sums.setdefault((issuer, line["branch"], means), [0, 0])[line["refund"]] += units
    return sorted(Row(issuer, merchant, branch, means, *row) for (issuer, branch, means), row in sums.items())


def issuer_rows(issuer: str, sums: Mapping[str, Mapping[str, Any] | None]) -> list[Row]:
    """Return the rows of an issuer's month from its sums, by merchant; None where it has none."""
    return sorted(
        Row(issuer, merchant, branch, means, *row)
        for merchant, branches in sums.items()
        for branch, by_means in (branches or {}).items()
        for means, row in by_means.items()
    )


def statement(rows: Iterable[Row], terms: Mapping[str, Any]) -> list[Line]:
    """Return the rows of a month with their money, by a programme's terms."""
    found: list[Line] = []
    for row in sorted(rows):
        coins = row.means == "coins"
        gross = row.net * (terms["value"] if coins else 1)
        refund = _permille(gross, terms["refund_permille"] if coins else 1000)
        found.append(Line(row, gross, refund, _permille(refund, terms["fee_permille"])))
    return found


def liability(funds: Mapping[str, Any], time_ms: int) -> int:
    """Return how many of an issuer's coins may still be spent at a time, held ones among them.

    Coins that came to their end while they were held, for a week at most, are not: they count once they are posted.
    What a debt takes from a hold that ends by itself is written with the account's next act.
    """
    return sum(coins for month, coins in funds["open"].items() if month >= month_of(time_ms))


def outstanding(stock: Mapping[str, Any], time_ms: int) -> int:
    """Return what of an offer may still be used at a time: a price in hundredths of the currency, or how many coupons.

    What was paid for stays until it is used or taken back, whatever the time.
    """
    return sum(amount for month, amount in stock["open"].items() if month >= month_of(time_ms))


def prefund(coins: int, terms: Mapping[str, Any]) -> int:
    """Return how much an issuer has to have paid in for so many coins, in hundredths of the currency, rounded up."""
    return -(-coins * int(terms["value"]) * int(terms["prefund_permille"]) // 1000)


def write_statement(lines: Iterable[Line]) -> bytes:
    """Return a statement as CSV (UTF-8 with BOM)."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(_COLUMNS)
    for line in lines:
        row = line.row
        writer.writerow(
            [
                row.issuer,
                row.merchant,
                row.branch,
                row.means,
                row.charged,
                row.refunded,
                row.net,
                line.gross,
                line.refund,
                line.fee,
                line.due,
            ]
        )
    return output.getvalue().encode("utf-8-sig")


def _permille(amount: int, permille: int) -> int:
    return (2 * amount * permille + 1000) // 2000
