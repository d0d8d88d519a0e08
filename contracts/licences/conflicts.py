"""With what a grant conflicts, and over what: the same for the rule and for whoever asks before signing.

    find(facts, "work/W-1", use, "2026-12-31", exclusive=True)
    (Conflict(name="L-7", over=Scope(("TW-TTT",), ("textiles",), …, "2026-03-01", "2026-06-30")),)

A conflict says the overlap itself, in words (`overlaps licence L-7 in TW-TTT, textiles, 2026-03-01 to 2026-06-30`) and
as data. Who makes what in its own name is found as `own-use/U-1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.licences import shelf
from contracts.licences.keys import licence_key, own_use_key
from contracts.licences.scope import Scope, scope_of
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contracts.licences.shelf import Reader
    from contracts.licences.terms import Terms

OWN_USE = "own-use/"


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a grant shares with one that it must not share anything with.

    Attributes:
        name: the licence, or `own-use/` and the name of an owner's own use.
        over: what they share.
    """

    name: str
    over: Scope

    def words(self) -> str:
        """Return the conflict in words."""
        other = (
            f"own use {self.name.removeprefix(OWN_USE)}" if self.name.startswith(OWN_USE) else f"licence {self.name}"
        )
        return f"overlaps {other} in {self.over.words()}"

    def as_data(self) -> dict[str, Any]:
        """Return the conflict as answers have it."""
        return {"with": self.name, "overlap": self.over.as_data()}


def stem_of(work: str, parent: str | None) -> str:
    """Return what a grant is made from: a work, or the licence above a sublicence."""
    return f"work/{work}" if parent is None else f"licence/{parent}"


def find(
    facts: Reader, stem: str, use: Scope, last: str | None, *, exclusive: bool, name: str = ""
) -> tuple[Conflict, ...]:
    """Return what a grant conflicts with, at most `shelf.FOUND_MAX`, in the order of names.

    Args:
        facts: the state.
        stem: see `stem_of`.
        use: what it covers while goods may be sold.
        last: the last day of its term.
        exclusive: whether it bars others.
        name: its own name, where it is granted already.
    """
    names = shelf.conflicts(facts, stem, use, last, exclusive=exclusive, name=name)
    keys = {one: _key(one) for one in names}
    facts.expect(keys.values())
    mine = {"use": use, "term": use.until(last), "exclusive": exclusive}
    found = ((one, shelf.shared(mine, _grant(facts.get(key)))) for one, key in keys.items())
    return tuple(Conflict(one, over) for one, over in found if over is not None)


def foresee(facts: Reader, terms: Terms) -> tuple[Conflict, ...]:
    """Return what a licence with these terms would conflict with if it were signed now; nothing is written.

    Args:
        facts: the state.
        terms: of a licence, or of a sublicence.
    """
    stem = stem_of(terms.work, terms.parent)
    return find(facts, stem, terms.use, terms.scope.last, exclusive=terms.exclusive)


def check_free(conflicts: Iterable[Conflict]) -> None:
    """Refuse what conflicts with anything.

    Raises:
        RefusedError: it does; got says with what and over what, `data` the same as data.
    """
    found = tuple(conflicts)
    if found:
        raise RefusedError(
            "licences.overlap",
            "it overlaps what is granted to one alone",
            expected="no overlap with an exclusive licence",
            got="; ".join(one.words() for one in found),
            data=[one.as_data() for one in found],
        )


def _key(name: str) -> bytes:
    return own_use_key(name.removeprefix(OWN_USE)) if name.startswith(OWN_USE) else licence_key(name)


def _grant(state: dict[str, Any] | None) -> dict[str, Any]:
    """Return a grant as `shelf.shared` takes it; the state says how far it reaches now."""
    if state is None:
        raise RefusedError("licences.licence-unknown", "a shelf names a licence that there is not")
    use = scope_of(state["use"])
    return {"use": use, "term": use.until(state["last"]), "exclusive": state["exclusive"]}
