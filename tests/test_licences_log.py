"""Licences over a real log: what held when is read from its first record on, and replay gives the same state."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from licence_model import slow_state
from rules import DAY_MS, START_MS
from studio import open_logged, world_of
from test_royalty_accounts import ROYALTY, open_account, state_sales

from contracts.licences import profile
from contracts.licences.life import STATES, known_on, standing, weakest
from ledger.document import decode_document
from ledger.errors import RefusedError
from ledger.record import decode_record
from ledger.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from licences import Studio
    from logged import Logged


def records(world: Logged) -> Iterator[tuple[str, dict[str, Any], bytes, int]]:
    """Yield kind, body, document hash and time of each public record of the log."""
    head = world.store.head()
    assert head is not None
    for entry in (world.store.entry(index) for index in range(1, head.size)):
        if not entry.is_seal:
            data = world.store.documents([entry.document_hash])[entry.document_hash]
            yield decode_record(entry.statement).kind, decode_document(data).body, entry.document_hash, entry.time_ms


def lives(world: Logged) -> dict[str, tuple[str | None, list[dict[str, Any]]]]:
    """Return the licence above each licence, and the acts of its life, from the documents of the log alone."""
    found: dict[str, tuple[str | None, list[dict[str, Any]]]] = {}
    signatures: Counter[bytes] = Counter()
    for kind, body, document, time_ms in records(world):
        signatures[document] += 1
        if kind == "licence" and signatures[document] == len(body["signers"]):
            terms = profile.decode(body["policy"])
            found[terms.licence] = terms.parent, [{
                "kind": kind, "time_ms": time_ms, "first": terms.scope.first, "last": terms.scope.last,
                "sell_off_days": terms.sell_off_days, "filing": terms.exclusive and terms.work == "W-2",
            }]  # fmt: skip
        elif kind in {"licence-filing", "licence-suspension", "licence-resumption", "licence-revocation"}:
            acts = found[body["licence"]][1]
            act = {**body, "kind": kind, "time_ms": time_ms}
            if kind == "licence-revocation":
                before = next(one["sell_off_days"] for one in reversed(acts) if "sell_off_days" in one)
                act["sell_off_days"] = 0 if body["reason"] in {"breach", "cultural-harm"} else before
            acts.append(act)
    return found


def live(studio: Studio, rng: random.Random, steps: int) -> None:
    """Let anybody try anything for some months; what the rules refuse does not happen."""
    names: list[str] = []

    def grant() -> None:
        name, work = f"L-{len(names)}", rng.choice(["W-1", "W-2"])
        first = rng.randint(0, 20)
        scope = studio.scope(
            first, rng.choice([None, first + rng.randint(0, 60)]), fields=(rng.choice(["toys", "games", "packaging"]),)
        )
        terms = studio.terms(name, work, scope=scope, exclusive=rng.random() < 0.3, sublicensing=True)
        studio.grant(terms, *(("panay", "tea") if work == "W-1" else ("hana", "rima", "tea")))
        names.append(name)

    def sublicense() -> None:
        name, parent = f"L-{len(names)}", rng.choice(names)
        state = studio.state(parent)
        to = rng.choice([one for one in ("tea", "cloth", "press") if one != state["licensee"]])
        limits = state["use"]
        scope = studio.scope(max(0, rng.randint(-3, 10)), rng.choice([None, 12, 30]), fields=tuple(limits["fields"]))
        terms = studio.sublicence(name, parent, state["licensee"], to, work=state["work"], scope=scope, sell_off_days=3)
        studio.grant(replace(terms, sublicensing=True), state["licensee"], to)
        names.append(name)

    def file() -> None:
        studio.act("council", "licence-filing", licence=rng.choice(names), number="1")

    def grantor(name: str) -> str:
        state = studio.state(name)
        if state["parent"] is not None:
            return str(studio.state(state["parent"])["licensee"])
        return "panay" if state["work"] == "W-1" else "rima"

    def suspend() -> None:
        name = rng.choice(names)
        kind = rng.choice(["licence-suspension", "licence-resumption"])
        more = {"reason": "…"} if kind == "licence-suspension" else {}
        studio.act(grantor(name), kind, **{"licence": name, "from": studio.day(rng.randint(1, 9)), **more})

    def revoke() -> None:
        name, reason = rng.choice(names), rng.choice(["breach", "surrender"])
        by = studio.state(name)["licensee"] if reason == "surrender" else grantor(name)
        studio.revoke(name, by, rng.randint(0, 12), reason)

    acts: list[Callable[[], None]] = [grant, sublicense, sublicense, file, suspend, suspend, revoke]
    for _ in range(steps):
        with suppress(RefusedError):
            (rng.choice(acts) if names else grant)()
        studio.later(rng.choice([0, 0, 1, 3]))


@pytest.mark.parametrize("seed", range(soak("logs of licences", 4, 60)))
def test_valid_on_a_day_as_known_on_a_day(tmp_path: Path, seed: int) -> None:
    """A verdict that trusts the folded facts would differ from what the records of the log say."""
    rng, studio = random.Random(seed), open_logged(tmp_path)
    live(studio, rng, 70)
    found = lives(world_of(studio))
    span = -(-(studio.world.time_ms - START_MS) // DAY_MS)
    facts = {name: studio.acts(name) for name in found}
    seen: Counter[str] = Counter()
    for name in found:
        line: list[str] = []
        above: str | None = name
        while above is not None:
            line.append(above)
            above = found[above][0]
        for _ in range(60):
            day, known = studio.day(rng.randint(-span - 2, 60)), studio.day(rng.randint(-span - 2, 3))
            slow = max((slow_state(found[one][1], day, known) for one in line), key=STATES.index)
            assert weakest([standing(known_on(facts[one], known), day) for one in line]).state == slow, (
                name,
                day,
                known,
            )
            seen[slow] += 1
    assert len(found) >= 6
    assert {"active", "unknown", "early", "suspended"} <= set(seen)
    world_of(studio).close()


def test_replay_gives_the_same_state(tmp_path: Path) -> None:
    """Public facts follow from public records alone; accounts of royalties from those who hold the documents."""
    studio = open_logged(tmp_path)
    live(studio, random.Random(9), 30)
    studio.grant(studio.terms("R-1", royalty=ROYALTY, scope=studio.scope(territories=("JP",))))
    studio.produce("R-1", "P-1", 100, scope={"territories": ["JP"]})
    open_account(studio, licence="R-1")
    studio.later(31)
    state_sales(studio, 1, {"pieces": 90, "gross": 900_000}, licence="R-1")
    world = world_of(studio)
    world.log.seal()
    replay(world.store, world.log.fold)
    replay(world.store, world.log.fold, public_only=True)
    world.close()
