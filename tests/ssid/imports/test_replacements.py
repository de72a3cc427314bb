"""Import type Replacement SSIDs, rule by rule (X-1 to X-4 of the SSID rules)."""

import datetime as dt
import io
import json
from contextlib import redirect_stdout

import pytest
from django.core.management import call_command
from django.db import connection

from students.models import SSID, SSIDReplacement
from students.ssids import students_with_ssid
from tests.ssid.journey import District, codes, district, record, revert, try_file, update

pytestmark = pytest.mark.django_db

OLD, NEW, NEWER = "9012345600", "9012345679", "9012345688"


@pytest.fixture
def valley() -> District:
    return district()


def line(retired: str = OLD, replacement: str = NEW, number: str = "100") -> str:
    return f"1234567^0123456^{number}^{retired}^{replacement}"


def test_x1_the_replacement_becomes_current_and_the_retired_ssid_is_kept(valley: District) -> None:
    student = valley.add("100", ssid=OLD)

    report = update("ssid-replacement", [line()])

    assert (report["layout"], report["import_count"], report["issues"]) == ("calpads-replacement-ssid", 1, [])
    after = record(student)
    assert (after["ssid"], after["retired_ssids"]) == (NEW, [OLD])
    assert SSIDReplacement.objects.get().replacement_ssid == NEW


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (line(retired="12345"), "SSID-FORMAT"),
        (line(replacement=""), "SSID-FORMAT"),
        (line(replacement="9.01235E+09"), "SSID-FORMAT"),
        (line(replacement=OLD), "REP-SAME"),
        (line(number="999", retired="9999999990"), "STU-NOTFOUND"),
    ],
    ids=["short", "blank", "spreadsheet", "by itself", "nobody of ours"],
)
def test_x1_a_line_that_cannot_be_used_is_refused(valley: District, text: str, code: str) -> None:
    student = valley.add("100", ssid=OLD)

    report = update("ssid-replacement", [text])

    assert codes(report, severity="error") == [code]
    assert (report["refused_count"], record(student)["ssid"]) == (1, OLD)


def test_x1_a_file_of_five_columns_only(valley: District) -> None:
    report = try_file("ssid-replacement", [f"{line()}^more"] * 3)
    assert (report["status"], codes(report)) == ("rejected", ["FILE-COLUMNS"])


def test_x2_a_student_who_has_the_replacement_gets_the_retired_one_as_a_former_ssid(valley: District) -> None:
    student = valley.add("100", ssid=NEW)

    report = update("ssid-replacement", [line()])

    assert (codes(report), report["import_count"]) == (["SSID-PRESENT"], 1)
    after = record(student)
    assert (after["ssid"], after["retired_ssids"]) == (NEW, [OLD])


def test_x3_a_student_without_ssid_gets_none_by_local_number_alone(valley: District) -> None:
    student = valley.add("100")

    report = update("ssid-replacement", [line()])

    assert codes(report) == ["REP-NOSSID"]
    assert record(student)["ssid"] is None
    assert SSIDReplacement.objects.filter(retired_ssid=OLD, replacement_ssid=NEW).exists()


def test_x3_the_student_is_found_by_the_retired_ssid(valley: District) -> None:
    student = valley.add("100", ssid=OLD)
    update("ssid-replacement", [line()])
    assert [students_with_ssid(number).get() for number in (OLD, NEW)] == [student, student]


def test_x3_the_student_is_found_by_an_ssid_that_was_replaced_before_we_knew_him(valley: District) -> None:
    SSIDReplacement.objects.create(retired_ssid=OLD, replacement_ssid=NEWER)
    SSIDReplacement.objects.create(retired_ssid=NEWER, replacement_ssid=NEW)
    student = valley.add("100", ssid=NEW)
    assert students_with_ssid(OLD).get() == student


def test_x3_show_student_finds_by_the_retired_ssid(valley: District) -> None:
    valley.add("100", ssid=OLD)
    update("ssid-replacement", [line()])

    with redirect_stdout(io.StringIO()) as printed:
        call_command("show_student", OLD, json=True)

    assert json.loads(printed.getvalue())["local_number"] == "100"


