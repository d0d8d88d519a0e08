"""What the pages show, as plain values. Who fills them has read the ledger; who renders them knows nothing of it.

    QuantitiesView(harvested_g=1_250_000, packed_g=1_200_000, shipped_g=860_000, left_g=340_000)

No value here is HTML: every text is shown as text, and a link is followed only where `api.pages.render.safe_link` lets
it pass. Weights are whole grams, days are days of Taipei, times carry their offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

FieldState = Literal["shown", "erased", "withheld", "missing"]
MarkState = Literal["unchecked", "checking", "holds", "site", "operator", "as-of", "fails"]
CertificateState = Literal["valid", "expired", "suspended", "revoked"]
InspectionResult = Literal["passed", "failed", "noted"]
LotState = Literal["active", "recalled", "tainted"]
MalformedReason = Literal["empty", "check-digit", "length", "letters", "link", "lot"]
ProblemKind = Literal["not-found", "bad-request", "refused", "conflict", "too-many", "unavailable", "internal"]

KINDS: Mapping[str, str] = {
    "整地": "prepare", "播種": "sow", "育苗": "sow", "定植": "transplant", "種植": "transplant", "移植": "transplant",
    "施肥": "fertilise", "肥培管理": "fertilise", "病蟲害防治": "protect", "病蟲草害防治": "protect", "防治": "protect",
    "灌溉": "water", "灌排水": "water", "除草": "weed", "雜草管理": "weed", "整枝": "prune", "修剪": "prune",
    "整枝修剪": "prune", "套袋": "bag", "採收": "harvest", "加工": "process", "製茶": "process", "檢驗": "inspect",
    "包裝": "pack", "分級包裝": "pack", "儲藏": "store", "倉儲": "store", "出貨": "ship", "收貨": "receive",
}  # fmt: skip
"""Words of the 產銷履歷 (作業種類) to the kinds of work that the pages say in the reader's language."""


def kind_of(words: str) -> str:
    """Return the kind of work that words of the 產銷履歷 name, or the words themselves."""
    return KINDS.get(words.strip(), words.strip())


@dataclass(frozen=True, slots=True)
class Text:
    """Words that their writer gave in one language or in several.

    Attributes:
        by_language: `zh-TW`, `en`, `ja` to the words; at least one.
    """

    by_language: Mapping[str, str]

    def pick(self, tag: str) -> tuple[str, str]:
        """Return (words, their language), in the reader's language where there are any."""
        for language in (tag, "zh-TW", "en", "ja"):
            if self.by_language.get(language):
                return self.by_language[language], language
        return next(((words, language) for language, words in self.by_language.items() if words), ("", tag))


@dataclass(frozen=True, slots=True)
class Field:
    """A value that may be hidden: shown, erased at the person's request, withheld, or never on record."""

    state: FieldState
    text: str = ""


MISSING = Field("missing")


def shown(text: str) -> Field:
    """Return a field that is shown, or one that is missing where there is no text."""
    return Field("shown", text) if text else MISSING


