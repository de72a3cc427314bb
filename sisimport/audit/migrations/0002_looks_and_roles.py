from django.db import migrations

# Looks at students that were kept one by one (students.StudentView) come over; the table goes with a migration of its own app.
COPY = """
INSERT INTO audit_auditentry (at, kind, user_id, who, subject, students, count, lea_id)
SELECT v.at, v.kind, v.user_id, coalesce(u.username, ''), v.subject,
       CASE WHEN v.student_id IS NULL THEN '{}' ELSE ARRAY[v.student_id] END, CASE WHEN v.student_id IS NULL THEN 0 ELSE 1 END, s.lea_id
FROM students_studentview v LEFT JOIN auth_user u ON u.id = v.user_id LEFT JOIN students_student s ON s.id = v.student_id
ORDER BY v.id
"""
COPY_BACK = """
INSERT INTO students_studentview (at, kind, user_id, student_id, subject)
SELECT e.at, e.kind, u.id, s.id, left(e.subject, 120)
FROM audit_auditentry e LEFT JOIN auth_user u ON u.id = e.user_id
LEFT JOIN LATERAL unnest(e.students) AS given (id) ON true LEFT JOIN students_student s ON s.id = given.id
WHERE e.kind IN ('page', 'ssid', 'export') ORDER BY e.id
"""

