"""Was this drawn fairly? The round that was named before, its value, and the order that follows; from a bundle alone.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. release: its issuer made it while entries were open, and named a round that was due once they were sealed.
8. value: who handed it in gave the very signature of that round, which the beacon's public key opens.
9. order: the entries, drawn again, stand in the order that the map holds.
10. particulars: what is released, and who its issuer is.
11. whole: nothing in the bundle is beyond the question.
12. standing: quorum, replay keys, freshness.

That the entries are all that were made is what the rule held against the private facts, and whoever replays them again.
An entry's holder finds its own name in the order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.rewards.beacon import check_round, round_time_ms
from contracts.rewards.draws import draw_order
from contracts.rewards.keys import release_prefix
from contracts.rewards.releases import PAGE_SIZE, check_times
from ledger.errors import NotFoundError, ProofError, RefusedError
from verifiers import question
from verifiers.source import checked_record
from verifiers.terms import Offers, Terms, act_of, read_actors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SHOWN = ("programme", "release", "offer", "issuer", "quantity", "closes_s", "claim_s", "beacon", "round")


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "how was this drawn?", read from a source.

    Attributes:
        state: the release as the map has it.
        seed: the value that decided it; empty while it is not drawn.
        order: the entries as they were drawn.
    """

    state: dict[str, Any] = field(default_factory=dict)
    seed: bytes = b""
    order: list[str] = field(default_factory=list)
    _pages: dict[int, Any] = field(default_factory=dict)
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        yield "release", lambda: self._read_release(asked["programme"], asked["release"])
        yield "value", self._check_value
        yield "order", self._check_order
        yield "particulars", self._read_particulars

    def status(self, time_ms: int, /) -> str:
        """`open` while people may enter, `closed` until it is drawn, then `drawn`."""
        if self.seed:
            return "drawn"
        return "open" if time_ms < self.state["closes_s"] * 1000 else "closed"

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it, as of a time, Unix milliseconds."""
        return {
            **{name: self.state[name] for name in _SHOWN},
            **self._particulars,
            "as_of_ms": time_ms,
            "due_ms": round_time_ms(self.state["beacon"], self.state["round"]),
            "drawn_ms": self.state["draw"]["time_ms"] if self.seed else None,
            "seed": self.seed.hex() or None,
            "order": self.order,
        }

    def _read_release(self, programme: str, release: str) -> str:
        facts = self.source.prefix(release_prefix(programme, release))
        if 0 not in facts:
            raise NotFoundError("the release", expected="one that is on record", got=release)
        self.state, self._pages = facts.pop(0), facts
        found = self.keep(checked_record(self.source, self.state["record"]))
        kind, actor = act_of(found)
        terms = self._offer()
        signed = {
            **found.document.body, "kind": terms["kind"], "version": self.state["version"], "issuer": actor,
            "record": found.index, "draw": self.state["draw"],
        }  # fmt: skip
        if (kind.name, signed, actor) != ("release", self.state, terms["issuer"]):
            raise ProofError("the release", expected=f"what {terms['issuer']} signed", got=kind.name)
        try:
            check_times(self.state, found.time_ms)
        except RefusedError as error:
            raise ProofError(f"the release: {error.message}", expected=error.expected, got=error.got) from error
        return f"round {self.state['round']} of {self.state['beacon']}"

    def _offer(self) -> dict[str, Any]:
        """Return the terms of what is released, in the version that was in force."""
        offers = Offers(self.source, self.state["programme"])
        return offers.before(self.state["record"], self.state["kind"], self.state["offer"], self.state["version"])

    def _check_value(self) -> str:
        draw = self.state["draw"]
        if draw is None:
            return "not drawn yet"
        found = self.keep(checked_record(self.source, draw["record"]))
        body, due_ms = found.document.body, round_time_ms(self.state["beacon"], self.state["round"])
        if (found.record.kind, found.record.subject) != ("release-draw", self._subject()) or found.time_ms < due_ms:
            raise ProofError(
                "the draw", expected=f"one of {self._subject()} from {due_ms} on", got=found.record.subject
            )
        self.seed = check_round(self.state["beacon"], self.state["round"], body["signature"])
        self.order = draw_order(self.seed, body["entries"])
        written = {"seed": self.seed, "entries": len(self.order), "time_ms": found.time_ms, "record": found.index}
        if written != draw:
            raise ProofError("the draw", expected=written, got=draw)
        return f"SHA-256 of the signature: {self.seed.hex()}"

    def _subject(self) -> str:
        return f"release/{self.state['programme']}/{self.state['release']}"

    def _check_order(self) -> str:
        pages = range(0, len(self.order), PAGE_SIZE)
        drawn = {1 + at // PAGE_SIZE: {"entries": self.order[at : at + PAGE_SIZE]} for at in pages}
        if drawn != self._pages or len(set(self.order)) != len(self.order):
            raise ProofError("the order", expected=f"{len(self.order)} entries, each once", got="another order")
        return f"{len(self.order)} entries"

    def _read_particulars(self) -> str:
        owner, issuer = Terms(self.source, self.state["programme"]).owner, self.state["issuer"]
        self._particulars = {"name": self._offer()["name"], "actors": read_actors(self.source, {owner, issuer})}
        return f"{len(self._particulars['actors'])} actors"


verify = question.verifier("draw", Answer)
