"""tlog-policies and their quorums, against the cases of transparency-dev/formats and a slow reference."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, add_signatures, cosign_checkpoint, encode_checkpoint, sign_checkpoint
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.note import COSIGNATURE, ED25519, NoteSigner, Signature, VerifierKey, decode_vkey, sign_note
from ledger.policy import (
    POLICY_SIZE_MAX,
    Group,
    Log,
    Policy,
    TlogPolicy,
    Witness,
    decode_policy,
    decode_tlog_policy,
    encode_policy,
    encode_tlog_policy,
)
from ledger.signature import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ORIGIN = "example.com/log"
LOG_KEY = SigningKey.from_seed(b"l" * 32)
LOG_VKEY = VerifierKey.of(ORIGIN, ED25519, LOG_KEY.public_key)
SIGNERS = [NoteSigner(f"w{i}.example", SigningKey.from_seed(bytes([i]) * 32), COSIGNATURE) for i in range(1, 9)]
VKEYS = [signer.vkey for signer in SIGNERS]
V = [vkey.encode() for vkey in VKEYS]
L = LOG_VKEY.encode()

# C2SP tlog-policy, the example with keys put in.
EXAMPLE = f"""log {L}

witness X1 {V[0]}
witness X2 {V[1]}
witness X3 {V[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {V[3]}
witness Y2 {V[4]}
witness Y3 {V[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()


def test_the_example_of_the_specification() -> None:
    """A policy of other software would mean something else here."""
    policy = decode_tlog_policy(EXAMPLE)
    assert policy.logs == (Log(LOG_VKEY),)
    assert [witness.name for witness in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    assert policy.quorum == "X-and-Y"
    assert decode_tlog_policy(encode_tlog_policy(policy)) == policy


@pytest.mark.parametrize(
    ("times", "t"),
    [
        ({"X1": 10, "X2": 20, "Y1": 30}, 10),
        ({"X1": 10, "X2": 20, "X3": 30, "Y1": 5}, 5),
        ({"X1": 10, "X2": 20, "X3": 30, "Y1": 5, "Y2": 99}, 20),
        ({"X1": 7, "X2": 7, "Y3": 7, "stranger": 9}, 7),
        ({"X1": 0, "X2": 0, "Y3": 0}, 0),
    ],
)
def test_the_example_quorum(times: dict[str, int], t: int) -> None:
    """A checkpoint would be called fresher or older than its quorum makes it."""
    assert decode_tlog_policy(EXAMPLE).check_quorum(times) == t


@pytest.mark.parametrize(
    "times", [{}, {"X1": 1, "Y1": 1}, {"X1": 1, "X2": 1, "X3": 1}, {"Y1": 1, "Y2": 1, "Y3": 1}, {"X-and-Y": 1}]
)
def test_a_quorum_that_is_not_met(times: dict[str, int]) -> None:
    """A checkpoint that too few have seen would pass."""
    with pytest.raises(ProofError):
        decode_tlog_policy(EXAMPLE).check_quorum(times)


def test_quorum_none() -> None:
    """A log without witnesses could not be read at all, or a reader would take a time from nobody."""
    assert decode_tlog_policy(b"quorum none\n") == TlogPolicy((), (), (), "none")
    assert decode_tlog_policy(f"witness w {V[0]}\nquorum none\n".encode()).check_quorum({"w": 5}) is None


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (
            f"\n# comment\n\t # another\n\twitness \t w1  {V[0]}   https://w1.example/  \n\n  quorum\tw1\n",
            TlogPolicy((), (Witness("w1", VKEYS[0], "https://w1.example/"),), (), "w1"),
        ),
        (
            f"quorum none\nlog {L} https://log.example/\n",
            TlogPolicy((Log(LOG_VKEY, "https://log.example/"),), (), (), "none"),
        ),
        (
            f"witness all {V[0]}\nwitness any {V[1]}\ngroup group 2 all any\nquorum group\n",
            TlogPolicy(
                (), (Witness("all", VKEYS[0]), Witness("any", VKEYS[1])), (Group("group", 2, ("all", "any")),), "group"
            ),
        ),
        (
            f"witness K\u212a\xa0\x85\u2028 {V[0]}\nquorum K\u212a\xa0\x85\u2028\n",
            TlogPolicy((), (Witness("K\u212a\xa0\x85\u2028", VKEYS[0]),), (), "K\u212a\xa0\x85\u2028"),
        ),
    ],
)
def test_spelling(text: str, policy: TlogPolicy) -> None:
    """Comments, tabs, keywords used as names, or characters beyond ASCII would change what a policy means."""
    assert decode_tlog_policy(text.encode()) == policy
    assert decode_tlog_policy(encode_tlog_policy(policy)) == policy


def test_names_are_opaque_octets() -> None:
    """Two names of different octets would be one, or a name that is not UTF-8 be refused."""
    data = f"witness K\udc80 {V[0]}\nwitness K\udc81 {V[1]}\nquorum K\udc81\n".encode(errors="surrogateescape")
    policy = decode_tlog_policy(data)
    assert policy.check_quorum({policy.witnesses[1].name: 3}) == 3
    assert encode_tlog_policy(policy) == data


W1, W2, W3 = (f"witness w{i} {V[i]}\n" for i in range(1, 4))
ED_VKEY = VerifierKey.of("w.example", ED25519, VKEYS[0].public_key).encode()
SAME_KEY = VerifierKey.of("impostor.example", COSIGNATURE, VKEYS[1].public_key).encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "quorum none",
        "quorum none\n\x01\n",
        "quorum none\r\n",
        "quorum none\n# \x7f\n",
        "quibble w1\nquorum none\n",
        "QUORUM none\n",
        "log\nquorum none\n",
        "log garbage\nquorum none\n",
        f"log {V[0]}\nquorum none\n",
        f"log {L} u v\nquorum none\n",
        f"log {L}\nlog {L} https://log.example/\nquorum none\n",
        "witness w1\nquorum none\n",
        f"witness w1 {V[1]} u # comment\nquorum w1\n",
        f"witness w1 {ED_VKEY}\nquorum w1\n",
        f"witness none {V[1]}\nquorum none\n",
        W1 + W1 + "quorum w1\n",
        W1 + f"witness w1 {V[2]}\nquorum w1\n",
        W1 + f"witness w2 {SAME_KEY}\nquorum w1\n",
        W1 + "group w1 any w1\nquorum w1\n",
        W1 + "group g any w1\ngroup g any w1\nquorum g\n",
        W1 + "group g 1\nquorum w1\n",
        W1 + "group g any\nquorum w1\n",
        W1 + "group g\nquorum w1\n",
        W1 + "group none any w1\nquorum none\n",
        W1 + "group g 0 w1\nquorum g\n",
        W1 + "group g -1 w1\nquorum g\n",
        W1 + "group g 01 w1\nquorum g\n",
        W1 + "group g 2 w1\nquorum g\n",
        W1 + "group g some w1\nquorum g\n",
        W1 + "group g any w2\nquorum g\n",
        W1 + "group g any none w1\nquorum g\n",
        W1 + "group g any g w1\nquorum g\n",
        W1 + "group g all w1 w1\nquorum g\n",
        W1 + W2 + "group g any w1 w2\ngroup h any w1\nquorum g\n",
        W1 + W2 + "group g any w1 w2\ngroup h any g w1\nquorum h\n",
        "group g any w1\n" + W1 + "quorum g\n",
        W1 + "group h any g\ngroup g any w1\nquorum h\n",
        W1,
        W1 + "quorum w1\nquorum w1\n",
        W1 + "quorum none\nquorum w1\n",
        "quorum unknown\n",
        "quorum w1\n" + W1,
        "quorum\n",
        W1 + W2 + "quorum w1 w2\n",
        "# " + "a" * POLICY_SIZE_MAX + "\nquorum none\n",
    ],
)
def test_malformed_policies_are_refused(text: str) -> None:
    """A slip in a policy would quietly weaken it (the cases of transparency-dev/formats, and more)."""
    with pytest.raises(FormatError):
        decode_tlog_policy(text.encode())


@pytest.mark.parametrize(
    "policy",
    [
        TlogPolicy((Log(LOG_VKEY),), (Witness("\ud800", VKEYS[0]),), (), "none"),
        TlogPolicy((Log(LOG_VKEY),), (Witness("\udcc3\udca9", VKEYS[0]),), (), "none"),
    ],
)
def test_names_that_read_back_otherwise_are_not_written(policy: TlogPolicy) -> None:
    """A written policy would name another witness."""
    with pytest.raises(FormatError):
        encode_tlog_policy(policy)


@pytest.mark.parametrize(("name", "url"), [("", None), ("a b", None), ("a\nquorum", None), ("a", "u v"), ("a", "")])
def test_words_cannot_break_lines(name: str, url: str | None) -> None:
    """A name or URL could add a line to a policy."""
    with pytest.raises(FormatError):
        TlogPolicy((), (Witness(name, VKEYS[0], url),), (), "none")


@pytest.mark.parametrize(
    ("groups", "quorum"),
    [
        ((Group("g", 1, ("h",)), Group("h", 1, ("w",))), "h"),
        ((Group("g", 1, ("g",)),), "g"),
        ((Group("g", 1, ()),), "g"),
        ((), "g"),
    ],
)
def test_groups_made_in_code_are_checked_too(groups: tuple[Group, ...], quorum: str) -> None:
    """A policy that was not read from a file could hold a circle, or a quorum of nobody."""
    with pytest.raises(FormatError):
        TlogPolicy((), (Witness("w", VKEYS[0]),), groups, quorum)


def test_specified_sizes_are_taken() -> None:
    """A policy within the recommended limits would be refused: 32 logs, witnesses and groups."""
    keys = [SigningKey.from_seed(bytes([i, i] * 16)).public_key for i in range(32)]
    policy = TlogPolicy(
        tuple(
            Log(VerifierKey.of(f"log{i}.example", ED25519, key), "https://log.example") for i, key in enumerate(keys)
        ),
        tuple(Witness(f"w{i}", VerifierKey.of(f"w{i}.example", COSIGNATURE, key)) for i, key in enumerate(keys)),
        (Group("g0", 32, tuple(f"w{i}" for i in range(32))), *(Group(f"g{i + 1}", 1, (f"g{i}",)) for i in range(31))),
        "g31",
    )
    assert decode_tlog_policy(encode_tlog_policy(policy)) == policy
    assert policy.check_quorum({f"w{i}": i for i in range(32)}) == 0


def test_groups_nest_as_deep_as_a_policy_is_long() -> None:
    """A long chain of groups would end in a stack overflow instead of an answer."""
    lines = [f"witness g0 {V[0]}"] + [f"group g{i} any g{i - 1}" for i in range(1, 5000)] + ["quorum g4999", ""]
    assert decode_tlog_policy("\n".join(lines).encode()).check_quorum({"g0": 8}) == 8


# A slow reference for the quorum: try every time, and ask each group by its words.


def slow_witnessed(policy: TlogPolicy, name: str, cosigners: set[str]) -> bool:
    """Say whether a name has witnessed, from the specification's own sentence."""
    groups = {group.name: group for group in policy.groups}
    if name not in groups:
        return name in cosigners
    return sum(slow_witnessed(policy, member, cosigners) for member in groups[name].members) >= groups[name].threshold


def slow_quorum(policy: TlogPolicy, times: Mapping[str, int]) -> int | None:
    """Return the latest time that still meets the quorum, or None where none does."""
    met = [
        t
        for t in set(times.values())
        if slow_witnessed(policy, policy.quorum, {name for name, time_s in times.items() if time_s >= t})
    ]
    return max(met, default=None)


@st.composite
def policies(draw: st.DrawFn) -> TlogPolicy:
    """Draw a policy with up to 8 witnesses in up to 6 groups that nest."""
    count = draw(st.integers(1, 8))
    urls = st.none() | st.just("https://w.example/")
    witnesses = tuple(Witness(f"w{i}", VKEYS[i], draw(urls)) for i in range(count))
    free = [witness.name for witness in witnesses]
    groups: list[Group] = []
    for i in range(draw(st.integers(0, 6))):
        members = tuple(draw(st.lists(st.sampled_from(free), min_size=1, max_size=4, unique=True)))
        free = [name for name in free if name not in members] + [f"g{i}"]
        groups.append(Group(f"g{i}", draw(st.integers(1, len(members))), members))
    logs = draw(st.sampled_from([(), (Log(LOG_VKEY),), (Log(LOG_VKEY, "https://log.example/"),)]))
    quorum = draw(st.sampled_from([witness.name for witness in witnesses] + [group.name for group in groups]))
    return TlogPolicy(logs, witnesses, tuple(groups), quorum)


TIMES = st.dictionaries(st.sampled_from([f"w{i}" for i in range(8)]), st.integers(0, 6))


@given(policies(), TIMES)
def test_quorum_times_against_the_slow_reference(policy: TlogPolicy, times: dict[str, int]) -> None:
    """A checkpoint would pass without its quorum, or be called fresh by cosignatures that do not meet it."""
    expected = slow_quorum(policy, times)
    if expected is None:
        with pytest.raises(ProofError):
            policy.check_quorum(times)
    else:
        assert policy.check_quorum(times) == expected


@given(policies(), TIMES, st.sampled_from([f"w{i}" for i in range(8)]))
def test_fewer_cosignatures_never_help(policy: TlogPolicy, times: dict[str, int], gone: str) -> None:
    """Someone who takes a cosignature away could make a checkpoint look better."""

    def quorum(of: Mapping[str, int]) -> int:
        try:
            t = policy.check_quorum(of)
        except ProofError:
            return -1
        assert t is not None
        return t

    assert quorum({name: time_s for name, time_s in times.items() if name != gone}) <= quorum(times)


@given(policies())
def test_policies_decode_to_what_was_encoded(policy: TlogPolicy) -> None:
    """A policy that was handed on would trust others."""
    assert decode_tlog_policy(encode_tlog_policy(policy)) == policy


def test_every_changed_byte_is_noticed() -> None:
    """A policy with one byte changed would name a key that nobody gave, or not read back the same."""
    every = soak("values for each byte of a policy", 2, 255)
    known = {vkey.public_key for vkey in (LOG_VKEY, *VKEYS)}
    for position, byte in enumerate(EXAMPLE):
        for step in range(1, every + 1):
            changed = bytearray(EXAMPLE)
            changed[position] = (byte + step * (255 // every)) % 256
            try:
                policy = decode_tlog_policy(bytes(changed))
            except FormatError:
                continue
            assert decode_tlog_policy(encode_tlog_policy(policy)) == policy
            assert {each.vkey.public_key for each in (*policy.logs, *policy.witnesses)} <= known


def cosigned(signers: Iterable[tuple[NoteSigner, int]], origin: str = ORIGIN) -> bytes:
    """Return a checkpoint signed by the log and cosigned at the given times."""
    data = sign_checkpoint(Checkpoint(origin, 7, bytes(32)), LOG_KEY)
    return add_signatures(data, [cosign_checkpoint(data, signer, time_s) for signer, time_s in signers])


def test_a_cosigned_checkpoint() -> None:
    """The quorum would be asked about witnesses that did not sign, or not about those that did."""
    policy = decode_tlog_policy(EXAMPLE)
    data = cosigned([(SIGNERS[0], 10), (SIGNERS[2], 12), (SIGNERS[4], 11), (SIGNERS[7], 99)])
    checkpoint, times = policy.open_checkpoint(data)
    assert checkpoint == Checkpoint(ORIGIN, 7, bytes(32))
    assert times == {"X1": 10, "X3": 12, "Y2": 11}
    assert policy.check_quorum(times) == 10


def test_checkpoints_that_no_known_log_signed() -> None:
    """A checkpoint of another log would be taken."""
    policy = decode_tlog_policy(EXAMPLE)
    text = encode_checkpoint(Checkpoint("example.com/other", 7, bytes(32)))
    false = Signature(ORIGIN, LOG_VKEY.key_id, bytes(64))
    for data in (
        cosigned([(SIGNERS[0], 1)], origin="example.com/other"),
        sign_note(text, [NoteSigner(ORIGIN, LOG_KEY, ED25519)]),
        sign_note(encode_checkpoint(Checkpoint(ORIGIN, 7, bytes(32))), [NoteSigner("a", LOG_KEY, ED25519)]),
        add_signatures(cosigned([]), [false.encode()]),
    ):
        with pytest.raises(SignatureError):
            policy.open_checkpoint(data)
    with pytest.raises(SignatureError):
        decode_tlog_policy(b"quorum none\n").open_checkpoint(cosigned([]))


def test_a_false_cosignature_of_a_known_witness_spoils_the_checkpoint() -> None:
    """A verifier would take what a conforming one rejects; an unknown key's line is nobody's concern."""
    policy = decode_tlog_policy(EXAMPLE)
    unknown = Signature("stranger", bytes(4), bytes(9)).encode()
    assert policy.open_checkpoint(add_signatures(cosigned([]), [unknown]))[1] == {}
    false = Signature(VKEYS[0].name, VKEYS[0].key_id, bytes(72)).encode()
    with pytest.raises(SignatureError):
        policy.open_checkpoint(add_signatures(cosigned([]), [false]))


def test_any_of_several_logs_will_do() -> None:
    """A log that changes its key could not be read under the old and the new one."""
    new_key = SigningKey.from_seed(b"n" * 32)
    policy = TlogPolicy((Log(VerifierKey.of(ORIGIN, ED25519, new_key.public_key)), Log(LOG_VKEY)), (), (), "none")
    for key in (LOG_KEY, new_key):
        assert policy.open_checkpoint(sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), key))[0].size == 7


POLICY = Policy(decode_tlog_policy(EXAMPLE), bytes(range(32)), 3600, VKEYS[6], VKEYS[7])


@pytest.mark.parametrize(
    "policy",
    [POLICY, replace(POLICY, replay_public=None), replace(POLICY, replay_private=None), replace(POLICY, max_age_s=1)],
)
def test_policy_files_decode_to_what_was_encoded(policy: Policy) -> None:
    """A reader's policy would change between two programs."""
    data = encode_policy(policy)
    assert decode_policy(data) == policy
    assert decode_policy(json.dumps(json.loads(data)).encode()) == policy
    assert policy.log == LOG_VKEY


def changed_file(**fields: Any) -> bytes:
    """Return the policy's file with fields put in the place of its own; `...` takes one away."""
    merged = json.loads(encode_policy(POLICY)) | fields
    return json.dumps({name: value for name, value in merged.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        encode_policy(POLICY)[:-3],
        encode_policy(POLICY).replace(b'"format"', b'"genesis": "", "format"', 1),
        changed_file(format="fengtu-policy/2"),
        changed_file(format=...),
        changed_file(format=["fengtu-policy/1"]),
        changed_file(more=1),
        changed_file(tlog_policy=...),
        changed_file(tlog_policy=7),
        changed_file(tlog_policy="quorum none\n"),
        changed_file(tlog_policy="quorum none"),
        changed_file(genesis=...),
        changed_file(genesis="00"),
        changed_file(genesis="AA" * 32),
        changed_file(genesis=None),
        changed_file(max_age_s=0),
        changed_file(max_age_s=-1),
        changed_file(max_age_s=True),
        changed_file(max_age_s="3600"),
        changed_file(max_age_s=1.5),
        changed_file(max_age_s=None),
        changed_file(replay_keys=None),
        changed_file(replay_keys={}),
        changed_file(replay_keys={"public": None}),
        changed_file(replay_keys={"public": None, "private": None, "more": None}),
        changed_file(replay_keys={"public": 1, "private": None}),
        changed_file(replay_keys={"public": "", "private": None}),
        changed_file(replay_keys={"public": L, "private": None}),
        changed_file(replay_keys={"public": V[0], "private": None}),
        changed_file(replay_keys={"public": V[6], "private": V[6]}),
        changed_file(replay_keys={"public": None, "private": SAME_KEY}),
        bytes(2 * POLICY_SIZE_MAX + 1),
    ],
)
def test_malformed_policy_files_are_refused(data: bytes) -> None:
    """A slip in a policy would weaken it, or one key's cosignature count in two roles."""
    with pytest.raises(FormatError):
        decode_policy(data)


def test_policies_out_of_range_do_not_exist() -> None:
    """A policy made in code could hold what its file cannot."""
    for change in ({"genesis": b""}, {"max_age_s": 0}, {"max_age_s": 1 << 53}, {"replay_public": VKEYS[0]}):
        with pytest.raises(FormatError):
            replace(POLICY, **change)


def test_names_that_json_cannot_hold() -> None:
    """A policy file would be written that is not UTF-8."""
    tlog = TlogPolicy((Log(LOG_VKEY),), (Witness("K\udc80", VKEYS[0]),), (), "none")
    with pytest.raises(FormatError):
        encode_policy(Policy(tlog, bytes(32), 1))


def test_keys_are_all_different() -> None:
    """These tests would prove nothing about keys that are used twice."""
    keys = sorted(vkey.public_key for vkey in (LOG_VKEY, *VKEYS))
    assert all(a != b for a, b in pairwise(keys))
    assert [decode_vkey(text) for text in V] == VKEYS
