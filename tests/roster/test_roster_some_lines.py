"""A decision on a line of a roster plans the lines that it touches, with the same result as planning the whole file."""

from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import event, given
from hypothesis import strategies as st

from sisimport.imports.models import ImportIssue, ImportRun, MatchDecision, RunStatus, Work
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, DecisionRefusedError, decide, take_back
from sisimport.roster import namesakes as namesakes_of
from students.models import LEA, School, Student
from tests.imports.journey import District, drop_temporary_tables, run_file
from tests.imports.planned_anew import lines_planned, said, same_as_whole
from tests.imports.properties import OneExample, few
from tests.longer import one_in
from tests.roster.oneroster_files import ANA as ANA_USER
from tests.roster.oneroster_files import BEN, BORN, BORN_BEN, CLASS, GONE, bulk, run_zip
from tests.roster.test_roster import ANA, JOSE, csv
from tests.roster.test_roster_properties import files, make, mostly, people, rows

pytestmark = pytest.mark.django_db
OTHERS = ["7", "8"]  # numbers of students whom no line names by them
# Some lines bring new numbers, under names and birth dates of students on record.
namesakes = st.tuples(
    rows,
    mostly(["", "García-López"], ["O'Neil"]),
    mostly(["4", "5", *OTHERS], ["1"]),
    mostly(["0000009", "0000010"], ["0123456", "0123457"]),
).map(lambda drawn: drawn[0] | {"legal_last_name": drawn[1], "local_number": drawn[2], "school": drawn[3]})
with_namesakes = st.lists(rows.map(lambda row: row | {"legal_last_name": ""}) | namesakes, min_size=1, max_size=7).map(
    lambda drawn: csv(*drawn)
)
# A district that is not on record comes with students who are on record in another one, and with new schools.
of_two_districts = st.lists(
    st.tuples(rows, st.sampled_from(["1234567", "7654321", "7654321"]), st.sampled_from(["1", "2", *OTHERS, "9"])).map(
        lambda drawn: drawn[0] | {"lea": drawn[1], "local_number": drawn[2], "legal_last_name": ""}
    ),
    min_size=2,
    max_size=7,
).map(lambda drawn: csv(*drawn))
# Line, what is decided, and whose record it is (by place).
steps = st.lists(
    st.tuples(st.integers(2, 8), st.sampled_from(["accept", "accept", "refuse", "back"]), st.integers(0, 4)),
    min_size=1,
    max_size=4,
)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return lines_planned(monkeypatch)


def take(run: ImportRun, line: int, what: str, student: Student | None = None) -> bool:
    """One decision, and whether it could be taken."""
    drop_temporary_tables()
    try:
        with transaction.atomic():
            if what == "back":
                if not MatchDecision.objects.filter(run=run, line=line).exists():
                    return False
                take_back(run_id=run.pk, lines=[line], subject=MATCH, user=None)
            else:
                chosen = student.pk if student is not None and what == "accept" else None
                answer = REFUSE if chosen is None else ACCEPT
                made = Decision(line=line, subject=MATCH, answer=answer, student_id=chosen)
                decide(run_id=run.pk, decisions=[made], user=None, schools=None)
    except DecisionRefusedError:
        return False
    return True


@few
@given(
    drawn=people, content=files | with_namesakes | of_two_districts, decisions=steps, reads=st.sampled_from([4000, 0])
)
@pytest.mark.long
def test_lines_planned_alone_come_to_what_the_whole_file_comes_to(  # type: ignore[no-untyped-def]
    drawn, content, decisions, reads
) -> None:
    with OneExample(), patch.object(namesakes_of, "MAX_READ", reads):
        district = make(drawn)
        for number in OTHERS:
            district.student(local_number=number, school=district.other_school)
        students = list(Student.objects.order_by("pk"))
        run = run_file("students", content, name="roster.csv").run
        if run.status != RunStatus.COMPLETED:
            return
        for line, what, whose in decisions:
            if take(run, line, what, students[whose % len(students)]):
                event(what)
        # Of columns as a whole a Test says what its whole file brought.
        if ImportIssue.objects.filter(run=run, line=0, code__startswith="COLUMN").exists():
            return
        same_as_whole(run)


def roster_of_namesakes(district: District) -> tuple[ImportRun, Student]:
    """José is on record under 100234; the file names him by a new number in line 3, and has others beside."""
    jose = district.student()
    district.another()
    run = run_file(
        "students",
        csv(ANA, JOSE | {"local_number": "200"}, ANA | {"local_number": "300", "first_name": "Zoë"}),
        name="r.csv",
    ).run
    return run, jose


