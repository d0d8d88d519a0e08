"""From an answer to what its page shows: no rule and no query, only words and days.

product_view(answer, disclosures, particulars, base_url, now_ms)
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.pages.dates import day_of_ms
from api.pages.views.parts import MISSING, EntryLink, Field, QrView, Text, shown
from api.pages.views.produce import (
    CarriedView,
    CertificateView,
    InspectionView,
    LotView,
    ParentView,
    PriceView,
    ProductView,
    QuantitiesView,
    RecallView,
    SensorView,
    TimelineView,
    kind_of,
)
from api.paths import product_path
from contracts.lots import shown as amount_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.pages.views.produce import CertificateState, LotState, ParticularsView

LATE_DAYS = 3
"""A thing registered this many days after it happened, or later, is marked late."""

STEP_KINDS: Mapping[str, str] = {
    "sow": "sow", "fertilise": "fertilise", "protect": "protect", "water": "water", "weed": "weed",
    "harvest": "harvest", "pack": "pack", "packing": "pack", "process": "process", "transform": "process",
    "commissioning": "賦予追溯碼", "shipping": "ship", "departing": "ship", "receiving": "receive", "storing": "store",
    "inspecting": "inspect", "inspection": "inspect", "sensor_reporting": "sense",
}  # fmt: skip
SENSORS: Mapping[str, str] = {
    "temperature": "temperature", "relativehumidity": "humidity", "humidity": "humidity",
    "soilmoisture": "soil_moisture", "soiltemperature": "soil_temperature", "illuminance": "light", "ph": "ph",
    "rain": "rain",
}  # fmt: skip
UNITS: Mapping[str, str] = {"CEL": "°C", "P1": "%", "A93": "g/m³", "LUX": "lx", "Q30": "pH", "MMT": "mm"}

Disclosures = dict[int, dict[str, Field]]
"""Hidden fields by record and name, each shown, erased or withheld."""


def product_view(
    facts: Mapping[str, Any], disclosures: Disclosures, particulars: ParticularsView, qr: QrView, today: date
) -> ProductView:
    """Return the view of a lot from the facts of its answer."""
    lot = facts["lot"]
    history: list[dict[str, Any]] = lot["history"]
    site, product = facts["site"], facts["product"]
    return ProductView(
        gtin=lot["gtin"],
        lot=lot["lot"],
        name=_name(product, lot),
        packed_on=_packed_on(history),
        grower=_grower(facts, disclosures),
        place=MISSING if site is None else shown(f"{site['county']}{site['township']}"),
        particulars=particulars,
        qr=qr,
        operator=shown(_producer(facts, history)),
        certificates=tuple(_certificate(facts, one, today) for one in facts["certificates"]),
        inspections=tuple(_inspection(facts, act) for act in history if act["kind"] == "inspection"),
        recall=_recall(facts),
        timeline=tuple(_timeline(facts, disclosures)),
        sensors=tuple(sensors(history)),
        quantities=_quantities(lot),
        parents=tuple(_parents(facts)),
        price=_price(facts),
        trace_code=next((code for code in map(_trace_code, history) if code), ""),
        data_url=f"{product_path(lot['gtin'], lot['lot'])}/data",
        carried=tuple(_carried(facts, one) for one in facts.get("licences", ())),
    )


def _carried(facts: Mapping[str, Any], one: Mapping[str, Any]) -> CarriedView:
    makers = one["creators"] or [one["people"]]
    serials = one["serials"]
    return CarriedView(
        title=Text(one["title"]),
        makers=tuple(Text(facts["actors"][who]["name"] or {"zh-TW": who}) for who in makers),
        attribution=Text(one["attribution"]) if one["attribution"] else None,
        image_url=f"/images/{one['image']}",
        work_url=f"/works/{quote(one['work'])}",
        licence=one["licence"],
        licence_url=f"/licences/{quote(one['licence'])}",
        covers=one["covers"],
        state=one["standing"]["state"],
        until=one["standing"]["sale_last"],
        serials=None if serials is None else (serials[0], serials[1]),
    )


def _price(facts: Mapping[str, Any]) -> PriceView | None:
    guarantee = facts["guarantee"]
    if guarantee is None:
        return None
    signers = tuple(shown(_actor(facts, one["actor"])) for one in guarantee["signed"])
    return PriceView(guarantee["season"], signers, _link(guarantee["signed"][-1]["record"]))


def lot_view(facts: Mapping[str, Any]) -> LotView:
    """Return a lot's row in a list."""
    lot, site = facts["lot"], facts["site"]
    state: LotState = "active"
    if lot["recalled"] is not None:
        state = "recalled"
    elif any(one["recalled"] is not None for one in facts["parents"]):
        state = "tainted"
    return LotView(
        gtin=lot["gtin"],
        lot=lot["lot"],
        name=_name(facts["product"], lot),
        url=product_path(lot["gtin"], lot["lot"]),
        packed_on=_packed_on(lot["history"]),
        place=MISSING if site is None else shown(f"{site['county']}{site['township']}"),
        state=state,
    )


