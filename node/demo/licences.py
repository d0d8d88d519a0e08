"""Artwork licences: works, mandates, grants, what is made and owed under them, and what is refused.

A script (`licences.json`) has acts, each with its day, who signs and what the record says. A grant's terms are an ODRL
2.2 agreement in a file beside it (`policy`); `refused` names the rule that has to keep the act out. What follows from
the terms is worked out: what is due for what was sold.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.licences.profile import decode
from contracts.licences.royalties import Account, settle, tally
from ledger.document import encode_document
from node.demo.stage import Page, Question
from node.demo.teller import NOON, Scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from node.client import Draft
    from node.demo.stage import Stage

OFFER_S = 86_400


class Licences:
    """Tells `licences.json`."""

    def __init__(self, stage: Stage, story: int, folder: Traversable, script: dict[str, Any]) -> None:
        self._stage = stage
        self._story = story
        self._folder = folder
        self._script = script
        # Where only today can be played, the first act's day is today.
        self._begins = 0 if stage.timeline.moves else -min(act["day"] for act in script["acts"])

    def begin(self) -> None:
        """Nothing has to be there before the first act."""

    def scenes(self) -> Iterable[Scene]:
        """Return each act on its day; where only today can be played, those that need no other day."""
        for number, act in enumerate(self._script["acts"]):
            if self._stage.timeline.moves or act.get("today"):
                told = {**act, "source": f"licences/{number}"}
                yield Scene(act["day"], f"{act['do']} {act['by'][0]}", partial(self._play, told), NOON)

    def end(self) -> None:
        """Nothing is left to do."""

    def questions(self) -> Iterable[Question]:
        """Ask of licences, as they hold or do not hold any more, and of the goods that carry one."""
        for one in self._script["shown"]["answers"] if self._stage.timeline.moves else ():
            yield Question(one["question"], one["title"], one["page"])

    def pages(self) -> Iterable[Page]:
        """Show what else is worth a look."""
        for one in self._script["shown"]["pages"]:
            if "account" in one and not self._stage.timeline.moves:
                continue
            behind = f"/{self._stage.random(one['account'])}" if "account" in one else ""
            yield Page(one["title"], f"{one['page']}{behind}", one.get("reader"))

    def _play(self, act: Mapping[str, Any]) -> None:
        drafts, what = list(self._drafts(act)), f"{act['do']} of {act['source']}"
        if "refused" in act:
            self._stage.expect_refused(self._story, what, drafts, act["refused"])
        else:
            self._stage.enter(self._story, what, drafts)

    def _drafts(self, act: Mapping[str, Any]) -> Iterable[Draft]:
        """Return the records of all who sign; of several each signs the same document."""
        content, source = self._body(act), act["source"]
        if len(act["by"]) == 1:
            hidden = {name: (value, False) for name, value in act.get("hidden", {}).items()}
            yield self._stage.party(act["by"][0]).draft(act["do"], content, hidden=hidden, source=source)
            return
        content["signers"] = act["by"]
        document = encode_document(id=self._stage.random(source), body=content)
        for actor in act["by"]:
            party = self._stage.party(actor)
            yield party.sign(act["do"], document, expires_in_s=OFFER_S, source=f"{source}/{actor}")

    def _body(self, act: Mapping[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = self._stage.filled(act["body"], self._begins)
        if "policy" in act:
            content["policy"] = self._policy(act["policy"])
        if "image" in act:
            content["image"] = self._upload(act["by"][0], act["image"])
        if "due_by" in act:
            royalty = decode(self._policy(act["due_by"])).royalty
            if royalty is not None:
                found = settle(royalty, Account(), tally(content["sales"]))
                lines = [{"what": one.what, "base": one.base, "amount": one.amount} for one in found.lines]
                content |= {"lines": lines, "due": found.due}
        return content

    def _upload(self, actor: str, name: str) -> str:
        """Upload a picture, and return the hash under which it is kept."""
        # Whoever uploads is known to the node once its key is under a seal.
        self._stage.wait_for_seal()
        answer = self._stage.send(actor, "/images", (self._folder / name).read_bytes(), "image/png")
        return str(json.loads(answer)["image"])

    def _policy(self, name: str) -> dict[str, Any]:
        policy: dict[str, Any] = json.loads((self._folder / name).read_text(encoding="utf-8"))
        return dict(self._stage.filled(policy, self._begins))
