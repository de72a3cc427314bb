"""sis_loose(text): a name without case, accents, hyphens, apostrophes, periods and spaces, for near matches (rule D-13)."""

from django.db import migrations

CREATE = r"""
CREATE FUNCTION sis_loose(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT regexp_replace(
    translate(lower(normalize(value, NFKD)), 'øØłŁđĐ', 'oolldd'),
    '[\u0300-\u036f[:punct:][:space:]\u2018\u2019\u02bc\u0060\u00b4\u2010-\u2015]', '', 'g')
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("students", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION sis_loose(text)")]
