"""Pages about file layouts: every column with the form of its values and what is done with it, from the code that does it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.imports.column_logic import logic_of
from sisimport.imports.definition.registry import built_in_types, layouts_of

pytestmark = pytest.mark.django_db
EVERY = [(t.key, layout.key) for t in built_in_types() if t.screen.listed for layout in layouts_of(t)]


def row_of(page: str, column: str) -> str:
    """The table row of a column, without tags."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    found = next(row for row in rows if re.search(rf'scope="row">{re.escape(column)}\s*<', row))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found))


def page(client: Client, import_type: str, layout: str) -> str:
    answer = client.get(reverse("file_layout", args=[import_type, layout]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_layout_is_listed_with_the_states_documentation(client: Client, registrar: Any) -> None:
    text = client.get(reverse("file_layouts")).content.decode()

    for import_type, layout in EVERY:
        assert f'href="{reverse("file_layout", args=[import_type, layout])}"' in text
    assert 'href="https://documentation.calpads.org"' in text
    assert 'href="https://www.cde.ca.gov/ds/sp/cl/"' in text


@pytest.mark.parametrize(("import_type", "layout"), EVERY, ids=[f"{t} {la}" for t, la in EVERY])
def test_what_is_read_has_a_logic(import_type: str, layout: str) -> None:
    """Each column that a type reads is written, checked, or used to find the student."""
    logic = logic_of(import_type, layout)

    assert logic
    assert any(entry.written for entry in logic.values())
    assert any(entry.checks for entry in logic.values())


def test_the_download_file_says_what_each_column_does(client: Client, registrar: Any) -> None:
    text = page(client, "ssid-download", "calpads-ssid-download")

    ssid = row_of(text, "SSID")
    assert "SSID: SSID" in ssid
    assert "SSID-CONFLICT" in ssid
    status = row_of(text, "English Language Acquisition Status Code")
    assert "EL record: program status" in status
    assert "ELA-CODE" in status
    date = row_of(text, "English Language Acquisition Status Start Date")
    assert "EL record: identified date" in date
    assert "EL record: TBD date" in date
    assert "ELA-BIRTH" in date
    assert "date, CCYYMMDD" in date
    assert "Student: home primary language" in row_of(text, "Primary Language Code")
    assert "not read" in row_of(text, "SSID Create Date")
    birth = row_of(text, "Student Birth Date")
    assert "required: blank is an error" in birth
    assert "compared only" in birth
    assert "DEMO-MISMATCH" in birth


def test_options_that_are_off_at_first_are_reported_too(client: Client, registrar: Any) -> None:
    text = page(client, "ssid-request", "calpads-ssid-request-results")

    assert "Guardian: last name" in row_of(text, "Result_Guardian1_LastName")
    assert "Enrollment at the state: exit date" in row_of(text, "Result_SENR_EnrollmentExitDate")


def test_scores_name_the_part_of_each_column(client: Client, registrar: Any) -> None:
    text = page(client, "caaspp-2023-2024", "caaspp-2023-24")

    assert "Scale score: " in row_of(text, "ScaleScore")
    assert "not read" in row_of(text, "Section504Status")


def test_the_upload_screen_leads_there(client: Client, registrar: Any) -> None:
    assert reverse("file_layouts") in client.get(reverse("upload", args=["calpads-ssid"])).content.decode()


def test_what_there_is_not_is_not_found(client: Client, registrar: Any) -> None:
    for import_type, layout in (("ela", "students"), ("nothing", "calpads-sela")):
        assert client.get(reverse("file_layout", args=[import_type, layout])).status_code == 404
