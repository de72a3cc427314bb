"""A run whose range is missing waits, up to a second, for the session that is making it.

It went on at once and could choose the default partition at the moment the range took its place; PostgreSQL then refused its rows.
"""

from importlib import import_module

from django.db import migrations

_ranges = import_module("sisimport.imports.migrations.0027_run_ranges")

_TRY = """  IF NOT pg_try_advisory_xact_lock(1397314899, 27) THEN
    RETURN;
  END IF;
"""
_WAIT = f"""  IF NOT pg_try_advisory_xact_lock(1397314899, 27) THEN
    IF ahead > 0 OR NOT EXISTS (
      SELECT FROM unnest(ARRAY[{_ranges._NAMES}]) AS t(parent) WHERE last >= coalesce(
        (SELECT max(r.until_run) FROM public.sis_run_ranges() AS r WHERE r.owner_table = t.parent), last / {_ranges.WIDTH} * {_ranges.WIDTH})
    ) THEN
      RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(1397314899, 27);
  END IF;
"""
BEFORE = _ranges.MAKE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
MAKE = BEFORE.replace(_TRY, _WAIT)


class Migration(migrations.Migration):
    dependencies = [("imports", "0030_parents_measured_hourly")]
    operations = [migrations.RunSQL(MAKE, BEFORE)]
