"""Requests for SSIDs once they are made: stored, written as a file, and tracked until the answer arrives."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.runtime.row_scope import across_schools
from ssid.models import MatchRequest, SENRLine, SENRRequest
from ssid.requests.senr_file import LAYOUT, Draft, RequestRefusedError
from students.locks import lock_leas
from students.models import SSID

# The possible states of a request's line, as pages and exports word them.
STATES = {
    "out": "Still out",
    "answered": "Answered, no SSID",
    "has_ssid": "Have an SSID now",
    "replaced": "Asked again later",
}
FILE_NAME = "senr-request-{number}.{ending}"
_BATCH = 2000
_LINE_END = "\r\n"


def keep_request(made: Draft, *, user: AbstractBaseUser | None, delimiter: str = "^") -> SENRRequest:
    """Store a request, line by line. For a student of an earlier, unanswered request, this one now counts.

    Raises RequestRefusedError if there are no students to request SSIDs for.
    """
    if not made.entries:
        raise RequestRefusedError(
            "There is no student to ask for: all have an SSID, or their records lack something the state asks for."
        )
    with transaction.atomic():
        lock_leas([made.lea.pk])
        request = SENRRequest.objects.create(
            lea=made.lea,
            schools=[school.pk for school in made.schools],
            school_year=made.school_year,
            delimiter=delimiter,
            created_by=user,  # type: ignore[misc]
        )
        students = [entry.student_id for entry in made.entries]
        for start in range(0, len(students), _BATCH):
            SENRLine.objects.filter(student__in=students[start : start + _BATCH], status=SENRLine.Status.OUT).update(
                status=SENRLine.Status.REPLACED
            )
        SENRLine.objects.bulk_create(
            (
                SENRLine(
                    request=request,
                    line=number,
                    student_id=entry.student_id,
                    school_id=entry.school_id,
                    local_number=entry.values[8],
                    last_name=entry.values[11],
                    first_name=entry.values[9],
                    middle_name=entry.values[10],
                    birth_date=entry.birth_date,
                    gender=entry.values[17],
                    identity_hash=entry.identity_hash,
                    sent=list(entry.values),
                )
                for number, entry in enumerate(made.entries, 1)
            ),
            batch_size=_BATCH,
        )
    return request


def file_name(request: SENRRequest) -> str:
    """The name of the downloaded file. No student data, and nothing that identifies a district."""
    ending = "csv" if request.delimiter == SENRRequest.Delimiter.COMMA else "txt"
    return FILE_NAME.format(number=request.pk, ending=ending)


def request_text(request: SENRRequest) -> Iterator[str]:
    """The request file, piece by piece: the values as sent, even if they have changed since."""
    lines = request.lines.order_by("line").values_list("sent", flat=True)
    for sent in lines.iterator(chunk_size=_BATCH):
        yield line_text(sent, request.delimiter)


def line_text(values: Sequence[str], delimiter: str) -> str:
    """One record of a file for the state."""
    if delimiter != SENRRequest.Delimiter.COMMA:
        return delimiter.join(values) + _LINE_END
    out = io.StringIO()
    csv.writer(out, lineterminator=_LINE_END).writerow(values)
    return out.getvalue()


def causes_of(made: Draft) -> list[tuple[str, int, int]]:
    """What is missing and for how many students: (message, severity, count), errors first, then most frequent first."""
    counts: dict[tuple[str, int], int] = {}
    for gap in made.gaps:
        key = (gap.message if gap.field != "birth_date" else "Unusual age; the state will ask.", int(gap.severity))
        counts[key] = counts.get(key, 0) + 1
    return sorted(((text, level, n) for (text, level), n in counts.items()), key=lambda c: (-c[1], -c[2], c[0]))


def answers(student: str, asked_at: str) -> QuerySet[MatchRequest]:
    """Match results about a student that came after a request and were imported; `student`, `asked_at`: outer paths.

    The Update counts, not its Test, and only until it is reverted.
    """
    applied = ImportRun.objects.filter(
        reverted="", test_run=OuterRef("run_id"), work=Work.UPDATE, status=RunStatus.COMPLETED
    )
    return MatchRequest.objects.filter(
        Exists(applied), student_id=OuterRef(student), run__created_at__gt=OuterRef(asked_at)
    )


def _lines() -> QuerySet[Any]:
    """Lines of requests with their results: `has_ssid`, `has_answer`."""
    current = SSID.objects.filter(student=OuterRef("student"), retired_at__isnull=True)
    return SENRLine.objects.annotate(
        has_ssid=Exists(current), has_answer=Exists(answers("student_id", "request__created_at"))
    )


def lines_out(schools: Collection[int] | None) -> QuerySet[SENRLine]:
    """Lines without an answer, of students who still have no SSID and are not in a later request (None: all
    schools)."""
    lines = _lines().filter(status=SENRLine.Status.OUT, has_ssid=False, has_answer=False)
    return lines if schools is None else lines.filter(school__in=list(schools))


def lines_of(request: SENRRequest, schools: Collection[int] | None) -> QuerySet[Any]:
    """Lines of a request about students of these schools (None: all), each with its result (`state`, one of STATES)."""
    state = Case(
        When(has_ssid=True, then=Value("has_ssid")),
        When(has_answer=True, then=Value("answered")),
        When(status=SENRLine.Status.REPLACED, then=Value("replaced")),
        default=Value("out"),
    )
    lines = _lines().filter(request=request).annotate(state=state)
    if schools is not None:
        lines = lines.filter(school__in=list(schools))
    return lines.select_related("student", "school").defer("sent").order_by("line")


@across_schools()  # a student requested by one of these schools may be at another one now
def requests_with_counts(schools: Collection[int] | None) -> list[SENRRequest]:
    """Requests, newest first, with `sent`, `answered` and `out` students of these schools (None: all)."""
    lines = _lines() if schools is None else _lines().filter(school__in=list(schools))
    waits = Q(status=SENRLine.Status.OUT, has_ssid=False, has_answer=False)
    counts = {
        row["request"]: row
        for row in lines.order_by()
        .values("request")
        .annotate(sent=Count("pk"), out=Count("pk", filter=waits), answered=Count("pk", filter=Q(has_answer=True)))
    }
    requests = list(
        SENRRequest.objects.filter(pk__in=counts).select_related("lea", "created_by").order_by("-created_at", "-id")
    )
    for request in requests:
        request.sent, request.out, request.answered = (counts[request.pk][name] for name in ("sent", "out", "answered"))  # type: ignore[attr-defined]
    return requests


@across_schools()  # as above
def requests_out(schools: Collection[int] | None) -> list[Any]:
    """Requests waiting for an answer, newest first, with their `sent` students of these schools and those still
    `out`."""
    out = dict(lines_out(schools).order_by().values_list("request").annotate(n=Count("pk")))
    mine = Q() if schools is None else Q(lines__school__in=list(schools))
    requests = list(
        SENRRequest.objects.filter(pk__in=out).annotate(sent=Count("lines", filter=mine)).order_by("-created_at", "-id")
    )
    for request in requests:
        request.out = out[request.pk]  # type: ignore[attr-defined]
    return requests


def students_out(schools: Collection[int] | None) -> int:
    """How many students wait for the state's answer."""
    return lines_out(schools).count()


