"""Scores for students and parents: those of assessments whose Display Options show them to families, in plain words."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from assessments.models import Score
from assessments.pages.charts import NARROW, Chart, Words, chart_of, level_range
from assessments.pages.level_words import Meaning, meanings_of
from assessments.pages.queries import chart_points, in_range, series_name, series_of, student_scores
from assessments.showing import Switches, is_shown, switches
from students.grades import grade_words
from students.models import Student


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `span`: lowest and highest score of the level reached, if the state publishes them."""

    year: str
    grade: str
    part: str
    result: str
    scored: bool
    scale: str
    raw: str
    span: tuple[int, int] | None
    doubtful: bool = False  # the score is impossible for its test and grade: no level is shown


@dataclass(slots=True)
class Shown:
    """One assessment: its results newest first, its parts under each, and the chart of its scale scores."""

    name: str
    rows: list[Result] = field(default_factory=list)
    chart: Chart | None = None
    about: str = ""
    meanings: tuple[Meaning, ...] = ()
    line: "Sparkline | None" = None

    @property
    def newest(self) -> Result:
        """The newest result of the whole test, or of a part if there is none."""
        return next((row for row in self.rows if not row.part), self.rows[0])

    @property
    def tables(self) -> list[tuple[bool, list[Result]]]:
        """The rows of whole tests, then those of parts, which the page folds if there are whole ones."""
        whole, parts = [row for row in self.rows if not row.part], [row for row in self.rows if row.part]
        return [(folded, rows) for folded, rows in ((False, whole), (bool(whole), parts)) if rows]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Scale scores over the years as one small line. `said`: the same in words."""

    width: int
    height: int
    points: str
    last: tuple[int, int]
    said: str


def family_card(request: HttpRequest, student: Student) -> dict[str, Any] | None:  # noqa: ARG001
    """What a family's page shows, and whether there are results that the school does not show yet; None without
    results."""
    return card_of(student, switches())


def card_of(student: Student, switched: Switches) -> dict[str, Any] | None:
    """Like `family_card`, with the given switches: a preview changes one."""
    found = list(student_scores(student))
    scores = [score for score in found if is_shown(score, switched)]
    shown = []
    for _series, group in groupby(scores, key=series_of):
        rows = list(group)
        name, newest = _translated_name(rows), rows[0]
        about, meanings = meanings_of(newest)
        shown.append(
            Shown(name, [_result(score) for score in rows], _chart(name, rows), about, meanings, _sparkline(rows))
        )
    return {"assessments": shown, "waits": len(scores) < len(found)} if found else None


def _sparkline(scores: list[Score]) -> Sparkline | None:
    """The line for two or more years, oldest first."""
    points = chart_points([score for score in scores if in_range(score)])[::-1]
    if len(points) < 2:
        return None
    width, height, edge = 120, 32, 4
    lowest, highest = min(p.score for p in points), max(p.score for p in points)
    step = (width - 2 * edge) / (len(points) - 1)
    drop = (height - 2 * edge) / max(highest - lowest, 1)
    places = [(round(edge + n * step), round(edge + (highest - p.score) * drop)) for n, p in enumerate(points)]
    description = ", ".join(_("{score} in {year}").format(score=p.score, year=p.label) for p in points)
    return Sparkline(width, height, " ".join(f"{x},{y}" for x, y in places), places[-1], description)


def _translated_name(scores: list[Score]) -> str:
    """The name of a series in the reader's language."""
    name, since = series_name(scores)
    return _("{name} since {year}").format(name=_(name), year=since) if since else _(name)


def _result(score: Score) -> Result:
    is_part = score.assessment.parent is not None
    doubtful = not in_range(score)
    named = "" if doubtful else score.result_name
    return Result(
        year=score.year_label,
        grade=grade_words(score.grade),
        part=_(score.assessment.name) if is_part else "",
        result=_(named) if named else "",
        scored=bool(named or score.scale_score or score.raw_score),
        scale=score.scale_score,
        raw=score.raw_score,
        doubtful=doubtful,
        span=None
        if is_part or doubtful or not score.assessment.ranged
        else level_range(score.assessment.state_code, score.school_year, score.grade, score.result),
    )


def _chart(name: str, scores: list[Score]) -> Chart | None:
    newest = scores[0].assessment.parent or scores[0].assessment
    names = {code: _(level) for code, level in newest.names_in(scores[0].school_year).items() if level}
    words = Words(
        title=_("{name}, scale scores: {points}; the table below has the same data"),
        entry=_("{score} in {year}"),
        year="{year}",
        level=_("Level {level}"),
        dropped=(_("Standard "), _(" - Alternate")),
    )
    points = chart_points([score for score in scores if in_range(score)])
    return chart_of(name, newest.state_code, points, names, paper=NARROW, words=words)
