"""What is kept by line of runs is in partitions by ranges of runs (issue 17, 3): made ahead, dropped, not looked through."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, RunStatus, SetAside, Work
from sisimport.imports.storage import retention, run_ranges
from tests.files.samples import lines
from tests.imports.journey import District, make_district, revert, run_file
from tests.imports.ranges import DIVIDED, committed_when_awaited, of_several_ranges, partitions_read
from tests.imports.test_revert_migration import migrate
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db

LINES = lines({}, {"local_number": "999999", "last_name": "Nobody", "ssid": "9012345699"})


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    made.another()
    return made


def next_run(number: int) -> None:
    """The next run is the first of a range of its own, whatever tests before this one made."""
    execute("SELECT setval(pg_get_serial_sequence('imports_importrun', 'id'), %s, false)", [number])


def beyond() -> int:
    """The end of the newest range, from which the next one is made."""
    if not run_ranges.ranges():  # a worker of another test dropped the only one, of which nothing was kept
        make_ranges()
    return max(one.until for one in run_ranges.ranges())


def make_ranges() -> tuple[int, bool]:
    """As `run_ranges.make_ranges`, which makes nothing in a transaction of somebody else's: here it ends with the test."""
    made, astray = fetch_one("SELECT made, astray FROM sis_make_run_ranges(%s)", [run_ranges.AHEAD])
    return made, astray


def partition_of(model: Any, run: ImportRun) -> set[str]:
    return {
        part
        for (part,) in fetch_all(
            f"SELECT DISTINCT tableoid::regclass::text FROM {model._meta.db_table} WHERE run_id = %s", [run.pk]
        )
    }


# ---- made ahead ----


def test_ranges_are_made_ahead_for_every_table_and_once() -> None:
    start = beyond()
    next_run(start - 10)
    ImportRun.objects.create(import_type="students", work=Work.TEST)

    assert make_ranges() == (len(DIVIDED), False)
    assert make_ranges() == (0, False)

    found = fetch_all("SELECT owner_table, first_run, until_run FROM sis_run_ranges() WHERE first_run = %s", [start])
    assert sorted(found) == sorted((table, start, start + 1000) for table in DIVIDED)


def test_a_run_writes_into_its_range(district: District) -> None:
    start = beyond()
    next_run(start)
    ImportRun.objects.create(import_type="students", work=Work.TEST)
    make_ranges()

    run = run_file("ssid-download", LINES, Work.TEST).run

    assert partition_of(ImportChange, run) == {f"imports_importchange_{start}"}
    assert partition_of(ImportIssue, run) == {f"imports_importissue_{start}"}


def test_a_run_whose_range_nobody_made_is_in_the_rest_and_moves_later(district: District) -> None:
    """The reconciler slept: nothing fails, and what was written is where it belongs once the range is made."""
    start = beyond()
    next_run(start + 5)
    run = run_file("ssid-download", LINES, Work.UPDATE).run
    assert run.status == RunStatus.COMPLETED
    assert run.test_run is not None
    assert partition_of(ImportChange, run.test_run) == {"imports_importchange_rest"}
    before = list(ImportChange.objects.filter(run=run.test_run).values())

    made, astray = make_ranges()

    assert (made > 0, astray) == (True, False)
    assert partition_of(ImportChange, run.test_run) == {f"imports_importchange_{start}"}
    assert list(ImportChange.objects.filter(run=run.test_run).values()) == before
    assert revert(run).run.status == RunStatus.COMPLETED


def test_rows_that_are_in_no_range_are_reported() -> None:
    execute(
        "INSERT INTO imports_setaside_rest (run_id, line, seq, reason) VALUES (%s, 1, 0, 'done')", [beyond() + 500_000]
    )

    assert make_ranges()[1]


