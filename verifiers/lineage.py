"""The right that a licence stands on, judged again by the rules: its work, its mandates, the licences above it.

    lineage = Lineage(source)
    lineage.read("L-9")          every act on L-9, what it is under, their work, mandates and representatives
    lineage.judge()              the rules let each of these records in, in the order of the log
    lineage.check_state()        what follows is what the map holds
    lineage.check_unopposed()    no exclusive grant is in its way
    lineage.line                 the states, L-9's first, then that of the licence above it, …

The rules that judge a record at the log judge it here, over the part of the facts that a licence rests on; so a grant
by one who may not grant fails as it would have failed there. Whether an exclusive grant is in the way is asked of the
whole map's shelves; how many pieces were made is the map's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.keys import ACTOR, assent_key
from contracts.kind import Act
from contracts.licences.acting import DEPTH_MAX
from contracts.licences.conflicts import find, stem_of
from contracts.licences.keys import (
    licence_key,
    licence_prefix,
    mandate_prefix,
    people_prefix,
    work_prefix,
)
from contracts.licences.life import known_on, standing, weakest
from contracts.licences.scope import scope_of
from ledger.errors import NotFoundError, ProofError, RefusedError
from ledger.rulebook import At
from verifiers.source import checked_record
from verifiers.terms import act_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contracts.licences.life import Standing
    from verifiers.source import Source, SourcedRecord

COUNTED = frozenset({"produced", "given", "checked"})
"""Members of a licence's state that follow from what was made and from sublicences, not from its life."""


