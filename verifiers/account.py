"""Is this my balance? Every coin of one account, each lot and its end, from a bundle alone.

The steps, each by name in the verdict:

1.–6. as `verifiers.product` has them: policy, checkpoint, inclusion, seal, facts, records.
7. history: every act on the account is there, in its order, signed by a key that was entitled there.
8. account: opened once, its keys and cards, by who may.
9. earnings: what stations gave and took back, by the terms in force, within the caps of each day of Taipei.
10. payments: codes by the account's own keys, cards within their limits, holds, refunds into the lots they came from.
11. transfers: what was sent, and what came.
12. balance: keys, cards, lots, holds and sums are those that the map holds.
13. wallet: tickets, coupons and entries for releases as the map holds them, by their issuers' own terms, and the record
    of each that ever came.
14. particulars: the programme, and the names of stations and merchants.
15. whole: nothing in the bundle is beyond the question.
16. standing: quorum, replay keys, freshness.

The rules themselves judge each act again, over the account's own part of the facts. What only others may know is not
looked at here: what an issuer has left to give, and what another account had before it sent. Nor are tickets and
coupons that a charge was paid with beside coins: its own proof says what they counted for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.kind import Act
from contracts.rewards.book import holder_of, new_account, new_funds
from contracts.rewards.coins import Lot, decode_pieces, encode_pieces, purse_at, total
from contracts.rewards.coupons import new_coupon
from contracts.rewards.keys import (
    ACCOUNT_KEY,
    CARD,
    COMMITMENT,
    FUNDS,
    account_key,
    account_prefix,
    charge_key,
    commitment_key,
    coupon_key,
    holder_prefix,
    offer_key,
    programme_key,
    ticket_key,
)
from contracts.rewards.means import coupons_of, tickets_of
from contracts.rewards.tickets import new_ticket
from ledger.errors import ProofError
from ledger.facts import PREFIX_SIZE
from ledger.rulebook import At
from verifiers import question
from verifiers.acts import Acts
from verifiers.source import SourcedRecord, by_sequence, checked_private
from verifiers.terms import Offers, Terms, act_of, read_actors
from verifiers.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from contracts.rewards.coins import Purse

_STEPS = {
    "account": frozenset({"coins-account", "coins-key", "coins-card"}),
    "earnings": frozenset({"coins-earning", "coins-reversal"}),
    "payments": frozenset({"coins-charge", "coins-confirm", "coins-post", "coins-void", "coins-refund"}),
    "transfers": frozenset({"coins-transfer"}),
}
"""Which step an act belongs to."""
_SHOWN = ("activity", "merchant", "branch", "coins", "reason", "state", "close", "to")
_PLENTY = 10**15


class Part:
    """The part of the facts that one account may know, as the rules read and write it.

    Attributes:
        values: the account's facts, its charges' and what else was put in.
        offers: terms of tickets and coupons.
    """

    sees_private = True

    def __init__(self, account: str, terms: Terms, offers: Offers) -> None:
        self.values: dict[bytes, Any] = {}
        self._account, self._terms, self.offers, self._index = account, terms, offers, 0
        self._programme = b""
        self._named: dict[bytes, tuple[str, str, int]] = {}

    def get(self, key: bytes) -> Any | None:
        """Return a fact as it is before the act at hand."""
        if key == self._programme:
            return self._terms.before(self._index)
        if key in self._named:
            kind, offer, version = self._named[key]
            return self.offers.before(self._index, kind, offer, version)
        if key[0] == FUNDS:
            # How much an issuer may still give is not the account's to know.
            return {**new_funds(), "funded": _PLENTY}
        return self.values.get(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: whatever the account may know is here."""

    def judge(self, found: SourcedRecord, others: Mapping[str, Any]) -> None:
        """Judge a record by its rule, and keep what it writes of the account.

        Args:
            found: the record.
            others: states of other accounts, as far as this act moves coins between them.

        Raises:
            RefusedError: the rule says no.
        """
        self._index = found.index
        self._programme = programme_key(found.document.body["programme"])
        lent = {account_key(name): state for name, state in others.items()} | self._beside(found)
        self.values.update(lent)
        kind, actor = act_of(found)
        at = At(found.position, found.index, found.time_ms)
        changes = kind.apply(Act(found.record, found.document, at, actor, self, private=True))
        for key in lent:
            del self.values[key]
        holder, charge = holder_of(self._account), found.record.subject
        for change in changes:
            if change.holder in {holder, charge}:
                self.values[change.key] = change.value

    def _beside(self, found: SourcedRecord) -> dict[bytes, Any]:
        """Return the tickets and coupons of the charge that an act is on, such that its rule can move them."""
        body, lent = found.document.body, dict[bytes, Any]()
        known = self.values.get(charge_key(body["charge"])) if "charge" in body else None
        if known is None:
            tickets = [(one["ticket"], *_terms(one), one["item"], one["count"]) for one in body.get("tickets", ())]
            coupons = [(one["coupon"], *_terms(one)) for one in body.get("coupons", ())]
        else:
            mixed = known["mixed"] or {"tickets": [], "coupons": []}
            tickets, coupons = (
                [(one.ticket, one.offer, one.version, one.item, one.number) for one in tickets_of(mixed)],
                [(one.coupon, one.offer, one.version) for one in coupons_of(mixed)],
            )
        for name, offer, version, item, count in tickets:
            terms = self._name("tickets", body["programme"], offer, version)
            new = new_ticket(terms, self._account, paid=True, ends_ms=None)
            lent.setdefault(ticket_key(name), {**new, "items": {}})["items"][item] = [count, count, 0]
        for name, offer, version in coupons:
            terms = self._name("coupons", body["programme"], offer, version)
            lent[coupon_key(name)] = new_coupon(terms, self._account)
        return lent

    def _name(self, kind: str, programme: str, offer: str, version: int) -> dict[str, Any]:
        self._named[offer_key(programme, offer, version)] = kind, offer, version
        return self.offers.before(self._index, kind, offer, version)


