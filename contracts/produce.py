"""Produce: lots, what is done to them, inspections and recalls.

    lot          {"gtin": "04712345678900", "lot": "L1", "site": "P-1", "certificates": ["TAP-1"], "may_record": ["…"]}
    event        an EPCIS 2.0 event exactly as supplied
    inspection   {"gtin": …, "lot": …, "test": "農藥殘留 380 項", "result": "passed", "sampled": "2026-10-30"}
    recall       {"gtin": …, "lot": …, "reason": "…"}            recall-lift the same

A lot's amounts never go below what left it; a recalled lot's goods do not leave; an error is corrected by the event's
own `errorDeclaration`. What happened when and what was registered when are both kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.effects import add, event_time_ms
from contracts.epcis import check_document
from contracts.epcuri import CANONICAL_BASE
from contracts.events import Event, event_of
from contracts.gs1 import check_lot, lot_uri
from contracts.keys import certificate_key, event_key, lot_key, product_key, site_key
from contracts.kind import ACTOR_ID, DATE, DAY_MS, GTIN, LOT, SITE_ID, Act, Kind, body, text
from contracts.lots import LotAct, fold, new_lot
from contracts.products import checked_gtin
from ledger.errors import FormatError, RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KINDS", "event_acts", "lot_acts", "lot_subject"]

FUTURE_MAX_MS = DAY_MS
"""How far ahead of its registration a thing may have happened (a day known only by its date)."""

PERSONAL = frozenset(
    {"farmer_name", "land_sec_no", "store_info", "other_fields", "memo", "operation_memos", "process_memos"}
)


def lot_subject(gtin: str, lot: str) -> str:
    """Return how a record names a lot: the path of its Digital Link, `/01/{gtin}/10/{lot}` percent-encoded."""
    try:
        return lot_uri(gtin, lot).removeprefix(CANONICAL_BASE)
    except FormatError as error:
        raise RefusedError("produce.lot", "the lot's name", expected=error.expected, got=error.got) from error


def lot_acts(kind: str, content: Mapping[str, Any], index: int) -> dict[tuple[str, str], LotAct]:
    """Return what a record does to each lot it is about, from its document alone.

    A correction takes back the acts of another record; it has none of its own here (see `undone`).

    Args:
        kind: the record's kind.
        content: the document's body.
        index: the record's index.
    """
    if kind == "event" and "errorDeclaration" not in content:
        return event_acts(Event(content))
    name = (content.get("gtin", ""), content.get("lot", ""))
    if kind == "lot":
        terms = {
            "site": content.get("site"), "certificates": list(content.get("certificates", [])),
            "may_record": list(content.get("may_record", [])), "declared": True,
        }  # fmt: skip
        return {name: LotAct("lot", "declared", terms=terms)}
    if kind in {"inspection", "recall", "recall-lift"}:
        recall = {"recall": index, "recall-lift": 0}.get(kind)
        return {name: LotAct(kind, kind, recall=recall)}
    return {}


def event_acts(event: Event) -> dict[tuple[str, str], LotAct]:
    """Return what an event does to each lot it names; one that corrects another has `undone` instead."""
    return {
        (one.gtin, one.lot): LotAct("event", one.step, one.amounts, one.parents, leaves=one.leaves)
        for one in event.effects
    }


def act_time_ms(kind: str, content: Mapping[str, Any], registered_ms: int) -> int:
    """Return when the thing happened: an event's own time, else the time of its registration."""
    return event_time_ms(content) if kind == "event" else registered_ms


def _lot(act: Act) -> list[Change]:
    content = act.body
    name = (checked_gtin(content["gtin"]), _lot_name(content["lot"]))
    known = act.facts.get(lot_key(*name))
    act.expect(
        known is None or not known["declared"], "produce.lot-known", "this lot is registered already", got=name[1]
    )
    owner = act.actor if known is None else known["owner"]
    if content.get("site") is not None:
        site = act.facts.get(site_key(content["site"]))
        if site is None:
            raise RefusedError("produce.site-unknown", "nobody registered this site", got=content["site"])
        act.expect(
            _is_near(act, owner, site["owner"]),
            "produce.lot-site",
            "a lot grows on a site of its owner, or of one above or below it",
            expected=owner,
            got=site["owner"],
        )
    for number in content.get("certificates", []):
        certificate = act.facts.get(certificate_key(number))
        if certificate is None:
            # Else a lot could name a number that is given to another farm later.
            raise RefusedError("produce.certificate-unknown", "nobody registered this certificate", got=number)
        act.expect(
            _is_near(act, owner, certificate["holder"]),
            "produce.lot-certificate",
            "a lot has certificates of its owner, or of one above or below it",
            expected=owner,
            got=certificate["holder"],
        )
    return _act_on_lots(act, lot_acts("lot", content, act.at.index))


