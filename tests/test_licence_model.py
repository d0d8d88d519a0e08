"""Licences by the real rules beside a slow model: what is let in, what is refused, and what held when."""

from __future__ import annotations

import random
from copy import copy
from typing import TYPE_CHECKING, Any

from conftest import soak
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from licence_model import AGENTS, FIELDS, MAKERS, PLACES, POINTS, Box, Model, base, calendar, covers
from licences import EVERYTHING
from rules import GTIN

from contracts.licences.life import STATES, known_on, standing, weakest
from contracts.licences.scope import Scope
from contracts.licences.terms import Terms
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

boxes = st.builds(
    lambda places, uses, first, length: (tuple(places), tuple(uses), first, length),
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=1),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=1),
    st.integers(-1, 12),
    st.one_of(st.none(), st.integers(0, 40)),
)
conditions = st.fixed_dictionaries(
    {
        "exclusive": st.sampled_from([False, False, True]),
        "sublicensing": st.sampled_from([True, True, False]),
        "quantity": st.sampled_from([None, 3, 10, 30]),
        "sell_off_days": st.sampled_from([0, 6]),
    }
)
names = st.integers(0, 11)


ACTS: list[tuple[str, dict[str, st.SearchStrategy[Any]]]] = []
"""What may happen, with what is drawn for it. One rule picks among them: no example goes without some of them."""


