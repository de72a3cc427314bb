"""SSIDs that were sorted or shifted alone: no student without one gets that of another, in any type that writes SSIDs."""

import datetime as dt

import pytest

from sisimport.imports.models import Work
from students.models import SSID
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, give_ssid, make_district
from tests.ssid.request_files import HEADER

pytestmark = pytest.mark.django_db
LASTS = ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex", "Gey", "Hez")
NUMBERS = [f"90012300{at:02}" for at in range(8)]
BORN = [dt.date(2012, at + 1, 13) for at in range(8)]
TYPES = ("students", "ssid-download", "ssid-list", "ssid-request")


@pytest.fixture
def district() -> District:
    """Eight students; the last two have no SSID yet."""
    made = make_district()
    for at, last in enumerate(LASTS):
        student = made.student(
            local_number=f"30{at}",
            last_name=last,
            first_name="Ann",
            middle_name="",
            birth_date=BORN[at],
            grade="07",
            gender="F",
        )
        if at < 6:
            give_ssid(student, NUMBERS[at])
    return made


def line(kind: str, at: int, ssid: str) -> str:
    place, number, name, born = "1234567,0123456", f"30{at}", f"{LASTS[at]},Ann", BORN[at]
    return {
        "students": f"{place},{number},{ssid},{name},{born}",
        "ssid-list": f"{place},{number},{name},,{born},07,{ssid}",
        "ssid-request": f"{place},X,{number},{name},,{ssid},20160810,Single Match,91%,F,{born:%Y%m%d}",
        "ssid-download": f"1234567^0123456^{ssid}^{number}^{LASTS[at]}^Ann^^F^{born:%Y%m%d}^20240812^07^^^eng^20160810",
    }[kind]


HEADERS = {
    "students": ["lea,school,local_number,ssid,last_name,first_name,birth_date"],
    "ssid-list": ["LEA,School,Local Student Number,Last Name,First Name,Middle Name,Birth Date,Grade,SSID"],
    "ssid-request": [HEADER],
    "ssid-download": [],
}


def update(kind: str, ssids: list[str]) -> Report:
    content = "\n".join([*HEADERS[kind], *(line(kind, at, ssid) for at, ssid in enumerate(ssids)), ""])
    return report_of(kind, content, Work.UPDATE)


def current() -> list[str]:
    return list(SSID.objects.filter(retired_at=None).order_by("student__local_number").values_list("ssid", flat=True))


@pytest.mark.parametrize("kind", TYPES)
def test_the_right_file_gives_the_last_two_their_numbers(district: District, kind: str) -> None:
    update(kind, NUMBERS)

    assert current() == NUMBERS


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("how", ["sorted", "shifted"])
def test_a_column_that_was_sorted_or_shifted_refuses_the_file(district: District, kind: str, how: str) -> None:
    other = NUMBERS[::-1] if how == "sorted" else [*NUMBERS[1:], NUMBERS[0]]
    content = "\n".join([*HEADERS[kind], *(line(kind, at, ssid) for at, ssid in enumerate(other)), ""])

    report = report_of(kind, content)

    assert (report.run.status, [i["code"] for i in report.issues]) == ("rejected", ["SSID-SHIFTED"])
    assert current() == NUMBERS[:6]


@pytest.mark.parametrize("kind", TYPES)
def test_a_few_wrong_numbers_are_errors_of_their_lines(district: District, kind: str) -> None:
    report = update(kind, [NUMBERS[1], NUMBERS[0], *NUMBERS[2:]])

    assert report.run.status == "completed"
    assert current() == NUMBERS


@pytest.mark.parametrize("kind", TYPES)
def test_students_who_were_entered_twice_are_errors_of_their_lines(kind: str) -> None:
    """A district that starts again with other local numbers: the numbers of some are on record for their former entry."""
    made = make_district()
    for at, last in enumerate(LASTS):
        person = {"last_name": last, "first_name": "Ann", "birth_date": BORN[at], "grade": "07", "gender": "F"}
        made.student(local_number=f"30{at}", middle_name="", **person)
        if at < 6:
            give_ssid(made.student(local_number=f"80{at}", middle_name="", **person), NUMBERS[at])

    report = update(kind, NUMBERS)

    assert report.run.status == "completed"
    assert "SSID-TAKEN" in [issue["code"] for issue in report.issues]
    assert (
        list(SSID.objects.filter(student__local_number__startswith="30").values_list("ssid", flat=True)) == NUMBERS[6:]
    )
