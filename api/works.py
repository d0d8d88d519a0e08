"""Works over HTTP: the list, a work with its licences, and the calendar in which a new licence is tried out.

GET /works                                     the works on this ledger
GET /works/W-1                                 one of them; JSON to those who ask for it
GET /works/W-1/calendar?territory=TW-TTT&field=textiles&product=24&first=2026-03-01&last=2026-06-30&exclusive=1
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.browser import page, wants_page
from api.pages.views.licences import BarView, CalendarView, GrantView, ListedWorkView, WorksView, WorkView
from api.pages.views.parts import Field, Text
from api.pages.views.produce import SpotView
from api.services import Node, Services
from api.sightings import MIDDLES
from contracts.calendar import day_of, months_later
from contracts.governance import erasure_key
from contracts.keys import actor_key
from contracts.licences.conflicts import OWN_USE, find, stem_of
from contracts.licences.forms import decode_scope
from contracts.licences.keys import licence_key, own_use_key, work_key
from contracts.licences.life import standing, weakest
from contracts.licences.scope import Scope, overlap, scope_of
from contracts.licences.territories import TERRITORIES, lies_in
from contracts.licences.vocabulary import ANY, CHANNELS, FIELDS, LANGUAGES, PRODUCTS
from ledger.document import decode_document
from ledger.errors import FormatError, NotFoundError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.licences.conflicts import Conflict
    from ledger.serving import View

router = APIRouter(tags=["licences"])

PAGE_ROWS = 50
GRANTS_MAX = 200
"""Licences of a work that are looked through for a page or a calendar."""
MONTHS = 24
"""How far the calendar looks."""
ABROAD = ("TW", "JP", "KR", "CN", "HK", "SG", "US", "030", "142", "001")


class Facts:
    """The facts of a view, as a search over shelves reads them."""

    def __init__(self, view: View) -> None:
        self._view = view

    def get(self, key: bytes) -> Any | None:
        """Return a fact's present value."""
        return self._view.fact(key)

    def expect(self, keys: Iterable[bytes]) -> None:
        """Nothing to do: the map is in memory."""


@router.get("/works")
def works(request: Request, node: Node, first: int = 1) -> Response:
    """Return the works on this ledger, the one acted on last first."""
    if not 1 <= first <= 10**9:
        raise FormatError("the first row", expected="1 or more", got=first)
    found = node.register.works()
    with node.serving.view() as view:
        states = [(name, view.fact(work_key(name))) for name in found[first - 1 : first - 1 + PAGE_ROWS]]
        rows = [(name, state) for name, state in states if state is not None]
        if not wants_page(request):
            listed = [{"work": name, "title": state["title"], "owners": state["owners"]} for name, state in rows]
            return JSONResponse({"count": len(found), "first": first, "works": listed})
        names = names_of(view, {who for _, state in rows for who in state["owners"]})
    shown = tuple(
        ListedWorkView(
            f"/works/{quote(name)}", Text(state["title"]), tuple(names[who] for who in state["owners"]),
            image_url(node, state["image"]),
        )
        for name, state in rows
    )  # fmt: skip
    older = first + PAGE_ROWS if first - 1 + PAGE_ROWS < len(found) else 0
    content = WorksView(
        shown, len(found), first,
        newer_url=f"/works?first={max(1, first - PAGE_ROWS)}" if first > 1 else "",
        older_url=f"/works?first={older}" if older else "",
    )  # fmt: skip
    return page(request, content)


@router.get("/works/{work}")
def work_page(request: Request, node: Node, work: str) -> Response:
    """Return a work with its licences and own uses; the facts to those who ask for JSON."""
    with node.serving.view() as view:
        state = work_state(view, work)
        names = node.register.licences(work)
        grants = grants_of(node, view, work, names[:GRANTS_MAX])
        if not wants_page(request):
            listed = [
                {"name": one.name, "scope": dict(one.scope), "last": one.last, "exclusive": one.exclusive,
                 "state": one.state}
                for one in grants
            ]  # fmt: skip
            return JSONResponse({"work": state, "grants": listed, "count": len(names), "seal": view.seal_index})
        content = WorkView(
            state=state,
            names=names_of(view, {*state["owners"], *state["creators"]}),
            image_url=image_url(node, state["image"]),
            hidden=_hidden(view, state["record"]),
            grants=tuple(grants[:PAGE_ROWS]),
            count=len(names),
            calendar_url=f"/works/{quote(work)}/calendar",
            data_url=f"/works/{quote(work)}",
            origin=node.log.origin,
            seal_time=datetime.fromtimestamp(view.time_ms / 1000, UTC),
        )
    return page(request, content)


