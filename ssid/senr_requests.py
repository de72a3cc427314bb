"""Requests for SSIDs once they are made: kept, written as a file, and followed until the answer is there."""

import csv
import io
from collections.abc import Collection, Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from ssid.models import SENRLine, SENRRequest
from ssid.senr import LAYOUT, Draft, RequestRefusedError
from students.locks import lock_leas
from students.models import SSID

FILE_NAME = "senr-request-{number}.{ending}"
_BATCH = 2000
_LINE_END = "\r\n"


def keep_request(made: Draft, *, user: AbstractBaseUser | None, delimiter: str = "^") -> SENRRequest:
    """Remember a request, line by line. A student asked for before and not answered yet is now asked for by this one.

    Raises RequestRefusedError when there is nobody to ask for.
    """
    if not made.entries:
        raise RequestRefusedError("There is no student to ask for: all have an SSID, or their records lack something.")
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
    """What the file is called when it is downloaded. No student data, and nothing that tells one district from another."""
    ending = "csv" if request.delimiter == SENRRequest.Delimiter.COMMA else "txt"
    return FILE_NAME.format(number=request.pk, ending=ending)


def request_text(request: SENRRequest) -> Iterator[str]:
    """The request file, piece by piece: what was sent, whatever has changed since."""
    lines = request.lines.order_by("line").values_list("sent", flat=True)
    for sent in lines.iterator(chunk_size=_BATCH):
        if request.delimiter == SENRRequest.Delimiter.COMMA:
            out = io.StringIO()
            csv.writer(out, lineterminator=_LINE_END).writerow(sent)
            yield out.getvalue()
        else:
            yield request.delimiter.join(sent) + _LINE_END


def still_out(line: str = "") -> Q:
    """Lines without an answer, of students who still have no SSID. `line`: the path to the line, with its `__`."""
    has_ssid = Exists(SSID.objects.filter(student=OuterRef(f"{line}student"), retired_at__isnull=True))
    return Q(**{f"{line}status": SENRLine.Status.OUT}) & ~Q(has_ssid)


def requests_with_counts(schools: Collection[int] | None) -> QuerySet[SENRRequest]:
    """Requests, newest first, with `sent`, `answered` and `out` lines of these schools (None: all)."""
    mine = Q() if schools is None else Q(lines__school__in=list(schools))
    return (
        SENRRequest.objects.annotate(
            sent=Count("lines", filter=mine),
            answered=Count("lines", filter=mine & Q(lines__status=SENRLine.Status.ANSWERED)),
            out=Count("lines", filter=mine & still_out("lines__")),
        )
        .filter(sent__gt=0)
        .select_related("created_by")
        .order_by("-id")
    )


def students_out(schools: Collection[int] | None) -> int:
    """How many students wait for the state's answer."""
    lines = SENRLine.objects.filter(still_out())
    if schools is not None:
        lines = lines.filter(school__in=list(schools))
    return lines.count()


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
        "missing": [
            {
                "student": gap.local_number,
                "school": gap.school,
                "field": gap.field,
                "severity": gap.severity.label,
                "message": gap.message,
            }
            for gap in made.gaps
        ],
    }


__all__ = ["file_name", "keep_request", "request_json", "request_text", "requests_with_counts", "students_out"]
