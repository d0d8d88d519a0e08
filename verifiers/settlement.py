"""Was this agreement kept? The whole life of one agreement, and each sum of it computed again, from a bundle alone.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. history: every act on the agreement is there, in its order, signed by a key that was entitled there.
8. agreement: fairness steps and the ten days before the signature, all signatures, the witness, each amendment.
9. deliveries: lots, harvest, deliveries within what was agreed, grading, acceptance and rejection with reasons.
10. settlement: each line computed again from signed price, grade and weight, and market prices on record before it.
11. payment: advances and their repayment, what was paid when against its term, what was received.
12. state: folding all acts gives the state and the terms that the map holds.
13. particulars: the people's roles and names, the lots, what was erased.
14. whole: nothing in the bundle is beyond the question; disclosures are those that documents commit to.
15. standing: quorum, replay keys, freshness.

The acts are folded by the functions that the log's rules fold them with; an act that does not follow from those before
it fails the step that it belongs to. It reads no network and no clock but the one handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.agreements.case import COPY_DAYS, Case, new_state
from contracts.agreements.closing import broken_guarantee, computed, short_g, still_open
from contracts.agreements.dues import due
from contracts.agreements.keys import agreement_prefix, terms_key
from contracts.agreements.kinds import market_of
from contracts.agreements.life import KINDS_OF_LIFE, fold
from contracts.agreements.settling import guarantee_gaps
from contracts.agreements.terms import accepted_min_g, delivered_max_g
from contracts.assent import assent
from contracts.governance import erasure_key
from contracts.keys import actor_key, lot_key
from contracts.kind import Act
from contracts.rulebook import kind_of
from ledger.errors import ProofError
from ledger.rulebook import At
from verifiers import question
from verifiers.acts import Acts
from verifiers.source import SourcedRecord, checked_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


AGREEMENT = frozenset(
    {"agreement-draft", "agreement-fairness", "agreement", "agreement-witness", "agreement-amendment",
     "agreement-mandate", "agreement-termination"}
)  # fmt: skip
DELIVERIES = frozenset(
    {"agreement-growing", "agreement-harvest", "agreement-delivery", "agreement-grading", "agreement-acceptance",
     "agreement-force-majeure"}
)  # fmt: skip
SETTLEMENT = frozenset({"agreement-settlement", "agreement-dispute", "agreement-dispute-end", "agreement-close"})
PAYMENT = frozenset({"agreement-advance", "agreement-repayment", "agreement-payment", "agreement-receipt"})
"""Which step an act belongs to."""


_STEPS = {"agreement": AGREEMENT, "deliveries": DELIVERIES, "settlement": SETTLEMENT, "payment": PAYMENT}


class _Signatures:
    """Who signed which document so far, as `contracts.assent` keeps it."""

    sees_private = True

    def __init__(self) -> None:
        self._values: dict[bytes, Any] = {}

    def get(self, key: bytes) -> Any | None:
        """Return who signed a document."""
        return self._values.get(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: whatever was signed so far is here."""

    def completes(self, found: SourcedRecord, actor: str, parties: tuple[str, ...]) -> bool:
        """Count a signature; say whether it makes its document binding."""
        at = At(found.position, found.index, found.time_ms)
        progress = assent(Act(found.record, found.document, at, actor, self, private=True, parties=parties))
        self._values.update((change.key, change.value) for change in progress.changes)
        return progress.complete


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "was this agreement kept?", read from a source.

    Attributes:
        state: the agreement as its acts give it.
        terms: the terms in force.
        acts: the acts in their order, with what each says.
        settled: each settlement's lines with their reasons.
    """

    state: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] | None = None
    acts: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    _agreement: str = ""
    _found: Acts = field(init=False)
    _signatures: _Signatures = field(default_factory=_Signatures)
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        yield "history", lambda: self._read_history(asked["agreement"])
        for name in _STEPS:
            yield name, partial(self._check_sound, name)
        yield "state", self._check_state
        yield "particulars", self._read_particulars

    def _read_history(self, agreement: str) -> str:
        """Read every act on the agreement and fold them, as far as they follow from one another.

        Raises:
            NotFoundError: nothing is recorded of this agreement.
            ProofError: an act is missing, or they are not in their order.
        """
        facts = self.source.private_prefix(agreement_prefix(agreement))
        self._found = Acts("the agreement", agreement, facts)
        self._agreement, self.state = agreement, new_state(agreement)
        self.source.expect_private(self._found.records)
        self._found.judge(_STEPS, self._act)
        return f"{len(self.acts)} acts"

    def _check_sound(self, step: str) -> str:
        """Check that the acts of a step followed from what came before them.

        Raises:
            ProofError: the first one that did not is of this step.
        """
        self._found.check_sound(_STEPS, step)
        return self._said(step)

    def _check_state(self) -> str:
        """Check that the acts give the state and the terms that the map holds.

        Raises:
            ProofError: they do not.
        """
        head, terms = self._found.head, self.source.private_fact(terms_key(self._agreement))
        for name in sorted({*self.state, *head}):
            if self.state.get(name) != head.get(name):
                raise ProofError(f"the agreement's {name}", expected=self.state.get(name), got=head.get(name))
        if terms is None or terms != self.terms:
            raise ProofError("the terms in force", expected="those of the acts", got="others")
        return f"{self.state['stage']}"

    def _read_particulars(self) -> str:
        """Read the people, the lots and the erasures.

        Raises:
            ProofError: one is not registered, or is in another role than the terms say.
        """
        terms = self.known_terms
        roles = dict.fromkeys(terms["growers"], "farmer")
        roles |= {name: "association" for name in [terms.get("witness")] if name is not None}
        roles |= {name: "inspector" for name in [terms["acceptance"].get("inspector")] if name is not None}
        named = {terms["purchaser"], *roles, *(act[who] for act in self.acts for who in ("by", "for"))}
        actors: dict[str, Any] = {}
        for actor in sorted(named):
            state = self.source.fact(actor_key(actor))
            if state is None or state["role"] != roles.get(actor, state["role"]):
                role = None if state is None else state["role"]
                raise ProofError(f"the actor {actor}", expected=roles.get(actor, "one that is registered"), got=role)
            actors[actor] = {"role": state["role"], "name": state["name"]}
        lots = []
        for grower, account in self.state["growers"].items():
            for gtin, lot in account["lots"]:
                state = self.source.fact(lot_key(gtin, lot))
                if state is None or state["owner"] != grower:
                    owner = None if state is None else state["owner"]
                    raise ProofError(f"the lot {lot}", expected=f"one of {grower}", got=owner)
                lots.append({"grower": grower, "gtin": gtin, "lot": lot, "recalled": state["recalled"] is not None})
        self.find_erased(lambda digest: self.source.private_fact(erasure_key(digest)))
        self._particulars = {"actors": actors, "lots": lots}
        return f"{len(actors)} actors, {len(lots)} lots"

    @property
    def known_terms(self) -> dict[str, Any]:
        """The terms, once something was drafted.

        Raises:
            ProofError: nothing was.
        """
        if self.terms is None:
            raise ProofError("the agreement", expected="drafted terms", got="none")
        return self.terms

    def status(self, _: int, /) -> str:
        """`disputed` while a dispute is open, `terminated` where it ended early, else the stage that it reached."""
        if any(one["open"] for one in self.state["disputes"]):
            return "disputed"
        if self.state["terminated_ms"] is not None and self.state["stage"] != "closed":
            return "terminated"
        return str(self.state["stage"])

    def _said(self, step: str) -> str:
        """Return in a few words what a step found."""
        state = self.state
        if step == "agreement":
            return f"{len(state['signed'])} signatures, terms {state['terms']}"
        if step == "deliveries":
            return f"{len(state['deliveries'])} deliveries, {sum(one['grams'] for one in state['deliveries'])} g"
        if step == "settlement":
            return f"{len(state['settlements'])} settlements, {sum(one['total'] for one in self.settled)} in all"
        paid = [one for each in state["settlements"] for one in each["payments"]]
        return f"{len(paid)} payments, {sum(one['amount'] for one in paid)} in all"

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it; what is due is as of a time, Unix milliseconds."""
        state, terms = self.state, self.known_terms
        kept = {name: value for name, value in state.items() if name not in {"terms_hash", "offer", "amending", "acts"}}
        settlements = {one["settlement"]: one for one in state["settlements"]}
        left = broken_guarantee(state, terms) if state["terms"] else ["the signatures"]
        return {
            **self._particulars,
            **kept,
            "terms": terms,
            "version": state["terms"],
            "fairness": self._fairness(),
            "quantity": self._quantity(time_ms),
            "settlements": [
                {**settlements[one["settlement"]], **one, "payments": _payments(settlements[one["settlement"]])}
                for one in self.settled
            ],
            "guarantee": {"kept": not left, "left": left, "below": self._below()},
            "open": still_open(state) if state["terms"] else [],
            "due": [
                {"what": one.what, "who": one.who, "by_ms": one.by_ms, "about": one.about, "to": one.to,
                 "amount": one.amount, "from_ms": one.from_ms, "late": one.late(time_ms)}
                for one in due(state, terms, time_ms)
            ],
            "history": self.acts,
            "erased": self.erasures(),
        }  # fmt: skip

    def _act(self, number: int, entry: Mapping[str, Any]) -> None:
        found = self.keep(checked_private(self.source, entry["record"]))
        body, kind = found.document.body, kind_of(found.record.kind)
        actor = kind.actor_of(found.record, found.document)
        said = {"kind": kind.name, "by": found.record.issuer, "for": actor, "time_ms": found.time_ms}
        for name, expected in said.items():
            if entry[name] != expected:
                raise ProofError(name, expected=expected, got=entry[name])
        if kind.name not in KINDS_OF_LIFE or body["agreement"] != self._agreement:
            raise ProofError("its record", expected=f"an act on {self._agreement}", got=found.record.subject)
        parties = tuple(kind.parties(body))
        expires_s = found.record.expires_at_s
        case = Case(
            kind=kind.name, body=body, document_hash=found.document.hash, actor=actor, time_ms=found.time_ms,
            expires_ms=None if expires_s is None else expires_s * 1000,
            complete=bool(parties) and self._signatures.completes(found, actor, parties),
            state=self.state, terms=self.terms, market=market_of(self.source.fact, before=found.index),
        )  # fmt: skip
        after = fold(case)
        if kind.name == "agreement-settlement":
            self.settled.append(self._computed(case))
        self.state, self.terms = after.state, after.terms
        self.acts.append(
            {"number": number, "record": found.id, **said, "body": body, "hidden": sorted(found.document.hidden)}
        )

    def _computed(self, case: Case) -> dict[str, Any]:
        """Return a settlement's lines with the reason of each; that they are those of its record the fold has seen."""
        content = case.body
        chosen = [one for one in case.state["deliveries"] if one["delivery"] in content["deliveries"]]
        found = computed(
            case.state, case.known_terms, chosen, market=case.market, time_ms=case.time_ms, final=content["final"],
            proceeds=content.get("proceeds", 0), costs=content.get("costs", 0),
        )  # fmt: skip
        return {
            "settlement": content["settlement"],
            "deliveries": list(content["deliveries"]),
            "lines": [{**line.said(), "because": [list(one) for one in line.because]} for line in found.lines],
            "total": found.total,
            "below": [line.said() for line in guarantee_gaps(case.known_terms, found.lines)],
        }

    def _below(self) -> list[dict[str, Any]]:
        return [line for one in self.settled for line in one["below"]]

    def _fairness(self) -> list[dict[str, Any]]:
        """Return for each grower when its steps were, and how many days its copy came before its signature."""
        signed: dict[str, int] = {}
        for act in self.acts:
            if act["kind"] == "agreement":
                signed[act["for"]] = act["time_ms"]
        found = []
        for grower, steps in self.state["fairness"].items():
            row: dict[str, Any] = {"grower": grower, **steps, "signed": signed.get(grower), "days": None}
            if row["signed"] is not None and steps["copy"] is not None:
                row["days"] = (row["signed"] - steps["copy"]) // 86_400_000
            found.append({**row, "days_at_least": COPY_DAYS})
        return found

    def _quantity(self, time_ms: int) -> dict[str, Any]:
        """Return deliveries against what was agreed, in grams."""
        state, terms = self.state, self.known_terms
        accounts = list(state["growers"].values())
        harvested = sum(one["harvested_g"] for one in accounts)
        lost = sum(one["lost_m2"] for one in accounts)
        deliveries = state["deliveries"]
        return {
            "least_g": accepted_min_g(terms, harvested, lost),
            "most_g": delivered_max_g(terms, harvested) if accounts else 0,
            "harvested_g": harvested,
            "lost_m2": lost,
            "delivered_g": sum(one["grams"] for one in deliveries),
            "accepted_g": sum(row[1] for one in deliveries for row in one["accepted"] or []),
            "rejected_g": sum(row[1] for one in deliveries for row in one["rejected"]),
            "short_g": short_g(state, terms, time_ms) if accounts else 0,
        }


def _payments(settlement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was paid, each with how it stands against its day."""
    return [{**one, "late": one["paid_ms"] > settlement["due_ms"]} for one in settlement["payments"]]


verify = question.verifier("settlement", Answer)
