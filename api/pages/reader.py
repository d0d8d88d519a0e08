"""Who reads: language, type size and the moment, as one request tells them.

read_request([("lang", "ja"), ("code", "04712345678904")], {"fengtu_type": "large"}, "en", now)
    -> Reader in Japanese with large type; links to the same page keep `code`; the choice of `ja` is to be kept
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from api.pages.dates import taipei_day
from api.pages.i18n import LANGUAGES, Language, choose_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

LANGUAGE_COOKIE = "fengtu_lang"
TYPE_COOKIE = "fengtu_type"
COOKIE_AGE_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Reader:
    """What the pages know of who reads them.

    Attributes:
        language: of the words.
        now: the moment of reading, with offset.
        large: large type is on.
        query: the address's parameters but for the choices of language and type.
        kept: cookies (name, value) to set, since this request chose them.
    """

    language: Language
    now: datetime
    large: bool = False
    query: tuple[tuple[str, str], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def today(self) -> date:
        """The day in Taipei."""
        return taipei_day(self.now)

    def language_links(self) -> list[tuple[Language, str]]:
        """Return each language with the link to this page in it."""
        return [(language, self._link("lang", language.tag)) for language in LANGUAGES]

    def type_link(self) -> str:
        """Return the link to this page in the other type size."""
        return self._link("type", "normal" if self.large else "large")

    def _link(self, name: str, value: str) -> str:
        return "?" + urlencode([*self.query, (name, value)])


def read_request(
    query: Iterable[tuple[str, str]], cookies: Mapping[str, str], accept_language: str | None, now: datetime
) -> Reader:
    """Return the reader of a request.

    Args:
        query: the address's parameters in order.
        cookies: by name.
        accept_language: the header, or None.
        now: the moment, with offset.
    """
    pairs = list(query)
    asked = dict(pairs)
    language = choose_language(asked.get("lang"), cookies.get(LANGUAGE_COOKIE), accept_language)
    size = asked.get("type") if asked.get("type") in {"large", "normal"} else cookies.get(TYPE_COOKIE)
    kept = [(LANGUAGE_COOKIE, language.tag)] if "lang" in asked else []
    if asked.get("type") in {"large", "normal"}:
        kept.append((TYPE_COOKIE, asked["type"]))
    rest = tuple((name, value) for name, value in pairs if name not in {"lang", "type"})
    return Reader(language, now, size == "large", rest, tuple(kept))
