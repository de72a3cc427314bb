"""Zip archives as the state hands them out: on the page, at once when chosen, and in the report."""

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportFile, ImportRun, Work
from tests.files.samples import line
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, finish
from tests.web.test_upload import recognise, upload

pytestmark = pytest.mark.django_db
GOOD, STRANGE = line(), line(local_number="100999", last_name="Nobody")
TEXT = f"{GOOD}\n{STRANGE}\n".encode()


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name.replace("__", "."), data)
    return stream.getvalue()


def kept_files() -> int:
    try:
        return len(default_storage.listdir("imports")[1])
    except FileNotFoundError:
        return 0


BAD = [
    pytest.param(archive(a__txt=TEXT, b__csv=TEXT), "2 text files (a.txt, b.csv)", id="several"),
    pytest.param(archive(inner__zip=archive(a__txt=TEXT)), "another archive (inner.zip)", id="nested"),
    pytest.param(archive(a__txt=archive(b__txt=TEXT)), "another archive (a.txt)", id="nested under a text name"),
    pytest.param(archive(ssid__xlsx=b"PK"), "an Excel workbook (ssid.xlsx)", id="workbook"),
    pytest.param(archive(a__txt=b"\0" * 9_000_000), "a file of 9,000,000 bytes shrunk to", id="bomb"),
    pytest.param(archive(a__txt=TEXT)[:-40], "damaged data", id="cut off"),
]


# ---- the page ----


def test_the_text_file_of_an_archive_is_tested_as_that_file(client: Client, registrar: Any, district: District) -> None:
    district.student()

    upload(client, archive(ssid__txt=TEXT, readme__pdf=b"%PDF"), name="March.zip")
    run = finish(ImportRun.objects.get()).run

    assert (run.record_count, run.planned_count, run.refused_count) == (2, 1, 1)
    assert run.file is not None
    assert (run.file.name, run.file.member, run.file.size) == ("March.zip", "ssid.txt", len(TEXT))
    with run.file.file.open() as kept:
        assert kept.read() == TEXT


def test_the_report_says_which_file_of_the_archive_was_read(client: Client, registrar: Any, district: District) -> None:
    upload(client, archive(ssid__txt=TEXT), name="March.zip")
    run = finish(ImportRun.objects.get()).run

    text = client.get(reverse("run", args=[run.pk]), {"severity": "all"}).content.decode()

    assert "<dt>In the archive</dt><dd>ssid.txt</dd>" in text
    assert "The archive was opened and ssid.txt was read." in text


def test_w3_a_test_of_the_archive_is_one_of_the_file_in_it(client: Client, registrar: Any, district: District) -> None:
    district.student()
    upload(client, archive(ssid__txt=TEXT), name="March.zip")
    test = finish(ImportRun.objects.get()).run

    upload(client, TEXT, work="update", name="ssid.txt")

    assert ImportRun.objects.get(work=Work.UPDATE).test_run == test


def test_w3_update_of_the_archive_applies_the_test_of_its_file_and_keeps_no_second_one(
    client: Client, registrar: Any, district: District
) -> None:
    district.student()
    upload(client, TEXT)
    test = finish(ImportRun.objects.get()).run

    upload(client, archive(other_name__txt=TEXT), work="update", name="again.zip")

    assert ImportRun.objects.get(work=Work.UPDATE).test_run == test
    assert ImportFile.objects.count() == 1


def test_refused_lines_of_an_archive_come_as_text(client: Client, registrar: Any, district: District) -> None:
    district.student()
    upload(client, archive(ssid__csv=TEXT), name="March.zip")
    run = finish(ImportRun.objects.get()).run

    got = client.post(reverse("export", args=[run.pk]), {"what": "lines-refused"})

    assert b"".join(got) == f"{STRANGE}\n".encode()  # type: ignore[arg-type]
    assert f'"March-run-{run.pk}-refused.csv"' in got["Content-Disposition"]


