"""Documents that several parties sign: a record each, the last one makes it binding while all offers hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from rules import ORIGIN, START_MS, key_of, refused

from contracts.assent import Assent, assent
from contracts.keys import assent_key
from contracts.kind import Act, Kind, text
from contracts.kind import body as schema
from ledger.document import Context, Document, decode_document, encode_document
from ledger.facts import public_position
from ledger.record import decode_record, sign_record
from ledger.rulebook import At

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTIES = ("buyer", "farm", "witness")
PACT = Kind("pact", schema({"what": text()}), lambda _: "pact/1", lambda _: [], parties=lambda _: PARTIES)
NOW_S = START_MS // 1000


@dataclass
class Table:
    """Parties around one document; what they sign is kept as the log would."""

    document: Document
    facts: dict[bytes, Any] = field(default_factory=dict)
    sees_private: bool = True
    index: int = 1
    time_ms: int = START_MS

    def get(self, key: bytes) -> Any:
        """Return a fact."""
        return self.facts.get(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """All facts are here."""

    def sign(self, issuer: str, expires_at_s: int | None = None, *, private: bool = False) -> Assent:
        """Let one party sign."""
        statement = sign_record(
            key_of(issuer), kind="pact", issuer=issuer, subject="pact/1", audience=ORIGIN, issued_at_s=NOW_S,
            document=self.document.data, expires_at_s=expires_at_s,
        )  # fmt: skip
        record = decode_record(statement)
        at = At(public_position(self.index), self.index, self.time_ms)
        actor = PACT.actor_of(record, self.document)
        progress = assent(Act(record, self.document, at, actor, self, private=private, parties=PARTIES))
        self.facts.update((change.key, change.value) for change in progress.changes)
        self.index += 1
        return progress


@pytest.fixture
def table() -> Table:
    """A document that nobody has signed; the farm has no device, its association may sign for it."""
    return Table(decode_document(encode_document(id="p", body={"what": "x"}, context=Context("farm"))))


def test_the_last_signature_binds(table: Table) -> None:
    """Before the last party has signed nothing follows from a document; after it, who signed when is kept."""
    assert not table.sign("buyer", NOW_S + 10).complete
    assert not table.sign("farm", NOW_S + 20).complete
    last = table.sign("witness")
    assert last.complete
    assert [(one.actor, one.position) for one in last.signed] == [
        (name, public_position(n)) for n, name in enumerate(PARTIES, 1)
    ]
    assert table.get(assent_key(table.document.hash))["complete"]


def test_one_who_is_no_party_signs_for_the_one_named(table: Table) -> None:
    """An association signs for a member; the context that says so is in the one document and binds no other party."""
    progress = table.sign("association", NOW_S + 10)
    assert (progress.signed[0].actor, progress.signed[0].issuer) == ("farm", "association")
    assert table.sign("buyer", NOW_S + 10).signed[1].actor == "buyer"
    with refused("assent.twice"):
        table.sign("farm", NOW_S + 10)


def test_strangers_do_not_sign(table: Table) -> None:
    """Nobody becomes a party by signing."""
    plain = replace(table, document=decode_document(encode_document(id="p", body={"what": "x"})))
    with refused("assent.party"):
        plain.sign("stranger", NOW_S + 10)


def test_an_offer_says_until_when(table: Table) -> None:
    """An offer without an end could be accepted years later."""
    with refused("assent.offer"):
        table.sign("buyer")


@pytest.mark.parametrize(("late_ms", "holds"), [(9_999, True), (10_000, False)])
def test_a_lapsed_offer_cannot_be_accepted(table: Table, late_ms: int, holds: bool) -> None:  # noqa: FBT001 - a table
    """The last signature binds while all offers hold, to the millisecond."""
    table.sign("buyer", NOW_S + 10)
    table.sign("farm", NOW_S + 99)
    table.time_ms += late_ms
    if holds:
        assert table.sign("witness").complete
    else:
        with refused("assent.lapsed"):
            table.sign("witness")


def test_private_documents_stay_private(table: Table) -> None:
    """Who signed a private document is a private fact, held by what the document is about."""
    change = table.sign("buyer", NOW_S + 10, private=True).changes[0]
    assert (change.private, change.holder) == (True, "pact/1")
