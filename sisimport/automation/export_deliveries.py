"""deliver exports: at each due time one file is made, written to a place under a temporary name, and renamed.

    due -> its own row -> file made and logged -> written as .NAME.ROW-TRY.part, size compared -> THERE -> renamed ->
    DONE

The working process holds the set-up's lock, and each try has its own temporary name, so a process that lost the lock
does no damage. A try is counted before it begins. After THERE the file is not made again: if its temporary name is
gone, it was renamed. A failed delivery is tried again with growing pauses; once the next due time has come, only that
one is delivered.
"""

import datetime as dt
import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.access import Capability, can
from sisimport.accounts.addresses import site_address
from sisimport.automation.models import DeliveredExport, Delivery, ExportDelivery
from sisimport.automation.places import HostKeyError, Place, PlaceError, opened
from sisimport.automation.schedule import last_due, next_due
from sisimport.automation.telling import Subject, people_with, send_soon, wishes_of
from sisimport.runtime.session_locks import session_lock
from sisimport.web.exports.deliverables import Asked, Counts, ExportRefusedError, deliverables, settled_until
from students.access import sees_schools_of, visible_school_ids
from students.school_years import spring_of, year_label

logger = logging.getLogger(__name__)

DELIVERY_LOCK = 0x5349_0032  # class of our advisory locks on deliveries; a constant not used elsewhere
PAUSES = [
    dt.timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600)
]  # after each try; then the last one repeats
MOST_TRIES = 12
NOTIFY_AFTER = 2  # tries: a single network glitch is not reported
CURRENT, LAST = "current", "last"  # school years that move on automatically
State = DeliveredExport.State
OPEN = (State.WAITING, State.THERE)


class GivenUpError(Exception):
    """It cannot be delivered, no matter how often it is tried; the text is for the user."""


@dataclass(slots=True)
class Turn:
    """What one turn did: files delivered, files still to be delivered and why, and errors."""

    delivered: list[DeliveredExport] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def deliver_due() -> int:
    """Deliver what is due for every active set-up; returns how many had something to do."""
    now = timezone.now()
    due = [one for one in ExportDelivery.objects.filter(active=True) if _is_due(one, now)]
    for delivery in due:
        deliver(delivery)
    return len(due)


def _is_due(delivery: ExportDelivery, now: dt.datetime) -> bool:
    open_ones = delivery.files.filter(state__in=OPEN)
    return _next_is_due(delivery, now) or any(
        one.next_try_at <= now or _is_too_far(one.next_try_at, now) for one in open_ones
    )


def _next_is_due(delivery: ExportDelivery, now: dt.datetime) -> bool:
    """Whether its next due time has passed; also true if the clock was set back since the next due time was planned."""
    planned = delivery.next_due_at
    return planned is None or planned <= now or planned > next_due(delivery.first_at, delivery.every_minutes, now)


def _is_too_far(moment: dt.datetime, now: dt.datetime) -> bool:
    """Whether the time was planned by a clock that was set back since."""
    return moment - now > PAUSES[-1]


def ask_now(delivery: ExportDelivery) -> None:
    """Have a file delivered now: the one waiting for its next try, or else a new one."""
    now = timezone.now()
    if not delivery.files.filter(state__in=OPEN).update(next_try_at=now):
        _plan(delivery, now)


def deliver(delivery: ExportDelivery) -> Turn:
    """Deliver what is due. Errors with the place or the export are reported in the turn, on its page, and by mail."""
    turn = Turn()
    with session_lock(DELIVERY_LOCK, delivery.pk) as mine:
        if not mine:
            turn.waiting.append((delivery.name, "Another worker is delivering it."))
            return turn
        delivery.refresh_from_db()
        _plan_what_came_due(delivery)
        for one in delivery.files.filter(state__in=OPEN).order_by("due_at"):
            if one.next_try_at <= timezone.now() or _is_too_far(one.next_try_at, timezone.now()):
                _try(delivery, one, turn)
            else:
                turn.waiting.append((one.file_name, f"{one.message} It is tried again.".strip()))
            if not delivery.active:
                break
    return turn


