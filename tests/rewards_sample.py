"""The pages of coins with values that a town has on a busy day, for the tests of how pages stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.pages.views.parts import Text
from api.pages.views.rewards import (
    ClearingView,
    FiguresView,
    Pager,
    PaymentView,
    ProgrammeView,
    ProofView,
    StationView,
    TillView,
    WalletView,
)
from contracts.rewards.visits import CELLS

if TYPE_CHECKING:
    from api.pages.views import View

NOW_MS = 1_795_397_400_000
DAY_MS = 86_400_000
ACCOUNT, CHARGE = "0d1e2f30415263748596a7b8c9daebfc", "6d1e2f30415263748596a7b8c9daebfc"
TITLE = Text({"zh-TW": "花蓮健康幣", "en": "Hualien health coins", "ja": "花蓮健康コイン"})
NAMES = {
    "county": Text({"zh-TW": "花蓮縣衛生局"}), "town": Text({"zh-TW": "瑞穗鄉公所"}),
    "clinic": Text({"zh-TW": "瑞穗衛生所"}),
    "noodles": Text({"zh-TW": "阿美麵店", "en": "Amei's noodles"}), "tea": Text({"zh-TW": "舞鶴茶行"}),
}  # fmt: skip
PROGRAMME = {
    "programme": "hualien-health", "name": dict(TITLE.by_language), "owner": "county", "value": 100, "transfers": True,
    "version": 1,
}  # fmt: skip
PROOF = ProofView(
    f"/accounts/{ACCOUNT}/bundle", f"/accounts/{ACCOUNT}/data",
    f"fengtu verify account-{ACCOUNT[:8]}.json --policy policy.json", "fengtu.example/hualien",
    datetime.fromtimestamp(NOW_MS / 1000, UTC),
)  # fmt: skip
PAGER = Pager("/x?month=2026-12", "/x?month=2026-10")


def act(number: int, kind: str, moved: dict[str, int], left: int, **more: Any) -> dict[str, Any]:
    """Return an act of an account's history."""
    return {
        "number": number, "kind": kind, "by": "clinic", "for": "clinic", "about": more.pop("about", CHARGE),
        "time_ms": NOW_MS - number * DAY_MS // 3, "postings": moved, "available": left, **more,
    }  # fmt: skip


HISTORY = (
    act(11, "coins-refund", {"available": 12, "spent": -12}, 1455, merchant="noodles", branch="main", coins=12),
    act(10, "coins-charge", {"available": -30, "spent": 30}, 1443, merchant="noodles", branch="main", coins=30),
    act(9, "coins-confirm", {"held": -80, "spent": 80}, 1473, merchant="tea", branch="main", coins=80),
    act(8, "coins-charge", {"available": -80, "held": 80}, 1473, merchant="tea", branch="main", coins=80),
    act(7, "coins-void", {"available": 10, "held": -10}, 1553, merchant="tea", branch="main"),
    act(6, "coins-charge", {}, 1543, merchant="noodles", branch="main", coins=2000),
    act(5, "coins-transfer", {"available": 9, "received": -9}, 1543, to=[]),
    act(4, "coins-transfer", {"available": -6, "sent": 6}, 1534, to=[]),
    act(3, "coins-reversal", {"available": -10, "reversed": 10}, 1540, reason="記錯人"),
    act(2, "coins-earning", {"available": 35, "issued": -35}, 1550, activity="class"),
    act(1, "coins-card", {}, 1515, state="open"), act(1, "coins-card", {}, 1515, state="closed"),
    act(1, "coins-key", {}, 1515, close=[]), act(0, "coins-account", {}, 0),
)  # fmt: skip
ITEM = {"name": {"zh-TW": "客家午餐"}, "face": 25_000, "left": 1, "used": 1, "returned": 0}
TICKET = {
    "ticket": CHARGE, "offer": "day-out", "version": 1, "issuer": "town", "name": {"zh-TW": "瑞穗一日遊"}, "paid": True,
    "guarantee": {"by": "臺灣銀行信託部", "until": "2028-12-31"}, "started_ms": None, "until_ms": None,
    "items": {"lunch": ITEM, "walk": {**ITEM, "name": {"zh-TW": "茶園導覽"}}},
}  # fmt: skip
COUPON = {
    "coupon": CHARGE, "offer": "fifty", "version": 1, "issuer": "county", "name": {"zh-TW": "午餐折五十元"},
    "off": {"amount": 5_000}, "when": {"least": 20_000}, "until_ms": NOW_MS + 40 * DAY_MS,
}  # fmt: skip
PASSES: dict[str, Any] = {
    "tickets": [TICKET, {**TICKET, "paid": False, "until_ms": NOW_MS + DAY_MS}],
    "coupons": [COUPON, {**COUPON, "off": {"permille": 100, "most": 10_000}, "when": {}}],
    "releases": [{"release": "new-year", "entry": CHARGE, "claimed": claimed} for claimed in (True, False)],
}
WALLET = WalletView(
    account=ACCOUNT,
    status="owing",
    facts={
        "programme": PROGRAMME,
        "activities": {"class": {"zh-TW": "長者健康促進課程（每週三上午）", "en": "Class", "ja": "教室"}},
        "balance": {"available": 1455, "held": 50, "debt": 12},
        "lots": [
            {"lot": n, "issuer": "county", "coins": 300, "ends_ms": NOW_MS + n * 31 * DAY_MS} for n in range(1, 5)
        ],
        "holds": [{"charge": CHARGE, "coins": 50, "until_ms": NOW_MS + 3_600_000, "merchant": "tea", "branch": "main"}],
        "unpaid": 1,
        **PASSES,
        "keys": [{"kid": "cd" * 32, "state": "revoked"}, {"kid": "ab" * 32, "state": "active"}],
        "cards": [{"state": "open", "day": "2026-11-20", "spent": 6}, {"state": "closed", "day": "", "spent": 0}],
    },
    history=HISTORY,
    names=NAMES,
    links={CHARGE: f"/accounts/{ACCOUNT}/redemptions/{CHARGE}"},
    pager=PAGER,
    proof=PROOF,
    archive_url=f"/accounts/{ACCOUNT}/archive",
)
NEW = replace(
    WALLET, status="open", history=HISTORY[-1:], links={}, pager=Pager(),
    facts={**WALLET.facts, "balance": {"available": 0, "held": 0, "debt": 0}, "lots": [], "holds": [], "unpaid": 0,
           "tickets": [], "coupons": [], "releases": [], "keys": [], "cards": []},
)  # fmt: skip


