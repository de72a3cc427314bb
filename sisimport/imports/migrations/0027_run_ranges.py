"""Rows by line of runs stand in partitions, by ranges of runs: what a run writes goes into small indexes, and a range of which
nothing is kept any more is dropped, not deleted row by row (docs/decisions/0051-ranges-of-runs.md).

Tables of before become the first range as they are: PostgreSQL reads them once for their bounds and writes nothing. Workers own no
table: three functions with the owner's rights make ranges, drop them, and measure them.
"""

from importlib import import_module

from django.db import migrations

_open_plans = import_module("sisimport.imports.migrations.0023_applied_plans_stay")

WIDTH = 1000  # runs of a range
# Table -> the columns that the planner is told about, and its indexes beside the key.
TABLES = {
    "imports_importchange": (
        "run_id, line, seq, part, kind, object_id, student_id",
        {"change_of_student": "(student_id, run_id)"},
    ),
    "imports_importissue": (
        "run_id, line, seq, severity, code, school_id",
        {"issue_by_cause": "(run_id, code, line) WHERE severity > 1"},
    ),
    "imports_setaside": ("run_id, line, seq, reason", {}),
}
_NAMES = ", ".join(f"'{table}'" for table in TABLES)


def _divide(table: str, indexes: dict[str, str]) -> str:
    first = f"{table}_first"
    renamed = "".join(f"ALTER INDEX {name} RENAME TO {name}_first;" for name in indexes)
    made = "".join(f"CREATE INDEX {name} ON {table} {what};" for name, what in indexes.items())
    return f"""
    {_open_plans._without(table)}
    DROP POLICY IF EXISTS rows_of_schools ON {table};
    DROP POLICY IF EXISTS everybody ON {table};
    ALTER TABLE {table} RENAME TO {first};
    ALTER INDEX {table}_pkey RENAME TO {first}_pkey;
    {renamed}
    CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) PARTITION BY RANGE (run_id);
    ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (run_id, line, seq);
    {made}
    DO $$ DECLARE bound bigint; BEGIN
      SELECT (greatest(coalesce(pg_sequence_last_value(pg_get_serial_sequence('imports_importrun', 'id')), 0),
                       (SELECT max(id) FROM imports_importrun), (SELECT max(run_id) FROM {first})) / {WIDTH} + 1) * {WIDTH}
      INTO bound;
      EXECUTE format('ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO (%s)', bound);
      EXECUTE format('COMMENT ON TABLE {first} IS %L', '0-' || bound);
    END $$;
    CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT;
    ALTER TABLE {first} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {table}_rest ENABLE ROW LEVEL SECURITY;
    {_open_plans._policies(table)}
    """


def _join(table: str, indexes: dict[str, str]) -> str:
    """One table again: the first range as it is, the others put into it. Where it was dropped, an empty one takes its place."""
    first = f"{table}_first"
    made = "".join(f"CREATE INDEX {name}_first ON {first} {what};" for name, what in indexes.items())
    renamed = "".join(f"ALTER INDEX {name}_first RENAME TO {name};" for name in indexes)
    return f"""
    DO $$ BEGIN
      IF to_regclass('{first}') IS NULL THEN
        CREATE TABLE {first} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE);
        ALTER TABLE {first} ADD CONSTRAINT {first}_pkey PRIMARY KEY (run_id, line, seq);
        {made}
      ELSE
        ALTER TABLE {table} DETACH PARTITION {first};
      END IF;
    END $$;
    INSERT INTO {first} SELECT * FROM {table};
    DROP TABLE {table};
    ALTER TABLE {first} RENAME TO {table};
    COMMENT ON TABLE {table} IS NULL;
    ALTER INDEX {first}_pkey RENAME TO {table}_pkey;
    {renamed}
    ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
    {_open_plans._policies(table)}
    """


_LAST_RUN = "coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.imports_importrun', 'id')), 0)"

# Ranges, from the catalog: table, its partition, the first run (0: from the beginning), the run after the last. By the comment of each
# partition: to read its bounds PostgreSQL waits for whoever has it locked.
RANGES = f"""
CREATE FUNCTION sis_run_ranges(OUT owner_table text, OUT part text, OUT first_run bigint, OUT until_run bigint) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.relname, c.relname, split_part(d.description, '-', 1)::bigint, split_part(d.description, '-', 2)::bigint
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
  JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
  WHERE p.relnamespace = 'public'::regnamespace AND p.relname IN ({_NAMES})
$$;
REVOKE ALL ON FUNCTION sis_run_ranges() FROM PUBLIC;
"""

