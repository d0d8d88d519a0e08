"""Made-up values for the page that shows every component in every state.

components_view(now) -> ComponentsView(certificates=(valid, expired, suspended, revoked), …)
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from api.pages.dates import taipei_day
from api.pages.views.parts import MISSING, EntryLink, Field, QrView, Text, shown
from api.pages.views.produce import (
    CertificateView,
    InspectionView,
    LotView,
    ParentView,
    QuantitiesView,
    RecallView,
    SensorView,
    SpotView,
    TimelineView,
)
from api.pages.views.site import ComponentsView

if TYPE_CHECKING:
    from datetime import date, datetime

    from api.pages.views.produce import CertificateState

_NAME = Text({"zh-TW": "文旦柚", "en": "Wendan pomelo", "ja": "文旦"})
_GTIN = "04712345678900"
_HOUR_MS = 3_600_000
# A day's air temperature by the hour, and the same day with a cold morning and a hot noon.
_MILD = (19.5, 19.2, 19.0, 18.8, 18.7, 19.1, 20.4, 22.0, 23.6, 24.9, 25.8, 26.4, 26.7, 26.5, 25.9, 24.8, 23.5, 22.4)
_ROUGH = (13.2, 12.6, 12.1, 11.8, 12.4, 14.9, 19.0, 23.3, 27.1, 30.2, 32.4, 33.1, 32.8, 31.0, 28.2, 24.9, 22.1, 20.3)


def components_view(now: datetime) -> ComponentsView:
    """Return what the page of components shows, on days around this moment."""
    today = taipei_day(now)
    return ComponentsView(
        certificates=(
            _certificate(today + timedelta(301), "valid"),
            _certificate(today - timedelta(20), "expired"),
            _certificate(today + timedelta(90), "suspended"),
            _certificate(today + timedelta(90), "revoked"),
        ),
        inspections=(
            InspectionView("農藥殘留", "台美檢驗科技", "passed", today, "未檢出"),
            InspectionView("重金屬", "台美檢驗科技", "failed", today, "鉛 0.4 ppm，標準 0.3 ppm"),
            InspectionView("糖度", "花蓮區農業改良場", "noted", today, "11.2 °Brix"),
        ),
        timeline=_timeline(today),
        sensors=(
            _series(now, _MILD, 18.0, 28.0),
            _series(now, _ROUGH, 18.0, 28.0),
            SensorView("soil_moisture", "%", ()),
        ),
        quantities=(
            QuantitiesView(1_250_000, 1_200_000, 860_000, 340_000),
            QuantitiesView(None, 850, 0, None),
        ),
        parents=(
            ParentView(_GTIN, "L20261101", _NAME, f"/products/{_GTIN}/L20261101", used_g=420_000),
            ParentView(_GTIN, "L20261029", _NAME, f"/products/{_GTIN}/L20261029", used_g=80_500, recalled=True),
            ParentView(state="withheld", used_g=12_000),
        ),
        lots=(
            LotView(_GTIN, "L20261103", _NAME, f"/products/{_GTIN}/L20261103", today, shown("花蓮縣瑞穗鄉")),
            LotView(
                _GTIN, "L20261029", _NAME, f"/products/{_GTIN}/L20261029", today, shown("花蓮縣瑞穗鄉"), "recalled"
            ),
            LotView(_GTIN, "J-7", _NAME, f"/products/{_GTIN}/J-7", None, Field("withheld"), "tainted"),
        ),
        recall=RecallView("重金屬鉛超過標準", today, "花蓮縣政府農業處"),
        spot=SpotView(latitude=23.50, longitude=121.37),
        time=now,
        qr=QrView(f"HTTPS://FENGTU.EXAMPLE/01/{_GTIN}/10/L20261103", "/static/seal.svg", "/static/seal.svg"),
    )


def _certificate(until: date, state: CertificateState) -> CertificateView:
    return CertificateView("TGAP 產銷履歷", "1-003-100123", "環球國際驗證股份有限公司", until, state)


def _timeline(today: date) -> tuple[TimelineView, ...]:
    grower = shown("林秀英")
    entry = EntryLink(1234, "/entries/1234/record")
    return (
        TimelineView(today, "harvest", shown("人工採收，選果後裝籃"), MISSING, grower, entry, today),
        TimelineView(
            today - timedelta(14), "fertilise", shown("有機質肥料 20 公斤"), Field("withheld"), grower, entry,
            today - timedelta(2), late_days=12,
        ),
        TimelineView(
            today - timedelta(30), "protect", shown("套袋防治東方果實蠅"), Field("erased"), Field("erased"), entry,
            today - timedelta(30), corrected_by=EntryLink(1250, "/entries/1250/record"),
        ),
        TimelineView(today - timedelta(61), "果園巡視", MISSING, MISSING, grower, entry, today - timedelta(61)),
    )  # fmt: skip


def _series(now: datetime, values: tuple[float, ...], low: float, high: float) -> SensorView:
    start = int(now.timestamp()) * 1000 - len(values) * _HOUR_MS
    points = tuple((start + hour * _HOUR_MS, value) for hour, value in enumerate(values))
    return SensorView("temperature", "°C", points, low, high)
