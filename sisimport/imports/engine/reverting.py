"""revert: the journal of an applied run turned round into a plan of its own, then applied like any other."""

from sisimport.imports.engine.sql import execute
from sisimport.imports.models import ImportRun


def plan_revert(run: ImportRun) -> None:
    """Write the inverse of every change that the reverted run really wrote. Guards go: what counts is whether the row is
    still as the run left it."""
    applied = run.reverts
    assert applied is not None  # noqa: S101 - a database constraint says so
    execute(
        """
        INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
        SELECT %s, c.line, c.seq, c.part, c.kind, c.object_id, c.student_id, NULL, c.after, c.before
        FROM imports_importchange c
        WHERE c.run_id = %s AND NOT EXISTS (
          SELECT 1 FROM imports_setaside a WHERE a.run_id = %s AND a.line = c.line AND a.seq = c.seq)
        """,
        [run.pk, applied.plan_run_id, applied.pk],
    )