def _check_event(content: Mapping[str, Any]) -> None:
    try:
        check_document(content)
    except FormatError as error:
        raise RefusedError("produce.epcis", error.message, expected=error.expected, got=error.got) from error
    if content["type"] in {"EPCISDocument", "EPCISQueryDocument"}:
        raise RefusedError("produce.epcis", "the body is one EPCIS event", got=content["type"])


def _event(act: Act) -> list[Change]:
    event = event_of(act.document)
    latest_ms = act.at.time_ms + FUTURE_MAX_MS
    if event.happened_ms > latest_ms:
        raise RefusedError(
            "produce.future",
            "the event has not happened yet",
            expected=f"at most {latest_ms} ms",
            got=f"{event.happened_ms} ms",
        )
    event_id = event.identity
    key = event_key(event_id)
    known = act.facts.get(key)
    if "errorDeclaration" in act.body:
        return _correct(act, event_id, known)
    act.expect(known is None, "produce.event-known", "an event with this eventID is registered already", got=event_id)
    changes = _act_on_lots(act, event_acts(event))
    touched = [
        [change.value["gtin"], change.value["lot"], change.value["acts"]]
        for change in changes
        if "acts" in change.value
    ]
    state = {"lots": touched, "actor": act.actor, "record": act.at.index, "corrected": None}
    return [*changes, Change(key, state)]


def _correct(act: Act, event_id: str, known: Any | None) -> list[Change]:
    if known is None:
        # Declared before the event itself came, or the event is on no ledger: it undoes nothing, and closes the id.
        state = {"lots": [], "actor": act.actor, "record": act.at.index, "corrected": act.at.index}
        return [Change(event_key(event_id), state)]
    act.expect(
        known["actor"] == act.actor,
        "produce.event-owner",
        "an event is corrected by who registered it",
        expected=known["actor"],
        got=act.actor,
    )
    act.expect(known["corrected"] is None, "produce.event-corrected", "the event is corrected already", got=event_id)
    acts: dict[tuple[str, str], LotAct] = {}
    corrects: dict[tuple[str, str], int] = {}
    for gtin, lot, number in known["lots"]:
        first = act.facts.get(lot_key(gtin, lot, number))
        if first is not None:
            acts[(gtin, lot)] = undone(first)
            corrects[(gtin, lot)] = number
    changes = _act_on_lots(act, acts, corrects)
    return [*changes, Change(event_key(event_id), {**known, "corrected": act.at.index})]


def undone(first: Mapping[str, Any]) -> LotAct:
    """Return the act that takes an earlier one back, from that one's fact."""
    amounts = {unit: (one[0], one[1], one[2]) for unit, one in first["amounts"].items()}
    return LotAct("correction", "correction", add({}, amounts, -1))


def _inspection(act: Act) -> list[Change]:
    act.expect_inspector("produce.inspector", "inspections are an inspector's")
    return _act_on_lots(act, lot_acts("inspection", act.body, act.at.index), anyone=True)


def _recall(act: Act) -> list[Change]:
    name = (checked_gtin(act.body["gtin"]), _lot_name(act.body["lot"]))
    state = act.facts.get(lot_key(*name))
    act.expect(state is not None, "produce.lot-unknown", "nobody registered this lot", got=name[1])
    kind = act.record.kind
    if state is not None:
        act.expect(
            (state["recalled"] is None) == (kind == "recall"),
            "produce.recall-state",
            "the lot is recalled already" if kind == "recall" else "the lot is not recalled",
            got=name[1],
        )
        authority = act.role() in {"inspector", "operator", "county"}
        # Whose goods they are may stop them, but not say that they are safe again.
        act.expect(
            authority or (kind == "recall" and _may_record(act, state)),
            "produce.recall",
            "a lot is recalled by its owner, who is above it, or an inspector; an inspector or a county lifts it",
            expected="an inspector, a county or the operator",
            got=act.actor,
        )
    return _act_on_lots(act, lot_acts(kind, act.body, act.at.index), anyone=True)


