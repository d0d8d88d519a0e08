"""Rounding rules by name, and sharing a sum to the last cent.

>>> divide(5, 2, "half-even"), divide(-5, 2, "half-up"), divide(7, 2, "down")
(2, -3, 3)
>>> share(100, [1, 1, 1])
[34, 33, 33]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = ("half-up", "half-even", "down", "up")
"""Names as terms have them. They round the absolute value, so that a deduction rounds as the same addition does."""


def divide(numerator: int, denominator: int, rule: str) -> int:
    """Return a quotient as a whole number.

    Args:
        numerator: any.
        denominator: 1 or more.
        rule: one of `RULES`.
    """
    whole, rest = divmod(abs(numerator), denominator)
    twice = 2 * rest
    if rule == "half-even":
        more = twice > denominator or (twice == denominator and whole % 2 == 1)
    else:
        more = {"half-up": twice >= denominator, "down": False, "up": rest > 0}[rule]
    rounded = whole + more
    return rounded if numerator >= 0 else -rounded


def share(total: int, weights: Sequence[int]) -> list[int]:
    """Return a sum shared by weight, by the largest remainder: the parts add up to it exactly.

    What is left after rounding each part down goes, one unit each, to the largest remainders, the first one first
    among equals. Where all weights are 0 nobody gets anything.

    Args:
        total: 0 or more.
        weights: 0 or more each.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
