"""Programmes: who issues coins, for what, where they are taken, and what they are worth. Public.

    {"programme": "hualien-health", "name": {"zh-TW": "花蓮健康幣"}, "issuers": {"hualien": 100000},
     "stations": {"clinic": "hualien"}, "merchants": {"noodles": ["main"]},
     "activities": {"steps": {"name": {"zh-TW": "步行"}, "coins": 10, "per_day": 1}}, "day_max": 50, "months": 12,
     "value": 100, "refund_permille": 950, "fee_permille": 10, "prefund_permille": 0, "transfers": false,
     "offline_max": 100, "card": {"per_charge": 50, "per_day": 100}}

`issuers` have a budget in coins; `stations` say for whom they give; `value` is what a coin counts for at the till, in
hundredths of the currency; an issuer refunds `refund_permille` of it and keeps `fee_permille` of that. Coins end with
the `months`-th month after the one in which they were earned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.keys import actor_key
from contracts.kind import ACTOR_ID, Act, Kind, body, names, text
from contracts.rewards.coins import COINS_MAX
from contracts.rewards.keys import programme_key
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.facts import Change

OWNERS = ("operator", "county", "clinic")
MONTHS_MAX = 36
PROGRAMME_ID = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"}
RANDOM_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
COINS = {"type": "integer", "minimum": 1, "maximum": COINS_MAX}
NO_COINS = {"type": "integer", "minimum": 0, "maximum": COINS_MAX}
MONEY = {"type": "integer", "minimum": 1, "maximum": 10**12}
NO_MONEY = {"type": "integer", "minimum": 0, "maximum": 10**12}
PERMILLE = {"type": "integer", "minimum": 0, "maximum": 1000}
BRANCH = text(40)
EXP_MAX_S = 86_400


def table(name: Mapping[str, Any], value: Mapping[str, Any], *, least: int = 0, most: int = 500) -> dict[str, Any]:
    """The schema of an object whose members all have names and values of one form."""
    return {
        "type": "object",
        "propertyNames": name,
        "additionalProperties": value,
        "minProperties": least,
        "maxProperties": most,
    }


DAY = {"type": "string", "format": "date", "pattern": "^20"}
"""A day of this century: the calendar ends, and a rule that adds a day to its last one would fail."""
PLACES = table(ACTOR_ID, {"type": "array", "items": BRANCH, "minItems": 1, "maxItems": 64})
ACTIVITY = body(
    {"name": names(), "coins": COINS, "per_day": {"type": "integer", "minimum": 1, "maximum": 1000}},
    {"improvement": {"const": True}},
)
TERMS = body(
    {
        "programme": PROGRAMME_ID,
        "name": names(),
        "issuers": table(ACTOR_ID, COINS, least=1, most=32),
        "stations": table(ACTOR_ID, ACTOR_ID),
        "merchants": PLACES,
        "activities": table(PROGRAMME_ID, ACTIVITY),
        "day_max": COINS,
        "months": {"type": "integer", "minimum": 1, "maximum": MONTHS_MAX},
        "value": COINS,
        "refund_permille": PERMILLE,
        "fee_permille": PERMILLE,
        "prefund_permille": PERMILLE,
        "transfers": {"type": "boolean"},
        "offline_max": NO_COINS,
        "card": body({"per_charge": NO_COINS, "per_day": NO_COINS}),
    }
)


def programme_of(act: Act, programme: str) -> dict[str, Any]:
    """Return a programme's terms in force.

    Raises:
        RefusedError: there is none.
    """
    state = act.facts.get(programme_key(programme))
    if state is None:
        raise RefusedError("programmes.unknown", "there is no such programme", got=programme)
    return dict(state)


def expect_staff(act: Act, terms: Mapping[str, Any]) -> None:
    """Refuse the act unless the programme's owner or one of its stations does it.

    Raises:
        RefusedError: another does.
    """
    act.expect(
        act.actor == terms["owner"] or act.actor in terms["stations"],
        "programmes.staff",
        "only the programme and its stations do this",
        expected=f"{terms['owner']} or a station of {terms['programme']}",
        got=act.actor,
    )


def expect_soon(act: Act) -> None:
    """Refuse a record that moves value and does not say until when it may be let in, a day at most.

    One that was refused for lack of coins would go through months later otherwise.

    Raises:
        RefusedError: it does not.
    """
    expires = act.record.expires_at_s
    act.expect(
        expires is not None and expires - act.record.issued_at_s <= EXP_MAX_S,
        "coins.exp",
        "a record that moves coins says until when it may be let in",
        expected=f"exp at most {EXP_MAX_S} s after iat",
        got=None if expires is None else expires - act.record.issued_at_s,
    )


def _set(act: Act) -> list[Change]:
    terms = act.body
    programme = terms["programme"]
    state = act.facts.get(programme_key(programme))
    owner = act.actor if state is None else state["owner"]
    act.expect(
        act.role() in OWNERS,
        "programmes.role",
        "not one that may run a programme",
        expected=", ".join(OWNERS),
        got=act.role(),
    )
    act.expect(
        act.actor == owner, "programmes.owner", "only who runs a programme changes it", expected=owner, got=act.actor
    )
    _expect_actors(act, terms)
    gone = sorted(set((state or terms)["issuers"]) - set(terms["issuers"]))
    act.expect(not gone, "programmes.issuer", "an issuer whose coins may be out stays", expected=", ".join(gone))
    version = 1 if state is None else state["version"] + 1
    after = {**terms, "owner": owner, "version": version, "record": act.at.index}
    return [act.change(programme_key(programme), after), act.change(programme_key(programme, version), after)]


def _expect_actors(act: Act, terms: Mapping[str, Any]) -> None:
    for issuer in terms["issuers"]:
        act.expect(
            issuer == act.actor or act.is_under(issuer, act.actor),
            "programmes.issuer",
            "an issuer is who runs the programme, or below it",
            expected=f"one below {act.actor}",
            got=issuer,
        )
    for station, issuer in terms["stations"].items():
        act.expect(
            issuer in terms["issuers"],
            "programmes.issuer",
            "a station gives for an issuer of the programme",
            expected=", ".join(terms["issuers"]),
            got=issuer,
        )
        _expect_role(act, station, {"station", "clinic"})
    for merchant in terms["merchants"]:
        _expect_role(act, merchant, {"merchant"})


def _expect_role(act: Act, actor: str, roles: set[str]) -> None:
    state = act.facts.get(actor_key(actor))
    act.expect(
        state is not None and state["role"] in roles,
        "programmes.actor",
        "the programme names somebody in another role",
        expected=f"{actor} as a registered {' or '.join(sorted(roles))}",
        got=None if state is None else state["role"],
    )


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield programme_key(content["programme"])
    for actor in (*content["issuers"], *content["stations"], *content["merchants"]):
        yield actor_key(actor)


def _subject(content: Mapping[str, Any]) -> str:
    return f"programme/{content['programme']}"


KINDS = (Kind("programme", TERMS, _subject, _set, _reads),)
