"""Match results files for tests, and runs of them in this process."""

import io
from collections.abc import Iterable
from typing import Any

from django.db import connection

from sisimport.imports.models import ImportIssue, ImportRun, Work
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.services import start_run, start_update
from sisimport.imports.runs.uploads import keep_file
from students.models import LEA, SSID, School, Student

HEADER = (
    "Submitted_SENR_ReportingLEA,Submitted_SENR_SchoolofAttendance,Selection,Submitted_SENR_LocalID,"
    "Submitted_SENR_Student_LegalLastName,Submitted_SENR_Student_LegalFirstName,Submitted_SENR_Student_LegalMiddleName,"
    "Result_SENR_SSID,Result_SENR_SSIDCreateDate,Result_MatchCategory,Result_MatchPercentageScore,"
    "Submitted_SENR_Gender,Submitted_SENR_BirthDate"
)
RESULT = (
    "Result_SENR_Student_LegalLastName,Result_SENR_Student_LegalFirstName,Result_SENR_Gender,Result_SENR_BirthDate,"
    "Result_SELA_ELASCode,Result_SELA_ELASStartDate,Result_SELA_PrimaryLanguage,Result_Guardian1_LastName,"
    "Result_Guardian1_FirstName"
)


def line(
    number: str = "100240",
    *,
    pick: str = "",
    last: str = "Lee",
    first: str = "Sam",
    middle: str = "",
    ssid: str = "8012345678",
    category: str = "Multiple Match",
    score: str = "91%",
    gender: str = "M",
    born: str = "20110304",
    more: str = "",
) -> str:
    """One row of the 13 known columns, and `more` after them."""
    created = "20160810" if ssid else ""
    row = f"1234567,0123456,{pick},{number},{last},{first},{middle},{ssid},{created},{category},{score},{gender},{born}"
    return f"{row},{more}" if more else row


def make_district() -> School:
    lea = LEA.objects.create(code="1234567")
    return School.objects.create(lea=lea, code="0123456", name="North")


def make_student(school: School, number: str = "100240", *, ssid: str = "", **values: Any) -> Student:
    """Sam Lee, born 4 March 2011, unless said otherwise."""
    values = {"last_name": "Lee", "first_name": "Sam", "birth_date": "2011-03-04", "gender": "M", **values}
    student = Student.objects.create(lea=school.lea, school=school, local_number=number, **values)
    student.refresh_from_db()
    if ssid:
        SSID.objects.create(student=student, ssid=ssid, origin="staff")
    return student


def run_test(
    lines: Iterable[str],
    *,
    import_type: str = "ssid-request",
    schools: list[int] | None = None,
    name: str = "answer.csv",
    **options: str,
) -> ImportRun:
    """Test a file of these lines to its end."""
    file = keep_file(stream=io.BytesIO("\n".join([*lines, ""]).encode()), name=name, user=None)
    run = start_run(
        file=file, import_type=import_type, work=Work.TEST, options=options, user=None, schools=schools, enqueue=False
    )
    return finish(run)


def update(test: ImportRun) -> ImportRun:
    return finish(start_update(test_run=test, user=None, enqueue=False))


def finish(run: ImportRun) -> ImportRun:
    execute_run(run.pk)
    if connection.in_atomic_block:
        # Staging tables live until the transaction ends; a test keeps one open around all its runs.
        with connection.cursor() as cursor:
            cursor.execute("DISCARD TEMP")
    run.refresh_from_db()
    return run


def codes(run: ImportRun, line_number: int | None = None) -> list[str]:
    """Issue codes of a run, of one line or all, in file order."""
    issues = ImportIssue.objects.filter(run=run)
    if line_number is not None:
        issues = issues.filter(line=line_number)
    return list(issues.order_by("line", "seq").values_list("code", flat=True))


def current_ssid(student: Student) -> str | None:
    return SSID.objects.filter(student=student, retired_at__isnull=True).values_list("ssid", flat=True).first()


def adds_up(run: ImportRun) -> bool:
    return sum(run.outcome_counts.values()) == run.record_count
