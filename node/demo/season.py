"""Contract farming: a season of agreements, act by act, by the people whose acts they are.

A script (`season.json`) has terms and acts, each with its day of the season and who acts; what an act says that follows
from the agreement itself — the hash of the terms, a settlement's lines, what is owed — is asked of the ledger. Where
only today can be played, a season goes as far as it can in a day: to the copy that each grower has ten days to think
about.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from contracts.agreements.life import KINDS_OF_LIFE
from contracts.agreements.terms import parties_of, terms_hash
from ledger.document import encode_document
from ledger.errors import FengtuError, ProofError
from ledger.record import decode_record
from node.demo.stage import SEAL_WAIT_S, Page, Question
from node.demo.teller import Scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from node.client import Draft
    from node.demo.stage import Stage

OFFER_S = 30 * 86_400


class Season:
    """Tells `season.json`."""

    def __init__(self, stage: Stage, story: int, folder: Traversable, script: dict[str, Any]) -> None:
        del folder
        self._stage = stage
        self._story = story
        self._begins: int = script["begins"] if stage.timeline.moves else 0
        self._products: list[dict[str, Any]] = script["products"]
        self._scripts: list[dict[str, Any]] = script["agreements"]
        self._told: list[_Told] = []

    def begin(self) -> None:
        """Register what growers sell that no farm of the story has registered, and write the terms."""
        drafts = []
        for one in self._products:
            body = {name: value for name, value in one.items() if name != "actor"}
            drafts.append(self._stage.party(one["actor"]).draft("product", body, source=f"product/{one['gtin']}"))
            self._stage.products.setdefault(one["actor"], one["gtin"])
        self._stage.enter(self._story, "products", drafts)
        self._told = [_Told(self._stage, one, self._filled(one["terms"])) for one in self._scripts]

    def scenes(self) -> Iterable[Scene]:
        """Return each act on its day."""
        for one in self._told:
            for number, act in enumerate(one.script["acts"]):
                if act["day"] <= 1 or self._stage.timeline.moves:
                    title = f"{one.script['title']}: {act['do']}"
                    numbered = {**act, "source": f"{one.agreement}/{number}"}
                    yield Scene(self._begins + act["day"], title, partial(self._act, one, numbered))

    def end(self) -> None:
        """Nothing is left to do."""

    def questions(self) -> Iterable[Question]:
        """Ask of each agreement's settlement, as its purchaser reads it."""
        for one in self._told:
            self._read(one, one.terms["purchaser"], "/data")
            title, page = one.script["title"], f"/agreements/{one.agreement}"
            yield Question("settlement", title, page, one.terms["purchaser"])

    def pages(self) -> Iterable[Page]:
        """Show nothing beside."""
        return ()

    def _act(self, one: _Told, act: Mapping[str, Any]) -> None:
        by, do = act.get("by", ""), act["do"]
        if do == "sign":
            self._hand_in(one, act, self._stage.party(by).sign("agreement", one.document, expires_in_s=OFFER_S))
        elif do == "dispute-end":
            body = {"agreement": one.agreement, **{name: act[name] for name in ("dispute", "outcome", "between")}}
            self._sign_by_all(one, act, "agreement-dispute-end", body, act["between"])
        elif do == "guarantee":
            body = {
                "agreement": one.agreement, "season": one.terms["season"], "growers": one.terms["growers"],
                "purchaser": one.terms["purchaser"], "association": one.terms["witness"],
                "lots": self._filled(act["lots"]),
            }  # fmt: skip
            signers = [*one.terms["growers"], one.terms["purchaser"], one.terms["witness"]]
            self._sign_by_all(one, act, "guarantee-kept", body, signers)
        elif do == "pay":
            self._pay(one, act)
        else:
            kind, body = self._body(one, act)
            self._hand_in(one, act, self._stage.party(by).draft(kind, body, source=act["source"]))

    def _body(self, one: _Told, act: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the kind and body of an act that one person signs."""
        do, by, named = act["do"], act["by"], {"agreement": one.agreement}
        if do == "draft":
            kind, body = "agreement-draft", {**named, "terms": one.terms}
        elif do == "fairness":
            kind, body = (
                "agreement-fairness",
                {"grower": by, "step": act["step"], "terms_hash": one.terms_hash, **named},
            )
        elif do == "witness":
            kind, body = "agreement-witness", {**named, "terms_hash": one.terms_hash}
        elif do == "notice":
            said = {"parties": parties_of(one.terms), "crop": one.terms["crop"], "season": one.terms["season"]}
            kind, body = "agreement-notice", {**named, **{name: said[name] for name in one.terms["notice"]}}
        elif do == "market":
            price = {"source": by, "series": act["series"], "day": self._date(act["day"])}
            kind, body = "market-price", {**price, "per_kg": act["per_kg"], "currency": one.terms["currency"]}
        elif do == "lot":
            kind, body = "lot", {"gtin": self._filled(act["gtin"]), "lot": act["lot"]}
        elif do == "settle":
            kind, body = "agreement-settlement", self._computed(one, act)
        else:
            kind, body = f"agreement-{do}", {**named, **self._filled(act["body"])}
        return kind, body

    def _computed(self, one: _Told, act: Mapping[str, Any]) -> dict[str, Any]:
        """Return a settlement as the node computes it; the rule computes it again when it is handed in."""
        query: list[tuple[str, Any]] = [("delivery", name) for name in act["deliveries"]]
        query += [("settlement", act["settlement"]), ("final", str(act.get("final", False)).lower())]
        query += [(name, act.get(name, 0)) for name in ("proceeds", "costs")]
        content: dict[str, Any] = self._read(one, act["by"], f"/settlement?{urlencode(query)}")
        return content

    def _pay(self, one: _Told, act: Mapping[str, Any]) -> None:
        """The purchaser pays each grower its sum, and each says that it came."""
        facts = self._read(one, act["by"], "/data")["facts"]
        settlement = next(each for each in facts["settlements"] if each["settlement"] == act["settlement"])
        for number, (grower, amount) in enumerate(settlement["sums"], 1):
            if not amount:
                continue
            name = f"P-{act['settlement']}-{number}"
            body = {
                "agreement": one.agreement, "payment": name, "settlement": act["settlement"], "grower": grower,
                "amount": amount, "day": self._date(act["day"]), "method": one.terms["payment"]["method"],
            }  # fmt: skip
            source = f"{act['source']}/{number}"
            self._hand_in(one, act, self._stage.party(act["by"]).draft("agreement-payment", body, source=source))
            received = {"agreement": one.agreement, "payment": name}
            self._hand_in(one, act, self._stage.party(grower).draft("agreement-receipt", received, source=source))

    def _sign_by_all(
        self, one: _Told, act: Mapping[str, Any], kind: str, body: Mapping[str, Any], signers: list[str]
    ) -> None:
        document = encode_document(id=self._stage.random(act["source"]), body=body)
        for actor in signers:
            self._hand_in(one, act, self._stage.party(actor).sign(kind, document, expires_in_s=OFFER_S))

    def _hand_in(self, one: _Told, act: Mapping[str, Any], draft: Draft) -> None:
        self._stage.enter(self._story, f"{one.script['title']}, day {act['day']}, {act['do']}", [draft])
        one.acts += decode_record(draft.statement).kind in KINDS_OF_LIFE

    def _read(self, one: _Told, actor: str, behind: str) -> Any:
        """Return what a party reads of an agreement, once what was handed in is under a seal."""
        acts = -1
        deadline = time.monotonic() + SEAL_WAIT_S
        while True:
            path = f"/agreements/{one.agreement}"
            try:
                facts = json.loads(self._stage.read(actor, f"{path}/data"))["facts"]
                acts = len(facts["history"])
            except FengtuError:
                # Not under a seal yet.
                acts = -1
            if acts >= one.acts:
                return json.loads(self._stage.read(actor, f"{path}{behind}"))
            if time.monotonic() > deadline:
                raise ProofError("the node's seal", expected=f"{one.acts} acts on {one.agreement}", got=acts)
            time.sleep(0.1)

    def _filled(self, value: Any) -> Any:
        return self._stage.filled(value, self._begins)

    def _date(self, day: int) -> str:
        """Return the date of a day of the season."""
        return self._stage.timeline.iso(self._begins + day)


class _Told:
    """One agreement on its way through its story."""

    def __init__(self, stage: Stage, script: Mapping[str, Any], terms: dict[str, Any]) -> None:
        self.script = script
        self.agreement = stage.random(f"agreement/{script['name']}")
        self.terms = terms
        self.terms_hash = terms_hash(terms).hex()
        body = {"agreement": self.agreement, "terms": terms}
        self.document = encode_document(id=stage.random(f"{self.agreement}/terms"), body=body)
        self.acts = 0
