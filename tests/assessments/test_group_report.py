"""A student's years side by side, and the report about students whom somebody picks."""

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from assessments.models import Assessment, Score
from assessments.pages.group_report import NotPickedError, pick
from assessments.pages.queries import student_scores
from assessments.pages.side_by_side import grid_of
from assessments.results import cuts
from assessments.structure import level_names
from sisimport.audit.models import AuditEntry
from students.models import School, Student
from tests.factories import EnrollmentFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


def setup(code: str, name: str, parent: Assessment | None = None, **more: Any) -> Assessment:
    results = [{"code": c, "name": n} for c, n in level_names(code, 2024).items()]
    return Assessment.objects.create(state_code=code, name=name, parent=parent, results=results, **more)


def score(
    student: Student, test: Assessment, year: int, scale: str, level: str, grade: str = "05", **more: Any
) -> None:
    Score.objects.create(
        student=student, assessment=test, school_year=year, scale_score=scale, result=level, grade=grade, **more
    )


@pytest.fixture
def ela() -> Assessment:
    return setup("SBELA", "Smarter Balanced for ELA")


def test_years_stand_side_by_side_with_the_points_above_the_standard_of_each(ela: Assessment) -> None:
    student, part = StudentFactory(), setup("SBELA-R", "Reading", ela)
    score(student, ela, 2023, "2460", "2", "04")
    score(student, ela, 2024, "2510", "3", "05")
    score(student, part, 2024, "", "2")

    grid = grid_of(student_scores(student))

    assert grid.labels == ["2022-23", "2023-24"]
    assert [(line.name, line.is_part) for line in grid.lines] == [
        ("Smarter Balanced for ELA", False),
        ("Reading", True),
    ]
    before, now = grid.lines[0].cells
    assert before is not None and now is not None  # noqa: PT018
    assert (before.scale, before.result, before.above) == ("2460", "2 Standard Nearly Met", 2460 - 2473)
    assert (now.scale, now.result, now.above) == ("2510", "3 Standard Met", 2510 - 2502)
    assert grid.lines[1].cells[0] is None
    assert grid.notes == ()


def test_tests_of_another_design_and_levels_of_another_name_are_not_mixed_silently(ela: Assessment) -> None:
    student, sts = StudentFactory(), setup("CSA", "California Spanish Assessment")
    score(student, ela, 2025, "2510", "3")
    score(student, ela, 2026, "2510", "3", "06")
    score(student, sts, 2024, "350", "2")
    score(student, sts, 2025, "480", "2")

    grid = grid_of(student_scores(student))

    assert len([line for line in grid.lines if "Spanish" in line.name]) == 2
    assert any("has been a different test since 2024-25" in note for note in grid.notes)
    assert any("levels have had other names since 2025-26 (Advanced" in note for note in grid.notes)


def test_a_standard_that_moved_is_reported_with_the_years(ela: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "standard_of", lambda _code, year, _grade: 2502 if year < 2024 else 2510)
    student = StudentFactory()
    score(student, ela, 2023, "2505", "3")
    score(student, ela, 2024, "2505", "2")
    grid = grid_of(student_scores(student))
    assert [cell and cell.above for cell in grid.lines[0].cells] == [3, -5]
    (note,) = grid.notes
    assert note.endswith("of grade 5 changed from 2502 in 2022-23 to 2510 in 2023-24.")


def test_two_set_ups_of_one_test_and_year_count_once(ela: Assessment) -> None:
    student, other = StudentFactory(), setup("SBELA", "Smarter Balanced for ELA, again", position=1)
    score(student, ela, 2024, "2510", "3")
    score(student, other, 2024, "2510", "3")
    assert [len([c for c in line.cells if c]) for line in grid_of(student_scores(student)).lines] == [1]


def test_the_student_page_shows_the_years_where_there_are_several(client: Client, ela: Assessment) -> None:
    student = StudentFactory()
    client.force_login(UserFactory(viewer=True, all_schools=True))
    score(student, ela, 2023, "2460", "2", "04")
    assert "years side by side" not in client.get(reverse("student", args=[student.pk])).content.decode()
    score(student, ela, 2024, "2510", "3", "05")
    page = client.get(reverse("student", args=[student.pk])).content.decode()
    assert "years side by side" in page
    assert "+8 points" in page


# ---- who is picked ----


@pytest.fixture
def school() -> School:
    made: School = SchoolFactory(name="Oak")
    for number, grade in (("0012345", "05"), ("700", "05"), ("800", "06")):
        StudentFactory(school=made, local_number=number, grade=grade, last_name=f"Diaz{number}")
    gone = StudentFactory(school=made, local_number="900", grade="05", enrollment=None)
    EnrollmentFactory(student=gone, exit_date="2025-01-10")
    return made


