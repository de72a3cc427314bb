"""Reads of the counted results: sums of a test and school year by school, grade and student group. One statement each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import add
from typing import Any

from django.utils import timezone

from assessments.models import ResultCount
from assessments.results.hiding import TOTAL
from assessments.scores.as_tested import counts_sql, fact_sql
from assessments.scores.result_counts import ALL, LEVEL_SQL, LEVELS
from sisimport.imports.engine.sql import fetch_all
from sisimport.runtime.row_scope import across_schools

TABLE = ResultCount._meta.db_table
_FIRST_YEAR = 2010  # by its spring; files of earlier years are not read
School = tuple[str, str]  # codes of district and school, as tested


@dataclass(slots=True)
class Sums:
    """Students of a cell. `levels`: from the lowest. `above`: points above the standard, of `measured` students."""

    tested: int = 0
    scored: int = 0
    levels: tuple[int, ...] = (0,) * LEVELS
    scale_count: int = 0
    scale_sum: int = 0
    measured: int = 0
    above: int = 0

    def add(self, other: "Sums") -> None:
        self.tested += other.tested
        self.scored += other.scored
        self.levels = tuple(map(add, self.levels, other.levels))
        self.scale_count += other.scale_count
        self.scale_sum += other.scale_sum
        self.measured += other.measured
        self.above += other.above


@dataclass(frozen=True, slots=True)
class Cell:
    """Sums of a year and LEA; `school` (its code) and `grade` are TOTAL if summed."""

    year: int
    lea: str
    school: str
    grade: str
    group: str
    sums: Sums


def sums_of(
    setups: Mapping[int, int],
    standards: Mapping[int, Mapping[str, int]],
    *,
    groups: Collection[str],
    by: Collection[str] = (),
    leas: Collection[str] | None = None,
    schools: Collection[School] | None = None,
    grades: Collection[str] = (),
) -> list[Cell]:
    """Cells of years, each with its set-up, in one statement. `standards`: by year and grade, the lowest score that
    meets it. `groups`, `leas`, `schools`, `grades`: only these. `by`: which of school and grade is reported
    separately."""
    where, params = ["c.student_group = ANY(%s)"], [list(groups)]  # type: list[str], list[Any]
    if leas is not None:
        where.append("c.lea = ANY(%s)")
        params.append(list(leas))
    if schools is not None:
        where.append("(c.lea, c.school) IN (SELECT * FROM unnest(%s::text[], %s::text[]))")
        params += [[lea for lea, _school in schools], [school for _lea, school in schools]]
    if grades:
        where.append("c.grade = ANY(%s)")
        params.append(list(grades))
    school, grade = ("c.school" if "school" in by else f"'{TOTAL}'"), ("c.grade" if "grade" in by else f"'{TOTAL}'")
    standard = _standard_sql(standards)
    levels = ", ".join(f"sum(c.level_{n})" for n in range(1, LEVELS + 1))
    # Year by year, each by the key of the table.
    rows = fetch_all(
        f"""
        SELECT y.year, r.* FROM unnest(%s::bigint[], %s::smallint[]) AS y(setup, year)
        CROSS JOIN LATERAL (
          SELECT c.lea, {school} AS school, {grade} AS grade, c.student_group, sum(c.tested), sum(c.scored), sum(c.scale_count),
            sum(c.scale_sum), coalesce(sum(c.scale_count) FILTER (WHERE {standard} IS NOT NULL), 0),
            coalesce(sum(c.scale_sum - c.scale_count * {standard}), 0), {levels}
          FROM {TABLE} c WHERE c.assessment_id = y.setup AND c.school_year = y.year AND {" AND ".join(where)}
          GROUP BY 1, 2, 3, 4
        ) AS r
        """,
        [list(setups.values()), list(setups), *params],
    )
    return [
        Cell(y, lea, school, grade, group, _sums(list(map(int, sums)))) for y, lea, school, grade, group, *sums in rows
    ]


def _sums(held: list[int]) -> Sums:
    tested, scored, scale_count, scale_sum, measured, above, *levels = held
    return Sums(tested, scored, tuple(levels), scale_count, scale_sum, measured, above)


def _standard_sql(standards: Mapping[int, Mapping[str, int]]) -> str:
    """SQL of the standard of a row's year and grade; grades are our own codes."""
    alike: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for year, cuts in standards.items():
        if cuts:
            alike.setdefault(tuple(sorted(cuts.items())), []).append(int(year))
    whens = " ".join(
        f"WHEN c.school_year IN ({', '.join(map(str, years))}) THEN CASE c.grade "
        + " ".join(f"WHEN '{grade}' THEN {int(cut)}" for grade, cut in cuts)
        + " END"
        for cuts, years in alike.items()
    )
    return f"(CASE {whens} END)" if whens else "NULL::int"


