"""The upload screens: recognition of a chosen file, starting Test and Update, refusals in the registrar's words."""

import io
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.definition import registry
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.web.queries.recognition import recognised
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, finish

pytestmark = pytest.mark.django_db
SCREEN, TYPE = "calpads-ssid", "ssid-download"
GOOD = f"{line()}\n".encode()


def upload(client: Client, data: bytes, *, work: str = "test", name: str = "file.txt", **more: Any) -> Any:
    file = SimpleUploadedFile(name, data)
    values = {"import_type": TYPE, "work": work, "file": file} | more
    return client.post(reverse("upload", args=[SCREEN]), values)


def recognise(client: Client, data: bytes, *, name: str = "file.txt", size: int | None = None, kind: str = TYPE) -> str:
    answer = client.post(
        reverse("recognise", args=[SCREEN]),
        {
            "part": SimpleUploadedFile("part", data),
            "name": name,
            "size": len(data) if size is None else size,
            "import_type": kind,
        },
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_tool_with_a_listed_type_has_its_screen(client: Client, registrar: Any) -> None:
    for tool in registry.tools():
        text = client.get(reverse("upload", args=[tool.key])).content.decode()

        assert tool.title in text
        assert all(kind.screen.label in text for kind in registry.listed_types(tool.key))


@pytest.mark.parametrize(
    ("tool", "way"),
    [
        ("calpads-ssid", ["CA State Reporting", "CALPADS SSID Import"]),
        ("caaspp", ["Student Information", "Assessment Administration", "CAASPP Import"]),
        ("ssid-process", ["Enrollment", "SSID Process"]),
    ],
)
def test_the_way_to_a_screen_is_the_one_that_registrars_know(
    client: Client, registrar: Any, tool: str, way: list[str]
) -> None:
    page = client.get(reverse("upload", args=[tool])).content.decode()

    at = [page.index(f">{word}<", page.index('class="crumbs"')) for word in way]
    assert at == sorted(at)


@pytest.mark.parametrize("work", ["test", "update"])
def test_without_a_file_nothing_begins_and_the_page_says_so(
    client: Client, registrar: Any, district: District, work: str
) -> None:
    answer = client.post(reverse("upload", args=[SCREEN]), {"import_type": TYPE, "work": work})

    assert answer.status_code == 422
    assert "Choose a file." in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_an_unknown_screen_answers_404(client: Client, registrar: Any) -> None:
    assert client.get(reverse("upload", args=["nothing"])).status_code == 404


def test_test_is_chosen_at_first(client: Client, registrar: Any) -> None:
    text = client.get(reverse("upload", args=[SCREEN])).content.decode()

    assert 'value="test" checked' in text


def test_a_file_is_kept_and_its_test_queued(client: Client, registrar: Any, district: District) -> None:
    answer = upload(client, GOOD, name="SSID_Extract.txt")

    run = ImportRun.objects.get()
    assert answer["Location"] == reverse("run", args=[run.pk])
    assert (run.work, run.status, run.created_by, run.schools) == (Work.TEST, RunStatus.QUEUED, registrar, None)
    assert run.file is not None
    assert run.file.name == "SSID_Extract.txt"


def test_a_run_is_limited_to_the_schools_of_who_starts_it(client: Client, district: District) -> None:
    client.force_login(UserFactory(registrar=True, schools=[district.school]))

    upload(client, GOOD)

    assert ImportRun.objects.get().schools == [district.school.pk]


def test_w3_update_without_test_is_refused_with_a_sentence(client: Client, registrar: Any, district: District) -> None:
    answer = upload(client, GOOD, work="update")

    assert answer.status_code == 422
    assert "Run the Test first" in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_w3_update_applies_the_test_of_the_very_file(client: Client, registrar: Any, district: District) -> None:
    upload(client, GOOD)
    test = finish(ImportRun.objects.get()).run

    upload(client, GOOD, work="update")

    assert ImportRun.objects.get(work=Work.UPDATE).test_run == test


def test_w3_a_test_with_other_options_does_not_count(client: Client, registrar: Any, district: District) -> None:
    upload(client, GOOD, **{"option-replace_retired": "on"})
    finish(ImportRun.objects.get())

    assert upload(client, GOOD, work="update").status_code == 422


def test_options_reach_the_run(client: Client, registrar: Any, district: District) -> None:
    upload(client, GOOD, **{"option-replace_retired": "on", "option-rfep_date": "exit"})

    assert ImportRun.objects.get().options["replace_retired"] == "1"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 x", "PDF"),
        (b"a,b,c\n1,2,3\n", "column"),
        (line().replace("José^Luis^", "José^").encode(), "middle name"),
    ],
    ids=["empty", "pdf", "columns", "14 columns"],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(
    client: Client, registrar: Any, district: District, data: bytes, said: str
) -> None:
    answer = upload(client, data)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("data", [b"%PDF-1.7 x", b"a,b,c\n1,2,3\n"], ids=["pdf", "columns"])
