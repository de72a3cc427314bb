"""What a typed text finds."""

import datetime as dt

import pytest
from django.utils import timezone

from students.models import SSIDReplacement, Student
from students.search import FoundStudents, StudentSearch, find_students
from tests.factories import LEAFactory, SchoolFactory, SSIDFactory, StudentFactory

pytestmark = pytest.mark.django_db


def found(text: str, schools: frozenset[int] | None = None) -> list[Student]:
    return list(find_students(schools, text)[:])


@pytest.fixture
def eva() -> Student:
    student: Student = StudentFactory(
        local_number="A100234",
        first_name="Eva",
        middle_name="Luz",
        last_name="Díaz-Peña",
        suffix="Jr.",
        legal_first_name="Evangelina",
        legal_last_name="Delacruz",
        alias_first_name="Gigi",
        alias_last_name="O'Hara",
        birth_date=dt.date(2011, 8, 12),
    )
    SSIDFactory(student=student, ssid="9012345678")
    SSIDFactory(student=student, ssid="9012345600", retired_at=timezone.now())
    StudentFactory(first_name="Ana", middle_name="", last_name="Quill", birth_date=dt.date(2011, 8, 13))
    return student


@pytest.mark.parametrize(
    "text",
    [
        "díaz", "DIAZ", "diaz-pena", "Diaz Pena", "diazpeña", "Diaz-Peña Jr.", "Díaz-Peña Jr., Eva Luz", "diaz, e", "diaz,",
        "eva", "eva luz", "Eva Díaz", "Eva Luz Diaz Pena", "Diaz Pena Eva", "e d",
        "delacruz", "Evangelina Delacruz", "Eva Delacruz", "Delacruz, Eva", "Evangelina Diaz",
        "gigi", "ohara", "O'Hara, Gigi", "Gigi Diaz", "Eva O'Hara", "Evangelina O’Hara",
        "a100234", "A100234", "9012345678", "90 1234 5678", "901-234-5678", "9012345600",
        "2011-08-12", "8/12/2011", "diaz 2011-08-12", "Eva a100234", "a100234, diaz", "2011-08-12 9012345678",
    ],
)  # fmt: skip
def test_a_student_is_found_by(eva: Student, text: str) -> None:
    assert found(text) == [eva]


@pytest.mark.parametrize(
    "text",
    [
        "íaz", "pena", "Eva Quill", "Diaz, Ana", "Luz", "100234", "A10023", "901234567", "2011-08-11", "2011-13-40",
        "ana a100234", "2011-08-13 diaz", "--", ",", ", ,", "%", "_va", "\\", "'", "':*", "diaz' | 'q", "\0", "💥",
        "x" * 500, " ".join("abcdefgh"),
    ],
)  # fmt: skip
def test_a_student_is_not_found_by(eva: Student, text: str) -> None:
    assert eva not in found(text)


def test_a_local_number_is_found_in_every_lea(eva: Student) -> None:
    other = StudentFactory(local_number="A100234", school=SchoolFactory(lea=LEAFactory(code="7654321")))

    assert {s.pk for s in found("a100234")} == {eva.pk, other.pk}


def test_x3_a_number_the_state_has_replaced_finds_the_student(eva: Student) -> None:
    SSIDReplacement.objects.create(retired_ssid="9012345000", replacement_ssid="9012345678")

    assert found("9012345000") == [eva]


def test_an_ssid_of_utah_is_found() -> None:
    student = StudentFactory()
    SSIDFactory(student=student, state="UT", ssid="1234567")

    assert found("1234567") == [student]


@pytest.mark.parametrize("text", ["diaz", "gigi", "Eva Diaz", "a100234", "9012345678", "9012345600", "2011-08-12", ""])
def test_students_of_other_schools_are_not_found(eva: Student, text: str) -> None:
    own = SchoolFactory()

    assert eva not in found(text, frozenset({own.pk}))
    assert found(text, frozenset()) == []
    assert eva in found(text, frozenset({own.pk, eva.school_id}))


def test_what_was_found_is_in_the_order_of_names_whichever_way_it_was_found() -> None:
    names = [("Mar", "Zoe"), ("Abel", "Mara"), ("Márquez", "Ben"), ("Marquez", "Ana"), ("Zeta", "Marco")]
    for last, first in names:
        StudentFactory(last_name=last, first_name=first, middle_name="")

    shown = [f"{s.last_name} {s.first_name}" for s in found("mar")]

    assert shown == ["Abel Mara", "Mar Zoe", "Marquez Ana", "Márquez Ben", "Zeta Marco"]


@pytest.mark.parametrize("text", ["gar", ""])
def test_a_search_ends_after_its_limit_and_says_so(text: str) -> None:
    school = SchoolFactory()
    for at in range(6):
        StudentFactory(last_name="Garcia", first_name=f"A{at}", school=school)
    wanted = StudentSearch(text=text, school=school.pk)

    whole, cut = FoundStudents(None, wanted, limit=6), FoundStudents(None, wanted, limit=5)

    assert (len(whole), whole.is_cut, len(cut), cut.is_cut) == (6, False, 5, True)
    assert [s.first_name for s in cut[3:9]] == ["A3", "A4"]


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
@pytest.mark.parametrize("ssid", ["present", "missing", ""])
def test_counts_are_those_of_the_rows(ssid: str, limit: int) -> None:
    school = SchoolFactory()
    for _n in range(3):
        StudentFactory(school=school, with_ssid=True)
    for _n in range(2):
        StudentFactory(school=school)
    expected = {"present": 3, "missing": 2, "": 5}[ssid]

    students = FoundStudents(None, StudentSearch(school=school.pk, ssid=ssid), limit=limit)

    assert (len(students), students.is_cut) == (min(limit, expected), expected > limit)
    assert len(students[:]) == min(limit, expected)
