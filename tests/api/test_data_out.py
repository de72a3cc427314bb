"""What leaves by the API besides lists: what is new, and results by group with small groups hidden."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from assessments.results import rows
from assessments.results.asking import reader_of, what_is_held
from assessments.results.shapes import Choice
from assessments.results.tables import build
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import Work
from sisimport.reporting.changes import NAMES
from students.models import School
from tests.api.client import Program, assert_problem
from tests.assessments.score_files import ela, start, text
from tests.assessments.test_results_page import OTHER, make
from tests.factories import UserFactory
from tests.reporting.conftest import Scored, two_scored

__all__ = ["two_scored"]
pytestmark = pytest.mark.django_db


def changed(program: Program, **query: Any) -> dict[str, list[dict[str, str]]]:
    answer = program.client.get("/api/v1/changes", query, headers=program.headers())
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip"), answer.content
    assert answer["X-Columns-Version"] == "1"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as made:
        return {
            name: list(csv.DictReader(io.StringIO(made.read(name).decode("utf-8-sig")))) for name in made.namelist()
        }


def test_changes_of_a_run_and_of_the_last_day(two_scored: Scored) -> None:
    program = Program()
    found = changed(program, run=two_scored.run.pk)
    assert set(found) == {f"{name}.csv" for name in NAMES}
    assert {row["local_number"] for row in found["scores.csv"]} == {"000501", "000502"}
    assert changed(program) == found
    assert AuditEntry.looks.filter(subject__endswith=f"token {program.token.pk}").count() == 2


def test_changes_are_those_of_the_tokens_scopes_and_schools(two_scored: Scored) -> None:
    mine = two_scored.people[0]
    assert mine.school is not None
    assert set(changed(Program("scores:read"))) == {"scores.csv", "as_tested.csv"}
    assert not {"scores.csv", "as_tested.csv"} & set(changed(Program("students:read", name="other")))
    asked = changed(Program(name="all"), school=mine.school.code)
    program = Program(schools=[mine.school], name="school")
    assert asked == changed(program)
    assert {row["local_number"] for row in asked["scores.csv"]} == {"000501"}
    assert changed(program, school=two_scored.people[1].school.code)["scores.csv"] == []  # type: ignore[union-attr]
    assert program.get("changes", {"run": two_scored.run.pk}, status=404)["code"] == "NOT-FOUND"


def test_what_has_no_changes_is_refused_in_words(two_scored: Scored) -> None:
    test = start("caaspp-2023-2024", text("caaspp-2023-24", ela()), work=Work.TEST)
    program = Program()
    assert "wrote nothing" in program.get("changes", {"run": test.pk}, status=409)["detail"]
    both = {"run": two_scored.run.pk, "since": "2026-11-01"}
    assert "one of the two" in program.get("changes", both, status=409)["detail"]


def test_results_are_the_numbers_of_a_file_with_small_groups_hidden() -> None:
    make(oak=8)
    program = Program()
    told = program.get("results", {"assessment": "SBELA", "by": "school"})
    user = program.token.user
    expected = build(Choice("SBELA", 2024, by="school"), what_is_held(), reader_of(user, shared=True))
    assert told["items"] == json.loads(json.dumps(rows.as_objects(expected)))
    assert (told["assessment"], told["school_year"], told["next"]) == ("SBELA", "2023-24", None)
    hidden = {row["label"]: row["hidden"] for row in told["items"]}
    assert hidden.pop("District") is False
    assert set(hidden.values()) == {True}  # the one would tell of the other
    assert len(hidden) == 2
    assert [row["tested"] for row in told["items"] if row["hidden"]] == [None, None]
    assert AuditEntry.looks.get().subject == f"results of SBELA 2023-24: token {program.token.pk}"
    grade = program.get("results", {"school": OTHER, "by": "grade", "school_year": "2023-24"})
    assert [(row["school"], row["grade"], row["hidden"]) for row in grade["items"]] == [
        (OTHER, "", True),
        (OTHER, "05", True),
    ]


def test_results_need_scope_role_and_school() -> None:
    make()
    school = School.objects.get(code=OTHER)
    assert Program("scores:read").get("results", status=403)["code"] == "SCOPE"
    viewer = Program(user=UserFactory(viewer=True, all_schools=True))
    assert_problem(viewer.client.get("/api/v1/results", headers=viewer.headers()))
    program = Program(schools=[school], name="school")
    told = program.get("results", {"by": "school"})
    assert {row["label"] for row in told["items"]} == {"Your schools", "Elm School"}
    other = School.objects.exclude(code=OTHER).get().code
    assert program.get("results", {"school": other}, status=404)["code"] == "NOT-FOUND"
    missing = program.get("results", {"assessment": "CAST"}, status=404)
    assert (missing["code"], "Import the CAASPP student data file" in missing["detail"]) == ("NOT-FOUND", True)
    assert program.get("results", {"by": "teacher"}, status=422)["errors"][0]["field"] == "by"
