"""What a grant covers, and what two grants share.

    Scope(territories=("TW-TTT",), fields=("textiles",), products=("24",), channels=("any",), languages=("zh", "en"),
          first="2026-03-01", last="2026-06-30")

A scope is a box: territory × field × product × channel × language × days. A word covers itself and what lies in it
(`any`: its whole list; a territory: see `territories`), days run from the first to the last, both included, by the
calendar of Taipei; a scope whose last day is None has no end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from contracts.licences.territories import lies_in
from contracts.licences.vocabulary import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DIMENSIONS = ("territories", "fields", "products", "channels", "languages")
"""The dimensions of words, by their names in data; days come beside them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a grant covers.

    Attributes:
        territories, fields, products, channels, languages: its words, sorted, none of them within another.
        first: its first day, such as `2026-03-01`.
        last: its last day; None where it has no end.
    """

    territories: tuple[str, ...]
    fields: tuple[str, ...]
    products: tuple[str, ...]
    channels: tuple[str, ...]
    languages: tuple[str, ...]
    first: str
    last: str | None

    def as_data(self) -> dict[str, Any]:
        """Return the scope as facts and answers have it; see `scope_of`."""
        days = {"first": self.first} if self.last is None else {"first": self.first, "last": self.last}
        return {**{name: list(getattr(self, name)) for name in DIMENSIONS}, **days}

    def words(self) -> str:
        """Return the scope in words: `TW-TTT, textiles, class 24, 2026-03-01 to 2026-06-30`; `any` goes unsaid."""
        said = [" ".join(words) for name in ("territories", "fields") if (words := self._named(name))]
        if products := self._named("products"):
            said.append(f"class {' '.join(products)}")
        said += [" ".join(words) for name in ("channels", "languages") if (words := self._named(name))]
        return ", ".join([*said, f"{self.first} to {self.last or 'no end'}"])

    def until(self, last: str | None) -> Scope:
        """Return the same scope with another last day."""
        return replace(self, last=last)

    def _named(self, dimension: str) -> tuple[str, ...]:
        words: tuple[str, ...] = getattr(self, dimension)
        return () if words == (ANY,) else words


def scope_of(data: Mapping[str, Any]) -> Scope:
    """Return the scope that stands in a fact; `as_data` gives the same back."""
    return Scope(**{name: tuple(data[name]) for name in DIMENSIONS}, first=data["first"], last=data.get("last"))


def normal(words: Iterable[str], *, territories: bool = False) -> tuple[str, ...]:
    """Return words sorted, without those that lie in another of them."""
    covers = _territory if territories else _word
    every = sorted(set(words))
    return tuple(one for one in every if not any(other != one and covers(one, other) for other in every))


def overlap(one: Scope, other: Scope) -> Scope | None:
    """Return what two scopes share, None where they share nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for name in DIMENSIONS:
        covers = _covers(name)
        shared = {
            small
            for a in getattr(one, name)
            for b in getattr(other, name)
            if (small := a if covers(a, b) else b if covers(b, a) else None) is not None
        }
        if not shared:
            return None
        found[name] = normal(shared, territories=name == "territories")
    first = max(one.first, other.first)
    last = earlier(one.last, other.last)
    if last is not None and last < first:
        return None
    return Scope(**found, first=first, last=last)


def beyond(inner: Scope, outer: Scope) -> tuple[str, str] | None:
    """Return where a scope goes beyond another, as dimension and word or day; None where it lies within.

    Twenty-two counties do not make a country: a word lies within a scope where one word of it covers it.
    """
    for name in DIMENSIONS:
        covers = _covers(name)
        for word in getattr(inner, name):
            if not any(covers(word, wide) for wide in getattr(outer, name)):
                return name, word
    if inner.first < outer.first:
        return "first", inner.first
    if outer.last is not None and (inner.last is None or inner.last > outer.last):
        return "last", inner.last or "no end"
    return None


def earlier(one: str | None, other: str | None) -> str | None:
    """Return the earlier of two last days, None where neither ends."""
    return min((day for day in (one, other) if day is not None), default=None)


def days_after(day: str | None, count: int) -> str | None:
    """Return the day so many days after one; None stays none."""
    return None if day is None else date.fromordinal(date.fromisoformat(day).toordinal() + count).isoformat()


def _covers(dimension: str) -> Callable[[str, str], bool]:
    return _territory if dimension == "territories" else _word


def _territory(inner: str, outer: str) -> bool:
    return lies_in(inner, outer)


def _word(inner: str, outer: str) -> bool:
    return outer in (inner, ANY)
