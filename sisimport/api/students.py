"""One student. Lists of students, SSIDs and scores have the columns of the exports: sisimport/reporting/endpoints.py."""

from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from ninja import Field, Path, Query, Schema

from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api import schemas
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.audit.models import AuditEntry
from students.access import log_view, visible_students
from students.queries import student_json

MOST_CHARACTERS = 16  # of a local number


class StudentFilter(Schema):
    lea: schemas.Plain = Field("", max_length=7, description="Code of the LEA, where several use the number.")


@operation(
    "GET",
    "/students/{local_number}",
    name="get_student",
    summary="A student's records, as `show_student --json` prints them; `scores` only with the scope scores:read too",
    response=schemas.StudentRecordsOut,
    scopes=[Scope.STUDENTS_READ],
    capability=Capability.SHOW_SSID,
    filters=StudentFilter,
    tag="Records",
)
def get_student(request: HttpRequest, local_number: Path[str], filters: Query[StudentFilter]) -> JsonResponse:
    token: Any = request.api_token  # type: ignore[attr-defined]
    students = visible_students(request.user).filter(local_number=local_number[: MOST_CHARACTERS + 1])
    if filters.lea:
        students = students.filter(lea__code=filters.lea)
    found = list(students.select_related("lea", "school")[:2])
    if not found:
        raise Http404
    if len(found) > 1:
        raise ProblemError("AMBIGUOUS", errors=[("lea", "Students of several LEAs have this number: name the LEA.")])
    student = found[0]
    log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject=f"REST API (token {token.pk})")
    fields = student_json(student)
    if Scope.SCORES_READ not in token.scopes:
        del fields["scores"]
    return JsonResponse(fields)
