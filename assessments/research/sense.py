"""Whether the figures of a research file can be true: within a line, compared with each other, and with those on
record.

    a line      students with scores and those tested, the percents of the levels, percent met or above
    the file    a grade or group with more students than the whole; most figures on record would change; those of another year

A spreadsheet with one column sorted or shifted separately is such a file, and so is last year's under this year's
number. Only lines that are kept are checked: those of the state, of our counties, and of our districts.
"""

from functools import cache
from typing import Final

from django.db.models import F, Q, Value
from django.utils import timezone

from assessments.models import PublicResult, PublicResultRow
from assessments.research.change_kinds import NUMBERS
from assessments.structure import HIGHEST, LOWEST, ranges_key, ranges_of, structure
from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import execute, fetch_one

FIGURES: Final = Option(
    name="figures",
    label="A file that would change most figures on record",
    default="refuse",
    choices=(
        Choice(value="refuse", label="Leave the figures on record as they are"),
        Choice(value="write", label="The file is right", hint="The state published these results again."),
    ),
)
REMEDY: Final = dict.fromkeys(("RES-REPLACED", "RES-OTHER-YEAR", "RES-PARTS", "RES-HEADINGS"), (FIGURES.name, "write"))
FIRST_YEAR: Final = 2014
ROWS: Final = PublicResultRow._meta.db_table
KEPT: Final = PublicResult._meta.db_table
_FEWEST: Final = 5  # lines; fewer may be corrections
_SHARE: Final = 0.5
_PARTS_SHARE: Final = 0.02  # of lines with more students than the whole: the state's own file has none
OFF: Final = 3  # percent by which rounding may change a sum
_ALL_GRADES, _ALL_STUDENTS = "13", "1"
_OF_THREE: Final = ("CAAELA", "CAAMATH", "CAASCI", "CSA", "ELPACI", "ELPACSA", "ELPACIA")  # tests of three levels
_OF_GRADES: Final = ("SBELA", "SBMATH", "CAAELA", "CAAMATH")  # given in these grades only
_GRADES: Final = ("3", "4", "5", "6", "7", "8", "11", _ALL_GRADES)
MET_OF_TWO: Final = "'SBELA', 'SBMATH', 'CAST'"  # whose percent met is that of levels 3 and 4
_IS_NUMBER: Final = r"'^[0-9]{1,8}(\.[0-9]{1,4})?$'"


def note_nonsense(codes: list[str]) -> None:
    """Mark kept lines whose figures contradict each other in `nonsense`; hidden figures contradict nothing."""
    levels = [number(f"level_{n}") for n in range(1, 5)]
    total = f"({' + '.join(f'coalesce({level}, 0)' for level in levels)})"
    hidden = " OR ".join(f"r.level_{n} IN ('*', 'N/A')" for n in range(1, 5))
    lost = f"num_nonnulls({', '.join(levels[:3])}) IN (1, 2) AND '' IN (r.level_1, r.level_2, r.level_3)"
    met = f"abs({number('met')} - ({levels[2]} + {levels[3]}))"
    execute(
        f"""
        UPDATE {ROWS} r SET nonsense = CASE WHEN {number("scored")} > {number("tested")} THEN 'scored'
          WHEN {number("scored")} = 0 AND {number("mean")} > 0 THEN 'scored'
          WHEN {lost} OR {total} > 100 + {OFF} OR {total} > 0 AND {total} < 100 - {OFF} AND NOT ({hidden}) THEN 'levels'
          WHEN r.test IN ({_quoted(_OF_GRADES)}) AND r.grade_code NOT IN ({_quoted(_GRADES)}) THEN 'grade'
          WHEN r.test IN ({_quoted(_OF_THREE)}) AND {levels[3]} > 0 THEN 'level_4'
          WHEN r.test IN ({MET_OF_TWO}) AND {met} > {OFF} THEN 'met'
          WHEN {number("scored")} > 0 AND {number("mean")} NOT BETWEEN {_bounds("min")} AND {_bounds("max")} THEN 'mean'
          ELSE '' END
        WHERE r.lea_code = ANY(%s)
        """,
        [codes],
    )


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _bounds(which: str) -> str:
    """SQL: the lowest or highest scale score that the test ever had in any grade."""
    found = _all_bounds(timezone.localdate().year)
    whens = " ".join(f"WHEN '{test}' THEN {bounds[which == 'max']}" for test, bounds in found.items())
    return f"(CASE r.test {whens} END)"


