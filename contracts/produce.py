"""Produce: sites, products, lots, what is done to them, inspections and recalls.

    site         {"site": "P-1", "name": {"zh-TW": "…"}, "county": "屏東縣", "township": "萬丹鄉", "area_m2": 4200}
    product      {"gtin": "04712345678900", "name": {"zh-TW": "毛豆"}, "crop": "毛豆"}
    lot          {"gtin": "04712345678900", "lot": "L1", "site": "P-1", "certificates": ["TAP-1"], "may_record": ["…"]}
    event        an EPCIS 2.0 event exactly as supplied
    inspection   {"gtin": …, "lot": …, "test": "農藥殘留 380 項", "result": "passed", "sampled": "2026-10-30"}
    recall       {"gtin": …, "lot": …, "reason": "…"}            recall-lift the same

A lot's amounts never go below what left it; a recalled lot's goods do not leave; an error is corrected by the event's
own `errorDeclaration`. What happened when and what was registered when are both kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.effects import add, effects, event_time_ms
from contracts.epcis import document_events
from contracts.eventhash import event_hash
from contracts.gs1 import Item, check_lot, decode_gtin, encode_digital_link
from contracts.keys import event_key, lot_key, product_key, site_key
from contracts.kind import ACTOR_ID, DATE, DAY_MS, GTIN, LOT, SITE_ID, Act, Kind, body, names, text
from contracts.lots import LotAct, fold, new_lot
from ledger.errors import FormatError, RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["KINDS", "event_hash", "lot_acts", "lot_subject"]

FUTURE_MAX_MS = DAY_MS
"""How far ahead of its registration a thing may have happened (a day known only by its date)."""

PERSONAL = frozenset(
    {"farmer_name", "land_sec_no", "store_info", "other_fields", "memo", "operation_memos", "process_memos"}
)


def lot_subject(gtin: str, lot: str) -> str:
    """Return how a record names a lot: the path of its Digital Link, `/01/{gtin}/10/{lot}` percent-encoded."""
    try:
        return encode_digital_link(Item(gtin, lot), "https://id.gs1.org").removeprefix("https://id.gs1.org")
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
        return {(one.gtin, one.lot): LotAct("event", one.step, one.amounts, one.parents) for one in effects(content)}
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


def act_time_ms(kind: str, content: Mapping[str, Any], registered_ms: int) -> int:
    """Return when the thing happened: an event's own time, else the time of its registration."""
    return event_time_ms(content) if kind == "event" else registered_ms


def _product(act: Act) -> list[Change]:
    gtin = _gtin(act.body["gtin"])
    known = act.facts.get(product_key(gtin))
    act.expect(
        known is None or known["owner"] == act.actor,
        "produce.product-owner",
        "another actor registered this GTIN",
        expected=None if known is None else known["owner"],
        got=act.actor,
    )
    state = {
        "owner": act.actor, "name": dict(act.body["name"]), "crop": act.body["crop"],
        "may_use": list(act.body.get("may_use", [])), "record": act.at.index,
    }  # fmt: skip
    return [Change(product_key(gtin), state)]


def _site(act: Act) -> list[Change]:
    known = act.facts.get(site_key(act.body["site"]))
    act.expect(
        known is None or known["owner"] == act.actor,
        "produce.site-owner",
        "another actor registered this site",
        expected=None if known is None else known["owner"],
        got=act.actor,
    )
    state = {
        "owner": act.actor, "name": dict(act.body["name"]), "county": act.body["county"],
        "township": act.body["township"], "area_m2": act.body.get("area_m2"), "record": act.at.index,
    }  # fmt: skip
    return [Change(site_key(act.body["site"]), state)]


def _lot(act: Act) -> list[Change]:
    content = act.body
    name = (_gtin(content["gtin"]), _lot_name(content["lot"]))
    known = act.facts.get(lot_key(*name))
    act.expect(
        known is None or not known["declared"], "produce.lot-known", "this lot is registered already", got=name[1]
    )
    if content.get("site") is not None:
        site = act.facts.get(site_key(content["site"]))
        act.expect(site is not None, "produce.site-unknown", "nobody registered this site", got=content["site"])
    return _act_on_lots(act, lot_acts("lot", content, act.at.index), event_id=None)


def _check_event(content: Mapping[str, Any]) -> None:
    try:
        document_events(dict(content))
    except FormatError as error:
        raise RefusedError("produce.epcis", error.message, expected=error.expected, got=error.got) from error
    if content["type"] in {"EPCISDocument", "EPCISQueryDocument"}:
        raise RefusedError("produce.epcis", "the body is one EPCIS event", got=content["type"])


