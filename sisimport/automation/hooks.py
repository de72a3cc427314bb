"""Making, changing and removing webhooks, for pages and the REST API alike."""

import secrets
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone

from sisimport.accounts.giving import has_more, own_permissions
from sisimport.automation import requests_out
from sisimport.automation.models import Delivery, Webhook
from sisimport.automation.telling import EVENTS, send_soon
from sisimport.imports.runs.events import Event

MOST_OF_A_USER = 20
TRIAL = "trial"  # the event of a delivery requested by a user to test whether it arrives


class WebhookError(ValueError):
    """An invalid webhook; `field` is the one to correct, the text is for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def make_webhook(*, name: str, url: str, events: Iterable[str], user: Any) -> Webhook:
    """Make a webhook that reports the runs this user may see. Raises WebhookError."""
    name, wanted = name.strip(), [event for event in EVENTS if event in set(events)]
    if not name or len(name) > 80:
        raise WebhookError("name", "Give it a name, 80 characters at most.")
    if not wanted or set(events) - set(EVENTS):
        raise WebhookError("events", f"Choose at least one of: {', '.join(EVENTS)}.")
    if len(url) > 500:
        raise WebhookError("url", "The address has 500 characters at most.")
    try:
        requests_out.check_url(url)
    except requests_out.AddressError as error:
        raise WebhookError("url", str(error)) from error
    if Webhook.objects.filter(user=user).count() >= MOST_OF_A_USER:
        raise WebhookError("name", f"There are {MOST_OF_A_USER} webhooks of this user already: remove one first.")
    secret = secrets.token_urlsafe(32)
    return Webhook.objects.create(name=name, url=url, events=wanted, secret=secret, user=user)


def webhooks_for(admin: Any) -> QuerySet[Webhook]:
    """The webhooks that an import admin may manage: those of all users with no more access than the admin."""
    hooks = Webhook.objects.select_related("user").order_by("name", "pk")
    users = get_user_model().objects.filter(pk__in=hooks.order_by().values("user"))
    users = users.prefetch_related("groups__permissions", "user_permissions")
    held = own_permissions(admin)
    return hooks.filter(user__in=[user.pk for user in users if user.pk == admin.pk or not has_more(user, admin, held)])


def activate(hook: Webhook) -> None:
    """Send to it again, starting with events from now on."""
    Webhook.objects.filter(pk=hook.pk).update(failures=0, deactivated_at=None)


def deactivate(hook: Webhook) -> None:
    Webhook.objects.filter(pk=hook.pk, deactivated_at=None).update(deactivated_at=timezone.now())


def send_trial(hook: Webhook) -> None:
    """Queue a test delivery that is not about a run."""
    payload = {"event": TRIAL, "webhook": hook.pk, "at": timezone.now().isoformat(timespec="seconds")}
    send_soon([Delivery(webhook=hook, subject=TRIAL, payload=payload)])


WORDS = {
    Event.ENDED: "A run ended",
    Event.HELD: "A run is held",
    Event.APPROVED: "A held run was approved",
    Event.REVERTED: "A run was reverted",
}
