"""Exports that are delivered automatically: once for each due time, whole or not at all, with the rights of their own user."""

import csv
import datetime as dt
import io
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.automation import export_deliveries
from sisimport.automation.adding import add_delivery, add_place, remove_delivery
from sisimport.automation.export_deliveries import DeliveredExport, Turn, ask_now, deliver, deliver_due
from sisimport.automation.models import Delivery, ExportDelivery
from sisimport.automation.places import Folder, PlaceError
from sisimport.imports.models import ImportRun
from sisimport.web.exports.deliverables import deliverables, settled_until
from students.models import School, StaffAccess
from tests.factories import StudentFactory, UserFactory
from tests.faults.conftest import wait_until
from tests.imports.journey import District, make_district
from tests.reporting.conftest import Scored, two_scored  # noqa: F401 - a fixture
from tests.roster.test_roster import JOSE, update

pytestmark = pytest.mark.django_db
DONE, GIVEN_UP = DeliveredExport.State.DONE, DeliveredExport.State.GIVEN_UP


def students(folder: Path, **values: Any) -> ExportDelivery:
    usual = {"name": "warehouse", "what": "students", "file_name": "students-{date}.csv", "path": str(folder)}
    return add_delivery(**(usual | values))


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def again(made: ExportDelivery) -> Turn:
    """The pause until the next try has passed."""
    made.files.update(next_try_at=timezone.now())
    return deliver(made)


# ---- a file ----


def test_a_file_is_delivered_whole_under_its_name_and_on_record(district: District, folder: Path) -> None:
    made = students(folder)
    turn = deliver(made)

    name = f"students-{timezone.localdate():%Y-%m-%d}.csv"
    assert (names(folder), [one.file_name for one in turn.delivered]) == ([name], [name])
    assert [row["local_number"] for row in rows(folder / name)] == ["100234"]
    assert (folder / name).stat().st_mode & 0o007 == 0, "not for everybody on this machine"
    one = DeliveredExport.objects.get()
    assert (one.state, one.rows, one.students, one.size) == (DONE, 1, 1, (folder / name).stat().st_size)
    look = AuditEntry.looks.get()
    assert (look.kind, look.user) == ("export", made.user)
    assert f"1 student, delivery {made.pk}" in look.subject


def test_each_due_time_is_delivered_once(district: District, folder: Path) -> None:
    made = students(folder, file_name="students-{date}-{time}.csv", every_minutes=60)
    assert len(deliver(made).delivered) == 1
    assert (deliver(made).delivered, deliver_due()) == ([], 0)

    made.refresh_from_db()
    made.first_at -= dt.timedelta(hours=5, minutes=30)  # five due times passed while nobody worked: the last of them
    made.next_due_at = timezone.now() - dt.timedelta(minutes=1)
    made.save()
    DeliveredExport.objects.update(due_at=made.first_at)
    assert deliver_due() == 1
    assert (DeliveredExport.objects.count(), len(names(folder))) == (2, 2)


def test_a_clock_set_back_delivers_nothing_twice(district: District, folder: Path) -> None:
    made = students(folder, every_minutes=60)
    deliver(made)
    ExportDelivery.objects.update(next_due_at=timezone.now() + dt.timedelta(days=300))
    assert deliver_due() == 1
    made.refresh_from_db()
    assert made.next_due_at is not None
    assert made.next_due_at <= timezone.now() + dt.timedelta(hours=1)
    assert DeliveredExport.objects.count() == 1


@pytest.mark.parametrize("what", ["students", "ssids", "scores", "results", "changes", "oneroster", "edfi"])
def test_every_export_can_be_delivered_in_each_of_its_formats(what: str, two_scored: Scored, folder: Path) -> None:  # noqa: F811
    assert set(deliverables()) == {"students", "ssids", "scores", "results", "changes", "oneroster", "edfi"}
    _half_an_hour_ago()
    for ending in deliverables()[what].endings:
        made = students(
            folder, name=f"{what}{ending}", what=what, file_name=f"{what}{ending}", since=dt.date(2020, 1, 1)
        )
        turn = deliver(made)
        assert turn.errors == []
        assert turn.delivered[0].rows
        assert (folder / f"{what}{ending}").stat().st_size > 100
        assert AuditEntry.looks.filter(user=made.user, subject__contains=f"delivery {made.pk}").count() == 1


def test_results_of_every_test_hide_small_groups(two_scored: Scored, folder: Path) -> None:  # noqa: F811
    deliver(students(folder, what="results", file_name="results.csv", options={"by": "school"}))
    found = rows(folder / "results.csv")
    assert {row["assessment"] for row in found} >= {"SBELA"}
    assert {(row["hidden"], row["students"], row["tested"]) for row in found} == {("True", "", "")}


