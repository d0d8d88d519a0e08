"""The resident's code: a token that pays once, up to a ceiling, for a short time.

    fengtu-code/1
    log.example/fengtu
    hualien-health
    0d1e2f30415263748596a7b8c9daebfc        the account
    6d1e2f30415263748596a7b8c9daebfc        the charge that it pays: its nonce
    50                                      the ceiling, in coins
    1795000120                              until when, Unix seconds
    noodles                                 the merchant, or `-`
    online                                  or `offline`: a voucher
    ticket 8d1e2f30415263748596a7b8c9daebfc lunch 1
    coupon 9d1e2f30415263748596a7b8c9daebfc

The last lines stand there where the resident pays with tickets or coupons too: all or none. The account's key signs
these lines. A screenshot does not pay twice, for the nonce is the name of the charge; shown for 50 it does not pay
500, for above the ceiling the resident confirms; a voucher is bound to its merchant.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.kind import ACTOR_ID, body
from contracts.rewards.programmes import NO_COINS
from ledger import cbor, signature
from ledger.errors import FormatError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.signature import SigningKey

PREFIX = "FT1."
TEXT_MAX = 2000
_BESIDE = ("tickets", "coupons")
CODE = body(
    {
        "ceiling": NO_COINS,
        "until_s": {"type": "integer", "minimum": 0, "maximum": 2**40},
        "offline": {"type": "boolean"},
        "kid": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "signature": {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"},
    },
    {"merchant": ACTOR_ID},
)


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says.

    Attributes:
        programme: the programme.
        account: who pays.
        charge: its nonce, and the charge's name: 128 random bits in hex.
        ceiling: up to how many coins it pays without a confirmation.
        until_s: Unix seconds.
        merchant: whom it pays, None for any.
        offline: whether it is a voucher that is handed in later.
        tickets: items that it pays with, as a charge names them.
        coupons: coupons that it pays with, as a charge names them.
    """

    programme: str
    account: str
    charge: str
    ceiling: int
    until_s: int
    merchant: str | None = None
    offline: bool = False
    tickets: tuple[Mapping[str, Any], ...] = ()
    coupons: tuple[Mapping[str, Any], ...] = ()

    def text(self, origin: str) -> bytes:
        """Return the lines that are signed."""
        lines = (
            "fengtu-code/1",
            origin,
            self.programme,
            self.account,
            self.charge,
            str(self.ceiling),
            str(self.until_s),
            self.merchant or "-",
            "offline" if self.offline else "online",
            *(f"ticket {one['ticket']} {one['item']} {one['count']}" for one in self.tickets),
            *(f"coupon {one['coupon']}" for one in self.coupons),
        )
        return "".join(f"{line}\n" for line in lines).encode()


def sign_code(key: SigningKey, origin: str, code: Code) -> dict[str, Any]:
    """Return a code as the body of a charge holds it."""
    signed = {
        "ceiling": code.ceiling,
        "until_s": code.until_s,
        "offline": code.offline,
        "kid": key.kid.hex(),
        "signature": urlsafe_b64encode(key.sign(code.text(origin))).decode().rstrip("="),
    }
    return signed if code.merchant is None else {**signed, "merchant": code.merchant}


def code_of(content: Mapping[str, Any]) -> Code:
    """Return what the code in a charge's body says."""
    code = content["code"]
    return Code(
        content["programme"],
        content["account"],
        content["charge"],
        code["ceiling"],
        code["until_s"],
        code.get("merchant"),
        code["offline"],
        tuple(content.get("tickets", ())),
        tuple(content.get("coupons", ())),
    )


def check_code(content: Mapping[str, Any], public_key: bytes, origin: str) -> Code:
    """Return what the code in a charge's body says, once the key signed it.

    Raises:
        SignatureError: it did not.
    """
    code = code_of(content)
    try:
        proof = urlsafe_b64decode(content["code"]["signature"] + "==")
    except ValueError as error:
        raise SignatureError("the code's signature") from error
    signature.check(public_key, code.text(origin), proof)
    return code


def encode_code(members: Mapping[str, Any]) -> str:
    """Return a code as a QR shows it, from the members that it gives to the body of a charge."""
    names = [members["programme"], bytes.fromhex(members["account"]), bytes.fromhex(members["charge"])]
    beside = {name: members[name] for name in _BESIDE if name in members}
    data = cbor.encode([*names, dict(members["code"]), *([beside] if beside else [])])
    return PREFIX + urlsafe_b64encode(data).decode().rstrip("=")


def decode_code(text: str) -> dict[str, Any]:
    """Return the members that a scanned code gives to the body of a charge.

    Raises:
        FormatError: it is no such code.
    """
    try:
        if not text.startswith(PREFIX) or len(text) > TEXT_MAX:
            raise FormatError("code", expected=f"{PREFIX}…", got=text[:20])
        programme, account, charge, signed, *beside = cbor.decode(urlsafe_b64decode(text[len(PREFIX) :] + "=="))
        found = {"programme": programme, "account": account.hex(), "charge": charge.hex(), "code": signed}
        for members in beside:
            found.update({name: members[name] for name in _BESIDE if name in members})
        again = encode_code(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise FormatError("code", expected="a resident's code", got=text[:20]) from error
    if again != text:
        raise FormatError("code", expected=again[:40], got=text[:40])
    return found
