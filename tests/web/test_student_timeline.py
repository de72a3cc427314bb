"""The time line of a student: newest first, page by page, for the same number of queries whatever happened before."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.imports.models import ImportChange, ImportRun, SetAside
from students.models import RecordEdit, Student
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db
BORN = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    made.add("101", ssid=SSID_2)
    return made


@pytest.fixture
def student(home: District) -> Student:
    return Student.objects.get(local_number="100")


@pytest.fixture
def another(home: District) -> Student:
    return Student.objects.get(local_number="101")


def imported_often(student: Student, times: int) -> list[ImportRun]:
    """One score file brought so many times: each time a run of its own that plans its set-ups and the student's scores."""
    ssid = student.ssids.get().ssid
    first = start(TYPE, text(LAYOUT, ela(ssid=ssid)), work="import")
    runs, changes = [], list(ImportChange.objects.filter(run=first))
    assert "scores" in {change.kind for change in changes}
    ImportRun.objects.filter(pk=first.pk).update(finished_at=BORN)
    for n in range(1, times):
        run = ImportRun.objects.get(pk=first.pk)
        run.pk, run.finished_at = None, BORN + dt.timedelta(hours=n)
        runs.append(run)
    runs = ImportRun.objects.bulk_create(runs)
    copies = [
        ImportChange(**{f.attname: getattr(c, f.attname) for f in c._meta.concrete_fields} | {"run_id": run.pk})
        for run in runs
        for c in changes
    ]
    for change in copies:
        change.object_id += 1000 * (change.run_id % 7)  # set-ups that are not there, or by now no longer
    ImportChange.objects.bulk_create(copies)
    return [first, *runs]


def edited(student: Student, times: int) -> None:
    user = UserFactory()
    values = {"student": student, "user": user, "what": "Student", "field": "grade", "before": "5"}
    edits = RecordEdit.objects.bulk_create(RecordEdit(**values, after=str(n)) for n in range(times))
    for n, edit in enumerate(edits):
        RecordEdit.objects.filter(pk=edit.pk).update(at=BORN + dt.timedelta(hours=n, minutes=30))


def opened(client: Client, student: Student, **query: Any) -> tuple[Any, int]:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("student", args=[student.pk]), query)
    assert answer.status_code == 200
    return answer.context["events"], len(queries)


def test_500_changes_cost_as_many_queries_as_5(
    client: Client, registrar: Any, student: Student, another: Student
) -> None:
    imported_often(student, 5)
    edited(student, 5)
    few, few_queries = opened(client, student)
    imported_often(another, 500)
    edited(another, 500)
    many, many_queries = opened(client, another)

    assert (len(few.object_list), len(many.object_list)) == (10, 20)
    assert many_queries <= few_queries
    assert many_queries <= 45


def test_the_newest_comes_first_and_older_ones_on_the_pages_after(
    client: Client, registrar: Any, student: Student
) -> None:
    runs = imported_often(student, 30)
    edited(student, 30)

    first, _n = opened(client, student)
    pages = [list(opened(client, student, page=number)[0].object_list) for number in (1, 2, 3)]
    shown = [event for page in pages for event in page]

    assert first.paginator.num_pages == 3
    assert [event.at for event in shown] == sorted((event.at for event in shown), reverse=True)
    assert [event.run.pk for event in shown if event.run] == [run.pk for run in reversed(runs)]
    assert sum(event.by_hand for event in shown) == 30
    assert shown[0].by_hand
    assert shown[1].run == runs[-1]


def test_the_address_of_a_page_holds_no_student_data(client: Client, registrar: Any, student: Student) -> None:
    edited(student, 30)

    page = client.get(reverse("student", args=[student.pk])).content.decode()

    assert 'href="?page=2"' in page


def test_every_change_is_reported_with_the_names_of_its_own_run(
    client: Client, registrar: Any, student: Student
) -> None:
    """Set-ups that one run planned have no say in another's scores, though all are read at once."""
    first, second = imported_often(student, 2)
    planned = ImportChange.objects.filter(run=second, kind="assessment").order_by("seq").last()
    assert planned is not None
    scores = ImportChange.objects.get(run=second, kind="scores")
    ImportChange.objects.filter(run=second, kind="assessment").update(object_id=planned.object_id + 5_000_000)
    scores.after["scores"] = f"{planned.object_id + 5_000_000}|2502"
    ImportChange.objects.filter(run=second, kind="scores").update(after=scores.after)
    ImportChange.objects.filter(run=second, kind="assessment").update(after={"state_code": "NEWONE", "name": "New"})

    events = opened(client, student)[0].object_list

    told = {event.run.pk: [f.label for _what, fields in event.changes for f in fields] for event in events}
    assert "NEWONE: scale score" in told[second.pk]
    assert all("NEWONE" not in label for label in told[first.pk])


def test_a_run_whose_changes_were_all_set_aside_is_not_an_entry(
    client: Client, registrar: Any, student: Student
) -> None:
    runs = imported_often(student, 3)
    for change in ImportChange.objects.filter(run=runs[1]):
        SetAside.objects.create(run=runs[1], line=change.line, seq=change.seq, reason="changed")

    events = opened(client, student)[0]

    assert [event.run.pk for event in events.object_list] == [runs[2].pk, runs[0].pk]
    assert events.paginator.count == 2


def test_a_revert_comes_before_what_it_puts_back(
    client: Client, registrar: Any, student: Student, command: CommandLine
) -> None:
    from tests.assessments.score_files import undo

    run = start(TYPE, text(LAYOUT, ela()), work="import")
    undone = undo(run)

    titles = [(event.run.pk, event.title) for event in opened(client, student)[0].object_list]

    assert titles == [(undone.pk, "Scores put back"), (run.pk, "Scores")]
