"""Checks of foreign keys use the index of the key, even when PostgreSQL believes that a full table is empty.

It does after all students were removed and counted, and others came: then all indexes that hold the key cost it the same,
and an index in which the key comes second is read whole for each row that points at it.
"""

import pytest
from django.db import connection

from tests.imports.journey import District

pytestmark = pytest.mark.django_db(transaction=True)  # as the district asks for
NEVER_EMPTIED = {"run_of_user"}  # runs are not removed all at once: their table is never believed empty
_KEY_IN_SECOND_PLACE = """
    SELECT i.indexrelid::regclass::text
    FROM pg_index i
    JOIN (SELECT DISTINCT confrelid, confkey[1] AS key FROM pg_constraint WHERE contype = 'f') referenced
      ON referenced.confrelid = i.indrelid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = 'public' AND referenced.key = ANY ((i.indkey::int2[])[1:i.indnkeyatts - 1])
    ORDER BY 1
"""


def found() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_KEY_IN_SECOND_PLACE)
        return [name for (name,) in cursor.fetchall()]


def test_no_index_holds_a_referenced_key_behind_another_column() -> None:
    assert set(found()) <= NEVER_EMPTIED


def test_one_that_does_is_seen_and_one_that_carries_the_key_along_is_not() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pupil (id int PRIMARY KEY, name text)")
        cursor.execute("CREATE TABLE number (pupil_id int REFERENCES pupil)")
        cursor.execute("CREATE INDEX wrong ON pupil (name, id)")
        cursor.execute("CREATE INDEX carried ON pupil (name) INCLUDE (id)")
        cursor.execute("CREATE INDEX first ON pupil (id, name)")
    assert set(found()) - NEVER_EMPTIED == {"wrong"}


def test_the_key_is_looked_up_by_its_own_index_in_a_table_believed_empty(district: District) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET relpages = 1000, reltuples = 0 WHERE relname = 'students_student'")
        cursor.execute("EXPLAIN SELECT 1 FROM ONLY students_student x WHERE id = 7 FOR KEY SHARE OF x")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "students_student_pkey" in plan
