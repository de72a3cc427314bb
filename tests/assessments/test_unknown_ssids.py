"""Lines whose SSID nobody holds: asked once more with the students they may mean, and computed once."""

from collections.abc import Collection
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from assessments.models import Score
from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.decisions import ACCEPT, MATCH, Decision, decide
from students.models import School, Student
from tests.assessments.score_files import SSID_1, counts, ela, report, start, text
from tests.assessments.test_score_properties import district_with_old_numbers, repeated_lines, with_repeats
from tests.assessments.test_usual_lines import LAYOUTS, changes_of_cells, findings_of, lines_of, said_and_planned
from tests.imports.properties import RolledBack, few
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
NOBODYS = ["9055555551", "9055555552", "9055555553", "9055555554"]


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    for number in ("201", "202"):
        made.add(number, first_name="Ana", last_name="Ruiz")
    return made


def mixed_lines() -> list[dict[str, str]]:
    """Sam's own line; one that may be Sam's, one that may be either Ana's, one of a stranger; all with something else odd."""
    odd = {"condition_code": "ZZZ"}
    return [
        ela(uin="1", **odd),
        ela(ssid=NOBODYS[0], uin="2", **odd),
        ela(ssid=NOBODYS[1], uin="3", first_name="Ana", last_name="Ruiz", **odd),
        ela(ssid=NOBODYS[2], uin="4", first_name="Roya", last_name="Ahmadi", **odd),
    ]


def accept(run: ImportRun, student: Student, *, line: int) -> None:
    accepted = Decision(line=line, subject=MATCH, answer=ACCEPT, student_id=student.pk)
    decide(run_id=run.pk, decisions=[accepted], user=None, schools=None)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")


def by_line(found: dict[str, Any]) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = {}
    for issue in found["issues"]:
        lines.setdefault(issue["line"], []).append(issue["code"])
    return {line: sorted(said) for line, said in sorted(lines.items())}


def test_each_line_gets_one_issue_about_its_student_besides_others(home: District) -> None:
    found = report(TYPE, text(LAYOUT, *mixed_lines()))

    assert by_line(found) == {
        2: ["EXC-CONDITION"],
        3: ["DIS-PARTIAL", "EXC-CONDITION"],
        4: ["AMB-STUDENTS", "EXC-CONDITION"],
        5: ["DIS-NOTFOUND", "EXC-CONDITION"],
    }
    assert (found["planned_count"], found["refused_count"]) == (1, 3)


def test_candidates_are_named_with_their_local_numbers(home: District) -> None:
    found = report(TYPE, text(LAYOUT, *mixed_lines()))

    messages = {issue["code"]: issue["message"] for issue in found["issues"]}
    assert "100" in messages["DIS-PARTIAL"]
    assert "201, 202" in messages["AMB-STUDENTS"]


@pytest.mark.long
def test_lines_beside_an_accepted_match_are_reported_as_before(home: District) -> None:
    run = start(TYPE, text(LAYOUT, *mixed_lines()))
    ana = Student.objects.get(local_number="201")

    accept(run, ana, line=4)
    again = report(TYPE, text(LAYOUT, *mixed_lines()))

    said = {3: ["DIS-PARTIAL", "EXC-CONDITION"], 5: ["DIS-NOTFOUND", "EXC-CONDITION"]}
    assert {line: codes for line, codes in by_line(again).items() if line in said} == said
    assert by_line(again)[4] == ["EXC-CONDITION", "MATCH-REMEMBERED"]
    done = report(TYPE, text(LAYOUT, *mixed_lines()), work="import")
    assert counts(done) == {"import": 2, "refused": 2}
    assert Score.objects.filter(student=ana).exists()


def test_an_accepted_line_without_any_candidate_is_not_asked_for_again(home: District) -> None:
    run = start(TYPE, text(LAYOUT, mixed_lines()[3], ela(ssid=NOBODYS[3], uin="9")))
    sam = Student.objects.get(local_number="100")

    accept(run, sam, line=2)
    again = by_line(report(TYPE, text(LAYOUT, mixed_lines()[3], ela(ssid=NOBODYS[3], uin="9"))))

    assert again[3] == ["DIS-PARTIAL"]
    assert [code for code in again[2] if code.startswith(("AMB", "DIS-NOTFOUND", "DIS-PARTIAL"))] == []


def test_a_run_of_one_school_offers_only_its_own_students(home: District) -> None:
    elsewhere = School.objects.create(lea=home.lea, code="0123457", name="Elm School")
    Student.objects.filter(local_number="202").update(school=elsewhere)

    found = report(TYPE, text(LAYOUT, *mixed_lines()), schools=[elsewhere.pk])

    # Sam is of the other school: to this run the number is nobody's, and it is not said that somebody holds it.
    assert by_line(found) == {
        2: ["DIS-NOTFOUND", "EXC-CONDITION"],
        3: ["DIS-NOTFOUND", "EXC-CONDITION"],
        4: ["DIS-PARTIAL", "EXC-CONDITION"],
        5: ["DIS-NOTFOUND", "EXC-CONDITION"],
    }
    partial = next(issue for issue in found["issues"] if issue["code"] == "DIS-PARTIAL")
    assert "202" in partial["message"]
    assert "201" not in partial["message"]


def test_a_number_of_another_school_is_not_taken_for_a_mistyped_one_of_a_namesake(home: District) -> None:
    elsewhere = School.objects.create(lea=home.lea, code="0123457", name="Elm School")
    home.add("300", school=elsewhere)  # Sam's namesake, without a number

    found = report(TYPE, text(LAYOUT, ela()), schools=[elsewhere.pk])

    assert by_line(found) == {2: ["DIS-NOTFOUND"]}


@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, repeats=repeated_lines)
def test_lines_that_are_asked_again_are_reported_and_planned_once(
    layout: str, changed: list[tuple[int, str, int]], repeats: list[tuple[int, str]]
) -> None:
    closer = ScoreImport.second_pass

    def all_lines(self: ScoreImport, context: RunContext, refusing: Collection[int]) -> Q | None:
        first = "closer_looks" not in context.notes
        again = closer(self, context, refusing)
        return Q(line__gte=0) if first else again

    with RolledBack(), pytest.MonkeyPatch.context() as patch:
        data = with_repeats(layout, lines_of(district_with_old_numbers(), layout, changed), repeats).encode()

        once = findings_of(layout, data, "")
        patch.setattr(ScoreImport, "second_pass", all_lines)
        twice = findings_of(layout, data, "")

        assert said_and_planned(once) == said_and_planned(twice)
        told = [(issue["line"], issue["code"], issue["field"]) for issue in once["issues"]]
        assert len(told) == len(set(told))