def test_nothing_is_made_within_the_transaction_of_somebody_else() -> None:
    next_run(beyond())
    ImportRun.objects.create(import_type="students", work=Work.TEST)

    assert run_ranges.make_ranges() == 0
    with transaction.atomic():
        assert run_ranges.make_ranges() == 0


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    """What is made is committed at once, and waits for nobody longer than a second."""

    @pytest.fixture(autouse=True)
    def _as_before(self) -> Iterator[None]:
        before = {one.until for one in run_ranges.ranges()}
        (last,) = fetch_one("SELECT last_value FROM imports_importrun_id_seq")
        yield
        for (part,) in fetch_all("SELECT part FROM sis_run_ranges() WHERE until_run <> ALL(%s)", [list(before)]):
            execute(f"DROP TABLE {part}")
        next_run(last + 1)

    def test_the_range_is_there_before_a_run_is_worked_on(self, district: District) -> None:
        start = beyond()
        next_run(start)

        run = run_file("ssid-download", LINES, Work.TEST).run

        assert run.pk == start
        assert partition_of(ImportChange, run) == {f"imports_importchange_{start}"}

    def test_where_it_cannot_be_made_the_run_continues(
        self, district: District, other_session: psycopg.Connection
    ) -> None:
        next_run(beyond())
        with other_session.transaction():
            other_session.execute("SELECT count(*) FROM imports_importchange_rest")
            ImportRun.objects.create(import_type="students", work=Work.TEST)
            with pytest.raises(OperationalError):  # somebody reads everything; the next look makes the range
                run_ranges.make_ranges()

            run = run_file("ssid-download", LINES, Work.TEST).run

        assert run.status == RunStatus.COMPLETED
        assert partition_of(ImportChange, run) == {"imports_importchange_rest"}
        assert run_ranges.make_ranges() > 0
        assert "imports_importchange_rest" not in partition_of(ImportChange, run)

    def test_a_run_waits_for_the_range_that_another_session_is_making(
        self, district: District, other_session: psycopg.Connection
    ) -> None:
        start = self.making_a_range(other_session)

        with committed_when_awaited(other_session, "advisory"):
            run = run_file("ssid-download", LINES, Work.TEST).run

        assert (run.status, run.interruptions) == (RunStatus.COMPLETED, 0)
        assert partition_of(ImportChange, run) == {f"imports_importchange_{start}"}

    def test_a_run_that_met_a_range_being_made_is_picked_up_again(self, other_session: psycopg.Connection) -> None:
        """It had chosen the default partition, which refuses its rows once their range is there."""
        start = self.making_a_range(other_session)

        with committed_when_awaited(other_session, "relation"):
            run = run_file("ssid-download", b"PK", Work.TEST).run

        assert (run.status, run.interruptions) == (RunStatus.REJECTED, 1)
        assert partition_of(ImportIssue, run) == {f"imports_importissue_{start}"}

    def making_a_range(self, other_session: psycopg.Connection) -> int:
        """Another session is about to commit the range of the next runs; returns its first run."""
        start = beyond()
        next_run(start)
        ImportRun.objects.create(import_type="students", work=Work.TEST)
        other_session.execute("BEGIN")
        other_session.execute("SELECT sis_make_run_ranges(0)")
        return start

    def test_pages_and_other_runs_write_while_a_range_is_made(self, other_session: psycopg.Connection) -> None:
        """A district at work holds what every run holds; the range is made beside it."""
        start = beyond()
        next_run(start)
        run = ImportRun.objects.create(import_type="students", work=Work.TEST)
        with other_session.transaction():
            other_session.execute(
                "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id) VALUES (%s, 1, 0, '', '', 1)",
                [start - 1],
            )
            assert run_ranges.make_ranges() == len(DIVIDED)
            assert run.pk < beyond()
            other_session.execute("DELETE FROM imports_importchange WHERE run_id = %s", [start - 1])


# ---- dropped ----