@cache
def _all_bounds(newest: int) -> dict[str, tuple[int, int]]:
    """By test, of all school years up to the one that ends in `newest`."""
    found = {}
    for test in structure()["tests"]:
        ranges = [one for year in range(FIRST_YEAR, newest + 1) for one in ranges_of(ranges_key(test, year), year)]
        lowest, highest = (
            min((r.lowest for r in ranges), default=LOWEST),
            max((r.highest for r in ranges), default=HIGHEST),
        )
        found[test] = (lowest, highest) if ranges_key(test, newest) else (LOWEST, HIGHEST)
    return found


def number(name: str, alias: str = "r") -> str:
    """SQL: a figure as a number; null if it is hidden or missing."""
    return f"(CASE WHEN {alias}.{name} ~ {_IS_NUMBER} THEN {alias}.{name}::numeric END)"


def rules(kept: Q) -> list[Rule]:
    expectations = (
        ("scored", "scored", Severity.ERROR, "no more students than were tested"),
        ("levels", "level_1", Severity.ERROR, "levels that add up to 100 percent"),
        ("level_4", "level_4", Severity.ERROR, "nothing, because the test has three levels"),
        ("grade", "grade", Severity.ERROR, "a grade in which the test is given (3 to 8, 11), or 13 for all"),
        ("mean", "mean", Severity.WARNING, "a scale score that this test can have"),
        (
            "met",
            "met",
            Severity.WARNING,
            "the sum of the two highest levels",
        ),  # levels are kept; there is no telling which is wrong
    )
    found = [
        Rule(number="PR-7", code="RES-NONSENSE", severity=severity, field=field, when=Q(nonsense=word), found=F(field),
             expected=Value(expected), needs_student=False)
        for word, field, severity, expected in expectations
    ]  # fmt: skip
    for name in ("scored", "mean", "met"):
        other = kept & Q(held__id__isnull=False) & Q(Differs(F(name), F(f"held__{name}")))
        found.append(Rule(number="PR-9", code="RES-CHANGED", severity=Severity.WARNING, field=name, when=other, found=F(name),
                          expected=F(f"held__{name}"), needs_student=False))  # fmt: skip
    return found


def year_rule() -> Rule:
    year = timezone.localdate().year
    odd = Q(test_year__regex=r"^20[0-9]{2}$") & ~Q(test_year__in=[str(n) for n in range(FIRST_YEAR, year + 1)])
    return Rule(number="PR-8", code="RES-YEAR", severity=Severity.ERROR, field="test_year", when=odd, found=F("test_year"),
                expected=Value(f"{FIRST_YEAR} to {year}"), needs_student=False)  # fmt: skip


def name_rules(kept: Q, older: Q) -> list[Rule]:
    """A place without a name would get the name of the one above it; a name that differs from the record is
    reported."""
    found = [
        Rule(number="PR-10", code="FILE-REQUIRED", severity=Severity.ERROR, field=name, needs_student=False, found=Value(""),
             expected=Value("a value"), when=kept & Q(**{f"{code}__regex": "[1-9]", name: ""}))
        for code, name in (("school", "school_name"), ("district", "district_name"))
    ]  # fmt: skip
    found += [
        Rule(number="PR-11", code="RES-NONSENSE", severity=Severity.ERROR, field=name, needs_student=False, found=F(name),
             expected=Value("a name, which has letters"), when=kept & ~Q(**{name: ""}) & ~Q(**{f"{name}__regex": "[[:alpha:]]"}))
        for name in ("county_name", "district_name", "school_name")
    ]  # fmt: skip
    other = kept & ~older & Q(held__id__isnull=False) & Q(Differs(F("name"), F("held__name")))
    found.append(Rule(number="PR-9", code="RES-CHANGED", severity=Severity.WARNING, field="name", when=other, found=F("name"),
                      expected=F("held__name"), needs_student=False))  # fmt: skip
    return found


def refuse_other_figures(context: RunContext, codes: list[str]) -> None:
    """Raises FileError for a file in which most figures cannot be those of its places and year.

    Skipped for lines planned again: their whole file was checked before.
    """
    if not may_refuse(context):
        return
    _refuse_parts(codes)
    _refuse_replaced(codes)
    _refuse_other_year(codes)


def may_refuse(context: RunContext) -> bool:
    """Not lines planned again, whose whole file was checked before, nor a file that a person confirmed."""
    return context.lines is None and context.option(FIGURES.name) != "write"


