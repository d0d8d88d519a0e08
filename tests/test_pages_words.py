"""The words, days, codes and drawings of the pages."""

from __future__ import annotations

import io
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from jinja2.ext import babel_extract
from pages_sample import (
    GTIN,
    LOT,
    NOW,
    TODAY,
    URI,
    product,
    reader,
)

from api.pages import dates, drawing, qr
from api.pages.i18n import LANGUAGES, LOCALE_FOLDER, catalogue, choose_language
from api.pages.lookup import Code, CodeError, decode_code
from api.pages.reader import read_request
from api.pages.render import TEMPLATE_FOLDER, render
from api.pages.views.produce import MalformedView, SensorView, SpotView, kind_of

# The words


def messages() -> set[str | tuple[str, ...]]:
    """Return every msgid of the templates and of dates.py."""
    found: set[str | tuple[str, ...]] = set()
    options = {"trimmed": "true", "newstyle_gettext": "true"}
    for path in sorted(TEMPLATE_FOLDER.rglob("*.html")):
        rows = babel_extract(io.BytesIO(path.read_bytes()), ("gettext", "ngettext", "_"), (), options)
        for _, _, message, _ in rows:
            parts = (message,) if isinstance(message, str) else tuple(part for part in message if part)
            found.add(parts[0] if len(parts) == 1 else parts)
    source = io.BytesIO(Path(str(dates.__file__)).read_bytes())
    for _, message, _, _ in extract("python", source, {"gettext": None, "ngettext": (1, 2)}):
        found.add(message)
    return found


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_every_message_is_translated(language: Any) -> None:
    """A reader would meet a sentence in another language, or a catalogue would carry sentences no page says."""
    path = LOCALE_FOLDER / language.locale / "LC_MESSAGES" / "fengtu.po"
    words = read_po(io.BytesIO(path.read_bytes()), locale=language.locale, abort_invalid=True)
    have = {message.id: message for message in words if message.id}
    assert set(have) == messages()
    for message in have.values():
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(strings), message.id
        assert not message.fuzzy, message.id
        names = set(re.findall(r"%\((\w+)\)", str(message.id)))
        assert all(set(re.findall(r"%\((\w+)\)", text)) == names for text in strings), message.id
        assert len(strings) == 1 or len(strings) == words.num_plurals


MARKS = {
    "Your phone is checking …": ("您的手機正在驗證…", "この端末で検証中…"),
    "Checked by your phone: complete and unaltered": (
        "您的手機已驗證：紀錄完整、未被更改", "この端末で検証済み：記録は完全で改ざんなし",
    ),
    "Not checked in this browser; other ways to check": (
        "此瀏覽器未驗證；可用其他方式查驗", "このブラウザでは未検証。他の方法で確認できます",
    ),
    "Unaltered; that it is complete rests on the operator's word so far": (
        "紀錄未被更改；是否完整尚待獨立見證", "改ざんなし。完全性は運営者の申告のみ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("english", MARKS)
def test_the_mark_says_its_words_in_every_language(english: str) -> None:
    """The mark would promise more in one language than in another."""
    chinese, japanese = MARKS[english]
    assert catalogue(LANGUAGES[0]).gettext(english) == chinese
    assert catalogue(LANGUAGES[2]).gettext(english) == japanese


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "tag"),
    [
        (None, None, None, "zh-TW"), ("en", "ja", "zh", "en"), (None, "ja", "en", "ja"),
        (None, None, "ja,en;q=0.8", "ja"),
        (None, None, "fr;q=1, en;q=0.2, ja;q=0.3", "ja"), (None, None, "zh-HK", "zh-TW"), ("xx", None, "en-GB", "en"),
        (None, None, "en;q=0", "zh-TW"), (None, None, "en;q=abc, ja;q=0.1", "ja"), (None, "<script>", "de", "zh-TW"),
    ],
)  # fmt: skip
def test_the_language_is_the_reader_s_choice(
    query: str | None, cookie: str | None, accept: str | None, tag: str
) -> None:
    """The page would come in a language that the reader did not ask for."""
    assert choose_language(query, cookie, accept).tag == tag


