"""The benchmark's jobs of the rosters: a OneRoster zip that creates every student of a district, and the list of a new school
year, which moves every student on record up."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from sisimport.demo.benchmark import Job, register_job
from sisimport.demo.copy_limit import WRITTEN
from sisimport.demo.district import make_district
from sisimport.imports.models import Work
from sisimport.roster.demo.oneroster import write_zip
from students.models import LEA, School, Student
from students.school_years import spring_of

_SCHOOL_SIZE = 700
_COLUMNS = ("school", "local_number", "last_name", "first_name", "middle_name", "birth_date", "gender", "grade")
_FIRST = ("Ana", "Ben", "Cora", "Dan", "Eva", "Finn", "Gus", "Hana", "Inés", "José", "Kai", "Lu", "Mai", "Noah", "Zoë")
_LAST = (
    "Abbott",
    "Baker",
    "Cole",
    "Díaz",
    "Ellis",
    "Ford",
    "García-López",
    "Hsu",
    "Ito",
    "Jones",
    "O'Neil",
    "Peña",
    "Quist",
)


def prepare(lines: int, folder: Path) -> Path:
    """A district with schools and no students, and a zip with this many students; in addition, one in twenty users is a
    teacher."""
    lea = LEA.objects.create(code="1234567", name="Lincoln Unified")
    School.objects.bulk_create(School(lea=lea, code=f"{n:07}") for n in range(1, lines // _SCHOOL_SIZE + 2))
    path = folder / "oneroster.zip"
    with path.open("wb") as stream:
        write_zip(stream, lea, _people(lines))
    return path


def prepare_list(lines: int, folder: Path) -> Path:
    """A district with this many students, and its list of a new year: the next grade and a new enrollment for each."""
    lea = make_district(students=lines, seed=1).lea
    start = date(spring_of(timezone.localdate()) - 1, 8, 12)
    students = Student.objects.filter(lea=lea).order_by("local_number").values_list("school__code", *_COLUMNS[1:])
    path = folder / "students.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["lea", *_COLUMNS, "enrollment_start"])
        for *values, grade in students.iterator():
            writer.writerow([lea.code, *values, _next_grade(grade), start])
    return path


def _next_grade(grade: str) -> str:
    return f"{int(grade) + 1:02}" if grade.isdigit() and grade < "12" else {"TK": "KN", "KN": "01"}.get(grade, grade)


def _people(lines: int) -> Iterator[tuple[Any, ...]]:
    newest = date(2019, 8, 1)
    for n in range(lines):
        school, grade = f"{n // _SCHOOL_SIZE + 1:07}", f"{n % 12 + 1:02}"
        born = newest - timedelta(days=365 * (n % 12) + n % 360)
        first, last = _FIRST[n % len(_FIRST)], f"{_LAST[n % len(_LAST)]} {n // 97:x}"
        yield n, school, f"{100_000 + n}", first, last, "", born, "MF"[n % 2], grade, "2025-08-11"
        if n % 20 == 0:
            yield f"t{n}", school, "", "Nel", last, "", "", "", "", ""


register_job(
    Job(
        key="oneroster",
        title="OneRoster zip, every student new",
        work=Work.UPDATE,
        prepare=prepare,
        tables=(("students_student", f"{WRITTEN} ORDER BY id"), ("students_enrollment", f"{WRITTEN} ORDER BY id")),
        limit_gate=0.2,
    )
)
register_job(
    Job(
        key="roster",
        title="Students (CSV) of a new year, every student on record",
        work=Work.UPDATE,
        import_type="students",
        prepare=prepare_list,
        tables=(("students_enrollment", f"{WRITTEN} ORDER BY id"),),
        limit_gate=0.1,
        cumulative=True,
        has_header=True,
    )
)
