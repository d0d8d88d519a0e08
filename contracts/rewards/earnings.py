"""Earning, taking back, sending on, and what an issuer pays in.

    coins-earning   {"programme": "…", "account": "<hex>", "earning": "<hex>", "activity": "steps"}
    coins-reversal  {"programme": "…", "account": "<hex>", "earning": "<hex>", "reason": "…"}
    coins-transfer  {"programme": "…", "account": "<hex>", "transfer": "<hex>", "to": [{"account": "…", "coins": 5}]}
    coins-funding   {"programme": "…", "issuer": "hualien", "amount": 100000}

How many coins an activity brings, how often a day and with which end follows from the programme's terms; a station
names the activity and nothing else. The day is Taipei's. A transfer to several accounts is all or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of, month_end_ms, month_of, months_later
from contracts.kind import ACTOR_ID, Act, Kind, body, text
from contracts.rewards.accounts import account_readers, account_reads, account_subject, check_holder
from contracts.rewards.book import Book, holder_of, today
from contracts.rewards.clearing import prefund
from contracts.rewards.keys import account_key, commitment_key, done_key, earning_key, funds_key, programme_key
from contracts.rewards.programmes import COINS, MONEY, PROGRAMME_ID, RANDOM_ID, expect_soon, programme_of
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _earn(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_soon(act)
    issuer, activity = terms["stations"].get(act.actor), terms["activities"].get(content["activity"])
    act.expect(issuer is not None, "coins.station", "only a station of the programme gives coins", got=act.actor)
    if activity is None:
        raise RefusedError(
            "coins.activity",
            "the programme has no such activity",
            expected=", ".join(terms["activities"]),
            got=content["activity"],
        )
    earning = content["earning"]
    act.expect(
        act.facts.get(earning_key(earning)) is None, "coins.earning-known", "this earning is given already", got=earning
    )
    book = Book(act, terms)
    account = book.account(content["account"])
    used = _improvement(act, activity)
    coins, time_ms = activity["coins"], act.at.time_ms
    count_day(account.state, content["activity"], terms, time_ms)
    _expect_funded(act, book, issuer, coins)
    ends_ms = ends_of(terms, time_ms)
    lot = account.purse.earn(issuer, coins, ends_ms)
    book.issue(issuer, coins, ends_ms)
    book.give(act.actor, day_of(time_ms), content["activity"], coins)
    given = {
        "account": account.name,
        "activity": content["activity"],
        "coins": coins,
        "issuer": issuer,
        "by": act.actor,
        "lot": lot,
        "ends_ms": ends_ms,
        "day": day_of(time_ms),
        "state": "earned",
        "record": act.at.position,
    }
    return [*book.close(earning), _held(account.name, earning_key(earning), given), *used]


def _improvement(act: Act, activity: Mapping[str, Any]) -> list[Change]:
    """Return what an earning for an improvement uses up: a post-test that says so, once."""
    name = act.body.get("commitment")
    act.expect(
        (name is not None) == ("improvement" in activity),
        "coins.commitment",
        "an improvement, and nothing else, is earned with the post-test that shows it",
    )
    if name is None:
        return []
    found = act.facts.get(commitment_key(name))
    if found is None or found["account"] != act.body["account"] or not found["improved"]:
        raise RefusedError("coins.commitment", "no post-test of this account says that it improved", got=name)
    act.expect(not found["used"], "coins.commitment", "this improvement has been rewarded already", got=name)
    return [_held(act.body["account"], commitment_key(name), {**found, "used": True})]


def ends_of(terms: Mapping[str, Any], time_ms: int) -> int:
    """Return when coins that are earned at a time end, Unix milliseconds."""
    return month_end_ms(months_later(month_of(time_ms), terms["months"]))


def count_day(state: dict[str, Any], activity: str, terms: Mapping[str, Any], time_ms: int) -> None:
    """Count an activity of today in an account's state.

    Raises:
        RefusedError: it is one too many.
    """
    earned = today(state, time_ms)
    times, coins = earned.get(activity, [0, 0])
    limits = terms["activities"][activity]
    if times >= limits["per_day"]:
        raise RefusedError(
            "coins.cap",
            "that is often enough for one day",
            expected=f"at most {limits['per_day']} on {state['day']}",
            got=times + 1,
        )
    in_all = sum(row[1] for row in earned.values()) + limits["coins"]
    if in_all > terms["day_max"]:
        raise RefusedError(
            "coins.cap",
            "that is enough for one day",
            # What other stations gave today is not for this one to know.
            expected=f"at most {terms['day_max']} coins on {state['day']}",
            got=limits["coins"],
        )
    earned[activity] = [times + 1, coins + limits["coins"]]


def uncount_day(state: dict[str, Any], earning: Mapping[str, Any], time_ms: int) -> None:
    """Take an earning that is reversed out of the day's count, where it was of today."""
    earned = today(state, time_ms)
    if state["day"] == earning["day"] and earning["activity"] in earned:
        times, coins = earned[earning["activity"]]
        earned[earning["activity"]] = [times - 1, coins - earning["coins"]]


