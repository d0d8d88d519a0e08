"""Values that more than one page shows: words, fields that may be hidden, the mark, links into the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FieldState = Literal["shown", "erased", "withheld", "missing"]
MarkState = Literal["unchecked", "checking", "holds", "site", "operator", "as-of", "fails"]


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


class Named:
    """A view that names actors.

    Attributes:
        names: who they are.
    """

    __slots__ = ()
    names: Mapping[str, Text]

    def name(self, actor: str) -> Text:
        """Return who an actor is."""
        return self.names.get(actor, Text({"zh-TW": actor}))

    @staticmethod
    def text(names: Mapping[str, str]) -> Text:
        """Return words that a record gives by language."""
        return Text(names)


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


UNCHECKED = MarkView()


@dataclass(frozen=True, slots=True)
class EntryLink:
    """An entry of the log: its index and where its bytes are."""

    index: int
    url: str


@dataclass(frozen=True, slots=True)
class QrView:
    """The code that a label carries: what it says, and its pictures."""

    uri: str
    svg_url: str
    png_url: str
