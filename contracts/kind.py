"""A kind of record: its schema, its subject, what its rule reads and what follows from it.

Each family of rules is a table of kinds. `Act` is one record on its way through its rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from contracts.keys import actor_key
from ledger.errors import RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ledger.document import Document
    from ledger.record import Record
    from ledger.rulebook import At, Facts

ANCESTORS_MAX = 8
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Act:
    """One record, and whose act it is.

    Attributes:
        record: the record.
        document: its document.
        at: where and when it stands.
        actor: the one whose act it is: the issuer, or the one it is entered for.
        facts: the state just before it.
        private: whether it is a private record.
        parties: who has to sign its document; none where its kind has one signer.
    """

    record: Record
    document: Document
    at: At
    actor: str
    facts: Facts
    private: bool = False
    parties: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The document's body."""
        return self.document.body

    def change(self, key: bytes, value: Any) -> Change:
        """Return a fact that this record sets, in the map of its own kind; a private one is held by its subject."""
        return Change(key, value, holder=self.record.subject if self.private else None, private=self.private)

    def expect(self, holds: object, rule: str, message: str, *, expected: object = None, got: object = None) -> None:
        """Refuse the record unless something holds.

        Raises:
            RefusedError: it does not.
        """
        if not holds:
            raise RefusedError(rule, message, expected=expected, got=got)

    def role(self) -> str:
        """Return the role of the actor."""
        state = self.facts.get(actor_key(self.actor))
        return "" if state is None else str(state["role"])

    def expect_inspector(self, rule: str, message: str) -> None:
        """Refuse the record unless an inspector signed it with a key of its own: nobody finds or certifies for it.

        Raises:
            RefusedError: it is another's, or entered for an inspector.
        """
        role = self.role()
        self.expect(role == "inspector", rule, message, expected="inspector", got=role)
        self.expect(
            self.record.issuer == self.actor,
            "actors.entered-for",
            "an inspector signs for itself",
            expected=self.actor,
            got=self.record.issuer,
        )

    def is_under(self, actor: str, ancestor: str) -> bool:
        """Say whether `ancestor` is above `actor` in the tree of who registered whom."""
        for _ in range(ANCESTORS_MAX):
            state = self.facts.get(actor_key(actor))
            if state is None or state["parent"] is None:
                return False
            actor = state["parent"]
            if actor == ancestor:
                return True
        return False


def body_of(document: Document) -> Mapping[str, Any]:
    """Return the body itself: what most rules work with."""
    return document.body


def no_reads(_: Mapping[str, Any]) -> Iterable[bytes]:
    """A kind whose rule reads nothing that its body names."""
    return ()


def nobody(_: Mapping[str, Any]) -> Sequence[str]:
    """A kind whose documents have one signer."""
    return ()


def nobody_else(_: Mapping[str, Any], __: Facts) -> Iterable[str]:
    """A kind whose records nobody reads but who signed them."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    Attributes:
        name: as it stands in the record's content type.
        schema: JSON Schema of the body.
        subject: what the record is about, from the body.
        apply: the rule.
        reads: keys of facts that the body names.
        check: what the schema cannot say of a body.
        hidden: names of fields that may only be hidden.
        private: whether its records are private.
        parties: who all have to sign one document of this kind, from the body; see `contracts.assent`.
        readers: who may read a private record beside who signed it, from the body and the present state.
        whole: whether the numbers of its bodies are whole ones; those of an event are as others' software wrote them.
        holders: whether the holder of a private account may sign it, with a key that stands in the private map.
        content: what `subject` and `reads` are handed: the body, or what was worked out of it once; they take both.
    """

    name: str
    schema: Mapping[str, Any]
    subject: Callable[[Mapping[str, Any]], str]
    apply: Callable[[Act], list[Change]]
    reads: Callable[[Mapping[str, Any]], Iterable[bytes]] = no_reads
    check: Callable[[Mapping[str, Any]], None] | None = None
    whole: bool = True
    hidden: frozenset[str] = frozenset()
    private: bool = False
    parties: Callable[[Mapping[str, Any]], Sequence[str]] = nobody
    readers: Callable[[Mapping[str, Any], Facts], Iterable[str]] = nobody_else
    holders: bool = False
    content: Callable[[Document], Any] = body_of

    def actor_of(self, record: Record, document: Document) -> str:
        """Return whose act a record is: its issuer's, or that of the one whom the document says it is entered for.

        Where several parties sign one document the context is the same for all: a party signs for itself, and one who
        is none signs for the party that is named.
        """
        context = document.context
        if context is None or context.entered_for is None or record.issuer in self.parties(document.body):
            return record.issuer
        return context.entered_for


def text(maximum: int = 200) -> dict[str, Any]:
    """The schema of a text that is not empty."""
    return {"type": "string", "minLength": 1, "maxLength": maximum}


def names() -> dict[str, Any]:
    """The schema of a name by language, 繁體中文 at least."""
    return {
        "type": "object",
        "properties": {"zh-TW": text(), "en": text(), "ja": text()},
        "required": ["zh-TW"],
        "additionalProperties": False,
    }


def body(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema of a body with these members and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def integer(minimum: int, maximum: int) -> dict[str, Any]:
    """The schema of a whole number."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def some(items: Mapping[str, Any], maximum: int, minimum: int = 1) -> dict[str, Any]:
    """The schema of a list in which nothing stands twice."""
    return {"type": "array", "items": dict(items), "minItems": minimum, "maxItems": maximum, "uniqueItems": True}


def check_whole(value: Any, path: str = "$") -> None:
    """Check that a body has no number with a fraction or an exponent: `5.0` is not the whole number that it looks like.

    Raises:
        RefusedError: it has.
    """
    if isinstance(value, float):
        raise RefusedError("rules.number", "numbers are whole", expected=f"a whole number at {path}", got=value)
    if isinstance(value, dict):
        for name, one in value.items():
            check_whole(one, f"{path}.{name}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            check_whole(one, f"{path}[{i}]")


ACTOR_ID = {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{0,63}$"}
SITE_ID = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
KEY = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
GTIN = {"type": "string", "pattern": "^[0-9]{14}$"}
LOT = text(20)
DATE = {"type": "string", "format": "date"}


class Schema:
    """A compiled schema whose refusals name path, expected and got."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)

    def check(self, value: object) -> None:
        """Check a body.

        Raises:
            RefusedError: it is not of the schema.
        """
        for fault in self._validator.iter_errors(value):
            path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.instance_path)
            raise RefusedError("rules.schema", f"the body's {path}", expected=fault.message[:200])
