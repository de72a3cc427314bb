"""Mail is sent outside the request that causes it: a page neither waits for a mail server nor fails with it.

Each process has a thread that sends. Mail that it cannot send in three tries, or has not sent when the process ends, is kept for
an administrator (sisimport.accounts.kept_mail). The log records this without recipient or subject.
"""

import atexit
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial

from django.core.mail import EmailMessage
from django.db import connection

from sisimport.accounts.kept_mail import keep
from sisimport.imports.runs.execution import error_place

Job = Callable[[], None]

PAUSES_SECONDS = (0.0, 2.0, 10.0)  # before each try
MOST_WAITING = 200
END_SECONDS = 2.0  # the web server gives its processes five

logger = logging.getLogger(__name__)


class Outbox:
    """Jobs of one process, done one by one in a thread that starts with the first."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._sending: EmailMessage | None = None

    def later(self, job: Job) -> bool:
        """Do it soon, in the outbox's thread; False if too many jobs are waiting."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            logger.error("mail: too many mails are waiting to be sent")
            return False
        return True

    def post(self, message: EmailMessage) -> None:
        """Send a mail soon. Never raises."""
        if self._ending.is_set() or not self.later(partial(self._send, message)):
            _keep(message)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _do(job)

    def _send(self, message: EmailMessage) -> None:
        self._sending = message
        for pause in PAUSES_SECONDS:
            if self._ending.wait(pause):
                break
            try:
                message.send()
            except Exception as error:  # noqa: BLE001 - whatever a mail server does, the mail must not be lost
                logger.warning("mail: not sent, %s", error_place(error))
            else:
                self._sending = None
                return
        self._sending = None
        _keep(message)

    def close(self) -> None:
        """The process ends: keep unsent mail, even if the thread hangs on an unresponsive mail server."""
        self._ending.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
        thread.join(END_SECONDS)
        if thread.is_alive() and self._sending:
            _keep(self._sending)
        with contextlib.suppress(queue.Empty):
            while True:
                if job := self._jobs.get_nowait():
                    _do(job)


def _do(job: Job) -> None:
    try:
        job()
    except Exception as error:  # noqa: BLE001 - the next job must still run
        logger.error("mail: a job failed, %s", error_place(error))
    finally:
        connection.close()


def _keep(message: EmailMessage) -> None:
    try:
        keep(message.message().as_bytes())
    except OSError as error:
        logger.error("mail: could not be kept either, %s", error.strerror)
    else:
        logger.error("mail: kept for an administrator, see Mail in the menu")


def send_now(message: EmailMessage) -> bool:
    """For commands: send immediately; False if it could not be sent and is kept instead. Never raises."""
    try:
        message.send()
    except Exception as error:  # noqa: BLE001 - whatever a mail server does, the mail must not be lost
        logger.warning("mail: not sent, %s", error_place(error))
        _keep(message)
        return False
    return True


outbox = Outbox()
