"""Seals: times that never fall, roots that hide, and one body for each seal."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_document import json_values

from ledger.errors import FengtuError, FormatError
from ledger.seal import NUMBER_MAX, Seal, blinded_root, decode_seal, encode_seal

ROOTS = (b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
SEAL = Seal(2, 9, 1000, ((2, 100), (5, 100), (6, 900)), *ROOTS, 1)
EMPTY = Seal(4, 4, 1000, (), *ROOTS, 1)


def test_round_trip() -> None:
    """A seal comes back from its body, with public records below it or none."""
    for seal in (SEAL, EMPTY, Seal(0, 0, 0, (), *ROOTS, 0), Seal(0, 1, 5, ((0, 5),), *ROOTS, 2)):
        assert decode_seal(encode_seal(seal)) == seal
    assert encode_seal(SEAL)["public_root"] == "01" * 32


def test_times() -> None:
    """Each entry has its batch's time, the seal its own; a time off by one batch would decide an expiry wrongly."""
    assert [SEAL.time_of(index) for index in range(2, 10)] == [100, 100, 100, 100, 900, 900, 900, 1000]
    assert EMPTY.time_of(4) == 1000
    for seal, index in ((SEAL, 1), (SEAL, 10), (SEAL, -1), (EMPTY, 3), (EMPTY, 5)):
        with pytest.raises(FormatError):
            seal.time_of(index)


@pytest.mark.parametrize(
    "changed",
    [
        {"since": -1}, {"since": True}, {"since": "2"}, {"since": 2.0}, {"since": 10}, {"since": 3}, {"since": None},
        {"size": 2}, {"size": 6}, {"size": 2**53}, {"time": 899}, {"time": -1}, {"time": NUMBER_MAX + 1}, {"rules": -1},
        {"rules": "1"}, {"rules": None}, {"times": []}, {"times": {}}, {"times": None}, {"times": [[2]]},
        {"times": [[2, 100, 1]]}, {"times": [2, 100]}, {"times": [["2", 100]]}, {"times": [[2, 100.0]]},
        {"times": [[3, 100]]}, {"times": [[1, 100]]}, {"times": [[2, 100], [2, 100]]}, {"times": [[2, 100], [1, 200]]},
        {"times": [[2, 100], [5, 99]]}, {"times": [[2, 100], [9, 100]]}, {"times": [[2, 1001]]}, {"times": [[2, -1]]},
        {"times": [[2, 100], [3, True]]},
        *({name: value} for name in ("public_root", "private_root", "private_records_root")
          for value in ("", "01" * 31, "01" * 33, "AB" * 32, "0x" + "01" * 31, "01" * 32 + "\n", None, 5, ["01" * 32],
                        "０" * 64)),
        {"extra": 1}, {"previous": None},
    ],
)  # fmt: skip
def test_no_seal(changed: dict[str, Any]) -> None:
    """A gap, an overlap or a fall of time, or a second spelling of a root, is no seal."""
    with pytest.raises(FormatError):
        decode_seal(encode_seal(SEAL) | changed)


def test_members() -> None:
    """Each member is needed, and an empty seal covers nothing."""
    for name in encode_seal(SEAL):
        with pytest.raises(FormatError):
            decode_seal({key: value for key, value in encode_seal(SEAL).items() if key != name})
    with pytest.raises(FormatError):
        decode_seal(encode_seal(EMPTY) | {"times": [[4, 5]]})


def test_blinded_root() -> None:
    """SHA-256(salt ‖ root ‖ uint64 count): an unchanged root does not show, and the count is bound to it."""
    salt, root = b"\x07" * 32, b"\x08" * 32
    assert blinded_root(salt, root, 258) == hashlib.sha256(salt + root + b"\0\0\0\0\0\0\1\2").digest()
    assert len({blinded_root(salt, root, 0), blinded_root(salt, root, 1), blinded_root(root, salt, 0)}) == 3
    for one, two in ((salt[:31], root + b"\x08"), (salt + b"\x08", root[:31]), (b"", root), (salt, b"")):
        with pytest.raises(FormatError):
            blinded_root(one, two, 0)
    for count in (-1, 2**64, True, "1"):
        with pytest.raises(FormatError, match="count"):
            blinded_root(salt, root, count)  # type: ignore[arg-type]  # a bundle's JSON may hold any type there


@given(st.dictionaries(st.sampled_from([*encode_seal(SEAL), "x"]), json_values))
def test_noise(changed: dict[str, Any]) -> None:
    """A seal with any JSON in any member is refused by an error of ours, or encodes to itself."""
    body = encode_seal(SEAL) | changed
    try:
        seal = decode_seal(body)
    except FengtuError:
        return
    assert encode_seal(seal) == body
