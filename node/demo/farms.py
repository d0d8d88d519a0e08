"""Farms and their lots: what growers, their association, inspectors and a laboratory put on record over a year.

`farms.json` names the farms and their files: 產銷履歷 exports, notebooks, EPCIS documents, as a farm would have them
anyway. An association enters for a farmer who has no device; the farmer signs the notebook. Each act is handed in on
the day after it happened; one stays forgotten until today, and is marked late.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger.document import decode_document
from ledger.record import decode_record
from node.client import Draft
from node.demo.stage import Page, Question
from node.demo.teller import Scene
from node.importing import epcis_drafts, notebook_drafts, tap_drafts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable

    from node.client import Party
    from node.demo.stage import Stage

LABORATORY_TAKES = timedelta(days=5)


class Farms:
    """Tells `farms.json`."""

    def __init__(self, stage: Stage, story: int, folder: Traversable, script: dict[str, Any]) -> None:
        self._stage = stage
        self._story = story
        self._folder = folder
        self._script = script
        self._association = stage.party(script["association"])
        self._certifier = stage.party(script["certifier"])
        self._laboratory = stage.party(script["laboratory"])

    def begin(self) -> None:
        """Register sites, products and certificates."""
        for farm in self._script["farms"]:
            self._stage.products[farm["actor"]] = farm["product"]["gtin"]
        self._stage.enter(self._story, "farms", self._registered())

    def scenes(self) -> Iterable[Scene]:
        """Return a scene for each day on which something was entered."""
        by_day: dict[int, list[tuple[Party, Draft]]] = defaultdict(list)
        for farm in self._script["farms"]:
            for day, rows in self._lived(farm).items():
                by_day[day] += rows
        for one in self._script["inspections"]:
            drafted = self._laboratory.draft(
                "inspection", one, source=f"inspection/{one['gtin']}/{one['lot']}/{one['sampled']}"
            )
            told = self._day(date.fromisoformat(one["sampled"]) + LABORATORY_TAKES)
            by_day[told].append((self._laboratory, drafted))
        for day, rows in by_day.items():
            yield Scene(day, f"{self._association.actor}: {len(rows)}", partial(self._enter, rows))

    def end(self) -> None:
        """Recall what failed, enter what was forgotten, and erase what somebody asked to be erased."""
        recalls = [
            self._laboratory.draft("recall", one, source=f"recall/{one['gtin']}/{one['lot']}")
            for one in self._script["recalls"]
        ]
        self._stage.enter(self._story, "recall and late entry", [*recalls, self._late(self._script["late"])])
        for one in self._script["erasures"]:
            digest = self._digest(one)
            body = {"digest": digest, "authority": one["authority"], "reason": one["reason"]}
            asked = self._stage.party(one["actor"]).draft("erasure", body, source=f"erasure/{digest}")
            self._stage.enter(self._story, "erasure", [asked])

    def questions(self) -> Iterable[Question]:
        """Ask of each lot with something to tell."""
        script = self._script
        names = [(farm["product"]["gtin"], farm["notebook"]["lot"]) for farm in script["farms"]]
        names += [(one["gtin"], one["lot"]) for one in (*script["shown"], *script["inspections"], *script["recalls"])]
        products = [farm["product"] for farm in script["farms"]] + script["products"]
        called = {one["gtin"]: one["name"]["zh-TW"] for one in products}
        for gtin, lot in dict.fromkeys(names):
            yield Question("product", f"{called[gtin]} {lot}", f"/products/{gtin}/{quote(lot, safe='')}")

    def pages(self) -> Iterable[Page]:
        """Show nothing beside."""
        return ()

    def _registered(self) -> Iterator[Draft]:
        for farm in self._script["farms"]:
            farmer = self._stage.party(farm["actor"])
            site = {name: farm[name] for name in ("site", "name", "county", "township", "area_m2")}
            hidden = {"land_sec_no": (farm["land_sec_no"], False)}
            yield farmer.draft("site", site, hidden=hidden, source=f"site/{farm['site']}")
            yield farmer.draft("product", farm["product"], source=f"product/{farm['product']['gtin']}")
            certificate = {**farm["certificate"], "holder": farm["actor"], "site": farm["site"]}
            yield self._certifier.draft("certificate", certificate, source=f"certificate/{certificate['number']}")
        for one in self._script["products"]:
            body = {name: value for name, value in one.items() if name != "actor"}
            yield self._stage.party(one["actor"]).draft("product", body, source=f"product/{one['gtin']}")

    def _lived(self, farm: dict[str, Any]) -> dict[int, list[tuple[Party, Draft]]]:
        """Return a farm's records by the day on which they are entered, each with who signs it."""
        gtin, actor, notebook = farm["product"]["gtin"], farm["actor"], farm["notebook"]
        farmer, association = self._stage.party(actor), self._association
        public = {"memo", *(["farmer_name"] if farm["name_public"] else [])}
        rows = tap_drafts(
            association, self._file(farm["tap"]), table={tuple(farm["tap_name"]): gtin}, entered_for=actor,
            public=public,
        )  # fmt: skip
        written = notebook_drafts(farmer, self._file(notebook["file"]), gtin, notebook["lot"], public={"memo"})
        events = epcis_drafts(association, self._file(farm["epcis"]), entered_for=actor)
        found: dict[int, list[tuple[Party, Draft]]] = defaultdict(list)
        begins: dict[str, int] = {}
        for party, drafts in ((association, rows), (association, events), (farmer, written)):
            for drafted in drafts:
                if isinstance(drafted, Draft):
                    day = self._happened(drafted)
                    found[day].append((party, drafted))
                    if drafts is not events:
                        lot = drafted.source.split("/")[2]
                        begins[lot] = min(begins.get(lot, day), day)
        for lot, day in begins.items():
            found[day].insert(0, (farmer, self._lot(farm, lot)))
        return found

    def _file(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def _happened(self, drafted: Draft) -> int:
        """Return the day on which an event is entered."""
        return self._day(date.fromisoformat(decode_document(drafted.document).body["eventTime"][:10]))

    def _day(self, happened: date) -> int:
        return self._stage.timeline.day_of(happened)

    def _lot(self, farm: dict[str, Any], lot: str) -> Draft:
        body = {
            "gtin": farm["product"]["gtin"],
            "lot": lot,
            "site": farm["site"],
            "certificates": [farm["certificate"]["number"]],
            "may_record": [self._script["association"]],
        }
        return self._stage.party(farm["actor"]).draft("lot", body, source=f"lot/{body['gtin']}/{lot}")

    def _enter(self, rows: list[tuple[Party, Draft]]) -> None:
        """Hand in drafts that were read from files: signed today, whatever day they were drafted."""
        signed = [
            party.sign(decode_record(one.statement).kind, one.document, disclosures=one.disclosures, source=one.source)
            for party, one in rows
        ]
        self._stage.enter(self._story, "lots", signed)

    def _late(self, late: dict[str, Any]) -> Draft:
        operation = Operation(decode_day(late["date"]), "", late["content"])
        event = operation_event(late["gtin"], late["lot"], operation, late["kind"])
        event.pop("fengtu:operationType")
        source = f"late/{late['gtin']}/{late['lot']}/{late['date']}"
        return self._association.draft("event", event, entered_for=late["actor"], source=source)

    def _digest(self, erase: dict[str, Any]) -> str:
        """Return the digest of the hidden field that somebody asks to be erased, as the lot's page has it."""
        path = f"/products/{erase['gtin']}/{quote(erase['lot'], safe='')}/data"
        self._stage.wait_for_seal()
        history = json.loads(self._stage.remote.get(path))["facts"]["lot"]["history"]
        index = next(act["record"] for act in history if erase["name"] in act["hidden"])
        document = json.loads(self._stage.remote.get(f"/entries/{index}/document"))
        return str(document["hidden"][erase["name"]])
