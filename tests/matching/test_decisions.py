"""Decisions on a completed Test: they become part of the plan that Update applies, and matches are remembered."""

from decimal import Decimal
from typing import Any

import pytest

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine import replanning
from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch, RunStatus
from sisimport.imports.models.absent import absent_students
from sisimport.imports.runs.decisions import (
    ACCEPT,
    CANDIDATE,
    MATCH,
    REFUSE,
    Decision,
    DecisionRefusedError,
    decide,
    take_back,
)
from sisimport.imports.runs.services import start_revert, start_update
from ssid.models import MatchRequest
from students.models import School, Student
from tests.ssid.request_files import (
    adds_up,
    codes,
    current_ssid,
    finish,
    line,
    make_district,
    make_student,
    run_test,
    update,
)

pytestmark = pytest.mark.django_db

DOWNLOAD = "1234567^0123456^{ssid}^{number}^{last}^{first}^^M^{born}^20240812^07^^^^20170801"


@pytest.fixture
def school() -> School:
    return make_district()


def download(
    number: str = "100240", *, ssid: str = "9012345678", last: str = "Lee", first: str = "Sam", born: str = "20110304"
) -> str:
    return DOWNLOAD.format(number=number, ssid=ssid, last=last, first=first, born=born)


def run_download(*lines: str, schools: list[int] | None = None) -> ImportRun:
    return run_test(lines, import_type="ssid-download", name="download.txt", schools=schools)


def accept(run: ImportRun, student: Student, at: int = 1, *, reason: str = "") -> ImportRun:
    decision = Decision(
        line=at, subject=MATCH, answer=ACCEPT, student_id=student.pk, score=Decimal("91.0"), reason=reason
    )
    return decide(run_id=run.pk, decisions=[decision], user=None, schools=None)


def choose(run: ImportRun, at: int, *, replaced: tuple[int, ...] = ()) -> ImportRun:
    decision = Decision(line=at, subject=CANDIDATE, answer=ACCEPT, over=replaced)
    return decide(run_id=run.pk, decisions=[decision], user=None, schools=None)


def test_a_candidate_chosen_on_the_screen_is_what_update_writes(school: School) -> None:
    student = make_student(school)
    test = run_test([line(), line(ssid="8012345690", score="100%")])

    test = choose(test, 2)
    done = update(test)

    assert codes(test) == ["SEL-OTHER"]
    assert (test.planned_count, test.refused_count, test.skipped_count, test.error_count) == (1, 0, 1, 0)
    assert current_ssid(student) == "8012345690"
    assert adds_up(done)


def test_a_choice_may_be_changed(school: School) -> None:
    student = make_student(school)
    test = run_test([line(), line(ssid="8012345690", score="100%")])
    choose(test, 2)

    test = choose(test, 1, replaced=(2,))
    update(test)

    assert current_ssid(student) == "8012345678"


def test_a_choice_on_the_screen_goes_before_a_mark_in_the_file(school: School) -> None:
    student = make_student(school)
    test = run_test([line(pick="X"), line(ssid="8012345690")])

    update(choose(test, 2))

    assert current_ssid(student) == "8012345690"


def test_refusing_all_candidates_writes_nothing(school: School) -> None:
    student = make_student(school)
    test = run_test([line(category="Single Match", score="100%")])
    decision = Decision(line=1, subject=CANDIDATE, answer=REFUSE)

    test = decide(run_id=test.pk, decisions=[decision], user=None, schools=None)
    update(test)

    assert codes(test) == ["SEL-REFUSED"]
    assert test.skipped_count == 1
    assert current_ssid(student) is None


def test_a_choice_leaves_the_lines_of_other_requests_alone(school: School) -> None:
    make_student(school)
    make_student(school, "100241", first_name="Kim")
    rows = [
        line(),
        line(ssid="8012345690"),
        line("100241", first="Kim", ssid="8012345700"),
        line("100241", first="Kim", ssid="8012345701"),
    ]
    test = run_test(rows)

    test = choose(test, 2)

    assert [codes(test, n) for n in (1, 2, 3, 4)] == [["SEL-OTHER"], [], ["SEL-NONE"], ["SEL-NONE"]]
    assert MatchRequest.objects.get(run=test, line=1).state == "chosen"
    assert MatchRequest.objects.get(run=test, line=3).state == "open"


