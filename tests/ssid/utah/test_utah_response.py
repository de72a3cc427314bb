"""Processing a response of Utah's SSID system (rules U-1 to U-8)."""

import datetime as dt
from typing import Any

import pytest

from sisimport.imports.models import ImportRun, Work
from ssid.models import UtahFunction as Kind
from ssid.models import UtahRequest
from ssid.utah.queries import with_state
from students.models import LEA, SSID, Enrollment, Student
from tests.imports.journey import run_file
from tests.ssid import journey
from tests.ssid.utah.exchange import (
    LAST,
    NUMBER,
    Utah,
    answered,
    current,
    edited,
    line_codes,
    lines_of,
    load_response,
    request,
    response_line,
    try_response,
)

pytestmark = pytest.mark.django_db


def state_of(made: UtahRequest) -> str:
    return str(with_state(UtahRequest.objects.filter(pk=made.pk)).get().state)


def confirmed(line: list[str]) -> tuple[str, str]:
    return line[1], "Updated"


def outcomes(report: dict[str, Any]) -> dict[str, int]:
    run = ImportRun.objects.get(pk=report["run"])
    assert sum(run.outcome_counts.values()) == run.record_count
    return {name: n for name, n in run.outcome_counts.items() if n}


# -- Retrieve and New --------------------------------------------------------------------------------------------------


def test_u3_test_reports_and_writes_nothing(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = try_response(answered(made, lambda line: ("1234567", "Match")))

    assert outcomes(report) == {"imported": 1}
    assert report["import_count"] == 0
    assert current(student) is None


def test_u3_update_writes_the_ssids_of_a_retrieve(district: Utah) -> None:
    found, unknown = district.add("100"), district.add("101")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(
        answered(made, lambda line: ("1234567", "Match") if line[NUMBER] == "100" else ("", "No Match"))
    )

    assert current(found) == "1234567"
    assert current(unknown) is None
    assert outcomes(report) == {"imported": 1, "skipped": 1}
    assert line_codes(report) == ["UTAH-NOMATCH"]
    assert SSID.objects.get(student=found).state == "UT"
    assert SSID.objects.get(student=found).origin_run == report["run"]


def test_u3_new_writes_the_issued_ssids_whatever_the_status_says(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.NEW, district.school)

    load_response(answered(made, lambda line: ("7654321", "No Match")))

    assert current(student) == "7654321"


def test_u3_a_line_without_ssid_in_a_new_response_is_an_error(district: Utah) -> None:
    district.add("100")
    made = request(Kind.NEW, district.school)

    assert line_codes(try_response(answered(made, lambda line: ("", "No Match")))) == ["UTAH-NOSSID"]


def test_u3_an_error_of_the_state_is_repeated_with_its_message(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    lines = [response_line(line, "", "Error", "Birth date too early") for line in lines_of(made)]

    report = try_response(lines)

    assert line_codes(report) == ["UTAH-REFUSED"]
    assert report["issues"][-1]["message"] == "The state did not process this line: Birth date too early."


def test_u3_an_ssid_beside_no_match_is_not_written(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: ("1234567", "No Match")))

    assert line_codes(report) == ["UTAH-CONTRADICTS"]
    assert current(student) is None


def test_an_unknown_status_word_keeps_the_line_out(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: ("1234567", "Perhaps")))

    assert "FILE-CODE" in line_codes(report)
    assert current(student) is None


@pytest.mark.parametrize("ssid", ["12345678901", "12A4567", "100"], ids=["too long", "a letter", "the local number"])
def test_id8_a_value_that_is_not_a_utah_ssid_is_refused(district: Utah, ssid: str) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: (ssid, "Match")))

    assert line_codes(report) == ["SSID-FORMAT"]
    assert "one to ten digits" in report["issues"][-1]["message"]
    assert current(student) is None


@pytest.mark.parametrize("ssid", ["0", "0000000"])
def test_id8_zeros_alone_are_not_an_ssid(district: Utah, ssid: str) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: (ssid, "Match")))

    assert line_codes(report) == ["SSID-FORMAT"]
    assert current(student) is None


