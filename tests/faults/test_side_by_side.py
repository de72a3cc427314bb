"""Districts do not wait for each other, nor for the cleanup of tables that all runs share."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from sisimport.demo import district as demo
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import set_aside, statistics
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, Work
from sisimport.imports.runs import execution
from sisimport.imports.runs.services import start_revert, start_run, start_update
from sisimport.imports.runs.uploads import keep_file, unpacked
from students.models import SSID
from tests.factories import UserFactory
from tests.faults.conftest import Barrier, Worker, wait_for_end, wait_until
from tests.faults.district import District, make_district
from tests.imports.journey import finish

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# What ANALYZE and VACUUM take, and everything stronger: such a lock on a table that all runs share is a queue of districts.
_STRONG = """
    SELECT DISTINCT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind = 'r' AND c.relpersistence = 'p'
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
"""
SHARED = "imports_importchange, imports_importissue, imports_setaside, imports_absentlist"


def hold_an_ssid(barrier: Barrier, test: ImportRun) -> None:
    """The barrier's session gives a student one of the SSIDs that the Test planned, and does not end: whoever writes that number
    waits for it."""
    planned = ImportChange.objects.filter(run=test, kind="ssid").order_by("line")[5]
    barrier.session.execute(
        "INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)"
        " VALUES (%s, 'CA', %s, 'manual', false, now())",
        [planned.student_id, planned.after["ssid"]],
    )


def roster_of_new_students(of: District, count: int) -> ImportRun:
    """A Test of a roster with students that are not on record yet."""
    lines = "".join(f"{of.lea_code},6012345,{n},Quill,Robin{n},2015-03-01,05\n" for n in range(1, count + 1))
    text = f"lea,school,local_number,last_name,first_name,birth_date,grade\n{lines}"
    file = keep_file(stream=io.BytesIO(text.encode()), name="roster.csv", user=None)
    return start_run(file=file, import_type="students", work=Work.TEST, options={}, user=None, schools=None)


def blocked_by(barrier: Barrier, pid: int) -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    return [row[0] for row in barrier.watch.execute(query, [pid])]


def test_the_update_of_one_district_runs_while_that_of_another_hangs(
    worker: Worker, uploads: None, barrier: Barrier
) -> None:
    slow, other = make_district(students=1_200), make_district(students=1_200, lea_code="1975310")
    tests = [wait_for_end(one.start_test()) for one in (slow, other)]
    hold_an_ssid(barrier, tests[0])
    standing = start_update(test_run=tests[0], user=None)
    session = barrier.wait_for_somebody()

    ended = wait_for_end(start_update(test_run=tests[1], user=None))

    assert (ended.status, ended.import_count) == (RunStatus.COMPLETED, 1_200)
    assert barrier.waiting() == [session], "the first Update should be at the held number all the while"
    assert blocked_by(barrier, session) == []
    assert ImportRun.objects.get(pk=standing.pk).status == RunStatus.RUNNING
    barrier.open()
    assert wait_for_end(standing).import_count == 1_200
    assert SSID.objects.count() == 2_400


def test_reverts_and_tests_run_beside_a_standing_update_too(worker: Worker, uploads: None, barrier: Barrier) -> None:
    slow, other = make_district(students=1_200), make_district(students=1_200, lea_code="1975310")
    tests = [wait_for_end(one.start_test()) for one in (slow, other)]
    update = wait_for_end(start_update(test_run=tests[1], user=None))
    hold_an_ssid(barrier, tests[0])
    standing = start_update(test_run=tests[0], user=None)
    barrier.wait_for_somebody()

    assert wait_for_end(start_revert(run=update, user=None)).status == RunStatus.COMPLETED
    assert wait_for_end(other.start_test()).status == RunStatus.COMPLETED
    assert ImportRun.objects.get(pk=standing.pk).status == RunStatus.RUNNING
    barrier.open()
    assert wait_for_end(standing).status == RunStatus.COMPLETED


def test_a_vacuum_stops_no_run(worker: Worker, uploads: None, barrier: Barrier) -> None:
    district = make_district(students=1_200)
    barrier.session.execute(f"LOCK TABLE {SHARED} IN SHARE UPDATE EXCLUSIVE MODE".encode())  # as VACUUM does

    test = wait_for_end(district.start_test())
    update = wait_for_end(start_update(test_run=test, user=None))
    revert = wait_for_end(start_revert(run=update, user=None))

    assert [run.status for run in (test, update, revert)] == [RunStatus.COMPLETED] * 3
    assert (update.import_count, revert.import_count) == (1_200, 1_200)


def test_a_run_that_waits_for_its_last_checks_says_so_and_every_button_answers(
    worker: Worker, uploads: None, barrier: Barrier
) -> None:
    """Foreign keys are checked last. A run that waits there has not finished, and its row is free meanwhile."""
    test = wait_for_end(roster_of_new_students(make_district(students=50), 20))
    barrier.session.execute("SELECT 1 FROM students_school WHERE code = '6012345' FOR UPDATE")
    update = start_update(test_run=test, user=None)
    barrier.wait_for_somebody()
    wait_until(
        lambda: ImportRun.objects.get(pk=update.pk).phase == "finishing",
        lambda: f"the page says {ImportRun.objects.get(pk=update.pk).phase}",
    )

    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM imports_importrun WHERE id = %s FOR UPDATE NOWAIT", [update.pk])
    page = client.get(reverse("run", args=[update.pk])).text
    told = client.post(reverse("cancel_run", args=[update.pk]), follow=True).text
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (released,) = cursor.fetchone()
    barrier.open()

    ended = wait_for_end(update)
    assert (ended.status, ended.cancel_requested) == (RunStatus.COMPLETED, False)
    assert "Finishing" in page
    assert reverse("cancel_run", args=[update.pk]) not in page, "a button that can do nothing"
    assert "Too late to cancel" in told
    assert ended.finished_at is not None
    assert ended.finished_at > released


def test_cancel_answers_while_the_row_of_the_run_itself_is_held(uploads: None, barrier: Barrier) -> None:
    run = ImportRun.objects.create(import_type="ssid-download", work=Work.TEST, status=RunStatus.RUNNING)
    barrier.session.execute("SELECT 1 FROM imports_importrun WHERE id = %s FOR UPDATE", [run.pk])
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")  # the web server's is longer

    told = client.post(reverse("cancel_run", args=[run.pk]), follow=True)

    connection.close()
    assert "Too late to cancel" in told.text


# ---- every import type ----


@pytest.fixture
def strong_locks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Locks that conflict with themselves, on tables that stay, held by a run at its very end: (run, table, mode)."""
    found: list[tuple[Any, ...]] = []
    complete: Callable[..., None] = execution.complete

    def watched(run: ImportRun, **values: object) -> None:
        complete(run, **values)
        with connection.cursor() as cursor:
            cursor.execute(_STRONG)
            found.extend((run.import_type, run.work, *row) for row in cursor.fetchall())

    monkeypatch.setattr(execution, "complete", watched)
    return found


