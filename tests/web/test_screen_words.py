"""The results report in the words of the screen that the product mirrors: a setting of the district, for page and downloads."""

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun
from sisimport.imports.runs import services
from sisimport.web.templatetags.ui import count
from students.models import LEA, DistrictSettings, ReportWords
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, give_el, give_ssid, run_file

pytestmark = pytest.mark.django_db

NUMBER = "100234"
PRESENT = f"StateID being imported already exists for localStudentID ({NUMBER})."
CONFLICT = "StateID (90•• ••• 678) being imported cannot overwrite current stateID (90•• ••• 600)."
DATE = (
    "WARNING: Campus LEP Date (&#x27;2013-10-05&#x27;) DOES NOT match LEP Date on ISSID Import File for localStudentID "
    f"(&#x27;{NUMBER}&#x27;)."
)


def choose(district: District, words: str = ReportWords.SCREEN) -> None:
    DistrictSettings.objects.update_or_create(lea=district.lea, defaults={"report_words": words})


def report_of(district: District, *, ssid: str = "9012345678", el_date: date = date(2013, 10, 5)) -> ImportRun:
    student = district.student(local_number=NUMBER)
    give_ssid(student, ssid)
    give_el(student, "EL", identified_date=el_date)
    return run_file("ssid-download", line(local_number=NUMBER)).run


def page(client: Client, run: ImportRun, name: str = "run", *args: Any) -> str:
    answer = client.get(reverse(name, args=[run.pk, *args]), {"severity": "all"})
    assert answer.status_code == 200
    return answer.content.decode()


def download(client: Client, run: ImportRun, form: str) -> str:
    data = b"".join(client.post(reverse("export", args=[run.pk]), {"what": f"issues-{form}"}))  # type: ignore[arg-type]
    if form == "xlsx":
        rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    else:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    return "\n".join(" ".join(str(cell) for cell in row) for row in rows)


def test_without_a_choice_the_words_are_our_own(client: Client, district: District, registrar: Any) -> None:
    text = page(client, report_of(district))

    assert "The student already has SSID" in text
    assert "localStudentID" not in text


def test_page_and_print_are_in_the_words_of_the_screen(client: Client, district: District, registrar: Any) -> None:
    choose(district)
    run = report_of(district)

    for text in (page(client, run), page(client, run, "run_print")):
        assert PRESENT in text
        assert DATE in text
        assert "The student already has SSID" not in text


def test_a_conflict_is_reported_as_on_the_screen_with_masked_numbers(
    client: Client, district: District, registrar: Any
) -> None:
    choose(district)

    assert CONFLICT in page(client, report_of(district, ssid="9012345600"))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_downloads_have_the_same_words(client: Client, district: District, registrar: Any, form: str) -> None:
    choose(district)

    text = download(client, report_of(district), form)

    assert PRESENT in text
    assert f"DOES NOT match LEP Date on ISSID Import File for localStudentID ('{NUMBER}')" in text


def test_what_the_screen_has_no_words_for_keeps_ours(client: Client, district: District, registrar: Any) -> None:
    choose(district)
    run = run_file("ssid-download", line(local_number="999999")).run

    assert "No student has the local number 999999" in page(client, run)


def test_errors_of_the_match_are_not_warnings(client: Client, district: District, registrar: Any) -> None:
    choose(district)
    district.student(local_number=NUMBER)

    download_file = page(client, run_file("ssid-download", line(local_number=NUMBER, last_name="Kim")).run)
    ela_import = page(client, run_file("ela", line(local_number=NUMBER, last_name="Kim")).run)

    said = "Campus Last name (&#x27;García-López&#x27;) DOES NOT match Last name (&#x27;Kim&#x27;) on ISSID Import File"
    assert said in download_file
    assert f"WARNING: {said}" not in download_file
    assert f"WARNING: {said}" in ela_import


