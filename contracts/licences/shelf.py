"""Shelves: the grants under one stem, so that a rule finds those that a scope meets without reading all.

    work/W-1   exclusive   TW-TTT   textiles   [["L-7", "2026-03-01", "2026-06-30", ["24"], ["any"], ["any"]]]
    stem       shelf       territory  field    a page of at most 64 entries

A stem is what grants are made from: a work, or a licence under which others are. It has two shelves: `use` holds every
grant with the days on which goods may still be sold, `exclusive` those grants that bar others, with their term. A new
grant conflicts with what it meets on `exclusive` over the days of its use, and, if it is exclusive itself, with what
it meets on `use` over its term.

Rules fetch facts by key, a round each time they depend on an earlier one: territories, fields, pages, entries. Which
pages are opened follows from the days that they span.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from contracts.licences.keys import cell_key, page_key, shelf_key
from contracts.licences.scope import Scope, overlap
from contracts.licences.territories import lies_in
from contracts.licences.vocabulary import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

USE = "use"
EXCLUSIVE = "exclusive"
PAGE_SIZE = 64
"""Entries of a page."""
CELLS_MAX = 64
"""Territories × fields of one grant."""
ROUND_PAGES = 64
"""Pages that are fetched in one round."""
FOUND_MAX = 8
"""Grants that a search names; whoever is refused by eight knows enough."""

Entry = list[Any]
Slot = list[Any]
"""Territory, field and page at which an entry stands."""


class Reader(Protocol):
    """Where facts are read from: the state before a record, a ledger as of a seal, a proved bundle."""

    def get(self, key: bytes) -> Any | None:
        """Return a fact's present value, None where there is none."""

    def expect(self, keys: Iterable[bytes]) -> None:
        """Say which facts are got next."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One shelf of a stem.

    Attributes:
        facts: where it is read from.
        stem: `work/W-1` or `licence/L-1`.
        name: `use` or `exclusive`.
    """

    facts: Reader
    stem: str
    name: str

    def find(self, wanted: Scope, apart_from: str = "") -> list[str]:
        """Return the grants that share something with a scope, at most `FOUND_MAX` of them, in the order of names.

        Args:
            wanted: the scope.
            apart_from: a grant that is not looked for.
        """
        territories = [one for one in self._words() if any(_meet(one, wide) for wide in wanted.territories)]
        fields = self._many([shelf_key(self.stem, self.name, one) for one in territories])
        cells = [
            (territory, field)
            for territory, within in zip(territories, fields, strict=True)
            for field in within
            if ANY in (field, *wanted.fields) or field in wanted.fields
        ]
        heads = self._many([cell_key(self.stem, self.name, *cell) for cell in cells])
        pages = [
            (*cell, number)
            for cell, head in zip(cells, heads, strict=True)
            for number, (_, first, last) in enumerate(head)
            if first <= (wanted.last or first) and wanted.first <= (last or wanted.first)
        ]
        found: set[str] = set()
        for start in range(0, len(pages), ROUND_PAGES):
            some = pages[start : start + ROUND_PAGES]
            opened = self._many([page_key(self.stem, self.name, *one) for one in some])
            found |= {one[0] for entries in opened for one in entries if _shares(one, wanted)}
            found.discard(apart_from)
            if len(found) >= FOUND_MAX:
                break
        return sorted(found)[:FOUND_MAX]

    def put(self, grant: str, scope: Scope) -> tuple[dict[bytes, Any], list[Slot]]:
        """Return the facts that a new entry changes, and where it stands.

        Args:
            grant: its name.
            scope: what it covers, on the days that this shelf is about.
        """
        known = self._words()
        fields = self._many([shelf_key(self.stem, self.name, one) for one in scope.territories])
        cells = [(territory, field) for territory in scope.territories for field in scope.fields]
        heads = self._many([cell_key(self.stem, self.name, *cell) for cell in cells])
        changes: dict[bytes, Any] = {}
        if set(scope.territories) - set(known):
            changes[shelf_key(self.stem, self.name)] = sorted({*known, *scope.territories})
        for territory, within in zip(scope.territories, fields, strict=True):
            if set(scope.fields) - set(within):
                changes[shelf_key(self.stem, self.name, territory)] = sorted({*within, *scope.fields})
        numbers = [max(len(head) - (1 if head and head[-1][0] < PAGE_SIZE else 0), 0) for head in heads]
        places = [(*cell, number) for cell, number in zip(cells, numbers, strict=True)]
        entry = [
            grant, scope.first, scope.last, list(scope.products), list(scope.channels), list(scope.languages),
        ]  # fmt: skip
        for place, head, entries in zip(places, heads, self._pages(places), strict=True):
            changes |= self._page(place, head, [*entries, entry])
        return changes, [list(place) for place in places]

    def end(self, grant: str, slots: Sequence[Slot], last: str) -> dict[bytes, Any]:
        """Return the facts that change where a grant's entries end on an earlier day.

        Args:
            grant: its name.
            slots: where it stands, as `put` gave them.
            last: its last day now; before its first one where nothing of it is left.
        """
        places = [(str(territory), str(field), int(number)) for territory, field, number in slots]
        heads = self._many([cell_key(self.stem, self.name, *place[:2]) for place in places])
        changes: dict[bytes, Any] = {}
        for place, head, entries in zip(places, heads, self._pages(places), strict=True):
            ended = [[one[0], one[1], last, *one[3:]] if one[0] == grant else one for one in entries]
            changes |= self._page(place, head, ended)
        return changes

    def _page(self, place: tuple[str, str, int], head: list[Any], entries: list[Entry]) -> dict[bytes, Any]:
        """Return a page and its line in the cell."""
        territory, field, number = place
        lasts = [one[2] for one in entries]
        span = [len(entries), min(one[1] for one in entries), None if None in lasts else max(lasts)]
        return {
            page_key(self.stem, self.name, *place): entries,
            cell_key(self.stem, self.name, territory, field): [*head[:number], span, *head[number + 1 :]],
        }

    def _pages(self, places: Sequence[tuple[str, str, int]]) -> list[list[Entry]]:
        return self._many([page_key(self.stem, self.name, *place) for place in places])

    def _words(self) -> list[str]:
        return list(self.facts.get(shelf_key(self.stem, self.name)) or [])

    def _many(self, keys: Sequence[bytes]) -> list[list[Any]]:
        self.facts.expect(keys)
        return [list(self.facts.get(key) or []) for key in keys]