def _event(act: Act) -> list[Change]:
    content = act.body
    happened_ms = event_time_ms(content)
    act.expect(
        happened_ms <= act.at.time_ms + FUTURE_MAX_MS,
        "produce.future",
        "the event has not happened yet",
        expected=f"at most {act.at.time_ms + FUTURE_MAX_MS} ms",
        got=f"{happened_ms} ms",
    )
    event_id = content.get("eventID")
    known = None if event_id is None else act.facts.get(event_key(event_id))
    if "errorDeclaration" in content:
        return _correct(act, event_id, known)
    act.expect(known is None, "produce.event-known", "an event with this eventID is registered already", got=event_id)
    changes = _act_on_lots(act, lot_acts("event", content, act.at.index), event_id)
    if event_id is not None:
        touched = [
            [change.value["gtin"], change.value["lot"], change.value["acts"]]
            for change in changes
            if "acts" in change.value
        ]
        state = {"lots": touched, "actor": act.actor, "record": act.at.index, "corrected": None}
        changes.append(Change(event_key(event_id), state))
    return changes


def _correct(act: Act, event_id: str | None, known: Any | None) -> list[Change]:
    if known is None or event_id is None:
        # Declared before the event itself came, or the event is on no ledger: it undoes nothing, and closes the id.
        state = {"lots": [], "actor": act.actor, "record": act.at.index, "corrected": act.at.index}
        return [Change(event_key(event_id or event_hash(act.body, act.body)), state)]
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
    changes = _act_on_lots(act, acts, event_id, corrects)
    return [*changes, Change(event_key(event_id), {**known, "corrected": act.at.index})]


def undone(first: Mapping[str, Any]) -> LotAct:
    """Return the act that takes an earlier one back, from that one's fact."""
    amounts = {unit: (one[0], one[1], one[2]) for unit, one in first["amounts"].items()}
    return LotAct("correction", "correction", add({}, amounts, -1))


def _inspection(act: Act) -> list[Change]:
    role = act.role()
    act.expect(
        role == "inspector", "produce.inspector", "inspections are an inspector's", expected="inspector", got=role
    )
    return _act_on_lots(act, lot_acts("inspection", act.body, act.at.index), None, anyone=True)


def _recall(act: Act) -> list[Change]:
    name = (_gtin(act.body["gtin"]), _lot_name(act.body["lot"]))
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
        may = act.role() in {"inspector", "operator", "county"} or _may_record(act, state)
        act.expect(
            may, "produce.recall", "a lot is recalled by its owner, who is above it, or an inspector", got=act.actor
        )
    return _act_on_lots(act, lot_acts(kind, act.body, act.at.index), None, anyone=True)


def _act_on_lots(
    act: Act,
    acts: Mapping[tuple[str, str], LotAct],
    event_id: str | None,
    corrects: Mapping[tuple[str, str], int] | None = None,
    *,
    anyone: bool = False,
) -> list[Change]:
    """Fold one record's acts into the lots it is about, and enter each in the lot's history."""
    changes: list[Change] = []
    happened_ms = act_time_ms(act.record.kind, act.body, act.at.time_ms)
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
            "event": event_id,
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


def _may_record(act: Act, state: Mapping[str, Any]) -> bool:
    return act.actor == state["owner"] or act.actor in state["may_record"] or act.is_under(state["owner"], act.actor)


def _gtin(text_: str) -> str:
    try:
        return decode_gtin(text_)
    except FormatError as error:
        raise RefusedError("produce.gtin", "the GTIN", expected=error.expected, got=error.got) from error


def _lot_name(lot: str) -> str:
    try:
        return check_lot(lot)
    except FormatError as error:
        raise RefusedError("produce.lot", "the lot's name", expected=error.expected, got=error.got) from error


def _lot_of_body(content: Mapping[str, Any]) -> str:
    return lot_subject(_gtin(content["gtin"]), content["lot"])


def _event_subject(content: Mapping[str, Any]) -> str:
    """Return the first lot that comes of the event, else the first it names, else the event's hash."""
    found = effects(content)
    if not found:
        try:
            return event_hash(dict(content), dict(content))
        except FormatError as error:
            raise RefusedError("produce.epcis", error.message, expected=error.expected, got=error.got) from error
    first = next((one for one in found if one.made), found[0])
    return lot_subject(first.gtin, first.lot)


def _lot_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield lot_key(content["gtin"], content["lot"])
    yield product_key(content["gtin"])
    if content.get("site") is not None:
        yield site_key(content["site"])


def _event_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    if content.get("eventID") is not None:
        yield event_key(content["eventID"])
    for one in effects(content):
        yield lot_key(one.gtin, one.lot)
        yield product_key(one.gtin)


_LOT_BODY = {"gtin": GTIN, "lot": LOT}

KINDS = (
    Kind(
        "product",
        body(
            {"gtin": GTIN, "name": names(), "crop": text()},
            {"may_use": {"type": "array", "items": ACTOR_ID, "maxItems": 64}},
        ),
        lambda content: f"/01/{_gtin(content['gtin'])}",
        _product,
        lambda content: [product_key(content["gtin"])],
    ),
    Kind(
        "site",
        body(
            {"site": SITE_ID, "name": names(), "county": text(), "township": text()},
            {"area_m2": {"type": "integer", "minimum": 1, "maximum": 10**12}},
        ),
        lambda content: f"site/{content['site']}",
        _site,
        lambda content: [site_key(content["site"])],
        hidden=frozenset({"land_sec_no", "address"}),
    ),
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
