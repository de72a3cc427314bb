"""What docs/scale.md says of the schema and the rules of Citus, with the LEA as the distribution column, checked against the
database."""

import re
from pathlib import Path

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"

# Tables with rows for single students, or single lines of runs, are distributed; every other is a reference table, whole on each
# node. A key or a unique constraint of a distributed table holds the LEA, and so does a foreign key from one to another.
_MISFITS = """
    WITH tables AS (
      SELECT t.oid, t.relname AS name, array_agg(a.attname::text) AS columns
      FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
      GROUP BY t.oid, t.relname
    ), distributed AS (
      SELECT * FROM tables
      WHERE name IN ('students_student', 'imports_absentlist', 'audit_auditentry') OR 'student_id' = ANY (columns)
        OR columns @> ARRAY['run_id', 'line']
    ), lea AS (
      SELECT d.oid, a.attnum FROM distributed d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = 'lea_id'
    ), found AS (
      SELECT d.name, 'no LEA' AS why FROM distributed d WHERE NOT EXISTS (SELECT FROM lea l WHERE l.oid = d.oid)
      UNION
      SELECT d.name, CASE WHEN i.indisprimary THEN 'key' ELSE 'unique' END
      FROM distributed d JOIN pg_index i ON i.indrelid = d.oid
      WHERE i.indisunique AND NOT EXISTS (SELECT FROM lea l WHERE l.oid = d.oid AND l.attnum = ANY (i.indkey::int2[]))
      UNION
      SELECT d.name, 'foreign key' FROM distributed d JOIN pg_constraint k ON k.conrelid = d.oid AND k.contype = 'f'
      WHERE k.confrelid IN (SELECT oid FROM distributed)
        AND NOT EXISTS (SELECT FROM lea l WHERE l.oid = d.oid AND l.attnum = ANY (k.conkey))
    )
    SELECT d.name, coalesce(string_agg(f.why, ', ' ORDER BY f.why), 'fits') FROM distributed d LEFT JOIN found f USING (name)
    GROUP BY d.name
"""


def by_the_rules() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MISFITS)
        return dict(cursor.fetchall())


def test_the_page_says_of_every_table_what_citus_would_refuse() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))

    assert said == by_the_rules()


def test_a_table_with_the_lea_in_its_keys_would_fit() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE fitting (lea_id bigint, student_id bigint, PRIMARY KEY (lea_id, student_id))")
        cursor.execute(
            "CREATE TABLE misfit (student_id bigint REFERENCES students_student, lea_id bigint, UNIQUE (student_id))"
        )

    found = by_the_rules()

    assert found["fitting"] == "fits"
    assert found["misfit"] == "foreign key, unique"
