"""The facts of licences: their kinds and keys. All are public but those of royalties.

work_key("W-1", 0)                      the work's state; 3: the third act on it
licence_key("L-1", 0)                   the licence's state; 3: the third act on its life
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
PEOPLE = 0x58
OWN_USE = 0x59
IMAGE = 0x5A
ROYALTIES = 0x5B
PRODUCTION = 0x5C


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


def goods_key(gtin: str, lot: str, sequence: int = 0) -> bytes:
    """The licences that a lot of goods carries, or the `sequence`-th act on it; the GTIN has 14 digits."""
    return fact_key(GOODS, [gtin, lot], sequence)


def goods_prefix(gtin: str, lot: str) -> bytes:
    """All facts of what a lot carries."""
    return fact_prefix(GOODS, [gtin, lot])


def people_key(people: str, sequence: int = 0) -> bytes:
    """Which mandates make somebody a people's representative now, or after the `sequence`-th change of them."""
    return fact_key(PEOPLE, [people], sequence)


def people_prefix(people: str) -> bytes:
    """All facts of a people's representatives."""
    return fact_prefix(PEOPLE, [people])


def own_use_key(use: str) -> bytes:
    """What an owner of a work uses it for."""
    return fact_key(OWN_USE, [use])


def image_key(sha256: str) -> bytes:
    """Which work an image is of; the hash is hex."""
    return fact_key(IMAGE, [sha256])


def royalties_key(account: str, sequence: int = 0) -> bytes:
    """An account of royalties (private), or the `sequence`-th act on it; its name is 128 random bits in hex."""
    return fact_key(ROYALTIES, [account], sequence)


def royalties_prefix(account: str) -> bytes:
    """All facts of an account of royalties."""
    return fact_prefix(ROYALTIES, [account])


def production_key(licence: str, production: str) -> bytes:
    """What was produced under a licence at once."""
    return fact_key(PRODUCTION, [licence, production])
