"""Operations of the REST API: the webhooks of the token's user."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Path, Schema, Status
from pydantic import Field

from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Plain
from sisimport.automation import hooks
from sisimport.automation.models import Webhook
from sisimport.automation.telling import EVENTS
from sisimport.imports.runs.events import Event

TAG = "Webhooks"
MOST_ID = 2**63 - 1


class WebhookIn(Schema):
    name: Plain = Field(..., min_length=1, max_length=80, description="What it is for.")
    url: Plain = Field(..., min_length=1, max_length=500, description="https, at a public address.")
    events: list[Event] = Field(..., min_length=1, max_length=len(EVENTS))


class WebhookOut(Schema):
    id: int
    name: str
    url: str
    events: list[str]
    active: bool
    failures: int = Field(description="Deliveries given up in a row.")
    secret: str | None = Field(
        None, description="Signs what is sent. Shown in the answer that created it, and never again."
    )


class WebhooksOut(Schema):
    items: list[WebhookOut]
    next: str | None = None


def _own(request: HttpRequest) -> QuerySet[Webhook]:
    user: Any = request.user
    return Webhook.objects.filter(user=user)


def _facts(hook: Webhook, *, secret: str | None = None) -> dict[str, Any]:
    return {
        "id": hook.pk,
        "name": hook.name,
        "url": hook.url,
        "events": hook.events,
        "active": hook.deactivated_at is None,
        "failures": hook.failures,
        "secret": secret,
    }


@operation(
    "GET",
    "/webhooks",
    name="list_webhooks",
    summary="The webhooks of the token's user",
    response=WebhooksOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.READ,
    tag=TAG,
)
def list_webhooks(request: HttpRequest) -> dict[str, Any]:
    return {"items": [_facts(hook) for hook in _own(request)], "next": None}


@operation(
    "POST",
    "/webhooks",
    name="make_webhook",
    summary="Send events of runs to an address; 201 with the webhook and its secret",
    response=WebhookOut,
    status=201,
    scopes=[Scope.RUNS_READ],
    capability=Capability.READ,
    tag=TAG,
)
def make_webhook(request: HttpRequest, form: WebhookIn) -> Status:
    try:
        hook = hooks.make_webhook(name=form.name, url=form.url, events=form.events, user=request.user)
    except hooks.WebhookError as error:
        raise ProblemError("INVALID", errors=[(error.field, str(error))]) from error
    return Status(201, _facts(hook, secret=hook.secret))


@operation(
    "POST",
    "/webhooks/{webhook_id}/remove",
    name="remove_webhook",
    summary="Remove a webhook of the token's user",
    response=WebhookOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.READ,
    tag=TAG,
)
def remove_webhook(request: HttpRequest, webhook_id: Path[int]) -> dict[str, Any]:
    hook = _own(request).filter(pk=webhook_id).first() if 0 < webhook_id <= MOST_ID else None
    if hook is None:
        raise Http404
    removed = _facts(hook)
    hook.delete()
    return removed
