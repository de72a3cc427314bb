"""Columns of SSIDs that a spreadsheet changed.

sorted or shifted by itself     most lines have another student's SSID. Each of these is an error; the remaining lines would
                                silently give students without an SSID that of another child
filled down                     each SSID is one more than that of the line before, as a spreadsheet fills a column. A warning for
                                the file, because numbers that the state assigned in one batch may look the same
"""

from typing import Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import tell_of_file
from sisimport.imports.engine.sql import fetch_one, quoted
from sisimport.imports.models import ImportIssue

_FEWEST: Final = 5  # lines; fewer may be corrections
_FEWEST_STEPS: Final = 9  # between consecutive lines; siblings may have neighboring numbers
_MOST_LINES: Final = 1000  # lines examined


def refuse_shifted_ssids(context: RunContext) -> None:
    """Runs after the rules. Raises FileError if more SSIDs belong to students with other birth dates than to those of the lines.

    A student who was entered twice, or whose SSID the state changed, is not a sign of this. Lines planned again belong to a file
    that was already checked as a whole.
    """
    if context.lines is not None:
        return
    issues = ImportIssue.objects.filter(run=context.run.pk, code="SSID-TAKEN", line__gt=0)
    if issues.values("line").distinct().count() < _FEWEST:
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    right, wrong = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE s.local_number = r.local_number),
          count(*) FILTER (WHERE s.local_number <> r.local_number AND s.birth_date <> r.birth_date)
        FROM {table} r JOIN students_ssid k ON k.ssid = r.ssid AND k.retired_at IS NULL
        JOIN students_student s ON s.id = k.student_id
        """
    )
    if wrong >= _FEWEST and wrong > right:
        raise FileError("SSID-SHIFTED", field="ssid", params={"count": f"{wrong:,}", "of": f"{right + wrong:,}"})


def warn_of_ssids_filled_down(context: RunContext) -> None:
    """After the plan. Warns if more than half of the SSIDs to be assigned are one more than the SSID before."""
    if context.lines is not None:
        return
    of, steps, first = fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE n.ssid = n.before + 1), min(n.line) FILTER (WHERE n.ssid = n.before + 1)
        FROM (SELECT c.line, c.ssid, lag(c.ssid) OVER (ORDER BY c.line) AS before FROM (
          SELECT line, (after->>'ssid')::bigint AS ssid FROM imports_importchange
          WHERE run_id = {int(context.run.pk)} AND kind = '{SSID_KIND.key}' AND before IS NULL AND length(after->>'ssid') = 10
          ORDER BY line LIMIT {_MOST_LINES}
        ) AS c) AS n
        """
    )
    if steps >= _FEWEST_STEPS and 2 * steps > of:
        params = {"count": f"{steps:,}", "of": f"{of:,}", "first": f"{first:,}"}
        tell_of_file(context, "SSID-SERIES", field="ssid", params=params)
