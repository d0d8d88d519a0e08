"""The views of works and licences that the tests of the pages render, long names and odd ends among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.pages.views.licences import (
    BarView,
    CalendarView,
    CertificateView,
    GrantView,
    LicenceView,
    ListedWorkView,
    RoyaltiesView,
    WorksView,
    WorkView,
)
from api.pages.views.parts import Field, QrView, Text
from api.pages.views.produce import SpotView

if TYPE_CHECKING:
    from api.pages.views import View

SEAL = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
TITLE = Text({"zh-TW": "海浪與月桃", "en": "Waves and shell ginger", "ja": "波と月桃"})
NAMES = {
    "amis": Text({"zh-TW": "馬卡道部落", "en": "Makotaay"}), "hana": Text({"zh-TW": "哈娜"}),
    "tea": Text({"zh-TW": "鹿野茶廠", "en": "Luye Tea"}), "ttart": Text({"zh-TW": "臺東設計中心"}),
}  # fmt: skip
SCOPE = {
    "territories": ["TW-TTT", "10015010"], "fields": ["packaging", "textiles"], "products": ["30", "24"],
    "channels": ["shop", "online"], "languages": ["zh", "ami", "zxx"], "first": "2026-03-01", "last": "2027-03-31",
}  # fmt: skip
ROYALTY = {
    "currency": "TWD", "unit": "net-sales", "bands": [[0, 50], [10_000_000, 75]], "minimum": 500_000,
    "advance": 1_000_000, "returns_max_permille": 250, "period_months": 3, "report_days": 30, "rounding": "half-up",
}  # fmt: skip
WORK = {
    "work": "W-1", "title": dict(TITLE.by_language), "owners": ["amis"], "creators": [], "people": "amis",
    "labels": ["TK A", "TK OC"], "image": "3f" * 32, "copyright": None,
    "registration": {"number": "原創字第 12 號", "day": "2025-06-01"},
}  # fmt: skip
TERMS = {
    "licence": "L-1", "work": "W-1", "parent": None, "assigners": ["amis"], "assignee": "tea", "scope": SCOPE,
    "media": ["paper", "fabric"], "actions": ["distribute", "reproduce"], "prohibited": ["derive"], "exclusive": True,
    "sublicensing": False, "quantity": 5000, "sell_off_days": 90, "samples": True, "royalty": ROYALTY,
    "attribution": {"zh-TW": "圖紋：馬卡道部落《海浪與月桃》", "en": "Pattern: Makotaay"},
}  # fmt: skip
FACTS: dict[str, Any] = {
    "licence": "L-1", "terms": TERMS, "work": WORK, "produced": 1200, "given": 0, "revoked": None, "erased": [],
    "standing": {
        "day": "2026-11-23", "known": "2026-11-23", "state": "active", "last": "2026-12-31", "sale_last": "2027-03-31",
    },
    "signed": [{"actor": "hana", "by": "hana", "record": 7, "time_ms": 1_772_000_000_000},
               {"actor": "tea", "by": "tea", "record": 8, "time_ms": 1_772_000_000_000}],
    "mandates": [{"mandate": "M-1", "principal": "amis", "holder": "ttart", "as": "agent", "scope": SCOPE,
                  "under": None, "ended": "2026-10-01"}],
    "above": [{"licence": "L-0", "licensee": "ttart", "exclusive": True}],
    "history": [
        {"kind": "licence", "time_ms": 1_772_000_000_000, "for": "tea"},
        {"kind": "licence-filing", "time_ms": 1_773_000_000_000, "for": "amis", "number": "原民授字第 7 號"},
        {"kind": "licence-suspension", "time_ms": 1_774_000_000_000, "for": "hana", "from": "2026-04-01"},
        {"kind": "licence-resumption", "time_ms": 1_775_000_000_000, "for": "hana", "from": "2026-05-01"},
    ],
}  # fmt: skip
REVOKED = {
    **FACTS, "revoked": {"licence": "L-1", "on": "2026-11-20", "last": "2026-11-30", "sell_off_days": 0,
                         "reason": "cultural-harm", "by": "hana"},
    "standing": {**FACTS["standing"], "last": "2026-11-30", "sale_last": "2026-11-30"},
    "history": [*FACTS["history"], {"kind": "licence-revocation", "time_ms": 1_795_000_000_000, "for": "hana",
                                    "last": "2026-11-30", "reason": "cultural-harm"}],
}  # fmt: skip
LICENCE = LicenceView(
    licence="L-1", status="active", facts=FACTS, names=NAMES, image_url="/static/seal.svg",
    goods=(("04712345678904", "T1", "/products/04712345678904/T1"),),
    address="https://fengtu.example/licences/L-1", path="/licences/L-1",
    qr=QrView("https://fengtu.example/licences/L-1", "/static/seal.svg", ""),
    command="fengtu verify licence-L-1.bundle.json --policy policy.json", origin="log.example/ttart", seal_time=SEAL,
)  # fmt: skip
LONG = {**FACTS, "terms": {**TERMS, "scope": {key: value for key, value in SCOPE.items() if key != "last"},
                           "attribution": {"zh-TW": "長" * 100 + "W" * 100}, "royalty": None},
        "work": {**WORK, "title": {"zh-TW": "長" * 60 + "W" * 60}},
        "standing": {**FACTS["standing"], "last": None, "sale_last": None}}  # fmt: skip
GRANTS = (
    GrantView("L-1", "/licences/L-1", NAMES["tea"], SCOPE, "2026-12-31", exclusive=True, state="active"),
    GrantView("L-2", "/licences/L-2", Text({"zh-TW": "W" * 60}), SCOPE, None, exclusive=False, state="revoked"),
    GrantView("own-use/U-1", "", NAMES["amis"], SCOPE, None, exclusive=False, state="own-use"),
)
CALENDAR = CalendarView(
    work="W-1", title=TITLE, url="/works/W-1/calendar", work_url="/works/W-1", asked=SCOPE, exclusive=True,
    conflicts=(("L-1", "/licences/L-1", SCOPE), ("own-use/U-1", "", SCOPE)),
    bars=tuple(BarView(one, number * 200, 300, meets=number == 0) for number, one in enumerate(GRANTS)),
    months=tuple(f"2026-{number:02}" for number in range(1, 13)) * 2, asked_bar=(100, 400),
    choices={"territory": ("TW", "TW-TTT", "142"), "field": ("packaging", "textiles"), "product": ("24", "30"),
             "channel": ("shop",), "language": ("zh", "ami")},
    spots=((SpotView(22.98, 120.99), True), (SpotView(25.09, 121.56), False)),
)  # fmt: skip
STATEMENT = {
    "number": 1, "first": "2026-03-01", "last": "2026-05-31", "pieces": 900, "gross": 12_000_000,
    "returned_pieces": 9, "returned": 150_000, "due": 29_500, "paid": 29_500, "received": 0,
    "lines": [{"what": "royalty", "base": 11_850_000, "amount": 629_500},
              {"what": "minimum", "base": 0, "amount": 5_000}, {"what": "advance", "base": 0, "amount": -600_000}],
}  # fmt: skip
ACCOUNT = RoyaltiesView(
    account="9f" * 16,
    facts={"licence": "L-1", "licensee": "tea", "terms": ROYALTY, "statements": [STATEMENT, {**STATEMENT, "paid": 0}],
           "auditors": ["ttart"],
           "next": {"number": 3, "first": "2026-09-01", "last": "2026-11-30", "report_days": 30}},
    names=NAMES, licence_url="/licences/L-1", data_url="/royalties/9f", origin="log.example/ttart", seal_time=SEAL,
)  # fmt: skip
A_WORK = WorkView(
    state=WORK, names=NAMES, image_url="/static/seal.svg", grants=GRANTS,
    hidden={"customs": Field("withheld"), "taboos": Field("erased"), "memo": Field("withheld")},
    count=7, calendar_url="/works/W-1/calendar",
    data_url="/works/W-1", origin="log.example/ttart", seal_time=SEAL,
)  # fmt: skip

VIEWS: dict[str, View] = {
    "licence": LICENCE,
    "licence-revoked": replace(LICENCE, status="revoked", facts=REVOKED),
    "licence-long": replace(LICENCE, facts=LONG, image_url="", goods=()),
    "certificate": CertificateView(
        **{name: getattr(LICENCE, name) for name in LicenceView.__slots__}  # the same, on one page
    ),
    "work": A_WORK,
    "work-empty": replace(A_WORK, state={**WORK, "labels": ["TK SS"]}, image_url="", grants=(), hidden={}, count=0),
    "works": WorksView(
        (ListedWorkView("/works/W-1", TITLE, (NAMES["amis"],), "/static/seal.svg"),
         ListedWorkView("/works/W-2", Text({"zh-TW": "W" * 60}), (NAMES["hana"], NAMES["ttart"]), "")),
        2, newer_url="/works?first=1", older_url="/works?first=51",
    ),
    "works-none": WorksView((), 0),
    "calendar": CALENDAR,
    "calendar-free": replace(CALENDAR, conflicts=(), bars=(), terms_url="/works/W-1/terms"),
    "calendar-empty": replace(CALENDAR, asked=None, conflicts=(), bars=(), asked_bar=(0, 0), error="a day"),
    "royalties": ACCOUNT,
    "royalties-none": replace(ACCOUNT, facts={**ACCOUNT.facts, "statements": [], "auditors": []}),
}  # fmt: skip
