"""The benchmark's job of the rosters: a OneRoster zip that creates every student of a district."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sisimport.demo.benchmark import Job, register_job
from sisimport.demo.copy_limit import WRITTEN
from sisimport.imports.models import Work
from sisimport.roster.demo.oneroster import write_zip
from students.models import LEA, School

_SCHOOL_SIZE = 700
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
    """A district with schools and no students, and a zip of that many, one in twenty users a teacher besides."""
    lea = LEA.objects.create(code="1234567", name="Lincoln Unified")
    School.objects.bulk_create(School(lea=lea, code=f"{n:07}") for n in range(1, lines // _SCHOOL_SIZE + 2))
    path = folder / "oneroster.zip"
    with path.open("wb") as stream:
        write_zip(stream, lea, _people(lines))
    return path


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
