"""One act on a farm: what is the TAP log's row, the EPCIS event and the ledger's record at once.

    kind        fertilise                       one of eight, see KINDS
    TAP row     {"OperationDate": "2026/11/23", "OperationType": "施肥", "Operation": "有機肥 20 公斤",
                 "OperationMemo": "雨後"}
    EPCIS       {"type": "ObjectEvent", "eventTime": "2026-11-23T00:00:00+08:00", "fengtu:timePrecision": "day",
                 "action": "OBSERVE", "bizStep": "https://ns.fengtu.tw/bizstep/fertilise",
                 "quantityList": [{"epcClass": "https://id.gs1.org/01/04712345678900/10/L1"}],
                 "fengtu:operationType": "施肥", "fengtu:operation": "有機肥 20 公斤", …}

The memo is free text that may name a person: it is never in the event, it goes into the record's hidden field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from contracts.gs1 import lot_uri
from ledger.errors import FormatError

if TYPE_CHECKING:
    from datetime import date

NAMESPACE: Final = "https://ns.fengtu.tw/"
BIZ_STEP: Final = NAMESPACE + "bizstep/"
CONTEXT: Final = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"fengtu": NAMESPACE}]

KINDS: Final = {
    "sow": "播種",
    "fertilise": "施肥",
    "protect": "病蟲害防治",
    "water": "灌溉",
    "weed": "除草",
    "harvest": "採收",
    "pack": "包裝",
    "other": "其他",
}
"""The eight acts of the farmer's entry and their words in TAP."""

TEXT_SIZE_MAX = 2000
"""Characters of one text of a row or line."""

# What TAP's many operation types have in them, in the order in which it decides.
_SIGNS = (
    ("protect", "防治"), ("protect", "用藥"), ("weed", "除草"), ("weed", "中耕"), ("fertilise", "肥"),
    ("water", "灌溉"), ("water", "澆水"), ("harvest", "採收"), ("harvest", "收穫"), ("harvest", "收割"),
    ("pack", "包裝"), ("sow", "播種"), ("sow", "定植"), ("sow", "育苗"), ("sow", "種植"), ("sow", "插秧"),
)  # fmt: skip
_AMOUNT = re.compile(r"(?<![\d.])(\d{1,9}(?:\.\d{1,3})?)\s*(公斤|kg|㎏|台斤)(?![A-Za-z])", re.IGNORECASE | re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Operation:
    """One act as TAP's OperationDetail has it.

    Attributes:
        day: when, by the calendar of Taipei.
        type: TAP's word for it, such as 施肥.
        content: what was done, with what and how much.
        memo: free text; hidden.
    """

    day: date
    type: str
    content: str
    memo: str = ""


def decode_kind(text: str) -> str:
    """Return the kind for one of the eight English or Chinese words.

    Raises:
        FormatError: another word.
    """
    for kind, word in KINDS.items():
        if text.strip().lower() in {kind, word}:
            return kind
    raise FormatError("kind", expected=", ".join(f"{kind} {word}" for kind, word in KINDS.items()), got=repr(text[:40]))


def operation_kind(operation_type: str) -> str:
    """Return the kind that a TAP operation type amounts to; `other` where none fits."""
    return next((kind for kind, sign in _SIGNS if sign in operation_type), "other")


def decode_text(name: str, value: str) -> str:
    """Return a text without white space around it.

    Raises:
        FormatError: more than `TEXT_SIZE_MAX` characters, or control characters.
    """
    text = value.replace("\r\n", "\n").strip()
    if len(text) > TEXT_SIZE_MAX:
        raise FormatError(name, expected=f"at most {TEXT_SIZE_MAX} characters", got=f"{len(text)}")
    if (control := _CONTROL.search(text)) is not None:
        raise FormatError(name, expected="no control characters", got=repr(control[0]))
    return text


def amount_kg(content: str) -> Decimal | None:
    """Return the weight in kilograms that a text names, or None where it names none or more than one."""
    found = _AMOUNT.findall(content)
    if len(found) != 1:
        return None
    number, unit = found[0]
    return Decimal(number) * (Decimal("0.6") if unit == "台斤" else 1)


def lot_event(gtin: str, lot: str, day: date, biz_step: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return an EPCIS ObjectEvent about a lot of which only the day is known.

    Args:
        gtin: the product, 14 digits.
        lot: the lot, percent-decoded.
        day: by the calendar of Taipei.
        biz_step: a standard word or a URI.
        fields: what else the event has; a `quantityList` here replaces the bare lot, an `action` OBSERVE.
    """
    return {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": f"{day.isoformat()}T00:00:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "fengtu:timePrecision": "day",
        "action": "OBSERVE",
        "bizStep": biz_step,
        "quantityList": [{"epcClass": lot_uri(gtin, lot)}],
    } | fields


def operation_event(gtin: str, lot: str, operation: Operation, kind: str | None = None) -> dict[str, Any]:
    """Return the EPCIS event of an act on a lot; a harvest or packing that names one weight has it as quantity.

    Args:
        gtin: the product, 14 digits.
        lot: the lot, percent-decoded.
        operation: the act; its memo is left out.
        kind: one of `KINDS`; None decides by the operation's type.

    Raises:
        FormatError: no such GTIN or lot.
    """
    kind = operation_kind(operation.type) if kind is None else kind
    fields: dict[str, Any] = {"fengtu:operationType": operation.type, "fengtu:operation": operation.content}
    weight = amount_kg(operation.content) if kind in {"harvest", "pack"} else None
    if weight is not None:
        quantity = int(weight) if weight == int(weight) else float(weight)
        fields["quantityList"] = [{"epcClass": lot_uri(gtin, lot), "quantity": quantity, "uom": "KGM"}]
    return lot_event(gtin, lot, operation.day, BIZ_STEP + kind, fields)
