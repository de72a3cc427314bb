"""Fault 13: a stored file that is missing or damaged is reported as such wherever it is opened; fault 12: no file
stays that no record names."""

import datetime as dt
import errno
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, WaitsFor, Work
from sisimport.imports.runs.execution import execute_next, execute_run
from sisimport.imports.runs.queueing import Lane
from sisimport.imports.runs.services import start_revert, start_run, start_update
from sisimport.imports.runs.uploads import keep_file
from sisimport.imports.storage import files, leftovers
from sisimport.imports.storage.files import DamagedFileError, open_file
from students.models import SSID
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, drop_temporary_tables, make_district, run_file
from tests.longer import every_pair
from tests.ssid import request_files

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    return made


def stored(file: ImportFile | None) -> Path:
    assert file is not None
    return Path(file.file.path)


def start(content: str, *, import_type: str = "ssid-download", name: str = "ssid.txt") -> ImportRun:
    kept = keep_file(stream=io.BytesIO(content.encode()), name=name, user=None)
    return start_run(
        file=kept,
        import_type=import_type,
        work=Work.TEST if Work.TEST in _works(import_type) else Work.IMPORT,
        options={},
        user=None,
        schools=None,
        enqueue=False,
    )


def _works(key: str) -> tuple[Work, ...]:
    return next(tuple(Work(work) for work in kind.works) for kind in built_in_types() if kind.key == key)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(path: Path) -> None:
    """As long as before, and another file."""
    path.write_bytes(path.read_bytes()[::-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


# ---- a run whose file is not what was uploaded ----


@pytest.mark.parametrize(("import_type", "damage"), every_pair([t.key for t in built_in_types()], [cut, change, grow]))
def test_a_damaged_file_is_never_tested_as_if_complete(
    import_type: str, damage: Callable[[Path], None], district: District
) -> None:
    run = start(line() + "\n" + line(local_number="1") + "\n", import_type=import_type)
    damage(stored(run.file))

    execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "damaged" in run.message
    assert "Upload the file again" in run.message
    assert (run.record_count, run.planned_count) == (0, 0)


def test_a_file_damaged_after_this_process_read_it_is_found_again(district: District) -> None:
    report = run_file("ssid-download", line())
    before = stored(report.run.file).stat()
    change(stored(report.run.file))

    assert stored(report.run.file).stat().st_size == before.st_size
    with pytest.raises(DamagedFileError), open_file(report.run.file):  # type: ignore[arg-type]
        pass


def test_content_that_changed_behind_size_and_times_is_found_by_a_run(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_mark", lambda file, _stream: (file.file.name, file.sha256, 1, 1, 1))
    run = start(line())
    with open_file(run.file):  # type: ignore[arg-type]
        pass
    change(stored(run.file))

    execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED


# ---- a run whose file is not here ----


def test_a_run_without_its_file_waits_uses_no_attempt_and_lets_others_continue(district: District) -> None:
    lost, other = start(line()), start(line())
    path = stored(lost.file)
    path.rename(path.with_name("away"))

    assert execute_next(Lane.SMALL)  # not the first one, which this machine cannot do
    drop_temporary_tables()
    lost.refresh_from_db()
    other.refresh_from_db()
    assert (lost.status, lost.attempts, lost.waits_for) == (RunStatus.QUEUED, 0, WaitsFor.FILE)
    assert other.status == RunStatus.COMPLETED
    assert not execute_next(Lane.SMALL)

    path.with_name("away").rename(path)  # as on the machine that has it

    assert execute_next(Lane.SMALL)
    lost.refresh_from_db()
    assert (lost.status, lost.waits_for) == (RunStatus.COMPLETED, "")


def test_after_a_minute_the_page_says_which_file_is_missing_and_what_to_do(
    district: District, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(UserFactory(import_admin=True))
    run = start(line())
    stored(run.file).unlink()
    execute_run(run.pk)
    page = reverse("run", args=[run.pk])

    assert "No worker has the uploaded file" not in client.get(page).content.decode()

    run.refresh_from_db()
    assert run.waits_since is not None
    ImportRun.objects.filter(pk=run.pk).update(waits_since=run.waits_since - dt.timedelta(minutes=2))
    text = client.get(page).content.decode()
    assert "Waiting for its uploaded file" in text
    assert "No worker has the uploaded file" in text
    assert "Cancel" in text


def test_update_and_revert_need_no_file(district: District) -> None:
    test = run_file("ssid-download", line()).run
    stored(test.file).unlink()

    update = start_update(test_run=test, user=None, enqueue=False)
    execute_run(update.pk)
    update.refresh_from_db()
    assert update.status == RunStatus.COMPLETED
    assert SSID.objects.count() == 1

    revert = start_revert(run=update, user=None, enqueue=False)
    execute_run(revert.pk)
    revert.refresh_from_db()
    assert revert.status == RunStatus.COMPLETED
    assert not SSID.objects.exists()


# ---- pages and downloads of a run whose file is gone or damaged ----


@pytest.fixture
def report(district: District, client: Client) -> ImportRun:
    """A completed Test with a refused line, looked at by somebody who may do everything with it."""
    client.force_login(UserFactory(import_admin=True, all_schools=True))
    return run_file("ssid-download", line() + "\n" + line(local_number="999999") + "\n").run


@pytest.mark.parametrize("lose", [Path.unlink, cut, change])
def test_refused_lines_of_a_lost_file_are_a_page_that_says_so(
    lose: Callable[[Path], None], report: ImportRun, client: Client
) -> None:
    lose(stored(report.file))

    answer = client.post(reverse("export", args=[report.pk]), {"what": "lines-refused"})

    assert answer.status_code == 410
    assert not answer.streaming
    assert "upload the file again" in answer.content.decode().lower()


@pytest.mark.parametrize("lose", [Path.unlink, cut, change])
@pytest.mark.parametrize("page", ["run", "run_print"])
def test_pages_with_data_lines_say_why_there_are_none(
    lose: Callable[[Path], None], page: str, report: ImportRun, client: Client
) -> None:
    assert "No data lines can be shown" not in client.get(reverse(page, args=[report.pk])).content.decode()
    lose(stored(report.file))

    answer = client.get(reverse(page, args=[report.pk]))

    assert answer.status_code == 200
    assert "No data lines can be shown" in answer.content.decode()


@pytest.mark.parametrize("what", ["issues-csv", "issues-xlsx", "changes-csv"])
def test_tables_are_downloaded_without_the_file_and_say_what_they_lack(
    what: str, report: ImportRun, client: Client
) -> None:
    stored(report.file).unlink()

    answer = client.post(reverse("export", args=[report.pk]), {"what": what})

    assert answer.status_code == 200
    content = b"".join(answer)  # type: ignore[arg-type]
    if what == "issues-csv":
        assert b"is not in this machine" in content


def near_run() -> ImportRun:
    """Line 1 nearly is the student of the district."""
    return run_file("ssid-download", line(local_number="100299", first_name="Jose")).run


def candidate_run() -> ImportRun:
    school = request_files.make_district()
    request_files.make_student(school)
    return request_files.run_test([request_files.line(), request_files.line(ssid="8012345690", score="100%")])


@pytest.mark.parametrize(("address", "make"), [("run_matches", near_run), ("run_candidates", candidate_run)])
def test_the_desk_and_candidates_of_a_lost_file_say_so(
    address: str, make: Callable[[], ImportRun], client: Client, db: None
) -> None:
    if make is near_run:
        make_district().student()
    client.force_login(UserFactory(import_admin=True))
    run = make()
    url = reverse(address, args=[run.pk])
    assert client.get(url).status_code == 200
    stored(run.file).unlink()

    answer = client.get(url)

    assert answer.status_code == 410
    assert "is missing" in answer.content.decode()


@pytest.mark.parametrize("lose", [Path.unlink, cut])
def test_the_conversion_of_a_lost_workbook_waits_or_says_that_it_is_damaged(
    lose: Callable[[Path], None], db: None
) -> None:
    kept = keep_file(stream=io.BytesIO(b"PK\x03\x04 workbook"), name="scores.xlsx", user=None)
    given = {"file": kept, "import_type": "caaspp-2023-2024"}
    refused = ImportRun.objects.create(**given, work=Work.TEST, status=RunStatus.REJECTED)
    conversion = ImportRun.objects.create(**given, work=Work.CONVERT, converts=refused)
    lose(stored(kept))

    execute_run(conversion.pk)

    conversion.refresh_from_db()
    if lose is cut:
        assert (conversion.status, conversion.reference) == (RunStatus.FAILED, "")
        assert "damaged" in conversion.message
    else:
        assert (conversion.status, conversion.waits_for) == (RunStatus.QUEUED, WaitsFor.FILE)


# ---- nothing is left over ----


class Full:
    """Writes of Django's storage fail in the middle of a file, as on a disk that fills up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.core.files.base import File

        def chunks(stream: File, chunk_size: int | None = None) -> Any:
            yield b"half of a stud"
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(File, "chunks", chunks)


def kept_files() -> list[Path]:
    root = Path(str(settings.STORAGES["default"]["OPTIONS"]["location"]))
    return [path for path in root.rglob("*") if path.is_file()]


def test_an_upload_that_finds_the_disk_full_leaves_no_half(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    Full(monkeypatch)

    with pytest.raises(OSError, match="No space"):
        keep_file(stream=io.BytesIO(b"students"), name="ssid.txt", user=None)

    assert kept_files() == []


def test_an_upload_that_cannot_be_recorded_leaves_no_file(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(ImportFile, "save", broken)

    with pytest.raises(DatabaseError):
        keep_file(stream=io.BytesIO(b"students"), name="ssid.txt", user=None)

    assert kept_files() == []


def test_the_upload_page_names_the_disk(district: District, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    Full(monkeypatch)
    content = io.BytesIO(line().encode())
    content.name = "ssid.txt"

    answer = client.post(
        reverse("upload", args=[get_type("ssid-download").screen.tool]),
        {"import_type": "ssid-download", "work": "test", "file": content},
    )

    assert answer.status_code == 422
    assert "disk is full" in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_leftovers_go_after_a_day_and_nothing_else_does(district: District, settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    settings.SCRATCH_DIR = tmp_path / "scratch"  # that of the suite may hold what a killed worker of another test left
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    run = start(line())
    orphan = stored(run.file).with_name("0" * 32)
    orphan.write_bytes(b"students")
    half = settings.FILE_UPLOAD_TEMP_DIR / "tmpabc.upload.txt"
    half.write_bytes(b"stud")

    assert leftovers.remove_leftovers() == 0
    assert leftovers.remove_leftovers(now=time.time() + DAY + 60) == 2

    assert not orphan.exists()
    assert not half.exists()
    assert stored(run.file).exists()


def test_files_of_every_model_that_keeps_some_are_known(district: District) -> None:
    kept = {f"{model.__name__}.{field}" for model, field in leftovers.file_fields()}

    assert {"ImportFile.file", "UtahRequest.file"} <= kept


def test_a_database_that_knows_no_file_has_none_removed(district: District) -> None:
    start(line())
    ImportRun.objects.all().delete()
    ImportFile.objects.all().delete()

    leftovers.remove_leftovers(now=time.time() + DAY + 60)

    assert len(kept_files()) == 1


def test_a_cancelled_update_has_no_records_and_no_outcomes(district: District) -> None:
    test = run_file("ssid-download", line()).run
    update = start_update(test_run=test, user=None, enqueue=False)
    ImportRun.objects.filter(pk=update.pk).update(cancel_requested=True)

    execute_run(update.pk)

    update.refresh_from_db()
    assert update.status == RunStatus.CANCELLED
    assert sum(update.outcome_counts.values()) == update.record_count == 0