def payment(status: str, **facts: Any) -> PaymentView:
    """Return a payment that stands so."""
    base = {
        "programme": PROGRAMME, "merchant": "noodles", "branch": "main", "coins": 1250, "paid": 1250, "refunded": 0,
        "paid_with": {"coins": 1250}, "by": "code", "offline": False, "time_ms": NOW_MS, "until_ms": NOW_MS + 300_000,
        "history": [
            {"kind": "coins-charge", "stage": "pending", "time_ms": NOW_MS, "coins": 1250},
            {"kind": "coins-confirm", "stage": "posted", "time_ms": NOW_MS, "coins": 1250},
            {"kind": "coins-refund", "stage": "posted", "time_ms": NOW_MS, "coins": 250},
        ],
    }  # fmt: skip
    return PaymentView(CHARGE, status, {**base, **facts}, NAMES, PROOF)


MIXED: dict[str, Any] = {
    "coins": 30, "paid": 30,
    "paid_with": {
        "coins": 30, "total": 48_000, "money": 2_000,
        "tickets": [{"offer": "day-out", "version": 1, "item": "lunch", "count": 1, "face": 25_000}],
        "coupons": [{"offer": "fifty", "version": 1, "off": 5_000}],
    },
    "offers": {
        "day-out": {"issuer": "town", "name": {"zh-TW": "瑞穗一日遊"}, "items": {"lunch": {"zh-TW": "客家午餐"}}},
        "fifty": {"issuer": "county", "name": {"zh-TW": "折五十元"}},
    },
}  # fmt: skip
ROW = {
    "issuer": "county", "merchant": "noodles", "branch": "main", "means": "coins", "charged": 123_456,
    "refunded": 1_234, "net": 122_222, "gross": 12_222_200, "refund": 11_611_090, "fee": 116_111, "due": 11_494_979,
}  # fmt: skip
TILL = TillView(
    TITLE,
    {
        "programme": "hualien-health", "merchant": "noodles", "month": "2026-11", "count": 1_250, "first": 1,
        "today": {
            "day": "2026-11-23", "coins": 1_250, "tickets": 45_000, "coupons": 5_000, "charges": 38, "refunds": 2,
            "refunded": 45,
        },
        "coins": 122_222, "amount": 11_494_979,
        "due": [ROW, {**ROW, "issuer": "town", "branch": "market", "means": "tickets"}],
        "lines": [
            {
                "charge": CHARGE, "branch": "main", "coins": coins, "tickets": 20_000, "coupons": 0,
                "refund": coins < 0, "time_ms": NOW_MS,
            }
            for coins in (30, -12, 1_250)
        ],
    },
    NAMES, {CHARGE: f"/programmes/hualien-health/till/{CHARGE}"}, PAGER, "/x?first=101", "/x", PROOF.seal_time,
)  # fmt: skip
GIVEN = [
    {"activity": "steps", "name": {"zh-TW": "步行", "en": "Walking", "ja": "歩行"}, "coins_each": 10, "per_day": 2,
     "improvement": False, "times": 41, "coins": 410},
    {"activity": "class", "name": {"zh-TW": "長者健康促進課程"}, "coins_each": 35, "per_day": 1, "improvement": False,
     "times": 0, "coins": 0},
]  # fmt: skip
DAY = {
    "programme": "hualien-health", "station": "clinic", "day": "2026-11-23", "day_max": 100, "given": GIVEN,
    "coins": 410, "person": {"coins_left": 45, "left": {"steps": 1, "class": 0}},
}  # fmt: skip
FUNDS = {
    "issued": 95_000, "reversed": 120, "spent": 62_000, "refunded": 800, "funded": 5_000_000, "liability": 33_680,
    "budget": 100_000, "prefund": 4_744_000, "open": {"2026-11": 12_000, "2026-12": 21_680},
}  # fmt: skip
CLEARED = {
    "programme": "hualien-health", "month": "2026-11", "open": True,
    "rows": [ROW, {**ROW, "merchant": "tea", "means": "coupons"}], "due": 22_989_958, "equal": True,
    "issuers": {"county": FUNDS},
}  # fmt: skip
CLEARING = ClearingView(
    TITLE, "county", CLEARED, NAMES, PAGER, "/csv", "/pdf", {"county": "/x/county/liability/bundle"}, PROOF.seal_time
)
TERMS = {
    **PROGRAMME, "record": 812, "issuers": {"county": 100_000, "town": 50_000}, "stations": {"clinic": "county"},
    "merchants": {"noodles": ["main", "market"], "tea": ["main"]},
    "activities": {
        "steps": {"name": {"zh-TW": "步行"}, "coins": 10, "per_day": 2},
        "improved": {"name": {"zh-TW": "血壓進步"}, "coins": 50, "per_day": 1, "improvement": True},
    },
    "day_max": 100, "months": 2, "refund_permille": 950, "fee_permille": 10, "prefund_permille": 500,
    "offline_max": 100, "card": {"per_charge": 20, "per_day": 30},
}  # fmt: skip
VIEWS: dict[str, View] = {
    "wallet": WALLET,
    "wallet-new": NEW,
    "payment": payment("pending"),
    "payment-mixed": payment("part-refunded", **MIXED),
    "programme": ProgrammeView(TERMS, NAMES, "/programmes/hualien-health", "/figures"),
    "figures": FiguresView(
        TITLE,
        "2026-11-22",
        {"noodles": {"day": 41, "early": 26, "late": 15}, "tea": dict.fromkeys(CELLS, 9)},
        CELLS,
        NAMES,
        PAGER,
    ),
    "till": TILL,
    "station": StationView(TITLE, DAY, NAMES, ACCOUNT, "", PROOF.seal_time),
    "station-unknown": StationView(TITLE, {**DAY, "person": None}, NAMES, "W" * 80, "d", PROOF.seal_time),
    "clearing": CLEARING,
}
"""Those that are looked at on every screen."""
STATES: dict[str, View] = {
    **{
        f"payment-{status}": payment(status, **facts)
        for status in ("posted", "pending", "held", "lapsed", "voided", "unpaid", "refunded", "part-refunded")
        for facts in ({}, {"by": "card"}, {"offline": True}, MIXED)
    },
    "programme-bare": ProgrammeView(
        {**TERMS, "stations": {}, "merchants": {}, "activities": {}, "transfers": False, "offline_max": 0},
        NAMES,
        "/x",
        "/x",
    ),
    "figures-none": FiguresView(TITLE, "2026-11-22", None, CELLS, NAMES, Pager()),
    "till-empty": replace(TILL, month={**TILL.month, "due": [], "lines": []}, pager=Pager(), older_url=""),
    "station-plain": StationView(TITLE, {**DAY, "person": None}, NAMES, "", "", PROOF.seal_time),
    "clearing-unequal": replace(
        CLEARING, cleared={**CLEARED, "equal": False, "open": False, "rows": [], "issuers": {}}
    ),
}
"""What else a page may have to say."""
