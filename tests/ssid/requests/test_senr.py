"""Requests for SSIDs: what the state is asked for, and what is remembered of it (section 11 of the SSID rules)."""

import csv
import datetime as dt
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from sisimport.imports.models import ImportRun
from ssid.models import SENRLine, SENRRequest
from ssid.requests.senr_file import Draft, RequestRefusedError, draft
from ssid.requests.services import (
    keep_request,
    lines_out,
    request_text,
    requests_answered_by,
    requests_out,
    requests_with_counts,
    students_out,
)
from students.models import LEA, SSID, Enrollment, School, Student
from students.school_years import school_year_of
from tests.ssid.journey import District, district, revert, try_file, update

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 11, 2)
COMPLETE = {"birth_country": "US", "birth_state": "CA"}


@pytest.fixture
def valley() -> District:
    return district()


def enrolled(
    valley: District, number: str = "100", *, ssid: str = "", start: str = "2026-08-12", **values: Any
) -> Student:
    """A student with everything a request needs."""
    student = valley.add(number, ssid=ssid, **{**COMPLETE, **values})
    Enrollment.objects.create(student=student, school=valley.school, grade="05", start_date=start)
    return student


def drafted(valley: District) -> Draft:
    return draft([valley.school], today=TODAY)


def sent(valley: District) -> list[str]:
    """The 35 columns of the one student asked for."""
    (entry,) = drafted(valley).entries
    return list(entry.values)


# -- The line ----------------------------------------------------------------------------------------------------------


def test_section_11_one_row_of_35_columns_with_the_ssid_blank(valley: District) -> None:
    enrolled(valley, middle_name="Van", suffix="Jr.")
    assert sent(valley) == [
        *("SENR", "", "", "1234567", "0123456", "", "2026-2027", "", "100"),
        *("Sam", "Van", "Lee", "JR", "", "", "", "20110304", "M", "", "US-CA", "US", "20260812", "10", "05"),
        *[""] * 11,
    ]


def test_section_11_only_students_without_ssid(valley: District) -> None:
    enrolled(valley, "100", ssid="9012345678")
    SSID.objects.update(retired_at="2026-01-01T00:00Z")
    enrolled(valley, "200", ssid="9012345679")
    assert [entry.values[8] for entry in drafted(valley).entries] == ["100"]


def test_section_11_the_legal_name_and_gender_are_sent(valley: District) -> None:
    enrolled(valley, legal_first_name="Samantha", legal_last_name="Lee-Diaz", gender="X", legal_gender="F")
    row = sent(valley)
    assert (row[9], row[10], row[11], row[17]) == ("Samantha", "", "Lee-Diaz", "F")


@pytest.mark.parametrize(
    ("country", "state", "told"),
    [("US", "CA", "US-CA"), ("MX", "MX-JAL", "MX-JAL"), ("VN", "VN-SG", ""), ("US", "", "")],
)
def test_section_11_the_birth_state_is_reported_for_usa_canada_and_mexico(
    valley: District, country: str, state: str, told: str
) -> None:
    enrolled(valley, birth_country=country, birth_state=state)
    assert sent(valley)[19] == told


def test_section_11_the_most_recent_enrollment_is_sent(valley: District) -> None:
    student = enrolled(valley, start="2026-08-12")
    Enrollment.objects.create(
        student=student, school=valley.school, grade="04", start_date="2025-08-12", exit_date="2026-06-05"
    )
    assert (sent(valley)[21], sent(valley)[23]) == ("20260812", "05")


def test_section_11_students_who_left_are_not_asked_for(valley: District) -> None:
    enrolled(valley)
    Enrollment.objects.update(exit_date="2026-10-30")
    made = drafted(valley)
    assert (made.entries, made.left) == ([], 1)


def test_section_11_alias_first_and_last_name_come_together(valley: District) -> None:
    enrolled(valley, alias_first_name="Sammy")
    assert sent(valley)[13:16] == ["", "", ""]
    Student.objects.update(alias_last_name="Le")
    assert sent(valley)[13:16] == ["Sammy", "", "Le"]


