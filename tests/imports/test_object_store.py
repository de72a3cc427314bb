"""Issue 17, 1: kept files in an object store, against a real server of the S3 protocol behind a line that can be cut."""

import contextlib
import io
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from moto.server import ThreadedMotoServer

from sisimport.imports.models import ImportFile, ImportRun, RunStatus, StoredObject, WaitsFor, Work
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import keep_file
from sisimport.imports.storage import buckets
from sisimport.imports.storage.files import AwayFileError, DamagedFileError, MissingFileError, open_file
from sisimport.imports.storage.leftovers import remove_leftovers
from sisimport.imports.storage.resealing import rotate
from sisimport.imports.storage.stores import Resealed
from sisimport.runtime.sealed_files import HEADER
from sisimport.runtime.storage_url import StorageUrlError, storage_of
from tests.files.samples import line
from tests.imports.journey import District, make_district

pytestmark = pytest.mark.django_db

BUCKET = "lincoln-uploads"
FIRST, SECOND = "A" * 43 + "=", "B" * 43 + "="


class Line:
    """What lies between us and the store: notes what is asked for, and cuts the connections it is told to.

    cuts: for each connection to come, after how many bytes of the answers it ends
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked: list[str] = []
        self.cuts: list[int] = []
        self.down = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self.down:
                near.close()
                continue
            cut = self.cuts.pop(0) if self.cuts else None
            far = socket.create_connection(self._target)
            threading.Thread(target=self._carry, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, cut), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self.asked += [
                    found.decode() for found in re.findall(rb"(?:GET|PUT|POST|HEAD|DELETE) /\S*(?= HTTP)", data)
                ]
                if left is not None and len(data) >= left:
                    target.sendall(data[:left])
                    break
                left = left if left is None else left - len(data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    _host, port = started.get_host_and_port()
    yield int(port)
    started.stop()


@pytest.fixture
def behind(server: int, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Line]:
    """This installation keeps its files in a bucket."""
    aside = connection.copy()  # notes of objects are committed, whatever the test before undid
    with contextlib.closing(aside), aside.cursor() as cursor:
        cursor.execute("DELETE FROM imports_storedobject")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setattr(buckets, "FIRST_PAUSE", 0.01)
    direct(server).create_bucket(Bucket=BUCKET)
    between = Line(server)
    address = f"s3://{BUCKET}?endpoint=http://127.0.0.1:{between.port}&region=us-east-1"
    settings.STORAGES = settings.STORAGES | {"default": storage_of(address, folder=tmp_path)}
    settings.FILE_KEYS = [FIRST]
    for name in ("scratch", "incoming"):  # what other tests have there is not this one's to count, nor to remove
        (tmp_path / name).mkdir()
    settings.SCRATCH_DIR, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "scratch", str(tmp_path / "incoming")
    yield between
    between.close()
    for found in direct(server).list_objects_v2(Bucket=BUCKET).get("Contents", []):
        direct(server).delete_object(Bucket=BUCKET, Key=found["Key"])


def direct(port: int) -> Any:
    return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")


def kept(content: bytes = b"") -> ImportFile:
    return keep_file(stream=io.BytesIO(content or line().encode()), name="ssid.txt", user=None)


def large(size: int = 20_000_000) -> bytes:
    return random.Random(size).randbytes(size)


def in_bucket(port: int, file: ImportFile) -> bytes:
    return direct(port).get_object(Bucket=BUCKET, Key=file.file.name)["Body"].read()  # type: ignore[no-any-return]


def run_test(file: ImportFile) -> ImportRun:
    run = start_run(
        file=file, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )
    execute_run(run.pk)
    run.refresh_from_db()
    return run


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    return made


def test_a_run_reads_its_file_from_the_bucket_which_holds_no_name_and_is_never_listed(
    behind: Line, server: int, district: District
) -> None:
    file = kept(line(last_name="Zyxwutova").encode())

    assert run_test(file).status == RunStatus.COMPLETED
    assert b"zyxwutova" not in in_bucket(server, file).lower()
    head = direct(server).head_object(Bucket=BUCKET, Key=file.file.name)
    assert head["ServerSideEncryption"] == "AES256"
    remove_leftovers()
    rotate()
    file.file.delete(save=False)
    assert not file.file.storage.exists("imports/none")
    assert behind.asked
    assert all(re.match(rf"\w+ /{BUCKET}/imports/\w+", asked) for asked in behind.asked), behind.asked


def test_a_large_file_goes_and_comes_as_a_stream_of_parts_whole(behind: Line) -> None:
    data = large()
    file = kept(data)

    with open_file(file) as stream:
        assert stream.read() == data
        stream.seek(12_345_678)
        assert stream.read(100) == data[12_345_678:12_345_778]
    assert sum("partNumber" in asked for asked in behind.asked) == 2


def test_a_connection_that_is_cut_in_the_middle_of_a_file_is_resumed_where_it_was(behind: Line) -> None:
    data = large()
    file = kept(data)
    file.file.storage._connections.connection = None  # those of now are not cut
    behind.cuts = [3_000_000, 500_000, 9_999]

    with open_file(file, rehash=True) as stream:
        assert stream.read() == data
    assert behind.cuts == []


def test_an_upload_whose_connection_is_cut_is_sent_again(behind: Line, server: int) -> None:
    data = large()
    kept().file.storage._connections.connection = None
    behind.cuts = [10, 10]

    with open_file(kept(data)) as stream:
        assert stream.read() == data
    assert behind.cuts == []


def test_a_store_that_is_down_makes_the_run_wait_and_it_continues_automatically(
    behind: Line, district: District
) -> None:
    file = kept()
    file.file.storage._connections.connection = None
    behind.down = True

    run = run_test(file)
    assert (run.status, run.waits_for, run.attempts) == (RunStatus.QUEUED, WaitsFor.FILE, 0)
    with pytest.raises(AwayFileError, match="try again"), open_file(file):
        pass

    behind.down = False
    execute_run(run.pk)
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED


def test_a_missing_or_different_file_is_reported(behind: Line, server: int) -> None:
    one, two = kept(b"a" * 3_000_000), kept(b"b" * 3_000_000)
    direct(server).put_object(Bucket=BUCKET, Key=one.file.name, Body=in_bucket(server, two))
    direct(server).delete_object(Bucket=BUCKET, Key=two.file.name)

    with pytest.raises(DamagedFileError), open_file(one):
        pass
    with pytest.raises(MissingFileError), open_file(two):
        pass


def test_a_file_that_is_replaced_while_it_is_read_is_reported(behind: Line, server: int) -> None:
    file, other = kept(large()), kept(large())

    def read_while_it_is_replaced() -> None:
        with open_file(file) as stream:
            direct(server).put_object(Bucket=BUCKET, Key=file.file.name, Body=in_bucket(server, other))
            stream.seek(100)
            stream.read()

    with pytest.raises(DamagedFileError):
        read_while_it_is_replaced()


@pytest.mark.parametrize("size", [100, 12_000_000])
def test_a_new_key_replaces_headers_and_the_store_copies_the_rest(
    size: int, behind: Line, server: int, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path  # where no mail of another test is kept
    file = kept(large(size))
    before = in_bucket(server, file)
    settings.FILE_KEYS = [SECOND, FIRST]

    assert rotate().files == {Resealed.REWRAPPED: 1}

    settings.FILE_KEYS = [SECOND]
    with open_file(file) as stream:
        assert stream.read() == large(size)
    assert in_bucket(server, file)[HEADER:] == before[HEADER:]
    assert rotate().files == {Resealed.CURRENT: 1}


# ---- what belongs to no record ----

DAY = 25 * 3600.0


def put(*, recorded: bool) -> str:
    """A file in the bucket, perhaps with its record; its name there."""
    if recorded:
        return str(kept().file.name)
    return default_storage.save("imports/unrecorded", ContentFile(b"1234"))


def names_in(port: int) -> set[str]:
    return {found["Key"] for found in direct(port).list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_an_object_that_no_record_names_is_removed_after_a_day_without_listing(behind: Line, server: int) -> None:
    recorded, orphan = put(recorded=True), put(recorded=False)

    assert remove_leftovers() == 0
    assert names_in(server) == {recorded, orphan}
    assert remove_leftovers(time.time() + DAY) == 1

    assert names_in(server) == {recorded}
    assert set(StoredObject.objects.values_list("name", flat=True)) == {recorded}
    assert not [asked for asked in behind.asked if not asked.split(f"/{BUCKET}", 1)[1].startswith("/imports/")]


def test_the_note_of_an_upload_outlives_its_transaction(behind: Line, server: int) -> None:
    kept()
    with contextlib.suppress(RuntimeError), transaction.atomic():
        lost = str(kept().file.name)
        raise RuntimeError

    assert lost in names_in(server)
    assert remove_leftovers(time.time() + DAY) == 1
    assert lost not in names_in(server)


def test_an_object_of_an_earlier_release_is_found_when_its_record_goes_without_it(behind: Line, server: int) -> None:
    one, other = kept(), kept()
    StoredObject.objects.all().delete()
    remove_leftovers(time.time() + DAY)
    ImportFile.objects.filter(pk=one.pk).delete()

    assert remove_leftovers(time.time() + DAY) == 1
    assert names_in(server) == {other.file.name}


def test_a_store_that_is_down_keeps_the_note(behind: Line, server: int) -> None:
    kept()
    orphan = put(recorded=False)
    behind.down = True

    assert remove_leftovers(time.time() + DAY) == 0

    behind.down = False
    assert remove_leftovers(time.time() + DAY) == 1
    assert orphan not in names_in(server)


def test_nothing_is_removed_where_no_file_is_on_record(behind: Line, server: int) -> None:
    orphan = put(recorded=False)

    assert remove_leftovers(time.time() + DAY) == 0
    assert orphan in names_in(server)


# ---- the address ----


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "ftp://host/x",
        "s3://bucket/folder",
        "file://uploads",
        "s3://key:secret@bucket",
        "s3://bucket?regin=x",
        "s3://b?encryption=x",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_quoting_it(address: str, tmp_path: Path) -> None:
    with pytest.raises(StorageUrlError, match="STORAGE_URL") as refused:
        storage_of(address, folder=tmp_path)
    assert "secret" not in str(refused.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_a_folder_is_named_by_an_address_too(tmp_path: Path) -> None:
    assert storage_of("", folder=tmp_path) == storage_of(f"file://{tmp_path}", folder=Path(os.sep))
