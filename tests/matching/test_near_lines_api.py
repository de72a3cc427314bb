"""Whose record a line is, decided by a program: what the match desk shows and takes, by the REST API."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, MatchDecision
from students.models import School, Student
from tests.api.client import Program
from tests.factories import UserFactory
from tests.matching.test_decisions import download, run_download
from tests.ssid.request_files import current_ssid, make_district, make_student, update

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> School:
    return make_district()


@pytest.fixture
def other_school(school: School) -> School:
    return School.objects.create(lea=school.lea, code="0123457", name="South")


def near_run(school: School, lines: int = 1, **options: Any) -> tuple[ImportRun, list[Student]]:
    """A Test whose every line nearly matches a student of its own."""
    students = [make_student(school, str(100300 + n), last_name="O'Neil") for n in range(lines)]
    rows = [download(str(100300 + n), last="ONeil", ssid=f"{9012345600 + n}") for n in range(lines)]
    return run_download(*rows, **options), students


def send(program: Program, run: ImportRun, *decisions: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = program.client.post(
        f"/api/v1/runs/{run.pk}/decisions",
        json.dumps({"decisions": decisions}),
        content_type="application/json",
        headers=program.headers(),
    )
    told: dict[str, Any] = program.told(answer, status)
    return told


def test_a_program_reads_near_lines_decides_and_the_update_writes_them(school: School) -> None:
    run, (student, other) = near_run(school, 2)
    program = Program()

    listed = program.get(f"runs/{run.pk}/near-lines")["items"]
    meant = listed[0]["students"][0]
    facts = send(
        program,
        run,
        {"line": 1, "answer": "accept", "local_number": meant["local_number"], "seen": listed[0]["seen"]},
        {"line": 2, "answer": "refuse", "reason": "Moved away"},
    )

    assert [one["line"] for one in listed] == [1, 2]
    assert (listed[0]["last_name"], meant["last_name"], meant["lea"]) == ("ONeil", "O'Neil", school.lea.code)
    assert meant["differences"] == ["last name O'Neil: accents, hyphen, apostrophe, period or spaces"]
    assert facts["run"] == run.pk
    assert program.get(f"runs/{run.pk}/near-lines")["items"] == []
    assert [one["line"] for one in program.get(f"runs/{run.pk}/near-lines", {"state": "accepted"})["items"]] == [1]
    assert [one["line"] for one in program.get(f"runs/{run.pk}/near-lines", {"state": "refused"})["items"]] == [2]
    update(run)
    assert (current_ssid(student), current_ssid(other)) == ("9012345600", None)
    assert MatchDecision.objects.get(line=2).reason == "Moved away"


def test_a_decision_is_taken_back(school: School) -> None:
    run, (student,) = near_run(school)
    program = Program()
    send(program, run, {"line": 1, "answer": "accept", "local_number": student.local_number})
    (held,) = program.get(f"runs/{run.pk}/near-lines", {"state": "accepted"})["items"]

    send(program, run, {"line": 1, "answer": "open", "seen": held["seen"]})

    assert not MatchDecision.objects.exists()
    assert [one["line"] for one in program.get(f"runs/{run.pk}/near-lines")["items"]] == [1]


def test_what_somebody_decided_meanwhile_stays_and_nothing_else_is_taken(school: School) -> None:
    run, students = near_run(school, 2)
    program = Program()
    send(program, run, {"line": 2, "answer": "refuse"})

    told = send(
        program,
        run,
        {"line": 1, "answer": "accept", "local_number": students[0].local_number, "seen": 0},
        {"line": 2, "answer": "accept", "local_number": students[1].local_number, "seen": 0},
        status=409,
    )

    assert "decided on line 2" in told["detail"]
    assert list(MatchDecision.objects.values_list("line", "answer")) == [(2, MatchDecision.Answer.REFUSE)]


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        ({"line": 9, "answer": "refuse"}, "decisions.0.line"),
        ({"line": 1, "answer": "accept"}, "decisions.0.local_number"),
        ({"line": 1, "answer": "accept", "local_number": "999"}, "decisions.0.local_number"),
        ({"line": 1, "answer": "accept", "local_number": "100300", "lea": "7654321"}, "decisions.0.local_number"),
    ],
)
def test_a_decision_that_means_nothing_names_its_field(school: School, decision: dict[str, Any], field: str) -> None:
    run, _students = near_run(school)
    told = send(Program(), run, decision, status=422)
    assert [one["field"] for one in told["errors"]] == [field]
    assert not MatchDecision.objects.exists()


def test_two_answers_on_one_line_are_refused(school: School) -> None:
    run, _students = near_run(school)
    told = send(Program(), run, {"line": 1, "answer": "refuse"}, {"line": 1, "answer": "open"}, status=422)
    assert "two answers" in told["errors"][0]["message"]


def test_an_updated_test_is_closed(school: School) -> None:
    run, (student,) = near_run(school)
    update(run)
    told = send(Program(), run, {"line": 1, "answer": "accept", "local_number": student.local_number}, status=409)
    assert "already been updated" in told["detail"]


def test_a_token_of_one_school_neither_sees_nor_names_students_of_another(school: School, other_school: School) -> None:
    run, (student,) = near_run(school)
    program = Program(schools=[other_school])
    assert program.get(f"runs/{run.pk}/near-lines", status=404)["code"] == "NOT-FOUND"
    send(program, run, {"line": 1, "answer": "accept", "local_number": student.local_number}, status=404)

    ours, _theirs = make_student(school, "100900"), make_student(other_school, "100901")
    own = run_download(download("100900", last="ONeil", ssid="9012345699"), schools=[school.pk])
    ImportRun.objects.filter(pk=own.pk).update(created_by=(program := Program(schools=[school], name="own")).token.user)
    (line,) = program.get(f"runs/{own.pk}/near-lines")["items"]
    assert [one["local_number"] for one in line["students"]].count("100901") == 0
    told = send(program, own, {"line": 1, "answer": "accept", "local_number": "100901"}, status=422)
    assert "sees no student" in told["errors"][0]["message"]
    assert ours.local_number == "100900"


def test_a_token_that_only_tests_does_not_decide(school: School) -> None:
    run, (student,) = near_run(school)
    program = Program("imports:test", "runs:read")
    send(program, run, {"line": 1, "answer": "accept", "local_number": student.local_number}, status=403)
    assert program.get(f"runs/{run.pk}/near-lines", status=403)["code"] == "SCOPE"


def test_candidates_are_on_record_as_seen(school: School) -> None:
    run, (student,) = near_run(school)
    Program().get(f"runs/{run.pk}/near-lines")
    entry = AuditEntry.objects.filter(subject__contains="near lines").latest("pk")
    assert student.pk in entry.students


def test_a_page_of_lines_and_its_decisions_take_few_queries(school: School) -> None:
    asked = []
    program = Program(user=UserFactory(is_superuser=True))
    for lines in (2, 12):
        Student.objects.all().delete()
        run, students = near_run(school, lines)
        with CaptureQueriesContext(
            connection,
        ) as listing:
            assert len(program.get(f"runs/{run.pk}/near-lines")["items"]) == lines
        with CaptureQueriesContext(connection) as deciding:
            send(
                program,
                run,
                *({"line": n + 1, "answer": "accept", "local_number": s.local_number} for n, s in enumerate(students)),
            )
        asked.append((len(listing), len(deciding)))
    assert asked[0] == asked[1]


def test_lines_come_page_by_page(school: School) -> None:
    run, _students = near_run(school, 3)
    program = Program()
    first = program.get(f"runs/{run.pk}/near-lines", {"limit": 2})
    second = program.get(f"runs/{run.pk}/near-lines", {"limit": 2, "cursor": first["next"]})
    assert [one["line"] for page in (first, second) for one in page["items"]] == [1, 2, 3]
    assert second["next"] is None