def test_r15_a_choice_that_takes_an_ssid_chosen_elsewhere_refuses_both(school: School) -> None:
    make_student(school)
    make_student(school, "100241", first_name="Kim")
    test = run_test([line(), line(ssid="8012345690"), line("100241", pick="X", first="Kim", ssid="8012345690")])
    assert test.planned_count == 1

    test = choose(test, 2)

    assert [codes(test, n) for n in (2, 3)] == [["SEL-TWICE"], ["SEL-TWICE"]]
    assert test.planned_count == 0


def test_a_choice_answers_a_doubtful_mark_in_the_file(school: School) -> None:
    student = make_student(school)
    test = run_test([line(pick="?"), line(pick="call the mother", ssid="8012345690")])
    assert [codes(test, n) for n in (1, 2)] == [["SEL-NONE", "SEL-MARK"], ["SEL-NONE", "SEL-MARK"]]

    test = choose(test, 2)
    update(test)

    assert codes(test) == ["SEL-OTHER"]
    assert current_ssid(student) == "8012345690"


def test_taking_a_choice_back_leaves_the_request_as_the_file_has_it(school: School) -> None:
    make_student(school)
    test = run_test([line(), line(ssid="8012345690")])
    choose(test, 2)

    test = take_back(run_id=test.pk, lines=[2], subject=CANDIDATE, user=None)

    assert codes(test) == ["SEL-NONE", "SEL-NONE"]


def test_d13_an_accepted_near_match_is_imported_with_notices(school: School) -> None:
    student = make_student(school, last_name="O'Neil")
    test = run_download(download(last="ONeil"))
    assert codes(test) == ["DEMO-NEAR"]

    test = accept(test, student)
    done = update(test)

    assert codes(test) == ["MATCH-ACCEPTED", "DEMO-NEAR"] or codes(test) == ["DEMO-NEAR", "MATCH-ACCEPTED"]
    assert (test.error_count, test.notice_count, test.planned_count) == (0, 2, 1)
    assert done.import_count == 1
    assert current_ssid(student) == "9012345678"


def test_a_line_with_a_wrong_local_number_goes_to_the_student_it_was_accepted_for(school: School) -> None:
    student = make_student(school, "100240")
    test = run_download(download("100999"))
    assert codes(test) == ["STU-NOTFOUND"]

    test = accept(test, student)
    done = update(test)

    assert codes(test) == ["MATCH-ACCEPTED"]
    assert current_ssid(student) == "9012345678"
    assert adds_up(done)


def test_an_accepted_line_beside_the_students_own_line_is_a_duplicate(school: School) -> None:
    student = make_student(school, "100240")
    test = run_download(download(), download("100999", ssid="9012345679"))

    test = accept(test, student, at=2)

    assert codes(test, 1) == ["DUP-DIFFERS"]
    assert "DUP-DIFFERS" in codes(test, 2)
    assert test.planned_count == 0


def test_an_accepted_match_is_remembered_for_the_next_file(school: School) -> None:
    student = make_student(school, "100240")
    accept(run_download(download("100999")), student, reason="Seen the birth certificate")

    later = run_download(download("100999"), download("100998", last="Poe", ssid="9012345699"))
    update(later)

    assert codes(later, 1) == ["MATCH-REMEMBERED"]
    assert codes(later, 2) == ["STU-NOTFOUND"]
    assert current_ssid(student) == "9012345678"
    remembered = RememberedMatch.objects.get()
    assert (remembered.student_id, remembered.reason) == (student.pk, "Seen the birth certificate")