def whole_range(of: int) -> tuple[run_ranges.RunRange, list[ImportRun]]:
    """A range that is over, with so many runs that ended long ago and a row each in every table."""
    start = beyond()
    next_run(start)
    runs = [
        ImportRun.objects.create(import_type="students", work=Work.TEST, status=RunStatus.COMPLETED) for _n in range(of)
    ]
    make_ranges()
    execute("UPDATE imports_importrun SET finished_at = now() - interval '2 years' WHERE id >= %s", [start])
    for run in runs:
        ImportChange.objects.create(run=run, line=1, seq=0, part="record", kind="ssid", object_id=1)
        ImportIssue.objects.create(run=run, line=1, seq=0, severity=1, code="X", part="record")
        SetAside.objects.create(run=run, line=1, seq=0, reason="done")
    next_run(start + 1000)
    ImportRun.objects.create(import_type="students", work=Work.TEST)
    (found,) = [one for one in run_ranges.ranges() if one.first == start]
    return found, runs


def test_a_range_of_which_nothing_is_kept_is_dropped(settings: Any) -> None:
    one, runs = whole_range(of=3)
    keys = [run.pk for run in runs]
    settings.KEEP_PLANS_DAYS = 400
    with count_deletes() as deleted:
        assert retention.purge()["plans"] == 3

    assert one not in run_ranges.ranges()
    assert not any(
        model._default_manager.filter(run_id__in=keys).exists() for model in (ImportChange, ImportIssue, SetAside)
    )
    assert all(ImportRun.objects.filter(pk__in=keys).values_list("plan_removed_at", flat=True))
    assert all(count == 0 for count in deleted.values()), deleted