def picked(**asked: Any) -> list[str]:
    asked = {"school": None, "grade": "", "numbers": "", "most": 10} | asked
    return [one.local_number for one in pick(Student.objects.all(), **asked).students]


def test_a_school_a_grade_or_pasted_numbers_pick_students(school: School) -> None:
    assert picked(school=school.pk) == ["0012345", "700", "800"]
    assert picked(school=school.pk, grade="05") == ["0012345", "700"]
    assert picked(numbers="800\n700, 900;700") == ["900", "700", "800"], "by name; who has left is there when named"
    assert picked(numbers="800 700", grade="06") == ["800"]


def test_a_number_that_lost_its_zeros_means_the_student_whom_it_fits_alone(school: School) -> None:
    found = pick(Student.objects.all(), school=None, grade="", numbers="12345 4711 0700", most=10)
    assert [one.local_number for one in found.students] == ["0012345", "700"]
    assert found.notes == [
        "Leading zeros were added or left out for 12345, 0700.",
        "No student in your schools has 4711.",
    ]
    StudentFactory(school=school, local_number="012345")
    with pytest.raises(NotPickedError, match="has 12345"):
        picked(numbers="12345")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Choose a school or a grade, or paste local numbers"),
        ({"numbers": "4711"}, "No students of your schools are selected. No student in your schools has 4711"),
        ({"grade": "05", "most": 1}, "More than 1 students: choose a school or paste"),
    ],
)
def test_nobody_and_too_many_say_what_to_do(school: School, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(NotPickedError, match=said):
        picked(**asked)


# ---- the report ----


def test_the_report_is_a_page_each_a_table_and_files_and_everybody_in_it_is_logged(
    client: Client, school: School, ela: Assessment
) -> None:
    students = list(Student.objects.filter(grade="05", local_number__in=("0012345", "700")).order_by("last_key"))
    for year, scale in ((2022, "2400"), (2023, "2460"), (2024, "2510")):
        score(students[0], ela, year, scale, "2")
    client.force_login(UserFactory(registrar=True, schools=[school]))
    asked = {"school": str(school.pk), "grade": "05", "years": "2"}

    pages = client.post(reverse("group_report"), asked | {"shape": "pages"}).content.decode()
    assert pages.count('class="card sheet"') == 2
    assert "2021-22" in pages, "a page has all years"
    page = client.post(reverse("group_report"), asked)
    assert "2 students of Oak, grade 5, " in page.content.decode()
    table = page.context["table"]
    assert table.tests == [("Smarter Balanced for ELA", ["2022-23", "2023-24"])]
    assert [cells for _student, cells in table.rows] == [
        [("2460", "2 Standard Nearly Met"), ("2510", "2 Standard Nearly Met")],
        [("", ""), ("", "")],
    ]
    sent = b"".join(client.post(reverse("group_report"), asked | {"file": "csv"})).decode("utf-8-sig")  # type: ignore[arg-type]
    lines = sent.splitlines()
    assert lines[0].endswith("Smarter Balanced for ELA 2023-24: scale score,Smarter Balanced for ELA 2023-24: level")
    assert lines[1].endswith(",Oak,05,2460,2 Standard Nearly Met,2510,2 Standard Nearly Met")
    book = client.post(reverse("group_report"), asked | {"file": "xlsx"})
    rows = list(load_workbook(io.BytesIO(b"".join(book))).active.values)  # type: ignore[arg-type, union-attr]
    assert rows[1][5:] == tuple(lines[1].split(",")[5:])
    logged = AuditEntry.looks.filter(students=sorted(one.pk for one in students)).values_list("kind", "subject")
    assert sorted(logged) == sorted(
        [("page", "group report")] * 2 + [("export", "group report csv"), ("export", "group report xlsx")]
    )


def test_only_students_of_the_users_schools_are_reported(client: Client, school: School) -> None:
    other = StudentFactory(local_number="4712", last_name="Zqqz")
    client.force_login(UserFactory(viewer=True, schools=[school]))
    for asked in ({"numbers": "4712"}, {"school": str(other.school_id)}, {"numbers": "4712 700", "shape": "pages"}):
        answer = client.post(reverse("group_report"), asked).content.decode()
        assert "Zqqz" not in answer
    assert not AuditEntry.looks.filter(students__contains=[other.pk]).exists()
    filed = client.post(reverse("group_report"), {"numbers": "700", "file": "csv"})
    assert filed["Content-Type"].startswith("text/html"), "a viewer may not export"


def test_the_report_reads_scores_of_all_at_once(
    client: Client, school: School, ela: Assessment, django_assert_max_num_queries: Any
) -> None:
    for student in Student.objects.all():
        score(student, ela, 2024, "2510", "3")
    client.force_login(UserFactory(registrar=True, all_schools=True))
    with django_assert_max_num_queries(22):
        client.post(reverse("group_report"), {"school": str(school.pk), "shape": "pages"})
