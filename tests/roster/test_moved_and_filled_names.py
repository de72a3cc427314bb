"""Names in other columns than on record, one name on nearly all lines, and second enrollments at the same school: no roster
writes them in silence.
"""

import datetime as dt

import pytest

from students.models import Enrollment, Student
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, make_district

pytestmark = pytest.mark.django_db
TODAY = dt.datetime.now(tz=dt.UTC).date()
TERM = dt.date(TODAY.year - (TODAY.month < 7), 8, 1)
BORN = dt.date(TERM.year - 10, 3, 4)
COLUMNS = (
    "lea,school,local_number,last_name,first_name,middle_name,suffix,alias_last_name,birth_date,grade,enrollment_start,"
    "enrollment_exit"
)


@pytest.fixture
def student() -> Student:
    made = make_district()
    student = Student.objects.create(
        lea=made.lea, school=made.school, local_number="300", birth_date=BORN, grade="05",
        last_name="García López", first_name="Ana", middle_name="María",
    )  # fmt: skip
    Enrollment.objects.create(student=student, school=made.school, grade="05", start_date=TERM)
    return student


def roster(student: Student, *lines: dict[str, str]) -> Report:
    usual = {
        "lea": student.lea.code,
        "school": student.school.code,
        "local_number": "300",
        "last_name": "García López",
        "first_name": "Ana",
        "middle_name": "María",
        "birth_date": f"{BORN}",
        "grade": "05",
        "enrollment_start": f"{TERM}",
    }
    rows = [",".join((usual | line).get(name, "") for name in COLUMNS.split(",")) for line in lines]
    return report_of("students", "\n".join([COLUMNS, *rows, ""]))


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(issue["code"], issue["severity"], issue["field"]) for issue in report.issues]


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ({"last_name": "López", "middle_name": "García María"}, ["last_name"]),
        ({"last_name": "GARCIA", "first_name": "Lopez Ana"}, ["last_name", "first_name"]),
        ({"first_name": "Ana María", "middle_name": ""}, ["first_name"]),
        ({"last_name": "García", "middle_name": "María López"}, ["last_name"]),
    ],
)
def test_a_name_whose_words_are_in_other_columns_is_a_warning(
    student: Student, names: dict[str, str], fields: list[str]
) -> None:
    found = said(roster(student, names))

    assert [field for code, severity, field in found if (code, severity) == ("NAME-MOVED", "warning")] == fields


@pytest.mark.parametrize(
    "names", [{}, {"last_name": "GARCIA LOPEZ"}, {"last_name": "García-López"}, {"last_name": "Ruiz"}]
)
def test_other_names_have_not_moved(student: Student, names: dict[str, str]) -> None:
    assert "NAME-MOVED" not in {code for code, *_ in said(roster(student, names))}


@pytest.mark.parametrize("column", ["suffix", "alias_last_name", "last_name"])
def test_one_name_on_nearly_all_lines_is_reported_for_the_file(student: Student, column: str) -> None:
    lines = [
        {"local_number": f"40{at}", "first_name": f"Ann{'abcdefghijkl'[at]}", "middle_name": ""} for at in range(12)
    ]
    value = {"suffix": "Jr", "alias_last_name": "Ramos", "last_name": "Ramos"}[column]
    others = [line | {"last_name": f"Name{'abcdefghijkl'[at]}"} for at, line in enumerate(lines)]

    assert ("COLUMN-SAME", "warning", column) in said(roster(student, *(line | {column: value} for line in others)))
    assert ("COLUMN-SAME", "warning", column) not in said(roster(student, *others))


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (TERM - dt.timedelta(days=365), None, True),  # last year's date for this year's enrollment
        (TERM + dt.timedelta(days=9), None, True),
        (TERM, None, False),
        (TERM + dt.timedelta(days=366), None, False),  # what a new year brings
        (TERM - dt.timedelta(days=365), TERM - dt.timedelta(days=60), False),  # history
        (TERM - dt.timedelta(days=365), TERM + dt.timedelta(days=60), True),
    ],
)
def test_a_second_enrollment_beside_one_that_is_open_is_a_warning(
    student: Student, start: dt.date, end: dt.date | None, *, told: bool
) -> None:
    report = roster(student, {"enrollment_start": f"{start}", "enrollment_exit": f"{end or ''}"})

    assert (("ENR-OVERLAP", "warning", "enrollment_start") in said(report)) is told
    if told:
        assert f"enrolled at this school since {TERM}" in report.issues[-1]["message"]


def test_a_line_that_ends_the_first_enrollment_explains_the_second(student: Student) -> None:
    back = TERM + dt.timedelta(days=30)
    report = roster(
        student,
        {"enrollment_exit": f"{back - dt.timedelta(days=9)}"},
        {"enrollment_start": f"{back}"},
    )

    assert "ENR-OVERLAP" not in {code for code, *_ in said(report)}
