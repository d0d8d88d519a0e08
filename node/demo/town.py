"""A programme of coins and the people of its place: whose account is which, what they showed, who came to a shop.

    town = Town(stage, script)
    town.sign("hualien.clinic", "coins-earning", "earn/5/阿好", account=town.account("阿好"), …)

The acts of `node.demo.coins` and `node.demo.till` are made over it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.rewards.accounts import person_hmac
from contracts.rewards.book import holder_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from node.client import Draft, Party
    from node.demo.stage import Stage

EXPIRES_S = 600


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that was handed in: its id, whose account pays, and where."""

    id: str
    who: str
    merchant: str


class Town:
    """One programme.

    Args:
        stage: where it is played.
        script: `programme` (its terms), `groups` of residents by name, and more that tellers read.

    Attributes:
        stage: where it is played.
        programme: its id.
        owner: who runs it.
        charges: by the name that the script gives them.
        serials: of tickets and coupons, each (serial, offer), by the name that the script gives them.
        vouchers: codes that were signed offline, by the name of their charge.
        visitors: who paid at a shop in a part of a day: (merchant, day, cell) to accounts.
    """

    def __init__(self, stage: Stage, script: Mapping[str, Any]) -> None:
        self.stage = stage
        self.programme: str = script["programme"]["programme"]
        self.owner: str = script["owner"]
        self.charges: dict[str, Charge] = {}
        self.serials: dict[str, tuple[str, str]] = {}
        self.vouchers: dict[str, dict[str, Any]] = {}
        self.visitors: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._merchants: Mapping[str, list[str]] = script["programme"]["merchants"]
        self._groups: Mapping[str, list[str]] = script["groups"]
        self._key = bytes.fromhex(stage.random(f"{self.programme}/persons") * 2)
        self._phones: dict[str, int] = {}

    def branch(self, merchant: str) -> str:
        """Return a merchant's first branch."""
        return self._merchants[merchant][0]

    def people(self, who: str | Iterable[str]) -> list[str]:
        """Return residents: those of a group, or those who are named."""
        return list(self._groups.get(who, [who])) if isinstance(who, str) else list(who)

    def account(self, who: str) -> str:
        """Return a resident's account: random, and no way from it to the name."""
        return self.stage.random(f"{self.programme}/account/{who}")

    def person(self, who: str) -> str:
        """Return how the programme knows a person."""
        return person_hmac(self._key, who)

    def holder(self, who: str) -> Party:
        """Return a resident with the key of the present phone."""
        return self.stage.party(holder_of(self.account(who)))

    def new_phone(self, who: str) -> dict[str, str]:
        """Return the members of a record that give a resident's account the key of a new phone."""
        self._phones[who] = self._phones.get(who, 0) + 1
        name = f"{self.programme}/phone/{who}/{self._phones[who]}"
        self.stage.hold(self.account(who), name)
        return self.stage.possession(name, holder_of(self.account(who)))

    def sign(self, actor: str, kind: str, source: str, **content: Any) -> Draft:
        """Return a record of the programme that an actor, or an account's holder, signs."""
        body = {"programme": self.programme, **content}
        return self.stage.party(actor).draft(kind, body, source=f"{self.programme}/{source}", expires_in_s=EXPIRES_S)
