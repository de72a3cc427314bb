"""The students whom a file does not name are kept as one value of the run, as they were then, whatever changes later."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import planning, staging
from sisimport.imports.engine.sql import execute
from sisimport.imports.models import AbsentList, ImportRun, absent
from students.models import School, Student
from tests.files.samples import line
from tests.imports.journey import District, give_el, run_file
from tests.imports.test_revert_migration import forward_again, migrate

pytestmark = pytest.mark.django_db


def numbers(run: ImportRun) -> list[str]:
    found = absent.absent_students(run.plan_run_id, Student.objects.order_by("local_number"))
    return list(found.values_list("local_number", flat=True))


@pytest.fixture
def run(district: District) -> ImportRun:
    """A Test whose file names one of the four students; one of the others has EL data."""
    district.student()
    for number in ("1", "2", "3"):
        district.another(local_number=number)
    give_el(Student.objects.get(local_number="2"), "EL")
    return run_file("ssid-download", f"{line()}\n").run


def test_a_test_keeps_one_row_however_many_the_file_does_not_name(run: ImportRun) -> None:
    assert AbsentList.objects.count() == 1
    assert numbers(run) == ["1", "2", "3"]
    assert absent.size(run.pk) == run.facts["absent_count"] == 3


def test_the_list_stays_that_of_its_moment(run: ImportRun, district: District, admin_client: Client) -> None:
    district.another(local_number="4")  # came later: nobody could have named it
    first, second = Student.objects.filter(local_number__in=["1", "2"]).order_by("local_number")
    Student.objects.filter(pk=first.pk).update(school=district.other_school, last_name="Renamed")
    second.el.delete()
    first.enrollments.update(exit_date="2025-01-10")

    assert numbers(run) == ["1", "2", "3"]
    page = admin_client.get(reverse("run_absent", args=[run.pk]))
    shown = {student.local_number: student.has_el for student in page.context["page"].object_list}
    assert shown == {"1": False, "2": True, "3": False}
    text = page.content.decode()
    assert "Renamed" in text
    assert "who arrived or left since then do not change the list" in text


def test_students_can_be_taken_out_of_one_list_or_of_all(run: ImportRun) -> None:
    other = run_file("ssid-download", f"{line()}\n").run
    first, second, third = Student.objects.filter(local_number__in="123").order_by("local_number")

    assert absent.take_out([first.pk], run_id=run.pk) == 1
    assert absent.take_out([second.pk, third.pk]) == 2
    assert absent.take_out([]) == 0
    assert (numbers(run), numbers(other)) == ([], ["1"])
    assert absent.size(other.pk) == 1


def test_lists_of_older_runs_are_carried_over_forth_and_back(run: ImportRun) -> None:
    pks = dict(Student.objects.values_list("local_number", "pk"))
    kept = AbsentList.objects.values_list("students", "with_el").get()

    migrate([("imports", "0023_applied_plans_stay")])

    with connection.cursor() as cursor:
        cursor.execute("SELECT run_id, student_id, has_el_data FROM imports_absentstudent ORDER BY student_id")
        assert cursor.fetchall() == [(run.pk, pks[n], n == "2") for n in ("1", "2", "3")]

    forward_again()

    assert AbsentList.objects.values_list("students", "with_el").get() == kept
    assert AbsentList.objects.get().at == run.finished_at


SCHOOLS, STUDENTS = 181, 4000


def test_the_planner_expects_all_students_of_all_schools(district: District) -> None:
    """Asked by a list of numbers it knows the largest schools alone, expects two students in three, and reads all of them by an
    index: twice the time of reading the table."""
    lea = district.lea
    School.objects.bulk_create(School(lea=lea, code=f"S{n}", name=f"School {n}") for n in range(SCHOOLS))
    schools = list(School.objects.filter(code__startswith="S").values_list("pk", flat=True))
    Student.objects.bulk_create(
        Student(
            lea=lea,
            local_number=f"L{n}",
            school_id=schools[n * n % SCHOOLS],
            last_name="Ng",
            first_name="An",
            birth_date="2011-01-01",
        )
        for n in range(STUDENTS)
    )
    execute("SET LOCAL default_statistics_target = 25")  # as after a run
    for table in ("students_student", "students_school", "students_lastday", "students_elrecord"):
        execute(f"ANALYZE {table}")
    import_type = get_type("ssid-download")
    staging.create_table(import_type.row_model)
    context: Any = SimpleNamespace(import_type=import_type, run=SimpleNamespace(schools=None))

    sql, params = planning._absent_sql(context, schools)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()

    plan = json.loads(answer) if isinstance(answer, str) else answer
    assert plan[0]["Plan"]["Plan Rows"] > 0.9 * STUDENTS
