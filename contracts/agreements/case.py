"""One act on an agreement on its way through its rule, and the stages of an agreement's life.

The rules and the verdict fold the same way, by the same functions: what they are handed is all they look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.agreements.terms import parties_of
from contracts.calendar import day_of
from contracts.kind import DAY_MS
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.agreements.price import Market

STAGES = (
    "drafted", "offered", "signed", "witnessed", "growing", "harvested", "delivered", "graded", "accepted", "settled",
    "closed",
)  # fmt: skip
"""The life in its order. An agreement stands at the furthest one it has reached; deliveries go through theirs each."""

COPY_DAYS = 10
"""How long before a grower signs a copy of the terms was given."""

TAIPEI_MS = 8 * 3_600_000
OPEN_STAGES = frozenset(STAGES) - {"drafted", "offered", "closed"}

State = dict[str, Any]


def new_state(agreement: str) -> State:
    """Return the state of an agreement of which nothing is recorded yet."""
    return {
        "agreement": agreement, "stage": "", "acts": 0, "terms": 0, "terms_hash": b"", "fairness": {}, "signed": [],
        "offer": None, "witnessed_ms": None, "growers": {}, "deliveries": [], "settlements": [], "final": None,
        "force_majeure": [], "disputes": [], "mandates": [], "terminated_ms": None, "closed_ms": None, "amending": None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """An act with what it meets.

    Attributes:
        kind: the record's kind.
        body: the document's body.
        document_hash: SHA-256 of the document.
        actor: whose act it is.
        time_ms: the batch's time.
        expires_ms: until when an offer holds, None where it does not end.
        complete: whether the act is the last signature under a document of several parties.
        state: the agreement before it; a new one where nothing is recorded.
        terms: the terms before it, those of the draft before the signature; None before the draft.
        market: what markets paid, as it was on record then.
    """

    kind: str
    body: Mapping[str, Any]
    document_hash: bytes
    actor: str
    time_ms: int
    expires_ms: int | None
    complete: bool
    state: State
    terms: dict[str, Any] | None
    market: Market

    @property
    def known_terms(self) -> dict[str, Any]:
        """The terms, of an agreement that has some.

        Raises:
            RefusedError: nobody drafted this agreement.
        """
        if self.terms is None:
            raise RefusedError("agreements.unknown", "nobody drafted this agreement", got=self.body["agreement"])
        return self.terms

    def expect(self, holds: object, rule: str, message: str, *, expected: object = None, got: object = None) -> None:
        """Refuse the act unless something holds.

        Raises:
            RefusedError: it does not.
        """
        if not holds:
            raise RefusedError(rule, message, expected=expected, got=got)

    def expect_by(self, *actors: str | None) -> None:
        """Refuse the act unless it is one of these actors'.

        Raises:
            RefusedError: it is another's.
        """
        allowed = [one for one in actors if one is not None]
        self.expect(
            self.actor in allowed,
            "agreements.party",
            "this act belongs to another one of those whom the agreement names",
            expected=", ".join(allowed),
            got=self.actor,
        )

    def expect_party(self) -> None:
        """Refuse the act unless it is a party's.

        Raises:
            RefusedError: it is not.
        """
        self.expect_by(*parties_of(self.known_terms))

    def expect_grower(self, grower: str) -> None:
        """Refuse the act unless it names a grower of the agreement.

        Raises:
            RefusedError: it does not.
        """
        growers = self.known_terms["growers"]
        self.expect(
            grower in growers,
            "agreements.party",
            "the agreement has no such grower",
            expected=", ".join(growers),
            got=grower,
        )

    def expect_stage(self, stages: Iterable[str]) -> None:
        """Refuse the act unless the agreement stands at one of these stages.

        Raises:
            RefusedError: it does not.
        """
        allowed = set(stages)
        self.expect(
            self.state["stage"] in allowed,
            "agreements.stage",
            "the agreement does not stand there",
            expected=", ".join(stage for stage in STAGES if stage in allowed),
            got=self.state["stage"] or "nothing recorded",
        )

    def expect_open(self) -> None:
        """Refuse the act unless the agreement binds, is witnessed where it names a witness, and is not closed.

        Raises:
            RefusedError: it is not so.
        """
        self.known_terms  # noqa: B018 - it refuses an agreement that nobody drafted
        self.expect_stage(OPEN_STAGES)
        witness = self.known_terms.get("witness")
        self.expect(
            witness is None or self.state["witnessed_ms"] is not None,
            "agreements.unwitnessed",
            "the agreement names a witness who has not signed yet",
            expected=f"the signature of {witness}",
        )

    def expect_running(self) -> None:
        """Refuse the act unless the agreement is open and not terminated.

        Raises:
            RefusedError: it is not so.
        """
        self.expect_open()
        ends_ms = self.state["terminated_ms"]
        self.expect(
            ends_ms is None or self.time_ms < ends_ms,
            "agreements.terminated",
            "the agreement has ended; what was delivered before is settled and paid",
            expected=f"before {ends_ms}",
            got=self.time_ms,
        )

    def day(self, day: str, *, after_ms: int = 0) -> str:
        """Return a day on which something happened, once it cannot lie in the future.

        Raises:
            RefusedError: it does, or it lies before something that comes first.
        """
        self.expect(
            day <= day_of(self.time_ms),
            "agreements.future",
            "what has not happened yet is not recorded",
            expected=f"{day_of(self.time_ms)} or before",
            got=day,
        )
        self.expect(
            day >= day_of(after_ms), "agreements.day", "it comes before what it follows", expected=day_of(after_ms),
            got=day,
        )  # fmt: skip
        return day

    def named(self, found: list[dict[str, Any]], name: str, rule: str) -> dict[str, Any]:
        """Return the delivery, settlement or dispute that the body names.

        Raises:
            RefusedError: the agreement has none of that name.
        """
        one = next((each for each in found if each[name] == self.body[name]), None)
        if one is None:
            raise RefusedError(
                rule, f"the agreement has no such {name}",
                expected=", ".join(each[name] for each in found) or "none so far", got=self.body[name],
            )  # fmt: skip
        return one

    def expect_new(self, found: list[dict[str, Any]], name: str, rule: str) -> None:
        """Refuse a delivery, settlement, payment or dispute whose name is used already.

        Raises:
            RefusedError: it is.
        """
        self.expect(
            all(each[name] != self.body[name] for each in found),
            rule,
            f"the agreement has a {name} of this name already",
            got=self.body[name],
        )


def furthest(state: State, stage: str) -> State:
    """Return the state at a stage, or further where it has come further."""
    further = max(STAGES.index(state["stage"]), STAGES.index(stage))
    return {**state, "stage": STAGES[further]}


def replaced(found: list[dict[str, Any]], name: str, one: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list with the one of that name replaced."""
    return [one if each[name] == one[name] else each for each in found]


def with_grower(state: State, grower: str, **more: Any) -> State:
    """Return the state with members of a grower's account set."""
    return {**state, "growers": {**state["growers"], grower: {**state["growers"][grower], **more}}}


def days_between(earlier_ms: int, later_ms: int) -> int:
    """Return whole days begun from one time to a later one; 0 where it is not later."""
    return max(0, -((earlier_ms - later_ms) // DAY_MS))
