"""A programme's terms in force at a moment, as its owner signed them, and those of its tickets and coupons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import actor_key
from contracts.rewards.keys import offer_key, programme_prefix
from contracts.rulebook import kind_of
from ledger.errors import NotFoundError, ProofError
from verifiers.source import checked_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contracts.kind import Kind
    from verifiers.source import Source, SourcedRecord


class Terms:
    """All versions of a programme's terms; each is held against its record the first time that it is asked for.

    Attributes:
        owner: who runs the programme.
    """

    def __init__(self, source: Source, programme: str) -> None:
        """Read the versions.

        Raises:
            NotFoundError: there is no such programme.
            ProofError: a version is missing.
        """
        facts = source.prefix(programme_prefix(programme))
        head = facts.get(0)
        if head is None:
            raise NotFoundError("the programme", expected="one that is on record", got=programme)
        if set(facts) != set(range(head["version"] + 1)) or facts[head["version"]] != head:
            raise ProofError("the terms of the programme", expected=f"{head['version']} versions", got=len(facts) - 1)
        self.owner: str = head["owner"]
        self._source = source
        self._versions = [facts[number] for number in range(1, head["version"] + 1)]
        self._checked: set[int] = set()

    def before(self, index: int) -> dict[str, Any]:
        """Return the terms in force for a private record at a tree size.

        Raises:
            ProofError: there were none, or they are not what their record says.
        """
        found = next((terms for terms in reversed(self._versions) if terms["record"] < index), None)
        if found is None:
            raise ProofError("the terms of the programme", expected=f"some before {index}", got="none")
        if found["record"] not in self._checked:
            self._check(found)
            self._checked.add(found["record"])
        return dict(found)

    def latest(self) -> dict[str, Any]:
        """Return the terms in force now.

        Raises:
            ProofError: they are not what their record says.
        """
        return self.before(self._versions[-1]["record"] + 1)

    def _check(self, terms: dict[str, Any]) -> None:
        found = checked_record(self._source, terms["record"])
        kind, actor = act_of(found)
        signed = {**found.document.body, "owner": self.owner, "version": terms["version"], "record": found.index}
        if (kind.name, actor) != ("programme", self.owner) or signed != terms:
            raise ProofError(
                f"the terms of the programme, version {terms['version']}",
                expected=f"what {self.owner} signed",
                got=found.record.subject,
            )


class Offers:
    """Terms of a programme's tickets and coupons; each version is held against its record when it is asked for."""

    def __init__(self, source: Source, programme: str) -> None:
        """Take the source."""
        self._source, self._programme = source, programme
        self._checked: dict[tuple[str, int], dict[str, Any]] = {}

    def before(self, index: int, kind: str, offer: str, version: int) -> dict[str, Any]:
        """Return a version of an offer's terms that stood before a tree size.

        Raises:
            NotFoundError: there is none of that kind.
            ProofError: it came later, or is not what its record says.
        """
        if (offer, version) not in self._checked:
            self._checked[offer, version] = self._read(offer, version)
        found = self._checked[offer, version]
        if (found["kind"], found["record"] < index) != (kind, True):
            raise ProofError("the terms of the offer", expected=f"{kind} before {index}", got=found["kind"])
        return found

    def _read(self, offer: str, version: int) -> dict[str, Any]:
        fact = self._source.fact(offer_key(self._programme, offer, version))
        if fact is None:
            raise NotFoundError("the offer", expected="one that is on record", got=f"{offer} {version}")
        found = checked_record(self._source, fact["record"])
        kind, actor = act_of(found)
        named = {"ticket-offer": "tickets", "coupon-offer": "coupons"}.get(kind.name)
        signed = {**found.document.body, "kind": named, "version": version, "record": found.index}
        if (signed, actor) != (fact, fact["issuer"]):
            raise ProofError("the terms of the offer", expected=f"what {fact['issuer']} signed", got=kind.name)
        return dict(fact)


def read_actors(source: Source, actors: Iterable[str]) -> dict[str, Any]:
    """Return role and name of actors.

    Raises:
        ProofError: one is not registered.
    """
    found: dict[str, Any] = {}
    for actor in sorted(set(actors)):
        state = source.fact(actor_key(actor))
        if state is None:
            raise ProofError(f"the actor {actor}", expected="one that is registered", got="none")
        found[actor] = {"role": state["role"], "name": state["name"]}
    return found


def act_of(found: SourcedRecord) -> tuple[Kind, str]:
    """Return the kind of a record and whose act it is."""
    kind = kind_of(found.record.kind)
    return kind, kind.actor_of(found.record, found.document)
