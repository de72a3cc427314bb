"""Score lines that nearly match a student: the match desk, accepted matches in the plan, and the next file."""

import datetime as dt

import pytest
from django.db import connection

from assessments.models import Score
from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, decide, take_back
from sisimport.imports.runs.report import run_json
from sisimport.imports.runs.scope import Scope
from sisimport.matching.desk import LineState, desk_lines, line_numbers, number_shown, waiting_tests
from students.models import Student
from tests.assessments.score_files import SSID_1, SSID_2, counts, ela, report, start, text, undo
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
ELPAC, ELPAC_LAYOUT = "elpac-initial-2023-2024", "elpac-initial-2023-24"
ALL = Scope(schools=None, whole_run=True)
UNKNOWN = "9055555555"


@pytest.fixture
def home() -> District:
    return district()


def file_of(*rows: dict[str, str]) -> ImportRun:
    return start(TYPE, text(LAYOUT, *rows))


def decided(run: ImportRun, *decisions: Decision) -> dict[str, object]:
    return told(decide(run_id=run.pk, decisions=decisions, user=None, schools=None))


def told(run: ImportRun) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")
    return run_json(run)


def accept(student: Student, line: int = 2) -> Decision:
    return Decision(line=line, subject=MATCH, answer=ACCEPT, student_id=student.pk)


def scored() -> list[str]:
    return list(Score.objects.order_by("student__local_number").values_list("student__local_number", flat=True))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ela(ssid=UNKNOWN, first_name="Samuel"), "DIS-NOTFOUND"),
        (ela(ssid=UNKNOWN), "DIS-PARTIAL"),
        (ela(last_name="Leigh"), "DIS-NAME"),
        (ela(birth_date="2011-04-03"), "DIS-BIRTH"),
        (ela(ssid="12345"), "EXC-SSID"),
    ],
)
def test_a_line_that_does_not_say_for_sure_whose_it_is_comes_to_the_desk(
    home: District, row: dict[str, str], code: str
) -> None:
    sam = home.add("100", ssid=SSID_1)
    run = file_of(row)

    assert line_numbers(run, LineState.OPEN, ALL) == [2]
    assert [found.pk for found, _lines in waiting_tests(ImportRun.objects.all())] == [run.pk]
    (line,) = desk_lines(run, [2], LineState.OPEN, ALL)
    assert line.codes == (code,)
    assert line.offers[0].student == sam


def test_a_line_that_matches_is_nothing_for_the_desk(home: District) -> None:
    home.add("100", ssid=SSID_1)
    run = file_of(ela(), ela(first_name="Säm", uin="1000000000000002", record_type="02"))

    assert line_numbers(run, LineState.OPEN, ALL) == []


def test_ssids_stand_on_the_desk_without_their_middle(home: District) -> None:
    home.add("100", ssid=SSID_1)
    (line,) = desk_lines(file_of(ela(last_name="Leigh")), [2], LineState.OPEN, ALL)

    rows = {label: (given, cells[0][0]) for label, given, cells in line.rows()}
    assert rows["Number"] == ("90•• ••• 678", "100 · 90•• ••• 678")


def test_the_student_with_the_ssid_of_the_line_is_a_candidate_whatever_the_names(home: District) -> None:
    sam = home.add("100", ssid=SSID_1)
    run = file_of(ela(last_name="Ahmadi", first_name="Roya", birth_date="2011-04-03"))

    (line,) = desk_lines(run, [2], LineState.OPEN, ALL)

    assert [offer.student for offer in line.offers] in ([sam], [])
    # Too little speaks for Sam to be shown unasked; with the names right it does.
    (near,) = desk_lines(file_of(ela(birth_date="2012-11-30")), [2], LineState.OPEN, ALL)
    assert near.offers[0].student == sam


def test_an_accepted_line_with_an_unknown_ssid_gives_its_scores_to_the_student(home: District) -> None:
    home.add("100", ssid=SSID_1)
    run = file_of(ela(ssid=UNKNOWN, first_name="Samuel"))

    tested = decided(run, accept(Student.objects.get()))
    done = report(TYPE, text(LAYOUT, ela(ssid=UNKNOWN, first_name="Samuel")), work="import")

    assert (tested["planned_count"], tested["error_count"]) == (1, 0)
    assert "MATCH-ACCEPTED" in codes(tested)
    assert counts(done) == {"import": 1}
    assert scored() == ["100"]


def test_a_student_without_any_ssid_can_be_accepted(home: District) -> None:
    home.add("101")
    run = file_of(ela(ssid=UNKNOWN))

    decided(run, accept(Student.objects.get()))
    done = report(TYPE, text(LAYOUT, ela(ssid=UNKNOWN)), work="import")

    assert counts(done) == {"import": 1}
    assert scored() == ["101"]


def test_the_other_lines_of_the_file_keep_their_students(home: District) -> None:
    home.add("100", ssid=SSID_1)
    kim = home.add("101", first_name="Kim", birth_date=dt.date(2011, 5, 5))
    rows = (ela(), ela(ssid=UNKNOWN, first_name="Kimmy", birth_date="2011-05-05", uin="2"), ela(ssid=SSID_2, uin="3"))
    run = file_of(*rows)

    tested = decided(run, accept(kim, line=3))
    report(TYPE, text(LAYOUT, *rows), work="import")

    assert (tested["planned_count"], tested["refused_count"]) == (2, 1)
    assert scored() == ["100", "101"]


