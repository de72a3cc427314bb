"""The page on which columns of another system's export are named, in requests."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.roster.models import MappingVersion
from tests.factories import UserFactory
from tests.imports.journey import District, drop_temporary_tables

CASE = Path(__file__).parents[1] / "cases" / "15-vendor-exports-taken-for-a-school-list"
POWERSCHOOL = (CASE / "student-export.text").read_bytes()
MAP = reverse("map_columns")


class _Fields(HTMLParser):
    """Name -> value of the fields of the form that is posted to the page, as a browser would send them unchanged."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._inside = False
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("method") == "post" and said.get("action") == MAP
        if not self._inside:
            return
        if tag == "input" and "name" in said:
            self.values[said["name"]] = said.get("value", "")
        elif tag == "select":
            self._select = said["name"]
        elif tag == "option" and self._select and ("selected" in said or self._select not in self.values):
            self.values[self._select] = said["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = ""


def fields(response: Any) -> dict[str, str]:
    found = _Fields(response.content.decode()).values
    found.pop("csrfmiddlewaretoken", None)
    return found


@pytest.fixture
def registrar(district: District, client: Client) -> Client:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    return client


def upload(client: Client, data: bytes, name: str = "student-export.text") -> Any:
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("upload", args=["roster"]), {"import_type": "students", "work": "test", "file": file})


def page_for(client: Client, data: bytes, name: str = "student-export.text") -> Any:
    """The page to which the refused upload leads."""
    refused = upload(client, data, name)
    assert refused.status_code == 422
    return client.get(f"{MAP}?t={refused.context['held'].token}")


def executed() -> ImportRun:
    run = run_to_end(ImportRun.objects.latest("pk"))
    drop_temporary_tables()
    return run


def test_an_upload_of_unknown_columns_leads_to_the_page_and_from_there_to_a_test(
    registrar: Client, district: District
) -> None:
    district.student(local_number="115001")
    refused = upload(registrar, POWERSCHOOL)
    html = refused.content.decode()
    assert "lea, school" in html
    assert "State_StudentNumber as ssid" in html
    token = refused.context["held"].token
    assert f'href="{MAP}?t={token}"' in html

    page = registrar.get(f"{MAP}?t={token}")
    html = page.content.decode()
    assert "Student export of PowerSchool." in html
    assert "1 of 1 of its students on record: at Cedar High" in html
    assert "9001150001" not in html  # SSIDs are masked
    confirmed = registrar.post(MAP, fields(page))

    run = executed()
    assert confirmed.url == reverse("run", args=[run.pk])
    version = MappingVersion.objects.get()
    assert (run.status, run.planned_count, run.error_count) == (RunStatus.COMPLETED, 1, 0)
    assert run.layout == f"students-by-{version.sha}"
    assert run.facts["mapping"] == {"name": "Student export of PowerSchool", "number": 1, "version": version.sha}
    shown = registrar.get(confirmed.url).content.decode()
    assert "Change the mapping" in shown


def test_next_time_the_header_line_is_enough(registrar: Client, district: District) -> None:
    district.student(local_number="115001")
    registrar.post(MAP, fields(page_for(registrar, POWERSCHOOL)))
    again = upload(registrar, POWERSCHOOL.replace(b"Quist", b"Quest"))
    run = executed()
    assert again.url == reverse("run", args=[run.pk])
    assert (run.status, run.planned_count) == (RunStatus.COMPLETED, 1)
