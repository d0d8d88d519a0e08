"""Scarce rewards: a draw by a real round of drand that nobody can try twice, and turns that end by time alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st
from logged import logged
from mutations import check_mutations
from rewards import PROGRAMME, Town, coupons, name, terms, tickets
from rules import World, open_world, refused

from api.bundles import answer_bundle
from contracts.rewards.beacon import check_round, round_after, round_time_ms
from contracts.rewards.book import holder_of
from contracts.rewards.draws import Turn, draw_order, turn
from contracts.rewards.keys import account_key, release_key, wallet_key
from contracts.rewards.releases import PAGE_SIZE
from contracts.rulebook import rulebooks
from ledger.bundle import decode_bundle, encode_bundle
from ledger.errors import FormatError, NotFoundError, ProofError
from ledger.facts import public_position
from ledger.record import decode_record
from ledger.replay import replay
from ledger.rulebook import At
from verifiers.draw import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logged import Logged

    from verifiers.verdict import Verdict

HOUR_S = 3_600
ROUNDS = json.loads((Path(__file__).parent / "vectors" / "drand_quicknet.json").read_text())["rounds"]
ROUND = ROUNDS[-1]
CLOSES_S = ROUND["time_s"] - 120
OPENS_MS = (CLOSES_S - 3 * HOUR_S) * 1000
PEOPLE = [f"person {number}" for number in range(12)]


def release(**changes: Any) -> dict[str, Any]:
    """Return the body of a release of three coupons."""
    return {
        "programme": PROGRAMME,
        "release": "new-year",
        "offer": "hot-spring",
        "quantity": 3,
        "closes_s": CLOSES_S,
        "beacon": "quicknet",
        "round": ROUND["round"],
        "claim_s": HOUR_S,
        **changes,
    }


class Draw:
    """A town in September 2023, three hours before the round of the vectors, with a release.

    Attributes:
        town: the town.
        accounts: of its people.
        entries: of its people, by account.
    """

    def __init__(self, people: int = len(PEOPLE), world: World | None = None) -> None:
        world = world or open_world()
        world.time_ms = OPENS_MS
        self.town = Town(world)
        last = {"last_day": "2023-12-31", "open": False, "when": {}}
        world.submit("county", "coupon-offer", coupons("hot-spring", **last))
        world.submit("county", "release", release())
        self.accounts = [self.town.open(person) for person in PEOPLE[:people]]
        self.entries = {account: name(f"entry of {account}") for account in self.accounts}

    def enter(self, account: str, *, by: str = "", **more: Any) -> None:
        """Let somebody enter."""
        body = {"account": account, "release": "new-year", "entry": self.entries[account], **more}
        self.town.record(by or holder_of(account), "release-entry", **body)

    def draw(self, by: str = "county", **changes: Any) -> None:
        """Hand the round's value in."""
        body = {"programme": PROGRAMME, "release": "new-year", "signature": ROUND["signature"]}
        self.town.world.submit(by, "release-draw", {**body, "entries": sorted(self.entries.values()), **changes})

    def drawn(self) -> list[str]:
        """Let all enter, draw, and return the accounts in their order as a reader computes it."""
        for account in self.accounts:
            self.enter(account)
        self.town.world.time_ms = ROUND["time_s"] * 1000
        self.draw()
        by_entry = {entry: account for account, entry in self.entries.items()}
        seed = check_round("quicknet", ROUND["round"], ROUND["signature"])
        return [by_entry[entry] for entry in draw_order(seed, self.entries.values())]

    def claim(self, account: str, place: int, *, by: str = "", **more: Any) -> str:
        """Claim a win; return the coupon."""
        serial = name(f"prize {next(self.town.world.numbers)}")
        body = {"account": account, "release": "new-year", "entry": self.entries[account], "place": place}
        self.town.record(by or holder_of(account), "release-claim", serial=serial, **body | more)
        return serial


@pytest.mark.parametrize("one", ROUNDS, ids=lambda one: str(one["round"]))
def test_rounds_of_the_beacon(one: dict[str, Any]) -> None:
    """Real rounds of quicknet are taken at their number and no other; any change of a bit is not."""
    assert check_round("quicknet", one["round"], one["signature"]).hex() == one["randomness"]
    assert round_time_ms("quicknet", one["round"]) == one["time_s"] * 1000
    assert round_after("quicknet", one["time_s"] * 1000) == one["round"]
    assert round_after("quicknet", one["time_s"] * 1000 + 1) == one["round"] + 1
    with pytest.raises(ProofError):
        check_round("quicknet", one["round"] + 1, one["signature"])
    for at in range(0, 96, 7):
        digit = f"{int(one['signature'][at], 16) ^ 1:x}"
        with pytest.raises((ProofError, FormatError)):
            check_round("quicknet", one["round"], one["signature"][:at] + digit + one["signature"][at + 1 :])