def test_two_lines_accepted_for_one_student_contradict_each_other(home: District) -> None:
    sam = home.add("100")
    run = file_of(ela(ssid=UNKNOWN), ela(ssid=SSID_2, first_name="Samuel", uin="2", scale_score="2400"))

    tested = decided(run, accept(sam), accept(sam, line=3))

    assert tested["planned_count"] == 0
    assert codes(tested).count("AMB-RECORDS") == 2


def test_an_accepted_line_beside_the_students_own_is_reported_as_a_second_record(home: District) -> None:
    sam = home.add("100", ssid=SSID_1)
    run = file_of(ela(), ela(ssid=UNKNOWN, first_name="Samuel", uin="2", scale_score="2400"))

    tested = decided(run, accept(sam, line=3))

    assert codes(tested).count("AMB-RECORDS") == 2


def test_differences_that_somebody_has_seen_are_notices(home: District) -> None:
    sam = home.add("100", ssid=SSID_1)
    run = file_of(ela(last_name="Leigh", birth_date="2011-04-03"))
    assert run.error_count == 2

    tested = decided(run, accept(sam))

    assert (tested["error_count"], tested["planned_count"]) == (0, 1)
    assert {"DIS-NAME", "DIS-BIRTH", "MATCH-ACCEPTED"} == set(codes(tested))


def test_a_line_may_go_to_another_student_than_the_holder_of_its_ssid(home: District) -> None:
    home.add("100", ssid=SSID_1)
    kim = home.add("101", ssid=SSID_2, first_name="Kim")
    run = file_of(ela(first_name="Kim"))

    decided(run, accept(kim))
    report(TYPE, text(LAYOUT, ela(first_name="Kim")), work="import")

    assert scored() == ["101"]


def test_an_accepted_match_is_remembered_for_the_next_file_of_any_year(home: District) -> None:
    sam = home.add("100")
    decided(file_of(ela(ssid=UNKNOWN)), accept(sam))

    newer = {**ela(ssid=UNKNOWN, uin="77"), "final_test_completed_date": "2025-04-12"}
    later = report("caaspp-2024-2025", text("caaspp-2024-25", newer), work="import")

    assert counts(later) == {"import": 1}
    assert codes(later) == ["MATCH-REMEMBERED"]
    assert scored() == ["100"]


def test_other_names_with_the_same_ssid_are_not_the_remembered_ones(home: District) -> None:
    decided(file_of(ela(ssid=UNKNOWN)), accept(home.add("100")))

    assert codes(report(TYPE, text(LAYOUT, ela(ssid=UNKNOWN, first_name="Pam")))) == ["DIS-NOTFOUND"]


def test_a_remembered_match_is_not_used_once_the_student_changed(home: District) -> None:
    sam = home.add("100")
    decided(file_of(ela(ssid=UNKNOWN)), accept(sam))
    Student.objects.update(middle_name="Lou")

    later = report(TYPE, text(LAYOUT, ela(ssid=UNKNOWN)))

    assert sorted(codes(later)) == ["DIS-PARTIAL", "MATCH-OUTDATED"]
    assert later["planned_count"] == 0


def test_a_remembered_match_of_another_school_is_not_used(home: District) -> None:
    sam = home.add("100")
    decided(file_of(ela(ssid=UNKNOWN)), accept(sam))

    elsewhere = report(TYPE, text(LAYOUT, ela(ssid=UNKNOWN)), schools=[home.school.pk + 1])

    assert codes(elsewhere) == ["DIS-NOTFOUND"]


def test_taking_a_match_back_leaves_the_line_as_the_file_has_it(home: District) -> None:
    sam = home.add("100")
    run = file_of(ela(ssid=UNKNOWN))
    before = run_json(run)
    decided(run, accept(sam))

    after = told(take_back(run_id=run.pk, lines=[2], subject=MATCH, user=None))

    assert after == before
    assert RememberedMatch.objects.get().ended_at is not None


def test_a_refused_match_stays_out_with_its_reason(home: District) -> None:
    home.add("100", ssid=SSID_1)
    run = file_of(ela(last_name="Leigh"))

    tested = decided(run, Decision(line=2, subject=MATCH, answer=REFUSE, reason="Cousins"))

    assert tested["planned_count"] == 0
    assert line_numbers(run, LineState.REFUSED, ALL) == [2]
    assert MatchDecision.objects.get().reason == "Cousins"


def test_an_import_with_accepted_matches_can_be_reverted(home: District) -> None:
    sam = home.add("100")
    decided(file_of(ela(ssid=UNKNOWN)), accept(sam))
    done = start(TYPE, text(LAYOUT, ela(ssid=UNKNOWN)), work="import")
    assert scored() == ["100"]

    undo(done)

    assert scored() == []


def test_an_initial_elpac_line_gives_an_accepted_student_its_calculated_status(home: District) -> None:
    sam = home.add("100")
    row = {
        "record_type": "22",
        "ssid": UNKNOWN,
        "last_name": "Lee",
        "first_name": "Sam",
        "birth_date": "2011-03-04",
        "grade_assessed": "05",
        "final_test_completed_date": "2023-09-12",
        "scale_score": "400",
        "achievement_level": "2",
        "calculated_elas": "EL",
        "uin": "5",
    }
    data = text(ELPAC_LAYOUT, row)
    run = start(ELPAC, data, ela_status="1")
    decided(run, accept(sam))

    start(ELPAC, data, work="import", ela_status="1")

    assert Student.objects.get().el.program_status == "EL"


def test_the_desk_shows_the_number_of_a_remembered_score_match_masked(home: District) -> None:
    decided(file_of(ela(ssid=UNKNOWN)), accept(home.add("100")))

    assert number_shown(RememberedMatch.objects.get()) == "90•• ••• 555"
