"""The error tree.

Every error says what was expected and what came. What can be tried again is a `RetryError`; nothing else can.

    raise ProofError("inclusion proof", expected="a root of 32 bytes", got="31 bytes")
"""

from __future__ import annotations


class FengtuError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what was being done or held against what, in plain words.
        expected: what would have been right, where it can be said.
        got: what came instead.
    """

    def __init__(self, message: str, *, expected: object = None, got: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        parts = [self.message]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        return ": ".join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else parts[0]


class FormatError(FengtuError):
    """Bytes that are not of the format they claim. Sending them again cannot help."""


class ProofError(FengtuError):
    """Well-formed, but it does not hold."""


class SignatureError(ProofError):
    """A signature that does not verify under the strict rules of `ledger.signature`."""


class RefusedError(FengtuError):
    """A record that a rule does not let in.

    Args:
        rule: the rule's name, stable and machine-readable, such as `produce.mass-balance`.
        message: the same in plain words.
        expected: what the rule wanted.
        got: what the record says.
        data: the same for programs, where words are not enough: JSON; it is not signed.

    Attributes:
        signed: the refusal as the log signed it (COSE_Sign1, see `ledger.refusal`), where a log gave it.
    """

    def __init__(
        self, rule: str, message: str, *, expected: object = None, got: object = None, data: object = None
    ) -> None:
        super().__init__(message, expected=expected, got=got)
        self.rule = rule
        self.data = data
        self.signed: bytes | None = None


class ConflictError(FengtuError):
    """The same actor's client id was used before, for other content. The difference is named."""


class NotFoundError(FengtuError):
    """What was asked for is not in the ledger at this size."""


class CorruptError(FengtuError):
    """What is stored contradicts itself. Nothing may be appended until an operator has looked."""


class RetryError(FengtuError):
    """Nothing was done; the same request may succeed later.

    Args:
        message: what is in the way.
        retry_after_s: how long to wait before the next try, in seconds.
        expected: what would have been right.
        got: what came.
    """

    def __init__(self, message: str, *, retry_after_s: int = 1, expected: object = None, got: object = None) -> None:
        super().__init__(message, expected=expected, got=got)
        self.retry_after_s = retry_after_s


class QueueFullError(RetryError):
    """More records wait than this process will hold."""


class ClockError(RetryError):
    """This machine's clock and the database's (or the witnesses') disagree; nothing is appended meanwhile."""


class UnavailableError(RetryError):
    """The database cannot be reached or cannot write (a full disk, a cut connection)."""
