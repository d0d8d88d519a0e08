"""Accounts: random names, one a person by the programme's keyed HMAC, held by keys that stand in the private map.

    coins-account {"programme": "hualien-health", "account": "<hex>", "person": "<hex>", "key": "…", "possession": "…"}
    coins-key     {"programme": "hualien-health", "account": "<hex>", "close": ["<hex>"], "key": "…", "possession": "…"}
    coins-card    {"programme": "hualien-health", "account": "<hex>", "card": "<hex>", "state": "open"}

An account signs as `account/<its id>`. A lost phone: a station closes its key and gives the account another; the coins
stay where they are, and a printed card pays meanwhile, within the programme's limits.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any

from contracts.actors import POSSESSION, possession_text
from contracts.keys import key_key
from contracts.kind import KEY, Act, Kind, body
from contracts.rewards.book import Book, holder_of, new_account
from contracts.rewards.keys import account_key, card_key, holder_key, person_key, programme_key
from contracts.rewards.programmes import PROGRAMME_ID, RANDOM_ID, expect_staff, programme_of
from ledger import signature
from ledger.errors import FormatError, RefusedError, SignatureError
from ledger.facts import Change
from ledger.genesis import decode_key
from ledger.signature import thumbprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.rulebook import Facts

KEYS_MAX = 16
CARDS_MAX = 16
KID = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def person_hmac(key: bytes, person: str) -> str:
    """Return how a programme knows a person: 64 hex digits from its own key of 32 bytes and the person's number.

    The key never leaves the programme, so that nobody else can try numbers.
    """
    return hmac.digest(key, person.strip().upper().encode(), "sha256").hex()


def check_holder(act: Act, account: str) -> None:
    """Refuse the act unless the account's own key signed it.

    Raises:
        RefusedError: another did.
    """
    act.expect(
        act.record.issuer == holder_of(account),
        "coins.holder",
        "only the account's holder signs this",
        expected=holder_of(account),
        got=act.record.issuer,
    )


def _open(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_staff(act, terms)
    account, person = content["account"], content["person"]
    act.expect(
        act.facts.get(account_key(account)) is None, "coins.account-known", "this account is open already", got=account
    )
    known = act.facts.get(person_key(terms["programme"], person))
    act.expect(known is None, "coins.person-known", "this person has an account of the programme already")
    book = Book(act, terms)
    opened = book.open(account, new_account(terms["programme"], person))
    keyed = [] if "key" not in content else _new_key(act, account)
    opened.state["keys"] = [change.value["kid"].hex() for change in keyed if "kid" in change.value]
    owner = Change(
        person_key(terms["programme"], person), {"account": account}, holder=holder_of(account), private=True
    )
    return [*book.close(account), owner, *keyed]


def _change_keys(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    account = content["account"]
    if act.record.issuer != holder_of(account):
        expect_staff(act, terms)
    book = Book(act, terms)
    state = book.account(account).state
    changes: list[Change] = []
    for kid in content["close"]:
        act.expect(kid in state["keys"], "coins.key", "the account has no such key", got=kid)
        key = holder_key(bytes.fromhex(kid))
        known = act.facts.get(key)
        act.expect(known is not None and known["state"] == "active", "coins.key", "this key is closed already", got=kid)
        if known is not None:
            until = {"from": known["from"], "until": act.at.position, "record": known["record"]}
            changes.append(_held(account, key, {**known, "state": "revoked"}))
            changes.append(_held(account, holder_key(bytes.fromhex(kid), 1), until))
    if "key" in content:
        act.expect(len(state["keys"]) < KEYS_MAX, "coins.key", "the account has had too many keys", expected=KEYS_MAX)
        added = _new_key(act, account)
        state["keys"] = [*state["keys"], added[0].value["kid"].hex()]
        changes += added
    return [*book.close(account), *changes]


def _new_key(act: Act, account: str) -> list[Change]:
    try:
        key = decode_key(act.body["key"])
        proof = urlsafe_b64decode(act.body["possession"] + "==")
        signature.check(key, possession_text(act.record.audience, holder_of(account)), proof)
    except (FormatError, SignatureError, KeyError, ValueError) as error:
        raise RefusedError(
            "coins.possession", "the new key did not sign that it belongs to this account", expected=holder_of(account)
        ) from error
    kid = thumbprint(key)
    taken = act.facts.get(holder_key(kid)) is not None or act.facts.get(key_key(kid)) is not None
    act.expect(not taken, "coins.key", "this key is used already", got=kid.hex())
    begins = {"from": act.at.position, "record": act.at.position}
    state = {"actor": holder_of(account), "public_key": key, "kid": kid, "state": "active", "intervals": 1, **begins}
    return [
        _held(account, holder_key(kid), state),
        _held(account, holder_key(kid, 1), {**begins, "until": None}),
    ]


def _held(account: str, key: bytes, value: dict[str, Any]) -> Change:
    return Change(key, value, holder=holder_of(account), private=True)


def _set_card(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    account, card = content["account"], content["card"]
    opening = content["state"] == "open"
    if opening or act.record.issuer != holder_of(account):
        expect_staff(act, terms)
    book = Book(act, terms)
    state = book.account(account).state
    known = act.facts.get(card_key(card))
    act.expect((known is None) == opening, "coins.card", "no such card, or it is out already", got=card)
    if known is None:
        act.expect(len(state["cards"]) < CARDS_MAX, "coins.card", "the account has had too many cards")
        state["cards"] = [*state["cards"], card]
        known = {"account": account, "day": "", "spent": 0}
    act.expect(known["account"] == account, "coins.card", "the card is another account's", got=card)
    return [*book.close(account), _held(account, card_key(card), {**known, "state": content["state"]})]


def account_subject(content: Mapping[str, Any]) -> str:
    """Return how a record names the account that it is about."""
    return holder_of(content["account"])


def account_readers(content: Mapping[str, Any], facts: Facts) -> Iterable[str]:
    """Return who may read a record about an account: its holder and who runs the programme."""
    terms = facts.get(programme_key(content["programme"]))
    return (holder_of(content["account"]), *(() if terms is None else (terms["owner"],)))


def account_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    """Yield what every rule about an account reads."""
    yield programme_key(content["programme"])
    yield account_key(content["account"])


def _open_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield person_key(content["programme"], content["person"])
    if "key" in content:
        kid = thumbprint(decode_key(content["key"]))
        yield from (holder_key(kid), key_key(kid))


def _key_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield from (holder_key(bytes.fromhex(kid)) for kid in content["close"])
    if "key" in content:
        kid = thumbprint(decode_key(content["key"]))
        yield from (holder_key(kid), key_key(kid))


def _card_reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield card_key(content["card"])


_WHOSE = {"programme": PROGRAMME_ID, "account": RANDOM_ID}
_KEYED = {"key": KEY, "possession": POSSESSION}

KINDS = (
    Kind(
        "coins-account",
        body({**_WHOSE, "person": KID}, _KEYED),
        account_subject,
        _open,
        _open_reads,
        private=True,
        readers=account_readers,
    ),
    Kind(
        "coins-key",
        body({**_WHOSE, "close": {"type": "array", "items": KID, "maxItems": KEYS_MAX, "uniqueItems": True}}, _KEYED),
        account_subject,
        _change_keys,
        _key_reads,
        private=True,
        readers=account_readers,
        holders=True,
    ),
    Kind(
        "coins-card",
        body({**_WHOSE, "card": RANDOM_ID, "state": {"enum": ["open", "closed"]}}),
        account_subject,
        _set_card,
        _card_reads,
        private=True,
        readers=account_readers,
        holders=True,
    ),
)
