"""The facts of a bundle, proved against a map's root: what was shown under a key, under a prefix, or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import cbor
from ledger.blind import private_value
from ledger.errors import ProofError
from ledger.facts import KEY_SIZE, PREFIX_BITS, PREFIX_SIZE
from ledger.seal import blinded_root
from ledger.statemap import check_absence, check_prefix, check_presence
from verifiers.source import by_sequence

if TYPE_CHECKING:
    from ledger.bundle import BundledFact, BundledMap, BundledPrefix, BundledPrivateMap
    from ledger.seal import Seal


class ProvedMap:
    """What a bundle shows of one map. It knows what it was asked for, so that what is beyond the question is noticed.

    Attributes:
        name: `public` or `private`, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._prefixes: dict[bytes, dict[int, Any]] = {}
        self._facts: dict[bytes, Any] = {}
        self._asked: set[bytes] = set()

    def prefix(self, prefix: bytes) -> dict[int, Any]:
        """Return all values under a proved prefix, by sequence."""
        self._asked.add(prefix)
        if prefix not in self._prefixes:
            raise ProofError("the bundle", expected=f"all {self.name} facts under {prefix.hex()}", got="none")
        return self._prefixes[prefix]

    def fact(self, key: bytes) -> Any | None:
        """Return the value of a proved fact."""
        self._asked.add(key)
        if key not in self._facts:
            raise ProofError("the bundle", expected=f"the {self.name} fact {key.hex()}", got="none")
        return self._facts[key]

    @property
    def was_asked(self) -> bool:
        """Say whether anything was asked of it."""
        return bool(self._asked)

    def check_used(self) -> None:
        """Check that everything was asked for.

        Raises:
            ProofError: something was not.
        """
        for what, parts in (("prefix", self._prefixes), ("fact", self._facts)):
            for part in parts:
                if part not in self._asked:
                    got = f"the {self.name} {what} {part.hex()}"
                    raise ProofError("the bundle", expected="nothing beyond the question", got=got)

    def __str__(self) -> str:
        return f"{len(self._facts)} {self.name} facts, {len(self._prefixes)} prefixes"

    def add_fact(self, root: bytes, fact: BundledFact, value: bytes | None) -> None:
        """Prove one fact; `value` is what the map holds for it."""
        if len(fact.key) != KEY_SIZE or fact.key in self._facts:
            raise ProofError("a fact's key", expected=f"{KEY_SIZE} bytes, once", got=fact.key.hex()[:80])
        if fact.value is None or value is None:
            check_absence(root, fact.key, fact.proof)
            self._facts[fact.key] = None
        else:
            check_presence(root, fact.key, value, fact.proof)
            self._facts[fact.key] = cbor.decode(fact.value)

    def add_prefix(self, root: bytes, prefix: BundledPrefix, values: list[bytes]) -> None:
        """Prove that these are all facts under a prefix; `values` are what the map holds for them."""
        if len(prefix.prefix) != PREFIX_SIZE or prefix.prefix in self._prefixes:
            raise ProofError("a prefix", expected=f"{PREFIX_SIZE} bytes, once", got=prefix.prefix.hex()[:80])
        keys = [key for key, _ in prefix.pairs]
        for key in keys:
            if len(key) != KEY_SIZE:
                raise ProofError("a fact's key", expected=f"{KEY_SIZE} bytes", got=f"{len(key)} bytes")
        if keys != sorted(keys):
            raise ProofError("the facts of a prefix", expected="their keys' order")
        check_prefix(root, prefix.prefix, PREFIX_BITS, list(zip(keys, values, strict=True)), prefix.proof)
        self._prefixes[prefix.prefix] = by_sequence((key, cbor.decode(value)) for key, value in prefix.pairs)


def open_public(shown: BundledMap, seal: Seal) -> ProvedMap:
    """Prove the public facts of a bundle under a seal.

    Raises:
        ProofError: a fact is not of that map.
        FormatError: a proof or a value cannot be read.
    """
    found = ProvedMap("public")
    for prefix in shown.prefixes:
        found.add_prefix(seal.public_root, prefix, [value for _, value in prefix.pairs])
    for fact in shown.facts:
        found.add_fact(seal.public_root, fact, fact.value)
    return found


def open_private(shown: BundledPrivateMap | None, seal: Seal) -> ProvedMap:
    """Prove the private facts of a bundle under a seal: the salt opens the seal's root, a blind each fact.

    Raises:
        ProofError: a fact is not of that map, or the root is not the seal's.
        FormatError: a proof, a salt, a blind or a value cannot be read.
    """
    found = ProvedMap("private")
    if shown is None:
        return found
    opened = blinded_root(shown.salt, shown.root, 0)
    if opened != seal.private_root:
        raise ProofError("the private map's root", expected=seal.private_root.hex(), got=opened.hex())
    for prefix in shown.prefixes:
        blinds = prefix.blinds or ()
        if len(blinds) != len(prefix.pairs):
            raise ProofError("a private prefix", expected=f"{len(prefix.pairs)} blinds", got=len(blinds))
        values = [private_value(blind, value) for blind, (_, value) in zip(blinds, prefix.pairs, strict=True)]
        found.add_prefix(shown.root, prefix, values)
    for fact in shown.facts:
        if (fact.value is None) != (fact.blind is None):
            raise ProofError("a private fact", expected="a value with its blind, or neither")
        value = None if fact.value is None or fact.blind is None else private_value(fact.blind, fact.value)
        found.add_fact(shown.root, fact, value)
    return found
