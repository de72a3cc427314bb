"""Mail goes out beside the page: tests wait for it."""

import threading

from sisimport.accounts.outbox import outbox


def wait_for_outbox() -> None:
    """Until the outbox has done what it was given so far."""
    for _turn in range(2):  # asking for a password is a job that posts a mail, which is a job
        done = threading.Event()
        assert outbox.later(done.set)
        assert done.wait(60)
