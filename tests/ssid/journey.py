"""Helpers for tests of import types: a small district, and files taken through Test, Update and Revert."""

import datetime as dt
import io
from dataclasses import dataclass
from typing import Any

from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs.report import run_json
from sisimport.imports.runs.services import start_revert, start_run
from sisimport.imports.runs.uploads import keep_file
from students.models import LEA, SSID, ELRecord, School, Student
from students.queries import student_json
from tests.imports.evaluating import evaluated
from tests.imports.journey import finish

LEA_CODE, SCHOOL_CODE = "1234567", "0123456"


@dataclass
class District:
    """One LEA with one school; students are added by the tests."""

    lea: LEA
    school: School

    def add(self, number: str, *, ssid: str = "", el: dict[str, Any] | None = None, **values: Any) -> Student:
        defaults: dict[str, Any] = {
            "last_name": "Lee",
            "first_name": "Sam",
            "birth_date": dt.date(2011, 3, 4),
            "gender": "M",
            "grade": "05",
            "school": self.school,
        }
        student = Student.objects.create(lea=self.lea, local_number=number, **{**defaults, **values})
        if ssid:
            SSID.objects.create(student=student, ssid=ssid, origin="state_file")
        if el:
            ELRecord.objects.create(student=student, **el)
        return student


def district() -> District:
    lea = LEA.objects.create(code=LEA_CODE, name="Valley Unified")
    return District(lea, School.objects.create(lea=lea, code=SCHOOL_CODE, name="Oak School"))


def start(
    import_type: str, lines: list[str], *, work: str, name: str = "file.txt", schools: Any = None, **options: str
) -> ImportRun:
    """Take a file through one run, to its end."""
    stream = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    file = keep_file(stream=stream, name=name, user=None)
    run = start_run(
        file=file, import_type=import_type, work=Work(work), options=options, user=None, schools=schools, enqueue=False
    )
    return finish(run).run


def try_file(
    import_type: str, lines: list[str], *, name: str = "file.txt", schools: Any = None, **options: str
) -> dict[str, Any]:
    """The Test report of these lines, without a run (see `evaluated`)."""
    content = "".join(f"{line}\n" for line in lines)
    return evaluated(import_type, content, name=name, schools=schools, options=options).json


def update(import_type: str, lines: list[str], **more: Any) -> dict[str, Any]:
    """The Update report of these lines, after their Test."""
    start(import_type, lines, work="test", **more)
    return run_json(start(import_type, lines, work="update", **more))


def revert(run_id: int) -> dict[str, Any]:
    run = start_revert(run=ImportRun.objects.get(pk=run_id), user=None, enqueue=False)
    return run_json(finish(run).run)


def codes(report: dict[str, Any], *, severity: str | None = None) -> list[str]:
    """Issue codes of a report, in its order."""
    return [issue["code"] for issue in report["issues"] if severity in (None, issue["severity"])]


def record(student: Student) -> dict[str, Any]:
    """The student's records as show_student prints them."""
    return student_json(Student.objects.get(pk=student.pk))
