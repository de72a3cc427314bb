"""Scores for students and parents: those of assessments whose Display Options show them to families, in plain words."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from assessments.models import Assessment, Score
from assessments.pages.charts import NARROW, Chart, Point, Words, chart_of, level_range
from assessments.pages.queries import student_scores
from students.grades import grade_words
from students.models import Student


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `span`: lowest and highest score of the level reached, where the state publishes them."""

    year: str
    grade: str
    part: str
    result: str
    scored: bool
    scale: str
    raw: str
    span: tuple[int, int] | None


@dataclass(slots=True)
class Shown:
    """One assessment: its results newest first, its parts under each, and the chart of its scale scores."""

    name: str
    rows: list[Result] = field(default_factory=list)
    chart: Chart | None = None


def family_card(request: HttpRequest, student: Student) -> dict[str, Any] | None:  # noqa: ARG001
    """What the page of a family shows; None when nothing is shown."""
    scores = [score for score in student_scores(student) if _is_shown(score.assessment)]
    shown = []
    for assessment, group in groupby(scores, key=lambda score: score.assessment.parent or score.assessment):
        rows = list(group)
        own = [score for score in rows if score.assessment_id == assessment.pk]
        shown.append(Shown(_(assessment.name), [_result(score) for score in rows], _chart(assessment, own)))
    return {"assessments": shown} if shown else None


def _is_shown(assessment: Assessment) -> bool:
    """A part is shown only with its whole: hiding a test hides all of it."""
    return assessment.shown_to_families and (assessment.parent is None or assessment.parent.shown_to_families)


def _result(score: Score) -> Result:
    is_part = score.assessment.parent is not None
    named = score.result_name
    return Result(
        year=score.year_label,
        grade=grade_words(score.grade),
        part=_(score.assessment.name) if is_part else "",
        result=_(named) if named else "",
        scored=bool(named or score.scale_score or score.raw_score),
        scale=score.scale_score,
        raw=score.raw_score,
        span=None
        if is_part
        else level_range(score.assessment.state_code, score.school_year, score.grade, score.result),
    )


def _chart(assessment: Assessment, scores: list[Score]) -> Chart | None:
    points = [
        Point(score.year_label, score.school_year, score.grade, int(score.scale_score))
        for score in scores
        if score.scale_score.isdigit()
    ]
    names = {code: _(name) for code, name in assessment.result_names.items() if name}
    words = Words(
        title=_("{name}, scale scores: {told}; the table below holds the same"),
        told=_("{score} in {year}"),
        year="{year}",
        level=_("Level {level}"),
        dropped=(_("Standard "), _(" - Alternate")),
    )
    return chart_of(_(assessment.name), assessment.state_code, points, names, paper=NARROW, words=words)
