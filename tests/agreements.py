"""Sample terms, and a world in which parties act on an agreement by the real rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rules import DAY_MS, GTIN, World, open_world

from contracts.agreements.closing import computed
from contracts.agreements.keys import agreement_key, terms_key
from contracts.agreements.kinds import market_of
from contracts.agreements.terms import parties_of, terms_hash
from contracts.calendar import day_of
from ledger.document import encode_document

if TYPE_CHECKING:
    from collections.abc import Sequence

AGREEMENT = "9f86d081884c7d659a2feaa0c55ad015"
PURCHASER, WITNESS, INSPECTOR, SOURCE = "frozen", "fa", "lab", "market"
GROWERS = ("farm-1", "farm-2")
OFFER_S = 30 * 86_400


def sample_terms(**changes: Any) -> dict[str, Any]:
    """Return terms of one grower at a floor price, with a witness and an inspector."""
    terms = {
        "season": "115 秋",
        "crop": "毛豆",
        "currency": "TWD",
        "rounding": "half-up",
        "purchaser": PURCHASER,
        "growers": ["farm-1"],
        "sites": [{"grower": "farm-1", "area_m2": 10_000, "place": "屏東縣萬丹鄉", "site": "S-1"}],
        "product": {
            "commodity": "毛豆",
            "variety": "高雄 9 號",
            "grades": [{"grade": "A", "spec": "飽滿"}, {"grade": "B", "spec": "一般"}],
            "moisture_max_permille": 700,
            "residue": "符合農藥殘留容許量標準",
        },
        "quantity": {"form": "range", "min_g": 600_000, "max_g": 1_000_000, "tolerance_permille": 50},
        "price": {
            "form": "floor",
            "market": {"source": SOURCE, "series": "毛豆"},
            "factor_permille": 1050,
            "guaranteed": 3200,
        },
        "adjustments": [],
        "advances": {"limit": 2_000_000, "share_permille": 300},
        "delivery": {"from": "2026-09-01", "to": "2027-03-31", "place": "冷凍廠", "transport": "purchaser"},
        "acceptance": {
            "grade_days": 2, "accept_days": 3, "inspection": "抽樣 1 %", "inspector": INSPECTOR,
            "reasons": ["grade", "moisture", "residue", "damage"],
        },
        "payment": {"settle_days": 7, "pay_days": 14, "method": "匯款", "security": "原料款保證"},
        "force_majeure": {"events": ["typhoon", "flood", "drought"], "notice_days": 14},
        "penalty": {"short_permille": 100, "late_permille_per_day": 1},
        "term": {"from": "2026-09-01", "to": "2027-06-30", "renewal": "雙方同意得續約"},
        "termination": {"notice_days": 30, "reasons": ["notice", "breach"]},
        "disputes": {"steps": ["negotiation", "mediation", "court"], "law": "中華民國法律"},
        "notice": ["parties", "crop"],
        "witness": WITNESS,
    }  # fmt: skip
    return {name: value for name, value in {**terms, **changes}.items() if value is not None}


def simple_terms(**changes: Any) -> dict[str, Any]:
    """Return terms of one grower at a fixed price, without witness and inspector, and with no penalty."""
    acceptance = {"grade_days": 2, "accept_days": 3, "inspection": "秤重", "reasons": ["grade", "damage"]}
    return sample_terms(
        **{
            "witness": None,
            "acceptance": acceptance,
            "price": {"form": "fixed", "per_kg": 3580},
            "penalty": {"short_permille": 0, "late_permille_per_day": 0},
            **changes,
        }
    )


def agreement_world(world: World | None = None) -> World:
    """Return a world with a purchaser, a market's source and an auditor beside the farmers; a new one, or the given."""
    world = open_world() if world is None else world
    world.register("fa", PURCHASER, "purchaser")
    world.register("operator", SOURCE, "purchaser")
    world.register("operator", "auditor", "auditor")
    product = {"gtin": GTIN, "name": {"zh-TW": "毛豆"}, "crop": "毛豆", "may_use": ["farm-2"]}
    world.submit("farm-1", "product", product)
    return world


