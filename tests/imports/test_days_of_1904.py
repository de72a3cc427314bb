"""Day numbers of a workbook that counts from 1904: dates on record tell them from those of 1900, in every type."""

import datetime as dt

import pytest

from students.models import ELRecord, ProgramStatus
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, make_district

pytestmark = pytest.mark.django_db
LASTS = ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex")
BORN = [dt.date(2012, at + 1, 13) for at in range(6)]
SINCE = [dt.date(2018, at + 1, 20) for at in range(6)]
START = dt.date(2024, 8, 12)  # of the enrollments that `student` makes
FROM_1900, FROM_1904 = dt.date(1899, 12, 30), dt.date(1904, 1, 1)
FIELDS = {
    "students": ("birth_date", "enrollment_start", "el_identified_date"),
    "ssid-download": ("birth_date", "elas_date"),
    "ela": ("birth_date", "elas_date"),
    "ssid-list": ("birth_date",),
}
HEADERS = {
    "students": "lea,school,local_number,last_name,first_name,birth_date,enrollment_start,el_status,el_identified_date\n",
    "ssid-list": "LEA,School,Local Student Number,Last Name,First Name,Middle Name,Birth Date,Grade,SSID\n",
}


def report(kind: str, field: str, null_day: dt.date, *, lines: int = 6) -> Report:
    """Of a file of students on record whose dates in one column are numbers of days since another one."""
    made = make_district()
    text = HEADERS.get(kind, "")
    for at, last in enumerate(LASTS[:lines]):
        names = {"last_name": last, "first_name": "Ann", "middle_name": ""}
        student = made.student(local_number=f"30{at}", birth_date=BORN[at], grade="07", gender="F", **names)
        ELRecord.objects.create(student=student, program_status=ProgramStatus.EL, identified_date=SINCE[at])
        days = {
            "birth_date": BORN[at],
            "enrollment_start": START,
            "el_identified_date": SINCE[at],
            "elas_date": SINCE[at],
        }
        said = {
            name: str((day - null_day).days) if name == field else f"{day:%Y%m%d}" if "^" in _LINES[kind] else f"{day}"
            for name, day in days.items()
        }
        text += _LINES[kind].format(at=at, last=last, **said)
    return report_of(kind, text)


_DOWNLOAD = (
    "1234567^0123456^90012300{at:02}^30{at}^{last}^Ann^^F^{birth_date}^20240812^07^EL^{elas_date}^spa^20160810\n"
)
_LINES = {
    "students": "1234567,0123456,30{at},{last},Ann,{birth_date},{enrollment_start},EL,{el_identified_date}\n",
    "ssid-download": _DOWNLOAD,
    "ela": _DOWNLOAD,
    "ssid-list": "1234567,0123456,30{at},{last},Ann,,{birth_date},07,90012300{at:02}\n",
}
EACH = [(kind, field) for kind, fields in FIELDS.items() for field in fields]


@pytest.mark.parametrize(("kind", "field"), EACH)
def test_days_from_1904_are_refused_as_a_whole(kind: str, field: str) -> None:
    done = report(kind, field, FROM_1904)

    assert (done.run.status, [(i["code"], i["field"]) for i in done.issues]) == (
        "rejected",
        [("FILE-DAYS-1904", field)],
    )
    assert "count from 1904" in done.run.message


@pytest.mark.parametrize(("kind", "field"), EACH)
def test_days_from_1900_are_read_with_a_warning(kind: str, field: str) -> None:
    done = report(kind, field, FROM_1900)

    assert done.run.status == "completed"
    assert [i["severity"] for i in done.issues if i["code"] == "FILE-DAY-NUMBER"] == ["warning"] * 6


def test_a_few_such_dates_are_judged_line_by_line() -> None:
    assert report("students", "enrollment_start", FROM_1904, lines=4).run.status == "completed"
