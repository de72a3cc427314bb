"""Issue 16, 4: kept files are encrypted, told in words when they cannot be read, and brought under a new key."""

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sisimport.accounts import kept_mail
from sisimport.imports.checks import check_file_keys
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, WaitsFor, Work
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import keep_file
from sisimport.imports.storage import stores
from sisimport.imports.storage.files import LockedFileError, open_file, open_whole
from sisimport.imports.storage.resealing import RotationError, rotate
from sisimport.imports.storage.stores import Resealed, master_keys
from sisimport.runtime import file_keys
from sisimport.runtime.sealed_files import HEADER, is_sealed
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db

NAMES = ("Zyxwutova", "Quirinwald")
FIRST, SECOND = "A" * 43 + "=", "B" * 43 + "="


@pytest.fixture
def own_keys(settings: Any, tmp_path: Path) -> Path:
    """An installation that keeps its keys in its data directory."""
    settings.FILE_KEYS, settings.DATA_DIR = [], tmp_path
    return tmp_path / file_keys.FILE


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    return made


def kept(content: str = "", name: str = "ssid.txt") -> ImportFile:
    return keep_file(stream=io.BytesIO((content or line()).encode()), name=name, user=None)


def path_of(file: ImportFile) -> Path:
    return Path(file.file.path)


def make_plain(file: ImportFile) -> bytes:
    """As the release 1.0.0 kept it."""
    with open_file(file) as stream:
        plain = stream.read()
    path_of(file).write_bytes(plain)
    return plain


def run_test(file: ImportFile) -> ImportRun:
    run = start_run(
        file=file, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )
    execute_run(run.pk)
    run.refresh_from_db()
    return run


def test_no_kept_file_shows_a_name(district: District, own_keys: Path, tmp_path: Path) -> None:
    """Uploads, corrected lines, kept mails, and whatever else lies below the data directory after a run."""
    district.student(local_number="8800417", last_name=NAMES[0], first_name=NAMES[1])
    run_file("ssid-download", line(local_number="8800417", last_name=NAMES[0], first_name=NAMES[1]) + "\n" + line())
    kept_mail.keep(f"Subject: {NAMES[0]}\n\n{NAMES[1]}".encode())

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path).parts[0] for path in files} >= {"uploads", "mail", "keys"}
    for path in files:
        for name in NAMES:
            assert name.encode().lower() not in path.read_bytes().lower(), path


def test_a_file_of_the_first_release_is_read_as_it_is(district: District) -> None:
    file = kept()
    make_plain(file)

    assert run_test(file).status == RunStatus.COMPLETED


def swapped(file: ImportFile) -> None:
    """Another upload, whole and encrypted with the same keys, lies in its place."""
    path_of(file).write_bytes(path_of(kept(line(local_number="7"))).read_bytes())


def cut(file: ImportFile) -> None:
    path_of(file).write_bytes(path_of(file).read_bytes()[:-20])


def no_header(file: ImportFile) -> None:
    path_of(file).write_bytes(path_of(file).read_bytes()[:HEADER])


@pytest.mark.parametrize("damage", [swapped, cut, no_header])
def test_a_run_of_a_file_that_is_not_what_was_kept_fails_whole_and_says_so(
    damage: Callable[[ImportFile], None], district: District
) -> None:
    file = kept()
    damage(file)
    run = run_test(file)

    assert run.status == RunStatus.FAILED
    assert "damaged" in run.message
    assert "Upload the file again" in run.message
    assert (run.record_count, run.planned_count) == (0, 0)


def test_a_run_whose_key_is_not_here_waits_and_continues_when_it_is(
    district: District, settings: Any, client: Client
) -> None:
    settings.FILE_KEYS = [FIRST]
    file = kept()
    settings.FILE_KEYS = [SECOND]

    run = run_test(file)
    assert (run.status, run.waits_for, run.attempts) == (RunStatus.QUEUED, WaitsFor.FILE, 0)
    with pytest.raises(LockedFileError, match="FILE_KEYS"), open_file(file):
        pass

    settings.FILE_KEYS = [SECOND, FIRST]
    execute_run(run.pk)
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED


def test_pages_say_that_the_key_is_not_here(district: District, settings: Any, client: Client) -> None:
    client.force_login(UserFactory(import_admin=True, all_schools=True))
    run = run_file("ssid-download", line() + "\n" + line(local_number="999999") + "\n").run
    settings.FILE_KEYS = [SECOND]

    answer = client.post(reverse("export", args=[run.pk]), {"what": "lines-refused"})

    assert answer.status_code == 410
    assert "key" in answer.content.decode()


def test_a_mail_that_cannot_be_read_says_why(own_keys: Path, settings: Any) -> None:
    kept_mail.keep(b"Subject: Choose a new password\n\nhttps://sis.example.org/link")
    (mail,) = kept_mail.kept_for(UserFactory(import_admin=True))
    assert mail.subject == "Choose a new password"

    settings.FILE_KEYS = [SECOND]

    (mail,) = kept_mail.kept_for(UserFactory(import_admin=True))
    assert "FILE_KEYS" in mail.text


# ---- changing keys ----


def content(file: ImportFile) -> bytes:
    with open_file(file, rehash=True) as stream:
        return stream.read()