def _act_on_lots(
    act: Act,
    acts: Mapping[tuple[str, str], LotAct],
    corrects: Mapping[tuple[str, str], int] | None = None,
    *,
    anyone: bool = False,
) -> list[Change]:
    """Fold one record's acts into the lots it is about, and enter each in the lot's history."""
    changes: list[Change] = []
    happened_ms = event_of(act.document).happened_ms if act.record.kind == "event" else act.at.time_ms
    for name, one in acts.items():
        state = act.facts.get(lot_key(*name))
        if state is None:
            act.expect(not anyone, "produce.lot-unknown", "nobody registered this lot", got=name[1])
            state = _opened(act, *name)
        elif not anyone:
            act.expect(
                _may_record(act, state),
                "produce.lot-owner",
                "only the lot's owner and who it names may record acts on it",
                expected=", ".join([state["owner"], *state["may_record"]]),
                got=act.actor,
            )
        after = fold(state, one)
        entry = {
            "record": act.at.index,
            "kind": one.kind,
            "step": one.step,
            "time_ms": happened_ms,
            "registered_ms": act.at.time_ms,
            "by": act.record.issuer,
            "for": act.actor,
            "amounts": {unit: list(amounts) for unit, amounts in sorted(one.amounts.items())},
            "parents": [list(parent) for parent in one.parents],
            "event": act.body.get("eventID") if act.record.kind == "event" else None,
            "corrects": (corrects or {}).get(name),
        }
        changes += [Change(lot_key(*name), after), Change(lot_key(*name, after["acts"]), entry)]
    return changes


def _opened(act: Act, gtin: str, lot: str) -> dict[str, Any]:
    """Return a new lot of the actor, where the product is not another's."""
    product = act.facts.get(product_key(gtin))
    if product is not None and product["owner"] != act.actor and act.actor not in product["may_use"]:
        act.expect(
            act.is_under(act.actor, product["owner"]),
            "produce.product-owner",
            "the product's owner did not allow this actor to make lots of it",
            expected=product["owner"],
            got=act.actor,
        )
    return new_lot(gtin, lot, act.actor)


def _is_near(act: Act, actor: str, other: str) -> bool:
    return actor == other or act.is_under(actor, other) or act.is_under(other, actor)


def _may_record(act: Act, state: Mapping[str, Any]) -> bool:
    return act.actor == state["owner"] or act.actor in state["may_record"] or act.is_under(state["owner"], act.actor)


def _lot_name(lot: str) -> str:
    try:
        return check_lot(lot)
    except FormatError as error:
        raise RefusedError("produce.lot", "the lot's name", expected=error.expected, got=error.got) from error


def _lot_of_body(content: Mapping[str, Any]) -> str:
    return lot_subject(checked_gtin(content["gtin"]), content["lot"])


def _event_subject(content: Mapping[str, Any] | Event) -> str:
    """Return the first lot that comes of the event, else the first it names, else the event's hash."""
    event = Event.of(content)
    found = event.effects
    if not found:
        return event.hash
    first = next((one for one in found if one.made), found[0])
    return lot_subject(first.gtin, first.lot)


def _lot_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield lot_key(content["gtin"], content["lot"])
    yield product_key(content["gtin"])
    if content.get("site") is not None:
        yield site_key(content["site"])
    yield from (certificate_key(number) for number in content.get("certificates", []))


def _event_reads(content: Mapping[str, Any] | Event) -> Iterable[bytes]:
    event = Event.of(content)
    yield event_key(event.identity)
    for one in event.effects:
        yield lot_key(one.gtin, one.lot)
        yield product_key(one.gtin)


_LOT_BODY = {"gtin": GTIN, "lot": LOT}

KINDS = (
    Kind(
        "lot",
        body(
            _LOT_BODY,
            {
                "site": SITE_ID,
                "certificates": {"type": "array", "items": text(64), "maxItems": 16},
                "may_record": {"type": "array", "items": ACTOR_ID, "maxItems": 64},
            },
        ),
        _lot_of_body,
        _lot,
        _lot_reads,
        hidden=PERSONAL,
    ),
    Kind(
        "event",
        {"type": "object", "required": ["type", "eventTime"], "properties": {"eventTime": {"type": "string"}}},
        _event_subject,
        _event,
        _event_reads,
        hidden=PERSONAL,
        check=_check_event,
        content=event_of,
        whole=False,
    ),
    Kind(
        "inspection",
        body(
            {**_LOT_BODY, "test": text(), "result": {"enum": ["passed", "failed"]}, "sampled": DATE},
            {"laboratory": text(), "report": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "values": text(500)},
        ),
        _lot_of_body,
        _inspection,
        _lot_reads,
    ),
    Kind("recall", body({**_LOT_BODY, "reason": text(500)}), _lot_of_body, _recall, _lot_reads),
    Kind("recall-lift", body({**_LOT_BODY, "reason": text(500)}), _lot_of_body, _recall, _lot_reads),
)
