"""The admin beside the product's own pages: the way back, the same words, the first column a link."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from sisimport.imports.models import ImportRun
from tests.browser.district import make_district
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def everybody(client: Client) -> Any:
    user = UserFactory(is_superuser=True, is_staff=True, all_schools=True)
    client.force_login(user)
    return user


def way_back(page: str) -> tuple[str, str]:
    """Where the way back leads, and what it says."""
    found = re.search(r'<nav class="way-back"[^>]*>\s*<a href="([^"]+)">(.*?)</a>', page, re.DOTALL)
    assert found
    return found[1], re.sub(r"<[^>]+>|‹", "", found[2]).strip()


def test_each_list_has_the_way_back_and_a_link_in_its_first_column(client: Client) -> None:
    district = make_district()
    client.force_login(district.staff)
    request = RequestFactory().get("/")
    request.user = district.staff
    without = []
    for model, site in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        page = client.get(reverse(name)).content.decode()
        assert way_back(page) == (reverse("home"), "Back to SIS Import")
        if not site.get_queryset(request).exists():
            continue
        row = re.search(r'<tr class="data-row.*?</tr>', page, re.DOTALL)
        assert row, name
        cells = [c for c in re.findall(r"<t[hd].*?</t[hd]>", row[0], re.DOTALL) if "action-checkbox" not in c]
        # A first cell that is not a head is taken for a tick box by the theme on narrow screens.
        if "<a " not in cells[0] or not cells[0].startswith("<th"):
            without.append(name)

    assert without == []


def test_a_page_about_a_student_or_run_leads_to_their_own_page(client: Client) -> None:
    district = make_district()
    client.force_login(district.staff)
    student = reverse("admin:students_student_change", args=[district.known.pk])
    assert way_back(client.get(student).content.decode()) == (
        reverse("student", args=[district.known.pk]),
        "Back to Student page",
    )
    ssid = reverse("admin:students_ssid_change", args=[district.known.ssids.get().pk])
    assert way_back(client.get(ssid).content.decode())[0] == reverse("student", args=[district.known.pk])
    run = reverse("admin:imports_importrun_change", args=[district.test.pk])
    assert way_back(client.get(run).content.decode()) == (
        reverse("run", args=[district.test.pk]),
        f"Back to Run {district.test.pk}",
    )
    index = client.get(reverse("admin:index")).content.decode()
    assert way_back(index)[0] == reverse("home")


def test_the_list_of_runs_has_the_words_of_the_page_of_runs(client: Client, everybody: Any) -> None:
    StudentFactory()
    ours = [column.label for column in client.get(reverse("runs")).context["listing"].list.columns]
    site, theirs = admin.site._registry[ImportRun], []
    for name in site.list_display:
        field = getattr(site, name, None)
        theirs.append(str(getattr(field, "short_description", name)).capitalize())
    assert [word for word in ours if word not in theirs] == []
    index = client.get(reverse("admin:index")).content.decode()
    assert "Import runs" not in index
    assert ">Runs<" in re.sub(r"\s+", "", index)


def test_acronyms_are_written_as_such_in_every_form_of_the_admin() -> None:
    acronyms = {"lea", "leas", "ssid", "ssids", "el", "uin", "elpac", "caaspp", "rfep", "csv", "api", "url", "sftp"}
    wrong = [
        f"{model._meta.label}.{field.name}: {field.verbose_name}"
        for model in admin.site._registry
        for field in model._meta.concrete_fields
        if acronyms & set(str(field.verbose_name).split())
    ]
    assert wrong == []
