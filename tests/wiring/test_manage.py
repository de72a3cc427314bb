"""`manage.py`: embedded services around the commands that need them, and nothing of its own on standard output."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed import install
from tests.longer import one_in

ROOT = Path(__file__).resolve().parents[2]
NOT_SET = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "FILE_KEYS"}
COUNT_USERS = "from django.contrib.auth.models import User; print(User.objects.count())"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A data directory that is not there yet."""
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def new_data_dir() -> Iterator[Path]:
    with _folder() as data_dir:
        yield data_dir


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Of an installation that is migrated already: one test looks at what a first command does."""
    with _folder() as data_dir:
        install(data_dir)
        yield data_dir


def manage(data_dir: Path, *words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command of an installation of its own, as a user with nothing set would."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_SET}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        cwd=cwd,
        env=kept | {"SISIMPORT_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


NO_PAGES = """
import sys
from sisimport import command
try:
    command.main(["manage.py", "findstatic", "no such file"])  # with system checks, as most commands
except SystemExit:
    pass
print("sisimport.accounts.models" in sys.modules, "sisimport.urls" in sys.modules)
"""


def test_a_command_starts_without_the_pages() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "sisimport.settings"}
    done = subprocess.run(
        [sys.executable, "-c", NO_PAGES], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1:] == ["True False"], done.stderr


AT_THE_END = """
import atexit, gc
atexit.register(lambda: print(gc.get_threshold()[0], gc.get_freeze_count() > 10_000))  # after what is registered later
import sisimport
"""


def test_the_collector_of_garbage_holds_up_neither_a_start_nor_the_work_nor_the_end() -> None:
    """By itself it looks every 700 objects, and once more at the end: half of what a short command costs."""
    done = subprocess.run([sys.executable, "-c", AT_THE_END], cwd=ROOT, capture_output=True, text=True, check=False)

    objects, is_frozen = done.stdout.split()
    assert int(objects) >= 20_000
    assert is_frozen == "True"


def test_someone_who_stops_reading_the_output_gets_a_sentence_and_no_traceback() -> None:
    """As `script/manage … | head` does."""
    command = [sys.executable, str(ROOT / "manage.py"), "help", "--commands"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert said == "The program that reads the output stopped before the end.\n"
    assert process.returncode == 3


@pytest.mark.faults
@pytest.mark.long
def test_the_first_command_makes_and_migrates_the_database_and_later_ones_find_it_ready(
    new_data_dir: Path, tmp_path: Path
) -> None:
    first = manage(new_data_dir, "shell", "--no-imports", "-c", COUNT_USERS, cwd=tmp_path)
    second = manage(new_data_dir, "shell", "--no-imports", "-c", COUNT_USERS)

    assert (first.returncode, first.stdout) == (0, "0\n"), first.stderr
    assert "Preparing the database" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "0\n", "")


@pytest.mark.long
def test_a_command_that_breaks_says_failed_and_not_that_records_have_errors(data_dir: Path) -> None:
    result = manage(data_dir, "shell", "--no-imports", "-c", "1/0")

    assert result.returncode == 3
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.long
def test_id6_a_command_that_the_database_refuses_quotes_no_row(data_dir: Path) -> None:
    twice = "from students.models import LEA; [LEA.objects.create(code='9012345', name='Twice') for n in (1, 2)]"
    result = manage(data_dir, "shell", "--no-imports", "-c", twice)

    assert result.returncode == 3
    assert "IntegrityError" in result.stderr
    assert "9012345" not in result.stderr
    assert result.stdout == ""


@pytest.mark.long
def test_the_server_is_stopped_when_the_command_ends(data_dir: Path) -> None:
    manage(data_dir, "shell", "--no-imports", "-c", COUNT_USERS)

    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("words", one_in(3, [["help"], ["--version"], ["migrate", "--help"], ["check"]]), ids=" ".join)
@pytest.mark.long
def test_commands_that_ask_the_database_nothing_start_nothing(words: list[str], tmp_path: Path) -> None:
    result = manage(tmp_path / "var", *words)

    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "var" / "postgres").exists()


def test_an_unusable_data_directory_is_reported_in_one_line_and_counts_as_failed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = manage(tmp_path / "file" / "var", "shell", "-c", "")

    assert result.returncode != 0
    assert "file" in result.stderr.strip().splitlines()[-1]
