"""What is due for a licence, period by period: private records of the two sides, worked out again by the rule.

    royalties          {"royalties": "9f86…", "licence": "L-1", "signers": ["hana", "taitung.tea"], "mandates": ["M-1"]}
    royalty-statement  {"royalties": "9f86…", "number": 1, "sales": [{"pieces": 900, "gross": 12000000}],
                        "lines": [{"what": "royalty", "base": 12000000, "amount": 600000}], "due": 600000}
    royalty-payment    {"royalties": "9f86…", "payment": "B-1", "number": 1, "amount": 600000, "day": "2026-07-20"}
    royalty-receipt    {"royalties": "9f86…", "payment": "B-1"}
    royalty-audit      {"royalties": "9f86…", "auditor": "taitung.cpa", "given": true}

An account is named by 128 random bits. Its terms are those of the licence, which are public; what was sold, paid and
owed is not. Statements follow one another without a gap, each after its period is over. No more is declared as sold
than was declared as made. Either side lets an auditor read, and ends that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.assent import assent
from contracts.keys import actor_key
from contracts.kind import ACTOR_ID, DATE, Act, Kind, body, integer, some
from contracts.licences.acting import PEOPLE, covers_work, role_of, today
from contracts.licences.forms import NAME
from contracts.licences.granting import SIGNERS_MAX, Licence, licence_of
from contracts.licences.keys import licence_key, mandate_key, people_key, royalties_key, work_key
from contracts.licences.life import standing
from contracts.licences.royalties import (
    AMOUNT_MAX,
    SALE,
    Account,
    Royalty,
    Statement,
    account_of,
    period,
    settle,
    tally,
)
from contracts.licences.scope import days_after
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ledger.facts import Change
    from ledger.rulebook import Facts

SALES_MAX = 2048
STATEMENTS_MAX = 1200
PAYMENTS_MAX = 512

State = dict[str, Any]


def _open(act: Act) -> list[Change]:
    content = act.body
    name, licence = content["royalties"], licence_of(act, content["licence"])
    act.expect(act.facts.get(royalties_key(name)) is None, "licences.royalties-known", "this account is open", got=name)
    act.expect(
        licence["royalty"] is not None, "licences.royalty-free", "nothing is due for this licence",
        expected="a licence with the duty compensate", got=licence["licence"],
    )  # fmt: skip
    state = {
        "royalties": name, "licence": licence["licence"], "licensee": licence["licensee"],
        "mandates": content.get("mandates", []), "account": Account().as_data(), "pieces": 0, "statements": [],
        "payments": [], "auditors": [], "acts": 0,
    }  # fmt: skip
    side = granting_side(act.facts, state, today(act))
    signers = set(content["signers"])
    act.expect(
        licence["licensee"] in signers and signers - {licence["licensee"]} and signers <= side | {licence["licensee"]},
        "licences.signers",
        "an account is opened by the licensee and the granting side",
        expected=f"{licence['licensee']}, and of {', '.join(sorted(side))}",
        got=", ".join(content["signers"]),
    )
    progress = assent(act)
    return [*progress.changes, *(_kept(act, state) if progress.complete else ())]


def _expect_period(act: Act, state: State, licence: Licence) -> None:
    number, most = act.body["number"], len(state["statements"]) + 1
    act.expect(
        number == most and number <= STATEMENTS_MAX,
        "licences.period",
        "statements follow one another",
        expected=f"number {most}",
        got=number,
    )
    first, last = period_of_statement(licence, number)
    act.expect(last < today(act), "licences.period", "the period is not over", expected=f"after {last}", got=today(act))
    sale_last = standing(licence["life"], today(act)).sale_last
    act.expect(
        sale_last is None or first <= sale_last,
        "licences.period",
        "nothing was sold by then any more",
        expected=f"a period up to {sale_last}",
        got=f"{first} to {last}",
    )


def _statement(act: Act) -> list[Change]:
    content, state = act.body, _account(act)
    _expect_by(act, {state["licensee"]})
    licence = licence_of(act, state["licence"])
    _expect_period(act, state, licence)
    found, totals = worked_out(licence, state, content), tally(content["sales"])
    pieces = state["pieces"] + totals.pieces - totals.returned_pieces
    act.expect(
        pieces <= licence["produced"],
        "licences.sold",
        "more is declared as sold than as made",
        expected=f"at most {licence['produced']} in all",
        got=pieces,
    )
    said, due = [one.said() for one in found.lines], found.due
    act.expect(
        content["lines"] == said and content["due"] == due,
        "licences.statement",
        "the statement is another one by the licence's terms",
        expected=f"{due} in all; {_words(said)}",
        got=f"{content['due']} in all; {_words(content['lines'])}",
    )
    _, last = period_of_statement(licence, content["number"])
    limit = str(days_after(last, licence["royalty"]["report_days"]))
    after = {
        **state, "account": found.after.as_data(), "pieces": pieces,
        "statements": [*state["statements"], [content["number"], due, 0, 0]],
    }  # fmt: skip
    return _kept(act, after, due=due, late=today(act) > limit)


def period_of_statement(licence: Mapping[str, Any], number: int) -> tuple[str, str]:
    """Return the first and the last day of a licence's reporting period, from 1."""
    return period(licence["life"]["first"], licence["royalty"]["period_months"], number)


