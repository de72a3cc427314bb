"""Fault 15: small files do not wait for large ones, people take turns, each one's runs keep their order, and pages say when."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.models import ImportFile, ImportRun, RunStatus, WaitsFor, Work
from sisimport.imports.runs import hindrances, queueing
from sisimport.imports.runs.queueing import RUN_LOCK, Lane, in_order
from students.models import LEA, School
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SMALL, LARGE = 5_000, 5_000_000


@pytest.fixture
def people() -> list[Any]:
    return [UserFactory(username=name, registrar=True, all_schools=True) for name in ("ana", "ben", "cho")]


def queued(person: Any = None, size: int = SMALL, work: Work = Work.TEST, **values: Any) -> ImportRun:
    file = ImportFile.objects.create(name="a.txt", sha256="0" * 64, size=size, file="imports/none")
    given = {"import_type": "ssid-download", "work": work, "created_by": person, "file": file} | values
    return ImportRun.objects.create(**given)


def completed_test(lea_ids: list[int]) -> ImportRun:
    return queued(status=RunStatus.COMPLETED, lea_ids=lea_ids)


@pytest.fixture
def take(other_session: psycopg.Connection) -> Callable[[ImportRun], None]:
    """Work on a run, as another process does."""

    def taken(run: ImportRun) -> None:
        other_session.execute("SELECT pg_advisory_lock(%s, %s)", [RUN_LOCK, run.pk])
        ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempts=1, started_at=timezone.now())

    return taken


def test_lanes_are_lines_of_their_own(people: list[Any]) -> None:
    large = [queued(people[0], LARGE) for _number in range(3)]
    small = queued(people[0])

    assert in_order(Lane.SMALL, only=True) == [small.pk]
    assert in_order(Lane.LARGE, only=False) == [*(run.pk for run in large), small.pk]
    assert {entry.run_id: entry.place for entry in queueing.waiting()}[small.pk] == 1


def test_people_take_turns_and_keep_their_own_order(people: list[Any]) -> None:
    ana, ben, cho = people
    of_ana = [queued(ana).pk for _number in range(4)]
    of_ben = [queued(ben).pk for _number in range(2)]
    of_cho = [queued(cho).pk]

    assert in_order(Lane.SMALL, only=True) == [
        of_ana[0],
        of_ben[0],
        of_cho[0],
        of_ana[1],
        of_ben[1],
        of_ana[2],
        of_ana[3],
    ]


@pytest.fixture
def two_districts() -> list[list[int]]:
    """Two districts of two schools each, by the keys of their schools."""
    leas = [LEA.objects.create(code=f"200000{number}", name=f"District {number}") for number in (1, 2)]
    return [[School.objects.create(lea=lea, code=f"{n:07}").pk for n in (1, 2)] for lea in leas]


def test_districts_take_turns_however_many_files_and_people_one_of_them_sends(
    people: list[Any], two_districts: list[list[int]]
) -> None:
    ana, ben, cho = people
    large, small = two_districts
    of_ana = [queued(ana, schools=large).pk for _number in range(60)]
    of_ben = [queued(ben, schools=large[:1]).pk for _number in range(40)]
    of_cho = [queued(cho, schools=small).pk for _number in range(2)]

    first = in_order(Lane.SMALL, only=True)[:6]

    assert first == [of_ana[0], of_cho[0], of_ben[0], of_cho[1], of_ana[1], of_ben[1]]


def test_a_district_with_runs_under_way_comes_after_one_that_has_none(
    people: list[Any], two_districts: list[list[int]], take: Callable[[ImportRun], None]
) -> None:
    ana, ben, cho = people
    large, small = two_districts
    take(queued(ana, LARGE, schools=large))
    of_ben, of_cho = queued(ben, LARGE, schools=large), queued(cho, LARGE, schools=small)

    assert in_order(Lane.LARGE, only=True) == [of_cho.pk, of_ben.pk]


def test_a_district_that_was_just_served_comes_after_the_other_whoever_of_its_people_is_next(
    people: list[Any], two_districts: list[list[int]]
) -> None:
    """Each file of the first district is somebody else's, and nobody of them was ever served: still the other is next."""
    ana, ben, cho = people
    large, small = two_districts
    now = timezone.now()
    for minutes, person, schools in ((1, ana, large), (9, cho, small)):
        started = now - dt.timedelta(minutes=minutes)
        queued(person, status=RunStatus.COMPLETED, schools=schools, started_at=started, finished_at=now)
    of_ben, of_cho = queued(ben, schools=large).pk, queued(cho, schools=small).pk

    assert in_order(Lane.SMALL, only=True) == [of_cho, of_ben]