@contextmanager
def count_deletes() -> Iterator[dict[str, int]]:
    """Rows that were deleted of each divided table."""
    found = dict.fromkeys(DIVIDED, 0)

    def watch(run: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = run(sql, params, many, context)
        if (match := re.match(r'DELETE FROM "?(\w+)', sql)) and match[1] in found:
            found[match[1]] += max(context["cursor"].rowcount, 0)
        return result

    with connection.execute_wrapper(watch):
        yield found


def test_one_plan_that_is_kept_keeps_its_range_and_the_others_go(settings: Any) -> None:
    one, (first, young, last) = whole_range(of=3)
    execute("UPDATE imports_importrun SET finished_at = now() - interval '10 days' WHERE id = %s", [young.pk])
    settings.KEEP_PLANS_DAYS = 400

    assert retention.purge()["plans"] == 2

    assert one in run_ranges.ranges()
    assert [
        run for (run,) in ImportChange.objects.filter(run_id__in=[first.pk, young.pk, last.pk]).values_list("run_id")
    ] == [young.pk]
    assert not run_ranges.drop(one), "the database itself keeps it"

    execute("UPDATE imports_importrun SET finished_at = now() - interval '2 years' WHERE id = %s", [young.pk])
    assert retention.purge()["plans"] == 1
    assert one not in run_ranges.ranges()


def test_a_range_whose_runs_are_still_to_come_is_never_dropped() -> None:
    newest = max(run_ranges.ranges(), key=lambda one: one.until)
    next_run(newest.until - 5)
    ImportRun.objects.create(import_type="students", work=Work.TEST)
    ImportRun.objects.update(plan_removed_at="2026-01-01T00:00:00Z")

    assert not run_ranges.drop(newest)
    assert newest in run_ranges.ranges()


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_where_a_range_cannot_be_dropped_its_rows_are_deleted(settings: Any, other_session: psycopg.Connection) -> None:
    one, runs = whole_range(of=2)
    keys = [run.pk for run in runs]
    settings.KEEP_PLANS_DAYS = 400
    try:
        with other_session.transaction():
            other_session.execute("SELECT count(*) FROM imports_importchange")
            assert retention.purge()["plans"] == 2
        assert not ImportChange.objects.filter(run_id__in=keys).exists()
        assert one in run_ranges.ranges()
        retention.purge()
        assert one not in run_ranges.ranges(), "it goes the next time"
    finally:
        for (part,) in fetch_all("SELECT part FROM sis_run_ranges() WHERE first_run > 0"):
            execute(f"DROP TABLE {part}")


# ---- plans of statements (those of every import type: base_suite.py) ----


def test_a_statement_without_its_run_would_be_found(district: District) -> None:
    with partitions_read() as found:
        list(ImportChange.objects.filter(line=1))
        list(ImportChange.objects.filter(line=1, run_id=1))

    assert [len(names) for names in of_several_ranges(found).values()] == [len(run_ranges.ranges()) + 1]


def test_changes_of_a_student_are_found_by_the_index_of_every_range(district: District) -> None:
    """The time line, erasing and reports know the student, not the runs."""
    execute("SET LOCAL enable_seqscan = off")  # the tables are empty
    execute("SET LOCAL enable_sort = off")
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT 1 FROM imports_importchange WHERE student_id = 7 ORDER BY run_id DESC LIMIT 5")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Seq Scan" not in plan
    assert "->  Sort" not in plan, "in the order of runs"


# ---- migration ----

BEFORE, AFTER = [("imports", "0026_stored_objects")], [("imports", "0027_run_ranges")]


def kept() -> dict[str, list[Any]]:
    """All rows of the divided tables, and what holds and guards them."""
    found = {table: fetch_all(f"SELECT * FROM {table} ORDER BY run_id, line, seq") for table in DIVIDED}
    found["indexes"] = fetch_all(
        "SELECT indexname, regexp_replace(indexdef, ' ONLY ', ' ') FROM pg_indexes WHERE tablename = ANY(%s) ORDER BY 1",
        [DIVIDED],
    )
    found["policies"] = fetch_all(
        "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies WHERE tablename = ANY(%s)"
        " AND policyname NOT IN ('rows_of_schools', 'everybody') ORDER BY 1, 2",  # put up after a migration
        [DIVIDED],
    )
    return found


def file_of(table: str) -> int:
    """The file that a table's rows lie in: another one says that they were rewritten."""
    (number,) = fetch_one("SELECT pg_relation_filenode(%s::regclass)", [table])
    return int(number)


def test_back_and_forth_keeps_every_row_and_writes_none_again(district: District) -> None:
    if ("imports_importchange_first",) not in fetch_all("SELECT part FROM sis_run_ranges()"):
        migrate(BEFORE)  # a purge of another test dropped the first range
        migrate(AFTER)
    one = run_file("ssid-download", LINES, Work.TEST).run
    next_run(beyond() + 5)
    two = run_file("students", csv(JOSE | {"alias_last_name": "Beta"}), Work.UPDATE).run
    assert two.test_run is not None
    make_ranges()
    before, file = kept(), file_of("imports_importchange_first")
    assert len({*partition_of(ImportChange, one), *partition_of(ImportChange, two.test_run)}) == 2

    migrate(BEFORE)

    assert kept() == before
    assert file_of("imports_importchange") == file
    assert fetch_all("SELECT to_regclass('imports_importchange_first'), to_regproc('sis_make_run_ranges')") == [
        (None, None)
    ]

    migrate(AFTER)

    assert kept() == before
    assert file_of("imports_importchange_first") == file
    assert partition_of(ImportChange, two.test_run) == {"imports_importchange_first"}, "all that was there is one range"
    assert beyond() > two.pk
    assert revert(two).run.status == RunStatus.COMPLETED


def test_back_from_a_database_whose_first_range_was_dropped() -> None:
    next_run(beyond() - 3)
    runs = [ImportRun.objects.create(import_type="students", work=Work.TEST) for _n in range(6)]
    make_ranges()
    ImportRun.objects.update(plan_removed_at="2026-01-01T00:00:00Z")
    ImportRun.objects.filter(pk__in=[run.pk for run in runs[3:]]).update(plan_removed_at=None)
    ImportChange.objects.create(run=runs[4], line=1, seq=0, part="record", kind="ssid", object_id=1)
    assert run_ranges.drop(run_ranges.ranges()[0])
    before = kept()

    migrate(BEFORE)
    assert kept() == before
    migrate(AFTER)
    assert kept() == before
