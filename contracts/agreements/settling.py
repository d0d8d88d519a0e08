"""What a settlement comes to, line by line, from signed price, grade and weight; the same for both sides and the rule.

    found = settle(terms, deliveries, Ledger(...), final=True, market=market)
    found.lines[0]   Line("goods", "pingtung.lin", "D-1", "A", 480000, 3780, 1814400, (["market", 3600, …], …))
    found.sums       {"pingtung.lin": 1650000}

Goods are accepted grams at the price of their grade; then what is added or taken by the kilogram, by the delivery, and
by ‰ of the goods; then, at the end of a season, the penalty for what is missing; then advances that are repaid. The
lines of a grower add up to what it is paid, which is never below zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.agreements.price import Market, Price, Reason, Row, evaluate, guaranteed_price
from contracts.agreements.terms import AMOUNT_MAX, area_m2
from contracts.kind import DAY_MS
from contracts.rounding import divide, share
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a settlement.

    Attributes:
        what: `goods`, `pool`, the name of an adjustment, `short-delivery`, `not-below-zero`, `advances`.
        grower: whose.
        delivery: of which delivery; empty where it is of all.
        grade: of which grade; empty where it is of all.
        grams: what is paid for, after the moisture's reduction; 0 where the line goes by no weight.
        per_kg: minor units for a kilogram; 0 where the line goes by no weight.
        amount: minor units; below 0 where it is taken off.
        because: the steps that led to price, weight or amount; no part of what a settlement says.
    """

    what: str
    grower: str
    delivery: str
    grade: str
    grams: int
    per_kg: int
    amount: int
    because: tuple[Reason, ...] = ()

    def said(self) -> dict[str, Any]:
        """Return the line as a settlement's document has it."""
        return {
            "what": self.what, "grower": self.grower, "delivery": self.delivery, "grade": self.grade,
            "grams": self.grams, "per_kg": self.per_kg, "amount": self.amount,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a settlement needs to know beside its deliveries.

    Attributes:
        outstanding: advances that each grower has not repaid yet, minor units.
        short_g: how much is missing of what had to be delivered, at the end of a season.
        final: whether it is the season's last one: all that is outstanding is deducted, what is missing is charged.
        proceeds: what a pool's goods fetched, minor units.
        costs: what selling them cost.
    """

    outstanding: Mapping[str, int]
    short_g: int = 0
    final: bool = False
    proceeds: int = 0
    costs: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """The lines, and what each grower is paid."""

    lines: tuple[Line, ...]
    sums: Mapping[str, int]

    @property
    def total(self) -> int:
        """What is paid in all, minor units."""
        return sum(self.sums.values())


@dataclass(slots=True)
class _Bill:
    """One grower's lines on their way."""

    grower: str
    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        if abs(line.amount) > AMOUNT_MAX:
            raise RefusedError("agreements.amount", "the line's amount", expected=f"at most {AMOUNT_MAX}")
        self.lines.append(line)

    def sum(self) -> int:
        return sum(one.amount for one in self.lines)

    def goods(self) -> int:
        return sum(one.amount for one in self.lines if one.what in {"goods", "pool"})


def rows_of(delivery: Mapping[str, Any], terms: Mapping[str, Any], time_ms: int) -> list[list[Any]] | None:
    """Return what counts as accepted of a delivery, `[grade, grams, moisture ‰]` each; None where that is open still.

    What the purchaser does not answer within the agreed days after the grading is accepted as it was graded.
    """
    if delivery["accepted"] is not None:
        return list(delivery["accepted"])
    if delivery["graded_ms"] is None:
        return None
    late = time_ms >= delivery["graded_ms"] + terms["acceptance"]["accept_days"] * DAY_MS
    return list(delivery["rows"]) if late else None


def settle(
    terms: Mapping[str, Any], deliveries: Sequence[Mapping[str, Any]], ledger: Ledger, market: Market, time_ms: int
) -> Settlement:
    """Return what deliveries come to.

    Args:
        terms: the terms in force.
        deliveries: as the agreement's state has them, in their order; all of them accepted.
        ledger: what is outstanding and missing.
        market: what markets paid.
        time_ms: the settlement's time.

    Raises:
        RefusedError: a delivery is not accepted yet, a market's price is missing, or an amount is beyond its bound.
    """
    bills = {grower: _Bill(grower) for grower in terms["growers"]}
    units = dict.fromkeys(bills, 0)
    for delivery in deliveries:
        rows = rows_of(delivery, terms, time_ms)
        if rows is None:
            raise RefusedError("agreements.not-accepted", "the delivery is not accepted yet", got=delivery["delivery"])
        units[delivery["grower"]] += _goods(bills[delivery["grower"]], terms, delivery, rows, market)
    if terms["price"]["form"] == "pool":
        _pool(bills, units, terms, ledger)
    for bill in bills.values():
        _shares_of_goods(bill, terms)
    if ledger.final and ledger.short_g:
        _short_delivery(bills, terms, ledger.short_g)
    for bill in bills.values():
        _repay(bill, terms, ledger)
    lines = tuple(line for bill in bills.values() for line in bill.lines)
    sums = {grower: bill.sum() for grower, bill in bills.items() if bill.lines}
    if sum(sums.values()) > AMOUNT_MAX:
        raise RefusedError("agreements.amount", "the settlement's sum", expected=f"at most {AMOUNT_MAX}")
    return Settlement(lines, sums)


def _goods(
    bill: _Bill, terms: Mapping[str, Any], delivery: Mapping[str, Any], rows: Sequence[Sequence[Any]], market: Market
) -> int:
    """Add a delivery's lines; return its weight in the pool, grams × ‰."""
    rounding, form, units = terms["rounding"], terms["price"], 0
    base = next((one["moisture_base_permille"] for one in terms["adjustments"] if "name" not in one), None)
    name = delivery["delivery"]
    for grade, grams, moisture in rows:
        paid_g, because = _dry(grams, moisture, base, rounding)
        if form["form"] == "pool":
            units += paid_g * int(form["weights"][grade])
        else:
            price: Price = evaluate(form, Row(grade, moisture, delivery["day"]), rounding, market)
            amount = divide(paid_g * price.per_kg, 1000, rounding)
            reason = (*because, *price.because)
            bill.add(Line("goods", bill.grower, name, grade, paid_g, price.per_kg, amount, reason))
        for one in terms["adjustments"]:
            if "per_kg" in one:
                amount = divide(paid_g * one["per_kg"], 1000, rounding)
                bill.add(Line(one["name"], bill.grower, name, grade, paid_g, one["per_kg"], amount, because))
    for one in terms["adjustments"]:
        if "per_delivery" in one and rows:
            bill.add(Line(one["name"], bill.grower, name, "", 0, 0, one["per_delivery"]))
    return units


def _dry(grams: int, moisture: int, base: int | None, rounding: str) -> tuple[int, tuple[Reason, ...]]:
    """Return the weight that is paid: what it would be at the agreed moisture, where it was wetter."""
    if base is None or moisture <= base:
        return grams, ()
    paid_g = divide(grams * (1000 - moisture), 1000 - base, rounding)
    return paid_g, (["moisture", grams, moisture, base, paid_g],)


def _pool(bills: Mapping[str, _Bill], units: Mapping[str, int], terms: Mapping[str, Any], ledger: Ledger) -> None:
    """Share what the pooled goods fetched by weight and grade, to the last cent."""
    whole, net = sum(units.values()), ledger.proceeds - ledger.costs
    because: list[Reason] = [["proceeds", ledger.proceeds], ["costs", ledger.costs]]
    guaranteed = terms["price"].get("guaranteed")
    if guaranteed is not None:
        least = divide(whole * guaranteed, 1_000_000, terms["rounding"])
        because.append(["guaranteed", guaranteed, least])
        net = max(net, least)
    if whole == 0 and net > 0:
        raise RefusedError("agreements.pool", "a pool shares what goods fetched", expected="accepted goods", got="none")
    net = max(net, 0)
    because.append(["pool", net, whole])
    for (grower, bill), part in zip(bills.items(), share(net, list(units.values())), strict=True):
        if units[grower]:
            bill.add(Line("pool", grower, "", "", 0, 0, part, (*because, ["share", units[grower], whole])))


def _shares_of_goods(bill: _Bill, terms: Mapping[str, Any]) -> None:
    goods = bill.goods()
    for one in terms["adjustments"]:
        if "permille" in one and goods:
            amount = divide(goods * one["permille"], 1000, terms["rounding"])
            bill.add(Line(one["name"], bill.grower, "", "", 0, 0, amount, (["of", goods, one["permille"]],)))


def _short_delivery(bills: Mapping[str, _Bill], terms: Mapping[str, Any], short_g: int) -> None:
    """Charge what is missing: ‰ of its value at the mean price of what came, shared by the area under contract."""
    permille = terms["penalty"]["short_permille"]
    goods = sum(bill.goods() for bill in bills.values())
    grams = sum(one.grams for bill in bills.values() for one in bill.lines if one.what == "goods")
    if not permille or not goods or not grams:
        return
    charge = divide(short_g * goods * permille, grams * 1000, terms["rounding"])
    parts = share(charge, [area_m2(terms, grower) for grower in bills])
    because: Reason = ["short", short_g, goods, grams, permille]
    for (grower, bill), part in zip(bills.items(), parts, strict=True):
        if part:
            bill.add(Line("short-delivery", grower, "", "", 0, 0, -part, (because,)))


def _repay(bill: _Bill, terms: Mapping[str, Any], ledger: Ledger) -> None:
    """Take off what is repaid of advances; no sum goes below zero."""
    due = bill.sum()
    if due < 0:
        bill.add(Line("not-below-zero", bill.grower, "", "", 0, 0, -due))
        return
    outstanding = ledger.outstanding.get(bill.grower, 0)
    permille = 1000 if ledger.final else terms["advances"]["share_permille"]
    repaid = min(outstanding, due * permille // 1000)
    if repaid:
        because: Reason = ["outstanding", outstanding, permille]
        bill.add(Line("advances", bill.grower, "", "", 0, 0, -repaid, (because,)))


def guarantee_gaps(terms: Mapping[str, Any], lines: Sequence[Line]) -> list[Line]:
    """Return the lines whose price is below the one that the terms guarantee."""
    found = []
    for line in lines:
        if line.what == "goods":
            least = guaranteed_price(terms["price"], line.grade)
            if least is not None and line.per_kg < least:
                found.append(line)
    return found


def first_difference(expected: Sequence[Mapping[str, Any]], got: Sequence[Mapping[str, Any]]) -> tuple[int, str, str]:
    """Return the first line that differs: its number from 1, and both lines in words."""
    for i in range(max(len(expected), len(got))):
        ours = _words(expected[i]) if i < len(expected) else "no line"
        theirs = _words(got[i]) if i < len(got) else "no line"
        if ours != theirs:
            return i + 1, ours, theirs
    return 0, "", ""


def _words(line: Mapping[str, Any]) -> str:
    place = " ".join(str(line[name]) for name in ("what", "grower", "delivery", "grade") if line[name])
    return f"{place} {line['grams']} g × {line['per_kg']}/kg = {line['amount']}"