# For so many runs ahead. Rows that came before their range was made lie in the rest; they move into it. Who cannot have the locks in a second gives up,
# so that nobody waits behind it: the next one makes the range.
MAKE = f"""
CREATE FUNCTION sis_make_run_ranges(ahead integer, OUT made integer, OUT astray boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  last bigint := {_LAST_RUN};
  parent text; rest text; part text; until bigint; has_rows boolean;
BEGIN
  made := 0;
  astray := false;
  IF NOT pg_try_advisory_xact_lock(1397314899, 27) THEN
    RETURN;
  END IF;
  FOREACH parent IN ARRAY ARRAY[{_NAMES}] LOOP
    rest := parent || '_rest';
    SELECT max(r.until_run) INTO until FROM public.sis_run_ranges() AS r WHERE r.owner_table = parent;
    until := coalesce(until, last / {WIDTH} * {WIDTH});
    WHILE until <= last + ahead LOOP
      part := parent || '_' || until;
      EXECUTE format('LOCK TABLE ONLY public.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
      EXECUTE format('LOCK TABLE ONLY public.%I IN ACCESS EXCLUSIVE MODE', rest);
      EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                     part, parent);
      EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
      EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE run_id >= %s AND run_id < %s RETURNING *)'
                     ' INSERT INTO public.%I SELECT * FROM moved', rest, until, until + {WIDTH}, part);
      EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
                     parent, part, until, until + {WIDTH});
      EXECUTE format('COMMENT ON TABLE public.%I IS %L', part, until || '-' || until + {WIDTH});
      until := until + {WIDTH};
      made := made + 1;
    END LOOP;
    IF made > 0 OR ahead > 0 THEN -- a run that needs nothing waits for nobody
      EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', rest) INTO has_rows;
      astray := astray OR has_rows;
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION sis_make_run_ranges(integer) FROM PUBLIC;
"""

# Whoever calls it: a range goes only when no run of it, nor one that is still to come, has a plan to keep.
DROP = f"""
CREATE FUNCTION sis_drop_run_range(until bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  part text;
BEGIN
  IF until > {_LAST_RUN} OR EXISTS (
    SELECT FROM public.imports_importrun u WHERE u.plan_removed_at IS NULL AND u.id < until
      AND u.id >= (SELECT min(r.first_run) FROM public.sis_run_ranges() AS r WHERE r.until_run = until)
  ) THEN
    RETURN false;
  END IF;
  FOR part IN SELECT r.part FROM public.sis_run_ranges() AS r WHERE r.until_run = until ORDER BY r.part LOOP
    EXECUTE format('DROP TABLE public.%I', part);
  END LOOP;
  RETURN found;
END $$;
REVOKE ALL ON FUNCTION sis_drop_run_range(bigint) FROM PUBLIC;
"""

# Autovacuum measures partitions and never the table over them. From version 18 on that is measured by itself; before, with all of its
# partitions, and so once an hour at most.
_MEASURED = "\n".join(
    f"""
  SELECT r.part INTO part FROM public.sis_run_ranges() AS r
  WHERE r.owner_table = '{table}' AND r.first_run <= run AND run < r.until_run;
  EXECUTE format('ANALYZE (SKIP_LOCKED) public.%I ({columns})', coalesce(part, '{table}_rest'));
  IF alone THEN
    EXECUTE 'ANALYZE (SKIP_LOCKED) ONLY public.{table} ({columns})';
  ELSIF coalesce(pg_stat_get_last_analyze_time('public.{table}'::regclass), '-infinity') < now() - interval '1 hour' THEN
    ANALYZE (SKIP_LOCKED) public.{table} ({columns});
  END IF;"""
    for table, (columns, _indexes) in TABLES.items()
)
MEASURE = f"""
CREATE FUNCTION sis_measure_run(run bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  alone boolean := current_setting('server_version_num')::int >= 180000;
BEGIN{_MEASURED}
END $$;
REVOKE ALL ON FUNCTION sis_measure_run(bigint) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("imports", "0026_stored_objects")]
    operations = [
        *(migrations.RunSQL(_divide(table, indexes), _join(table, indexes)) for table, (_columns, indexes) in TABLES.items()),
        migrations.RunSQL(RANGES, "DROP FUNCTION sis_run_ranges()"),
        migrations.RunSQL(MAKE, "DROP FUNCTION sis_make_run_ranges(integer)"),
        migrations.RunSQL(DROP, "DROP FUNCTION sis_drop_run_range(bigint)"),
        migrations.RunSQL(MEASURE, "DROP FUNCTION sis_measure_run(bigint)"),
    ]
