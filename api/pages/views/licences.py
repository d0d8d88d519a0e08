"""Works of art and the licences to them. Facts are as the verdict proves them (`verifiers.licence`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from api.pages.views.parts import UNCHECKED, MarkView, Named, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from api.pages.views.parts import Field, QrView
    from api.pages.views.produce import SpotView


@dataclass(frozen=True, slots=True)
class ListedWorkView:
    """A row of the list of works."""

    url: str
    title: Text
    owners: tuple[Text, ...]
    image_url: str


@dataclass(frozen=True, slots=True)
class WorksView:
    """The works on this ledger, a page at a time."""

    TEMPLATE: ClassVar[str] = "works.html"

    works: tuple[ListedWorkView, ...]
    count: int
    first: int = 1
    newer_url: str = ""
    older_url: str = ""


@dataclass(frozen=True, slots=True)
class GrantView:
    """A licence, or an owner's own use, in a list.

    Attributes:
        name: its name.
        url: its page, empty for an own use.
        who: who may use the work by it.
        scope: what it covers, as data (`contracts.licences.scope`), until the last day of sale.
        last: the last day of its term, None where it has no end.
        exclusive: whether it bars others.
        state: what it is today.
    """

    name: str
    url: str
    who: Text
    scope: Mapping[str, Any]
    last: str | None
    exclusive: bool
    state: str


@dataclass(frozen=True, slots=True)
class WorkView(Named):
    """A work.

    Attributes:
        state: as the map holds it.
        names: who the actors are.
        image_url: its picture, empty where this node has none.
        hidden: what stands in hidden fields, such as `customs`: withheld, or erased.
        grants: licences and own uses, the one acted on last first.
        count: how many licences there are in all.
        calendar_url: where a new licence is tried out.
        data_url: the same as JSON.
        origin: the ledger's name.
        seal_time: the time of the seal that this is as of.
    """

    TEMPLATE: ClassVar[str] = "work.html"

    state: Mapping[str, Any]
    names: Mapping[str, Text]
    image_url: str
    hidden: Mapping[str, Field]
    grants: tuple[GrantView, ...]
    count: int
    calendar_url: str
    data_url: str
    origin: str
    seal_time: datetime


@dataclass(frozen=True, slots=True)
class LicenceView(Named):
    """A licence, or its certificate.

    Attributes:
        licence: its name.
        status: as the verdict has it.
        facts: what the verdict proves.
        names: who the actors are.
        image_url: the work's picture, empty where this node has none.
        goods: the lots that carry it: GTIN, lot, page.
        address: where its page is for good; the code leads there.
        path: the same without scheme and host.
        qr: the code.
        command: what checks the proof file.
        origin: the ledger's name.
        seal_time: the time of the seal that this is as of.
        mark: what a check said.
    """

    TEMPLATE: ClassVar[str] = "licence.html"

    licence: str
    status: str
    facts: Mapping[str, Any]
    names: Mapping[str, Text]
    image_url: str
    goods: tuple[tuple[str, str, str], ...]
    address: str
    path: str
    qr: QrView
    command: str
    origin: str
    seal_time: datetime
    mark: MarkView = UNCHECKED


@dataclass(frozen=True, slots=True)
class CertificateView(LicenceView):
    """The certificate of a licence: one page to show or to print."""

    TEMPLATE: ClassVar[str] = "certificate.html"


@dataclass(frozen=True, slots=True)
class BarView:
    """A grant in the calendar: which part of the shown time it takes, in thousandths; whether it is in the way."""

    grant: GrantView
    start: int
    width: int
    meets: bool


@dataclass(frozen=True, slots=True)
class CalendarView:
    """What a new licence would meet: chosen words, the time line, and each overlap in words.

    Attributes:
        work: its name.
        title: of the work.
        url: this page, where the form leads.
        work_url: the work's page.
        asked: what was chosen, as data of a scope; None where nothing was.
        exclusive: whether the new licence would bar others.
        conflicts: each with whom, its page, and over what as data of a scope.
        bars: the grants that lie where it would, over the months shown.
        months: the months shown, `2026-11`.
        asked_bar: start and width of what was asked for, in thousandths.
        choices: the words to choose from, by dimension.
        spots: where on the map it would hold, each with whether it meets another grant there.
        terms_url: where its terms are written, empty where it is not free.
        error: what is wrong with what was typed, empty where nothing is.
    """

    TEMPLATE: ClassVar[str] = "calendar.html"

    work: str
    title: Text
    url: str
    work_url: str
    asked: Mapping[str, Any] | None
    exclusive: bool
    conflicts: tuple[tuple[str, str, Mapping[str, Any]], ...]
    bars: tuple[BarView, ...]
    months: tuple[str, ...]
    asked_bar: tuple[int, int]
    choices: Mapping[str, tuple[str, ...]]
    spots: tuple[tuple[SpotView, bool], ...] = ()
    terms_url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class RoyaltiesView(Named):
    """An account of royalties, for the two sides and their auditors.

    Attributes:
        account: its name.
        facts: as the account's page has it as data (`api.royalties`).
        names: who the actors are.
        licence_url: the licence's page.
        data_url: the same as JSON.
        origin: the ledger's name.
        seal_time: the time of the seal that this is as of.
    """

    TEMPLATE: ClassVar[str] = "royalties.html"

    account: str
    facts: Mapping[str, Any]
    names: Mapping[str, Text]
    licence_url: str
    data_url: str
    origin: str
    seal_time: datetime
