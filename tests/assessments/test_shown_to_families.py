"""The switch that shows a year's results to families, its preview, and what levels mean in plain words."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment, ResultCount, Score
from assessments.pages.family_card import card_of
from assessments.pages.level_words import level_words
from assessments.showing import switch, switches, years_of_tests
from assessments.structure import level_names, structure
from sisimport.families.catalog import catalogs, read_catalog
from students.models import FamilyMember, Student
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


@pytest.fixture
def ela() -> Assessment:
    names = [{"code": code, "name": name} for code, name in level_names("SBELA", 2024).items()]
    made: Assessment = Assessment.objects.create(state_code="SBELA", name="Smarter Balanced for ELA", results=names)
    return made


def result(student: Student, test: Assessment, year: int = 2024, scale: str = "2500", grade: str = "05") -> None:
    Score.objects.create(student=student, assessment=test, school_year=year, scale_score=scale, result="3", grade=grade)
    if test.parent is None:
        counts = dict.fromkeys(
            ("scored", "level_1", "level_2", "level_3", "level_4", "level_5", "scale_count", "scale_sum"), 0
        )
        ResultCount.objects.create(
            assessment_id=test.pk, school_year=year, student_group="all", lea="", school=str(student.pk)[:7], grade=grade,
            tested=1, **counts,
        )  # fmt: skip


def seen(student: Student) -> list[tuple[str, str]]:
    card = card_of(student, switches())
    return [(row.year, row.part) for one in (card or {"assessments": []})["assessments"] for row in one.rows]


def test_one_switch_shows_all_tests_of_a_year_and_hides_them_again(client: Client, admin: Any, ela: Assessment) -> None:
    student = StudentFactory(last_name="Tran")
    part = Assessment.objects.create(state_code="SBELA-R", name="Reading", parent=ela)
    for year, test in ((2024, ela), (2024, part), (2023, ela)):
        result(student, test, year)
    address = reverse("shown_results_preview", args=["caaspp", 2024])
    assert seen(student) == []

    page = client.get(address).content.decode()
    assert "Tran" in page
    assert "Standard Met" in page
    assert seen(student) == []  # a preview shows nothing to anybody
    client.post(address, {"show": ""})

    assert seen(student) == [("2023-24", ""), ("2023-24", "Reading")]
    assert [(row.year, row.state) for row in years_of_tests()] == [(2024, "shown"), (2023, "hidden")]
    client.post(address, {"hide": ""})
    assert seen(student) == []


def test_the_switch_goes_before_display_options_and_other_families_of_tests_keep_theirs(ela: Assessment) -> None:
    student = StudentFactory()
    Assessment.objects.filter(pk=ela.pk).update(shown_to_families=True)
    elpac = Assessment.objects.create(state_code="ELPACS", name="ELPAC Overall", shown_to_families=True)
    result(student, ela)
    result(student, elpac)

    switch(family="caaspp", year=2024, shown=False, user=UserFactory())

    card = card_of(student, switches())
    assert card is not None
    assert [one.name for one in card["assessments"]] == ["ELPAC Overall"]
    assert card["waits"]


def test_the_preview_speaks_spanish_leads_to_another_student_and_is_for_import_admins(
    client: Client, admin: Any, ela: Assessment
) -> None:
    first, second = StudentFactory(last_name="Tran"), StudentFactory(last_name="Lee")
    for one in (first, second):
        result(one, ela)
    address = reverse("shown_results_preview", args=["caaspp", 2024])

    spanish = client.get(address, {"language": "es"})
    assert "Qué significan los niveles" in spanish.content.decode()
    assert spanish.context["student"] == first
    assert client.get(address, {"after": first.pk}).context["student"] == second
    assert client.get(address, {"after": second.pk}).context["student"] == first
    assert client.get(reverse("shown_results_preview", args=["nothing", 2024])).status_code == 404
    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert client.get(address).status_code == 403


def test_the_family_page_begins_with_the_newest_result_and_a_line_over_the_years(
    client: Client, ela: Assessment
) -> None:
    student, parent = StudentFactory(), UserFactory()
    FamilyMember.objects.create(user=parent, student=student)
    Assessment.objects.filter(pk=ela.pk).update(shown_to_families=True)
    result(student, ela, 2023, "2480", "04")
    result(student, ela, 2024, "2510", "05")
    client.force_login(parent)

    page = client.get(reverse("family_student", args=[student.pk])).content.decode()

    newest, folded = page.index('class="newest"'), page.index("<summary>All years")
    assert newest < page.index("2510") < page.index('class="spark"') < folded
    assert 'aria-label="2480 in 2022-23, 2510 in 2023-24"' in page
    assert "what the standard of this grade asks" in page


def test_each_level_of_each_test_has_a_meaning_in_both_languages() -> None:
    (spanish,) = (read_catalog(path) for path in catalogs())
    words = level_words()
    no_level = {"9", "NS", "E"}
    missing = []
    for code in structure()["tests"]:
        test = words["tests"][code]
        texts = words["levels"][test["levels"]]
        for year in (2019, 2024, 2026):
            missing += [(code, level) for level in level_names(code, year) if level not in {*texts, *no_level}]
        missing += [(code, text) for text in (test["about"], *texts.values()) if text not in spanish]

    assert missing == []
