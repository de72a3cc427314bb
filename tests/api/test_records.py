"""Students, SSIDs and scores by the API: the columns of the exports, page by page, each look on record."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import Work
from sisimport.reporting.exports import Export
from sisimport.runtime.log_redaction import without_secrets
from students.models import RecordEdit, School, Student
from students.queries import student_json
from tests.api.client import Program
from tests.api.test_runs import all_of
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text
from tests.factories import LEAFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

LISTS = ("students", "ssids", "scores")


@pytest.fixture
def scored() -> list[Student]:
    """Two students of two schools, with their ELA of 2023-24."""
    people = [
        StudentFactory(
            last_name="Lee", first_name="Sam", middle_name="", birth_date=dt.date(2011, 3, 4), local_number=number
        )
        for number in ("000501", "000502")
    ]
    for student, ssid in zip(people, (SSID_1, SSID_2), strict=True):
        SSIDFactory(student=student, ssid=ssid)
    lines = [ela(ssid=SSID_1), ela(ssid=SSID_2, scale_score="2610", achievement_level="4", uin="1000000000000002")]
    run = start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.IMPORT)
    assert run.import_count == 2
    return people


@pytest.mark.parametrize("what", LISTS)
def test_a_list_holds_what_the_export_holds_in_pages_of_any_size(what: str, scored: list[Student]) -> None:
    program, export = Program(), Export(what=what)
    told = all_of(program, what)

    columns = export.columns
    expected = [tuple(str(_json(value)) for value in row) for row in export.rows()]
    assert len(expected) >= 2
    assert [set(row) for row in told] == [set(columns)] * len(told)
    assert sorted(tuple(str(row[name]) for name in columns) for row in told) == sorted(expected)
    assert all_of(program, what, limit=1) == told
    answer = program.client.get(f"/api/v1/{what}", headers=program.headers())
    assert answer["X-Columns-Version"] == "1"


def _json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        told = value.astimezone(dt.UTC).isoformat(timespec="milliseconds" if value.microsecond else "auto")
        return told.replace("+00:00", "Z")
    return value


@pytest.mark.parametrize("what", LISTS)
def test_lists_are_narrowed_to_the_tokens_schools(what: str, scored: list[Student]) -> None:
    mine, other = scored
    assert mine.school
    assert other.school
    for program in (Program(schools=[mine.school]), Program(user=UserFactory(registrar=True, schools=[mine.school]))):
        assert {row["student_id"] for row in all_of(program, what)} == {mine.pk}
        assert all_of(program, what, school=other.school.code) == []
        assert program.get("students/000502", status=404)["code"] == "NOT-FOUND"
    assert {row["student_id"] for row in all_of(Program(), what, school=other.school.code)} == {other.pk}


def test_lists_are_filtered(scored: list[Student]) -> None:
    program = Program()

    assert all_of(program, "students", grade="08")
    assert all_of(program, "students", grade="KN") == []
    assert {row["assessment_code"] for row in all_of(program, "scores", assessment="SBELA")} == {"SBELA"}
    assert all_of(program, "scores", school_year="2022-23") == []
    for name in ("scores", "exports/scores"):
        (error,) = program.get(name, {"school_year": "odd"}, status=422)["errors"]
        assert error == {"field": "school_year", "message": "odd is not a school year. Enter it as 2025-26."}


def test_changed_since_tells_what_a_run_or_a_person_wrote_since(scored: list[Student]) -> None:
    program, now = Program(), (timezone.now() + dt.timedelta(seconds=1)).isoformat()
    ago = (timezone.now() - dt.timedelta(hours=1)).isoformat()

    assert [all_of(program, what, changed_since=now) for what in LISTS] == [[], [], []]
    assert len(all_of(program, "ssids", changed_since=ago)) == 2
    assert all_of(program, "scores", changed_since=ago)
    edit = RecordEdit.objects.create(student=scored[1], what="Student", field="grade", before="07", after="08")
    RecordEdit.objects.filter(pk=edit.pk).update(at=timezone.now() + dt.timedelta(hours=1))
    assert [row["student_id"] for row in all_of(program, "students", changed_since=now)] == [scored[1].pk]


def test_a_student_is_the_object_of_the_command_line(scored: list[Student]) -> None:
    told = Program().get("students/000501")

    assert told == student_json(Student.objects.get(local_number="000501"))
    assert told["scores"]


def test_scores_of_a_student_need_their_scope(scored: list[Student]) -> None:
    program = Program("students:read")

    assert "scores" not in program.get("students/000501")
    assert program.get("scores", status=403)["code"] == "SCOPE"
    assert Program("scores:read").get("students/000501", status=403)["code"] == "SCOPE"


def test_a_viewer_has_no_ssids_by_a_token_either(scored: list[Student]) -> None:
    program = Program(user=UserFactory(viewer=True, all_schools=True))

    for path in ("students", "ssids", "scores", "students/000501"):
        assert program.get(path, status=403)["code"] == "ROLE"


def test_every_student_read_is_on_record(scored: list[Student]) -> None:
    program = Program()
    for path in (*LISTS, "students/000501"):
        program.get(path)
        entry = AuditEntry.looks.latest("pk")
        expected = scored if path in LISTS else scored[:1]
        assert entry.students == sorted(student.pk for student in expected), path
        assert (entry.user_id, entry.token_id) == (program.token.user_id, program.token.pk)
    assert entry.kind == AuditEntry.Kind.PAGE


def test_a_number_of_several_leas_asks_which(scored: list[Student]) -> None:
    other = SchoolFactory(lea=LEAFactory(code="7654321"))
    StudentFactory(school=other, lea=other.lea, local_number="000501", last_name="Else")
    program = Program()

    told = program.get("students/000501", status=409)
    assert (told["code"], told["errors"][0]["field"]) == ("AMBIGUOUS", "lea")
    assert program.get("students/000501", {"lea": "7654321"})["names"]["last_name"] == "Else"
    assert program.get("students/000501", {"lea": "1"}, status=404)
    # A user who sees only one of them learns nothing about the other.
    school = School.objects.get(pk=scored[0].school_id)
    assert Program(schools=[school], name="one").get("students/000501")["names"]["last_name"] == "Lee"


@pytest.mark.parametrize("number", [SSID_1, "x" * 500, "%2e%2e", "000501%00", "ñ", "'; --"])
def test_what_is_not_a_local_number_is_not_found(scored: list[Student], number: str) -> None:
    """An SSID is none: it has no place in an address."""
    program = Program()
    answer = program.client.get(f"/api/v1/students/{number}", headers=program.headers())

    assert answer.status_code in (400, 404)


def test_logs_do_not_tell_the_local_number(scored: list[Student], caplog: pytest.LogCaptureFixture) -> None:
    assert without_secrets("GET /api/v1/students/000501?lea=1 200") == "GET /api/v1/students/…?lea=1 200"
    caplog.set_level("INFO")

    Program().get("students/999777", status=404)

    assert "999777" not in without_secrets(caplog.text)
    assert "Not Found" not in caplog.text  # Django's own line, which other handlers would print as it is


@pytest.mark.parametrize("what", LISTS)
def test_a_page_takes_as_many_queries_whatever_it_holds(what: str, scored: list[Student]) -> None:
    program, counts = Program(), []
    program.get(what)
    for limit in (1, 1000):
        with CaptureQueriesContext(connection) as asked:
            program.get(what, {"limit": limit})
        counts.append(len(asked))

    assert counts[0] == counts[1]