@dataclass(frozen=True, slots=True)
class MarkView:
    """The mark: what a check of the proof said, and by whom. The server itself only ever says `unchecked`.

    Attributes:
        state: see the words of the mark in PAGES; `site` is checked by this page's own script.
        reason: of `fails`, the step and what it means.
        time: of `as-of`, the time up to which it holds.
    """

    state: MarkState = "unchecked"
    reason: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryLink:
    """An entry of the log: its index and where its bytes are."""

    index: int
    url: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate on record, with its state on the day of reading."""

    scheme: str
    number: str
    issuer: str
    valid_until: date
    state: CertificateState


@dataclass(frozen=True, slots=True)
class InspectionView:
    """A test on record: what was looked for, by which laboratory, with which result."""

    what: str
    lab: str
    result: InspectionResult
    on: date
    words: str = ""


@dataclass(frozen=True, slots=True)
class RecallView:
    """A recall of this lot, or of an ancestor that went into it.

    Attributes:
        reason: as its issuer wrote it.
        on: the day of the recall.
        by: who recalled.
        advice: what its issuer asks people to do; the page's own advice stands beside it.
        ancestor: the recalled lot, where it is not this one.
    """

    reason: str
    on: date
    by: str
    advice: str = ""
    ancestor: ParentView | None = None


@dataclass(frozen=True, slots=True)
class TimelineView:
    """One act of the history.

    Attributes:
        on: the day it happened (作業日期).
        kind: a kind of work the pages know (values of `KINDS`, and `certify`, `sense`, `other`) or words (作業種類).
        content: 作業內容.
        memo: 備註.
        by: who signed the entry.
        entry: where it stands in the log.
        registered_on: the day it was registered.
        late_days: days between the act and its registration where that is late, else 0.
        corrected_by: the later entry that corrects this one.
        photo_url: a picture of it on this site.
    """

    on: date
    kind: str
    content: Field
    memo: Field
    by: Field
    entry: EntryLink
    registered_on: date
    late_days: int = 0
    corrected_by: EntryLink | None = None
    photo_url: str = ""


@dataclass(frozen=True, slots=True)
class SensorView:
    """Readings of one sensor, and the band the crop does well in.

    Attributes:
        name: `temperature`, `humidity`, `soil_moisture`, `soil_temperature`, `light`, `ph`, `rain`, or words.
        unit: as shown after a number, such as `°C`.
        points: (Unix time in ms, value), rising in time.
        low: lower end of the band, or None.
        high: upper end of the band, or None.
    """

    name: str
    unit: str
    points: tuple[tuple[int, float], ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class QuantitiesView:
    """The lot's mass balance in grams; None where nothing is on record."""

    harvested_g: int | None = None
    packed_g: int | None = None
    shipped_g: int | None = None
    left_g: int | None = None


@dataclass(frozen=True, slots=True)
class ParentView:
    """A lot that went into this one, or word that one did and is not shown.

    Attributes:
        state: `shown`, or `withheld` where only its weight is known.
        used_g: grams of it that went in, or None.
        recalled: it, or an ancestor of its own, is recalled.
    """

    gtin: str = ""
    lot: str = ""
    name: Text | None = None
    url: str = ""
    state: Literal["shown", "withheld"] = "shown"
    used_g: int | None = None
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class PriceView:
    """The guaranteed price, kept for a season as the parties signed it."""

    season: str
    signed_by: tuple[Field, ...]
    entry: EntryLink


@dataclass(frozen=True, slots=True)
class SpotView:
    """A point for the small map, in degrees: the township's middle, never the field."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class EntryView:
    """A row of the particulars: an entry that the answer rests on."""

    entry: EntryLink
    kind: str
    time: datetime


@dataclass(frozen=True, slots=True)
class ParticularsView:
    """What someone who checks for himself needs.

    Attributes:
        origin: the log's name.
        size: entries under the checkpoint.
        root: of the tree at that size, hex.
        seal_time: of the last seal.
        bundle_url: the proof file.
        command: the `fengtu verify` command as typed.
        checkpoint: its exact text.
        checkpoint_url: where it is served.
        policy_url: the policy that this log recommends.
        entries: what the answer rests on.
    """

    origin: str
    size: int
    root: str
    seal_time: datetime
    bundle_url: str
    command: str
    checkpoint: str
    checkpoint_url: str
    policy_url: str
    entries: tuple[EntryView, ...] = ()


@dataclass(frozen=True, slots=True)
class QrView:
    """The code that a label carries: what it says, and its pictures."""

    uri: str
    svg_url: str
    png_url: str


@dataclass(frozen=True, slots=True)
class ProductView:
    """A lot, as its page shows it. `recall` set makes it the recalled page."""

    gtin: str
    lot: str
    name: Text
    packed_on: date | None
    grower: Field
    place: Field
    particulars: ParticularsView
    qr: QrView
    mark: MarkView = MarkView()
    picture_url: str = ""
    spot: SpotView | None = None
    operator: Field = MISSING
    certificates: tuple[CertificateView, ...] = ()
    inspections: tuple[InspectionView, ...] = ()
    recall: RecallView | None = None
    timeline: tuple[TimelineView, ...] = ()
    sensors: tuple[SensorView, ...] = ()
    quantities: QuantitiesView = QuantitiesView()
    parents: tuple[ParentView, ...] = ()
    price: PriceView | None = None
    trace_code: str = ""
    data_url: str = ""


@dataclass(frozen=True, slots=True)
class LotView:
    """A row of a list of lots."""

    gtin: str
    lot: str
    name: Text
    url: str
    packed_on: date | None
    place: Field
    state: LotState = "active"


@dataclass(frozen=True, slots=True)
class LotsView:
    """All lots found for one GTIN or trace code, newest first, a page at a time.

    Attributes:
        code: what was looked for, as shown.
        lots: the rows of this page.
        count: of all pages.
        first: number of the first row here, from 1.
        newer_url: the page before, or empty.
        older_url: the page after, or empty.
    """

    code: str
    lots: tuple[LotView, ...]
    count: int
    first: int = 1
    newer_url: str = ""
    older_url: str = ""
    data_url: str = ""


@dataclass(frozen=True, slots=True)
class StartView:
    """The start page: one field, and a few lots to begin with; none on an empty ledger."""

    code: str = ""
    lots: tuple[LotView, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownView:
    """A well-formed code that this ledger has nothing of."""

    code: str
    origin: str = ""
    gtin_url: str = ""


@dataclass(frozen=True, slots=True)
class MalformedView:
    """Something typed or scanned that is not a product's code; it is kept in the field."""

    code: str
    reason: MalformedReason


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

    status: int
    kind: ProblemKind
    detail: str = ""
    expected: str = ""
    got: str = ""
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class ComponentsView:
    """Each component in each state: values to show it with (`api.pages.samples`)."""

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
class DemoAnswerView:
    """One answer of a story: its page and its proof file."""

    title: str
    page_url: str
    bundle_url: str


