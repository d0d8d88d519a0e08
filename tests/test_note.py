"""Signed notes and verifier keys, against the published examples of signed-note and of Go's sumdb/note."""

from __future__ import annotations

import base64

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError, SignatureError
from ledger.note import (
    COSIGNATURE,
    ED25519,
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    Note,
    NoteSigner,
    Signature,
    VerifierKey,
    decode_base64,
    decode_note,
    decode_signatures,
    decode_vkey,
    encode_note,
    open_note,
    sign_note,
)
from ledger.signature import SigningKey

# golang.org/x/mod/sumdb/note, note_test.go.
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SKEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

# C2SP signed-note 1.0.0, test vector.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def note_of(*parts: str) -> bytes:
    """Return the bytes of a note's parts."""
    return "".join(parts).encode()


PETER_NOTE = note_of(TEXT, "\n", PETER_LINE)


def test_published_notes_open() -> None:
    """A note that other software signed would not verify here."""
    assert open_note(PETER_NOTE, decode_vkey(PETER_VKEY)) == TEXT
    assert open_note(note_of(TEXT, "\n", PETER_LINE, ENOCH_LINE), decode_vkey(ENOCH_VKEY)) == TEXT
    assert open_note(C2SP_NOTE.encode(), decode_vkey(C2SP_VKEY)) == "This is an example message.\n"


def test_published_key_signs_the_published_note() -> None:
    """A note signed here would differ from what other software writes for the same key and text."""
    key = SigningKey.from_seed(base64.b64decode(PETER_SKEY)[1:])
    signer = NoteSigner("PeterNeumann", key, ED25519)
    assert signer.vkey.encode() == PETER_VKEY
    assert sign_note(TEXT, [signer]) == PETER_NOTE


def test_signer_does_not_print_its_key() -> None:
    """A log line with a signer in it would carry what derives from its key."""
    key = SigningKey.from_seed(bytes(range(32)))
    assert "key=" not in repr(NoteSigner("a", key, ED25519))


@pytest.mark.parametrize(
    "text",
    [
        PETER_VKEY,
        ENOCH_VKEY,
        C2SP_VKEY,
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "foo+1573814f+ATnT68N1+aPhXIQhFQ0X6jekt0UsUk/iyE8dWHb3g9GN",
    ],
)
def test_published_vkeys_encode_to_themselves(text: str) -> None:
    """A policy would print another key than it was given."""
    vkey = decode_vkey(text)
    assert vkey.encode() == text
    assert VerifierKey.of(vkey.name, vkey.type, vkey.public_key) == vkey


def test_mangled_vkeys_are_refused() -> None:
    """A key cut short or with any one character changed would be trusted (the manglings of Go's TestNewVerifier)."""
    refused = [
        PETER_VKEY[start:end]
        for start in range(len(PETER_VKEY))
        for end in range(start + 1, len(PETER_VKEY) + 1)
        if end - start < len(PETER_VKEY)
    ]
    refused += [PETER_VKEY[:i] + chr(ord(c) + 1) + PETER_VKEY[i + 1 :] for i, c in enumerate(PETER_VKEY)]
    refused += [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, its id adjusted
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown type, its id adjusted
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        PETER_VKEY.replace("c74f20a3", "c74f20a\u0663"),
        "PeterNeumann+c74f20a3+",
        "",
    ]
    for text in refused:
        with pytest.raises(FormatError):
            decode_vkey(text)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\tb", "a\nb", "a\x85b", "a\xa0b", "a\u1680b", "a\u2028b", "a\u3000b", "a\ud800b"]
)
def test_key_names_with_spaces_or_plus_are_refused(name: str) -> None:
    """A name could spill into the signature beside it, or a line into the next."""
    with pytest.raises(FormatError):
        VerifierKey.of(name, ED25519, bytes(32))
    with pytest.raises(FormatError):
        encode_note(Note("text\n", (Signature(name, bytes(4), b"x"),)))


@pytest.mark.parametrize(("signature_type", "public_key"), [(0, bytes(32)), (2, bytes(32)), (300, bytes(32)), (1, b"")])
def test_other_keys_are_refused(signature_type: int, public_key: bytes) -> None:
    """A key that nothing here can check would enter a policy."""
    with pytest.raises(FormatError):
        VerifierKey.of("a", signature_type, public_key)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        note_of(TEXT, "\n"),
        PETER_NOTE[:-1],
        b"\x01" + PETER_NOTE,
        b"\xff" + PETER_NOTE,
        PETER_NOTE.replace(b"\n", b"\r\n"),
        note_of(TEXT, "\n", PETER_LINE.replace("PeterNeumann", "Bad Name")),
        note_of(TEXT, "\n", PETER_LINE.replace("PeterNeumann", "Bad\u3000Name")),
        note_of(TEXT, "\n", PETER_LINE.replace("—", "-")),
        note_of(TEXT, "\n", PETER_LINE, "Unexpected line.\n"),
        note_of(TEXT, "\n", PETER_LINE, "\n"),
        note_of(TEXT, "\n", "— PeterNeumann x08gow==\n"),  # a key id and no signature
        note_of(TEXT, "\n", PETER_LINE.replace("nAM=", "nAN=")),  # the same bytes, not canonical
        note_of(TEXT, "\n", PETER_LINE.replace("=", "")),
        note_of("\n", PETER_LINE),
        note_of(TEXT, "\n", PETER_LINE * (SIGNATURES_MAX + 1)),
        note_of("a" * NOTE_SIZE_MAX, "\n\n", PETER_LINE),
        b"",
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    """Two readers could see different texts or signatures in one note."""
    with pytest.raises(FormatError):
        decode_note(data)


