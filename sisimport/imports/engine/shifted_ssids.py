"""Columns of SSIDs that a spreadsheet changed.

sorted or shifted by itself     most lines have another student's SSID. Each of these is an error; the remaining lines would
                                silently give students without an SSID that of another child
sorted by itself, for students  the SSIDs are in order, and so are the numbers or names beside them, which no file has by chance.
without an SSID                 A warning for the file
filled down                     each SSID is one more than that of the line before, as a spreadsheet fills a column. A warning for
                                the file, because numbers that the state assigned in one batch may look the same
"""

from typing import Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import tell_of_file
from sisimport.imports.engine.sql import fetch_one, quoted
from sisimport.imports.models import ImportChange, ImportIssue

_FEWEST: Final = 5  # lines; fewer may be corrections
_FEWEST_STEPS: Final = 9  # between consecutive lines; siblings may have neighboring numbers
_FEW_MISSING: Final = 3
_MOST_LINES: Final = 1000  # lines examined
_EXCEPTIONS: Final = 0.05
_BESIDE: Final = {"local_number": "local numbers", "last_name": "last names"}
# What is compared from line to line: numbers by their value, names without accents and case.
_IN_ORDER: Final = {
    "ssid": "ssid::bigint",
    "local_number": "lpad(local_number, 30, '0')",
    "last_name": 'sis_loose(last_name) COLLATE "C"',
}


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
    else:
        warn_of_sorted_ssids(context)


def warn_of_sorted_ssids(context: RunContext) -> None:
    """After the plan. Warns if the SSIDs to be assigned and the local numbers or last names of their lines are both in order.

    Numbers that the state assigned one after another may be in the order of a district's own numbers: only those that are far
    apart count.
    """
    if context.lines is not None:
        return
    model = context.import_type.row_model
    fields = {field.name for field in model._meta.get_fields()}
    names = ["ssid", *(name for name in _BESIDE if name in fields)]
    order = ", ".join(
        f"{_IN_ORDER[name]} AS {name}, lag({_IN_ORDER[name]}) OVER by_line AS {name}_before" for name in names
    )
    of, far, up, down, *beside = fetch_one(
        f"""
        SELECT count(ssid_before), coalesce(max(ssid) - min(ssid) > 10 ^ (length(max(ssid)::text) - 2), false),
          {", ".join(map(_steps, names))}
        FROM (SELECT {order} FROM (
          SELECT c.line, c.after->>'ssid' AS ssid, {", ".join(f"r.{name}" for name in names[1:])} FROM imports_importchange c
          JOIN {quoted(model._meta.db_table)} r ON r.line = c.line
          WHERE c.run_id = {int(context.run.pk)} AND c.kind = '{SSID_KIND.key}' AND c.before IS NULL
            AND c.after->>'ssid' ~ '^[0-9]{{1,10}}$' ORDER BY c.line LIMIT {_MOST_LINES}
        ) AS c WINDOW by_line AS (ORDER BY line)) AS n
        """
    )
    if of < _FEWEST_STEPS or not far or of not in (up, down):
        return
    pairs = zip(names[1:], zip(beside[::2], beside[1::2], strict=True), strict=True)
    ordered = [_BESIDE[name] for name, (ups, downs) in pairs if _is_ordered(of, ups, downs)]
    if ordered:
        params = {"count": f"{of + 1:,}", "beside": " and ".join(ordered)}
        tell_of_file(context, "SSID-SORTED", field="ssid", params=params)


def _is_ordered(of: int, ups: int, downs: int) -> bool:
    """Of so many steps from line to line, with few exceptions: spreadsheets sort hyphens and accents in their own ways, and a
    list may begin again with the next school."""
    return any(4 * one > of and other <= _EXCEPTIONS * of for one, other in ((ups, downs), (downs, ups)))


def _steps(name: str) -> str:
    """SQL: how many values go up, and how many go down, from the line before."""
    return ", ".join(f"count(*) FILTER (WHERE {name} {sign} {name}_before)" for sign in "><")


def warn_of_missing_ssids(context: RunContext, *, field: str = "ssid", where: str = "true") -> None:
    """After the plan of a file with an SSID in every line (`where`: SQL, in each of these). Warns if few lines have none, as when
    the column was shifted."""
    if context.lines is not None:
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    missing, first = fetch_one(f"SELECT count(*), min(line) FROM {table} WHERE {quoted(field)} = '' AND {where}")
    planned = ImportChange.objects.filter(run=context.run, kind=SSID_KIND.key, before__isnull=True).count()
    if 0 < missing <= _FEW_MISSING and planned >= _FEWEST:
        tell_of_file(context, "SSID-GAP", field=field, params={"line": first})
