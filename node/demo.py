"""The demo's stories: counties, associations, farms and laboratories, each acting with a key of their own.

    play = Demo(remote, "operator", key, settings.demo, say=say, timeline=timeline)
    stories = play.run([files("examples") / "pingtung", files("examples") / "hsinchu"])

A story is a folder: `story.json` says who takes part, `season.json` which agreements they live through, the other files
are what they would have anyway (產銷履歷 exports, notebooks, EPCIS documents). Everything is handed in through the
public interfaces and can be run again: what is there already is answered again.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contracts.actors import possession_text
from contracts.operation import Operation, operation_event
from contracts.plain import decode_day
from ledger.checkpoint import decode_checkpoint
from ledger.errors import FengtuError, ProofError, UnavailableError
from ledger.genesis import encode_key
from ledger.note import decode_note
from ledger.signature import SigningKey
from node.client import Draft, Party, hand_in
from node.importing import epcis_drafts, notebook_drafts, tap_drafts
from node.keyfile import protect_key, read_keyfile, write_keyfile
from node.season import Season

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from node.remote import Remote
    from node.season import Timeline

PASSPHRASE = "fengtu-demo"  # noqa: S105 - the demo's people are made up, and so is what they protect
SEAL_WAIT_S = 30


class Demo:
    """Plays stories at one node.

    Args:
        remote: the node.
        operator: its operator's actor id.
        key: the operator's key.
        folder: where the demo's people keep their keys, and the answers they fetched.
        say: told what is being done.
        timeline: the days of the stories.
    """

    def __init__(
        self,
        remote: Remote,
        operator: str,
        key: SigningKey,
        folder: Path,
        *,
        say: Callable[[str], None],
        timeline: Timeline,
    ) -> None:
        self._timeline = timeline
        self._remote = remote
        self._folder = folder
        self._say = say
        self._origin = remote.get("/log/vkey").decode().split("+")[0]
        self._parties = {operator: Party(operator, key, self._origin, timeline.now_s)}
        self._operator = operator
        self._last_index = 0

    def run(self, folders: Sequence[Traversable]) -> list[dict[str, Any]]:
        """Play the stories and return what `/demo.json` tells of each.

        The people come first, then the season of their agreements, then what is on record of their lots today.

        Raises:
            ProofError: a record that a story needs was refused.
        """
        stories = [json.loads((files / "story.json").read_text(encoding="utf-8")) for files in folders]
        seasons = [json.loads((files / "season.json").read_text(encoding="utf-8")) for files in folders]
        season = None
        try:
            self._timeline.go_to(0)
            for story, season in zip(stories, seasons, strict=True):
                self._begin(story)
                self._enter("actors", self._actors(season))
                self._enter("farms", self._farms(story))
                self._enter("products", self._products(season))
            if not self._settlements.exists():
                season = self._season(stories, seasons)
                # Its last seal is months old; the one of today is due at once.
                self._last_index = self._size() if self._timeline.moves else self._last_index
        finally:
            self._timeline.end()
        if season is not None:
            self._wait_for_seal()
            self._settlements.write_text(json.dumps(season.answers(self._folder), ensure_ascii=False), encoding="utf-8")
        settlements = json.loads(self._settlements.read_bytes())
        told = []
        for files, story in zip(folders, stories, strict=True):
            self._story, self._counts = story, story["counts"]
            found = self._lots_of(files, story)
            found["answers"] += [one for one in settlements if one["story"] == story["story"]]
            told.append(found)
        return told

    def _begin(self, story: dict[str, Any]) -> None:
        self._story = story
        self._counts = story["counts"] = {"records": 0, "repeated": 0}
        self._enter("actors", self._actors(story))

    def _products(self, season: dict[str, Any]) -> Iterable[Draft]:
        for one in season["products"]:
            body = {name: value for name, value in one.items() if name != "actor"}
            yield self._parties[one["actor"]].draft("product", body, source=f"product/{one['gtin']}")

    @property
    def _settlements(self) -> Path:
        """What was told of the agreements: a season is lived once."""
        return self._folder / "settlements.json"

    def _season(self, stories: list[dict[str, Any]], seasons: list[dict[str, Any]]) -> Season:
        """Play the agreements."""
        products = {farm["actor"]: farm["product"]["gtin"] for story in stories for farm in story["farms"]}
        season = Season(self._remote, self._parties, self._timeline, products, self._say)
        season.run([{**script, "story": story["story"]} for story, script in zip(stories, seasons, strict=True)])
        for story in stories:
            story["counts"]["records"] += season.records // len(stories)
        return season

    def _lots_of(self, files: Traversable, story: dict[str, Any]) -> dict[str, Any]:
        """Enter what is on record of the farms' lots, and fetch each one's answer."""
        self._enter("lots", self._lots(story))
        association = self._parties[story["association"]]
        for farm in story["farms"]:
            self._farm(files, farm, association)
        self._enter("inspections", self._inspections(story))
        self._enter("late entry", self._late(story, association))
        if "erase" in story:
            self._erase(story["erase"])
        return self._answers(story)

    def _enter(self, what: str, drafts: Iterable[Draft]) -> None:
        self._say(f"{self._story['title']}: {what}")
        for outcome in hand_in(self._remote, list(drafts)):
            self._last_index = max(self._last_index, outcome.index or 0)
            self._counts["records"] += 1
            self._counts["repeated"] += outcome.repeated
            if outcome.error is not None:
                raise ProofError(
                    f"the demo's {what}, {outcome.draft.source}: {outcome.error}",
                    expected="a record that is let in",
                ) from outcome.error

    def _actors(self, story: dict[str, Any]) -> Iterable[Draft]:
        for one in story["actors"]:
            actor = one["actor"]
            parent = self._operator if one["parent"] == "operator" else one["parent"]
            key = self._key(actor)
            proof = key.sign(possession_text(self._origin, actor))
            body = {
                "actor": actor,
                "role": one["role"],
                "parent": parent,
                "key": encode_key(key.public_key),
                "possession": urlsafe_b64encode(proof).decode().rstrip("="),
                **({"name": one["name"]} if "name" in one else {}),
            }
            self._parties[actor] = Party(actor, key, self._origin, self._timeline.now_s)
            hidden = {name: (value, False) for name, value in one.get("hidden", {}).items()}
            yield self._parties[parent].draft("actor", body, hidden=hidden, source=f"actor/{actor}")

    def _key(self, actor: str) -> SigningKey:
        path = self._folder / "keys" / f"{actor}.json"
        if path.exists():
            return read_keyfile(path).open(PASSPHRASE)
        path.parent.mkdir(parents=True, exist_ok=True)
        key = SigningKey.generate()
        write_keyfile(path, protect_key(key, actor, PASSPHRASE))
        return key

    def _farms(self, story: dict[str, Any]) -> Iterable[Draft]:
        certifier = self._parties[f"{story['association'].split('.')[0]}.certifier"]
        for farm in story["farms"]:
            farmer = self._parties[farm["actor"]]
            site = {name: farm[name] for name in ("site", "name", "county", "township", "area_m2")}
            hidden = {"land_sec_no": (farm["land_sec_no"], False)}
            yield farmer.draft("site", site, hidden=hidden, source=f"site/{farm['site']}")
            yield farmer.draft("product", farm["product"], source=f"product/{farm['product']['gtin']}")
            certificate = {**farm["certificate"], "holder": farm["actor"], "site": farm["site"]}
            yield certifier.draft("certificate", certificate, source=f"certificate/{certificate['number']}")
        for one in story.get("products", []):
            body = {name: value for name, value in one.items() if name != "actor"}
            yield self._parties[one["actor"]].draft("product", body, source=f"product/{one['gtin']}")

    def _lots(self, story: dict[str, Any]) -> Iterable[Draft]:
        for farm in story["farms"]:
            yield self._lot(story, farm, farm["notebook"]["lot"])

    def _lot(self, story: dict[str, Any], farm: dict[str, Any], lot: str) -> Draft:
        body = {
            "gtin": farm["product"]["gtin"],
            "lot": lot,
            "site": farm["site"],
            "certificates": [farm["certificate"]["number"]],
            "may_record": [story["association"]],
        }
        return self._parties[farm["actor"]].draft("lot", body, source=f"lot/{body['gtin']}/{lot}")

    def _farm(self, files: Traversable, farm: dict[str, Any], association: Party) -> None:
        """The association enters for a farmer who has no device; the farmer signs the notebook."""
        gtin, actor = farm["product"]["gtin"], farm["actor"]
        farmer = self._parties[actor]
        public = {"memo", *(["farmer_name"] if farm["name_public"] else [])}
        table = {(farm["tap_name"][0], farm["tap_name"][1]): gtin}
        rows = tap_drafts(
            association, (files / farm["tap"]).read_bytes(), table=table, entered_for=actor, public=public
        )
        drafts = [one for one in rows if isinstance(one, Draft)]
        lots = list(dict.fromkeys(one.source.split("/")[2] for one in drafts))
        self._enter(f"{farm['product']['name']['zh-TW']}", [self._lot(self._story, farm, lot) for lot in lots])
        self._enter(f"{farm['tap']}", drafts)
        events = epcis_drafts(association, (files / farm["epcis"]).read_bytes(), entered_for=actor)
        self._enter(f"{farm['epcis']}", [one for one in events if isinstance(one, Draft)])
        notebook = farm["notebook"]
        lines = notebook_drafts(farmer, (files / notebook["file"]).read_bytes(), gtin, notebook["lot"], public={"memo"})
        self._enter(f"{notebook['file']}", [one for one in lines if isinstance(one, Draft)])

    def _inspections(self, story: dict[str, Any]) -> Iterable[Draft]:
        laboratory = self._parties[f"{story['association'].split('.')[0]}.lab"]
        for one in story["inspections"]:
            yield laboratory.draft("inspection", one, source=f"inspection/{one['gtin']}/{one['lot']}/{one['sampled']}")
        for one in story.get("recalls", []):
            yield laboratory.draft("recall", one, source=f"recall/{one['gtin']}/{one['lot']}")

    def _late(self, story: dict[str, Any], association: Party) -> Iterable[Draft]:
        late = story["late"]
        operation = Operation(decode_day(late["date"]), "", late["content"])
        event = operation_event(late["gtin"], late["lot"], operation, late["kind"])
        event.pop("fengtu:operationType")
        yield association.draft(
            "event", event, entered_for=late["actor"], source=f"late/{late['gtin']}/{late['lot']}/{late['date']}"
        )

    def _erase(self, erase: dict[str, Any]) -> None:
        """The farmer asks to be forgotten: the record of the erasure, then the key of the text is deleted."""
        party = self._parties[erase["actor"]]
        digest = self._digest(erase)
        body = {"digest": digest, "authority": erase["authority"], "reason": erase["reason"]}
        self._enter("erasure", [party.draft("erasure", body, source=f"erasure/{digest}")])

    def _digest(self, erase: dict[str, Any]) -> str:
        path = f"/products/{erase['gtin']}/{quote(erase['lot'], safe='')}/data"
        self._wait_for_seal()
        history = json.loads(self._remote.get(path))["facts"]["lot"]["history"]
        index = next(act["record"] for act in history if erase["name"] in act["hidden"])
        document = json.loads(self._remote.get(f"/entries/{index}/document"))
        return str(document["hidden"][erase["name"]])

    def _wait_for_seal(self) -> None:
        """Wait until what was handed in is under a seal."""
        self._say(f"{self._story['title']}: waiting for the seal")
        deadline = time.monotonic() + SEAL_WAIT_S
        while self._size() <= self._last_index:
            if time.monotonic() > deadline:
                raise UnavailableError("the node's seal", expected=f"one after entry {self._last_index}")
            time.sleep(0.2)

    def _size(self) -> int:
        """Return the size of the newest checkpoint's tree."""
        return decode_checkpoint(decode_note(self._remote.get("/log/checkpoint")).text).size

    def _answers(self, story: dict[str, Any]) -> dict[str, Any]:
        self._wait_for_seal()
        answers: list[dict[str, Any]] = []
        names = [(farm["product"]["gtin"], farm["notebook"]["lot"]) for farm in story["farms"]]
        names += [(one["gtin"], one["lot"]) for one in (*story["inspections"], *story.get("recalls", []))]
        for gtin, lot in dict.fromkeys(names):
            page = f"/products/{gtin}/{quote(lot, safe='')}"
            try:
                data = self._remote.get(f"{page}/bundle")
            except FengtuError as error:
                raise ProofError(f"the demo's lot {lot}", expected="a bundle", got=str(error)) from error
            path = self._folder / "bundles" / f"{gtin}-{quote(lot, safe='')}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            answers.append({"question": "product", "title": lot, "page": page, "bundle": f"{page}/bundle"})
        return {"story": story["story"], "title": story["title"], **self._counts, "answers": answers}
