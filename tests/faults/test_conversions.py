"""Conversion of a workbook is work for a worker: it survives what kills that, and leaves one text and nothing else."""

import io
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import REGISTRAR
from sisimport.imports.engine import kept_selects
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.conversion_requests import start_conversion
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import RunRefusedError, keep_file
from sisimport.web.queries.conversion import masked
from students.access import visible_school_ids
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.faults.conftest import Barrier, Broker, Worker, wait_for_end, wait_until
from tests.faults.workbooks import raw_workbook, row_of
from tests.imports.journey import finish, run_file
from tests.longer import first_of

BOTH_BROKERS = pytest.mark.parametrize("broker", first_of(["filesystem", "valkey"]), indirect=True)
processes = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
HEADER = row_of("Local student number", "Last name", "First name", "Birth date", "SSID")


def record(number: int) -> str:
    return row_of(f"{100_000 + number}", "Lee", f"Sam{number}", "2011-03-04", f"{9_000_000_000 + number}")


def refused(records: int, user: Any = None) -> ImportRun:
    """The run of a school's list that is a workbook, refused as one."""
    stream = raw_workbook([HEADER, *map(record, range(records))])
    return a_test_of(keep_file(stream=stream, name="list.xlsx", user=user), user)


def a_test_of(file: ImportFile, user: Any) -> ImportRun:
    """A Test of the file for the user's schools."""
    schools = visible_school_ids(user) if user else None
    return start_run(
        file=file, import_type="ssid-list", work=Work.TEST, options={}, user=user, schools=schools, enqueue=False
    )


def kept() -> set[str]:
    """Names of the stored files."""
    return set(default_storage.listdir("imports")[1])


class TestByAWorker:
    pytestmark = processes

    @BOTH_BROKERS
    def test_a_worker_makes_the_text_and_tests_it(self, worker: Worker, uploads: None) -> None:
        run = finish(refused(3)).run

        conversion = wait_for_end(start_conversion(run=run, user=None))

        assert (conversion.status, conversion.record_count, conversion.attempts) == (RunStatus.COMPLETED, 3, 1)
        assert conversion.made_file
        assert conversion.made_file.converted_from == run.file
        with conversion.made_file.file.open("rb") as stream:
            assert stream.read().decode().splitlines()[1] == "100000^Lee^Sam0^2011-03-04^9000000000"

    @pytest.mark.faults
    def test_a_worker_killed_while_it_reads_is_recovered(self, worker: Worker, uploads: None) -> None:
        run = finish(refused(150_000)).run
        before = kept()
        conversion = start_conversion(run=run, user=None)
        phase = ImportRun.objects.filter(pk=conversion.pk, phase="converting")
        wait_until(phase.exists, lambda: "the conversion did not begin")

        worker.kill_children()

        ended = wait_for_end(conversion)
        assert (ended.status, ended.record_count, ended.attempts) == (RunStatus.COMPLETED, 150_000, 2)
        assert len(kept() - before) == 1

    def test_a_worker_killed_while_it_keeps_the_text_leaves_no_second_one(
        self, worker: Worker, uploads: None, barrier: Barrier
    ) -> None:
        run = finish(refused(3)).run
        before = kept()
        # Whoever has stored the text hangs before the database knows of it.
        barrier.session.execute("LOCK TABLE imports_importfile IN SHARE ROW EXCLUSIVE MODE")
        conversion = start_conversion(run=run, user=None)
        barrier.wait_for_somebody()
        assert len(kept() - before) == 1

        worker.kill_children()
        barrier.wait_until_left()
        barrier.open()

        ended = wait_for_end(conversion)
        assert (ended.status, ended.attempts) == (RunStatus.COMPLETED, 2)
        assert ended.made_file
        assert {f"imports/{name}" for name in kept() - before} == {ended.made_file.file.name}

    @pytest.mark.faults
    def test_a_message_that_was_lost_is_recovered(self, broker: Broker, uploads: None) -> None:
        run = finish(refused(3)).run
        broker.kill_workers()
        conversion = start_conversion(run=run, user=None)
        broker.flush()

        broker.start_worker()

        assert wait_for_end(conversion).status == RunStatus.COMPLETED


@pytest.fixture
def registrar(client: Client, db: None) -> Any:
    user = UserFactory(group=REGISTRAR, schools=[SchoolFactory(code="0123456")])
    client.force_login(user)
    return user


def posted(client: Client, name: str, run: ImportRun) -> Any:
    return client.post(reverse(name, args=[run.pk]))


