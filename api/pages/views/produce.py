"""A lot, a product's lots, and the page that finds them. Weights are whole grams, days are days of Taipei."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from api.pages.views.parts import MISSING, UNCHECKED, MarkView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from api.pages.views.parts import EntryLink, Field, QrView, Text

CertificateState = Literal["valid", "expired", "suspended", "revoked"]
InspectionResult = Literal["passed", "failed", "noted"]
LotState = Literal["active", "recalled", "tainted"]
MalformedReason = Literal["empty", "check-digit", "length", "letters", "link", "lot"]

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
class SerialView:
    """One piece of the lot, by its serial, and the form in which its holder may say where it was seen.

    Attributes:
        serial: as the label has it.
        elsewhere: whether it was seen in two places too far apart within a day.
        noted: whether the reader has just said where.
        counties: code and name of each county.
    """

    serial: str
    elsewhere: bool
    noted: bool
    counties: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class CarriedView:
    """A licence to a work of art that the goods carry.

    Attributes:
        title: the work's.
        makers: who made it, or whose creation it is.
        attribution: what has to stand beside it, None where nothing has to.
        image_url: its picture, empty where this node has none.
        work_url: the work's page.
        licence: the licence's name.
        licence_url: its page.
        covers: whether the goods may be sold under it today.
        state: what the licence is today (`contracts.licences.life`).
        until: until when goods may be sold under it, None where that has no end.
        serials: first and last serial of the goods that carry it, None where they have none.
    """

    title: Text
    makers: tuple[Text, ...]
    attribution: Text | None
    image_url: str
    work_url: str
    licence: str
    licence_url: str
    covers: bool
    state: str
    until: str | None
    serials: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ProductView:
    """A lot, as its page shows it. `recall` set makes it the recalled page."""

    TEMPLATE: ClassVar[str] = "product.html"

    gtin: str
    lot: str
    name: Text
    packed_on: date | None
    grower: Field
    place: Field
    particulars: ParticularsView
    qr: QrView
    mark: MarkView = UNCHECKED
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
    piece: SerialView | None = None
    carried: tuple[CarriedView, ...] = ()


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

    TEMPLATE: ClassVar[str] = "lots.html"

    code: str
    lots: tuple[LotView, ...]
    count: int
    first: int = 1
    newer_url: str = ""
    older_url: str = ""
    data_url: str = ""


@dataclass(frozen=True, slots=True)
class StartView:
    """The start page: one field, and a few lots to begin with; none on an empty ledger.

    Attributes:
        stories_url: where the demo's stories are told; empty where none were played.
    """

    TEMPLATE: ClassVar[str] = "start.html"

    code: str = ""
    lots: tuple[LotView, ...] = ()
    stories_url: str = ""


@dataclass(frozen=True, slots=True)
class UnknownView:
    """A well-formed code that this ledger has nothing of."""

    TEMPLATE: ClassVar[str] = "unknown.html"

    code: str
    origin: str = ""
    gtin_url: str = ""


@dataclass(frozen=True, slots=True)
class MalformedView:
    """Something typed or scanned that is not a product's code; it is kept in the field."""

    TEMPLATE: ClassVar[str] = "malformed.html"

    code: str
    reason: MalformedReason