def test_a_remembered_match_is_not_used_once_the_student_changed(school: School) -> None:
    student = make_student(school, "100240")
    accept(run_download(download("100999")), student)
    student.birth_date = "2012-01-01"
    student.save(update_fields=["birth_date"])

    later = run_download(download("100999"))

    assert sorted(codes(later)) == ["MATCH-OUTDATED", "STU-NOTFOUND"]


def test_other_values_of_the_same_local_number_are_not_the_remembered_ones(school: School) -> None:
    student = make_student(school, "100240")
    accept(run_download(download("100999")), student)

    later = run_download(download("100999", first="Pam"))

    assert codes(later) == ["STU-NOTFOUND"]


def test_unmatching_ends_what_is_remembered(school: School) -> None:
    student = make_student(school, "100240")
    test = accept(run_download(download("100999")), student)

    test = take_back(run_id=test.pk, lines=[1], subject=MATCH, user=None)
    later = run_download(download("100999"))

    assert codes(test) == ["STU-NOTFOUND"]
    assert codes(later) == ["STU-NOTFOUND"]
    assert RememberedMatch.objects.get().ended_at is not None


def test_unmatching_a_remembered_match_in_a_later_test(school: School) -> None:
    student = make_student(school, "100240")
    accept(run_download(download("100999")), student)
    later = run_download(download("100999"))

    later = take_back(run_id=later.pk, lines=[1], subject=MATCH, user=None)

    assert codes(later) == ["STU-NOTFOUND"]


def test_a_refused_match_keeps_its_reason_and_the_line_stays_out(school: School) -> None:
    make_student(school, last_name="O'Neil")
    test = run_download(download(last="ONeil"))
    decision = Decision(line=1, subject=MATCH, answer=REFUSE, reason="Cousins")

    test = decide(run_id=test.pk, decisions=[decision], user=None, schools=None)

    assert codes(test) == ["DEMO-NEAR"]
    assert MatchDecision.objects.get().reason == "Cousins"


def test_nothing_is_decided_on_a_test_that_was_updated(school: School) -> None:
    student = make_student(school)
    test = run_download(download("100999"))
    update(test)

    with pytest.raises(DecisionRefusedError, match="already been updated"):
        accept(test, student)


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
def test_nothing_is_decided_or_taken_back_while_an_update_of_the_test_is_on_its_way(
    school: School, status: RunStatus
) -> None:
    student = make_student(school)
    test = accept(run_download(download("100999")), student)
    running = start_update(test_run=test, user=None, enqueue=False)
    ImportRun.objects.filter(pk=running.pk).update(status=status)
    planned = list(test.changes.values())

    with pytest.raises(DecisionRefusedError, match="already been updated"):
        decide(
            run_id=test.pk,
            decisions=[Decision(line=1, subject=MATCH, answer=REFUSE)],
            user=None,
            schools=None,
        )
    with pytest.raises(DecisionRefusedError, match="already been updated"):
        take_back(run_id=test.pk, lines=[1], subject=MATCH, user=None)

    assert list(test.changes.values()) == planned
    assert MatchDecision.objects.get().answer == ACCEPT


def test_after_an_update_that_failed_the_test_is_open_again(school: School) -> None:
    student = make_student(school)
    test = run_download(download("100999"))
    failed = start_update(test_run=test, user=None, enqueue=False)
    ImportRun.objects.filter(pk=failed.pk).update(status=RunStatus.FAILED)

    update(accept(test, student))

    assert current_ssid(student) == "9012345678"


def test_a_decision_on_a_line_that_is_not_there(school: School) -> None:
    student = make_student(school)
    test = run_download(download("100999"))

    with pytest.raises(DecisionRefusedError, match="no record in line 7"):
        accept(test, student, at=7)


def test_nothing_is_taken_back_on_a_line_that_is_not_there(school: School) -> None:
    test = run_download(download("100999"))

    with pytest.raises(DecisionRefusedError, match="no record in line 7"):
        take_back(run_id=test.pk, lines=[7], subject=MATCH, user=None)