def top_keys(stem: str) -> list[bytes]:
    """Return the first facts of both shelves of a stem."""
    return [shelf_key(stem, shelf) for shelf in (EXCLUSIVE, USE)]


def conflicts(facts: Reader, stem: str, use: Scope, last: str | None, *, exclusive: bool, name: str = "") -> list[str]:
    """Return the grants under a stem with which another one conflicts.

    Args:
        facts: where the shelves are read from.
        stem: what the grant is made from.
        use: what it covers while goods may be sold, the days of selling off included.
        last: the last day of its term.
        exclusive: whether it bars others during its term.
        name: its own name, where it is on the shelves already.
    """
    found = set(Shelf(facts, stem, EXCLUSIVE).find(use, name))
    if exclusive:
        found |= set(Shelf(facts, stem, USE).find(replace(use, last=last), name))
    return sorted(found)[:FOUND_MAX]


def shared(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Scope | None:
    """Return over what two grants conflict, None where they do not; each as `{"use", "term", "exclusive"}`.

    `use` and `term` are scopes that differ in their last day alone.
    """
    over = [
        found
        for bars, uses in ((mine, theirs), (theirs, mine))
        if bars["exclusive"] and (found := overlap(bars["term"], uses["use"])) is not None
    ]
    # Where both bar each other the longer stretch is said.
    return max(over, key=lambda one: one.last or "9999-12-31", default=None)


def _shares(entry: Entry, wanted: Scope) -> bool:
    """Say whether an entry shares something with a scope that its cell meets: days, and a word of each other list."""
    _, first, last, *lists = entry
    if last is not None and last < max(first, wanted.first):
        return False
    if wanted.last is not None and wanted.last < first:
        return False
    return all(
        ANY in words or ANY in others or not set(words).isdisjoint(others)
        for words, others in zip(lists, (wanted.products, wanted.channels, wanted.languages), strict=True)
    )


def _meet(one: str, other: str) -> bool:
    return lies_in(one, other) or lies_in(other, one)
