"""Random values that nobody chooses: rounds of the public beacon drand, checked without asking anybody.

    seed = check_round("quicknet", 657_413, "b713718a…")     SHA-256 of the signature, 32 bytes
    round_time_ms("quicknet", 657_413)                       1_694_775_603_000

drand is run by some twenty parties who together sign the number of each round at its time (League of Entropy). Fewer
than their threshold can neither know a round's value before, nor change it, nor keep it back; and a BLS signature is
unique, so there is one value to a round and no second try. The scheme is `bls-unchained-g1-rfc9380`: signatures in G1
over SHA-256 of the round as a big-endian uint64. Which beacons count is part of the rules' version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pyblst

from ledger.errors import FormatError, ProofError

SIGNATURE_SIZE = 48
_DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_G2 = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
"""The generator of G2, compressed."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """A beacon.

    Attributes:
        public_key: of all who run it together, 96 bytes.
        genesis_s: when its first round was due, Unix seconds.
        period_s: seconds from round to round.
    """

    public_key: bytes
    genesis_s: int
    period_s: int


BEACONS = {
    "quicknet": Beacon(
        bytes.fromhex(
            "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
            "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
        ),
        1_692_803_367,
        3,
    )
}
"""Chain 52db9ba7…e971 of drand, by its name there."""


def round_time_ms(beacon: str, number: int) -> int:
    """Return when a round is due, Unix milliseconds; before that its value is known to nobody."""
    found = BEACONS[beacon]
    return (found.genesis_s + (number - 1) * found.period_s) * 1000


def round_after(beacon: str, time_ms: int) -> int:
    """Return the first round that is due at a time, Unix milliseconds, or after it."""
    found = BEACONS[beacon]
    return max(1, 1 - (found.genesis_s * 1000 - time_ms) // (found.period_s * 1000))


def check_round(beacon: str, number: int, signature: str) -> bytes:
    """Return the random value of a round: 32 bytes.

    Args:
        beacon: one of `BEACONS`.
        number: the round, 1 or more.
        signature: what the beacon published for it, 96 hex digits.

    Raises:
        FormatError: it is no point of the group.
        ProofError: the beacon did not sign this round by it.
    """
    data = bytes.fromhex(signature)
    message = hashlib.sha256(number.to_bytes(8, "big")).digest()
    try:
        # Points outside the subgroup are refused here: a second encoding of a value would be a second try.
        point = pyblst.BlstP1Element.uncompress(data)
        key, generator = (pyblst.BlstP2Element.uncompress(one) for one in (BEACONS[beacon].public_key, _G2))
    except ValueError as error:
        raise FormatError("the beacon's signature", expected="a point of G1", got=signature[:16]) from error
    hashed = pyblst.BlstP1Element.hash_to_group(message, _DST)
    if not pyblst.final_verify(pyblst.miller_loop(hashed, key), pyblst.miller_loop(point, generator)):
        raise ProofError("the beacon's signature", expected=f"round {number} of {beacon}", got=signature[:16])
    return hashlib.sha256(data).digest()