def test_one_value_has_one_encoding() -> None:
    """The negated point, the point at infinity and points outside the group would be further tries."""
    data = bytes.fromhex(ROUND["signature"])
    negated = bytes([data[0] ^ 0x20]) + data[1:]
    infinity = bytes([0xC0]) + bytes(47)
    outside = bytes([0x80]) + bytes(46) + bytes([4])
    for bad in (negated, infinity, outside, bytes(48), b"\xff" * 48):
        with pytest.raises((ProofError, FormatError)):
            check_round("quicknet", ROUND["round"], bad.hex())


def test_the_round_is_named_before_anybody_knows_it() -> None:
    """A release whose round is due before its entries are closed and sealed could be made for its value."""
    draw = Draw()
    world = draw.town.world
    with refused("releases.round"):
        world.submit("county", "release", release(release="early", closes_s=CLOSES_S + 1))
    with refused("releases.closed"):
        world.submit("county", "release", release(release="over", closes_s=world.time_ms // 1000))
    with refused("releases.known"):
        world.submit("county", "release", release(round=ROUND["round"] + 1))
    with refused("releases.issuer"):
        world.submit("town", "release", release(release="other"))
    with refused("releases.offer"):
        world.submit("county", "release", release(release="many", quantity=51))
    unsold = tickets(guarantee={"by": "台銀", "until": "2030-01-01"})
    del unsold["given_months"]
    world.submit("town", "ticket-offer", unsold)
    with refused("releases.offer"):
        world.submit("town", "release", release(release="sold", offer="day-out"))


def test_one_person_enters_once() -> None:
    """While entries are open, under a name of its own; a station enters for those who have no phone."""
    draw = Draw()
    first, second, third = draw.accounts[:3]
    draw.enter(first)
    assert draw.town.world.get(wallet_key(first))["releases"] == ["new-year"]
    with refused("releases.entered"):
        draw.enter(first, entry=name("another"))
    with refused("releases.name"):
        draw.enter(second, entry=draw.entries[first])
    with refused("releases.holder"):
        draw.enter(second, by=holder_of(third))
    draw.enter(second, by="clinic")
    with refused("releases.unknown"):
        draw.enter(third, release="none")
    draw.town.world.time_ms = CLOSES_S * 1000 - 1
    draw.enter(third)
    draw.town.world.time_ms += 1
    with refused("releases.closed"):
        draw.enter(draw.accounts[3])


def test_nobody_can_try_the_draw_twice() -> None:
    """Before its time, with another round, without somebody, with somebody more or for a second time: not let in."""
    draw = Draw()
    for account in draw.accounts:
        draw.enter(account)
    entries = sorted(draw.entries.values())
    draw.town.world.time_ms = ROUND["time_s"] * 1000 - 1
    with refused("releases.early"):
        draw.draw()
    draw.town.world.time_ms += 1
    with refused("releases.seed"):
        draw.draw(signature=ROUNDS[0]["signature"])
    for wrong in (entries[1:], sorted([*entries, name("more")]), sorted([*entries[1:], name("x")]), entries[::-1]):
        with refused("releases.entries"):
            draw.draw(entries=wrong)
    with refused("releases.drawer"):
        draw.draw(by="tea")
    draw.draw()
    with refused("releases.drawn"):
        draw.draw()


def test_the_order_is_anyones_to_compute() -> None:
    """From the public record alone: the value is checked, the order follows, and the ledger holds the same pages."""
    draw = Draw()
    order = draw.drawn()
    page = draw.town.world.get(release_key(PROGRAMME, "new-year", 1))["entries"]
    assert page == [draw.entries[account] for account in order]
    seed = bytes.fromhex(ROUND["randomness"])
    slow = sorted(page, key=lambda one: hashlib.sha256(b"fengtu-draw/1\n" + seed + bytes.fromhex(one)).hexdigest())
    assert page == slow
    assert page != sorted(page)


def test_public_records_alone_give_the_same_draw() -> None:
    """Who replays the public log without the private facts comes to the same order."""
    draw = Draw(people=5)
    draw.drawn()
    state = draw.town.world.get(release_key(PROGRAMME, "new-year"))

    class PublicFacts:
        """What a replayer of the public log sees."""

        sees_private = False

        def get(self, key: bytes) -> Any:
            return {**state, "draw": None} if key == release_key(PROGRAMME, "new-year") else draw.town.world.get(key)

        def expect(self, keys: Any) -> None:
            raise AssertionError(keys)

    world = draw.town.world
    entries = sorted(draw.entries[account] for account in draw.accounts)
    body = {"programme": PROGRAMME, "release": "new-year", "signature": ROUND["signature"], "entries": entries}
    at = At(public_position(world.size), state["draw"]["record"], world.time_ms)
    changes = rulebooks()[1].apply(world.submission("county", "release-draw", body), PublicFacts(), at)
    for change in changes:
        assert change.value == world.get(change.key)


def test_a_replay_draws_again(tmp_path: Path) -> None:
    """Over a real log: with the private facts and without them the same draw comes out, seal by seal."""
    world = logged(tmp_path, start_ms=OPENS_MS)
    draw = Draw(people=6, world=world)
    order = draw.drawn()
    draw.claim(order[0], 0)
    world.log.seal()
    for public_only in (True, False):
        replay(world.store, world.log.fold, public_only=public_only)
    world.close()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Draw, Logged]]:
    """A draw over a real log, with a second release that is still open."""
    world = logged(tmp_path_factory.mktemp("drawn"), start_ms=OPENS_MS)
    draw = Draw(people=9, world=world)
    draw.drawn()
    later = {"release": "later", "closes_s": CLOSES_S + 86_400, "round": ROUND["round"] + 100_000}
    world.submit("county", "release", release(**later))
    yield draw, world
    world.close()


