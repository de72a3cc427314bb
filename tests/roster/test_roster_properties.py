"""Student roster: what holds for any file over any small district."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from students.models import SSID, ELRecord, Enrollment, ProgramStatus, School, Student
from tests.imports.journey import District, give_el, give_ssid, make_district
from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds
from tests.roster.test_roster import JOSE, csv

NUMBERS = ["1", "2", "3"]
SSIDS = [f"901234567{n}" for n in range(4)]


def mostly(usual: list[str], rare: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(usual * (20 // len(usual)) + rare)


people = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS),
        st.none() | st.sampled_from(list(ProgramStatus)),
        st.none() | st.sampled_from(SSIDS),
        st.booleans(),
    ),
    unique_by=(lambda p: p[0], lambda p: p[2] or object()),
    max_size=3,
)
rows = st.fixed_dictionaries(
    {
        "lea": mostly(["1234567"], ["7654321"]),
        "school": mostly(["0123456", "0123457"], ["0000009", ""]),
        "local_number": mostly(NUMBERS, ["9", ""]),
        "ssid": mostly(["", *SSIDS], ["123"]),
        "last_name": mostly(["García-López"], ["O'Neil", ""]),
        "home_language": st.sampled_from(["spa", "", "eng"]),
        "birth_date": mostly(["2009-02-14"], ["2009-02-30", "2010-01-01"]),
        "gender": mostly(["M", ""], ["Q"]),
        "grade": mostly(["10", "11", ""], ["13"]),
        "enrollment_start": mostly(["2024-08-12", "2025-01-06", ""], ["x"]),
        "enrollment_exit": mostly([""], ["2024-12-20", "2020-01-01"]),
        "el_status": mostly(["", "EL", "Exited EL"], ["Fluent"]),
        "el_identified_date": st.sampled_from(["", "2015-09-01"]),
    }
).map(lambda drawn: JOSE | drawn)
files = st.lists(rows, max_size=6).map(lambda drawn: csv(*drawn) if drawn else csv(JOSE).splitlines()[0])
options = st.fixed_dictionaries({"blank": st.sampled_from(["keep", "clear"])})


def make(drawn: list[tuple[str, ProgramStatus | None, str | None, bool]]) -> District:
    district = make_district()
    for number, status, ssid, left in drawn:
        student = district.student(local_number=number)
        if status:
            give_el(student, status, identified_date=date(2014, 9, 1))
        if ssid:
            give_ssid(student, ssid)
        if left:
            student.enrollments.update(exit_date=date(2024, 12, 20))
    return district


def rename(number: str) -> None:
    Student.objects.filter(local_number=number).update(last_name="Edited")


def change_grade(number: str) -> None:
    Student.objects.filter(local_number=number).update(grade="12")


def remove_student(number: str) -> None:
    Enrollment.objects.filter(student__local_number=number).delete()
    Student.objects.filter(local_number=number).delete()


def enroll_by_hand(number: str) -> None:
    """Somebody adds the student, or their enrollment, that a line is about to create."""
    school = School.objects.order_by("code").first()
    assert school is not None
    student, _made = Student.objects.get_or_create(
        lea=school.lea,
        local_number=number,
        defaults={"last_name": "By", "first_name": "Hand", "birth_date": date(2009, 2, 14), "school": school},
    )
    Enrollment.objects.get_or_create(student=student, school=school, start_date=date(2024, 8, 12))


def take_the_first_ssid(number: str) -> None:
    student = Student.objects.filter(local_number=number).first()
    if student and not student.ssids.exists() and not SSID.objects.filter(ssid=SSIDS[0]).exists():
        give_ssid(student, SSIDS[0])


def end_enrollment(number: str) -> None:
    Enrollment.objects.filter(student__local_number=number).update(exit_date=date(2026, 1, 9))


def remove_el(number: str) -> None:
    ELRecord.objects.filter(student__local_number=number).delete()


def add_school(_number: str) -> None:
    """The school that a line is about to create is made by hand."""
    first = School.objects.order_by("code").first()
    assert first is not None
    School.objects.get_or_create(lea=first.lea, code="0000009")


EDITS: list[Callable[[str], None]] = [
    rename,
    change_grade,
    remove_student,
    enroll_by_hand,
    take_the_first_ssid,
    end_enrollment,
    remove_el,
    add_school,
]
edits = st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from(NUMBERS)), max_size=3)


@pytest.mark.django_db
@few
@given(drawn=people, content=files, chosen=options)
def test_update_does_what_test_planned_and_revert_restores_everything(drawn, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn)
        journey_holds("students", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, content=files, chosen=options, since_test=edits, since_update=edits)
def test_edits_in_between_are_kept_and_every_line_is_accounted_for(  # type: ignore[no-untyped-def]
    drawn, content, chosen, since_test, since_update
) -> None:
    def edit(chosen_edits: list[tuple[Callable[[str], None], str]]) -> Callable[[], None]:
        return lambda: [change(number) for change, number in chosen_edits] and None

    with OneExample():
        make(drawn)
        edits_are_kept("students", content, chosen, edit(since_test), edit(since_update))
