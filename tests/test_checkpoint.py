"""Checkpoints and cosignatures, against a published checkpoint with the cosignatures of four witnesses."""

from __future__ import annotations

import hashlib

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import (
    SIZE_MAX,
    Checkpoint,
    add_signatures,
    check_cosignature,
    check_cosignatures,
    cosign_checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    open_checkpoint,
    sign_checkpoint,
)
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.note import (
    COSIGNATURE,
    ED25519,
    NoteSigner,
    Signature,
    VerifierKey,
    decode_note,
    decode_vkey,
    encode_note,
    sign_note,
)
from ledger.signature import SigningKey

# C2SP tlog-checkpoint and tlog-cosignature, the example; its keys are not published.
SOFA = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()  # noqa: E501 - signature lines as published

# A checkpoint of a public log: an RFC 6962 signature, an Ed25519 one and four cosignatures.
ARCHE = """arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
""".encode()  # noqa: E501 - signature lines as published
ARCHE_VKEY = decode_vkey(
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
WITNESS_VKEYS = [
    decode_vkey("transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM"),
    decode_vkey("witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO"),
    decode_vkey("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"),
    decode_vkey("witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"),
]
ARCHE_TIME_S = 0x6A122120

KEY = SigningKey.from_seed(bytes(32))
WITNESS = NoteSigner("witness.example/w1", SigningKey.from_seed(b"w" * 32), COSIGNATURE)
ROOT = hashlib.sha256(b"").digest()
CHECKPOINT = Checkpoint("example.com/log", 7, ROOT)
LOG_VKEY = VerifierKey.of("example.com/log", ED25519, KEY.public_key)


def test_published_checkpoint_opens() -> None:
    """A public log's checkpoint would not verify here."""
    checkpoint = open_checkpoint(ARCHE, ARCHE_VKEY)
    assert checkpoint.origin == "arche2025h1.staging.ct.transparency.dev"
    assert checkpoint.size == 1432088532
    assert encode_note(decode_note(ARCHE)) == ARCHE


def test_published_cosignatures_verify() -> None:
    """Public witnesses' cosignatures would not count here."""
    assert [check_cosignature(ARCHE, vkey) for vkey in WITNESS_VKEYS] == [ARCHE_TIME_S] * 4
    assert check_cosignatures(ARCHE, [*WITNESS_VKEYS, WITNESS.vkey]) == dict.fromkeys(WITNESS_VKEYS, ARCHE_TIME_S)


def test_cosignatures_cover_the_whole_text() -> None:
    """A cosignature would pass from one checkpoint to another."""
    for changed in (ARCHE.replace(b"1432088532", b"1432088533"), ARCHE.replace(b"Ro=\n", b"Ro=\nextension\n", 1)):
        for vkey in WITNESS_VKEYS:
            with pytest.raises(SignatureError):
                check_cosignature(changed, vkey)
        with pytest.raises(SignatureError):
            open_checkpoint(changed, ARCHE_VKEY)


def test_example_of_the_specification_decodes() -> None:
    """The published form of a checkpoint would be refused, or written differently."""
    note = decode_note(SOFA)
    checkpoint = decode_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert encode_checkpoint(checkpoint) == note.text
    assert int.from_bytes(note.signatures[1].blob[:8], "big") == 1679315147


def test_what_is_signed_opens() -> None:
    """A log could not read its own checkpoints."""
    assert open_checkpoint(sign_checkpoint(CHECKPOINT, KEY), LOG_VKEY) == CHECKPOINT


def test_another_origin_is_refused() -> None:
    """A log with two names could show one tree under the other's name."""
    other = Checkpoint("example.com/other", 7, ROOT)
    data = sign_note(encode_checkpoint(other), [NoteSigner("example.com/log", KEY, ED25519)])
    with pytest.raises(ProofError):
        open_checkpoint(data, LOG_VKEY)


def test_cosigning() -> None:
    """A witness's line would not verify, or with another time than the one it was made at."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    line = cosign_checkpoint(data, WITNESS, 1_700_000_000)
    assert line.startswith("— witness.example/w1 ")
    assert line.endswith("\n")
    cosigned = add_signatures(data, [line])
    assert check_cosignature(cosigned, WITNESS.vkey) == 1_700_000_000
    assert open_checkpoint(cosigned, LOG_VKEY) == CHECKPOINT


def test_the_time_is_signed() -> None:
    """An old cosignature could be made to look fresh."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    note = decode_note(add_signatures(data, [cosign_checkpoint(data, WITNESS, 1_700_000_000)]))
    later = (1_800_000_000).to_bytes(8, "big")
    forged = Signature(note.signatures[1].name, note.signatures[1].key_id, later + note.signatures[1].blob[8:])
    with pytest.raises(SignatureError):
        check_cosignature(add_signatures(data, [forged.encode()]), WITNESS.vkey)


@pytest.mark.parametrize("blob", [bytes(71), bytes(73), bytes(64), b"\x80" + bytes(71)])
def test_cosignatures_of_another_form_are_refused(blob: bytes) -> None:
    """A plain signature or a time above 2^63 - 1 would be taken for a cosignature."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    line = Signature(WITNESS.name, WITNESS.vkey.key_id, blob).encode()
    with pytest.raises(SignatureError):
        check_cosignature(add_signatures(data, [line]), WITNESS.vkey)


def test_one_false_line_spoils_the_note() -> None:
    """A verifier would take what a conforming one rejects."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    line = cosign_checkpoint(data, WITNESS, 1)
    false = Signature(WITNESS.name, WITNESS.vkey.key_id, bytes(72)).encode()
    with pytest.raises(SignatureError):
        check_cosignature(data + line.encode() + false.encode(), WITNESS.vkey)
    with pytest.raises(SignatureError):
        check_cosignatures(data + line.encode() + false.encode(), [WITNESS.vkey])


def test_the_latest_of_a_witness_counts() -> None:
    """A checkpoint that was cosigned again would stay as old as its first cosignature."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    lines = [cosign_checkpoint(data, WITNESS, time_s) for time_s in (5, 9, 7)]
    assert check_cosignature(data + "".join(lines).encode(), WITNESS.vkey) == 9
    assert check_cosignature(add_signatures(data, lines), WITNESS.vkey) == 7


def test_added_lines_replace_the_same_key_only() -> None:
    """A note would grow with each round of cosigning until nobody reads it, or lose another's signature."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    once = add_signatures(data, [cosign_checkpoint(data, WITNESS, 1)])
    twice = add_signatures(once, [cosign_checkpoint(data, WITNESS, 2)])
    assert len(decode_note(twice).signatures) == 2
    assert check_cosignature(twice, WITNESS.vkey) == 2
    assert add_signatures(data, []) == data
    for line in ("", "x", "— a b\n", cosign_checkpoint(data, WITNESS, 1)[:-1]):
        with pytest.raises(FormatError):
            add_signatures(data, [line])


def test_missing_cosignature() -> None:
    """Nobody's silence would count as a cosignature."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    with pytest.raises(SignatureError):
        check_cosignature(data, WITNESS.vkey)
    assert check_cosignatures(data, [WITNESS.vkey]) == {}


def test_types_are_kept_apart() -> None:
    """A log's key would cosign or a witness's key sign a log."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    with pytest.raises(FormatError):
        cosign_checkpoint(data, NoteSigner("example.com/log", KEY, ED25519), 1)
    with pytest.raises(FormatError):
        check_cosignature(data, LOG_VKEY)
    with pytest.raises(FormatError):
        open_checkpoint(data, WITNESS.vkey)


@pytest.mark.parametrize("time_s", [-1, SIZE_MAX + 1])
def test_times_out_of_range_are_not_signed(time_s: int) -> None:
    """A cosignature would be made that no verifier may accept."""
    with pytest.raises(FormatError):
        cosign_checkpoint(sign_checkpoint(CHECKPOINT, KEY), WITNESS, time_s)


def test_only_checkpoints_are_cosigned() -> None:
    """A witness would sign any text under the cosignature's header."""
    data = sign_note("not a checkpoint\n", [NoteSigner("a", KEY, ED25519)])
    with pytest.raises(FormatError):
        cosign_checkpoint(data, WITNESS, 1)
    with pytest.raises(FormatError):
        check_cosignature(data, WITNESS.vkey)


HASH = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n1\n{HASH}",
        f"\n1\n{HASH}\n",
        f"o\n01\n{HASH}\n",
        f"o\n+1\n{HASH}\n",
        f"o\n-1\n{HASH}\n",
        f"o\n 1\n{HASH}\n",
        f"o\n1_0\n{HASH}\n",
        f"o\n\u0661\n{HASH}\n",
        f"o\n\n{HASH}\n",
        f"o\n{SIZE_MAX + 1}\n{HASH}\n",
        f"o\n{'9' * 5000}\n{HASH}\n",
        "o\n1\n\n",
        "o\n1\nAAAA\n",
        f"o\n1\n{HASH[:-2]}J=\n",
        f"o\n1\n{HASH[:-1]}\n",
        f"o\n1\n{HASH}\n\n",
        f"o\n1\n{HASH}\nextension",
        f"o\n1\n{HASH}\n\nextension\n",
        f"o\r\n1\n{HASH}\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    """One tree head would have several texts, or a text several tree heads."""
    with pytest.raises(FormatError):
        decode_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, ROOT),
        Checkpoint("a\nb", 1, ROOT),
        Checkpoint("a", -1, ROOT),
        Checkpoint("a", SIZE_MAX + 1, ROOT),
        Checkpoint("a", 1, b""),
        Checkpoint("a", 1, ROOT, ("",)),
        Checkpoint("a", 1, ROOT, ("a\nb",)),
        Checkpoint("a b", 1, ROOT),
    ],
)
def test_values_out_of_range_are_not_signed(checkpoint: Checkpoint) -> None:
    """The log's key would sign what is no checkpoint; an origin with a space cannot be a key name."""
    with pytest.raises(FormatError):
        sign_checkpoint(checkpoint, KEY)


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
CHECKPOINTS = st.builds(
    Checkpoint,
    WORDS,
    st.integers(0, SIZE_MAX),
    st.binary(min_size=32, max_size=32),
    st.lists(WORDS, max_size=2).map(tuple),
)


@given(CHECKPOINTS)
def test_checkpoints_decode_to_what_was_encoded(checkpoint: Checkpoint) -> None:
    """What one process writes another would read differently."""
    assert decode_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


def test_every_changed_byte_is_noticed() -> None:
    """A checkpoint with one byte changed would still have both its log's and its witness's word."""
    data = sign_checkpoint(CHECKPOINT, KEY)
    data = add_signatures(data, [cosign_checkpoint(data, WITNESS, 1_700_000_000)])
    every = soak("values for each byte of a checkpoint", 2, 255)
    for position, byte in enumerate(data):
        for step in range(1, every + 1):
            changed = bytearray(data)
            changed[position] = (byte + step * (255 // every)) % 256
            with pytest.raises((FormatError, ProofError)):
                open_and_check(bytes(changed))
            try:
                note = decode_note(bytes(changed))
                assert encode_checkpoint(decode_checkpoint(note.text)) == note.text
            except FormatError:
                continue
            assert encode_note(note) == changed


def open_and_check(data: bytes) -> None:
    """Check both signatures of a cosigned checkpoint."""
    open_checkpoint(data, LOG_VKEY)
    check_cosignature(data, WITNESS.vkey)