def worked_out(licence: Mapping[str, Any], state: Mapping[str, Any], content: Mapping[str, Any]) -> Statement:
    """Return what a statement has to say; the rule, the verdict and who writes one work it out with this function.

    Args:
        licence: the licence's state.
        state: the account before the statement.
        content: its number and its sales.
    """
    data = licence["royalty"]
    royalty = Royalty(**{**data, "bands": tuple((start, rate) for start, rate in data["bands"])})
    first, _ = period_of_statement(licence, content["number"])
    last = standing(licence["life"], first).last
    over = last is not None and first > last
    return settle(royalty, account_of(state["account"]), tally(content["sales"]), sell_off=over)


def _words(lines: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{one['what']} of {one['base']} = {one['amount']}" for one in lines) or "no line"


def _payment(act: Act) -> list[Change]:
    content, state = act.body, _account(act)
    _expect_by(act, {state["licensee"]})
    act.expect(
        content["day"] <= today(act), "licences.day", "what was not paid yet", expected=today(act), got=content["day"]
    )
    act.expect(
        all(one[0] != content["payment"] for one in state["payments"]) and len(state["payments"]) < PAYMENTS_MAX,
        "licences.payment",
        "a payment has a name of its own",
        expected=f"a new one, at most {PAYMENTS_MAX}",
        got=content["payment"],
    )
    _, due, paid, _ = _numbered(act, state, content["number"])
    act.expect(
        content["amount"] <= due - paid, "licences.payment", "more would be paid than is due",
        expected=f"at most {due - paid}", got=content["amount"],
    )  # fmt: skip
    payments = [*state["payments"], [content["payment"], content["number"], content["amount"], False]]
    return _kept(act, _add({**state, "payments": payments}, content["number"], paid=content["amount"]))


def _receipt(act: Act) -> list[Change]:
    content, state = act.body, _account(act)
    _expect_by(act, granting_side(act.facts, state, today(act)))
    found = next((one for one in state["payments"] if one[0] == content["payment"]), None)
    if found is None or found[3]:
        raise RefusedError(
            "licences.payment", "a payment is received once", expected="one that was made", got=content["payment"]
        )
    payments = [[*one[:3], True] if one is found else one for one in state["payments"]]
    return _kept(act, _add({**state, "payments": payments}, found[1], received=found[2]))


def _audit(act: Act) -> list[Change]:
    content, state = act.body, _account(act)
    _expect_by(act, {state["licensee"], *granting_side(act.facts, state, today(act))})
    auditor, by = content["auditor"], act.actor if act.actor == state["licensee"] else "granting"
    others = [one for one in state["auditors"] if one != [auditor, by]]
    act.expect(
        (len(others) == len(state["auditors"])) == content["given"],
        "licences.audit",
        "a side lets an auditor read once, and ends what it gave",
        expected="one that changes something",
        got=auditor,
    )
    return _kept(act, {**state, "auditors": [*others, *([[auditor, by]] if content["given"] else [])]})


def _numbered(act: Act, state: State, number: int) -> list[int]:
    act.expect(
        number <= len(state["statements"]), "licences.statement", "there is no such statement",
        expected=f"at most {len(state['statements'])}", got=number,
    )  # fmt: skip
    found: list[int] = state["statements"][number - 1]
    return found


def _add(state: State, number: int, *, paid: int = 0, received: int = 0) -> State:
    """Return the state with more paid, or received, of a statement."""
    statements = [
        [one[0], one[1], one[2] + paid, one[3] + received] if one[0] == number else one for one in state["statements"]
    ]
    return {**state, "statements": statements}


def _account(act: Act) -> State:
    """Return the account that the body names.

    Raises:
        RefusedError: there is none, or it concerns others; that is one refusal, so that nobody tries them out.
    """
    name = act.body["royalties"]
    state = act.facts.get(royalties_key(name))
    if state is None or act.actor not in _readers(act.facts, state):
        raise RefusedError("licences.royalties", "there is no such account, or it concerns others", got=name)
    return dict(state)


def _expect_by(act: Act, actors: set[str]) -> None:
    act.expect(
        act.actor in actors, "licences.side", "this is for the other side to do", expected=", ".join(sorted(actors)),
        got=act.actor,
    )  # fmt: skip


def granting_side(facts: Facts, state: Mapping[str, Any], day: str | None = None) -> set[str]:
    """Return who stands on the granting side of an account: owners, representatives, and agents that it names.

    Args:
        facts: the present state.
        state: the account.
        day: on which mandates have to count; None where it is enough that they are not revoked.
    """
    licence = facts.get(licence_key(state["licence"]))
    if licence is None:
        return set()
    if licence["parent"] is None:
        principals = (facts.get(work_key(licence["work"])) or {"owners": []})["owners"]
    else:
        principals = [(facts.get(licence_key(licence["parent"])) or {"licensee": ""})["licensee"]]
    found, names = set[str](), list(state["mandates"])
    for principal in principals:
        if role_of(facts, principal) == PEOPLE:
            names += (facts.get(people_key(principal)) or {"representatives": []})["representatives"]
        else:
            found.add(principal)
    held = (_holder(facts, name, principals, licence["work"], day) for name in names)
    return (found | {one for one in held if one is not None}) - {licence["licensee"]}


def _holder(facts: Facts, name: str, principals: Iterable[str], work: str, day: str | None) -> str | None:
    """Return who holds a mandate, None where it does not count, or not for this work."""
    mandate = facts.get(mandate_key(name))
    if mandate is None or mandate["principal"] not in set(principals) or not covers_work(mandate, work):
        return None
    scope, holder, above = mandate["scope"], str(mandate["holder"]), mandate
    if day is not None and not (scope["first"] <= day <= scope.get("last", day)):
        return None
    while above is not None:
        if above["ended"] is not None:
            return None
        above = None if above["under"] is None else facts.get(mandate_key(above["under"]))
    return holder


def _readers(facts: Facts, state: Mapping[str, Any]) -> set[str]:
    return {state["licensee"], *granting_side(facts, state), *(one for one, _ in state["auditors"])}


def _kept(act: Act, state: State, **effect: Any) -> list[Change]:
    """Return the facts of an act on an account: its state and its next act."""
    acts = state["acts"] + 1
    entry = {
        "record": act.at.position, "kind": act.record.kind, "by": act.record.issuer, "for": act.actor,
        "time_ms": act.at.time_ms, **effect,
    }  # fmt: skip
    name = state["royalties"]
    return [act.change(royalties_key(name), {**state, "acts": acts}), act.change(royalties_key(name, acts), entry)]


def who_reads(content: Mapping[str, Any], facts: Facts) -> Iterable[str]:
    """Return who may read a record of an account: both sides as they are now, and auditors with a mandate."""
    state = facts.get(royalties_key(content["royalties"]))
    return content.get("signers", ()) if state is None else _readers(facts, state)


def _subject(content: Mapping[str, Any]) -> str:
    return f"royalties/{content['royalties']}"


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield royalties_key(content["royalties"])
    if "licence" in content:
        yield licence_key(content["licence"])
    yield from (mandate_key(name) for name in content.get("mandates", ()))
    if "auditor" in content:
        yield actor_key(content["auditor"])


_ID = {"royalties": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}
_NUMBER = integer(1, STATEMENTS_MAX)
_AMOUNT = integer(-AMOUNT_MAX, AMOUNT_MAX)
_LINE = body({"what": {"enum": ["royalty", "minimum", "advance"]}, "base": integer(0, AMOUNT_MAX), "amount": _AMOUNT})


def _kind(
    name: str,
    members: Mapping[str, Any],
    apply: Callable[[Act], list[Change]],
    optional: Mapping[str, Any] | None = None,
    **more: Any,
) -> Kind:
    return Kind(
        name, body({**_ID, **members}, optional), _subject, apply, _reads,
        hidden=frozenset({"memo"}), private=True, readers=who_reads, **more,
    )  # fmt: skip


KINDS = (
    _kind(
        "royalties",
        {"licence": NAME, "signers": some(ACTOR_ID, SIGNERS_MAX, 2)},
        _open,
        {"mandates": some(NAME, 16)},
        parties=lambda content: content["signers"],
    ),
    _kind(
        "royalty-statement",
        {
            "number": _NUMBER,
            "sales": {"type": "array", "items": SALE, "maxItems": SALES_MAX},
            "lines": {"type": "array", "items": _LINE, "maxItems": 8},
            "due": integer(0, AMOUNT_MAX),
        },
        _statement,
    ),
    _kind(
        "royalty-payment",
        {"payment": NAME, "number": _NUMBER, "amount": integer(1, AMOUNT_MAX), "day": DATE},
        _payment,
    ),
    _kind("royalty-receipt", {"payment": NAME}, _receipt),
    _kind("royalty-audit", {"auditor": ACTOR_ID, "given": {"type": "boolean"}}, _audit),
)
