"""Two of everything at once: messages, clicks, runs over the same students, an edit between Test and Update."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connections

from sisimport.imports.models import ImportRun, RunStatus, SetAside, Work
from sisimport.imports.runs.services import start_update
from sisimport.imports.runs.tasks import enqueue
from sisimport.imports.runs.uploads import keep_file
from students.models import SSID, Student
from tests.faults.conftest import Barrier, Worker, wait_for_end
from tests.faults.district import District
from tests.longer import first_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

BOTH_BROKERS = pytest.mark.parametrize("broker", first_of(["filesystem", "valkey"]), indirect=True)


def completed_test(district: District) -> ImportRun:
    return wait_for_end(district.start_test())


@BOTH_BROKERS
def test_the_same_message_delivered_twice_at_once_is_worked_on_once(
    worker: Worker, district: District, barrier: Barrier
) -> None:
    test = completed_test(district)
    barrier.close("imports_setaside")
    update = start_update(test_run=test, user=None)
    enqueue(update.pk)
    barrier.wait_for_somebody()
    # The free process comes to this one (an empty file, soon rejected) only after the second message.
    empty = keep_file(stream=io.BytesIO(b""), name="empty.txt", user=None)
    wait_for_end(replace(district, file=empty).start_test())

    assert len(barrier.waiting()) == 1
    barrier.open()

    ended = wait_for_end(update)
    assert (ended.status, ended.attempts, ended.import_count) == (RunStatus.COMPLETED, 1, district.students)
    assert SSID.objects.count() == district.students
    assert worker.process.poll() is None


def test_update_clicked_twice_is_one_run(worker: Worker, district: District) -> None:
    test = completed_test(district)

    def click(_number: int) -> int:
        try:
            return start_update(test_run=test, user=None).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as people:
        clicked = set(people.map(click, range(4)))

    assert len(clicked) == 1
    assert ImportRun.objects.filter(work=Work.UPDATE).count() == 1
    assert wait_for_end(ImportRun.objects.get(work=Work.UPDATE)).import_count == district.students


def test_an_update_after_the_update_changes_nothing_and_says_so(worker: Worker, district: District) -> None:
    test = completed_test(district)
    wait_for_end(start_update(test_run=test, user=None))

    again = wait_for_end(start_update(test_run=test, user=None))

    assert (again.status, again.import_count) == (RunStatus.COMPLETED, 0)
    assert sum(again.outcome_counts.values()) == again.record_count
    assert SSID.objects.count() == district.students


def test_a_student_edited_between_test_and_update_is_set_aside_and_keeps_the_edit(
    worker: Worker, district: District
) -> None:
    test = completed_test(district)
    edited = Student.objects.get(local_number="100007")
    edited.last_name = "Edited"
    edited.save()

    update = wait_for_end(start_update(test_run=test, user=None))

    assert (update.import_count, update.set_aside_count) == (district.students - 1, 1)
    assert sum(update.outcome_counts.values()) == update.record_count
    assert not SSID.objects.filter(student=edited).exists()
    assert Student.objects.get(pk=edited.pk).last_name == "Edited"
    assert set(SetAside.objects.values_list("run_id", "line")) == {(update.pk, 7)}


def test_two_updates_over_the_same_students_at_once_write_each_change_once(
    worker: Worker, district: District, barrier: Barrier
) -> None:
    tests = [completed_test(district), completed_test(district)]
    barrier.close("imports_setaside")
    updates = [start_update(test_run=test, user=None) for test in tests]
    barrier.wait_for_somebody()
    # The second one waits in the queue and keeps no process busy: the other process does something else meanwhile.
    empty = keep_file(stream=io.BytesIO(b""), name="empty.txt", user=None)
    wait_for_end(replace(district, file=empty).start_test())
    states = ImportRun.objects.filter(pk__in=[u.pk for u in updates]).order_by("pk").values_list("status", flat=True)
    assert sorted(states) == [RunStatus.QUEUED, RunStatus.RUNNING]
    barrier.open()

    ended = [wait_for_end(update) for update in updates]

    assert [run.status for run in ended] == [RunStatus.COMPLETED] * 2
    assert sorted(run.import_count for run in ended) == [0, district.students]
    assert all(sum(run.outcome_counts.values()) == run.record_count for run in ended)
    assert SSID.objects.count() == district.students