# -- The check list ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"birth_country": ""}, "birth_country"),
        ({"gender": ""}, "gender"),
        ({"first_name": ""}, "first_name"),
        ({"last_name": "=cmd"}, "last_name"),
        ({"local_number": "1234567890123456"}, "local_number"),
        ({"local_number": "000"}, "local_number"),
    ],
)
def test_what_the_state_asks_for_and_is_missing_keeps_a_student_out(
    valley: District, values: dict[str, str], field: str
) -> None:
    number = values.pop("local_number", "100")
    enrolled(valley, number, **values)
    made = drafted(valley)
    assert ([gap.field for gap in made.gaps], made.incomplete, made.entries) == ([field], 1, [])


def test_a_student_without_enrollment_lacks_its_first_day(valley: District) -> None:
    valley.add("100", **COMPLETE)
    assert [gap.message for gap in drafted(valley).gaps] == ["The first day of enrollment is missing."]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"alias_last_name": "Le"}, "alias"),
        ({"suffix": "Esq"}, "suffix"),
        ({"birth_date": dt.date(1990, 1, 1)}, "birth_date"),
    ],
)
def test_what_is_only_odd_is_a_warning_and_the_student_is_asked_for(
    valley: District, values: dict[str, Any], field: str
) -> None:
    enrolled(valley, **values)
    made = drafted(valley)
    assert ([(gap.field, gap.severity.label) for gap in made.gaps], len(made.entries)) == ([(field, "warning")], 1)


def test_the_check_list_costs_two_queries_for_any_number_of_students(
    valley: District, django_assert_max_num_queries: Any
) -> None:
    for number in range(100, 120):
        enrolled(valley, str(number))
    with django_assert_max_num_queries(2):
        assert len(drafted(valley).entries) == 20


def test_schools_of_two_districts_are_refused(valley: District) -> None:
    other = School.objects.create(lea=LEA.objects.create(code="7654321"), code="0000001")
    with pytest.raises(RequestRefusedError, match="one district"):
        draft([valley.school, other])


@pytest.mark.parametrize(("day", "year"), [("2026-06-30", "2025-2026"), ("2026-07-01", "2026-2027")])
def test_a_school_year_begins_in_july(day: str, year: str) -> None:
    assert school_year_of(dt.date.fromisoformat(day)) == year


# -- The request and what becomes of it --------------------------------------------------------------------------------


def test_a_request_is_remembered_line_by_line(valley: District) -> None:
    student = enrolled(valley)
    keep_request(drafted(valley), user=None)
    line = SENRLine.objects.get()
    student.refresh_from_db()
    assert (line.student, line.local_number, line.last_name, line.status) == (student, "100", "Lee", "out")
    assert line.identity_hash == student.identity_hash


def test_the_file_says_what_was_sent_whatever_has_changed_since(valley: District) -> None:
    enrolled(valley, last_name="O'Neil, Jr")
    request = keep_request(drafted(valley), user=None, delimiter=",")
    Student.objects.update(last_name="Diaz")
    (row,) = csv.reader(io.StringIO("".join(request_text(request))))
    assert (len(row), row[11]) == (35, "O'Neil, Jr")


def test_asking_again_replaces_the_line_that_is_out(valley: District) -> None:
    enrolled(valley)
    first, second = keep_request(drafted(valley), user=None), keep_request(drafted(valley), user=None)
    assert first.lines.get().status == "replaced"
    assert second.lines.get().status == "out"
    assert students_out(None) == 1


def test_a_student_who_got_an_ssid_another_way_is_no_longer_out(valley: District) -> None:
    student = enrolled(valley)
    enrolled(valley, "200")
    keep_request(drafted(valley), user=None)
    SSID.objects.create(student=student, ssid="9012345678", origin="staff")
    (request,) = requests_with_counts(None)
    assert (request.sent, request.answered, request.out, students_out(None)) == (2, 0, 1, 1)


def answer_file(*numbers: str) -> list[str]:
    """The state's answer: it knows nobody of these."""
    return [f"1234567,0123456,,{number},Lee,Sam,,,,No Match,,M,20110304" for number in numbers]


