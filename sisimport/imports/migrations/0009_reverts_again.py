"""A Revert that kept something can be tried again; every run knows how much of it was put back, and in which order runs wrote."""

from django.db import migrations, models

# Before, the first completed Revert of a run was its only one. `wholly`: it kept nothing.
HOW_REVERTED = """
UPDATE imports_importrun r SET reverted = CASE
    WHEN NOT EXISTS (SELECT 1 FROM imports_setaside a WHERE a.run_id = v.id AND a.reason <> 'done') THEN 'wholly'
    WHEN EXISTS (
      SELECT 1 FROM imports_importchange c WHERE c.run_id = v.id AND NOT EXISTS (
        SELECT 1 FROM imports_setaside a WHERE a.run_id = v.id AND a.line = c.line AND a.seq = c.seq AND a.reason <> 'done')
    ) THEN 'partly' ELSE '' END
FROM imports_importrun v WHERE v.reverts_id = r.id AND v.work = 'revert' AND v.status = 'completed';
"""
ORDER_OF_RUNS = """
CREATE SEQUENCE imports_applied_order AS bigint;
UPDATE imports_importrun r SET applied_order = o.place
FROM (
  SELECT id, row_number() OVER (ORDER BY finished_at NULLS FIRST, id) AS place FROM imports_importrun
  WHERE work IN ('update', 'import', 'revert') AND status = 'completed'
) AS o WHERE o.id = r.id;
SELECT setval('imports_applied_order', (SELECT coalesce(max(applied_order), 0) + 1 FROM imports_importrun), false);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
# The earlier state knows one completed Revert of a run: the newest takes over what the ones before it put back. Their plans have
# no written change in common, for each new one holds only what still stood.
ONE_REVERT = """
CREATE TEMP TABLE merged_revert ON COMMIT DROP AS
SELECT id, last FROM (
  SELECT id, max(id) OVER (PARTITION BY reverts_id) AS last FROM imports_importrun WHERE work = 'revert' AND status = 'completed'
) AS v WHERE id <> last;
DELETE FROM imports_importchange c USING merged_revert m WHERE c.run_id = m.id AND EXISTS (
  SELECT 1 FROM imports_setaside a WHERE a.run_id = m.id AND a.line = c.line AND a.seq = c.seq AND a.reason <> 'done');
DELETE FROM imports_setaside a USING merged_revert m WHERE a.run_id = m.id AND a.reason <> 'done';
UPDATE imports_importchange c SET run_id = m.last FROM merged_revert m WHERE c.run_id = m.id;
UPDATE imports_setaside a SET run_id = m.last FROM merged_revert m WHERE a.run_id = m.id;
UPDATE imports_importrun r SET record_count = r.record_count + s.lines, planned_count = r.planned_count + s.lines,
  import_count = r.import_count + s.lines
FROM (
  SELECT m.last, sum(e.import_count) AS lines FROM merged_revert m JOIN imports_importrun e ON e.id = m.id GROUP BY m.last
) AS s WHERE s.last = r.id;
DELETE FROM imports_importissue i USING merged_revert m WHERE i.run_id = m.id;
DELETE FROM imports_importrun r USING merged_revert m WHERE r.id = m.id;
UPDATE imports_setaside SET reason = 'changed' WHERE reason = 'later';
-- The table is altered next, for which no check may be outstanding.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("imports", "0008_waiting_runs")]

    operations = [
        migrations.RemoveConstraint(model_name="importrun", name="one_revert_of_a_run"),
        migrations.RunSQL(migrations.RunSQL.noop, ONE_REVERT),
        migrations.AddField(
            model_name="importrun",
            name="applied_order",
            field=models.BigIntegerField(
                blank=True, help_text="The order in which runs wrote, drawn while they held their LEAs' lock.", null=True
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="reverted",
            field=models.CharField(
                blank=True,
                choices=[("partly", "Reverted in part"), ("wholly", "Reverted")],
                default="",
                help_text="How much of what this run wrote was put back by reverts; written with each of them.",
                max_length=6,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="setaside",
            name="reason",
            field=models.CharField(
                choices=[
                    ("changed", "Changed since Test"),
                    ("taken", "Taken since Test"),
                    ("in_use", "Used by other records since"),
                    ("later", "Written by a later run since"),
                    ("done", "Already as planned"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunSQL(HOW_REVERTED, migrations.RunSQL.noop),
        migrations.RunSQL(ORDER_OF_RUNS, "DROP SEQUENCE imports_applied_order"),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("work", "revert"), ("status__in", ["queued", "running"])),
                fields=("reverts",),
                name="one_active_revert_of_a_run",
            ),
        ),
    ]