class Lineage:
    """The part of the facts on which one licence rests.

    Attributes:
        records: its records by index.
        values: the facts as the rules give them, by key.
        line: the licence and those that it is under, itself first, as the map holds them.
        mandates: the names of the mandates that are part of it.
    """

    sees_private = False

    def __init__(self, source: Source) -> None:
        self.records: dict[int, SourcedRecord] = {}
        self.values: dict[bytes, Any] = {}
        self.line: list[dict[str, Any]] = []
        self.mandates: list[str] = []
        self._source = source
        self._proved: dict[bytes, Any] = {}

    # As the facts that a rule reads

    def get(self, key: bytes) -> Any | None:
        """Return a fact as it is before the act at hand; who an actor is never changes."""
        return self._source.fact(key) if key[0] == ACTOR else self.values.get(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: whatever the licence rests on is here."""

    # Reading

    def read(self, licence: str) -> None:
        """Read a licence and all that it rests on, each record signed by a key that was entitled where it stands.

        Raises:
            NotFoundError: nobody granted it.
            ProofError: an act is missing, or more hang under one another than the rules let.
        """
        name: str | None = licence
        while name is not None:
            state = self._history(f"the licence {name}", licence_prefix(name))
            self.line.append(state)
            if len(self.line) > DEPTH_MAX + 1:
                raise ProofError("the licences above", expected=f"at most {DEPTH_MAX}", got=len(self.line) - 1)
            name = state["parent"]
        work = self.line[0]["work"]
        state = self._history(f"the work {work}", work_prefix(work))
        people = state["people"]
        if people is not None:
            self._history(f"the representatives of {people}", people_prefix(people))
        waiting = self._mandates_named()
        while waiting:
            mandate = waiting.pop(0)
            if mandate in self.mandates:
                continue
            self.mandates.append(mandate)
            state = self._history(f"the mandate {mandate}", mandate_prefix(mandate))
            waiting += [*self._mandates_named(), *([] if state["under"] is None else [state["under"]])]
        self._read_offers()

    def _history(self, what: str, prefix: bytes) -> dict[str, Any]:
        """Read all acts on one thing; return its state."""
        facts = self._source.prefix(prefix)
        head = facts.get(0)
        if head is None:
            raise NotFoundError(what, expected="one that is on record", got="none")
        if set(facts) != set(range(head["acts"] + 1)):
            raise ProofError(what, expected=f"{head['acts']} acts", got=len(facts) - 1)
        self._proved.update((prefix + number.to_bytes(8, "big"), value) for number, value in facts.items())
        self._take(facts[number]["record"] for number in range(1, head["acts"] + 1))
        return dict(head)

    def _take(self, indexes: Iterable[int]) -> None:
        wanted = [index for index in indexes if index not in self.records]
        self._source.expect(wanted)
        for index in wanted:
            self.records[index] = checked_record(self._source, index)

    def _mandates_named(self) -> list[str]:
        """Return the mandates that the records so far name."""
        found: list[str] = []
        for index in sorted(self.records):
            body = self.records[index].document.body
            found += [*body.get("mandates", ()), *([body["mandate"]] if "mandate" in body else ())]
        return [name for name in dict.fromkeys(found) if name not in self.mandates]

    def _read_offers(self) -> None:
        """Read what the other parties signed of each document of several."""
        for found in list(self.records.values()):
            kind, _ = act_of(found)
            if not kind.parties(found.document.body):
                continue
            signed = self._source.fact(assent_key(found.document.hash))
            if signed is None or not signed["complete"]:
                raise ProofError(f"record {found.id}", expected="the signatures of all its parties", got="fewer")
            self._take(int.from_bytes(position[:8], "big") for _, _, position, _, _ in signed["signed"])

    # Judging

    def judge(self) -> None:
        """Let the rules judge each record again, in the order of the log.

        Raises:
            ProofError: a rule says no.
        """
        for index in sorted(self.records):
            found = self.records[index]
            kind, actor = act_of(found)
            parties = tuple(kind.parties(found.document.body))
            at = At(found.position, found.index, found.time_ms)
            act = Act(found.record, found.document, at, actor, self, parties=parties)
            if found.record.issuer != actor and not act.is_under(actor, found.record.issuer):
                raise ProofError(f"record {found.id}", expected=f"one above {actor}", got=found.record.issuer)
            try:
                changes = kind.apply(act)
            except RefusedError as error:
                what = f"record {found.id}, {kind.name}: {error.message}"
                raise ProofError(what, expected=error.expected, got=error.got) from error
            self.values.update((change.key, change.value) for change in changes)

    def check_state(self) -> None:
        """Check that what follows from the records is what the map holds.

        Raises:
            ProofError: it is not.
        """
        for key, value in self._proved.items():
            expected, got = _lived(self.values.get(key)), _lived(value)
            if expected != got:
                names = sorted(name for name in {*expected, *got} if expected.get(name) != got.get(name))
                raise ProofError(
                    f"what the map holds of {names[0]}", expected=expected.get(names[0]), got=got.get(names[0])
                )

    def check_unopposed(self) -> None:
        """Check on the map's shelves that no exclusive grant, and no owner's own use, is in the way of the line.

        Raises:
            ProofError: one is; got says which and over what.
        """
        shelves = _PresentMap(self._source)
        for one in self.line:
            stem, use = stem_of(one["work"], one["parent"]), scope_of(one["use"])
            found = find(shelves, stem, use, one["last"], exclusive=one["exclusive"], name=one["licence"])
            if found:
                raise ProofError(
                    f"the licence {one['licence']}",
                    expected="no exclusive grant in its way",
                    got="; ".join(conflict.words() for conflict in found),
                )

    # What was found

    def standing(self, day: str, known: str) -> Standing:
        """Return what the licence is on a day, as it was known at the end of a day."""
        return weakest([standing(known_on(self.acts(one["licence"]), known), day) for one in self.line])

    def revocation(self, known: str) -> dict[str, Any] | None:
        """Return the first revocation along the line that was known at the end of a day, the licence's own first."""
        for one in self.line:
            for act in self.acts(one["licence"]):
                if act["kind"] == "licence-revocation" and day_of(act["time_ms"]) <= known:
                    return {
                        "licence": one["licence"], "on": day_of(act["time_ms"]), "last": act["last"],
                        "sell_off_days": act["sell_off_days"], "reason": act["reason"], "by": act["for"],
                    }  # fmt: skip
        return None

    def acts(self, licence: str) -> list[dict[str, Any]]:
        """Return the acts on the life of a licence of the line, in their order."""
        state = next(one for one in self.line if one["licence"] == licence)
        return [self._proved[licence_key(licence, number)] for number in range(1, state["acts"] + 1)]

    def policy(self, licence: str) -> dict[str, Any]:
        """Return the agreement by which a licence of the line was granted."""
        found: dict[str, Any] = self.records[self.acts(licence)[0]["record"]].document.body["policy"]
        return found

    def signatures(self, licence: str) -> list[dict[str, Any]]:
        """Return who signed a licence of the line, and when."""
        document = self.records[self.acts(licence)[0]["record"]].document
        rows = self.values[assent_key(document.hash)]["signed"]
        return [
            {"actor": actor, "by": issuer, "record": int.from_bytes(position[:8], "big"), "time_ms": time_ms}
            for actor, issuer, position, time_ms, _ in rows
        ]


class _PresentMap:
    """The facts as the map holds them, for a search over its shelves."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get(self, key: bytes) -> Any | None:
        """Return a fact's present value."""
        return self._source.fact(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: each is asked for by itself."""


def _lived(state: Any) -> dict[str, Any]:
    return {} if state is None else {name: value for name, value in state.items() if name not in COUNTED}
