"""Mutations of bundles: whatever is taken, changed or added, the verdict fails or says the same no more strongly.

    check_mutations(bundles, others, lambda data: verify(data, policy, now), count, seed)

A mutation gets the bundle's file, other bundles to take parts from, and the random numbers.
"""

from __future__ import annotations

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from typing import TYPE_CHECKING, Any

from ledger.errors import FormatError
from verifiers.verdict import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from verifiers.verdict import Verdict

Members = dict[str, Any]


def dump(members: Members) -> bytes:
    """Return the one encoding of a bundle's members."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def lists(members: Members) -> list[list[Any]]:
    """Return the lists of a bundle that hold something, in a fixed order."""
    found = [members["records"], members["seals"], members["private"]]
    found += [one["proof"] for one in (*members["records"], *members["seals"])]
    found += [one["path"] for one in members["private"]]
    found += [one["disclosures"] for one in (*members["records"], *members["private"])]
    for map_ in maps(members):
        found += [map_["facts"], map_["prefixes"]]
        found += [one[name] for one in map_["prefixes"] for name in ("pairs", "blinds") if name in one]
    return [one for one in found if one]


def maps(members: Members) -> list[dict[str, Any]]:
    """Return the maps of which a bundle shows something."""
    return [one for one in (members["public_map"], members["private_map"]) if one is not None]


def texts(members: Members) -> list[tuple[dict[str, Any] | list[Any], Any]]:
    """Return where a bundle's bytes stand in base64url: container and key."""
    found: list[tuple[Any, Any]] = []
    for one in (members["genesis"], *members["records"], *members["seals"]):
        found.append((one, "statement"))
        found += [(one["proof"], i) for i in range(len(one["proof"]))]
    for private in members["private"]:
        found += [(private, name) for name in ("leaf", "salt")]
        found += [(private["path"], i) for i in range(len(private["path"]))]
    for map_ in maps(members):
        found += [(map_, name) for name in ("root", "salt") if name in map_]
        for fact in map_["facts"]:
            found += [(fact, name) for name in ("key", "value", "proof", "blind") if fact.get(name)]
        for prefix in map_["prefixes"]:
            found += [(prefix, name) for name in ("prefix", "proof") if prefix[name]]
            found += [(pair, i) for pair in prefix["pairs"] for i in (0, 1)]
            found += [(prefix["blinds"], i) for i in range(len(prefix.get("blinds", ())))]
    return found


def signed(members: Members) -> list[dict[str, Any]]:
    """Return the bundle's records and seals, private ones too."""
    return [*members["records"], *members["seals"], *members["private"]]