def test_a_decision_reads_only_the_lines_it_touches(district: District, alone: list[Any]) -> None:
    run, jose = roster_of_namesakes(district)
    assert "STU-ALIKE" in {issue["code"] for issue in said(run)["issues"]}
    alone.clear()

    assert take(run, 3, "accept", jose)

    assert alone == [[3]]
    assert "STU-ALIKE" not in {issue["code"] for issue in said(run)["issues"]}
    same_as_whole(run)


def test_someone_who_is_said_to_be_new_is_planned_alone_and_waits_again_when_that_is_taken_back(
    district: District, alone: list[Any]
) -> None:
    run, _jose = roster_of_namesakes(district)
    before = said(run)
    alone.clear()

    assert take(run, 3, "refuse")
    assert "new student 200" in {change["object_id"] for change in said(run)["changes"] if change["line"] == 3}
    same_as_whole(run)
    assert take(run, 3, "back")

    assert [lines for lines in alone if lines is not None] == [[3], [3]]
    assert said(run) == before


@pytest.mark.parametrize("of_the_own_number", [False, True])
def test_the_other_lines_of_a_namesake_follow_a_decision(
    district: District, alone: list[Any], *, of_the_own_number: bool
) -> None:
    """Once one line is José's, the other one of his name and birth date is somebody else's; and the other way round."""
    jose = district.student()
    ana = district.another()
    lines = [JOSE | {"local_number": "200"}, JOSE | {"local_number": "201" if not of_the_own_number else "100234"}, ANA]
    run = run_file("students", csv(*lines), name="r.csv").run
    alone.clear()

    assert take(run, 3, "accept", ana if of_the_own_number else jose)
    same_as_whole(run)
    assert take(run, 3, "back")
    same_as_whole(run)

    assert alone[0] == ([2, 3, 4] if of_the_own_number else [2, 3])


def test_a_line_that_cannot_be_planned_asks_about_a_namesake_too(district: District) -> None:
    """An exit before the start keeps line 3 out of the plan, and so it is found by reading it."""
    jose = district.student()
    wrong = {"local_number": "201", "enrollment_exit": "2020-01-01"}
    run = run_file("students", csv(JOSE | {"local_number": "200"}, JOSE | wrong), name="r.csv").run

    assert take(run, 2, "accept", jose)
    assert {issue["line"] for issue in said(run)["issues"] if issue["code"] == "STU-ALIKE"} == set()
    same_as_whole(run)
    assert take(run, 2, "back")

    assert {issue["line"] for issue in said(run)["issues"] if issue["code"] == "STU-ALIKE"} == {2, 3}
    same_as_whole(run)


NEW = {"school": "0000009"}
AT_NEW_SCHOOL = JOSE | NEW | {"local_number": "200"}


def schools_of(run: ImportRun) -> dict[str, int]:
    """New schools and the lines that they come with."""
    return {change["after"]["code"]: change["line"] for change in said(run)["changes"] if change["kind"] == "school"}


def test_a_new_school_comes_with_the_first_line_that_is_left(district: District, alone: list[Any]) -> None:
    """Line 2 waits for a decision, so the school comes with line 4; once line 2 is planned, with that; and back again."""
    jose = district.student()
    run = run_file("students", csv(AT_NEW_SCHOOL, ANA, ANA | NEW | {"local_number": "300", "first_name": "Zoë"})).run
    assert schools_of(run) == {"0000009": 4}
    before = said(run)
    alone.clear()

    assert take(run, 2, "accept", jose)
    assert schools_of(run) == {"0000009": 2}
    same_as_whole(run)
    assert take(run, 2, "back")

    assert [lines for lines in alone if lines is not None] == [[2], [2]]
    assert said(run) == before


def test_a_new_school_that_no_other_line_needs_comes_and_goes_with_its_line(
    district: District, alone: list[Any]
) -> None:
    district.student()
    run = run_file("students", csv(ANA, AT_NEW_SCHOOL)).run
    assert schools_of(run) == {}
    before = said(run)
    alone.clear()

    assert take(run, 3, "refuse")
    assert schools_of(run) == {"0000009": 3}
    same_as_whole(run)
    assert take(run, 3, "back")

    assert [lines for lines in alone if lines is not None] == [[3], [3]]
    assert said(run) == before
    assert run.summary == before["summary"]


def test_an_update_after_the_decision_makes_the_school_once(district: District) -> None:
    jose = district.student()
    lines = [AT_NEW_SCHOOL, ANA, ANA | NEW | {"local_number": "300", "first_name": "Zoë"}]
    run = run_file("students", csv(*lines)).run
    assert take(run, 2, "accept", jose)

    update = run_file("students", b"", Work.UPDATE, test_run=run)

    assert update.run.import_count == 3
    school = School.objects.get(code="0000009")
    assert set(Student.objects.filter(school=school).values_list("local_number", flat=True)) == {"100234", "300"}