@dataclass(frozen=True, slots=True)
class DemoStoryView:
    """One story of the demo."""

    number: int
    title: str
    answers: tuple[DemoAnswerView, ...]


@dataclass(frozen=True, slots=True)
class DemoView:
    """The demo's stories."""

    stories: tuple[DemoStoryView, ...]


@dataclass(frozen=True, slots=True)
class ListedView:
    """A row of a list of agreements."""

    url: str
    crop: str
    season: str
    purchaser: Text
    growers: tuple[Text, ...]
    stage: str
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class AgreementsView:
    """The agreements that concern a reader.

    Attributes:
        reader: who reads.
        rows: those on this page.
        count: how many there are in all.
        first: the number of the first row, from 1.
        words: what was searched for.
        stage: the stage that was chosen, empty for all.
        door: what the search form hands on.
        newer_url: the page before.
        older_url: the page after.
    """

    reader: Text
    rows: tuple[ListedView, ...]
    count: int
    first: int = 1
    words: str = ""
    stage: str = ""
    door: str = ""
    newer_url: str = ""
    older_url: str = ""


@dataclass(frozen=True, slots=True)
class AgreementView:
    """An agreement for those whom it concerns.

    Attributes:
        agreement: its id.
        status: its stage, or `disputed`, or `terminated`.
        facts: what its verdict proves, as JSON has it (`verifiers.settlement`).
        names: who the actors are.
        stages: the life in its order.
        list_url: the reader's other agreements.
        bundle_url: the proof file.
        data_url: the facts as JSON.
        command: what checks the proof file.
        origin: the ledger's name.
        seal_time: the time of the seal that this is as of.
        pdf_url: the same on paper.
    """

    agreement: str
    status: str
    facts: Mapping[str, Any]
    names: Mapping[str, Text]
    stages: tuple[str, ...]
    list_url: str
    bundle_url: str
    data_url: str
    command: str
    origin: str
    seal_time: datetime
    pdf_url: str = ""

    def name(self, actor: str) -> Text:
        """Return who an actor is."""
        return self.names.get(actor, Text({"zh-TW": actor}))


View = (
    DemoView
    | AgreementsView
    | AgreementView
    | ProductView
    | LotsView
    | StartView
    | UnknownView
    | MalformedView
    | StatusView
    | ProblemView
    | ComponentsView
)
