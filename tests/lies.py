"""Random lies: an operator writes something else into the map where an answer looks, and seals it well.

    Lies(world, question, carrier).check(verify, now_s, count)

What a verdict rests on is taken from an honest answer; a lie changes, adds or takes away one member somewhere in one of
those facts. The verdict fails, or says what it said before: it never says the lie, and never breaks.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from api.bundles import ANSWERS, make_bundle, read_answer
from api.live import LiveSource
from contracts.rulebook import Rules
from ledger import cbor
from ledger.facts import Change
from ledger.rulebook import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.log import Log
    from ledger.serving import Serving
    from ledger.signature import SigningKey
    from verifiers.verdict import Verdict

JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**53, "", "x", "9", b"", bytes(16), [], {}, [[]], {"a": 1}, [1, 2, 3], "2031-01-01",
)  # fmt: skip


class World(Protocol):
    """A world over a log."""

    log: Log
    keys: dict[str, SigningKey]

    def serving(self) -> Serving:
        """Seal, and return what is served as of the seal."""

    def policy(self) -> bytes:
        """Return a policy that trusts this log by its operator's word."""

    def submit(self, actor: str, kind: str, body: dict[str, Any]) -> Any:
        """Submit a record."""


class Liar(Rules):
    """Rules that let anything in and write what they are told."""

    def __init__(self, signer: Signer, changes: tuple[Change, ...]) -> None:
        self._signer, self._changes = signer, changes

    def check(self, *_: Any) -> None:
        """Look away."""

    def signer(self, *_: Any) -> Signer:
        """Whoever hands the carrier in, whatever the map says of its key."""
        return self._signer

    def apply(self, *_: Any) -> list[Change]:
        """Write the lie."""
        return list(self._changes)


@dataclass
class Lies:
    """The facts that an answer rests on, and what tells lies about them.

    Attributes:
        world: the world.
        question: what is asked.
        carrier: actor, kind and body of a record of the map in which the lies stand.
        private: whether that is the private map.
    """

    world: World
    question: dict[str, str]
    carrier: tuple[str, str, dict[str, Any]]
    private: bool
    facts: dict[bytes, tuple[Any, str | None]] = field(init=False, default_factory=dict)
    honest: LiveSource = field(init=False)

    def __post_init__(self) -> None:
        with self.world.serving().view() as view:
            _, self.honest = read_answer(view, ANSWERS[self.question["kind"]], self.question)
            if self.private:
                changes = [one for under in self.honest.private_prefixes.values() for one in under]
                changes += [one for one in self.honest.private_keys.values() if one is not None]
                self.facts = {one.key: (cbor.decode(one.value), one.holder) for one in changes}
                return
            keys = [*(key for pairs in self.honest.prefixes.values() for key, _ in pairs), *self.honest.keys]
            self.facts = {key: (view.fact(key), None) for key in keys if view.fact(key) is not None}

    def told(self, lie: dict[bytes, Any]) -> bytes:
        """Return the bundle of a world in which all facts are as they were but for a lie."""
        actor, kind, body = self.carrier
        changes = tuple(
            Change(key, lie.get(key, value), holder=holder, private=self.private)
            for key, (value, holder) in self.facts.items()
        )
        signer = Signer(actor, self.world.keys[actor].public_key)
        self.world.log.fold.rulebooks = {1: Liar(signer, changes)}
        self.world.submit(actor, kind, body)
        with self.world.serving().view() as view:
            source = LiveSource(view)
            for prefix in self.honest.prefixes:
                source.prefix(prefix)
            for key in self.honest.keys:
                source.fact(key)
            for prefix in self.honest.private_prefixes:
                source.private_prefix(prefix)
            for key in self.honest.private_keys:
                source.private_fact(key)
            source.expect(self.honest.entries)
            source.expect_private(self.honest.private_records)
            return make_bundle(source, self.question, {})

    def check(self, verify: Callable[[bytes], Verdict], count: int, *, by_word: tuple[str, ...] = ()) -> None:
        """Check that no lie is said.

        Args:
            verify: the verdict.
            count: how many lies.
            by_word: members of the facts that are the map's own word, which only a replayer bears out.
        """
        rng = random.Random(20261127)
        left_out = {*by_word, "as_of_ms"}
        truth = verify(self.told({}))
        assert truth.kind == "operator", truth.steps[-1]
        kinds: Counter[str] = Counter()
        for _ in range(count):
            key = rng.choice(sorted(self.facts))
            lie = changed(self.facts[key][0], rng)
            verdict = verify(self.told({key: lie}))
            kinds[verdict.kind] += 1
            if verdict.kind == "fails":
                assert (verdict.facts, verdict.status) == ({}, "unknown")
                continue
            said, before = (
                {name: value for name, value in one.facts.items() if name not in left_out} for one in (verdict, truth)
            )
            assert (verdict.status, said) == (truth.status, before), (key.hex(), lie)
        assert kinds["fails"] > count // 2, kinds


def changed(value: Any, rng: random.Random) -> Any:
    """Return a fact in which one member, somewhere, is another or gone."""
    path = rng.choice(list(_paths(value)))
    if not path:
        return rng.choice(JUNK)
    lie = copy.deepcopy(value)
    place = lie
    for step in path[:-1]:
        place = place[step]
    if rng.random() < 0.2:
        del place[path[-1]]
    else:
        place[path[-1]] = rng.choice(JUNK)
    return lie


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _paths(value[step], (*path, step))