ELSEWHERE = {"lea": "7654321", "school": "0000009"}


@pytest.mark.parametrize("what", ["school", "lea"])
def test_a_place_that_somebody_made_meanwhile_is_planned_as_a_whole(
    district: District, alone: list[Any], what: str
) -> None:
    jose = district.student()
    run = run_file("students", csv(ANA | ELSEWHERE | {"local_number": "300"}, JOSE | {"local_number": "201"})).run
    lea = LEA.objects.create(code="7654321", name="New")
    if what == "school":
        School.objects.create(lea=lea, code="0000009")
    alone.clear()

    assert take(run, 3, "accept", jose)

    assert alone == [None]
    same_as_whole(run)


def places_of(run: ImportRun) -> dict[str, int]:
    """New districts and schools, and the lines that they come with."""
    made = (change for change in said(run)["changes"] if change["kind"] in {"school", "lea"})
    return {change["after"]["code"]: change["line"] for change in made}


def told_new(run: ImportRun) -> dict[str, int]:
    """The lines that say that a district or school is new."""
    return {issue["found"]: issue["line"] for issue in said(run)["issues"] if issue["code"].startswith("NEW-")}


def test_a_student_of_another_district_is_found_for_a_line_of_a_new_one(district: District, alone: list[Any]) -> None:
    """Lines 3 and 4 bring a new district and its school. José, of line 4, is on record in our district."""
    jose = district.student()
    lines = [
        ANA,
        ANA | ELSEWHERE | {"local_number": "300", "first_name": "Zoë"},
        JOSE | ELSEWHERE | {"local_number": "301"},
    ]
    run = run_file("students", csv(*lines)).run
    assert {issue["line"] for issue in said(run)["issues"] if issue["code"] == "STU-ALIKE"} == {4}
    assert places_of(run) == told_new(run) == {"7654321": 3, "0000009": 3}
    before = said(run)
    alone.clear()

    for what in ("refuse", "accept"):
        assert take(run, 4, what, jose)
        same_as_whole(run)
    assert take(run, 4, "back")

    assert [lines for lines in alone if lines is not None] == [[4]] * 3
    assert said(run) == before


def test_a_new_district_comes_with_the_first_line_that_is_left(district: District, alone: list[Any]) -> None:
    """Line 2 waits, so district and school come with line 4, though line 2 says that they are new. Said to be about nobody
    on record, line 2 brings them itself."""
    district.student()
    lines = [JOSE | ELSEWHERE | {"local_number": "301"}, ANA, ANA | ELSEWHERE | {"local_number": "300"}]
    run = run_file("students", csv(*lines)).run
    assert places_of(run) == {"7654321": 4, "0000009": 4}
    assert told_new(run) == {"7654321": 2, "0000009": 2}
    before = said(run)
    alone.clear()

    assert take(run, 2, "refuse")
    assert places_of(run) == {"7654321": 2, "0000009": 2}
    same_as_whole(run)
    assert take(run, 2, "back")

    assert [lines for lines in alone if lines is not None] == [[2], [2]]
    assert said(run) == before


def test_a_new_district_that_no_line_needs_is_not_made(district: District, alone: list[Any]) -> None:
    district.student()
    run = run_file("students", csv(ANA, JOSE | ELSEWHERE | {"local_number": "301"})).run
    assert places_of(run) == {}
    before = said(run)
    alone.clear()

    assert take(run, 3, "refuse")
    assert places_of(run) == {"7654321": 3, "0000009": 3}
    same_as_whole(run)
    assert take(run, 3, "back")

    assert [lines for lines in alone if lines is not None] == [[3], [3]]
    assert said(run) == before


def test_the_line_that_says_that_a_district_is_new_may_turn_out_to_be_of_another_one(
    district: District, alone: list[Any]
) -> None:
    """Accepted for José, line 2 is about his district, so line 4 is the one to say that the other one is new."""
    jose = district.student()
    lines = [JOSE | ELSEWHERE | {"local_number": "301"}, ANA, ANA | ELSEWHERE | {"local_number": "300"}]
    run = run_file("students", csv(*lines)).run
    before = said(run)
    alone.clear()

    assert take(run, 2, "accept", jose)
    assert told_new(run)["7654321"] == 4
    same_as_whole(run)
    assert take(run, 2, "back")

    assert said(run) == before
    assert [lines for lines in alone if lines is not None] == [[2], [2, 4]] * 2


