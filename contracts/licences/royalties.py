"""What is due for the use of a work: royalties from declared sales, the same for licensor, licensee and rule.

    royalty = Royalty("TWD", NET_SALES, bands=((0, 50), (10_000_000, 70)), minimum=500_000, advance=1_000_000, …)
    found = settle(royalty, Account(), Totals(pieces=900, gross=12_000_000, returned=150_000))
    found.lines[0]   Line("royalty", 11_850_000, 629_500, (["band", 0, 10_000_000, 50], ["band", 10_000_000, …]))
    found.due        0: the advance is not used up yet

Money is in hundredths of the currency, rates in ‰ of net sales or in hundredths a piece, days by the calendar of
Taipei. Net sales are gross sales less what came back, as far as the licence lets returns count; what goes beyond that
counts in a later period. A band's rate holds for what lies in the band, counted from the licence's first day. The
royalty of a period is worked out exactly over all its bands and rounded once, by the licence's rule; the most that
returns may take off is cut to a whole unit. Then comes what is missing of the period's minimum, then what an advance
has paid already.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from contracts.kind import GTIN, LOT, body
from contracts.rounding import divide
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NET_SALES = "net-sales"
PIECE = "piece"
UNITS = (NET_SALES, PIECE)
"""What a rate goes by: ‰ of net sales, or hundredths of the currency for a piece."""

AMOUNT_MAX = 2**53 - 1
PERMILLE = 1000

_COUNT = {"type": "integer", "minimum": 0, "maximum": 10**12}
SALE = body(
    {"pieces": _COUNT, "gross": _COUNT},
    {"gtin": GTIN, "lot": LOT, "returned_pieces": _COUNT, "returned": _COUNT},
)
"""The schema of a sale as the licensee declares it: one product in one period, or as little as one piece."""

Reason = list[Any]
"""One step of a reason: a word, then numbers, such as `["band", 0, 10000000, 50]`: from, how much lies in it, rate."""


@dataclass(frozen=True, slots=True)
class Royalty:
    """What a licence says about money.

    Attributes:
        currency: such as `TWD`.
        unit: one of `UNITS`.
        bands: from which net sales (hundredths) or pieces on which rate holds; the first from 0, rising.
        minimum: what is due for a whole reporting period at least, hundredths.
        advance: what was paid before the first use and is counted against what falls due, hundredths.
        returns_max_permille: how much of a period's sales returns may take off at most, ‰.
        period_months: how long a reporting period is; the first begins with the licence.
        report_days: within how many days of its end a period is reported.
        rounding: one of `contracts.rounding.RULES`.
    """

    currency: str
    unit: str
    bands: tuple[tuple[int, int], ...]
    minimum: int
    advance: int
    returns_max_permille: int
    period_months: int
    report_days: int
    rounding: str

    def as_data(self) -> dict[str, Any]:
        """Return the terms of money as answers have them."""
        return {
            "currency": self.currency, "unit": self.unit, "bands": [list(band) for band in self.bands],
            "minimum": self.minimum, "advance": self.advance, "returns_max_permille": self.returns_max_permille,
            "period_months": self.period_months, "report_days": self.report_days, "rounding": self.rounding,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Totals:
    """Sales of one period, or a part of them.

    Attributes:
        pieces: sold.
        gross: what they were sold for, hundredths.
        returned_pieces: that came back.
        returned: what was paid back for them, hundredths.
    """

    pieces: int = 0
    gross: int = 0
    returned_pieces: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Where a licence's royalties stand between two statements.

    Attributes:
        counted: net sales or pieces for which royalties were worked out so far: where in the bands the next one begins.
        recouped: how much of the advance is used up, hundredths.
        open_pieces: pieces that came back and do not count yet.
        open_returns: what was paid back for them, hundredths.
    """

    counted: int = 0
    recouped: int = 0
    open_pieces: int = 0
    open_returns: int = 0

    def as_data(self) -> dict[str, int]:
        """Return the account as facts have it; `account_of` gives the same back."""
        return {
            "counted": self.counted, "recouped": self.recouped, "open_pieces": self.open_pieces,
            "open_returns": self.open_returns,
        }  # fmt: skip


def account_of(data: Mapping[str, int]) -> Account:
    """Return the account that stands in a fact."""
    return Account(**data)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement.

    Attributes:
        what: `royalty`, `minimum` or `advance`.
        base: net sales (hundredths) or pieces; 0 where the line goes by neither.
        amount: hundredths of the currency; below 0 where it is taken off.
        because: the steps that led to it; no part of what a statement says.
    """

    what: str
    base: int
    amount: int
    because: tuple[Reason, ...] = ()

    def said(self) -> dict[str, Any]:
        """Return the line as a statement's document has it."""
        return {"what": self.what, "base": self.base, "amount": self.amount}


