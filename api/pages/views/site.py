"""The site itself: how the ledger is, what went wrong, each component in each state, the demo's stories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from api.pages.views.parts import QrView, Text
    from api.pages.views.produce import (
        CertificateView,
        InspectionView,
        LotView,
        ParentView,
        QuantitiesView,
        RecallView,
        SensorView,
        SpotView,
        TimelineView,
    )

ProblemKind = Literal[
    "not-found", "bad-request", "private", "refused", "conflict", "too-many", "unavailable", "internal"
]


@dataclass(frozen=True, slots=True)
class WitnessView:
    """A witness or replayer: its name, and when it last signed, or None."""

    name: str
    signed_at: datetime | None
    replays: bool = False


@dataclass(frozen=True, slots=True)
class StatusView:
    """How the ledger is.

    Attributes:
        state: `current`, `late` (no seal for longer than it should be), or `stopped` (no appends).
        quorum_met: witnesses that signed the newest checkpoint; quorum_needed: how many the policy asks for.
    """

    TEMPLATE: ClassVar[str] = "status.html"

    origin: str
    state: Literal["current", "late", "stopped"]
    size: int
    root: str
    seal_time: datetime | None
    version: str
    quorum_met: int = 0
    quorum_needed: int = 0
    witnesses: tuple[WitnessView, ...] = ()
    checkpoint_url: str = "/log/checkpoint"
    data_url: str = ""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """What went wrong (RFC 9457), for a person.

    Attributes:
        status: the HTTP status code.
        kind: which words to say.
        detail: in plain words what it was, where known; shown as text.
        expected: what would have been right.
        got: what came.
        retry_after_s: seconds until another try makes sense, or 0.
    """

    TEMPLATE: ClassVar[str] = "problem.html"

    status: int
    kind: ProblemKind
    detail: str = ""
    expected: str = ""
    got: str = ""
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class ComponentsView:
    """Each component in each state: values to show it with (`api.pages.samples`)."""

    TEMPLATE: ClassVar[str] = "components.html"

    certificates: tuple[CertificateView, ...]
    inspections: tuple[InspectionView, ...]
    timeline: tuple[TimelineView, ...]
    sensors: tuple[SensorView, ...]
    quantities: tuple[QuantitiesView, ...]
    parents: tuple[ParentView, ...]
    lots: tuple[LotView, ...]
    recall: RecallView
    spot: SpotView
    time: datetime
    qr: QrView


@dataclass(frozen=True, slots=True)
class DemoActView:
    """Who did something in a story, and what, in a sentence."""

    who: Text
    did: Text


@dataclass(frozen=True, slots=True)
class DemoAnswerView:
    """One answer of a story: its page and its proof file.

    Attributes:
        question: `product`, `settlement`, `payment`, `account` or `licence`.
        private: whether the page is for a party, who lends its key here.
    """

    question: str
    title: str
    page_url: str
    bundle_url: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class DemoPageView:
    """A page that shows more of a story."""

    title: str
    page_url: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class DemoStoryView:
    """One story of the demo."""

    number: int
    title: Text
    acts: tuple[DemoActView, ...]
    answers: tuple[DemoAnswerView, ...]
    pages: tuple[DemoPageView, ...]


@dataclass(frozen=True, slots=True)
class DemoView:
    """The demo's stories."""

    TEMPLATE: ClassVar[str] = "demo.html"

    stories: tuple[DemoStoryView, ...]
