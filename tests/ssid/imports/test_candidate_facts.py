"""Guardians and the last enrollment of the chosen candidate: imported where asked for, planned and journaled as the rest."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from students.models import Guardian, StateEnrollment, Student
from tests.factories import UserFactory
from tests.imports.base_suite import ImportTypeSuite
from tests.ssid.journey import District, codes, district, revert, start, try_file, update
from tests.ssid.journey import record as shown
from tests.ssid.request_files import HEADER, line

pytestmark = pytest.mark.django_db

COLUMNS = (
    f"{HEADER},Result_Guardian1_FirstName,Result_Guardian1_LastName,Result_Guardian2_FirstName,Result_Guardian2_LastName,"
    "Result_SENR_ReportingLEA,Result_SENR_SchoolofAttendance,Result_SENR_EnrollmentStatus,Result_SENR_Grade,"
    "Result_SENR_EnrollmentStartDate,Result_SENR_EnrollmentExitDate,Result_SENR_ExitReason"
)
PARENTS = "Ana,Lee,Tom,Lee"
STAY = "7654321,0654321,10,08,20230814,20240607,T160"
BOTH = {"guardians": "1", "last_enrollment": "1"}
LEFT = {
    "lea": "7654321",
    "school": "0654321",
    "status": "10",
    "grade": "08",
    "start_date": "2023-08-14",
    "exit_date": "2024-06-07",
    "exit_reason": "T160",
}


@pytest.fixture
def student(db: None) -> Student:
    return place().add("100240")


def record(student: Student) -> dict[str, Any]:
    """The student's records as show_student prints them, with guardians and the state's word of the last enrollment."""
    known = StateEnrollment.objects.filter(student=student).first()
    guardians = [f"{g.first_name} {g.last_name}" for g in Guardian.objects.filter(student=student).order_by("pk")]
    return {**shown(student), "guardians": guardians, "state_enrollment": None if known is None else _told(known)}


def _told(known: StateEnrollment) -> dict[str, Any]:
    return {
        "lea": known.lea_code,
        "school": known.school_code,
        "status": known.status,
        "grade": known.grade,
        "start_date": known.start_date and known.start_date.isoformat(),
        "exit_date": known.exit_date and known.exit_date.isoformat(),
        "exit_reason": known.exit_reason,
    }


def place() -> District:
    return district()


def lines(*rows: str) -> list[str]:
    return [COLUMNS, *rows]


def chosen(parents: str = PARENTS, stay: str = STAY) -> list[str]:
    return lines(line(pick="X", more=f"{parents},{stay}"), line(ssid="8012345690", more=f"Eve,Adams,,,{STAY}"))


def test_r14_without_the_options_they_are_only_shown(student: Student) -> None:
    report = update("ssid-request", chosen())

    assert {change["what"] for change in report["changes"]} == {"ssid"}
    assert not Guardian.objects.exists()
    assert not StateEnrollment.objects.exists()


def test_r14_those_of_the_chosen_candidate_are_planned_written_and_reverted(student: Student) -> None:
    before = record(student)

    tested = try_file("ssid-request", chosen(), **BOTH)
    assert record(student) == before
    updated = update("ssid-request", chosen(), **BOTH)

    assert updated["changes"] == tested["changes"]
    after = record(student)
    assert after["guardians"] == ["Ana Lee", "Tom Lee"]
    assert after["state_enrollment"] == LEFT
    revert(updated["run"])
    assert record(student) | {"retired_ssids": []} == before


def test_r14_a_second_update_changes_nothing(student: Student) -> None:
    update("ssid-request", chosen(), **BOTH)
    again = update("ssid-request", chosen(), **BOTH)

    assert (again["import_count"], again["changes"]) == (0, [])


@pytest.mark.parametrize(
    ("option", "what"), [("guardians", {"ssid", "guardian"}), ("last_enrollment", {"ssid", "state_enrollment"})]
)
def test_r14_each_option_is_one_of_its_own(student: Student, option: str, what: set[str]) -> None:
    report = update("ssid-request", chosen(), **{option: "1"})
    assert {change["what"] for change in report["changes"]} == what


def test_r14_a_guardian_on_record_is_not_added_again_nor_changed(student: Student) -> None:
    Guardian.objects.create(student=student, first_name="ANA", last_name="lee", relationship="Mother")

    update("ssid-request", chosen("Ana,Lee,Ana,LEE"), **BOTH)

    assert [(g.first_name, g.relationship) for g in Guardian.objects.all()] == [("ANA", "Mother")]


def test_r14_a_guardian_on_record_is_known_in_capitals_without_accents(student: Student) -> None:
    Guardian.objects.create(student=student, first_name="José", last_name="García-Peña")

    update("ssid-request", chosen("JOSE,GARCIA PENA,Jose,Garciapena"), **BOTH)

    assert [g.last_name for g in Guardian.objects.all()] == ["García-Peña"]


@pytest.mark.parametrize("last", ["Pe?a", "Pe\ufffda", "Pe\u2013a", "Pe\x1ba", "Pe\u202ea"])
def test_r14_a_damaged_name_makes_no_guardian_and_leaves_the_rest(student: Student, last: str) -> None:
    report = update("ssid-request", chosen(f"Ana,{last},,"), **BOTH)

    assert codes(report, severity="error") == ["FILE-DAMAGED"]
    assert not Guardian.objects.exists()
    assert record(student)["ssid"] == "8012345678"


def test_r14_a_name_whose_damage_can_be_undone_is_the_guardians(student: Student) -> None:
    update("ssid-request", chosen("Ana,PeÃ±a,,"), **BOTH)
    assert record(student)["guardians"] == ["Ana Peña"]


def test_r14_two_equal_guardians_are_one(student: Student) -> None:
    update("ssid-request", chosen("Ana,Lee,ana,LEE"), **BOTH)
    assert record(student)["guardians"] == ["Ana Lee"]


@pytest.mark.parametrize("parents", [",Lee,,", "Ana,,,", "An�,Lee,,", "A?a,Lee,,"])
def test_r14_a_damaged_or_half_name_keeps_out_the_guardian_only(student: Student, parents: str) -> None:
    report = update("ssid-request", chosen(parents), **BOTH)

    assert {"CAND-GUARDIAN", "FILE-DAMAGED"} & set(codes(report, severity="error"))
    assert not Guardian.objects.exists()
    assert (record(student)["ssid"], record(student)["state_enrollment"]) == ("8012345678", LEFT)


@pytest.mark.parametrize(
    ("stay", "code"),
    [
        ("7654321,0654321,10,08,20100814,20240607,T160", "ENR-BIRTH"),
        ("7654321,0654321,10,08,20110304,20240607,T160", "ENR-BIRTH"),
        ("7654321,0654321,10,08,20230814,20620607,T160", "ENR-FUTURE"),
        ("7654321,0654321,10,08,20240814,20240607,T160", "ENR-DATES"),
    ],
)
def test_r14_an_enrollment_that_cannot_be_keeps_out_that_part_only(student: Student, stay: str, code: str) -> None:
    report = update("ssid-request", chosen(stay=stay), **BOTH)

    assert codes(report, severity="error") == [code]
    after = record(student)
    assert (after["ssid"], after["guardians"], after["state_enrollment"]) == (
        "8012345678",
        ["Ana Lee", "Tom Lee"],
        None,
    )


def test_r14_the_states_word_of_an_enrollment_is_replaced_and_put_back(student: Student) -> None:
    StateEnrollment.objects.create(student=student, school_code="0111111", grade="07", exit_reason="E155")

    report = update("ssid-request", chosen(), **BOTH)
    assert record(student)["state_enrollment"] == LEFT
    revert(report["run"])

    assert record(student)["state_enrollment"]["school"] == "0111111"
    assert record(student)["state_enrollment"]["exit_reason"] == "E155"


def test_r14_a_candidate_without_enrollment_leaves_what_is_on_record(student: Student) -> None:
    StateEnrollment.objects.create(student=student, school_code="0111111")

    update("ssid-request", chosen(stay=",,,,,,"), **BOTH)

    assert record(student)["state_enrollment"]["school"] == "0111111"


def test_r14_a_second_run_that_was_tested_before_adds_no_second_guardian(student: Student) -> None:
    from sisimport.imports.runs.services import start_update
    from tests.imports.journey import finish

    first = start("ssid-request", chosen(), work="test", **BOTH)
    second = start("ssid-request", lines(line(pick="X", more=f"Ana,Lee,,,{STAY}")), work="test", **BOTH)
    for test in (first, second):
        finish(start_update(test_run=test, user=None, enqueue=False))

    assert record(student)["guardians"] == ["Ana Lee", "Tom Lee"]


def test_the_student_page_shows_where_somebody_was_and_why_they_left(student: Student, client: Client) -> None:
    update("ssid-request", chosen(), **BOTH)
    client.force_login(UserFactory(registrar=True, all_schools=True))

    page = client.get(reverse("student", args=[student.pk])).content.decode()

    assert "Last enrollment the state knows of" in page
    assert "0654321 (LEA 7654321)" in page
    assert "T160 (to another California school)" in page
    assert "Tom Lee" in page


class TestCandidateFactsJourney(ImportTypeSuite):
    import_type = "ssid-request"
    options: Any = BOTH

    def arrange(self) -> None:
        valley = place()
        for number in range(100240, 100244):
            valley.add(str(number))
        valley.add("100244", ssid="8012345674")

    def content(self) -> str:
        rows = [
            line(str(100240 + n), pick="X", ssid=f"801234567{n}", more=f"{parents},{stay}")
            for n, (parents, stay) in enumerate([(PARENTS, STAY), (",,,", STAY), (PARENTS, ",,,,,,"), (",Lee,,", STAY)])
        ]
        rows += [
            line("100244", pick="X", ssid="8012345674", more=",,,,,,,,,,"),
            line("100245", pick="X", ssid="8012345675", more=f"{PARENTS},{STAY}"),
            line("100246", ssid="", category="No Match", score="", more=",,,,,,,,,,"),
        ]
        return "".join(f"{row}\n" for row in lines(*rows))
