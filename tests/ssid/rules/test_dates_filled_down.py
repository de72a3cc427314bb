"""English learner dates that stand in for others: one day on nearly all lines, or the day of birth."""

import datetime as dt

import pytest

from students.models import ELRecord, ProgramStatus
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, make_district

pytestmark = pytest.mark.django_db
LASTS = ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex", "Gey", "Hez")
BORN = [dt.date(2012, at + 1, 13) for at in range(8)]
SINCE = [dt.date(2018, at + 1, 20) for at in range(8)]
TYPES = ("ssid-download", "ela")


def report(kind: str, days: list[dt.date], *, on_record: bool = True, status: str = "EL") -> Report:
    """Of a file that names a status and its start date for each student; `on_record`: an English learner since another day."""
    made = make_district()
    lines = []
    for at, (last, day) in enumerate(zip(LASTS, days, strict=True)):
        names = {"last_name": last, "first_name": "Ann", "middle_name": ""}
        student = made.student(local_number=f"30{at}", birth_date=BORN[at], grade="07", gender="F", **names)
        if on_record:
            ELRecord.objects.create(student=student, program_status=ProgramStatus.EL, identified_date=SINCE[at])
        ids = f"1234567^0123456^90012300{at:02}^30{at}^{last}^Ann^^F^{BORN[at]:%Y%m%d}^20240812^07"
        lines.append(f"{ids}^{status}^{day:%Y%m%d}^spa^20160810\n")
    return report_of(kind, "".join(lines))


def of_file(report: Report) -> list[tuple[str, str]]:
    return [(issue["severity"], issue["code"]) for issue in report.issues if issue["line"] == 0]


@pytest.mark.parametrize("kind", TYPES)
def test_one_day_in_place_of_many_is_reported_for_the_file(kind: str) -> None:
    found = report(kind, [dt.date(2020, 8, 12)] * 7 + SINCE[7:])

    assert of_file(found) == [("warning", "ELA-ONE-DAY")]
    assert "7 of the" in found.issues[0]["message"]


@pytest.mark.parametrize("kind", TYPES)
def test_one_day_for_students_without_a_date_is_that_of_their_enrollment(kind: str) -> None:
    assert of_file(report(kind, [dt.date(2020, 8, 12)] * 8, on_record=False)) == []


@pytest.mark.parametrize("kind", TYPES)
def test_one_day_of_a_new_status_is_that_of_the_reclassification(kind: str) -> None:
    assert of_file(report(kind, [dt.date(2024, 6, 1)] * 8, status="RFEP")) == []


@pytest.mark.parametrize("kind", TYPES)
def test_other_days_say_nothing_of_the_file(kind: str) -> None:
    assert of_file(report(kind, [day + dt.timedelta(days=9) for day in SINCE])) == []


@pytest.mark.parametrize("kind", TYPES)
def test_a_status_that_begins_on_the_day_of_birth_is_a_warning(kind: str) -> None:
    found = report(kind, [BORN[0], *SINCE[1:]])

    assert [(i["line"], i["severity"]) for i in found.issues if i["code"] == "ELA-BORN"] == [(1, "warning")]
