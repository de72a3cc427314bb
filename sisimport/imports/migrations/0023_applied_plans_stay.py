"""The plan of a run that was applied is the journal. The database role of the web server can change none of it.

Pages plan lines of a Test anew after somebody decided about them, so they may write plans, as long as nobody applied them. Row
policies say so: they cost workers one comparison for a statement, where a trigger would be asked for each row. Who reads is limited
by grants. The role is known by its name (sisimport/runtime/database_roles.py); the owner of the tables is under no policy.
"""

from django.db import migrations

TABLES = ("imports_importchange", "imports_importissue", "imports_setaside")
_OPEN = """(SELECT current_user <> current_database() || '_web') OR NOT EXISTS (
    SELECT FROM imports_importrun applied
    WHERE (applied.id = {table}.run_id OR applied.test_run_id = {table}.run_id) AND applied.applied_order IS NOT NULL)"""


def _policies(table: str) -> str:
    is_open = _OPEN.format(table=table)
    return f"""
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY everybody_reads ON {table} FOR SELECT USING (true);
    CREATE POLICY open_plans_grow ON {table} FOR INSERT WITH CHECK ({is_open});
    CREATE POLICY open_plans_change ON {table} FOR UPDATE USING ({is_open});
    CREATE POLICY open_plans_shrink ON {table} FOR DELETE USING ({is_open});
    """


def _without(table: str) -> str:
    names = ("everybody_reads", "open_plans_grow", "open_plans_change", "open_plans_shrink")
    dropped = "".join(f"DROP POLICY {name} ON {table};" for name in names)
    return f"{dropped} ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"


class Migration(migrations.Migration):
    dependencies = [("imports", "0022_leas_in_capitals")]
    operations = [migrations.RunSQL(_policies(table), _without(table)) for table in TABLES]
