"""A lying operator: what its log may write into the map or sign itself, and at which step the verdict finds it.

The operator holds every key of the log, so its seals and checkpoints are good. What it cannot make is the signatures of
others, and what they signed has to give what its map says.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from agreements import AGREEMENT, open_deal
from conftest import soak
from farms import GTIN, Farms, close_farms, open_farms
from lies import Lies
from logged import logged
from rewards import PROGRAMME
from test_coins_verdicts import live, question
from test_settlement import season

from api.bundles import ANSWERS, make_bundle, read_answer
from api.live import LiveSource
from contracts.keys import certificate_key, lot_key, product_key, site_key
from contracts.rulebook import Rules
from ledger.facts import Change
from verifiers import account, settlement
from verifiers.product import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from verifiers.verdict import Verdict

QUESTION = {"kind": "product", "gtin": GTIN, "lot": "L1"}


class _Lying(Rules):
    """Rules of an operator who writes facts of its own beside those of a record."""

    lies: tuple[Change, ...] = ()

    def apply(self, *arguments: Any) -> list[Change]:
        return [*super().apply(*arguments), *self.lies]


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world with a season on lot L1, a correction in it, and a certificate that was suspended."""
    farms = open_farms(tmp_path)
    farms.season()
    wrong = farms.event("L1", "shipping", 100)
    farms.submit("farm-1", "event", wrong)
    declared = {**wrong, "errorDeclaration": {"declarationTime": wrong["eventTime"], "reason": "incorrect_data"}}
    farms.submit("farm-1", "event", declared)
    farms.submit("lab", "certificate-status", {"number": "C-1", "status": "suspended", "reason": "未複驗"})
    yield farms
    close_farms(farms)


def lied_to(farms: Farms, lie: Callable[[dict[bytes, Any]], dict[bytes, Any]]) -> Verdict:
    """Return the verdict on the bundle of an operator who makes its software look away.

    Args:
        farms: the world.
        lie: the facts that the operator writes, from those that the honest answer rests on.
    """
    with farms.serving().view() as view:
        _, honest = read_answer(view, ANSWERS["product"], QUESTION)
        facts = {key: view.fact(key) for pairs in honest.prefixes.values() for key, _ in pairs}
        facts |= {key: view.fact(key) for key in honest.keys}
    rules = _Lying()
    rules.lies = tuple(Change(key, value) for key, value in lie(facts).items())
    farms.log.fold.rulebooks = {1: rules}
    farms.submit("farm-1", "event", farms.event("L7", "water"))
    with farms.serving().view() as view:
        source = LiveSource(view)
        for prefix in honest.prefixes:
            source.prefix(prefix)
        for key in honest.keys:
            source.fact(key)
        source.expect(honest.entries)
        return verify(make_bundle(source, QUESTION, {}), farms.policy(), int(time.time()))


def _lot(number: int = 0) -> bytes:
    return lot_key(GTIN, "L1", number)


def _doubled_harvest(facts: dict[bytes, Any]) -> dict[bytes, Any]:
    head, harvest = facts[_lot()], facts[_lot(3)]
    amounts = {"g": [2 * 1_200_000, *head["amounts"]["g"][1:]]}
    return {_lot(head["acts"] + 1): harvest, _lot(): {**head, "acts": head["acts"] + 1, "amounts": amounts}}


