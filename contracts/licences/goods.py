"""What is made under a licence: samples that are approved first, productions that use its quantity up, goods.

    licence-sample         {"licence": "L-1", "sample": "S-1", "image": "<sha256>"}
    licence-sample-answer  {"licence": "L-1", "sample": "S-1", "approved": true}
    licence-production     {"licence": "L-1", "production": "P-1", "day": "2026-04-02", "quantity": 500,
                            "scope": {"territories": ["TW-TTT"], …}, "media": ["paper"], "sample": "S-1"}
    licence-goods          {"licence": "L-1", "production": "P-1", "gtin": "04712345678900", "lot": "L1",
                            "product": "30", "quantity": 300, "serials": {"first": "000001", "last": "000300"}}

The licensee declares, while the licence holds and every licence that it is under does; goods also while they may be
sold off. A licensee who has granted an exclusive sublicence makes nothing itself within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import lot_key, product_key
from contracts.kind import DATE, GTIN, LOT, Act, Kind, body, integer
from contracts.licences.acting import today
from contracts.licences.changes import expect_grantor, licence_reads
from contracts.licences.conflicts import check_free, find, stem_of
from contracts.licences.forms import NAME, SHA256, WORDS, decode_scope, words
from contracts.licences.granting import (
    Licence,
    left_of,
    licence_of,
    licence_subject,
    line_of,
    standing_on,
    term_of,
)
from contracts.licences.keys import goods_key, licence_key, production_key
from contracts.licences.life import FOR_MAKING, FOR_SELLING
from contracts.licences.scope import beyond
from contracts.licences.shelf import top_keys
from contracts.licences.vocabulary import ANY, MEDIA, PRODUCTS
from contracts.licences.works import entry
from contracts.products import checked_gtin
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SAMPLES_MAX = 64
CARRIED_MAX = 16
PIECES = integer(1, 10**12)
SERIAL = {"type": "string", "pattern": "^[0-9]{1,15}$"}


def _sample(act: Act) -> list[Change]:
    content = act.body
    state = _own_licence(act, FOR_MAKING)
    act.expect(
        content["sample"] not in state["checked"] and len(state["checked"]) < SAMPLES_MAX,
        "licences.sample",
        "a sample has a name of its own",
        expected=f"a new one, at most {SAMPLES_MAX}",
        got=content["sample"],
    )
    return [_state(state, checked={**state["checked"], content["sample"]: [content["image"], "asked", act.at.index]})]


def _answer(act: Act) -> list[Change]:
    content = act.body
    state = licence_of(act, content["licence"])
    # Whoever first asked for samples sees those of every sublicence too.
    asking = [one for one in line_of(act, state) if one["samples"]]
    expect_grantor(act, state, asking[-1] if asking else None)
    image, answer, _ = state["checked"].get(content["sample"], ["", "none", 0])
    act.expect(
        answer == "asked", "licences.sample", "a sample is answered once", expected="a sample without an answer",
        got=f"{content['sample']}: {answer}",
    )  # fmt: skip
    said = "approved" if content["approved"] else "refused"
    return [_state(state, checked={**state["checked"], content["sample"]: [image, said, act.at.index]})]


def _produce(act: Act) -> list[Change]:
    content = act.body
    state, day = _own_licence(act, FOR_MAKING), content["day"]
    key = production_key(state["licence"], content["production"])
    act.expect(
        act.facts.get(key) is None, "licences.production-known", "this production is declared",
        got=content["production"],
    )  # fmt: skip
    act.expect(
        day <= today(act), "licences.day", "what has not happened yet is not declared", expected=today(act), got=day
    )
    _expect_standing(act, state, day, FOR_MAKING)
    made = decode_scope({**content["scope"], "first": day, "last": day})
    limits = term_of(state)
    over = beyond(made, limits)
    act.expect(
        over is None, "licences.scope", "the licence does not cover this", expected=limits.words(),
        got=None if over is None else " ".join(over),
    )  # fmt: skip
    media = sorted(set(content["media"]))
    act.expect(
        ANY in state["media"] or set(media) <= set(state["media"]),
        "licences.scope",
        "the licence does not cover this",
        expected=", ".join(state["media"]),
        got=", ".join(media),
    )
    _expect_action(act, state, "reproduce")
    _expect_approved(act, state)
    _expect_left(act, state)
    check_free(find(act.facts, stem_of(state["work"], state["licence"]), made, day, exclusive=False))
    production = {
        "licence": state["licence"], "production": content["production"], "quantity": content["quantity"],
        "attached": 0, "day": day, "scope": made.as_data(), "media": media, **entry(act),
    }  # fmt: skip
    return [Change(key, production), _state(state, produced=state["produced"] + content["quantity"])]


def _expect_action(act: Act, state: Licence, action: str) -> None:
    act.expect(
        action in state["actions"],
        "licences.scope",
        "the licence does not cover this",
        expected=", ".join(state["actions"]),
        got=action,
    )


def _expect_approved(act: Act, state: Licence) -> None:
    _, answer, _ = state["checked"].get(act.body.get("sample"), ["", "no sample", 0])
    act.expect(
        not state["samples"] or answer == "approved",
        "licences.sample",
        "samples are approved before anything is made",
        expected="a sample that is approved",
        got=answer,
    )


def _expect_left(act: Act, state: Licence) -> None:
    left, pieces = left_of(state), act.body["quantity"]
    act.expect(
        left is None or pieces <= left,
        "licences.quantity",
        "more would be made than the licence lets",
        expected=f"at most {left} of {state['quantity']} ({state['produced']} made, {state['given']} for sublicences)",
        got=pieces,
    )


def _attach(act: Act) -> list[Change]:
    content = act.body
    state = _own_licence(act, FOR_SELLING)
    gtin, lot = checked_gtin(content["gtin"]), content["lot"]
    key = production_key(state["licence"], content["production"])
    made = act.facts.get(key)
    if made is None:
        raise RefusedError("licences.production-unknown", "nobody declared this production", got=content["production"])
    left = made["quantity"] - made["attached"]
    act.expect(
        content["quantity"] <= left, "licences.quantity", "more would carry the licence than was made",
        expected=f"at most {left} of {made['quantity']}", got=content["quantity"],
    )  # fmt: skip
    act.expect(
        {content["product"], ANY} & set(made["scope"]["products"]),
        "licences.scope",
        "the production is of another class of products",
        expected=", ".join(made["scope"]["products"]),
        got=content["product"],
    )
    _expect_action(act, state, "distribute")
    _expect_lot(act, gtin, lot)
    carried = act.facts.get(goods_key(gtin, lot)) or {"carries": [], "acts": 0}
    serials = _serials(act, carried["carries"])
    act.expect(
        len(carried["carries"]) < CARRIED_MAX, "licences.carried", "the lot carries too many licences",
        expected=f"at most {CARRIED_MAX}",
    )  # fmt: skip
    one = {
        "licence": state["licence"], "work": state["work"], "production": content["production"],
        "product": content["product"], "quantity": content["quantity"], "serials": serials, "record": act.at.index,
    }  # fmt: skip
    acts = carried["acts"] + 1
    return [
        Change(goods_key(gtin, lot), {"carries": [*carried["carries"], one], "acts": acts}),
        Change(goods_key(gtin, lot, acts), {**entry(act), **one}),
        Change(key, {**made, "attached": made["attached"] + content["quantity"]}),
    ]


def _expect_lot(act: Act, gtin: str, lot: str) -> None:
    """Refuse goods that are not the licensee's to speak of, or recalled."""
    state, product = act.facts.get(lot_key(gtin, lot)), act.facts.get(product_key(gtin))
    if state is None:
        raise RefusedError("licences.lot-unknown", "nobody registered this lot", got=f"{gtin} {lot}")
    allowed = {state["owner"], *state["may_record"]}
    if product is not None:
        allowed |= {product["owner"], *product["may_use"]}
    act.expect(
        act.actor in allowed or act.is_under(state["owner"], act.actor),
        "licences.lot-owner",
        "whose goods they are, or whom the owner names, says what they carry",
        expected=", ".join(sorted(allowed)),
        got=act.actor,
    )
    act.expect(state["recalled"] is None, "licences.recalled", "the lot is recalled", got=lot)


