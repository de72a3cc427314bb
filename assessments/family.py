"""Scores for students and parents: those of assessments whose Display Options show them to families, in plain words."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.http import HttpRequest

from assessments.models import Assessment, Score
from assessments.queries import student_scores
from students.models import Student

WIDTH, HEIGHT, MARGIN = 360, 120, 36


@dataclass(frozen=True, slots=True)
class Chart:
    """Scale scores over the years, as numbers for an inline SVG: (x, y, score, year) and a polyline."""

    points: str
    dots: list[tuple[str, str, str, str]]
    said: str


@dataclass(slots=True)
class Shown:
    """One assessment: its scores newest first, its children's beside them, and the chart when there are two or more."""

    name: str
    rows: list[Score] = field(default_factory=list)
    chart: Chart | None = None


def family_card(request: HttpRequest, student: Student) -> dict[str, Any] | None:  # noqa: ARG001
    """What the page of a family shows; None when nothing is shown."""
    scores = [score for score in student_scores(student) if _is_shown(score.assessment)]
    shown = []
    for assessment, group in groupby(scores, key=lambda score: score.assessment.parent or score.assessment):
        rows = list(group)
        shown.append(Shown(assessment.name, rows, _chart([s for s in rows if s.assessment_id == assessment.pk])))
    return {"assessments": shown} if shown else None


def _is_shown(assessment: Assessment) -> bool:
    """A part is shown only with its whole: hiding a test hides all of it."""
    return assessment.shown_to_families and (assessment.parent is None or assessment.parent.shown_to_families)


def _chart(scores: list[Score]) -> Chart | None:
    known = sorted((s.school_year, int(s.scale_score)) for s in scores if s.scale_score.isdigit())
    if len(known) < 2:
        return None
    years, values = [y for y, _v in known], [v for _y, v in known]
    span, spread = max(years[-1] - years[0], 1), max(max(values) - min(values), 1)
    dots = [
        (
            f"{MARGIN + (WIDTH - 2 * MARGIN) * (year - years[0]) / span:.1f}",
            f"{MARGIN + (HEIGHT - 2 * MARGIN) * (max(values) - value) / spread:.1f}",
            str(value),
            f"{year - 1}-{year % 100:02d}",
        )
        for year, value in known
    ]
    said = ", ".join(f"{year}: {value}" for _x, _y, value, year in dots)
    return Chart(points=" ".join(f"{x},{y}" for x, y, _v, _t in dots), dots=dots, said=said)
