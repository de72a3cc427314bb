"""The local numbers of new students, looked at together: for students on record, the record shows which number is theirs.

length          a few have more or fewer characters than nearly all numbers of the file. Not the first numbers that are longer by
                one digit where the others end, as 100000 after 99999
another column  most have the birth date, or the start of the enrollment, inside: another column stands under the heading
"""

from collections import Counter
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
_NEXT: Final = "^10[0-9]*$"  # the first numbers with one digit more


def look_at(context: RunContext) -> None:
    """After the plan. Skipped for lines planned again: their whole file was checked before."""
    if context.lines is not None:
        return
    found = fetch_all(
        f"""
        SELECT length(local_number), local_number ~ '{_NEXT}', count(*), count(*) FILTER (WHERE is_new),
          min(line) FILTER (WHERE is_new), max(local_number COLLATE "C")
        FROM staged_roster WHERE NOT refused AND local_number <> '' GROUP BY 1, 2
        """
    )
    if any(new for *_, new, _line, _last in found):
        _warn_of_lengths(context, found)
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