def test_what_changed_continues_where_the_last_delivery_ended(district: District, folder: Path) -> None:
    made = students(folder, what="changes", file_name="new.zip")

    def next_one() -> list[str]:
        ask_now(made)
        (one,) = deliver(made).delivered
        with zipfile.ZipFile(folder / one.file_name) as file:
            return [
                row["local_number"]
                for row in csv.DictReader(io.StringIO(file.read("students.csv").decode("utf-8-sig")))
            ]

    deliver(made)  # what is due already
    ExportDelivery.objects.update(delivered_until=timezone.now() - dt.timedelta(hours=1))
    assert update(JOSE | {"last_name": "García"}).run.import_count == 1
    assert next_one() == [], "what was written in the last second comes next time"
    ExportDelivery.objects.update(delivered_until=timezone.now() - dt.timedelta(hours=1))
    _half_an_hour_ago()
    assert next_one() == ["100234"]
    made.refresh_from_db()
    before = made.delivered_until
    assert next_one() == []
    made.refresh_from_db()
    assert made.delivered_until > before


def _half_an_hour_ago() -> None:
    ImportRun.objects.update(finished_at=timezone.now() - dt.timedelta(minutes=30))


def test_what_is_still_being_written_is_left_for_the_next_delivery() -> None:
    """A run's end is written before it can be read: a delivery in between must not pass over it."""
    with psycopg.connect(**_settings()) as other:
        (began,) = other.execute("SELECT now()").fetchone() or (None,)
        assert began is not None
        assert settled_until() <= began
        other.rollback()


def _settings() -> dict[str, Any]:
    known = connection.settings_dict
    return {
        "dbname": known["NAME"],
        "user": known["USER"],
        "password": known["PASSWORD"],
        "host": known["HOST"],
        "port": known["PORT"],
    }


# ---- what goes wrong ----


def test_a_folder_that_is_gone_is_tried_again_and_reported_once(district: District, folder: Path) -> None:
    UserFactory(import_admin=True, email="ada@example.org")
    made = students(folder)
    folder.rmdir()

    assert "does not exist" in deliver(made).errors[0]
    assert deliver(made).waiting, "its pause goes on"
    assert not Delivery.objects.exists(), "a glitch is not told"
    again(made)
    again(made)
    assert Delivery.objects.filter(subject="delivery_failed").count() == 1
    assert not AuditEntry.looks.exists(), "nothing was made for a place that is not there"
    folder.mkdir()
    assert len(again(made).delivered) == 1
    made.refresh_from_db()
    assert made.error == ""


def test_once_the_next_is_due_only_that_one_is_delivered(district: District, folder: Path) -> None:
    made = students(folder, file_name="students-{date}-{time}.csv", every_minutes=60)
    folder.rmdir()
    deliver(made)
    DeliveredExport.objects.update(due_at=made.first_at - dt.timedelta(hours=1))
    ExportDelivery.objects.update(next_due_at=timezone.now())
    folder.mkdir()
    assert len(deliver(made).delivered) == 1
    states = DeliveredExport.objects.order_by("due_at").values_list("state", flat=True)
    assert list(states) == [GIVEN_UP, DONE]


def test_after_many_tries_it_is_given_up(district: District, folder: Path) -> None:
    made = students(folder)
    folder.rmdir()
    for _try in range(export_deliveries.MOST_TRIES):
        again(made)
    assert DeliveredExport.objects.get().state == GIVEN_UP
    assert again(made).errors == []


@pytest.mark.parametrize("change", ["disabled", "no group", "what"])
def test_what_cannot_be_delivered_is_given_up_at_once_and_reported(
    change: str, district: District, folder: Path
) -> None:
    UserFactory(import_admin=True, email="ada@example.org")
    made = students(folder)
    if change == "disabled":
        made.user.is_active = False
        made.user.save()
    elif change == "no group":
        made.user.groups.clear()
    else:
        ExportDelivery.objects.update(what="gone")
    assert "another" in deliver(made).errors[0]
    assert DeliveredExport.objects.get().state == GIVEN_UP
    assert Delivery.objects.filter(subject="delivery_failed").count() == 1
    assert names(folder) == []


class Killed(BaseException):
    """The worker is gone."""


def _steps(at: int, end: Callable[[], None]) -> Any:
    """A place that ends the worker before or after step `at` of all that are made there, counted two for each."""

    @contextmanager
    def opened(made: ExportDelivery) -> Iterator[Any]:
        place, count = Folder(Path(made.path)), iter(range(1_000))

        class Watched:
            def __getattr__(self, name: str) -> Any:
                def step(*args: Any) -> Any:
                    if next(count) == at:
                        if name == "put":  # in the middle of it
                            args[1].seek(0)
                            (place.path / args[0]).write_bytes(args[1].read(5))
                        end()
                    answer = getattr(place, name)(*args)
                    if next(count) == at:
                        end()
                    return answer

                return step

        yield Watched()
        if next(count) <= at:
            raise StopIteration

    return opened