def test_x3_the_download_file_knows_the_replacement(valley: District) -> None:
    valley.add("100", ssid=OLD)
    SSIDReplacement.objects.create(retired_ssid=OLD, replacement_ssid=NEW)
    download = f"1234567^0123456^{NEW}^100^Lee^Sam^^M^20110304^20240812^05^^^^20140815"
    assert codes(try_file("ssid-download", [download])) == ["SSID-RETIRED"]


@pytest.mark.parametrize(
    ("other", "fact"),
    [({"gender": "F"}, "gender"), ({"birth_date": dt.date(2012, 3, 4)}, "birth year")],
)
def test_x4_gender_and_birth_year_of_the_local_numbers_student_must_agree(
    valley: District, other: dict[str, object], fact: str
) -> None:
    holder = valley.add("100", ssid=OLD)
    valley.add("200", **other)

    report = update("ssid-replacement", [line(number="200")])

    assert codes(report, severity="error") == ["REP-OTHER"]
    assert f"differ in {fact}" in report["issues"][0]["message"]
    assert record(holder)["ssid"] == OLD


def test_x4_the_legal_gender_is_compared_where_one_is_recorded(valley: District) -> None:
    valley.add("100", ssid=OLD)
    valley.add("200", gender="X", legal_gender="M")
    report = try_file("ssid-replacement", [line(number="200")])
    assert (codes(report), report["planned_count"]) == (["REP-NUMBER"], 1)


def test_x4_the_ssid_counts_where_the_local_number_is_not_known(valley: District) -> None:
    student = valley.add("100", ssid=OLD)

    report = update("ssid-replacement", [line(number="777")])

    assert codes(report) == ["REP-NUMBER-GONE"]
    assert record(student)["ssid"] == NEW


def test_x4_who_has_the_replacement_must_agree_too(valley: District) -> None:
    valley.add("100", ssid=OLD)
    valley.add("200", ssid=NEW, gender="F")
    report = try_file("ssid-replacement", [line()])
    assert codes(report, severity="error") == ["REP-OTHER", "SSID-TAKEN"]
    assert report["changes"] == []


def test_id5_a_replacement_that_another_student_has_is_not_given_though_the_facts_agree(valley: District) -> None:
    valley.add("100", ssid=OLD)
    valley.add("200", ssid=NEW)
    report = try_file("ssid-replacement", [line()])
    assert (codes(report), report["changes"]) == (["SSID-TAKEN"], [])


def test_id5_one_replacement_for_two_students_is_refused_for_both(valley: District) -> None:
    valley.add("100", ssid=OLD)
    valley.add("200", ssid=NEWER)
    report = update("ssid-replacement", [line(), line(NEWER, NEW, "200")])
    assert (codes(report), report["refused_count"]) == (["REP-SHARED", "REP-SHARED"], 2)


def test_two_retired_ssids_of_one_student_become_one(valley: District) -> None:
    student = valley.add("100", ssid=OLD)

    report = update("ssid-replacement", [line(NEWER, NEW), line(OLD, NEW)])

    assert report["import_count"] == 2
    after = record(student)
    assert (after["ssid"], sorted(after["retired_ssids"])) == (NEW, [OLD, NEWER])


def test_a_chain_in_one_file_is_written_by_its_last_line(valley: District) -> None:
    student = valley.add("100", ssid=OLD)
    lines = [line(OLD, NEW), line(NEW, NEWER)]

    first, second = update("ssid-replacement", lines), update("ssid-replacement", lines)

    assert (codes(first, severity="error"), first["import_count"]) == ([], 2)
    assert (codes(second, severity="error"), second["import_count"]) == ([], 0)
    after = record(student)
    assert (after["ssid"], sorted(after["retired_ssids"])) == (NEWER, sorted([OLD, NEW]))


