"""A studio: an artist, a people with its council and elders, an agent, and makers, who live by the real rules.

    studio = open_studio()
    studio.grant(studio.terms("L-1", work="W-1"))

The artist owns W-1; the people amis owns W-2, with the elders hana and rima as representatives.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from rules import DAY_MS, World, open_world

from contracts.calendar import day_of
from contracts.licences.keys import licence_key
from contracts.licences.life import Standing, standing, weakest
from contracts.licences.profile import encode
from contracts.licences.scope import Scope, days_after
from contracts.licences.terms import Terms

ANY = ("any",)
EVERYTHING = {
    "territories": ["001"], "fields": ["any"], "products": ["any"], "channels": ["any"], "languages": ["any"],
}  # fmt: skip
ATTRIBUTION = (("zh-TW", "圖紋：名稱 amis"),)


class Studio:
    """A world with works, and who has to do with them.

    Attributes:
        world: the world.
    """

    def __init__(self, world: World | None = None) -> None:
        self.world = world or open_world()
        for parent, actor, role in (
            ("operator", "council", "council"), ("council", "amis", "people"), ("county", "hana", "artist"),
            ("county", "rima", "artist"), ("county", "panay", "artist"), ("county", "lokal", "artist"),
            ("operator", "agent", "agent"), ("operator", "broker", "agent"), ("county", "tea", "maker"),
            ("county", "cloth", "maker"), ("county", "press", "maker"),
        ):  # fmt: skip
            self.world.register(parent, actor, role)
        self.act("panay", "work", **work_body("W-1"), creators=["panay"], copyright={"year": 2024})
        for number, elder in enumerate(("hana", "rima")):
            self.mandate(f"R-{number}", "amis", "amis", elder, **{"as": "representative"})
        registration = {"number": "原創字第 12 號", "day": "2025-06-01"}
        self.act("hana", "work", **work_body("W-2"), people="amis", registration=registration)

    @property
    def today(self) -> str:
        """The day of the next record."""
        return day_of(self.world.time_ms)

    def day(self, number: int) -> str:
        """Return the day so many days from today."""
        return str(days_after(self.today, number))

    def later(self, days: int) -> None:
        """Let days pass."""
        self.world.time_ms += days * DAY_MS

    def act(self, actor: str, kind: str, *, more: dict[str, Any] | None = None, **body: Any) -> int:
        """Let somebody record something; `more` goes to the record."""
        return self.world.submit(actor, kind, body, **(more or {}))

    def mandate(self, name: str, by: str, principal: str, holder: str, **more: Any) -> None:
        """Let somebody give a mandate for everything, from today on without an end."""
        powers = {"exclusive": True, "sublicensing": True, "delegation": True}
        scope = {**EVERYTHING, "first": self.today, **more.pop("scope", {})}
        body = {"mandate": name, "from": principal, "to": holder, "as": "agent", "scope": scope, **powers, **more}
        self.act(by, "mandate", **body)

    def scope(self, first: int = 0, last: int | None = 100, **words: tuple[str, ...]) -> Scope:
        """Return a scope of packaging in Taitung, days counted from today."""
        said = {
            "territories": ("TW-TTT",), "fields": ("packaging",), "products": ("30",), "channels": ANY,
            "languages": ANY, **words,
        }  # fmt: skip
        return Scope(**said, first=self.day(first), last=None if last is None else self.day(last))

    def terms(self, licence: str, work: str = "W-1", **more: Any) -> Terms:
        """Return the terms of a licence to the tea maker; sold off for ten days."""
        common: dict[str, Any] = {
            "parent": None, "assigners": ("panay",) if work == "W-1" else ("amis",), "assignee": "tea",
            "scope": self.scope(), "media": ("paper",), "actions": ("distribute", "reproduce"), "sell_off_days": 10,
            "attribution": ATTRIBUTION,
        }  # fmt: skip
        return Terms(licence=licence, work=work, **{**common, **more})

    def sublicence(self, licence: str, parent: str, by: str, to: str, **more: Any) -> Terms:
        """Return the terms of a sublicence."""
        return self.terms(licence, more.pop("work", "W-1"), parent=parent, assigners=(by,), assignee=to, **more)

    def grant(self, terms: Terms, *signers: str, mandates: tuple[str, ...] = ()) -> None:
        """Let the parties sign: those of the terms, or those that are named."""
        names = list(signers or ((*terms.assigners, terms.assignee) if terms.work == "W-1" else ("hana", "tea")))
        body: dict[str, Any] = {"policy": encode(terms), "signers": names}
        if mandates:
            body["mandates"] = list(mandates)
        exp = self.world.time_ms // 1000 + 86_400
        first = self.world.submission(names[0], "licence", body, expires_at_s=exp)
        self.world.enter(first)
        for name in names[1:]:
            self.world.submit(name, "licence", body, document=first.document.data, expires_at_s=exp)

    def state(self, licence: str) -> Any:
        """Return a licence's state."""
        return self.world.get(licence_key(licence))

    def acts(self, licence: str) -> list[Any]:
        """Return the acts of a licence's life."""
        return [self.world.get(licence_key(licence, n)) for n in range(1, self.state(licence)["acts"] + 1)]

    def standing(self, licence: str, day: str | None = None) -> Standing:
        """Return what a licence is on a day, today where none is named."""
        found, name = [], licence
        while name is not None:
            state = self.state(name)
            found.append(standing(state["life"], day or self.today))
            name = state["parent"]
        return weakest(found)

    def produce(self, licence: str, production: str, quantity: int, **more: Any) -> None:
        """Let the licensee declare what it made today in Taitung."""
        words = {name: list(getattr(self.scope(), name)) for name in ("territories", "fields", "products")}
        scope = {**words, "channels": ["shop"], "languages": ["zxx"], **more.pop("scope", {})}
        body = {"production": production, "day": self.today, "quantity": quantity, "media": ["paper"], **more}
        self.act(self.state(licence)["licensee"], "licence-production", licence=licence, scope=scope, **body)

    def revoke(self, licence: str, by: str, last: int = 0, reason: str = "breach") -> None:
        """Let somebody revoke a licence, with its last day counted from today."""
        self.act(by, "licence-revocation", licence=licence, last=self.day(last), reason=reason)


def work_body(work: str, *labels: str) -> dict[str, Any]:
    """Return what all works have in their bodies."""
    image = hashlib.sha256(work.encode()).hexdigest()
    return {"work": work, "title": {"zh-TW": f"作品 {work}"}, "image": image, "labels": list(labels)}


def wider(terms: Terms, **words: Any) -> Terms:
    """Return terms with another scope."""
    return replace(terms, scope=replace(terms.scope, **words))


def open_studio() -> Studio:
    """Return a studio in which nothing is granted yet."""
    return Studio()
