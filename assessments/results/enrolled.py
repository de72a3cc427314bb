"""Students enrolled when a test was given, from the enrollments on record, for comparison with the numbers of tested
students.

Students enrolled on May 1 of the school year are counted once, at their latest school, if their grade takes the test;
for the ELPAC, if they were English learners that day. An enrollment has the grade of its last day, or of today: for
each school year before that, the student was a grade lower.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from django.utils import timezone

from assessments.results.counts import School
from assessments.results.hiding import TOTAL
from assessments.results.shapes import At, Choice, Reader
from assessments.scores.result_counts import ALL
from sisimport.imports.engine.sql import fetch_all
from students.models import ELRecord, Enrollment, ProgramStatus
from students.models import School as SchoolOnRecord
from students.school_years import year_label

_CODE = 7  # digits of the code of a district or school in the state's files
_EVER = 9999  # a school year that never comes


@dataclass(frozen=True, slots=True)
class Rule:
    """Who must take a test. `grades`: all students of these. `whole`: no other grade takes it. `learners`: in these
    grades, English learners."""

    grades: tuple[str, ...]
    whole: bool = True
    learners: bool = False


_SMARTER_BALANCED = Rule(("03", "04", "05", "06", "07", "08", "11"))
# For other tests, nothing on record says who must take them.
RULES: Mapping[str, Rule] = {
    "SBELA": _SMARTER_BALANCED,
    "SBMATH": _SMARTER_BALANCED,
    "CAST": Rule(("05", "08"), whole=False),  # and once in high school
    "ELPACS": Rule(("KN", *(f"{n:02d}" for n in range(1, 13))), learners=True),
}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Students by cell, for a choice. `years`: those with enrollments on record."""

    rule: Rule
    choice: Choice
    sums: Mapping[At, int]
    years: frozenset[int]
    only_lea: str  # for scores that do not name their district

    def at(self, at: At) -> int | None:
        """The number; None if it is not on record, or if nothing says who must take the test."""
        grades = [at.grade] if at.grade != TOTAL else self.choice.grades
        if at.group != ALL or any(grade not in self.rule.grades for grade in grades):
            return None
        if not grades and not self.rule.whole:
            return None
        if isinstance(at.school, tuple) and not at.school[0]:
            at = replace(at, school=(self.only_lea, at.school[1]))
        return self.sums.get(at)


def enrolled_for(
    choice: Choice, reader: Reader, years: Collection[int], leas: Collection[str], *, today: dt.date | None = None
) -> Enrolled | None:
    """For these years and the part of these LEAs that the reader may see; None for a test for which it is unknown who
    must take it."""
    rule = RULES.get(choice.test)
    if rule is None:
        return None
    ours = {lea for lea in leas if lea}
    only_lea = next(iter(ours)) if len(ours) == 1 else ""
    chosen = {(lea or only_lea, code) for lea, code in choice.schools}
    may = None if reader.reads_all or reader.schools is None else reader.schools
    codes = _codes()
    sums: dict[At, int] = {}
    found = set()
    for pk, year, grade, count in _counts(rule, sorted(years), today or timezone.localdate()):
        found.add(year)
        school = codes.get(pk, ("", ""))
        if school[0] not in ours or (may is not None and school not in may) or (chosen and school not in chosen):
            continue
        if grade not in rule.grades or (choice.grades and grade not in choice.grades):
            continue
        cell = At(year, school, grade)
        for at in (cell, replace(cell, school=TOTAL), replace(cell, grade=TOTAL), At(year)):
            sums[at] = sums.get(at, 0) + count
    return Enrolled(rule, choice, sums, frozenset(found), only_lea)


