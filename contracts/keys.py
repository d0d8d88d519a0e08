"""The facts of the rules: their kinds and keys. Sequence 0 of a subject is its present state, 1, 2, … its history.

lot_key("04712345678900", "L1")        the lot's state
lot_key("04712345678900", "L1", 3)     the third act on it
"""

from __future__ import annotations

from functools import lru_cache

from ledger.facts import fact_key, fact_prefix, sequence_key

REMEMBERED = 4_096
"""How many keys of actors, keys, products and lots are kept: a batch asks for the same few again and again."""

ACTOR = 0x10
KEY = 0x11
HIDDEN = 0x12
ASSENT = 0x13
PRODUCT = 0x20
SITE = 0x21
LOT = 0x22
CERTIFICATE = 0x23
EVENT = 0x24


@lru_cache(REMEMBERED)
def actor_key(actor: str) -> bytes:
    """An actor's state."""
    return fact_key(ACTOR, [actor])


@lru_cache(REMEMBERED)
def key_key(kid: bytes, sequence: int = 0) -> bytes:
    """A key's state, or its `sequence`-th interval of entitlement."""
    return fact_key(KEY, [kid], sequence)


def key_prefix(kid: bytes) -> bytes:
    """All facts of a key."""
    return fact_prefix(KEY, [kid])


def hidden_key(digest: str) -> bytes:
    """Whose hidden field a digest is."""
    return fact_key(HIDDEN, [digest])


def assent_key(document_hash: bytes) -> bytes:
    """Who signed a document that several parties have to sign."""
    return fact_key(ASSENT, [document_hash])


@lru_cache(REMEMBERED)
def product_key(gtin: str) -> bytes:
    """A product's state; the GTIN has 14 digits."""
    return fact_key(PRODUCT, [gtin])


def site_key(site: str) -> bytes:
    """A site's state."""
    return fact_key(SITE, [site])


def lot_key(gtin: str, lot: str, sequence: int = 0) -> bytes:
    """A lot's state, or its `sequence`-th act; the GTIN has 14 digits, the lot is percent-decoded."""
    return sequence_key(lot_prefix(gtin, lot), sequence)


@lru_cache(REMEMBERED)
def lot_prefix(gtin: str, lot: str) -> bytes:
    """All facts of a lot."""
    return fact_prefix(LOT, [gtin, lot])


def certificate_key(number: str, sequence: int = 0) -> bytes:
    """A certificate's state, or its `sequence`-th change."""
    return fact_key(CERTIFICATE, [number], sequence)


def certificate_prefix(number: str) -> bytes:
    """All facts of a certificate."""
    return fact_prefix(CERTIFICATE, [number])


def event_key(event_id: str) -> bytes:
    """Which lots an event acted on; the id is its eventID, or its CBV hash where it has none."""
    return fact_key(EVENT, [event_id])
