"""The demo's agreements: a season of half a year, told act by act by the people whose acts they are.

    season = Season(remote, parties, timeline, products, say)
    season.run([script])
    timeline.end()
    season.answers(folder)

A script (`season.json`) has terms and acts, each with its day of the season and who acts; what an act says that follows
from the agreement itself — the hash of the terms, a settlement's lines, what is owed — is asked of the ledger. Days
pass by the `Timeline`: a node that began in the past for it lives the months in a minute. Where the ledger's time
cannot be moved, a season goes as far as it can in a day: to the copy that each grower has ten days to think about.
"""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from contracts.agreements.life import KINDS_OF_LIFE
from contracts.agreements.terms import parties_of, terms_hash
from ledger.document import encode_document
from ledger.errors import FengtuError, ProofError
from ledger.record import decode_record
from node.client import hand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ledger.clock import Clock
    from node.client import Draft, Party
    from node.remote import Remote

DAYS = 200
"""How long ago a demo's ledger begins."""
DAY_MS = 86_400_000
OFFER_S = 30 * 86_400
TAIPEI = timedelta(hours=8)
SEAL_WAIT_S = 90


class Timeline:
    """The days of the demo.

    Args:
        clock: the clock of the node's log; None where it runs in another process, so that today is the only day.
        begin_ms: when day 0 is, Unix milliseconds.
    """

    def __init__(self, clock: Clock | None, begin_ms: int) -> None:
        self._clock = clock
        self._begin_ms = begin_ms
        self._day = 0

    @property
    def moves(self) -> bool:
        """Whether days can pass."""
        return self._clock is not None

    def now_s(self) -> float:
        """Return the time of the story, Unix seconds."""
        return time.time() if self._clock is None else self._clock.now_ms() / 1000

    def date(self, day: int) -> str:
        """Return the date of a day, `2026-05-07`, by the calendar of Taipei."""
        return (datetime.fromtimestamp(self._begin_ms / 1000, UTC) + TAIPEI + timedelta(days=day)).date().isoformat()

    def go_to(self, day: int) -> None:
        """Let the days pass until a day has come."""
        if self._clock is not None and day >= self._day:
            self._day = day
            # A minute for each day's acts to come one after the other.
            self._clock.behind_ms = time.time_ns() // 1_000_000 - (self._begin_ms + day * DAY_MS + 60_000)

    def end(self) -> None:
        """Come back to the present."""
        if self._clock is not None:
            self._clock.behind_ms = 0


