"""Students not in a file are a list like every other: sorted, filtered, searched without a trace in the address, exported."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, give_el, run_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(district: District, registrar: User) -> ImportRun:
    """A Test whose file names one student; three others are absent, one of them with EL data."""
    district.student()
    district.another(local_number="1", last_name="Zuniga", grade="03")
    give_el(district.another(local_number="2", last_name="Moss", grade="05"), "EL")
    district.another(local_number="3", last_name="Adams", grade="11")
    return run_file("ssid-download", f"{line()}\n").run


def names(client: Client, run: ImportRun, **query: str) -> list[str]:
    page = client.get(reverse("run_absent", args=[run.pk]), query).context["page"]
    return [student.last_name for student in page.object_list]


def test_it_begins_with_el_data_and_sorts_by_each_column(client: Client, run: ImportRun) -> None:
    assert names(client, run) == ["Moss", "Adams", "Zuniga"]
    assert names(client, run, sort="student") == ["Adams", "Moss", "Zuniga"]
    assert names(client, run, sort="-grade") == ["Adams", "Moss", "Zuniga"]
    assert names(client, run, sort="number") == ["Zuniga", "Moss", "Adams"]


def test_what_is_chosen_is_in_the_address_and_what_is_typed_is_not(
    client: Client, run: ImportRun, district: District
) -> None:
    address = reverse("run_absent", args=[run.pk])
    answer = client.post(address, {"el": "yes", "school": str(district.school.pk), "text": "mos"})
    assert answer["Location"] == f"{address}?el=yes&school={district.school.pk}"
    assert names(client, run, el="yes") == ["Moss"]
    client.post(address, {"text": "zun"})
    assert names(client, run) == ["Zuniga"]
    assert names(client, run, school=str(district.other_school.pk)) == []
    client.post(address, {"clear": "1"})
    assert len(names(client, run)) == 3


def test_it_is_exported_as_filtered_and_sorted(client: Client, run: ImportRun) -> None:
    address = reverse("run_absent", args=[run.pk])
    answer: Any = client.post(f"{address}?sort=student", {"export": "csv"})
    rows = b"".join(answer).decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Student,Local number,School,Grade,SSID,EL data")
    assert [row.split(",")[2 if row.startswith('"') else 1] for row in rows[1:]] == ["3", "2", "1"]
    assert rows[2].endswith("EL")


def test_a_filter_is_saved_under_a_name(client: Client, run: ImportRun) -> None:
    address = reverse("run_absent", args=[run.pk])
    client.post(f"{address}?el=yes", {"save_filter": "1", "name": "with EL data"})
    assert "with EL data" in client.get(address).content.decode()


def test_the_page_with_whole_ssids_leads_back_to_the_list(client: Client, run: ImportRun) -> None:
    shown = client.post(reverse("show_run_ssids", args=[run.pk, "absent"]))
    assert shown.status_code == 200
    assert f'action="{reverse("run_absent", args=[run.pk])}"' in shown.content.decode()


def test_a_reader_of_another_school_finds_nobody(client: Client, run: ImportRun, district: District) -> None:
    reader = UserFactory(registrar=True, schools=[district.other_school])
    ImportRun.objects.filter(pk=run.pk).update(created_by=reader)
    client.force_login(reader)
    assert names(client, run) == []
