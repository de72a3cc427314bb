"""SSID Process: what a request to Utah's SSID system contains, and making one (rules U-1, U-2, U-9, U-11).

    schools + function -> scope (which students, and why not the others) -> request: values kept, file written

Sources: SSID Process (vendor help page of a Utah student system); SSID Request Extract (vendor help page, Utah);
Utah rule R277-419-10 (legal names).
"""

import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Case, Count, Exists, F, FilteredRelation, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf, RowNumber
from django.utils import timezone

from sisimport.files.layouts import Layout
from sisimport.imports.definition.registry import folder_layouts
from sisimport.imports.engine.sql import compiled, execute
from sisimport.imports.storage.files import store
from ssid.models import UtahFunction, UtahRequest, UtahRequestStudent
from ssid.utah.queries import outstanding_retrieves
from ssid.utah.request_files import write_request
from students.locks import lock_leas
from students.models import LEA, ChangedRecord, Enrollment, School, StateProfile, Student
from students.school_years import spring_of

LAYOUT_FOLDER = Path(__file__).parents[1] / "layouts"
REQUEST_LAYOUT = "utah-ssid-request"
NAMES = ("last_name", "first_name", "middle_name", "suffix")


class RequestRefusedError(Exception):
    """A request that cannot be made; the text is for the user. `held`: giving a reason would allow it (rule U-1)."""

    def __init__(self, text: str, *, held: bool = False) -> None:
        super().__init__(text)
        self.held = held


@dataclass(frozen=True, slots=True)
class Scope:
    """How many students a request would contain, and why it leaves the others out."""

    function: UtahFunction
    count: int
    students: int
    not_enrolled: int
    has_ssid: int
    no_ssid: int
    unchanged: int

    @property
    def left_out(self) -> list[tuple[int, str]]:
        """Counts with the reason, only those that are not zero."""
        asks_number = self.function in (UtahFunction.RETRIEVE, UtahFunction.NEW)
        reasons = [(self.not_enrolled, "not enrolled at that time")]
        reasons += [(self.has_ssid, "have an SSID")] if asks_number else [(self.no_ssid, "have no SSID yet")]
        if self.function == UtahFunction.UPDATE:
            reasons.append((self.unchanged, "did not change since the last confirmed Update"))
        return [(count, reason) for count, reason in reasons if count]


def _students(lea: LEA, schools: Iterable[School], effective_date: dt.date | None) -> QuerySet[Any]:
    """Students of the schools with the values that a scope checks: enrolled, current SSID, flagged (rule U-9)."""
    if effective_date is not None:
        first = last = effective_date
    else:
        year = spring_of(timezone.localdate())
        first, last = dt.date(year - 1, 7, 1), dt.date(year, 6, 30)
    own = Enrollment.objects.filter(student=OuterRef("pk"), school=OuterRef("school_id"))
    in_time = own.filter(
        Q(start_date__isnull=True) | Q(start_date__lte=last), Q(exit_date__isnull=True) | Q(exit_date__gte=first)
    )
    anywhere = Enrollment.objects.filter(student=OuterRef("pk"))
    return Student.objects.filter(lea=lea, school__in=list(schools)).annotate(
        current=FilteredRelation("ssids", condition=Q(ssids__retired_at__isnull=True)),
        enrolled=Case(When(Exists(in_time) | ~Exists(anywhere), then=Value(True)), default=Value(False)),
        flagged=Exists(ChangedRecord.objects.filter(student=OuterRef("pk"), cleared_by__isnull=True)),
    )


def _wanted(function: UtahFunction) -> Q:
    if function in (UtahFunction.RETRIEVE, UtahFunction.NEW):
        return Q(current__ssid__isnull=True)
    if function == UtahFunction.UPDATE:
        return Q(current__ssid__isnull=False, flagged=True)
    return Q(current__ssid__isnull=False)


def scope_of(
    *, lea: LEA, function: UtahFunction, schools: Sequence[School], effective_date: dt.date | None = None
) -> Scope:
    """Count what a request would contain and what it leaves out, in one query."""
    has = Q(enrolled=True, current__ssid__isnull=False)
    counts = _students(lea, schools, effective_date).aggregate(
        count=Count("pk", filter=Q(enrolled=True) & _wanted(function)),
        students=Count("pk"),
        not_enrolled=Count("pk", filter=Q(enrolled=False)),
        has_ssid=Count("pk", filter=has),
        no_ssid=Count("pk", filter=Q(enrolled=True, current__ssid__isnull=True)),
        unchanged=Count("pk", filter=has & Q(flagged=False)),
    )
    return Scope(function=function, **counts)


def find_schools(*, codes: Iterable[str], lea: LEA | None = None) -> list[School]:
    """Schools of one Utah LEA by code. Raises RequestRefusedError naming the codes that are unknown or of other districts."""
    wanted = list(dict.fromkeys(code.strip() for code in codes if code.strip()))
    on_record = School.objects.filter(code__in=wanted, lea__state=StateProfile.UTAH).select_related("lea")
    if lea is not None:
        on_record = on_record.filter(lea=lea)
    schools = list(on_record.order_by("code"))
    missing = [code for code in wanted if code not in {school.code for school in schools}]
    if missing or not wanted:
        named = ", ".join(missing) or "(none)"
        raise RequestRefusedError(f"No school of a Utah LEA has the code {named}. Check the code.")
    if len({school.lea_id for school in schools}) > 1:
        leas = ", ".join(sorted({school.lea.code for school in schools}))
        raise RequestRefusedError(f"Schools of several LEAs ({leas}) cannot be in one request; choose the LEA.")
    return schools


