"""The page on which columns of another system's export are named, in requests."""

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.roster.mapping import services
from sisimport.roster.mapping.content import Content
from sisimport.roster.models import MappingVersion
from tests.factories import LEAFactory, SchoolFactory, UserFactory
from tests.imports.journey import District, drop_temporary_tables, run_file

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


def nel(district: District) -> None:
    """On record, the student of the export."""
    district.student(
        local_number="115001", last_name="Quist", first_name="Nel", birth_date=date(2015, 3, 4), gender="F", grade="05"
    )


def test_an_upload_of_unknown_columns_leads_to_the_page_and_from_there_to_a_test(
    registrar: Client, district: District
) -> None:
    nel(district)
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
    nel(district)
    registrar.post(MAP, fields(page_for(registrar, POWERSCHOOL)))
    again = upload(registrar, POWERSCHOOL.replace(b"Quist", b"Quest"))
    run = executed()
    assert again.url == reverse("run", args=[run.pk])
    assert (run.status, run.planned_count) == (RunStatus.COMPLETED, 1)


# ---- whose it is ----


def our_mapping(district: District, **values: Any) -> MappingVersion:
    names = {"local_number": "ID", "last_name": "Last", "first_name": "First", "birth_date": "DOB", "school": "Site"}
    content = Content(
        name="Our system",
        lea=district.lea.code,
        header=(*names.values(), "Room"),
        columns=names,
        constants={"lea": district.lea.code},
        values={"school": {"101": district.school.code}},
    )
    return services.save(replace(content, **values), user=None)


PAGES = (
    ("get", "column_mapping", {}),
    ("get", "mapping_file", {"ending": "toml"}),
    ("post", "rename_mapping", {}),
    ("post", "remove_mapping", {}),
)


def test_a_mapping_is_for_the_people_of_its_district(district: District, client: Client) -> None:
    """Those of another district neither see nor change it; those who test no files have no such page."""
    version = our_mapping(district)
    theirs = UserFactory(registrar=True, schools=[SchoolFactory(lea=LEAFactory(code="7654321"))])
    for user, status in ((theirs, 404), (UserFactory(viewer=True, all_schools=True), 403)):
        client.force_login(user)
        for method, name, values in PAGES:
            address = reverse(name, kwargs={"pk": version.mapping_id, **values})
            assert getattr(client, method)(address).status_code == status, name
        listed = client.get(reverse("column_mappings"))
        assert b"Our system" not in listed.content
        offered = client.get(reverse("upload", args=["roster"]))
        assert b"Our system" not in offered.content
        if status == 404:
            assert b"Our system" not in client.get(reverse("file_layouts")).content
    ours = UserFactory(registrar=True, schools=[district.school])
    client.force_login(ours)
    for page in (reverse("file_layouts"), reverse("help_type", args=["students"])):
        assert client.get(page).status_code == 200
    assert b"Our system" in client.get(reverse("upload", args=["roster"])).content
    assert client.get(reverse("column_mapping", args=[version.mapping_id])).status_code == 200


def test_nobody_makes_a_mapping_for_another_district(district: District, client: Client) -> None:
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    page = page_for(client, POWERSCHOOL)
    sent = fields(page) | {"lea": "7654321", "k-lea": "7654321", "v-school-0": district.school.code}
    refused = client.post(MAP, sent)
    assert refused.status_code == 422
    assert "not one of yours" in refused.content.decode()
    assert not MappingVersion.objects.exists()


def test_the_file_of_somebody_elses_run_is_not_shown(district: District, client: Client) -> None:
    run = run_file("students", POWERSCHOOL, name="export.txt").run
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    assert client.get(f"{MAP}?run={run.pk}").status_code == 404
    assert client.get(f"{MAP}?t=nothing").status_code == 404


def test_a_refused_run_leads_to_the_page(registrar: Client, district: District) -> None:
    """As pick-up, the API and the command line leave it."""
    run = run_file("students", POWERSCHOOL, name="export.txt").run
    page = registrar.get(reverse("run", args=[run.pk])).content.decode()
    assert f"{MAP}?run={run.pk}" in page
    sent = fields(registrar.get(f"{MAP}?run={run.pk}")) | {"v-school-0": district.school.code}
    registrar.post(MAP, sent)
    assert executed().planned_count == 1


# ---- naming ----


