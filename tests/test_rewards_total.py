"""Whatever is submitted to the rules of rewards is let in, or refused with a reason: no body makes a rule fail."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from rewards import PROGRAMME, Town, coupons, name, terms, tickets
from rules import refused
from test_releases import CLOSES_S, OPENS_MS, ROUND, release

from contracts.calendar import day_of
from contracts.rewards.book import holder_of
from contracts.rulebook import KINDS, kind_of
from ledger.errors import ConflictError, FengtuError, FormatError, RefusedError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator

Signed = tuple[str, str, dict[str, Any]]
EXTREMES: list[Any] = [0, 1, -1, 255, 256, 2**31, 2**40, 2**53 - 1, "", "-", "0" * 32, "f" * 32, [], {}, None, True]


class Noted(Town):
    """A town that notes what is signed.

    Attributes:
        signed: who signed what.
    """

    def __init__(self) -> None:
        self.signed: list[Signed] = []
        super().__init__()
        self.world.time_ms = OPENS_MS
        submit = self.world.submit

        def noted(actor: str, kind: str, body: dict[str, Any], **more: Any) -> int:
            index = submit(actor, kind, body, **more)
            self.signed.append((actor, kind, body))
            return index

        self.world.submit = noted  # type: ignore[method-assign]


def live() -> Noted:
    """Let every kind of record of rewards come in once at least."""
    town = Noted()
    last = {"last_day": "2023-12-31", "when": {"least": 20_000}}
    guarantee = {"by": "台銀", "until": "2030-01-01"}
    town.world.submit("county", "programme", terms())
    town.world.submit("county", "coupon-offer", coupons(**last))
    town.world.submit("county", "coupon-offer", coupons("hot-spring", **last, open=False))
    town.world.submit("town", "ticket-offer", tickets(guarantee=guarantee))
    town.world.submit("county", "release", release())
    anna, beni = town.open("anna"), town.open("beni")
    town.act("county", "funding", issuer="county", amount=1_000)
    for stage in ({"stage": "pre"}, {"stage": "post", "pre": name("pre"), "improved": True}):
        body = {"account": anna, "commitment": name(str(stage["stage"])), "digest": "0" * 64}
        town.act("clinic", "commitment", **body, **stage)
    town.earn(anna, "improved", commitment=name("post"))
    taken = town.earn(anna)
    town.act("clinic", "reversal", account=anna, earning=taken, reason="記錯人")
    town.act(holder_of(anna), "transfer", account=anna, transfer=name("t"), to=[{"account": beni, "coins": 5}])
    town.act("clinic", "card", account=anna, card=name("card"), state="open")
    town.act("clinic", "key", account=beni, close=town.state(beni)["keys"])
    card = {"merchant": "noodles", "branch": "main", "account": anna, "coins": 2, "card": name("card")}
    town.act("noodles", "charge", charge=name("by card"), **card)
    confirmed, held, let_go = town.charge(anna, 5, ceiling=1), *(
        town.charge(anna, 5, body={"hold_s": 600}) for _ in range(2)
    )  # fmt: skip
    town.on(holder_of(anna), "confirm", anna, confirmed, coins=5)
    town.on("noodles", "post", anna, held, coins=3)
    town.on("noodles", "void", anna, let_go)
    ticket, coupon = town.ticket(anna), town.coupon(anna)
    items = [(ticket, "lunch", 1)]
    charge = town.pay(anna, 46_000, coins=5, money=15_500, items=items, coupons=[coupon])
    back = {"tickets": [{"ticket": ticket, "item": "lunch", "count": 1}], "coupons": [coupon], "money": 15_500}
    town.on("noodles", "refund", anna, charge, refund=name("r"), coins=5, **back)
    body = {"account": anna, "ticket": ticket, "refund": name("x"), "items": {"tea": 1}}
    town.record("town", "ticket-refund", **body, amount=16_167)
    town.record(holder_of(anna), "ticket-transfer", account=anna, ticket=ticket, to=beni)
    entered = {"account": anna, "release": "new-year", "entry": name("entry")}
    town.record(holder_of(anna), "release-entry", **entered)
    day = day_of(town.world.time_ms)
    town.world.time_ms = ROUND["time_s"] * 1000
    drawn = {"programme": PROGRAMME, "release": "new-year", "signature": ROUND["signature"]}
    town.world.submit("county", "release-draw", {**drawn, "entries": [name("entry")]})
    town.record(holder_of(anna), "release-claim", **entered, place=0, serial=name("prize"))
    town.world.time_ms += 86_400_000
    town.world.submit("county", "visit-figures", {"programme": PROGRAMME, "day": day, "figures": {}})
    return town


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value in a body."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at a place."""
    for key in path:
        value = value[key]
    return value


