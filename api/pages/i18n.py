"""The reader's language, and the words in it.

    /products/04712345678900/L1?lang=ja      asked for: wins, and is kept in the cookie
    Cookie: fengtu_lang=en                   kept from before
    Accept-Language: ja,en;q=0.8             what the browser likes
    (nothing)                                zh-TW

Catalogues are `locale/<locale>/LC_MESSAGES/fengtu.po`, read once at start; their msgids are the English text.
A new sentence goes into all three files by hand; tests/test_pages_words.py names what is missing or unused.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALE_FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages: BCP 47 tag, folder of its catalogue, its own name, and a short one for the switch."""

    tag: str
    locale: str
    name: str
    short: str


LANGUAGES = (
    Language("zh-TW", "zh_Hant_TW", "繁體中文", "中文"),
    Language("en", "en", "English", "EN"),
    Language("ja", "ja", "日本語", "日本語"),
)
DEFAULT = LANGUAGES[0]


@cache
def catalogue(language: Language, domain: str = "fengtu") -> Translations:
    """Return the words of a language, compiled in memory from its .po file."""
    with (LOCALE_FOLDER / language.locale / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        words = read_po(source, locale=language.locale, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    return Translations(compiled, domain=domain)


def refusal_words(rule: str) -> dict[str, str]:
    """Return what a refusal means in plain words, by language; empty for a rule that has none.

    Args:
        rule: its name, such as `agreements.ten-days`; the msgids of `refusals.po`.
    """
    words = {language.tag: catalogue(language, "refusals").ugettext(rule) for language in LANGUAGES}
    return {} if rule in words.values() else words


def find_language(tag: str) -> Language | None:
    """Return the language of a tag by its first subtag, so that `zh-HK` is Chinese; None for others."""
    first = tag.strip().replace("_", "-").split("-")[0].lower()
    return next((language for language in LANGUAGES if language.tag.split("-")[0] == first), None)


def choose_language(query: str | None, cookie: str | None, accept: str | None) -> Language:
    """Return the language to answer in: what the address asks for, what was kept, what the browser likes, Chinese.

    Args:
        query: the value of `?lang=`.
        cookie: the value of `fengtu_lang`.
        accept: the header Accept-Language (RFC 9110 §12.5.4).
    """
    for tag in (query, cookie):
        found = find_language(tag) if tag else None
        if found is not None:
            return found
    return _accepted((accept or "")[:1000]) or DEFAULT


def _accepted(header: str) -> Language | None:
    best: Language | None = None
    best_weight = 0.0
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter.strip())
        found = find_language(tag)
        if found is not None and weight > best_weight:
            best, best_weight = found, weight
    return best


def _weight(parameter: str) -> float:
    """Return the weight `q=0.8`; 1 where there is none, 0 where it cannot be read."""
    if not parameter:
        return 1.0
    name, _, digits = parameter.partition("=")
    whole, _, rest = digits.strip().partition(".")
    if name.strip().lower() != "q" or whole not in {"0", "1"} or (rest and not (rest.isascii() and rest.isdigit())):
        return 0.0
    return min(1.0, float(f"{whole}.{rest or 0}"))
