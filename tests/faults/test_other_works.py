"""The matrix of faults for works that are not runs: a purge, a backup, a look at a pick-up place, each by its command.

Issue 16, 8. Each kind that can strike a program by itself strikes it at random moments. Afterwards nothing is half: a backup
is whole or not there; a run has its plan or says that it went; a file that was picked up has its Test. Then the same command,
once more and without a fault, ends as if nothing had happened.
"""

import contextlib
import datetime as dt
import io
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from sisimport.automation.adding import add_place
from sisimport.automation.models import PickedFile, PickUpPlace
from sisimport.automation.picking import look_at
from sisimport.imports.models import ImportChange, ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.services import start_revert
from sisimport.imports.runs.uploads import keep_file
from sisimport.imports.storage.backups import make_backup
from sisimport.imports.storage.retention import purge
from sisimport.runtime.backup_file import reading
from sisimport.runtime.processes import end_with_parent
from students.models import SSID
from tests import results
from tests.faults.conftest import ROOT, Broker
from tests.faults.district import District, make_district
from tests.faults.kinds import KINDS, Kind, Scene
from tests.faults.test_fault_matrix import checksum
from tests.imports.journey import finish
from tests.longer import LONG

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# Strikes of each work: a command takes seconds to start. Eighty runs of a kind (`script/test faults --runs 80`) are five here.
RUNS = max(1, int(os.environ.get("FAULT_RUNS") or (80 if LONG else 16)) // 16)
STUDENTS = 300
IN_EVERY_SUITE = {"all working processes are killed"}
# They strike messages, or the programs around a worker: a command has neither.
OF_WORKERS = {
    "a second worker starts", "messages are lost", "the folder of messages is removed", "messages are garbled",
    "messages come several times", "the heartbeat is removed",
}  # fmt: skip


class Program:
    """The command in a process of its own, to be struck as a worker is. `log`: what it said."""

    def __init__(self, folder: Path, database_url: str, *words: str) -> None:
        self.log = folder / "command.log"
        environment = dict(os.environ) | {
            "DATABASE_URL": database_url,
            "SISIMPORT_DATA_DIR": str(folder),
            "REDIS_URL": "",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
            )

    def children(self) -> list[int]:
        """It and the programs it uses."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *(map(int, listed.read_text().split()) if listed.exists() else ())]

    def signal_children(self, number: signal.Signals) -> None:
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, seconds: float) -> int:
        return self.process.wait(seconds)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Place:
    """What a scene knows of a broker, for a command that has none: nobody starts it again but who started it."""

    folder: Path
    workers: list[Any] = field(default_factory=list)

    def start_worker(self) -> None:
        """Nobody comes by itself."""

    def kill_workers(self) -> None:
        for program in self.workers:
            program.kill()


@dataclass
class Installation:
    folder: Path
    database_url: str
    district: District
    content: bytes  # of its file
    inbox: Path
    place: PickUpPlace


class OtherWork:
    """A work: made ready, begun by `words`, looked at after the fault, done once more, and what must be true then."""

    name = ""
    unfit: frozenset[str] = frozenset()

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.round = 0

    def prepare(self) -> None:
        self.round += 1

    def words(self) -> list[str]:
        raise NotImplementedError

    def half(self) -> str:
        """What is half after the fault; blank for nothing."""
        return ""

    def again(self) -> None:
        """Done once more, without a fault."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """The same each time."""
        raise NotImplementedError


class Purge(OtherWork):
    name = "Purge"

    def prepare(self) -> None:
        """Two Tests of long ago, each with a file."""
        super().prepare()
        tests = []
        for number in (1, 2):
            kept = keep_file(stream=io.BytesIO(self.here.content), name=f"old{number}.txt", user=None)
            tests.append(finish(replace(self.here.district, file=kept).start_test(enqueue=False)).run)
        old = timezone.now() - dt.timedelta(days=500)
        runs = ImportRun.objects.filter(pk__in=[test.pk for test in tests])
        runs.update(finished_at=old, created_at=old)
        ImportFile.objects.filter(runs__in=runs).update(uploaded_at=old)
        assert ImportChange.objects.filter(run__in=runs).count() >= 2 * STUDENTS

    def words(self) -> list[str]:
        return ["purge", "--json"]

    def again(self) -> None:
        purge()

    def half(self) -> str:
        for run in ImportRun.objects.filter(name_of_old):
            rows = ImportChange.objects.filter(run=run).count()
            if bool(rows) == bool(run.plan_removed_at):
                return f"run {run.pk} has {rows} changes, and its plan went at {run.plan_removed_at}"
        for file in ImportFile.objects.filter(removed_at=None):
            if not default_storage.exists(str(file.file.name)):
                return f"file {file.pk} is on record as kept and is not there"
        return ""

    def state(self) -> dict[str, Any]:
        old = ImportRun.objects.filter(name_of_old)
        return {
            "plans": old.filter(plan_removed_at=None).count(),
            "files": ImportFile.objects.filter(runs__in=old, removed_at=None).count(),
            "rows": ImportChange.objects.filter(run__in=old).count(),
            "records": checksum(),
        }


name_of_old = Q(file__name__startswith="old")


class Backup(OtherWork):
    name = "Backup"

    @property
    def file(self) -> Path:
        return self.here.folder / f"backup{self.round}"

    def words(self) -> list[str]:
        return ["backup", str(self.file), "--json"]

    def half(self) -> str:
        if self.file.exists():
            with reading(self.file, scratch=self.here.folder / "scratch") as backup:
                backup.verify()
        return ""

    def again(self) -> None:
        self.file.unlink(missing_ok=True)
        make_backup(self.file)

    def state(self) -> dict[str, Any]:
        with reading(self.file, scratch=self.here.folder / "scratch") as backup:
            backup.verify()
            rows, members = backup.manifest["rows"], backup.members
        self.file.unlink()
        stored = ImportFile.objects.filter(removed_at=None).exclude(file="").values_list("file", flat=True).distinct()
        return {
            "students": rows["public.students_student"],
            "runs": rows["public.imports_importrun"] == ImportRun.objects.count(),
            "files": {f"files/{name}" for name in stored} <= set(members),
            "left": [path.name for path in self.here.folder.glob("*.part")],
            "records": checksum(),
        }


class PickUp(OtherWork):
    name = "Pick-up"
    # What is written meanwhile lies below the folder that comes back, and is lost with it: nobody can help that.
    unfit = frozenset({"the folder of uploads is away for a while"})

    def prepare(self) -> None:
        """A file that nobody picked up yet; the records as before the last one."""
        for run in ImportRun.objects.filter(work=Work.UPDATE).order_by("-pk")[:1]:
            if SSID.objects.exists():
                finish(start_revert(run=run, user=None))
        assert not SSID.objects.exists()
        super().prepare()
        self.before = ImportRun.objects.count()
        (self.here.inbox / self.file).write_bytes(self.here.content)
        (self.here.inbox / f"{self.file}.done").touch()

    @property
    def file(self) -> str:
        return f"state{self.round}.txt"

    def words(self) -> list[str]:
        return ["pick_up", self.here.place.name, "--json"]

    def half(self) -> str:
        picked = PickedFile.objects.filter(name=self.file, test=None)
        return "picked up without a Test" if picked.exists() else ""

    def again(self) -> None:
        """As workers do it: a look, the Test, a look, the Update, a look."""
        for _look in range(3):
            look_at(self.here.place)
            for run in ImportRun.objects.filter(status=RunStatus.QUEUED).order_by("pk"):
                finish(run)

    def state(self) -> dict[str, Any]:
        return {
            "picked": list(PickedFile.objects.filter(name=self.file).values_list("state", "message")),
            "runs": sorted(ImportRun.objects.order_by("pk").values_list("work", "status")[self.before :]),
            "waiting": [path.name for path in self.here.inbox.iterdir() if path.is_file()],
            "done": sorted(
                path.name.replace(self.file, "") for path in (self.here.inbox / "done").glob(f"{self.file}*")
            ),
            "records": checksum(),
        }


WORKS = (Purge, Backup, PickUp)


@pytest.fixture
def here(database_url: str, tmp_path: Path, settings: Any) -> Installation:
    folder, inbox = tmp_path / "data", tmp_path / "in"
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(folder / "uploads")}}
    settings.STORAGES = storages
    for made in (folder, inbox):
        made.mkdir()
    district = make_district(students=STUDENTS)
    with district.file.file.open("rb") as stream:
        content = stream.read()
    place = add_place(
        name="state files", path=str(inbox), needs_mark=True, work=PickUpPlace.Work.UPDATE, import_type="ssid-download"
    )
    return Installation(folder, database_url, district, content, inbox, place)


def kinds() -> list[Any]:
    """One kind in the suite, the others with the load tests: a kind takes minutes, and beside other tests it waits too long."""
    return [
        pytest.param(kind, id=kind.name, marks=[] if kind.name in IN_EVERY_SUITE else [pytest.mark.load])
        for kind in KINDS
        if not kind.valkey and kind.name not in OF_WORKERS
    ]


@pytest.mark.faults
@pytest.mark.parametrize("kind", kinds())
def test_a_fault_leaves_no_purge_backup_or_pick_up_half(kind: Kind, here: Installation) -> None:
    works = [work(here) for work in WORKS if kind.name not in work.unfit]
    found: dict[str, Any] = {"kind": f"{kind.name} (purge, backup, pick-up)", "runs": 0, "struck": 0, "open": []}
    try:
        with psycopg.connect(here.database_url, autocommit=True) as watch:
            for work in works:
                seconds, usual = _usual(work, watch)
                for number in range(RUNS):
                    chance = random.Random(f"{kind.name}·{work.name}·{number}")
                    found["runs"] += 1
                    _strike(kind, work, chance, seconds, usual, watch, found)
    finally:
        right = found["runs"] - len(found["open"])
        results.write(f"other-works-{KINDS.index(kind):02d}", {**found, "right": right, "again": 0})
    assert found["open"] == []


def _usual(work: OtherWork, watch: psycopg.Connection[Any]) -> tuple[float, dict[str, Any]]:
    """Without a fault: how long it is at work, and how all is then."""
    work.prepare()
    program = Program(work.here.folder, work.here.database_url, *work.words())
    _wait_until_at_work(program, watch)
    began = time.monotonic()
    assert program.wait(120) == 0, program.log.read_text()
    seconds = time.monotonic() - began
    work.again()
    return seconds, work.state()


def _wait_until_at_work(program: Program, watch: psycopg.Connection[Any]) -> None:
    """Until it has a session of the database: what strikes before finds nothing begun."""
    from django.db import connection

    ours = [watch.info.backend_pid, connection.connection.info.backend_pid]
    while program.process.poll() is None:
        row = watch.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> ALL (%s)",
            [ours],
        ).fetchone()
        if row and row[0]:
            return
        time.sleep(0.01)


def _strike(
    kind: Kind,
    work: OtherWork,
    chance: random.Random,
    seconds: float,
    usual: dict[str, Any],
    watch: psycopg.Connection[Any],
    found: dict[str, Any],
) -> None:
    work.prepare()
    moment = chance.uniform(0, 1.1 * seconds)
    program = Program(work.here.folder, work.here.database_url, *work.words())
    scene = Scene(cast(Broker, Place(work.here.folder, [program])), work.here.database_url, watch, chance, [])
    _wait_until_at_work(program, watch)
    time.sleep(moment)
    found["struck"] += program.process.poll() is None
    kind.strike(scene)
    kind.heal(scene)
    scene.kept[:] = [one for one in scene.kept if isinstance(one, psycopg.Connection)]
    scene.let_go()
    with contextlib.suppress(subprocess.TimeoutExpired):  # whoever hangs for good is ended by somebody
        program.wait(1 if kind.name == "the worker stands still for good" else 60)
    program.kill()
    told = f"{kind.name}, {work.name}, after {moment:.2f} of {seconds:.2f} s"
    if half := work.half():
        found["open"].append(f"{told}: {half}")
    work.again()
    if (state := work.state()) != usual:
        found["open"].append(f"{told}: {[(name, state[name]) for name in usual if state[name] != usual[name]]}")
    assert found["open"] == []
