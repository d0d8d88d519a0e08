r"""What a station measured, as a salted hash: pre-test, improve, post-test. No value ever reaches a record.

    coins-commitment  {"programme": "…", "account": "<hex>", "commitment": "<hex>", "stage": "pre", "digest": "<hex>"}
                      {…, "stage": "post", "pre": "<hex>", "improved": true}

    SHA-256("fengtu-measurement/1\n" ‖ salt (32) ‖ JCS of the values)

The station, or the resident's device, keeps salt and values; the resident may show them to whom they choose. Once they
are deleted the hash tells nobody anything, and the balance stays as provable as before.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from contracts.kind import Act, Kind, body
from contracts.rewards.accounts import account_readers, account_reads, account_subject
from contracts.rewards.book import Book, holder_of
from contracts.rewards.keys import commitment_key
from contracts.rewards.programmes import PROGRAMME_ID, RANDOM_ID, expect_staff, programme_of
from ledger.errors import FormatError, ProofError, RefusedError
from ledger.facts import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SALT_SIZE = 32
_LABEL = b"fengtu-measurement/1\n"


def commit_measurement(salt: bytes, values: Mapping[str, int | str]) -> str:
    """Return the commitment to measured values: 64 hex digits.

    Args:
        salt: 32 random bytes of this measurement alone.
        values: whole numbers in named units, and words.

    Raises:
        FormatError: the salt is too short to hide anything.
    """
    if len(salt) != SALT_SIZE:
        raise FormatError("salt", expected=f"{SALT_SIZE} bytes", got=f"{len(salt)}")
    data = json.dumps(dict(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(_LABEL + salt + data.encode()).hexdigest()


def check_measurement(digest: str, salt: bytes, values: Mapping[str, int | str]) -> None:
    """Check that a commitment is to these values.

    Raises:
        ProofError: it is to others.
    """
    found = commit_measurement(salt, values)
    if found != digest:
        raise ProofError("the measurement", expected=digest, got=found)


def _commit(act: Act) -> list[Change]:
    content = act.body
    terms = programme_of(act, content["programme"])
    expect_staff(act, terms)
    name, account = content["commitment"], content["account"]
    Book(act, terms).account(account)
    act.expect(
        act.facts.get(commitment_key(name)) is None, "coins.commitment-known", "this is on record already", got=name
    )
    post = content["stage"] == "post"
    act.expect(
        post == ("pre" in content) == ("improved" in content),
        "coins.stage",
        "a post-test names its pre-test and says whether it improved; a pre-test does not",
    )
    if post:
        pre = act.facts.get(commitment_key(content["pre"]))
        if pre is None or pre["account"] != account or pre["stage"] != "pre":
            raise RefusedError("coins.stage", "the account has no such pre-test", got=content["pre"])
    value: dict[str, Any] = {
        "account": account,
        "stage": content["stage"],
        "digest": content["digest"],
        "pre": content.get("pre"),
        "improved": content.get("improved", False),
        "used": False,
        "by": act.actor,
        "record": act.at.position,
    }
    return [Change(commitment_key(name), value, holder=holder_of(account), private=True)]


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield from account_reads(content)
    yield commitment_key(content["commitment"])
    if "pre" in content:
        yield commitment_key(content["pre"])


KINDS = (
    Kind(
        "coins-commitment",
        body(
            {
                "programme": PROGRAMME_ID,
                "account": RANDOM_ID,
                "commitment": RANDOM_ID,
                "stage": {"enum": ["pre", "post"]},
                "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            },
            {"pre": RANDOM_ID, "improved": {"type": "boolean"}},
        ),
        account_subject,
        _commit,
        _reads,
        private=True,
        readers=account_readers,
    ),
)