def test_u3_what_the_state_says_of_a_line_it_processed_is_reported(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.NEW, district.school)
    lines = [response_line(line, "1234567", "Updated", "School closes in May") for line in lines_of(made)]

    report = load_response(lines)

    assert [(i["code"], i["severity"]) for i in report["issues"]] == [("UTAH-MESSAGE", "notice")]
    assert "School closes in May" in report["issues"][0]["message"]
    assert current(student) == "1234567"


@pytest.mark.parametrize("ssid", ["1", "1234567", "0012345678"])
def test_id8_one_to_ten_digits_are_accepted(district: Utah, ssid: str) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    load_response(answered(made, lambda line: (ssid, "Match")))

    assert current(student) == ssid


def test_id5_an_ssid_of_another_student_is_refused(district: Utah) -> None:
    district.add("200", ssid="1234567")
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: ("1234567", "Match")))

    assert line_codes(report) == ["SSID-TAKEN"]
    assert current(student) is None


def test_d9_an_ssid_on_record_is_never_overwritten(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    SSID.objects.create(student=student, ssid="999", state="UT", origin="staff")

    report = load_response(answered(made, lambda line: ("1234567", "Match")))

    assert line_codes(report) == ["SSID-CONFLICT"]
    assert current(student) == "999"


def test_d8_the_same_response_twice_changes_nothing(district: Utah) -> None:
    district.add("100")
    lines = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))
    load_response(lines)

    again = load_response(lines)

    assert line_codes(again) == ["SSID-PRESENT"]
    assert outcomes(again) == {"unchanged": 1}


def test_a_california_ssid_of_the_same_digits_is_another_number(district: Utah) -> None:
    california = LEA.objects.create(code="1234567", state="CA")
    other = Student.objects.create(lea=california, local_number="1", last_name="Roe", birth_date="2010-01-01")
    SSID.objects.create(student=other, ssid="9012345678", origin="staff")
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    load_response(answered(made, lambda line: ("9012345678", "Match")))

    assert current(student) == "9012345678"