def test_d9_a_student_with_another_ssid_keeps_it(valley: District) -> None:
    valley.add("100", ssid="9000000000")
    report = try_file("ssid-replacement", [line()])
    assert (codes(report), report["changes"]) == (["SSID-CONFLICT"], [])


def test_another_replacement_on_record_is_not_overwritten(valley: District) -> None:
    valley.add("100", ssid=OLD)
    SSIDReplacement.objects.create(retired_ssid=OLD, replacement_ssid=NEWER)
    report = try_file("ssid-replacement", [line()])
    assert codes(report, severity="error") == ["REP-DIFFERS"]


def test_d11_the_same_line_twice_is_applied_once(valley: District) -> None:
    student = valley.add("100", ssid=OLD)
    report = update("ssid-replacement", [line(), line()])
    assert (codes(report), report["import_count"], report["unchanged_count"]) == (["DUP-SAME"], 1, 1)
    assert record(student)["ssid"] == NEW


def test_d11_one_ssid_replaced_by_two_is_refused(valley: District) -> None:
    valley.add("100", ssid=OLD)
    report = try_file("ssid-replacement", [line(), line(OLD, NEWER)])
    assert codes(report, severity="error") == ["DUP-DIFFERS", "DUP-DIFFERS"]


def test_update_does_what_the_test_said_and_a_second_one_nothing(valley: District) -> None:
    valley.add("100", ssid=OLD)
    tested, updated = try_file("ssid-replacement", [line()]), update("ssid-replacement", [line()])
    again = update("ssid-replacement", [line()])
    assert [c["after"] for c in tested["changes"] if c["field"] == "ssid"] == [NEW]
    assert updated["import_count"] == tested["planned_count"] == 1
    assert (again["import_count"], again["unchanged_count"]) == (0, 1)


def test_revert_makes_the_retired_ssid_current_again(valley: District) -> None:
    student = valley.add("100", ssid=OLD)
    before = record(student)

    revert(update("ssid-replacement", [line()])["run"])

    assert record(student) == before
    assert (SSID.objects.count(), SSIDReplacement.objects.count()) == (1, 0)


def test_a_student_whose_ssid_is_replaced_is_at_no_time_among_those_without_one(valley: District) -> None:
    """Neither by an Update nor by its Revert: each would write the student into that list and take the row out again."""
    valley.add("100", ssid=OLD)
    report = try_file("ssid-replacement", [line()])
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'listed'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON students_withoutssid FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    updated = update("ssid-replacement", [line()])
    assert (report["planned_count"], updated["import_count"]) == (1, 1)
    revert(updated["run"])

    assert SSID.objects.get(retired_at=None).ssid == OLD


def test_a_student_of_another_school_is_not_found(valley: District) -> None:
    valley.add("100", ssid=OLD)
    report = try_file("ssid-replacement", [line()], schools=[valley.school.pk + 1])
    assert (codes(report, severity="error"), report["changes"]) == (["STU-NOTFOUND"], [])


def test_x3_a_student_whose_only_number_is_a_former_one_is_said_to_have_none(valley: District) -> None:
    student = valley.add("100")
    SSID.objects.create(student=student, ssid=OLD, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))

    report = update("ssid-replacement", [line()])

    assert codes(report, severity="warning") == ["REP-NOSSID"]
    assert SSIDReplacement.objects.get().replacement_ssid == NEW


def test_equal_damaged_replacements_are_not_one_ssid_for_two_students(valley: District) -> None:
    valley.add("100", ssid=OLD)
    valley.add("101", ssid="9012345611")
    damaged = "9.1E+09"

    report = try_file("ssid-replacement", [line(replacement=damaged), line("9012345611", damaged, "101")])

    assert codes(report) == ["SSID-FORMAT", "SSID-FORMAT"]


def test_a_line_without_local_number_is_not_said_to_have_a_number_that_is_gone(valley: District) -> None:
    valley.add("100", ssid=OLD)

    report = try_file("ssid-replacement", [line(number="")])

    assert (report["planned_count"], codes(report)) == (1, [])