def test_a_student_of_another_school_cannot_be_accepted(school: School) -> None:
    other = School.objects.create(lea=school.lea, code="0123457")
    student = make_student(other, "100240")
    test = run_download(download("100999"), schools=[school.pk])

    with pytest.raises(DecisionRefusedError, match="not one of your students"):
        accept(test, student)

    assert not MatchDecision.objects.exists()


def test_a_remembered_match_of_another_school_is_not_used(school: School) -> None:
    other = School.objects.create(lea=school.lea, code="0123457")
    accept(run_download(download("100999")), make_student(other, "100240"))

    later = run_download(download("100999"), schools=[school.pk])

    assert codes(later) == ["STU-NOTFOUND"]


def test_revert_takes_back_what_an_accepted_match_wrote(school: School) -> None:
    student = make_student(school, "100240")
    done = update(accept(run_download(download("100999")), student))

    finish(start_revert(run=done, user=None, enqueue=False))

    assert current_ssid(student) is None


def test_lines_not_touched_keep_the_very_plan_they_had(school: School) -> None:
    student = make_student(school, "100240")
    make_student(school, "100300", first_name="Kim")
    test = run_download(download("100300", first="Kim", ssid="9012345699"), download("100999"))
    before = list(test.changes.values())

    test = accept(test, student, at=2)

    assert [change for change in test.changes.order_by("line", "seq").values() if change["line"] == 1] == before


def test_the_list_of_absent_students_follows(school: School) -> None:
    student = make_student(school, "100240")
    test = run_download(download("100999"))
    assert test.facts["absent_count"] == 1

    test = accept(test, student)

    assert test.facts["absent_count"] == 0

    test = take_back(run_id=test.pk, lines=[1], subject=MATCH, user=None)

    assert test.facts["absent_count"] == 1


def test_a_student_whose_line_goes_to_another_is_absent_again(school: School) -> None:
    student, other = make_student(school, "100240"), make_student(school, "100300", first_name="Kim")
    test = accept(run_download(download("100999")), student)

    test = accept(test, other)

    listed = absent_students(test.pk, Student.objects.all())
    assert [found.local_number for found in listed] == ["100240"]
    assert test.facts["absent_count"] == 1


def test_taking_a_match_back_reads_only_the_lines_it_touches(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    student = make_student(school, "100240")
    rows = [download(f"2{n:05}", first=f"Kim{n}", ssid=f"80123450{n:02}") for n in range(9)]
    test = accept(run_download(*rows, download("100999")), student, at=10)
    planned: list[Any] = []
    stage = replanning.staging.stage

    def noted(context: RunContext) -> None:
        planned.append(context.lines)
        stage(context)

    monkeypatch.setattr(replanning.staging, "stage", noted)
    take_back(run_id=test.pk, lines=[10], subject=MATCH, user=None)

    assert planned == [{10}]


def test_counts_after_decisions_are_those_of_a_fresh_count(school: School) -> None:
    """Lines planned again are counted alone; the whole must come out as if everything were counted."""
    from sisimport.imports.definition.import_type import RunContext
    from sisimport.imports.definition.progress import Progress
    from sisimport.imports.definition.registry import get_type
    from sisimport.imports.engine import counting

    students = [make_student(school, str(100240 + n)) for n in range(4)]
    rows = [line(str(100240 + n), ssid=f"80123456{n}{k}") for n in range(4) for k in range(2)]
    test = run_test([*rows, line("100999", pick="X", ssid="8012345688"), line(ssid="", category="No Match", score="")])

    test = choose(test, 2)
    test = choose(test, 3)
    test = take_back(run_id=test.pk, lines=[2], subject=CANDIDATE, user=None)
    test = accept(test, students[3], at=9)

    context = RunContext(run=test, import_type=get_type(test.import_type), progress=Progress(test.pk))
    context.record_count = test.record_count
    fresh = counting.count_test(context)
    assert {name: getattr(test, name) for name in fresh.counts} == fresh.counts
    assert test.summary == fresh.summary
