"""A file that is one line again and again costs what its lines cost, not their square."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sisimport.imports.definition.registry import built_in_types, get_type, layouts_of
from sisimport.imports.engine import repeats, statistics
from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.engine.staging import create_table
from sisimport.imports.models import Work
from sisimport.imports.reference import reference_contexts
from ssid.imports import replacement_chains
from tests.files.samples import line
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db


def test_which_first_lines_were_refused_is_looked_up_once_and_not_for_each_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_district().student()
    plans = []
    fetch_all = repeats.fetch_all

    def explained(sql: str, values: list[object] | None = None) -> list[tuple[object, ...]]:
        if "checked_line" in sql and sql.startswith("SELECT"):
            plans.append("\n".join(str(row[0]) for row in fetch_all(f"EXPLAIN {sql}", values)))
        return fetch_all(sql, values)

    monkeypatch.setattr(repeats, "fetch_all", explained)
    with CaptureQueriesContext(connection):
        run_file("ssid-download", f"{line()}\n" * 300, Work.TEST)

    assert plans
    assert all("hashed SubPlan" in plan for plan in plans), plans


def test_all_repeats_of_a_good_line_are_unchanged_and_none_is_lost() -> None:
    make_district().student()

    run = run_file("ssid-download", f"{line()}\n" * 5_000, Work.TEST).run

    assert (run.record_count, run.planned_count, run.error_count) == (5_000, 1, 0)
    assert run.planned_count + run.unchanged_count + run.skipped_count == 5_000


@pytest.mark.parametrize("count", [10, 5_000])
def test_lines_of_a_large_file_are_joined_whole_and_never_line_by_line(count: int) -> None:
    with statistics.joins_for(count):
        (loops,) = fetch_one("SELECT current_setting('enable_nestloop')")

    assert loops == ("off" if count > statistics.MANY_LINES else "on")
    assert fetch_one("SELECT current_setting('enable_nestloop')") == ("on",)


def test_the_endings_of_replacement_chains_are_joined_by_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 lines of numbers that lead to themselves took half a minute."""
    settings_seen = []
    execute = replacement_chains.execute

    def noted(sql: str, values: object = ()) -> int:
        settings_seen.append(fetch_one("SELECT current_setting('enable_nestloop')")[0])
        return execute(sql)

    make_district().student()
    monkeypatch.setattr(replacement_chains, "execute", noted)
    chain = "1234567^0123456^100^9012345678^9012345679\n1234567^0123456^100^9012345679^9012345680\n"
    run = run_file("ssid-replacement", chain, Work.TEST).run
    assert run.record_count == 2, run.message

    assert settings_seen[-1] == "off"
    assert set(settings_seen[:-1]) == {"on"}


def test_repeats_of_a_refused_line_are_asked_again_without_a_list_of_their_lines() -> None:
    """Half a million line numbers in a statement took 20 seconds of computing and 400 MB."""
    make_district().student()
    lines = [line(birth_date="9999-99-99"), *[line()] * 3_000]

    with CaptureQueriesContext(connection) as asked:
        run = run_file("ssid-download", "".join(f"{one}\n" for one in lines), Work.TEST).run

    assert run.record_count == 3_001
    assert any("alone_line" in query["sql"] for query in asked.captured_queries)
    assert not [query for query in asked.captured_queries if re.search(r"(?:\b\d+, ){300}", query["sql"])]


@pytest.mark.parametrize("key", [import_type.key for import_type in built_in_types()])
def test_no_update_of_staged_lines_prepares_computed_columns_once_per_row(key: str) -> None:
    """PostgreSQL 18 does so if no computed column depends on one that is set: 20,000 repeats took 20 s instead of 0.1."""
    import_type = get_type(key)
    context = next(reference_contexts(import_type, layouts_of(import_type)[0]))
    create_table(import_type.row_model, of_file=context.fields, computed=import_type.generated_columns(context))

    columns = fetch_all(
        """
        SELECT a.attname, a.attgenerated <> '', EXISTS (
          SELECT 1 FROM pg_depend d JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
          WHERE e.adrelid = a.attrelid AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND e.adnum <> a.attnum)
        FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0
        """,
        [f"pg_temp.{import_type.row_model._meta.db_table}"],
    )

    some_are_computed = any(computed for _name, computed, _read in columns)
    unread = [name for name, computed, read in columns if some_are_computed and not computed and not read]
    assert not unread, f"an UPDATE of only {unread} would be slow"
