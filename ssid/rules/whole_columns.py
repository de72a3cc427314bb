"""English learner dates that a spreadsheet filled down from one line: reported for the file, since each line may be right."""

from typing import Final

from sisimport.imports.definition.change_kinds import EL_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all

_FEWEST: Final = 5  # dates; fewer may be students of one class
_NEARLY_ALL: Final = 0.8
_ON_RECORD: Final = "coalesce(before->>'identified_date', before->>'exit_date', before->>'tbd_date')"


def warn_of_dates_filled_down(context: RunContext) -> None:
    """After the plan. Warns if nearly all start dates to be written for the status on record are one day, and most of them
    replace another date.

    A new status may well begin on one day for many, and new students have the date of their enrollment. Skipped for lines
    planned again.
    """
    if context.lines is not None:
        return
    found = fetch_all(
        f"""
        SELECT after->>'state_elas_date', count(*), count({_ON_RECORD}), (sum(count(*)) OVER ())::bigint
        FROM imports_importchange WHERE run_id = %s AND kind = %s AND after->>'state_elas_date' IS NOT NULL
          AND after->>'program_status' IS NOT DISTINCT FROM before->>'program_status'
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1
        """,
        [context.run.pk, EL_KIND.key],
    )
    if not found:
        return
    day, count, other, of = found[0]
    if other >= _FEWEST and 2 * other > count >= _NEARLY_ALL * of:
        params = {"count": f"{count:,}", "of": f"{of:,}", "other": f"{other:,}"}
        report_on_file(context, "ELA-ONE-DAY", field="elas_date", found=day, params=params)