# ---- what is due ----


def _plan_what_came_due(delivery: ExportDelivery) -> None:
    now = timezone.now()
    if delivery.active and _next_is_due(delivery, now):
        due = last_due(delivery.first_at, delivery.every_minutes, now)
        if due is not None:
            _plan(delivery, due)
        delivery.next_due_at = next_due(delivery.first_at, delivery.every_minutes, now)
        delivery.save(update_fields=["next_due_at"])


def _plan(delivery: ExportDelivery, due_at: dt.datetime) -> None:
    """Make a row for this due time, if there is none; an older file that still waits is no longer made."""
    name = file_name(delivery, due_at)
    _one, made = DeliveredExport.objects.get_or_create(
        delivery=delivery, due_at=due_at, defaults={"file_name": name, "next_try_at": timezone.now()}
    )
    if made:
        older = delivery.files.filter(state=State.WAITING, due_at__lt=due_at)
        older.update(state=State.GIVEN_UP, message="The next one was due before this one could be delivered.")


def file_name(delivery: ExportDelivery, due_at: dt.datetime) -> str:
    """The pattern filled in, by the district's clock."""
    local = timezone.localtime(due_at)
    parts = {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H%M%S}", "year": _school_year(delivery) or "all"}
    return delivery.file_name.format(**parts)


def _school_year(delivery: ExportDelivery) -> str:
    spring = spring_of(timezone.localdate())
    moving = {CURRENT: year_label(spring), LAST: year_label(spring - 1)}
    return moving.get(delivery.school_year, delivery.school_year)


# ---- one try ----


def _try(delivery: ExportDelivery, one: DeliveredExport, turn: Turn) -> None:
    if one.tries >= MOST_TRIES:
        _failed(delivery, one, "Too many tries failed. Check the log of the workers.", turn, for_good=True)
        return
    one.tries += 1
    one.next_try_at = timezone.now() + PAUSES[min(one.tries, len(PAUSES)) - 1]
    one.message = "The last try did not finish."  # remains if its worker is stopped
    one.save(update_fields=["tries", "next_try_at", "message"])
    try:
        with opened(delivery) as there:
            if one.state == State.THERE:
                _finish_interrupted(one, there)
            if one.state == State.WAITING:
                _write_temporary(delivery, one, there)
                there.replace(_part(one, one.tries), one.file_name)
        _done(delivery, one)
        turn.delivered.append(one)
    except HostKeyError as error:
        delivery.active = False
        _failed(delivery, one, str(error), turn, for_good=False)
    except (ExportRefusedError, GivenUpError) as error:
        _failed(delivery, one, str(error), turn, for_good=True)
    except (PlaceError, OSError) as error:
        reason = str(error) if isinstance(error, PlaceError) else "There is no disk space here to make the file."
        _failed(delivery, one, reason, turn, for_good=one.tries >= MOST_TRIES)


def _write_temporary(delivery: ExportDelivery, one: DeliveredExport, there: Place) -> None:
    """Make the file and write it to the place under its temporary name."""
    _remove_cut_files(delivery, one, there)
    part = _part(one, one.tries)
    with tempfile.TemporaryFile() as made:
        counts = _make(delivery, one, made)
        size = made.tell()
        made.seek(0)
        there.put(part, made)
    if there.size_of(part) != size:
        raise PlaceError("The file arrived incomplete.")
    # A process that has lost the lock finds a different number of tries here, and renames nothing.
    mine = DeliveredExport.objects.filter(pk=one.pk, state=State.WAITING, tries=one.tries)
    columns = {"size": size, "rows": counts.rows, "students": counts.students, "since": one.since, "until": one.until}
    if not mine.update(state=State.THERE, **columns):
        raise PlaceError("Another worker is delivering it now.")
    one.state, one.size, one.rows, one.students = State.THERE, size, counts.rows, counts.students