def flip_file(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One bit of the file."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def flip_part(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One bit of a statement, proof, fact or key, in a file that is well-formed again."""
    members = json.loads(data)
    place, key = rng.choice(texts(members))
    part = bytearray(urlsafe_b64decode(place[key] + "=="))
    part[rng.randrange(len(part))] ^= 1 << rng.randrange(8)
    place[key] = urlsafe_b64encode(part).decode().rstrip("=")
    return dump(members)


def flip_document(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One character of a document."""
    members = json.loads(data)
    one = rng.choice([members["genesis"], *signed(members)])
    at = rng.randrange(len(one["document"]))
    one["document"] = one["document"][:at] + chr(32 + rng.randrange(95)) + one["document"][at + 1 :]
    return dump(members)


def flip_checkpoint(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One character of the checkpoint or its signatures, or one of its lines left out."""
    members = json.loads(data)
    text = members["checkpoint"]
    if rng.random() < 0.5:
        lines = text.split("\n")
        del lines[rng.randrange(len(lines))]
        members["checkpoint"] = "\n".join(lines)
    else:
        at = rng.randrange(len(text))
        members["checkpoint"] = text[:at] + chr(32 + rng.randrange(95)) + text[at + 1 :]
    return dump(members)


def remove(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One member of one list."""
    members = json.loads(data)
    chosen = rng.choice(lists(members))
    del chosen[rng.randrange(len(chosen))]
    return dump(members)


def swap(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """Two members of one list, or one field between two records."""
    members = json.loads(data)
    chosen = rng.choice([one for one in lists(members) if len(one) > 1])
    i, j = rng.sample(range(len(chosen)), 2)
    if isinstance(chosen[i], dict) and rng.random() < 0.6:
        name = rng.choice(sorted(chosen[i]))
        chosen[i][name], chosen[j][name] = chosen[j][name], chosen[i][name]
    else:
        chosen[i], chosen[j] = chosen[j], chosen[i]
    return dump(members)


def repeat(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """One member of one list once more."""
    members = json.loads(data)
    chosen = rng.choice(lists(members))
    chosen.insert(rng.randrange(len(chosen) + 1), rng.choice(chosen))
    return dump(members)


def from_another(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A part of another bundle (of another lot, of an earlier seal) in the place of ours, or beside it."""
    members, other = json.loads(data), json.loads(rng.choice(others))
    kind = rng.randrange(4)
    if kind == 0:
        name = rng.choice(sorted(set(members) - {"format"}))
        members[name] = other[name]
    elif kind == 1:
        rng.choice(maps(members))[rng.choice(["facts", "prefixes"])] = rng.choice(maps(other))[
            rng.choice(["facts", "prefixes"])
        ]
    else:
        name = rng.choice([one for one in ("records", "seals", "private") if members[one] and other[one]])
        at = rng.randrange(len(members[name]))
        members[name][at : at + (kind == 2)] = [rng.choice(other[name])]
    return dump(members)


def unknown_member(data: bytes, _: list[bytes], rng: random.Random) -> bytes:
    """A member too many, or one of another type, somewhere."""
    members = json.loads(data)
    place = rng.choice([members, *maps(members), members["question"], rng.choice(signed(members))])
    place[rng.choice(["x", *sorted(place)])] = rng.choice([None, 1, "x", [], {}, [[]]])
    return dump(members)


MUTATIONS: list[Callable[[bytes, list[bytes], random.Random], bytes]] = [
    flip_file, flip_part, flip_document, flip_checkpoint, remove, swap, repeat, from_another, unknown_member,
]  # fmt: skip


def check_mutations(
    bundles: Sequence[bytes],
    others: Sequence[bytes],
    verify: Callable[[bytes], Verdict],
    count: int,
    seed: int = 20261123,
) -> None:
    """Check that no mutation says more: refused, or the same status and facts with the same or a weaker kind.

    Args:
        bundles: those that are mutated.
        others: those that parts are taken from, beside the other ones of `bundles`.
        verify: the verdict, under one policy at one time.
        count: how many mutations; the classes take turns.
        seed: of the random numbers.
    """
    verdicts = [verify(one) for one in bundles]
    rng = random.Random(seed)
    refused: Counter[str] = Counter()
    for number in range(count):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        which = rng.randrange(len(bundles))
        original, expected = bundles[which], verdicts[which]
        data = mutate(original, [*others, *(one for one in bundles if one is not original)], rng)
        if data == original:
            continue
        try:
            verdict = verify(data)
        except FormatError:
            refused[mutate.__name__] += 1
            continue
        if verdict.kind == "fails":
            refused[mutate.__name__] += 1
            assert not verdict.facts
            assert verdict.steps[-1].expected is not None or verdict.steps[-1].got is not None
            continue
        if json.loads(data)["question"] != json.loads(original)["question"]:
            continue  # it answers another question, by parts that are all of that one
        assert KINDS.index(verdict.kind) <= KINDS.index(expected.kind), mutate.__name__
        assert (verdict.status, verdict.facts) == (expected.status, expected.facts), mutate.__name__
    assert all(refused[mutate.__name__] > 0 for mutate in MUTATIONS)
