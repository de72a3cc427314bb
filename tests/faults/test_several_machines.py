"""Three machines that share a database, a broker and the uploaded files; any of them may die at any moment."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.urls import reverse

from sisimport.imports.models import ImportChange, ImportRun, RunStatus, Work
from sisimport.imports.storage.files import open_file
from students.models import SSID, ELRecord
from tests.factories import UserFactory
from tests.faults.conftest import wait_until
from tests.faults.district import District, make_district
from tests.faults.machines import Machine, machines
from tests.faults.people import Visitor
from tests.faults.servers import servers, this_process_on
from tests.figures import Figure

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

MANY = 20  # runs; each upload is two: its Test and its Update
STUDENTS = 1_500
PATIENCE = 120.0
SEED = random.SystemRandom().randrange(1_000_000)


@pytest.fixture
def three(database_url: str, tmp_path: Path) -> Iterator[list[Machine]]:
    with servers(database_url, standbys=0) as (primary,), this_process_on(primary.url):
        url = primary.url.replace("127.0.0.1", "{host}")
        given = {"DATABASE_URL": url, "RUN_SILENT_SECONDS": "5"}
        with machines(tmp_path, given, ("web", "worker"), ("web", "worker"), ("worker", "reconciler")) as made:
            yield made


@pytest.mark.faults  # tests/faults/test_two_machines.py looks at one kind of end
@pytest.mark.parametrize("runs", [2, MANY])
def test_whichever_machine_dies_every_run_is_applied_once(
    runs: int, three: list[Machine], settings: Any, figure: Figure
) -> None:
    chance = random.Random(SEED)
    user = UserFactory(import_admin=True, all_schools=True, is_superuser=True)
    store = settings.STORAGES["default"] | {"OPTIONS": {"location": str(three[0].folder / "uploads")}}
    settings.STORAGES = settings.STORAGES | {"default": store}
    usual, killed, uploads = 1.0, 0, 0
    # Short runs are missed often, now and then by all of the kills: many continue until one is hit.
    while uploads < runs // 2 or (runs == MANY and not killed and uploads < 2 * MANY):
        district = make_district(students=STUDENTS, lea_code=f"19{75_000 + uploads}")
        uploads += 1
        with open_file(district.file) as stream:
            file = ("ssid.txt", stream.read())
        sent = {"import_type": "ssid-download", "work": "test"}
        test: ImportRun | None = None
        for work in (Work.TEST, Work.UPDATE):
            began = time.monotonic()
            address = (
                reverse("upload", args=["calpads-ssid"]) if test is None else reverse("start_update", args=[test.pk])
            )
            ask(three, user, chance, address, sent if test is None else {}, {"file": file} if test is None else None)
            run = ImportRun.objects.filter(work=work).latest("pk")
            time.sleep(chance.uniform(0, usual))
            dead = chance.choice(three)
            dead.kill()
            ended = finished(run, three)
            usual = min(usual, time.monotonic() - began) if ended.attempts == 1 else usual
            killed += ended.attempts > 1
            assert (ended.status, ended.record_count) == (RunStatus.COMPLETED, STUDENTS), (ended.message, SEED)
            dead.start()
            dead.wait_ready()
            test = ended
        applied_once(ended, district)
    assert SSID.objects.count() == STUDENTS * uploads
    figure(
        f"of {2 * uploads} runs, each with a machine killed at a random moment, were cut off and done again",
        killed,
        "runs",
    )
    assert killed or runs < MANY, "no run was hit"


def ask(three: list[Machine], user: Any, chance: random.Random, address: str, form: dict[str, str], files: Any) -> None:
    """Send a form by whichever machine has a web server."""
    visitor: Visitor = chance.choice([machine for machine in three if machine.has_web]).visitor(user)
    answer = visitor.post(address, form, files)
    assert answer.status_code == 200, "\n".join(machine.log.read_text()[-2000:] for machine in three)


def finished(run: ImportRun, three: list[Machine]) -> ImportRun:
    wait_until(
        lambda: not ImportRun.objects.get(pk=run.pk).is_active,
        lambda: f"{run} goes on (seed {SEED}): " + "\n".join(machine.log.read_text()[-2000:] for machine in three),
        pause=0.1,
        patience=PATIENCE,
    )
    return ImportRun.objects.get(pk=run.pk)


def applied_once(update: ImportRun, district: District) -> None:
    ssids = SSID.objects.filter(student__lea__code=district.lea_code)
    assert ssids.count() == ssids.values("student").distinct().count() == STUDENTS, SEED
    assert ELRecord.objects.filter(student__lea__code=district.lea_code).count() == STUDENTS, SEED
    changes = ImportChange.objects.filter(run_id=update.plan_run_id)
    assert changes.values("line").distinct().count() == STUDENTS, SEED
    assert update.import_count == sum(update.outcome_counts.values()) == STUDENTS, SEED
    assert ImportRun.objects.filter(test_run=update.test_run).aggregate(n=Sum("import_count"))["n"] == STUDENTS