def test_a_schools_list_goes_from_the_screen_through_conversion_to_its_test(client: Client, registrar: Any) -> None:
    StudentFactory(
        school=registrar.access.schools.get(), local_number="100000", last_name="Lee", first_name="Sam0", middle_name=""
    )
    file = SimpleUploadedFile("list.xlsx", raw_workbook([HEADER, record(0)]).read())
    client.post(reverse("upload", args=["ssid-collection"]), {"import_type": "ssid-list", "work": "test", "file": file})
    run = finish(ImportRun.objects.get()).run
    assert "Convert and view" in client.get(reverse("run", args=[run.pk])).content.decode()

    answer = posted(client, "convert_workbook", run)
    conversion = run.conversions.get()
    assert answer["Location"] == reverse("run", args=[conversion.pk])
    assert (conversion.status, conversion.made_file) == (RunStatus.QUEUED, None)  # nothing was read in the request
    assert "Converting" in client.get(reverse("run", args=[conversion.pk])).content.decode()
    finish(conversion)
    page = client.get(reverse("run", args=[conversion.pk])).content.decode()
    answer = posted(client, "start_converted", conversion)
    test = finish(ImportRun.objects.get(work=Work.TEST, file=ImportRun.objects.get(pk=conversion.pk).made_file)).run

    assert "90•• ••• 000" in page
    assert "9000000000" not in page
    assert answer["Location"] == reverse("run", args=[test.pk])
    assert (test.status, test.record_count) == (RunStatus.COMPLETED, 1)
    assert test.schools == [school.pk for school in registrar.access.schools.all()]


def test_however_often_it_is_asked_for_a_workbook_is_converted_once(client: Client, registrar: Any) -> None:
    run = finish(refused(3, user=registrar)).run
    for _click in range(3):
        posted(client, "convert_workbook", run)
    conversion = finish(run.conversions.get()).run
    posted(client, "convert_workbook", run)
    assert run.file
    again = finish(a_test_of(run.file, registrar)).run
    second = finish(start_conversion(run=again, user=registrar, enqueue=False)).run

    assert run.conversions.count() == 1
    assert ImportFile.objects.filter(converted_from=run.file).count() == 1
    assert second.made_file == conversion.made_file
    assert (second.record_count, second.facts) == (conversion.record_count, conversion.facts)


def test_a_workbook_that_cannot_be_converted_says_why_and_stays_refused(client: Client, registrar: Any) -> None:
    formula = '<row><c t="str"><f>1+1</f><v>2</v></c></row>'
    file = keep_file(stream=raw_workbook([HEADER, formula]), name="list.xlsx", user=registrar)
    run = finish(a_test_of(file, registrar)).run
    posted(client, "convert_workbook", run)
    conversion = finish(run.conversions.get()).run

    page = client.get(reverse("run", args=[conversion.pk])).content.decode()

    assert conversion.status == RunStatus.REJECTED
    assert "formulas in S1!A2" in page
    assert "save your own list as CSV" in page
    assert posted(client, "start_converted", conversion).status_code == 404
    posted(client, "convert_workbook", run)
    assert run.conversions.count() == 1
    assert "See why it cannot be converted" in client.get(reverse("run", args=[run.pk])).content.decode()


