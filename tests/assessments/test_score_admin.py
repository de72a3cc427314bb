"""Assessments, set-ups and scores in the admin, and how a run names them."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment
from assessments.pages.queries import student_tests
from students.models import Student
from tests.assessments.score_files import ela, start, text
from tests.assessments.test_score_pages import LAYOUT, PARTS, TYPE, page
from tests.factories import SchoolFactory, UserFactory
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@example.org", "invented-1-password"))
    return client


def set_up_form(admin: Client, assessment: Assessment, **values: str) -> dict[str, Any]:
    """What the browser would send after changing some fields of a set-up."""
    context = admin.get(reverse("admin:assessments_assessment_change", args=[assessment.pk])).context
    inline = context["inline_admin_formsets"][0].formset
    data: dict[str, Any] = {}
    for form in (context["adminform"].form, inline.management_form, *inline.forms):
        for bound in form:
            data[bound.html_name] = "" if bound.value() is None else bound.value()
    return {name: value for name, value in data.items() if value is not False} | values


def edit(admin: Client, assessment: Assessment, **values: str) -> Any:
    data = set_up_form(admin, assessment, **values)
    return admin.post(reverse("admin:assessments_assessment_change", args=[assessment.pk]), data)


def test_a_set_up_edited_in_the_admin_is_still_the_one_that_imports_find(home: District, admin: Client) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    parent = Assessment.objects.get(state_code="SBELA")
    lines = "4 | Far above\n3 | Above | passing\n2 | Below\n1 | Far below"

    answer = edit(
        admin, parent, name="Our ELA test", results=lines, passing_score="2500", comments="As we call it",
        shown_to_families="on", **{"children-0-name": "Reading and more", "children-0-shown_to_families": "on"},
    )  # fmt: skip
    again = start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    rescored = start(TYPE, text(LAYOUT, ela(**{**PARTS, "scale_score": "2510"})), work="import")

    assert answer.status_code == 302
    parent.refresh_from_db()
    assert (parent.name, parent.passing_score, parent.comments, parent.shown_to_families) == (
        "Our ELA test", "2500", "As we call it", True,
    )  # fmt: skip
    assert parent.results[1] == {"code": "3", "name": "Above", "passing": True}
    assert (again.unchanged_count, rescored.import_count) == (1, 1)
    assert Assessment.objects.filter(parent__isnull=True).count() == 1
    tests = student_tests(Student.objects.get())
    assert (tests[0].name, tests[0].scores[0].result, tests[0].scores[0].tone) == ("Our ELA test", "3 Above", "ok")
    assert [child.name for child in tests[0].scores[0].children] == ["Reading and more", "Writing and Research"]


def test_a_set_up_renamed_between_test_and_import_is_used_all_the_same(home: District, admin: Client) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    start(TYPE, text(LAYOUT, ela(scale_score="2510")))

    edit(admin, Assessment.objects.get(state_code="SBELA"), name="Our ELA test")
    done = start(TYPE, text(LAYOUT, ela(scale_score="2510")), work="import")

    assert (done.import_count, done.set_aside_count) == (1, 0)
    assert Assessment.objects.filter(parent__isnull=True).count() == 1


def test_a_set_up_saved_unchanged_stays_as_it_is(home: District, admin: Client) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    before = list(Assessment.objects.order_by("pk").values())

    assert edit(admin, Assessment.objects.get(state_code="SBELA")).status_code == 302

    assert list(Assessment.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"results": "4"}, ""),
        ({"results": "4 | A | B"}, "Line 1: enter code | name"),
        ({"results": "4 | A\n4 | B"}, "The code 4 is in two lines."),
        ({"results": " | A"}, "Line 1: enter code | name"),
        ({"passing_score": "high"}, "A passing score is a whole number"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_pages_could_not_show_is_not_saved(
    home: District, admin: Client, values: dict[str, str], said: str
) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    answer = edit(admin, Assessment.objects.get(state_code="SBELA"), **values)

    assert answer.status_code == (200 if said else 302)
    assert said in answer.content.decode()


def test_a_set_up_with_scores_cannot_be_deleted_alone_or_among_others(home: District, admin: Client) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    parent = Assessment.objects.get(state_code="SBELA")
    chosen = {"action": "delete_selected", "_selected_action": str(parent.pk), "post": "yes"}

    alone = admin.post(reverse("admin:assessments_assessment_delete", args=[parent.pk]), {"post": "yes"})
    admin.post(reverse("admin:assessments_assessment_changelist"), chosen)

    assert alone.status_code == 403
    assert Assessment.objects.filter(pk=parent.pk).exists()


def test_scores_are_read_in_the_admin_by_student_and_assessment(home: District, admin: Client) -> None:
    home.add("101", ssid="9087654321", first_name="Kim")
    rows = [ela(**PARTS), ela(ssid="9087654321", first_name="Kim", scale_score="2450", achievement_level="2", uin="2")]
    start(TYPE, text(LAYOUT, *rows), work="import")
    parent = Assessment.objects.get(state_code="SBELA")

    everything = page(admin, "admin:assessments_listedscore_changelist")
    of_student = page(admin, "admin:assessments_listedscore_changelist", q="101")
    of_test = page(admin, "admin:assessments_listedscore_changelist", assessment__id__exact=str(parent.pk), year="2024")

    assert "2502" in everything
    assert "Smarter Balanced for ELA 2021-2024: Reading and Listening" in everything
    assert "2450" in of_student
    assert "2502" not in of_student
    assert ("2502" in of_test, "Near Standard" in of_test) == (True, False)


def test_scores_in_the_admin_are_those_of_the_users_schools_and_only_read(home: District, client: Client) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    elsewhere = UserFactory(registrar=True, schools=[SchoolFactory(lea=home.lea, code="0000001")], is_staff=True)
    elsewhere.user_permissions.add(Permission.objects.get(codename="view_listedscore"))
    client.force_login(elsewhere)
    change = reverse("admin:assessments_listedscore_change", args=[Student.objects.get().pk])

    shown = page(client, "admin:assessments_listedscore_changelist")

    assert "2502" not in shown
    assert client.get(reverse("admin:assessments_listedscore_add")).status_code == 403
    assert "2502" not in client.get(change, follow=True).content.decode()


def test_a_registrar_reads_no_scores_in_the_admin(home: District, browser: Client) -> None:
    answer = browser.get(reverse("admin:assessments_listedscore_changelist"))

    assert answer.status_code in {302, 403}


def test_a_part_is_not_a_whole_for_other_parts(home: District, admin: Client) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    child = Assessment.objects.get(state_code="SBELA-RL")
    data = {"name": "Deep", "state_code": "SBELA-X", "parent": str(child.pk), "score_type": "level", "position": "1",
            "children-TOTAL_FORMS": "0", "children-INITIAL_FORMS": "0"}  # fmt: skip

    answer = admin.post(reverse("admin:assessments_assessment_add"), data)

    assert "This is itself a part" in answer.content.decode()
    assert not Assessment.objects.filter(state_code="SBELA-X").exists()


def test_set_ups_to_be_made_are_shown_in_words(home: District, browser: Client) -> None:
    run = start(TYPE, text(LAYOUT, ela(**PARTS)))

    shown = page(browser, "run_changes", run.pk)

    assert "4 Standard Exceeded (passing), 3 Standard Met (passing), 2 Standard Nearly Met" in shown
    assert "Parent: <ins>Smarter Balanced for ELA 2021-2024</ins>" in shown
    assert "{&#x27;" not in shown


def test_of_the_assessments_a_run_names_those_with_a_choice(home: District, browser: Client) -> None:
    run = start(TYPE, text(LAYOUT, ela()), CAST="skip")

    shown = page(browser, "run", run.pk)

    assert (
        "<dt>Assessments</dt><dd>06 - California Science Test 2018-2024: Do not import these assessments</dd>" in shown
    )
    assert "Automatic" not in shown