def why_held(*, function: UtahFunction, schools: Sequence[School]) -> str:
    """Why a New request has to wait, or nothing: New gives a number to every row and so makes duplicates (rule U-1)."""
    if function != UtahFunction.NEW:
        return ""
    waiting = outstanding_retrieves(schools)
    if not waiting:
        return ""
    numbers = ", ".join(str(request.pk) for request in waiting)
    return (
        f"The answer to Retrieve request {numbers} is still outstanding for these schools. Process it first: "
        "New issues a number to every student in its file, including those who already have one."
    )


@transaction.atomic
def create_request(
    *,
    function: UtahFunction,
    schools: Sequence[School],
    effective_date: dt.date | None = None,
    user: User | None = None,
    override_reason: str = "",
) -> UtahRequest:
    """Make a request: store which students and values are sent, and write its file.

    Raises RequestRefusedError: schools of several or other LEAs, no students to send, New while a Retrieve answer is
    outstanding and no reason was given.
    """
    leas = {school.lea_id: school.lea for school in schools}
    if len(leas) != 1:
        raise RequestRefusedError("Choose schools of one LEA.")
    lea = next(iter(leas.values()))
    if lea.state != StateProfile.UTAH:
        raise RequestRefusedError(
            f"{lea} does not report to Utah. If it should, change the state of the LEA in its settings."
        )
    lock_leas([lea.pk])  # no import or second request changes a value between storing and writing it
    held = why_held(function=function, schools=schools)
    override_reason = override_reason.strip()
    if held and not override_reason:
        raise RequestRefusedError(held, held=True)
    today = timezone.localdate()
    request = UtahRequest.objects.create(
        lea=lea,
        function=function,
        school_year=spring_of(effective_date or today),
        effective_date=effective_date,
        created_by=user,
        override_reason=override_reason if held else "",
    )
    request.schools.set(schools)
    request.record_count = _keep_students(request, schools, today)
    if not request.record_count:
        raise RequestRefusedError(
            f"No student of these schools belongs in a {function.label} request. Choose other schools."
        )
    _write_file(request)
    request.save(update_fields=["record_count", "file"])
    return request


def _keep_students(request: UtahRequest, schools: Sequence[School], today: dt.date) -> int:
    """Copy the values to send into the request, in one statement, in the order of the file."""
    function = UtahFunction(request.function)
    open_now = Enrollment.objects.filter(student=OuterRef("pk")).filter(
        Q(exit_date__isnull=True) | Q(exit_date__gte=today)
    )
    anywhere = Enrollment.objects.filter(student=OuterRef("pk"))
    changes = ChangedRecord.objects.filter(student=OuterRef("pk")).order_by().values("student")
    columns = {
        "line": models.Window(RowNumber(), order_by=["school__code", "match_last_name", "match_first_name", "pk"]),
        "student_id": F("pk"),
        "school_id": F("school_id"),
        "local_number": F("local_number"),
        "ssid": Coalesce(F("current__ssid"), Value("")),
        "last_name": F("match_last_name"),
        "first_name": F("match_first_name"),
        "middle_name": F("match_middle_name"),
        "suffix": F("suffix"),
        "birth_date": F("birth_date"),
        "gender": Coalesce(NullIf(F("legal_gender"), Value("")), F("gender")),
        "ethnicity": F("ethnicity"),
        "was_enrolled": Case(When(Exists(open_now) | ~Exists(anywhere), then=Value(True)), default=Value(False)),
        "changed_through": Subquery(changes.annotate(last=Max("id")).values("last")),
    }
    chosen = _students(request.lea, schools, request.effective_date).filter(_wanted(function), enrolled=True)
    named = {f"sent_{name}": expression for name, expression in columns.items()}
    sql, params = compiled(chosen.annotate(**named).order_by().values_list(*named))
    table = UtahRequestStudent._meta.db_table
    return execute(
        f"INSERT INTO {table} (request_id, {', '.join(columns)}) SELECT %s, q.* FROM ({sql}) AS q",
        [request.pk, *params],
    )


def request_layout() -> Layout:
    """The layout of request files: the packaged one, or the district's own."""
    return folder_layouts(LAYOUT_FOLDER)[REQUEST_LAYOUT]


def _write_file(request: UtahRequest) -> None:
    layout = request_layout()
    with tempfile.TemporaryFile("w+b") as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", newline="", write_through=True)
        write_request(text, layout, _records(request))
        text.flush()
        binary.seek(0)
        store(request.file, f"{request.pk}.csv", binary)
        text.detach()


def _records(request: UtahRequest) -> Iterator[dict[str, Any]]:
    sent = request.students.order_by("line").values(
        "line", "local_number", "ssid", *NAMES, "birth_date", "gender", "ethnicity", school_code=F("school__code")
    )
    same = {
        "school_year": request.school_year,
        "lea": request.lea.code,
        "request_type": request.function,
    }
    for values in sent.iterator(chunk_size=4000):
        yield {**values, **same, "file_line": values["line"], "school": values["school_code"]}


@transaction.atomic
def withdraw_request(*, request: UtahRequest, user: User | None, reason: str) -> None:
    """Say that a request was never sent, or that no answer will come: nothing waits for it any longer.

    Raises RequestRefusedError without a reason, or if its answer was already applied.
    """
    from ssid.utah.queries import RequestState, with_state

    if not reason.strip():
        raise RequestRefusedError("Say why there will be no answer.")
    current = with_state(UtahRequest.objects.select_for_update(of=["self"]).filter(pk=request.pk)).get()
    if current.state in (RequestState.APPLIED, RequestState.WITHDRAWN):
        raise RequestRefusedError("This request was already answered and applied, or withdrawn. Check the board.")
    UtahRequest.objects.filter(pk=request.pk).update(
        withdrawn_at=timezone.now(), withdrawn_by=user, withdrawn_reason=reason.strip()
    )
