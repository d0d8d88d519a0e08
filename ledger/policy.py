r"""Whom a reader trusts: the log, its witnesses and their quorum (C2SP tlog-policy), and what that format cannot say.

A tlog-policy is lines of text. Groups nest, a name is defined above its use and is a member of one group at most:

    log example.com/log+6d29f3bc+AQ… https://example.com/log
    witness X1 x1.example+c3a1f0e2+BA…
    witness X2 x2.example+0f5e2b91+BA…
    witness Y1 y1.example+9a7c4d10+BA…
    group X any X1 X2
    group X-and-Y all X Y1
    quorum X-and-Y

A policy of ours is JSON around it:

    {"format": "fengtu-policy/1", "tlog_policy": "log example.com/log+6d29f3bc+AQ…\nquorum none\n",
     "genesis": "5f1e…", "max_age_s": 3600, "replay_keys": {"public": "mirror.example+1b2c3d4e+BA…", "private": null}}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.checkpoint import Checkpoint, check_cosignatures, decode_checkpoint, decode_decimal, open_checkpoint
from ledger.document import decode_json
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.note import COSIGNATURE, ED25519, VerifierKey, decode_note, decode_vkey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT = "fengtu-policy/1"
NONE = "none"
POLICY_SIZE_MAX = 1 << 18
AGE_MAX_S = (1 << 53) - 1

_WORD = re.compile("[^\x00-\x20\x7f]+")
_SPACES = re.compile("[ \t]+")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are taken; its key's name is its origin, its type 01."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness; the name means something in this policy only, the key is of type 04."""

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Members of which `threshold` must have witnessed a checkpoint, `1 <= threshold <= len(members)`."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TlogPolicy:
    """A tlog-policy, consistent once it exists.

    Attributes:
        logs: whose checkpoints are taken, any one of them; no key twice.
        witnesses: no key and no name twice.
        groups: each names witnesses and groups before it; nothing is a member twice, in whichever groups.
        quorum: the witness or group that must have witnessed a checkpoint, or `none`.

    Raises:
        FormatError: a rule of tlog-policy is broken.
    """

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def __post_init__(self) -> None:
        for log in self.logs:
            _check_key("log", log.vkey, ED25519, log.url)
        for witness in self.witnesses:
            _check_key(f"witness {witness.name}", witness.vkey, COSIGNATURE, witness.url)
        _check_unique("log key", [log.vkey.public_key.hex() for log in self.logs])
        _check_unique("witness key", [witness.vkey.public_key.hex() for witness in self.witnesses])
        names = [witness.name for witness in self.witnesses] + [group.name for group in self.groups]
        _check_unique("name", names)
        for name in names:
            if not _WORD.fullmatch(name) or name == NONE:
                raise FormatError("policy's name", expected="a word other than none", got=repr(name))
        defined = {witness.name for witness in self.witnesses}
        for group in self.groups:
            for member in group.members:
                if member not in defined:
                    raise FormatError(f"group {group.name}", expected="a name defined before", got=repr(member))
            if not 1 <= group.threshold <= len(group.members):
                raise FormatError(f"group {group.name}", expected=f"1 to {len(group.members)}", got=group.threshold)
            defined.add(group.name)
        # A witness that counted by two ways could meet a quorum of two alone.
        _check_unique("group member", [member for group in self.groups for member in group.members])
        if self.quorum != NONE and self.quorum not in defined:
            raise FormatError("quorum", expected="a witness, a group or none", got=repr(self.quorum))

    def check_quorum(self, cosignature_times: Mapping[str, int]) -> int | None:
        """Return the latest time such that the cosignatures at or after it meet the quorum.

        Args:
            cosignature_times: the time, Unix seconds, of the last valid cosignature of each witness that has one, by
                the witness's name in this policy; other names count for nothing.

        Returns:
            Unix seconds; None where the quorum is `none`.

        Raises:
            ProofError: the quorum is not met at any time.
        """
        if self.quorum == NONE:
            return None
        # A group stands from the time of its k-th latest member on; groups come after their members, so one pass does.
        times = {w.name: cosignature_times[w.name] for w in self.witnesses if w.name in cosignature_times}
        for group in self.groups:
            latest_first = sorted((times[member] for member in group.members if member in times), reverse=True)
            if len(latest_first) >= group.threshold:
                times[group.name] = latest_first[group.threshold - 1]
        if self.quorum not in times:
            cosigners = ", ".join(w.name for w in self.witnesses if w.name in times)
            raise ProofError("quorum not met", expected=self.quorum, got=f"cosignatures of {cosigners or 'nobody'}")
        return times[self.quorum]

    def open_checkpoint(self, data: bytes) -> tuple[Checkpoint, dict[str, int]]:
        """Return the checkpoint that a log of this policy signed, and when which witnesses cosigned it.

        The quorum is for `check_quorum`.

        Args:
            data: the checkpoint's note. Lines of unknown keys are ignored, each line of a known key must verify.

        Returns:
            The checkpoint, and for each witness that cosigned it its name and time in Unix seconds.

        Raises:
            FormatError: not a signed checkpoint.
            SignatureError: no signature of a log of that origin, or one of a known key that does not verify.
        """
        note = decode_note(data)
        origin = decode_checkpoint(note.text).origin
        keys = [log.vkey for log in self.logs if log.vkey.name == origin]
        signed = [vkey for vkey in keys if any(signature.is_of(vkey) for signature in note.signatures)]
        if not signed:
            logs = ", ".join(log.vkey.name for log in self.logs)
            raise SignatureError("checkpoint", expected=f"the signature of one of: {logs}", got=f"origin {origin}")
        checkpoints = [open_checkpoint(data, vkey) for vkey in signed]
        times = check_cosignatures(data, [witness.vkey for witness in self.witnesses])
        return checkpoints[0], {w.name: times[w.vkey] for w in self.witnesses if w.vkey in times}


