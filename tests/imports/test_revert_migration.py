"""What the migration to repeated reverts makes of older runs, and what going back makes of newer ones."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, Work
from students.models import Student
from tests.imports.journey import District, make_district, revert, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = [pytest.mark.django_db, pytest.mark.faults]  # migrations that have long been released
BEFORE, AFTER = [("imports", "0008_waiting_runs")], [("imports", "0009_reverts_again")]


@pytest.fixture
def district() -> District:
    made = make_district()
    for number in ("1", "2", "3"):
        made.student(local_number=number)
    return made


def migrate(to: list[tuple[str, str]]) -> None:
    """Within the transaction of the test: checks that wait for its end are asked first."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    MigrationExecutor(connection).migrate(to)


def forward_again() -> None:
    executor = MigrationExecutor(connection)
    migrate(executor.loader.graph.leaf_nodes())


def renamed(name: str, *numbers: str) -> ImportRun:
    content = csv(*(JOSE | {"local_number": number, "alias_last_name": name} for number in numbers))
    return run_file("students", content, Work.UPDATE).run


def test_back_and_forth_keeps_what_was_put_back(district: District) -> None:
    """Two reverts of one run become one, which 1.0.0 can read, and say the same afterwards."""
    run, other = renamed("Beta", "1", "2"), renamed("Gamma", "3")
    revert(other)
    Student.objects.filter(local_number="1").update(alias_last_name="Delta")
    revert(run)
    Student.objects.filter(local_number="1").update(alias_last_name="Beta")
    last = revert(run).run
    put_back = ImportChange.objects.filter(run__reverts=run).count()

    migrate(BEFORE)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, record_count, import_count, set_aside_count FROM imports_importrun WHERE reverts_id = %s",
            [run.pk],
        )
        assert cursor.fetchall() == [(last.pk, 2, 2, 0)]
    assert ImportChange.objects.filter(run_id=last.pk).count() == put_back - 1, (
        "the change that was kept at first counts once"
    )
    assert not SetAside.objects.filter(run_id=last.pk).exists()

    forward_again()

    assert dict(ImportRun.objects.filter(work=Work.UPDATE).values_list("pk", "reverted")) == {
        run.pk: "wholly",
        other.pk: "wholly",
    }


@pytest.mark.long
def test_runs_of_before_know_how_much_of_them_was_put_back_and_their_order(district: District) -> None:
    run, kept = renamed("Beta", "1", "2"), renamed("Gamma", "3")
    Student.objects.filter(local_number__in=["1", "3"]).update(alias_last_name="Delta")
    revert(run)
    revert(kept)

    migrate(BEFORE)
    forward_again()

    runs = ImportRun.objects.filter(status=RunStatus.COMPLETED)
    assert dict(runs.filter(work=Work.UPDATE).values_list("pk", "reverted")) == {run.pk: "partly", kept.pk: ""}
    order = list(runs.exclude(work=Work.TEST).order_by("applied_order").values_list("pk", flat=True))
    assert order == sorted(order)
    assert renamed("Epsilon", "2").applied_order > max(
        runs.filter(pk__in=order).values_list("applied_order", flat=True)
    )