def test_a_file_that_is_refused_at_once_is_told_what_to_do(
    client: Client, registrar: Any, district: District, data: bytes
) -> None:
    next_step = recognised(io.BytesIO(data), name="file.txt", chosen=registry.get_type(TYPE)).fix

    said = unescape(upload(client, data).content.decode())

    assert next_step
    assert next_step in said


def test_a_file_over_the_limit_is_refused(client: Client, registrar: Any, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 10

    assert "larger than" in upload(client, GOOD).content.decode()


def test_a_file_name_is_only_ever_shown(client: Client, registrar: Any, district: District) -> None:
    upload(client, GOOD, name="<script>alert(1)<script>.txt")
    run = ImportRun.objects.get()

    text = client.get(reverse("runs")).content.decode()

    assert run.file is not None
    assert run.file.file.name.startswith("imports/")
    assert "<script>alert" not in text


# ---- recognition ----


def test_a_chosen_file_is_said_what_it_is(client: Client, registrar: Any) -> None:
    text = recognise(client, GOOD * 3, name="extract.txt")

    assert "extract.txt" in text
    assert "SSID Download" in text
    assert "15 columns" in text
    assert "caret delimited, UTF-8, no header, 3 lines" in text


def test_of_a_long_file_only_the_first_part_is_looked_at(client: Client, registrar: Any) -> None:
    part = (GOOD * 100)[:-20]

    text = recognise(client, part, size=len(part) * 100)

    assert "15 columns" in text
    assert "about 10," in text or "about 9," in text


def test_a_part_that_ends_within_a_letter_is_not_broken_text(client: Client, registrar: Any) -> None:
    part = GOOD * 3 + line(last_name="Ñ").encode()[:49] + "Ñ".encode()[:1]

    assert "UTF-8" in recognise(client, part, size=10_000)


def test_a_file_of_another_type_is_named_with_a_way_to_choose_it(client: Client, registrar: Any) -> None:
    roster = b"lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,1,Diaz,Eva,2011-01-01\n"

    text = recognise(client, roster)

    assert "This is a file for" in text
    assert reverse("upload", args=["roster"]) in text


@pytest.mark.parametrize("data", [b"", b"\x00" * 50, b"PK\x03\x04", "ÿþ".encode("utf-16"), b"\xff\xfe\x00"])
def test_recognition_answers_any_bytes(client: Client, registrar: Any, data: bytes) -> None:
    assert "Problem" in recognise(client, data)


def test_recognition_keeps_nothing(client: Client, registrar: Any) -> None:
    recognise(client, GOOD)

    assert not ImportFile.objects.exists()
    assert not ImportRun.objects.exists()


def test_recognition_of_an_unknown_type_answers_404(client: Client, registrar: Any) -> None:
    answer = client.post(
        reverse("recognise", args=[SCREEN]), {"part": io.BytesIO(b"x"), "import_type": "students", "name": "x"}
    )

    assert answer.status_code == 404