def test_an_update_takes_the_turn_of_the_district_that_its_test_was_about(
    people: list[Any], two_districts: list[list[int]]
) -> None:
    large, small = two_districts
    lea = School.objects.get(pk=large[0]).lea.pk
    tests = [queued(people[0], schools=large).pk for _number in range(3)]
    update = queued(people[1], work=Work.UPDATE, test_run=completed_test([lea])).pk
    other = queued(people[2], schools=small).pk

    assert in_order(Lane.SMALL, only=True)[:3] == [tests[0], other, update]


def test_people_of_several_districts_take_turns_of_their_own(people: list[Any], two_districts: list[list[int]]) -> None:
    ana, ben, cho = people
    of_ana = [queued(ana).pk for _number in range(3)]  # of all schools
    of_ben = [queued(ben, schools=[two_districts[0][0], two_districts[1][0]]).pk for _number in range(2)]
    of_cho = queued(cho, schools=two_districts[0]).pk

    assert in_order(Lane.SMALL, only=True)[:4] == [of_ana[0], of_ben[0], of_cho, of_ana[1]]


def test_whoever_has_runs_under_way_comes_after_those_who_have_none(
    people: list[Any], take: Callable[[ImportRun], None]
) -> None:
    ana, ben, _cho = people
    for _number in range(2):
        take(queued(ana, LARGE))
    later_of_ana, of_ben = queued(ana, LARGE), queued(ben, LARGE)

    assert in_order(Lane.LARGE, only=True) == [of_ben.pk, later_of_ana.pk]


def test_of_two_with_nothing_under_way_the_one_served_longest_ago_is_next(people: list[Any]) -> None:
    ana, ben, cho = people
    now = timezone.now()
    for minutes, person in ((1, ana), (9, ben)):
        started = now - dt.timedelta(minutes=minutes)
        queued(person, status=RunStatus.COMPLETED, started_at=started, finished_at=now)
    waiting = {person.username: queued(person).pk for person in (ana, ben, cho)}

    assert in_order(Lane.SMALL, only=True) == [waiting["cho"], waiting["ben"], waiting["ana"]]


