"""Columns of a score file that were filled down: every line has the same value, which alone is a valid one.

    scores, levels    of the lowest and of the highest students of a test at once, in no file of the state; in every line, or from
                      some line on
    grade             of students whose ages are years apart
    who was tested    in so many lines that some would differ in any district; genders, other than on record in many lines

A small school may well have one grade, one group or no homeless student, so each needs evidence of its own. Where a column of
scores does vary, how it goes with the others tells (whole_columns.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assessments.models import ScoreRow
from assessments.scores.as_tested import FACTS
from assessments.scores.repeats import SCORED
from assessments.scores.years import date_fields
from assessments.structure import Part, family_of, no_score
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_all, fetch_one, quoted

ROWS = ScoreRow._meta.db_table
_AT_AN_END: Final = 3  # students at the lowest level, and as many at the highest
LONG_RUN: Final = 60  # lines
_AS_DIFFERENT: Final = 0.75  # the share of students at either end, by that in the whole file
# Between the older and the younger students of one grade, without a tenth of them on either side.
_YEARS_APART: Final = 3.5
_LAST_GRADE: Final = 12  # students stay in it until they are 22
_FEW, _SOME, _MANY, _VERY_MANY = 30, 500, 1_000, 2_000  # lines
_FIRST, _ENDLESS = _FEW, 10**9
_OTHER_SCHOOL: Final = 0.2
_OTHER_GENDER, _FEWEST_OTHERS = 0.2, 10


@dataclass(frozen=True)
class _Alike:
    """Fewest lines in which a fact does not have one value by chance. `values`: only these; `families`: only in their files."""

    lines: int
    values: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


_SCHOOLS: Final = ("school", "tested_school")
_COMPARED: Final = (*_SCHOOLS, "gender")
_PLACES: Final = {fact.name: n for n, fact in enumerate(FACTS, 1)}
_YES, _NO = ("Y",), ("N",)
_ELPAC: Final = ("elpac-summative", "elpac-initial")
# Judgments: far above what any school, and most districts, could have. That nobody is homeless, in foster care, migrant or
# military is nothing unusual.
_TELLING: Final[Mapping[str, tuple[_Alike, ...]]] = {
    "include": (_Alike(_FEW, ("N", "E", "T", "R")),),
    "ethnicity": (_Alike(_MANY),),
    "elas": (_Alike(_FEW, ("EO",), _ELPAC), _Alike(_FEW, ("RFEP",), _ELPAC), _Alike(_MANY, families=("caaspp",))),
    "disadvantaged": (_Alike(_VERY_MANY, _YES), _Alike(_MANY, _NO)),
    "disability": (_Alike(_MANY, _YES), _Alike(_SOME, _NO)),
    "homeless": (_Alike(_MANY, _YES),),
    "foster": (_Alike(_MANY, _YES),),
    "migrant": (_Alike(_MANY, _YES),),
    "military": (_Alike(_MANY, _YES),),
}


def levels_of(part: Part) -> list[str]:
    """Codes of the levels of a part, the lowest first."""
    return [code for code in reversed(list(part.results or {})) if code not in {*no_score(), "E"}]


def first_of_run(rows: Sequence[Sequence[Any]], column: int, levels: int) -> int:
    """The line from which on a column has one value in a long run of lines, although the students there differ as much as all do;
    0 if there is none. `rows`: line, level of the whole test (1 to `levels`), and the columns, by line.

    In a file that was sorted by the column, students of one value are alike.
    """
    held = [row for row in rows if row[column] is not None]
    start = begin = length = 0
    for at, row in enumerate(held):
        if row[column] != held[start][column]:
            start = at
        if at + 1 - start > length:
            begin, length = start, at + 1 - start
    if length < LONG_RUN or levels < 2:
        return 0
    for end in (1, levels):
        here, everywhere = (sum(row[1] == end for row in some) for some in (held[begin : begin + length], held))
        if here < _AT_AN_END or here * len(held) < _AS_DIFFERENT * everywhere * length:
            return 0
    return int(held[begin][0])


def ends_sql(level: str, column: str, levels: int) -> str:
    """SQL aggregate: of the rows that have the `column`, some have the lowest and some the highest `level` (1 to `levels`)."""
    if levels < 2:
        return "false"
    counts = (f"count({column}) FILTER (WHERE {level} = {end})" for end in (1, levels))
    return f"least({', '.join(counts)}) >= {_AT_AN_END}"


def ages_sql(days: str, grade: str) -> str:
    """SQL aggregate: the ages of students, in `days`, are too far apart for one `grade`."""
    share = "percentile_cont({}) WITHIN GROUP (ORDER BY " + days + ")"
    return f"max({grade}) < {_LAST_GRADE} AND {share.format(0.9)} - {share.format(0.1)} > {int(_YEARS_APART * 365)}"


def filled_facts(context: RunContext, some: str) -> dict[str, str]:
    """Facts about the students or their tests that were filled down, by name -> in words. `some`: SQL that limits the lines.

    The first lines tell which facts may be: in most files none, and then no others are looked at.
    """
    assert context.layout is not None  # noqa: S101 - a staged file has one
    family = family_of(context.layout.key)
    days = ", ".join(f"r.{quoted(name)}" for name in date_fields(context)) or "NULL::date"
    scored = f"FROM {ROWS} r {some} WHERE {SCORED}"
    first = fetch_all(f"SELECT string_to_array(r.as_tested, ','), coalesce({days}) {scored} LIMIT {_FIRST}")
    may_be = [
        name
        for name, value in _alike(first).items()
        if name in _COMPARED or is_filled_down(name, value, _ENDLESS, family)
    ]
    if len(first) < _FIRST or not (may_be or len({day for _cells, day in first}) == 1):
        return {}
    # Each text is taken apart once (OFFSET 0), and there are far fewer texts than lines.
    ranges = ", ".join(f"min(f[{_PLACES[name]}]), max(f[{_PLACES[name]}])" for name in may_be) or "NULL"
    school, tested = (f"f[{_PLACES[name]}]" for name in _SCHOOLS)
    lines, first_day, last_day, elsewhere, *ends = fetch_one(
        f"""
        SELECT coalesce(sum(n), 0)::int, min(first), max(last),
          coalesce(sum(n) FILTER (WHERE {school} <> {tested} AND {school} <> '' AND {tested} <> ''), 0)::int, {ranges}
        FROM (
          SELECT string_to_array(g.as_tested, ',') AS f, g.n, g.first, g.last FROM (
            SELECT r.as_tested, count(*) AS n, min(coalesce({days})) AS first, max(coalesce({days})) AS last
            {scored} GROUP BY 1) AS g
          OFFSET 0) AS q
        """
    )
    alike = {name: low for name, low, high in zip(may_be, ends[::2], ends[1::2], strict=False) if low and low == high}
    names = [name for name, value in alike.items() if is_filled_down(name, value, lines, family)]
    names += [name for name in _SCHOOLS if name in alike and elsewhere > _OTHER_SCHOOL * lines]
    names += [name for name in ("gender",) if name in alike and _other_gender(some, alike[name])]
    found = {name: f"{_label(name)} ({alike[name]})" for name in names}
    return found | ({"": f"test date ({first_day})"} if lines >= _MANY and first_day == last_day else {})


def _alike(first: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Facts that have one value in all these lines."""
    columns = zip(*(cells for cells, _day in first if cells), strict=True)
    return {
        name: min(column)
        for name, column in zip(_PLACES, columns, strict=False)
        if min(column) and min(column) == max(column)
    }


def _label(name: str) -> str:
    return next(fact.label for fact in FACTS if fact.name == name)


def is_filled_down(name: str, value: str, lines: int, family: str) -> bool:
    """Whether a fact that has one value in all of so many lines was filled down. `family`: of the file."""
    return any(
        lines >= alike.lines and family in (alike.families or [family]) and value in (alike.values or [value])
        for alike in _TELLING.get(name, ())
    )


def _other_gender(some: str, gender: str) -> bool:
    """The genders of a girls' school are those on record; of a column that was filled down, half of them are not."""
    with_gender, other = fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE s.gender <> %s) FROM {ROWS} r {some}
        JOIN students_ssid h ON h.state = r.state AND h.ssid = r.ssid JOIN students_student s ON s.id = h.student_id
        WHERE {SCORED} AND s.gender <> ''
        """,
        [gender],
    )
    return bool(other >= _FEWEST_OTHERS and other > _OTHER_GENDER * with_gender)