def _remove_cut_files(delivery: ExportDelivery, one: DeliveredExport, there: Place) -> None:
    """Remove temporary files of earlier tries, for this file and for those given up before it."""
    given_up = delivery.files.filter(state=State.GIVEN_UP, size=None, tries__gt=0, due_at__lt=one.due_at)
    for other, tries in [(one, one.tries - 1), *((other, other.tries) for other in given_up[:2])]:
        for number in range(1, tries + 1):
            there.remove(_part(other, number))


def _make(delivery: ExportDelivery, one: DeliveredExport, made: IO[bytes]) -> Counts:
    user, what = delivery.user, deliverables().get(delivery.what)
    if what is None:
        raise GivenUpError("This export no longer exists. Remove this delivery, and add another.")
    if not user.is_active or not can(user, Capability.EXPORT):
        raise GivenUpError("The user of this delivery may no longer export. Remove this delivery, and add another.")
    if what.since_last:
        one.since, one.until = delivery.delivered_until, settled_until()
        if one.until <= one.since:
            raise PlaceError("A run that began before the last delivery is still writing.")
    request = Asked(
        user=user,
        schools=visible_school_ids(user),
        school_year=_school_year(delivery) if what.by_year else "",
        since=one.since,
        until=one.until,
        options=delivery.options,
    )
    counts = what.write(request, made, PurePath(one.file_name).suffix.lower(), f"delivery {delivery.pk}")
    made.seek(0, 2)
    return counts


def _finish_interrupted(one: DeliveredExport, there: Place) -> None:
    """The file was complete when the last try was interrupted: it was renamed since, or is renamed now, or is
    damaged."""
    names = [_part(one, number) for number in range(1, one.tries)]
    sizes = {name: size for name in names if (size := there.size_of(name)) is not None}
    whole = [name for name, size in sizes.items() if size == one.size]
    if whole:
        there.replace(whole[-1], one.file_name)
    if whole or not sizes:
        one.state = State.DONE
    else:
        one.state = State.WAITING
        _keep(one)


def _part(one: DeliveredExport, number: int) -> str:
    return f".{one.file_name}.{one.pk}-{number}.part"


def _keep(one: DeliveredExport) -> None:
    """Store the result of this try, unless another one was begun since."""
    columns = {"state": one.state, "message": one.message, "done_at": one.done_at}
    DeliveredExport.objects.filter(pk=one.pk, tries=one.tries).update(**columns)


def _done(delivery: ExportDelivery, one: DeliveredExport) -> None:
    one.state, one.done_at, one.message = State.DONE, timezone.now(), ""
    if one.until is not None:
        delivery.delivered_until = one.until
    delivery.error = ""
    with transaction.atomic():
        _keep(one)
        delivery.save(update_fields=["delivered_until", "error"])


def _failed(delivery: ExportDelivery, one: DeliveredExport, why: str, turn: Turn, *, for_good: bool) -> None:
    one.message = why[:500]
    one.state = State.GIVEN_UP if for_good else one.state
    _keep(one)
    turn.errors.append(f"{delivery.name}: {why}")
    delivery.error = why[:500]
    delivery.save(update_fields=["error", "active"])
    if for_good or not delivery.active or one.tries == NOTIFY_AFTER:
        _notify(delivery)


def _notify(delivery: ExportDelivery) -> None:
    """Mail the people who manage settings and may open the delivery that it needs attention."""
    logger.warning("export delivery %s needs attention", delivery.pk)
    payload = {
        "delivery": delivery.pk,
        "name": delivery.name,
        "message": "Its last try failed.",
        "url": site_address() + reverse("delivery", args=[delivery.pk]),
    }
    send_soon(
        Delivery(user=user, subject=Subject.DELIVERY, payload=payload)
        for user in people_with(Capability.SETTINGS)
        if Subject.DELIVERY in wishes_of(user) and sees_schools_of(user, delivery.user)
    )


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Remove the records of files that were due before that time, or count them (see runtime/retention.py)."""
    old = DeliveredExport.objects.filter(due_at__lt=before).exclude(state__in=OPEN)
    return old.count() if dry_run else int(old.delete()[0])