def test_the_choice_of_one_district_is_not_that_of_another(client: Client, district: District, registrar: Any) -> None:
    DistrictSettings.objects.create(lea=LEA.objects.create(code="7654321"), report_words=ReportWords.SCREEN)

    assert "localStudentID" not in page(client, report_of(district))


def test_other_tools_keep_their_own_words(client: Client, district: District, registrar: Any) -> None:
    choose(district)
    student = district.student(local_number=NUMBER)
    give_ssid(student, "9012345600")
    roster = (
        "lea,school,local_number,ssid,last_name,first_name,birth_date\n"
        f"{district.lea.code},{district.school.code},{NUMBER},9012345678,García-López,José,2009-02-14\n"
    )

    text = page(client, run_file("students", roster, name="roster.csv").run)

    assert "cannot replace the current SSID" in text
    assert "stateID" not in text


def test_an_import_admin_chooses_and_a_registrar_does_not(client: Client, district: District) -> None:
    address = reverse("admin:students_districtsettings_add")
    client.force_login(UserFactory(import_admin=True, all_schools=True, is_staff=True))
    shown = client.get(address).context["adminform"].form
    filled = {
        name: value
        for name in shown.fields
        if (value := shown.get_initial_for_field(shown.fields[name], name)) is not None
    }
    answer = client.post(address, filled | {"lea": district.lea.pk, "report_words": "screen"})
    assert answer.status_code == 302
    assert district.lea.settings.report_words == "screen"

    client.force_login(UserFactory(registrar=True, all_schools=True, is_staff=True))
    assert client.get(address).status_code == 403


# ---- per run ----


def test_a_run_is_reported_in_other_words_than_the_district_has_chosen(
    client: Client, district: District, registrar: Any
) -> None:
    """On its pages, in downloads, and in the run that applies it; other runs stay as they are."""
    run, other = report_of(district), run_file("ssid-download", line(local_number="1")).run
    ImportRun.objects.update(created_by=registrar)

    client.post(reverse("choose_words", args=[run.pk]), {"words": "screen"})

    assert PRESENT in page(client, run)
    assert PRESENT in download(client, run, "csv")
    assert "of the CALPADS screen" in page(client, run)
    assert "our own" in page(client, other)
    run.refresh_from_db()
    assert services.start_update(test_run=run, user=registrar, enqueue=False).report_words == ReportWords.SCREEN

    client.post(reverse("choose_words", args=[run.pk]), {"words": "own"})
    assert "localStudentID" not in page(client, run)


def test_an_upload_begins_with_the_words_of_the_district_and_takes_others(
    client: Client, district: District, registrar: Any
) -> None:
    """Nothing is kept of a choice that is the district's: it may choose other words later."""
    choose(district)
    address = reverse("upload", args=["calpads-ssid"])
    assert '<option value="screen" selected>' in client.get(address).content.decode()

    def sent(words: str) -> str:
        file = SimpleUploadedFile("ssid.txt", (line(local_number=words) + "\n").encode())
        client.post(address, {"import_type": "ssid-download", "work": "test", "file": file, "words": words})
        return ImportRun.objects.latest("pk").report_words

    assert (sent("screen"), sent("own")) == ("", "own")


def test_only_whose_run_it_is_and_reviewers_choose_its_words(
    client: Client, district: District, registrar: Any
) -> None:
    run = report_of(district)
    address = reverse("choose_words", args=[run.pk])

    assert client.post(address, {"words": "screen"}).status_code == 403
    assert client.post(address, {"words": "other"}).status_code == 404
    assert address not in page(client, run)
    client.force_login(UserFactory(import_admin=True))
    assert client.post(address, {"words": "screen"}).status_code == 302


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(1, "entry", "1 entry"), (2, "entry", "2 entries"), (3, "day", "3 days"), (2, "line is,lines are", "2 lines are")],
)
def test_a_number_is_next_to_the_plural_of_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text
