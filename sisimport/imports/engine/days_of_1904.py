"""Day numbers that a workbook counted from 1904: read as those of 1900 they are four years and a day too early, and each line
alone may be right. Dates on record tell.
"""

from typing import Any, Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_one, quoted
from sisimport.imports.models import ImportIssue

_BETWEEN: Final = 1462  # days between the first days of both ways to count
_FEWEST: Final = 5
_EL: Final = (
    "EXISTS (SELECT 1 FROM students_elrecord e WHERE e.student_id = s.id"
    " AND {day} IN (e.identified_date, e.tbd_date, e.exit_date, e.state_elas_date))"
)
_STAY: Final = "EXISTS (SELECT 1 FROM students_enrollment e WHERE e.student_id = s.id AND e.{column} = {day})"
# SQL: this day is on record for student `s`, by the field of a file.
_ON_RECORD: Final[dict[str, str]] = {
    "birth_date": "s.birth_date = {day}",
    "enrollment_start": _STAY.replace("{column}", "start_date"),
    "enrollment_exit": _STAY.replace("{column}", "exit_date"),
    **dict.fromkeys(("elas_date", "el_identified_date", "el_tbd_date", "el_exit_date"), _EL),
}


def refuse_days_of_1904(context: RunContext) -> None:
    """Runs after the rules. Raises FileError if more day numbers of a column are on record as days from 1904 than from 1900."""
    if context.lines is not None:
        return
    numbers = ImportIssue.objects.filter(run=context.run.pk, code="FILE-DAY-NUMBER", line__gt=0)
    for field in numbers.values_list("field", flat=True).distinct():
        if field in _ON_RECORD:
            _judge(context, field)


def _judge(context: RunContext, field: str) -> None:
    of, right, later = _counts(context, field)
    if later >= _FEWEST and later > right:
        what = "English learner dates" if _ON_RECORD[field] == _EL else f"{field.replace('_', ' ')} dates"
        params = {"what": what.replace("date dates", "dates")}
        raise FileError("FILE-DAYS-1904", field=field, found=f"{later:,}", expected=f"{of:,}", params=params)


def _counts(context: RunContext, field: str) -> Any:
    table, day = quoted(context.import_type.row_model._meta.db_table), f"r.{quoted(field)}"
    right, later = (_ON_RECORD[field].format(day=one) for one in (day, f"({day} + {_BETWEEN})"))
    return fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE {right}), count(*) FILTER (WHERE {later})
        FROM imports_importissue i JOIN {table} r ON r.line = i.line
        JOIN students_student s ON s.lea_id = r.lea_id AND s.local_number = r.local_number
        WHERE i.run_id = %s AND i.code = 'FILE-DAY-NUMBER' AND i.field = %s
        """,
        [context.run.pk, field],
    )