def _expect_funded(act: Act, book: Book, issuer: str, coins: int) -> None:
    """Refuse coins beyond an issuer's budget, or beyond what it has paid in for."""
    funds, terms = book.funds(issuer), book.terms
    out = funds["issued"] - funds["reversed"] + coins
    act.expect(
        out <= terms["issuers"][issuer],
        "coins.budget",
        "the issuer's budget is used up",
        expected=f"at most {terms['issuers'][issuer]}",
        got=out,
    )
    needed = prefund(out, terms)
    act.expect(
        needed <= funds["funded"],
        "coins.prefund",
        "the issuer has not paid in for so many coins",
        expected=needed,
        got=funds["funded"],
    )


def _reverse(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_soon(act)
    name = content["earning"]
    found = act.facts.get(earning_key(name))
    if found is None or found["account"] != content["account"]:
        raise RefusedError("coins.earning", "the account has no such earning", got=name)
    act.expect(
        act.actor in (found["by"], found["issuer"], terms["owner"]),
        "coins.station",
        "an earning is taken back by who gave it, or issued it",
        expected=found["by"],
        got=act.actor,
    )
    act.expect(found["state"] == "earned", "coins.reversed", "this earning has been taken back already", got=name)
    act.expect(act.at.time_ms < found["ends_ms"], "coins.ended", "coins that have ended are not taken back", got=name)
    book = Book(act, terms)
    account = book.account(content["account"])
    account.purse.reverse(found["lot"], found["coins"])
    book.give(found["by"], found["day"], found["activity"], -found["coins"])
    uncount_day(account.state, found, act.at.time_ms)
    return [*book.close(name), _held(account.name, earning_key(name), {**found, "state": "reversed"})]


def _transfer(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_soon(act)
    check_holder(act, content["account"])
    act.expect(terms["transfers"], "coins.transfer", "coins of this programme are not sent on")
    names = [one["account"] for one in content["to"]]
    act.expect(len({content["account"], *names}) == len(names) + 1, "coins.transfer", "an account stands there twice")
    book = Book(act, terms)
    book.once(content["transfer"])
    account = book.account(content["account"])
    for one in content["to"]:
        book.account(one["account"]).purse.receive(account.purse.send(one["coins"]))
    return book.close(content["transfer"])


def _fund(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    issuer = content["issuer"]
    act.expect(issuer in terms["issuers"], "coins.funding", "the programme has no such issuer", got=issuer)
    act.expect(
        act.actor == terms["owner"],
        "coins.funding",
        "who runs the programme says what was paid in",
        expected=terms["owner"],
        got=act.actor,
    )
    book = Book(act, terms)
    book.funds(issuer)["funded"] += content["amount"]
    return book.close(issuer)


def _held(account: str, key: bytes, value: dict[str, Any]) -> Change:
    return Change(key, value, holder=holder_of(account), private=True)


def _earning_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield earning_key(content["earning"])
    if "commitment" in content:
        yield commitment_key(content["commitment"])


def _transfer_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield done_key(content["programme"], content["transfer"])
    yield from (account_key(one["account"]) for one in content["to"])


def _funding_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield programme_key(content["programme"])
    yield funds_key(content["programme"], content["issuer"])


def _funding_subject(content: Mapping[str, Any]) -> str:
    return f"programme/{content['programme']}"


_WHOSE = {"programme": PROGRAMME_ID, "account": RANDOM_ID}
_TO = {
    "type": "array",
    "items": body({"account": RANDOM_ID, "coins": COINS}),
    "minItems": 1,
    "maxItems": 16,
}

KINDS = (
    Kind(
        "coins-earning",
        body({**_WHOSE, "earning": RANDOM_ID, "activity": PROGRAMME_ID}, {"commitment": RANDOM_ID}),
        account_subject,
        _earn,
        _earning_reads,
        private=True,
        readers=account_readers,
    ),
    Kind(
        "coins-reversal",
        body({**_WHOSE, "earning": RANDOM_ID, "reason": text()}),
        account_subject,
        _reverse,
        _earning_reads,
        private=True,
        readers=account_readers,
    ),
    Kind(
        "coins-transfer",
        body({**_WHOSE, "transfer": RANDOM_ID, "to": _TO}),
        account_subject,
        _transfer,
        _transfer_reads,
        private=True,
        readers=account_readers,
        holders=True,
    ),
    Kind(
        "coins-funding",
        body(
            {
                "programme": PROGRAMME_ID,
                "issuer": ACTOR_ID,
                "amount": MONEY,
            }
        ),
        _funding_subject,
        _fund,
        _funding_reads,
        private=True,
    ),
)
