"""What a licence says, whatever form it is written in; `profile` reads it from ODRL and writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.licences.scope import days_after

if TYPE_CHECKING:
    from contracts.licences.royalties import Royalty
    from contracts.licences.scope import Scope


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence says.

    Attributes:
        licence: its name, such as `L-1`.
        work: of which work.
        parent: the licence under which this one is a sublicence, None where it comes from the work's owner.
        assigners: who grants, all of them.
        assignee: to whom.
        scope: for what, from its first to its last day.
        media: what the work may be put on.
        actions: what may be done.
        prohibited: what may expressly not be done.
        exclusive: whether nobody else may do it there, the assigners included.
        sublicensing: whether the assignee may grant sublicences.
        quantity: how many pieces may be made, None where that is open.
        sell_off_days: how long after its last day goods that were made before may be sold, in days.
        attribution: what stands beside the work, by language; empty where nothing has to.
        samples: whether the assigner has to approve a sample first.
        royalty: what is paid for it, None where nothing is.
    """

    licence: str
    work: str
    parent: str | None
    assigners: tuple[str, ...]
    assignee: str
    scope: Scope
    media: tuple[str, ...]
    actions: tuple[str, ...]
    prohibited: tuple[str, ...] = ()
    exclusive: bool = False
    sublicensing: bool = False
    quantity: int | None = None
    sell_off_days: int = 0
    attribution: tuple[tuple[str, str], ...] = ()
    samples: bool = False
    royalty: Royalty | None = None

    @property
    def use(self) -> Scope:
        """The scope with the days on which goods may still be sold."""
        return self.scope.until(days_after(self.scope.last, self.sell_off_days))

    @property
    def parties(self) -> tuple[str, ...]:
        """Who signs: the assigners, then the assignee."""
        return (*self.assigners, self.assignee)

    def as_data(self) -> dict[str, Any]:
        """Return the terms as answers have them."""
        return {
            "licence": self.licence, "work": self.work, "parent": self.parent, "assigners": list(self.assigners),
            "assignee": self.assignee, "scope": self.scope.as_data(), "media": list(self.media),
            "actions": list(self.actions), "prohibited": list(self.prohibited), "exclusive": self.exclusive,
            "sublicensing": self.sublicensing, "quantity": self.quantity, "sell_off_days": self.sell_off_days,
            "attribution": dict(self.attribution), "samples": self.samples,
            "royalty": None if self.royalty is None else self.royalty.as_data(),
        }  # fmt: skip
