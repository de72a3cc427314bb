from django.db import migrations, models

# A person who is erased goes from the texts of entries too: through this function alone, which leaves everything else of an entry
# as it is. What it changed without a keyed statement in audit_auditrewording, audit_verify tells as a change.
REWORD = """
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('DELETE', 'TRUNCATE') AND current_setting('sisimport.audit_purge', true) = 'on' THEN
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_auditentry' AND current_setting('sisimport.audit_reword', true) = 'on'
     AND (to_jsonb(OLD) - 'who' - 'subject') = (to_jsonb(NEW) - 'who' - 'subject') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the record of access is only ever added to: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION audit_reword(entry bigint, new_who text, new_subject text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('sisimport.audit_reword', 'on', true);
  UPDATE audit_auditentry SET who = new_who, subject = new_subject WHERE id = entry;
  PERFORM set_config('sisimport.audit_reword', '', true);
END $$;
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditrewording FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditrewording FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
"""
NO_REWORD = """
DROP TRIGGER audit_keep ON audit_auditrewording;
DROP TRIGGER audit_keep_all ON audit_auditrewording;
DROP FUNCTION audit_reword(bigint, text, text);
CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('DELETE', 'TRUNCATE') AND current_setting('sisimport.audit_purge', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the record of access is only ever added to: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_looks_and_roles")]
    operations = [
        migrations.CreateModel(
            name="AuditRewording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry_id", models.BigIntegerField(db_index=True)),
                ("hash", models.BinaryField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("page", "Student page"),
                    ("list", "List of students"),
                    ("lines", "Lines of a file"),
                    ("ssid", "SSID shown"),
                    ("export", "Export"),
                    ("more", "Rest of an export"),
                    ("sign_in", "Signed in"),
                    ("sign_out", "Signed out"),
                    ("refused", "Sign-in refused"),
                    ("role", "Access changed"),
                    ("purge", "Old entries removed"),
                    ("erased", "Erased for good"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunSQL(REWORD, NO_REWORD),
    ]
