"""Scores are in a partition for each school year (issue 17, 3): made ahead, said by every statement of a run, dropped whole."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, transaction
from django.utils import timezone

from assessments.models import Assessment, HiddenResults, ResultCount, ResultVersion, Score
from assessments.scores import year_tables
from sisimport.audit.models import AuditEntry
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.models import RunStatus
from sisimport.imports.storage import retention
from sisimport.reporting import schema
from sisimport.runtime.database_roles import LIMITED, WORKER
from tests.as_roles import acting_as
from tests.assessments.score_files import ela, start, text, undo
from tests.assessments.score_home import LAYOUT, TYPE, TYPES, WITH_PARTS
from tests.imports.ranges import committed_when_awaited, partitions_read
from tests.imports.test_revert_migration import migrate
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db
NEXT = "caaspp-2024-25"
AUGUST = dt.datetime(2025, 8, 1, 20, tzinfo=dt.UTC)
FAR = 2077  # a year that no partition is made for by itself


def score_of(year: int, **values: Any) -> Score:
    student = values.pop("student_id", 1)
    return Score.objects.create(student_id=student, assessment_id=1, school_year=year, **values)


def places() -> dict[int, str]:
    """School year -> the partitions that its scores lie in."""
    return dict(
        fetch_all(
            "SELECT school_year, string_agg(DISTINCT tableoid::regclass::text, ' ') FROM assessments_score GROUP BY 1"
        )
    )


def make(*years: int) -> int:
    """As `make_years`, which makes nothing in a transaction of somebody else's: here it ends with the test."""
    ((made,),) = fetch_all("SELECT sis_make_score_years(%s)", [list(years)])
    return int(made)


# ---- what statements read ----


def test_runs_read_the_school_year_of_their_file(home: District) -> None:
    """Test, import, a file that comes again with other values, and both reverts: whatever they ask of scores, they ask of a year.

    But for one question of a revert: whether scores of any year use the set-up that it would take away.
    """
    make(2023, 2024, 2025)
    later = TYPES[NEXT]
    start(later, text(NEXT, ela(NEXT)), work="import")
    with partitions_read(["assessments_score"]) as found:
        start(TYPE, text(LAYOUT, ela(**WITH_PARTS)))
        first = start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
        second = start(TYPE, text(LAYOUT, ela(**WITH_PARTS | {"scale_score": "2503"})), work="import")
        assert (first.import_count, second.import_count) == (1, 1)
        undo(second)
        undo(first)

    of_any_year = {sql for sql in found if "c.object_id IN (SELECT r.assessment_id FROM assessments_score r" in sql}
    elsewhere = {sql: names for sql, names in found.items() if names - {"assessments_score_2024"}}
    assert elsewhere.keys() <= of_any_year
    assert len([names for names in found.values() if names]) > 8
    assert set(places()) == {2025}


def test_a_statement_without_its_year_would_be_found(home: District) -> None:
    make(2024, 2025)
    with partitions_read(["assessments_score"]) as found:
        list(Score.objects.filter(run_id=1))
        list(Score.objects.filter(run_id=1, school_year=2024))

    every, one = found.values()
    assert {"assessments_score_2024", "assessments_score_2025", "assessments_score_rest"} <= every
    assert one == {"assessments_score_2024"}


def test_scores_of_a_student_are_found_by_the_key_of_every_year() -> None:
    execute("SET LOCAL enable_seqscan = off")  # the tables are empty
    plan = "\n".join(row for (row,) in fetch_all("EXPLAIN SELECT 1 FROM assessments_score WHERE student_id = 7"))

    assert "Seq Scan" not in plan


