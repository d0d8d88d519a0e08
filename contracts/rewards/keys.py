"""The facts of rewards: their kinds and keys. All but programmes, offers, releases and visit figures are private.

account_key("9f86…", 0)     an account's state; 3: the third entry of its journal
merchant_key("hualien-health", "cafe", "2026-11", 7)     the seventh line of a merchant's month
"""

from __future__ import annotations

from ledger.facts import fact_key, fact_prefix

PROGRAMME = 0x40
FUNDS = 0x41
ACCOUNT = 0x42
PERSON = 0x43
ACCOUNT_KEY = 0x44
CHARGE = 0x45
CARD = 0x46
EARNING = 0x47
COMMITMENT = 0x48
DUE = 0x49
OFFER = 0x4A
TICKET = 0x4B
COUPON = 0x4C
WALLET = 0x4D
STOCK = 0x4E
VISITS = 0x4F
RELEASE = 0x60
ENTRY = 0x61
FIGURES = 0x62
DONE = 0x63


def programme_key(programme: str, sequence: int = 0) -> bytes:
    """A programme's terms in force, or its `sequence`-th version (public)."""
    return fact_key(PROGRAMME, [programme], sequence)


def programme_prefix(programme: str) -> bytes:
    """All versions of a programme's terms (public)."""
    return fact_prefix(PROGRAMME, [programme])


def funds_key(programme: str, issuer: str, day: int = 0) -> bytes:
    """What an issuer has put into circulation, and how much of it is still out, by the month in which it ends.

    With a day (`calendar.day_number`): as that day left it.
    """
    return fact_key(FUNDS, [programme, issuer], day)


def funds_prefix(programme: str, issuer: str) -> bytes:
    """All facts of an issuer's funds."""
    return fact_prefix(FUNDS, [programme, issuer])


def account_key(account: str, sequence: int = 0) -> bytes:
    """An account's state, or the `sequence`-th entry of its journal; the name is 128 random bits in hex."""
    return fact_key(ACCOUNT, [account], sequence)


def account_prefix(account: str) -> bytes:
    """All facts of an account."""
    return fact_prefix(ACCOUNT, [account])


def person_key(programme: str, person: str) -> bytes:
    """The one account of a person, who is known by the programme's keyed HMAC only."""
    return fact_key(PERSON, [programme, person])


def holder_key(kid: bytes, sequence: int = 0) -> bytes:
    """The key of an account's holder, or its `sequence`-th interval; the same values as `contracts.keys.key_key`."""
    return fact_key(ACCOUNT_KEY, [kid], sequence)


def holder_prefix(kid: bytes) -> bytes:
    """All facts of a holder's key."""
    return fact_prefix(ACCOUNT_KEY, [kid])


def charge_key(charge: str, sequence: int = 0) -> bytes:
    """A charge's state, or the `sequence`-th act on it; the name is the nonce of the resident's code."""
    return fact_key(CHARGE, [charge], sequence)


def charge_prefix(charge: str) -> bytes:
    """All facts of a charge."""
    return fact_prefix(CHARGE, [charge])


def pieces_key(charge: str) -> bytes:
    """Of which lots a charge was paid; only its account's holder opens it."""
    return fact_key(CHARGE, [charge, "pieces"])


def card_key(card: str) -> bytes:
    """A printed card."""
    return fact_key(CARD, [card])


def earning_key(earning: str) -> bytes:
    """An earning."""
    return fact_key(EARNING, [earning])


def given_key(programme: str, station: str, day: str) -> bytes:
    """What a station gave on a day, by activity."""
    return fact_key(EARNING, [programme, station, day])


def commitment_key(commitment: str) -> bytes:
    """What a station measured, as a salted hash."""
    return fact_key(COMMITMENT, [commitment])


def merchant_key(programme: str, merchant: str, month: str, sequence: int = 0) -> bytes:
    """How many lines a merchant's month has, or its `sequence`-th line."""
    return fact_key(DUE, [programme, "merchant", merchant, month], sequence)


def merchant_prefix(programme: str, merchant: str, month: str) -> bytes:
    """All lines of a merchant's month."""
    return fact_prefix(DUE, [programme, "merchant", merchant, month])


def issuer_key(programme: str, issuer: str, merchant: str, month: str) -> bytes:
    """What was charged and refunded of an issuer's coins, tickets and coupons at a merchant in a month, by branch."""
    return fact_key(DUE, [programme, "issuer", issuer, merchant, month])


def offer_key(programme: str, offer: str, version: int = 0) -> bytes:
    """An offer's terms in force, or their `version`-th version (public)."""
    return fact_key(OFFER, [programme, offer], version)


def ticket_key(ticket: str, sequence: int = 0) -> bytes:
    """A ticket's state, or its `sequence`-th act; the name is its serial number, 128 random bits in hex."""
    return fact_key(TICKET, [ticket], sequence)


def coupon_key(coupon: str, sequence: int = 0) -> bytes:
    """A coupon's state, or its `sequence`-th act."""
    return fact_key(COUPON, [coupon], sequence)


def wallet_key(account: str, number: int = 0) -> bytes:
    """Which tickets and coupons an account holds and which releases it entered, or the `number`-th thing that came."""
    return fact_key(WALLET, [account], number)


def wallet_prefix(account: str) -> bytes:
    """All facts of an account's wallet."""
    return fact_prefix(WALLET, [account])


def stock_key(programme: str, offer: str) -> bytes:
    """How much of an offer is out, used and taken back."""
    return fact_key(STOCK, [programme, offer])


def had_key(programme: str, offer: str, account: str) -> bytes:
    """How many of an offer a person has had."""
    return fact_key(STOCK, [programme, offer, account])


def visits_key(programme: str, merchant: str, day: str) -> bytes:
    """How many people paid at a merchant in each part of a day."""
    return fact_key(VISITS, [programme, merchant, day])


def release_key(programme: str, release: str, page: int = 0) -> bytes:
    """A release, or the `page`-th page of the order in which its entries were drawn (public)."""
    return fact_key(RELEASE, [programme, release], page)


def release_prefix(programme: str, release: str) -> bytes:
    """A release and its whole order (public)."""
    return fact_prefix(RELEASE, [programme, release])


def entries_key(programme: str, release: str, number: int = 0) -> bytes:
    """How many entries a release has, or its `number`-th entry."""
    return fact_key(ENTRY, [programme, release], number)


def entered_key(programme: str, release: str, account: str) -> bytes:
    """With which entry an account takes part in a release."""
    return fact_key(ENTRY, [programme, release, account])


def entry_key(programme: str, release: str, entry: str) -> bytes:
    """That a name is taken by an entry of a release."""
    return fact_key(ENTRY, [programme, release, "entry", entry])


def claims_key(programme: str, release: str) -> bytes:
    """How much of a release was claimed in each turn."""
    return fact_key(ENTRY, [programme, release, "claims", ""])


def figures_key(programme: str, day: str) -> bytes:
    """The visit figures of a day, once they are published (public)."""
    return fact_key(FIGURES, [programme, day])


def done_key(programme: str, name: str) -> bytes:
    """That a transfer or a refund of this name was done."""
    return fact_key(DONE, [programme, name])
