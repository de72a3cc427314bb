"""A first small file and then the whole district, by the same worker: each foreign key is still checked by an index."""

import pytest
from django.db import connection

from students.models import LEA, School
from tests.roster.test_roster import JOSE, roster, update

pytestmark = pytest.mark.django_db
CHECKS_THAT_KEEP_A_PLAN = 6  # PostgreSQL plans the first five times anew, then keeps a plan for any value
STUDENTS = 1_000


def rows_read_one_after_the_other(table: str) -> int:
    """By scans of the whole table in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        (rows,) = cursor.fetchone()
    return int(rows)


def analyze(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")


def people(first: int, count: int) -> list[dict[str, str]]:
    return [JOSE | {"local_number": str(n), "first_name": f"Jo{n}se", "ssid": ""} for n in range(first, first + count)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of the students' table read one after the other while foreign keys were checked, run by run."""
    found: list[int] = []
    check = connection.check_constraints

    def counted(table_names: list[str] | None = None) -> None:
        before = rows_read_one_after_the_other("students_student")
        check(table_names)
        found.append(rows_read_one_after_the_other("students_student") - before)

    monkeypatch.setattr(connection, "check_constraints", counted)
    return found


def test_a_plan_made_for_ten_students_does_not_check_a_thousand(reads: list[int]) -> None:
    School.objects.create(lea=LEA.objects.create(code=JOSE["lea"]), code=JOSE["school"])
    for number in range(CHECKS_THAT_KEEP_A_PLAN):
        update(*people(1 + number, 1), options={"new_students": "yes"})
        analyze("students_student")  # as autovacuum does; of a table it has never met PostgreSQL expects a larger one
    update(*people(10, 1), options={"new_students": "yes"})
    assert reads[-1] < 50, "a table of ten students is read whole, or by its index"
    whole = people(1_000, STUDENTS)
    test = roster(*whole, options={"new_students": "yes"})
    analyze("imports_importchange")  # as after the commit of a Test
    report = update(*whole, test_run=test.run)
    assert report.run.import_count == STUDENTS
    assert reads[-1] < STUDENTS