def _refuse_parts(codes: list[str]) -> None:
    wholes = (("grade_code", _ALL_GRADES, "group_code"), ("group_code", _ALL_STUDENTS, "grade_code"))
    for part, whole, other in wholes:
        of, more, line = fetch_one(
            f"""
            SELECT count(*), count(*) FILTER (WHERE {number("tested")} > w.tested),
              min(r.line) FILTER (WHERE {number("tested")} > w.tested)
            FROM {ROWS} r JOIN (
              SELECT a.place, a.test, a.test_year, a.{other} AS other, max({number("tested", "a")}) AS tested FROM {ROWS} a
              WHERE a.lea_code = ANY(%s) AND a.{part} = '{whole}' GROUP BY 1, 2, 3, 4
            ) w ON w.place = r.place AND w.test = r.test AND w.test_year = r.test_year AND w.other = r.{other}
            WHERE r.lea_code = ANY(%s) AND NOT r.refused AND r.{part} <> '{whole}'
            """,
            [codes, codes],
        )
        if more >= _FEWEST and more > _PARTS_SHARE * of:
            raise FileError("RES-PARTS", params={"count": f"{more:,}", "of": f"{of:,}", "first": f"{line:,}"})
    _refuse_parts_of_places(codes)


def _refuse_parts_of_places(codes: list[str]) -> None:
    """More students of a district than of its county, of a county than of the state, of a school than of its district: a school
    that is not on record may be a charter, which the district's numbers leave out."""
    county = "left(r.place, 2) || repeat('0', 12)"
    of, more, line = fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE {number("tested")} > {number("tested", "w")}),
          min(r.line) FILTER (WHERE {number("tested")} > {number("tested", "w")})
        FROM {ROWS} r JOIN {ROWS} w ON w.test = r.test AND w.test_year = r.test_year AND w.group_code = r.group_code
          AND w.grade_code = r.grade_code AND NOT w.refused AND w.place = CASE
            WHEN right(r.place, 7) <> '0000000' THEN CASE WHEN EXISTS (
                SELECT 1 FROM students_school k JOIN students_lea l ON l.id = k.lea_id
                WHERE lpad(l.code, 7, '0') = r.lea_code AND lpad(k.code, 7, '0') = right(r.place, 7))
              THEN left(r.place, 7) || '0000000' ELSE {county} END
            WHEN right(r.lea_code, 5) <> '00000' THEN {county}
            WHEN r.lea_code <> '0000000' THEN repeat('0', 14) END
        WHERE r.lea_code = ANY(%s) AND w.lea_code = ANY(%s) AND NOT r.refused
        """,
        [codes, codes],
    )
    if more >= _FEWEST and more > _PARTS_SHARE * of:
        raise FileError("RES-PARTS", params={"count": f"{more:,}", "of": f"{of:,}", "first": f"{line:,}"})


def _refuse_replaced(codes: list[str]) -> None:
    of, other = fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE {_figures("r")} <> {_figures("h")})
        FROM {ROWS} r JOIN {KEPT} h ON h.key = r.key WHERE r.lea_code = ANY(%s) AND NOT r.refused
        """,
        [codes],
    )
    if other >= _FEWEST and other > _SHARE * of:
        raise FileError("RES-REPLACED", params={"count": f"{other:,}", "of": f"{of:,}"})


def _refuse_other_year(codes: list[str]) -> None:
    """Refuses the same figures for the same places under another year: one of the two has the wrong year."""
    of, same, year = fetch_one(
        f"""
        SELECT count(*), count(*) FILTER (WHERE {_figures("r")} = {_figures("h")}), max(h.school_year)
        FROM {ROWS} r JOIN {KEPT} h ON h.place = r.place AND h.test = r.test AND h.student_group = r.group_code
          AND h.grade = r.grade_code AND h.school_year::text <> r.test_year AND r.test_year ~ '^20[0-9]{{2}}$'
        WHERE r.lea_code = ANY(%s) AND NOT r.refused AND r.scored ~ '^[0-9]+$'
        """,
        [codes],
    )
    if same >= _FEWEST and same > _SHARE * of:
        raise FileError("RES-OTHER-YEAR", found=str(year), params={"count": f"{same:,}", "of": f"{of:,}"})


def _figures(alias: str) -> str:
    return "(" + ", ".join(f"{alias}.{name}" for name in NUMBERS) + ")"