# ---- made ahead ----


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestMade:
    """What is made is committed at once, and waits for nobody longer than a second."""

    @pytest.fixture(autouse=True)
    def _as_before(self) -> Iterator[None]:
        before = {year for (year,) in fetch_all("SELECT sis_score_years()")}
        yield
        for (year,) in fetch_all("SELECT sis_score_years()"):
            if year not in before:
                execute(f"DROP TABLE assessments_score_{year}")

    def test_this_year_and_the_next_are_made_and_those_of_a_run(self) -> None:
        this = timezone.localdate().year + (timezone.localdate().month >= 7)
        for year in {this, this + 1, 2016} & {year for (year,) in fetch_all("SELECT sis_score_years()")}:
            execute(f"DROP TABLE assessments_score_{year}")

        assert year_tables.make_years([2016]) == 3
        assert year_tables.make_years([2016]) == 0
        assert {this, this + 1, 2016} <= {year for (year,) in fetch_all("SELECT sis_score_years()")}

    def test_an_import_has_its_year_before_it_writes(self, home: District) -> None:
        execute("DROP TABLE IF EXISTS assessments_score_2024")

        start(TYPE, text(LAYOUT, ela()), work="import")

        assert places() == {2024: "assessments_score_2024"}

    @pytest.mark.parametrize(("kind", "interruptions"), [("advisory", 0), ("relation", 1)])
    def test_an_import_waits_for_the_year_that_another_session_is_making(
        self, kind: str, interruptions: int, home: District, other_session: psycopg.Connection
    ) -> None:
        """Where that takes longer than a second, the import continues; its scores are refused once the year is there, and it is
        picked up again.
        """
        execute("DROP TABLE IF EXISTS assessments_score_2024")
        other_session.execute("BEGIN")
        other_session.execute("SELECT sis_make_score_years('{2024}')")

        with committed_when_awaited(other_session, kind):
            run = start(TYPE, text(LAYOUT, ela()), work="import")

        assert (run.status, run.import_count, run.interruptions) == (RunStatus.COMPLETED, 1, interruptions)
        assert places() == {2024: "assessments_score_2024"}

    def test_where_it_cannot_be_made_the_import_continues_and_its_scores_move(
        self, home: District, other_session: psycopg.Connection
    ) -> None:
        execute("DROP TABLE IF EXISTS assessments_score_2024")
        with other_session.transaction():
            other_session.execute("SELECT count(*) FROM assessments_score_rest")
            with pytest.raises(OperationalError):
                year_tables.make_years([2024])
            run = start(TYPE, text(LAYOUT, ela()), work="import")

        assert run.status == RunStatus.COMPLETED
        assert places() == {2024: "assessments_score_rest"}
        before = list(Score.objects.order_by("student_id").values())
        assert year_tables.make_years() == 1
        assert places() == {2024: "assessments_score_2024"}
        assert list(Score.objects.order_by("student_id").values()) == before

    def test_nothing_is_made_within_the_transaction_of_somebody_else(self) -> None:
        with transaction.atomic():
            assert year_tables.make_years([FAR]) == 0

    def test_a_year_that_somebody_reads_is_dropped_by_the_next_purge(
        self, settings: Any, other_session: psycopg.Connection
    ) -> None:
        execute("DROP TABLE IF EXISTS assessments_score_2016")
        year_tables.make_years([2016])
        score_of(2016)
        with other_session.transaction():
            other_session.execute("SELECT count(*) FROM assessments_score")
            assert year_tables.remove_old(timezone.now(), dry_run=False) == 0
        assert places() == {2016: "assessments_score_2016"}
        assert not AuditEntry.objects.filter(place="purge").exists()

        assert year_tables.remove_old(timezone.now(), dry_run=False) == 1
        assert places() == {}


# ---- dropped ----


def of_two_years(home: District) -> tuple[Any, Any]:
    make(2024, 2025)
    return start(TYPE, text(LAYOUT, ela()), work="import"), start(TYPES[NEXT], text(NEXT, ela(NEXT)), work="import")


def test_scores_are_kept_for_good_unless_the_settings_say_otherwise(home: District) -> None:
    of_two_years(home)

    assert retention.purge(now=timezone.now() + dt.timedelta(days=20_000), dry_run=True)["scores"] == 0


def test_a_year_goes_whole_when_it_ended_so_many_days_ago(settings: Any, home: District) -> None:
    """With its scores go their counts and what was worked out from these; the other years stay as they are."""
    settings.KEEP_SCORES_DAYS = 365
    of_two_years(home)
    test = Assessment.objects.get(state_code="SBELA", scores__school_year=2024)
    HiddenResults.objects.create(assessment_id=test.pk, school_year=2024, scope="1", stamp="", cells="", crossed="")
    version = ResultVersion.objects.filter(school_year=2024).values_list("version", flat=True)
    before, counted = sum(version), ResultCount.objects.filter(school_year=2025).count()
    day = dt.datetime(2025, 6, 30, 20, tzinfo=dt.UTC)

    assert retention.purge(now=day, dry_run=True)["scores"] == 0, "2023-24 ended 365 days ago, not more"
    later = day + dt.timedelta(days=1)
    assert retention.purge(now=later, dry_run=True)["scores"] == 1
    assert set(places()) == {2024, 2025}
    assert retention.purge(now=later)["scores"] == 1

    assert set(places()) == {2025}
    assert 2024 not in {year for (year,) in fetch_all("SELECT sis_score_years()")}
    assert set(ResultCount.objects.values_list("school_year", flat=True)) == {2025}
    assert ResultCount.objects.count() == counted
    assert sum(version.all()) > before, "what was worked out from its counts holds no longer"
    assert not HiddenResults.objects.filter(school_year=2024).exists()
    entry = AuditEntry.objects.get(place="purge")
    assert (entry.kind, entry.subject) == (AuditEntry.Kind.ERASED, "scores of the school year 2023-24")
    assert retention.purge(now=later)["scores"] == 0


