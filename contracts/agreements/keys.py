"""The facts of agreements: their kinds and keys.

agreement_key("9f86…", 0)     the agreement's state; 3: the third act on it (private)
terms_key("9f86…")            the terms in force, or drafted (private)
market_key("afa", "毛豆", "2026-11")     a market's prices of a month, by day (public)
"""

from __future__ import annotations

from ledger.facts import fact_key, fact_prefix

AGREEMENT = 0x30
TERMS = 0x31
MARKET = 0x38
NOTICE = 0x39
GUARANTEE = 0x3A


def agreement_key(agreement: str, sequence: int = 0) -> bytes:
    """An agreement's state, or its `sequence`-th act; the name is 128 random bits in hex."""
    return fact_key(AGREEMENT, [agreement], sequence)


def agreement_prefix(agreement: str) -> bytes:
    """All facts of an agreement but its terms."""
    return fact_prefix(AGREEMENT, [agreement])


def terms_key(agreement: str) -> bytes:
    """The terms in force; before the signature those of the draft."""
    return fact_key(TERMS, [agreement])


def market_key(source: str, series: str, month: str) -> bytes:
    """What a source says that a market paid on the days of a month, such as `2026-11`."""
    return fact_key(MARKET, [source, series, month])


def notice_key(agreement: str) -> bytes:
    """What the public may know of an agreement."""
    return fact_key(NOTICE, [agreement])


def guarantee_key(gtin: str, lot: str) -> bytes:
    """For which season a lot's guaranteed price was kept, and who signed that."""
    return fact_key(GUARANTEE, [gtin, lot])
