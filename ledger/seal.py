"""Seals: the log's own records of times and roots (formats.md, Seal). Every published checkpoint ends in one.

{"since": 2, "size": 5, "time": 1795420800123, "times": [[2, 1795420799000]], "public_root": "<hex>",
 "private_root": "<hex>", "private_records_root": "<hex>", "rules": 1}
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEX = re.compile(r"[0-9a-f]{64}")
_MEMBERS = {"since", "size", "time", "times", "public_root", "private_root", "private_records_root", "rules"}
NUMBER_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal's body.

    Attributes:
        since: the index after the previous seal.
        size: the seal's own index; a checkpoint that ends in it has one leaf more.
        time_ms: its time, Unix milliseconds.
        times: (first index, time_ms) of each batch with public records since then.
        public_root: the public map's root, 32 bytes; it covers the positions before the seal.
        private_root: the private map's root under the seal's salt.
        private_records_root: the root of the private records since the last seal, with their count, under the salt.
        rules: the version of the rules in force.
    """

    since: int
    size: int
    time_ms: int
    times: tuple[tuple[int, int], ...]
    public_root: bytes
    private_root: bytes
    private_records_root: bytes
    rules: int

    def time_of(self, index: int) -> int:
        """Return the batch time of an entry that this seal covers, Unix milliseconds; `since <= index <= size`.

        Raises:
            FormatError: the seal does not cover it.
        """
        if index == self.size:
            return self.time_ms
        found = [time_ms for first, time_ms in self.times if first <= index]
        if not self.since <= index < self.size or not found:
            raise FormatError("entry under a seal", expected=f"{self.since} to {self.size}", got=index)
        return found[-1]


def encode_seal(seal: Seal) -> dict[str, Any]:
    """Return the body of the seal's document."""
    return {
        "since": seal.since,
        "size": seal.size,
        "time": seal.time_ms,
        "times": [list(pair) for pair in seal.times],
        "public_root": seal.public_root.hex(),
        "private_root": seal.private_root.hex(),
        "private_records_root": seal.private_records_root.hex(),
        "rules": seal.rules,
    }


def decode_seal(body: Mapping[str, Any]) -> Seal:
    """Return the seal in a document's body.

    Raises:
        FormatError: it is none, or its times do not run from `since` to `size` without falling.
    """
    if set(body) != _MEMBERS:
        raise FormatError("seal", expected=", ".join(sorted(_MEMBERS)), got=", ".join(sorted(body)))
    numbers = [_number(name, body[name]) for name in ("since", "size", "time", "rules")]
    since, size, time_ms, rules = numbers
    if since > size:
        raise FormatError("seal since", expected=f"at most {size}", got=since)
    return Seal(
        since,
        size,
        time_ms,
        _times(body["times"], since, size, time_ms),
        _root("public_root", body),
        _root("private_root", body),
        _root("private_records_root", body),
        rules,
    )


def blinded_root(salt: bytes, root: bytes, count: int) -> bytes:
    """Return a private root as the seal shows it: SHA-256(salt ‖ root ‖ uint64 count).

    Raises:
        FormatError: salt or root does not have 32 bytes, or the count is none; a bundle brings all three.
    """
    if len(salt) != 32 or len(root) != 32:
        raise FormatError("blinded root", expected="a salt and a root of 32 bytes", got=f"{len(salt)} and {len(root)}")
    if type(count) is not int or not 0 <= count < 2**64:
        raise FormatError("blinded root's count", expected="0 to 2^64 - 1", got=repr(count)[:80])
    return hashlib.sha256(salt + root + count.to_bytes(8, "big")).digest()


def _times(value: object, since: int, size: int, time_ms: int) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list):
        raise FormatError("seal times", expected="a list", got=type(value).__name__)
    times: list[tuple[int, int]] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise FormatError("seal times", expected="[first index, time]", got=repr(pair)[:80])
        times.append((_number("times", pair[0]), _number("times", pair[1])))
    indexes = [first for first, _ in times]
    in_order = all(a < b for a, b in pairwise(indexes))
    never_fall = all(a <= b for a, b in pairwise([*(moment for _, moment in times), time_ms]))
    covers = (indexes[0] == since and indexes[-1] < size) if times else since == size
    if not (in_order and never_fall and covers):
        raise FormatError("seal times", expected=f"from {since} to below {size}, never falling", got=repr(value)[:80])
    return tuple(times)


def _number(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        raise FormatError(f"seal {name}", expected="an integer from 0", got=repr(value)[:80])
    return value


def _root(name: str, body: Mapping[str, Any]) -> bytes:
    value = body[name]
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise FormatError(f"seal {name}", expected="32 bytes in lower-case hex", got=repr(value)[:80])
    return bytes.fromhex(value)


def runs_of_times(entries: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return (first index, time_ms) of each run of entries with one time."""
    times: list[tuple[int, int]] = []
    for index, time_ms in entries:
        if not times or times[-1][1] != time_ms:
            times.append((index, time_ms))
    return tuple(times)
