"""Is this product what it says? The history of one lot, whole, from a bundle and a policy alone.

The steps, each by name in the verdict:

1. policy: the genesis is the one that the policy names; it names the log's keys.
2. checkpoint: signed by the log; witnesses' cosignatures.
3. inclusion: genesis, records and seals stand in the checkpoint's tree.
4. seal: signed by the log; the last one ends the checkpoint (its index = size − 1 = the size that it names).
5. facts: every fact and prefix stands in the public map of the last seal.
6. records: each commits to its document and is for this log; the first seal after it gives its time.
7. history: every act on the lot, and on the lots that it came of, is there; each is signed by a key that was entitled
   at its index, and header and document agree; folding them gives the state that the map holds.
8. particulars: products, sites and certificates of all these lots as their records say, the actors' roles, what was
   erased, and whether growers, purchaser and association signed that the guaranteed price was kept for it.
9. whole: nothing in the bundle is beyond the question; disclosures are those that documents commit to.
10. standing: quorum, replay key, freshness.

Where the question asks for them (`licences`), a step of that name stands before the particulars: which licences to
works of art the lot carries, each proved as `verifiers.licence` proves it, and whether it covers the goods on the day
of the seal. A bundle that does not ask, as those of earlier days, says nothing of licences.

It reads no network and no clock but the one handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.agreements.keys import guarantee_key
from contracts.certificates import begin, entry_of, follow
from contracts.events import Event, event_of
from contracts.governance import erasure_key
from contracts.gs1 import check_lot, decode_gtin
from contracts.keys import actor_key, certificate_prefix, lot_prefix, product_key, site_key
from contracts.lots import PARENTS_MAX, LotAct, fold, new_lot
from contracts.produce import act_time_ms, lot_acts, undone
from contracts.products import product_state, site_state
from contracts.rulebook import kind_of
from ledger.errors import FormatError, ProofError, RefusedError
from verifiers import question
from verifiers.acts import Acts
from verifiers.carried import Carried
from verifiers.source import SourcedRecord, checked_record
from verifiers.terms import act_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    _Make = Callable[[Mapping[str, Any], str, int], dict[str, Any]]


@dataclass(slots=True)
class Lot:
    """One lot as its records tell it: its state, and its acts in their order."""

    gtin: str
    lot: str
    state: dict[str, Any]
    acts: list[dict[str, Any]]


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "what is this lot?", read from a source. The first of `lots` is the one asked for."""

    lots: list[Lot] = field(default_factory=list)
    _carried: Carried | None = None
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        yield "history", lambda: self._read_history(asked["gtin"], asked["lot"])
        if "licences" in asked:
            self._carried = Carried(self.source, self.keep)
            yield "licences", partial(self._carried.read, asked["gtin"], asked["lot"])
        yield "particulars", self._read_particulars

    def _read_history(self, gtin: str, lot: str) -> str:
        """Read the lot and every lot that it came of.

        Raises:
            NotFoundError: nothing is recorded on this lot.
            ProofError: what is recorded does not give the state that the map holds.
        """
        if decode_gtin(gtin) != gtin or check_lot(lot) != lot:
            raise FormatError("the lot", expected=f"{decode_gtin(gtin)} and a lot's name", got=f"{gtin} {lot}")
        waiting, known = [(gtin, lot)], {(gtin, lot)}
        while waiting:
            name = waiting.pop(0)
            read = self._read_lot(*name)
            self.lots.append(read)
            for parent in read.state["parents"]:
                if tuple(parent) not in known:
                    known.add((parent[0], parent[1]))
                    waiting.append((parent[0], parent[1]))
            if len(known) > PARENTS_MAX + 1:
                raise ProofError("the lots that it came of", expected=f"at most {PARENTS_MAX}", got=len(known) - 1)
        return f"{len(self.lots)} lots, {len(self.records)} records"

    def _read_particulars(self) -> str:
        """Read product, site, certificates, actors and erasures.

        Raises:
            ProofError: one that the lot names is not there.
        """
        state = self.lots[0].state
        gtins = sorted({lot.gtin for lot in self.lots})
        named_sites = sorted({lot.state["site"] for lot in self.lots} - {None})
        numbers = sorted({number for lot in self.lots for number in lot.state["certificates"]})
        self._expect_stated([*map(product_key, gtins), *map(site_key, named_sites)], numbers)
        products = {gtin: self._read_product(gtin) for gtin in gtins}
        sites = {site: self._read_site(site) for site in named_sites}
        certificates = {number: self._read_certificate(number) for number in numbers}
        actors: dict[str, Any] = {}
        named = {lot.state["owner"] for lot in self.lots}
        named |= {who for lot in self.lots for act in lot.acts for who in (act["by"], act["for"])}
        named |= {one["issuer"] for one in certificates.values()}
        guarantee = self._read_guarantee(self.lots[0])
        named |= {one["actor"] for one in guarantee["signed"]} if guarantee is not None else set()
        named |= set() if self._carried is None else self._carried.actors
        for actor in sorted(named):
            actors[actor] = _actor(self.source.fact(actor_key(actor)))
        self.find_erased(lambda digest: self.source.fact(erasure_key(digest)))
        self._particulars = {
            "product": _named(products[state["gtin"]]),
            "products": {gtin: _named(product) for gtin, product in products.items()},
            "site": None if state["site"] is None else {"site": state["site"], **sites[state["site"]]},
            "certificates": [{"number": number, **certificates[number]} for number in state["certificates"]],
            "parents_sites": {site: sites[site] for site in sites if site != state["site"]},
            "parents_certificates": {one: certificates[one] for one in numbers if one not in state["certificates"]},
            "guarantee": guarantee,
            "actors": actors,
        }
        return f"{len(actors)} actors, {len(certificates)} certificates"

    def status(self, _: int, /) -> str:
        """`recalled` where the lot or one that it came of is recalled, else `active`."""
        return "recalled" if any(lot.state["recalled"] is not None for lot in self.lots) else "active"

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it; whether licences cover the goods is as of a time."""
        return {
            **self._particulars,
            **({} if self._carried is None else {"licences": self._carried.facts(time_ms)}),
            "lot": _lot_facts(self.lots[0]),
            "parents": [_lot_facts(lot) for lot in self.lots[1:]],
            "erased": self.erasures(),
        }

    def _expect_stated(self, keys: list[bytes], numbers: list[str]) -> None:
        """Ask for the records of products, sites and certificates together: one by one, each would be a query."""
        facts = [self.source.fact(key) for key in keys]
        facts += [fact for one in numbers for n, fact in self.source.prefix(certificate_prefix(one)).items() if n]
        self.source.expect(fact["record"] for fact in facts if fact is not None)

    def _read_product(self, gtin: str) -> dict[str, Any] | None:
        """Return a product as its owner signed it; None where nobody registered it."""
        state: dict[str, Any] | None = self.source.fact(product_key(gtin))
        if state is not None:
            self._check_stated("product", {"gtin": gtin}, state, product_state)
        return state

    def _read_site(self, site: str) -> dict[str, Any]:
        """Return a site as its owner signed it.

        Raises:
            ProofError: nobody did.
        """
        state: dict[str, Any] | None = self.source.fact(site_key(site))
        if state is None:
            raise ProofError(f"the site {site}", expected="one that is registered", got="none")
        self._check_stated("site", {"site": site}, state, site_state)
        return state

    def _check_stated(self, kind: str, named: dict[str, str], state: dict[str, Any], make: _Make) -> None:
        """Check that a state is what one record says.

        Raises:
            ProofError: it is not.
        """
        found = self.keep(checked_record(self.source, state["record"]))
        content, (signed, actor) = found.document.body, act_of(found)
        same = signed.name == kind and named.items() <= content.items() and make(content, actor, found.index) == state
        if not same:
            raise ProofError(f"the {kind}", expected=f"what record {found.id} says", got=state)

    def _read_certificate(self, number: str) -> dict[str, Any]:
        """Return a certificate as its inspector signed it and changed it.

        Raises:
            NotFoundError: nobody did.
            ProofError: an act is missing, or they do not give the state that the map holds.
        """
        acts = Acts("the certificate", number, self.source.prefix(certificate_prefix(number)))
        state: dict[str, Any] = {}
        for entry in acts.entries:
            found = self.keep(checked_record(self.source, entry["record"]))
            content, (kind, actor) = found.document.body, act_of(found)
            if kind.name != ("certificate-status" if state else "certificate") or content["number"] != number:
                raise ProofError("the certificate", expected=f"an act on {number}", got=found.record.subject)
            state = follow(state, content, actor) if state else begin(content, actor, found.index)
            if entry != entry_of(state, found.index, found.time_ms):
                raise ProofError("the certificate", expected=entry_of(state, found.index, found.time_ms), got=entry)
        if state != acts.head:
            raise ProofError("the state of the certificate", expected=state, got=acts.head)
        return state

    def _read_guarantee(self, lot: Lot) -> dict[str, Any] | None:
        """Return who signed that the guaranteed price was kept for a lot, and for which season; None where nobody did.

        Raises:
            ProofError: what the map holds is not what all of them signed.
        """
        kept = self.source.fact(guarantee_key(lot.gtin, lot.lot))
        if kept is None:
            return None
        indexes = [int.from_bytes(position[:8], "big") for _, _, position, _ in kept["signed"]]
        self.source.expect(indexes)
        signed: list[dict[str, Any]] = []
        documents: set[bytes] = set()
        for index in indexes:
            found = self.keep(checked_record(self.source, index))
            documents.add(found.document.hash)
            body, kind = found.document.body, kind_of(found.record.kind)
            if kind.name != "guarantee-kept" or {"gtin": lot.gtin, "lot": lot.lot} not in body["lots"]:
                raise ProofError(f"record {index}", expected=f"a guarantee of {lot.lot}", got=found.record.subject)
            if any(body[name] != kept[name] for name in kept if name != "signed"):
                raise ProofError(f"the guarantee of {lot.lot}", expected="what was signed", got="something else")
            actor = kind.actor_of(found.record, found.document)
            signed.append({"actor": actor, "by": found.record.issuer, "record": index, "time_ms": found.time_ms})
        if len(documents) != 1:
            raise ProofError(f"the guarantee of {lot.lot}", expected="one document that all signed", got=len(documents))
        if [one["actor"] for one in signed] != [one[0] for one in kept["signed"]] or {
            one["actor"] for one in signed
        } != {*kept["growers"], kept["purchaser"], kept["association"]}:
            raise ProofError(f"the guarantee of {lot.lot}", expected="the signatures of all", got=len(signed))
        return {"season": kept["season"], "signed": signed}

    def _read_lot(self, gtin: str, lot: str) -> Lot:
        listed = Acts("the lot", f"{gtin} {lot}", self.source.prefix(lot_prefix(gtin, lot)))
        head = listed.head
        self.source.expect(listed.records)
        state = new_lot(gtin, lot, head["owner"])
        acts: list[dict[str, Any]] = []
        for number, entry in enumerate(listed.entries, 1):
            found = self.keep(checked_record(self.source, entry["record"]))
            try:
                act = _act_of(found, (gtin, lot), entry, acts)
                said = _checked_entry(entry, found, act, number)
                state = fold(state, act)
            except RefusedError as error:
                raise ProofError(
                    f"act {number} on {lot}: {error.message}", expected=error.expected, got=error.got
                ) from error
            acts.append(_act_facts(number, said, found))
        if acts[0]["for"] != head["owner"]:
            raise ProofError(f"the owner of {lot}", expected=acts[0]["for"], got=head["owner"])
        if state != head:
            differs = next(name for name in sorted({*state, *head}) if state.get(name) != head.get(name))
            raise ProofError(f"the state of {lot}: {differs}", expected=state.get(differs), got=head.get(differs))
        return Lot(gtin, lot, state, acts)


def _act_of(
    found: SourcedRecord, name: tuple[str, str], entry: Mapping[str, Any], before: Sequence[Mapping[str, Any]]
) -> LotAct:
    """Return what the record does to the lot, by its document and, for a correction, by the act that it takes back."""
    body = found.document.body
    if "errorDeclaration" in body and found.record.kind == "event":
        number = entry["corrects"]
        first = before[number - 1] if 0 < number <= len(before) else {}
        _, actor = act_of(found)
        known = (first.get("kind"), first.get("for")) == ("event", actor)
        once = all(one["corrects"] != number for one in before)
        if not (known and once and Event(first["body"]).identity == event_of(found.document).identity):
            raise ProofError("a correction", expected="the act that it takes back, once", got=number)
        return undone(first)
    act = lot_acts(found.record.kind, body, found.index).get(name)
    if act is None:
        raise ProofError(f"record {found.index}", expected=f"an act on {name[1]}", got=found.record.subject)
    return act


def _checked_entry(entry: Mapping[str, Any], found: SourcedRecord, act: LotAct, number: int) -> dict[str, Any]:
    """Return an act's fact as its record gives it.

    Raises:
        ProofError: the map holds another.
    """
    body = found.document.body
    wanted = {
        "record": found.index,
        "kind": act.kind,
        "step": act.step,
        "time_ms": act_time_ms(found.record.kind, body, found.time_ms),
        "registered_ms": found.time_ms,
        "by": found.record.issuer,
        "for": kind_of(found.record.kind).actor_of(found.record, found.document),
        "amounts": {unit: list(amounts) for unit, amounts in sorted(act.amounts.items())},
        "parents": [list(parent) for parent in act.parents],
        "event": body.get("eventID") if found.record.kind == "event" else None,
        "corrects": entry.get("corrects") if act.kind == "correction" else None,
    }
    for name in sorted({*wanted, *entry}):
        if name not in wanted or entry.get(name) != wanted[name]:
            raise ProofError(f"act {number}, {name}", expected=wanted.get(name, "nothing"), got=entry.get(name))
    return wanted


def _act_facts(number: int, entry: Mapping[str, Any], found: SourcedRecord) -> dict[str, Any]:
    return {
        "number": number,
        **entry,
        "record_kind": found.record.kind,
        "body": found.document.body,
        "hidden": sorted(found.document.hidden),
    }


def _lot_facts(lot: Lot) -> dict[str, Any]:
    return {**lot.state, "history": lot.acts}


def _actor(state: Mapping[str, Any] | None) -> dict[str, Any]:
    if state is None:
        raise ProofError("an actor", expected="one that is registered", got="none")
    return {"role": state["role"], "name": state["name"], "parent": state["parent"]}


def _named(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if state is None else {"name": state["name"], "crop": state["crop"], "owner": state["owner"]}


verify = question.verifier("product", Answer)
