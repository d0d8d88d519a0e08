"""The pages: what they say, what they never let through, and how they stand on a phone."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from pages_sample import (
    CHROMIUM,
    EVIL,
    FLAGS,
    GTIN,
    LOT,
    NAME,
    NOW,
    RECALL,
    VIEWS,
    act,
    app,
    bare,
    product,
    reader,
)

from api.pages.i18n import LANGUAGES
from api.pages.reader import Reader
from api.pages.render import HEADERS, STATIC_FOLDER, render, safe_link
from api.pages.views.parts import Field, Text
from api.pages.views.produce import EntryView, ParentView, QuantitiesView, RecallView, TimelineView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.pages.views import View


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A real server of the pages on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


class Reading(HTMLParser):
    """Gathers what a browser would act on: elements, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep its text."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return re.sub(r"\s+", " ", "".join(self.words))


def read(view: View, tag: str = "zh-TW") -> str:
    """Return the page's text as a person reads it."""
    return Reading(render(view, reader(tag))).text


def test_the_first_screen_answers_in_plain_words() -> None:
    """A shopper would not learn who grew it, who certified it until when, what was tested, or if it is recalled."""
    page = read(product())
    answers = page[: page.index("誰種的")]
    for words in (
        "瑞穗文旦柚", "林秀英在花蓮縣瑞穗鄉種植", "民國 115 年 11 月 3 日", "2026-11-03",
        "經環球國際驗證股份有限公司驗證", "有效至 民國 116 年 9 月 20 日", "農藥殘留 380 項：合格", "沒有下架回收紀錄",
        "此瀏覽器未驗證；可用其他方式查驗",
    ):  # fmt: skip
        assert words in answers, words


def test_the_history_speaks_as_the_tap_page_does() -> None:
    """Shoppers would meet other words than those of the 產銷履歷 that they know."""
    page = read(product())
    for words in (
        "作業日期",
        "作業種類",
        "作業內容",
        "備註",
        "農產品經營業者",
        "生產者",
        "產地",
        "病蟲害防治",
        "果園巡視",
    ):
        assert words in page, words


def test_a_late_entry_says_by_how_many_days() -> None:
    """An entry made twelve days after the act would look like one made that day."""
    assert "晚 12 天登錄 2026-10-20" in read(product())
    assert "Entered 12 days later" in read(product(), "en")
    assert "Entered 1 day later" in read(product(timeline=(act(3, "water", "x", late=1),)), "en")
    assert "晚" not in read(product(timeline=(act(3, "water", "x"),)))


def test_erased_withheld_and_missing_are_three_different_words() -> None:
    """A reader could not tell what was deleted at someone's request from what is kept back or was never entered."""
    page = read(product())
    assert "已依當事人要求刪除" in page
    assert "未提供" in page
    assert "查無驗證紀錄" in read(bare())
    assert "Erased at the person's request" in read(bare(), "en")
    assert "Not on record" in read(bare(), "en")


def test_the_server_gives_no_verdict_of_its_own() -> None:
    """A page would look checked before any verifier ran."""
    page = render(product(), reader())
    assert 'data-state="unchecked"' in page
    for state in ("holds", "site", "operator"):
        assert f"mark-{state}" not in page


def test_a_recall_stands_above_everything() -> None:
    """The answers that the lot is certified and tested would stand on a recalled lot's first screen."""
    page = read(product(recall=RECALL))
    assert page.index("已下架回收，請勿食用或販售") < page.index("瑞穗文旦柚", page.index("已下架回收，請勿"))
    first = page[: page.index("誰種的")]
    assert "重金屬鉛超過標準" in first
    assert "花蓮縣政府農業處" in first
    assert "驗證股份有限公司" not in first
    assert "合格" not in first
    tainted = replace(RECALL, ancestor=ParentView(GTIN, "R20261020", NAME, "/x"))
    assert "This lot was made from a recalled lot." in read(product(recall=tainted), "en")


