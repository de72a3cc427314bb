"""What happened to a run, for whoever wants to be told of it.

Sent inside the transaction that makes it true, so that what a receiver writes is committed with it, or not at all. A receiver
that fails changes nothing of the run: it is logged, and what it wrote is taken back.
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
    REVERTED = "run.reverted"  # a Revert put something of it back


# Receivers take `run_id` (int) and `event` (Event).
run_event = Signal()


def tell(run_id: int, event: Event) -> None:
    """Tell the receivers, in a savepoint."""
    try:
        with transaction.atomic():
            run_event.send(sender=None, run_id=run_id, event=event)
    except Exception as error:  # noqa: BLE001 - the run is what counts
        logger.error("run %s: nobody could be told that it is %s (%s)", run_id, event, type(error).__name__)