@pytest.mark.parametrize("taken_away", [False, True])
def test_a_worker_killed_at_any_step_delivers_once(
    taken_away: bool, district: District, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where another program takes the file away as soon as it is there."""
    kills = 0
    for at in range(40):
        made = students(folder, name=f"d{at}", file_name=f"d{at}.csv")
        got: list[bytes] = []

        def take(name: str = f"d{at}.csv", got: list[bytes] = got) -> None:
            if taken_away and (folder / name).exists():
                got.append((folder / name).read_bytes())
                (folder / name).unlink()

        def kill() -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(export_deliveries, "opened", _steps(at, kill))
            try:
                deliver(made)
            except Killed:
                kills += 1
            except RuntimeError:
                break  # there is no such step
        take()
        again(made)
        take()
        again(made)
        assert DeliveredExport.objects.get(delivery=made).state == DONE
        if taken_away:
            assert [len(one) for one in got] == [DeliveredExport.objects.get(delivery=made).size]
        else:
            assert [row["local_number"] for row in rows(folder / f"d{at}.csv")] == ["100234"]
        assert not list(folder.glob(".*")), "no temporary name is left"
    assert kills >= 6, "the kills must hit"


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_leaves_its_delivery_to_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_district().student()
    made = students(folder)
    for at in (1, 2, 3, 4, 5):
        DeliveredExport.objects.update(next_try_at=timezone.now())
        connections.close_all()
        child = os.fork()
        if not child:
            try:
                monkeypatch.setattr(
                    export_deliveries, "opened", _steps(at, lambda: os.kill(os.getpid(), signal.SIGKILL))
                )
                deliver(made)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    _without_a_lock(made)
    assert DeliveredExport.objects.get().state == DONE
    assert names(folder) == [f"students-{timezone.localdate():%Y-%m-%d}.csv"]


def _without_a_lock(made: ExportDelivery) -> None:
    """PostgreSQL gives a dead process's lock back a moment later."""
    wait_until(lambda: not again(made).waiting, lambda: "the lock was never given back")


@pytest.mark.django_db(transaction=True)
def test_two_workers_deliver_a_due_time_once(folder: Path) -> None:
    make_district().student()
    made = students(folder)
    turns: list[Turn] = []
    begin = threading.Barrier(4)

    def work() -> None:
        begin.wait(60)
        turns.append(deliver(ExportDelivery.objects.get()))
        connection.close()

    threads = [threading.Thread(target=work) for _worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(turns) == 4
    assert sum(len(turn.delivered) for turn in turns) == 1
    assert (DeliveredExport.objects.count(), AuditEntry.looks.count()) == (1, 1)
    assert deliver(made).delivered == []


def test_a_worker_that_lost_the_lock_renames_nothing(
    district: District, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = students(folder)
    put = Folder.put

    def slowly(self: Folder, name: str, content: Any) -> None:
        put(self, name, content)
        DeliveredExport.objects.update(tries=7)  # another one began meanwhile

    monkeypatch.setattr(Folder, "put", slowly)
    assert "Another worker" in deliver(made).errors[0]
    assert [name[0] for name in names(folder)] == ["."]
    assert DeliveredExport.objects.get().state == "waiting"


def test_a_link_put_in_the_way_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / ".a.csv.1-1.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PlaceError):
        Folder(folder).put(".a.csv.1-1.part", io.BytesIO(b"x"))
    assert not (tmp_path / "elsewhere").exists()


# ---- rights ----


def test_a_delivery_holds_students_of_its_schools_only(district: District, folder: Path) -> None:
    other = School.objects.create(lea=district.lea, code="0999999", name="Other")
    StudentFactory(lea=district.lea, school=other, local_number="900001")
    deliver(students(folder, schools=[other], file_name="a.csv"))
    assert [row["local_number"] for row in rows(folder / "a.csv")] == ["900001"]


@pytest.mark.parametrize("add", [students, lambda folder, **values: add_place(path=str(folder), **values)])
def test_its_user_is_never_one_that_saw_more(add: Any, district: District, folder: Path) -> None:
    """A delivery or place of the same name that was removed, or a token's service, may have seen all schools."""
    first = add(folder, name="warehouse")
    remove_delivery(first) if isinstance(first, ExportDelivery) else first.delete()
    second = add(folder, name="warehouse", schools=[district.school])
    assert second.user != first.user
    assert not StaffAccess.objects.get(user=second.user).all_schools


def test_a_removed_delivery_leaves_nobody_who_may_act(district: District, folder: Path) -> None:
    made = students(folder)
    deliver(made)
    remove_delivery(made)
    made.user.refresh_from_db()
    assert not made.user.is_active
    assert AuditEntry.looks.filter(user=made.user).exists()
    assert len(names(folder)) == 1
