"""One student's records for pages, with the time line."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from sisimport.imports.kinds import get_kind
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, Work
from sisimport.imports.queries.changes import FieldChange, field_changes, operation_of
from students.models import SSID, RecordEdit, Student
from students.models.identifiers import mask_ssid

_MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the time line: a run that changed the student's records, or an edit by a person."""

    at: dt.datetime
    title: str
    run: ImportRun | None = None
    may_open: bool = False
    by: str = ""
    reason: str = ""
    changes: list[tuple[str, list[FieldChange]]] = field(default_factory=list)

    @property
    def by_hand(self) -> bool:
        return self.run is None


def timeline(student: Student, *, openable: QuerySet[ImportRun]) -> list[Event]:
    """What runs wrote and people edited, newest first. `openable`: runs the reader may open."""
    events = [*_run_events(student, openable), *_edits(student)]
    return sorted(events, key=lambda event: event.at, reverse=True)[:_MOST_EVENTS]


def _run_events(student: Student, openable: QuerySet[ImportRun]) -> Iterable[Event]:
    changes = list(ImportChange.objects.filter(student_id=student.pk).order_by("run_id", "line", "seq")[:500])
    plans = {change.run_id for change in changes}
    applied = list(
        ImportRun.objects.filter(
            Q(test_run_id__in=plans) | Q(pk__in=plans),
            status=RunStatus.COMPLETED,
            work__in=[Work.UPDATE, Work.IMPORT, Work.REVERT],
        ).select_related("file", "created_by")
    )
    opens = set(openable.filter(pk__in=[run.pk for run in applied]).values_list("pk", flat=True))
    lines = {change.line for change in changes}
    aside = set(
        SetAside.objects.filter(run_id__in=[run.pk for run in applied], line__in=lines).values_list(
            "run_id", "line", "seq"
        )
    )
    for run in applied:
        written = [c for c in changes if c.run_id == run.plan_run_id and (run.pk, c.line, c.seq) not in aside]
        if written:
            yield _run_event(run, written, may_open=run.pk in opens)


def _run_event(run: ImportRun, written: list[ImportChange], *, may_open: bool) -> Event:
    told = [(f"{get_kind(c.kind).label} {operation_of(c)}", field_changes(c)) for c in written]
    labels = list(dict.fromkeys(get_kind(change.kind).label for change in written))
    who = run.created_by.get_username() if run.created_by else ""
    title = ", ".join(labels) + (" put back" if run.work == Work.REVERT else "")
    return Event(at=run.finished_at or run.created_at, title=title, run=run, may_open=may_open, by=who, changes=told)


def _edits(student: Student) -> Iterable[Event]:
    edits = RecordEdit.objects.filter(student=student).select_related("user")[:_MOST_EVENTS]
    for (at, user, reason), group in groupby(edits, key=lambda edit: (edit.at, edit.user, edit.reason)):
        rows = list(group)
        told = [(row.what, [_edited(row)]) for row in rows]
        title = ", ".join(dict.fromkeys(row.what for row in rows)) + " edited"
        yield Event(at=at, title=title, by=user.get_username() if user else "", reason=reason, changes=told)


def _edited(edit: RecordEdit) -> FieldChange:
    label = edit.field.replace("_", " ").capitalize() if edit.field != "ssid" else "SSID"
    before, after = edit.before or "", edit.after or ""
    if edit.field == "ssid":
        before, after = (mask_ssid(text) if text else "" for text in (before, after))
    return FieldChange(label, before, after)


def current_and_former(student: Student) -> tuple[SSID | None, list[SSID]]:
    ssids = list(student.ssids.order_by(F("retired_at").desc(nulls_first=True), "-created_at"))
    current = next((ssid for ssid in ssids if ssid.retired_at is None), None)
    return current, [ssid for ssid in ssids if ssid.retired_at is not None]


def age_of(student: Student) -> int:
    today = timezone.localdate()
    born = student.birth_date
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