@given(st.text(max_size=200))
def test_no_header_breaks_the_choice(header: str) -> None:
    """A strange Accept-Language would end in an error page."""
    assert choose_language(None, header, header) in LANGUAGES


def test_a_choice_keeps_the_page_and_is_kept() -> None:
    """Switching the language would lose what was typed, or have to be done again on the next page."""
    who = read_request([("code", "a&b"), ("lang", "ja"), ("type", "large")], {"fengtu_lang": "en"}, None, NOW)
    assert (who.language.tag, who.large, who.kept) == ("ja", True, (("fengtu_lang", "ja"), ("fengtu_type", "large")))
    assert {language.tag: link for language, link in who.language_links()}["en"] == "?code=a%26b&lang=en"
    assert who.type_link() == "?code=a%26b&type=normal"
    assert read_request([], {"fengtu_type": "large"}, None, NOW).large
    assert not read_request([("type", "huge")], {}, None, NOW).kept


# Days, codes, curves


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 3), "民國 115 年 11 月 3 日"), (date(1912, 1, 1), "民國 1 年 1 月 1 日"),
        (date(1911, 12, 31), "民國前 1 年 12 月 31 日"), (date(1895, 4, 17), "民國前 17 年 4 月 17 日"),
    ],
)  # fmt: skip
def test_years_count_from_the_republic(day: date, words: str) -> None:
    """A certificate's last day would be off by a year."""
    assert dates.long_day(day, "zh-TW") == words


def test_a_day_is_taipei_s_day() -> None:
    """Late in the evening in UTC it is already the next day in Taipei."""
    assert dates.taipei_day(datetime.fromisoformat("2026-11-02T16:00:00+00:00")) == date(2026, 11, 3)
    midnight_ms = int(datetime(2026, 11, 3, tzinfo=dates.TAIPEI).timestamp()) * 1000
    assert dates.day_of_ms(midnight_ms) == date(2026, 11, 3)
    assert dates.day_of_ms(midnight_ms - 1) == date(2026, 11, 2)
    with pytest.raises(ValueError, match="offset"):
        dates.taipei_day(datetime(2026, 11, 2))  # noqa: DTZ001 - that it is refused is what is tested


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today"), (1, "yesterday"), (-1, "tomorrow"), (2, "2 days ago"), (42, "42 days ago"), (43, "1 month ago"),
        (364, "11 months ago"), (366, "1 year ago"), (800, "2 years ago"), (-5, "in 5 days"), (-400, "in 1 year"),
    ],
)  # fmt: skip
def test_how_long_ago(days: int, words: str) -> None:
    """The page would say `2 days ago` of another day."""
    assert dates.relative_day(TODAY - timedelta(days), TODAY, catalogue(LANGUAGES[1])) == words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"https://fengtu.example/01/{GTIN}/10/{LOT}", Code(GTIN, LOT)), (URI, Code(GTIN, LOT)),
        (f"https://fengtu.example/products/{GTIN}/L%2F1?lang=en", Code(GTIN, "L/1")),
        (f"{GTIN} {LOT}", Code(GTIN, LOT)), (f"4712345678900/{LOT}", Code(GTIN, LOT)),
        (f"(01){GTIN}(10){LOT}", Code(GTIN, LOT)),
        ("４７１２３４５６７８９００", Code(GTIN)), (GTIN, Code(GTIN)), (f"(01){GTIN}", Code(GTIN)),
        ("1040806040300018", Code(trace="1040806040300018")), ("1040806 0403 00018", Code(trace="1040806040300018")),
        ("10408060403", Code(trace="10408060403")), ("1234567890", Code(trace="1234567890")),
        (f"{GTIN} 20261103", Code(GTIN, "20261103")), (f"https://id.gs1.org/01/{GTIN}", Code(GTIN)),
    ],
)  # fmt: skip
def test_a_code_is_found_however_it_is_written(text: str, code: Code) -> None:
    """Someone who types what the label says would be told that it is wrong."""
    assert decode_code(text) == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"), ("  \u3000", "empty"), ("04712345678905", "check-digit"), ("123", "length"),
        ("9" * 3000, "length"),
        ("高麗菜", "letters"), ("https://example.tw/", "link"), ("https://example.tw/01/04712345678905", "check-digit"),
        (f"{GTIN} 文旦", "lot"), (f"{GTIN} {'x' * 21}", "lot"), ("<script>alert(1)</script>", "letters"),
    ],
)  # fmt: skip
def test_a_wrong_code_says_why(text: str, reason: str) -> None:
    """The page would only say that the code is wrong, not what to look at."""
    with pytest.raises(CodeError) as caught:
        decode_code(text)
    assert caught.value.reason == reason
    assert render(MalformedView(text[:80], caught.value.reason), reader())


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_a_code_error(text: str) -> None:
    """Something typed into the field would end in a server error."""
    try:
        decode_code(text)
    except CodeError as error:
        assert error.reason  # noqa: PT017 - either way is right; what must not happen is another error


