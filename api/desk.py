"""Where submissions of all requests come together: checked in one go, put in line at once, answered each to its own.

    desk = Desk(log, vault)
    answers = await desk.submit([(statement, document, [])])

A request costs the log no thread and no lock of its own: one thread takes whatever has come since it last looked. So
signatures are checked by the hundred where hundreds of requests arrive at once, and alone where one does.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ledger.admission import Prepared, check_committed
from ledger.disclosure import open_disclosure
from ledger.errors import CorruptError, FengtuError, QueueFullError
from ledger.log import QUEUE_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.log import Answer, Log
    from ledger.store.vault import Vault

Pair = tuple[bytes, bytes, list[tuple[str, bool]]]
"""A record, its document, and texts of its hidden fields, each with whether the public may read it."""

TAKEN_MAX = 4_000
"""How many records are checked in one go."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    pairs: Sequence[Pair]
    loop: asyncio.AbstractEventLoop
    answers: asyncio.Future[list[Answer | FengtuError]]

    def settle(self, answers: list[Answer | FengtuError] | FengtuError) -> None:
        """Hand over the answers, or why there are none; in the loop's own thread."""
        if self.answers.done():
            return  # whoever asked has gone away
        if isinstance(answers, FengtuError):
            self.answers.set_exception(answers)
        else:
            self.answers.set_result(answers)


def _settle(settled: Iterable[tuple[_Asked, list[Answer | FengtuError] | FengtuError]]) -> None:
    """Hand over what many asked for. A loop is woken once for all of them: each time is a system call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Asked, list[Answer | FengtuError] | FengtuError]]] = {}
    for one, answers in settled:
        by_loop.setdefault(one.loop, []).append((one, answers))
    for loop, those in by_loop.items():
        loop.call_soon_threadsafe(_hand_over, those)


def _hand_over(those: Sequence[tuple[_Asked, list[Answer | FengtuError] | FengtuError]]) -> None:
    for one, answers in those:
        one.settle(answers)


class Desk:
    """One desk a process; its thread begins with the first submission.

    Args:
        log: where the records go.
        vault: keeps the texts of hidden fields.
    """

    def __init__(self, log: Log, vault: Vault) -> None:
        self._log = log
        self._vault = vault
        self._asked: deque[_Asked] = deque()
        self._wake = threading.Condition()
        self._waiting = 0
        self._thread: threading.Thread | None = None

    async def submit(self, pairs: Sequence[Pair]) -> list[Answer | FengtuError]:
        """Submit pairs and wait for each answer; what is wrong with a pair stands in its place.

        Raises:
            QueueFullError: too many wait already; nothing was taken.
            RetryError: this process cannot append now; nothing was taken.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(pairs, loop, loop.create_future())
        with self._wake:
            waiting = self._waiting + self._log.waiting
            if waiting + len(pairs) > QUEUE_MAX:
                raise QueueFullError("too many records wait", expected=f"at most {QUEUE_MAX}", got=waiting)
            self._asked.append(asked)
            self._waiting += len(pairs)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
                self._thread.start()
            self._wake.notify()
        return await asked.answers

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._asked:
                    self._wake.wait()
                taken = self._take()
            try:
                self._hand_in(taken)
            except Exception as error:
                if not isinstance(error, FengtuError):
                    logger.exception("submitting failed")
                    error = CorruptError("the submission failed; the operator's log says why")
                _settle([(one, error) for one in taken])

    def _take(self) -> list[_Asked]:
        taken = [self._asked.popleft()]
        count = len(taken[0].pairs)
        while self._asked and count + len(self._asked[0].pairs) <= TAKEN_MAX:
            taken.append(self._asked.popleft())
            count += len(taken[-1].pairs)
        self._waiting -= count
        return taken

    def _hand_in(self, taken: Sequence[_Asked]) -> None:
        pairs = [pair for one in taken for pair in one.pairs]
        prepared = iter(self._log.prepare_many([(statement, document, None) for statement, document, _ in pairs]))
        checked = [self._with_texts(one.pairs, [next(prepared) for _ in one.pairs]) for one in taken]
        together = self._log.enqueue([ready for each in checked for ready in each if isinstance(ready, Prepared)])

        def settle(_: object) -> None:
            answers = iter(together.result())
            _settle(
                (one, [next(answers) if isinstance(ready, Prepared) else ready for ready in each])
                for one, each in zip(taken, checked, strict=True)
            )

        together.add_done_callback(settle)

    def _with_texts(self, pairs: Sequence[Pair], found: list[Prepared | FengtuError]) -> list[Prepared | FengtuError]:
        """Encrypt the texts of a request's records that may come in: nobody unknown fills the vault."""
        if not any(texts for _, _, texts in pairs):
            return found
        checked = [
            _committed(one, texts) if isinstance(one, Prepared) else one
            for one, (_, _, texts) in zip(found, pairs, strict=True)
        ]
        # A key may be registered in the request that uses it; then somebody known signed in the same request.
        known = any(isinstance(one, Prepared) and one.candidate.verified for one in checked)
        wanted = [
            texts if isinstance(one, Prepared) and known else []
            for one, (_, _, texts) in zip(checked, pairs, strict=True)
        ]
        sealed = self._vault.seal_many(wanted)
        return [
            one.disclosing(texts) if isinstance(one, Prepared) else one
            for one, texts in zip(checked, sealed, strict=True)
        ]


def _committed(prepared: Prepared, texts: Sequence[tuple[str, bool]]) -> Prepared | FengtuError:
    """Return the submission where its document commits to the texts, else what is wrong."""
    try:
        for text, _ in texts:
            disclosure = open_disclosure(text)
            check_committed(prepared.candidate.submission.document, disclosure.name, disclosure.digest)
    except FengtuError as error:
        return error
    return prepared
