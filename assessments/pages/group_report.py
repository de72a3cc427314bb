"""The group report: scores of students whom a teacher or principal picks by school, grade or a pasted list of local numbers."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import CharField, Func, QuerySet, Value
from django.db.models.functions import Upper

from assessments.models import Score
from assessments.pages.queries import score_order, series_name, series_of
from assessments.pages.side_by_side import Grid, grid_of
from students.missing import enrolled_today
from students.models import Student
from students.school_years import year_label

MOST_PAGES, MOST_ROWS = 200, 2_000  # students: one page each, or in one table
_SEPARATORS = re.compile(r"[\s,;]+")
_LONGEST = 16  # characters of a local number


class NotPickedError(Exception):
    """No students, or too many, were picked; the text says what to do."""


@dataclass(frozen=True)
class Picked:
    """Students in name order. `notes`: what happened to pasted numbers."""

    students: list[Student]
    notes: list[str] = field(default_factory=list)


def pick(visible: QuerySet[Student], *, school: int | None, grade: str, numbers: str, most: int) -> Picked:
    """From the students that the user may see: those with the pasted numbers, else those of a school or grade who are
    enrolled today. With numbers, school and grade limit them further. Raises NotPickedError."""
    wanted = list(dict.fromkeys(number.upper() for number in _SEPARATORS.split(numbers.strip()) if number))
    if not (wanted or school or grade):
        raise NotPickedError("Choose a school or a grade, or paste local numbers.")
    if len(wanted) > MOST_ROWS:
        raise NotPickedError(
            f"{len(wanted):,} numbers were pasted; a report can have up to {MOST_ROWS:,}. Paste fewer."
        )
    found, notes = (visible, []) if not wanted else _by_numbers(visible, wanted)
    if school:
        found = found.filter(school=school)
    if grade:
        found = found.filter(grade=grade)
    if not wanted:
        found = enrolled_today(found)
    ordered = found.select_related("school").order_by("last_key", "first_key", "pk")
    students = list(ordered[: most + 1])
    if len(students) > most:
        raise NotPickedError(f"More than {most:,} students: {_narrower(school, grade, most)}")
    if not students:
        raise NotPickedError(" ".join(["No students of your schools are selected.", *notes]))
    return Picked(students, notes)


def _narrower(school: int | None, grade: str, most: int) -> str:
    ways = ["choose a school"] if not school else []
    ways += ["choose a grade"] if not grade else []
    ways += ["choose one table instead of a page for each student"] if most == MOST_PAGES else []
    return " or ".join([*ways, "paste fewer local numbers"]) + "."


def _by_numbers(visible: QuerySet[Student], wanted: Sequence[str]) -> tuple[QuerySet[Student], list[str]]:
    """Students with these numbers. A number that lost its zeros in a spreadsheet means the only student it fits."""
    numbered = visible.annotate(number=Upper("local_number"))
    held = set(numbered.filter(number__in=wanted).values_list("number", flat=True))
    missing = [number for number in wanted if number not in held and len(number) <= _LONGEST]
    short = {number.lstrip("0"): number for number in missing if number.isdigit() and number.lstrip("0")}
    fits: dict[str, list[int]] = {}
    if short:
        bare = visible.annotate(
            bare=Func("local_number", Value("0"), function="ltrim", output_field=CharField())
        ).filter(bare__in=list(short))
        for pk, number in bare.values_list("pk", "bare"):
            fits.setdefault(str(number), []).append(pk)
    guessed = {short[number]: pks[0] for number, pks in fits.items() if len(pks) == 1}
    gone = [number for number in wanted if number not in held and number not in guessed]
    notes = []
    if guessed:
        notes.append(f"Leading zeros were added or left out for {', '.join(_listed(guessed))}.")
    if gone:
        notes.append(f"No student in your schools has {', '.join(_listed(gone))}.")
    exact = numbered.filter(number__in=held).values("pk")
    return visible.filter(pk__in=exact) | visible.filter(pk__in=list(guessed.values())), notes


def _listed(numbers: Collection[str], most: int = 20) -> list[str]:
    shown = [number[:_LONGEST] for number in list(numbers)[:most]]
    return [*shown, f"{len(numbers) - most:,} more"] if len(numbers) > most else shown


# ---- what is shown about them ----


def scores_of(students: Iterable[Student], *, parts: bool) -> dict[int, list[Score]]:
    """Scores by student; `parts`: also those of parts of tests. One query."""
    scores = Score.objects.filter(student__in=[one.pk for one in students]).select_related(
        "assessment", "assessment__parent"
    )
    if not parts:
        scores = scores.filter(assessment__parent__isnull=True)
    found: dict[int, list[Score]] = {}
    for score in scores.defer("as_tested", "assessment__comments", "assessment__parent__comments"):
        found.setdefault(score.student_id, []).append(score)
    return found


def pages(students: Sequence[Student]) -> list[tuple[Student, Grid]]:
    """Each student with the scores of all years side by side."""
    scores = scores_of(students, parts=True)
    return [(one, grid_of(scores.get(one.pk, ()))) for one in students]


@dataclass(frozen=True)
class Table:
    """Students as rows; columns are tests, and under each its school years, oldest first. Cells: scale score and level."""

    tests: list[tuple[str, list[str]]]
    rows: list[tuple[Student, list[tuple[str, str]]]]

    @property
    def columns(self) -> list[str]:
        return [f"{name} {year}" for name, years in self.tests for year in years]


def table(students: Sequence[Student], *, years: int | None) -> Table:
    """`years`: how many of the newest years of each test; None: all."""
    scores = scores_of(students, parts=False)
    every = sorted((score for of_one in scores.values() for score in of_one), key=score_order)
    columns: list[tuple[tuple[str, int], int]] = []
    tests = []
    for series, group in groupby(every, key=series_of):
        of_series = list(group)
        name, since = series_name(of_series)
        kept = sorted({score.school_year for score in of_series}, reverse=True)[:years]
        columns += [(series, year) for year in reversed(kept)]
        tests.append((f"{name} since {since}" if since else name, [year_label(year) for year in reversed(kept)]))
    rows = []
    for one in students:
        held: dict[Any, tuple[str, str]] = {}
        for score in sorted(scores.get(one.pk, ()), key=score_order):
            held.setdefault((series_of(score), score.school_year), (score.scale_score, _level(score)))
        rows.append((one, [held.get(column, ("", "")) for column in columns]))
    return Table(tests, rows)


def _level(score: Score) -> str:
    name = score.result_name
    return score.result if name in ("", score.result) else f"{score.result} {name}"