def test_the_line_that_says_that_a_school_is_new_is_looked_for_among_those_with_its_code(
    district: District, alone: list[Any]
) -> None:
    """Line 3 names the same school in our district, line 4 is refused by its reader, and line 5 is the next one."""
    jose = district.student()
    names = [{"first_name": name, "local_number": str(400 + at)} for at, name in enumerate(("Zoë", "Kim", "Lu"))]
    others = [ANA | NEW | names[0], ANA | ELSEWHERE | names[1] | {"birth_date": "x"}, ANA | ELSEWHERE | names[2]]
    run = run_file("students", csv(JOSE | ELSEWHERE | {"local_number": "301"}, *others)).run
    before = said(run)
    alone.clear()

    assert take(run, 2, "accept", jose)
    same_as_whole(run)
    assert take(run, 2, "back")

    assert said(run) == before
    assert [lines for lines in alone if lines is not None] == [[2], [2, 3, 4], [2, 3, 4, 5], [2], [2, 3, 5]]


def test_an_update_makes_the_district_of_which_a_line_was_decided_on_once(district: District) -> None:
    jose = district.student()
    lines = [ANA | ELSEWHERE | {"local_number": "300", "first_name": "Zoë"}, JOSE | ELSEWHERE | {"local_number": "301"}]
    run = run_file("students", csv(*lines)).run
    assert take(run, 3, "refuse", jose)

    update = run_file("students", b"", Work.UPDATE, test_run=run)

    assert update.run.import_count == 2
    school = School.objects.get(lea__code="7654321", code="0000009")
    assert set(Student.objects.filter(school=school).values_list("local_number", flat=True)) == {"300", "301"}


@pytest.mark.parametrize(
    "written",
    one_in(3, ["2009-02-14", "2/14/2009", "14-Feb-09", "39858", "'2009-02-14", '"2009-02-14"', "2009-02-14."]),
)
def test_among_many_lines_with_errors_those_of_a_namesake_are_found_by_their_birth_date(
    district: District, alone: list[Any], monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """Exits before starts keep lines 3 to 5 out of the plan: line 3 is José's by its birth date, however that is written."""
    monkeypatch.setattr(namesakes_of, "MAX_READ", 1)
    jose = district.student()
    wrong = {"enrollment_exit": "2020-01-01"}
    also = JOSE | wrong | {"local_number": "201", "birth_date": written}
    others = [JOSE | wrong | {"local_number": "202", "birth_date": day} for day in ("2009-02-15", "2009-02-30")]
    run = run_file("students", csv(JOSE | {"local_number": "200"}, also, *others), name="r.csv").run
    assert {issue["line"] for issue in said(run)["issues"] if issue["code"] == "STU-ALIKE"} == {2, 3}
    alone.clear()

    assert take(run, 2, "accept", jose)
    assert {issue["line"] for issue in said(run)["issues"] if issue["code"] == "STU-ALIKE"} == set()
    same_as_whole(run)
    assert take(run, 2, "back")
    same_as_whole(run)

    assert [lines for lines in alone if lines is not None] == [[2, 3]] * 2


def test_a_file_with_too_many_lines_of_one_birth_date_is_planned_as_a_whole(
    district: District, alone: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namesakes_of, "MAX_READ", 0)
    monkeypatch.setattr(namesakes_of, "MAX_LIKE", 1)
    run, jose = roster_of_namesakes(district)
    wrong = csv(JOSE, *(JOSE | {"local_number": number, "enrollment_exit": "2020-01-01"} for number in ("8", "9")))
    run = run_file("students", wrong, name="w.csv").run
    alone.clear()

    assert take(run, 3, "accept", jose)

    assert alone == [None]


def test_a_line_of_oneroster_is_planned_alone_and_the_absent_students_follow(
    district: District, alone: list[Any]
) -> None:
    ana = district.another(birth_date=date(2012, 6, 30))
    gone = district.student(local_number="7", first_name="Gil", birth_date=date(2011, 5, 4))
    users = [ANA_USER | {"identifier": "555"}, BEN]
    run = run_zip(bulk(users=users, demographics=[BORN, BORN_BEN], enrollments=[CLASS | GONE])).run
    assert run.status == RunStatus.COMPLETED, run.message
    before = said(run)
    alone.clear()

    line = next(issue["line"] for issue in before["issues"] if issue["code"] == "STU-ALIKE")
    for student in (ana, gone):
        assert take(run, line, "accept", student)
        same_as_whole(run)
    assert take(run, line, "back")

    assert [lines for lines in alone if lines is not None] == [[line]] * 3
    assert said(run) == before
