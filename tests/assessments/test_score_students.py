"""Whose score it is: SSIDs that were replaced, names that differ, lines that come again."""

import datetime as dt
from itertools import pairwise

import pytest

from assessments.pages.queries import scores_json
from students.models import SSID, SSIDReplacement, Student
from tests.assessments.score_files import SSID_1, SSID_2, counts, ela, report, text
from tests.assessments.score_home import LAYOUT, TYPE, scores
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db


def test_a_retired_ssid_finds_the_student_with_a_notice(home: District) -> None:
    SSID.objects.update(ssid=SSID_2)
    SSID.objects.create(
        student=Student.objects.get(), ssid=SSID_1, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )

    done = report(TYPE, text(LAYOUT, ela()), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])


def test_records_by_the_current_and_a_former_ssid_are_two_of_one_student(home: District) -> None:
    SSID.objects.create(
        student=Student.objects.get(), ssid=SSID_2, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )

    done = report(TYPE, text(LAYOUT, ela(), ela(ssid=SSID_2, scale_score="2510", uin="2")), work="import")

    assert done["status"] == "completed"
    assert counts(done) == {"refused": 2}
    assert codes(done).count("AMB-RECORDS") == 2


def test_a_replaced_ssid_finds_the_student_with_a_notice(home: District) -> None:
    SSIDReplacement.objects.create(retired_ssid=SSID_2, replacement_ssid=SSID_1)

    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])
    assert done["issues"][0]["found"] == SSID_2


def test_a_chain_of_replaced_ssids_is_followed_to_its_end(home: District) -> None:
    chain = ["9000000001", "9000000002", "9000000003", SSID_1]
    for retired, replacement in pairwise(chain):
        SSIDReplacement.objects.create(retired_ssid=retired, replacement_ssid=replacement)

    done = report(TYPE, text(LAYOUT, ela(ssid=chain[0])), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])
    assert done["issues"][0]["found"] == chain[0]


def test_a_chain_of_replaced_ssids_ends_at_the_first_number_somebody_holds(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    SSIDReplacement.objects.create(retired_ssid="9000000001", replacement_ssid=SSID_1)
    SSIDReplacement.objects.create(retired_ssid=SSID_1, replacement_ssid=SSID_2)

    done = report(TYPE, text(LAYOUT, ela(ssid="9000000001")))

    assert {change["student"] for change in done["changes"] if change["line"]} == {"100"}


def test_an_ssid_that_somebody_holds_is_not_replaced(home: District) -> None:
    home.add("101", ssid=SSID_2)
    SSIDReplacement.objects.create(retired_ssid=SSID_1, replacement_ssid=SSID_2)

    done = report(TYPE, text(LAYOUT, ela()))

    assert codes(done) == []
    assert {change["student"] for change in done["changes"] if change["line"]} == {"100"}


@pytest.mark.parametrize("end", ["9000000003", "9000000001"], ids=["nobody has the last", "in a circle"])
def test_a_chain_of_replaced_ssids_that_leads_nowhere_finds_nobody(home: District, end: str) -> None:
    SSIDReplacement.objects.create(retired_ssid="9000000001", replacement_ssid="9000000002")
    SSIDReplacement.objects.create(retired_ssid="9000000002", replacement_ssid=end)

    done = report(TYPE, text(LAYOUT, ela(ssid="9000000001", first_name="Kim")))

    assert (codes(done), done["issues"][0]["found"]) == (["DIS-NOTFOUND"], "9000000001")


@pytest.mark.parametrize(
    ("facts", "code", "field", "found", "expected"),
    [
        ({"last_name": "Li"}, "DIS-NAME", "last_name", "Li", "Lee"),
        ({"first_name": "Tom"}, "DIS-NAME", "first_name", "Tom", "Sam"),
        ({"birth_date": "2011-04-03"}, "DIS-BIRTH", "birth_date", "2011-04-03", "2011-03-04"),
    ],
)
def test_a_discrepancy_names_both_values(
    home: District, facts: dict[str, str], code: str, field: str, found: str, expected: str
) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)), work="import")

    assert counts(done) == {"refused": 1}
    issue = done["issues"][0]
    assert (issue["code"], issue["severity"], issue["field"]) == (code, "error", field)
    assert (issue["found"], issue["expected"]) == (found, expected)