def test_the_quantities_are_said_in_kilograms_and_add_up() -> None:
    """A lot would seem to ship more than it packed, or grams would be read as kilograms."""
    page = read(product())
    assert "包裝 1,200 公斤 － 出貨 860.5 公斤 ＝ 剩餘 339.5 公斤" in page
    assert "加不起來" not in page
    assert "These quantities do not add up." in read(product(quantities=QuantitiesView(5, 1000, 900, 200)), "en")
    assert "850 g" in read(product(quantities=QuantitiesView(850)), "en")


def test_the_particulars_lead_to_the_proof() -> None:
    """Who wants to check for himself would find neither the proof file, nor the command, nor the codes."""
    links = {attributes.get("href") for tag, attributes in Reading(render(product(), reader())).elements if tag == "a"}
    assert {f"/products/{GTIN}/{LOT}/bundle", "/qr.svg", "/qr.png", "/entries/1288/record", "/log/checkpoint"} <= links
    page = read(product())
    assert f"fengtu verify {GTIN}-{LOT}.bundle.json --policy policy.json" in page
    assert "4f1a9c0d" * 8 in page
    assert "1,305" in page


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
@pytest.mark.parametrize("name", VIEWS)
def test_every_page_renders_in_every_language_without_a_script(name: str, language: Any) -> None:
    """A page would fail in one language, or carry a script or inline style that the policy of content blocks."""
    page = Reading(render(VIEWS[name], Reader(language, NOW)))
    assert page.elements[0][0] == "html"
    assert page.elements[0][1]["lang"] == language.tag
    for tag, attributes in page.elements:
        assert tag not in {"script", "style", "iframe", "object", "base"}
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert sum(tag == "h1" for tag, _ in page.elements) == 1
    assert "script-src" not in HEADERS["Content-Security-Policy"]


# What they never let through


def evil(value: Any) -> Any:
    """Return a view with every text in it replaced by one that attacks the page."""
    if isinstance(value, Field):
        return replace(value, text=EVIL) if value.state == "shown" else value
    if isinstance(value, Text):
        return Text(dict.fromkeys(value.by_language, EVIL))
    if isinstance(value, tuple):
        return tuple(evil(item) for item in value)
    if hasattr(value, "__dataclass_fields__"):
        kept = {"state", "result", "kind", "reason"} if not isinstance(value, TimelineView | EntryView) else set()
        if isinstance(value, RecallView):
            kept = set()
        names = [field.name for field in fields(value) if field.name not in kept]
        return replace(value, **{name: evil(getattr(value, name)) for name in names})
    if isinstance(value, str) and value:
        return "javascript:alert(4)" if value.startswith("/") else EVIL
    return value


@pytest.mark.parametrize("name", VIEWS)
def test_no_text_of_a_record_becomes_markup(name: str) -> None:
    """A farm's memo could run a script or plant a link under this site's name."""
    page = render(evil(VIEWS[name]), reader())
    seen = Reading(page)
    assert "<script" not in page
    if name in {"product", "recalled", "lots", "problem"}:
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for tag, attributes in seen.elements:
        assert tag != "script"
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("href", "src", "action"):
            assert not (attributes.get(key) or "").lower().lstrip().startswith(("javascript:", "data:"))
            assert (attributes.get(key) or "#")[:1] in {"/", "#", "?", "h", ""}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x", "//evil.example/x", "/\\evil.example", "\\\\evil.example", "mailto:a@b", "", "x", "/a b",
        "\x01javascript:alert(1)",
    ],
)  # fmt: skip
def test_only_plain_links_may_be_followed(url: str) -> None:
    """A link in a record could run code or lead away under the look of this site."""
    assert safe_link(url) == ""


def test_links_on_this_site_and_https_may_be_followed() -> None:
    """Every link would be dropped."""
    for url in ("/products/1/2", "https://example.tw/a?b=c#d", "http://example.tw/"):
        assert safe_link(url) == url


# How they look


