"""The licences that a lot of goods carries, each with the work, whose it is, and whether it covers the goods now.

    carried = Carried(source, keep)
    carried.read("04712345678900", "L1")
    carried.facts(time_ms)      [{"licence": "L-1", "work": "W-1", "title": {…}, "image": "3f0c…", "covers": true, …}]

Each licence is proved as `verifiers.licence` proves it (`verifiers.lineage`). Beside that the licensee itself declared
what was made and which of it this lot is: made while the licence held, where, on what and of which class it says, and
no more of it attached than was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.licences import profile
from contracts.licences.forms import decode_scope
from contracts.licences.granting import term_of
from contracts.licences.keys import goods_prefix, production_key, work_key
from contracts.licences.life import FOR_MAKING, FOR_SELLING
from contracts.licences.scope import beyond
from contracts.licences.vocabulary import ANY
from ledger.errors import ProofError
from verifiers.lineage import Lineage
from verifiers.source import checked_record
from verifiers.terms import act_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifiers.source import Source, SourcedRecord

_SAID = ("licence", "production", "product", "quantity")


class Carried:
    """What one lot carries, read from a source.

    Attributes:
        actors: who has to do with it.
    """

    def __init__(self, source: Source, keep: Callable[[SourcedRecord], SourcedRecord]) -> None:
        self.actors: set[str] = set()
        self._source = source
        self._keep = keep
        self._lineages: dict[str, Lineage] = {}
        self._carries: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def read(self, gtin: str, lot: str) -> str:
        """Read what a lot carries.

        Raises:
            ProofError: what the map holds is not what the licensee declared, or what the licence lets.
        """
        facts = self._source.prefix(goods_prefix(gtin, lot))
        head = facts.get(0) or {"carries": [], "acts": 0}
        if facts and set(facts) != set(range(head["acts"] + 1)):
            raise ProofError(f"what {lot} carries", expected=f"{head['acts']} acts", got=len(facts) - 1)
        self._source.expect(facts[number]["record"] for number in range(1, head["acts"] + 1))
        for number, one in enumerate(head["carries"], 1):
            found = self._keep(checked_record(self._source, one["record"]))
            body = found.document.body
            if found.record.kind != "licence-goods" or (body["gtin"], body["lot"]) != (gtin, lot):
                raise ProofError(f"record {found.id}", expected=f"what {lot} carries", got=found.record.subject)
            said = {**{name: body[name] for name in _SAID}, "serials": _serials(body), "record": found.index}
            entry = {**one, **_entry(found)}
            if {**one, **said} != one or facts[number] != entry:
                raise ProofError(f"what {lot} carries, act {number}", expected=said, got=one)
            self._carries.append((one, self._made(one, found)))
        return f"{len(head['carries'])} licences"

    def facts(self, time_ms: int) -> list[dict[str, Any]]:
        """Return what the lot carries, as JSON has it, as of a time, Unix milliseconds."""
        today = day_of(time_ms)
        found: list[dict[str, Any]] = []
        for one, made in self._carries:
            lineage = self._lineages[one["licence"]]
            work = lineage.values[work_key(one["work"])]
            now, revoked = lineage.standing(today, today), lineage.revocation(today)
            found.append(
                {
                    **one,
                    **{name: work[name] for name in ("title", "image", "creators", "people", "labels")},
                    "attribution": dict(profile.decode(lineage.policy(one["licence"])).attribution),
                    "licensee": lineage.line[0]["licensee"],
                    "made": made["day"],
                    "territories": made["scope"]["territories"],
                    "standing": {"state": now.state, "last": now.last, "sale_last": now.sale_last},
                    "revoked": revoked,
                    "covers": now.state in FOR_SELLING,
                }
            )
        return found

    def _made(self, one: dict[str, Any], goods: SourcedRecord) -> dict[str, Any]:
        """Return what was produced, held against its record and the licence."""
        lineage = self._lineage(one["licence"])
        licence, what = lineage.line[0], f"the production {one['production']}"
        if one["work"] != licence["work"]:
            raise ProofError(f"the work of {one['licence']}", expected=licence["work"], got=one["work"])
        made = self._source.fact(production_key(one["licence"], one["production"]))
        if made is None:
            raise ProofError(what, expected="one that was declared", got="none")
        found = self._keep(checked_record(self._source, made["record"]))
        body = found.document.body
        if found.record.kind != "licence-production" or body["licence"] != one["licence"]:
            raise ProofError(what, expected=f"one under {one['licence']}", got=found.record.subject)
        scope = decode_scope({**body["scope"], "first": body["day"], "last": body["day"]})
        said = {
            "licence": body["licence"], "production": body["production"], "quantity": body["quantity"],
            "attached": made["attached"], "day": body["day"], "scope": scope.as_data(),
            "media": sorted(set(body["media"])), **_entry(found),
        }  # fmt: skip
        if made != said:
            raise ProofError(what, expected=said, got=made)
        _expect(what, beyond(scope, term_of(licence)), None)
        _expect(what, ANY in licence["media"] or set(said["media"]) <= set(licence["media"]), True)
        _expect(what, bool({one["product"], ANY} & set(scope.products)), True)
        _expect(what, one["quantity"] <= made["attached"] <= made["quantity"], True)
        for record, day, states in (
            (found, body["day"], FOR_MAKING),
            (found, day_of(found.time_ms), FOR_MAKING),
            (goods, day_of(goods.time_ms), FOR_SELLING),
        ):
            _expect(f"whose act record {record.id} is", act_of(record)[1], licence["licensee"])
            state = lineage.standing(day, day_of(record.time_ms)).state
            if state not in states:
                raise ProofError(f"{one['licence']} on {day}", expected=" or ".join(sorted(states)), got=state)
        return dict(made)

    def _lineage(self, licence: str) -> Lineage:
        if licence not in self._lineages:
            lineage = Lineage(self._source)
            lineage.read(licence)
            lineage.judge()
            lineage.check_state()
            lineage.check_unopposed()
            for found in lineage.records.values():
                self._keep(found)
            work = lineage.values[work_key(lineage.line[0]["work"])]
            self.actors |= {*work["owners"], *work["creators"], lineage.line[0]["licensee"]}
            self._lineages[licence] = lineage
        return self._lineages[licence]


def _serials(body: dict[str, Any]) -> list[str] | None:
    said = body.get("serials")
    return None if said is None else [said["first"], said["last"]]


def _entry(found: SourcedRecord) -> dict[str, Any]:
    """Return what the rules keep of an act beside its effect."""
    kind, actor = act_of(found)
    return {
        "record": found.index, "kind": kind.name, "by": found.record.issuer, "for": actor, "time_ms": found.time_ms,
    }  # fmt: skip


def _expect(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise ProofError(what, expected=expected, got=got)