def notes_on(found: Enrolled | None, years: Collection[int], tested: Mapping[int, int]) -> list[str]:
    """What a reader has to know about the numbers of enrolled students. `tested`: all tested students of a school year,
    for years whose enrolled number is shown next to it."""
    if found is None:
        return ["Enrolled students are not shown: the records do not show which students were to take this test."]
    absent = sorted(set(years) - found.years)
    notes = []
    if found.years & set(years):
        who = "English learners" if found.rule.learners else "students"
        grades = "" if found.rule.whole else " of grades 5 and 8"
        notes.append(
            f"Enrolled: {who}{grades} with an enrollment on record on May 1 of the school year. Those who"
            " took the alternate test are among them."
        )
    if absent:
        notes.append(
            f"No enrollments for {', '.join(map(year_label, absent))} are on record, so the number of enrolled students is not"
            f" shown. Import a student roster or OneRoster file with the start dates of that time."
        )
    short = [year for year in sorted(tested) if (n := found.sums.get(At(year))) is not None and n < tested[year]]
    if short:
        notes.append(
            f"In {', '.join(map(year_label, short))} more students were tested than the enrollments on record show: those of"
            f" that time are incomplete. Import a student roster that has them."
        )
    return notes


def _codes() -> dict[int, School]:
    rows = SchoolOnRecord.objects.values_list("pk", "lea__code", "code")
    return {pk: (lea.zfill(_CODE), code.zfill(_CODE)) for pk, lea, code in rows}


def _counts(rule: Rule, years: list[int], today: dt.date) -> list[tuple[int, int, str, int]]:
    """School, year, grade and students. Enrollments are read once, and grouped by equal dates before anything is
    computed."""
    if not years:
        return []
    learner, days, first, last, params = "", "", "", "", []  # type: str, str, str, str, list[object]
    if rule.learners:
        learner = f"""JOIN {ELRecord._meta.db_table} l ON l.student_id = s.student_id
            AND (l.program_status = %s OR (l.program_status = %s AND l.exit_date IS NOT NULL))"""
        days = ", l.identified_date AS since, CASE WHEN l.program_status = %s THEN l.exit_date END AS until"
        exited = ProgramStatus.EXITED.value
        params = [exited, ProgramStatus.EL.value, exited]
        first, last = f", {_spring_from('g.since')}", f", {_spring_until('g.until - 1')}"
    rows = fetch_all(
        f"""
        WITH s AS (
          SELECT e.student_id, e.school_id, e.grade, e.start_date, least(e.exit_date, lead(e.start_date) OVER w - 1) AS day
          FROM {Enrollment._meta.db_table} e
          WINDOW w AS (PARTITION BY e.student_id ORDER BY e.start_date NULLS FIRST)
        ), alike AS MATERIALIZED (
          SELECT s.school_id, s.grade, s.start_date, s.day{days}, count(*) AS n FROM s {learner}
          GROUP BY s.school_id, s.grade, s.start_date, s.day{", since, until" if days else ""}
        ), spans AS (
          SELECT g.school_id, CASE WHEN g.grade = 'KN' THEN 0 ELSE g.grade::int END - o.year AS cohort, g.n,
            greatest(CASE WHEN g.start_date IS NULL THEN o.year ELSE {_spring_from("g.start_date")} END{first}) AS first,
            least({_EVER}, {_spring_until("g.day")}{last}) AS last
          FROM alike g CROSS JOIN LATERAL (SELECT {_spring_of("least(g.day, %s::date)")} AS year) AS o
          WHERE g.grade ~ '^(KN|[0-9][0-9])$'
        )
        SELECT t.school_id, y.year, t.cohort + y.year, sum(t.n) FROM spans t
        JOIN unnest(%s::int[]) AS y(year) ON y.year BETWEEN t.first AND t.last GROUP BY 1, 2, 3
        """,
        [*params, today, years],
    )
    return [(pk, year, "KN" if grade == 0 else f"{grade:02d}", int(n)) for pk, year, grade, n in rows if grade >= 0]


def _spring_of(day: str) -> str:
    """SQL of the school year of a day: 184 days after July 1 is January 1."""
    return f"date_part('year', {day} + 184)::int"


def _spring_from(day: str) -> str:
    """SQL of the first school year whose May 1 is not before a day (244 days after May 2 is January 1); 0 without a day."""
    return f"coalesce(date_part('year', {day} + 244)::int, 0)"


def _spring_until(day: str) -> str:
    """SQL of the last school year whose May 1 is not after a day; null without a day."""
    return f"(date_part('year', {day} + 245)::int - 1)"


__all__ = ["Enrolled", "enrolled_for", "notes_on"]
