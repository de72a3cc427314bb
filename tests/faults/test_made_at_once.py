"""What two runs both make at the same moment is made once: a district by two rosters, set-ups by the scores of two districts."""

import io

import pytest

from assessments.models import Assessment, Score
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.services import start_run, start_update
from sisimport.imports.runs.uploads import keep_file
from students.models import LEA, SSID, School, Student
from tests.assessments.score_files import ela, text
from tests.assessments.test_usual_lines import TYPES
from tests.factories import UserFactory
from tests.faults.conftest import Barrier, Worker, wait_for_end, wait_until
from tests.roster.test_roster import JOSE, csv

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
LAYOUT = "caaspp-2023-24"


def start(import_type: str, data: bytes, work: Work) -> ImportRun:
    """A run by somebody of their own: runs of one person and type wait for each other."""
    file = keep_file(stream=io.BytesIO(data), name="file.csv", user=None)
    return start_run(file=file, import_type=import_type, work=work, options={}, user=UserFactory(), schools=None)


def wait_until_it_waits(run: ImportRun) -> None:
    """Until the run wants the lock that another run holds."""
    wait_until(
        lambda: ImportRun.objects.get(pk=run.pk).phase == "waiting",
        lambda: f"run {run.pk} is at {ImportRun.objects.get(pk=run.pk).phase!r}",
    )


def test_two_rosters_make_the_same_district_at_the_same_moment(worker: Worker, uploads: None, barrier: Barrier) -> None:
    people = [
        JOSE | {"local_number": number, "first_name": name, "ssid": ""} for number, name in (("1", "Ana"), ("2", "Eva"))
    ]
    tests = [wait_for_end(start("students", csv(person).encode(), Work.TEST)) for person in people]
    barrier.session.execute(
        b"LOCK TABLE students_enrollment IN SHARE MODE"
    )  # the district is made before the first enrollment
    first = start_update(test_run=tests[0], user=UserFactory())
    barrier.wait_for_somebody()
    second = start_update(test_run=tests[1], user=UserFactory())
    wait_until_it_waits(second)
    barrier.open()

    ended = [wait_for_end(run) for run in (first, second)]

    assert [(run.status, run.import_count, run.set_aside_count) for run in ended] == [(RunStatus.COMPLETED, 1, 0)] * 2
    assert (LEA.objects.count(), School.objects.count(), Student.objects.count()) == (1, 1, 2)
    assert ended[0].lea_ids == ended[1].lea_ids == [LEA.objects.get().pk]


def scores_of_a_district(code: str, ssid: str) -> ImportRun:
    """A district of one student, and an Import, without a Test, of one score of that student."""
    lea = LEA.objects.create(code=code)
    school = School.objects.create(lea=lea, code="0123456")
    person = {"local_number": "1", "last_name": "Lee", "first_name": "Sam", "birth_date": "2011-03-04"}
    student = Student.objects.create(lea=lea, school=school, **person)
    SSID.objects.create(student=student, ssid=ssid, origin="staff")
    return start(TYPES[LAYOUT], text(LAYOUT, ela(ssid=ssid)), Work.IMPORT)


def test_two_districts_import_scores_for_the_first_time_at_the_same_moment(
    worker: Worker, uploads: None, barrier: Barrier
) -> None:
    barrier.session.execute(b"LOCK TABLE assessments_score IN SHARE MODE")  # set-ups are made before the first score
    first = scores_of_a_district("1975309", "9012345678")
    barrier.wait_for_somebody()
    second = scores_of_a_district("1975310", "9087654321")
    wait_until_it_waits(second)
    barrier.open()

    ended = [wait_for_end(run) for run in (first, second)]

    assert [(run.status, run.import_count) for run in ended] == [(RunStatus.COMPLETED, 1)] * 2
    assert Assessment.objects.filter(parent=None).values_list("state_code", "name").get()[0] == "SBELA"
    assert set(Score.objects.values_list("assessment_id", flat=True)) <= set(
        Assessment.objects.values_list("pk", flat=True)
    )
