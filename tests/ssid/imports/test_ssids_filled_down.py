"""SSIDs that a spreadsheet filled down, each one more than the one above: the file says so before anybody updates."""

import datetime as dt

import pytest

from sisimport.imports.models import Work
from students.models import SSID
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, give_ssid, make_district
from tests.ssid.imports.test_shifted_ssids import HEADERS

pytestmark = pytest.mark.django_db
LASTS = ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex", "Gey", "Hez", "Ivo", "Jay", "Kim", "Lot")
OWN = ("students", "ssid-list")  # filled in by districts and schools; the state's files hold what the state gave
FILLED = [f"{1_234_567_890 + at}" for at in range(12)]
BY_CHANCE = [f"{(at * 6_180_339_887 + 8_012_345_678) % 10**10:010}" for at in range(12)]


def report(kind: str, ssids: list[str], work: Work = Work.TEST, *, on_record: bool = False) -> Report:
    """Of a file with a line for each student, who has the SSID already where it is `on_record`."""
    made = make_district()
    lines = []
    for at, (last, ssid) in enumerate(zip(LASTS, ssids, strict=True)):
        number, born = f"3{at:02}", dt.date(2012, at + 1, 13)
        names = {"last_name": last, "first_name": "Ann", "middle_name": ""}
        student = made.student(local_number=number, birth_date=born, grade="07", gender="F", **names)
        if on_record:
            give_ssid(student, ssid)
        place = "1234567,0123456"
        lines.append(
            f"{place},{number},{ssid},{last},Ann,{born}"
            if kind == "students"
            else f"{place},{number},{last},Ann,,{born},07,{ssid}"
        )
    return report_of(kind, "\n".join([*HEADERS[kind], *lines, ""]), work)


@pytest.mark.parametrize("kind", OWN)
def test_a_series_is_a_warning_of_the_file(kind: str) -> None:
    done = report(kind, FILLED)

    found = [(i["line"], i["severity"], i["code"]) for i in done.issues]
    assert (done.run.status, found, done.run.warning_count) == ("completed", [(0, "warning", "SSID-SERIES")], 1)
    assert "11 of the 12 SSIDs" in done.issues[0]["message"]


@pytest.mark.parametrize("kind", OWN)
def test_a_series_that_is_right_is_written(kind: str) -> None:
    """Numbers of one batch of the state may follow each other."""
    report(kind, FILLED, Work.UPDATE)

    assert set(SSID.objects.values_list("ssid", flat=True)) == set(FILLED)


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("ssids", [BY_CHANCE, [*FILLED[:6], *BY_CHANCE[6:]]], ids=["by chance", "some neighbors"])
def test_other_numbers_are_written(kind: str, ssids: list[str]) -> None:
    done = report(kind, ssids, Work.UPDATE)

    assert "SSID-SERIES" not in done.codes()
    assert set(SSID.objects.values_list("ssid", flat=True)) == set(ssids)


def test_numbers_on_record_are_not_a_series() -> None:
    """They were judged when they came."""
    done = report("students", FILLED, on_record=True)

    assert (done.run.status, done.run.unchanged_count) == ("completed", 12)
