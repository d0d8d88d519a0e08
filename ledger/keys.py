"""The log's own keys: three that sign, one secret that blinds.

They are different keys because what they sign could be mistaken for one another: a checkpoint is a note, a receipt and
a record both sign 32 bytes.

    {"checkpoint": "<base64url seed>", "receipt": "…", "record": "…", "replay": "…"}
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from ledger.blind import ReplaySecret
from ledger.errors import FormatError
from ledger.signature import SigningKey

NAMES = ("checkpoint", "receipt", "record", "replay")


@dataclass(frozen=True, slots=True)
class LogKeys:
    """What a process needs to append, seal and sign for a log."""

    checkpoint: SigningKey
    receipt: SigningKey
    record: SigningKey
    replay: ReplaySecret

    @classmethod
    def generate(cls) -> LogKeys:
        """Return fresh keys."""
        return cls.decode(json.dumps({name: _text(secrets.token_bytes(32)) for name in NAMES}).encode())

    @classmethod
    def decode(cls, data: bytes) -> LogKeys:
        """Return the keys from their file.

        Raises:
            FormatError: it is not such a file. The message shows no part of it.
        """
        try:
            members = json.loads(data)
            seeds = {name: urlsafe_b64decode(members[name] + "=") for name in NAMES}
            exact = all(_text(seeds[name]) == members[name] for name in NAMES) and len(members) == len(NAMES)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FormatError("log keys", expected=f"a JSON object with {', '.join(NAMES)}") from error
        if not exact or any(len(seed) != 32 for seed in seeds.values()):
            raise FormatError("log keys", expected="base64url of 32 bytes each, and nothing else")
        if len(set(seeds.values())) != len(NAMES):
            raise FormatError("log keys", expected="four different ones")
        return cls(
            checkpoint=SigningKey.from_seed(seeds["checkpoint"]),
            receipt=SigningKey.from_seed(seeds["receipt"]),
            record=SigningKey.from_seed(seeds["record"]),
            replay=ReplaySecret(seeds["replay"]),
        )

    def encode(self) -> bytes:
        """Return the file; it is secret."""
        seeds = (self.checkpoint.seed, self.receipt.seed, self.record.seed, self.replay.secret)
        return json.dumps({name: _text(seed) for name, seed in zip(NAMES, seeds, strict=True)}).encode()


def _text(seed: bytes) -> str:
    return urlsafe_b64encode(seed).decode().rstrip("=")