def test_the_last_empty_line_separates() -> None:
    """A text with empty lines of its own would lose its end."""
    text = "one\n\ntwo\n\n"
    key = SigningKey.from_seed(bytes(32))
    data = sign_note(text, [NoteSigner("a", key, ED25519)])
    assert open_note(data, NoteSigner("a", key, ED25519).vkey) == text


def test_unknown_keys_are_ignored_even_when_many() -> None:
    """A note with other people's signatures could not be read."""
    other = [Signature(f"other{i}", bytes(4), bytes(3000)) for i in range(30)]
    same_name, same_id = Signature("PeterNeumann", bytes(4), b"x"), Signature("X", bytes.fromhex("c74f20a3"), b"x")
    signatures = (*other, same_name, same_id, *decode_note(PETER_NOTE).signatures)
    assert open_note(encode_note(Note(TEXT, signatures)), decode_vkey(PETER_VKEY)) == TEXT


def test_a_known_key_must_verify() -> None:
    """A text would be believed that the key did not sign."""
    vkey = decode_vkey(PETER_VKEY)
    with pytest.raises(SignatureError):
        open_note(note_of(TEXT, "\n", ENOCH_LINE), vkey)
    with pytest.raises(SignatureError):
        open_note(PETER_NOTE.replace(b"answer", b"Answer"), vkey)
    good = decode_note(PETER_NOTE).signatures[0]
    for blob in (good.blob + b"x", good.blob[:-1], bytes(64)):
        bad = Signature(good.name, good.key_id, blob)
        with pytest.raises(SignatureError):
            open_note(encode_note(Note(TEXT, (good, bad))), vkey)


def test_types_do_not_stand_in_for_each_other() -> None:
    """A cosigner's key would sign plain notes, whose signatures say something else."""
    signer = NoteSigner("a", SigningKey.from_seed(bytes(32)), COSIGNATURE)
    with pytest.raises(FormatError):
        sign_note("text\n", [signer])
    with pytest.raises(FormatError):
        open_note(PETER_NOTE, signer.vkey)


@pytest.mark.parametrize("text", ["", "text", "te\rxt\n", "te\ud800xt\n"])
def test_texts_that_are_no_notes_are_not_signed(text: str) -> None:
    """A signature would be made that nobody can read again."""
    with pytest.raises(FormatError):
        sign_note(text, [NoteSigner("a", SigningKey.from_seed(bytes(32)), ED25519)])
    with pytest.raises(FormatError):
        encode_note(Note(text, (Signature("a", bytes(4), b"x"),)))


def test_a_text_cannot_smuggle_signature_lines() -> None:
    """A signer who signs what others wrote would publish lines that look like signatures of third parties."""
    with pytest.raises(FormatError):
        sign_note(f"text\n\n{ENOCH_LINE}"[:-1], [NoteSigner("a", SigningKey.from_seed(bytes(32)), ED25519)])


def test_a_note_needs_a_signature() -> None:
    """A note without any signature would pass for one."""
    with pytest.raises(FormatError):
        sign_note("text\n", [])


def test_bare_signature_lines() -> None:
    """A witness's answer could not be read, or something beside signature lines in it would be."""
    assert [each.name for each in decode_signatures(note_of(PETER_LINE, ENOCH_LINE))] == ["PeterNeumann", "EnochRoot"]
    for data in (b"", b"\n", note_of("\n", PETER_LINE), note_of(PETER_LINE)[:-1], b"\xff\n", bytes(NOTE_SIZE_MAX + 1)):
        with pytest.raises(FormatError):
            decode_signatures(data)


@pytest.mark.parametrize("text", ["YR==", "YQ=", "YQ", "Y Q=", "YQ==\n", "-_==", "é", "YQ==YQ=="])
def test_base64_has_one_spelling(text: str) -> None:
    """Two texts would stand for the same bytes."""
    with pytest.raises(FormatError):
        decode_base64(text)


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="+"), min_size=1)
LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")))
NOTES = st.builds(
    Note,
    st.lists(LINES, min_size=1, max_size=5).map(lambda lines: "".join(f"{line}\n" for line in lines)),
    st.lists(
        st.builds(Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=90)),
        min_size=1,
        max_size=5,
    ).map(tuple),
)


@given(NOTES)
def test_notes_decode_to_what_was_encoded(note: Note) -> None:
    """What one process writes another would read differently."""
    assert decode_note(encode_note(note)) == note


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: PETER_NOTE[:-60] + tail))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    """Two notes of different bytes would have the same content."""
    try:
        note = decode_note(data)
    except FormatError:
        return
    assert encode_note(note) == data


def test_every_changed_byte_is_noticed() -> None:
    """A note with one byte changed would still verify, or read like another."""
    vkey = decode_vkey(PETER_VKEY)
    every = soak("values for each byte of a note", 3, 255)
    for position, byte in enumerate(PETER_NOTE):
        for step in range(1, every + 1):
            changed = bytearray(PETER_NOTE)
            changed[position] = (byte + step * (255 // every)) % 256
            with pytest.raises((FormatError, SignatureError)):
                open_note(bytes(changed), vkey)
            try:
                note = decode_note(bytes(changed))
            except FormatError:
                continue
            assert encode_note(note) == changed