def test_revert_takes_the_ssids_back(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    report = load_response(answered(made, lambda line: ("1234567", "Match")))

    journey.revert(report["run"])

    assert current(student) is None
    assert state_of(made) == "answered"


# -- whose line is it --------------------------------------------------------------------------------------------------


def test_u8_another_last_name_matches_nobody(district: Utah) -> None:
    student = district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    report = load_response([edited(line, LAST, "Liu")])

    (issue,) = [i for i in report["issues"] if i["line"] == 1]
    assert (issue["code"], issue["line"]) == ("DEMO-MISMATCH", 1)
    assert current(student) is None


def test_u8_a_name_that_is_nearly_the_same_is_its_own_finding(district: Utah) -> None:
    district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    assert line_codes(try_response([edited(line, LAST, "LEE")])) == ["DEMO-NEAR"]


def test_u8_an_unknown_local_number_matches_nobody(district: Utah) -> None:
    district.add("100")
    district.add("101")
    lines = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567" + line[NUMBER], "Match"))

    report = try_response([lines[0], edited(lines[1], NUMBER, "555")])

    assert line_codes(report, 2) == ["STU-NOTFOUND"]


def test_u8_legal_names_are_compared_with_the_option_only(district: Utah) -> None:
    student = district.add("100", legal_last_name="Nguyen", legal_first_name="Minh")
    made = request(Kind.RETRIEVE, district.school)
    lines = answered(made, lambda line: ("1234567", "Match"))

    without = try_response(lines)
    assert line_codes(without) == ["DEMO-MISMATCH", "DEMO-MISMATCH"]
    assert "Compare legal names" in without["issues"][-1]["message"]

    load_response(lines, match_legal="1")
    assert current(student) == "1234567"


def test_u8_with_the_option_a_student_without_legal_name_matches_by_the_everyday_one(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    load_response(answered(made, lambda line: ("1234567", "Match")), match_legal="1")

    assert current(student) == "1234567"


def test_u8_two_lines_for_one_student_write_neither(district: Utah) -> None:
    student = district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    report = load_response([line, line])

    assert set(line_codes(report, 1)) == set(line_codes(report, 2)) == {"UTAH-TWICE"}
    assert current(student) is None


def test_r15_one_ssid_for_two_students_writes_neither(district: Utah) -> None:
    one, two = district.add("100"), district.add("101")
    made = request(Kind.RETRIEVE, district.school)

    report = load_response(answered(made, lambda line: ("1234567", "Match")))

    assert line_codes(report) == ["UTAH-TWICE", "UTAH-TWICE"]
    assert (current(one), current(two)) == (None, None)


def test_u2_a_student_who_was_not_in_the_request_gets_nothing(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    late = district.add("101")
    (line,) = answered(made, lambda line: ("1234567", "Match"))
    foreign = edited(edited(edited(line, 1, "777"), NUMBER, "101"), 4, "Sam101")

    report = load_response([line, foreign])

    assert line_codes(report, 2) == ["UTAH-NOT-SENT"]
    assert current(late) is None


def test_u2_a_line_of_another_school_gets_nothing(district: Utah) -> None:
    student = district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    report = load_response([edited(line, 11, "0124")])

    assert line_codes(report) == ["UTAH-SCHOOL"]
    assert current(student) is None


def test_a_school_code_without_its_leading_zero_is_the_same_school(district: Utah) -> None:
    student = district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    load_response([edited(line, 11, "123")])

    assert current(student) == "1234567"


def test_u9_a_student_who_left_since_the_request_gets_nothing(district: Utah) -> None:
    student = district.add("100")
    lines = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))
    Enrollment.objects.filter(student=student).update(exit_date=dt.date(2024, 10, 1))

    report = load_response(lines)

    assert line_codes(report) == ["UTAH-LEFT"]
    assert current(student) is None


def test_a_registrar_of_one_school_writes_for_that_school_only(district: Utah) -> None:
    mine, theirs = district.add("100"), district.add("101", school=district.other_school)
    made = request(Kind.RETRIEVE, district.school, district.other_school)
    lines = answered(made, lambda line: ("1234567" + line[NUMBER], "Match"))

    report = load_response(lines, schools=[district.school.pk])

    assert current(mine) == "1234567100"
    assert current(theirs) is None
    assert line_codes(report) == ["STU-NOTFOUND"]
    assert state_of(made) == "open"


# -- the file and its request -----------------------------------------------------------------------------------------


def test_u12_a_header_line_decides_where_the_columns_are(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    names = "LEA Student Number,Last Name,First Name,SSID,LEA ID,LEA School ID,Request Type,Status,File Line Number"
    names += ",School Year,Middle Name,Name Suffix,Birth Date,Gender,Ethnicity,Message"
    line = f"100,Lee,Sam100,1234567,07,0123,R,Match,1,{made.school_year},,,20110304,M,,"

    load_response([names, line])

    assert current(student) == "1234567"


# -- state of the request ----------------------------------------------------------------------------------------------


def test_the_state_of_a_request_follows_its_answer(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    lines = answered(made, lambda line: ("1234567", "Match"))

    seen = [state_of(made)]
    try_response(lines)
    seen.append(state_of(made))
    load_response(lines)
    seen.append(state_of(made))

    assert seen == ["open", "answered", "applied"]


def test_an_answer_that_found_nobody_is_settled_by_its_test(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    try_response(answered(made, lambda line: ("", "No Match")))

    assert state_of(made) == "applied"


def test_a_response_is_taken_as_the_answer_to_the_request_with_the_values_it_repeats(
    district: Utah, renamed: Student
) -> None:
    first = request(Kind.UPDATE, district.school)
    old = answered(first, confirmed)
    Student.objects.filter(pk=renamed.pk).update(birth_date=dt.date(2011, 3, 9))
    second = request(Kind.UPDATE, district.school)

    try_response(old)

    assert (state_of(first), state_of(second)) == ("applied", "open")


# -- what programs do to an answer on its way --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-16", "\t"), ("utf-16-le", ","), ("cp1252", ","), ("utf-8-sig", "\t")]
)
def test_an_answer_in_another_encoding_gives_the_same_ssids(district: Utah, encoding: str, separator: str) -> None:
    students = [district.add("100", last_name="Muñoz"), district.add("101", last_name="Peña")]
    made = request(Kind.RETRIEVE, district.school)
    told = iter(["1234567", "1234568"])
    lines = answered(made, lambda _line: (next(told), "Match"))
    content = "\r\n".join([*lines, ""]).replace(",", separator).encode(encoding)

    report = run_file("utah-response", content, work=Work.UPDATE, name="RESP_0001.csv")

    assert report.counts == {"imported": 2}, (report.run.message, report.issues)
    assert [current(student) for student in students] == ["1234567", "1234568"]