def colours(scheme: str) -> dict[str, str]:
    """Return the tokens of a scheme from the stylesheet; dark ones stand over the light."""
    css = (STATIC_FOLDER / "fengtu.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else found


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet", "soil") for ground in ("paper", "raised", "soil-tint")),
    *((ink, ground) for ink in ("ink", "soil", "quiet") for ground in ("amber-tint", "brick-tint", "leaf-tint")),
    ("amber", "paper"), ("amber", "amber-tint"), ("brick", "paper"), ("brick", "brick-tint"), ("brick", "raised"),
    ("amber", "raised"), ("leaf", "leaf-tint"), ("leaf", "raised"), ("on-soil", "soil"), ("on-alarm", "alarm"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_can_be_read_in_the_sun(scheme: str) -> None:
    """Words would fade into their ground."""
    tokens = colours(scheme)
    weak = {pair: contrast(tokens[pair[0]], tokens[pair[1]]) for pair in PAIRS}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}


def test_the_tokens_are_those_of_the_guide() -> None:
    """The colours would drift away from the guide's."""
    tokens = colours("light")
    assert [tokens[name] for name in ("soil", "leaf", "amber", "brick", "ink", "paper")] == [
        "#5b4636", "#2f6b3c", "#8a5a00", "#a3301f", "#1d1b18", "#fbf9f5",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed: {CHROMIUM}")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


MEASURE = """() => {
  const wrong = [];
  document.querySelectorAll('details').forEach(d => d.open = true);
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    wrong.push('scrolls sideways: ' + [...document.body.querySelectorAll('*')]
      .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .slice(0, 3).map(e => e.outerHTML.slice(0, 80)).join(' | '));
  }
  const labels = '.small, .fact dt, .amount dt, .legend dt, .iso, .ago, .fold th, .axis, .source a';
  for (const e of document.body.querySelectorAll('*')) {
    if (e.closest('svg')) continue;
    const text = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (text && size < (e.closest(labels) ? 15 : 18)) wrong.push(`text of ${size}px: ` + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll('a, button, input, summary')) {
    const box = e.getBoundingClientRect();
    if (e.closest('.skip') || !box.width) continue;
    if (box.height < 47.9 || box.width < 47.9)
      wrong.push(`target of ${box.width}x${box.height}: ` + e.outerHTML.slice(0, 80));
  }
  return wrong;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("tag", [language.tag for language in LANGUAGES])
def test_every_page_stands_on_every_screen(site: str, chromium: Any, tag: str) -> None:
    """Text too small, targets too small, or a page that has to be pushed sideways, on some screen or in large type."""
    wrong: dict[str, list[str]] = {}
    context = chromium.new_context(java_script_enabled=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for width, height, large in (
        (320, 640, False),
        (360, 740, False),
        (360, 740, True),
        (768, 1024, False),
        (1280, 800, False),
    ):
        page.set_viewport_size({"width": width, "height": height})
        for name in VIEWS:
            page.goto(f"{site}/{name}?lang={tag}&type={'large' if large else 'normal'}")
            found = page.evaluate(MEASURE)
            if found:
                wrong[f"{name} {width} {'large' if large else ''}"] = found[:4]
    context.close()
    assert not wrong
    assert not said, "the browser blocked or missed something"


@pytest.mark.browser
def test_the_answers_stand_on_a_phone_s_first_screen(site: str, chromium: Any) -> None:
    """A shopper would have to scroll to learn whether the lot is recalled."""
    page = chromium.new_page(viewport={"width": 360, "height": 740})
    page.goto(f"{site}/product?lang=zh-TW")
    last = page.locator(".answer").nth(2).bounding_box()
    bar = page.locator(".thumb").bounding_box()
    page.close()
    assert last["y"] + last["height"] <= bar["y"] + 1


@pytest.mark.browser
def test_the_pages_work_without_javascript(site: str, chromium: Any) -> None:
    """Without scripts a reader could not switch the language, open the particulars or search."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{site}/product")
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.goto(f"{site}/product")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Large type").click()
    assert page.locator("html").get_attribute("class") == "large"
    page.locator(".particulars summary").click()
    assert page.get_by_text("Merkle root").is_visible()
    page.goto(f"{site}/start")
    page.get_by_label("Code on the package").fill("1040806040300018")
    with page.expect_request(lambda request: "code=" in request.url) as sent:
        page.get_by_role("button", name="Find").click()
    assert sent.value.url.endswith("/?code=1040806040300018")
    context.close()
