"""Import type Request File (the state's match results): rules R-1 to R-15, rows grouped by request."""

import pytest

from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.runs.services import start_revert
from sisimport.imports.runs.uploads import RunRefusedError
from students.models import LEA, SSID, ELRecord, School, SSIDReplacement
from tests.ssid.request_files import (
    HEADER,
    RESULT,
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


@pytest.fixture
def school() -> School:
    return make_district()


def test_the_marked_candidate_of_several_is_imported(school: School) -> None:
    student = make_student(school)

    test = run_test([line(), line(pick="X", ssid="8012345690", score="100%")])
    done = update(test)

    assert codes(test) == ["SEL-OTHER"]
    assert (test.planned_count, test.skipped_count) == (1, 1)
    assert done.import_count == 1
    assert current_ssid(student) == "8012345690"
    assert adds_up(done)


@pytest.mark.parametrize("mark", ["X", "x", "Y", "yes", "1", "TRUE", "✓", "✔\ufe0f", " x\u00a0"])
def test_a_plain_yes_in_the_selection_column_chooses(school: School, mark: str) -> None:
    make_student(school)

    test = run_test([line(), line(pick=mark, ssid="8012345690")])

    assert test.planned_count == 1


@pytest.mark.parametrize("mark", ["?", "*", "ok", "x?", "maybe", "xx", "2", "not sure", "1%"])
def test_doubt_in_the_selection_column_chooses_nobody(school: School, mark: str) -> None:
    make_student(school)

    test = run_test([line(pick=mark, score="100%")])

    assert codes(test) == ["SEL-NONE", "SEL-MARK"]
    assert (test.planned_count, test.refused_count) == (0, 1)


@pytest.mark.parametrize("mark", ["N", "no", "0", "-"])
def test_a_mark_that_says_no_is_none(school: School, mark: str) -> None:
    make_student(school)

    test = run_test([line(pick=mark), line(ssid="8012345690")])

    assert [code for code in codes(test) if code != "FILE-PLACEHOLDER"] == ["SEL-NONE", "SEL-NONE"]


def test_equal_damaged_ssids_are_not_one_ssid_chosen_twice(school: School) -> None:
    make_student(school)
    make_student(school, "100241", first_name="Ann")

    test = run_test([line(pick="x", ssid="9.0E+09"), line("100241", first="Ann", pick="x", ssid="9.0E+09")])

    assert codes(test) == ["SSID-FORMAT", "SSID-FORMAT"]


def test_r3_no_match_is_a_notice_and_writes_nothing(school: School) -> None:
    student = make_student(school)

    test = run_test([line(ssid="", category="No Match", score="")])
    done = update(test)

    assert codes(test) == ["MATCH-NONE"]
    assert (done.import_count, done.skipped_count, done.error_count) == (0, 1, 0)
    assert current_ssid(student) is None


def test_r4_a_single_match_below_the_limit_waits(school: School) -> None:
    make_student(school)

    test = run_test([line(category="Single Match", score="99%")])

    assert codes(test) == ["SEL-NONE"]
    assert (test.planned_count, test.refused_count) == (0, 1)


def test_r4_a_single_match_at_the_limit_is_imported_with_a_notice(school: School) -> None:
    student = make_student(school)

    test = run_test([line(category="Single Match", score="100%")])
    update(test)

    assert codes(test) == ["SEL-SCORE"]
    assert (test.notice_count, test.warning_count, test.error_count) == (1, 0, 0)
    assert current_ssid(student) == "8012345678"


def test_r4_the_limit_is_an_option(school: School) -> None:
    make_student(school)

    test = run_test([line(category="Single Match", score="91%")], single_match_score="90")

    assert codes(test) == ["SEL-SCORE"]


@pytest.mark.parametrize("value", ["101", "-1", "abc", "9.5"])
def test_r4_a_limit_that_is_not_a_percentage_is_refused(school: School, value: str) -> None:
    with pytest.raises(RunRefusedError):
        run_test([line()], single_match_score=value)


@pytest.mark.parametrize("score", ["high", "101%", "910", "100.5", "999%"])
def test_r4_a_score_that_cannot_be_read_or_is_over_100_is_not_a_score(school: School, score: str) -> None:
    """`910` is 91.0 without its point: taken for a score it would choose for every limit."""
    make_student(school)

    test = run_test([line(category="Single Match", score=score)], single_match_score="0")

    assert codes(test) == ["SEL-NONE"]


def test_r5_several_candidates_and_none_marked(school: School) -> None:
    make_student(school)

    test = run_test([line(), line(ssid="8012345690", score="100%")])

    assert codes(test) == ["SEL-NONE", "SEL-NONE"]
    issue = ImportIssue.objects.filter(run=test).first()
    assert issue is not None
    assert issue.found == "100240"
    assert issue.params is not None
    assert issue.params["choices"] == "line 1, …678: 91%; line 2, …690: 100%"
    assert test.refused_count == 2


def test_r5_of_very_many_candidates_the_first_are_named(school: School) -> None:
    """Each line names them: all of 4,000 in 4,000 lines took a minute."""
    make_student(school)

    test = run_test([line(ssid=str(8012345000 + n)) for n in range(60)])

    texts = {issue.params["choices"] for issue in ImportIssue.objects.filter(run=test, code="SEL-NONE") if issue.params}
    (text,) = texts
    assert text.count("line ") == 20
    assert text.startswith("line 1, …000: 91%; line 2, …001: 91%")
    assert text.endswith("; and 40 more")


def test_r5_one_row_left_of_a_multiple_match_is_not_taken_by_its_score(school: School) -> None:
    make_student(school)

    test = run_test([line(score="100%")])

    assert codes(test) == ["SEL-NONE"]


def test_r6_two_marks_in_one_request(school: School) -> None:
    make_student(school)

    test = run_test([line(pick="X"), line(pick="X", ssid="8012345690")])

    assert codes(test) == ["SEL-MANY", "SEL-MANY"]
    assert (test.planned_count, test.refused_count, test.error_count) == (0, 2, 2)


def test_the_same_candidate_marked_twice_is_one_choice(school: School) -> None:
    make_student(school)

    test = run_test([line(pick="X"), line(pick="X")])

    assert (test.planned_count, test.skipped_count) == (1, 1)


@pytest.mark.parametrize("ssid", ["", "80123", "80123456789", "80123ABCDE"])
def test_r7_a_chosen_row_without_a_valid_ssid(school: School, ssid: str) -> None:
    student = make_student(school)

    test = run_test([line(pick="X", ssid=ssid), line(ssid="8012345690")])
    update(test)

    assert codes(test, 1) == ["SSID-FORMAT"]
    assert current_ssid(student) is None


def test_r8_local_number_not_found(school: School) -> None:
    test = run_test([line(pick="X")])

    assert codes(test) == ["STU-NOTFOUND"]
    assert test.refused_count == 1


def test_r8_a_local_number_of_two_persons(school: School) -> None:
    for code in ("7654321", "7654322"):
        lea = LEA.objects.create(code=code)
        make_student(School.objects.create(lea=lea, code="0654321"))
    strange = line(pick="X").replace("1234567,", "1111111,", 1)

    test = run_test([line("100299", category="No Match", ssid="", score=""), strange])
    update(test)

    assert "STU-AMBIGUOUS" in codes(test, 2)
    assert not SSID.objects.exists()


FATAL = {
    "both names": {"last": "Poe", "first": "Edgar"},
    "birth date": {"born": "20110305"},
    "no SSID": {"ssid": ""},
    "unknown student": {"number": "100299"},
}


@pytest.mark.parametrize("changed", FATAL.values(), ids=FATAL)
def test_r1_some_mismatches_are_fatal_nothing_is_imported_and_it_is_reported(
    school: School, changed: dict[str, str]
) -> None:
    student = make_student(school)

    test = run_test([line(pick="X", **changed)])  # type: ignore[arg-type]
    done = update(test)

    assert test.error_count >= 1
    assert (done.import_count, current_ssid(student)) == (0, None)


@pytest.mark.parametrize("changed", [{"last": "Poe"}, {"first": "Edgar"}, {"middle": "Lou"}, {"gender": "F"}], ids=str)
def test_r2_some_mismatches_are_warnings_the_ssid_is_imported_and_it_is_reported(
    school: School, changed: dict[str, str]
) -> None:
    student = make_student(school)

    test = run_test([line(pick="X", **changed)])  # type: ignore[arg-type]
    update(test)

    assert (test.warning_count, test.error_count) == (1, 0)
    assert current_ssid(student) == "8012345678"


def test_r9_birth_date_differs_from_the_student_now(school: School) -> None:
    student = make_student(school, birth_date="2011-03-05")

    test = run_test([line(pick="X")])
    update(test)

    assert codes(test) == ["DEMO-MISMATCH"]
    assert current_ssid(student) is None


def test_r10_both_names_differ(school: School) -> None:
    student = make_student(school, last_name="Ng", first_name="Pat")

    test = run_test([line(pick="X")])
    update(test)

    assert codes(test) == ["DEMO-MISMATCH", "DEMO-MISMATCH"]
    assert test.error_count == 2
    assert current_ssid(student) is None


def test_r10_one_name_differs(school: School) -> None:
    student = make_student(school, last_name="Ng")

    test = run_test([line(pick="X")])
    update(test)

    assert codes(test) == ["DEMO-MISMATCH"]
    assert (test.error_count, test.warning_count) == (0, 1)
    assert current_ssid(student) == "8012345678"


@pytest.mark.parametrize("changed", [{"middle_name": "Ray"}, {"gender": "F"}])
def test_r11_middle_name_or_gender_differs(school: School, changed: dict[str, str]) -> None:
    make_student(school, **changed)

    test = run_test([line(pick="X")])

    assert (test.error_count, test.warning_count, test.planned_count) == (0, 1, 1)


@pytest.mark.parametrize(
    ("mine", "told", "code"),
    [
        ({"middle_name": "Ray"}, "", "DEMO-MISMATCH"),
        ({"gender": "F"}, "", "DEMO-MISMATCH"),
        ({}, "Li,Sam,M,20110304,,,,,", "CAND-DIFFERS"),
        ({}, "Lee,Sam,F,20110304,,,,,", "CAND-DIFFERS"),
        ({}, "Lee,Sam,M,20110305,,,,,", "CAND-DIFFERS"),
    ],
)
def test_r11_r12_a_mismatch_that_only_warns_is_imported_and_reported(
    school: School, mine: dict[str, str], told: str, code: str
) -> None:
    student = make_student(school, **mine)

    done = update(run_test([f"{HEADER},{RESULT}", line(pick="X", more=told or ",,,,,,,,")]))

    warned = ImportIssue.objects.filter(run__in=[done.pk, done.plan_run_id], code=code, severity=2)
    assert warned.count() == 1
    assert (done.import_count, done.error_count, current_ssid(student)) == (1, 0, "8012345678")


def test_r12_the_candidate_differs_from_the_student(school: School) -> None:
    make_student(school)

    test = run_test([f"{HEADER},{RESULT}", line(pick="X", more="Li,Sam,F,20110305,,,,,")])

    found = ImportIssue.objects.filter(run=test, code="CAND-DIFFERS").values_list("field", flat=True)
    assert sorted(found) == ["result_birth_date", "result_gender", "result_last_name"]
    assert test.planned_count == 1


def test_r13_ssid_of_another_student(school: School) -> None:
    make_student(school, "100299", ssid="8012345678", first_name="Kim")
    student = make_student(school)

    test = run_test([line(pick="X")])

    assert codes(test) == ["SSID-TAKEN"]
    assert current_ssid(student) is None


def test_r13_the_student_has_it_already(school: School) -> None:
    make_student(school, ssid="8012345678")

    test = run_test([line(pick="X")])

    assert codes(test) == ["SSID-PRESENT"]
    assert test.unchanged_count == 1


def test_r13_the_student_has_another_one(school: School) -> None:
    student = make_student(school, ssid="9012345678")

    test = run_test([line(pick="X")])
    update(test)

    assert codes(test) == ["SSID-CONFLICT"]
    assert current_ssid(student) == "9012345678"


def test_r13_d10_a_retired_ssid_is_replaced_where_asked_and_kept(school: School) -> None:
    student = make_student(school, ssid="9012345678")
    SSIDReplacement.objects.create(retired_ssid="9012345678", replacement_ssid="8012345678")
    kept = update(run_test([line(pick="X")]))
    assert (kept.import_count, current_ssid(student)) == (0, "9012345678")

    update(run_test([line(pick="X")], replace_retired="1"))

    assert current_ssid(student) == "8012345678"
    assert SSID.objects.get(ssid="9012345678").retired_at is not None


def test_r15_one_ssid_chosen_for_three_students_names_another_one_to_each(school: School) -> None:
    numbers = ("100240", "100241", "100242")
    for number in numbers:
        make_student(school, number)

    test = run_test([line(number, pick="X") for number in numbers])

    assert codes(test) == ["SEL-TWICE"] * 3
    others = ImportIssue.objects.filter(run=test).order_by("line").values_list("params__other_number", flat=True)
    assert all(other in numbers and other != number for number, other in zip(numbers, others, strict=True))


def test_r14_english_learner_data_of_the_chosen_candidate_follows(school: School) -> None:
    student = make_student(school)
    rows = [
        line(more="Lee,Sam,M,20110304,EO,,eng,,"),
        line(pick="X", ssid="8012345690", more="Lee,Sam,M,20110304,EL,20150901,01,Lee,Ana"),
    ]

    update(run_test([f"{HEADER},{RESULT}", *rows]))

    record = ELRecord.objects.get(student=student)
    student.refresh_from_db()
    assert (record.program_status, str(record.identified_date), student.home_language) == ("EL", "2015-09-01", "spa")


def test_r14_a_file_without_english_learner_columns_says_nothing_of_them(school: School) -> None:
    student = make_student(school)
    ELRecord.objects.create(student=student, program_status="EL")

    test = run_test([line(pick="X")])

    assert codes(test) == []


def test_r15_one_ssid_chosen_for_two_students(school: School) -> None:
    make_student(school)
    make_student(school, "100241", first_name="Kim")

    test = run_test([line(pick="X"), line("100241", pick="X", first="Kim")])

    assert codes(test) == ["SEL-TWICE", "SEL-TWICE"]
    assert (test.planned_count, test.refused_count) == (0, 2)


def test_the_same_request_from_two_schools_is_written_once(school: School) -> None:
    student = make_student(school)
    second = line(pick="X").replace("0123456", "0123457", 1)

    done = update(run_test([line(pick="X"), second]))

    assert (done.import_count, done.unchanged_count) == (1, 1)
    assert current_ssid(student) == "8012345678"


def test_columns_past_the_thirteenth_go_by_name_in_any_order(school: School) -> None:
    student = make_student(school)
    header = f"{HEADER},Result_Primary_Language,Something_New,Result_ELAS_Start_Date,Result_ELAS_Code"

    update(run_test([header, line(pick="X", more="spa,?,20150901,EL")]))

    assert ELRecord.objects.get(student=student).program_status == "EL"


def test_revert_takes_ssid_and_english_learner_record_away_again(school: School) -> None:
    student = make_student(school)
    done = update(run_test([f"{HEADER},{RESULT}", line(pick="X", more="Lee,Sam,M,20110304,EL,20150901,spa,,")]))

    finish(start_revert(run=done, user=None, enqueue=False))

    assert current_ssid(student) is None
    assert not ELRecord.objects.filter(student=student).exists()


def test_a_second_update_of_the_same_file_changes_nothing(school: School) -> None:
    make_student(school)
    rows = [line(pick="X"), line(ssid="8012345690")]
    update(run_test(rows))

    again = run_test(rows)

    assert (again.planned_count, again.unchanged_count, again.skipped_count) == (0, 1, 1)


def test_a_student_changed_since_test_is_set_aside(school: School) -> None:
    student = make_student(school)
    test = run_test([line(pick="X")])
    student.first_name = "Samuel"
    student.save(update_fields=["first_name"])

    done = update(test)

    assert (done.import_count, done.set_aside_count) == (0, 1)
    assert current_ssid(student) is None


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("XYZ,20150901", "ELA-CODE"),
        ("EL,20110303", "ELA-BIRTH"),
    ],
)
def test_r14_bad_english_learner_data_of_a_candidate_is_not_written(school: School, told: str, code: str) -> None:
    student = make_student(school)
    ELRecord.objects.create(student=student, program_status="EL", identified_date="2015-09-01")

    done = update(
        run_test(
            [f"{HEADER},{RESULT}", line(pick="X", category="Single Match", more=f"Lee,Sam,M,20110304,{told},spa,,")]
        )
    )

    assert code in codes(ImportRun.objects.get(pk=done.plan_run_id))
    assert current_ssid(student) == "8012345678"
    assert ELRecord.objects.get().program_status == "EL"
    student.refresh_from_db()
    assert student.home_language == ""