def test_what_is_missing_is_reported_and_nothing_kept(registrar: Client, district: District) -> None:
    page = page_for(registrar, POWERSCHOOL)
    assert "Enter the seven-digit code of the School that each of these is" in page.content.decode()
    sent = fields(page)
    last_name = next(name for name, value in sent.items() if value == "last_name")
    refused = registrar.post(MAP, sent | {last_name: ""})
    assert refused.status_code == 422
    assert "Last name is not read from any column" in refused.content.decode()
    twice = registrar.post(MAP, sent | {last_name: "first_name"})
    assert "First name is chosen for two columns" in twice.content.decode()
    assert not MappingVersion.objects.exists()


def test_a_look_keeps_nothing(registrar: Client, district: District) -> None:
    sent = fields(page_for(registrar, POWERSCHOOL)) | {"v-school-0": district.other_school.code, "preview": "1"}
    shown = registrar.post(MAP, sent)
    assert shown.status_code == 200
    assert shown.context["preview"][0][1][1] == district.other_school.code
    assert not MappingVersion.objects.exists()


def test_values_that_nobody_has_seen_are_shown_before_it_is_kept(registrar: Client, district: District) -> None:
    """A column that was chosen on the page has values of its own."""
    data = b"ID\tLast\tFirst\tDOB\tSite\tStage\n1\tQuist\tNel\t3/4/2015\t0123456\tlast but one\n"
    sent = fields(page_for(registrar, data)) | {"c5": "grade"}
    asked = registrar.post(MAP, sent)
    assert asked.status_code == 422
    assert "whose values have not been checked" in asked.content.decode()
    registrar.post(MAP, fields(asked) | {"v-grade-0": "05"})
    run = executed()
    assert (run.status, run.error_count) == (RunStatus.COMPLETED, 0)


def test_a_mapping_is_changed_from_a_run_that_it_read(registrar: Client, district: District) -> None:
    nel(district)
    registrar.post(MAP, fields(page_for(registrar, POWERSCHOOL)))
    run = executed()
    sent = fields(registrar.get(f"{MAP}?run={run.pk}"))
    assert sent["name"] == "Student export of PowerSchool"
    registrar.post(MAP, sent | {"v-school-0": district.other_school.code})
    assert executed().facts["mapping"]["number"] == 2
    assert "has been changed or removed since" in registrar.get(reverse("run", args=[run.pk])).content.decode()
    late = registrar.post(MAP, sent | {"v-school-0": district.school.code})
    assert "in the meantime" in late.content.decode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"115001\tQuist\tNel\t03/04/2015\tF\n115002\tRuiz\tAna\t05/06/2015\tF\n", "line of column names"),
        (b"\t".join(b"column%d" % n for n in range(601)) + b"\n1\n", "600 can be mapped"),
    ],
)
def test_a_file_that_cannot_be_mapped_says_why(registrar: Client, district: District, data: bytes, says: str) -> None:
    run = run_file("students", data, name="export.txt").run
    page = registrar.get(f"{MAP}?run={run.pk}")
    assert page.status_code == 422
    assert says in page.content.decode()


# ---- sharing ----


def test_a_shared_mapping_comes_back(registrar: Client, district: District) -> None:
    version = our_mapping(district)
    for ending in ("toml", "json"):
        shared = registrar.get(reverse("mapping_file", kwargs={"pk": version.mapping_id, "ending": ending}))
        assert f'filename="our-system.columns.{ending}"' in shared["Content-Disposition"]
        file = SimpleUploadedFile(f"ours.{ending}", shared.content)
        answer = registrar.post(
            reverse("column_mappings"), {"file": file, "name": f"Copy {ending}", "lea": district.lea.code}
        )
        assert answer.status_code == 302
    names = [one.mapping.name for one in services.current()]
    assert names == ["Copy json", "Copy toml", "Our system"]
    wrong = registrar.post(
        reverse("column_mappings"), {"file": SimpleUploadedFile("a.json", b"{"), "lea": district.lea.code}
    )
    assert wrong.status_code == 422
    assert "neither TOML nor JSON" in wrong.content.decode()


def test_rename_and_remove(registrar: Client, district: District) -> None:
    version = our_mapping(district)
    address = reverse("column_mapping", args=[version.mapping_id])
    registrar.post(reverse("rename_mapping", args=[version.mapping_id]), {"name": "Their system"})
    assert "Their system" in registrar.get(address).content.decode()
    registrar.post(reverse("remove_mapping", args=[version.mapping_id]))
    assert registrar.get(address).status_code == 404
    assert [one.what for one in MappingVersion.objects.order_by("number")] == ["made", "renamed", "removed"]