def _check_key(what: str, vkey: VerifierKey, signature_type: int, url: str | None) -> None:
    if vkey.type != signature_type:
        raise FormatError(what, expected=f"a key of type {signature_type:02x}", got=f"type {vkey.type:02x}")
    if url is not None and not _WORD.fullmatch(url):
        raise FormatError(what, expected="a URL without spaces", got=repr(url))


def _check_unique(what: str, values: Sequence[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise FormatError(f"policy's {what}", expected="each once", got=f"{value!r} again")
        seen.add(value)


def encode_tlog_policy(policy: TlogPolicy) -> bytes:
    """Return the policy as text: logs, witnesses, groups with their thresholds in figures, quorum.

    Raises:
        FormatError: a policy larger than `POLICY_SIZE_MAX`, or a name that UTF-8 cannot hold.
    """
    lines = [["log", log.vkey.encode(), log.url] for log in policy.logs]
    lines += [["witness", witness.name, witness.vkey.encode(), witness.url] for witness in policy.witnesses]
    lines += [["group", group.name, str(group.threshold), *group.members] for group in policy.groups]
    lines += [["quorum", policy.quorum]]
    text = "".join(" ".join(word for word in line if word is not None) + "\n" for line in lines)
    try:
        data = text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise FormatError("tlog-policy", expected="names that UTF-8 can hold", got=str(error)) from error
    if decode_tlog_policy(data) != policy:
        raise FormatError("tlog-policy", expected="a policy that reads back the same", got=repr(policy.quorum))
    return data


def decode_tlog_policy(data: bytes) -> TlogPolicy:
    """Decode a tlog-policy; comments, empty lines and spacing are dropped.

    Octets above 7F are opaque: names that are not UTF-8 come as Python's surrogate escapes, which keep them apart.

    Raises:
        FormatError: not such a policy, or larger than `POLICY_SIZE_MAX`.
    """
    if len(data) > POLICY_SIZE_MAX:
        raise FormatError("tlog-policy", expected=f"at most {POLICY_SIZE_MAX} bytes", got=f"{len(data)} bytes")
    control = _CONTROLS.search(data)
    if control:
        raise FormatError("tlog-policy", expected="no control character but tab, newline", got=control[0].hex())
    if not data.endswith(b"\n"):
        raise FormatError("tlog-policy", expected="lines that each end in a newline", got=repr(data[-80:]))
    reader = _PolicyReader()
    # Not splitlines: a policy's lines end in 0A only, its words in space and tab only, whatever Unicode thinks.
    for line in data[:-1].decode(errors="surrogateescape").split("\n"):
        words = [word for word in _SPACES.split(line) if word]
        if words and not words[0].startswith("#"):
            reader.read(words)
    return reader.policy()


class _PolicyReader:
    """Collects lines in their order; what holds whatever the order is for `TlogPolicy` to check."""

    def __init__(self) -> None:
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorums: list[str] = []
        self._defined: set[str] = set()

    def read(self, words: list[str]) -> None:
        """Take one line, neither empty nor a comment."""
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._logs.append(Log(decode_vkey(vkey), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witnesses.append(Witness(name, decode_vkey(vkey), *url))
                self._defined.add(name)
            case ["group", name, k, _, *_]:
                members = tuple(words[3:])
                self._check_defined(name, members)
                self._groups.append(Group(name, _threshold(k, len(members)), members))
                self._defined.add(name)
            case ["quorum", name]:
                self._check_defined("quorum", () if name == NONE else (name,))
                self._quorums.append(name)
            case _:
                raise FormatError("tlog-policy", expected="a log, witness, group or quorum line", got=repr(words))

    def _check_defined(self, what: str, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self._defined:
                raise FormatError(f"tlog-policy: {what}", expected="names defined on lines above", got=repr(name))

    def policy(self) -> TlogPolicy:
        """Return what was read, checked."""
        if len(self._quorums) != 1:
            raise FormatError("tlog-policy", expected="exactly one quorum line", got=len(self._quorums))
        return TlogPolicy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorums[0])


def _threshold(k: str, count: int) -> int:
    match k:
        case "any":
            return 1
        case "all":
            return count
        case _:
            return decode_decimal(k, "group's threshold")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verdict is held against; it comes with the verifier or from the reader, never from the bundle.

    Attributes:
        tlog: exactly one log, its witnesses and the quorum.
        genesis: the leaf hash of entry 0, 32 bytes.
        max_age_s: how old a checkpoint may be and still be called fresh, in seconds, 1 to `AGE_MAX_S`.
        replay_public: the key whose cosignature says that the public map was replayed, type 04, or None.
        replay_private: the same for the private map, or None.

    Raises:
        FormatError: a value outside its range, or one key in two roles: the Ed25519 cosignature does not commit to the
            cosigner's name, so a witness's signature would pass for a replayer's.
    """

    tlog: TlogPolicy
    genesis: bytes
    max_age_s: int
    replay_public: VerifierKey | None = None
    replay_private: VerifierKey | None = None

    def __post_init__(self) -> None:
        if len(self.tlog.logs) != 1:
            raise FormatError("policy", expected="exactly one log", got=len(self.tlog.logs))
        if len(self.genesis) != 32:
            raise FormatError("policy's genesis hash", expected="32 bytes", got=f"{len(self.genesis)} bytes")
        if not 1 <= self.max_age_s <= AGE_MAX_S:
            raise FormatError("policy's max_age_s", expected=f"1 to {AGE_MAX_S}", got=self.max_age_s)
        replayers = [vkey for vkey in (self.replay_public, self.replay_private) if vkey is not None]
        for vkey in replayers:
            _check_key("replay key", vkey, COSIGNATURE, None)
        cosigners = [*(witness.vkey for witness in self.tlog.witnesses), *replayers]
        _check_unique("cosigner's key", [vkey.public_key.hex() for vkey in cosigners])

    @property
    def log(self) -> VerifierKey:
        """Return the log's key; its name is the origin."""
        return self.tlog.logs[0].vkey


def encode_policy(policy: Policy) -> bytes:
    """Return the policy as a JSON file.

    Raises:
        FormatError: a tlog-policy with names that are not UTF-8, which JSON cannot hold.
    """
    try:
        tlog_policy = encode_tlog_policy(policy.tlog).decode()
    except UnicodeDecodeError as error:
        raise FormatError("policy", expected="a tlog-policy in UTF-8", got=str(error)) from error
    fields = {
        "format": FORMAT,
        "tlog_policy": tlog_policy,
        "genesis": policy.genesis.hex(),
        "max_age_s": policy.max_age_s,
        "replay_keys": {
            "public": policy.replay_public and policy.replay_public.encode(),
            "private": policy.replay_private and policy.replay_private.encode(),
        },
    }
    return json.dumps(fields, ensure_ascii=False, indent=2).encode() + b"\n"


def decode_policy(data: bytes) -> Policy:
    """Decode a policy's JSON file.

    Raises:
        FormatError: not such a file; a field too many or too few among the reasons.
    """
    body = _object(decode_json(data, size_max=2 * POLICY_SIZE_MAX, depth_max=4), "policy")
    if body.get("format") != FORMAT:
        raise FormatError("policy's format", expected=FORMAT, got=repr(body.get("format"))[:80])
    _check_fields("policy", body, {"format", "tlog_policy", "genesis", "max_age_s", "replay_keys"})
    keys = _object(body["replay_keys"], "policy's replay_keys")
    _check_fields("policy's replay_keys", keys, {"public", "private"})
    genesis = _text(body["genesis"], "policy's genesis hash")
    if not re.fullmatch("[0-9a-f]{64}", genesis):
        raise FormatError("policy's genesis hash", expected="64 lower-case hexadecimal digits", got=repr(genesis[:80]))
    max_age_s = body["max_age_s"]
    if type(max_age_s) is not int:
        raise FormatError("policy's max_age_s", expected="an integer", got=repr(max_age_s)[:80])
    return Policy(
        tlog=decode_tlog_policy(_text(body["tlog_policy"], "policy's tlog_policy").encode()),
        genesis=bytes.fromhex(genesis),
        max_age_s=max_age_s,
        replay_public=_replay_key(keys["public"]),
        replay_private=_replay_key(keys["private"]),
    )


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(what, expected="a JSON object", got=repr(value)[:80])
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise FormatError(what, expected="a string", got=repr(value)[:80])
    return value


def _check_fields(what: str, value: Mapping[str, Any], names: set[str]) -> None:
    if set(value) != names:
        raise FormatError(what, expected=f"the fields {sorted(names)}", got=sorted(value))


def _replay_key(value: Any) -> VerifierKey | None:
    return None if value is None else decode_vkey(_text(value, "policy's replay key"))