def _serials(act: Act, carries: list[dict[str, Any]]) -> list[str] | None:
    """Return first and last serial of the goods, None where they have none."""
    said = act.body.get("serials")
    if said is None:
        return None
    first, last = said["first"], said["last"]
    count = int(last) - int(first) + 1
    act.expect(
        len(first) == len(last) and count == act.body["quantity"],
        "licences.serials",
        "serials of one length, as many as there are goods",
        expected=act.body["quantity"],
        got=f"{first} to {last}",
    )
    for one in carries:
        taken = one["serials"]
        act.expect(
            taken is None or one["licence"] != act.body["licence"] or last < taken[0] or taken[1] < first
            or len(taken[0]) != len(first),
            "licences.serials",
            "these serials carry the licence already",
            expected=None if taken is None else f"none of {taken[0]} to {taken[1]}",
            got=f"{first} to {last}",
        )  # fmt: skip
    return [first, last]


def _own_licence(act: Act, states: frozenset[str]) -> Licence:
    """Return the licence that the body names, where the actor is its licensee and it holds today."""
    state = licence_of(act, act.body["licence"])
    act.expect(
        act.actor == state["licensee"], "licences.licensee", "this is the licensee's to declare",
        expected=state["licensee"], got=act.actor,
    )  # fmt: skip
    _expect_standing(act, state, today(act), states)
    return state


