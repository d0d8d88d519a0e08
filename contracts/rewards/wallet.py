"""What an account holds beside coins: what is in its wallet now, and everything that ever came into it, in its order.

    wallet = open_wallet(act.facts, account)
    wallet.receive("tickets", ticket)
    return [*wallet.close(act), …]

The lists are of what is not used up; the entries stay, so that a person's file is of everything that was theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.rewards.book import holder_of
from contracts.rewards.keys import wallet_key
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from contracts.kind import Act
    from ledger.rulebook import Facts

LISTS = ("tickets", "coupons", "releases")
WALLET_MAX = 256


@dataclass(slots=True)
class Wallet:
    """A wallet while an act is worked out.

    Attributes:
        account: whose it is.
        lists: names of what is in it, by kind.
        entries: how many things ever came into it.
    """

    account: str
    lists: dict[str, list[str]]
    entries: int
    _came: list[tuple[str, str]] = field(default_factory=list)

    def receive(self, kind: str, name: str) -> None:
        """Note that something came.

        Args:
            kind: one of `LISTS`.
            name: a serial number, or a release.
        """
        self._came.append((kind, name))

    def put(self, kind: str, name: str) -> None:
        """List something that can be used.

        Raises:
            RefusedError: there is no room.
        """
        if name not in self.lists[kind]:
            if len(self.lists[kind]) >= WALLET_MAX:
                raise RefusedError("offers.wallet", "the account holds too many of these", expected=WALLET_MAX)
            self.lists[kind].append(name)

    def take(self, kind: str, name: str) -> None:
        """List something no more."""
        self.lists[kind] = [one for one in self.lists[kind] if one != name]

    def close(self, act: Act) -> list[Change]:
        """Return everything that is written."""
        holder = holder_of(self.account)
        entries = [
            {"record": act.at.position, "time_ms": act.at.time_ms, "kind": kind, "name": name}
            for kind, name in self._came
        ]
        state = {**self.lists, "entries": self.entries + len(entries)}
        return [
            Change(wallet_key(self.account), state, holder=holder, private=True),
            *(
                Change(wallet_key(self.account, number), entry, holder=holder, private=True)
                for number, entry in enumerate(entries, self.entries + 1)
            ),
        ]


def open_wallet(facts: Facts, account: str) -> Wallet:
    """Return an account's wallet."""
    known = facts.get(wallet_key(account)) or {**dict.fromkeys(LISTS, ()), "entries": 0}
    return Wallet(account, {kind: [*known[kind]] for kind in LISTS}, known["entries"])