def test_what_broke_on_our_side_can_be_asked_for_again(
    client: Client, registrar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finish(refused(3, user=registrar)).run
    posted(client, "convert_workbook", run)
    before = kept()
    with monkeypatch.context() as broken:
        broken.setattr("sisimport.files.workbooks._CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        failed = finish(run.conversions.get()).run
    posted(client, "convert_workbook", run)
    conversion = finish(run.conversions.latest("id")).run

    assert (failed.status, conversion.status) == (RunStatus.FAILED, RunStatus.COMPLETED)
    assert len(kept() - before) == 1


def test_only_a_refused_workbook_is_converted(db: None) -> None:
    run = run_file("ssid-list", "no workbook", name="list.csv").run

    with pytest.raises(RunRefusedError):
        start_conversion(run=run, user=None)


def test_a_conversion_has_no_report_and_nothing_to_apply_or_test_again(client: Client, registrar: Any) -> None:
    run = finish(refused(3, user=registrar)).run
    conversion = finish(start_conversion(run=run, user=registrar, enqueue=False)).run

    for name in ("run_changes", "run_absent", "run_print"):
        assert client.get(reverse(name, args=[conversion.pk])).status_code == 404
    assert client.post(reverse("export", args=[conversion.pk]), {"what": "issues-csv"}).status_code == 404
    for name in ("start_update", "test_again", "start_revert"):
        posted(client, name, conversion)
    assert ImportRun.objects.count() == 2


def test_the_look_at_a_text_that_is_gone_says_so(client: Client, registrar: Any) -> None:
    run = finish(refused(3, user=registrar)).run
    conversion = finish(start_conversion(run=run, user=registrar, enqueue=False)).run
    conversion.made_file.file.storage.delete(conversion.made_file.file.name)

    page = client.get(reverse("run", args=[conversion.pk])).content.decode()

    assert "is not in this machine&#x27;s upload folder" in page
    assert "Test the converted file" not in page


def test_a_python_that_is_missing_is_not_reported_as_a_missing_file(
    db: None, registrar: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The run waited for a file that was there, and asked people to bring it back."""
    workbook = finish(refused(3)).run
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    run = finish(start_conversion(run=workbook, user=None, enqueue=False)).run

    assert (run.status, run.waits_for) == (RunStatus.FAILED, "")
    assert "went wrong on our side" in run.message


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("9012345678", "90•• ••• 678"),
        ("901 234 5678", "90•• ••• 678"),
        ("901-234-5678", "90•• ••• 678"),
        ("No. 9012345678, new", "No. 90•• ••• 678, new"),
        ("19642330000000", "••••••••••••00"),
        ("2011-03-04", "2011-03-04"),
        ("Lee", "Lee"),
    ],
)
def test_no_preview_shows_a_whole_ssid_whatever_its_column_is_called(cell: str, shown: str) -> None:
    assert masked(cell) == shown


# ---- nothing of it outside the data directory ----


@pytest.fixture
def opened_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Files that this process opens for writing in folders for temporary files outside the data directory."""
    outside = [Path(folder) for folder in ("/tmp", "/var/tmp", "/dev/shm") if Path(folder).is_dir()]
    inside = [Path(settings.DATA_DIR), tmp_path]
    monkeypatch.setattr(kept_selects, "_kept", OrderedDict())  # the tests' own one is shared through files
    found: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching or event not in ("open", "tempfile.mkstemp", "tempfile.mkdtemp"):
            return
        path = arguments[0]
        writes = event != "open" or (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if writes and isinstance(path, str) and path.startswith("/"):
            place = Path(path)
            if any(map(place.is_relative_to, outside)) and not any(map(place.is_relative_to, inside)):
                found.append(path)

    sys.addaudithook(hook)
    yield found
    watching = False


def test_nothing_is_unpacked_converted_or_written_in_the_systems_temporary_folder(
    client: Client, registrar: Any, opened_outside: list[str], tmp_path: Path
) -> None:
    """An archive, a workbook and its conversion, a school's list and the downloads of a run, scores."""
    import zipfile

    from django.core.management import call_command

    from tests.assessments.score_files import ela, start, text
    from tests.files.samples import line

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ssid.txt", f"{line()}\n")
    StudentFactory(school=registrar.access.schools.get(), local_number="100234", birth_country="US")
    sent = {"import_type": "ssid-download", "work": "test", "file": SimpleUploadedFile("ssid.zip", packed.getvalue())}
    client.post(reverse("upload", args=["calpads-ssid"]), sent)
    run = finish(ImportRun.objects.get()).run
    for what in ("issues-xlsx", "changes-xlsx", "issues-csv"):
        b"".join(client.post(reverse("export", args=[run.pk]), {"what": what}))
    school = registrar.access.schools.get()
    for form in ("xlsx", "csv"):
        sent = {"columns": ["Local Student Number"], form: "1"}
        b"".join(client.post(reverse("school_list", args=[school.pk]), sent))
    conversion = finish(start_conversion(run=finish(refused(3)).run, user=None, enqueue=False)).run
    path = tmp_path / "list.xlsx"
    path.write_bytes(raw_workbook([HEADER, record(0)]).read())
    with pytest.raises(SystemExit):  # its one line is about nobody
        call_command("import_file", "ssid-list", str(path), "--work", "test", "--option", "excel=convert", "--json")
    start("caaspp-2023-2024", text("caaspp-2023-24", ela()), work="import")

    assert (run.status, conversion.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    assert opened_outside == []


def test_a_spreadsheet_programs_own_workbook_is_read_as_it_shows_it(db: None) -> None:
    """Dates, whole numbers, true and false, and texts in pieces."""
    import datetime as dt

    from openpyxl.cell.rich_text import CellRichText, TextBlock
    from openpyxl.cell.text import InlineFont

    from sisimport.files.workbooks import convert

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["SSID", "Born", "Score", "Flag", "Name", "Seen"])
    name = CellRichText("Gar", TextBlock(InlineFont(b=True), "cía"))
    sheet.append(["0012345678", dt.date(2011, 3, 4), 2502, True, name, dt.datetime(2024, 2, 29, 13, 5)])  # noqa: DTZ001 - a workbook has none
    sheet.append([9012345678, dt.date(1900, 1, 1), 0.5, False, "A^B\nC", "2024-02-29"])
    stream, out = io.BytesIO(), io.BytesIO()
    book.save(stream)

    converted = convert(stream, out)

    assert out.getvalue().decode().splitlines()[1:] == [
        "0012345678^2011-03-04^2502^TRUE^García^2024-02-29",
        "9012345678^1900-01-01^0.5^FALSE^A B C^2024-02-29",
    ]
    assert converted.rows == 2
