"""Royalties between two sides: statements are what the terms make of the declared sales, and nobody else reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from licences import Studio, open_studio
from rules import refused

from contracts.licences.accounts import granting_side, period_of_statement, worked_out
from contracts.licences.keys import royalties_key
from contracts.licences.royalties import NET_SALES, Royalty
from contracts.rulebook import readers_of
from ledger.fold import State

ACCOUNT = "9f86d081884c7d659a2feaa0c55ad015"
ROYALTY = Royalty("TWD", NET_SALES, ((0, 50), (1_000_000, 70)), 20_000, 60_000, 100, 1, 10, "half-up")


@pytest.fixture
def studio() -> Studio:
    """A studio in which L-1 is granted for royalties by the month; five thousand pieces are made."""
    found = open_studio()
    found.grant(found.terms("L-1", royalty=ROYALTY))
    found.produce("L-1", "P-1", 5_000)
    open_account(found)
    return found


def open_account(studio: Studio, name: str = ACCOUNT, licence: str = "L-1", *signers: str, **more: Any) -> None:
    """Let both sides open an account."""
    names = list(signers or ("panay", "tea"))
    body = {"royalties": name, "licence": licence, "signers": names, **more}
    exp = studio.world.time_ms // 1000 + 3600
    first = studio.world.submission(names[0], "royalties", body, expires_at_s=exp)
    studio.world.enter(first)
    for one in names[1:]:
        studio.world.submit(one, "royalties", body, document=first.document.data, expires_at_s=exp)


def account(studio: Studio) -> Any:
    """Return the account."""
    return studio.world.get(royalties_key(ACCOUNT))


def state_sales(
    studio: Studio, number: int, *sales: dict[str, int], by: str = "tea", licence: str = "L-1", **more: Any
) -> None:
    """Let the licensee hand in a statement, worked out as the rule does."""
    body = {"number": number, "sales": list(sales)}
    found = worked_out(studio.state(licence), account(studio), body)
    lines = {"lines": [one.said() for one in found.lines], "due": found.due}
    studio.act(by, "royalty-statement", royalties=ACCOUNT, **{**body, **lines, **more})


def sold(pieces: int, gross: int, **more: int) -> dict[str, int]:
    """Return a sale."""
    return {"pieces": pieces, "gross": gross, **more}


def test_a_year_of_statements(studio: Studio) -> None:
    """Bands, minimum, advance and returns carry over from one statement to the next."""
    studio.later(31)
    state_sales(studio, 1, sold(1_000, 800_000))
    assert account(studio)["statements"] == [[1, 0, 0, 0]]  # 40,000 of the advance of 60,000
    studio.later(31)
    state_sales(studio, 2, sold(500, 300_000), sold(100, 100_000, returned_pieces=40, returned=50_000))
    # Returns count up to a tenth: 400,000 − 40,000. Of these 200,000 lie in the first band, 160,000 in the second.
    assert account(studio)["statements"][1] == [2, 10_000 + 11_200 - 20_000, 0, 0]
    studio.later(31)
    state_sales(studio, 3)
    assert account(studio)["statements"][2] == [3, 20_000, 0, 0]  # the minimum
    assert account(studio)["pieces"] == 1_560


def test_a_wrong_statement_is_refused_with_both_sums(studio: Studio) -> None:
    """A licensee would pay what it likes."""
    studio.later(31)
    with refused("licences.statement") as caught:
        state_sales(studio, 1, sold(4_000, 2_000_000), due=1)
    assert str(caught.value.expected).startswith("60000 in all; royalty of 2000000 = 120000; advance")
    assert str(caught.value.got).startswith("1 in all")
    with refused("rules.number"):
        state_sales(studio, 1, due=0.0)


def test_no_more_sold_than_made(studio: Studio) -> None:
    """Goods would be sold that never stood in a declared production."""
    studio.later(31)
    with refused("licences.sold"):
        state_sales(studio, 1, sold(5_001, 1))
    state_sales(studio, 1, sold(5_000, 1, returned_pieces=10))
    studio.later(31)
    with refused("licences.sold"):
        state_sales(studio, 2, sold(11, 1))


def test_statements_follow_their_periods(studio: Studio) -> None:
    """A period without a statement would go unnoticed, or sales would be counted before they are over."""
    with refused("licences.period"):
        state_sales(studio, 1)
    studio.later(31)
    with refused("licences.period"):
        state_sales(studio, 2)
    first, last = period_of_statement(studio.state("L-1"), 1)
    assert first == studio.state("L-1")["life"]["first"] < last < studio.today
    state_sales(studio, 1)
    with refused("licences.period"):
        state_sales(studio, 1)
    assert not studio.world.get(royalties_key(ACCOUNT, 2))["late"]
    studio.later(60)
    state_sales(studio, 2)
    assert studio.world.get(royalties_key(ACCOUNT, 3))["late"]


def test_statements_end_with_the_selling_off(studio: Studio) -> None:
    """A minimum would be due for ever, or the last sales would stay out."""
    studio.revoke("L-1", "tea", last=20, reason="surrender")
    studio.later(100)
    state_sales(studio, 1)
    state_sales(studio, 2)
    with refused("licences.period"):
        state_sales(studio, 3)
    assert account(studio)["account"]["recouped"] == 20_000, "no minimum is due while goods are sold off"


def test_payments_and_receipts(studio: Studio) -> None:
    """A licensee would say that it paid, and nobody would have to say that it came."""
    studio.later(31)
    state_sales(studio, 1, sold(4_000, 2_000_000))
    pay = {"royalties": ACCOUNT, "payment": "B-1", "number": 1, "amount": 60_000, "day": studio.today}
    for more, rule in (
        ({"amount": 60_001}, "licences.payment"),
        ({"number": 2}, "licences.statement"),
        ({"day": studio.day(1)}, "licences.day"),
    ):
        with refused(rule):
            studio.act("tea", "royalty-payment", **{**pay, **more})
    with refused("licences.side"):
        studio.act("panay", "royalty-payment", **pay)
    with refused("licences.payment"):
        studio.act("panay", "royalty-receipt", royalties=ACCOUNT, payment="B-1")
    studio.act("tea", "royalty-payment", **{**pay, "amount": 20_000})
    studio.act("tea", "royalty-payment", **{**pay, "payment": "B-2", "amount": 40_000})
    with refused("licences.payment"):
        studio.act("tea", "royalty-payment", **{**pay, "amount": 1})
    with refused("licences.side"):
        studio.act("tea", "royalty-receipt", royalties=ACCOUNT, payment="B-1")
    studio.act("panay", "royalty-receipt", royalties=ACCOUNT, payment="B-2")
    with refused("licences.payment"):
        studio.act("panay", "royalty-receipt", royalties=ACCOUNT, payment="B-2")
    assert account(studio)["statements"] == [[1, 60_000, 60_000, 40_000]]


def test_who_opens_an_account(studio: Studio) -> None:
    """A stranger would stand on one side, or a side would open it alone."""
    other = "0d1e2f30415263748596a7b8c9daebfc"
    with refused("licences.signers"):
        open_account(studio, other, "L-1", "panay", "cloth")
    with refused("licences.signers"):
        open_account(studio, other, "L-1", "agent", "tea")
    with refused("licences.royalties-known"):
        open_account(studio)
    studio.grant(studio.terms("L-2", scope=studio.scope(fields=("toys",))))
    with refused("licences.royalty-free"):
        open_account(studio, other, "L-2")
    studio.mandate("M-0", "panay", "panay", "agent", works=["W-9"])
    with refused("licences.signers"):
        open_account(studio, other, "L-1", "agent", "tea", mandates=["M-0"])
    studio.mandate("M-1", "panay", "panay", "agent")
    open_account(studio, other, "L-1", "agent", "tea", mandates=["M-1"])


def test_auditors_read_by_mandate(studio: Studio) -> None:
    """Sales figures would lie open, or an auditor would go on reading after its mandate."""
    assert readers(studio) == {"panay", "tea"}
    audit = {"royalties": ACCOUNT, "auditor": "press"}
    with refused("licences.royalties"):
        studio.act("press", "royalty-audit", **audit, given=True)
    with refused("licences.audit"):
        studio.act("panay", "royalty-audit", **audit, given=False)
    studio.act("panay", "royalty-audit", **audit, given=True)
    assert readers(studio) == {"panay", "tea", "press"}
    with refused("licences.side"):
        studio.act("press", "royalty-audit", **audit, given=True)
    with refused("licences.audit"):
        studio.act("tea", "royalty-audit", **audit, given=False)
    studio.act("panay", "royalty-audit", **audit, given=False)
    assert readers(studio) == {"panay", "tea"}


def test_the_granting_side_is_who_holds_the_right_now() -> None:
    """Elders who are no more would read on, and an agent after its mandate."""
    studio = open_studio()
    studio.mandate("M-1", "hana", "amis", "agent")
    studio.mandate("M-2", "agent", "amis", "broker", under="M-1")
    studio.grant(studio.terms("L-1", "W-2", royalty=ROYALTY))
    open_account(studio, ACCOUNT, "L-1", "broker", "tea", mandates=["M-2"])
    assert readers(studio) == {"hana", "rima", "broker", "tea"}
    studio.act("amis", "mandate-revocation", mandate="R-0", reason="改選")
    studio.act("rima", "mandate-revocation", mandate="M-1", reason="收回")
    assert readers(studio) == {"rima", "tea"}


def test_a_sublicence_pays_the_licence_above() -> None:
    """What a sublicensee owes its licensee would go to the artist instead."""
    studio = open_studio()
    studio.grant(studio.terms("L-1", sublicensing=True))
    studio.grant(replace(studio.sublicence("L-2", "L-1", "tea", "cloth"), royalty=ROYALTY))
    open_account(studio, ACCOUNT, "L-2", "tea", "cloth")
    assert readers(studio) == {"tea", "cloth"}


def readers(studio: Studio) -> set[str]:
    """Return who reads a record of the account now."""
    state = account(studio)
    body = {"royalties": ACCOUNT, "auditor": "press", "given": True}
    record = studio.world.submission(state["licensee"], "royalty-audit", body)
    facts = State({key: studio.world.facts.get(key) for key in studio.world.facts})
    assert granting_side(facts, state) == granting_side(facts, state, studio.today)
    return readers_of(record.record, record.document, facts)
