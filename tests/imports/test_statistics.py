"""What the planner believes of a plan that was written a moment ago, beside runs that it knows."""

import pytest
from django.db import connection

from sisimport.imports.engine.sql import execute, fetch_one
from sisimport.imports.engine.statistics import MEASURE_FROM, hash_joins_only, measured_plan
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import endings
from tests.imports.journey import make_district, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db

LINES = 4_000


def plan_of(lines: int) -> int:
    """A run with a plan of so many lines; its id."""
    run = ImportRun.objects.create(import_type="ssid-download", work=Work.TEST)
    execute(
        "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id)"
        " SELECT %s, n, 0, 'record', 'ssid', n, n FROM generate_series(1, %s) AS n",
        [run.pk, lines],
    )
    return run.pk


def join_of(run_id: int) -> str:
    """How PostgreSQL would compare the lines of a plan with each other by an unindexed column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT 1 FROM imports_importchange a JOIN imports_importchange b ON b.object_id = a.object_id"
            " WHERE a.run_id = %s AND b.run_id = %s",
            [run_id, run_id],
        )
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture
def known(db: None) -> int:
    """A run that the tables were measured with."""
    run_id = plan_of(LINES)
    execute("ANALYZE imports_importchange")
    return run_id


def test_a_plan_that_nobody_measured_would_be_gone_through_row_by_row(known: int) -> None:
    """The fault that this is about; should PostgreSQL learn better, all of it can go."""
    assert "Nested Loop" in join_of(plan_of(LINES))


def test_a_plan_that_nobody_measured_is_known_where_it_is_applied(known: int) -> None:
    fresh = plan_of(LINES)

    with measured_plan(fresh):
        plan = join_of(fresh)
        assert "Nested Loop" not in plan, plan
        assert fetch_one("SELECT count(*) FROM imports_importchange") == (LINES,)

    assert fetch_one("SELECT count(*) FROM imports_importchange") == (2 * LINES,), "the copy stayed"


def test_a_plan_that_the_planner_knows_is_read_where_it_is(known: int) -> None:
    with measured_plan(known):
        assert fetch_one("SELECT to_regclass('pg_temp.imports_importchange')") == (None,)
        assert "Nested Loop" not in join_of(known)


def test_a_small_plan_is_not_copied(known: int) -> None:
    with measured_plan(plan_of(MEASURE_FROM)):
        assert fetch_one("SELECT to_regclass('pg_temp.imports_importchange')") == (None,)


def test_hash_joins_are_for_their_block_only() -> None:
    before = fetch_one("SHOW enable_nestloop")
    with hash_joins_only():
        assert fetch_one("SHOW enable_nestloop") == ("off",)
    assert fetch_one("SHOW enable_nestloop") == before


def test_an_update_does_not_measure_the_rows_of_its_test_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes no changes and issues; ten columns of thousands of rows took a fiftieth of an import of 4,666 lines."""
    measured: list[tuple[Work, int]] = []
    monkeypatch.setattr(
        endings.statistics,
        "measure_after_commit",
        lambda run_id, rows: measured.append((ImportRun.objects.get(pk=run_id).work, rows)),
    )
    make_district().student()

    run_file("students", csv(JOSE | {"grade": "11"}), Work.UPDATE, name="r.csv")

    assert [(work, rows > 0) for work, rows in measured] == [(Work.TEST, True), (Work.UPDATE, False)]


def last_analyzed(tables: list[str]) -> dict[str, object]:
    """Table -> when it was last analyzed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT t, pg_stat_get_last_analyze_time(t::regclass) FROM unnest(%s::text[]) AS t", [tables])
        return dict(cursor.fetchall())


def what_is_known(tables: list[str]) -> list[tuple[object, ...]]:
    """The planner's figures of whole tables, partitions included: they are written again whenever the table is measured."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT starelid::regclass::text, staattnum, ctid::text FROM pg_statistic"
            " WHERE stainherit AND starelid = ANY(%s::regclass[]) ORDER BY 1, 2",
            [tables],
        )
        return cursor.fetchall()


def test_a_run_measures_what_it_wrote_and_the_tables_over_it_once_an_hour() -> None:
    """A statement names its run: the table over all of them took half the time, more the fuller it was, and before version 18 all
    its partitions were measured with it, after every run."""
    execute("SELECT sis_make_run_ranges(500)")  # a purge of an earlier test may have dropped the range of this run
    run, over = plan_of(10), ["imports_importchange", "imports_importissue", "imports_setaside"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT part FROM sis_run_ranges() WHERE first_run <= %s AND %s < until_run", [run, run])
        parts = [part for (part,) in cursor.fetchall()]
    assert len(parts) == len(over)

    assert_measured_once_an_hour(f"SELECT sis_measure_run({run})", parts, over)


def test_an_import_measures_its_years_and_the_table_over_them_once_an_hour() -> None:
    (year,) = fetch_one("SELECT max(y) FROM sis_score_years() AS y")

    measure = f"SELECT sis_measure_scores(ARRAY[{int(year)}])"
    assert_measured_once_an_hour(measure, [f"assessments_score_{year}"], ["assessments_score"])


def assert_measured_once_an_hour(measure: str, parts: list[str], over: list[str]) -> None:
    first = last_analyzed(parts)

    execute(measure)
    second, known = last_analyzed(parts), what_is_known(over)
    execute(measure)
    third = last_analyzed(parts)

    assert all(third[part] != second[part] != first[part] for part in parts)
    assert what_is_known(over) == known
    assert None not in last_analyzed([f"{table}_rest" for table in over]).values()
