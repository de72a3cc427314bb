"""tell: decides in an event's transaction who is notified; sending is done elsewhere (delivering.py).

No student data is sent: a mail or a webhook names the run, its type, its counts and where to look.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.access import GROUPS, Capability, can, may_approve, visible_runs
from sisimport.accounts.addresses import site_address
from sisimport.api.models import ApiToken
from sisimport.automation.models import Delivery, MailWish, Webhook
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import holding
from sisimport.imports.runs.events import Event
from students.families import is_family


class Subject(StrEnum):
    """What a user may want mail about."""

    ENDED = "run_ended"
    HELD = "held"
    DECIDE = "decide"
    ENDING = "token_ends"
    PICK_UP = "pick_up_failed"
    DELIVERY = "delivery_failed"


@dataclass(frozen=True, slots=True)
class About:
    """`needs`: the capability required to get it; `usual`: whether users who never chose get it."""

    label: str
    hint: str
    needs: Capability
    usual: bool


SUBJECTS: dict[Subject, About] = {
    Subject.ENDED: About("My runs ended", "Each run that you or your program started.", Capability.TEST, False),
    Subject.HELD: About(
        "A run is held", "It waits for a second person: you may approve or reject it.", Capability.APPROVE, True
    ),
    Subject.DECIDE: About("Lines to decide on", "Your Test has lines on the match desk.", Capability.TEST, False),
    Subject.ENDING: About(
        "An API token expires", "Two weeks before, for tokens of yours or that you made.", Capability.READ, True
    ),
    Subject.PICK_UP: About(
        "A pick-up failed", "A place could not be read, or a file was not picked up.", Capability.SETTINGS, True
    ),
    Subject.DELIVERY: About(
        "A delivery failed", "An export could not be put into its place.", Capability.SETTINGS, True
    ),
}
TOKEN_NOTICE = dt.timedelta(days=14)
EVENTS = tuple(str(event) for event in Event)


def subjects_for(user: Any) -> list[Subject]:
    """What this user may want mail about."""
    return [subject for subject, about in SUBJECTS.items() if can(user, about.needs)]


def wishes_of(user: Any) -> set[Subject]:
    """What this user is mailed about: the user's choice, else the default."""
    offered = subjects_for(user)
    row = MailWish.objects.filter(user=user).first()
    if row is None:
        return {subject for subject in offered if SUBJECTS[subject].usual}
    return {subject for subject in offered if subject in row.subjects}


def choose(user: Any, subjects: Collection[str]) -> None:
    """Store what the user wants mail about; subjects not offered to the user do not change."""
    MailWish.objects.update_or_create(user=user, defaults={"subjects": sorted({*subjects} & {*SUBJECTS})})


# ---- events ----


def on_run_event(*, run_id: int, event: Event, **_signal: Any) -> None:
    """Add one delivery to the table for each person who wants to know."""
    run = ImportRun.objects.select_related("created_by").get(pk=run_id)
    hooks, people = _hooks_for(run, event), list(_people_for(run, event))
    if not hooks and not people:
        return  # computing the run's address would load every page of the product into the worker
    payload = payload_of(run, event)
    deliveries = [Delivery(webhook=hook, subject=event, run=run, payload=payload) for hook in hooks]
    deliveries += [Delivery(user=user, subject=subject, run=run, payload=payload) for user, subject in people]
    send_soon(deliveries)


def send_soon(deliveries: Iterable[Delivery]) -> None:
    """Add them to the table; a chore sends them once this is committed."""
    now = timezone.now()
    rows = list(deliveries)
    for row in rows:
        row.due_at = now
    if rows:
        Delivery.objects.bulk_create(rows)


def payload_of(run: ImportRun, event: Event) -> dict[str, Any]:
    """What is reported about a run. A file's name may be a student's, so it is left out."""
    return {
        "event": str(event),
        "run": run.pk,
        "type": run.import_type,
        "work": run.work,
        "status": run.status,
        "reverted": run.reverted or None,
        "record_count": run.record_count,
        **run.outcome_counts,
        "error_count": run.error_count,
        "warning_count": run.warning_count,
        "reasons": [reason["code"] for reason in holding.hold_json(run)] if event == Event.HELD else [],
        "url": address_of(run),
        "at": timezone.now().isoformat(timespec="seconds"),
    }


def address_of(run: ImportRun) -> str:
    return site_address() + reverse("run", args=[run.pk])


def _hooks_for(run: ImportRun, event: Event) -> list[Webhook]:
    hooks = Webhook.objects.filter(deactivated_at=None, events__contains=[str(event)], user__is_active=True)
    return [hook for hook in hooks.select_related("user") if _sees(hook.user, run)]


def _sees(user: Any, run: ImportRun) -> bool:
    return visible_runs(user).filter(pk=run.pk).exists()


def _people_for(run: ImportRun, event: Event) -> Iterable[tuple[Any, Subject]]:
    if event == Event.HELD:
        for user in people_with(Capability.APPROVE):
            if may_approve(user, run) and Subject.HELD in wishes_of(user):
                yield user, Subject.HELD
    starter = run.created_by
    if starter is None or not reachable(starter) or (event == Event.HELD and Subject.ENDED not in wishes_of(starter)):
        return
    wishes = wishes_of(starter)
    if event == Event.ENDED and Subject.ENDED in wishes:
        yield starter, Subject.ENDED
    elif event == Event.ENDED and Subject.DECIDE in wishes and _lines_to_decide(run):
        yield starter, Subject.DECIDE
    elif event == Event.HELD:
        yield starter, Subject.ENDED


def people_with(capability: Capability) -> list[Any]:
    """People who may do this and can be mailed; found by their groups, since families have tens of thousands of
    accounts."""
    groups = [name for name, capabilities in GROUPS.items() if capability in capabilities]
    people = get_user_model().objects.filter(Q(is_superuser=True) | Q(groups__name__in=groups), is_active=True)
    return [user for user in people.exclude(email="").distinct().order_by("pk") if reachable(user)]


def reachable(user: Any) -> bool:
    return bool(user.is_active and user.email) and not is_family(user)


def _lines_to_decide(run: ImportRun) -> int:
    if run.work != Work.TEST:
        return 0
    try:
        near = get_type(run.import_type).matching.near_codes
    except UnknownImportTypeError:
        return 0
    return sum(entry["lines"] for entry in run.summary.get("issues", ()) if entry["code"] in near)


# ---- tokens ----


def notify_of_ending_tokens() -> None:
    """Mail each owner of a token that expires within two weeks, once."""
    tokens = ApiToken.objects.filter(
        revoked_at=None, expires_at__gt=timezone.now(), expires_at__lte=timezone.now() + TOKEN_NOTICE
    )
    for token in tokens.select_related("user", "created_by"):
        for user in {one for one in (token.user, token.created_by) if one is not None and reachable(one)}:
            sent = Delivery.objects.filter(user=user, subject=Subject.ENDING, payload__token=token.pk)
            if Subject.ENDING in wishes_of(user) and not sent.exists():
                payload = {
                    "token": token.pk,
                    "name": token.name,
                    "at": str(token.expires_at),
                    "url": site_address() + reverse("api_tokens"),
                }
                send_soon([Delivery(user=user, subject=Subject.ENDING, payload=payload)])
