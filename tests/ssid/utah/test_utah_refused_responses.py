"""Responses of Utah's SSID system that are refused as a whole (rules U-2 and U-5)."""

from typing import Any

import pytest

from ssid.models import UtahFunction as Kind
from students.models import LEA
from tests.ssid.utah.exchange import (
    KIND,
    NUMBER,
    Utah,
    answered,
    edited,
    lines_of,
    request,
    try_response,
)

pytestmark = pytest.mark.django_db


def rejection(report: dict[str, Any]) -> str:
    assert report["status"] == "rejected"
    assert report["message"]
    (issue,) = report["issues"]
    return str(issue["code"])


def test_u5_a_verify_answer_is_refused(district: Utah) -> None:
    district.add("100", ssid="1234567")
    made = request(Kind.VERIFY, district.school)

    assert rejection(try_response(answered(made, lambda line: ("1234567", "Match")))) == "UTAH-VERIFY"


def test_u2_the_response_to_another_kind_of_request_is_refused(district: Utah) -> None:
    district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    assert rejection(try_response([edited(line, KIND, "N")])) == "UTAH-NO-REQUEST"


def test_u2_the_response_for_students_nobody_asked_about_is_refused(district: Utah) -> None:
    district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))
    district.add("101", school=district.other_school)

    assert rejection(try_response([edited(edited(line, NUMBER, "101"), 4, "Sam101")])) == "UTAH-NO-REQUEST"


def test_u2_two_kinds_in_one_file_are_refused(district: Utah) -> None:
    district.add("100")
    district.add("101")
    lines = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567" + line[NUMBER], "Match"))

    assert rejection(try_response([lines[0], edited(lines[1], KIND, "N")])) == "UTAH-MIXED"


def test_the_request_file_itself_is_not_a_response(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    report = try_response([",".join(line) for line in lines_of(made)])

    assert report["status"] == "rejected"
    assert report["import_count"] == 0


def test_a_response_for_another_district_is_refused(district: Utah) -> None:
    district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))

    assert rejection(try_response([edited(line, 10, "99")])) == "FILE-LEA"


def test_a_response_for_a_district_in_california_is_refused(district: Utah) -> None:
    district.add("100")
    (line,) = answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match"))
    LEA.objects.filter(pk=district.lea.pk).update(state="CA")

    assert rejection(try_response([line])) == "UTAH-PROFILE"


def test_a_file_of_another_layout_is_refused(district: Utah) -> None:
    report = try_response(
        ["1234567^0123456^9012345678^100234^Lee^Sam^^M^20090214^20240812^10^EL^20150901^spa^20140815"]
    )

    assert report["status"] == "rejected"
    assert report["import_count"] == 0