@dataclass(frozen=True, slots=True)
class Statement:
    """A period's lines, and where the account stands after it."""

    lines: tuple[Line, ...]
    after: Account

    @property
    def due(self) -> int:
        """What is to be paid, hundredths of the currency, 0 or more."""
        return sum(one.amount for one in self.lines)


def tally(sales: Iterable[Mapping[str, Any]]) -> Totals:
    """Return declared sales added up.

    Args:
        sales: each of the schema `SALE`.
    """
    pieces = gross = returned_pieces = returned = 0
    for one in sales:
        pieces += one["pieces"]
        gross += one["gross"]
        returned_pieces += one.get("returned_pieces", 0)
        returned += one.get("returned", 0)
    return Totals(pieces, gross, returned_pieces, returned)


def settle(royalty: Royalty, before: Account, totals: Totals, *, sell_off: bool = False) -> Statement:
    """Return what a period comes to.

    Args:
        royalty: the terms of money.
        before: the account before it.
        totals: what was sold and came back in it.
        sell_off: whether it lies after the licence's last day: then no minimum is due.

    Raises:
        RefusedError: an amount is beyond its bound.
    """
    net, because, account = _net(royalty, before, totals)
    exact, bands = _by_bands(royalty, before.counted, net)
    over = PERMILLE if royalty.unit == NET_SALES else 1
    earned = _bounded(divide(exact, over, royalty.rounding))
    lines = [Line("royalty", net, earned, (*because, *bands))]
    missing = 0 if sell_off else max(royalty.minimum - earned, 0)
    if missing:
        lines.append(Line("minimum", 0, missing, (["minimum", royalty.minimum, earned],)))
    left = royalty.advance - before.recouped
    recouped = min(left, earned + missing)
    if recouped:
        lines.append(Line("advance", 0, -recouped, (["advance", royalty.advance, before.recouped],)))
    after = replace(account, counted=_bounded(before.counted + net), recouped=before.recouped + recouped)
    return Statement(tuple(lines), after)


def _net(royalty: Royalty, before: Account, totals: Totals) -> tuple[int, tuple[Reason, ...], Account]:
    """Return net sales or pieces, the reason, and the account with the returns that do not count yet."""
    _bounded(totals.gross + before.open_returns + totals.returned)
    most = totals.gross * royalty.returns_max_permille // PERMILLE
    back = before.open_returns + totals.returned
    taken = min(back, most)
    most_pieces = totals.pieces * royalty.returns_max_permille // PERMILLE
    back_pieces = before.open_pieces + totals.returned_pieces
    taken_pieces = min(back_pieces, most_pieces)
    account = replace(before, open_returns=back - taken, open_pieces=back_pieces - taken_pieces)
    if royalty.unit == NET_SALES:
        return totals.gross - taken, (["sales", totals.gross], ["returns", back, taken]), account
    return totals.pieces - taken_pieces, (["pieces", totals.pieces], ["returns", back_pieces, taken_pieces]), account


def _by_bands(royalty: Royalty, counted: int, net: int) -> tuple[int, list[Reason]]:
    """Return base × rate over all bands, exactly, and what lies in each."""
    exact, reasons = 0, []
    ends = [start for start, _ in royalty.bands[1:]] + [counted + net]
    for (start, rate), end in zip(royalty.bands, ends, strict=True):
        inside = min(end, counted + net) - max(start, counted)
        if inside > 0:
            exact += inside * rate
            reasons.append(["band", start, inside, rate])
    return exact, reasons


def _bounded(amount: int) -> int:
    if amount > AMOUNT_MAX:
        raise RefusedError("licences.amount", "an amount of a statement", expected=f"at most {AMOUNT_MAX}", got=amount)
    return amount


# Periods


def period(first: str, months: int, number: int) -> tuple[str, str]:
    """Return the first and the last day of a reporting period.

    A period begins on the day of the month on which the licence begins, or on the month's last day where it has no
    such day.

    Args:
        first: the licence's first day.
        months: how long a period is.
        number: from 1.
    """
    begins = _months_later(first, months * (number - 1))
    after = _months_later(first, months * number)
    return begins.isoformat(), (after - timedelta(days=1)).isoformat()


def period_of(first: str, months: int, day: str) -> int:
    """Return the number of the reporting period in which a day lies, 0 for a day before the licence's first."""
    if day < first:
        return 0
    apart = (int(day[:4]) - int(first[:4])) * 12 + int(day[5:7]) - int(first[5:7])
    number = apart // months + 1
    return number if period(first, months, number)[0] <= day else number - 1


def _months_later(day: str, months: int) -> date:
    begins = date.fromisoformat(day)
    years, month = divmod(begins.month - 1 + months, 12)
    year = begins.year + years
    return date(year, month + 1, min(begins.day, monthrange(year, month + 1)[1]))
