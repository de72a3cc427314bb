"""After an Import its years are measured, and the table over all years once an hour, on every version of PostgreSQL.

A statement names its years, so the planner goes by their partitions. The table over them was measured after every Import, a second
sample of millions of scores, and before version 18 every year with it: see migration 0030 of imports.
"""

from importlib import import_module

from django.db import migrations

_years = import_module("assessments.migrations.0009_scores_by_year")
TABLE, _COLUMNS = _years.TABLE, _years._COLUMNS

MEASURE = f"""
CREATE OR REPLACE FUNCTION sis_measure_scores(years integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  year integer;
  measured timestamptz;
  alone text := CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'ONLY' ELSE '' END;
BEGIN
  FOR year IN SELECT unnest(years) INTERSECT SELECT public.sis_score_years() LOOP
    EXECUTE format('ANALYZE (SKIP_LOCKED) public.%I ({_COLUMNS})', '{TABLE}_' || year);
  END LOOP;
  measured := pg_stat_get_last_analyze_time('public.{TABLE}_rest'::regclass);
  IF measured IS NULL OR measured < now() - interval '1 hour' THEN
    EXECUTE format('ANALYZE (SKIP_LOCKED) %s public.{TABLE} ({_COLUMNS}), public.{TABLE}_rest', alone);
  END IF;
END $$;
"""
BEFORE = _years.MEASURE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("assessments", "0010_plainer_help_texts")]
    operations = [migrations.RunSQL(MEASURE, BEFORE)]
