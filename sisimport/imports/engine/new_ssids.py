"""The SSIDs that a file would give to students, looked at together: what no line shows.

filled down     each SSID is one more than that of the line before, as a spreadsheet fills a column. A warning, because numbers
                that the state assigned in one batch may look the same
sorted          the SSIDs are in order, and so are the numbers or names beside them, which no file has by chance. A warning
a line too far  the SSIDs rise or fall with the birth dates of the line above or below, and not with those of their own line.
                A warning
another column  the SSIDs have the birth date, the local number or another value of their line inside. In most lines: the file is
                refused, since the state gives no such number; in a few: a warning
zeros           all of them begin or end with a zero: they were cut off or rounded. A warning
length          in Utah, where SSIDs have up to ten digits: a few have another number of digits than the others. A warning

What no file shows: SSIDs shifted by a line among new students whose birth dates are in no relation to the SSIDs, or in the same
order as the lines. Only the state's download tells whose they are.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from statistics import StatisticsError, correlation
from typing import Any, Final

from django.db import models

from sisimport.files.issues import FileError
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all, quoted
from students.models import LEA, StateProfile

_FEWEST: Final = 5  # lines; fewer may be corrections
_FEWEST_STEPS: Final = 9  # between consecutive lines; siblings may have neighboring numbers
_FEWEST_ALIKE: Final = 20  # SSIDs; of ten numbers, one ends with a zero by chance
_FEWEST_PAIRS: Final = 30  # SSIDs and birth dates; of fewer, a relation may be chance
_MOST_LINES: Final = 1000  # lines examined
_EXCEPTIONS: Final = 0.05
_TOGETHER, _APART = 0.7, 0.35  # correlation of SSIDs and birth dates, by rank
_LONG: Final = 5  # digits of another column that are inside an SSID in most lines
_VERY_LONG: Final = 8  # digits that are not there by chance in one
_USUAL: Final = 0.9
_PLACES: Final = frozenset(("lea", "school", "result_lea", "result_school"))  # one value in most lines
_BESIDE: Final = {"local_number": "local numbers", "last_name": "last names"}
_DATES: Final = ("%Y%m%d", "%m%d%Y", "%d%m%Y", "%y%m%d", "%m%d%y", "%d%m%y")
_NOT_DIGITS: Final = re.compile(r"\D")
Row = dict[str, Any]


def look_at_new_ssids(context: RunContext, *, series: bool) -> None:
    """After the plan. Raises FileError (SSID-COLUMN) if most SSIDs were made from another column; warns of the rest.

    `series`: are SSIDs that go up by one a sign of damage? The state's own files may have them.
    Lines planned again belong to a file that was already checked as a whole.
    """
    if context.lines is not None:
        return
    columns = _columns(context)
    rows = _new_ssids(context, columns)
    if not rows:
        return
    _judge_other_columns(context, rows, columns)
    if not (series and _warn_of_series(context, rows)):
        _warn_of_order(context, rows)
    _warn_of_equal_digits(context, rows)
    _warn_of_next_line(context, rows)
    _warn_of_lengths(context)


def _columns(context: RunContext) -> dict[str, str]:
    """What an SSID is compared with: field -> SQL of its value, in the line `r` or else of the student on record `s`."""
    fields = {field.name: field for field in context.import_type.row_model._meta.get_fields()}
    kinds = (models.TextField, models.DateField)
    wanted = {
        name: f"r.{name}"
        for name in context.fields
        if isinstance(fields.get(name), kinds)
        and name not in _PLACES
        and "ssid" not in name
        and "first_name" not in name
    }
    born = "coalesce(r.birth_date, s.birth_date)" if "birth_date" in wanted else "s.birth_date"
    number = "coalesce(nullif(r.local_number, ''), s.local_number)" if "local_number" in wanted else "s.local_number"
    return wanted | {"birth_date": born, "local_number": number}


def _new_ssids(context: RunContext, columns: Mapping[str, str]) -> list[Row]:
    """Line, SSID and other values of the first lines that give a student an SSID."""
    beside = ", ".join(columns.values())
    loose = "sis_loose(r.last_name)" if "last_name" in columns else "''"
    table = quoted(context.import_type.row_model._meta.db_table)
    found = fetch_all(
        f"""
        SELECT c.line, c.ssid, {loose}, {beside} FROM (
          SELECT line, student_id, after->>'ssid' AS ssid FROM imports_importchange
          WHERE run_id = {int(context.run.pk)} AND kind = '{SSID_KIND.key}' AND before IS NULL
            AND after->>'ssid' ~ '^[0-9]{{1,10}}$' ORDER BY line LIMIT {_MOST_LINES}
        ) AS c JOIN {table} r ON r.line = c.line LEFT JOIN students_student s ON s.id = c.student_id ORDER BY c.line
        """
    )
    return [dict(zip(("line", "ssid", "loose_name", *columns), row, strict=True)) for row in found]


# -- made from another column -------------------------------------------------------------------------------------------


def _judge_other_columns(context: RunContext, rows: Sequence[Row], columns: Iterable[str]) -> None:
    for name in columns:
        alike = [row for row in rows if any(_is_inside(text, row["ssid"]) for text in texts_of(row[name]))]
        in_most = len(alike) >= _FEWEST and 2 * len(alike) > len(rows)
        found = alike if in_most else [row for row in alike if _is_long(row[name])]
        if not found:
            continue
        params = {
            "count": f"{len(found):,}",
            "of": f"{len(rows):,}",
            "first": f"{found[0]['line']:,}",
            "what": _words(context, name),
        }
        if in_most:
            raise FileError("SSID-COLUMN", field="ssid", params=params)
        report_on_file(context, "SSID-LIKE", field="ssid", params=params)


def texts_of(value: Any) -> Iterator[str]:
    """How the value may be written within an identifier."""
    if isinstance(value, date):
        yield from (value.strftime(form) for form in _DATES)
    elif value:
        yield _NOT_DIGITS.sub("", value)


def _is_inside(text: str, ssid: str) -> bool:
    if len(text) >= _LONG:
        return text in ssid
    return bool(text.strip("0")) and text.lstrip("0") == ssid.lstrip("0")


def _is_long(value: Any) -> bool:
    return isinstance(value, date) or len(_NOT_DIGITS.sub("", value)) >= _VERY_LONG


def _words(context: RunContext, name: str) -> str:
    column = context.layout.fields.get(name) if context.layout is not None else None
    return column.label if column is not None else name.replace("_", " ")


# -- order ---------------------------------------------------------------------------------------------------------------


def _warn_of_series(context: RunContext, rows: Sequence[Row]) -> bool:
    """Are more than half of the SSIDs one more than the SSID before?"""
    long = [row for row in rows if len(row["ssid"]) == 10]
    steps = [after["line"] for before, after in pairwise(long) if int(after["ssid"]) == int(before["ssid"]) + 1]
    if len(steps) < _FEWEST_STEPS or 2 * len(steps) <= len(long):
        return False
    params = {"count": f"{len(steps):,}", "of": f"{len(long):,}", "first": f"{steps[0]:,}"}
    report_on_file(context, "SSID-SERIES", field="ssid", params=params)
    return True


def _warn_of_order(context: RunContext, rows: Sequence[Row]) -> None:
    """Numbers that the state assigned one after another may be in the order of a district's own numbers: only those that are far
    apart count."""
    of = len(rows) - 1
    ssids = [int(row["ssid"]) for row in rows]
    digits = len(str(max(ssids)))
    if of < _FEWEST_STEPS or max(ssids) - min(ssids) <= 10 ** (digits - 2) or of not in _steps(ssids):
        return
    in_order: dict[str, Callable[[Row], str]] = {
        "local_number": lambda row: (row["local_number"] or "").rjust(30, "0"),
        "last_name": lambda row: row["loose_name"],
    }
    ordered = [
        _BESIDE[name]
        for name, order in in_order.items()
        if any(map(order, rows)) and _is_ordered(of, *_steps([order(row) for row in rows]))
    ]
    if ordered:
        params = {"count": f"{of + 1:,}", "beside": " and ".join(ordered)}
        report_on_file(context, "SSID-SORTED", field="ssid", params=params)


def _steps(values: Sequence[Any]) -> tuple[int, int]:
    """How many values go up, and how many go down, from the line before."""
    pairs = list(pairwise(values))
    return sum(after > before for before, after in pairs), sum(after < before for before, after in pairs)


def _is_ordered(of: int, ups: int, downs: int) -> bool:
    """Of so many steps from line to line, with few exceptions: spreadsheets sort hyphens and accents in their own ways, and a
    list may begin again with the next school."""
    return any(4 * one > of and other <= _EXCEPTIONS * of for one, other in ((ups, downs), (downs, ups)))


def _warn_of_equal_digits(context: RunContext, rows: Sequence[Row]) -> None:
    """A spreadsheet keeps fifteen digits, and rounds to fewer if asked to; a column that was cut begins with zeros."""
    ssids = [row["ssid"] for row in rows]
    if len(ssids) < _FEWEST_ALIKE:
        return
    for where, signs in (("end", {ssid[-1] for ssid in ssids}), ("begin", {ssid[0] for ssid in ssids})):
        if signs == {"0"}:
            params = {"count": f"{len(ssids):,}", "where": where}
            report_on_file(context, "SSID-ZEROS", field="ssid", params=params)


def _warn_of_next_line(context: RunContext, rows: Sequence[Row]) -> None:
    pairs = [(int(row["ssid"]), row["birth_date"]) for row in rows if row["birth_date"] is not None]
    if len(pairs) < _FEWEST_PAIRS:
        return
    ssids, born = ([float(rank) for rank in _ranks(values)] for values in zip(*pairs, strict=True))
    if abs(_correlation(ssids, born)) > _APART:
        return
    above, below = _correlation(ssids[1:], born[:-1]), _correlation(ssids[:-1], born[1:])
    if max(abs(above), abs(below)) >= _TOGETHER:
        where = "above" if abs(above) > abs(below) else "below"
        report_on_file(context, "SSID-NEXT", field="ssid", params={"count": f"{len(pairs):,}", "where": where})


def _ranks(values: Sequence[Any]) -> list[int]:
    order = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return [order[value] for value in values]


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    try:
        return correlation(one, other)
    except StatisticsError:  # one value in all lines
        return 0.0


# -- length --------------------------------------------------------------------------------------------------------------


def _warn_of_lengths(context: RunContext) -> None:
    """Only of Utah: elsewhere an SSID of another length is an error of its line."""
    if not LEA.objects.filter(pk__in=context.lea_ids, state=StateProfile.UTAH).exists():
        return
    found = fetch_all(
        f"""
        SELECT length(after->>'ssid'), count(*), min(line) FROM imports_importchange
        WHERE run_id = {int(context.run.pk)} AND kind = '{SSID_KIND.key}' AND before IS NULL AND after->>'ssid' IS NOT NULL
        GROUP BY 1
        """
    )
    on_record = fetch_all(
        f"""
        SELECT length(ssid), count(*) FROM (
          SELECT ssid FROM students_ssid WHERE state = '{StateProfile.UTAH}' LIMIT {_MOST_LINES}) AS k GROUP BY 1
        """
    )
    all_of = Counter({digits: count for digits, count, _line in found}) + Counter(dict(on_record))
    usual, count = all_of.most_common(1)[0] if all_of else (0, 0)
    odd = sorted((line, digits, number) for digits, number, line in found if digits != usual)
    if not odd or count < 2 * _FEWEST or count < _USUAL * all_of.total():
        return
    line, digits, _number = odd[0]
    params = {
        "count": f"{sum(number for _, _, number in odd):,}",
        "usual": usual,
        "line": f"{line:,}",
        "digits": digits,
    }
    report_on_file(context, "SSID-LENGTH", field="ssid", params=params)
