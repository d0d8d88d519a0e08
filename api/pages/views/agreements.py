"""Agreements, for those whom they concern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from api.pages.views.parts import Named, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


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

    TEMPLATE: ClassVar[str] = "agreements.html"

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
class AgreementView(Named):
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

    TEMPLATE: ClassVar[str] = "agreement.html"

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
