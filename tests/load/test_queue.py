"""A hundred uploads at once by people of different appetites, and a small file behind large ones: who waits how long."""

import datetime as dt
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.services import start_run
from sisimport.imports.storage.files import open_file
from tests.factories import UserFactory
from tests.faults.conftest import Broker, Worker, wait_until
from tests.faults.district import make_district, state_file
from tests.faults.people import Visitor
from tests.faults.site import site
from tests.figures import Figure
from tests.load.sessions import peak_megabytes

pytestmark = [
    pytest.mark.load,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

PATIENCE = 1800.0
LINES = min(2_000, int(os.environ.get("LOAD_LINES", "2000")))
PAUSE = 0.6  # seconds from one upload to the next: a hundred in a minute
MORE_MEGABYTES = 20
UPLOADS = {"one person's": 80, "another's": 15, "a third's": 5}


def start(file: ImportFile, person: Any) -> ImportRun:
    return start_run(file=file, import_type="ssid-download", work=Work.TEST, options={}, user=person, schools=None)


def people(*names: str) -> list[Any]:
    model = get_user_model()
    return [model._default_manager.create(username=name) for name in names]


def wait_for_all(runs: list[ImportRun]) -> list[ImportRun]:
    """The runs as they ended, all of them completed."""
    mine = ImportRun.objects.filter(pk__in=[run.pk for run in runs])
    wait_until(
        lambda: not mine.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).exists(),
        lambda: f"{mine.filter(status=RunStatus.QUEUED).count()} runs still wait",
        pause=0.5,
        patience=PATIENCE,
    )
    ended = list(mine.order_by("id"))
    assert {run.status for run in ended} == {RunStatus.COMPLETED}
    assert {run.attempts for run in ended} == {1}
    return ended


def waits(runs: list[ImportRun]) -> list[float]:
    """Seconds from the upload to the beginning of the work, shortest first."""
    return sorted((run.started_at - run.created_at).total_seconds() for run in runs if run.started_at)


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def test_a_hundred_uploads_of_three_people(
    worker: Worker, broker: Broker, uploads: None, database_url: str, figure: Figure
) -> None:
    """In a minute by the page: each is accepted, people keep their order, none waits for all of another's; memory stays flat."""
    make_district(students=LINES)
    persons = {name: UserFactory(import_admin=True, all_schools=True, is_superuser=True) for name in UPLOADS}
    with open_file(state_file()) as stream:
        lines = stream.read().splitlines(keepends=True)
    names = [name for name, count in UPLOADS.items() for _number in range(count)]
    with site(database_url, broker.folder) as web, ThreadPoolExecutor(8) as senders:
        visitors = {name: Visitor(web.port, persons[name]) for name in UPLOADS}
        begun = timezone.now()

        def send(number: int) -> float:
            time.sleep(max(0.0, number * PAUSE - (timezone.now() - begun).total_seconds()))
            asked = time.monotonic()
            file = ("ssid.txt", b"".join(lines[number:] + lines[:number]))  # each in another order
            sent = {"import_type": "ssid-download", "work": "test"}
            answer = visitors[names[number]].post(reverse("upload", args=["calpads-ssid"]), sent, {"file": file})
            assert answer.status_code == 200
            return time.monotonic() - asked

        taken = sorted(senders.map(send, range(len(names))))
        accepted = (timezone.now() - begun).total_seconds()
    figure(f"100 uploads of {LINES:,} lines, until the last was accepted", accepted, "s")
    figure("an upload, until it was accepted, p95", percentile(taken, 0.95), "s")
    runs = {name: list(ImportRun.objects.filter(created_by=persons[name]).order_by("pk")) for name in UPLOADS}
    assert {name: len(several) for name, several in runs.items()} == UPLOADS
    at_first = peak_megabytes(worker.children())

    ended = wait_for_all([run for several in runs.values() for run in several])

    memory = peak_megabytes(worker.children())
    figure("most memory of a process of the worker while they came, and at the end", memory, "MB")
    assert memory < at_first + MORE_MEGABYTES
    last = max(run.finished_at for run in ended if run.finished_at)
    figure(f"100 Tests of {LINES:,} lines, until the last had ended", (last - begun).total_seconds(), "s")
    everybody = waits(ended)
    figure("wait of an upload, p50", percentile(everybody, 0.5), "s")
    figure("wait of an upload, p95", percentile(everybody, 0.95), "s")
    by_person = {name: [run for run in ended if run.created_by_id == persons[name].pk] for name in UPLOADS}
    for name, several in by_person.items():
        figure(f"wait of {name} {len(several)}, p95", percentile(waits(several), 0.95), "s")
        # In their order; two processes may pick up two neighbors at the same moment.
        by_start = sorted(several, key=lambda run: run.started_at or begun)
        assert all(abs(at - by_start.index(run)) <= 1 for at, run in enumerate(several))
    # Whoever brought five files last does not wait for the eighty of somebody else: from then on all three took turns.
    of_third = by_person["a third's"]
    brought = max(run.created_at for run in of_third)
    since = sorted(
        (run for run in ended if run.started_at and run.started_at > brought), key=lambda r: r.started_at or begun
    )
    assert max(since.index(run) for run in of_third if run in since) < 3 * len(of_third) + 2


def test_fifty_lines_behind_two_files_of_sixty_thousand(worker: Worker, uploads: None, figure: Figure) -> None:
    make_district(students=60_000)
    large, small = state_file(), state_file(lines=50)
    (person,) = people("one")
    first, second = start(large, person), start(large, person)
    wait_until(
        lambda: ImportRun.objects.filter(pk=first.pk, status=RunStatus.RUNNING).exists(),
        lambda: "the first large file was not taken up",
    )
    run = start(small, person)

    ended = {one.pk: one for one in wait_for_all([first, second, run])}

    begun, done = ended[run.pk].started_at, ended[run.pk].finished_at
    assert begun
    assert done
    second_begun = ended[second.pk].started_at
    assert second_begun
    assert begun < second_begun
    figure("50 lines behind two files of 60,000: wait", (begun - run.created_at).total_seconds(), "s")
    figure("50 lines behind two files of 60,000: until done", (done - run.created_at).total_seconds(), "s")
    longest = ended[first.pk].finished_at - ended[first.pk].started_at  # type: ignore[operator]
    figure("one Test of 60,000 lines beside it", longest / dt.timedelta(seconds=1), "s")
