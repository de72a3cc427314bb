"""Columns of SSIDs that were shifted or sorted separately, as the record shows it: most lines have another student's SSID.

Each of these is an error; the remaining lines would silently give students without an SSID that of another child.
"""

from typing import Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_one, quoted
from sisimport.imports.models import ImportChange, ImportIssue

_FEWEST: Final = 5  # lines; fewer may be corrections
_FEW_MISSING: Final = 3


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


def warn_of_missing_ssids(context: RunContext, *, field: str = "ssid", where: str = "true") -> None:
    """After the plan of a file with an SSID in every line (`where`: SQL, in each of these). Warns if few lines have none, as when
    the column was shifted."""
    if context.lines is not None:
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    missing, first = fetch_one(f"SELECT count(*), min(line) FROM {table} WHERE {quoted(field)} = '' AND {where}")
    planned = ImportChange.objects.filter(run=context.run, kind=SSID_KIND.key, before__isnull=True).count()
    if 0 < missing <= _FEW_MISSING and planned >= _FEWEST:
        report_on_file(context, "SSID-GAP", field=field, params={"line": first})