# Every change of what somebody may see or do, whoever makes it: a page, the admin, a command, or SQL by hand. A page says for
# whom it works in the setting sisimport.actor (sisimport.accounts.recording). One entry for a statement, where it may be many rows.
WATCH = """
CREATE FUNCTION audit_role(what text, whom bigint[] DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit_auditentry (at, kind, user_id, who, place, subject, students, count, lea_id)
  SELECT clock_timestamp(), 'role', actor.id, coalesce(u.username, ''), CASE WHEN actor.id IS NULL THEN 'database' ELSE '' END,
         left(what, 200), whom, cardinality(whom),
         (SELECT CASE WHEN min(lea_id) = max(lea_id) THEN min(lea_id) END FROM students_student WHERE id = ANY (whom))
  FROM (SELECT nullif(current_setting('sisimport.actor', true), '')::bigint AS id) AS actor
  LEFT JOIN auth_user u ON u.id = actor.id
$$;

CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE what text[] := '{}';
BEGIN
  IF TG_OP = 'INSERT' THEN
    what := what || CASE WHEN NEW.is_superuser THEN 'account made, superuser' WHEN NEW.is_staff THEN 'account made, staff of the admin'
                         ELSE 'account made' END;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM audit_role(format('person %s (%s): account deleted', OLD.id, OLD.username));
    RETURN NULL;
  ELSE
    IF NEW.is_active <> OLD.is_active THEN
      what := what || CASE WHEN NEW.is_active THEN 'may sign in again' ELSE 'may not sign in any more' END;
    END IF;
    IF NEW.is_superuser <> OLD.is_superuser THEN
      what := what || CASE WHEN NEW.is_superuser THEN 'superuser' ELSE 'no superuser any more' END;
    END IF;
    IF NEW.is_staff <> OLD.is_staff THEN
      what := what || CASE WHEN NEW.is_staff THEN 'staff of the admin' ELSE 'not staff of the admin any more' END;
    END IF;
    IF NEW.password <> OLD.password THEN what := what || 'password set'::text; END IF;
    IF NEW.username <> OLD.username THEN what := what || format('user name was %s', OLD.username); END IF;
    IF NEW.email <> OLD.email THEN what := what || 'mail address changed'::text; END IF;
  END IF;
  PERFORM audit_role(format('person %s (%s): %s', NEW.id, NEW.username, array_to_string(what, ', ')));
  RETURN NULL;
END $$;
CREATE TRIGGER audit_account_made AFTER INSERT OR DELETE ON auth_user FOR EACH ROW EXECUTE FUNCTION audit_account();
CREATE TRIGGER audit_account_changed
  AFTER UPDATE OF is_active, is_superuser, is_staff, password, username, email ON auth_user FOR EACH ROW
  WHEN ((OLD.is_active, OLD.is_superuser, OLD.is_staff, OLD.password, OLD.username, OLD.email)
        IS DISTINCT FROM (NEW.is_active, NEW.is_superuser, NEW.is_staff, NEW.password, NEW.username, NEW.email))
  EXECUTE FUNCTION audit_account();

CREATE FUNCTION audit_user_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_role(format('person %s (%s): group %s %s', c.user_id, u.username, string_agg(g.name, ', ' ORDER BY g.name), TG_ARGV[0]))
  FROM changed c LEFT JOIN auth_user u ON u.id = c.user_id LEFT JOIN auth_group g ON g.id = c.group_id GROUP BY c.user_id, u.username;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_given AFTER INSERT ON auth_user_groups REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_user_groups('given');
CREATE TRIGGER audit_taken AFTER DELETE ON auth_user_groups REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_user_groups('taken');

CREATE FUNCTION audit_user_permissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_role(format('person %s (%s): permission %s %s', c.user_id, u.username, string_agg(p.codename, ', ' ORDER BY p.codename), TG_ARGV[0]))
  FROM changed c LEFT JOIN auth_user u ON u.id = c.user_id LEFT JOIN auth_permission p ON p.id = c.permission_id
  GROUP BY c.user_id, u.username;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_given AFTER INSERT ON auth_user_user_permissions REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_user_permissions('given');
CREATE TRIGGER audit_taken AFTER DELETE ON auth_user_user_permissions REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_user_permissions('taken');

CREATE FUNCTION audit_group_permissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_role(format('group %s: %s %s: %s', g.name, count(*), TG_ARGV[0], string_agg(p.codename, ', ' ORDER BY p.codename)))
  FROM changed c LEFT JOIN auth_group g ON g.id = c.group_id LEFT JOIN auth_permission p ON p.id = c.permission_id GROUP BY g.name;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_given AFTER INSERT ON auth_group_permissions REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_group_permissions('permissions given');
CREATE TRIGGER audit_taken AFTER DELETE ON auth_group_permissions REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_group_permissions('permissions taken');

CREATE FUNCTION audit_schools() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record := coalesce(NEW, OLD);
BEGIN
  PERFORM audit_role(format('person %s (%s): %s', r.user_id, (SELECT username FROM auth_user WHERE id = r.user_id),
    CASE WHEN TG_OP = 'DELETE' THEN 'sees no schools any more' WHEN r.all_schools THEN 'sees all schools'
         ELSE 'sees the schools named' END));
  RETURN NULL;
END $$;
CREATE TRIGGER audit_schools AFTER INSERT OR DELETE OR UPDATE OF all_schools, user_id ON students_staffaccess FOR EACH ROW
  EXECUTE FUNCTION audit_schools();

CREATE FUNCTION audit_access_schools() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_role(format('person %s (%s): school %s %s', a.user_id, u.username, string_agg(s.code, ', ' ORDER BY s.code), TG_ARGV[0]))
  FROM changed c LEFT JOIN students_staffaccess a ON a.id = c.staffaccess_id LEFT JOIN auth_user u ON u.id = a.user_id
  LEFT JOIN students_school s ON s.id = c.school_id GROUP BY a.user_id, u.username;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_given AFTER INSERT ON students_staffaccess_schools REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_access_schools('given');
CREATE TRIGGER audit_taken AFTER DELETE ON students_staffaccess_schools REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_access_schools('taken');

CREATE FUNCTION audit_token() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record := coalesce(NEW, OLD);
BEGIN
  PERFORM audit_role(format('token %s of person %s: %s', r.id, r.user_id,
    CASE WHEN TG_OP = 'INSERT' THEN 'made for ' || array_to_string(r.scopes, ', ') WHEN TG_OP = 'DELETE' THEN 'deleted'
         WHEN r.revoked_at IS NOT NULL THEN 'revoked' ELSE 'changed to ' || array_to_string(r.scopes, ', ') END));
  RETURN NULL;
END $$;
CREATE TRIGGER audit_token AFTER INSERT OR DELETE OR UPDATE OF scopes, schools, user_id, digest, expires_at, revoked_at ON api_apitoken
  FOR EACH ROW EXECUTE FUNCTION audit_token();

CREATE FUNCTION audit_second_factor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record := coalesce(NEW, OLD);
BEGIN
  PERFORM audit_role(format('person %s (%s): second factor %s %s', r.user_id, (SELECT username FROM auth_user WHERE id = r.user_id),
    r.type, CASE TG_OP WHEN 'INSERT' THEN 'added' ELSE 'removed' END));
  RETURN NULL;
END $$;
CREATE TRIGGER audit_second_factor AFTER INSERT OR DELETE ON mfa_authenticator FOR EACH ROW EXECUTE FUNCTION audit_second_factor();

CREATE FUNCTION audit_family() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record := coalesce(NEW, OLD);
BEGIN
  PERFORM audit_role(format('person %s: family of this student %s', r.user_id, CASE TG_OP WHEN 'INSERT' THEN 'from now on' ELSE 'no more' END),
    ARRAY[r.student_id]);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_family AFTER INSERT OR DELETE ON students_familymember FOR EACH ROW EXECUTE FUNCTION audit_family();
"""
UNWATCH = "".join(
    f"DROP FUNCTION {name}() CASCADE;"
    for name in (
        "audit_account", "audit_user_groups", "audit_user_permissions", "audit_group_permissions", "audit_schools",
        "audit_access_schools", "audit_token", "audit_second_factor", "audit_family",
    )
) + "DROP FUNCTION audit_role(text, bigint[]);"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("students", "0017_family_accounts_end"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("api", "0001_initial"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [migrations.RunSQL(COPY, COPY_BACK), migrations.RunSQL(WATCH, UNWATCH)]