def test_a_worker_whose_clock_is_wrong_holds_no_run_for_long(
    people: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, ahead = queued(people[0]), timezone.now() + dt.timedelta(days=400)
    monkeypatch.setattr(timezone, "now", lambda: ahead)

    hindrances.hold(run.pk, run.attempts, WaitsFor.DISK)

    run.refresh_from_db()
    assert run.held_until
    assert run.held_until < ahead - dt.timedelta(days=300)


def test_a_run_under_way_is_in_no_line(people: list[Any], take: Callable[[ImportRun], None]) -> None:
    run = queued(people[0])
    take(run)

    assert queueing.waiting() == []


def test_a_run_whose_worker_died_is_in_line_again(people: list[Any]) -> None:
    run = queued(people[0], status=RunStatus.RUNNING, attempts=1)

    assert in_order(Lane.SMALL, only=True) == [run.pk]


def test_a_cancelled_run_goes_first_whatever_it_waits_for(people: list[Any]) -> None:
    first, held = queued(people[0]), queued(people[0], held_until=timezone.now() + dt.timedelta(hours=1))
    assert in_order(Lane.SMALL, only=True) == [first.pk]

    ImportRun.objects.filter(pk=held.pk).update(cancel_requested=True)

    assert in_order(Lane.SMALL, only=True) == [held.pk, first.pk]


def test_a_held_run_is_passed_over_until_its_time(people: list[Any]) -> None:
    held = queued(people[0], held_until=timezone.now() + dt.timedelta(hours=1))
    other = queued(people[0])
    assert in_order(Lane.SMALL, only=True) == [other.pk]

    ImportRun.objects.filter(pk=held.pk).update(held_until=timezone.now() - dt.timedelta(seconds=1))

    assert in_order(Lane.SMALL, only=True) == [held.pk, other.pk]


def test_a_run_without_its_file_goes_last_and_stops_nobody(people: list[Any]) -> None:
    lost = queued(people[0], waits_for=WaitsFor.FILE)
    others = [queued(people[0]).pk, queued(people[0]).pk]

    assert in_order(Lane.SMALL, only=True) == [*others, lost.pk]


def test_writing_runs_of_one_person_and_type_keep_their_order_across_lanes(people: list[Any]) -> None:
    first = queued(people[0], LARGE, Work.IMPORT, import_type="caaspp-2023-2024")
    later = queued(people[0], SMALL, Work.IMPORT, import_type="caaspp-2023-2024")
    of_another_type = queued(people[0], SMALL, Work.IMPORT, import_type="elpac")
    of_another = queued(people[1], SMALL, Work.IMPORT, import_type="caaspp-2023-2024")

    ready = {entry.run_id for entry in queueing.waiting() if entry.ready}

    assert ready == {first.pk, of_another_type.pk, of_another.pk}
    ImportRun.objects.filter(pk=first.pk).update(status=RunStatus.COMPLETED)
    assert later.pk in {entry.run_id for entry in queueing.waiting() if entry.ready}


def test_an_update_waits_in_the_queue_and_not_in_a_worker_while_its_lea_is_written(
    people: list[Any], take: Callable[[ImportRun], None]
) -> None:
    leas = [LEA.objects.create(code=f"100000{number}", name=str(number)).pk for number in (1, 2)]
    take(queued(people[0], work=Work.UPDATE, test_run=completed_test([leas[0]])))
    same = queued(people[1], work=Work.UPDATE, test_run=completed_test(leas))
    other = queued(people[2], work=Work.UPDATE, test_run=completed_test([leas[1]]))
    test = queued(people[1])

    assert set(in_order(Lane.SMALL, only=True)) == {other.pk, test.pk}
    assert same.pk not in in_order(Lane.SMALL, only=True)


# ---- what pages say ----


def test_the_page_of_a_waiting_run_says_its_place_and_when(
    people: list[Any], client: Client, take: Callable[[ImportRun], None]
) -> None:
    take(queued(people[1], LARGE))
    for _number in range(2):
        queued(people[0], LARGE * 20)
    mine = queued(people[0], LARGE)
    client.force_login(people[0])

    text = client.get(reverse("run", args=[mine.pk])).content.decode()

    assert "2 runs are ahead of it; it begins in about" in text
    assert "minutes" in text
    status = client.get(reverse("run_status", args=[mine.pk])).content.decode()
    assert "2 runs are ahead of it" in status


def test_home_and_history_show_the_place_in_line(people: list[Any], client: Client) -> None:
    queued(people[0])
    queued(people[0])
    client.force_login(people[0])

    for address in ("home", "runs"):
        text = client.get(reverse(address)).content.decode()
        assert "1st in line" in text
        assert "2nd in line" in text


def test_a_run_that_waits_for_another_over_the_same_students_says_so(people: list[Any], client: Client) -> None:
    queued(people[0], LARGE, Work.IMPORT, import_type="caaspp-2023-2024")
    later = queued(people[0], SMALL, Work.IMPORT, import_type="caaspp-2023-2024")
    client.force_login(people[0])

    assert "Another run writes first" in client.get(reverse("run", args=[later.pk])).content.decode()


def test_without_anybody_at_work_no_time_is_promised(people: list[Any]) -> None:
    run = queued(people[0])

    assert queueing.forecasts()[run.pk].sentence == "It is next."


def test_the_time_is_estimated_from_what_runs_took_lately(people: list[Any], take: Callable[[ImportRun], None]) -> None:
    now = timezone.now()
    for _number in range(3):
        queued(people[0], 1_000, status=RunStatus.COMPLETED, started_at=now - dt.timedelta(seconds=10), finished_at=now)
    take(queued(people[0], 60_000))
    run = queued(people[0], 1_000)

    forecast = queueing.forecasts()[run.pk]

    assert queueing.bytes_per_second() == pytest.approx(100)
    assert forecast.seconds == pytest.approx(600)
    assert forecast.sentence == "It is next; it begins in about 10 minutes."


def test_of_a_hundred_waiting_runs_the_order_is_asked_in_one_statement(
    people: list[Any], django_assert_num_queries: Any
) -> None:
    for number in range(100):
        queued(people[number % 3])

    with django_assert_num_queries(1):
        assert len(in_order(Lane.SMALL, only=False)) == 100
