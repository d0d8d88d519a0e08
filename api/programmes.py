"""Programmes of coins: what anybody may know of one, and for its merchants, stations and issuers what is theirs.

/programmes/{programme}                                 where coins are earned and taken; public
/programmes/{programme}/figures                         how many people came to shops on a day; public
/programmes/{programme}/till                            a merchant's day and month, newest first
/programmes/{programme}/station                         what a station gave on a day, what is left for a person today
/programmes/{programme}/people/{who}                    whose account it is, for a station that helps
/programmes/{programme}/clearing                        what issuers owe merchants for a month, from both sides
/programmes/{programme}/issuers/{issuer}/liability      what an issuer still owes, now and at the end of each day
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.books import Books, open_books
from api.browser import page, reader_of, wants_page
from api.bundles import answer_bundle, read_answer
from api.door import HEADERS, Visit, open_visit
from api.pages import pdf
from api.pages.pdf import make_pdf
from api.pages.render import render
from api.pages.views.rewards import ClearingView, FiguresView, Pager, ProgrammeView, StationView, TillView
from api.private import PresentFacts
from api.problems import ForbiddenError
from api.services import Node, Services
from contracts.calendar import day_of, days_later, month_of, months_later
from contracts.rewards.clearing import MEANS, Line, Row, liability, prefund, write_statement
from contracts.rewards.code import PREFIX, decode_code
from contracts.rewards.keys import account_key, card_key, given_key, holder_key, person_key
from contracts.rewards.visits import CELLS
from ledger.bundle import CONTENT_TYPE
from ledger.errors import FormatError, NotFoundError
from verifiers.liability import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

router = APIRouter(tags=["programmes"])

TILL_ROWS = 100
First = Annotated[int, Query(ge=1, le=10**9)]
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_ID = re.compile(r"[0-9a-f]{32}")


@router.get("/programmes/{programme}")
def programme_page(request: Request, node: Node, programme: str) -> Response:
    """Return what a programme is: who gives coins for what, where they are taken, what they are worth. Public."""
    books = open_books(node, programme)
    if not wants_page(request):
        return JSONResponse(books.terms)
    terms = books.terms
    names = books.names({terms["owner"], *terms["issuers"], *terms["stations"], *terms["merchants"]})
    path = f"/programmes/{programme}"
    return page(request, ProgrammeView(terms, names, path, f"{path}/figures"))


@router.get("/programmes/{programme}/figures")
def figures(request: Request, node: Node, programme: str, day: str = "") -> Response:
    """Return how many people came to shops on a day, in the closed cells that were published. Public."""
    books = open_books(node, programme)
    today = day_of(max(books.time_ms, node.log.clock.now_ms()))
    chosen = _day(day, days_later(today, -1))
    found = books.figures(chosen)
    if not wants_page(request):
        return JSONResponse({"programme": programme, "day": chosen, "published": found is not None, "figures": found})
    path = f"/programmes/{programme}/figures"
    later = days_later(chosen, 1)
    pager = Pager(f"{path}?day={later}" if later < today else "", f"{path}?day={days_later(chosen, -1)}")
    return page(request, FiguresView(books.title, chosen, found, CELLS, books.names(found or ()), pager))


@router.get("/programmes/{programme}/till")
def till(request: Request, node: Node, programme: str, month: str = "", first: First = 1) -> Response:
    """Return a merchant's month: today's total, each charge and refund, and what each issuer owes so far."""
    visit, books = open_visit(request, node), open_books(node, programme)
    _expect(visit, books.merchants)
    now_ms = max(books.time_ms, node.log.clock.now_ms())
    chosen, today, path = _month(month, now_ms), day_of(now_ms), f"/programmes/{programme}/till"
    due = books.due(books.issuer_rows(books.terms["issuers"], [visit.actor], chosen), chosen)
    count = books.line_count(visit.actor, chosen)
    last = count + 1 - first
    lines = books.lines(visit.actor, chosen, range(last, max(0, last - TILL_ROWS), -1))
    of_today = list(books.lines_of_day(visit.actor, today))
    body = {
        "programme": programme, "merchant": visit.actor, "month": chosen, "count": count, "first": first,
        "today": {
            "day": today, **_taken(of_today), "charges": sum(not line["refund"] for line in of_today),
            "refunds": sum(line["refund"] for line in of_today),
            "refunded": -sum(line["coins"] for line in of_today if line["refund"]),
        },
        "coins": sum(line.row.net for line in due if line.row.means == "coins"),
        "amount": sum(line.due for line in due), "due": [_row(line) for line in due],
        "lines": [
            {**{name: line[name] for name in ("charge", "branch", "refund", "time_ms")}, **_taken([line])}
            for line in lines
        ],
    }  # fmt: skip
    if not wants_page(request):
        return JSONResponse(body, headers=dict(HEADERS))
    content = TillView(
        books.title, body, books.names({visit.actor, *books.terms["issuers"]}),
        {line["charge"]: visit.link(f"{path}/{line['charge']}") for line in lines},
        _months(visit, path, chosen, now_ms),
        _url(visit, path, month=chosen, first=first + TILL_ROWS) if first + TILL_ROWS <= count else "",
        visit.link(f"/programmes/{programme}/clearing"), _time(books.time_ms),
    )  # fmt: skip
    return _private(page(request, content))


@router.get("/programmes/{programme}/station")
def station(request: Request, node: Node, programme: str, day: str = "", who: str = "") -> Response:
    """Return what a station gave on a day, by activity; with a card, code or account, what is left for it today."""
    visit, books = open_visit(request, node), open_books(node, programme)
    _expect(visit, books.stations)
    now_ms = max(books.time_ms, node.log.clock.now_ms())
    chosen = _day(day, day_of(now_ms))
    given = books.fact(given_key(programme, visit.actor, chosen)) or {}
    body = {
        "programme": programme, "station": visit.actor, "day": chosen, "day_max": books.terms["day_max"],
        "given": [
            {"activity": name, "name": one["name"], "coins_each": one["coins"], "per_day": one["per_day"],
             "improvement": one.get("improvement", False),
             "times": given.get(name, (0, 0))[0], "coins": given.get(name, (0, 0))[1]}
            for name, one in books.terms["activities"].items()
        ],
        "coins": sum(row[1] for row in given.values()),
        "person": _left_today(books, who.strip(), now_ms) if who else None,
    }  # fmt: skip
    if not wants_page(request):
        return JSONResponse(body, headers=dict(HEADERS))
    content = StationView(books.title, body, books.names({visit.actor}), who[:1000], visit.door, _time(books.time_ms))
    return _private(page(request, content))


@router.get("/programmes/{programme}/people/{who}")
def person(request: Request, node: Node, programme: str, who: str) -> Response:
    """Return a person's account with its open keys and cards, to a station whom they ask for help with a lost phone.

    `who` is the account, or the programme's keyed hash of the person's number.
    """
    visit, books = open_visit(request, node), open_books(node, programme)
    _expect(visit, {books.terms["owner"], *books.terms["stations"]})
    facts = PresentFacts(node.log.store)
    known = facts.get(person_key(programme, who)) or {"account": who}
    state = facts.get(account_key(known["account"])) if _ID.fullmatch(known["account"]) else None
    if state is None or state["programme"] != programme:
        raise NotFoundError("the person's account", expected="one of the programme", got=who[:64])
    keys = [kid for kid in state["keys"] if (facts.get(holder_key(bytes.fromhex(kid))) or {}).get("state") == "active"]
    cards = [card for card in state["cards"] if (facts.get(card_key(card)) or {}).get("state") == "open"]
    return JSONResponse({"account": known["account"], "keys": keys, "cards": cards}, headers=dict(HEADERS))


@router.get("/programmes/{programme}/clearing")
def clearing(request: Request, node: Node, programme: str, month: str = "") -> Response:
    """Return what each issuer owes each merchant for a month, as far as it concerns the reader."""
    visit, books = open_visit(request, node), open_books(node, programme)
    cleared = _cleared(visit, books, month, node)
    if not wants_page(request):
        return JSONResponse(cleared.as_json(), headers=dict(HEADERS))
    return _private(page(request, _clearing_view(visit, books, cleared, node)))


@router.get("/programmes/{programme}/clearing/csv")
def clearing_csv(request: Request, node: Node, programme: str, month: str = "") -> Response:
    """Return the same as a table for a spreadsheet."""
    visit, books = open_visit(request, node), open_books(node, programme)
    cleared = _cleared(visit, books, month, node)
    return _file(write_statement(cleared.lines), f"clearing-{programme}-{cleared.month}.csv", "text/csv; charset=utf-8")


@router.get("/programmes/{programme}/clearing/pdf")
def clearing_pdf(request: Request, node: Node, programme: str, month: str = "") -> Response:
    """Return the same on paper, with a code that leads back to it."""
    visit, books = open_visit(request, node), open_books(node, programme)
    cleared = _cleared(visit, books, month, node)
    content = _clearing_view(visit, books, cleared, node)
    url = f"{node.base_url}/programmes/{programme}/clearing?month={cleared.month}"
    printed = make_pdf(render(content, reader_of(request)), url)
    return _file(printed, f"clearing-{programme}-{cleared.month}.pdf", pdf.CONTENT_TYPE)


@router.get("/programmes/{programme}/issuers/{issuer}/liability")
@router.get("/programmes/{programme}/clearing/{issuer}/liability", include_in_schema=False)
def issuer_liability(request: Request, node: Node, programme: str, issuer: str) -> Response:
    """Return what an issuer still owes: its coins that are out, now, by their end, and at the end of each day."""
    question = _open_issuer(request, node, programme, issuer)
    with node.serving.view() as view:
        answer, _ = read_answer(view, Answer, question)
        body = {"status": answer.status(view.time_ms), "facts": answer.facts(view.time_ms), "seal": view.seal_index}
    return JSONResponse(body, headers=dict(HEADERS))


@router.get("/programmes/{programme}/issuers/{issuer}/liability/bundle")
@router.get("/programmes/{programme}/clearing/{issuer}/liability/bundle", include_in_schema=False)
def issuer_bundle(request: Request, node: Node, programme: str, issuer: str) -> Response:
    """Return the proof file of what an issuer owes; it names no account and no merchant."""
    question = _open_issuer(request, node, programme, issuer)
    with node.serving.view() as view:
        data = answer_bundle(view, node.vault, question)
    return _file(data, f"liability-{programme}-{issuer}.json", CONTENT_TYPE)


@dataclass(frozen=True, slots=True)
class _Cleared:
    """A month's clearing as far as it concerns a reader.

    Attributes:
        programme: its id.
        month: the month.
        lines: what is owed.
        counted: the same rows as the merchants' own lines give them.
        issuers: of whom the reader may see funds, and those.
        open: whether the month is not over yet.
    """

    programme: str
    month: str
    lines: list[Line]
    counted: list[Row]
    issuers: Mapping[str, Mapping[str, Any]]
    open: bool

    @property
    def equal(self) -> bool:
        """Whether both sides count the same."""
        return self.counted == [line.row for line in self.lines]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "programme": self.programme,
            "month": self.month,
            "open": self.open,
            "rows": [_row(line) for line in self.lines],
            "due": sum(line.due for line in self.lines),
            "equal": self.equal,
            "issuers": dict(self.issuers),
        }


def _cleared(visit: Visit, books: Books, month: str, node: Services) -> _Cleared:
    """Return a month as a reader may see it: issuers theirs, merchants theirs, who runs the programme everything."""
    issuers, terms = sorted(books.terms["issuers"]), books.terms
    _expect(visit, {terms["owner"], *issuers, *books.merchants})
    now_ms = max(books.time_ms, node.log.clock.now_ms())
    chosen = _month(month, now_ms)
    whole = visit.actor == terms["owner"]
    own = [one for one in issuers if whole or one == visit.actor]
    merchants = [one for one in books.merchants if own or one == visit.actor]

    def concerns(row: Row) -> bool:
        return row.issuer in own or row.merchant == visit.actor

    rows = [row for row in books.issuer_rows(issuers, merchants, chosen) if concerns(row)]
    counted = [row for row in books.counted(merchants, chosen) if concerns(row)]
    funds = {one: _funds(books, one, now_ms) for one in own}
    return _Cleared(books.programme, chosen, books.due(rows, chosen), counted, funds, open=chosen == month_of(now_ms))


def _funds(books: Books, issuer: str, now_ms: int) -> dict[str, Any]:
    held = books.funds(issuer)
    needed = prefund(held["issued"] - held["reversed"], books.terms)
    owed, budget = liability(held, now_ms), books.terms["issuers"][issuer]
    return {**held, "liability": owed, "budget": budget, "prefund": needed}


def _clearing_view(visit: Visit, books: Books, cleared: _Cleared, node: Services) -> ClearingView:
    path, named = f"/programmes/{cleared.programme}/clearing", {visit.actor, *cleared.issuers}
    named |= {who for line in cleared.lines for who in (line.row.issuer, line.row.merchant)}
    return ClearingView(
        books.title, visit.actor, cleared.as_json(), books.names(named),
        _months(visit, path, cleared.month, max(books.time_ms, node.log.clock.now_ms())),
        csv_url=_url(visit, f"{path}/csv", month=cleared.month),
        pdf_url=_url(visit, f"{path}/pdf", month=cleared.month),
        proofs={one: visit.link(f"{path}/{one}/liability/bundle") for one in cleared.issuers},
        seal_time=_time(books.time_ms),
    )  # fmt: skip


def _left_today(books: Books, who: str, now_ms: int) -> dict[str, Any] | None:
    """Return how often each activity still counts today for whose code or card this is; None where there is none."""
    name = decode_code(who)["account"] if who.startswith(PREFIX) else who
    if not _ID.fullmatch(name):
        return None
    card = books.fact(card_key(name))
    state = books.fact(account_key(name if card is None else card["account"]))
    if state is None or state["programme"] != books.programme or state["state"] != "open":
        return None
    earned = state["earned"] if state["day"] == day_of(now_ms) else {}
    coins_left = books.terms["day_max"] - sum(row[1] for row in earned.values())
    left = {
        activity: max(0, min(one["per_day"] - earned.get(activity, (0, 0))[0], coins_left // one["coins"]))
        for activity, one in books.terms["activities"].items()
    }
    return {"coins_left": max(0, coins_left), "left": left}


def _open_issuer(request: Request, node: Services, programme: str, issuer: str) -> dict[str, str]:
    """Return the question, once it is the issuer or who runs the programme who asks it."""
    visit, books = open_visit(request, node), open_books(node, programme)
    _expect(visit, {books.terms["owner"], issuer} if issuer in books.terms["issuers"] else ())
    return {"kind": "liability", "programme": programme, "issuer": issuer}


def _expect(visit: Visit, actors: Iterable[str]) -> None:
    """Let nobody in but these.

    Raises:
        ForbiddenError: it is another.
    """
    if visit.actor not in actors:
        raise ForbiddenError("this page is for others", expected="one whom it concerns", got=visit.actor)


def _day(day: str, otherwise: str) -> str:
    try:
        return date.fromisoformat(day).isoformat() if day else otherwise
    except ValueError as error:
        raise FormatError("the day", expected="such as 2026-11-03", got=day[:20]) from error


def _month(month: str, now_ms: int) -> str:
    if month and not _MONTH.fullmatch(month):
        raise FormatError("the month", expected="such as 2026-11", got=month[:20])
    return month or month_of(now_ms)


def _months(visit: Visit, path: str, month: str, now_ms: int) -> Pager:
    """Return where the month before and the one after are; empty where that is still to come."""
    later = months_later(month, 1)
    newer = _url(visit, path, month=later) if later <= month_of(now_ms) else ""
    return Pager(newer, _url(visit, path, month=months_later(month, -1)))


def _url(visit: Visit, path: str, **pairs: Any) -> str:
    door = {"door": visit.door} if visit.door else {}
    return f"{path}?{urlencode({**pairs, **door})}"


def _taken(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return what lines come to, refunds taken off: coins, and tickets and coupons in hundredths of the currency."""
    sums = dict.fromkeys(MEANS, 0)
    for line in lines:
        for owed in line["owed"].values():
            for means, units in owed.items():
                sums[means] += -units if line["refund"] else units
    return sums


def _row(line: Line) -> dict[str, Any]:
    row = line.row
    return {
        "issuer": row.issuer, "merchant": row.merchant, "branch": row.branch, "means": row.means,
        "charged": row.charged, "refunded": row.refunded, "net": row.net, "gross": line.gross, "refund": line.refund,
        "fee": line.fee, "due": line.due,
    }  # fmt: skip


def _time(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def _file(data: bytes, name: str, content_type: str) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, headers=headers, media_type=content_type)


def _private(answer: Response) -> Response:
    answer.headers.update(HEADERS)
    return answer