@pytest.mark.parametrize("first_name", ["Samuel", "Sam", "Sammy"])
def test_first_names_are_compared_with_legal_everyday_and_alias_names(first_name: str) -> None:
    district().add("100", ssid=SSID_1, legal_first_name="Samuel", legal_last_name="Lee", alias_first_name="Sammy")

    done = report(TYPE, text(LAYOUT, ela(first_name=first_name)))

    assert (done["planned_count"], done["issues"]) == (1, [])


def test_nobody_has_the_ssid(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2, first_name="Kim")))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["DIS-NOTFOUND"])


def test_a_partial_match_is_reported_and_not_imported(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["DIS-PARTIAL"])
    assert "100" in done["issues"][0]["message"]


def test_several_students_of_that_name_are_an_ambiguity(home: District) -> None:
    home.add("101")

    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["AMB-STUDENTS"])


def test_two_records_of_one_student_and_test_are_an_ambiguity(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(scale_score="2503", uin="2")))

    assert (counts(done), codes(done)) == ({"refused": 2}, ["AMB-RECORDS", "AMB-RECORDS"])


def test_the_same_record_twice_counts_once(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela()), work="import")

    assert (counts(done), codes(done)) == ({"import": 1, "unchanged": 1}, ["AMB-REPEAT"])


def test_one_uin_on_lines_of_two_students_keeps_nobody_out(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")

    done = report(TYPE, text(LAYOUT, ela(), ela(ssid=SSID_2, first_name="Kim")), work="import")

    assert counts(done) == {"import": 2}
    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [(0, "AMB-UIN", "notice")]
    assert {score["uin"] for score in scores_json(Student.objects.get(local_number="100"))} == {None}


def test_blank_uins_are_one_notice_for_the_file_and_keep_nobody_out(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    unscored = ela(record_type="02", uin="", scale_score="", achievement_level="9", condition_code="NT")

    done = report(TYPE, text(LAYOUT, ela(uin="7"), ela(ssid=SSID_2, first_name="Kim", uin=""), unscored), work="import")

    assert counts(done)["import"] == 2
    (blank,) = [i for i in done["issues"] if i["code"] == "EXC-UIN-BLANK"]
    assert (blank["line"], blank["severity"], "1 of the lines" in blank["message"]) == (0, "notice", True)
    assert "line 3" in blank["message"]


def test_one_uin_on_two_tests_of_a_student_is_kept(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(record_type="02")), work="import")

    assert (counts(done), "AMB-UIN" in codes(done)) == ({"import": 2}, False)
    assert {score["uin"] for score in scores_json(Student.objects.get())} == {ela()["uin"]}


@pytest.mark.parametrize("repeats", [1, pytest.param(2, marks=pytest.mark.faults), 7])
def test_a_repeat_takes_the_place_of_a_refused_line(home: District, repeats: int) -> None:
    done = report(TYPE, text(LAYOUT, ela(last_name="Stranger"), *[ela()] * repeats), work="import")

    assert counts(done) == {"import": 1, "refused": 1} | ({"unchanged": repeats - 1} if repeats > 1 else {})
    assert scores()["SBELA"]["scale_score"] == "2502"


@pytest.mark.parametrize("lines", [2, pytest.param(5, marks=pytest.mark.faults), 9])
def test_repeats_of_refused_lines_are_refused_as_well(home: District, lines: int) -> None:
    done = report(TYPE, text(LAYOUT, *[ela(last_name="Stranger")] * lines), work="import")

    assert counts(done) == {"refused": lines}
    assert not scores()
