"""deliver: sends what is waiting, with growing pauses between tries; after the last one it gives up, and reports that on the
pages.

A delivery is locked while it is sent, so two workers never send the same one at the same time. If a worker dies in
between, the delivery keeps waiting and is sent again. Webhook requests carry an id by which the receiver recognizes a
repeat.
"""

import datetime as dt
import logging
from collections.abc import Callable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sisimport.automation import mails, requests_out
from sisimport.automation.models import Delivery, Webhook

logger = logging.getLogger(__name__)

BATCH = 20  # deliveries in one turn of the chore
PAUSES = [dt.timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 6 * 3600)]  # after each try but the last
MOST_FAILURES = 10  # consecutive failed deliveries before a webhook is deactivated


def deliver_due() -> int:
    """Send what is due; returns how many were tried."""
    return sum(1 for _turn in range(BATCH) if _deliver_one())


def _deliver_one() -> bool:
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=Delivery.State.WAITING, due_at__lte=timezone.now())
            .select_related("webhook", "user")
            .order_by("due_at")
            .first()
        )
        if delivery is None:
            return False
        if delivery.webhook is not None and delivery.webhook.deactivated_at is not None:
            _end(delivery, Delivery.State.GIVEN_UP, "deactivated")
            return True
        try:
            answer = _sender(delivery)(delivery)
        except (mails.NotSentError, requests_out.NotTakenError) as error:
            _failed(delivery, str(error))
        else:
            _end(delivery, Delivery.State.DONE, answer)
            if delivery.webhook_id:
                Webhook.objects.filter(pk=delivery.webhook_id).update(failures=0)
    return True


def _sender(delivery: Delivery) -> Callable[[Delivery], str]:
    return mails.send if delivery.user_id else requests_out.send


def _end(delivery: Delivery, state: Delivery.State, answer: str) -> None:
    delivery.state, delivery.answer, delivery.done_at = state, answer[:120], timezone.now()
    delivery.tries += 1
    delivery.save(update_fields=["state", "answer", "done_at", "tries"])


def _failed(delivery: Delivery, answer: str) -> None:
    if delivery.tries < len(PAUSES):
        delivery.due_at = timezone.now() + PAUSES[delivery.tries]
        delivery.tries, delivery.answer = delivery.tries + 1, answer[:120]
        delivery.save(update_fields=["due_at", "tries", "answer"])
        return
    logger.warning("delivery %s was given up: %s", delivery.pk, answer)
    _end(delivery, Delivery.State.GIVEN_UP, answer)
    if delivery.user_id:
        mails.keep_unsent(delivery)
        return
    hook = Webhook.objects.filter(deliveries=delivery)
    hook.update(failures=F("failures") + 1)
    hook.filter(failures__gte=MOST_FAILURES, deactivated_at=None).update(deactivated_at=timezone.now())


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Remove deliveries made before that time that were delivered or given up, or count them (see
    runtime/retention.py)."""
    old = Delivery.objects.filter(created_at__lt=before).exclude(state=Delivery.State.WAITING)
    return old.count() if dry_run else int(old.delete()[0])
