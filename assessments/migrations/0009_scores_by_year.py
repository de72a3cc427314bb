"""Scores stand in a partition for each school year: what one file writes and compares is a small table with a small index, and a year
that is kept no longer is dropped, not deleted row by row (docs/decisions/0053-scores-by-school-year.md).

Rows of before are written into their years once. Workers own no table: three functions with the owner's rights make years, drop them
and measure them. The school year of a partition stands in its name.
"""

from django.db import migrations

TABLE = "assessments_score"
_THIS_YEAR = "(extract(year FROM current_date)::int + (extract(month FROM current_date) >= 7)::int)"
_LIKE = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
_KEY = f"ALTER TABLE {TABLE} ADD CONSTRAINT {TABLE}_pkey PRIMARY KEY (student_id, assessment_id, school_year);"
_AS_TESTED = f"CREATE INDEX score_as_tested ON {TABLE} (assessment_id, school_year) WHERE as_tested <> '';"
# Put up after migrations again (sisimport/runtime/row_walls.py).
_NO_WALLS = f"DROP POLICY IF EXISTS rows_of_schools ON {TABLE}; DROP POLICY IF EXISTS everybody ON {TABLE};"

DIVIDE = f"""
{_NO_WALLS}
ALTER TABLE {TABLE} RENAME TO {TABLE}_before;
CREATE TABLE {TABLE} (LIKE {TABLE}_before {_LIKE}) PARTITION BY LIST (school_year);
CREATE TABLE {TABLE}_rest PARTITION OF {TABLE} DEFAULT;
ALTER TABLE {TABLE}_rest ENABLE ROW LEVEL SECURITY;
DO $$ DECLARE year smallint; BEGIN
  FOR year IN SELECT school_year FROM {TABLE}_before WHERE school_year BETWEEN 1990 AND 2099
    UNION SELECT generate_series({_THIS_YEAR} - 1, {_THIS_YEAR} + 1) LOOP
    EXECUTE format('CREATE TABLE {TABLE}_%s PARTITION OF {TABLE} FOR VALUES IN (%s)', year, year);
    EXECUTE format('ALTER TABLE {TABLE}_%s ENABLE ROW LEVEL SECURITY', year);
  END LOOP;
END $$;
INSERT INTO {TABLE} SELECT * FROM {TABLE}_before;
DROP TABLE {TABLE}_before;
{_KEY}
{_AS_TESTED}
"""

JOIN = f"""
{_NO_WALLS}
ALTER TABLE {TABLE} RENAME TO {TABLE}_by_year;
CREATE TABLE {TABLE} (LIKE {TABLE}_by_year {_LIKE});
INSERT INTO {TABLE} SELECT * FROM {TABLE}_by_year;
DROP TABLE {TABLE}_by_year;
{_KEY}
{_AS_TESTED}
"""

YEARS = f"""
CREATE FUNCTION sis_score_years() RETURNS SETOF integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT substring(c.relname FROM '_([0-9]+)$')::integer FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = 'public.{TABLE}'::regclass AND c.relname ~ '_[0-9]+$'
$$;
REVOKE ALL ON FUNCTION sis_score_years() FROM PUBLIC;
"""

# The years asked for, and those of scores that came before their year was made: they lie in the rest and move. Who cannot have the
# locks in a second gives up, so that nobody waits behind it: the next one makes the year.
MAKE = f"""
CREATE FUNCTION sis_make_score_years(years integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  part text; year integer; made integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(1397314899, 53) THEN
    RETURN 0;
  END IF;
  FOR year IN
    (SELECT unnest(years) UNION SELECT DISTINCT r.school_year FROM public.{TABLE}_rest r)
    EXCEPT SELECT public.sis_score_years() ORDER BY 1
  LOOP
    CONTINUE WHEN year IS NULL OR year NOT BETWEEN 1990 AND 2099; -- what is none stays in the rest
    part := '{TABLE}_' || year;
    LOCK TABLE ONLY public.{TABLE} IN SHARE UPDATE EXCLUSIVE MODE;
    LOCK TABLE ONLY public.{TABLE}_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.{TABLE} {_LIKE})', part);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('WITH moved AS (DELETE FROM public.{TABLE}_rest WHERE school_year = %s RETURNING *)'
                   ' INSERT INTO public.%I SELECT * FROM moved', year, part);
    EXECUTE format('ALTER TABLE public.{TABLE} ATTACH PARTITION public.%I FOR VALUES IN (%s)', part, year);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION sis_make_score_years(integer[]) FROM PUBLIC;
"""

# Whoever calls it: a school year goes only when it is over.
DROP = f"""
CREATE FUNCTION sis_drop_score_year(year integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
  IF year IS NULL OR year >= {_THIS_YEAR} OR year NOT IN (SELECT public.sis_score_years()) THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE public.%I', '{TABLE}_' || year);
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION sis_drop_score_year(integer) FROM PUBLIC;
"""

# Autovacuum measures partitions and never the table over them. From version 18 on that is measured by itself; before, with all of its
# partitions, and so once an hour at most.
_COLUMNS = "student_id, assessment_id, school_year, run_id, line"
MEASURE = f"""
CREATE FUNCTION sis_measure_scores(years integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  year integer;
BEGIN
  FOR year IN SELECT unnest(years) INTERSECT SELECT public.sis_score_years() LOOP
    EXECUTE format('ANALYZE (SKIP_LOCKED) public.%I ({_COLUMNS})', '{TABLE}_' || year);
  END LOOP;
  IF current_setting('server_version_num')::int >= 180000 THEN
    EXECUTE 'ANALYZE (SKIP_LOCKED) ONLY public.{TABLE} ({_COLUMNS})';
  ELSIF coalesce(pg_stat_get_last_analyze_time('public.{TABLE}'::regclass), '-infinity') < now() - interval '1 hour' THEN
    ANALYZE (SKIP_LOCKED) public.{TABLE} ({_COLUMNS});
  END IF;
END $$;
REVOKE ALL ON FUNCTION sis_measure_scores(integer[]) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("assessments", "0008_hidden_results")]
    operations = [
        migrations.RunSQL(DIVIDE, JOIN),
        migrations.RunSQL(YEARS, "DROP FUNCTION sis_score_years()"),
        migrations.RunSQL(MAKE, "DROP FUNCTION sis_make_score_years(integer[])"),
        migrations.RunSQL(DROP, "DROP FUNCTION sis_drop_score_year(integer)"),
        migrations.RunSQL(MEASURE, "DROP FUNCTION sis_measure_scores(integer[])"),
    ]