def test_the_database_keeps_a_year_that_is_not_over() -> None:
    this = timezone.localdate().year + (timezone.localdate().month >= 7)
    make(this)
    score_of(this)

    assert fetch_all("SELECT sis_drop_score_year(%s)", [this]) == [(False,)]
    assert fetch_all("SELECT sis_drop_score_year(NULL)") == [(False,)]
    assert this in places()


def test_a_run_whose_year_went_is_reverted_without_bringing_it_back(settings: Any, home: District) -> None:
    settings.KEEP_SCORES_DAYS = 365
    first, _later = of_two_years(home)
    second = start(TYPE, text(LAYOUT, ela(scale_score="2503")), work="import")
    assert second.import_count == 1
    retention.purge(now=AUGUST)

    undone = [undo(second), undo(first)]

    assert [run.status for run in undone] == [RunStatus.COMPLETED, RunStatus.COMPLETED]
    assert set(places()) == {2025}
    assert not ResultCount.objects.filter(school_year=2024).exists()


@pytest.mark.parametrize("kind", LIMITED)
def test_workers_make_and_drop_years_by_their_rights_and_the_web_server_does_not(
    kind: str, settings: Any, home: District
) -> None:
    settings.KEEP_SCORES_DAYS = 365
    of_two_years(home)
    with acting_as(kind):
        if kind == WORKER:
            assert make(FAR) == 1
            assert year_tables.remove_old(AUGUST - dt.timedelta(days=365), dry_run=False) == 1
            year_tables._measure([2025])
        else:
            with pytest.raises(ProgrammingError), transaction.atomic():
                make(FAR)
            with pytest.raises(ProgrammingError), transaction.atomic():
                year_tables.remove_old(AUGUST, dry_run=False)

    assert set(places()) == ({2025} if kind == WORKER else {2024, 2025})


def test_a_file_of_a_year_that_went_can_be_imported_again(settings: Any, home: District) -> None:
    settings.KEEP_SCORES_DAYS = 365
    of_two_years(home)
    retention.purge(now=AUGUST)

    again = start(TYPE, text(LAYOUT, ela()), work="import")

    assert again.import_count == 1
    assert set(places()) == {2024, 2025}


# ---- migration ----

BEFORE, AFTER = [("assessments", "0008_hidden_results")], [("assessments", "0009_scores_by_year")]


def kept() -> dict[str, list[Any]]:
    """All scores, and what holds and finds them."""
    of_table = "tablename = 'assessments_score'"
    return {
        "scores": list(Score.objects.order_by("student_id", "assessment_id", "school_year").values()),
        "indexes": fetch_all(
            f"SELECT indexname, replace(indexdef, ' ONLY ', ' ') FROM pg_indexes WHERE {of_table} ORDER BY 1"
        ),
        "columns": fetch_all(
            "SELECT attname, atttypid::regtype::text, attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute"
            " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
            " WHERE attrelid = 'assessments_score'::regclass AND attnum > 0 ORDER BY attnum"
        ),
    }


def test_back_and_forth_keeps_every_score(home: District) -> None:
    first, later = of_two_years(home)
    score_of(FAR, result="3", as_tested="1,2")
    before = kept()
    schema.before_migrations(plan=["one"])  # as the signal before migrations does: views are on the table

    migrate(BEFORE)

    assert kept() == before
    assert fetch_all("SELECT to_regclass('assessments_score_rest'), to_regproc('sis_make_score_years')") == [
        (None, None)
    ]
    assert places() == {2024: "assessments_score", 2025: "assessments_score", FAR: "assessments_score"}

    migrate(AFTER)

    assert kept() == before
    assert places() == {year: f"assessments_score_{year}" for year in (2024, 2025, FAR)}
    assert [undo(run).status for run in (later, first)] == [RunStatus.COMPLETED, RunStatus.COMPLETED]
    schema.make_current()