@dataclass(slots=True)
class Moves:
    """Students by how their level differs from the year before. `kept`: at the highest level in both years."""

    far_up: int = 0  # two levels and more
    up: int = 0
    kept: int = 0
    same: int = 0  # unchanged, not at the highest level
    down: int = 0

    def add(self, other: "Moves") -> None:
        self.far_up += other.far_up
        self.up += other.up
        self.kept += other.kept
        self.same += other.same
        self.down += other.down

    @property
    def progress(self) -> float | None:
        """Percent of students at least one level higher, or at the highest as before; None without students."""
        total = self.far_up + self.up + self.kept + self.same + self.down
        return 100 * (self.far_up + self.up + self.kept) / total if total else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Students of one school and grade (in the later year) who were tested in a year and the one before."""

    school: School
    grade: str
    now: Sums
    before: Sums
    moves: Moves


def pairs_of(
    setup: int,
    year: int,
    before: int,
    standards: Mapping[str, int],
    earlier_standards: Mapping[str, int],
    *,
    highest: int,
    leas: Collection[str] | None = None,
) -> list[Pair]:
    """Students who took the test in both years, `before` being the set-up of the year before, and `highest` the highest
    level. Read from the scores of the two years by index; nothing is stored. `leas`: only students tested in these.

    For all schools: a student now at another school was still tested at this one, and hiding is decided by all
    students' numbers.
    """
    where, params = "", []  # type: str, list[Any]
    if leas is not None:
        where += f" AND {fact_sql('lea', 'r.as_tested')} = ANY(%s)"
        params.append(list(leas))
    # Each year is read as a whole, and equal pairs are grouped before they are summed: little work for each of the many
    # scores.
    with across_schools():
        rows = fetch_all(
            f"""
            WITH n AS MATERIALIZED (SELECT {fact_sql("lea", "r.as_tested")} AS lea, {fact_sql("school", "r.as_tested")} AS school,
              {_SCORES_OF_A_YEAR} {where}),
            b AS MATERIALIZED (SELECT {_SCORES_OF_A_YEAR}),
            alike AS MATERIALIZED (
              SELECT n.lea, n.school, n.grade, b.grade AS was_grade, n.result AS now_result, b.result AS was_result,
                count(*) AS n, count(n.scale) AS now_scales, sum(n.scale) AS now_scale,
                count(b.scale) AS was_scales, sum(b.scale) AS was_scale
              FROM n JOIN b ON b.student_id = n.student_id GROUP BY 1, 2, 3, 4, 5, 6
            ), p AS (
              SELECT a.*, {LEVEL_SQL.format("a.now_result")} AS now_level, {LEVEL_SQL.format("a.was_result")} AS was_level
              FROM alike a
            )
            SELECT p.lea, p.school, p.grade, sum(p.n), {_pair_sums("now", standards, "p.grade")},
              {_pair_sums("was", earlier_standards, "p.was_grade")},
              {_total("p.n", "p.now_level > p.was_level + 1")}, {_total("p.n", "p.now_level = p.was_level + 1")},
              {_total("p.n", f"p.now_level = p.was_level AND p.now_level = {int(highest)}")},
              {_total("p.n", f"p.now_level = p.was_level AND p.now_level <> {int(highest)}")},
              {_total("p.n", "p.now_level < p.was_level")}
            FROM p WHERE p.now_level IS NOT NULL AND p.was_level IS NOT NULL
            GROUP BY 1, 2, 3
            """,
            [setup, year, *params, before, year - 1],
        )
    return [_pair(row) for row in rows]


_PER_SIDE = LEVELS + 4


def _pair_sums(side: str, standards: Mapping[str, int], grade: str) -> str:
    """SQL of the sums of one side: students by level, with a scale score, its sum, those with a standard, and points above it."""
    whens = " ".join(f"WHEN '{code}' THEN {int(cut)}" for code, cut in standards.items())
    standard = f"(CASE {grade} {whens} END)" if whens else "NULL::int"
    levels = (_total("p.n", f"p.{side}_level = {n}") for n in range(1, LEVELS + 1))
    return f"""{", ".join(levels)}, sum(p.{side}_scales), coalesce(sum(p.{side}_scale), 0),
          {_total(f"p.{side}_scales", f"{standard} IS NOT NULL")},
          coalesce(sum(p.{side}_scale - p.{side}_scales * {standard}), 0)"""


def _total(column: str, where: str) -> str:
    return f"coalesce(sum({column}) FILTER (WHERE {where}), 0)"


def _pair(row: Iterable[Any]) -> Pair:
    lea, school, grade, count, *rest = row
    numbers = list(map(int, rest))
    now, was, moved = numbers[:_PER_SIDE], numbers[_PER_SIDE : 2 * _PER_SIDE], numbers[2 * _PER_SIDE :]

    def sums(held: list[int]) -> Sums:
        return Sums(int(count), int(count), tuple(held[:LEVELS]), *held[LEVELS:])

    return Pair((lea, school), grade, sums(now), sums(was), Moves(*moved))


# Scores that count. Written as a CASE, because for an equality the planner would expect one in a hundred and look up
# the others one by one.
_SCORES_OF_A_YEAR = f"""r.student_id, r.grade, r.result,
          CASE WHEN r.scale_score ~ '^[0-9]{{1,4}}$' THEN r.scale_score::int END AS scale
          FROM assessments_score r WHERE r.assessment_id = %s AND r.school_year = %s AND r.as_tested <> ''
            AND CASE WHEN {counts_sql("r.as_tested")} THEN true ELSE false END"""


def held_setups() -> list[tuple[int, str, int, int]]:
    """The available results: set-up, its code, school year, students tested. Newest year first."""
    return [
        (int(pk), str(code), int(year), int(tested))
        for pk, code, year, tested in fetch_all(
            f"""
            SELECT a.id, a.state_code, y.year, r.tested
            FROM assessments_assessment a CROSS JOIN generate_series(%s, %s) AS y(year)
            CROSS JOIN LATERAL (SELECT sum(c.tested) AS tested FROM {TABLE} c
              WHERE c.assessment_id = a.id AND c.school_year = y.year AND c.student_group = '{ALL}') AS r
            WHERE a.parent_id IS NULL AND r.tested > 0 ORDER BY 3 DESC, 4 DESC, 1
            """,
            [_FIRST_YEAR, timezone.localdate().year + 1],
        )
    ]
