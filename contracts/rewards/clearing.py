"""Clearing: what each issuer owes each merchant and branch for a month, from either side's facts alone.

    merchant_rows("noodles", lines)            from the lines of a merchant's month
    issuer_rows("hualien", {"noodles": row})   from an issuer's sums at its merchants
    statement(rows, terms)                     the same to the unit, whichever side it comes from

Sums are in hundredths of the currency. An issuer refunds `refund_permille` of what the coins count for and keeps
`fee_permille` of that; each row is rounded once, half up, so that both sides round the same thing.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.rewards.calendar import month_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COLUMNS = ("issuer", "merchant", "branch", "charged", "refunded", "coins", "gross", "refund", "fee", "due")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """Coins of one issuer at one branch in one month: charged, and refunded to residents."""

    issuer: str
    merchant: str
    branch: str
    charged: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its money.

    Attributes:
        row: the coins.
        gross: what they count for.
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
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        for issuer, coins in line["issuers"].items():
            row = sums.setdefault((issuer, line["branch"]), [0, 0])
            row[coins < 0] += abs(coins)
    return sorted(Row(issuer, merchant, branch, *row) for (issuer, branch), row in sums.items())


def issuer_rows(issuer: str, sums: Mapping[str, Mapping[str, Any] | None]) -> list[Row]:
    """Return the rows of an issuer's month from its sums, by merchant; None where it has none."""
    return sorted(
        Row(issuer, merchant, branch, *row)
        for merchant, branches in sums.items()
        for branch, row in (branches or {}).items()
    )


def statement(rows: Iterable[Row], terms: Mapping[str, Any]) -> list[Line]:
    """Return the rows of a month with their money, by a programme's terms."""
    found: list[Line] = []
    for row in sorted(rows):
        gross = (row.charged - row.refunded) * terms["value"]
        refund = _permille(gross, terms["refund_permille"])
        found.append(Line(row, gross, refund, _permille(refund, terms["fee_permille"])))
    return found


def liability(funds: Mapping[str, Any], time_ms: int) -> int:
    """Return how many of an issuer's coins may still be spent at a time, held ones among them."""
    return sum(coins for month, coins in funds["open"].items() if month >= month_of(time_ms))


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
                row.charged,
                row.refunded,
                row.charged - row.refunded,
                line.gross,
                line.refund,
                line.fee,
                line.due,
            ]
        )
    return output.getvalue().encode("utf-8-sig")


def _permille(amount: int, permille: int) -> int:
    return (2 * amount * permille + 1000) // 2000