def chosen_samples() -> list[demo.Sample]:
    """One file of each import type; of the score types, which are one class, two."""
    by_type = {sample.import_type: sample for sample in demo.all_samples()}
    scores = [s for s in by_type.values() if get_type(s.import_type).screen.tool == "caaspp"]
    return [s for s in by_type.values() if s not in scores] + scores[-2:]


def test_no_run_of_any_type_holds_a_lock_that_another_district_would_wait_for(
    strong_locks: list[tuple[Any, ...]], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(tmp_path / "uploads")}}
    settings.STORAGES = storages
    # As if every plan were large, and unknown to the planner.
    monkeypatch.setattr(statistics, "MEASURE_FROM", 0)
    monkeypatch.setattr(statistics, "FAR_OFF", 0)
    monkeypatch.setattr(set_aside, "MEASURE_FROM", 0)
    lea = demo.make_district(students=150, seed=3).lea
    written = []
    for sample in chosen_samples():
        with demo.write_sample(sample, lea).open("rb") as stream, unpacked(stream) as inner:
            file = keep_file(stream=inner.stream, name=sample.name, user=None, member=inner.member)

        def run(work: Work, file: Any = file, kind: str = sample.import_type) -> ImportRun:
            started = start_run(
                file=file, import_type=kind, work=work, options={}, user=None, schools=None, enqueue=False
            )
            return finish(started).run

        run(Work.TEST)
        applied = run(Work.IMPORT if Work.IMPORT in get_type(sample.import_type).works else Work.UPDATE)
        assert applied.status == RunStatus.COMPLETED, (sample.name, applied.message)
        written += [sample.name] if applied.import_count else []
        finish(start_revert(run=applied, user=None, enqueue=False))

    assert len(written) > 6, written
    assert strong_locks == []
