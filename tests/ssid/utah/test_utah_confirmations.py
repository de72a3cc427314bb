"""Answers to an Update request of Utah's SSID system: which change flags they clear (rule U-4)."""

import datetime as dt

import pytest

from ssid.models import UtahFunction as Kind
from students.models import Student
from tests.ssid import journey
from tests.ssid.utah.exchange import (
    Utah,
    answered,
    edited,
    is_flagged,
    line_codes,
    load_response,
    request,
    try_response,
)
from tests.ssid.utah.test_utah_response import confirmed, outcomes

pytestmark = pytest.mark.django_db


def test_u4_a_confirmed_line_clears_the_flag(district: Utah, renamed: Student) -> None:
    made = request(Kind.UPDATE, district.school)

    report = load_response(answered(made, confirmed))

    assert not is_flagged(renamed)
    assert outcomes(report) == {"imported": 1}
    assert [(c["what"], c["field"], c["after"]) for c in report["changes"]] == [("changed", "cleared_by", made.pk)]


def test_u4_test_leaves_the_flag(district: Utah, renamed: Student) -> None:
    try_response(answered(request(Kind.UPDATE, district.school), confirmed))

    assert is_flagged(renamed)


def test_u4_several_changes_of_one_student_are_cleared_together(district: Utah, renamed: Student) -> None:
    Student.objects.filter(pk=renamed.pk).update(ethnicity="H", gender="X")
    made = request(Kind.UPDATE, district.school)

    report = load_response(answered(made, confirmed))

    assert len(report["changes"]) == 3
    assert not is_flagged(renamed)


def test_u4_a_line_that_is_not_confirmed_keeps_the_flag(district: Utah, renamed: Student) -> None:
    report = load_response(answered(request(Kind.UPDATE, district.school), lambda line: (line[1], "Match")))

    assert line_codes(report) == ["UTAH-UNCONFIRMED"]
    assert outcomes(report) == {"skipped": 1}
    assert is_flagged(renamed)


def test_u4_a_student_who_changed_again_keeps_the_flag(district: Utah, renamed: Student) -> None:
    lines = answered(request(Kind.UPDATE, district.school), confirmed)
    Student.objects.filter(pk=renamed.pk).update(ethnicity="H")

    report = load_response(lines)

    assert line_codes(report) == ["UTAH-CHANGED-AGAIN"]
    assert is_flagged(renamed)


def test_u4_a_name_that_changed_again_matches_no_more_and_says_why(district: Utah, renamed: Student) -> None:
    lines = answered(request(Kind.UPDATE, district.school), confirmed)
    Student.objects.filter(pk=renamed.pk).update(last_name="Ruiz")

    report = load_response(lines)

    assert "changed after the request" in next(i["message"] for i in report["issues"] if i["code"] == "DEMO-MISMATCH")
    assert is_flagged(renamed)


def test_u4_other_values_than_were_sent_confirm_nothing(district: Utah, renamed: Student) -> None:
    (line,) = answered(request(Kind.UPDATE, district.school), confirmed)

    report = load_response([edited(line, 7, "20110305")])

    assert line_codes(report) == ["UTAH-ECHO"]
    assert is_flagged(renamed)


def test_u4_another_ssid_than_the_students_confirms_nothing(district: Utah, renamed: Student) -> None:
    report = load_response(answered(request(Kind.UPDATE, district.school), lambda line: ("555", "Updated")))

    assert line_codes(report) == ["UTAH-OTHER-SSID"]
    assert is_flagged(renamed)


def test_u4_revert_flags_the_student_again(district: Utah, renamed: Student) -> None:
    report = load_response(answered(request(Kind.UPDATE, district.school), confirmed))

    journey.revert(report["run"])

    assert is_flagged(renamed)


def test_u4_a_change_between_test_and_update_keeps_the_flag(district: Utah, renamed: Student) -> None:
    lines = answered(request(Kind.UPDATE, district.school), confirmed)
    try_response(lines)
    Student.objects.filter(pk=renamed.pk).update(birth_date=dt.date(2011, 3, 5))

    run = journey.start("utah-response", lines, work="update", name="RESP_0001.csv")

    assert run.set_aside_count == 1
    assert is_flagged(renamed)


def test_u4_the_second_answer_finds_nothing_to_confirm(district: Utah, renamed: Student) -> None:
    lines = answered(request(Kind.UPDATE, district.school), confirmed)
    load_response(lines)

    report = load_response(lines)

    assert line_codes(report) == ["UTAH-NOFLAG"]
    assert outcomes(report) == {"unchanged": 1}
