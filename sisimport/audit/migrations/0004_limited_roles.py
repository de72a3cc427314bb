"""For database roles that own nothing: who is not the owner of the record can never take a row away, whatever it sets, and two
functions with the owner's rights do what web server and workers may have done but not do."""

from django.db import migrations

_KEEP = """
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('DELETE', 'TRUNCATE') AND current_setting('sisimport.audit_purge', true) = 'on'{is_owner} THEN
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_auditentry' AND current_setting('sisimport.audit_reword', true) = 'on'{is_owner}
     AND (to_jsonb(OLD) - 'who' - 'subject') = (to_jsonb(NEW) - 'who' - 'subject') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the record of access is only ever added to: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
"""
_IS_OWNER = """
     AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')"""
KEEP, KEEP_BEFORE = _KEEP.format(is_owner=_IS_OWNER), _KEEP.format(is_owner="")

# Days that are over and sealed go, and an entry that says so is written by the same function: nobody has one without the other.
PURGE = """
CREATE FUNCTION audit_purge(through date, by_id bigint, by_name text, at_place text, OUT entries bigint, OUT chains bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT count(*), count(DISTINCT (s.day, s.lea)) INTO entries, chains
  FROM public.audit_auditseal s JOIN public.audit_auditday d ON d.day = s.day AND d.lea = s.lea WHERE s.day <= through;
  IF entries = 0 THEN
    RETURN;
  END IF;
  INSERT INTO public.audit_auditentry (kind, user_id, who, place, subject)
  VALUES ('purge', by_id, left(by_name, 150), left(at_place, 120),
          format('%s entries of days through %s', entries, to_char(through, 'YYYY-MM-DD')));
  PERFORM set_config('sisimport.audit_purge', 'on', true);
  WITH gone AS (DELETE FROM public.audit_auditseal s WHERE s.day <= through
    AND EXISTS (SELECT 1 FROM public.audit_auditday d WHERE d.day = s.day AND d.lea = s.lea) RETURNING s.entry_id)
  DELETE FROM public.audit_auditentry e USING gone WHERE e.id = gone.entry_id;
  DELETE FROM public.audit_auditrewording r WHERE NOT EXISTS (SELECT 1 FROM public.audit_auditentry e WHERE e.id = r.entry_id);
  PERFORM set_config('sisimport.audit_purge', '', true);
END $$;
REVOKE ALL ON FUNCTION audit_purge(date, bigint, text, text) FROM PUBLIC;
"""

# Since when others are at work is told to the owner alone, who may see the sessions of all roles.
SETTLED = """
CREATE FUNCTION sis_settled_until() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT least(clock_timestamp() - interval '1 second', min(xact_start),
               CASE WHEN bool_or(state IS NULL) THEN clock_timestamp() - interval '5 minutes' END)
  FROM pg_stat_activity
  WHERE datname = current_database() AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
    AND pid <> pg_backend_pid()
$$;
REVOKE ALL ON FUNCTION sis_settled_until() FROM PUBLIC;
"""

# An entry's moment is the database's own (db_default): nobody needs the right to write another one.
ROLE = """
CREATE OR REPLACE FUNCTION audit_role(what text, whom bigint[] DEFAULT '{{}}') RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit_auditentry ({at}kind, user_id, who, place, subject, students, count, lea_id)
  SELECT {now}'role', actor.id, coalesce(u.username, ''), CASE WHEN actor.id IS NULL THEN 'database' ELSE '' END,
         left(what, 200), whom, cardinality(whom),
         (SELECT CASE WHEN min(lea_id) = max(lea_id) THEN min(lea_id) END FROM students_student WHERE id = ANY (whom))
  FROM (SELECT nullif(current_setting('sisimport.actor', true), '')::bigint AS id) AS actor
  LEFT JOIN auth_user u ON u.id = actor.id
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_rewording")]
    operations = [
        migrations.RunSQL(KEEP, KEEP_BEFORE),
        migrations.RunSQL(PURGE, "DROP FUNCTION audit_purge(date, bigint, text, text)"),
        migrations.RunSQL(SETTLED, "DROP FUNCTION sis_settled_until()"),
        migrations.RunSQL(ROLE.format(at="", now=""), ROLE.format(at="at, ", now="clock_timestamp(), ")),
    ]