@router.get("/works/{work}/calendar")
def calendar(request: Request, node: Node, work: str) -> Response:
    """Return what a new licence would meet, in words and over time; nothing is written."""
    query = request.query_params
    with node.serving.view() as view:
        state, today = work_state(view, work), day_of(view.time_ms)
        asked, error = None, ""
        try:
            asked = asked_scope(query, today) if "territory" in query else None
        except (FormatError, RefusedError) as wrong:
            if not wants_page(request):
                raise
            error = str(wrong.expected or wrong.message)
        exclusive = query.get("exclusive") == "1"
        met = () if asked is None else find(
            Facts(view), stem_of(work, None), asked, asked.last, exclusive=exclusive
        )  # fmt: skip
        if not wants_page(request):
            return JSONResponse(
                {"work": work, "asked": None if asked is None else asked.as_data(), "exclusive": exclusive,
                 "conflicts": [{**one.as_data(), "words": one.words()} for one in met]}
            )  # fmt: skip
        grants = grants_of(node, view, work, node.register.licences(work)[:GRANTS_MAX])
    months = tuple(months_later(today[:7], number) for number in range(MONTHS))
    names = {one.name for one in met}
    bars = tuple(
        BarView(grant, *_span(grant.scope["first"], grant.scope.get("last"), months), meets=grant.name in names)
        for grant in grants
        if _near(asked, grant)
    )
    content = CalendarView(
        work=work,
        title=Text(state["title"]),
        url=f"/works/{quote(work)}/calendar",
        work_url=f"/works/{quote(work)}",
        asked=None if asked is None else asked.as_data(),
        exclusive=exclusive,
        conflicts=tuple((one.name, _grant_url(one.name), one.over.as_data()) for one in met),
        bars=tuple(one for one in bars if one.width),
        months=months,
        asked_bar=(0, 0) if asked is None else _span(asked.first, asked.last, months),
        choices=_choices(),
        spots=_spots(asked, met),
        terms_url=f"/works/{quote(work)}/terms" if asked is not None and not met else "",
        error=error,
    )
    return page(request, content)


def work_state(view: View, work: str) -> dict[str, Any]:
    """Return a work's state.

    Raises:
        NotFoundError: nobody registered it.
    """
    state = view.fact(work_key(work))
    if state is None:
        raise NotFoundError("the work", expected="one that is registered", got=work[:40])
    return dict(state)


def grants_of(node: Services, view: View, work: str, licences: list[str]) -> list[GrantView]:
    """Return licences of a work and its own uses, as they are now."""
    today = day_of(view.time_ms)
    states = {name: view.fact(licence_key(name)) for name in licences}
    uses = {name: view.fact(own_use_key(name)) for name in node.register.own_uses(work)[:GRANTS_MAX]}
    found = {name: state for name, state in states.items() if state is not None}
    names = names_of(view, {one["licensee"] for one in found.values()} | {one["by"] for one in uses.values() if one})
    grants = [
        GrantView(
            name, _grant_url(name), names[state["licensee"]], state["use"], state["last"], state["exclusive"],
            _state_today(view, state, today),
        )
        for name, state in found.items()
    ]  # fmt: skip
    grants += [
        GrantView(OWN_USE + name, "", names[one["by"]], one["use"], one["last"], exclusive=False, state="own-use")
        for name, one in uses.items()
        if one is not None
    ]
    return grants


def names_of(view: View, actors: Iterable[str]) -> dict[str, Text]:
    """Return how a page names actors: those whose names are hidden by their id."""
    found: dict[str, Text] = {}
    for actor in actors:
        state = view.fact(actor_key(actor))
        found[actor] = Text((state["name"] if state is not None else None) or {"zh-TW": actor})
    return found


