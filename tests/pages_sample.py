"""The views that the tests of the pages render, and a real small app that serves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import licences_sample
import rewards_sample
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api.pages import dates, qr
from api.pages.i18n import LANGUAGES
from api.pages.reader import Reader, read_request
from api.pages.render import HEADERS, STATIC_FOLDER, render
from api.pages.samples import components_view
from api.pages.views.parts import MISSING, EntryLink, Field, QrView, Text, shown
from api.pages.views.produce import (
    CertificateView,
    EntryView,
    InspectionView,
    LotsView,
    LotView,
    MalformedView,
    ParentView,
    ParticularsView,
    PriceView,
    ProductView,
    QuantitiesView,
    RecallView,
    SensorView,
    SpotView,
    StartView,
    TimelineView,
    UnknownView,
)
from api.pages.views.site import ProblemView, StatusView, WitnessView

if TYPE_CHECKING:
    from starlette.requests import Request

    from api.pages.views import View

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=dates.TAIPEI)
TODAY = NOW.date()
GTIN, LOT = "04712345678900", "L20261103"
URI = f"HTTPS://FENGTU.EXAMPLE/01/{GTIN}/10/{LOT}"
NAME = Text({"zh-TW": "瑞穗文旦柚", "en": "Wendan pomelo from Ruisui", "ja": "瑞穂の文旦"})
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'javascript:alert(3)\u202e"


def act(days: int, kind: str, content: str, memo: str = "", *, late: int = 0, index: int = 1200) -> TimelineView:
    """Return an act so many days ago."""
    on = TODAY - timedelta(days)
    return TimelineView(
        on, kind, shown(content), shown(memo), shown("林秀英"), EntryLink(index, f"/entries/{index}/record"),
        on + timedelta(late), late,
    )  # fmt: skip


def series(name: str, unit: str, middle: float, swing: float, band: tuple[float, float]) -> SensorView:
    """Return four weeks of a sensor by the hour, with a pause of two days and a warm spell."""
    start, hour = int(NOW.timestamp() * 1000) - 28 * 86_400_000, 3_600_000
    points = []
    for n in range(28 * 24):
        if 400 <= n < 448:
            continue
        day = abs((n % 24) - 14) / 12
        warm = swing * 0.9 if 190 < n < 240 else 0.0
        points.append((start + n * hour, middle + swing * (0.5 - day) + swing * 0.3 * ((n * 7919) % 13) / 13 + warm))
    return SensorView(name, unit, tuple(points), *band)


def product(**changes: Any) -> ProductView:
    """Return a lot with everything on record."""
    view = ProductView(
        gtin=GTIN,
        lot=LOT,
        name=NAME,
        packed_on=date(2026, 11, 3),
        grower=shown("林秀英"),
        place=shown("花蓮縣瑞穗鄉"),
        spot=SpotView(23.50, 121.37),
        operator=shown("瑞穗鄉農會柚類產銷班第 3 班"),
        picture_url="/static/seal.svg",
        certificates=(
            CertificateView("TGAP 產銷履歷", "1-003-100123", "環球國際驗證股份有限公司", date(2027, 9, 20), "valid"),
        ),
        inspections=(InspectionView("農藥殘留 380 項", "台美檢驗科技", "passed", date(2026, 10, 28), "未檢出"),),
        timeline=(
            act(20, "pack", "分級包裝，每箱 10 公斤", index=1290),
            act(21, "harvest", "人工採收，選果後裝籃", "上午採收，下午入庫", index=1288),
            replace(act(46, "protect", "套袋防治東方果實蠅", late=12, index=1251), memo=Field("erased")),
            replace(act(60, "fertilise", "有機質肥料 20 公斤"), corrected_by=EntryLink(1222, "/entries/1222/record")),
            replace(act(75, "water", "滴灌 2 小時"), by=Field("withheld")),
            act(90, "weed", "人工割草，未使用除草劑"),
            act(120, "prune", "修剪過密枝條"),
            act(150, "果園巡視", "開花期巡視"),
        ),
        sensors=(
            series("temperature", "°C", 24.0, 9.0, (18.0, 30.0)),
            series("soil_moisture", "%", 31.0, 6.0, (25.0, 38.0)),
        ),
        quantities=QuantitiesView(1_250_000, 1_200_000, 860_500, 339_500),
        parents=(ParentView(GTIN, "R20261020", NAME, f"/products/{GTIN}/R20261020", used_g=420_000),),
        price=PriceView(
            "民國 115 年秋季", (shown("林秀英"), shown("好市集有限公司"), shown("瑞穗鄉農會")),
            EntryLink(1301, "/entries/1301/record"),
        ),
        particulars=ParticularsView(
            origin="fengtu.example/hualien",
            size=1305,
            root="4f1a9c0d" * 8,
            seal_time=NOW - timedelta(seconds=41),
            bundle_url=f"/products/{GTIN}/{LOT}/bundle",
            command=f"fengtu verify {GTIN}-{LOT}.bundle.json --policy policy.json",
            checkpoint=(
                "fengtu.example/hualien\n1305\nTxqcDU8anA1PGpwNTxqcDU8anA1PGpwNTxqcDU8anA0=\n\n"
                "— fengtu.example/hualien Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGz"
            ),
            checkpoint_url="/log/checkpoint",
            policy_url="/log/policy",
            entries=(
                EntryView(EntryLink(1290, "/entries/1290/record"), "produce.event", NOW - timedelta(20)),
                EntryView(EntryLink(1288, "/entries/1288/record"), "produce.event", NOW - timedelta(21)),
                EntryView(EntryLink(1102, "/entries/1102/record"), "certificate", NOW - timedelta(300)),
            ),
        ),
        qr=QrView(URI, "/qr.svg", "/qr.png"),
        trace_code="1151103040300018",
        data_url="/epcis/events",
    )  # fmt: skip
    return replace(view, **changes)


def bare() -> ProductView:
    """Return a lot of which next to nothing is on record or may be shown."""
    return product(
        packed_on=None, grower=Field("erased"), place=Field("withheld"), spot=None, operator=MISSING, picture_url="",
        certificates=(), inspections=(), timeline=(), sensors=(), quantities=QuantitiesView(), parents=(), price=None,
        trace_code="", name=Text({"zh-TW": "高麗菜"}),
    )  # fmt: skip


def lot(number: int) -> LotView:
    """Return a row of a list."""
    name = f"L{20261100 + number}"
    state = {3: "recalled", 5: "tainted"}.get(number, "active")
    day = date(2026, 11, 1) + timedelta(number)
    return LotView(GTIN, name, NAME, f"/products/{GTIN}/{name}", day, shown("花蓮縣瑞穗鄉"), state)  # type: ignore[arg-type]  # of the literals


RECALL = RecallView(
    "重金屬鉛超過標準（0.4 ppm，標準 0.3 ppm）", date(2026, 11, 20), "花蓮縣政府農業處", "請洽 03-822-7171。"
)
VIEWS: dict[str, View] = {
    "product": product(),
    "bare": bare(),
    "long": product(
        name=Text({"zh-TW": "長" * 60 + "W" * 60}), lot="W" * 20, grower=shown("W" * 90), place=shown("鄉" * 90),
        certificates=(CertificateView("W" * 60, "W" * 60, "W" * 60, date(2027, 9, 20), "suspended"),),
        inspections=(InspectionView("W" * 60, "W" * 60, "failed", date(2027, 9, 20), "W" * 60),),
        timeline=(act(3, "W" * 60, "W" * 300, "W" * 300, late=3000),),
        quantities=QuantitiesView(9_007_199_254_740_991, 9_007_199_254_740_991, 0, 9_007_199_254_740_991),
    ),
    "recalled": product(recall=RECALL),
    "tainted": product(
        recall=replace(RECALL, ancestor=ParentView(GTIN, "R20261020", NAME, f"/products/{GTIN}/R20261020"))
    ),
    "start": StartView(lots=tuple(lot(n) for n in range(6)), stories_url="/demo"),
    "empty": StartView(),
    "unknown": UnknownView(f"{GTIN} X9", "fengtu.example/hualien", f"/?code={GTIN}"),
    "malformed": MalformedView("04712345678905", "check-digit"),
    "lots": LotsView(GTIN, tuple(lot(n) for n in range(7)), 10_000, 41, "/?code=1&page=1", "/?code=1&page=3"),
    "none": LotsView(GTIN, (), 0),
    "status": StatusView(
        "fengtu.example/hualien", "current", 1305, "4f1a9c0d" * 8, NOW, "0.1.0", 2, 2,
        (
            WitnessView("witness.example/a", NOW), WitnessView("mirror.example/b", NOW, replays=True),
            WitnessView("late.example/c", None),
        ),
    ),
    "stopped": StatusView("fengtu.example/hualien", "stopped", 1, "00" * 32, None, "0.1.0"),
    "problem": ProblemView(409, "conflict", "這個編號用過了", "12 公斤", "21 公斤"),
    "unavailable": ProblemView(503, "unavailable", retry_after_s=5),
    "components": components_view(NOW),
    **licences_sample.VIEWS,
    **rewards_sample.VIEWS,
}  # fmt: skip


def reader(tag: str = "zh-TW", *, large: bool = False) -> Reader:
    """Return a reader of a language."""
    return Reader(next(language for language in LANGUAGES if language.tag == tag), NOW, large)


def answer(request: Request) -> Response:
    """Serve a view as a route would: one call, the headers, the choices kept."""
    who = read_request(request.query_params.multi_items(), request.cookies, request.headers.get("accept-language"), NOW)
    page = HTMLResponse(render(VIEWS[request.path_params["name"]], who), headers=dict(HEADERS))
    for name, value in who.kept:
        page.set_cookie(name, value, samesite="lax")
    return page


app = Starlette(
    routes=[
        Route("/qr.svg", lambda _: Response(qr.draw_svg(URI), media_type="image/svg+xml")),
        Route("/qr.png", lambda _: Response(qr.draw_png(URI), media_type="image/png")),
        Mount("/static", StaticFiles(directory=STATIC_FOLDER)),
        Route("/{name}", answer),
    ]
)
