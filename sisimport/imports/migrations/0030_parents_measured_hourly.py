"""After a run only its own partitions are measured; the table over them once an hour, on every version of PostgreSQL.

A statement names its run, so the planner goes by the partition. The table over all of them was measured after every run: as many rows
again, and before version 18 every partition with it, since PostgreSQL keeps no time for a table that is divided. So the time is that of
the default partition, which holds next to nothing and is measured along with the table.
"""

from importlib import import_module

from django.db import migrations

_ranges = import_module("sisimport.imports.migrations.0027_run_ranges")

_MEASURED = "\n".join(
    f"""
  SELECT r.part INTO part FROM public.sis_run_ranges() AS r
  WHERE r.owner_table = '{table}' AND r.first_run <= run AND run < r.until_run;
  measured := pg_stat_get_last_analyze_time('public.{table}_rest'::regclass);
  EXECUTE format('ANALYZE (SKIP_LOCKED) public.%I ({columns})', coalesce(part, '{table}_rest'));
  IF measured IS NULL OR measured < now() - interval '1 hour' THEN
    EXECUTE format('ANALYZE (SKIP_LOCKED) %s public.{table} ({columns}), public.{table}_rest', alone);
  END IF;"""
    for table, (columns, _indexes) in _ranges.TABLES.items()
)
MEASURE = f"""
CREATE OR REPLACE FUNCTION sis_measure_run(run bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  measured timestamptz;
  alone text := CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'ONLY' ELSE '' END;
BEGIN{_MEASURED}
END $$;
"""
BEFORE = _ranges.MEASURE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("imports", "0029_plain_words")]
    operations = [migrations.RunSQL(MEASURE, BEFORE)]
