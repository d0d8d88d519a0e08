"""What an EPCIS event does to the lots it names: amounts that go in and out, and which lots come of which.

    effects({"type": "ObjectEvent", "bizStep": "shipping", "quantityList": [{"epcClass":
    "https://id.gs1.org/01/…/10/L1",
             "quantity": 80, "uom": "KGM"}], …})
    [Effect(gtin="…", lot="L1", step="shipping", amounts={"g": (0, 80000, 0)}, parents=())]

Weights are integers in grams, other units thousandths of themselves. Into a lot goes what a harvest or a commissioning
with action ADD says, and what a transformation gives; out of it what is shipped, destroyed, deleted, or put into a
transformation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.cbv import standard_word
from contracts.gs1 import decode_item
from contracts.operation import BIZ_STEP
from ledger.errors import FormatError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GRAMS = {"KGM": Decimal(1000), "GRM": Decimal(1), "TNE": Decimal(1_000_000), "MGM": Decimal("0.001")}
AMOUNT_MAX = 2**53 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOTS_MAX = 64

IN_STEPS = {"commissioning", "harvest"}
OUT_STEPS = {"shipping", "destroying", "decommissioning", "consuming"}
LEAVING_STEPS = {"shipping", "departing", "loading", "retail_selling", "transporting"}
PACK_STEPS = {"packing", "pack"}
BACK_DISPOSITIONS = {"returned", "recalled"}
"""With these, goods that are shipped go back to where they came from; CBV has no step of its own for it."""

Amounts = dict[str, tuple[int, int, int]]
"""unit → (in, out, packed); the unit is `g`, or `<uom>/1000`, or `each/1000` where none is named."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event does to one lot.

    Attributes:
        gtin: 14 digits.
        lot: percent-decoded.
        step: the business step as a bare word, `transform` for both sides of a transformation.
        amounts: see `Amounts`.
        parents: the lots that it came of, each (gtin, lot).
        made: whether the event is one by which the lot comes to be.
        leaves: whether goods of the lot go out by it to be sold or used, amounts shown or not.
    """

    gtin: str
    lot: str
    step: str
    amounts: Amounts = field(default_factory=dict)
    parents: tuple[tuple[str, str], ...] = ()
    made: bool = False
    leaves: bool = False


def event_step(event: Mapping[str, Any]) -> str:
    """Return the business step as a bare word: the standard's, ours, or `other`."""
    if event["type"] == "TransformationEvent":
        return "transform"
    step = event.get("bizStep")
    if step is None:
        return "other"
    if step.startswith(BIZ_STEP):
        return str(step[len(BIZ_STEP) :])
    return standard_word("bizStep", step) or "other"


def event_time_ms(event: Mapping[str, Any]) -> int:
    """Return when the event happened, Unix milliseconds.

    Raises:
        RefusedError: the time is none.
    """
    try:
        since = datetime.fromisoformat(event["eventTime"]) - EPOCH
    except (ValueError, OverflowError, TypeError) as error:
        raise RefusedError("produce.event-time", "the event's time", got=str(event["eventTime"])[:40]) from error
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return microseconds // 1_000 if microseconds >= 0 else -(-microseconds // 1_000)


def effects(event: Mapping[str, Any]) -> list[Effect]:
    """Return what an event does to each lot it names, outputs first.

    Raises:
        RefusedError: it names too many lots, or an amount that cannot be counted.
    """
    if event["type"] == "TransformationEvent":
        found = _transformation(event)
    else:
        step, action = event_step(event), event.get("action")
        leaves = step in LEAVING_STEPS and not _goes_back(event)
        moves = event["type"] == "ObjectEvent"
        found = {}
        lists = ("parentID", "epcList", "childEPCs"), ("quantityList", "childQuantityList")
        for gtin, lot, amounts in _named(event, *lists):
            if not moves:
                counted: Amounts = {}
            elif step in OUT_STEPS or action == "DELETE":
                counted = {unit: (0, amount, 0) for unit, amount in amounts.items()}
            elif step in PACK_STEPS:
                counted = {unit: (0, 0, amount) for unit, amount in amounts.items()}
            elif step in IN_STEPS or action == "ADD":
                counted = {unit: (amount, 0, 0) for unit, amount in amounts.items()}
            else:
                counted = {}
            made = moves and (step in IN_STEPS or action == "ADD")
            _merge(found, Effect(gtin, lot, step, counted, made=made, leaves=leaves))
    if len(found) > LOTS_MAX:
        raise RefusedError("produce.lots-max", "the event names too many lots", expected=LOTS_MAX, got=len(found))
    return list(found.values())


