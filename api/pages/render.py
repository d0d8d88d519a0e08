"""Views to HTML: one call, `render(view, reader)`.

    render(ProductView(…), Reader(…)) -> <!doctype html> …

Each language has an environment of its own, built once. Every value is escaped; nothing is marked safe. The pages hold
no script and no inline style, and `HEADERS` tells the browser to run none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from babel.numbers import format_currency, get_currency_precision
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages import dates, drawing
from api.pages.i18n import Language, catalogue
from api.pages.places import language_name, territory_name
from api.pages.views.parts import Named, Text
from api.pages.views.produce import ProductView
from contracts.calendar import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

    from api.pages.reader import Reader
    from api.pages.views import View
    from contracts.agreements.dues import Due

TEMPLATE_FOLDER = Path(__file__).parent / "templates"
STATIC_FOLDER = Path(__file__).parent / "static"

HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language, Cookie",
}
"""Headers of every page."""


def render(view: View, reader: Reader) -> str:
    """Return the page of a view in the reader's language. A product that is recalled gets the recalled page."""
    name = view.TEMPLATE
    if isinstance(view, ProductView) and view.recall is not None:
        name = "recalled.html"
    return environment(reader.language).get_template(name).render(view=view, reader=reader)


def task_words(language: Language, rows: Sequence[Due], names: Mapping[str, Text], currency: str) -> list[str]:
    """Return what is due under an agreement in plain words, as its page says it.

    Args:
        language: of the words.
        rows: what is due.
        names: who the actors are.
        currency: of the amounts.
    """
    module = environment(language).get_template("parts/agreement.html").make_module({"tag": language.tag})
    who = _Names(names)
    task: Callable[..., Markup] = module.task  # type: ignore[attr-defined]  # a macro of the template
    return [task(row, who, currency).striptags() for row in rows]


@dataclass(frozen=True, slots=True)
class _Names(Named):
    """Who the actors are, as the parts of a page ask for it."""

    names: Mapping[str, Text]


@cache
def environment(language: Language) -> Environment:
    """Return the templates in a language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = catalogue(language)
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    made.filters.update(
        iso=dates.iso_day,
        minute=dates.minute,
        long_day=partial(dates.long_day, tag=language.tag),
        relative=partial(_relative, words),
        taipei_day=dates.taipei_day,
        text=_text,
        territory=partial(territory_name, tag=language.tag),
        tongue=partial(language_name, tag=language.tag),
        grams=partial(_grams, language),
        money=partial(_money, language),
        share=_share,
        day_ms=day_of,
        date_ms=dates.day_of_ms,
        minute_ms=_minute,
        signed=_signed,
        number=_number,
        reading=_reading,
        curve=drawing.draw_curve,
        on_map=drawing.place_on_map,
        safe_link=safe_link,
    )
    made.globals.update(coast=drawing.COAST, static=static_url, tag=language.tag)
    return made


def _relative(words: dates.Phrases, day: date, today: date) -> str:
    return dates.relative_day(day, today, words)


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, with its hash so that it may be cached for good."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def safe_link(url: str) -> str:
    """Return a link that may be followed: http(s), or a path on this site; else an empty string.

    A `javascript:` or `data:` link in a record would run or spoof under this site's name.
    """
    plain = url.strip()
    if any(ord(character) < 0x21 or character == "\\" for character in plain):
        return ""
    if plain.lower().startswith(("https://", "http://")) or (plain.startswith("/") and not plain.startswith("//")):
        return plain
    return ""


def _text(words: Mapping[str, str], tag: str) -> str:
    """Return words in the reader's language, or in the one that their writer gave."""
    return Text(words).pick(tag)[0]


def _number(value: int) -> str:
    """Return `1,250`."""
    return f"{value:,}"


def _signed(value: int) -> str:
    """Return `+1,250` or `−1,250`, with a real minus; nothing for zero."""
    return f"{value:+,}".replace("-", "−") if value else ""


def _minute(time_ms: int) -> str:
    """Return a Unix time in milliseconds as `2026-11-03 14:05` in Taipei."""
    return dates.minute(datetime.fromtimestamp(time_ms / 1000, UTC))


def _grams(language: Language, grams: int) -> str:
    """Return `850 g`, and from a kilogram on `1,250.5 kg`, exact to the gram, in the language's units."""
    kilo, gram = ("公斤", "公克") if language.tag == "zh-TW" else ("kg", "g")
    if abs(grams) < 1000:
        return f"{grams} {gram}"
    text = f"{Decimal(grams) / 1000:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {kilo}"


def _money(language: Language, amount: int, currency: str) -> str:
    """Return an amount of minor units as people write it: `NT$16,500.00`."""
    exact = Decimal(amount) / 10 ** get_currency_precision(currency)
    return format_currency(exact, currency, locale=language.locale)


def _share(permille: int) -> str:
    """Return ‰ as per cent: `5 %`, `0.1 %`."""
    return f"{Decimal(permille) / 10:f}".rstrip("0").rstrip(".") + " %" if permille % 10 else f"{permille // 10} %"


def _reading(value: float) -> str:
    """Return a sensor's value with at most one digit after the point (two below 10)."""
    digits = 2 if abs(value) < 10 else 1
    text = f"{value:,.{digits}f}".rstrip("0").rstrip(".") if value else "0"
    return "0" if text == "-0" else text
