"""One EPCIS event: as its rule works with it, and as it leaves the document it came in.

event = event_of(document)
event.identity, event.happened_ms, event.effects
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.effects import effects, event_time_ms
from contracts.eventhash import event_hash
from ledger.errors import FormatError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.effects import Effect
    from contracts.epcis import SourceEvent
    from ledger.document import Document


class Event:
    """An event as its rule works with it. Its check, its reads and its rule ask the same, and each is worked out once.

    Args:
        body: the event as supplied; it does not change any more.
    """

    # `functools.cached_property` locks at each first use, and there are as many events as first uses.
    __slots__ = ("_effects", "_happened_ms", "_identity", "body")

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self._effects: list[Effect] | None = None
        self._happened_ms: int | None = None
        self._identity: str | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any] | Event) -> Event:
        """Return the event itself, or the event of a body."""
        return content if isinstance(content, Event) else Event(content)

    @property
    def effects(self) -> list[Effect]:
        """What it does to each lot it names; see `contracts.effects`."""
        if self._effects is None:
            self._effects = effects(self.body)
        return self._effects

    @property
    def happened_ms(self) -> int:
        """When it happened, Unix milliseconds."""
        if self._happened_ms is None:
            self._happened_ms = event_time_ms(self.body)
        return self._happened_ms

    @property
    def identity(self) -> str:
        """Its id, or its hash where it has none; the hash is the same with an error declaration.

        Raises:
            RefusedError: it has no id, and no hash.
        """
        if self._identity is None:
            self._identity = str(self.body["eventID"]) if "eventID" in self.body else self.hash
        return self._identity

    @property
    def hash(self) -> str:
        """Its CBV event hash.

        Raises:
            RefusedError: it has none.
        """
        try:
            return event_hash(dict(self.body), dict(self.body))
        except FormatError as error:
            raise RefusedError("produce.epcis", error.message, expected=error.expected, got=error.got) from error


def event_of(document: Document) -> Event:
    """Return the event that a document holds, the same one each time."""
    event: Event | None = document.worked.get("event")
    if event is None:
        event = document.worked["event"] = Event(document.body)
    return event


def standalone(one: SourceEvent) -> dict[str, Any]:
    """Return an event with the context of the document it came in, so that its event hash stays the same alone."""
    own, outer = _each(one.event.get("@context", [])), _each(one.context.get("@context", []))
    # The later context wins, so the event's own stands behind the document's, even where it says the same again.
    contexts = own if own[: len(outer)] == outer else [*outer, *own]
    return {**one.context, **one.event, "@context": contexts}


def event_name(one: SourceEvent) -> str:
    """Return the event's id, or its CBV hash where it has none; an error declaration is another act on the same id."""
    name = one.event.get("eventID") or event_hash(one.event, one.context)
    return f"{name}/error" if "errorDeclaration" in one.event else str(name)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