def _goes_back(event: Mapping[str, Any]) -> bool:
    disposition = event.get("disposition")
    return disposition is not None and standard_word("disposition", disposition) in BACK_DISPOSITIONS


def add(a: Amounts, b: Amounts, sign: int = 1) -> Amounts:
    """Return amounts a + b, or a − b."""
    total = dict(a)
    for unit, amounts in b.items():
        before = total.get(unit, (0, 0, 0))
        total[unit] = (
            before[0] + sign * amounts[0], before[1] + sign * amounts[1], before[2] + sign * amounts[2],
        )  # fmt: skip
    return {unit: amounts for unit, amounts in total.items() if any(amounts)}


def _transformation(event: Mapping[str, Any]) -> dict[tuple[str, str], Effect]:
    inputs = list(_named(event, ("inputEPCList",), ("inputQuantityList",)))
    outputs = list(_named(event, ("outputEPCList",), ("outputQuantityList",)))
    if outputs and not event.get("inputEPCList") and not event.get("inputQuantityList"):
        # EPCIS lets a transformationID join several events. What a lot came of would then stand in no record on it.
        raise RefusedError(
            "produce.transformation-split",
            "a transformation names what went in and what came out in one event",
            expected="inputs beside the outputs",
            got="outputs alone",
        )
    names = sorted({(gtin, lot) for gtin, lot, _ in inputs})
    found: dict[tuple[str, str], Effect] = {}
    for gtin, lot, amounts in outputs:
        parents = tuple(name for name in names if name != (gtin, lot))
        counted = {unit: (amount, 0, 0) for unit, amount in amounts.items()}
        _merge(found, Effect(gtin, lot, "transform", counted, parents, made=True))
    for gtin, lot, amounts in inputs:
        counted = {unit: (0, amount, 0) for unit, amount in amounts.items()}
        _merge(found, Effect(gtin, lot, "transform", counted, leaves=True))
    return found


def _merge(found: dict[tuple[str, str], Effect], new: Effect) -> None:
    name = (new.gtin, new.lot)
    known = found.get(name)
    if known is not None:
        new = Effect(
            new.gtin, new.lot, new.step, add(known.amounts, new.amounts), known.parents or new.parents,
            known.made or new.made, known.leaves or new.leaves,
        )  # fmt: skip
    found[name] = new


def _named(
    event: Mapping[str, Any], epcs: tuple[str, ...], quantities: tuple[str, ...]
) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Yield (gtin, lot, amount by unit) of each lot that the event names in these lists."""
    for name in epcs:
        named = event.get(name, [])
        for epc in [named] if isinstance(named, str) else named:
            item = _lot_of(epc)
            if item is not None:
                yield (*item, {"each/1000": 1000})
    for name in quantities:
        for element in event.get(name, []):
            item = _lot_of(element["epcClass"])
            if item is not None:
                yield (*item, _amount(element))


def _lot_of(uri: str) -> tuple[str, str] | None:
    try:
        item = decode_item(uri)
    except FormatError:
        return None
    return None if item.lot is None else (item.gtin, item.lot)


def _amount(element: Mapping[str, Any]) -> dict[str, int]:
    if "quantity" not in element:
        return {}
    if type(element["quantity"]) not in {int, float}:
        # Reads are asked before the schema is: text such as "1e999999999" must not become a number.
        raise RefusedError("produce.amount", "an amount", expected="a number", got=repr(element["quantity"])[:40])
    quantity, uom = Decimal(str(element["quantity"])), element.get("uom")
    unit, scaled = ("g", quantity * GRAMS[uom]) if uom in GRAMS else (f"{uom or 'each'}/1000", quantity * 1000)
    if scaled != int(scaled) or not 0 <= scaled <= AMOUNT_MAX:
        raise RefusedError(
            "produce.amount", "an amount is counted in whole grams, other units in thousandths", got=str(quantity)[:40]
        )
    return {unit: int(scaled)}