def test_words_of_the_tap_find_their_kind() -> None:
    """A harvest entered as 採收 would not be said in English or Japanese."""
    assert kind_of(" 採收 ") == "harvest"
    assert kind_of("果園巡視") == "果園巡視"
    assert "収穫" in render(product(), reader("ja"))


def test_a_curve_keeps_its_peaks_and_its_gaps() -> None:
    """A frost of one hour in a season of readings would be thinned away, or silence drawn as a straight line."""
    points = [(n * 3_600_000, 20.0) for n in range(5000)]
    points[3333] = (3333 * 3_600_000, -2.0)
    del points[1000:2000]
    curve = drawing.draw_curve(SensorView("temperature", "°C", tuple(points), 10.0, 30.0))
    assert curve is not None
    assert (curve.least, curve.outside_count, curve.count) == (-2.0, 1, 4000)
    assert curve.line.count("M") == 2
    assert curve.outside.count("M") == 1
    assert len(curve.line) < 20_000
    assert drawing.draw_curve(SensorView("x", "", ((0, float("nan")),))) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.floats(-1e6, 1e6)), max_size=30), st.floats(-50, 50), st.floats(0, 50)
)
def test_a_curve_stays_in_its_box(points: list[tuple[int, float]], low: float, width: float) -> None:
    """A curve or band would be drawn outside of its frame."""
    curve = drawing.draw_curve(SensorView("x", "", tuple(sorted(points)), low, low + width))
    if curve is None:
        return
    for x, y in re.findall(r"([\d.-]+),([\d.-]+)", curve.line + curve.outside):
        assert 0 <= float(x) <= drawing.WIDTH
        assert 0 <= float(y) <= drawing.HEIGHT
    assert curve.band_y is not None
    assert 0 <= curve.band_y <= curve.band_y + curve.band_height <= drawing.HEIGHT + 0.2


def test_the_map_shows_taiwan_only() -> None:
    """A place abroad would stand as a dot in the sea off Taiwan."""
    spot = drawing.place_on_map(SpotView(23.50, 121.37))
    assert spot is not None
    assert 40 < spot[0] < 60
    assert drawing.place_on_map(SpotView(35.0, 139.0)) is None


def test_the_label_s_code_is_black_on_white_with_a_quiet_zone() -> None:
    """A scanner would not find the code, in dark mode above all."""
    svg = qr.draw_svg(URI).decode()
    assert "#fff" in svg
    assert "<script" not in svg
    assert qr.draw_png(URI).startswith(b"\x89PNG")
