"""Before the line: what is checked of a submission outside the lock, with as many processes and threads as there are.

admission = Admission(store, fold)
for one in admission.prepare_many([(statement, document, None), …]):
    ...                             # a Prepared, or what is wrong with it
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ledger import signature
from ledger.document import Document, decode_document
from ledger.errors import FengtuError, FormatError, SignatureError
from ledger.fold import Candidate, Fold, State
from ledger.record import decode_records
from ledger.rulebook import Signer, Submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.record import Record
    from ledger.store import Store

SIGNERS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class SealedDisclosure:
    """A hidden field's text on its way into the store, encrypted already."""

    digest: str
    name: str
    public: bool
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that was decoded and checked as far as that goes outside the lock.

    Attributes:
        candidate: what the rules will judge.
        evidence: what was signed instead by the one it is entered for, or None.
        disclosures: texts of its hidden fields, encrypted.
    """

    candidate: Candidate
    evidence: bytes | None = None
    disclosures: tuple[SealedDisclosure, ...] = ()

    def disclosing(self, disclosures: Sequence[SealedDisclosure]) -> Prepared:
        """Return the submission with the texts of its hidden fields.

        Raises:
            FormatError: its document does not commit to one of them.
        """
        for one in disclosures:
            check_committed(self.candidate.submission.document, one.name, one.digest)
        return replace(self, disclosures=tuple(disclosures))


def check_committed(document: Document, name: str, digest: str) -> None:
    """Check that a document commits to a disclosure.

    Raises:
        FormatError: it does not.
    """
    if document.hidden.get(name) != digest:
        raise FormatError(f"the disclosure {name}", expected=document.hidden.get(name) or "no such field", got=digest)


class Admission:
    """Decodes and checks; it remembers whose keys are whose, which never changes for one thumbprint.

    Args:
        store: the tables.
        fold: the rules.
    """

    def __init__(self, store: Store, fold: Fold) -> None:
        self._store = store
        self._fold = fold
        self._signers: dict[bytes, Signer] = {}

    def prepare_many(self, submissions: Sequence[tuple[bytes, bytes, bytes | None]]) -> list[Prepared | FengtuError]:
        """Prepare many at once, each (statement, document, evidence); in the place of one may stand what is wrong."""
        decoded: list[tuple[Submission, bool] | FengtuError] = []
        records = decode_records([statement for statement, _, _ in submissions])
        for record, (_, document, _) in zip(records, submissions, strict=True):
            try:
                if isinstance(record, FormatError):
                    raise record
                submission = Submission(record, decode_document(document))
                decoded.append((submission, self._fold.check_header(submission)))
            except FengtuError as error:
                decoded.append(error)
        self._learn_signers([one[0].record.kid for one in decoded if not isinstance(one, FengtuError)])
        faults = self._faults([None if isinstance(one, FengtuError) else one[0].record for one in decoded])
        results: list[Prepared | FengtuError] = []
        for number, (one, (_, _, evidence)) in enumerate(zip(decoded, submissions, strict=True)):
            if isinstance(one, FengtuError):
                results.append(one)
            elif number in faults:
                results.append(faults[number])
            else:
                submission, private = one
                verified = submission.record.kid in self._signers
                checked_by = self._checked_by(submission)
                retry_key = self._fold.retry_key(submission, private=private)
                results.append(Prepared(Candidate(submission, private, verified, checked_by, retry_key), evidence))
        return results

    def _checked_by(self, submission: Submission) -> int | None:
        """Return the version of the rules by which the record's form is right; None where the log has to say more.

        A fault is not answered here: the same id may have a first answer, and another version may be in force.
        """
        rulebook = self._fold.rulebooks[max(self._fold.rulebooks)]
        try:
            rulebook.check(submission)
        except Exception:  # noqa: BLE001 - whatever it is, judging the record meets it again
            return None
        return rulebook.version

    def _learn_signers(self, kids: Sequence[bytes]) -> None:
        unknown = {kid for kid in kids if kid not in self._signers}
        if not unknown:
            return
        if len(self._signers) > SIGNERS_MAX:
            self._signers.clear()
        rulebook = self._fold.rulebooks[max(self._fold.rulebooks)]
        known: dict[bytes, bytes | None] = {}
        while True:
            state = State(known)
            for kid in tuple(unknown):
                signer = state.attempt(partial(rulebook.signer, kid))
                if signer is not None:
                    self._signers[kid] = signer
                    unknown.discard(kid)
            if not state.missing:
                return
            known.update(self._store.latest(sorted(state.missing)))

    def _faults(self, records: Sequence[Record | None]) -> dict[int, SignatureError]:
        """Return whose signatures fail, by number; those of unknown keys wait, for a key may come in the same batch."""
        numbers = [n for n, record in enumerate(records) if record is not None and record.kid in self._signers]
        signed = [
            (self._signers[record.kid].public_key, record.signed, record.signature)
            for record in (records[n] for n in numbers)
            if record is not None
        ]
        return {numbers[n]: error for n, error in signature.faults(signed).items()}