def test_an_imported_answer_is_found_by_its_request(valley: District) -> None:
    enrolled(valley)
    enrolled(valley, "200")
    request = keep_request(drafted(valley), user=None)

    report = update("ssid-request", answer_file("100"), name="answer.csv")

    (counted,) = requests_with_counts(None)
    assert (counted.sent, counted.answered, counted.out) == (2, 1, 1)
    assert [line.local_number for line in lines_out(None)] == ["200"]
    run = ImportRun.objects.get(pk=report["run"])
    assert [(found, found.answered) for found in requests_answered_by(run)] == [(request, 1)]


def test_the_test_of_an_answer_leaves_the_request_out(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    try_file("ssid-request", answer_file("100"), name="answer.csv")
    assert students_out(None) == 1


def test_an_answer_to_an_earlier_request_does_not_answer_a_later_one(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    update("ssid-request", answer_file("100"), name="answer.csv")
    keep_request(drafted(valley), user=None)
    assert students_out(None) == 1


def test_a_reverted_answer_puts_the_request_out_again(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    report = update("ssid-request", answer_file("100"), name="answer.csv")
    revert(report["run"])
    assert students_out(None) == 1


def test_the_list_of_requests_costs_two_queries(valley: District, django_assert_num_queries: Any) -> None:
    for number in range(100, 103):
        enrolled(valley, str(number))
        keep_request(drafted(valley), user=None)
    with django_assert_num_queries(2):
        assert [request.out for request in requests_with_counts(None)] == [3, 0, 0]


def test_only_requests_with_somebody_out_wait(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    enrolled(valley, "200")
    second = keep_request(drafted(valley), user=None)
    assert [(request, request.sent, request.out) for request in requests_out(None)] == [(second, 2, 2)]


def test_requests_of_other_schools_are_not_counted(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    assert (list(requests_with_counts([valley.school.pk + 1])), students_out([valley.school.pk + 1])) == ([], 0)


def test_nobody_to_ask_for_makes_no_request(valley: District) -> None:
    with pytest.raises(RequestRefusedError, match="no student to ask for"):
        keep_request(drafted(valley), user=None)
    assert not SENRRequest.objects.exists()


# -- The command -------------------------------------------------------------------------------------------------------


def command(*args: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of senr_request."""
    code = 0
    with redirect_stdout(io.StringIO()) as printed:
        try:
            call_command("senr_request", *args, "--json")
        except SystemExit as end:
            code = int(str(end.code))
    return code, json.loads(printed.getvalue())


def test_the_command_writes_a_caret_file_and_says_what_is_missing(valley: District, tmp_path: Path) -> None:
    enrolled(valley)
    enrolled(valley, "200", birth_country="")

    code, report = command("--school", "0123456", "--output", str(tmp_path / "senr.txt"))

    (line,) = (tmp_path / "senr.txt").read_text().splitlines()
    assert (line.count("^"), line.split("^")[7]) == (34, "")
    assert (code, report["row_count"], report["incomplete_count"]) == (1, 1, 1)
    assert report["layout"] == "calpads-senr-request"
    assert [(gap["student"], gap["field"]) for gap in report["missing"]] == [("200", "birth_country")]


def test_the_command_writes_csv_by_the_ending(valley: District, tmp_path: Path) -> None:
    enrolled(valley)
    code, report = command("--school", "0123456", "--output", str(tmp_path / "senr.csv"))
    assert (code, report["delimiter"]) == (0, ",")
    assert (tmp_path / "senr.csv").read_text().startswith("SENR,,,1234567,0123456,")


@pytest.mark.parametrize(
    ("school", "name", "message"),
    [("0999999", "senr.txt", "no school 0999999"), ("0123456", "no/such/folder.txt", "cannot be written")],
)
def test_the_command_refuses_and_remembers_nothing(
    valley: District, tmp_path: Path, school: str, name: str, message: str
) -> None:
    enrolled(valley)
    code, report = command("--school", school, "--output", str(tmp_path / name))
    assert (code, report["request"]) == (2, None)
    assert message in report["message"]
    assert not SENRRequest.objects.exists()


# -- Constraints -------------------------------------------------------------------------------------------------------


def test_a_student_has_one_line_that_is_out(valley: District) -> None:
    enrolled(valley)
    keep_request(drafted(valley), user=None)
    line = SENRLine.objects.get()
    line.pk, line.line = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        line.save()
