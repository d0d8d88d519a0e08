"""The facts of licences: their kinds and keys. All are public but those of royalties.

work_key("W-1", 0)                      the work's state; 3: the third act on it
licence_key("L-1", 0)                   the licence's state; 3: the third act on it
shelf_key("work/W-1", "use")            the territories in which anybody holds a grant of the work
shelf_key("work/W-1", "use", "TW")      the fields there
"""

from __future__ import annotations

from ledger.facts import fact_key, fact_prefix

WORK = 0x50
MANDATE = 0x51
LICENCE = 0x52
SHELF = 0x53
CELL = 0x54
PAGE = 0x55
SLOTS = 0x56
GOODS = 0x57


def work_key(work: str, sequence: int = 0) -> bytes:
    """A work's state, or its `sequence`-th act."""
    return fact_key(WORK, [work], sequence)


def work_prefix(work: str) -> bytes:
    """All facts of a work."""
    return fact_prefix(WORK, [work])


def mandate_key(mandate: str, sequence: int = 0) -> bytes:
    """A mandate's state, or its `sequence`-th act."""
    return fact_key(MANDATE, [mandate], sequence)


def mandate_prefix(mandate: str) -> bytes:
    """All facts of a mandate."""
    return fact_prefix(MANDATE, [mandate])


def licence_key(licence: str, sequence: int = 0) -> bytes:
    """A licence's state, or its `sequence`-th act."""
    return fact_key(LICENCE, [licence], sequence)


def licence_prefix(licence: str) -> bytes:
    """All facts of a licence."""
    return fact_prefix(LICENCE, [licence])


def shelf_key(stem: str, shelf: str, *path: str) -> bytes:
    """The words that lie next on a shelf: its territories, or the fields under one of them."""
    return fact_key(SHELF, [stem, shelf, *path])


def cell_key(stem: str, shelf: str, territory: str, field: str) -> bytes:
    """The pages of a cell, with what days each spans."""
    return fact_key(CELL, [stem, shelf, territory, field])


def page_key(stem: str, shelf: str, territory: str, field: str, number: int) -> bytes:
    """One page of a cell."""
    return fact_key(PAGE, [stem, shelf, territory, field, str(number)])


def slots_key(licence: str) -> bytes:
    """On which pages a licence stands."""
    return fact_key(SLOTS, [licence])


def goods_key(gtin: str, lot: str) -> bytes:
    """The licences that a lot of goods carries."""
    return fact_key(GOODS, [gtin, lot])