@dataclass
class Deal:
    """One agreement and those who act on it."""

    world: World
    terms: dict[str, Any]
    agreement: str = AGREEMENT
    lots: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Any:
        """The agreement's state."""
        return self.world.get(agreement_key(self.agreement))

    @property
    def now(self) -> str:
        """Today's day."""
        return day_of(self.world.time_ms)

    def later(self, days: float) -> None:
        """Let days pass."""
        self.world.time_ms += int(days * DAY_MS)

    def act(self, actor: str, kind: str, **body: Any) -> int:
        """Let somebody act; `more` goes to the record."""
        more = body.pop("more", {})
        return self.world.submit(actor, f"agreement-{kind}", {"agreement": self.agreement, **body}, **more)

    def draft(self) -> None:
        """Let the purchaser draft the terms."""
        self.act(self.terms["purchaser"], "draft", terms=self.terms)

    def fair(self, grower: str, *steps: str) -> None:
        """Let a grower record fairness steps."""
        for step in steps or ("copy", "advice-offered"):
            self.act(grower, "fairness", grower=grower, step=step, terms_hash=terms_hash(self.terms).hex())

    def offer(self, **body: Any) -> bytes:
        """Return a document that several parties sign, by default the terms."""
        content = {"agreement": self.agreement, **(body or {"terms": self.terms})}
        return encode_document(id=f"o{next(self.world.numbers)}", body=content)

    def sign(self, actor: str, document: bytes, *, kind: str = "agreement", exp: bool = True) -> None:
        """Let one party sign a document."""
        expires = self.world.time_ms // 1000 + OFFER_S if exp else None
        self.world.submit(actor, kind, {"agreement": self.agreement}, document=document, expires_at_s=expires)

    def conclude(self) -> None:
        """Draft, be fair, wait ten days, sign, witness."""
        self.draft()
        for grower in self.terms["growers"]:
            self.fair(grower)
        self.later(10)
        document = self.offer()
        for actor in parties_of(self.terms):
            self.sign(actor, document)
        if "witness" in self.terms:
            self.act(self.terms["witness"], "witness", terms_hash=terms_hash(self.terms).hex())

    def grow(self, grower: str = "farm-1", grams: int = 1_000_000) -> None:
        """Register a lot, name it, declare its harvest."""
        lot = self.lots.setdefault(grower, f"L-{grower}")
        site = {} if grower != "farm-1" else {"site": "S-1"}
        self.world.submit("fa", "lot", {"gtin": GTIN, "lot": lot, **site}, entered_for=grower)
        self.act(grower, "growing", lots=[{"gtin": GTIN, "lot": lot}])
        self.act(grower, "harvest", lots=[{"gtin": GTIN, "lot": lot, "grams": grams}], day=self.now)

    def deliver(self, name: str, grams: int, grower: str = "farm-1") -> None:
        """Deliver today."""
        lots = [{"gtin": GTIN, "lot": self.lots[grower], "grams": grams}]
        self.act(grower, "delivery", delivery=name, lots=lots, day=self.now)

    def grade(self, name: str, *rows: tuple[Any, ...]) -> None:
        """Let who inspects grade a delivery: (grade, grams) or (grade, grams, moisture ‰)."""
        said = [dict(zip(("grade", "grams", "moisture_permille"), row, strict=False)) for row in rows]
        self.act(self.terms["acceptance"].get("inspector", PURCHASER), "grading", delivery=name, rows=said)

    def accept(self, name: str, *rejected: tuple[str, int, str]) -> None:
        """Let the purchaser accept a delivery but for what it rejects."""
        rows = [dict(zip(("grade", "grams", "reason"), row, strict=True)) for row in rejected]
        self.act(PURCHASER, "acceptance", delivery=name, rejected=rows)

    def settlement(self, name: str, deliveries: Sequence[str], *, final: bool = False, **pool: int) -> dict[str, Any]:
        """Return the body of a settlement as both sides compute it."""
        chosen = [one for one in self.state["deliveries"] if one["delivery"] in deliveries]
        terms = self.world.get(terms_key(self.agreement))
        found = computed(
            self.state, terms, chosen, market=market_of(self.world.get), time_ms=self.world.time_ms, final=final, **pool
        )
        return {
            "settlement": name, "deliveries": list(deliveries), "final": final,
            "lines": [line.said() for line in found.lines],
            "sums": [{"grower": grower, "amount": amount} for grower, amount in found.sums.items()], **pool,
        }  # fmt: skip

    def settle(self, name: str, deliveries: Sequence[str], *, final: bool = False, **pool: int) -> dict[str, int]:
        """Let the purchaser settle deliveries; return what each grower is paid."""
        content = self.settlement(name, deliveries, final=final, **pool)
        self.act(PURCHASER, "settlement", **content)
        return {one["grower"]: one["amount"] for one in content["sums"]}

    def pay(self, name: str, settlement: str, amount: int, grower: str = "farm-1", *, receive: bool = True) -> None:
        """Let the purchaser pay, and the grower say that it came."""
        self.act(PURCHASER, "payment", payment=name, settlement=settlement, grower=grower, amount=amount, day=self.now,
                 method="匯款")  # fmt: skip
        if receive:
            self.act(grower, "receipt", payment=name)

    def price(self, per_kg: int, day: str | None = None) -> None:
        """Let the market's source say what it paid."""
        content = {"source": SOURCE, "series": "毛豆", "day": day or self.now, "per_kg": per_kg, "currency": "TWD"}
        self.world.submit(SOURCE, "market-price", content)


def open_deal(terms: dict[str, Any] | None = None, world: World | None = None) -> Deal:
    """Return a world and an agreement of which nothing is recorded."""
    return Deal(agreement_world(world), sample_terms() if terms is None else terms)
