"""Files dropped on the first page: recognized, tested with one more press, and never lost whatever is refused."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.definition.registry import listed_types
from sisimport.imports.models import ImportFile, ImportRun, Work
from sisimport.imports.storage.unused import remove_unused
from sisimport.web import held
from sisimport.web.forms import usual_type
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, revert, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db
DOWNLOAD = f"{line()}\n".encode()
ROSTER = csv(JOSE).encode()


def drop(client: Client, **files: bytes) -> Any:
    """Drop files of these names on the first page."""
    sent = [SimpleUploadedFile(name.replace("__", "."), data) for name, data in files.items()]
    return client.post(reverse("choose_files"), {"files": sent}, follow=True)


def press_test(client: Client, page: Any, number: int = 0) -> ImportRun:
    """Press the button of a card: what its form holds is sent, and nothing else."""
    form = re.findall(r'<form class="row" method="post" action="([^"]+)".*?</form>', page.content.decode(), re.DOTALL)
    body = re.findall(r'<form class="row".*?</form>', page.content.decode(), re.DOTALL)[number]
    values = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body))
    chosen = re.search(r'<option value="([^"]+)">', body)
    if chosen:
        values["import_type"] = chosen[1]
    values.pop("csrfmiddlewaretoken", None)
    answer = client.post(form[number], values)
    assert answer.status_code == 302, answer.content.decode()
    return ImportRun.objects.get(pk=int(answer["Location"].strip("/").split("/")[-1]))


@pytest.mark.parametrize(
    ("data", "kind"), [(DOWNLOAD, "ssid-download"), (ROSTER, "students")], ids=["download", "roster"]
)
def test_a_dropped_file_is_one_press_from_its_test(
    client: Client, registrar: Any, district: District, data: bytes, kind: str
) -> None:
    page = drop(client, file__txt=data)
    assert not ImportRun.objects.exists()

    run = press_test(client, page)

    defaults = {option.name: option.default for option in {t.key: t for t in listed_types()}[kind].options}
    assert (run.import_type, run.work, run.options) == (kind, Work.TEST, defaults)
    assert run.file is not None
    assert run.file.name == "file.txt"
    assert ImportFile.objects.count() == 1


def test_two_files_are_two_cards(client: Client, registrar: Any, district: District) -> None:
    page = drop(client, one__txt=DOWNLOAD, two__csv=ROSTER)

    assert [card.kind.key for card in page.context["cards"]] == ["ssid-download", "students"]
    assert press_test(client, page, 1).import_type == "students"


def test_an_archive_is_recognized_by_the_file_in_it(client: Client, registrar: Any, district: District) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", DOWNLOAD)
    page = drop(client, extract__zip=packed.getvalue())

    assert "In the archive: inner.txt" in page.content.decode()
    assert press_test(client, page).import_type == "ssid-download"


def test_what_nothing_recognizes_says_what_it_looks_like_and_has_no_button(client: Client, registrar: Any) -> None:
    text = drop(client, some__csv=b"Last Name,First Name,Shoe Size\nDiaz,Eva,38\n").content.decode()

    assert "Not recognized" in text
    assert "column" in text
    assert 'name="held"' not in text


def test_what_nothing_recognizes_leads_to_the_nearest_types_with_the_file(
    client: Client, registrar: Any, district: District
) -> None:
    page = drop(client, roster__csv=b"lea,local_number,last_name,first_name,grade\n1234567,1,Diaz,Eva,05\n")
    text = page.content.decode()
    card = page.context["cards"][0]
    assert card.kinds == []
    assert "missing: school, birth_date" in text, "what the file lacks"
    assert "students" in [kind.key for kind in card.found.near]
    address = f"{reverse('upload', args=['roster'])}?type=students&amp;held={card.held.token}"
    assert f'href="{address}"' in text
    shown = client.get(address.replace("&amp;", "&"))
    assert shown.context["held"].token == card.held.token, "the file is not chosen again"


def test_more_files_than_are_accepted_at_once(client: Client, registrar: Any) -> None:
    page = drop(client, **{f"file{number}__txt": DOWNLOAD for number in range(8)})
    assert len(page.context["cards"]) == 6
    assert "Only the first 6 of 8 files were accepted." in page.content.decode()


def test_no_file_at_all(client: Client, registrar: Any) -> None:
    answer = client.post(reverse("choose_files"), {}, follow=True)
    assert "Choose a file." in answer.content.decode()


def test_a_workbook_may_be_tested_as_what_it_holds(client: Client, registrar: Any, district: District) -> None:
    from openpyxl import Workbook

    book, packed = Workbook(), io.BytesIO()
    book.active.append(["lea", "school"])
    book.save(packed)
    page = drop(client, list__xlsx=packed.getvalue())

    assert "This is a workbook." in page.content.decode()
    run = press_test(client, page)
    assert {kind.key: kind for kind in listed_types()}[run.import_type].converts_workbooks


@pytest.mark.parametrize(("name", "limit"), [("broken.zip", None), ("large.txt", 3)])
def test_what_cannot_be_kept_is_reported_on_the_first_page(
    client: Client, registrar: Any, settings: Any, name: str, limit: int | None
) -> None:
    if limit:
        settings.IMPORT_MAX_BYTES = limit
    page = drop(client, **{name.replace(".", "__"): b"PK\x03\x04 broken"})

    assert page.redirect_chain[-1][0] == reverse("home")
    assert name in page.content.decode()
    assert not ImportFile.objects.exists()


def test_the_chosen_file_is_not_lost_when_an_update_is_refused(
    client: Client, registrar: Any, district: District
) -> None:
    screen = reverse("upload", args=["calpads-ssid"])
    refused = client.post(
        screen, {"import_type": "ssid-download", "work": "update", "file": SimpleUploadedFile("kept.txt", DOWNLOAD)}
    )
    assert refused.status_code == 422
    assert "<strong>kept.txt</strong>" in refused.content.decode()
    token = refused.context["held"].token

    answer = client.post(screen, {"import_type": "ssid-download", "work": "test", "held": token})

    assert answer.status_code == 302
    assert ImportRun.objects.get().file == ImportFile.objects.get()


def test_the_chosen_file_is_not_lost_when_something_is_missing(
    client: Client, registrar: Any, district: District
) -> None:
    file = SimpleUploadedFile("kept.txt", DOWNLOAD)
    refused = client.post(reverse("upload", args=["calpads-ssid"]), {"import_type": "ssid-download", "file": file})

    assert refused.status_code == 422
    assert refused.context["held"].file.name == "kept.txt"
    assert "required" not in re.search(r'<input type="file"[^>]*>', refused.content.decode())[0]  # type: ignore[index]


def test_on_a_screen_the_recognized_type_is_taken_for_a_test_but_not_for_an_update(
    client: Client, registrar: Any, district: District
) -> None:
    screen = reverse("upload", args=["calpads-ssid"])

    def send(work: str) -> Any:
        file = SimpleUploadedFile("roster.csv", ROSTER)
        return client.post(screen, {"import_type": "ssid-download", "work": work, "file": file})

    refused = send("update")
    assert refused.status_code == 422
    assert refused.context["held"].file.name == "roster.csv"
    assert not ImportRun.objects.exists()

    assert send("test").status_code == 302
    assert ImportRun.objects.get().import_type == "students"


def test_a_token_is_valid_for_its_own_session_only(client: Client, registrar: Any, district: District) -> None:
    page = drop(client, file__txt=DOWNLOAD)
    token = page.context["cards"][0].held.token
    other = Client()
    other.force_login(UserFactory(registrar=True, all_schools=True))

    assert other.get(reverse("choose_files"), {"t": token}, follow=True).redirect_chain[-1][0] == reverse("home")
    sent = other.post(
        reverse("upload", args=["calpads-ssid"]), {"import_type": "ssid-download", "work": "test", "held": token}
    )
    assert sent.status_code == 422
    assert not ImportRun.objects.exists()


def test_a_session_keeps_a_few_files_and_a_day_ends_them(client: Client, registrar: Any, district: District) -> None:
    for number in range(held.MOST + 2):
        page = drop(client, **{f"file{number}__txt": DOWNLOAD})
    assert ImportFile.objects.count() == held.MOST
    run = press_test(client, page)
    assert run.file is not None
    paths = [Path(file.file.path) for file in ImportFile.objects.exclude(pk=run.file.pk)]

    assert remove_unused(timezone.now() + dt.timedelta(hours=23)) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda act: act())
        assert remove_unused(timezone.now() + dt.timedelta(hours=25)) == held.MOST - 1
    assert ImportFile.objects.get() == run.file
    assert not any(path.exists() for path in paths)
    assert Path(run.file.file.path).exists()


# ---- said at the choice: brought in before ----


def test_a_file_that_was_updated_says_so_when_it_is_chosen(client: Client, registrar: Any, district: District) -> None:
    district.student()
    content = csv(JOSE | {"alias_last_name": "Paz"})
    update = run_file("students", content, Work.UPDATE).run
    ImportRun.objects.filter(pk=update.pk).update(created_by=registrar)

    said = " ".join(drop(client, roster__csv=content.encode()).content.decode().split())
    assert f'in <a href="{reverse("run", args=[update.pk])}">run {update.pk}</a>' in said
    assert "by Rosa Vega" in said
    assert "0 lines would change" in said

    revert(update)
    said = drop(client, roster__csv=content.encode()).content.decode()
    assert "undone since" in said
    assert "0 lines would change" not in said


def test_the_screen_says_so_as_well(client: Client, registrar: Any, district: District) -> None:
    district.student()
    update = run_file("students", ROSTER, Work.UPDATE)
    assert update.run.file is not None
    answer = client.post(
        reverse("recognise", args=["roster"]),
        {
            "part": SimpleUploadedFile("part", ROSTER),
            "name": "roster.csv",
            "size": len(ROSTER),
            "import_type": "students",
            "sha256": update.run.file.sha256,
        },
    )
    assert f"run {update.run.pk}" in answer.content.decode()


def test_a_screen_of_many_years_begins_with_the_newest() -> None:
    types: Callable[[str], Any] = listed_types
    assert usual_type(types("caaspp")).key == "caaspp-2024-2025"
    assert usual_type(types("calpads-ssid")).key == "ssid-download"