LIES: dict[str, tuple[str, Callable[[dict[bytes, Any]], dict[bytes, Any]]]] = {
    "nothing but the truth": ("", lambda _: {}),
    "one harvest counted twice": ("history", _doubled_harvest),
    "acts in another order": ("history", lambda facts: {_lot(2): facts[_lot(3)], _lot(3): facts[_lot(2)]}),
    "a word more in an act": ("history", lambda facts: {_lot(3): {**facts[_lot(3)], "organic": True}}),
    "an act that corrects another": ("history", lambda facts: {_lot(3): {**facts[_lot(3)], "corrects": 2}}),
    "a correction of another act": ("history", lambda facts: {_lot(8): {**facts[_lot(8)], "corrects": 5}}),
    "a correction of itself": ("history", lambda facts: {_lot(8): {**facts[_lot(8)], "corrects": 8}}),
    "a word more in the state": ("history", lambda facts: {_lot(): {**facts[_lot()], "organic": True}}),
    "a lot of no acts": ("history", lambda facts: {_lot(): {**facts[_lot()], "acts": 0}}),
    "a state that is a number": ("history", lambda _: {_lot(): 7}),
    "a state without members": ("history", lambda _: {_lot(): {}}),
    "an act that is a list": ("history", lambda _: {_lot(3): []}),
    "acts counted in words": ("history", lambda facts: {_lot(): {**facts[_lot()], "acts": "nine"}}),
    "a record at no index": ("history", lambda facts: {_lot(3): {**facts[_lot(3)], "record": -1}}),
    "a record that is text": ("history", lambda facts: {_lot(3): {**facts[_lot(3)], "record": "17"}}),
    "a certificate that nobody prolonged": (
        "particulars",
        lambda facts: {certificate_key("C-1"): {**facts[certificate_key("C-1")], "valid_until": "2031-12-31"}},
    ),
    "a suspension taken back by nobody": (
        "particulars",
        lambda facts: {certificate_key("C-1"): {**facts[certificate_key("C-1")], "state": "valid"}},
    ),
    "a suspension left out": (
        "particulars",
        lambda facts: {certificate_key("C-1"): {**facts[certificate_key("C-1")], "state": "valid", "acts": 1}},
    ),
    "a certificate that is text": ("particulars", lambda _: {certificate_key("C-1"): "valid"}),
    "a site in another county": (
        "particulars",
        lambda facts: {site_key("S-1"): {**facts[site_key("S-1")], "county": "花蓮縣"}},
    ),
    "a site signed by another record": (
        "particulars",
        lambda facts: {site_key("S-1"): {**facts[site_key("S-1")], "record": facts[product_key(GTIN)]["record"]}},
    ),
    "a product of another name": (
        "particulars",
        lambda facts: {product_key(GTIN): {**facts[product_key(GTIN)], "name": {"zh-TW": "有機毛豆"}}},
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_in_the_map(farms: Farms, name: str) -> None:
    """What the map says of a lot, its site, product and certificates is what others signed, or the verdict fails."""
    step, lie = LIES[name]
    verdict = lied_to(farms, lie)
    if step:
        assert (verdict.kind, verdict.status, verdict.facts) == ("fails", "unknown", {})
        assert verdict.steps[-1].name == step, verdict.steps[-1]
    else:
        assert (verdict.kind, verdict.status) == ("operator", "active"), verdict.steps[-1]
        assert verdict.facts["certificates"][0]["state"] == "suspended"


def test_random_lies_on_a_product(farms: Farms) -> None:
    """Wherever the map is changed, the verdict does not say it: but who is called what, which a replayer bears out."""
    carrier = ("farm-1", "event", farms.event("L7", "water"))
    lies = Lies(farms, QUESTION, carrier, private=False)
    count = soak("lies on a product", 40, 1_000)
    lies.check(lambda data: verify(data, farms.policy(), int(time.time())), count, by_word=("actors",))


def test_random_lies_on_an_account(tmp_path: Path) -> None:
    """No coin, lot, hold or sum is said that its acts do not give; the wallet's tickets are the private map's word."""
    lived = live(logged(tmp_path))
    world = lived.world
    carrier = ("county", "coins-funding", {"programme": PROGRAMME, "issuer": "county", "amount": 1})
    lies = Lies(world, question("account", lived.anna), carrier, private=True)
    count = soak("lies on an account", 40, 1_000)
    by_word = ("tickets", "coupons", "releases")
    lies.check(lambda data: account.verify(data, world.policy(), world.time_ms // 1000 + 5), count, by_word=by_word)
    world.close()


def test_random_lies_on_an_agreement(tmp_path: Path) -> None:
    """No weight, price, sum or day of the private map is said that its acts do not give."""
    world = logged(tmp_path)
    season(open_deal(world=world))
    carrier = ("farm-1", "private-erasure", {"digest": "A" * 43, "authority": "a", "reason": "b"})
    lies = Lies(world, {"kind": "settlement", "agreement": AGREEMENT}, carrier, private=True)
    count = soak("lies on an agreement", 30, 1_000)
    lies.check(lambda data: settlement.verify(data, world.policy(), world.time_ms // 1000 + 5), count)
    world.close()
