"""One student's records for pages, with the time line."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, overload

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, Work
from sisimport.imports.runs.report import Labels
from sisimport.web.queries.changes import FieldChange, Names, field_changes, operation_of
from students.models import SSID, RecordEdit, Student
from students.models.identifiers import mask_ssid
from students.undoing import can_be_undone

_MOST_CHANGES = 5000
_ONE_SAVE = dt.timedelta(
    seconds=1
)  # between the rows of one edit; no one saves twice by hand with the same reason in that time


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
    lines: tuple[int, ...] = ()  # of the run's file: lines whose changes to the student are still in place
    edits: tuple[int, ...] = ()  # entries of an edit that can be undone
    editor: int | None = None  # who made it

    @property
    def by_hand(self) -> bool:
        return self.run is None


class Timeline(Sequence[Event]):
    """What runs wrote and people edited for a student, newest first, for a paginator. `openable`: runs the reader may
    open.

    When things happened is read once, with three queries; the details are read for the shown entries, with a fixed
    number of queries. For a student with more changes than `_MOST_CHANGES` the oldest are not shown.
    """

    def __init__(self, student: Student, *, openable: QuerySet[ImportRun]) -> None:
        self._student, self._openable = student, openable

    @cached_property
    def _marks(self) -> list["_Mark"]:
        return sorted([*self._runs(), *self._edits()], key=lambda mark: (mark.at, mark.pk), reverse=True)

    def _runs(self) -> Iterator["_Mark"]:
        """The runs that wrote anything for the student: applied, and not entirely set aside."""
        planned: dict[int, set[tuple[int, int]]] = defaultdict(set)
        changes = ImportChange.objects.filter(student_id=self._student.pk).order_by("-run_id")
        for plan, line, seq in changes.values_list("run_id", "line", "seq")[:_MOST_CHANGES]:
            planned[plan].add((line, seq))
        applied = list(
            ImportRun.objects.filter(
                Q(test_run_id__in=planned) | Q(pk__in=planned),
                status=RunStatus.COMPLETED,
                work__in=[Work.UPDATE, Work.IMPORT, Work.REVERT],
            ).only("test_run_id", "finished_at", "created_at", "set_aside_count", "work", "reverts_id")
        )
        aside: dict[int, set[tuple[int, int]]] = defaultdict(set)
        lines = {line for keys in planned.values() for line, _seq in keys}
        rows = SetAside.objects.filter(run_id__in=[run.pk for run in applied], line__in=lines)
        for run_id, line, seq in rows.values_list("run_id", "line", "seq"):
            aside[run_id].add((line, seq))
        wrote = {run.pk: planned[run.plan_run_id] - aside[run.pk] for run in applied}
        undone: dict[int, set[tuple[int, int]]] = defaultdict(set)
        for run in applied:
            if run.reverts_id:
                undone[run.reverts_id] |= wrote[run.pk]
        for run in applied:
            if written := wrote[run.pk]:
                stands = frozenset() if run.work == Work.REVERT else frozenset(written - undone[run.pk])
                yield _Mark(run.finished_at or run.created_at, run.pk, run.plan_run_id, frozenset(written), stands)

    def _edits(self) -> Iterator["_Mark"]:
        edits = RecordEdit.objects.filter(student=self._student).order_by("-id")
        for rows in _saved_together(edits.values_list("at", "user", "reason", "pk")[:_MOST_CHANGES]):
            yield _Mark(rows[0][0], rows[0][3], None, frozenset(row[3] for row in rows))

    def __len__(self) -> int:
        return len(self._marks)

    @overload
    def __getitem__(self, wanted: int) -> Event: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Event]: ...
    def __getitem__(self, wanted: int | slice) -> Event | list[Event]:
        if isinstance(wanted, int):
            return self._events([self._marks[wanted]])[0]
        return self._events(self._marks[wanted])

    def _events(self, marks: list["_Mark"]) -> list[Event]:
        runs = _run_events(self._student, [mark for mark in marks if mark.plan is not None], self._openable)
        edits = _edit_events([mark for mark in marks if mark.plan is None])
        return [(edits if mark.plan is None else runs)[mark.pk] for mark in marks]


def _saved_together(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows (moment, user, reason, id; newest first) in groups, one per click on Save, which writes a row for each
    field."""
    for _same, group in groupby(rows, itemgetter(1, 2)):
        together: list[tuple[Any, ...]] = []
        for row in group:
            if together and together[-1][0] - row[0] > _ONE_SAVE:
                yield together
                together = []
            together.append(row)
        yield together


@dataclass(frozen=True, slots=True)
class _Mark:
    """When something happened: a run (`plan`: the run that holds its plan; keys of changes), or edits (their ids)."""

    at: dt.datetime
    pk: int
    plan: int | None
    of: frozenset[Any]
    stands: frozenset[tuple[int, int]] = frozenset()  # keys of changes that no Revert has undone


def _run_events(student: Student, marks: list[_Mark], openable: QuerySet[ImportRun]) -> dict[int, Event]:
    if not marks:
        return {}
    plans = {mark.plan for mark in marks}
    changes: dict[int, list[ImportChange]] = defaultdict(list)
    for change in ImportChange.objects.filter(student_id=student.pk, run_id__in=plans).order_by(
        "run_id", "line", "seq"
    ):
        changes[change.run_id].append(change)
    names, labels = Names.of(chain.from_iterable(changes.values())), Labels(changes)
    runs = ImportRun.objects.select_related("file", "created_by").in_bulk([mark.pk for mark in marks])
    opens = set(openable.filter(pk__in=runs).values_list("pk", flat=True))
    events = {}
    for mark in marks:
        run, written = runs[mark.pk], [c for c in changes[mark.plan or 0] if (c.line, c.seq) in mark.of]
        kinds = list(dict.fromkeys(get_kind(change.kind).label for change in written))
        events[mark.pk] = Event(
            at=mark.at,
            title=", ".join(kinds) + (" put back" if run.work == Work.REVERT else ""),
            run=run,
            may_open=run.pk in opens,
            by=run.created_by.get_username() if run.created_by else "",
            changes=[(f"{get_kind(c.kind).label} {operation_of(c)}", field_changes(c, names, labels)) for c in written],
            lines=tuple(sorted({line for line, _seq in mark.stands if line > 0})),
        )
    return events


def _edit_events(marks: list[_Mark]) -> dict[int, Event]:
    if not marks:
        return {}
    ids = [pk for mark in marks for pk in mark.of]
    edits = RecordEdit.objects.filter(pk__in=ids).select_related("user").in_bulk()
    events = {}
    for mark in marks:
        rows = [edits[pk] for pk in sorted(mark.of, reverse=True) if pk in edits]
        events[mark.pk] = Event(
            at=mark.at,
            title=", ".join(dict.fromkeys(row.what for row in rows)) + " edited",
            by=rows[0].user.get_username() if rows and rows[0].user else "",
            reason=rows[0].reason if rows else "",
            changes=[(row.what, [_edited(row)]) for row in rows],
            edits=tuple(row.pk for row in rows) if can_be_undone(rows) else (),
            editor=rows[0].user_id if rows else None,
        )
    return events


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
