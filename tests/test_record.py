"""Records: one encoding, every byte of it held, and read alike by somebody else's software."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from format_vectors import FILE, ORIGIN, text
from hypothesis import given
from hypothesis import strategies as st
from scitt_cose import parse_signed_statement

from ledger import cbor, cose
from ledger.errors import FengtuError, FormatError, SignatureError
from ledger.record import (
    NAME_SIZE_MAX,
    SHA_256,
    STATEMENT_SIZE_MAX,
    TIME_MAX_S,
    TYP,
    check_record,
    decode_record,
    sign_record,
)
from ledger.signature import SigningKey

KEY = SigningKey.from_seed(b"\x01" * 32)
PEM = Ed25519PublicKey.from_public_bytes(KEY.public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DOCUMENT = b'{"id":"1"}'
CLAIMS: dict[Any, Any] = {cose.ISS: "farmer-1", cose.SUB: "lot/L1", cose.AUD: ORIGIN, cose.IAT: 1_795_420_800}
HEADER: dict[Any, Any] = {
    cose.CWT_CLAIMS: CLAIMS, cose.TYP: TYP, cose.PAYLOAD_HASH_ALG: SHA_256,
    cose.PREIMAGE_CONTENT_TYPE: "application/vnd.fengtu.harvest+json",
}  # fmt: skip
STATEMENT = sign_record(
    KEY, kind="harvest", issuer="farmer-1", subject="lot/L1", audience=ORIGIN, issued_at_s=1_795_420_800,
    expires_at_s=1_795_424_400, document=DOCUMENT,
)  # fmt: skip


def forged(header: dict[Any, Any] | None = None, payload: bytes = b"\x00" * 32, **more: Any) -> bytes:
    """A signed COSE_Sign1 with any header: what an actor with a key of its own could hand in."""
    return cose.sign1(KEY, HEADER if header is None else header, payload, **more)


def without(mapping: dict[Any, Any], label: Any) -> dict[Any, Any]:
    """The mapping without one label."""
    return {name: value for name, value in mapping.items() if name != label}


def test_published_vectors() -> None:
    """The file that other implementations are tested by must be what this code makes."""
    assert FILE.read_text() == text()


def test_round_trip() -> None:
    """Each field that was signed is read back."""
    record = decode_record(STATEMENT)
    check_record(record, KEY.public_key)
    assert (record.statement, record.kid, record.kind) == (STATEMENT, KEY.kid, "harvest")
    assert (record.issuer, record.subject, record.audience) == ("farmer-1", "lot/L1", ORIGIN)
    assert (record.issued_at_s, record.expires_at_s) == (1_795_420_800, 1_795_424_400)
    assert record.document_hash == hashlib.sha256(DOCUMENT).digest()
    assert record.signed == cbor.encode(["Signature1", cbor.decode(STATEMENT[1:])[0], b"", record.document_hash])
    assert decode_record(forged()).expires_at_s is None


def test_scitt_cose_reads_it() -> None:
    """Other SCITT software verifies the statement and reads the claims; one changed byte and it does not."""
    parsed = parse_signed_statement(STATEMENT, public_key_pem=PEM)
    assert parsed["signature_verified"] is True
    assert (parsed["issuer"], parsed["subject"]) == ("farmer-1", "lot/L1")
    assert parsed["payload"] == hashlib.sha256(DOCUMENT).digest()
    for at in range(0, len(STATEMENT), 9):
        flipped = STATEMENT[:at] + bytes([STATEMENT[at] ^ 1]) + STATEMENT[at + 1 :]
        assert parse_signed_statement(flipped, public_key_pem=PEM)["signature_verified"] is False


def test_every_flipped_bit() -> None:
    """Every changed bit of a statement is refused; one that passed would be a second entry for one signature."""
    for bit in range(len(STATEMENT) * 8):
        flipped = (int.from_bytes(STATEMENT, "big") ^ 1 << bit).to_bytes(len(STATEMENT), "big")
        with pytest.raises(FengtuError):
            check_record(decode_record(flipped), KEY.public_key)


def test_every_other_byte() -> None:
    """The same for every other value of every byte of the head and for every cut and every doubled byte."""
    for at in range(len(STATEMENT)):
        changed = [STATEMENT[:at], STATEMENT[:at] + STATEMENT[at + 1 :], STATEMENT[: at + 1] + STATEMENT[at:]]
        changed += [STATEMENT[:at] + bytes([value]) + STATEMENT[at + 1 :] for value in (0, 0xFF, 0x80, 0x18)]
        for one in changed:
            if one != STATEMENT:
                with pytest.raises(FengtuError):
                    check_record(decode_record(one), KEY.public_key)


def test_another_key() -> None:
    """A record is by the key that its kid names, and by no other."""
    record = decode_record(STATEMENT)
    with pytest.raises(SignatureError):
        check_record(record, SigningKey.from_seed(b"\x02" * 32).public_key)
    with pytest.raises(FormatError):
        check_record(record, b"")


@pytest.mark.parametrize(
    "header",
    [
        {}, without(HEADER, cose.CWT_CLAIMS), without(HEADER, cose.TYP), without(HEADER, cose.PAYLOAD_HASH_ALG),
        without(HEADER, cose.PREIMAGE_CONTENT_TYPE),
        HEADER | {cose.CONTENT_TYPE: "application/json"}, HEADER | {2: [258]}, HEADER | {cose.VDS: 1},
        HEADER | {"x": 1},
        HEADER | {260: "https://x"}, HEADER | {b"x": 1}, HEADER | {-1: 1},
        HEADER | {cose.ALG: -7}, HEADER | {cose.ALG: "EdDSA"}, HEADER | {cose.ALG: None}, HEADER | {cose.ALG: -19},
        HEADER | {cose.KID: b"\x00" * 31}, HEADER | {cose.KID: "x" * 32}, HEADER | {cose.KID: None},
        HEADER | {cose.TYP: "application/vnd.fengtu.refusal+cose"}, HEADER | {cose.TYP: TYP.encode()},
        HEADER | {cose.TYP: 18}, HEADER | {cose.PAYLOAD_HASH_ALG: -44}, HEADER | {cose.PAYLOAD_HASH_ALG: "sha-256"},
        *(HEADER | {cose.PREIMAGE_CONTENT_TYPE: content_type} for content_type in (
            "application/json", "application/vnd.fengtu.+json", "application/vnd.fengtu.Harvest+json",
            "application/vnd.fengtu.harvest+json\n", "application/vnd.fengtu.harvest+json; a=b",
            "application/vnd.fengtu.1x+json", "application/vnd.fengtu." + "a" * 65 + "+json", 50, b"application/json",
            "application/vnd\u00b7fengtu.harvest+json", "application/vnd.fengtu.茶+json")),
        *(HEADER | {cose.CWT_CLAIMS: claims} for claims in (
            {}, [], None, b"\xa0", without(CLAIMS, cose.ISS), without(CLAIMS, cose.SUB), without(CLAIMS, cose.AUD),
            without(CLAIMS, cose.IAT), CLAIMS | {5: 1}, CLAIMS | {7: b"x"}, CLAIMS | {"iss": "x"},
            CLAIMS | {cose.ISS: ""}, CLAIMS | {cose.ISS: 5}, CLAIMS | {cose.ISS: b"farmer"}, CLAIMS | {cose.ISS: None},
            CLAIMS | {cose.SUB: "x" * (NAME_SIZE_MAX + 1)}, CLAIMS | {cose.SUB: "茶" * 171},
            CLAIMS | {cose.AUD: [ORIGIN]},
            CLAIMS | {cose.IAT: -1}, CLAIMS | {cose.IAT: True}, CLAIMS | {cose.IAT: "1"},
            CLAIMS | {cose.IAT: TIME_MAX_S + 1},
            CLAIMS | {cose.EXP: None}, CLAIMS | {cose.EXP: -1}, CLAIMS | {cose.EXP: False},
            CLAIMS | {cose.EXP: 2**64 - 1})),
    ],
)  # fmt: skip
def test_other_headers(header: dict[Any, Any]) -> None:
    """A label missing, one too many, another type or value: well signed, and no record all the same."""
    with pytest.raises(FormatError):
        decode_record(forged(header))


@pytest.mark.parametrize("payload", [b"", b"\x00" * 31, b"\x00" * 33, DOCUMENT])
def test_other_payloads(payload: bytes) -> None:
    """The log holds hashes only: a document in the payload would never be erased."""
    with pytest.raises(FormatError):
        decode_record(forged(payload=payload))


def test_detached_or_unprotected() -> None:
    """A payload left out, or anything in the header that is not signed, would be a second leaf for one signature."""
    for more in ({"detached": True}, {"unprotected": {1: 2}}, {"unprotected": {cose.RECEIPTS: []}}):
        with pytest.raises(FormatError):
            decode_record(forged(**more))


def test_other_encodings_of_one_record() -> None:
    """No tag, another tag, long forms, indefinite lengths, a reordered header: the same signature would verify."""
    header, unprotected, payload, signed = cbor.decode(STATEMENT[1:])
    body = STATEMENT[2:]
    members = cbor.decode(header)
    swapped = b"\xa6" + b"".join(cbor.encode(name) + cbor.encode(members[name]) for name in reversed(members))
    others = [
        STATEMENT[1:], b"\xd8\x12" + STATEMENT[1:], b"\xd9\x00\x12" + STATEMENT[1:], b"\xd1" + STATEMENT[1:],
        b"\xd2" + STATEMENT, b"\xd9\xd9\xf7" + STATEMENT, b"\xd2\x98\x04" + body, b"\xd2\x9f" + body + b"\xff",
        STATEMENT + b"\x00", b"\x00" + STATEMENT, b"", b"\xd2", STATEMENT * 2,
        b"\xd2" + cbor.encode([swapped, unprotected, payload, signed]),
        b"\xd2" + cbor.encode([header + b"\x00", unprotected, payload, signed]),
        b"\xd2" + cbor.encode([members, unprotected, payload, signed]),
        b"\xd2" + cbor.encode([b"", unprotected, payload, signed]),
        b"\xd2" + cbor.encode([cbor.encode([]), unprotected, payload, signed]),
        b"\xd2" + cbor.encode([header, None, payload, signed]),
        b"\xd2" + cbor.encode([header, unprotected, payload, signed + b"\x00"]),
        b"\xd2" + cbor.encode([header, unprotected, payload, signed, None]),
        b"\xd2" + cbor.encode([header, unprotected, payload]),
        b"\xd2" + cbor.encode([header, unprotected, payload.hex(), signed]),
        b"\xd2" + cbor.encode([header, unprotected, payload, [signed]]),
    ]  # fmt: skip
    for other in others:
        with pytest.raises(FormatError):
            decode_record(other)


def test_sizes() -> None:
    """A statement has to fit an entry bundle: 65,535 bytes."""
    with pytest.raises(FormatError, match="at most"):
        decode_record(STATEMENT + b"\x00" * STATEMENT_SIZE_MAX)
    long = {cose.ISS: "x" * NAME_SIZE_MAX, cose.SUB: "茶" * 170, cose.AUD: "y" * NAME_SIZE_MAX, cose.IAT: TIME_MAX_S}
    assert decode_record(forged(HEADER | {cose.CWT_CLAIMS: long})).subject == "茶" * 170


@pytest.mark.parametrize(
    "changed",
    [{"kind": ""}, {"kind": "A"}, {"kind": "x\n"}, {"issuer": ""}, {"issuer": "\ud800"}, {"subject": "x" * 513},
     {"audience": ""}, {"issued_at_s": -1}, {"issued_at_s": 1.5}, {"issued_at_s": 2**70}, {"expires_at_s": -1}],
)  # fmt: skip
def test_nothing_else_is_signed(changed: dict[str, Any]) -> None:
    """A record that nobody could read is never signed, and the error is one of ours."""
    fields: dict[str, Any] = {"kind": "x", "issuer": "i", "subject": "s", "audience": "a", "issued_at_s": 1} | changed
    with pytest.raises(FormatError):
        sign_record(KEY, document=DOCUMENT, **fields)


@given(st.binary(max_size=2048), st.booleans())
def test_noise(data: bytes, tagged: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
    """Noise, tagged or not, ends in a FormatError."""
    with pytest.raises(FormatError):
        decode_record(b"\xd2\x84" + data if tagged else data)


@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    """A statement changed in several places is refused by an error of ours."""
    changed = bytearray(STATEMENT)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    if bytes(changed) == STATEMENT:
        return
    with pytest.raises(FengtuError):
        check_record(decode_record(bytes(changed)), KEY.public_key)
