"""English learner statuses that a score file calculates: one for each student, however many lines state one.

A student has a line for each test (Initial ELPAC and its alternate form), and may have lines without a score besides
one with. The first line that states the status writes it. Lines that state different ones write none: there is no
telling which is right.
"""

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import EL_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all

_SEQ = 901  # after issues of rules


def settle_statuses(context: RunContext) -> None:
    """Leave one planned status for each student, and report lines that disagree. Looks only at the plan."""
    planned = f"imports_importchange c WHERE c.run_id = {int(context.run.pk)} AND c.kind = '{EL_KIND.key}' AND c.before IS NULL"
    if not fetch_all(f"SELECT 1 FROM {planned} GROUP BY c.student_id HAVING count(*) > 1 LIMIT 1"):
        return
    planned_sql = f"SELECT c.line, c.student_id, c.part, c.after->>'state_elas' AS elas FROM {planned}"
    execute(
        f"""
        WITH said AS ({planned_sql})
        INSERT INTO imports_importissue
          (run_id, line, seq, severity, code, part, field, found, expected, params, student_id, school_id)
        SELECT %s, a.line, {_SEQ}, {int(Severity.ERROR)}, 'AMB-ELAS', a.part, 'calculated_elas', a.elas, b.elas,
          jsonb_build_object('other_line', b.line), k.student_id, k.school_id
        FROM said a JOIN checked_line k ON k.line = a.line
        JOIN LATERAL (SELECT s.line, s.elas FROM said s WHERE s.student_id = a.student_id AND s.elas <> a.elas
          ORDER BY s.line LIMIT 1) AS b ON true
        """,
        [context.run.pk],
    )
    execute(
        f"""
        WITH said AS ({planned_sql}), left_out AS (
          SELECT line FROM (SELECT line, min(line) OVER w AS first_line, min(elas) OVER w <> max(elas) OVER w AS differ
            FROM said WINDOW w AS (PARTITION BY student_id)) AS q WHERE differ OR line > first_line)
        DELETE FROM {planned} AND c.line IN (SELECT line FROM left_out)
        """
    )
