"""A column of SSIDs that was sorted or shifted by itself, so that most lines have another student's SSID.

Each of these is an error; the remaining lines would silently give students without an SSID that of another child.
"""

from typing import Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_one, quoted
from sisimport.imports.models import ImportIssue

_FEWEST: Final = 5  # lines; fewer may be corrections


def refuse_shifted_ssids(context: RunContext) -> None:
    """Runs after the rules. Raises FileError if more SSIDs belong to students with other birth dates than to those of the lines.

    A student who was entered twice, or whose SSID the state changed, is no sign of this. Lines planned again belong to a file
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
