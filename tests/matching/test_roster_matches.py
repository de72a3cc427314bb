"""Roster lines about students who are on record under another number: the match desk keeps them from coming twice."""

from typing import Any

import pytest

from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, decide, take_back
from sisimport.imports.runs.report import run_json
from sisimport.imports.runs.scope import Scope
from sisimport.imports.runs.services import start_update
from sisimport.matching.desk import LineState, desk_lines, line_numbers
from students.models import Student
from tests.imports.journey import (
    District,
    Report,
    drop_temporary_tables,
    finish,
    make_district,
    revert,
    run_file,
    snapshot,
)
from tests.roster.test_roster import ANA, JOSE, csv

pytestmark = pytest.mark.django_db

ALL = Scope(schools=None, whole_run=True)
NEW_NUMBER = JOSE | {"local_number": "200234", "last_name": "Garcia Lopez", "grade": "11"}


@pytest.fixture
def district(db: None) -> District:
    return make_district()


@pytest.fixture
def jose(district: District) -> Student:
    return district.student()


def roster(*rows: dict[str, str], **values: Any) -> Report:
    """The Test of these lines, on which people decide."""
    return run_file("students", csv(*rows), name="roster.csv", **values)


def decided(run: ImportRun, answer: MatchDecision.Answer, student: Student | None, line: int = 2) -> ImportRun:
    decision = Decision(line=line, subject=MATCH, answer=answer, student_id=student.pk if student else None)
    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()
    return run


def apply(run: ImportRun) -> Report:
    return finish(start_update(test_run=run, user=None, enqueue=False))


def test_d13_a_new_number_for_a_name_and_birth_date_on_record_is_an_error_and_comes_to_the_desk(jose: Student) -> None:
    report = roster(NEW_NUMBER, ANA)

    assert [i["code"] for i in report.issues if i["line"]] == ["STU-ALIKE"]
    assert report.issue("STU-ALIKE")["expected"] == jose.local_number
    assert (report.run.planned_count, report.run.refused_count) == (1, 1)
    assert line_numbers(report.run, LineState.OPEN, ALL) == [2]
    (line,) = desk_lines(report.run, [2], LineState.OPEN, ALL)
    assert line.offers[0].student == jose


def test_until_somebody_says_who_it_is_the_line_creates_nobody(jose: Student) -> None:
    apply(roster(NEW_NUMBER, ANA).run)

    assert not Student.objects.filter(local_number=NEW_NUMBER["local_number"]).exists()
    assert Student.objects.count() == 2


def test_an_option_says_for_the_whole_file_that_these_are_new_students(jose: Student) -> None:
    report = roster(NEW_NUMBER, options={"new_students": "yes"})
    apply(report.run)

    assert report.codes() == ["STU-ALIKE"]
    assert report.counts["imported"] == 1
    assert Student.objects.count() == 2


def test_an_accepted_line_updates_the_student_who_keeps_the_number_on_record(jose: Student) -> None:
    test = decided(roster(NEW_NUMBER).run, ACCEPT, jose)
    done = apply(test)

    student = Student.objects.get()
    assert (student.local_number, student.last_name, student.grade) == ("100234", "García-López", "11")
    assert done.counts == {"imported": 1}
    assert [i["code"] for i in done.issues if i["line"]] == ["NAME-KEPT", "MATCH-ACCEPTED"]


def test_an_accepted_match_is_remembered_for_the_next_roster(jose: Student) -> None:
    same = JOSE | {"local_number": "200234"}
    decided(roster(same).run, ACCEPT, jose)

    later = roster(same | {"grade": "12"})
    apply(later.run)

    assert [i["code"] for i in later.issues if i["line"]] == ["MATCH-REMEMBERED"]
    assert Student.objects.get().grade == "12"


def test_a_refused_match_is_a_new_student(jose: Student) -> None:
    test = decided(roster(NEW_NUMBER).run, REFUSE, None)

    assert line_numbers(test, LineState.REFUSED, ALL) == [2]
    apply(test)
    assert Student.objects.count() == 2


def test_taking_a_match_back_leaves_the_line_as_the_file_has_it(jose: Student) -> None:
    test = roster(NEW_NUMBER).run
    before = run_json(test)
    decided(test, ACCEPT, jose)

    take_back(run_id=test.pk, lines=[2], subject=MATCH, user=None)
    drop_temporary_tables()

    after = run_json(ImportRun.objects.get(pk=test.pk))
    assert [i["code"] for i in after["issues"]] == [i["code"] for i in before["issues"]]
    assert (after["planned_count"], after["warning_count"]) == (before["planned_count"], before["warning_count"])
    assert RememberedMatch.objects.get().ended_at is not None


def test_an_update_with_accepted_matches_can_be_reverted(jose: Student) -> None:
    before = snapshot()
    done = apply(decided(roster(NEW_NUMBER, ANA).run, ACCEPT, jose))

    revert(done.run)

    assert snapshot() == before


def test_a_student_whom_the_file_names_as_well_is_somebody_else(jose: Student) -> None:
    assert roster(JOSE, NEW_NUMBER).codes(3) == []


def test_an_accepted_line_beside_the_students_own_contradicts_it(jose: Student) -> None:
    run = roster(JOSE | {"local_number": "200234"}, ANA).run
    twice = roster(JOSE | {"local_number": "200234"}, JOSE | {"gender": "X"})

    decided(run, ACCEPT, jose)
    later = roster(JOSE | {"local_number": "200234"}, JOSE | {"gender": "X"})

    assert twice.codes() == ["FACT-CHANGED"]  # of the student's own line: another gender
    assert "DUP-DIFFERS" in later.codes(2)
    assert later.run.planned_count == 0


@pytest.mark.parametrize(
    "other",
    [
        JOSE | {"local_number": "200234", "birth_date": "2009-02-15"},
        JOSE | {"local_number": "200234", "first_name": "Jesús"},
    ],
    ids=["another birth date", "a twin"],
)
def test_another_birth_date_or_first_name_is_another_person(jose: Student, other: dict[str, str]) -> None:
    assert roster(other).codes() == []


def test_a_run_for_one_school_says_nothing_of_students_elsewhere(district: District) -> None:
    district.student(school=district.other_school)

    assert roster(NEW_NUMBER, schools=[district.school.pk]).codes() == []