def test_the_command_wraps_keys_again_and_encrypts_plain_files_and_writes_no_content(
    settings: Any, capsys: pytest.CaptureFixture[str], own_keys: Path
) -> None:
    settings.FILE_KEYS = [FIRST]
    file, plain = kept("line of one\n"), kept("line of another\n")
    kept_mail.keep(b"Subject: x\n\ny")
    was = make_plain(plain)
    body = path_of(file).read_bytes()[HEADER:]
    settings.FILE_KEYS = [SECOND, FIRST]

    call_command("rotate_file_keys", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["rewrapped"], told["encrypted"], told["unknown_key"]) == (2, 1, 0)
    settings.FILE_KEYS = [SECOND]
    assert content(file) == b"line of one\n"
    assert path_of(file).read_bytes()[HEADER:] == body
    assert is_sealed(path_of(plain).read_bytes())
    assert content(plain) == was
    assert [mail.subject for mail in kept_mail.kept_for(UserFactory(import_admin=True))] == ["x"]
    call_command("rotate_file_keys", "--json")
    assert json.loads(capsys.readouterr().out)["current"] == 3


def test_whoever_reads_while_keys_change_reads_on(settings: Any) -> None:
    settings.FILE_KEYS = [FIRST]
    file = kept("x" * 3_000_000)
    plain = kept("y" * 3_000_000)
    make_plain(plain)
    settings.FILE_KEYS = [SECOND, FIRST]
    with open_file(file) as one, open_file(plain) as other:
        rotate()
        assert one.read() == b"x" * 3_000_000
        assert other.read() == b"y" * 3_000_000


def test_a_file_under_a_key_that_is_lost_is_counted_and_the_command_says_what_to_do(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.FILE_KEYS = [FIRST]
    kept()
    settings.FILE_KEYS = [SECOND]

    with pytest.raises(SystemExit) as ended:
        call_command("rotate_file_keys")

    assert ended.value.code == 1
    assert "end of FILE_KEYS" in capsys.readouterr().out


def test_a_file_that_is_removed_while_it_is_encrypted_stays_removed(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept()
    make_plain(file)
    path, encrypt = path_of(file), stores._encrypt

    def meanwhile(*arguments: Any) -> None:
        ImportFile.objects.all().delete()
        path.unlink()
        encrypt(*arguments)

    monkeypatch.setattr(stores, "_encrypt", meanwhile)
    rotate()

    assert not path.exists()


def test_a_new_key_is_made_where_keys_are_kept_and_asked_for_where_they_are_set(own_keys: Path, settings: Any) -> None:
    file = kept("line\n")
    first = master_keys()

    found = rotate(new_key=True)

    assert found.files == {Resealed.REWRAPPED: 1}
    assert master_keys()[1:] == first
    assert content(file) == b"line\n"
    settings.FILE_KEYS = [FIRST]
    with pytest.raises(RotationError, match="FILE_KEYS"):
        rotate(new_key=True)


# ---- the start-up check ----


def test_production_without_a_key_does_not_start_and_never_keeps_a_file(settings: Any, own_keys: Path) -> None:
    assert check_file_keys() == []
    settings.PRODUCTION = True

    (error,) = check_file_keys()
    assert error.id == "imports.E003"
    assert "openssl" in str(error.hint)
    with pytest.raises(ImproperlyConfigured, match="FILE_KEYS"):
        kept()
    assert not own_keys.exists()


def test_an_invalid_key_is_reported_without_quoting_it(settings: Any) -> None:
    settings.FILE_KEYS = ["swordfish"]

    (error,) = check_file_keys()
    assert "Key 1" in error.msg
    assert "swordfish" not in error.msg + str(error.hint)


def test_the_request_for_ssids_of_utah_is_looked_at_whole_before_it_is_sent(own_keys: Path) -> None:
    """Also of a model that has no hash on record."""
    from sisimport.imports.storage.files import UnreadableFileError

    file = kept("x" * 3_000_000)
    data = path_of(file).read_bytes()
    path_of(file).write_bytes(data[:-5] + b"12345")

    with pytest.raises(UnreadableFileError, match="backup"):
        open_whole(file.file, "request.csv")


def test_the_usual_tool_makes_a_usable_key() -> None:
    made = subprocess.run(["openssl", "rand", "-base64", "32"], capture_output=True, text=True, check=True)

    assert len(file_keys.parsed([made.stdout])) == 1


def test_no_address_serves_what_is_in_the_folder_of_uploads(client: Client, settings: Any) -> None:
    """Nor is it a program, or within a folder of static files; the one way to it is a page that asks for the role."""
    file = kept()
    path, name = path_of(file), str(file.file.name)
    client.force_login(UserFactory(is_superuser=True))

    for address in (
        f"/{name}",
        f"/uploads/{name}",
        f"/media/{name}",
        f"/static/{name}",
        f"/static/../{name}",
        str(path),
    ):
        assert client.get(address).status_code in (301, 404), address
    public = [Path(settings.STATIC_ROOT), *map(Path, settings.STATICFILES_DIRS)]
    assert not any(path.is_relative_to(folder) for folder in public)
    assert not settings.MEDIA_URL.strip("/")
    assert path.stat().st_mode & 0o111 == 0
