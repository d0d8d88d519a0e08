"""A small world of actors over the real rules, in memory: no log, no database, a clock that the test sets.

    world = open_world()
    world.submit("farm-1", "event", world.event("L1", "harvest", 1200))
    world.lot("L1")["amounts"]     {"g": [1200000, 0, 0]}

Records go through `Fold`, the same code that the log runs under its lock, so that what a rule does not declare is
fetched and what it changes has to have an encoding.
"""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from contracts.actors import possession_text
from contracts.gs1 import lot_uri
from contracts.keys import actor_key, lot_key
from contracts.operation import BIZ_STEP, CONTEXT
from contracts.rulebook import kind_of, rulebooks
from ledger import cbor
from ledger.blind import ReplaySecret
from ledger.document import Context, decode_document, encode_document
from ledger.errors import RefusedError
from ledger.facts import public_position
from ledger.fold import Accepted, Candidate, Fold, Start
from ledger.genesis import encode_key
from ledger.record import decode_record, sign_record
from ledger.rulebook import At, Submission
from ledger.signature import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

ORIGIN = "log.test/rules"
GTIN = "04712345678900"
OTHER_GTIN = "04712345678917"
START_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OWN_STEPS = {"sow", "harvest", "pack", "water", "fertilise"}


@dataclass
class World:
    """Actors with their keys, and the facts so far.

    Attributes:
        keys: each actor's first key.
        facts: encoded values by key.
        size: the next public record's index.
        private_count: the next private record's number.
        time_ms: the next record's batch time.
        rounds: how often the last record was judged until every fact that it reads was fetched.
    """

    fold: Fold
    keys: dict[str, SigningKey]
    facts: dict[bytes, bytes]
    size: int = 1
    private_count: int = 0
    time_ms: int = START_MS
    rounds: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def submission(
        self,
        actor: str,
        kind: str,
        body: dict[str, Any],
        *,
        key: SigningKey | None = None,
        subject: str | None = None,
        hidden: dict[str, str] | None = None,
        entered_for: str | None = None,
        issued_at_s: int | None = None,
        expires_at_s: int | None = None,
        document: bytes | None = None,
    ) -> Submission:
        """Return a signed record with its document; `hidden` are digests, `document` is one that others sign too."""
        document = document or encode_document(
            id=f"n{next(self.numbers)}",
            body=body,
            hidden=hidden,
            context=None if entered_for is None else Context(entered_for),
        )
        statement = sign_record(
            key or self.keys[actor],
            kind=kind,
            issuer=actor,
            subject=subject or kind_of(kind).subject(body),
            audience=ORIGIN,
            issued_at_s=self.time_ms // 1000 if issued_at_s is None else issued_at_s,
            document=document,
            expires_at_s=expires_at_s,
        )
        return Submission(decode_record(statement), decode_document(document))

    def submit(self, actor: str, kind: str, body: dict[str, Any], **more: Any) -> int:
        """Let one record in and return its index, a private one's the tree size at which it stands.

        Raises:
            RefusedError: a rule refuses it.
        """
        return self.enter(self.submission(actor, kind, body, **more))

    def enter(self, submission: Submission) -> int:
        """Judge a record as the log does, in as many rounds as it has missing facts; return its index."""
        private = self.fold.check_header(submission)
        candidate = Candidate(submission, private=private, verified=False)
        wanted, fetched = set(self.fold.reads([candidate])), set[bytes]()
        for self.rounds in range(1, 17):
            fetched |= wanted
            known = {key: self.facts.get(key) for key in fetched}
            outcomes, wanted = self.fold.judge([candidate], Start(self.size, self.private_count), self.time_ms, known)
            if not wanted:
                break
        outcome = outcomes[0]
        if not isinstance(outcome, Accepted):
            assert isinstance(outcome, Exception), outcome
            raise outcome
        self.facts.update({change.key: cbor.encode(change.value) for change in outcome.changes})
        if private:
            self.private_count += 1
        else:
            self.size += 1
        return outcome.at.index

    def get(self, key: bytes) -> Any:
        """Return a fact's value, None where there is none."""
        data = self.facts.get(key)
        return None if data is None else cbor.decode(data)

    def lot(self, lot: str, number: int = 0, gtin: str = GTIN) -> Any:
        """Return a lot's state, or its `number`-th act."""
        return self.get(lot_key(gtin, lot, number))

    def actor(self, actor: str) -> Any:
        """Return an actor's state."""
        return self.get(actor_key(actor))

    def register(self, parent: str, actor: str, role: str) -> SigningKey:
        """Register an actor with a key of its own."""
        key = key_of(actor)
        self.submit(parent, "actor", actor_body(parent, actor, role, key))
        self.keys[actor] = key
        return key

    def event(self, lot: str, step: str, kg: Any = None, *, gtin: str = GTIN, **more: Any) -> dict[str, Any]:
        """Return an EPCIS ObjectEvent on a lot, an hour before the batch time; a member set to None is left out."""
        members = {
            "@context": CONTEXT,
            "type": "ObjectEvent",
            "eventTime": moment(self.time_ms - HOUR_MS),
            "eventTimeZoneOffset": "+00:00",
            "eventID": f"urn:uuid:00000000-0000-4000-8000-{next(self.numbers):012}",
            "action": "OBSERVE",
            "bizStep": BIZ_STEP + step if step in OWN_STEPS else step,
            "quantityList": [element(lot, kg, gtin=gtin)],
            **more,
        }
        return {name: value for name, value in members.items() if value is not None}

    def transformation(
        self, inputs: list[tuple[str, Any]], outputs: list[tuple[str, Any]], **more: Any
    ) -> dict[str, Any]:
        """Return a TransformationEvent from lots to lots, each with its kilograms or None."""
        lists = {
            "inputQuantityList": [element(*one) for one in inputs] or None,
            "outputQuantityList": [element(*one) for one in outputs] or None,
        }
        none = {"action": None, "bizStep": None, "quantityList": None}
        return self.event("X", "pack", **none, **lists, **{"type": "TransformationEvent", **more})

    def error(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the declaration that an event was an error."""
        declared = {"declarationTime": moment(self.time_ms), "reason": "https://ref.gs1.org/cbv/ER-incorrect_data"}
        return {**event, "errorDeclaration": declared}


def element(lot: str, kg: Any = None, *, uom: str = "KGM", gtin: str = GTIN) -> dict[str, Any]:
    """Return an EPCIS quantity element of a lot."""
    return {"epcClass": lot_uri(gtin, lot)} | ({} if kg is None else {"quantity": kg, "uom": uom})


def moment(time_ms: int) -> str:
    """Return a time as EPCIS has it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def key_of(name: str) -> SigningKey:
    """Return the key that a name always has in these tests."""
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


def possession(key: SigningKey, actor: str, origin: str = ORIGIN) -> str:
    """Return the proof that an actor holds a key."""
    return urlsafe_b64encode(key.sign(possession_text(origin, actor))).decode().rstrip("=")


def actor_body(parent: str, actor: str, role: str, key: SigningKey) -> dict[str, Any]:
    """Return the body that registers an actor."""
    return {
        "actor": actor, "role": role, "parent": parent, "key": encode_key(key.public_key),
        "possession": possession(key, actor), "name": {"zh-TW": f"名稱 {actor}"},
    }  # fmt: skip


def key_body(actor: str, key: SigningKey) -> dict[str, Any]:
    """Return the body that adds a key to an actor."""
    return {"actor": actor, "key": encode_key(key.public_key), "possession": possession(key, actor)}


def digest(name: str) -> str:
    """Return 43 characters that pass for the digest of a disclosure."""
    return encode_key(name.encode().ljust(32, b"."))


def refused(rule: str) -> AbstractContextManager[pytest.ExceptionInfo[RefusedError]]:
    """Expect a refusal by this rule and no other."""
    return pytest.raises(RefusedError, check=lambda error: error.rule == rule)


def open_world() -> World:
    """Return a world with an operator, a county, an association, two farmers, a packer, a lab, a site and a product."""
    fold = Fold(rulebooks(), ReplaySecret(b"\x05" * 32), ORIGIN)
    operator = key_of("operator")
    first = {
        "actor": "operator", "role": "operator", "name": {"zh-TW": "風土"}, "key": encode_key(operator.public_key),
    }  # fmt: skip
    at = At(public_position(0), 0, START_MS)
    changes = fold.rulebooks[1].genesis({"actor": first}, at)
    world = World(fold, {"operator": operator}, {change.key: cbor.encode(change.value) for change in changes})
    populate(world)
    return world


def populate(world: World) -> None:
    """Register those below the operator, a site and a product."""
    world.register("operator", "county", "county")
    world.register("county", "fa", "association")
    world.register("fa", "farm-1", "farmer")
    world.register("fa", "farm-2", "farmer")
    world.register("fa", "packer", "packer")
    world.register("county", "lab", "inspector")
    world.submit("farm-1", "site", {"site": "S-1", "name": {"zh-TW": "東田"}, "county": "屏東縣", "township": "萬丹鄉"})
    world.submit("farm-1", "product", {"gtin": GTIN, "name": {"zh-TW": "毛豆"}, "crop": "毛豆"})
