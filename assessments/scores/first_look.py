"""What one look at all lines of a file shows: whether a step of `prepare`, or a finding about the file, has anything to look for.

Nearly every file has nothing of the kind. Each step alone would read all lines again to find that out; where this look
finds something, the step does, and decides.
"""

from dataclasses import dataclass
from typing import Final

from assessments.models import ScoreRow
from assessments.scores import years
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import compiled, fetch_one

_NOTE: Final = "first_look"


@dataclass(frozen=True, slots=True)
class FirstLook:
    """`blank_uins`, `first_blank`: scored lines without UIN, and the first of them. The rest: is there any line with a UIN
    that a spreadsheet may have damaged; with a flag of another year; with a test date outside the school year, or, if
    it has scores, without any; with scores beside a condition code. `ungraded`: with scores and a blank grade."""

    blank_uins: int
    first_blank: int | None
    damaged_uins: bool
    flagged: bool
    odd_dates: bool
    coded: bool
    ungraded: bool


def look(context: RunContext) -> None:
    """Take the look, before any step changes a line."""
    first, last = years.bounds(context)
    # The date is an expression of several columns, so it is named once: outside is what is further from the middle than the ends.
    outside = f"abs(2 * (d.date - '{first}'::date) - {(last - first).days}) > {(last - first).days}"
    dated, params = compiled(ScoreRow.objects.annotate(on=years.score_date(context)).values_list(*_COLUMNS, "on"))
    blank, scored = "d.uin = '' AND d.skipped = 0 AND NOT d.refused", "d.skipped = 0"
    found = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE {blank}), min(d.line) FILTER (WHERE {blank}),
          {_any("d.uin LIKE '%%E%%' OR d.uin LIKE '%%e%%' OR d.uin LIKE '=%%'")},
          {_any("d.current_year_flag NOT IN ('', 'Y')")},
          {_any(f"NOT d.refused AND coalesce({outside}, {scored})")},
          {_any(f"{scored} AND d.condition_code <> ''")},
          {_any(f"{scored} AND d.grade_assessed = ''")}
        FROM ({dated}) AS d({", ".join(_COLUMNS)}, date)
        """,
        [*params],
    )
    context.notes[_NOTE] = FirstLook(*found)


_COLUMNS: Final = ("line", "refused", "skipped", "uin", "current_year_flag", "condition_code", "grade_assessed")


def _any(condition: str) -> str:
    return f"coalesce(bool_or({condition}), false)"


def seen(context: RunContext) -> FirstLook:
    found: FirstLook = context.notes[_NOTE]
    return found
