"""A Test that got old says so, names what changed, and has its touched lines tested again without the rest."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.imports.engine.sql import execute
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import freshness
from students.models import RecordEdit, Student
from tests.imports.journey import District, make_district, revert, run_file
from tests.roster.test_roster import JOSE, csv
from tests.students.test_search_plans import rows_read

pytestmark = pytest.mark.django_db


@pytest.fixture
def district() -> District:
    made = make_district()
    for number in ("1", "2", "3"):
        made.student(local_number=number)
    return made


def renaming(name: str, *numbers: str, work: Work = Work.TEST) -> ImportRun:
    content = csv(*(JOSE | {"local_number": number, "alias_last_name": name} for number in numbers))
    return run_file("students", content, work).run


def page(client: Client, run: ImportRun) -> str:
    return " ".join(client.get(reverse("run", args=[run.pk])).content.decode().split())


def edit(number: str, name: str) -> None:
    student = Student.objects.get(local_number=number)
    RecordEdit.objects.create(student=student, what="student", field="alias_last_name", after=name)
    Student.objects.filter(pk=student.pk).update(alias_last_name=name)


def test_a_fresh_test_says_nothing_and_others_students_do_not_matter(
    client: Client, registrar: Any, district: District
) -> None:
    test = renaming("Beta", "1", "2")
    assert freshness.glance(test) is None
    renaming("Gamma", "3", work=Work.UPDATE)
    edit("3", "Delta")
    assert "Records changed since this Test" not in page(client, test)


def test_an_update_a_revert_and_an_edit_make_a_test_old(client: Client, registrar: Any, district: District) -> None:
    test = renaming("Beta", "1", "2", "3")
    update = renaming("Gamma", "1", work=Work.UPDATE)
    told = page(client, test)
    assert "Records changed since this Test:" in told
    assert "1 line is about students whose records were changed by" in told
    assert f'<a href="{reverse("run", args=[update.pk])}">run {update.pk}</a> (Update' in told

    back = revert(update).run
    edit("2", "Delta")
    told = page(client, test)
    assert "2 lines are about students" in told
    assert f"run {back.pk}</a> (Revert" in told
    assert "1 edit by hand" in told
    assert "Update sets aside what no longer applies" in told
    assert reverse("test_again", args=[test.pk]) in told


def test_only_the_touched_lines_are_tested_again(client: Client, registrar: Any, district: District) -> None:
    test = renaming("Beta", "1", "2", "3")
    assert test.planned_count == 3
    edit("2", "Beta")  # what the Test would write is on record now

    answer = client.post(reverse("retest_lines", args=[test.pk]), follow=True)

    assert "1 line was tested again" in answer.content.decode()
    test.refresh_from_db()
    assert (test.planned_count, test.unchanged_count) == (2, 1)
    assert sum(test.outcome_counts.values()) == test.record_count == 3
    assert "Records changed since this Test" not in page(client, test)
    update = run_file("students", "", Work.UPDATE, test_run=test).run
    assert (update.import_count, update.set_aside_count) == (2, 0)


def test_a_test_that_was_applied_is_not_old_but_applied(client: Client, registrar: Any, district: District) -> None:
    update = renaming("Beta", "1", work=Work.UPDATE)
    edit("1", "Delta")
    assert update.test_run is not None
    assert "Records changed since this Test" not in page(client, update.test_run)
    answer = client.post(reverse("retest_lines", args=[update.test_run.pk]), follow=True)
    assert "already been updated" in answer.content.decode()


def test_too_many_touched_lines_ask_for_the_whole_file(
    client: Client, registrar: Any, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = renaming("Beta", "1", "2", "3")
    renaming("Gamma", "1", "2", "3", work=Work.UPDATE)
    monkeypatch.setattr(freshness, "MOST_LINES", 2)
    told = page(client, test)
    assert reverse("retest_lines", args=[test.pk]) not in told
    assert reverse("test_again", args=[test.pk]) in told


# ---- bounded, whatever the size ----

MANY = 20_000


def journal(run: ImportRun, first: int, count: int = MANY) -> None:
    """Change rows of a run about so many students, numbered from `first`; and issues of as many lines."""
    execute(
        "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id)"
        " SELECT %s, n + 1, 1, 'record', 'student', %s + n, %s + n FROM generate_series(1, %s) n ON CONFLICT DO NOTHING",
        [run.pk, first, first, count],
    )
    execute(
        "INSERT INTO imports_importissue (run_id, line, seq, severity, code, part, field, found, expected, student_id)"
        " SELECT %s, n + 1, 9, 1, 'STU-SAME', 'record', '', '', '', %s + n FROM generate_series(1, %s) n",
        [run.pk, first, count],
    )


@pytest.fixture
def large(district: District) -> tuple[ImportRun, ImportRun]:
    """A Test of many lines, and an Update of as many that came after it, about other students."""
    test = renaming("Beta", "1")
    update = renaming("Gamma", "3", work=Work.UPDATE)
    journal(test, 1_000_000)
    journal(ImportRun.objects.get(pk=update.plan_run_id), 3_000_000)
    execute("ANALYZE imports_importchange, imports_importissue")
    return test, update


def test_a_page_looks_at_a_bounded_number_of_rows_of_a_large_test(large: tuple[ImportRun, ImportRun]) -> None:
    test, update = large
    edit("2", "Delta")
    with CaptureQueriesContext(connection) as queries:
        found = freshness.glance(test)

    assert found is not None
    assert (found.runs, found.lines, found.whole) == ((update,), 0, False), (
        "what was not looked at is not called untouched"
    )
    assert rows_read(queries) <= 2 * freshness.MOST_ROWS + 1


def test_a_small_test_is_looked_at_wholly_however_much_was_written_since(
    client: Client, registrar: Any, large: tuple[ImportRun, ImportRun]
) -> None:
    small = renaming("Beta", "2")
    journal(renaming("Gamma", "3", work=Work.UPDATE), 5_000_000)
    with CaptureQueriesContext(connection) as queries:
        assert freshness.glance(small) is None
    assert rows_read(queries) <= 2 * freshness.MOST_ROWS + 1
    edit("2", "Delta")
    assert "1 line is about students whose records were changed by" in page(client, small)


def test_a_large_test_says_at_least_how_many_lines_are_touched(
    client: Client, registrar: Any, large: tuple[ImportRun, ImportRun]
) -> None:
    test, update = large
    assert "some lines may be about students whose records were changed by" in page(client, test)
    execute(
        "UPDATE imports_importchange SET student_id = 1000000 + line WHERE run_id = %s AND line BETWEEN 5 AND 7",
        [update.plan_run_id],
    )
    told = page(client, test)
    assert "at least 3 lines are about students" in told
    assert "Test only the affected lines again" in told
    assert set(freshness.touched_lines(test)) == {6, 7, 8}


def test_lines_that_turn_out_untouched_are_not_called_old_again(
    client: Client, registrar: Any, large: tuple[ImportRun, ImportRun]
) -> None:
    test, _update = large
    answer = client.post(reverse("retest_lines", args=[test.pk]), follow=True)
    assert "0 lines were tested again" in answer.content.decode()
    assert "Records changed since this Test" not in page(client, test)
