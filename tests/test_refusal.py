"""Refusals: signed reasons that pass for nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_receipt import RECEIPT
from test_record import STATEMENT

from ledger import cbor, cose
from ledger.errors import FengtuError, FormatError, SignatureError
from ledger.receipt import open_receipt
from ledger.record import decode_record
from ledger.refusal import TYP, Refusal, open_refusal, sign_refusal
from ledger.signature import SigningKey

LOG = SigningKey.from_seed(b"\x03" * 32)
REFUSAL = Refusal(17, "produce.mass-balance", "出貨多於採收", "at most 300 g", None)
SIGNED = sign_refusal(LOG, REFUSAL)


def forged(payload: bytes, header: dict[Any, Any] | None = None, **more: Any) -> bytes:
    """A refusal with any payload or header, signed by the log's key."""
    return cose.sign1(LOG, {cose.TYP: TYP} if header is None else header, payload, **more)


def test_round_trip() -> None:
    """Rule, words and numbers come back as they were signed."""
    assert open_refusal(SIGNED, LOG.public_key) == REFUSAL
    for other in (Refusal(0, "", "", None, "x"), Refusal(2**63, "r", "m", "e", "g")):
        assert open_refusal(sign_refusal(LOG, other), LOG.public_key) == other


def test_every_flipped_bit() -> None:
    """A changed reason would blame the wrong party."""
    for bit in range(len(SIGNED) * 8):
        flipped = (int.from_bytes(SIGNED, "big") ^ 1 << bit).to_bytes(len(SIGNED), "big")
        with pytest.raises(FengtuError):
            open_refusal(flipped, LOG.public_key)


def test_passes_for_nothing_else() -> None:
    """A refusal is no record and no receipt, and neither is a refusal."""
    with pytest.raises(FormatError):
        decode_record(SIGNED)
    with pytest.raises(FormatError):
        open_receipt(SIGNED)
    for other in (STATEMENT, RECEIPT):
        with pytest.raises(FormatError):
            open_refusal(other, LOG.public_key)


def test_another_key() -> None:
    """Only the log's record key refuses, under its own kid."""
    other = SigningKey.from_seed(b"\x04" * 32)
    with pytest.raises(SignatureError, match="kid"):
        open_refusal(forged(b"\xa0", {cose.TYP: TYP, cose.KID: other.kid}), LOG.public_key)
    with pytest.raises(SignatureError):
        open_refusal(SIGNED, other.public_key)


@pytest.mark.parametrize(
    "payload",
    [5, [], None, {}, asdict(REFUSAL) | {"x": 1}, *(asdict(REFUSAL) | changed for changed in (
        {"size": -1}, {"size": True}, {"size": "1"}, {"size": None}, {"rule": None}, {"rule": 1}, {"message": None},
        {"message": b"x"}, {"expected": 1}, {"got": []}, {"got": False}))],
)  # fmt: skip
def test_other_payloads(payload: Any) -> None:
    """A payload of another shape is refused even where the log signed it."""
    with pytest.raises(FormatError):
        open_refusal(forged(cbor.encode(payload)), LOG.public_key)


def test_other_envelopes() -> None:
    """Another typ, a missing or second label, an unprotected header, a detached or noisy payload: no refusal."""
    payload = cbor.encode(asdict(REFUSAL))
    assert forged(payload) == SIGNED
    others = [
        forged(payload, {}), forged(payload, {cose.TYP: "application/vnd.fengtu.record+cose"}),
        forged(payload, {cose.TYP: TYP, cose.VDS: 1}), forged(payload, {cose.TYP: TYP.encode()}),
        forged(payload, unprotected={1: 1}), forged(payload, detached=True), forged(payload + b"\x00"), forged(b""),
    ]  # fmt: skip
    for other in others:
        with pytest.raises(FormatError):
            open_refusal(other, LOG.public_key)


def test_lone_surrogates() -> None:
    """A refusal that quotes broken text fails by an error of ours, not in the middle of an append."""
    with pytest.raises(FormatError):
        sign_refusal(LOG, Refusal(1, "r", "m", None, "\ud800"))


@given(st.binary(max_size=2048), st.booleans())
def test_noise(data: bytes, signed: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    """Noise, bare or signed by the log itself, ends in an error of ours."""
    with pytest.raises(FengtuError):
        open_refusal(forged(data) if signed else data, LOG.public_key)