@pytest.mark.parametrize(("data", "said"), BAD)
def test_an_archive_that_is_not_plain_is_refused_and_nothing_is_kept(
    client: Client, registrar: Any, district: District, data: bytes, said: str
) -> None:
    before = kept_files()

    answer = upload(client, data, name="March.zip")

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ImportFile.objects.exists()
    assert not ImportRun.objects.exists()
    assert kept_files() == before


def test_a_member_name_is_only_ever_shown(client: Client, registrar: Any, district: District) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        zipped.writestr("../../<script>alert(1)<b>.txt", TEXT)

    upload(client, stream.getvalue(), name="March.zip")
    run = finish(ImportRun.objects.get()).run
    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert run.file is not None
    assert run.file.file.name.startswith("imports/")
    assert "<script>alert" not in text


# ---- at once when chosen ----


def test_a_chosen_archive_is_said_what_is_in_it(client: Client, registrar: Any) -> None:
    text = recognise(client, archive(ssid__txt=TEXT), name="March.zip")

    assert "<dt>In the archive</dt><dd>ssid.txt</dd>" in text
    assert "15 columns" in text
    assert "2 lines" in text


def test_of_a_long_archive_the_beginning_tells_what_it_is(client: Client, registrar: Any) -> None:
    numbers = random.Random(1)
    data = archive(ssid__txt="".join(f"{line(last_name=f'A{numbers.random()}')}\n" for _ in range(20_000)).encode())

    text = recognise(client, data[: len(data) // 2], size=len(data), name="March.zip")

    assert "ssid.txt" in text
    assert "15 columns" in text
    assert "about " in text


def test_a_long_archive_that_begins_with_something_else_is_opened_after_the_upload(
    client: Client, registrar: Any
) -> None:
    data = archive(photo__png=random.Random(1).randbytes(5000), ssid__txt=TEXT)

    text = recognise(client, data[:3000], size=len(data), name="March.zip")

    assert "opened after the upload" in text
    assert "Problem" not in text


@pytest.mark.parametrize(("data", "said"), BAD)
def test_a_chosen_archive_that_is_not_plain_is_named_at_once(
    client: Client, registrar: Any, data: bytes, said: str
) -> None:
    text = recognise(client, data, name="March.zip")

    assert "Problem" in text
    assert said in text


# ---- the command ----


def test_the_command_reads_the_archive_and_says_so(district: District, command: CommandLine, tmp_path: Path) -> None:
    district.student()
    path = tmp_path / "March.zip"
    path.write_bytes(archive(ssid__txt=TEXT))

    said = command("import_file", "auto", path, "--work", "test", "--json")

    assert (said.code, said.json["file_name"], said.json["type"]) == (1, "March.zip", "ssid-download")
    assert (said.json["record_count"], said.json["planned_count"]) == (2, 1)
    assert [i["found"] for i in said.json["issues"] if i["code"] == "FILE-MEMBER"] == ["ssid.txt"]


def test_the_command_updates_from_the_archive_or_its_file(
    district: District, command: CommandLine, tmp_path: Path
) -> None:
    district.student()
    path, text = tmp_path / "March.zip", tmp_path / "ssid.txt"
    path.write_bytes(archive(ssid__txt=TEXT))
    text.write_bytes(TEXT)
    command("import_file", "ssid-download", path, "--work", "test", "--json")

    said = command("import_file", "ssid-download", text, "--work", "update", "--json")

    assert said.json["import_count"] == 1


@pytest.mark.parametrize(("data", "found"), BAD)
def test_the_command_refuses_other_archives_with_exit_code_2(
    district: District, command: CommandLine, tmp_path: Path, data: bytes, found: str
) -> None:
    path = tmp_path / "March.zip"
    path.write_bytes(data)

    said = command("import_file", "auto", path, "--work", "test", "--json")

    assert (said.code, said.json["status"], said.json["run"]) == (2, "rejected", None)
    assert found in said.json["message"]
    assert not ImportFile.objects.exists()