class Season:
    """Plays the agreements of the stories at one node.

    Args:
        remote: the node.
        parties: everybody with their key, by actor.
        timeline: the days.
        products: each farmer's GTIN, by actor.
        say: told what is being done.
    """

    def __init__(
        self,
        remote: Remote,
        parties: Mapping[str, Party],
        timeline: Timeline,
        products: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._remote = remote
        self._parties = parties
        self._timeline = timeline
        self._products = products
        self._say = say
        self._told: list[_Told] = []
        self.records = 0

    def run(self, scripts: Sequence[Mapping[str, Any]]) -> None:
        """Play all agreements of the scripts side by side.

        Args:
            scripts: a story's each, with its number as `story`.

        Raises:
            ProofError: an act that the story needs was refused.
        """
        self._told = [
            _Told(script["story"], one, self._filled(one["terms"]))
            for script in scripts
            for one in script["agreements"]
        ]
        acts = [(act["day"], number, one, act) for one in self._told for number, act in enumerate(one.script["acts"])]
        for day, _, one, act in sorted(acts, key=lambda row: (row[0], row[2].agreement, row[1])):
            if day > 1 and not self._timeline.moves:
                continue
            self._timeline.go_to(day)
            self._say(f"{one.script['title']}: {self._timeline.date(day)} {act['do']}")
            self._act(one, act)

    def answers(self, folder: Path) -> list[dict[str, Any]]:
        """Return what `/demo.json` tells of each agreement, as of now.

        Args:
            folder: where the proof files that the parties fetch are kept.
        """
        return [self._answer(one, folder) for one in self._told]

    def _act(self, one: _Told, act: Mapping[str, Any]) -> None:
        by, do = act.get("by", ""), act["do"]
        if do == "sign":
            self._hand_in(one, act, self._parties[by].sign("agreement", one.document, expires_in_s=OFFER_S))
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
            self._hand_in(one, act, self._parties[by].draft(kind, body))

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
            price = {"source": by, "series": act["series"], "day": self._timeline.date(act["day"])}
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
                "amount": amount, "day": self._timeline.date(act["day"]), "method": one.terms["payment"]["method"],
            }  # fmt: skip
            self._hand_in(one, act, self._parties[act["by"]].draft("agreement-payment", body))
            received = {"agreement": one.agreement, "payment": name}
            self._hand_in(one, act, self._parties[grower].draft("agreement-receipt", received))

    def _sign_by_all(
        self, one: _Told, act: Mapping[str, Any], kind: str, body: Mapping[str, Any], signers: list[str]
    ) -> None:
        document = encode_document(id=secrets.token_hex(16), body=body)
        for actor in signers:
            self._hand_in(one, act, self._parties[actor].sign(kind, document, expires_in_s=OFFER_S))

    def _hand_in(self, one: _Told, act: Mapping[str, Any], draft: Draft) -> None:
        error = hand_in(self._remote, [draft])[0].error
        self.records += 1
        one.acts += decode_record(draft.statement).kind in KINDS_OF_LIFE
        if error is not None:
            raise ProofError(
                f"the demo's {one.script['title']}, day {act['day']}, {act['do']}: {error}",
                expected="a record that is let in",
            ) from error

    def _read(self, one: _Told, actor: str, behind: str) -> Any:
        """Return what a party reads of an agreement, once what was handed in is under a seal."""
        acts = -1
        deadline = time.monotonic() + SEAL_WAIT_S
        while True:
            path = f"/agreements/{one.agreement}"
            try:
                facts = json.loads(self._remote.read(self._parties[actor].key, f"{path}/data"))["facts"]
                acts = len(facts["history"])
            except FengtuError:
                # Not under a seal yet.
                acts = -1
            if acts >= one.acts:
                return json.loads(self._remote.read(self._parties[actor].key, f"{path}{behind}"))
            if time.monotonic() > deadline:
                raise ProofError("the node's seal", expected=f"{one.acts} acts on {one.agreement}", got=acts)
            time.sleep(0.1)

    def _answer(self, one: _Told, folder: Path) -> dict[str, Any]:
        purchaser = one.terms["purchaser"]
        facts = self._read(one, purchaser, "/data")
        path = folder / "bundles" / f"agreement-{one.script['name']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        page = f"/agreements/{one.agreement}"
        path.write_bytes(self._remote.read(self._parties[purchaser].key, f"{page}/bundle"))
        return {
            "story": one.story, "question": "settlement", "title": one.script["title"], "page": page,
            "bundle": f"{page}/bundle", "kept": str(path.relative_to(folder)), "reader": purchaser,
            "status": facts["status"],
        }  # fmt: skip

    def _filled(self, value: Any) -> Any:
        """Return a value of the script with its days and products filled in: `{90}`, `{gtin:pingtung.lin}`."""
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, str) and value.startswith("{gtin:"):
            return self._products[value[6:-1]]
        if isinstance(value, str) and value.startswith("{"):
            return self._timeline.date(int(value[1:-1]))
        return value


class _Told:
    """One agreement on its way through its story."""

    def __init__(self, story: int, script: Mapping[str, Any], terms: dict[str, Any]) -> None:
        self.story = story
        self.script = script
        self.agreement = secrets.token_hex(16)
        self.terms = terms
        self.terms_hash = terms_hash(terms).hex()
        body = {"agreement": self.agreement, "terms": terms}
        self.document = encode_document(id=secrets.token_hex(16), body=body)
        self.acts = 0
