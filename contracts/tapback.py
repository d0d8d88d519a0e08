"""The way back: from the acts on a lot to the TAP row that they make.

    row = row_of(history, hidden)         # history as a product's facts have it, hidden texts by record and name

What was read from a row gives that row again. Acts that came from elsewhere (a notebook, an EPCIS document) become
operations or processing steps, so one entry serves the TAP log, the EPCIS event and the ledger at once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from contracts.operation import BIZ_STEP, KINDS, Operation
from contracts.taprow import Process, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Hidden = dict[int, dict[str, str]]
"""Texts of hidden fields that one may read, by record and name."""

_TAIPEI = timedelta(hours=8)


def row_of(lot: str, history: Iterable[Mapping[str, Any]], hidden: Hidden) -> Row:
    """Return the TAP row of a lot.

    Args:
        lot: the lot's number: the trace code, where nothing says another.
        history: the acts on it, as `verifiers.product` tells them.
        hidden: what may be read of hidden fields; the rest stays empty.
    """
    acts = [act for act in history if act["record_kind"] == "event"]
    made = next((act for act in acts if act["step"] == "commissioning"), None)
    ilmd: dict[str, Any] = {} if made is None else made["body"].get("ilmd", {})
    texts = {} if made is None else hidden.get(made["record"], {})

    def text(name: str) -> str:
        return str(ilmd.get(f"fengtu:{name}", ""))

    valid = text("validDate")
    operations = [_operation(act, hidden) for act in acts if _is_operation(act)]
    processes = [_process(act, hidden) for act in acts if act["step"] == "process"]
    return Row(
        trace_code=text("traceCode") or lot,
        producer=text("producer"),
        org_id=text("orgID"),
        product_name=text("productName"),
        place=text("place"),
        farmer_name=texts.get("farmer_name", ""),
        pack_date=None if made is None else _day(made),
        certification_name=text("certificationName"),
        valid_date=date.fromisoformat(valid) if valid else None,
        store_info=texts.get("store_info", ""),
        land_sec_no=texts.get("land_sec_no", ""),
        parent_trace_codes=tuple(ilmd.get("fengtu:parentTraceCode", ())),
        trace_code_list=tuple(ilmd.get("fengtu:traceCodelist", ())),
        updated=text("logUpdateTime"),
        operations=tuple(operations),
        processes=tuple(processes),
        resumes=tuple(ilmd.get("fengtu:resumeTitle", ())),
        certificates=tuple(ilmd.get("fengtu:certificate", ())),
    )


def _is_operation(act: Mapping[str, Any]) -> bool:
    step = str(act["body"].get("bizStep", ""))
    return step.startswith(BIZ_STEP) and step.removeprefix(BIZ_STEP) in KINDS


def _operation(act: Mapping[str, Any], hidden: Hidden) -> Operation:
    body = act["body"]
    kind = str(body["bizStep"]).removeprefix(BIZ_STEP)
    return Operation(
        _day(act),
        str(body.get("fengtu:operationType", KINDS[kind])),
        str(body.get("fengtu:operation", "")),
        hidden.get(act["record"], {}).get("memo", ""),
    )


def _process(act: Mapping[str, Any], hidden: Hidden) -> Process:
    body = act["body"]
    return Process(
        _day(act),
        str(body.get("fengtu:processItem", "")),
        str(body.get("fengtu:processArea", "")),
        hidden.get(act["record"], {}).get("memo", ""),
    )


def _day(act: Mapping[str, Any]) -> date:
    return (datetime.fromtimestamp(act["time_ms"] / 1000, UTC) + _TAIPEI).date()
