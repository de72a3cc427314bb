"""Removing a row must not read whole tables: whatever points at it is found by an index."""

import pytest
from django.db import connection

from sisimport.imports.definition.change_kinds import all_kinds

pytestmark = pytest.mark.django_db

# The check that PostgreSQL makes when a referenced row goes is `WHERE column = …`: an index serves it if it begins with
# exactly these columns and covers all rows. (The planner cannot prove that a partial one does: the value is a parameter.)
_UNCOVERED = """
    SELECT c.conrelid::regclass::text, c.conname
    FROM pg_constraint c
    JOIN pg_namespace n ON n.oid = c.connamespace
    WHERE c.contype = 'f' AND n.nspname = 'public' AND NOT EXISTS (
      SELECT 1 FROM pg_index i
      WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND (SELECT array_agg(k ORDER BY k)
             FROM unnest((i.indkey::int2[])[0:cardinality(c.conkey) - 1]) AS k) =
            (SELECT array_agg(k ORDER BY k) FROM unnest(c.conkey) AS k))
    ORDER BY 1, 2
"""


def uncovered() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_UNCOVERED)
        return cursor.fetchall()


def test_every_foreign_key_has_a_full_index_that_its_check_can_use() -> None:
    assert uncovered() == []


def test_a_partial_index_does_not_count_as_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pupil (id int PRIMARY KEY)")
        cursor.execute("CREATE TABLE number (pupil_id int REFERENCES pupil, retired boolean)")
        cursor.execute("CREATE INDEX ON number (pupil_id) WHERE retired")
        cursor.execute("CREATE INDEX ON number (retired, pupil_id)")
    assert uncovered() == [("number", "number_pupil_id_fkey")]


def test_students_of_rows_that_runs_fill_are_not_looked_up_one_by_one() -> None:
    """A constraint is checked row by row in COMMIT, which took as long as the rest of an Update. Runs ask for all of them at once
    (`engine/set_aside.py`), under the lock that whoever removes a student takes as well."""
    tables = sorted({kind.table for kind in all_kinds() if kind.student_column})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
            " AND confrelid = 'students_student'::regclass AND conrelid::regclass::text = ANY(%s)",
            [tables],
        )
        assert cursor.fetchall() == []
    assert {"students_ssid", "students_elrecord", "students_enrollment"} <= set(tables)
