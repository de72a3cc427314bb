"""Helpers for tests of the SSID Process: a Utah district, requests, and the state's responses made of their files."""

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from sisimport.imports.models import ImportRun
from sisimport.imports.runs.report import run_json
from ssid.models import UtahFunction, UtahRequest
from ssid.utah.services import create_request
from students.models import LEA, SSID, ChangedRecord, Enrollment, School, Student
from tests.ssid import journey

LEA_CODE, SCHOOL_CODE, OTHER_CODE = "07", "0123", "0124"
LINE, NUMBER, LAST, FIRST, KIND = 0, 12, 3, 4, 13

Line = list[str]


@dataclass
class Utah:
    """A Utah LEA with two schools."""

    lea: LEA
    school: School
    other_school: School

    def add(self, number: str, *, ssid: str = "", school: School | None = None, **values: Any) -> Student:
        """A student enrolled since August 2024."""
        defaults: dict[str, Any] = {
            "last_name": "Lee",
            "first_name": f"Sam{number}",
            "birth_date": dt.date(2011, 3, 4),
            "gender": "M",
            "school": school or self.school,
        }
        student = Student.objects.create(lea=self.lea, local_number=number, **{**defaults, **values})
        Enrollment.objects.create(student=student, school=student.school, start_date=dt.date(2024, 8, 12))
        if ssid:
            SSID.objects.create(student=student, ssid=ssid, state="UT", origin="staff")
        student.refresh_from_db()
        return student


def utah() -> Utah:
    lea = LEA.objects.create(code=LEA_CODE, name="Canyon District", state="UT")
    return Utah(
        lea=lea,
        school=School.objects.create(lea=lea, code=SCHOOL_CODE, name="Juniper High"),
        other_school=School.objects.create(lea=lea, code=OTHER_CODE, name="Aspen High"),
    )


def request(function: UtahFunction, *schools: School, **more: Any) -> UtahRequest:
    return create_request(function=function, schools=schools, **more)


def lines_of(made: UtahRequest) -> list[Line]:
    """The request file, line by line."""
    with made.file.open("rb") as stream:
        return list(csv.reader(io.StringIO(stream.read().decode())))


def answered(made: UtahRequest, answer: Callable[[Line], tuple[str, str]]) -> list[str]:
    """The response to a request: `answer` gives SSID and status of a line."""
    return [response_line(line, *answer(line)) for line in lines_of(made)]


def response_line(line: Line, ssid: str, status: str, message: str = "") -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([line[0], ssid, *line[2:], status, message])
    return out.getvalue()


def edited(line: str, column: int, value: str) -> str:
    cells = next(csv.reader([line]))
    cells[column] = value
    return ",".join(f'"{cell}"' for cell in cells)


def try_response(lines: list[str], **more: Any) -> dict[str, Any]:
    return _report(journey.start("utah-response", lines, work="test", name="RESP_0001.csv", **more))


def load_response(lines: list[str], **more: Any) -> dict[str, Any]:
    """Test, then Update."""
    try_response(lines, **more)
    return _report(journey.start("utah-response", lines, work="update", name="RESP_0001.csv", **more))


def _report(run: ImportRun) -> dict[str, Any]:
    # A test is one transaction: the temporary tables that a commit would have dropped are still there.
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE IF EXISTS pg_temp."{table}"')
    return run_json(run)


def current(student: Student) -> str | None:
    return SSID.objects.filter(student=student, retired_at=None).values_list("ssid", flat=True).first()


def is_flagged(student: Student) -> bool:
    return ChangedRecord.objects.filter(student=student, cleared_by=None).exists()


def line_codes(report: dict[str, Any], line: int | None = None) -> list[str]:
    """Codes of the issues of one line, or of all lines; those of the whole file left out."""
    return [i["code"] for i in report["issues"] if i["line"] > 0 and line in (None, i["line"])]
