"""What is public of agreements: markets' prices, notices that an agreement exists, and that a guarantee was kept.

    market-price      {"source": "afa", "series": "毛豆", "day": "2026-11-03", "per_kg": 3600, "currency": "TWD"}
    agreement-notice  {"agreement": "9f86…", "parties": ["pingtung.frozen", "pingtung.lin"], "crop": "毛豆"}
    guarantee-kept    {"agreement": "9f86…", "season": "115 秋", "growers": ["pingtung.lin"],
                       "purchaser": "pingtung.frozen", "association": "pingtung.wandan-fa",
                       "lots": [{"gtin": "04712345678900", "lot": "L1"}]}

A notice says no more than the terms allow it to. The record of a guarantee is signed by growers, purchaser and
association over one document, and let in only where the settlements bear it out; it holds no amount. Both rest on the
private state only to be kept out: what they change follows from them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.agreements.closing import broken_guarantee
from contracts.agreements.keys import agreement_key, guarantee_key, market_key, notice_key, terms_key
from contracts.agreements.kinds import AGREEMENT_ID, LOTS, agreement_subject
from contracts.agreements.terms import GROWERS_MAX, PRICE, parties_of
from contracts.assent import assent
from contracts.kind import ACTOR_ID, DATE, Act, Kind, body, some, text
from contracts.products import checked_gtin
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _market_price(act: Act) -> list[Change]:
    content = act.body
    act.expect(
        content["source"] == act.actor,
        "agreements.source",
        "a market's price is recorded by the source that it names",
        expected=content["source"],
        got=act.actor,
    )
    key = market_key(act.actor, content["series"], content["day"][:7])
    month = act.facts.get(key) or {"source": act.actor, "series": content["series"], "days": {}}
    act.expect(
        content["day"] not in month["days"],
        "agreements.market-known",
        "the price of this day is on record, and settlements rest on it",
        expected="another day",
        got=content["day"],
    )
    return [Change(key, {**month, "days": {**month["days"], content["day"]: [content["per_kg"], act.at.index]}})]


def _private(act: Act) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return state and terms of the agreement that a public record names."""
    agreement = act.body["agreement"]
    state, terms = act.facts.get(agreement_key(agreement)), act.facts.get(terms_key(agreement))
    if state is None or terms is None or state["terms"] == 0:
        raise RefusedError("agreements.unknown", "there is no such agreement", got=agreement)
    return state, terms


def _notice(act: Act) -> list[Change]:
    content = act.body
    if act.facts.sees_private:
        _, terms = _private(act)
        act.expect(
            act.actor in parties_of(terms),
            "agreements.party",
            "a party gives notice of an agreement",
            expected="a party of it",
            got=act.actor,
        )
        known = {"parties": parties_of(terms), "crop": terms["crop"], "season": terms["season"]}
        for name, said in known.items():
            act.expect(
                name not in content or (name in terms["notice"] and content[name] == said),
                "agreements.notice",
                "a notice says what the terms say that it may, and the truth",
                expected=f"no more than {', '.join(terms['notice']) or 'that there is an agreement'}",
                got=name,
            )
    state = {
        "by": act.actor, "record": act.at.index,
        **{name: content.get(name) for name in ("parties", "crop", "season")},
    }  # fmt: skip
    return [Change(notice_key(content["agreement"]), state)]


def _guarantee_kept(act: Act) -> list[Change]:
    progress = assent(act)
    content = act.body
    if act.facts.sees_private:
        _check_guarantee(act)
    if not progress.complete:
        return list(progress.changes)
    signed = [[one.actor, one.issuer, one.position, one.time_ms] for one in progress.signed]
    kept = {name: content[name] for name in ("agreement", "season", "growers", "purchaser", "association")}
    return [
        *progress.changes,
        *(
            Change(guarantee_key(checked_gtin(one["gtin"]), one["lot"]), {**kept, "signed": signed})
            for one in content["lots"]
        ),
    ]


def _check_guarantee(act: Act) -> None:
    # Anybody may hand such a record in: its refusal tells nothing of the agreement but that it is not borne out.
    state, terms = _private(act)
    content = act.body
    wanted = {
        "season": terms["season"], "growers": terms["growers"], "purchaser": terms["purchaser"],
        "association": terms.get("witness"),
    }  # fmt: skip
    for name, expected in wanted.items():
        act.expect(
            content[name] == expected,
            "agreements.guarantee-names",
            f"the record names another {name} than the agreement",
            expected=f"its {name}",
            got=content[name],
        )
    delivered = {(lot[0], lot[1]) for one in state["deliveries"] for lot in one["lots"]}
    for one in content["lots"]:
        act.expect(
            (one["gtin"], one["lot"]) in delivered,
            "agreements.guarantee-lot",
            "the guarantee is of lots that were delivered under the agreement",
            expected="one of them",
            got=one["lot"],
        )
    left = broken_guarantee(state, terms)
    act.expect(
        not left,
        "agreements.guarantee",
        "the settlements do not bear it out that the guaranteed price was kept",
        expected="all of it settled by the guaranteed price, paid and received in time, and no dispute",
        got=f"{len(left)} things open",
    )


def _signers(content: Mapping[str, Any]) -> list[str]:
    return [*content["growers"], content["purchaser"], content["association"]]


def _guarantee_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield agreement_key(content["agreement"])
    yield terms_key(content["agreement"])
    for one in content.get("lots", ()):
        yield guarantee_key(one["gtin"], one["lot"])


PUBLIC_KINDS = (
    Kind(
        "market-price",
        body(
            {
                "source": ACTOR_ID,
                "series": text(80),
                "day": DATE,
                "per_kg": PRICE,
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
            }
        ),
        lambda content: f"market/{content['source']}/{content['series']}",
        _market_price,
        lambda content: [market_key(content["source"], content["series"], content["day"][:7])],
    ),
    Kind(
        "agreement-notice",
        body(
            {"agreement": AGREEMENT_ID}, {"parties": some(ACTOR_ID, GROWERS_MAX + 1), "crop": text(), "season": text()}
        ),
        agreement_subject,
        _notice,
        _guarantee_reads,
    ),
    Kind(
        "guarantee-kept",
        body(
            {
                "agreement": AGREEMENT_ID,
                "season": text(40),
                "growers": some(ACTOR_ID, GROWERS_MAX),
                "purchaser": ACTOR_ID,
                "association": ACTOR_ID,
                "lots": LOTS,
            }
        ),
        agreement_subject,
        _guarantee_kept,
        _guarantee_reads,
        parties=_signers,
    ),
)
