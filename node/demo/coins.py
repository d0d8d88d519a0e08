"""Coins from the station to the till: accounts, earnings, tests before and after, a lost phone; the till's acts beside.

A script (`coins.json`) has the programme's terms, the groups of its residents, and acts, each on some days:

    {"do": "earn", "days": [355, 362], "by": "hualien.clinic", "activity": "pressure", "who": "walkers"}

What a station measures is drawn here, committed to with a salt, and forgotten: no value leaves this function, and none
stands in any file. Where only today can be played, the acts that the script marks for `today` are.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.rewards.book import holder_of
from contracts.rewards.commitments import commit_measurement
from node.demo.stage import Page, Question
from node.demo.teller import NOON, Scene
from node.demo.till import TILL
from node.demo.town import Town

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from importlib.resources.abc import Traversable

    from node.client import Draft
    from node.demo.stage import Stage


class Coins:
    """Tells `coins.json`."""

    def __init__(self, stage: Stage, story: int, folder: Traversable, script: dict[str, Any]) -> None:
        del folder
        self._stage = stage
        self._story = story
        self._script = script
        self._town = Town(stage, script)

    def begin(self) -> None:
        """Let the programme be there, with what its issuers paid in and what they offer."""
        town, owner = self._town, self._script["owner"]
        drafts = [
            self._stage.party(owner).draft("programme", self._script["programme"], source=f"programme/{town.programme}")
        ]
        for issuer, amount in self._script["funding"].items():
            drafts.append(town.sign(owner, "coins-funding", f"fund/{issuer}", issuer=issuer, amount=amount))
        for kind in ("ticket-offer", "coupon-offer"):
            for one in self._script.get(f"{kind}s", []):
                terms = self._stage.filled(one)
                drafts.append(town.sign(one["issuer"], kind, f"offer/{one['offer']}", **terms))
        self._stage.enter(self._story, town.programme, drafts)

    def scenes(self) -> Iterable[Scene]:
        """Return each act on each of its days."""
        moves = self._stage.timeline.moves
        for number, act in enumerate(self._script["acts"]):
            # A day that is all there is has no hours: its acts come in the order in which they are told.
            minute = act.get("minute", NOON) if moves else NOON
            for day in act["days"] if moves else [1] * act.get("today", False):
                told = {**act, "day": day, "source": f"{number}/{day}"}
                yield Scene(day, f"{self._town.programme}: {act['do']}", partial(self._play, told), minute)

    def end(self) -> None:
        """Nothing is left to do."""

    def questions(self) -> Iterable[Question]:
        """Ask of the wallets and payments that the script shows, each as one of its two sides reads it."""
        shown = self._script["shown"]
        for one in shown["accounts"]:
            account = self._town.account(one["who"])
            yield Question("account", one["title"], f"/accounts/{account}", holder_of(account))
        for one in shown["payments"]:
            charge = self._town.charges.get(one["charge"])
            if charge is not None:
                holder = holder_of(self._town.account(charge.who))
                reader = holder if one["reader"] == "holder" else charge.merchant
                yield Question("payment", one["title"], f"/redemptions/{charge.id}", reader)

    def pages(self) -> Iterable[Page]:
        """Show the programme's terms, and what a shop is owed."""
        for one in self._script["shown"]["pages"]:
            yield Page(one["title"], one["page"], one.get("reader"))

    def _play(self, act: Mapping[str, Any]) -> None:
        drafts = list(ACTS[act["do"]](self._town, act))
        self._stage.enter(self._story, f"{self._town.programme}, day {act['day']}, {act['do']}", drafts)


def _open(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Open accounts; those without a phone get a printed card."""
    for who in town.people(act["who"]):
        account = town.account(who)
        keyed = {} if act.get("card") else town.new_phone(who)
        yield town.sign(act["by"], "coins-account", f"open/{who}", account=account, person=town.person(who), **keyed)
        if act.get("card"):
            card = town.stage.random(f"{account}/card")
            yield town.sign(act["by"], "coins-card", f"card/{who}", account=account, card=card, state="open")


def _earn(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    for who in town.people(act["who"]):
        source = f"earn/{act['source']}/{who}"
        yield town.sign(
            act["by"], "coins-earning", source, account=town.account(who), activity=act["activity"],
            earning=town.stage.random(f"{town.programme}/{source}"),
        )  # fmt: skip


def _measure(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Commit to what was measured; after the second test, reward who improved."""
    for who in town.people(act["who"]):
        account, stage = town.account(who), act["stage"]
        named = {one: town.stage.random(f"{account}/test/{one}") for one in ("pre", "post")}
        before, after = _values(who)
        salt = bytes.fromhex("".join(town.stage.random(f"{account}/salt/{stage}/{half}") for half in (1, 2)))
        digest = commit_measurement(salt, before if stage == "pre" else after)
        improved = after["walk_ds"] < before["walk_ds"]
        result = {"pre": named["pre"], "improved": improved} if stage == "post" else {}
        yield town.sign(
            act["by"], "coins-commitment", f"test/{stage}/{who}", account=account, commitment=named[stage],
            stage=stage, digest=digest, **result,
        )  # fmt: skip
        if result and improved:
            yield town.sign(
                act["by"], "coins-earning", f"improved/{who}", account=account, activity="improved",
                earning=town.stage.random(f"{account}/improved"), commitment=named["post"],
            )  # fmt: skip


def _values(who: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return what a station measured of a made-up person, before and after. It is kept nowhere."""
    drawn = random.Random(who)  # noqa: S311 - nobody is protected by it; the salt is what hides a value
    before = {"walk_ds": drawn.randint(55, 95), "grip_hg": drawn.randint(140, 320)}
    return before, {"walk_ds": before["walk_ds"] - drawn.randint(-3, 12), "grip_hg": before["grip_hg"]}


def _lost_phone(town: Town, act: Mapping[str, Any]) -> Iterable[Draft]:
    """Close the key of a phone that was lost and give the account the next one's; a card pays meanwhile."""
    for who in town.people(act["who"]):
        closed = town.holder(who).key.kid.hex()
        yield town.sign(
            act["by"], "coins-key", f"phone/{act['source']}/{who}", account=town.account(who), close=[closed],
            **town.new_phone(who),
        )  # fmt: skip


ACTS: dict[str, Callable[[Town, Mapping[str, Any]], Iterable[Draft]]] = {
    "open": _open,
    "earn": _earn,
    "measure": _measure,
    "lost-phone": _lost_phone,
    **TILL,
}
"""What the script's acts are, by `do`."""