def _expect_standing(act: Act, state: Licence, day: str, states: frozenset[str]) -> None:
    found = standing_on(act, state, day).state
    act.expect(
        found in states, "licences.state", f"the licence does not hold on {day}", expected=" or ".join(sorted(states)),
        got=found,
    )  # fmt: skip


def _state(state: Licence, **more: Any) -> Change:
    return Change(licence_key(state["licence"]), {**state, **more})


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from licence_reads(content)
    if "production" in content:
        yield production_key(content["licence"], content["production"])
        yield top_keys(f"licence/{content['licence']}")[0]
    if "gtin" in content:
        gtin, lot = content["gtin"], content["lot"]
        yield from (lot_key(gtin, lot), product_key(gtin), goods_key(gtin, lot))


_SAMPLE = {"licence": NAME, "sample": NAME}

KINDS = (
    Kind("licence-sample", body({**_SAMPLE, "image": SHA256}), licence_subject, _sample, _reads),
    Kind(
        "licence-sample-answer",
        body({**_SAMPLE, "approved": {"type": "boolean"}}, {"mandate": NAME}),
        licence_subject,
        _answer,
        _reads,
        hidden=frozenset({"memo"}),
    ),
    Kind(
        "licence-production",
        body(
            {
                "licence": NAME,
                "production": NAME,
                "day": DATE,
                "quantity": PIECES,
                "scope": body(WORDS),
                "media": words(MEDIA),
            },
            {"sample": NAME},
        ),
        licence_subject,
        _produce,
        _reads,
    ),
    Kind(
        "licence-goods",
        body(
            {
                "licence": NAME,
                "production": NAME,
                "gtin": GTIN,
                "lot": LOT,
                "product": {"enum": sorted(PRODUCTS)},
                "quantity": PIECES,
            },
            {"serials": body({"first": SERIAL, "last": SERIAL})},
        ),
        licence_subject,
        _attach,
        _reads,
    ),
)
