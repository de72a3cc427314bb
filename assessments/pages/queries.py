"""Reads of scores for pages and commands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from assessments.models import Score
from assessments.pages.charts import Chart, Point, chart_of, fits
from assessments.structure import edition_of, is_default_name, structure
from students.models import Student
from students.queries import show_with_student
from students.school_years import year_label


def student_scores(student: Student) -> list[Score]:
    """All scores of a student: by test, newest year first, parents before their children."""
    scores = list(Score.objects.filter(student=student).select_related("assessment", "assessment__parent"))
    return sorted(scores, key=score_order)


def series_of(score: Score) -> tuple[str, int]:
    """Equal for scores that belong together: those of one test, over all years that may be compared.

    Each of the district's own tests is a separate series.
    """
    parent = score.assessment.parent or score.assessment
    if parent.state_code not in structure()["tests"]:
        return parent.state_code, parent.pk
    return parent.state_code, edition_of(parent.state_code, score.school_year).comparable_from


def series_name(scores: Sequence[Score]) -> tuple[str, str]:
    """The name for scores of one series, newest first: that of their newest set-up, without automatically added years;
    and the school year since which the test has its current form, if it was different before."""
    newest = scores[0].assessment.parent or scores[0].assessment
    code, since = series_of(scores[0])
    if not is_default_name(newest.name, code):
        return newest.name, ""
    return str(structure()["tests"][code]["name"]), year_label(since) if since else ""


def score_order(score: Score) -> tuple[Any, ...]:
    assessment = score.assessment
    parent = assessment.parent or assessment
    code, since = series_of(score)
    return (
        parent.position,
        code,
        -since,
        -score.school_year,
        -parent.pk,
        assessment.parent_id is not None,
        assessment.position,
    )


def scores_json(student: Student) -> list[dict[str, Any]]:
    """Scores as the command `show_student` prints them."""
    return [
        {
            "assessment": score.assessment.name,
            "code": score.assessment.state_code,
            "parent": score.assessment.parent.state_code if score.assessment.parent else None,
            "school_year": year_label(score.school_year),
            "date": score.date.isoformat() if score.date else None,
            "scale_score": score.scale_score or None,
            "raw_score": score.raw_score or None,
            "result": score.result or None,
            "result_name": score.result_name or None,
            "grade": score.grade,
            "status": score.status or None,
            "error_band": score.error_band or None,
            "measure": score.measure or None,
            "uin": score.uin or None,
        }
        for score in student_scores(student)
    ]


show_with_student("scores", scores_json)


@dataclass(frozen=True, slots=True)
class ShownScore:
    """A score as the student page shows it; `children` are under their parent."""

    year: str
    name: str
    scale: str
    raw: str
    result: str
    tone: str
    date: Any
    status: str
    measure: str
    error: str
    children: tuple["ShownScore", ...] = ()
    outside: bool = False  # impossible for its test and grade
    run: int | None = None  # its source: the run that wrote it last, and the line of that run's file
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ShownTest:
    """All scores of a student on one test, newest first, with a chart of the years."""

    name: str
    chart: Chart | None
    scores: tuple[ShownScore, ...]

    @property
    def has_raw(self) -> bool:
        return any(row.raw for score in self.scores for row in (score, *score.children))


def student_tests(student: Student) -> list[ShownTest]:
    """Scores of a student by test and year, children under parents. One query."""
    return shown_tests(student_scores(student))


def shown_tests(scores: Iterable[Score]) -> list[ShownTest]:
    """Like `student_tests`, for scores already read, in the order of `student_scores`."""
    return [_shown_test(list(of_series)) for _series, of_series in groupby(scores, key=series_of)]


def _shown_test(scores: Sequence[Score]) -> ShownTest:
    """The scores of one series, newest first; each set-up and year is a row with its parts."""
    shown: list[ShownScore] = []
    for (year, _parent), group in groupby(
        scores, key=lambda s: (s.school_year, s.assessment.parent_id or s.assessment_id)
    ):
        rows = list(group)
        own = next((score for score in rows if score.assessment.parent is None), None)
        children = tuple(_shown(score) for score in rows if score is not own)
        if own is None:
            parent = rows[0].assessment.parent or rows[0].assessment
            shown.append(ShownScore(year_label(year), parent.name, "", "", "", "", None, "", "", "", children))
        else:
            shown.append(replace(_shown(own), children=children))
    name, since = series_name(scores)
    name = f"{name} since {since}" if since else name
    newest = scores[0].assessment.parent or scores[0].assessment
    names = newest.names_in(scores[0].school_year)
    return ShownTest(name, chart_of(name, newest.state_code, chart_points(scores), names), tuple(shown))


def chart_points(scores: Iterable[Score]) -> list[Point]:
    """Scale scores of whole tests for a chart: one for each year, from the newest set-up. The scores come newest
    first."""
    points: dict[int, Point] = {}
    for score in scores:
        if score.assessment.parent is None and score.scale_score.isdigit():
            year = score.school_year
            scale, ranged = int(score.scale_score), score.assessment.ranged
            points.setdefault(year, Point(year_label(year), year, score.grade, scale, ranged))
    return list(points.values())


def _shown(score: Score) -> ShownScore:
    entry = next((r for r in score.assessment.results if str(r.get("code")) == score.result), None)
    name = score.assessment.names_in(score.school_year).get(score.result, "") if entry else ""
    result = score.result if name in ("", score.result) else f"{score.result} {name}"
    return ShownScore(
        year=year_label(score.school_year),
        name=score.assessment.name,
        scale=score.scale_score,
        raw=score.raw_score,
        result=result,
        tone=_tone(score, entry),
        date=score.date,
        status=score.status,
        measure=score.measure,
        error=score.error_band,
        outside=not in_range(score),
        run=score.run_id,
        line=score.line,
    )


def in_range(score: Score) -> bool:
    """Whether the score of a whole test is possible for its test and grade, as far as ranges are published."""
    test, scale = score.assessment, score.scale_score
    if test.parent is not None or not test.ranged:
        return True
    return fits(test.state_code, score.school_year, score.grade, int(scale) if scale.isdigit() else None)


def _tone(score: Score, entry: dict[str, Any] | None) -> str:
    """Passed or not, by the passing score of the set-up, else by its results; blank if neither tells."""
    limit = score.assessment.passing_score
    if limit.isdecimal() and score.scale_score.isdecimal():
        passed = int(score.scale_score) >= int(limit)
    elif entry is None or not any(r.get("passing") for r in score.assessment.results):
        return ""
    else:
        passed = bool(entry.get("passing"))
    return "ok" if passed else "warn"


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the levels of one test are spread over the grades: rows of counts in the order of `levels`, with shares in
    percent."""

    name: str
    levels: tuple["Level", ...]
    rows: tuple["DistributionRow", ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A level at the head of a column: `sign` is its code, or its position if files use words; `band` is its color."""

    sign: str
    name: str
    band: int


@dataclass(frozen=True, slots=True)
class Share:
    """One level in one grade: `x` and `width` place it in a bar of 100."""

    level: int
    count: int
    percent: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class DistributionRow:
    grade: str
    total: int
    shares: tuple[Share, ...]


_NO_LEVEL = {"9", "NS", "E"}
_SHORT = 2


def distributions(report_facts: dict[str, Any]) -> list[Distribution]:
    """What a run imports, by test and grade, from the facts of its plan."""
    found = []
    for entry in report_facts.get("distributions") or []:
        result_names = dict(entry["results"])
        codes = [code for code in result_names if any(code in counts for counts in entry["grades"].values())]
        codes.reverse()  # lowest level first
        ranked = [code for code in reversed(result_names) if code not in _NO_LEVEL]
        if not codes:
            continue
        rows = []
        for grade in sorted(entry["grades"], key=lambda grade: (grade != "KN", grade)):
            counts = entry["grades"][grade]
            total = sum(counts.get(code, 0) for code in codes)
            shares, x = [], 0.0
            for code in codes:
                count = counts.get(code, 0)
                width = 100 * count / total if total else 0
                shares.append(Share(_band(code, ranked), count, round(width), round(x, 2), round(width, 2)))
                x += width
            rows.append(DistributionRow(grade or "none", total, tuple(shares)))
        levels = tuple(
            Level(code if len(code) <= _SHORT else str(n), result_names[code], _band(code, ranked))
            for n, code in enumerate(codes, 1)
        )
        found.append(Distribution(entry["name"], levels, tuple(rows)))
    return found


def _band(code: str, ranked: list[str]) -> int:
    """The color band of a level: 1 for the lowest, at most 4; 0 if it is not a level."""
    return min(ranked.index(code) + 1, 4) if code in ranked else 0