def does(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put a method among what may happen."""

    def put(method: Callable[..., None]) -> Callable[..., None]:
        ACTS.append((method.__name__, drawn))
        return method

    return put


class LicenceMachine(RuleBasedStateMachine):
    """Owners, agents and makers do what comes to their minds; rules and model have to agree on each of it."""

    def __init__(self) -> None:
        super().__init__()
        self.studio = copy(base())
        self.studio.world = copy(base().world)
        self.studio.world.facts = dict(base().world.facts)
        self.start_ms = self.studio.world.time_ms
        self.model = Model()
        self.today = 0
        self.productions = 0

    def box(self, drawn: tuple[Any, ...]) -> Box:
        """Return a box whose first day is counted from today."""
        places, uses, first, length = drawn
        begins = self.today + first
        return Box(places, uses, begins, None if length is None else begins + length)

    def scope(self, box: Box) -> Scope:
        """Return a box as the rules know it."""
        words = {"products": ("any",), "channels": ("any",), "languages": ("any",)}
        last = None if box.last is None else calendar(box.last)
        return Scope(box.places, box.fields, **words, first=calendar(box.first), last=last)

    def pick(self, kind: str, number: int) -> dict[str, Any] | None:
        """Return one of those of a kind that there are."""
        found = [entry for entry in self.model.log if entry["kind"] == kind]
        return found[number % len(found)] if found else None

    def attempt(self, act: Any, *, allowed: bool, entry: dict[str, Any]) -> None:
        """Do something; it is let in where the model says so, and then it stands in the model's log."""
        refusal = None
        try:
            act()
        except RefusedError as error:
            refusal = error
        assert (refusal is None) == allowed, (refusal, entry, self.model.log)
        what = "sublicence" if entry.get("parent") else entry["kind"]
        event(f"{what}: {'let in' if allowed else 'refused'}")
        if allowed:
            self.model.log.append({**entry, "time_ms": self.studio.world.time_ms})

    def grant(self, by: str, terms: dict[str, Any], parent: str | None, to: str, mandate: str | None) -> None:
        """Let a licence be signed, and hold it against the model."""
        box, name = terms["box"], f"L-{sum(one['kind'] == 'licence' for one in self.model.log)}"
        right = "panay" if parent is None else self.model.one("licence", parent)["to"]
        entry = {
            "kind": "licence", "name": name, "parent": parent, "to": to, "mandate": mandate, "filing": False, **terms,
            "first": calendar(box.first), "last": None if box.last is None else calendar(box.last), "by": by,
        }  # fmt: skip
        allowed = box.first >= self.today and to not in {by, right} and self.model.is_free(parent, terms)
        if mandate is not None:
            allowed = allowed and self.model.mandate_counts(mandate, self.today)
            allowed = allowed and self.model.mandate_covers(mandate, terms)
        if parent is not None:
            above = self.model.one("licence", parent)
            allowed = allowed and self.model.may_sublicense(above, terms, self.today)
        said = Terms(
            licence=name, work="W-1", parent=parent, assigners=(right,), assignee=to, scope=self.scope(box),
            media=("any",), actions=("distribute", "reproduce"),
            **{one: terms[one] for one in ("exclusive", "sublicensing", "quantity", "sell_off_days")},
        )  # fmt: skip
        mandates = () if mandate is None else (mandate,)
        signers = (by, to) if by != to else (by, "hana")
        self.attempt(lambda: self.studio.grant(said, *signers, mandates=mandates), allowed=allowed, entry=entry)

    @initialize()
    def begin(self) -> None:
        """One licence that may be passed on, and one mandate, stand at the beginning."""
        self.grant("panay", {"box": Box(("TW-TTT",), ("any",), 0, 60), "exclusive": False, "sublicensing": True,
                             "quantity": 30, "sell_off_days": 6}, None, "tea", None)  # fmt: skip
        self.give_mandate((("TW",), ("any",), 0, None), (True, True, True), None, "agent")

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """Somebody does something, in time or out of it."""
        name, drawn = data.draw(st.sampled_from([*ACTS, *ACTS[-3:]]))  # things are made and marked more often
        getattr(self, name)(**{each: data.draw(strategy) for each, strategy in drawn.items()})

    @does(drawn=boxes, more=conditions, to=st.sampled_from(MAKERS))
    def owner_grants(self, drawn: tuple[Any, ...], more: dict[str, Any], to: str) -> None:
        """The artist grants."""
        self.grant("panay", {"box": self.box(drawn), **more}, None, to, None)

    @does(number=names, drawn=boxes, more=conditions, to=st.sampled_from(MAKERS))
    def agent_grants(self, number: int, drawn: tuple[Any, ...], more: dict[str, Any], to: str) -> None:
        """An agent grants by one of its mandates."""
        mandate = self.pick("mandate", number)
        if mandate is not None:
            self.grant(mandate["to"], {"box": self.box(drawn), **more}, None, to, mandate["name"])

    @does(number=names, drawn=boxes, more=conditions, to=st.sampled_from(MAKERS), inside=st.booleans())
    def licensee_grants(
        self, number: int, drawn: tuple[Any, ...], more: dict[str, Any], to: str, *, inside: bool
    ) -> None:
        """A licensee grants a sublicence; every other time one that has a chance."""
        parent = self.pick("licence", number)
        if parent is None:
            return
        box = self.box(drawn)
        if inside:
            last, _ = self.model.ends(parent)
            first = max(self.today, parent["box"].first)
            box = Box(parent["box"].places, parent["box"].fields, first, None if last is None else max(first, last))
            more = {**more, "sell_off_days": 0, "exclusive": more["exclusive"] and parent["exclusive"], "quantity": 3}
            to = next(one for one in MAKERS if one != parent["to"])
        self.grant(parent["to"], {"box": box, **more}, parent["name"], to, None)

    @does(
        drawn=boxes,
        powers=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        under=st.one_of(st.none(), names),
        to=st.sampled_from(AGENTS),
    )
    def give_mandate(self, drawn: tuple[Any, ...], powers: tuple[bool, ...], under: int | None, to: str) -> None:
        """The artist gives a mandate, or an agent passes one on."""
        above = None if under is None else self.pick("mandate", under)
        box, name = self.box(drawn), f"M-{sum(one['kind'] == 'mandate' for one in self.model.log)}"
        said = dict(zip(("exclusive", "sublicensing", "delegation"), powers, strict=True))
        entry = {
            "kind": "mandate", "name": name, "to": to, "box": box, "under": None if above is None else above["name"],
            "depth": 0 if above is None else above["depth"] + 1, **said,
        }  # fmt: skip
        allowed, by, more = True, "panay", {}
        if above is not None:
            by, more = above["to"], {"under": above["name"]}
            handed = ("delegation",)
            allowed = above["depth"] < 4 and self.model.mandate_counts(above["name"], self.today)
            allowed = allowed and self.model.mandate_covers(above["name"], entry, *handed)
        data = {**EVERYTHING, **self.scope(box).as_data()}
        self.attempt(
            lambda: self.studio.mandate(name, by, "panay", to, scope=data, **said, **more), allowed=allowed, entry=entry
        )

    @does(number=names, by_holder=st.booleans())
    def revoke_mandate(self, number: int, *, by_holder: bool) -> None:
        """A mandate is taken back, or given back."""
        mandate = self.pick("mandate", number)
        if mandate is not None:
            name, by = mandate["name"], mandate["to"] if by_holder else "panay"
            known = any(one["kind"] == "mandate-revocation" and one["name"] == name for one in self.model.log)
            self.attempt(
                lambda: self.studio.act(by, "mandate-revocation", mandate=name, reason="…"),
                allowed=not known,
                entry={"kind": "mandate-revocation", "name": name},
            )

    @does(number=names, in_days=st.integers(0, 6))
    def suspend_or_resume(self, number: int, in_days: int) -> None:
        """Who granted suspends, or resumes what is suspended."""
        grant = self.pick("licence", number)
        if grant is None:
            return
        name, first = grant["name"], self.today + in_days
        acts = [one for one in self.model.log if one["kind"] in {"licence-suspension", "licence-resumption"}]
        mine = [one for one in acts if one["name"] == name]
        off = bool(mine) and mine[-1]["kind"] == "licence-suspension"
        kind = "licence-resumption" if off else "licence-suspension"
        _, sale_last = self.model.ends(grant)
        body = {"licence": name, "from": calendar(first), **({} if off else {"reason": "…"})}
        self.attempt(
            lambda: self.studio.act(self.grantor(grant), kind, **body),
            allowed=in_days > 0 and (off or sale_last is None or first <= sale_last),
            entry={"kind": kind, "name": name, "from": calendar(first)},
        )

    @does(number=names, in_days=st.integers(-1, 9), reason=st.sampled_from(["breach", "surrender"]))
    def revoke(self, number: int, in_days: int, reason: str) -> None:
        """Who granted revokes for a breach, or the licensee gives the licence up."""
        grant = self.pick("licence", number)
        if grant is None:
            return
        name, ends = grant["name"], self.today + in_days
        last, _ = self.model.ends(grant)
        days = 0
        if reason == "surrender":
            known = [one for one in self.model.log if one["kind"] == "licence-revocation" and one["name"] == name]
            days = known[-1]["sell_off_days"] if known else grant["sell_off_days"]
        by = self.grantor(grant) if reason == "breach" else grant["to"]
        self.attempt(
            lambda: self.studio.act(by, "licence-revocation", licence=name, last=calendar(ends), reason=reason),
            allowed=in_days >= 0 and (last is None or ends < last),
            entry={
                "kind": "licence-revocation", "name": name, "ends": ends, "last": calendar(ends),
                "sell_off_days": days, "reason": reason,
            },
        )  # fmt: skip

    def grantor(self, grant: dict[str, Any]) -> str:
        """Return who granted: the artist, or the licensee above."""
        return "panay" if grant["parent"] is None else str(self.model.one("licence", grant["parent"])["to"])

    @does(number=names, point=st.sampled_from(POINTS), back=st.integers(-1, 2), pieces=st.sampled_from([1, 2, 7]))
    def produce(self, number: int, point: tuple[str, str], back: int, pieces: int) -> None:
        """A licensee declares what it made, today or some days ago."""
        grant = self.pick("licence", number)
        if grant is None:
            return
        day, name, left = self.today - back, grant["name"], self.model.left(grant)
        barred = any(
            one["kind"] == "licence" and one["parent"] == name and one["exclusive"] and point in one["box"].points()
            and day in self.model.days(one, selling=False)
            for one in self.model.log
        )  # fmt: skip
        allowed = (
            back >= 0
            and point in grant["box"].points()
            and all(
                self.model.state(one["name"], when, self.today) == "active"
                for one in self.model.line(name)
                for when in (day, self.today)
            )
            and (left is None or pieces <= left)
            and not barred
        )
        self.productions += 1
        production = f"P-{self.productions}"
        scope = {"territories": [point[0]], "fields": [point[1]], "products": ["30"]}
        self.attempt(
            lambda: self.studio.produce(name, production, pieces, day=calendar(day), scope=scope),
            allowed=allowed,
            entry={
                "kind": "production", "name": production, "licence": name, "pieces": pieces, "point": point, "day": day,
            },
        )  # fmt: skip

    @does(number=names)
    def attach(self, number: int) -> None:
        """A licensee marks a piece that it made: while the licence holds, or while it is sold off."""
        made = self.pick("production", number)
        if made is None:
            return
        name, lot = made["licence"], f"B{next(self.studio.world.numbers)}"
        licensee = self.model.one("licence", name)["to"]
        self.studio.act("farm-1", "lot", gtin=GTIN, lot=lot, may_record=list(MAKERS))
        marked = sum(one["kind"] == "goods" and one["production"] == made["name"] for one in self.model.log)
        states = {self.model.state(one["name"], self.today, self.today) for one in self.model.line(name)}
        body = {"licence": name, "production": made["name"], "gtin": GTIN, "lot": lot, "product": "30", "quantity": 1}
        self.attempt(
            lambda: self.studio.act(licensee, "licence-goods", **body),
            allowed=states <= {"active", "selling-off"} and marked < made["pieces"],
            entry={"kind": "goods", "name": lot, "production": made["name"], "licence": name, "day": self.today},
        )

    @does(days=st.integers(1, 5))
    def wait(self, days: int) -> None:
        """Days pass."""
        self.today += days
        self.studio.later(days)

    @invariant()
    def nothing_beyond_what_was_given(self) -> None:
        """At any time: sublicences within their parents, uses within their licences, grants within their mandates."""
        for entry in self.model.log:
            if entry["kind"] == "licence":
                self.check_grant(entry)
            elif entry["kind"] == "production":
                for one in self.model.line(entry["licence"]):
                    assert entry["point"] in one["box"].points()
                    assert self.model.state(one["name"], entry["day"], self.today) == "active", "the past has changed"
            elif entry["kind"] == "goods":
                for one in self.model.line(entry["licence"]):
                    assert self.model.state(one["name"], entry["day"], self.today) in {"active", "selling-off"}

    def check_grant(self, grant: dict[str, Any]) -> None:
        """Check one licence against what it is under and what it was granted by."""
        left = self.model.left(grant)
        assert left is None or left >= 0
        if grant["mandate"] is not None:
            assert covers(self.model.one("mandate", grant["mandate"])["box"], grant["box"])
        if grant["parent"] is not None:
            parent = self.model.one("licence", grant["parent"])
            assert grant["box"].points() <= parent["box"].points()
            for day in range(max(0, self.today - 3), self.today + 30):
                if self.standing(grant["name"], day, self.today) in {"active", "selling-off"}:
                    assert self.standing(parent["name"], day, self.today) in {"active", "selling-off"}

    def standing(self, name: str, day: int, known: int) -> str:
        """Return what a licence is on a day as known on another, by the facts of the log."""
        found = []
        at: str | None = name
        while at is not None:
            found.append(standing(known_on(self.studio.acts(at), calendar(known)), calendar(day)))
            at = self.studio.state(at)["parent"]
        return weakest(found).state

    def teardown(self) -> None:
        """Valid on day D as known on day K: the facts say what the log says from its first record on."""
        rng = random.Random(len(self.model.log) * 1_000 + self.today)
        for entry in [one for one in self.model.log if one["kind"] == "licence"]:
            name = entry["name"]
            for _ in range(12):
                day, known = rng.randint(-3, self.today + 40), rng.randint(-3, self.today + 3)
                slow = [self.model.state(one["name"], day, known) for one in self.model.line(name)]
                assert self.standing(name, day, known) == max(slow, key=STATES.index), (name, day, known)


TestLicences = LicenceMachine.TestCase
TestLicences.settings = settings(max_examples=soak("lives of many licences", 80, 4_000), stateful_step_count=40)
