"""The local numbers and birth dates of new students, looked at together: of others, the record shows which are theirs.

length          a few have more or fewer characters than nearly all numbers of the file. Not the first numbers that are longer by
                one digit where the others end, as 100000 after 99999
letters         O, I or l among digits. A warning
another column  most have the birth date, or the start of the enrollment, inside: another column stands under the heading
"""

from collections import Counter
from datetime import date
from typing import Final

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.new_ssids import texts_of
from sisimport.imports.engine.sql import fetch_all

_FEWEST: Final = 20  # lines with a usual length
_FEWEST_ALIKE: Final = 5
_USUAL: Final = 0.95
_FEW, _FEW_SHARE = 3, 0.01
_MOST_LINES: Final = 1000  # lines examined for values of other columns
_DATES: Final = {"birth_date": "birth date", "enrollment_start": "enrollment start date"}
_LIKE_DIGITS: Final = "is_new AND local_number ~ '^[0-9OIl]*[0-9][OIl][0-9OIl]*$'"
_NEXT: Final = "^10[0-9]*$"  # the first numbers with one digit more


def look_at(context: RunContext) -> None:
    """After the plan. Skipped for lines planned again: their whole file was checked before."""
    if context.lines is not None:
        return
    found = fetch_all(
        f"""
        SELECT length(local_number), local_number ~ '{_NEXT}', count(*), count(*) FILTER (WHERE is_new),
          min(line) FILTER (WHERE is_new), max(local_number COLLATE "C"),
          count(*) FILTER (WHERE {_LIKE_DIGITS}), min(line) FILTER (WHERE {_LIKE_DIGITS}),
          min(extract(day FROM birth_date)) FILTER (WHERE is_new)::int,
          max(extract(day FROM birth_date)) FILTER (WHERE is_new)::int,
          min(birth_date) FILTER (WHERE is_new), max(birth_date) FILTER (WHERE is_new)
        FROM staged_roster WHERE NOT refused AND local_number <> '' GROUP BY 1, 2
        """
    )
    if any(row[3] for row in found):
        _warn_of_lengths(context, [row[:6] for row in found])
        _warn_of_letters(context, [row[6:8] for row in found if row[6]])
        _warn_of_days(context, [(row[3], *row[8:]) for row in found if row[8] is not None])
        _warn_of_other_columns(context)


def _warn_of_lengths(context: RunContext, found: list[tuple[int, bool, int, int, int, str]]) -> None:
    lengths: Counter[int] = Counter()
    for length, _next, count, *_ in found:
        lengths[length] += count
    usual, count = lengths.most_common(1)[0]
    used_up = any(last.startswith("9") for length, *_, last in found if length == usual)
    odd = sorted(
        (line, length, new)
        for length, is_next, _count, new, line, _last in found
        if new and length != usual and not (used_up and is_next and length == usual + 1)
    )
    number = sum(new for _line, _length, new in odd)
    of = lengths.total()
    if odd and count >= max(_FEWEST, _USUAL * of) and number <= max(_FEW, _FEW_SHARE * of):
        line, length, _new = odd[0]
        params = {"count": f"{number:,}", "usual": usual, "line": f"{line:,}", "digits": length}
        report_on_file(context, "NUMBER-LENGTH", field="local_number", params=params)


def _warn_of_letters(context: RunContext, found: list[tuple[int, int]]) -> None:
    if found:
        params = {
            "count": f"{sum(count for count, _line in found):,}",
            "line": f"{min(line for _count, line in found):,}",
        }
        report_on_file(context, "NUMBER-LETTER", field="local_number", params=params)


def _warn_of_days(context: RunContext, found: list[tuple[int, int, int, date, date]]) -> None:
    """Found: how many new students, the first and last day of a month on which they were born, and the first and last date. One
    date for all is reported with the other columns (COLUMN-BORN)."""
    days = {day for _count, first, last, *_ in found for day in (first, last)}
    dates = {born for *_, oldest, youngest in found for born in (oldest, youngest)}
    count = sum(new for new, *_ in found)
    if len(days) == 1 < len(dates) and count >= _FEWEST:
        params = {"count": f"{count:,}"}
        report_on_file(context, "BORN-ALIKE", field="birth_date", found=f"{days.pop()}", params=params)


def _warn_of_other_columns(context: RunContext) -> None:
    dates = [name for name in _DATES if name in context.fields]
    rows = fetch_all(
        f"SELECT line, local_number{''.join(f', {name}' for name in dates)} FROM staged_roster WHERE is_new AND NOT refused"
        f" ORDER BY line LIMIT {_MOST_LINES}"
    )
    for at, name in enumerate(dates):
        lines = [row[0] for row in rows if any(text in row[1] for text in texts_of(row[at + 2]))]
        if len(lines) >= _FEWEST_ALIKE and 2 * len(lines) > len(rows):
            params = {
                "count": f"{len(lines):,}",
                "of": f"{len(rows):,}",
                "first": f"{lines[0]:,}",
                "what": _DATES[name],
            }
            report_on_file(context, "NUMBER-LIKE", field="local_number", params=params)
