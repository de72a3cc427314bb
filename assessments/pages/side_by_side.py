"""A student's scores side by side: assessments as rows, school years as columns. For the student page and the group report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from assessments.models import Score
from assessments.pages.queries import in_range, score_order, series_name, series_of
from assessments.results import cuts
from assessments.results.shapes import grade_label
from students.school_years import year_label


@dataclass(frozen=True, slots=True)
class Cell:
    """A score in its year. `above`: points above (or below) the standard of its test, year and grade."""

    scale: str
    result: str
    raw: str
    grade: str
    status: str
    above: int | None
    outside: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An assessment. `cells` are in year order, None if it was not taken."""

    name: str
    is_part: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """`years` by their spring, oldest first. `notes`: why one test has two rows, or levels have two names."""

    years: tuple[int, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        return [year_label(year) for year in self.years]


def grid_of(scores: Iterable[Score], *, parts: bool = True) -> Grid:
    """Scores of one student. Years whose tests cannot be compared get separate rows; `parts`: include parts of
    tests."""
    ordered = sorted(scores, key=score_order)
    years = tuple(sorted({score.school_year for score in ordered}))
    lines: list[Line] = []
    notes: list[str] = []
    for _series, group in groupby(ordered, key=series_of):
        of_series = list(group)
        name, since = series_name(of_series)
        if since:
            notes.append(f"{name} has been a different test since {since}: its scores have their own row.")
        lines += _lines(f"{name} since {since}" if since else name, of_series, years, parts=parts)
        notes += _names_of_levels(name, of_series)
        notes += _moved_standards(name, of_series)
    return Grid(years, tuple(lines), tuple(notes))


def _lines(name: str, scores: Sequence[Score], years: Sequence[int], *, parts: bool) -> list[Line]:
    """The rows of a series, whose scores come newest first: the test, then its parts in order."""
    held: dict[tuple[int, str], dict[int, Score]] = {}
    names: dict[tuple[int, str], str] = {}
    for score in scores:
        assessment = score.assessment
        if assessment.parent_id is not None and not parts:
            continue
        key = (0, "") if assessment.parent_id is None else (1 + assessment.position, assessment.state_code)
        held.setdefault(key, {}).setdefault(score.school_year, score)  # of two set-ups the first one
        names.setdefault(key, assessment.name if assessment.parent_id else name)
    held.setdefault((0, ""), {})
    names.setdefault((0, ""), name)
    return [Line(names[key], key[0] > 0, tuple(_cell(held[key].get(year)) for year in years)) for key in sorted(held)]


def _cell(score: Score | None) -> Cell | None:
    if score is None:
        return None
    name = score.result_name
    result = score.result if name in ("", score.result) else f"{score.result} {name}"
    return Cell(
        score.scale_score, result, score.raw_score, score.grade, score.status, points_above(score), not in_range(score)
    )


def points_above(score: Score) -> int | None:
    """Points above the standard of the score's own year and grade; None if none is published."""
    test = score.assessment
    if test.parent_id is not None or not test.ranged or not score.scale_score.isdigit() or not in_range(score):
        return None
    cut = cuts.standard_of(test.state_code, score.school_year, score.grade)
    return None if cut is None else int(score.scale_score) - cut


def _names_of_levels(name: str, scores: Sequence[Score]) -> list[str]:
    """A note if the levels of a test have different names in one of the years shown side by side."""
    tests = {
        score.school_year: score for score in reversed(scores) if score.assessment.parent_id is None and score.result
    }
    found = []
    earlier: dict[str, str] | None = None
    for year in sorted(tests):
        names = tests[year].assessment.names_in(year)
        if earlier is not None and names != earlier:
            levels = ", ".join(names[code] for code in names if names[code] not in earlier.values())
            if levels:
                found.append(f"{name}: levels have had other names since {year_label(year)} ({levels}).")
        earlier = names
    return found


def _moved_standards(name: str, scores: Sequence[Score]) -> list[str]:
    """A note if the standard of a grade that the student was in differs from the year before."""
    tests = {score.school_year: score for score in reversed(scores) if score.assessment.parent_id is None}
    found = []
    for before, year in pairwise(sorted(tests)):
        code, grade = tests[year].assessment.state_code, tests[year].grade
        was, now = (cuts.standard_of(code, one, grade) for one in (before, year))
        if was is not None and now is not None and was != now:
            found.append(
                f"{name}: the score that meets the standard of {grade_label(grade).lower()} changed from {was} in"
                f" {year_label(before)} to {now} in {year_label(year)}."
            )
    return found