def image_url(node: Services, digest: str) -> str:
    """Return where a picture is, empty where this node has none."""
    return f"/images/{digest}" if node.gallery.has(digest) else ""


def _state_today(view: View, state: dict[str, Any], today: str) -> str:
    line = [state]
    while line[-1]["parent"] is not None and (above := view.fact(licence_key(line[-1]["parent"]))) is not None:
        line.append(above)
    return weakest([standing(one["life"], today) for one in line]).state


def _hidden(view: View, record: int) -> dict[str, Field]:
    """Return how the hidden fields of a work's record stand; whom they concern reads them by signed request."""
    hash_ = view.entry(record).document_hash
    document = decode_document(view.store.documents([hash_])[hash_])
    return {
        name: Field("withheld" if view.fact(erasure_key(digest)) is None else "erased")
        for name, digest in sorted(document.hidden.items())
    }


def _grant_url(name: str) -> str:
    return "" if name.startswith(OWN_USE) else f"/licences/{quote(name)}"


def asked_scope(query: Mapping[str, str], today: str) -> Scope:
    """Return the scope that the form asks about.

    Raises:
        FormatError: a word that is none, or no day.
        RefusedError: a scope that cannot be.
    """
    days = {name: query.get(name, "") for name in ("first", "last")}
    for name, day in days.items():
        if day and not _is_day(day):
            raise FormatError(f"the {name} day", expected="a day such as 2026-03-01", got=day[:40])
    data: dict[str, Any] = {"first": days["first"] or today}
    if days["last"]:
        data["last"] = days["last"]
    for name, (dimension, known) in _DIMENSIONS.items():
        word = query.get(name) or ANY
        if known and word not in known and word != ANY:
            raise FormatError(f"the {name}", expected=", ".join(sorted(known)), got=word[:40])
        data[dimension] = [word]
    return decode_scope(data)


_DIMENSIONS = {
    "territory": ("territories", frozenset[str]()), "field": ("fields", FIELDS), "product": ("products", PRODUCTS),
    "channel": ("channels", CHANNELS), "language": ("languages", LANGUAGES),
}  # fmt: skip


def _spots(asked: Scope | None, met: Iterable[Conflict]) -> tuple[tuple[SpotView, bool], ...]:
    """Return where on the map of Taiwan a licence would hold, and where it meets another."""
    wanted = set() if asked is None else _counties(asked.territories)
    taken = {county for one in met for county in _counties(one.over.territories)}
    return tuple((SpotView(*MIDDLES[county]), county in taken) for county in sorted(wanted | taken))


def _counties(territories: Iterable[str]) -> set[str]:
    return {code for code in MIDDLES if any(lies_in(code, one) or lies_in(one, code) for one in territories)}


def _choices() -> dict[str, tuple[str, ...]]:
    from_taiwan = tuple(sorted(code for code in TERRITORIES if code.startswith("TW-")))
    return {
        "territory": (*ABROAD, *from_taiwan), "field": tuple(sorted(FIELDS)),
        "product": tuple(sorted(PRODUCTS, key=int)), "channel": tuple(sorted(CHANNELS)),
        "language": tuple(sorted(LANGUAGES)),
    }  # fmt: skip


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _near(asked: Scope | None, grant: GrantView) -> bool:
    """Say whether a grant lies where the one asked for would, whatever the days."""
    if asked is None:
        return True
    ever = Scope(**{**_words(asked), "first": "0001-01-01", "last": None})
    return overlap(ever, scope_of({**grant.scope, "first": "0001-01-01"}).until(None)) is not None


def _words(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name, _ in _DIMENSIONS.values()}


def _span(first: str, last: str | None, months: tuple[str, ...]) -> tuple[int, int]:
    """Return where days begin on the time line and how much of it they take, in thousandths."""
    begins = date.fromisoformat(f"{months[0]}-01").toordinal()
    length = date.fromisoformat(f"{months_later(months[-1], 1)}-01").toordinal() - begins
    start = max(0, date.fromisoformat(first).toordinal() - begins)
    end = length if last is None else min(length, date.fromisoformat(last).toordinal() + 1 - begins)
    if end <= start:
        return 0, 0
    left = start * 1000 // length
    return left, max(4, end * 1000 // length - left)
