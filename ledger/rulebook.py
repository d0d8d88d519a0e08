"""What the log is handed: rules that fold records into facts.

The log never knows what a record means. It asks the `Rulebook` in force which facts a record's rule reads, fetches them
in a few rounds for a whole batch, and applies the rules in order. Rules do no I/O, know no clock, locale or table of
the machine: the same records give the same facts on any machine, in any year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.document import Document
    from ledger.facts import Change
    from ledger.record import Record


@dataclass(frozen=True, slots=True)
class At:
    """Where and when a record stands: the only place and time a rule knows.

    Attributes:
        position: 16 bytes, see `ledger.facts`.
        index: the entry's index (public), or the public tree size at which it stands (private).
        time_ms: the batch's time, Unix milliseconds.
    """

    position: bytes
    index: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Submission:
    """A record with the document it commits to, both decoded strictly; the signature is checked by the log."""

    record: Record
    document: Document


@dataclass(frozen=True, slots=True)
class Signer:
    """A registered key: its actor and its 32 bytes. Neither ever changes for one thumbprint."""

    actor: str
    public_key: bytes


class Facts(Protocol):
    """What a rule reads from: the state just before the record, earlier records of the same batch included."""

    @property
    def sees_private(self) -> bool:
        """Say whether private facts can be read; they cannot where public records alone are replayed.

        A private condition may keep a public record out, so a rule looks at this before it asks for one. It never
        changes what a public record does once it is in.
        """

    def get(self, key: bytes) -> Any | None:
        """Return the present value of the fact, or None where there is none.

        A key that was not fetched yet interrupts the rule; the log fetches it and runs the rule again. So a rule that
        declares its reads runs once, and one that cannot (a later read depends on an earlier one) a few times.
        """

    def expect(self, keys: Iterable[bytes]) -> None:
        """Say which facts the rule gets next, so that those which were not fetched yet come in one round."""


class Rulebook(Protocol):
    """One version of the rules."""

    @property
    def version(self) -> int:
        """Return the number that a `rules` record activates; 1 or more."""

    def is_private(self, kind: str) -> bool:
        """Say whether records of this kind are private.

        Raises:
            RefusedError: no such kind.
        """

    def reads(self, submission: Submission) -> Iterable[bytes]:
        """Yield the keys of the facts that the rule is known to read, its signing key's among them."""

    def signer(self, kid: bytes, facts: Facts) -> Signer:
        """Return whose key this is; whether it may sign this record is for `apply` to say.

        Raises:
            RefusedError: nobody registered such a key.
        """

    def check(self, submission: Submission) -> None:
        """Check what a record must hold to by itself, whatever the state is; the log may ask before it has the lock.

        Raises:
            RefusedError: it does not.
        """

    def apply(self, submission: Submission, facts: Facts, at: At) -> list[Change]:
        """Judge one record that `check` lets pass, and return the facts it changes, in order.

        Raises:
            RefusedError: the record is not let in; rule, expected and got say why.
        """

    def genesis(self, body: dict[str, Any], at: At) -> list[Change]:
        """Return the facts that the genesis document's body sets up (its first actor and that actor's key)."""
