"""Updates of enrollment and exits for the state: which stays are records, and what keeps one out (table B, 88)."""

import datetime as dt
from pathlib import Path

import pytest

from ssid.requests.enrollment_file import enrollment_draft
from ssid.requests.senr_file import RequestRefusedError
from students.models import Enrollment, Student
from tests.imports.commandline import CommandLine
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 11, 2)
SINCE = dt.date(2026, 10, 1)


@pytest.fixture
def valley() -> District:
    return district()


def stay(valley: District, number: str, *, start: str, ssid: str = "9012345678", **values: str | None) -> Student:
    student = valley.add(number, ssid=ssid, birth_country="US", birth_state="CA")
    Enrollment.objects.create(student=student, school=valley.school, grade="05", start_date=start, **values)
    return student


def values_of(valley: District) -> list[list[str]]:
    return [list(entry.values) for entry in enrollment_draft([valley.school], since=SINCE, today=TODAY).entries]


def test_b88_a_new_enrollment_is_a_record_with_the_ssid(valley: District) -> None:
    stay(valley, "100", start="2026-10-05")

    (record,) = values_of(valley)

    assert (record[0], record[6], record[7], record[8], record[21]) == (
        "SENR",
        "2026-2027",
        "9012345678",
        "100",
        "20261005",
    )
    assert record[24:26] == ["", ""]
    assert len(record) == 35


def test_b88_an_exit_is_the_record_of_the_stay_with_date_and_reason(valley: District) -> None:
    stay(valley, "100", start="2025-08-12", exit_date="2026-10-20", exit_reason="t160")

    (record,) = values_of(valley)

    assert (record[21], record[24], record[25]) == ("20250812", "20261020", "T160")


def test_b88_an_exit_yet_to_come_is_none(valley: District) -> None:
    stay(valley, "100", start="2026-10-05", exit_date="2027-06-10", exit_reason="E155")

    (record,) = values_of(valley)

    assert record[24:26] == ["", ""]


def test_b88_stays_that_changed_before_and_students_without_ssid_are_not_records(valley: District) -> None:
    stay(valley, "100", start="2026-08-12")
    stay(valley, "200", start="2026-10-05", ssid="")

    assert values_of(valley) == []


@pytest.mark.parametrize(
    ("reason", "said"), [("", "is missing"), ("X99", "not one the state knows"), ("E230", "completion status")]
)
def test_b88_an_exit_that_the_state_would_refuse_is_left_out_and_says_why(
    valley: District, reason: str, said: str
) -> None:
    stay(valley, "100", start="2025-08-12", exit_date="2026-10-20", exit_reason=reason)

    made = enrollment_draft([valley.school], since=SINCE, today=TODAY)

    assert (made.entries, made.incomplete) == ([], 1)
    assert said in made.gaps[0].message


def test_b88_a_day_yet_to_come_is_refused(valley: District) -> None:
    with pytest.raises(RequestRefusedError, match="in the future"):
        enrollment_draft([valley.school], since=TODAY + dt.timedelta(days=1), today=TODAY)


def test_b88_the_command_writes_the_file_and_lists_who_is_left_out(
    valley: District, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stay(valley, "100", start="2026-08-05")
    stay(valley, "200", start="2025-08-12", ssid="9012345679", exit_date="2026-08-20", exit_reason="")
    command, file = CommandLine(capsys), tmp_path / "changes.txt"

    said = command(
        "senr_enrollments", "--school", valley.school.code, "--since", "2026-08-01", "--output", file, "--json"
    )

    assert (said.code, said.json["row_count"], said.json["incomplete_count"]) == (1, 1, 1)
    assert said.json["missing"][0]["student"] == "200"
    assert file.read_text(encoding="utf-8").startswith("SENR^^^1234567^0123456^^2026-2027^9012345678^100^")
    assert command("senr_enrollments", "--school", valley.school.code, "--since", "soon", "--output", file).code == 2
