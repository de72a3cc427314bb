"""A run whose school year is missing waits, up to a second, for the session that is making years: see migration 0031 of imports."""

from importlib import import_module

from django.db import migrations

_years = import_module("assessments.migrations.0009_scores_by_year")

_TRY = """  IF NOT pg_try_advisory_xact_lock(1397314899, 53) THEN
    RETURN 0;
  END IF;
"""
_WAIT = """  IF NOT pg_try_advisory_xact_lock(1397314899, 53) THEN
    IF NOT EXISTS (SELECT unnest(years) EXCEPT SELECT public.sis_score_years()) THEN
      RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(1397314899, 53);
  END IF;
"""
BEFORE = _years.MAKE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
MAKE = BEFORE.replace(_TRY, _WAIT)


class Migration(migrations.Migration):
    dependencies = [("assessments", "0011_parents_measured_hourly")]
    operations = [migrations.RunSQL(MAKE, BEFORE)]