def changed(body: dict[str, Any], others: list[Any], chance: random.Random) -> dict[str, Any]:
    """Return a body with one value taken out, put in twice, or made another that is somewhere, or extreme."""
    body = copy.deepcopy(body)
    path = chance.choice(list(places(body)))
    inside, key = at(body, path[:-1]), path[-1]
    what = chance.random()
    if what < 0.15:
        del inside[key]
    elif what < 0.25 and isinstance(inside, list):
        inside.append(copy.deepcopy(inside[key]))
    elif what < 0.4 and isinstance(inside[key], int):
        inside[key] += chance.choice((-1, 1))
    elif what < 0.55 and isinstance(inside, dict) and isinstance(key, str):
        inside[chance.choice(["tickets", "coupons", "money", "total", "hold_s", "card", "issuer", "x"])] = (
            copy.deepcopy(chance.choice(others))
        )
    else:
        same = [one for one in others if type(one) is type(inside[key])]
        inside[key] = copy.deepcopy(chance.choice(same if same and chance.random() < 0.7 else EXTREMES))
    return body


def test_no_body_makes_a_rule_fail() -> None:
    """A rule that fails instead of refusing tells its submitter nothing, and its operator at night."""
    town, chance, count = live(), random.Random(7), soak("changed bodies", 1_500, 60_000)
    known = {kind for _, kind, _ in town.signed}
    family = ("coins-", "ticket-", "coupon", "release", "visit-", "programme")
    assert {kind for kind in KINDS if kind.startswith(family)} <= known
    others = [at(body, path) for _, _, body in town.signed for path in places(body)]
    actors = sorted({actor for actor, _, _ in town.signed})
    refusals, taken = set(), 0
    for _ in range(count):
        actor, kind, body = chance.choice(town.signed)
        body = changed(body, others, chance)
        try:
            subject = kind_of(kind).subject(body)
        except (KeyError, TypeError):
            subject = "none"
        who = actor if chance.random() < 0.9 else chance.choice(actors)
        town.world.time_ms += chance.choice((0, 0, 0, 1, 1_000))
        more = {"subject": subject, "expires_at_s": town.world.time_ms // 1000 + 60}
        try:
            town.world.enter(town.world.submission(who, kind, body, **more))
        except (RefusedError, FormatError, SignatureError, ConflictError) as error:
            refusals.add(error.rule if isinstance(error, RefusedError) else type(error).__name__)
        except FengtuError as error:
            raise AssertionError((kind, body)) from error
        else:
            taken += 1
    assert len(refusals) > 40
    assert taken > count // 50


def test_everything_that_was_signed_stands_once() -> None:
    """The same acts under new ids are refused, each by what it moved already."""
    town = live()
    for actor, kind, body in list(town.signed):
        if kind in {"programme", "ticket-offer", "coupon-offer", "coins-funding"}:
            continue
        with pytest.raises(RefusedError):
            town.world.submit(actor, kind, body, expires_at_s=town.world.time_ms // 1000 + 60)
    with refused("releases.closed"):
        town.world.submit("county", "release", release(release="again", closes_s=CLOSES_S))
