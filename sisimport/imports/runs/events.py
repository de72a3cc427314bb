"""Events of a run, for code that wants to be notified.

Sent inside the transaction that causes them, so that what a receiver writes is committed with it or not at all. A receiver that
fails does not affect the run: the error is logged, and what the receiver wrote is rolled back.
"""

import logging
from enum import StrEnum

from django.db import transaction
from django.dispatch import Signal

logger = logging.getLogger(__name__)


class Event(StrEnum):
    """What can happen to a run."""

    ENDED = "run.ended"  # completed, rejected, failed or cancelled
    HELD = "run.held"
    APPROVED = "run.approved"
    REVERTED = "run.reverted"  # a Revert put part or all of it back


# Receivers take `run_id` (int) and `event` (Event).
run_event = Signal()


def tell(run_id: int, event: Event) -> None:
    """Notify the receivers, in a savepoint."""
    try:
        with transaction.atomic():
            run_event.send(sender=None, run_id=run_id, event=event)
    except Exception as error:  # noqa: BLE001 - must not affect the run
        logger.error("run %s: no one could be notified that it is %s (%s)", run_id, event, type(error).__name__)