@dataclass(slots=True)
class Answer(question.Answer):
    """The answer to "what is my balance?", read from a source.

    Attributes:
        state: the account's state as its acts give it.
        acts: the acts in their order, with what each moved.
        snapshots: the time of each act and the state after it.
    """

    state: dict[str, Any] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _account: str = ""
    _found: Acts = field(init=False)
    _part: Part = field(init=False)
    _charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    _wallet: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _particulars: dict[str, Any] = field(default_factory=dict)

    def steps(self, asked: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps by which it is read."""
        yield "history", lambda: self._read_history(asked["account"])
        for name in _STEPS:
            yield name, partial(self._check_sound, name)
        yield "balance", self._check_balance
        yield "wallet", self._read_wallet
        yield "particulars", self._read_particulars

    def status(self, _: int, /) -> str:
        """`owing` while coins that were taken back are still to be earned again, else `open`."""
        return "owing" if self.state["debt"] else str(self.state["state"])

    def balance_at(self, time_ms: int) -> Purse | None:
        """Return the coins as they were at a time, Unix milliseconds; None before the account was opened."""
        state = next((state for at, state in reversed(self.snapshots) if at <= time_ms), None)
        return None if state is None else purse_at(state, time_ms)

    def facts(self, time_ms: int, /) -> dict[str, Any]:
        """Return what is proved, as JSON has it; coins are as they are at a time, Unix milliseconds."""
        purse = purse_at(self.state, time_ms)
        return {
            "account": self._account,
            **self._particulars,
            "state": self.state["state"],
            "as_of_ms": time_ms,
            "balance": purse.balance(),
            "lots": [_lot(lot) for lot in sorted(purse.lots, key=lambda lot: (lot.ends_ms, lot.number))],
            "holds": [
                {"charge": hold.charge, "coins": hold.coins, "until_ms": hold.until_ms, **self._charges[hold.charge]}
                for hold in purse.holds
            ],
            **self._wallet,
            "unpaid": self.state["unpaid"],
            "history": self.acts,
        }

    def _read_history(self, account: str) -> str:
        facts = self.source.private_prefix(account_prefix(account))
        self._account, self._found = account, Acts("the account", account, facts, count="entries")
        programme = self._found.head["programme"]
        self._part = Part(account, Terms(self.source, programme), Offers(self.source, programme))
        self.source.expect_private(self._found.records)
        self._found.judge(_STEPS, partial(self._act, self._part))
        return f"{len(self.acts)} acts"

    def _check_sound(self, step: str) -> str:
        self._found.check_sound(_STEPS, step)
        return f"{sum(act['kind'] in _STEPS[step] for act in self.acts)} acts"

    def _check_balance(self) -> str:
        head = self._found.head
        for name in sorted({*self.state, *head}):
            if self.state.get(name) != head.get(name):
                raise ProofError(f"the account's {name}", expected=self.state.get(name), got=head.get(name))
        values = self._part.values
        keys = {key[:PREFIX_SIZE] for key in values if key[0] == ACCOUNT_KEY}
        if keys != {holder_prefix(bytes.fromhex(kid)) for kid in self.state["keys"]}:
            raise ProofError("the account's keys", expected=len(self.state["keys"]), got=len(keys))
        for prefix in sorted(keys):
            own = by_sequence((key, value) for key, value in values.items() if key[:PREFIX_SIZE] == prefix)
            if self.source.private_prefix(prefix) != own:
                raise ProofError("a key of the account", expected="as its acts left it", got="something else")
        for key in sorted(values):
            if key[0] in {CARD, COMMITMENT} and self.source.private_fact(key) != values[key]:
                raise ProofError("a card or a test of the account", expected=values[key], got="something else")
        return f"{self.state['sums']['issued']} coins issued"

    def _read_wallet(self) -> str:
        wallet = Wallet(self.source, self.state["programme"], self._account, self._part.offers)
        for found in wallet.records:
            self.keep(found)
        self._wallet = {**wallet.lists, "came": wallet.came}
        return f"{len(wallet.lists['tickets'])} tickets, {len(wallet.lists['coupons'])} coupons"

    def _read_particulars(self) -> str:
        terms = self._part.get(programme_key(self.state["programme"])) or {}
        merchants = {one["merchant"] for one in self._charges.values()}
        named = {act["for"] for act in self.acts if not act["for"].startswith("account/")}
        issuers = {lot[1] for lot in self.state["lots"]}
        actors = read_actors(self.source, {terms["owner"], *merchants, *named, *issuers})
        programme = {name: terms[name] for name in ("programme", "name", "owner", "value", "transfers", "version")}
        values = self._part.values
        keys = [value for key, value in values.items() if key[0] == ACCOUNT_KEY and "kid" in value]
        self._particulars = {
            "programme": programme,
            "activities": {name: one["name"] for name, one in terms["activities"].items()},
            "actors": actors,
            "keys": [{"kid": key["kid"].hex(), "state": key["state"]} for key in keys],
            "cards": [
                {"state": value["state"], "day": value["day"], "spent": value["spent"]}
                for key, value in values.items()
                if key[0] == CARD
            ],
        }
        return f"{len(actors)} actors"

    def _act(self, part: Part, number: int, entry: Mapping[str, Any]) -> None:
        found = self.keep(checked_private(self.source, entry["record"]))
        if not any(found.record.kind in kinds for kinds in _STEPS.values()):
            raise ProofError("its record", expected="an act on an account", got=found.record.subject)
        body = found.document.body
        if "commitment" in body:
            self._measured(part, body["commitment"])
        others = self._others(found, entry) if found.record.kind == "coins-transfer" else {}
        part.judge(found, others)
        written = part.values.pop(account_key(self._account, number), None)
        if written != entry:
            raise ProofError("its entry", expected=written, got=entry)
        state = part.values[account_key(self._account)]
        self.state = state
        self.snapshots.append((found.time_ms, state))
        _, actor = act_of(found)
        if found.record.kind == "coins-charge":
            self._charges[body["charge"]] = {name: body[name] for name in ("merchant", "branch")}
        said = {name: body[name] for name in _SHOWN if name in body}
        self.acts.append(
            {"number": number, "record": found.id, "kind": found.record.kind, "by": found.record.issuer, "for": actor,
             "time_ms": found.time_ms, "about": entry["about"], **said, **self._charges.get(entry["about"], {}),
             "postings": entry["postings"], "available": total(decode_pieces(state["lots"]))}
        )  # fmt: skip

    def _measured(self, part: Part, commitment: str) -> None:
        """Judge the post-test that an earning names, and its pre-test before it."""
        fact = self.source.private_fact(commitment_key(commitment))
        if fact is None or commitment_key(commitment) in part.values:
            return
        if fact["pre"] is not None:
            self._measured(part, fact["pre"])
        found = self.keep(checked_private(self.source, fact["record"]))
        if found.record.kind != "coins-commitment" or found.document.body["commitment"] != commitment:
            raise ProofError("a test", expected=f"the record of {commitment}", got=found.record.subject)
        part.judge(found, {})

    def _others(self, found: SourcedRecord, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the other accounts of a transfer: what came to this one is what the sender had for it."""
        body = found.document.body
        programme, sender = body["programme"], body["account"]
        others = {one["account"]: new_account(programme, "") for one in body["to"]}
        if sender != self._account:
            # What went to the others is of no issuer here; only how much it was is on record.
            pieces: list[Lot] = []
            for one in body["to"]:
                mine = one["account"] == self._account
                pieces += decode_pieces(entry["came"]) if mine else [Lot(0, "", one["coins"], 2 * found.time_ms)]
            others[sender] = {**new_account(programme, ""), "lots": encode_pieces(pieces)}
        return {name: state for name, state in others.items() if name != self._account}


def _terms(named: Mapping[str, Any]) -> tuple[str, int]:
    return named["offer"], named["version"]


def _lot(lot: Lot) -> dict[str, Any]:
    return {"lot": lot.number, "issuer": lot.issuer, "coins": lot.coins, "ends_ms": lot.ends_ms}


verify = question.verifier("account", Answer)