def _name(product: Mapping[str, Any] | None, lot: Mapping[str, Any]) -> Text:
    if product is not None:
        return Text(product["name"])
    named = next((_ilmd(act).get("fengtu:productName") for act in lot["history"] if _ilmd(act)), None)
    return Text({"zh-TW": str(named or lot["gtin"])})


def _ilmd(act: Mapping[str, Any]) -> dict[str, Any]:
    ilmd = act["body"].get("ilmd", {})
    return ilmd if isinstance(ilmd, dict) else {}


def _trace_code(act: Mapping[str, Any]) -> str:
    return str(_ilmd(act).get("fengtu:traceCode", ""))


def _packed_on(history: Sequence[Mapping[str, Any]]) -> date | None:
    packed = [act for act in history if act["step"] in {"pack", "packing"}] or [
        act for act in history if act["step"] == "commissioning"
    ]
    return day_of_ms(packed[-1]["time_ms"]) if packed else None


def _producer(facts: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Return the business (農產品經營業者): as the rows name it, else the owner where that is an organisation."""
    named = next((_ilmd(act).get("fengtu:producer") for act in history if _ilmd(act).get("fengtu:producer")), None)
    owner = facts["lot"]["owner"]
    return str(named or (_actor(facts, owner) if facts["actors"].get(owner, {}).get("name") else ""))


def _actor(facts: Mapping[str, Any], actor: str) -> str:
    name = facts["actors"].get(actor, {}).get("name")
    return str(name.get("zh-TW", actor)) if name else actor


def _grower(facts: Mapping[str, Any], disclosures: Disclosures) -> Field:
    found = [fields["farmer_name"] for fields in disclosures.values() if "farmer_name" in fields]
    if found:
        return min(found, key=lambda field: field.state != "shown")
    return shown(_actor(facts, facts["lot"]["owner"]))


def _certificate(facts: Mapping[str, Any], one: Mapping[str, Any], today: date) -> CertificateView:
    until = date.fromisoformat(one["valid_until"])
    state: CertificateState = "valid"
    if one["state"] == "withdrawn":
        state = "revoked"
    elif one["state"] == "suspended":
        state = "suspended"
    elif until < today:
        state = "expired"
    return CertificateView(one["scheme"], one["number"], _actor(facts, one["issuer"]), until, state)


def _inspection(facts: Mapping[str, Any], act: Mapping[str, Any]) -> InspectionView:
    body = act["body"]
    return InspectionView(
        what=body["test"],
        lab=body.get("laboratory") or _actor(facts, act["for"]),
        result=body["result"],
        on=date.fromisoformat(body["sampled"]),
        words=body.get("values", ""),
    )


def _recall(facts: Mapping[str, Any]) -> RecallView | None:
    for lot in (facts["lot"], *facts["parents"]):
        if lot["recalled"] is None:
            continue
        act = next(act for act in lot["history"] if act["record"] == lot["recalled"])
        ancestor = None if lot is facts["lot"] else _parent(facts, lot, None)
        return RecallView(
            act["body"]["reason"], day_of_ms(act["registered_ms"]), _actor(facts, act["for"]), ancestor=ancestor
        )
    return None


def _timeline(facts: Mapping[str, Any], disclosures: Disclosures) -> list[TimelineView]:
    history: list[dict[str, Any]] = facts["lot"]["history"]
    corrected = {act["corrects"]: act["record"] for act in history if act["corrects"] is not None}
    entries: list[TimelineView] = []
    for act in reversed(history):
        if act["kind"] == "lot":
            continue
        on, registered_on = _day(act), day_of_ms(act["registered_ms"])
        late_days = (registered_on - on).days
        memo = disclosures.get(act["record"], {}).get("memo", MISSING)
        entries.append(
            TimelineView(
                on=on,
                kind=_act_kind(act),
                content=shown(_content(act)),
                memo=memo,
                by=shown(_actor(facts, act["by"])),
                entry=_link(act["record"]),
                registered_on=registered_on,
                late_days=late_days if late_days >= LATE_DAYS else 0,
                corrected_by=_link(corrected[act["number"]]) if act["number"] in corrected else None,
            )
        )
    entries.sort(key=lambda entry: (entry.on, entry.entry.index), reverse=True)
    return entries


def _day(act: Mapping[str, Any]) -> date:
    """Return the day of an act: of an inspection the day of its sample, else when the thing happened."""
    if act["kind"] == "inspection":
        return date.fromisoformat(act["body"]["sampled"])
    return day_of_ms(act["time_ms"])


def _act_kind(act: Mapping[str, Any]) -> str:
    words = act["body"].get("fengtu:operationType")
    if isinstance(words, str) and words:
        return kind_of(words)
    if act["kind"] == "recall":
        return "回收"
    if act["kind"] == "recall-lift":
        return "解除回收"
    if act["kind"] == "correction":
        return "更正"
    if "sensorElementList" in act["body"]:
        return "sense"
    return STEP_KINDS.get(act["step"], "other")


def _content(act: Mapping[str, Any]) -> str:
    body = act["body"]
    words = body.get("fengtu:operation") or body.get("fengtu:processItem")
    if isinstance(words, str) and words:
        return words
    if act["kind"] == "inspection":
        return str(body["test"])
    if act["kind"] in {"recall", "recall-lift"}:
        return str(body["reason"])
    if act["kind"] == "correction":
        return str(body.get("errorDeclaration", {}).get("reason", ""))
    amounts = [amount_text(sum(one), unit) for unit, one in act["amounts"].items() if any(one)]
    parents = [lot for _, lot in act["parents"]]
    return "、".join([*amounts, *parents]) or _trace_code(act)


def _quantities(lot: Mapping[str, Any]) -> QuantitiesView:
    grams = lot["amounts"].get("g")
    if grams is None:
        return QuantitiesView()
    into, out, packed = grams
    known = "g" in lot["known_in"]
    return QuantitiesView(
        harvested_g=into if known else None,
        packed_g=packed or None,
        shipped_g=out,
        # What was packed is what can be shipped; where nothing is on record of packing, what came in is.
        left_g=(packed or into) - out if known else None,
    )


def _parents(facts: Mapping[str, Any]) -> list[ParentView]:
    wanted = {tuple(one) for one in facts["lot"]["parents"]}
    made = {act["record"] for act in facts["lot"]["history"] if act["parents"]}
    found: list[ParentView] = []
    for lot in facts["parents"]:
        if (lot["gtin"], lot["lot"]) in wanted:
            used = sum(act["amounts"].get("g", [0, 0, 0])[1] for act in lot["history"] if act["record"] in made)
            found.append(_parent(facts, lot, used or None))
    return found


def _parent(facts: Mapping[str, Any], lot: Mapping[str, Any], used_g: int | None) -> ParentView:
    product = facts["products"].get(lot["gtin"])
    return ParentView(
        gtin=lot["gtin"],
        lot=lot["lot"],
        name=_name(product, lot),
        url=product_path(lot["gtin"], lot["lot"]),
        used_g=used_g,
        recalled=lot["recalled"] is not None,
    )


def sensors(history: Sequence[Mapping[str, Any]]) -> list[SensorView]:
    """Return the curves of the sensor readings in a history, one a kind of reading."""
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    bands: dict[tuple[str, str], tuple[float, float]] = {}
    for act in history:
        for element in act["body"].get("sensorElementList", []):
            metadata = element.get("sensorMetadata", {})
            moment = metadata.get("time") or metadata.get("endTime") or act["body"]["eventTime"]
            for report in element.get("sensorReport", []):
                value = report.get("meanValue", report.get("value"))
                name = str(report.get("type", "")).rpartition(":")[2].rpartition("/")[2].lower().replace("_", "")
                if not isinstance(value, (int, float)) or isinstance(value, bool) or not name:
                    continue
                series = (SENSORS.get(name, name), UNITS.get(report.get("uom", ""), report.get("uom", "")))
                points.setdefault(series, []).append((_ms(str(moment)), float(value)))
                low, high = report.get("fengtu:bandLow"), report.get("fengtu:bandHigh")
                if isinstance(low, (int, float)) and isinstance(high, (int, float)):
                    bands[series] = (float(low), float(high))
    return [
        SensorView(name, unit, tuple(sorted(dict(values).items())), *bands.get((name, unit), (None, None)))
        for (name, unit), values in points.items()
        if len(values) > 1
    ]


def _ms(moment: str) -> int:
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def _link(index: int) -> EntryLink:
    return EntryLink(index, f"/entries/{index}/document")
