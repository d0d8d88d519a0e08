"""What one record changed, as it is stored: one row a record, and a place for each fact by which it is found.

    [[key, value], [key, value, holder]]        deterministic CBOR, in the order of keys; a value is its own CBOR

A fact's place is the first eight bytes of its key and its sequence, as signed integers: an index of those has a third
of the size of one over whole keys. Two keys may share a place, so whoever looks one up compares the whole key.
"""

from __future__ import annotations

import struct
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ledger import cbor, core
from ledger.errors import FormatError
from ledger.facts import KEY_SIZE, is_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Place = tuple[int, int]
"""(the first eight bytes of a key, its sequence), each as a signed integer of 64 bits."""

_PLACE = struct.Struct(">q25xq")


class StoredChange(NamedTuple):
    """A change as it is stored: encoded value, position, and whose it is."""

    key: bytes
    position: bytes
    value: bytes
    private: bool
    holder: str | None


def encode_changes(changes: Iterable[StoredChange]) -> bytes:
    """Return the row of one record's changes."""
    return cbor.encode(
        [
            [key, value] if holder is None else [key, value, holder]
            for key, _, value, _, holder in sorted(changes)  # keys are different, so nothing else is compared
        ]
    )


def decode_changes(position: bytes, data: bytes) -> list[StoredChange]:
    """Return the changes in the row of the record at a position, in the order of keys.

    Raises:
        FormatError: it is no such row.
    """
    private = is_private(position)
    return [StoredChange(key, position, value, private, holder) for key, value, holder in _facts(data)]


def rows_of(changes: Sequence[StoredChange]) -> tuple[list[tuple[bytes, bytes]], list[tuple[int, int, bytes]]]:
    """Return the rows of many records: (position, its changes), and (place, position) in the order of the index.

    Args:
        changes: those of one record after the other.
    """
    if core.native is not None:
        found: tuple[list[tuple[bytes, bytes]], list[tuple[int, int, bytes]]] | None
        found = core.native.changes_rows(list(changes))
        if found is not None:
            return found
    rows: list[tuple[bytes, bytes]] = []
    places: list[tuple[int, int, bytes]] = []
    for position, group in groupby(changes, attrgetter("position")):
        of_record = list(group)
        rows.append((position, encode_changes(of_record)))
        places += [(prefix, sequence, position) for prefix, sequence in places_of(of_record)]
    # In the order of the index, each of its pages is gone to once.
    places.sort()
    return rows, places


def place_of(key: bytes) -> Place:
    """Return the place of a fact by its 41-byte key."""
    prefix, sequence = _PLACE.unpack(key)
    return prefix, sequence


def places_of(changes: Iterable[StoredChange]) -> set[Place]:
    """Return the places of one record's changes."""
    return {place_of(change.key) for change in changes}


def _facts(data: bytes) -> list[tuple[bytes, bytes, str | None]]:
    facts = cbor.decode(data)
    if not isinstance(facts, list):
        raise FormatError("changes", expected="a list", got=type(facts).__name__)
    return [_fact(one) for one in facts]


def _fact(one: Sequence[object]) -> tuple[bytes, bytes, str | None]:
    match one:
        case [bytes(key), bytes(value), *rest] if len(key) == KEY_SIZE:
            match rest:
                case []:
                    return key, value, None
                case [str(holder)]:
                    return key, value, holder
    raise FormatError("a change", expected="key, value, and a holder or none", got=repr(one)[:80])