def requests_answered_by(run: ImportRun, schools: Collection[int] | None = None) -> list[Any]:
    """The requests that a file of match results answers, newest first, with their `sent` students of these schools (None: all)
    and those who are in the file (`answered`)."""
    mine = Q() if schools is None else Q(lines__school__in=list(schools))
    match_requests = MatchRequest.objects.filter(run_id=run.plan_run_id, student_id=OuterRef("lines__student"))
    return list(
        SENRRequest.objects.filter(created_at__lt=run.created_at)
        .annotate(
            sent=Count("lines", filter=mine),
            answered=Count("lines", filter=mine & Q(Exists(match_requests)) & Q(lines__status=SENRLine.Status.OUT)),
        )
        .filter(answered__gt=0)
        .order_by("-created_at", "-id")
    )


def request_json(request: SENRRequest | None, made: Draft, *, file: str) -> dict[str, Any]:
    """What the command prints: the request and the check list."""
    return {
        "request": request.pk if request else None,
        "file": file,
        "layout": LAYOUT,
        "delimiter": request.delimiter if request else "",
        "school_year": made.school_year,
        "lea": made.lea.code,
        "schools": [school.code for school in made.schools],
        "row_count": len(made.entries),
        "incomplete_count": made.incomplete,
        "left_count": made.left,
        "missing": _missing(made),
    }


def enrollments_json(made: Draft | None) -> dict[str, Any]:
    """What the command for updates of enrollment prints: how many records, and what the others lack."""
    if made is None:
        return {"row_count": 0, "incomplete_count": 0, "missing": []}
    return {"row_count": len(made.entries), "incomplete_count": made.incomplete, "missing": _missing(made)}


def _missing(made: Draft) -> list[dict[str, str]]:
    return [
        {
            "student": gap.local_number,
            "school": gap.school,
            "field": gap.field,
            "severity": gap.severity.label,
            "message": gap.message,
        }
        for gap in made.gaps
    ]


__all__ = ["file_name", "keep_request", "request_json", "request_text", "requests_with_counts", "students_out"]
