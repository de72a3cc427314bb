"""What PostgreSQL checks at the end of a run is looked up by indexes, whatever the session did before."""

import pytest
from django.db import connection

from sisimport.imports.definition.progress import Progress
from sisimport.imports.engine.sql import execute, fetch_one
from sisimport.imports.runs.execution import _settle
from students.models import RecordEdit, Student
from tests.factories import StudentFactory

pytestmark = pytest.mark.django_db

FEW = 20  # PostgreSQL keeps a plan after it made a few
ROWS = 200


def whole_looks() -> int:
    """How often this transaction has read the table of students from one end to the other."""
    (number,) = fetch_one("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'students_student'")
    return int(number)


def name(students: list[Student]) -> None:
    """Rows with a constraint on their student (those that runs fill have none)."""
    RecordEdit.objects.bulk_create(RecordEdit(student=student, what="Student", field="grade") for student in students)


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Progress:
    progress = object.__new__(Progress)
    monkeypatch.setattr(Progress, "report", lambda *_args: None)
    return progress


def test_a_plan_made_while_there_were_few_students_is_not_used_for_the_keys_of_many(progress: Progress) -> None:
    students = [StudentFactory() for _n in range(ROWS + FEW)]
    few, many = students[:FEW], students[FEW:]
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):  # what a table of one page comes to by itself
        execute(f"SET LOCAL enable_{way} = off")
    name(few)
    connection.check_constraints()
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):
        execute(f"SET LOCAL enable_{way} = on")
    name(many)

    before = whole_looks()
    _settle(progress)

    assert whole_looks() - before < ROWS / 10
