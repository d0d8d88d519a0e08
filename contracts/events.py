"""An EPCIS event that leaves the document it came in, with what its event hash needs of that document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.eventhash import event_hash

if TYPE_CHECKING:
    from contracts.epcis import SourceEvent


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
