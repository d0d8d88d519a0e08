"""Coins: a resident's wallet and payments, a programme, and what its tills, stations and issuers see of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from api.pages.views.parts import Named, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pager:
    """Where the pages before and after are; empty where there is none."""

    newer_url: str = ""
    older_url: str = ""


@dataclass(frozen=True, slots=True)
class ProofView:
    """How what is shown can be checked without this site.

    Attributes:
        bundle_url: the proof file.
        data_url: the facts as JSON.
        command: what checks the proof file.
        origin: the ledger's name.
        seal_time: the time of the seal that this is as of.
    """

    bundle_url: str
    data_url: str
    command: str
    origin: str
    seal_time: datetime


@dataclass(frozen=True, slots=True)
class WalletView(Named):
    """An account of coins, for its holder.

    Attributes:
        account: its id.
        status: `open`, or `owing` while coins that were taken back are still to be earned again.
        facts: what its verdict proves, as JSON has it (`verifiers.account`).
        history: the acts on this page, the newest first.
        names: who the actors are.
        links: the page of each charge.
        pager: where the other acts are.
        proof: how it can be checked.
        archive_url: everything that is on record of the person, in one file.
    """

    TEMPLATE: ClassVar[str] = "wallet.html"

    account: str
    status: str
    facts: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    names: Mapping[str, Text]
    links: Mapping[str, str]
    pager: Pager
    proof: ProofView
    archive_url: str

    @property
    def title(self) -> Text:
        """What the programme is called."""
        return Text(self.facts["programme"]["name"])

    def activity(self, name: str) -> Text:
        """Return what an activity is called; one that the programme no longer has goes by its id."""
        return Text(self.facts["activities"].get(name, {"zh-TW": name}))

    @property
    def ends(self) -> list[tuple[int, int]]:
        """How many coins end when, the soonest first: (Unix milliseconds, coins)."""
        coins: dict[int, int] = {}
        for lot in self.facts["lots"]:
            coins[lot["ends_ms"]] = coins.get(lot["ends_ms"], 0) + lot["coins"]
        return sorted(coins.items())


@dataclass(frozen=True, slots=True)
class PaymentView(Named):
    """A charge, for who paid and who was paid.

    Attributes:
        charge: its id.
        status: `posted`, `part-refunded`, `refunded`, `pending`, `held`, `lapsed`, `voided` or `unpaid`.
        facts: what its verdict proves, as JSON has it (`verifiers.payment`).
        names: who the actors are.
        proof: how it can be checked.
    """

    TEMPLATE: ClassVar[str] = "payment.html"

    charge: str
    status: str
    facts: Mapping[str, Any]
    names: Mapping[str, Text]
    proof: ProofView

    @property
    def title(self) -> Text:
        """What the programme is called."""
        return Text(self.facts["programme"]["name"])


@dataclass(frozen=True, slots=True)
class ProgrammeView(Named):
    """A programme of coins, for anybody.

    Attributes:
        terms: those in force, as JSON has them.
        names: who the actors are.
        path: its address.
        figures_url: how many people came, as far as it is published.
    """

    TEMPLATE: ClassVar[str] = "programme.html"

    terms: Mapping[str, Any]
    names: Mapping[str, Text]
    path: str
    figures_url: str

    @property
    def title(self) -> Text:
        """What it is called."""
        return Text(self.terms["name"])


@dataclass(frozen=True, slots=True)
class FiguresView(Named):
    """How many people came to shops on a day, as far as it is published; for anybody.

    Attributes:
        title: what the programme is called.
        day: the day.
        figures: people by shop and cell; None where nothing is published of the day.
        cells: the cells of a day, the widest first.
        names: who the shops are.
        pager: where the days before and after are.
    """

    TEMPLATE: ClassVar[str] = "figures.html"

    title: Text
    day: str
    figures: Mapping[str, Mapping[str, int]] | None
    cells: tuple[str, ...]
    names: Mapping[str, Text]
    pager: Pager


@dataclass(frozen=True, slots=True)
class TillView(Named):
    """A merchant's day and month.

    Attributes:
        title: what the programme is called.
        month: as JSON has it: today's total, lines, what is due.
        names: who the actors are.
        links: the page of each charge.
        pager: where the months before and after are.
        older_url: the lines of this month that are not shown.
        clearing_url: what is owed, line by line.
        seal_time: the time of the seal that this is as of.
    """

    TEMPLATE: ClassVar[str] = "till.html"

    title: Text
    month: Mapping[str, Any]
    names: Mapping[str, Text]
    links: Mapping[str, str]
    pager: Pager
    older_url: str
    clearing_url: str
    seal_time: datetime


@dataclass(frozen=True, slots=True)
class StationView(Named):
    """What a station gives, and what is left for one person today.

    Attributes:
        title: what the programme is called.
        day: as JSON has it: activities, how often, how many coins; and the person, where one was asked for.
        names: who the actors are.
        who: what was typed.
        door: what the form hands on.
        seal_time: the time of the seal that this is as of.
    """

    TEMPLATE: ClassVar[str] = "station.html"

    title: Text
    day: Mapping[str, Any]
    names: Mapping[str, Text]
    who: str
    door: str
    seal_time: datetime


@dataclass(frozen=True, slots=True)
class ClearingView(Named):
    """What issuers owe merchants for a month.

    Attributes:
        title: what the programme is called.
        reader: who reads.
        cleared: as JSON has it: rows, what is due in all, whether both sides count the same, issuers' funds.
        names: who the actors are.
        pager: where the months before and after are.
        csv_url: the same as a table.
        pdf_url: the same on paper.
        proofs: the proof file of each issuer's liability.
        seal_time: the time of the seal that this is as of.
    """

    TEMPLATE: ClassVar[str] = "clearing.html"

    title: Text
    reader: str
    cleared: Mapping[str, Any]
    names: Mapping[str, Text]
    pager: Pager
    csv_url: str
    pdf_url: str
    proofs: Mapping[str, str]
    seal_time: datetime
