"""What a node does beside the requests: seal, move on, erase, forget, publish. One thread, ten times a second."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from ledger.errors import FengtuError, RetryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.log import Log
    from ledger.serving import Serving

BEAT_S = 0.1
FAILED_WAIT_S = 1.0
FORGET_EVERY_S = 60.0

logger = structlog.get_logger(__name__)


class Beat:
    """The background thread of one process.

    Args:
        log: it is sealed when a seal is due.
        serving: it is moved to the newest seal.
        erase: carries out the erasures that the log records.
        publish: publishes what is not published yet; None where nothing is.
        publish_every_s: how long to wait between two publications, in seconds.
        forget: deletes what was kept for a day only, as of a time in Unix seconds.
    """

    def __init__(
        self,
        log: Log,
        serving: Serving,
        erase: Callable[[], object],
        publish: Callable[[], object] | None = None,
        publish_every_s: float = 10.0,
        *,
        forget: Callable[[int], object] | None = None,
    ) -> None:
        self._log = log
        self._serving = serving
        self._erase = erase
        self._forget = forget
        self._forget_at = 0.0
        self._publish = publish
        self._publish_every_s = publish_every_s
        self._publish_at = 0.0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the beat that runs."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def beat(self) -> None:
        """Do once what is due.

        Raises:
            FengtuError: something could not be done; what came before it is.
        """
        self._log.seal_if_due()
        self._serving.refresh()
        self._erase()
        now = time.monotonic()
        if self._forget is not None and now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            self._forget(int(time.time()))
        if self._publish is not None and now >= self._publish_at:
            # Set first: a publication that fails is tried again at its next turn, not at each beat.
            self._publish_at = now + self._publish_every_s
            self._publish()

    def _run(self) -> None:
        while not self._ending.is_set():
            wait_s = BEAT_S
            try:
                self.beat()
            except RetryError as error:
                logger.warning("beat put off", reason=str(error))
                wait_s = error.retry_after_s
            except FengtuError as error:
                logger.error("beat failed", reason=str(error))  # noqa: TRY400 - the sentence says all
                wait_s = FAILED_WAIT_S
            except Exception:
                logger.exception("beat failed")
                wait_s = FAILED_WAIT_S
            self._ending.wait(wait_s)