def bundle(world: Logged, which: str = "new-year") -> bytes:
    """Return the proof file of a draw."""
    with world.serving().view() as view:
        return answer_bundle(view, world.vault, {"kind": "draw", "programme": PROGRAMME, "release": which})


def judged(world: Logged, data: bytes) -> Verdict:
    """Return the verdict at the time of the world."""
    return verify(data, world.policy(), world.time_ms // 1000 + 5)


def test_a_draw_is_checked_offline(drawn: tuple[Draw, Logged]) -> None:
    """Whoever has the file draws again: the value by the beacon's key, the order by the entries."""
    draw, world = drawn
    verdict = judged(world, bundle(world))
    assert (verdict.kind, verdict.status) == ("operator", "drawn"), verdict.steps[-1]
    assert [step.name for step in verdict.steps][6:] == [
        "release",
        "value",
        "order",
        "particulars",
        "whole",
        "standing",
    ]
    assert verdict.facts["seed"] == ROUND["randomness"]
    assert verdict.facts["order"] == draw_order(bytes.fromhex(ROUND["randomness"]), list(draw.entries.values()))
    opened = judged(world, bundle(world, "later"))
    assert (opened.status, opened.facts["order"], opened.facts["seed"]) == ("open", [], None)
    with pytest.raises(NotFoundError):
        bundle(world, "none")


@pytest.mark.parametrize("kind", ["release", "release-draw", "coupon-offer"])
def test_a_draw_without_a_record_fails(drawn: tuple[Draw, Logged], kind: str) -> None:
    """The release, the value and what is released rest on signed records, or on nothing."""
    _, world = drawn
    opened = decode_bundle(bundle(world))
    kept = tuple(one for one in opened.records if decode_record(one.statement).kind != kind)
    assert len(kept) < len(opened.records)
    assert judged(world, encode_bundle(replace(opened, records=kept))).kind == "fails"


def test_mutations(drawn: tuple[Draw, Logged], tmp_path: Path) -> None:
    """Whatever is taken, changed or added, the verdict fails or says the same no more strongly."""
    _, world = drawn
    other = logged(tmp_path, start_ms=OPENS_MS)
    Draw(people=4, world=other).drawn()
    others = [bundle(other)]
    other.close()
    now, policy = world.time_ms // 1000 + 5, world.policy()
    count = soak("mutations of draws", 60, 3_006)
    check_mutations([bundle(world), bundle(world, "later")], others, lambda one: verify(one, policy, now), count)


def test_an_operator_who_draws_otherwise_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that write another order than the value gives do not pass."""
    world = logged(tmp_path, start_ms=OPENS_MS)
    with monkeypatch.context() as patch:
        patch.setattr("contracts.rewards.releases.draw_order", lambda _, entries: sorted(entries))
        Draw(people=5, world=world).drawn()
        with monkeypatch.context() as blind:
            blind.setattr("verifiers.draw.Answer._check_order", lambda _: "")
            data = bundle(world)
    verdict = judged(world, data)
    assert (verdict.kind, verdict.steps[-1].name) == ("fails", "order")
    world.close()


def test_winners_claim_in_their_turn() -> None:
    """Three of twelve first; what they leave goes on at the very millisecond, to exactly as many; then it is over."""
    draw = Draw()
    with refused("releases.not-drawn"):
        draw.claim(draw.accounts[0], 0)
    order = draw.drawn()
    coupon = draw.claim(order[1], 1)
    assert draw.town.held("coupon", coupon)["account"] == order[1]
    with refused("releases.claimed"):
        draw.claim(order[1], 1)
    with refused("releases.place"):
        draw.claim(order[3], 0)
    with refused("releases.wait"):
        draw.claim(order[3], 3)
    draw.town.world.time_ms += HOUR_S * 1000 - 1
    with refused("releases.wait"):
        draw.claim(order[3], 3)
    draw.town.world.time_ms += 1
    with refused("releases.lapsed"):
        draw.claim(order[0], 0)
    draw.claim(order[4], 4, by="clinic")
    with refused("releases.wait"):
        draw.claim(order[5], 5)
    draw.town.world.time_ms += HOUR_S * 1000
    draw.claim(order[5], 5)
    draw.town.world.time_ms += HOUR_S * 1000
    with refused("releases.wait"):
        draw.claim(order[6], 6)
    assert draw.town.stock("hot-spring")["number"] == 3


def test_tickets_are_released_too() -> None:
    """What is won is a ticket that was given: it ends, and is not paid back."""
    draw = Draw()
    world = draw.town.world
    free = tickets(number=3, per_person=1, guarantee={"by": "台銀", "until": "2030-01-01"})
    world.submit("town", "ticket-offer", free)
    world.submit("town", "release", release(release="days", offer="day-out"))
    for account in draw.accounts:
        draw.enter(account, release="days", entry=draw.entries[account])
    world.time_ms = ROUND["time_s"] * 1000
    draw.draw(by="town", release="days")
    first = world.get(release_key(PROGRAMME, "days", 1))["entries"][0]
    account = next(one for one, entry in draw.entries.items() if entry == first)
    ticket = draw.claim(account, 0, release="days")
    assert not draw.town.held("ticket", ticket)["paid"]


def test_a_large_release_has_pages() -> None:
    """A claim reads one page of the order, whatever the number of entries."""
    seed, entries = bytes(32), [name(str(number)) for number in range(1_000)]
    order = draw_order(seed, entries)
    assert sorted(order) == sorted(entries)
    pages = [order[at : at + PAGE_SIZE] for at in range(0, len(order), PAGE_SIZE)]
    assert [len(page) for page in pages] == [256, 256, 256, 232]


@given(st.integers(1, 5), st.integers(0, 20), st.lists(st.integers(0, 5), max_size=12), st.integers(0, 14))
def test_turns_against_a_slow_count(quantity: int, entries: int, wishes: list[int], number: int) -> None:
    """A queue that is walked entry by entry gives the same turns: nobody is skipped, nothing is claimed twice."""
    claims: dict[int, int] = {}
    queue, left, offered = list(range(entries)), quantity, list[int]()
    for at in range(number + 1):
        if at and (left == 0 or not queue):
            offered = []
        else:
            offered, queue = queue[:left], queue[left:]
        now = turn(quantity, 1_000, 0, claims, at * 1_000 + 999, entries=entries)
        assert [place for place in range(now.first, now.last) if place < entries] == offered
        if offered:
            claims[now.number] = min(wishes[at] if at < len(wishes) else 0, len(offered))
            left -= claims[now.number]
    assert 0 <= left <= quantity
    assert turn(1, 1_000, 0, {}, 500, entries=1) == Turn(0, 0, 1, 1_000)


def test_an_entry_says_nothing_of_who_entered() -> None:
    """What is public of a release holds random names and no account."""
    draw = Draw()
    draw.drawn()
    public = b"".join(
        draw.town.world.facts[release_key(PROGRAMME, "new-year", page)] for page in (0, 1)
    )  # fmt: skip
    for account in draw.accounts:
        assert account.encode() not in public
        assert draw.town.world.get(account_key(account))["person"].encode() not in public
    assert terms()["programme"].encode() in public
