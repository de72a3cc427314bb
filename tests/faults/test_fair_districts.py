"""Fault 15 with real processes: a district that sends many files delays a file of another by those under way, not by all."""

from typing import Any

import pytest

from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.models.runs import ACTIVE
from sisimport.imports.runs.services import start_run
from students.models import School
from tests.faults.conftest import Barrier, Worker, wait_for_end, wait_until
from tests.faults.district import District, make_district, state_file
from tests.longer import first_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def queue_test(district: District, file: ImportFile) -> ImportRun:
    """A Test by nobody in particular, for the schools of that district."""
    schools = School.objects.filter(lea__code=district.lea_code).values_list("pk", flat=True)
    given: dict[str, Any] = {"import_type": "ssid-download", "work": Work.TEST, "options": {}, "user": None}
    return start_run(file=file, schools=frozenset(schools), **given)


@pytest.mark.parametrize("files", first_of([12, 100]))
def test_many_files_of_one_district_do_not_delay_a_file_of_another(
    files: int, worker: Worker, uploads: None, barrier: Barrier
) -> None:
    large, small = make_district(students=20), make_district(students=20, lea_code="1975310")
    barrier.close("imports_importchange")  # whoever is at work hangs here
    two = [large.file, state_file(lea_code=large.lea_code)]  # two Tests of one file would wait for each other
    many = [queue_test(large, two[number % 2]) for number in range(files)]
    wait_until(
        lambda: len(barrier.waiting()) == 2, lambda: f"{len(barrier.waiting())} processes of the worker took up a run"
    )
    other = queue_test(small, small.file)
    barrier.open()

    ended = wait_for_end(other)

    before = ImportRun.objects.filter(pk__in=[run.pk for run in many], started_at__lt=ended.started_at).count()
    assert (ended.status, ended.record_count) == (RunStatus.COMPLETED, 20)
    assert before <= 3, "the two under way, and one that was taken up at the same moment"
    ImportRun.objects.filter(pk__in=[run.pk for run in many], status=RunStatus.QUEUED).update(cancel_requested=True)
    wait_until(
        lambda: not ImportRun.objects.filter(status__in=ACTIVE).exists(),
        lambda: "runs that were cancelled still wait",
    )
