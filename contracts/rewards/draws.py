r"""A draw and its queue, as anyone can compute them: pure, from the beacon's value and the entries.

    draw_order(seed, entries)         entries by SHA-256("fengtu-draw/1\n" ‖ seed ‖ entry)
    turn(20, window_ms, drawn_ms, claims, time_ms, entries=300)       whose turn it is, by time alone

The first so many of the order may claim what is released, for a time. What they have not claimed when it is over goes
to the next ones in the order, and so on, until all of it is claimed or the order ends: nothing has to sweep.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LABEL = b"fengtu-draw/1\n"


class Turn(NamedTuple):
    """Whose turn it is: the places `first <= place < last` of the order.

    Attributes:
        number: how many times what was left has gone on to the next ones.
        first: the first place that may claim.
        last: the first place that may not yet.
        until_ms: when it goes on, Unix milliseconds.
    """

    number: int
    first: int
    last: int
    until_ms: int


def draw_order(seed: bytes, entries: Iterable[str]) -> list[str]:
    """Return entries in the order in which they are drawn.

    Args:
        seed: the beacon's value, 32 bytes.
        entries: 128 random bits in hex each, in any order.
    """
    return sorted(entries, key=lambda entry: hashlib.sha256(_LABEL + seed + bytes.fromhex(entry)).digest())


def turn(
    quantity: int, window_ms: int, drawn_ms: int, claims: Mapping[int, int], time_ms: int, *, entries: int
) -> Turn:
    """Return whose turn it is at a time.

    Args:
        quantity: how much is released.
        window_ms: how long a turn lasts.
        drawn_ms: when the draw came in, Unix milliseconds.
        claims: how much was claimed in each turn.
        time_ms: Unix milliseconds, not before the draw.
        entries: how many there are.
    """
    now = (time_ms - drawn_ms) // window_ms
    number, first, last, claimed = 0, 0, quantity, 0
    while number < now and last < entries and claimed + claims.get(number, 0) < quantity:
        claimed += claims.get(number, 0)
        number, first, last = number + 1, last, last + quantity - claimed
    if number < now:
        # All of it is claimed, or nobody is left: no turn comes after this one.
        return Turn(number, last, last, drawn_ms + (number + 1) * window_ms)
    return Turn(number, first, last, drawn_ms + (number + 1) * window_ms)
